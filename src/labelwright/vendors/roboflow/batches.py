"""Batches: the established lists and the administration routes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job
from labelwright.services import batches, items
from labelwright.vendors.roboflow import board, wire
from labelwright.vendors.roboflow.asking import Ask, items_of
from labelwright.vendors.roboflow.wire import Refused


def listed(ask: Ask) -> dict[str, Any]:
    """All batches."""
    project = ask.project()
    rows = board.shown_batches(ask.session, project)
    return {"batches": board.described_batches(ask.session, project, rows)}


def one(ask: Ask) -> dict[str, Any]:
    """One batch, flat."""
    project = ask.project()
    return board.described_batches(ask.session, project, [ask.batch(project, ask.params["batch"])])[0]


def page(ask: Ask, rows: list[Any], mark: Any) -> tuple[list[Any], str | None]:
    """The part of a list that `limit` and `after` ask for, and the token of the next one. `mark`: a row's place in the order."""
    limit = wire.whole(dict(ask.query), "limit", 50, least=1, most=200)
    after = ask.query.get("after") or "0"
    if not after.isdigit():
        raise Refused(400, "after must be a token of an earlier page.")
    left = [row for row in rows if mark(row) > int(after)]
    part = left[:limit]
    return part, str(mark(part[-1])) if len(left) > limit else None


def admin_listed(ask: Ask) -> dict[str, Any]:
    """Batches page by page; empty ones when asked for."""
    project = ask.project()
    rows = board.shown_batches(ask.session, project)
    described = dict(zip((r.id for r in rows), board.described_batches(ask.session, project, rows), strict=True))
    if not wire.flag(ask.query.get("showEmpty")):
        rows = [row for row in rows if described[row.id]["images"]]
    part, after = page(ask, rows, lambda row: row.id)
    return {"batches": [described[row.id] for row in part], "after": after}


def images(ask: Ask) -> dict[str, Any]:
    """A batch's unassigned images, page by page."""
    project = ask.project()
    batch = ask.batch(project, ask.params["batch"])
    rows = list(ask.session.scalars(board.unassigned(project, [batch.id])))
    part, after = page(ask, rows, lambda row: row.id)
    return {"images": [board.image(row) for row in part], "after": after}


def create(ask: Ask) -> dict[str, Any]:
    """Move unassigned images of a batch into a new one."""
    project = ask.project("manage")
    source = ask.batch(project, wire.text(ask.body, "sourceBatchId"))
    rows = items_of(ask.session, project, wire.texts(ask.body, "imageIds"))
    free = set(ask.session.scalars(board.unassigned(project, [source.id]).with_only_columns(Item.id)))
    for row in rows:
        if row.id not in free:
            raise Conflict(f"Image {wire.short(row.uid)} is not among the unassigned images of {source.name!r}.")
    name = wire.text(ask.body, "name", most=200) or _free_name(ask.session, project, f"{source.name} (part)")
    made = batches.create(ask.session, project, name, created_by=ask.actor.user_id)
    items.move(ask.session, project, [row.id for row in rows], made)
    ask.session.flush()
    return board.described_batches(ask.session, project, [made])[0]


def merge(ask: Ask) -> dict[str, Any]:
    """Move all images of some batches into another; the emptied ones go."""
    project = ask.project("manage")
    target = ask.batch(project, wire.text(ask.body, "targetBatchId"))
    sources = [ask.batch(project, ref) for ref in wire.texts(ask.body, "sourceBatchIds")]
    for source in {row.id: row for row in sources if row.id != target.id}.values():
        _empty_into(ask, project, source, target)
    return board.described_batches(ask.session, project, [target])[0]


def delete(ask: Ask) -> dict[str, Any]:
    """Take a batch away. Its images stay, unassigned in the default batch, or are deleted with it when `permanent`."""
    project = ask.project("manage")
    batch = ask.batch(project, ask.params["batch"])
    permanent = bool(wire.flag(ask.query.get("permanent")))
    ids = list(ask.session.scalars(select(Item.id).where(Item.batch_id == batch.id)))
    free = list(ask.session.scalars(board.unassigned(project, [batch.id]).with_only_columns(Item.id)))
    if len(free) != len(ids):
        raise Conflict(f"{len(ids) - len(free)} images of this batch are in annotation jobs or in the dataset.")
    if permanent:
        items.remove(ask.session, project, ids)
        batch = ask.batch(project, ask.params["batch"])
    elif batch.is_default:
        raise Conflict("The default batch stays; permanent=true deletes its images.")
    if not batch.is_default:
        _empty_into(ask, project, batch, batches.default_of(ask.session, project))
    return {"success": True, "deleted": not batch.is_default, "permanent": permanent, "images": len(ids)}


def _empty_into(ask: Ask, project: Project, source: Batch, target: Batch) -> None:
    session = ask.session
    moved = update(Item).where(Item.batch_id == source.id).values(batch_id=target.id, updated_at=now())
    session.execute(moved.execution_options(synchronize_session=False))
    jobs = update(Job).where(Job.batch_id == source.id, Job.origin == "").values(batch_id=target.id)
    session.execute(jobs.execution_options(synchronize_session=False))
    session.expire_all()
    if not source.is_default:
        batches.remove(session, source)


def _free_name(session: Session, project: Project, name: str) -> str:
    candidate, number = name[:190], 1
    while batches.by_name(session, project, candidate) is not None:
        number += 1
        candidate = f"{name[:190]} {number}"
    return candidate
