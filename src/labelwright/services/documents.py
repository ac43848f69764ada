"""Documents: reading them at any version, saving changes without ever overwriting silently, restoring.

Many processes may save at once: the head is replaced only where its version is still the one that was read, else the
merge is made again on what is there now."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Invalid, LeaseLost, NotFound, Problem, Stale
from labelwright.geometry import normalise
from labelwright.geometry.document import Attributes, Document, LabelObject, decode
from labelwright.geometry.ontology import Ontology
from labelwright.models.documents import MAIN, DocumentHead, LabelCount, Revision
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import bodies, checks, events, job_options, job_rules, merging, ontology, revisions
from labelwright.services.access import Actor, require
from labelwright.services.bodies import pack, unpack
from labelwright.services.merging import Change
from labelwright.services.revisions import Delta, difference, history

__all__ = [
    "COUNT_COLUMNS", "HEAD_COLUMNS", "Change", "Delta", "Saved", "Stored", "diff", "difference", "history",
    "initial_rows", "pack", "read", "read_many", "restore", "save", "unpack",
]  # fmt: skip

ATTEMPTS = 50
HEAD_COLUMNS = (
    "item_id", "layer", "version", "objects", "body", "blob", "origin", "created_by", "created_at", "updated_by", "updated_at",
)  # fmt: skip
COUNT_COLUMNS = ("item_id", "class_id", "project_id", "count")


@dataclass(frozen=True)
class Stored:
    """A document at `version`; `head` is the newest. Version 0: nothing was ever saved. `objects`: how many it holds;
    `json`: its stored form, for a save only."""

    document: Document
    version: int
    head: int
    objects: int = 0
    origin: str = ""
    created_by: int | None = None
    created_at: datetime | None = None
    updated_by: int | None = None
    updated_at: datetime | None = None
    json: bytes = b""


@dataclass(frozen=True)
class Saved:
    """What a save answers. `renamed`: {id sent: id given}; `merged`, `deleted`: objects as they are now, and ids gone,
    that others changed since `base`; `attributes`, `frames`: all of them when they differ from `base`, else None."""

    version: int
    renamed: dict[int, int] = field(default_factory=dict)
    merged: list[LabelObject] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    attributes: Attributes | None = None
    frames: dict[str, Attributes] | None = None


def initial_rows(
    session: Session, item_id: int, project_id: int, document: Document, class_ids: Mapping[str, int],
    actor_id: int | None, when: datetime, origin: str,
) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:  # fmt: skip
    """The first state of a new item's document as bulk rows: one of `HEAD_COLUMNS`, and some of `COUNT_COLUMNS`.

    The document must have passed `checks.check_document`."""
    counts: dict[str, int] = {}
    for item in document.objects:
        counts[item.class_name] = counts.get(item.class_name, 0) + 1
    body, blob = bodies.keep(session, pack(document))
    head = (item_id, MAIN, 1, len(document.objects), body, blob, origin, actor_id, when, actor_id, when)
    return head, [(item_id, class_ids[name], project_id, count) for name, count in counts.items() if name in class_ids]


def read(session: Session, item_id: int, layer: str = MAIN, version: int | None = None) -> Stored:
    """An item's document, at its newest version or an earlier one. Raises `NotFound` for a version that never was."""
    stored = _heads(session, [item_id], layer).get(item_id) or Stored(Document(), 0, 0)
    if version is None or version == stored.version:
        return stored
    if not 0 <= version < stored.version:
        raise NotFound(f"The document has no version {version}; the newest is {stored.version}.")
    document = revisions.rewind(session, item_id, layer, stored.document, stored.version, version)
    return Stored(document, version, stored.version, len(document.objects), stored.origin,
                  stored.created_by, stored.created_at)  # fmt: skip


def read_many(session: Session, item_ids: Iterable[int], layer: str = MAIN) -> dict[int, Stored]:
    """The newest documents of many items, by item id; items that have none are left out. Hand in a few hundred ids at once."""
    return _heads(session, list(item_ids), layer)


def labels_of(session: Session, item_ids: Iterable[int], layer: str = MAIN) -> dict[int, Document]:
    """The newest documents of many items without what is known about them, by item id: for reading many, as exports do."""
    rows = session.execute(_BODIES, {"items": list(item_ids), "layer": layer})
    return {item_id: unpack(bodies.fetch(session, body, blob)) for item_id, body, blob in rows}


class Content(msgspec.Struct):
    """A document's parts as the JSON they are stored as."""

    objects: msgspec.Raw = msgspec.Raw(b"[]")
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    frames: msgspec.Raw = msgspec.Raw(b"{}")


