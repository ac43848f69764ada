"""Another team's ids answer as if they did not exist: for every route of the API, from its own description."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from labelwright.models.events import Event
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from tests.api.conftest import Floor, Person

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}
# The smallest body that passes as a form, for operations whose form must have something in it.
BODIES: dict[str, Any] = {
    "change_team": {"name": "x"},
    "add_member": {"email": "x@example.org", "role": "viewer"},
    "change_member": {"role": "viewer"},
    "create_class": {"name": "x"},
    "create_attribute": {"name": "x"},
    "create_workflow": {"name": "x"},
    "create_batch": {"name": "x"},
    "create_job": {"name": "x"},
    "create_item": {"url": "https://example.org/x.jpg"},
    "heartbeat": {"lease": "x"},
    "release_task": {"lease": "x"},
    "skip_task": {"lease": "x", "reason": "x"},
    "submit_task": {"lease": "x"},
    "accept_task": {"lease": "x"},
    "reject_task": {"lease": "x", "reason": "x"},
    "save_document": {"base": 0, "save_id": str(uuid.uuid4())},
    "replace_document": {"objects": []},
    "restore_document": {"version": 1},
    "add_comment": {"body": "x"},
    "change_comment": {"resolved": True},
    "create_export": {"format": "coco"},
    "add_to_dataset": {"which": "all"},
    "split_dataset": {"train": 100, "valid": 0, "test": 0},
    "find_outline": {"start": [0.1, 0.1], "end": [0.2, 0.2]},
    "cut_out": {"box": [0.1, 0.1, 0.2, 0.2]},
    "find_superpixels": {"part": [0.1, 0.1, 0.2, 0.2]},
    "track_objects": {"frame": 0, "count": 1, "objects": [{"id": 1, "shape": BOX}]},
    "ask_model": {"model": str(uuid.uuid4()), "ask": "whole"},
    "change_model": {"name": "x"},
}
# What the owner cannot get either while a file is not there yet.
NOT_YET = {"get_export_file", "get_frame_times", "get_frame"}
QUERIES = {"get_diff": "?before=0&after=1"}


@pytest.fixture
def things(owner: Person, floor: Floor) -> dict[str, str]:
    """One of each of the owner's things: path parameter, or `resource.parameter`, to id."""
    api = owner.api
    project = api.post("/api/v1/projects", json={"name": "P", "classes": [{"name": "car"}]}).json()["uid"]
    base = f"/api/v1/projects/{project}"
    ontology = api.get(f"{base}/ontology").json()
    attribute = api.post(f"{base}/attributes", json={"name": "a"}).json()["uid"]
    filed = api.post(
        f"{base}/items", json={"url": "https://example.org/a.jpg", "objects": [{"id": 1, "class": "car", "shape": BOX}]}
    ).json()
    hook = api.post("/api/v1/webhooks", json={"url": "https://example.org/", "project": project}).json()["uid"]
    model = api.post("/api/v1/models", json={"name": "M", "url": "https://example.org/", "project": project}).json()[
        "uid"
    ]
    delivery = api.post(f"/api/v1/webhooks/{hook}/test").json()["uid"]
    export = api.post(f"{base}/exports", json={"format": "coco"}).json()["uid"]
    with floor.database.write() as session:  # no picture is here to make one of
        row = session.scalars(select(Project).where(Project.uid == uuid.UUID(project))).one()
        session.add(DatasetVersion(project_id=row.id, number=1))
    found = {
        "teams.uid": owner.team,
        "teams.user": owner.uid,
        "workspaces.ref": owner.workspace,
        "keys.uid": api.get("/api/v1/keys").json()["results"][0]["uid"],
        "projects.uid": project,
        "projects.class_uid": ontology["classes"][0]["uid"],
        "projects.attribute_uid": attribute,
        "projects.number": "1",
        "workflows.uid": api.get(f"{base}/workflows").json()["results"][0]["uid"],
        "batches.uid": api.get(f"{base}/batches").json()["results"][0]["uid"],
        "items.uid": filed["item"],
        "items.number": "0",
        "tasks.uid": filed["task"],
        "jobs.uid": api.get("/api/v1/jobs").json()["results"][0]["uid"],
        "webhooks.uid": hook,
        "webhooks.delivery": delivery,
        "models.uid": model,
        "background-tasks.uid": export,
        "exports.uid": export,
    }
    comment = api.post(f"/api/v1/items/{filed['item']}/comments", json={"body": "hello"})
    found["comments.uid"] = comment.json()["uid"]
    return found


def operations(floor: Floor) -> list[tuple[str, str, dict[str, Any]]]:
    paths = floor.client.get("/api/v1/openapi.json").json()["paths"]
    return [(method, path, operation) for path, many in paths.items() for method, operation in many.items()]


def address(path: str, things: dict[str, str]) -> str:
    resource = path.split("/")[1]
    for key, value in things.items():
        kind, _, name = key.partition(".")
        if kind == resource:
            path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"give `things` an id for {path}"
    return f"/api/v1{path}"


