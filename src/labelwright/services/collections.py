"""Collections: named choices of a project's items, across batches."""

from __future__ import annotations

from collections.abc import Collection as Sized
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Duplicate, Invalid, NotFound
from labelwright.models.items import Collection, CollectionItem, Item
from labelwright.models.projects import Project
from labelwright.services import access
from labelwright.services.access import Actor

CHUNK = 1000


def get(session: Session, actor: Actor, ref: int, right: str = "view") -> Collection:
    """A collection of a project in which the actor has the right. Raises `NotFound`."""
    row = session.get(Collection, ref)
    if row is None:
        raise NotFound(f"There is no collection {ref}.")
    access.project(session, actor, row.project_id, right)
    return row


def find(session: Session, project: Project, ref: access.Ref) -> Collection:
    """A collection of a project by its uid. Raises `NotFound`."""
    uid = access.as_uid(ref)
    query = select(Collection).where(Collection.project_id == project.id, Collection.uid == uid)
    row = session.scalar(query) if uid is not None else None
    if row is None:
        raise NotFound("There is no such collection in this project.")
    return row


def of_item(session: Session, item_id: int) -> list[Collection]:
    """The collections that an item is in, oldest first."""
    inside = select(CollectionItem.collection_id).where(CollectionItem.item_id == item_id)
    return list(session.scalars(select(Collection).where(Collection.id.in_(inside)).order_by(Collection.id)))


def sizes(session: Session, project: Project) -> dict[int, int]:
    """How many items each of a project's collections holds, by its id."""
    query = (
        select(CollectionItem.collection_id, func.count())
        .join(Collection, Collection.id == CollectionItem.collection_id)
        .where(Collection.project_id == project.id)
        .group_by(CollectionItem.collection_id)
    )
    return {key: count for key, count in session.execute(query)}


def create(
    session: Session, actor: Actor, project: Project, name: str, description: str = "", extra: dict[str, Any] | None = None
) -> Collection:  # fmt: skip
    """A new, empty collection. Raises `Duplicate` for a taken name; atomic among racing callers."""
    access.require(actor, "manage", project.team_id, "project")
    row = Collection(
        project_id=project.id, name=_name(name), description=description, created_by=actor.user_id, extra=extra
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise Duplicate(f"There is a collection {name!r} in this project already.") from None
    return row


def change(session: Session, row: Collection, *, name: str | None = None, description: str | None = None) -> Collection:
    """Rename or describe a collection. Raises `Duplicate` for a taken name."""
    if name is not None and _name(name) != row.name:
        other = select(Collection.id).where(Collection.project_id == row.project_id, Collection.name == _name(name))
        if session.scalar(other) is not None:
            raise Duplicate(f"There is a collection {name!r} in this project already.")
        row.name = _name(name)
    if description is not None:
        row.description = description
    row.updated_at = now()
    session.flush()
    return row


def of_project(session: Session, project: Project) -> list[Collection]:
    """A project's collections, oldest first."""
    return list(session.scalars(select(Collection).where(Collection.project_id == project.id).order_by(Collection.id)))


def members(session: Session, row: Collection) -> set[int]:
    """Ids of the items in a collection."""
    return set(session.scalars(select(CollectionItem.item_id).where(CollectionItem.collection_id == row.id)))


def add(session: Session, row: Collection, items: Mapping[int, dict[str, Any] | None]) -> tuple[list[int], list[int]]:
    """Put items (id -> what is said about it there) into a collection; (ids now in it, ids the project does not have)."""
    there: set[int] = set()
    ids = list(items)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        there |= set(session.scalars(select(Item.id).where(Item.project_id == row.project_id, Item.id.in_(part))))
    inside = members(session, row)
    for item_id in ids:
        if item_id in there and item_id not in inside:
            session.add(CollectionItem(collection_id=row.id, item_id=item_id, extra=items[item_id]))
        elif item_id in there and items[item_id] is not None:
            session.get_one(CollectionItem, (row.id, item_id)).extra = items[item_id]
    row.updated_at = now()
    session.flush()
    return [i for i in ids if i in there], [i for i in ids if i not in there]


def take_out(session: Session, row: Collection, items: Sized[int]) -> tuple[list[int], list[int]]:
    """Take items out of a collection; (ids that were in it, ids that were not)."""
    inside = members(session, row)
    gone = [i for i in items if i in inside]
    for start in range(0, len(gone), CHUNK):
        part = gone[start : start + CHUNK]
        session.execute(
            delete_rows(CollectionItem).where(CollectionItem.collection_id == row.id, CollectionItem.item_id.in_(part))
        )
    row.updated_at = now()
    session.flush()
    return gone, [i for i in items if i not in inside]


def delete(session: Session, row: Collection) -> None:
    """Delete a collection; its items stay."""
    session.delete(row)
    session.flush()


def _name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > 200:
        raise Invalid("A collection needs a name of 1 to 200 characters.", field="name")
    return text