def read_json(session: Session, item_id: int, layer: str = MAIN) -> tuple[int, Content]:
    """Version and content of an item's newest document for an answer that shows it as it is: nothing is taken apart."""
    found = session.execute(_BODY, {"item": item_id, "layer": layer}).one_or_none()
    if found is None:
        return 0, Content()
    return found.version, _content_decoder.decode(bodies.decompress(bodies.fetch(session, found.body, found.blob)))


def _heads(session: Session, item_ids: list[int], layer: str) -> dict[int, Stored]:
    return {
        item_id: Stored(unpack(bodies.fetch(session, body, blob)), version, version, objects, *rest)
        for item_id, version, objects, body, blob, *rest in session.execute(_HEADS, {"items": item_ids, "layer": layer})
    }


def _head_to_change(session: Session, item_id: int, layer: str) -> Stored:
    """The newest document together with its stored form, of which a save keeps what it does not change."""
    found = session.execute(_BODY, {"item": item_id, "layer": layer}).one_or_none()
    if found is None:
        return Stored(Document(), 0, 0)
    json = bodies.decompress(bodies.fetch(session, found.body, found.blob))
    return Stored(decode(json), found.version, found.version, found.objects, json=json)


_content_decoder = msgspec.json.Decoder(Content)
_HEAD = DocumentHead.__table__.c
_BODY = select(_HEAD.version, _HEAD.objects, _HEAD.body, _HEAD.blob).where(
    _HEAD.item_id == bindparam("item"), _HEAD.layer == bindparam("layer")
)
_BODIES = select(_HEAD.item_id, _HEAD.body, _HEAD.blob).where(
    _HEAD.item_id.in_(bindparam("items", expanding=True)), _HEAD.layer == bindparam("layer")
)
_HEADS = select(
    _HEAD.item_id, _HEAD.version, _HEAD.objects, _HEAD.body, _HEAD.blob, _HEAD.origin,
    _HEAD.created_by, _HEAD.created_at, _HEAD.updated_by, _HEAD.updated_at,
).where(_HEAD.item_id.in_(bindparam("items", expanding=True)), _HEAD.layer == bindparam("layer"))  # fmt: skip


def diff(session: Session, item: Item, before: int, after: int, layer: str = MAIN) -> revisions.Difference:
    """What differs between two versions of an item's document."""
    return difference(
        item, read(session, item.id, layer, before).document, read(session, item.id, layer, after).document
    )


def save(
    session: Session,
    actor: Actor | None,
    item: Item,
    change: Change,
    *,
    base: int,
    save_id: uuid.UUID | None = None,
    task: Task | None = None,
    lease: str | None = None,
    kind: str = "save",
    layer: str = MAIN,
) -> Saved:
    """Save a change that was made on version `base` (0: on nothing).

    With `task` the actor must hold it by `lease`; without one the save takes the right to manage. `actor` None: the
    server itself. A change that changes nothing makes no revision. Raises `Stale` with both sides of each clash in
    `details`, `LeaseLost`, or `Invalid` naming each faulty object and field; then nothing is saved."""
    project = session.get_one(Project, item.project_id)
    job = _may_save(session, actor, project, item, task, lease)
    change = _normal(change)
    known = ontology.compiled(session, project)
    for _ in range(ATTEMPTS):
        head = _head_to_change(session, item.id, layer)
        if save_id is not None and (answered := _answered(session, item.id, layer, head, save_id)):
            return answered
        before = _base(session, item.id, layer, head, base)
        outcome = merging.merge(before, head.document, change)
        if outcome.clashes:
            raise Stale(version=head.version, clashes=outcome.clashes)
        if kind != "restore":
            _check(
                actor, project, item, known, job, head.document, outcome.document, change.delete,
                task.stage if task is not None else "",
            )  # fmt: skip
        delta = revisions.compare(head.document, outcome.document)
        delta.renamed = outcome.renamed
        version = head.version
        if not delta.empty:
            version += 1
            write = _Write(session, actor, project, item, layer, head, outcome.document, delta, known)
            if not write.run(version, base, save_id, kind, task):
                continue
        return _saved(version, before, outcome.document, outcome.renamed, {*outcome.touched, *change.delete})
    raise Conflict("This item is being changed by many at once; try again.", code="busy")


def restore(
    session: Session, actor: Actor | None, item: Item, version: int, *,
    task: Task | None = None, lease: str | None = None, layer: str = MAIN, save_id: uuid.UUID | None = None,
) -> Saved:  # fmt: skip
    """Set the document back to an earlier version, as a new version on top: nothing in between is lost."""
    head = read(session, item.id, layer)
    wanted = read(session, item.id, layer, version).document
    delta = revisions.compare(head.document, wanted)
    change = Change(
        put=[d.after for d in delta.objects if d.after is not None],
        delete=[d.id for d in delta.objects if d.after is None],
        attributes=wanted.attributes if delta.attributes is not None else None,
        frames=wanted.frames if delta.frames else None,
    )
    return save(session, actor, item, change, base=head.version, save_id=save_id, task=task, lease=lease,
                kind="restore", layer=layer)  # fmt: skip


