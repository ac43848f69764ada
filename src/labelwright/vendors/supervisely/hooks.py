"""Webhooks of a team: who is told when a labeling job or queue is completed, and what they are told."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from labelwright.models.events import Event, Webhook
from labelwright.models.projects import Project
from labelwright.models.work import Job
from labelwright.services import access, webhooks
from labelwright.services.webhooks import Call
from labelwright.vendors.supervisely import jobviews, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, keep
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

SHAPE = "supervisely"
KIND = "job.completed"
ACTIONS = ("labeling_job.completed", "labeling_queue.job.completed", "labeling_queue.completed")
DEFAULTS = {"retriesCount": 5, "retriesDelay": 10, "headers": {}, "followRedirect": True, "rejectUnauthorized": True}
FIELDS = {"id": Field(read=ID), "action": Field(), "url": Field()}
# Headers that are ours to set, or that would change what the call is.
OURS = ("content-length", "content-type", "host", "transfer-encoding", "connection", "user-agent")


def _json(row: Webhook) -> dict[str, Any]:
    kept = extra_of(row)
    return {
        "id": row.id, "action": kept.get("action"), "url": row.url, "teamId": row.team_id, "meta": {**DEFAULTS, **kept.get("meta", {})},
        "createdAt": wire.moment(row.created_at), "updatedAt": kept.get("updatedAt", wire.moment(row.created_at)),
    }  # fmt: skip


def _found(ask: Ask, ref: int) -> Webhook:
    row = access.webhook(ask.session, ask.actor, ref)
    if row.shape != SHAPE:
        raise Refused(404, f"There is no webhook {ref}.", "Not found")
    return row


def listed(ask: Ask) -> dict[str, Any]:
    """Webhooks of a team that were made here."""
    rows = webhooks.of_team(ask.session, ask.actor, ask.team().id)
    return listing.at_hand(ask, [_json(row) for row in rows if row.shape == SHAPE], FIELDS)


def info(ask: Ask) -> dict[str, Any]:
    """One webhook."""
    return _json(_found(ask, ask.whole("id")))


def add(ask: Ask) -> dict[str, Any]:
    """A new webhook."""
    kept = {"action": _action(ask.text("action")), "meta": _meta(ask.object("meta", {}))}
    row = webhooks.create(
        ask.session, ask.actor, url=ask.text("url"), kinds=[KIND], team_id=ask.team().id, shape=SHAPE, shapes=(SHAPE,),
        extra={"supervisely": kept},
    )  # fmt: skip
    return {"id": row.id}


def edit(ask: Ask) -> dict[str, Any]:
    """Change where a webhook tells what."""
    row = _found(ask, ask.whole("id"))
    webhooks.change(ask.session, ask.actor, row, url=ask.text("url", None))
    if ask.has("action"):
        keep(row, action=_action(ask.text("action")))
    if ask.has("meta"):
        keep(row, meta={**extra_of(row).get("meta", {}), **_meta(ask.object("meta"))})
    ask.session.flush()
    return {"id": row.id}


def remove(ask: Ask) -> dict[str, Any]:
    """Delete webhooks, all or none."""
    for row in [_found(ask, ref) for ref in ask.wholes("ids", most=500)]:
        webhooks.delete(ask.session, ask.actor, row)
    return {"success": True}


def test(ask: Ask) -> dict[str, Any]:
    """Send a test call to a webhook, or to all of the team (of one action); delivery logs in our pages show how it went."""
    if ask.has("id"):
        rows = [_found(ask, ask.whole("id"))]
    else:
        action = _action(ask.text("action")) if ask.has("action") else None
        found = webhooks.of_team(ask.session, ask.actor, ask.team().id)
        rows = [row for row in found if row.shape == SHAPE and action in (None, extra_of(row).get("action"))]
        if not rows:
            raise Refused(404, "This team has no such webhook to be tested.", "Not found")
    if ask.object("payload", {}):
        raise Refused(400, "payload: a test call says what it is in our own words; leave it out.")
    sent = [(row, webhooks.test(ask.session, ask.actor, row)) for row in rows]
    told = [{"id": row.id, "delivery": str(delivery.uid)} for row, delivery in sent]
    return {"success": True, **told[0], "tests": told}


def _action(value: str) -> str:
    if value not in ACTIONS:
        raise Refused(400, f"action is one of {', '.join(ACTIONS)}.")
    return value


def _meta(sent: dict[str, Any]) -> dict[str, Any]:
    headers = wire.object_of(sent.get("headers") or {}, "meta.headers")
    for name, value in headers.items():
        fine = isinstance(value, str) and value.isprintable() and name.isascii() and name.replace("-", "").isalnum()
        if not fine or name.lower() in OURS or name.lower().startswith("x-labelwright-"):
            raise Refused(400, f"meta.headers: {wire.short(name)} cannot be sent.")
    if sent.get("rejectUnauthorized") is False:
        raise Refused(400, "meta.rejectUnauthorized: certificates are always checked here.")
    return {name: value for name, value in sent.items() if name in DEFAULTS}


def call(session: Session, webhook: Webhook, event: Event) -> Call | None:
    """What is told of a completed job, when it is of the kind that the webhook's action names."""
    action = extra_of(webhook).get("action")
    job = session.get(Job, event.job_id) if event.job_id else None
    if job is None or event.kind != KIND or jobviews.is_queue(job) == (action == ACTIONS[0]):
        return None
    project = session.get_one(Project, job.project_id)
    body: dict[str, Any] = {
        "action": action, "teamId": project.team_id, "workspaceId": project.workspace_id, "projectId": project.id,
        "datasetId": job.batch_id, "date": wire.moment(event.at),
    }  # fmt: skip
    if action == ACTIONS[0]:
        body |= {"jobId": job.id, "job": {"id": job.id, "name": job.name, "status": "completed"}}
    else:
        body |= {"labelingQueueId": job.id, "labelingQueue": {"id": job.id, "name": job.name, "status": "completed"}}
    if action == ACTIONS[1]:
        body["jobs"] = [{"id": view.id, "userId": view.user} for view in jobviews.members(session, [job])[job.id]]
    headers = (extra_of(webhook).get("meta") or {}).get("headers") or {}
    return Call(body, {name: value for name, value in headers.items()})


METHODS: Methods = {
    "webhooks.list": Method(listed),
    "webhooks.info": Method(info),
    "webhooks.add": Method(add, write=True),
    "webhooks.update": Method(edit, write=True),
    "webhooks.bulk.remove": Method(remove, write=True),
    "webhooks.test": Method(test, write=True),
}
