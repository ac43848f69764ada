"""A team's activity: our events as they know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import aliased

from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job
from labelwright.services import access
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

# Our kinds of event and their actions; what they have no action for has the name of ours.
ACTIONS: dict[str, str] = {
    "project.created": "create_project", "project.changed": "update_project", "project.archived": "disable_project",
    "project.restored": "restore_project", "batch.created": "create_dataset", "batch.changed": "update_dataset",
    "batch.deleted": "disable_dataset", "items.filed": "create_image", "item.changed": "update_image",
    "items.deleted": "disable_image", "document.saved": "update_figure", "document.restored": "restore_figure",
    "ontology.changed": "update_class", "workspace.created": "create_workspace", "workspace.deleted": "disable_workspace",
    "member.added": "add_member", "member.removed": "remove_member", "export.finished": "export_project",
    "task.submitted": "image_review_status_updated", "task.accepted": "image_review_status_updated",
    "task.rejected": "image_review_status_updated", "task.reopened": "image_review_status_updated",
}  # fmt: skip
REVIEW = {"task.submitted": "done", "task.accepted": "accepted", "task.rejected": "rejected", "task.reopened": "none"}


def _date(value: Any, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(wire.text(value, at, 40))
    except ValueError:
        raise Refused(400, f"{at} must be a date and time in ISO 8601, not {wire.short(value)}.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_LABELER = case(
    (Event.kind.in_(("task.accepted", "task.rejected")), Event.data["author"].as_integer()), else_=Event.actor_id
)
FIELDS = {
    "userId": Field(Event.actor_id, ID), "projectId": Field(Event.project_id, ID), "jobId": Field(Event.job_id, ID),
    "type": Field(case(ACTIONS, value=Event.kind, else_=Event.kind)), "date": Field(Event.at, _date),
    "labelerId": Field(_LABELER, ID), "reviewStatus": Field(case(REVIEW, value=Event.kind)),
}  # fmt: skip


def activity(ask: Ask) -> dict[str, Any]:
    """What happened in a team, oldest first, a page at a time."""
    team = ask.team()
    homes = access.visible_projects(ask.actor).with_only_columns(Project.id)
    seen = Event.project_id.in_(homes)
    if ask.actor.workspace_id is None and ask.actor.may("manage", team.id):
        seen = or_(seen, Event.project_id.is_(None))
    query = select(Event).where(Event.team_id == team.id, seen)
    return listing.page(
        ask, query, FIELDS, lambda rows: _shaped(ask, [row[0] for row in rows]), id_column=Event.id, size=1000
    )


def _shaped(ask: Ask, rows: Sequence[Event]) -> list[dict[str, Any]]:
    session = ask.session
    users: dict[int | None, str] = {
        u.id: u.email for u in session.scalars(select(User).where(User.id.in_({r.actor_id for r in rows})))
    }
    projects = {
        p.id: p.name for p in session.scalars(select(Project).where(Project.id.in_({r.project_id for r in rows})))
    }
    names: dict[int | None, str] = {
        j.id: j.name for j in session.scalars(select(Job).where(Job.id.in_({r.job_id for r in rows})))
    }
    batch = aliased(Batch)
    found = select(Item.id, Item.name, batch.id, batch.name).join(batch, batch.id == Item.batch_id)
    items: dict[int | None, tuple[Any, ...]] = {
        i: tuple(rest) for i, *rest in session.execute(found.where(Item.id.in_({r.item_id for r in rows})))
    }
    shaped = []
    for row in rows:
        image, dataset_id, dataset = items.get(row.item_id, (None, None, None))
        status = REVIEW.get(row.kind)
        shaped.append({
            "id": row.id, "userId": row.actor_id, "user": users.get(row.actor_id or 0), "action": ACTIONS.get(row.kind, row.kind),
            "date": wire.moment(row.at), "projectId": row.project_id, "project": projects.get(row.project_id or 0),
            "datasetId": dataset_id, "dataset": dataset, "imageId": row.item_id, "image": image, "classId": None,
            "class": None, "figureId": None, "job": names.get(row.job_id or 0), "jobId": row.job_id, "tag": None, "tagId": None,
            "meta": {**({"reviewStatus": status} if status else {}), **_plain(row.data)},
        })  # fmt: skip
    return shaped


def _plain(data: dict[str, Any] | None) -> dict[str, Any]:
    """What an event says besides, as far as it is for everybody to read."""
    return {
        name: value
        for name, value in (data or {}).items()
        if name in ("count", "changed", "version", "reason", "stage", "kind")
    }


METHODS: Methods = {"teams.activity": Method(activity)}
