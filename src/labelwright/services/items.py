"""Items: moving, tagging, accepting into the dataset, deleting, and the files they need."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from labelwright import bulk
from labelwright.db import lock, new_uid, now
from labelwright.errors import Invalid, NotFound
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import events
from labelwright.services.access import Actor
from labelwright.services.media import Kept

SPLITS = ("train", "valid", "test")


def of_split(split: str) -> ColumnElement[bool]:
    """The condition that an item of the dataset is in a split; one without any counts as `train`."""
    return Item.split.in_(("", split)) if split == "train" else Item.split == split


def media_of(session: Session, item_id: int) -> list[tuple[ItemMedia, Media | None]]:
    """The files of an item in order, each with what is stored of it (None: not here yet)."""
    return [(row, media) for row, media in session.execute(_MEDIA_OF, {"item": item_id})]


_MEDIA_OF = (
    select(ItemMedia, Media)
    .outerjoin(Media, Media.id == ItemMedia.media_id)
    .where(ItemMedia.item_id == bindparam("item"))
    .order_by(ItemMedia.role, ItemMedia.position, ItemMedia.id)
)


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
    rows = list(session.scalars(_OF_PROJECT, {"project": project.id, "ids": list(ids)}))
    if missing := set(ids) - {row.id for row in rows}:
        raise NotFound(f"There is no item {min(missing)} in this project.")
    return rows


_OF_PROJECT = (
    select(Item)
    .where(Item.project_id == bindparam("project"), Item.id.in_(bindparam("ids", expanding=True)))
    .order_by(Item.id)
)


def among(session: Session, ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that an item is one of these, however many they are: one value for the database."""
    if session.get_bind().dialect.name == "postgresql":
        return Item.id == func.any(literal(list(ids), ARRAY(BigInteger)))
    values = func.json_each(msgspec.json.encode(list(ids)).decode()).table_valued("value")
    return Item.id.in_(select(values.c.value))


def move(session: Session, project: Project, ids: Sequence[int], batch: Batch) -> int:
    """Move items to a batch of the same project; how many."""
    if batch.project_id != project.id:
        raise NotFound("There is no such batch.")
    of_project(session, project, ids)
    return _update(session, project, ids, "batch", batch_id=batch.id)


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
    _tell(session, "item.changed", project, len(rows), "tags")
    return len(rows)


def accept(session: Session, project: Project, ids: Sequence[int], split: str | None = None) -> int:
    """Take items into the dataset. `split` None keeps each one's own (`train` when it has none)."""
    if split is not None and split not in SPLITS:
        raise Invalid(f"{split!r} is not a split; choose train, valid or test.", field="split")
    rows = of_project(session, project, ids)
    for row in rows:
        row.split = split or row.split or "train"
        row.accepted_at = row.accepted_at or now()
    session.flush()
    _tell(session, "item.changed", project, len(rows), "accepted")
    return len(rows)


def withdraw(session: Session, project: Project, ids: Sequence[int]) -> int:
    """Take items out of the dataset; frozen versions keep them."""
    return _update(session, project, ids, "accepted", accepted_at=None)


def remove(session: Session, project: Project, ids: Sequence[int]) -> int:
    """Delete items with their labels and tasks; how many."""
    of_project(session, project, ids)
    session.execute(delete(Item).where(Item.project_id == project.id, Item.id.in_(ids)))
    session.expire_all()
    _tell(session, "items.deleted", project, len(set(ids)))
    return len(set(ids))


def _update(session: Session, project: Project, ids: Sequence[int], field: str, **values: object) -> int:
    rows = session.execute(
        update(Item).where(Item.project_id == project.id, Item.id.in_(ids)).values(updated_at=now(), **values)
    )
    count: int = rows.rowcount  # type: ignore[attr-defined]
    _tell(session, "item.changed", project, count, field)
    return count


def _tell(session: Session, kind: str, project: Project, count: int, *fields: str) -> None:
    if count:
        data: dict[str, Any] = {"count": count}
        if fields:
            data["fields"] = list(fields)
        events.emit(session, kind, team_id=project.team_id, project_id=project.id, data=data)


