"""Webhooks: who is told about which events, in whose JSON, and how the calls went.

The rows of `deliveries` are the work. A pump drains them: `take`, `prepare`, one POST outside any transaction, `settle`.
A webhook's `shape` names the function that builds its calls; vendors' functions are handed in by the entry points.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Invalid, NotFound, Problem
from labelwright.models.events import Delivery, Event, Webhook
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import access, events
from labelwright.services.access import Actor

OWN_SHAPE = "labelwright"
# Waits after a failed call; past the last one the delivery counts as failed and can be sent again by hand.
WAITS = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200, 21600, 86400))
# A pump that dies between `take` and `settle` leaves its deliveries to others after this time.
CLAIM = timedelta(seconds=45)
DELIVERY_STATES = ("pending", "done", "failed", "dropped")


@dataclass(frozen=True)
class Call:
    """What a shape says about an event: a JSON body, and headers of its own."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One POST, ready to send: signed headers and the exact bytes that were signed."""

    url: str
    headers: dict[str, str]
    body: bytes


Shape = Callable[[Session, Webhook, Event], Call | None]


def own_call(session: Session, webhook: Webhook, event: Event) -> Call:
    """An event in Labelwright's own JSON."""
    project = session.get(Project, event.project_id) if event.project_id else None
    job = session.get(Job, event.job_id) if event.job_id else None
    task = session.get(Task, event.task_id) if event.task_id else None
    item = session.get(Item, event.item_id) if event.item_id else None
    actor = session.get(User, event.actor_id) if event.actor_id else None
    body = {
        "event": event.kind,
        "id": event.id,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "actor": {"uid": str(actor.uid), "email": actor.email, "name": actor.name} if actor else None,
        "project": {"uid": str(project.uid), "name": project.name} if project else None,
        "job": {"uid": str(job.uid), "name": job.name} if job else None,
        "task": _task(task) if task else None,
        "item": _item(item) if item else None,
        "data": event.data or {},
    }
    return Call(body)


def _task(task: Task) -> dict[str, Any]:
    return {"uid": str(task.uid), "step": task.step, "stage": task.stage, "state": task.state, "verdict": task.verdict}


def _item(item: Item) -> dict[str, Any]:
    return {"uid": str(item.uid), "name": item.name, "reference_id": item.reference_id, "media_state": item.media_state}


SHAPES: dict[str, Shape] = {OWN_SHAPE: own_call}


def create(
    session: Session,
    actor: Actor,
    *,
    url: str,
    kinds: Collection[str] = (),
    project: Project | None = None,
    team_id: int | None = None,
    shape: str = OWN_SHAPE,
    shapes: Collection[str] = tuple(SHAPES),
    secret: str = "",
    header_key: str = "",
    extra: dict[str, Any] | None = None,
) -> Webhook:
    """Tell `url` about events of a project (or of a whole team) from now on. No kinds: all of them.

    The row's `secret` signs the calls; show it now, lists never do. `shapes`: the names the edge knows."""
    team = project.team_id if project is not None else team_id
    if team is None:
        raise Invalid("Say whose events: a project's or a team's.", field="project")
    access.require(actor, "manage" if project is not None else "own", team)
    _check(url, kinds, shape, shapes)
    webhook = Webhook(
        team_id=team,
        project_id=project.id if project is not None else None,
        url=url,
        kinds=sorted(set(kinds)),
        shape=shape,
        secret=secret or new_secret(),
        header_key=header_key,
        extra=extra,
    )
    session.add(webhook)
    session.flush()
    _changed(session, actor, webhook, "webhook.created")
    return webhook


def change(
    session: Session,
    actor: Actor,
    webhook: Webhook,
    *,
    url: str | None = None,
    kinds: Collection[str] | None = None,
    active: bool | None = None,
    header_key: str | None = None,
    renew_secret: bool = False,
) -> Webhook:
    """Change where and what it tells, pause or resume it, or give it a new secret."""
    _require(actor, webhook)
    _check(webhook.url if url is None else url, webhook.kinds if kinds is None else kinds)
    webhook.url = webhook.url if url is None else url
    webhook.kinds = webhook.kinds if kinds is None else sorted(set(kinds))
    webhook.active = webhook.active if active is None else active
    webhook.header_key = webhook.header_key if header_key is None else header_key
    if renew_secret:
        webhook.secret = new_secret()
    session.flush()
    _changed(session, actor, webhook, "webhook.changed")
    return webhook