def _may_save(
    session: Session, actor: Actor | None, project: Project, item: Item, task: Task | None, lease: str | None
) -> Job | None:
    """Raise when the actor may not; the task's job, whose limits hold."""
    if actor is None:
        return None
    require(actor, "manage" if task is None else "label", project.team_id, "item")
    if task is None:
        return None
    if task.item_id != item.id:
        raise Invalid("This task is for another item.", field="task")
    # Locked until the save commits: nobody takes the task over between this look and the write.
    query = select(Task.lease, Task.holder_id).where(Task.id == task.id).with_for_update(read=True)
    held, holder = session.execute(query).one()
    if lease is None or held != lease or holder != actor.user_id:
        raise LeaseLost()
    job = session.get_one(Job, task.job_id)
    job_options.check_running(job)
    return job


def _normal(change: Change) -> Change:
    """The change with shapes in their stored form. Raises `Invalid` when it contradicts itself."""
    ids = [o.id for o in change.put]
    every = [*ids, *set(change.delete)]
    if len(set(every)) < len(every):
        twice = {i for i, n in Counter(every).items() if n > 1}
        raise Invalid(
            problems=[Problem(f"Object {i} stands twice in this change.", "put", i, "id") for i in sorted(twice)]
        )
    return msgspec.structs.replace(change, put=[_normal_object(o) for o in change.put])


def _normal_object(item: LabelObject) -> LabelObject:
    if item.shape is not None:
        shape = normalise.shape(item.shape)
        if shape is not item.shape:
            item = msgspec.structs.replace(item, shape=shape)
    if item.keyframes:
        frames = [msgspec.structs.replace(k, shape=k.shape and normalise.shape(k.shape)) for k in item.keyframes]
        item = msgspec.structs.replace(item, keyframes=frames)
    return item


def _base(session: Session, item_id: int, layer: str, head: Stored, base: int) -> Document:
    if base == head.version:
        return head.document
    if not 0 <= base < head.version:
        text = f"The document has no version {base}; the newest is {head.version}. Load it again."
        raise Invalid(text, field="base", code="unknown_version")
    return revisions.rewind(session, item_id, layer, head.document, head.version, base)


def _answered(session: Session, item_id: int, layer: str, head: Stored, save_id: uuid.UUID) -> Saved | None:
    """The answer that the save of this id got the first time, or None."""
    query = select(Revision.version, Revision.base_version, Revision.body, Revision.blob).where(
        Revision.item_id == item_id, Revision.layer == layer, Revision.save_id == save_id
    )
    found = session.execute(query).one_or_none()
    if found is None or found.version > head.version:
        return None
    delta = revisions.read_delta(session, found.body, found.blob)
    after = revisions.rewind(session, item_id, layer, head.document, head.version, found.version)
    before = revisions.rewind(session, item_id, layer, after, found.version, found.base_version)
    return _saved(found.version, before, after, delta.renamed, {d.id for d in delta.objects})


def _saved(version: int, base: Document, after: Document, renamed: dict[int, int], touched: set[int]) -> Saved:
    """The answer: what differs between the writer's base and the result, apart from what the writer put."""
    was = {o.id: o for o in base.objects}
    present = {o.id for o in after.objects}
    merged = [o for o in after.objects if o.id not in touched and was.get(o.id) is not o and was.get(o.id) != o]
    return Saved(
        version,
        renamed,
        merged,
        [i for i in was if i not in present and i not in touched],
        after.attributes if after.attributes != base.attributes else None,
        after.frames if after.frames != base.frames else None,
    )


