"""People and scripts at work against running servers, who remember what was acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.support.processes import LiveServer

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}
CORNERS = [{"x": 0.1, "y": 0.2}, {"x": 0.5, "y": 0.2}, {"x": 0.5, "y": 0.6}, {"x": 0.1, "y": 0.6}]


class Gone(Exception):
    """Nobody answered in time."""


@dataclass
class Caller:
    """Calls whichever of the servers answers, as a client behind a load balancer; tries again when one is gone."""

    ports: list[int]
    key: str
    retries: int = 0

    def call(self, method: str, path: str, body: Any = None, seconds: float = 60) -> tuple[int, Any]:
        """Status and decoded body. A request that broke off is sent again, so it may take effect twice or once."""
        deadline = time.monotonic() + seconds
        payload = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.key}", "x-api-key": self.key, "Content-Type": "application/json"}
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", random.choice(self.ports), timeout=30)
            try:
                connection.request(method, path, payload, headers)
                answer = connection.getresponse()
                raw = answer.read()
                return answer.status, json.loads(raw) if raw else None
            except (OSError, http.client.HTTPException):
                self.retries += 1
                time.sleep(0.05)
            finally:
                connection.close()
        raise Gone(path)


@dataclass
class Floor:
    """A project, its script, annotators and a reviewer, all working until `stop` is set."""

    server: LiveServer
    ports: list[int]
    project: str
    keys: dict[str, str]
    pictures: str = "https://images.example.org/"
    stop: threading.Event = field(default_factory=threading.Event)
    filed: dict[str, str] = field(default_factory=dict)
    saved: dict[tuple[str, int], str] = field(default_factory=dict)
    submitted: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many answers were a success so far."""
        return len(self.filed) + len(self.saved) + len(self.submitted) + len(self.accepted) + len(self.rejected)

    def start(self) -> None:
        """Everybody begins."""
        for name, work in (("script", self._file), ("ann", self._label), ("ben", self._label), ("rita", self._review)):
            thread = threading.Thread(target=self._guarded, args=(work, Caller(self.ports, self.keys[name])), name=name)
            self.threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Everybody ends what they do."""
        self.stop.set()
        for thread in self.threads:
            thread.join(90)
        assert not self.failures, self.failures

    def wait_for(self, more: int, seconds: float = 90) -> None:
        """Return when so many further answers were successes."""
        goal, deadline = self.acknowledged + more, time.monotonic() + seconds
        while self.acknowledged < goal:
            assert time.monotonic() < deadline, f"only {self.acknowledged} of {goal} acknowledged; {self.failures}"
            assert not self.failures, self.failures
            time.sleep(0.02)

    def _guarded(self, work: Any, caller: Caller) -> None:
        try:
            number = 0
            while not self.stop.is_set():
                work(caller, number)
                number += 1
        except Exception as error:
            self.failures.append(f"{threading.current_thread().name}: {type(error).__name__}: {error}")

    def _file(self, caller: Caller, number: int) -> None:
        """File a job through the Playment facade."""
        label = {"_id": f"b{number}", "label": "car", "attributes": {}, "coordinates": CORNERS, "state": "editable"}
        data = {
            "image_url": f"{self.pictures}{number}.png",
            "maker_response": {"rectangles": {"type": "rectangles", "data": [label]}},
        }
        body = {"reference_id": f"ref-{number}", "tag": "Label and review", "data": data}
        status, answer = caller.call("POST", f"/v1/projects/{self.project}/jobs", body)
        if status == 200:
            self.filed[f"ref-{number}"] = answer["data"]["job_id"]
        else:
            # It was filed by a try whose answer never came: the reference is taken, the labels are there.
            assert answer["error"]["code"] == "FS_0001", answer
            self.filed[f"ref-{number}"] = ""

    def _open(self, caller: Caller, stage: str) -> dict[str, Any] | None:
        status, answer = caller.call("POST", "/api/v1/tasks/next", {"project": self.project, "stage": stage})
        if status == 204:
            time.sleep(0.1)
            return None
        assert status == 200, answer
        status, work = caller.call("GET", f"/api/v1/tasks/{answer['task']}/work")
        assert status == 200, work
        return work if work["task"]["lease"] else None

    def _label(self, caller: Caller, number: int) -> None:
        """Take a task, add a box in one save and move it in another, submit."""
        work = self._open(caller, "label")
        if work is None:
            return
        item, lease, base = work["item"]["uid"], work["task"]["lease"], work["document"]["version"]
        box_id = max([o["id"] for o in work["document"]["objects"]], default=0) + 1
        for x in (0.2, 0.3):
            box = {"type": "rectangle", "box": [x, 0.1, 0.9, round(0.5 + random.random() / 3, 6)]}
            put = [{"id": box_id, "class": "car", "shape": box}]
            body = {"base": base, "save_id": str(uuid.uuid4()), "lease": lease, "put": put}
            status, answer = caller.call("PATCH", f"/api/v1/items/{item}/document", body)
            assert status == 200, (status, answer)
            self.saved[item, answer["version"]] = json.dumps(box)
            base = answer["version"]
        self._verdict(caller, work, "submit", {}, self.submitted)

    def _review(self, caller: Caller, number: int) -> None:
        """Accept, but send every fourth back once."""
        work = self._open(caller, "review")
        if work is None:
            return
        if number % 4 == 0 and not work["task"]["returned"]:
            self._verdict(caller, work, "reject", {"reason": "Wrong class", "comment": "look again"}, self.rejected)
        else:
            self._verdict(caller, work, "accept", {}, self.accepted)

    def _verdict(self, caller: Caller, work: dict[str, Any], verb: str, more: dict[str, Any], kept: set[str]) -> None:
        task = work["task"]["uid"]
        before = caller.retries
        status, answer = caller.call("POST", f"/api/v1/tasks/{task}/{verb}", {"lease": work["task"]["lease"], **more})
        # A repeated verdict whose first try took effect is refused: the task is not held any more.
        assert status == 200 or (status == 409 and caller.retries > before), (verb, status, answer)
        if status == 200:
            kept.add(task)