def delete(session: Session, actor: Actor, webhook: Webhook) -> None:
    """Stop telling it, and forget its delivery log."""
    _require(actor, webhook)
    _changed(session, actor, webhook, "webhook.deleted")
    session.delete(webhook)
    session.flush()
    events.forget_listeners(session)


def of_project(session: Session, actor: Actor, project: Project) -> list[Webhook]:
    """A project's webhooks, and those of its whole team, oldest first."""
    access.require(actor, "manage", project.team_id, "project")
    mine = (Webhook.project_id == project.id) | Webhook.project_id.is_(None)
    return list(session.scalars(select(Webhook).where(Webhook.team_id == project.team_id, mine).order_by(Webhook.id)))


def of_team(session: Session, actor: Actor, team_id: int) -> list[Webhook]:
    """All webhooks of a team, oldest first."""
    access.require(actor, "manage", team_id, "team")
    query = select(Webhook).where(Webhook.team_id == team_id)
    if actor.workspace_id is not None:
        query = query.where(Webhook.project_id.in_(access.visible_projects(actor).with_only_columns(Project.id)))
    return list(session.scalars(query.order_by(Webhook.id)))


def test(session: Session, actor: Actor, webhook: Webhook) -> Delivery:
    """Queue one test call to this webhook; its delivery shows how it went."""
    _require(actor, webhook)
    event_id = events.emit(
        session, "webhook.test", team_id=webhook.team_id, project_id=webhook.project_id, actor=actor,
        data={"webhook": str(webhook.uid)},
    )  # fmt: skip
    delivery = Delivery(webhook_id=webhook.id, event_id=event_id, next_try_at=now())
    session.add(delivery)
    session.flush()
    return delivery


def deliveries(
    session: Session, actor: Actor, webhook: Webhook, *, before: int | None = None, state: str = "", limit: int = 50
) -> list[tuple[Delivery, Event]]:
    """The delivery log, latest event first, before the cursor `before` (an event's id)."""
    _require(actor, webhook)
    query = select(Delivery, Event).join(Event, Event.id == Delivery.event_id).where(Delivery.webhook_id == webhook.id)
    if before is not None:
        query = query.where(Delivery.event_id < before)
    if state:
        if state not in DELIVERY_STATES:
            raise Invalid(f"state is one of {', '.join(DELIVERY_STATES)}.", field="state")
        query = query.where(Delivery.state == state)
    rows = session.execute(query.order_by(Delivery.event_id.desc()).limit(limit))
    return [(delivery, event) for delivery, event in rows]


def redeliver(session: Session, actor: Actor, webhook: Webhook, delivery_uid: Any) -> Delivery:
    """Send a delivery again, whatever became of it. Its attempts count anew."""
    _require(actor, webhook)
    uid = access.as_uid(delivery_uid)
    query = select(Delivery).where(Delivery.webhook_id == webhook.id, Delivery.uid == uid)
    delivery = session.scalar(query) if uid is not None else None
    if delivery is None:
        raise NotFound("There is no such delivery.")
    if not webhook.active:
        raise Conflict("This webhook is paused; resume it first.")
    delivery.state, delivery.attempts, delivery.next_try_at, delivery.error = "pending", 0, now(), ""
    session.flush()
    return delivery