def test_strangers_find_nothing(floor: Floor, owner: Person, stranger: Person, things: dict[str, str]) -> None:
    tried = 0
    for method, path, operation in operations(floor):
        if "{" not in path:
            continue
        name = operation["operationId"]
        where = address(path, things) + QUERIES.get(name, "")
        content = {"content": b"{}\n"} if name == "import_tasks" else {"json": BODIES.get(name, {})}
        if method in ("get", "delete"):
            content = {}
        answer = stranger.api.request(method.upper(), where, **content)
        assert answer.status_code == 404, f"{method} {where}: {answer.status_code} {answer.text}"
        assert answer.json()["code"] == "not_found"
        tried += 1
        if method == "get" and "stream" not in path and name not in NOT_YET:
            mine = owner.api.get(where)
            assert mine.status_code == 200, f"the owner must see {where}: {mine.text}"
    assert tried > 40
    with floor.database.read() as session:
        kinds = {event.kind for event in session.query(Event)}
    assert not {k for k in kinds if k.endswith((".deleted", ".archived", ".changed"))} - {"ontology.changed"}, kinds


def test_nothing_without_a_key(floor: Floor, things: dict[str, str]) -> None:
    for method, path, operation in operations(floor):
        name = operation["operationId"]
        content = (
            {} if method in ("get", "delete") else {"json": BODIES.get(name, {"name": "x", "url": "https://x.example"})}
        )
        answer = floor.client.request(method.upper(), address(path, things) + QUERIES.get(name, ""), **content)
        # A body of the wrong form is refused before anybody looks who sends it; nothing of the team shows in that.
        assert answer.status_code == 401 or (answer.status_code == 422 and method not in ("get", "delete")), name


def test_no_list_shows_what_others_have(floor: Floor, stranger: Person, things: dict[str, str]) -> None:
    foreign = {thing for thing in things.values() if len(thing) > 30}
    for method, path, operation in operations(floor):
        if method != "get" or "{" in path or "stream" in path:
            continue
        answer = stranger.api.get(f"/api/v1{path}")
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert not any(uid in answer.text for uid in foreign), operation["operationId"]


def test_ids_in_queries_and_bodies(stranger: Person, things: dict[str, str]) -> None:
    project, batch, item = things["projects.uid"], things["batches.uid"], things["items.uid"]
    own = stranger.api.post("/api/v1/projects", json={"name": "Mine"}).json()["uid"]
    base = f"/api/v1/projects/{own}"
    for path in (
        f"/api/v1/jobs?project={project}",
        f"/api/v1/jobs?batch={batch}",
        f"/api/v1/events?project={project}",
        f"/api/v1/events?item={item}",
        f"/api/v1/events/stream?project={project}",
        f"/api/v1/webhooks?project={project}",
        f"/api/v1/models?project={project}",
        f"/api/v1/models?workspace={things['workspaces.ref']}",
        f"/api/v1/projects?workspace={things['workspaces.ref']}",
        f"{base}/items?batch={batch}",
        f"{base}/tasks?job={things['jobs.uid']}",
        f"{base}/tasks?author={things['teams.user']}",
        f"/api/v1/background-tasks?project={project}",
    ):
        assert stranger.api.get(path).status_code == 404, path
    for path, body, statuses in (
        ("/api/v1/tasks/next", {"project": project}, {404}),
        ("/api/v1/projects", {"name": "x", "workspace": things["workspaces.ref"]}, {404}),
        ("/api/v1/workspaces", {"name": "x", "team": things["teams.uid"]}, {404}),
        ("/api/v1/keys", {"name": "x", "team": things["teams.uid"]}, {404}),
        ("/api/v1/keys", {"name": "x", "workspace": things["workspaces.ref"]}, {404}),
        ("/api/v1/keys", {"name": "x", "user": things["teams.user"]}, {404}),
        ("/api/v1/webhooks", {"url": "https://example.org/", "project": project}, {404}),
        ("/api/v1/models", {"name": "x", "url": "https://example.org/", "project": project}, {404}),
        ("/api/v1/models", {"name": "x", "url": "https://example.org/", "workspace": things["workspaces.ref"]}, {404}),
        ("/api/v1/webhooks", {"url": "https://example.org/", "team": things["teams.uid"]}, {404}),
        (f"{base}/batches", {"name": "x", "parent": batch}, {404}),
        (f"{base}/jobs", {"name": "x", "batch": batch}, {404}),
        (f"{base}/jobs", {"name": "x", "workflow": things["workflows.uid"]}, {404}),
        (f"{base}/jobs", {"name": "x", "items": [item]}, {422}),
        (f"{base}/jobs", {"name": "x", "labelers": [things["teams.user"]]}, {422}),
        (f"{base}/items", {"url": "https://example.org/x.jpg", "batch": batch}, {404}),
        (f"{base}/items?batch={batch}", {"url": "https://example.org/x.jpg"}, {404}),
        (f"{base}/items?job={things['jobs.uid']}", {"url": "https://example.org/x.jpg"}, {404}),
        (f"{base}/items?workflow={things['workflows.uid']}", {"url": "https://example.org/x.jpg"}, {404}),
    ):  # fmt: skip
        answer = stranger.api.post(path, json=body)
        assert answer.status_code in statuses, f"{path} {body}: {answer.status_code} {answer.text}"
    both = stranger.api.post("/api/v1/tasks/accept", json={"tasks": [things["tasks.uid"]]}).json()["results"]
    assert both[0]["error"] == "There is no such task."
