"""A project to hold jobs over: datasets with images, people of a team, and scripts that begin with both at hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from labelwright.db import Database
from labelwright.models.items import Item
from labelwright.models.projects import Batch
from tests.vendors.supervisely.conftest import Bench

BEGIN = """
J, Q, S = api.labeling_job, api.labeling_queue, api.labeling_job.Status
PROJECT, DATASET = int(sys.argv[1]), int(sys.argv[2])
USERS = json.loads(sys.argv[3])
images = [int(i) for i in json.loads(sys.argv[4])]
def job(name="job", users=("ann",), **options):
    return J.create(name, DATASET, [USERS[u] for u in users], **options)
def states(job_id):
    return [e["reviewStatus"] for e in J.get_info_by_id(job_id).entities]
"""
ROLES = {"ann": 3, "ben": 3, "rita": 5}


@dataclass
class Floor:
    """One project with a dataset, and people: Ann and Ben annotate, Rita reviews."""

    bench: Bench
    project: int
    dataset: int
    users: dict[str, int]
    logins: dict[str, str]
    images: list[int]

    def script(self, code: str, **environment: str) -> Any:
        """Run a script after `BEGIN`; what it answers."""
        arguments = (self.project, self.dataset, json.dumps(self.users), json.dumps(self.images))
        return self.bench.script(BEGIN + code, *arguments, **environment)

    def save(self, image: int, key: str = "", **change: Any) -> None:
        """Save labels of an image through our own API, as its manager."""
        with writing(self.bench) as session:
            uid = session.get_one(Item, image).uid
        path = f"/api/v1/items/{uid}/document"
        base = self.bench.server.request("GET", path, None, self.bench.key)[1]["version"]
        body = {"base": base, "save_id": str(uuid.uuid4()), "put": [], "delete": [], **change}
        status, answer = self.bench.server.request("PATCH", path, body, key or self.bench.key)
        assert status == 200, answer

    def key(self, name: str) -> str:
        """An API key of one of the people."""
        made = self.bench.server.cli("key", "create", "--user", self.logins[name], "--name", f"Key {uuid.uuid4()}")
        return made["api_key"]

    def next(self, name: str, key: str) -> Any:
        """The next task that our own API hands a person, opened; None when there is none."""
        status, body = self.bench.server.request("POST", "/api/v1/tasks/next", {}, key)
        if status == 204:
            return None
        assert status == 200, body
        return self.work(body["task"], key)

    def work(self, task: str, key: str) -> dict[str, Any]:
        """A task, opened."""
        status, body = self.bench.server.request("GET", f"/api/v1/tasks/{task}/work", None, key)
        assert status == 200, body
        return body

    def act(self, work: dict[str, Any], verb: str, key: str, **body: Any) -> tuple[int, Any]:
        """Submit, accept, reject, release a task that is held."""
        task = work["task"]
        return self.bench.server.request(
            "POST", f"/api/v1/tasks/{task['uid']}/{verb}", {"lease": task["lease"], **body}, key
        )


def make(bench: Bench, images: int = 6, kind: str = "images") -> Floor:
    """A new project with classes and tags, a dataset of so many images, and three people."""
    mark = uuid.uuid4().hex[:8]
    project = bench.ask("projects.add", {"name": f"fruits {mark}", "workspaceId": bench.workspace, "type": kind})["id"]
    tags = [
        {"name": "size", "value_type": "oneof_string", "values": ["small", "large"], "color": "#00FF00"},
        {"name": "origin", "value_type": "any_string", "color": "#0000FF"},
    ]
    classes = [{"title": name, "shape": "any", "color": "#D0021B"} for name in ("lemon", "kiwi")]
    bench.ask("projects.meta.update", {"id": project, "meta": {"classes": classes, "tags": tags}})
    dataset = bench.ask("datasets.add", {"projectId": project, "name": "ds1", "parentId": None})["id"]
    users, logins = {}, {}
    for name, role in ROLES.items():
        logins[name] = f"{name}_{mark}"
        body = {"login": logins[name], "password": "11111abc", "isRestricted": True, "name": name, "email": ""}
        users[name] = bench.ask("users.add", body)["userId"]
        bench.ask("members.add", {"login": logins[name], "teamId": bench.team, "roleId": role})
    return Floor(bench, project, dataset, users, logins, fill(bench, dataset, images, kind))


def fill(bench: Bench, dataset: int, count: int, kind: str = "images") -> list[int]:
    """Plain items in a dataset whose files do not matter; their ids."""
    with writing(bench) as session:
        batch = session.get_one(Batch, dataset)
        row = {"project_id": batch.project_id, "batch_id": batch.id, "kind": kind[:-1], "media_state": "ready",
               "width": 640, "height": 480}  # fmt: skip
        if count:
            session.execute(insert(Item), [{**row, "name": f"IMG_{n:04}.jpeg"} for n in range(count)])
        return list(session.scalars(select(Item.id).where(Item.batch_id == dataset).order_by(Item.id)))


@contextmanager
def writing(bench: Bench) -> Iterator[Session]:
    """A transaction on the server's database."""
    database = Database(str(bench.server.settings["database_url"]))
    try:
        with database.write() as session:
            yield session
    finally:
        database.close()
