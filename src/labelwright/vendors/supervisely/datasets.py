"""Datasets: our batches, nested as theirs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from labelwright.errors import NotFound
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import access, batches, items
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, gone, keep
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.places import archived_name, shown
from labelwright.vendors.supervisely.wire import Refused

FIELDS = {"id": Field(read=ID), "name": Field(), "parentId": Field(read=ID), "projectId": Field(read=ID),
          "createdBy": Field(read=ID)}  # fmt: skip


def rows_json(ask: Ask, rows: Sequence[Batch], *, custom: bool) -> list[dict[str, Any]]:
    """Datasets as the package reads them, with their own counts. `custom`: with `customData`, which the package cannot
    take in a list that it makes a tree of."""
    ids = [row.id for row in rows]
    query = (
        select(Item.batch_id, func.count(Item.id), func.sum(Media.size))
        .outerjoin(ItemMedia, (ItemMedia.item_id == Item.id) & (ItemMedia.role == "main") & (ItemMedia.position == 0))
        .outerjoin(Media, Media.id == ItemMedia.media_id)
        .where(Item.project_id.in_({row.project_id for row in rows}), Item.batch_id.in_(ids))
        .group_by(Item.batch_id)
    )
    counts = {batch: (count, int(size or 0)) for batch, count, size in ask.session.execute(query)}
    homes = {
        p.id: p for p in ask.session.scalars(select(Project).where(Project.id.in_({row.project_id for row in rows})))
    }
    found = []
    for row in rows:
        count, size = counts.get(row.id, (0, 0))
        home, kept = homes[row.project_id], extra_of(row)
        body = {
            "id": row.id, "name": row.name, "description": row.description, "size": str(size), "projectId": home.id,
            "imagesCount": count, "itemsCount": count, "createdAt": wire.moment(row.created_at),
            "updatedAt": wire.moment(row.updated_at), "referenceImageUrl": None, "teamId": home.team_id,
            "workspaceId": home.workspace_id, "parentId": row.parent_id, "createdBy": row.created_by,
            "isFavorite": ask.actor.user_id in kept.get("favorites", []),
        }  # fmt: skip
        found.append({**body, "customData": kept.get("customData", {})} if custom else body)
    return found


def _listed(ask: Ask, rows: Sequence[Batch]) -> dict[str, Any]:
    used = set(ask.session.scalars(
        select(Item.batch_id).where(Item.project_id.in_({row.project_id for row in rows})).distinct()
    ))  # fmt: skip
    hidden = {row.id for row in rows if not shown(row, row.id in used)}
    # What lies in an archived dataset is archived with it.
    for row in sorted(rows, key=lambda row: row.id):
        if row.parent_id in hidden:
            hidden.add(row.id)
    custom = "customData" in ask.list("extraFields", [])
    return listing.at_hand(ask, rows_json(ask, [r for r in rows if r.id not in hidden], custom=custom), FIELDS)


def listed(ask: Ask) -> dict[str, Any]:
    """Datasets of a project: those at its top, or all of them when it is to be recursive."""
    rows = batches.of_project(ask.session, ask.project())
    if not ask.flag("recursive", False):
        rows = [row for row in rows if row.parent_id is None]
    return _listed(ask, rows)


def listed_all(ask: Ask) -> dict[str, Any]:
    """Datasets of every project that the caller sees."""
    homes = access.visible_projects(ask.actor).where(Project.archived_at.is_(None)).with_only_columns(Project.id)
    query = select(Batch).where(Batch.project_id.in_(homes)).order_by(Batch.id)
    return _listed(ask, list(ask.session.scalars(query)))


def info(ask: Ask) -> dict[str, Any]:
    """One dataset."""
    return rows_json(ask, [ask.batch("id")], custom=True)[0]


def add(ask: Ask) -> dict[str, Any]:
    """A new dataset, at the top of a project or in another dataset."""
    project, name = ask.project(right="manage"), ask.text("name").strip()
    parent = ask.batch("parentId", "manage") if ask.has("parentId") else None
    if parent is not None and parent.project_id != project.id:
        raise Refused(400, f"The dataset {parent.id} is not in this project.")
    default = batches.default_of(ask.session, project)
    empty = ask.session.scalar(select(Item.id).where(Item.batch_id == default.id).limit(1)) is None
    if parent is None and name == default.name and not shown(default, not empty):
        row = default  # theirs now; until it held something it was no dataset to them
        keep(row, shown=True)
        batches.change(ask.session, row, description=ask.text("description", ""))
    else:
        row = batches.create(ask.session, project, name, ask.text("description", ""), parent, ask.actor.user_id)
    if ask.has("customData"):
        keep(row, customData=ask.object("customData"))
    ask.session.flush()
    return rows_json(ask, [row], custom=True)[0]


def edit(ask: Ask) -> dict[str, Any]:
    """Change a dataset's name, description or custom data."""
    row = ask.batch("id", "manage")
    batches.change(ask.session, row, name=ask.text("name", None), description=ask.text("description", None))
    if ask.has("customData"):
        keep(row, customData=ask.object("customData"))
    ask.session.flush()
    return rows_json(ask, [row], custom=True)[0]


