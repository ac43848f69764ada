"""Merging a change into a document that others changed meanwhile. Pure; the rules of `docs/architecture.md`, "Documents"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from labelwright.geometry.document import Attributes, Document, LabelObject

MAX_ID = 2**31
_ABSENT: Any = object()


class Change(msgspec.Struct, omit_defaults=True):
    """What a save asks for. `put`: whole objects, new or changed; `delete`: ids; `attributes` (of the item) and `frames`
    replace all of theirs, None leaves them."""

    put: list[LabelObject] = msgspec.field(default_factory=list)
    delete: list[int] = msgspec.field(default_factory=list)
    attributes: Attributes | None = None
    frames: dict[str, Attributes] | None = None


@dataclass
class Outcome:
    """The document after a merge. `clashes` not empty: it must not be used.

    `renamed`: id sent -> id given; `touched`: ids of the result that the change itself put."""

    document: Document
    renamed: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    clashes: list[dict[str, Any]] = field(default_factory=list)


def merge(base: Document, head: Document, change: Change) -> Outcome:
    """Apply to `head` a change that its writer made on `base`.

    An object is changed by others when it differs between `base` and `head`. Objects that only one side changed merge."""
    was = {o.id: o for o in base.objects}
    theirs = {o.id: o for o in head.objects}
    free = _free_ids([*was, *theirs, *(o.id for o in change.put)])
    outcome = Outcome(head)
    result = dict(theirs)
    for mine in change.put:
        known, present = was.get(mine.id), theirs.get(mine.id)
        if present == mine:
            outcome.touched.add(mine.id)
        elif _same(known, present):
            result[mine.id] = mine
            outcome.touched.add(mine.id)
        elif known is None:
            given = next(free)
            outcome.renamed[mine.id] = given
            outcome.touched.add(given)
            result[given] = msgspec.structs.replace(mine, id=given)
        elif mine != known:
            outcome.clashes.append(_clash(mine.id, known, mine, present))
    for gone in change.delete:
        known, present = was.get(gone), theirs.get(gone)
        if present is None:
            continue
        if _same(known, present):
            del result[gone]
        elif known is not None:  # else it is somebody else's new object under that number
            outcome.clashes.append(_clash(gone, known, None, present))
    attributes = _values(outcome, "attributes", base.attributes, head.attributes, change.attributes)
    frames = _values(outcome, "frames", base.frames, head.frames, change.frames)
    outcome.document = Document(list(result.values()), attributes, frames, head.extra)
    return outcome


def _same(a: LabelObject | None, b: LabelObject | None) -> bool:
    return a is b or a == b


def _clash(object_id: int, base: LabelObject, yours: LabelObject | None, theirs: LabelObject | None) -> dict[str, Any]:
    sides = {"base": base, "yours": yours, "theirs": theirs}
    return {"object_id": object_id, **{side: value and msgspec.to_builtins(value) for side, value in sides.items()}}


def _free_ids(used: Iterable[int]) -> Iterator[int]:
    taken = set(used)
    following = max(taken, default=0) + 1
    yield from range(following, MAX_ID + 1)
    yield from (n for n in range(1, MAX_ID + 1) if n not in taken)


def _values(
    outcome: Outcome, field_name: str, base: Mapping[str, Any], head: dict[str, Any], mine: dict[str, Any] | None
) -> dict[str, Any]:
    """Merge two sides' values name by name; adds what both changed differently to the clashes."""
    if mine is None or head in (base, mine):
        return head if mine is None else mine
    merged = {}
    for name in dict.fromkeys([*head, *mine, *base]):
        was, theirs, yours = base.get(name, _ABSENT), head.get(name, _ABSENT), mine.get(name, _ABSENT)
        if yours != was and theirs not in (was, yours):
            sides = {"base": was, "yours": yours, "theirs": theirs}
            given = {side: None if value is _ABSENT else value for side, value in sides.items()}
            outcome.clashes.append({"object_id": None, "field": f"{field_name}.{name}", **given})
            continue
        value = theirs if yours == was else yours
        if value is not _ABSENT:
            merged[name] = value
    return merged
