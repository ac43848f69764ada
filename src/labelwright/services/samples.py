"""A project's items as samples for dataset formats: pictures as they are, videos frame by frame; a few hundred at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from labelwright.db import Database
from labelwright.formats.sample import Frame, Sample, SampleClass
from labelwright.formats.videos import frame_by_frame
from labelwright.geometry.document import Document
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Task
from labelwright.services import documents, ontology
from labelwright.storage import Store, content_key

CHUNK = 500
COLUMNS = (
    Item.id,
    Item.uid,
    Item.batch_id,
    Item.kind,
    Item.name,
    Item.width,
    Item.height,
    Item.frames,
    Item.media_state,
    Item.split,
)


class Filters(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Which items of a project. `batch` (with those inside it) and `job` are ids; `stage`: items with a task there,
    `end` being those that went through their workflow; `labeled`: only items with at least one object; `pictures`: the original
    pictures go in, where the format has a place for them."""

    batch: int | None = None
    job: int | None = None
    stage: str | None = None
    labeled: bool = False
    pictures: bool = False


@dataclass(frozen=True)
class Ways:
    """What a format wants: videos whole; pictures from this store; only items whose picture is here."""

    whole: bool = False
    store: Store | None = None
    pictured: bool = False


@dataclass
class Passed:
    """How far an export is, and items that could not be taken: their size in pixels is not known yet."""

    done: int = 0
    without_size: Counter[str] = field(default_factory=Counter)


def classes_of(session: Session, project: Project) -> list[SampleClass]:
    """The project's classes in their order."""
    return [SampleClass(c.name, c.skeleton) for c in ontology.classes_of(session, project.id)]


def chosen(session: Session, project_id: int, filters: Filters) -> Select[Item]:
    """The items that the filters choose, unordered."""
    query = select(Item).where(Item.project_id == project_id)
    if filters.batch is not None:
        query = query.where(Item.batch_id.in_(_inside(session, project_id, filters.batch)))
    if filters.job is not None or filters.stage is not None:
        task = select(Task.id).where(Task.item_id == Item.id)
        if filters.job is not None:
            task = task.where(Task.job_id == filters.job)
        if filters.stage is not None:
            task = task.where(Task.stage == filters.stage)
        query = query.where(task.exists())
    return query


def _inside(session: Session, project_id: int, batch: int) -> list[int]:
    """A batch of the project and all batches in it; empty for another project's."""
    below = defaultdict(list)
    rows = session.execute(select(Batch.id, Batch.parent_id).where(Batch.project_id == project_id)).all()
    for found, parent in rows:
        below[parent].append(found)
    wanted = [found for found, _ in rows if found == batch]
    for inner in wanted:
        wanted += below[inner]
    return wanted


def count(session: Session, project_id: int, filters: Filters) -> int:
    """How many items the filters choose (before `labeled`)."""
    return session.scalar(chosen(session, project_id, filters).with_only_columns(func.count())) or 0


def stream(
    database: Database, project_id: int, filters: Filters, passed: Passed, ways: Ways | None = None
) -> Iterator[Sample]:
    """The samples, in the order of their items. Each few hundred are read in a transaction of their own, so that a long
    export holds nothing open; an item that is deleted meanwhile is left out."""
    after, ways = 0, ways or Ways()
    with database.read() as session:
        folders = _folders(session, project_id)
    while True:
        with database.read() as session:
            query = chosen(session, project_id, filters).with_only_columns(*COLUMNS)
            items = session.execute(query.where(Item.id > after).order_by(Item.id).limit(CHUNK)).all()
            found = documents.labels_of(session, [i.id for i in items])
            frames = _frames(session, [i.id for i in items if i.kind == "video"], ways.store)
            pictures = _pictures(session, [i.id for i in items], ways.store)
        for item in items:
            document = found.get(item.id) or Document()
            if document.objects or not filters.labeled:
                folder = folders.get(item.batch_id, "")
                sample = _sample(item, folder, document, frames.get(item.id, []), pictures.get(item.id))
                yield from _fit(sample, item, passed, ways)
            passed.done += 1
        if len(items) < CHUNK:
            return
        after = items[-1].id


def _folders(session: Session, project_id: int) -> dict[int, str]:
    """Folder of each batch, with a slash at its end; none for the default batch."""
    batches = {b.id: b for b in session.scalars(select(Batch).where(Batch.project_id == project_id))}

    def path(batch: Batch) -> str:
        inner = "" if batch.is_default else batch.name.replace("/", "_") + "/"
        return (path(batches[batch.parent_id]) if batch.parent_id in batches else "") + inner

    return {batch_id: path(batch) for batch_id, batch in batches.items()}


def _opener(store: Store | None, sha256: bytes | None) -> Callable[[], bytes] | None:
    return partial(store.get, content_key(sha256)) if store is not None and sha256 is not None else None


def _pictures(session: Session, item_ids: Sequence[int], store: Store | None) -> dict[int, Callable[[], bytes]]:
    """How to get the files of pictures, by item; none without a store."""
    if store is None or not item_ids:
        return {}
    query = (
        select(ItemMedia.item_id, Media.sha256)
        .join(Media, Media.id == ItemMedia.media_id)
        .where(ItemMedia.item_id.in_(item_ids), ItemMedia.role == "main")
    )
    return {item_id: partial(store.get, content_key(sha256)) for item_id, sha256 in session.execute(query)}


def _frames(session: Session, item_ids: Sequence[int], store: Store | None) -> dict[int, list[Frame]]:
    """The frames of sequences, in order, by item; 0 for sizes that are not known."""
    query = (
        select(ItemMedia.item_id, ItemMedia.position, ItemMedia.frame_id, Media.width, Media.height, Media.sha256)
        .outerjoin(Media, Media.id == ItemMedia.media_id)
        .where(ItemMedia.item_id.in_(item_ids), ItemMedia.role == "frame")
        .order_by(ItemMedia.item_id, ItemMedia.position)
    )
    frames: dict[int, list[Frame]] = defaultdict(list)
    for item_id, position, frame_id, width, height, sha256 in session.execute(query) if item_ids else ():
        frame = Frame(frame_id or f"{position:06}", width or 0, height or 0, _opener(store, sha256))
        frames[item_id].append(frame)
    return frames


def _sample(
    item: Any, folder: str, document: Document, frames: list[Frame], picture: Callable[[], bytes] | None
) -> Sample:
    if item.kind == "image":
        frames = []
    elif not frames:
        frames, picture = [Frame(f"{n:06}", 0, 0) for n in range(item.frames)], None
    return Sample(
        folder + item.name,
        item.width or 0,
        item.height or 0,
        document,
        str(item.uid),
        item.split,
        picture,
        frames=frames,
    )


def _fit(sample: Sample, item: Any, passed: Passed, ways: Ways) -> Iterator[Sample]:
    """The sample as the format wants it; one whose size (or picture, where that is needed) is not here is counted."""
    for part in [sample] if ways.whole else frame_by_frame(sample):
        if not part.width or not part.height or (ways.pictured and part.picture is None and not part.frames):
            passed.without_size[item.media_state] += 1
            return
        yield part
