"""Archives that clients send in two steps: first they say what is to be done with one, then they send it to a signed address.

The task's row is there from the first step on, so that it can be followed; it is queued when the file has come."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.services import access, background
from labelwright.services.access import Actor
from labelwright.services.background import Shared

AWAITS = "awaits"
FOLDER = "uploads"
KEPT = timedelta(days=1)


def expect(session: Session, actor: Actor, project: Project, kind: str, arguments: dict[str, Any]) -> BackgroundTask:
    """A background task `kind` that begins when its file has come."""
    access.require(actor, "manage", project.team_id, "project")
    row = BackgroundTask(
        kind=kind, arguments={**arguments, AWAITS: True}, team_id=project.team_id, project_id=project.id,
        created_by=actor.user_id, state="queued",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def awaited(row: BackgroundTask) -> bool:
    """Whether the task's file has not come yet."""
    return row.state == "queued" and bool(row.arguments.get(AWAITS))


def new_key(row: BackgroundTask) -> str:
    """Where the file is to be stored; each time somewhere else, so that nobody writes over a file that is being read."""
    return f"{FOLDER}/{row.uid.hex}-{secrets.token_hex(8)}"


def arrived(session: Session, row: BackgroundTask, key: str) -> None:
    """The file lies at `key`: queue the task. Raises `Conflict` when there was one before."""
    session.refresh(row, with_for_update=True)
    if not awaited(row):
        raise Conflict("This upload has come already.")
    row.arguments = {**{k: v for k, v in row.arguments.items() if k != AWAITS}, "key": key}
    session.flush()
    background.enqueue(session, row.kind, row.id)


def forget(shared: Shared) -> None:
    """End tasks whose file did not come within a day, and delete files whose tasks have ended.

    Not the tasks themselves do: one taken up again by another process needs its file."""
    with shared.database.write() as session:
        old = select(BackgroundTask).where(BackgroundTask.state == "queued", BackgroundTask.created_at < now() - KEPT)
        for row in session.scalars(old):
            if awaited(row):
                row.state, row.error, row.finished_at = "failed", "The file did not come within a day.", now()
    for key in list(shared.store.keys(FOLDER)):
        uid = access.as_uid(key.rpartition("/")[2].partition("-")[0])
        with shared.database.read() as session:
            state = session.scalar(select(BackgroundTask.state).where(BackgroundTask.uid == uid))
        if state not in ("queued", "running"):
            shared.store.delete(key)