def _check(
    actor: Actor | None, project: Project, item: Item, known: Ontology, job: Job | None,
    before: Document, after: Document, deleted: list[int], stage: str,
) -> None:  # fmt: skip
    """Raise `Invalid` with each fault that the change brings in; faults that stood there before do not stop it."""
    was = {o.id: o for o in before.objects}
    changed = {o.id for o in after.objects if was.get(o.id) is not o}
    frames_unknown = item.kind == "video" and item.frames <= 1 and item.media_state != "ready"
    rules: dict[str, Any] = {
        "kind": item.kind,
        "frames": None if frames_unknown else item.frames,
        "allowed_classes": job.allowed_classes if job else None,
        "allowed_attributes": job.allowed_attributes if job else None,
        "limits": job.limits if job else None,
        "only": changed,
    }
    problems = checks.check_document(after, known, **rules)
    if problems:
        old = {(p.object_id, p.code, p.message) for p in checks.check_document(before, known, **rules)}
        grown = len(after.objects) > len(before.objects)
        problems = [p for p in problems if (p.object_id, p.code, p.message) not in old
                    and (p.code != "too_many_objects" or grown)]  # fmt: skip
    if job is not None:
        told = {(p.object_id, p.field.rpartition(".")[2], p.code) for p in problems}
        breaches = job_rules.breaches(job, stage, before, after)
        problems += [p for p in breaches if (p.object_id, p.field.rpartition(".")[2], p.code) not in told]
    if actor is not None and not actor.may("review", project.team_id):
        locked = [i for i in [*changed, *deleted] if i in was and was[i].locked]
        problems += [Problem("This object is locked; a reviewer may change it.", "locked", i, "locked") for i in locked]
    if problems:
        raise Invalid(problems=problems)


@dataclass
class _Write:
    """One attempt to make a new version out of the head that was read."""

    session: Session
    actor: Actor | None
    project: Project
    item: Item
    layer: str
    head: Stored
    document: Document
    delta: Delta
    known: Ontology

    def run(self, version: int, base: int, save_id: uuid.UUID | None, kind: str, task: Task | None) -> bool:
        """Write head, revision, counts and event; False, and nothing written, when another writer was faster."""
        when = now()
        document, delta = revisions.packed(self.head.document, self.head.json, self.document, self.delta)
        if not self._head(version, when, kind, document):
            return False
        body, blob = bodies.keep(self.session, delta)
        changed = len(self.delta.objects)
        drawn = sum(1 for d in self.delta.objects if d.before is None)
        row = {
            "item_id": self.item.id, "layer": self.layer, "version": version, "base_version": base, "kind": kind,
            "actor_id": self.user, "task_id": task.id if task else None, "created_at": when, "save_id": save_id,
            "changed": changed, "body": body, "blob": blob,
        }  # fmt: skip
        self.session.execute(insert(Revision.__table__), row)  # type: ignore[arg-type]
        if self.layer == MAIN:
            self._counts()
        events.emit(
            self.session, "document.restored" if kind == "restore" else "document.saved", team_id=self.project.team_id,
            project_id=self.project.id, actor=self.actor, job=task.job_id if task else None,
            task=task.id if task else None, item=self.item.id,
            data={"version": version, "changed": changed, "drawn": drawn, "kind": kind}, at=when,
        )  # fmt: skip
        return True

    @property
    def user(self) -> int | None:
        return self.actor.user_id if self.actor else None

    def _head(self, version: int, when: datetime, kind: str, packed: bytes) -> bool:
        body, blob = bodies.keep(self.session, packed)
        values = {"version": version, "objects": len(self.document.objects), "body": body, "blob": blob,
                  "updated_by": self.user, "updated_at": when}  # fmt: skip
        table = DocumentHead.__table__
        if version == 1:
            row = {**values, "item_id": self.item.id, "layer": self.layer, "origin": kind, "created_by": self.user,
                   "created_at": when}  # fmt: skip
            query = _insert(self.session, table).values(row).on_conflict_do_nothing().returning(table.c.version)
            return self.session.scalar(query) is not None
        where = (table.c.item_id == self.item.id, table.c.layer == self.layer, table.c.version == self.head.version)
        query = update(table).where(*where).values(values).returning(table.c.version)  # type: ignore[arg-type]
        return self.session.scalar(query) is not None

    def _counts(self) -> None:
        """Bring the class counts in line. The head's row is ours until the commit, so nobody else counts meanwhile."""
        more: Counter[str] = Counter(d.after.class_name for d in self.delta.objects if d.after)
        more.subtract(d.before.class_name for d in self.delta.objects if d.before)
        changed = {name for name, number in more.items() if number and name in self.known.classes}
        after = Counter(o.class_name for o in self.document.objects) if changed else Counter()
        table = LabelCount.__table__
        ids = {name: self.known.classes[name].id for name in sorted(changed)}
        gone = [class_id for name, class_id in ids.items() if not after[name]]
        if gone:
            where = (table.c.item_id == self.item.id, table.c.class_id.in_(gone))
            self.session.execute(delete(table).where(*where))  # type: ignore[arg-type]
        rows = [
            {"item_id": self.item.id, "class_id": class_id, "project_id": self.project.id, "count": after[name]}
            for name, class_id in ids.items() if after[name]
        ]  # fmt: skip
        if rows:
            query = _insert(self.session, table)
            again = {"index_elements": ["item_id", "class_id"], "set_": {"count": query.excluded.count}}
            self.session.execute(query.on_conflict_do_update(**again), rows)


def _insert(session: Session, table: Any) -> Any:
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)