def move(ask: Ask) -> dict[str, Any]:
    """Put a dataset into another one of its project."""
    row, target = ask.batch("srcId", "manage"), ask.batch("destId", "manage")
    if row.project_id != target.project_id or row.is_default:
        raise Refused(400, "A dataset can be moved into another one of its own project; the default one stays.")
    above: Batch | None = target
    while above is not None:
        if above.id == row.id:
            raise Refused(400, "A dataset cannot be put into itself.")
        above = ask.session.get(Batch, above.parent_id) if above.parent_id is not None else None
    row.parent_id = target.id
    ask.session.flush()
    return {"success": True}


def favorite(ask: Ask) -> dict[str, Any]:
    """Mark a dataset as the caller's favorite, or no more; `datasets.info` and lists tell it as `isFavorite`."""
    row, me = ask.batch("id"), ask.actor.user_id
    ask.session.refresh(row, with_for_update={"key_share": True})
    others = [user for user in extra_of(row).get("favorites", []) if user != me]
    keep(row, favorites=([*others, me] if ask.flag("isFavorite") else others) or None)
    ask.session.flush()
    return {"success": True}


def archive(ask: Ask) -> dict[str, Any]:
    """Hide a dataset from this API and free its name; its images and labels stay in our pages."""
    row = ask.batch("id", "manage")
    if row.is_default:
        raise Refused(400, "The default dataset of a project stays; remove its images instead.")
    keep(row, archived=True)
    batches.change(ask.session, row, name=archived_name(row.name, row.id))
    return {"success": True}


def remove(ask: Ask) -> dict[str, Any]:
    """Delete datasets with the datasets, images and labels in them, for good."""
    rows = []
    for number, entry in enumerate(ask.list("datasets", most=50)):
        ref = wire.whole(wire.object_of(entry, f"datasets[{number}]").get("id"), f"datasets[{number}].id")
        rows.append(access.batch(ask.session, ask.actor, ref, "manage"))
    if any(row.is_default for row in rows):
        raise Refused(400, "The default dataset of a project stays; remove its images instead.")
    for row in rows:
        for part in reversed(_below(ask, row)):
            _empty(ask, part)
            ask.session.delete(part)
            ask.session.flush()
    return {"success": True}


def _below(ask: Ask, row: Batch) -> list[Batch]:
    """A dataset and all that lie in it, from the top down."""
    found = [row]
    for part in found:
        found += ask.session.scalars(select(Batch).where(Batch.parent_id == part.id).order_by(Batch.id))
    return found


def _empty(ask: Ask, row: Batch) -> None:
    project = ask.project_of(row)
    ids = list(ask.session.scalars(select(Item.id).where(Item.project_id == project.id, Item.batch_id == row.id)))
    for start in range(0, len(ids), 500):
        items.remove(ask.session, project, ids[start : start + 500])


def of_project(ask: Ask, project: Project) -> list[int]:
    """Ids of a project's datasets that are not archived, nor in one that is."""
    rows = batches.of_project(ask.session, project)
    hidden: set[int] = set()
    for row in rows:
        if gone(row.extra) or row.parent_id in hidden:
            hidden.add(row.id)
    return [row.id for row in rows if row.id not in hidden]


def of_body(ask: Ask) -> Batch:
    """The dataset that the body names. Raises `Refused` when it names a project, too, that the dataset is not in."""
    batch = ask.batch()
    if ask.has("projectId") and ask.whole("projectId") != batch.project_id:
        raise Refused(400, f"The dataset {batch.id} is not in the project {ask.whole('projectId')}.")
    return batch


def inside(ask: Ask, batch: Batch) -> list[int]:
    """Ids of a dataset and of all that lie in it."""
    if gone(batch.extra):
        raise NotFound(f"There is no dataset {batch.id}.")
    return [row.id for row in _below(ask, batch)]


METHODS: Methods = {
    "datasets.list": Method(listed),
    "datasets.list.all": Method(listed_all),
    "datasets.info": Method(info),
    "datasets.add": Method(add, write=True),
    "datasets.editInfo": Method(edit, write=True),
    "datasets.move": Method(move, write=True),
    "datasets.favorite-change": Method(favorite, write=True),
    "datasets.archive": Method(archive, write=True),
    "datasets.remove.permanently": Method(remove, write=True),
}