def lock_content(session: Session, project: Project, sha256: bytes) -> None:
    """Until the transaction ends nobody else files a file of this content in the project: look, then `add_image`."""
    lock(session, f"content {project.uid} {sha256.hex()}")


def by_content(session: Session, project: Project, sha256: bytes) -> Item | None:
    """The project's first image of this content."""
    query = (
        select(Item)
        .join(ItemMedia, (ItemMedia.item_id == Item.id) & (ItemMedia.role == "main"))
        .join(Media, Media.id == ItemMedia.media_id)
        .where(Item.project_id == project.id, Media.team_id == project.team_id, Media.sha256 == sha256)
    )
    return session.scalar(query.order_by(Item.id).limit(1))


def add_image(
    session: Session, actor: Actor, project: Project, batch: Batch, media: Media, name: str, *,
    split: str = "", tags: Sequence[str] = (), meta: Any = None, source: dict[str, Any] | None = None,
) -> Item:  # fmt: skip
    """A new image in a batch, in no job yet. `media`: its file, which is here already."""
    if project.kind != "image":
        raise Invalid(f"This project holds {project.kind}s, not images.")
    for tag in tags:
        if not tag.strip() or len(tag) > 100:
            raise Invalid("A tag has 1 to 100 characters.", field="tags")
    item = Item(
        project_id=project.id, batch_id=batch.id, kind="image", name=name, width=media.width, height=media.height,
        media_state="ready", split=split, tags=list(dict.fromkeys(tags)) or None, meta=meta, source=source,
        created_by=actor.user_id,
    )  # fmt: skip
    session.add(item)
    session.flush()
    session.add(ItemMedia(item_id=item.id, role="main", media_id=media.id, state="ready", next_try_at=None))
    session.flush()
    events.emit(
        session, "items.filed", team_id=project.team_id, project_id=project.id, actor=actor, item=item.id,
        data={"count": 1},
    )  # fmt: skip
    return item


@dataclass(slots=True)
class NewImage:
    """An image to be added whose file is here already. `url`: where the file came from, "" for an upload; `id`, `uid`, `at`
    are set when it is added."""

    name: str
    media: Media | Kept
    meta: Any = None
    source: dict[str, Any] | None = None
    url: str = ""
    id: int = 0
    uid: uuid.UUID | None = None
    at: datetime | None = None


_COLUMNS = ("id", "uid", "project_id", "batch_id", "kind", "name", "width", "height", "frames", "media_state", "media_error",
            "split", "meta", "source", "created_by", "created_at", "updated_at")  # fmt: skip
_FILES = ("item_id", "role", "position", "url", "media_id", "state", "attempts", "error")


def add_images(session: Session, actor: Actor, project: Project, batch: Batch, new: Sequence[NewImage]) -> list[int]:
    """New images in a batch, in no job yet; their ids in that order. One event tells of all."""
    if project.kind != "image":
        raise Invalid(f"This project holds {project.kind}s, not images.")
    if not new:
        return []
    ids, when = list(bulk.allocate(session, Item.__table__, len(new))), now()  # type: ignore[arg-type]
    for key, entry in zip(ids, new, strict=True):
        entry.id, entry.uid, entry.at = key, new_uid(), when
    rows = [
        (key, entry.uid, project.id, batch.id, "image", entry.name, entry.media.width, entry.media.height, 1, "ready", "", "",
         entry.meta, entry.source, actor.user_id, when, when)
        for key, entry in zip(ids, new, strict=True)
    ]  # fmt: skip
    files = [(key, "main", 0, entry.url, entry.media.id, "ready", 0, "") for key, entry in zip(ids, new, strict=True)]
    bulk.insert(session, Item.__table__, _COLUMNS, rows)  # type: ignore[arg-type]
    bulk.insert(session, ItemMedia.__table__, _FILES, files)  # type: ignore[arg-type]
    events.emit(
        session, "items.filed", team_id=project.team_id, project_id=project.id, actor=actor,
        item=ids[0] if len(ids) == 1 else None, data={"count": len(ids)},
    )  # fmt: skip
    return ids


def lock_names(session: Session, batch: Batch) -> None:
    """Until the transaction ends nobody else looks for taken names in this batch, so that a name found free stays so."""
    lock(session, f"names {batch.uid}")
