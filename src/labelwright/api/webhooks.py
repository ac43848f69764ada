"""Webhooks and how their calls went."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import select

from labelwright.api.bodies import events as bodies
from labelwright.api.forms import Form, Short, Text
from labelwright.api.paging import PageBody, PageQuery, cursor_of, cut
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.models.events import Event
from labelwright.services import access, webhooks

routes = Routes(tags=["Webhooks"])
Url = Annotated[Text, Field(min_length=8, max_length=2000)]
Kinds = Annotated[list[Short], Field(max_length=200, description="Event kinds; empty: all of them.")]


class NewWebhook(Form):
    """Whose events to tell where: of a `project`, or of a whole `team` (yours when both are left out)."""

    url: Url
    kinds: Kinds = []
    project: UUID | None = Field(None, strict=False)
    team: UUID | None = Field(None, strict=False)
    secret: Annotated[Text, Field(max_length=200)] = ""
    shape: Annotated[Short, Field(description="Whose JSON it is told in: `labelwright` or a vendor's name.")] = (
        "labelwright"
    )
    header_key: Annotated[
        Text, Field(max_length=200, description="Sent as it is in the vendor's own header, where it has one.")
    ] = ""


class WebhookChange(Form):
    """Changes of a webhook. `renew_secret`: make a new one; it is in the answer."""

    url: Url = ""
    kinds: Kinds = []
    active: bool = True
    renew_secret: bool = False


class WebhookFilter(PageQuery):
    """Which webhooks."""

    project: UUID | None = None


class DeliveryFilter(PageQuery):
    """Which deliveries."""

    state: Literal["pending", "done", "failed", "dropped"] | None = None


@routes.get("/webhooks")
def list_webhooks(call: Call, page: Annotated[WebhookFilter, Query()]) -> PageBody[bodies.WebhookBody]:
    """Webhooks of a project, or of your team."""
    session, actor = call.session, call.actor
    if page.project is not None:
        rows = webhooks.of_project(session, actor, access.project(session, actor, page.project, "manage"))
    else:
        rows = [row for team in actor.teams("manage") for row in webhooks.of_team(session, actor, team)]
    after = cursor_of(page.after, 1)[0] if page.after is not None else 0
    rows = sorted((row for row in rows if row.id > after), key=lambda row: row.id)[: page.limit + 1]
    return cut(rows, page.limit, lambda row: bodies.webhook(session, row), lambda row: [row.id])


@routes.post("/webhooks", status_code=201)
def create_webhook(call: Call, body: NewWebhook) -> bodies.NewWebhookBody:
    """Make a webhook. Calls are signed: `X-Labelwright-Signature: t=SECONDS,v1=HMAC-SHA256("SECONDS.BODY")`."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, body.project, "manage") if body.project is not None else None
    team_id = None
    if project is None:
        team_id = access.team(session, actor, body.team or actor.team_id, "own").id
    row = webhooks.create(
        session, actor, url=body.url, kinds=body.kinds, project=project, team_id=team_id, secret=body.secret,
        shape=body.shape, shapes=call.context.shapes, header_key=body.header_key,
    )  # fmt: skip
    return {**bodies.webhook(session, row), "secret": row.secret}


@routes.get("/webhooks/{uid}")
def get_webhook(call: Call, uid: UUID) -> bodies.WebhookBody:
    """A webhook."""
    return bodies.webhook(call.session, access.webhook(call.session, call.actor, uid))


@routes.patch("/webhooks/{uid}")
def change_webhook(call: Call, uid: UUID, body: WebhookChange) -> bodies.WebhookBody | bodies.NewWebhookBody:
    """Change, pause or resume a webhook, or renew its secret."""
    row = access.webhook(call.session, call.actor, uid)
    webhooks.change(call.session, call.actor, row, **body.given())
    answer = bodies.webhook(call.session, row)
    return {**answer, "secret": row.secret} if body.renew_secret else answer


@routes.delete("/webhooks/{uid}")
def delete_webhook(call: Call, uid: UUID) -> None:
    """Delete a webhook and its delivery log."""
    webhooks.delete(call.session, call.actor, access.webhook(call.session, call.actor, uid))


@routes.post("/webhooks/{uid}/test", status_code=202)
def test_webhook(call: Call, uid: UUID) -> bodies.DeliveryBody:
    """Send one test call; look at its delivery to see how it went."""
    row = webhooks.test(call.session, call.actor, access.webhook(call.session, call.actor, uid))
    return bodies.delivery(row, call.session.get_one(Event, row.event_id))


@routes.get("/webhooks/{uid}/deliveries")
def list_deliveries(call: Call, uid: UUID, page: Annotated[DeliveryFilter, Query()]) -> PageBody[bodies.DeliveryBody]:
    """Calls of a webhook, latest first."""
    hook = access.webhook(call.session, call.actor, uid)
    before = cursor_of(page.after, 1)[0] if page.after is not None else None
    rows = webhooks.deliveries(
        call.session, call.actor, hook, before=before, state=page.state or "", limit=page.limit + 1
    )
    return cut(rows, page.limit, lambda row: bodies.delivery(*row), lambda row: [row[1].id])


@routes.post("/webhooks/{uid}/deliveries/{delivery}/redeliver", status_code=202)
def redeliver(call: Call, uid: UUID, delivery: UUID) -> bodies.DeliveryBody:
    """Send a call again, whatever became of it."""
    hook = access.webhook(call.session, call.actor, uid)
    row = webhooks.redeliver(call.session, call.actor, hook, delivery)
    return bodies.delivery(row, call.session.scalars(select(Event).where(Event.id == row.event_id)).one())
