"""Work over HTTP: taking, saving, submitting, judging."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from labelwright.services import access, identity
from tests.api.conftest import Floor, Person
from tests.support.work import a_job

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}


@dataclass
class Crew:
    """A project with work in it, and the people who do it."""

    project: str
    tasks: list[str]
    bob: Person
    ben: Person
    rita: Person


@pytest.fixture
def crew(floor: Floor, owner: Person) -> Crew:
    project = owner.api.post("/api/v1/projects", json={"name": "Streets", "classes": [{"name": "car"}]}).json()["uid"]
    with floor.database.write() as session:
        actor = identity.by_key(session, owner.key)
        _, tasks = a_job(session, actor, access.project(session, actor, project), 3)
        uids = [str(task.uid) for task in tasks]
    people = [floor.member(owner, f"{name}@example.org", role) for name, role in
              (("bob", "annotator"), ("ben", "annotator"), ("rita", "reviewer"))]  # fmt: skip
    return Crew(project, uids, *people)


def take(person: Person, **asked: Any) -> dict[str, Any]:
    """Take the next task and open it."""
    answer = person.api.post("/api/v1/tasks/next", json=asked)
    assert answer.status_code == 200, answer.text
    work = person.api.get(f"/api/v1/tasks/{answer.json()['task']}/work")
    assert work.status_code == 200, work.text
    return work.json()


def save(person: Person, work: dict[str, Any], number: int, base: int) -> Any:
    put = [{"id": number, "class": "car", "shape": BOX}]
    body = {"base": base, "save_id": str(uuid.uuid4()), "lease": work["task"]["lease"], "put": put}
    return person.api.patch(f"/api/v1/items/{work['item']['uid']}/document", json=body)


def do(person: Person, work: dict[str, Any], verb: str, **body: Any) -> Any:
    return person.api.post(f"/api/v1/tasks/{work['task']['uid']}/{verb}", json={"lease": work["task"]["lease"], **body})


def test_the_whole_walk(owner: Person, crew: Crew) -> None:
    work = take(crew.bob, project=crew.project)
    assert (work["task"]["uid"], work["task"]["position"], work["task"]["total"]) == (crew.tasks[0], 1, 3)
    assert work["can"] == {"edit": True, "submit": True, "review": False, "lock": False}
    assert [c["name"] for c in work["ontology"]["classes"]] == ["car"]
    assert work["document"]["version"] == 0
    assert take(crew.ben)["task"]["uid"] == crew.tasks[1]
    assert save(crew.bob, work, 1, 0).json()["version"] == 1
    beat = do(crew.bob, work, "heartbeat", seconds=0.5).json()
    assert beat["lease"] == work["task"]["lease"]
    done = do(crew.bob, work, "submit", next=True).json()
    assert (done["task"]["stage"], done["task"]["state"], done["next"]) == ("review", "open", crew.tasks[2])
    assert (save(crew.bob, work, 2, 1).status_code) == 409

    review = take(crew.rita, stage="review")
    assert review["task"]["author"]["email"] == "bob@example.org"
    assert review["can"] == {"edit": True, "submit": False, "review": True, "lock": True}
    assert do(crew.rita, review, "reject", reason="").status_code == 422
    rejected = do(crew.rita, review, "reject", reason="Loose outline", comment="see left").json()
    assert (rejected["task"]["stage"], rejected["task"]["assignee"]["email"]) == ("label", "bob@example.org")

    crew.bob.api.post(f"/api/v1/tasks/{crew.tasks[2]}/release", json={"lease": take(crew.bob)["task"]["lease"]})
    again = take(crew.bob)
    assert (again["task"]["uid"], again["task"]["returned"]) == (crew.tasks[0], 1)
    assert [(c["reason"], c["body"]) for c in again["comments"]] == [("Loose outline", "see left")]
    save(crew.bob, again, 2, 1)
    do(crew.bob, again, "submit")
    last = take(crew.rita)
    save(crew.rita, last, 3, 2)
    accepted = do(crew.rita, last, "accept").json()["task"]
    assert (accepted["stage"], accepted["state"], accepted["verdict"]) == ("end", "done", "accepted")
    objects = owner.api.get(f"/api/v1/items/{last['item']['uid']}/document").json()["objects"]
    assert [o["id"] for o in objects] == [1, 2, 3]
    kinds = [e["kind"] for e in owner.api.get(f"/api/v1/events?item={last['item']['uid']}").json()["results"]]
    assert kinds.count("task.submitted") == 2
    assert "task.rejected" in kinds
    assert "task.completed" in kinds


def test_nothing_left(floor: Floor, owner: Person, crew: Crew) -> None:
    assert crew.rita.api.post("/api/v1/tasks/next", json={"stage": "review"}).status_code == 204
    assert crew.rita.api.post("/api/v1/tasks/next").status_code == 200
    viewer = floor.member(owner, "vera@example.org", "viewer")
    assert viewer.api.post("/api/v1/tasks/next", json={}).status_code == 204
    assert viewer.api.get(f"/api/v1/tasks/{crew.tasks[1]}/work").json()["can"]["edit"] is False
    assert viewer.api.post(f"/api/v1/tasks/{crew.tasks[1]}/claim").status_code == 403


def test_one_holder(crew: Crew) -> None:
    work = crew.bob.api.post(f"/api/v1/tasks/{crew.tasks[2]}/claim").json()
    assert len(work["task"]["lease"]) > 10
    refused = crew.ben.api.post(f"/api/v1/tasks/{crew.tasks[2]}/claim")
    assert (refused.status_code, refused.json()["code"], refused.json()["holder"]) == (409, "task_held", "bob")
    seen = crew.ben.api.get(f"/api/v1/tasks/{crew.tasks[2]}/work").json()
    assert (seen["task"]["lease"], seen["task"]["holder"]["name"]) == (None, "bob")
    stolen = do(crew.ben, work, "submit")
    assert (stolen.status_code, stolen.json()["code"]) == (409, "lease_lost")
    assert do(crew.bob, work, "heartbeat", seconds=-1).status_code == 422
    assert do(crew.bob, work, "heartbeat", seconds=True).status_code == 422


def test_skipping_and_reopening(owner: Person, crew: Crew) -> None:
    work = take(crew.bob)
    skipped = do(crew.bob, work, "skip", reason="too dark").json()
    assert (skipped["state"], skipped["skip_reason"]) == ("skipped", "too dark")
    address = f"/api/v1/tasks/{work['task']['uid']}"
    assert crew.bob.api.post(f"{address}/reopen").status_code == 403
    assert owner.api.post(f"{address}/reopen").json()["state"] == "open"
    changed = owner.api.patch(address, json={"priority": 50, "assignee": crew.ben.uid}).json()
    assert (changed["priority"], changed["assignee"]["email"]) == (50, "ben@example.org")
    assert take(crew.ben)["task"]["uid"] == work["task"]["uid"]


def test_verdicts_on_many(crew: Crew) -> None:
    for _ in range(2):
        do(crew.bob, take(crew.bob), "submit")
    asked = {"tasks": crew.tasks, "reason": "Wrong class"}
    rejected = crew.rita.api.post("/api/v1/tasks/reject", json=asked).json()["results"]
    assert [r["error"] is None for r in rejected] == [True, True, False]
    assert "not under review" in rejected[2]["error"]
    for _ in range(2):
        do(crew.bob, take(crew.bob), "submit")
    accepted = crew.rita.api.post("/api/v1/tasks/accept", json={"tasks": crew.tasks[:2]}).json()["results"]
    assert [r["error"] for r in accepted] == [None, None]
