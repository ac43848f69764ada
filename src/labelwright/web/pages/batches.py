"""Batches: named groups of a project's items."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Task
from labelwright.services import access, batches, collections, kept
from labelwright.web import progress
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View


def index(view: View, uid: str) -> Response:
    """All batches with how far they are."""
    project = project_of(view, uid)
    items = select(Item.batch_id, func.count()).where(Item.project_id == project.id).group_by(Item.batch_id)
    counts = {batch: count for batch, count in view.session.execute(items)}
    tree = _tree(batches.of_project(view.session, project))
    query = (
        select(Item.batch_id, Task.stage, Task.state, func.count())
        .join(Item, Item.id == Task.item_id)
        .where(Task.project_id == project.id)
        .group_by(Item.batch_id, Task.stage, Task.state)
    )
    work = kept.count(view.session, project.id, "batches", lambda: progress.grouped(view.session, query))
    return project_page(view, "batches.html", project, "batches", tree=tree, counts=counts, progress=work,
                        collections=collections.of_project(view.session, project), sizes=collections.sizes(view.session, project))  # fmt: skip


def form(view: View, uid: str, batch_uid: str = "") -> Response:
    """The dialog for a new or a present batch."""
    project = project_of(view, uid, "manage")
    row = _batch(view, project, batch_uid) if batch_uid else None
    others = [b for b, _ in _tree(batches.of_project(view.session, project))]
    return view.part("_batch_form.html", project, row=row, others=others)


def save(view: View, uid: str, batch_uid: str = "") -> Response:
    """Make or change a batch."""
    project = project_of(view, uid, "manage")
    if batch_uid:
        row = _batch(view, project, batch_uid)
        batches.change(view.session, row, name=view.text("name"), description=view.text("description"))
    else:
        parent = _batch(view, project, view.text("parent")) if view.text("parent") else None
        row = batches.create(
            view.session, project, view.text("name"), view.text("description"), parent, view.actor.user_id
        )
    return view.done(url_of(project, "/batches"), f"Saved the batch {row.name}.")


def delete(view: View, uid: str, batch_uid: str) -> Response:
    """Delete an empty batch."""
    project = project_of(view, uid, "manage")
    row = _batch(view, project, batch_uid)
    batches.remove(view.session, row)
    return view.done(url_of(project, "/batches"), f"Deleted the batch {row.name}.")


def _batch(view: View, project: Project, uid: str) -> Batch:
    row = access.batch(view.session, view.actor, uid)
    return row if row.project_id == project.id else access.batch(view.session, view.actor, 0)


def _tree(rows: list[Batch]) -> list[tuple[Batch, int]]:
    """Batches with their depth, each under its parent."""
    children: dict[int | None, list[Batch]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)

    def walk(parent: int | None, depth: int) -> list[tuple[Batch, int]]:
        found = []
        for row in children.get(parent, []):
            found += [(row, depth), *walk(row.id, depth + 1)]
        return found

    return walk(None, 0)
