"""Revisions: what each save changed, every earlier state, history, and the difference between two versions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.geometry import measures, tracks
from labelwright.geometry.document import Attributes, Document, LabelObject, encode
from labelwright.models.documents import MAIN, DocumentHead, Revision
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.services import bodies


class ObjectDelta(msgspec.Struct, omit_defaults=True):
    """An object before and after a save; None where it was not there."""

    id: int
    before: LabelObject | None = None
    after: LabelObject | None = None


class Delta(msgspec.Struct, omit_defaults=True):
    """What a save changed. `attributes`: (before, after) when they differ; `frames`: (before, after) of each that does.

    `order`: the object ids before, where undoing alone would not give their order; `renamed`: what the save answered."""

    objects: list[ObjectDelta] = msgspec.field(default_factory=list)
    attributes: tuple[Attributes, Attributes] | None = None
    frames: dict[str, tuple[Attributes | None, Attributes | None]] = msgspec.field(default_factory=dict)
    order: list[int] | None = None
    renamed: dict[int, int] = msgspec.field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not self.objects and self.attributes is None and not self.frames and self.order is None


class _Pieces(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_decoder = msgspec.json.Decoder(Delta)
_pieces = msgspec.json.Decoder(_Pieces)


def compare(before: Document, after: Document) -> Delta:
    """The delta that leads from one document to the other."""
    was, present = {o.id: o for o in before.objects}, {o.id: o for o in after.objects}
    # Objects that a change left alone are the very same ones.
    objects = [ObjectDelta(i, o, p) for i, o in was.items() if (p := present.get(i)) is not o and not _same(o, p)]
    objects += [ObjectDelta(i, None, o) for i, o in present.items() if i not in was]
    delta = Delta(objects)
    if before.attributes != after.attributes:
        delta.attributes = (before.attributes, after.attributes)
    if before.frames != after.frames:
        for key in dict.fromkeys([*before.frames, *after.frames]):
            if before.frames.get(key) != after.frames.get(key):
                delta.frames[key] = (before.frames.get(key), after.frames.get(key))
    undone = [o.id for o in undo(after, delta).objects] if delta.objects or list(was) != list(present) else list(was)
    if undone != list(was):
        delta.order = list(was)
    return delta


def packed(head: Document, json: bytes, document: Document, delta: Delta) -> tuple[bytes, bytes]:
    """The compressed bodies of a document and of the delta that led to it from `head`, which is stored as `json`.

    Objects that stay are taken from there as they are, and what is new is written as JSON once for both."""
    stored = _pieces.decode(json).objects if json else []
    known = {id(thing): piece for thing, piece in zip(head.objects, stored, strict=True)}

    def piece(thing: LabelObject | None) -> Any:
        if thing is not None and id(thing) not in known:
            known[id(thing)] = msgspec.Raw(encode(thing))
        return None if thing is None else known[id(thing)]

    changes = [ObjectDelta(d.id, piece(d.before), piece(d.after)) for d in delta.objects]
    body = Document([piece(thing) for thing in document.objects], document.attributes, document.frames, document.extra)
    return bodies.compress(body), bodies.compress(msgspec.structs.replace(delta, objects=changes))


def _same(a: LabelObject | None, b: LabelObject | None) -> bool:
    return a is b or a == b


def undo(document: Document, delta: Delta) -> Document:
    """The document before the save that made it what it is."""
    objects = {o.id: o for o in document.objects}
    for change in delta.objects:
        if change.before is None:
            objects.pop(change.id, None)
        else:
            objects[change.id] = change.before
    if delta.order is not None:
        objects = {i: objects[i] for i in delta.order}
    attributes = delta.attributes[0] if delta.attributes is not None else document.attributes
    frames = document.frames
    if delta.frames:
        frames = dict(frames)
        for key, (before, _) in delta.frames.items():
            if before is None:
                frames.pop(key, None)
            else:
                frames[key] = before
    return Document(list(objects.values()), attributes, frames, document.extra)


def rewind(session: Session, item_id: int, layer: str, document: Document, version: int, to: int) -> Document:
    """The document at version `to`, undoing from `version`, at which it is `document`. Version 0 is the empty one."""
    if to <= 0:
        return Document()
    query = (
        select(Revision.body, Revision.blob)
        .where(Revision.item_id == item_id, Revision.layer == layer, Revision.version > to, Revision.version <= version)
        .order_by(Revision.version.desc())
    )
    for body, blob in session.execute(query).yield_per(50):
        document = undo(document, read_delta(session, body, blob))
    return document


def read_delta(session: Session, body: bytes | None, blob: str | None) -> Delta:
    """The delta of a revision's row."""
    return _decoder.decode(bodies.decompress(bodies.fetch(session, body, blob)))


@dataclass(frozen=True)
class ObjectChange:
    """What a save did to one object: `action` added, removed or changed; `fields`: which of its fields changed."""

    object_id: int
    class_name: str
    action: str
    fields: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """One line of a document's history. `user_id` and the rest are None and empty when the server did it."""

    version: int
    base_version: int
    kind: str
    at: datetime
    user_id: int | None
    user_uid: uuid.UUID | None
    user_name: str
    user_email: str
    task_id: int | None
    changes: list[ObjectChange]
    attributes: list[str]
    frames: list[str]


