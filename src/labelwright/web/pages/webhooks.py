"""Webhooks of a project, and how their calls went."""

from __future__ import annotations

from starlette.responses import Response

from labelwright.errors import NotFound
from labelwright.models.events import Webhook
from labelwright.models.projects import Project
from labelwright.services import access, events, webhooks
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

LOOKS = {
    "done": ("accepted", "Delivered"),
    "pending": ("label", "Waiting"),
    "failed": ("failed", "Failed"),
    "dropped": ("skipped", "Not for this shape"),
}
COMMON = (
    "task.submitted",
    "task.accepted",
    "task.rejected",
    "task.completed",
    "item.failed",
    "job.completed",
    "export.finished",
)
PAGE = 50


def index(view: View, uid: str) -> Response:
    """Where events of this project are told."""
    project = project_of(view, uid, "manage")
    rows = webhooks.of_project(view.session, view.actor, project)
    last = {
        row.id: next(iter(webhooks.deliveries(view.session, view.actor, row, limit=1)), None)
        for row in rows
        if _may(view, row)
    }
    return project_page(
        view, "webhooks.html", project, "settings", page="webhooks", webhooks=rows, last=last, looks=LOOKS
    )


def form(view: View, uid: str, webhook_uid: str = "") -> Response:
    """The dialog for a new or a present webhook."""
    project = project_of(view, uid, "manage")
    row = _webhook(view, project, webhook_uid) if webhook_uid else None
    others = sorted(set(events.KINDS) - set(COMMON) - {"webhook.test"})
    return view.part("_webhook_form.html", project, row=row, common=COMMON, others=others, kinds=events.KINDS,
                     shapes=view.context.shapes)  # fmt: skip


def save(view: View, uid: str, webhook_uid: str = "") -> Response:
    """Make or change a webhook; a new one's secret is shown once."""
    project = project_of(view, uid, "manage")
    if webhook_uid:
        row = _webhook(view, project, webhook_uid)
        webhooks.change(view.session, view.actor, row, url=view.text("url"), kinds=view.texts("kinds"))
        return view.done(_url(project, row), "Saved.")
    row = webhooks.create(
        view.session, view.actor, url=view.text("url"), kinds=view.texts("kinds"), project=project,
        shape=view.text("shape") or webhooks.OWN_SHAPE, shapes=view.context.shapes, header_key=view.text("header_key"),
    )  # fmt: skip
    return view.part("_webhook_made.html", project, row=row)


def log(view: View, uid: str, webhook_uid: str) -> Response:
    """One webhook and its deliveries, latest first."""
    project = project_of(view, uid, "manage")
    row = _webhook(view, project, webhook_uid)
    state, before = view.query.get("state", ""), view.query.get("before", "")
    rows = webhooks.deliveries(
        view.session, view.actor, row, before=int(before) if before.isdigit() else None, state=state, limit=PAGE + 1
    )
    context = {
        "webhook": row,
        "rows": rows[:PAGE],
        "state": state,
        "more": str(rows[PAGE - 1][0].event_id) if len(rows) > PAGE else "",
        "looks": LOOKS,
        "base": _url(project, row),
    }
    if before:
        return view.part("_deliveries.html", project, **context)
    crumbs = [("Webhooks", url_of(project, "/webhooks")), (row.url, "")]
    return project_page(
        view, "webhook.html", project, "settings", crumbs, page="webhooks", kinds=events.KINDS, **context
    )


def test(view: View, uid: str, webhook_uid: str) -> Response:
    """Send a test call."""
    project = project_of(view, uid, "manage")
    row = _webhook(view, project, webhook_uid)
    webhooks.test(view.session, view.actor, row)
    return view.done(_url(project, row), "A test call is on its way.")


def redeliver(view: View, uid: str, webhook_uid: str, delivery_uid: str) -> Response:
    """Send a call again."""
    project = project_of(view, uid, "manage")
    row = _webhook(view, project, webhook_uid)
    webhooks.redeliver(view.session, view.actor, row, delivery_uid)
    return view.done(_url(project, row), "The call is on its way again.")


def switch(view: View, uid: str, webhook_uid: str) -> Response:
    """Pause or resume."""
    project = project_of(view, uid, "manage")
    row = _webhook(view, project, webhook_uid)
    webhooks.change(view.session, view.actor, row, active=not row.active)
    return view.done(_url(project, row), "Resumed." if row.active else "Paused; events from now on are not told.")


def delete(view: View, uid: str, webhook_uid: str) -> Response:
    """Stop telling."""
    project = project_of(view, uid, "manage")
    webhooks.delete(view.session, view.actor, _webhook(view, project, webhook_uid))
    return view.done(url_of(project, "/webhooks"), "Deleted the webhook.")


def _may(view: View, row: Webhook) -> bool:
    return view.actor.may("manage" if row.project_id else "own", row.team_id)


def _webhook(view: View, project: Project, uid: str) -> Webhook:
    row = access.webhook(view.session, view.actor, uid)
    if row.team_id != project.team_id or row.project_id not in (None, project.id):
        raise NotFound("There is no such webhook.")
    return row


def _url(project: Project, row: Webhook) -> str:
    return url_of(project, f"/webhooks/{row.uid}")
