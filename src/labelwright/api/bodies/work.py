"""Jobs, tasks and comments as JSON, and the work that the editor opens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from labelwright.api.bodies.identity import PersonBody, person, person_or_none
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Comment, Job, Task
from labelwright.services import jobs as services


class CountsBody(TypedDict):
    """How many tasks of a job stand where."""

    total: int
    waiting: int
    label: int
    review: int
    skipped: int
    done: int


class JobBody(TypedDict):
    """A job. No `labelers` or `reviewers`: everybody in the team who may."""

    uid: str
    project: str
    batch: str | None
    workflow: str
    name: str
    instructions: str
    description: str
    status: str
    priority: int
    allowed_classes: list[str] | None
    allowed_attributes: list[str] | None
    limits: dict[str, int]
    options: dict[str, Any]
    labelers: list[PersonBody]
    reviewers: list[PersonBody]
    counts: CountsBody
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TaskItemBody(TypedDict):
    """A task's item in short."""

    uid: str
    name: str
    reference_id: str | None
    media_state: str
    media_error: str


class TaskBody(TypedDict):
    """A task. `stage`: what is to do; `state`: whether it can be taken."""

    uid: str
    project: str
    job: str
    item: TaskItemBody
    step: str
    stage: str
    state: str
    priority: int
    assignee: PersonBody | None
    holder: PersonBody | None
    lease_until: datetime | None
    author: PersonBody | None
    reviewer: PersonBody | None
    verdict: str
    returned: int
    skip_reason: str
    seconds: float
    created_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None


class CommentBody(TypedDict):
    """A comment, pinned to an object, a place, a frame, or nothing."""

    uid: str
    item: str
    task: str | None
    parent: str | None
    author: PersonBody | None
    body: str
    reason: str
    object_id: int | None
    frame: int | None
    x: float | None
    y: float | None
    resolved: bool
    created_at: datetime
    updated_at: datetime


def jobs(session: Session, rows: Sequence[Job]) -> list[JobBody]:
    """Jobs with their counts, in a few queries whatever their number."""
    counts = services.counters(session, [row.id for row in rows])
    return [_job(session, row, counts[row.id]) for row in rows]


def job(session: Session, row: Job) -> JobBody:
    """A job."""
    return jobs(session, [row])[0]


def _job(session: Session, row: Job, counts: dict[tuple[str, str], int]) -> JobBody:
    people = services.members(session, row)
    batch = session.get(Batch, row.batch_id) if row.batch_id is not None else None
    return {
        "uid": str(row.uid),
        "project": str(session.get_one(Project, row.project_id).uid),
        "batch": str(batch.uid) if batch else None,
        "workflow": str(session.get_one(Workflow, row.workflow_id).uid),
        "name": row.name,
        "instructions": row.instructions,
        "description": row.description,
        "status": row.status,
        "priority": row.priority,
        "allowed_classes": row.allowed_classes,
        "allowed_attributes": row.allowed_attributes,
        "limits": row.limits or {},
        "options": row.options or {},
        "labelers": [person(user) for user, role in people if role == "labeler"],
        "reviewers": [person(user) for user, role in people if role == "reviewer"],
        "counts": _counts(counts),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def _counts(counts: dict[tuple[str, str], int]) -> CountsBody:
    body: CountsBody = {"total": 0, "waiting": 0, "label": 0, "review": 0, "skipped": 0, "done": 0}
    for (stage, state), number in counts.items():
        body["total"] += number
        key = state if state in ("waiting", "skipped", "done") else stage
        body[key] += number  # type: ignore[literal-required]
    return body


def tasks(session: Session, rows: Sequence[Task]) -> list[TaskBody]:
    """Tasks, with what they refer to looked up in one query a kind."""
    items = _by_id(session, Item, {row.item_id for row in rows})
    jobs_ = _by_id(session, Job, {row.job_id for row in rows})
    projects = _by_id(session, Project, {row.project_id for row in rows})
    people = {p for row in rows for p in (row.assignee_id, row.holder_id, row.author_id, row.reviewer_id)}
    users = {key: person(user) for key, user in _by_id(session, User, people - {None}).items()}
    return [
        {
            "uid": str(row.uid),
            "project": str(projects[row.project_id].uid),
            "job": str(jobs_[row.job_id].uid),
            "item": task_item(items[row.item_id]),
            "step": row.step,
            "stage": row.stage,
            "state": row.state,
            "priority": row.priority,
            "assignee": users.get(row.assignee_id),
            "holder": users.get(row.holder_id),
            "lease_until": row.lease_until,
            "author": users.get(row.author_id),
            "reviewer": users.get(row.reviewer_id),
            "verdict": row.verdict,
            "returned": row.returned,
            "skip_reason": row.skip_reason,
            "seconds": row.seconds,
            "created_at": row.created_at,
            "submitted_at": row.submitted_at,
            "finished_at": row.finished_at,
        }
        for row in rows
    ]


def task(session: Session, row: Task) -> TaskBody:
    """A task."""
    return tasks(session, [row])[0]


def task_item(row: Item) -> TaskItemBody:
    """An item in short."""
    return {
        "uid": str(row.uid),
        "name": row.name,
        "reference_id": row.reference_id,
        "media_state": row.media_state,
        "media_error": row.media_error,
    }


def comment(session: Session, row: Comment) -> CommentBody:
    """A comment."""
    task_row = session.get(Task, row.task_id) if row.task_id is not None else None
    parent = session.get(Comment, row.parent_id) if row.parent_id is not None else None
    return {
        "uid": str(row.uid),
        "item": str(session.get_one(Item, row.item_id).uid),
        "task": str(task_row.uid) if task_row else None,
        "parent": str(parent.uid) if parent else None,
        "author": person_or_none(session, row.author_id),
        "body": row.body,
        "reason": row.reason,
        "object_id": row.object_id,
        "frame": row.frame,
        "x": row.x,
        "y": row.y,
        "resolved": row.resolved,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _by_id(session: Session, table: Any, ids: set[Any]) -> dict[Any, Any]:
    """Rows by id: those that the session holds already, the others in one query."""
    key = table.__mapper__.identity_key_from_primary_key
    rows = {number: row for number in ids if (row := session.identity_map.get(key((number,)))) is not None}
    if missing := ids - rows.keys():
        rows |= {row.id: row for row in session.scalars(select(table).where(table.id.in_(missing)))}
    return rows
