"""A team's activity: our events as they know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import aliased

from labelwright.models.documents import MAIN, Revision
from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job
from labelwright.services import access, ontology, revisions
from labelwright.vendors.supervisely import ids, listing, wire
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
SAVES = ("document.saved", "document.restored")
MOST_FIGURES = 100
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
    drawn = _drawn(ask, rows)
    shaped = []
    for row in rows:
        figures = drawn.get(row.id, [])
        one = figures[0] if len(figures) == 1 else {}
        image, dataset_id, dataset = items.get(row.item_id, (None, None, None))
        status = REVIEW.get(row.kind)
        shaped.append({
            "id": row.id, "userId": row.actor_id, "user": users.get(row.actor_id or 0), "action": ACTIONS.get(row.kind, row.kind),
            "date": wire.moment(row.at), "projectId": row.project_id, "project": projects.get(row.project_id or 0),
            "datasetId": dataset_id, "dataset": dataset, "imageId": row.item_id, "image": image, "classId": one.get("classId"),
            "class": one.get("class"), "figureId": one.get("figureId"), "job": names.get(row.job_id or 0), "jobId": row.job_id, "tag": None, "tagId": None,
            "meta": {**({"reviewStatus": status} if status else {}), **_plain(row.data), **({"figures": figures} if figures else {})},
        })  # fmt: skip
    return shaped


def _drawn(ask: Ask, rows: Sequence[Event]) -> dict[int, list[dict[str, Any]]]:
    """What saves of images did to which figures, by the event's id; the first hundred of each save."""
    saves = {(row.item_id, (row.data or {}).get("version")): row for row in rows if row.kind in SAVES and row.item_id}
    items = [key for key, _ in saves if key is not None]
    query = (
        select(Revision, Item.project_id)
        .join(Item, Item.id == Revision.item_id)
        .where(Revision.item_id.in_(items), Revision.layer == MAIN, Item.kind == "image")
        .where(Revision.version.in_([version for _, version in saves if isinstance(version, int)]))
    )
    found: dict[int, list[dict[str, Any]]] = {}
    classes: dict[int, dict[str, int]] = {}
    for revision, project_id in ask.session.execute(query).yield_per(50):
        event = saves.get((revision.item_id, revision.version))
        if event is None:
            continue
        if project_id not in classes:
            classes[project_id] = {c.name: c.id for c in ontology.classes_of(ask.session, project_id)}
        changes = revisions.read_delta(ask.session, revision.body, revision.blob).objects[:MOST_FIGURES]
        found[event.id] = [_figure(revision.item_id, change, classes[project_id]) for change in changes]
    return found


def _figure(item_id: int, change: revisions.ObjectDelta, classes: dict[str, int]) -> dict[str, Any]:
    thing = change.after or change.before
    name = thing.class_name if thing is not None else ""
    action = "create_figure" if change.before is None else "disable_figure" if change.after is None else "update_figure"
    return {"figureId": ids.join(item_id, change.id), "class": name, "classId": classes.get(name), "action": action}


def _plain(data: dict[str, Any] | None) -> dict[str, Any]:
    """What an event says besides, as far as it is for everybody to read."""
    return {
        name: value
        for name, value in (data or {}).items()
        if name in ("count", "changed", "version", "reason", "stage", "kind")
    }


METHODS: Methods = {"teams.activity": Method(activity)}
