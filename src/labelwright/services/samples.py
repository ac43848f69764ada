"""A project's items as samples for dataset formats: pictures as they are, videos frame by frame; a few hundred at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from labelwright.db import Database
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry import tracks
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Task
from labelwright.services import documents, ontology

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
    `end` being those that went through their workflow; `labeled`: only items with at least one object."""

    batch: int | None = None
    job: int | None = None
    stage: str | None = None
    labeled: bool = False


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


def stream(database: Database, project_id: int, filters: Filters, passed: Passed) -> Iterator[Sample]:
    """The samples, in the order of their items. Each few hundred are read in a transaction of their own, so that a long
    export holds nothing open; an item that is deleted meanwhile is left out."""
    after = 0
    with database.read() as session:
        folders = _folders(session, project_id)
    while True:
        with database.read() as session:
            query = chosen(session, project_id, filters).with_only_columns(*COLUMNS)
            items = session.execute(query.where(Item.id > after).order_by(Item.id).limit(CHUNK)).all()
            found = documents.read_many(session, [i.id for i in items])
            frames = _frames(session, [i.id for i in items if i.kind == "video"])
        for item in items:
            document = found[item.id].document if item.id in found else Document()
            if document.objects or not filters.labeled:
                yield from _samples(item, folders.get(item.batch_id, ""), document, frames.get(item.id, []), passed)
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


@dataclass(frozen=True)
class _Frame:
    name: str
    width: int | None
    height: int | None


def _frames(session: Session, item_ids: Sequence[int]) -> dict[int, list[_Frame]]:
    """The frames of sequences, in order, by item."""
    query = (
        select(ItemMedia.item_id, ItemMedia.position, ItemMedia.frame_id, Media.width, Media.height)
        .outerjoin(Media, Media.id == ItemMedia.media_id)
        .where(ItemMedia.item_id.in_(item_ids), ItemMedia.role == "frame")
        .order_by(ItemMedia.item_id, ItemMedia.position)
    )
    frames: dict[int, list[_Frame]] = defaultdict(list)
    for item_id, position, frame_id, width, height in session.execute(query) if item_ids else ():
        frames[item_id].append(_Frame(frame_id or f"{position:06}", width, height))
    return frames


def _samples(item: Any, folder: str, document: Document, frames: list[_Frame], passed: Passed) -> Iterator[Sample]:
    if item.kind == "image":
        if item.width and item.height:
            yield Sample(folder + item.name, item.width, item.height, document, str(item.uid), item.split)
        else:
            passed.without_size[item.media_state] += 1
        return
    if not frames:
        frames = [_Frame(f"{n:06}", None, None) for n in range(item.frames)]
    for number, frame in enumerate(frames):
        width, height = frame.width or item.width, frame.height or item.height
        if not width or not height:
            passed.without_size[item.media_state] += 1
            return
        name = f"{folder}{item.name}/{frame.name}"
        yield Sample(name, width, height, _in_frame(document, number), f"{item.uid}/{number}", item.split)


def _in_frame(document: Document, frame: int) -> Document:
    """The labels of one frame as a picture's: each object in its interpolated shape, its number as the group."""
    objects = []
    for item in document.objects:
        state = tracks.state_at(item, frame)
        if state is not None:
            values: dict[str, Any] = {"attributes": state.attributes, "source": item.source, "score": item.score}
            objects.append(LabelObject(item.id, item.class_name, state.shape, group=item.id, **values))
    return Document(objects, {**document.attributes, **document.frames.get(str(frame), {})})
