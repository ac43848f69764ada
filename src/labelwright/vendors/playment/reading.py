"""What Playment's GET endpoints tell about projects, batches and jobs. Rows 1-6 hold no key that is not an identifier."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from labelwright.errors import NotFound
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import access, batches
from labelwright.services.access import Actor
from labelwright.vendors.playment import submissions, wire
from labelwright.vendors.playment.errors import JOB_NOT_FOUND, PARAMETER_INVALID, PlaymentError
from labelwright.vendors.playment.labels import VENDOR

Json = dict[str, Any]
_DONE = Task.stage == "end"
_OBJECTS = func.coalesce(DocumentHead.objects, 0)


def batch(session: Session, actor: Actor, project: Project, ref: str) -> Batch:
    """A batch of the project by its id in the URL. Raises GE_0001."""
    try:
        found = access.batch(session, actor, ref) if access.as_uid(ref) is not None else None
    except NotFound:
        found = None
    if found is None or found.project_id != project.id:
        raise PlaymentError(PARAMETER_INVALID, f"{ref!r:.100} is not the id of a batch of this project.")
    return found


def task(session: Session, project: Project, ref: str) -> tuple[Task, Item]:
    """A job of theirs (a task of ours) and its item. Raises FS_0006."""
    uid = access.as_uid(ref)
    row = None
    if uid is not None:
        query = select(Task, Item).join(Item, Item.id == Task.item_id)
        row = session.execute(query.where(Task.uid == uid, Task.project_id == project.id)).one_or_none()
    if row is None:
        raise PlaymentError(JOB_NOT_FOUND, f"{ref!r:.100} is not the id of a job of this project.")
    return row[0], row[1]


def job(session: Session, project: Project, ref: str, attachments: str) -> Json:
    """Row 6: one job. `attachments`: where the project's attachments lie."""
    row, item = task(session, project, ref)
    tag, workflow = routed(session, row)
    return {
        "project_id": str(project.uid),
        "reference_id": item.reference_id or "",
        "job_id": str(row.uid),
        "batch_id": str(session.scalar(select(Batch.uid).where(Batch.id == item.batch_id))),
        "status": _status(row, item),
        "work_flow_id": str(workflow.uid),
        "priority_weight": row.priority,
        "tag": tag,
        "result": submissions.result_url(session, row, attachments),
        "message": why(row, item),
        "build": f"{attachments}/{row.uid}/build.json",
        "frames": item.frames,
        "annotations": session.scalar(
            select(DocumentHead.objects).where(DocumentHead.item_id == item.id, DocumentHead.layer == MAIN)
        ) or 0,
    }  # fmt: skip


def routed(session: Session, row: Task) -> tuple[str, Workflow]:
    """The tag a job was filed with (the workflow's id when it came without one), and its workflow."""
    workflow = session.scalars(
        select(Workflow).join(Job, Job.workflow_id == Workflow.id).where(Job.id == row.job_id)
    ).one()
    tag = (row.extra or {}).get(VENDOR, {}).get("tag")
    return tag or str(workflow.uid), workflow


def why(row: Task, item: Item) -> str:
    """Why a job cannot be worked on, for people; empty when it can."""
    if item.media_state == "failed":
        return item.media_error
    return f"Skipped: {row.skip_reason}" if row.state == "skipped" else ""


def _status(row: Task, item: Item) -> str:
    return wire.job_status(row.stage, row.state, item.media_state, row.author_id is not None)


def batch_page(session: Session, project: Project, row: Batch, after: tuple[int, int] | None, base_url: str) -> Json:
    """Row 3: a page of a batch's jobs, oldest first. `after`: the last ids of the page before."""
    query = (
        select(Task, Item, _OBJECTS, Workflow.uid)
        .select_from(Item)
        .join(Task, Task.item_id == Item.id)
        .join(Job, Job.id == Task.job_id)
        .join(Workflow, Workflow.id == Job.workflow_id)
        .outerjoin(DocumentHead, and_(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN))
        .where(Item.project_id == project.id, Item.batch_id == row.id)
        .order_by(Item.id, Task.id)
        .limit(wire.PAGE + 1)
    )
    if after is not None:
        item_id, task_id = after
        query = query.where(Item.id >= item_id, or_(Item.id > item_id, Task.id > task_id))
    rows = session.execute(query).all()
    shown = rows[: wire.PAGE]
    token = wire.page_token(shown[-1][1].id, shown[-1][0].id) if len(rows) > wire.PAGE else ""
    return {
        "id": str(row.uid),
        "project_id": str(project.uid),
        "name": row.name,
        "jobs": [_listed(one, item, objects, str(workflow), base_url) for one, item, objects, workflow in shown],
        "next_page_token": token,
    }


def _listed(row: Task, item: Item, objects: int, workflow_id: str, base_url: str) -> Json:
    return {
        "id": str(row.uid),
        "reference_id": item.reference_id or "",
        "status": _status(row, item),
        "frames": item.frames,
        "annotations": objects,
        "priority_weight": row.priority,
        "tag": (row.extra or {}).get(VENDOR, {}).get("tag") or workflow_id,
        "work_flow_id": workflow_id,
        "viewer_url": f"{base_url}/tasks/{row.uid}",
        "message": why(row, item),
    }


def details(session: Session, project: Project) -> Json:
    """Row 4: the project and its batches."""
    counts = _counts(session, project, Item.batch_id)
    return {
        "name": project.name,
        "base": wire.BASES[project.kind],
        "batches": [_batch(row, counts.get(row.id, _NOTHING)) for row in batches.of_project(session, project)],
    }


def _batch(row: Batch, counts: Json) -> Json:
    return {
        "id": str(row.uid),
        "name": row.name,
        "description": row.description,
        "label": (row.extra or {}).get(VENDOR, {}).get("label", ""),
        "is_default": row.is_default,
        **counts,
        "created_at": wire.moment(row.created_at),
        "status": wire.batch_status(counts["total_jobs"], counts["completed_jobs"]),
    }


def stats(session: Session, project: Project) -> Json:
    """Row 5: the project in numbers."""
    counts = _counts(session, project, Item.batch_id)
    total = {key: sum(batch[key] for batch in counts.values()) for key in _NOTHING}
    done = [b for b in counts.values() if b["total_jobs"] == b["completed_jobs"]]
    return {
        "name": project.name,
        "base": wire.BASES[project.kind],
        "total_batches": len(batches.of_project(session, project)),
        "completed_batches": len(done),
        **total,
    }


_NOTHING: Json = dict.fromkeys(
    ("total_jobs", "completed_jobs", "total_frames", "completed_frames", "annotations"), 0
)  # fmt: skip


def _counts(session: Session, project: Project, by: Any) -> dict[Any, Json]:
    """Jobs, frames and annotations of a project's tasks, per value of `by`."""
    query = (
        select(
            by,
            func.count(),
            func.sum(case((_DONE, 1), else_=0)),
            func.sum(Item.frames),
            func.sum(case((_DONE, Item.frames), else_=0)),
            func.sum(_OBJECTS),
        )
        .select_from(Task)
        .join(Item, Item.id == Task.item_id)
        .outerjoin(DocumentHead, and_(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN))
        .where(Task.project_id == project.id)
        .group_by(by)
    )
    return {key: dict(zip(_NOTHING, map(int, numbers), strict=True)) for key, *numbers in session.execute(query)}
