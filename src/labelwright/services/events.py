"""Events: one line of what happened. They feed webhooks, live pages, activity, and statistics.

Whoever changes something calls `emit` in the same transaction; the calls of webhooks that listen for the kind are queued
there and then, so they go out exactly if the change happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Session

from labelwright.db import new_uid, now
from labelwright.models.events import Delivery, Event, Webhook
from labelwright.models.projects import Project
from labelwright.services import access, wake
from labelwright.services.access import Actor

KINDS: dict[str, str] = {
    "member.added": "Somebody became a member of the team.",
    "member.changed": "A member's role changed.",
    "member.removed": "A member left the team.",
    "key.created": "An API key was made.",
    "key.revoked": "An API key was revoked.",
    "workspace.created": "A workspace was made.",
    "workspace.changed": "A workspace's name or description changed.",
    "workspace.deleted": "A workspace was deleted.",
    "project.created": "A project was made.",
    "project.changed": "A project's name, texts or settings changed.",
    "project.archived": "A project was put away.",
    "project.restored": "A project was taken back into use.",
    "project.deleted": "A project was deleted.",
    "ontology.changed": "Classes or attributes of a project changed.",
    "workflow.created": "A workflow was made.",
    "workflow.changed": "A workflow's steps or names changed.",
    "workflow.archived": "A workflow was taken out of use.",
    "batch.created": "A batch was made.",
    "batch.changed": "A batch was renamed or moved.",
    "batch.deleted": "A batch was deleted.",
    "items.filed": "Items arrived, with or without labels; `data.count` says how many.",
    "items.deleted": "Items were deleted; `data.count` says how many.",
    "item.changed": "An item's name, tags, split or batch changed.",
    "item.ready": "All files of an item are there.",
    "item.failed": "A file of an item cannot be had; `data.error` says why.",
    "document.saved": "Labels of an item were changed.",
    "document.restored": "Labels of an item were set back to an earlier version.",
    "job.created": "A job was made.",
    "job.changed": "A job's texts, limits, priority or people changed.",
    "job.paused": "A job's tasks are not handed out for now.",
    "job.resumed": "A job's tasks are handed out again.",
    "job.completed": "All tasks of a job are done.",
    "job.archived": "A job was put away.",
    "job.deleted": "A job was deleted with its tasks; its items and labels stay.",
    "task.claimed": "Somebody took a task.",
    "task.released": "The holder gave a task back.",
    "task.expired": "A holder was away too long; the task can be taken by others.",
    "task.skipped": "A task cannot be done as it is; `data.reason` says why.",
    "task.submitted": "The labels of a task are ready for the next step.",
    "task.accepted": "A reviewer accepted a task; `data.edited` when they changed the labels themselves.",
    "task.rejected": "A reviewer sent a task back to its author; `data.reason` says why.",
    "task.reopened": "A manager put a task back to work.",
    "task.reassigned": "A task was given to one person, or to everybody again.",
    "task.changed": "A task's priority changed.",
    "task.completed": "A task went through all steps of its workflow.",
    "comment.added": "Somebody commented on an item.",
    "comment.resolved": "A comment was marked as settled.",
    "comment.reopened": "A settled comment was opened again.",
    "comment.deleted": "A comment was deleted.",
    "model.created": "A model of the users' own was made known.",
    "model.changed": "Where a model is asked, or about what, changed.",
    "model.deleted": "A model is no longer asked.",
    "webhook.created": "A webhook was made.",
    "webhook.changed": "A webhook was changed, paused or resumed.",
    "webhook.deleted": "A webhook was deleted.",
    "webhook.test": "A test call to one webhook, to see whether it answers.",
    "export.finished": "An export is ready.",
    "export.failed": "An export could not be made; `data.error` says why.",
    "import.finished": "An import has ended; `data` counts what came in.",
    "import.failed": "An import could not be done; `data.error` says why.",
    "version.created": "A dataset version was frozen.",
}

PAGE = 200
_EVENTS, _DELIVERIES = cast(Table, Event.__table__), cast(Table, Delivery.__table__)
_INSERT = insert(_EVENTS)
_DELIVER = insert(_DELIVERIES)
# On PostgreSQL the transaction gets its number before the event gets its id: see `_settled_id`.
_INSERT_POSTGRES = _INSERT.values(id=literal_column("(SELECT nextval('events_id_seq') FROM pg_current_xact_id())"))
_RUNNING = text(
    "SELECT l.transactionid::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted"
    " AND a.datname = current_database() AND l.pid <> pg_backend_pid()"
)
_LEFT = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted"
    " AND transactionid::text = ANY(:running)"
)
_TRIES, _PAUSE = 20, 0.01
_HOOKS = select(Webhook.id, Webhook.project_id, Webhook.kinds).where(
    Webhook.team_id == bindparam("team"), Webhook.active.is_(True)
)


def by(session: Session, actor: Actor) -> None:
    """Say who acts in this session: events that name nobody are theirs."""
    session.info["by"] = actor.user_id


def emit(
    session: Session,
    kind: str,
    *,
    team_id: int,
    project_id: int | None = None,
    actor: Actor | int | None = None,
    job: int | None = None,
    task: int | None = None,
    item: int | None = None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> int:
    """Write one event and queue the webhooks that listen for it; returns the event's id.

    `job`, `task`, `item` are ids; `actor` is who did it (an `Actor` or a user id), None for whom the transaction is
    `by`, and without one for the server itself."""
    row = _row(kind, team_id, project_id, _user(session, actor), at or now(), job, task, item, data)
    result = cast(CursorResult[Any], session.execute(_insert(session), row))
    event_id = cast(int, cast(Any, result.inserted_primary_key)[0])
    hooks = listeners(session, team_id, project_id, kind)
    if hooks:
        _deliver(session, [(hook, event_id) for hook in hooks], row["at"])
    return event_id


def emit_many(
    session: Session,
    kind: str,
    rows: Iterable[dict[str, Any]],
    *,
    team_id: int,
    project_id: int | None = None,
    actor: Actor | int | None = None,
    at: datetime | None = None,
) -> int:
    """Write one event per row (`{"job", "task", "item", "data"}`, each optional) in bulk; returns how many."""
    moment, user = at or now(), _user(session, actor)
    values = [
        _row(kind, team_id, project_id, user, moment, r.get("job"), r.get("task"), r.get("item"), r.get("data"))
        for r in rows
    ]
    if not values:
        return 0
    hooks = listeners(session, team_id, project_id, kind)
    if not hooks:
        session.execute(_insert(session), values)
        return len(values)
    ids = session.scalars(_insert(session).returning(_EVENTS.c.id), values).all()
    _deliver(session, [(hook, event_id) for event_id in ids for hook in hooks], moment)
    return len(values)


def listeners(session: Session, team_id: int, project_id: int | None, kind: str) -> list[int]:
    """Ids of the active webhooks that want this kind. Looked up once per team and transaction."""
    transaction = session.get_transaction()
    cached = session.info.get("webhooks")
    if cached is None or cached[0] is not transaction:
        cached = session.info["webhooks"] = (transaction, {})
    teams: dict[int, Sequence[Any]] = cached[1]
    if team_id not in teams:
        teams[team_id] = session.execute(_HOOKS, {"team": team_id}).all()
    return [
        hook.id
        for hook in teams[team_id]
        if hook.project_id in (None, project_id) and (not hook.kinds or kind in hook.kinds) and kind != "webhook.test"
    ]


def forget_listeners(session: Session) -> None:
    """Look webhooks up again: one was changed in this transaction."""
    session.info.pop("webhooks", None)


def feed(
    session: Session,
    actor: Actor,
    project: Project | None = None,
    after: int = 0,
    limit: int = PAGE,
    *,
    kinds: Sequence[str] = (),
    settled: bool = False,
) -> list[Event]:
    """Events after the cursor `after` (an event's id), oldest first: of a project, or of all the actor may see.

    `settled`: hold back what is younger than a transaction still under way, so that a reader who goes on from the last
    id misses nothing (on PostgreSQL a lower id can become visible later than a higher one). Use it to follow events;
    it waits for short transactions, and shows nothing new while a long one runs."""
    query = _visible(actor, project).where(Event.id > after).order_by(Event.id).limit(limit)
    if kinds:
        query = query.where(Event.kind.in_(kinds))
    if settled and session.get_bind().dialect.name == "postgresql":
        query = query.where(Event.id <= _settled_id(session))
    return list(session.scalars(query))


def recent(
    session: Session,
    actor: Actor,
    project: Project | None = None,
    before: int | None = None,
    limit: int = 50,
    *,
    kinds: Sequence[str] = (),
    item: int | None = None,
) -> list[Event]:
    """The latest events, newest first, before the cursor `before`; of one item when `item` is given."""
    query = _visible(actor, project).order_by(Event.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Event.id < before)
    if kinds:
        query = query.where(Event.kind.in_(kinds))
    if item is not None:
        query = query.where(Event.item_id == item)
    return list(session.scalars(query))


def last_id(session: Session, actor: Actor, project: Project | None = None) -> int:
    """The cursor at which following begins: the id of the latest event the actor may see, 0 when there is none."""
    latest = _visible(actor, project).with_only_columns(func.max(Event.id))
    return session.scalar(latest) or 0


def _visible(actor: Actor, project: Project | None) -> Select[Event]:
    if project is not None:
        access.require(actor, "view", project.team_id, "project")
        return select(Event).where(Event.project_id == project.id)
    projects = access.visible_projects(actor).with_only_columns(Project.id)
    visible = Event.project_id.in_(projects)
    if actor.workspace_id is None:
        visible = or_(visible, and_(Event.project_id.is_(None), Event.team_id.in_(actor.teams("manage"))))
    return select(Event).where(Event.team_id.in_(actor.teams()), visible)


def _row(
    kind: str,
    team_id: int,
    project_id: int | None,
    user: int | None,
    at: datetime,
    job: int | None,
    task: int | None,
    item: int | None,
    data: dict[str, Any] | None,
) -> dict[str, Any]:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not an event kind; add it to events.KINDS")
    return {
        "team_id": team_id,
        "project_id": project_id,
        "kind": kind,
        "actor_id": user,
        "job_id": job,
        "task_id": task,
        "item_id": item,
        "at": at,
        "data": data,
    }


def _settled_id(session: Session) -> int:
    """An id up to which no event can appear any more; 0 when that is not known yet.

    Whoever got a lower id than the highest one seen here had its transaction number by then, so it is among those that
    run now or has ended; once these have ended, every id up to the highest one is there or will never be."""
    highest = session.scalar(select(func.max(Event.id))) or 0
    running = list(session.scalars(_RUNNING))
    for _ in range(_TRIES):
        if not running or not session.scalar(_LEFT, {"running": running}):
            return highest
        time.sleep(_PAUSE)
    return 0


def _insert(session: Session) -> Insert:
    return _INSERT_POSTGRES if session.get_bind().dialect.name == "postgresql" else _INSERT


def _user(session: Session, actor: Actor | int | None) -> int | None:
    if actor is None:
        return session.info.get("by")
    return actor.user_id if isinstance(actor, Actor) else actor


def _deliver(session: Session, pairs: list[tuple[int, int]], at: datetime) -> None:
    rows = [
        {"uid": new_uid(), "webhook_id": hook, "event_id": event_id, "state": "pending", "next_try_at": at,
         "created_at": at}
        for hook, event_id in pairs
    ]  # fmt: skip
    session.execute(_DELIVER, rows)
    wake.call(session, "deliveries")