def history(
    session: Session, item_id: int, layer: str = MAIN, *, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """Saved changes, newest first, `limit` of them below version `before`: who, when, and what of each object.

    The first state of an imported document ends the list as an entry without changes of its own."""
    query = (
        select(Revision, User.uid, User.name, User.email)
        .outerjoin(User, User.id == Revision.actor_id)
        .where(Revision.item_id == item_id, Revision.layer == layer)
        .order_by(Revision.version.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Revision.version < before)
    entries = [_entry(session, row) for row in session.execute(query)]
    if len(entries) < limit and (not entries or entries[-1].version > 1) and (before is None or before > 1):
        entries += _first(session, item_id, layer)
    return entries


def _entry(session: Session, row: Any) -> Entry:
    revision: Revision = row[0]
    delta = read_delta(session, revision.body, revision.blob)
    names = sorted(_differing(*delta.attributes)) if delta.attributes else []
    return Entry(
        revision.version, revision.base_version, revision.kind, revision.created_at, revision.actor_id, row.uid,
        row.name or "", row.email or "", revision.task_id, [_object_change(c) for c in delta.objects], names,
        list(delta.frames),
    )  # fmt: skip


def _first(session: Session, item_id: int, layer: str) -> Iterator[Entry]:
    query = (
        select(DocumentHead.origin, DocumentHead.created_at, DocumentHead.created_by, User.uid, User.name, User.email)
        .outerjoin(User, User.id == DocumentHead.created_by)
        .where(DocumentHead.item_id == item_id, DocumentHead.layer == layer)
    )
    for origin, at, user_id, uid, name, email in session.execute(query):
        yield Entry(1, 0, origin, at, user_id, uid, name or "", email or "", None, [], [], [])


def _object_change(change: ObjectDelta) -> ObjectChange:
    thing = change.after or change.before
    assert thing is not None
    if change.before is None:
        return ObjectChange(change.id, thing.class_name, "added")
    if change.after is None:
        return ObjectChange(change.id, thing.class_name, "removed")
    return ObjectChange(change.id, thing.class_name, "changed", changed_fields(change.before, change.after))


def changed_fields(before: LabelObject, after: LabelObject) -> list[str]:
    """Names of the fields (as in JSON) in which two objects differ."""
    names = zip(LabelObject.__struct_fields__, LabelObject.__struct_encode_fields__, strict=True)
    return [shown for name, shown in names if getattr(before, name) != getattr(after, name)]


def _differing(a: Attributes, b: Attributes) -> set[str]:
    return {name for name in {*a, *b} if a.get(name) != b.get(name)}


@dataclass(frozen=True)
class ObjectDiff:
    """An object in two versions. `iou`: overlap of its two shapes, 0 to 1 (a track's: the mean over its frames);
    None when it is in only one of them."""

    object_id: int
    before: LabelObject | None
    after: LabelObject | None
    fields: list[str]
    iou: float | None


@dataclass(frozen=True)
class Difference:
    """What differs between two versions; (before, after) of the item's and the frames' attributes where they do."""

    added: list[ObjectDiff]
    removed: list[ObjectDiff]
    changed: list[ObjectDiff]
    attributes: tuple[Attributes, Attributes] | None
    frames: dict[str, tuple[Attributes | None, Attributes | None]]


def difference(item: Item, before: Document, after: Document) -> Difference:
    """Objects added, removed and changed from one document to the other, matched by id."""
    delta = compare(before, after)
    found = [_object_diff(item, change) for change in delta.objects]
    return Difference(
        [d for d in found if d.before is None],
        [d for d in found if d.after is None],
        [d for d in found if d.before is not None and d.after is not None],
        delta.attributes,
        delta.frames,
    )


def _object_diff(item: Item, change: ObjectDelta) -> ObjectDiff:
    if change.before is None or change.after is None:
        return ObjectDiff(change.id, change.before, change.after, [], None)
    overlap = object_iou(change.before, change.after, item.width or 1, item.height or 1, item.frames)
    fields = changed_fields(change.before, change.after)
    return ObjectDiff(change.id, change.before, change.after, fields, overlap)


MAX_COMPARED_FRAMES = 100


def object_iou(a: LabelObject, b: LabelObject, width: int, height: int, frames: int = 1) -> float:
    """Overlap of two objects in pixels. Tracks: the mean over the frames in which either is in the picture (evenly
    chosen ones where there are more than 100); a frame with only one of them counts 0."""
    if a.shape is not None and b.shape is not None:
        return measures.iou(a.shape, b.shape, width, height)
    either = sorted({*tracks.visible_frames(a, frames), *tracks.visible_frames(b, frames)})
    chosen = either[:: -(-len(either) // MAX_COMPARED_FRAMES)] if either else []
    total = 0.0
    for frame in chosen:
        one, other = tracks.state_at(a, frame), tracks.state_at(b, frame)
        total += measures.iou(one.shape, other.shape, width, height) if one and other else 0.0
    return total / len(chosen) if chosen else 1.0