def take(session: Session, limit: int = 50, *, at: datetime | None = None) -> list[int]:
    """Claim due deliveries for this pump; returns their ids. What is not settled comes up again after `CLAIM`."""
    moment = at or now()
    due = (
        select(Delivery.id)
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .where(Delivery.state == "pending", Delivery.next_try_at <= moment, Webhook.active.is_(True))
        .order_by(Delivery.next_try_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    ids = list(session.scalars(due))
    if ids:
        claim = update(Delivery).where(Delivery.id.in_(ids))
        values = {"next_try_at": moment + CLAIM, "attempts": Delivery.attempts + 1}
        session.execute(claim.values(values).execution_options(synchronize_session=False))
    return ids


def prepare(session: Session, delivery_id: int, shapes: Mapping[str, Shape] = SHAPES) -> Request | None:
    """The POST of a delivery. None: its shape says nothing about this event (settle it as dropped), or it is gone.

    Raises `Invalid` when nobody knows the webhook's shape."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        return None
    webhook, event = session.get_one(Webhook, delivery.webhook_id), session.get_one(Event, delivery.event_id)
    if event.kind == "webhook.test":
        call: Call | None = own_call(session, webhook, event)
    elif webhook.shape in shapes:
        call = shapes[webhook.shape](session, webhook, event)
    else:
        raise Invalid(f"This server has no webhook shape {webhook.shape!r}.")
    if call is None:
        return None
    body = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
    return Request(webhook.url, _headers(webhook, delivery, event, body, call.headers), body)


def settle(
    session: Session,
    delivery_id: int,
    *,
    status: int | None = None,
    error: str = "",
    seconds: float | None = None,
    dropped: bool = False,
    at: datetime | None = None,
) -> str:
    """Record how a call went; returns the delivery's new state. A 2xx status is a success; else it is tried again."""
    moment, delivery = at or now(), session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is None or delivery.state != "pending":
        return "dropped" if delivery is None else delivery.state
    delivery.status, delivery.error, delivery.seconds = status, error[:1000], seconds
    if dropped:
        delivery.state, delivery.next_try_at = "dropped", None
    elif status is not None and 200 <= status < 300:
        delivery.state, delivery.next_try_at, delivery.delivered_at = "done", None, moment
    elif delivery.attempts > len(WAITS):
        delivery.state, delivery.next_try_at = "failed", None
    else:
        delivery.next_try_at = moment + WAITS[max(delivery.attempts, 1) - 1]
    session.flush()
    return delivery.state


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Hex HMAC-SHA256 over `<unix seconds>.<body>`: what a receiver computes to check a call."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def new_secret() -> str:
    """A fresh signing secret."""
    return "whsec_" + secrets.token_urlsafe(32)


def _headers(webhook: Webhook, delivery: Delivery, event: Event, body: bytes, own: Mapping[str, str]) -> dict[str, str]:
    stamp = int(now().timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Labelwright",
        **own,
        "X-Labelwright-Event": event.kind,
        "X-Labelwright-Delivery": str(delivery.uid),
        "X-Labelwright-Signature": f"t={stamp},v1={signature(webhook.secret, stamp, body)}",
    }


def _check(url: str, kinds: Collection[str], shape: str = OWN_SHAPE, shapes: Collection[str] = (OWN_SHAPE,)) -> None:
    problems = []
    try:
        parts = urlsplit(url) if url.isprintable() else None
    except ValueError:  # such as http://[
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 2000:
        problems.append(Problem("Write a full address that starts with http:// or https://.", "url"))
    unknown = sorted(set(kinds) - set(events.KINDS))
    if unknown:
        problems.append(Problem(f"There is no event kind {unknown[0]!r}.", "kinds"))
    if shape not in shapes:
        problems.append(Problem(f"{shape!r} is not a known shape; use one of {', '.join(sorted(shapes))}.", "shape"))
    if problems:
        raise Invalid(problems=problems)


def _require(actor: Actor, webhook: Webhook) -> None:
    access.require(actor, "manage" if webhook.project_id else "own", webhook.team_id, "webhook")


def _changed(session: Session, actor: Actor, webhook: Webhook, kind: str) -> None:
    events.forget_listeners(session)
    data = {"webhook": str(webhook.uid), "url": webhook.url}
    events.emit(session, kind, team_id=webhook.team_id, project_id=webhook.project_id, actor=actor, data=data)
