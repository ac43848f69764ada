"""What must hold after processes were killed, whatever the moment."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright import settings
from labelwright.db import Database
from labelwright.geometry.document import encode
from labelwright.models.documents import DocumentHead, Revision
from labelwright.models.events import Delivery, Event
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Task
from labelwright.services import documents
from labelwright.storage import open_store
from tests.support.floor import Floor
from tests.support.origin import Origin
from tests.support.processes import LiveServer


def open_floor(server: LiveServer, folder: Path, origin: Origin, ports: list[int] | None = None) -> Floor:
    """A project with classes, people with keys, and a webhook that tells `origin` of accepted work."""
    classes = folder / "classes.json"
    classes.write_text('[{"name": "car"}]')
    project = server.cli("project", "create", "Floor", "--classes", str(classes))["uid"]
    keys = {"script": server.api_key}
    for name, role in (("ann", "annotator"), ("ben", "annotator"), ("rita", "reviewer")):
        server.cli("user", "add", f"{name}@example.org", "--role", role)
        keys[name] = server.cli("key", "create", "--user", f"{name}@example.org", "--name", name)["api_key"]
    hook = {"url": origin.url("/callback"), "project": project, "kinds": ["task.accepted"]}
    status, answer = server.request("POST", "/api/v1/webhooks", hook)
    assert status == 201, answer
    return Floor(server, ports or [server.port], project, keys, pictures=origin.url("/"))


def check_nothing_lost(floor: Floor, database: Database) -> None:
    """Everything acknowledged is there, once; every document is the sum of its revisions."""
    with database.read() as session:
        query = select(Task, Item).join(Item, Item.id == Task.item_id).join(Project, Project.id == Item.project_id)
        rows = session.execute(query.where(Project.uid == uuid.UUID(floor.project))).all()
        by_reference = {item.reference_id: (task, item) for task, item in rows}
        assert len(by_reference) == len(rows), "a job was filed twice"
        for reference, job in floor.filed.items():
            task, item = by_reference[reference]
            assert job in ("", str(task.uid))
            first = documents.read(session, item.id, version=1).document.objects[0]
            assert (first.class_name, json.loads(encode(first.shape))["box"]) == ("car", [0.1, 0.2, 0.5, 0.6])
        items = {str(item.uid): item.id for _, item in rows}
        for (uid, version), box in floor.saved.items():
            found = [
                json.loads(encode(o.shape))
                for o in documents.read(session, items[uid], version=version).document.objects
            ]
            assert json.loads(box) in found, f"version {version} of {uid} is not what was saved"
        tasks = {str(task.uid): task for task, _ in rows}
        for uid in floor.accepted:
            assert (tasks[uid].stage, tasks[uid].state) == ("end", "done")
        submitted = events_of(session, "task.submitted")
        assert floor.submitted <= {uid for uid, task in tasks.items() if task.id in submitted}
        rejected = events_of(session, "task.rejected")
        assert floor.rejected <= {uid for uid, task in tasks.items() if task.id in rejected}
        for head in session.scalars(select(DocumentHead)):
            versions = session.scalars(
                select(Revision.version).where(Revision.item_id == head.item_id).order_by(Revision.version)
            )
            assert list(versions) == list(range(2, head.version + 1)), "a revision is missing or stands twice"


def events_of(session: Session, kind: str) -> set[int]:
    """Tasks of which an event of that kind tells."""
    query = select(Event.task_id).where(Event.kind == kind)
    return {task for task in session.scalars(query) if task is not None}


def wait_for_callbacks(database: Database, seconds: float = 90) -> int:
    """Return when no delivery is pending; how many there are."""
    deadline = time.monotonic() + seconds
    while True:
        with database.read() as session:
            states = dict(session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all())
        if set(states) <= {"done"}:
            return states.get("done", 0)
        assert time.monotonic() < deadline, states
        time.sleep(0.2)


def database_of(server: LiveServer) -> Database:
    """The server's database with its storage, as the server opens them."""
    values = server.settings | {"data": server.data}
    known = settings.load({f"LABELWRIGHT_{name.upper()}": str(value) for name, value in values.items()})
    return Database(known.database_url, open_store(known))
