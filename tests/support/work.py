"""Jobs full of tasks, for tests of the work on them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from labelwright.models.items import Item
from labelwright.models.projects import Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import batches, jobs
from labelwright.services.access import Actor


def some_items(session: Session, project: Project, count: int, **values: Any) -> list[int]:
    """Put plain items whose media is there into the default batch; returns their ids."""
    batch = batches.default_of(session, project)
    start = session.scalar(select(Item.id).order_by(Item.id.desc()).limit(1)) or 0
    row = {"project_id": project.id, "batch_id": batch.id, "kind": project.kind, "media_state": "ready",
           "width": 640, "height": 480, **values}  # fmt: skip
    if count:
        session.execute(insert(Item), [{**row, "name": f"item {start + n}"} for n in range(count)])
    found = select(Item.id).where(Item.id > start, Item.project_id == project.id).order_by(Item.id)
    return list(session.scalars(found))


def a_job(
    session: Session,
    actor: Actor,
    project: Project,
    tasks: int = 1,
    *,
    workflow: Workflow | None = None,
    labelers: Sequence[Actor] = (),
    reviewers: Sequence[Actor] = (),
    media: str = "ready",
    **values: Any,
) -> tuple[Job, list[Task]]:
    """A job with this many new items; and its tasks, oldest first."""
    items = some_items(session, project, tasks, media_state=media)
    name = f"job {uuid.uuid4()}"
    people = {"labelers": [a.user_id for a in labelers], "reviewers": [a.user_id for a in reviewers]}
    job = jobs.create(session, actor, project, name, workflow=workflow, items=items, **people, **values)
    return job, list(session.scalars(select(Task).where(Task.job_id == job.id).order_by(Task.id)))
