"""Events, webhooks and deliveries as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from labelwright.api.bodies.identity import PersonBody, person
from labelwright.models.events import Delivery, Event, Webhook
from labelwright.models.identity import Team, User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task


class EventBody(TypedDict):
    """One line of what happened. Things that are gone by now are null."""

    id: int
    kind: str
    at: datetime
    actor: PersonBody | None
    project: str | None
    job: str | None
    task: str | None
    item: str | None
    data: dict[str, Any]


class WebhookBody(TypedDict):
    """A webhook. No `kinds`: all of them. `project` null: events of the whole team."""

    uid: str
    team: str
    project: str | None
    url: str
    kinds: list[str]
    shape: str
    active: bool
    created_at: datetime


class NewWebhookBody(WebhookBody):
    """A webhook with its signing secret, which is shown only when it is made or renewed."""

    secret: str


class DeliveryBody(TypedDict):
    """One call of a webhook. `state`: pending, done, failed, dropped."""

    uid: str
    event: int
    kind: str
    state: str
    attempts: int
    next_try_at: datetime | None
    status: int | None
    error: str
    seconds: float | None
    created_at: datetime
    delivered_at: datetime | None


def events(session: Session, rows: Sequence[Event]) -> list[EventBody]:
    """Events, with what they refer to looked up in one query a kind."""
    users = {u.id: u for u in session.scalars(select(User).where(User.id.in_({r.actor_id for r in rows})))}
    projects = _uids(session, Project, (r.project_id for r in rows))
    jobs = _uids(session, Job, (r.job_id for r in rows))
    tasks = _uids(session, Task, (r.task_id for r in rows))
    items = _uids(session, Item, (r.item_id for r in rows))
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "at": row.at,
            "actor": person(users[row.actor_id]) if row.actor_id in users else None,
            "project": projects.get(row.project_id),
            "job": jobs.get(row.job_id),
            "task": tasks.get(row.task_id),
            "item": items.get(row.item_id),
            "data": row.data or {},
        }
        for row in rows
    ]


def webhook(session: Session, row: Webhook) -> WebhookBody:
    """A webhook without its secret."""
    project = session.get(Project, row.project_id) if row.project_id is not None else None
    return {
        "uid": str(row.uid),
        "team": str(session.get_one(Team, row.team_id).uid),
        "project": str(project.uid) if project else None,
        "url": row.url,
        "kinds": row.kinds,
        "shape": row.shape,
        "active": row.active,
        "created_at": row.created_at,
    }


def delivery(row: Delivery, event: Event) -> DeliveryBody:
    """One call."""
    return {
        "uid": str(row.uid),
        "event": event.id,
        "kind": event.kind,
        "state": row.state,
        "attempts": row.attempts,
        "next_try_at": row.next_try_at,
        "status": row.status,
        "error": row.error,
        "seconds": row.seconds,
        "created_at": row.created_at,
        "delivered_at": row.delivered_at,
    }


def _uids(session: Session, table: Any, ids: Iterable[int | None]) -> dict[int | None, str]:
    wanted = {i for i in ids if i is not None}
    if not wanted:
        return {}
    return {
        row_id: str(uid) for row_id, uid in session.execute(select(table.id, table.uid).where(table.id.in_(wanted)))
    }
