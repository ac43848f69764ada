"""Items: moving, tagging, accepting into the dataset, deleting, and the files they need."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Invalid, NotFound
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project

SPLITS = ("", "train", "valid", "test")


def media_of(session: Session, item_id: int) -> list[tuple[ItemMedia, Media | None]]:
    """The files of an item in order, each with what is stored of it (None: not here yet)."""
    rows = session.execute(
        select(ItemMedia, Media)
        .outerjoin(Media, Media.id == ItemMedia.media_id)
        .where(ItemMedia.item_id == item_id)
        .order_by(ItemMedia.role, ItemMedia.position, ItemMedia.id)
    )
    return [(row, media) for row, media in rows]


def main_media(session: Session, item_ids: Sequence[int]) -> dict[int, Media]:
    """For each item its picture: the main file, or the first frame of a sequence."""
    rows = session.execute(
        select(ItemMedia.item_id, Media)
        .join(Media, Media.id == ItemMedia.media_id)
        .where(ItemMedia.item_id.in_(item_ids), ItemMedia.role.in_(("main", "frame")), ItemMedia.position == 0)
    )
    return {item_id: media for item_id, media in rows}


def of_project(session: Session, project: Project, ids: Sequence[int]) -> list[Item]:
    """These items of a project. Raises `NotFound` naming the first id that is not in it."""
    rows = list(session.scalars(select(Item).where(Item.project_id == project.id, Item.id.in_(ids)).order_by(Item.id)))
    if missing := set(ids) - {row.id for row in rows}:
        raise NotFound(f"There is no item {min(missing)} in this project.")
    return rows


def move(session: Session, project: Project, ids: Sequence[int], batch: Batch) -> int:
    """Move items to a batch of the same project; how many."""
    if batch.project_id != project.id:
        raise NotFound("There is no such batch.")
    of_project(session, project, ids)
    return _update(session, project, ids, batch_id=batch.id)


def set_tags(
    session: Session, project: Project, ids: Sequence[int], add: Sequence[str] = (), remove: Sequence[str] = ()
) -> int:
    """Add and remove free tags; how many items."""
    for tag in (*add, *remove):
        if not tag.strip() or len(tag) > 100:
            raise Invalid("A tag has 1 to 100 characters.", field="tags")
    rows = of_project(session, project, ids)
    for row in rows:
        present: list[str] = [*(row.tags or []), *add]
        row.tags = [t for t in dict.fromkeys(present) if t not in remove] or None
    session.flush()
    return len(rows)


def accept(session: Session, project: Project, ids: Sequence[int], split: str | None = None) -> int:
    """Take items into the dataset. `split` None keeps each one's own (`train` when it has none)."""
    if split is not None and split not in SPLITS[1:]:
        raise Invalid(f"{split!r} is not a split; choose train, valid or test.", field="split")
    rows = of_project(session, project, ids)
    for row in rows:
        row.split = split or row.split or "train"
        row.accepted_at = row.accepted_at or now()
    session.flush()
    return len(rows)


def withdraw(session: Session, project: Project, ids: Sequence[int]) -> int:
    """Take items out of the dataset; frozen versions keep them."""
    return _update(session, project, ids, accepted_at=None)


def remove(session: Session, project: Project, ids: Sequence[int]) -> int:
    """Delete items with their labels and tasks; how many."""
    of_project(session, project, ids)
    session.execute(delete(Item).where(Item.project_id == project.id, Item.id.in_(ids)))
    session.expire_all()
    return len(set(ids))


def _update(session: Session, project: Project, ids: Sequence[int], **values: object) -> int:
    rows = session.execute(
        update(Item).where(Item.project_id == project.id, Item.id.in_(ids)).values(updated_at=now(), **values)
    )
    return rows.rowcount  # type: ignore[attr-defined]
