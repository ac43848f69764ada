"""The further filters of lists of images, videos, figures and queue entities: `filters`, a list of a type and its data.

Some are conditions on rows; those on tags and on people look into the labels of the items that the others leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from labelwright.geometry.document import Document, LabelObject, all_attributes, item_attributes
from labelwright.models.documents import LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Comment, Task
from labelwright.services import authors, documents, items
from labelwright.services.authors import Authors
from labelwright.vendors.supervisely import collections, jobviews, wire
from labelwright.vendors.supervisely.annotations import kept_of
from labelwright.vendors.supervisely.asking import CHUNK, Ask
from labelwright.vendors.supervisely.known import Known, Tag, known
from labelwright.vendors.supervisely.labels import extra_of, is_set
from labelwright.vendors.supervisely.wire import Refused

Data = dict[str, Any]
UNLIMITED = 9999  # what their clients send for "any number"
MOST = 2_000_000_000


@dataclass(frozen=True)
class Labeled:
    """An item's labels as filters look at them. `more`: further values of tags that attributes cannot hold."""

    knows: Known
    document: Document
    more: Mapping[str, list[Any]]
    authors: Authors


Test = Callable[[Labeled], bool]
FigureTest = Callable[[Labeled, LabelObject], bool]


# --- reading what was sent --------------------------------------------------------------------------------------------


def _range(data: Data) -> tuple[int, int]:
    least, most = (
        wire.whole(data.get(end, default), f"filters.data.{end}") for end, default in (("from", 1), ("to", UNLIMITED))
    )
    return max(min(least, MOST), -MOST), MOST if most == UNLIMITED else max(min(most, MOST), -MOST)


def _include(data: Data) -> bool:
    return wire.flag(data.get("include", True), "filters.data.include")


def _number(data: Data, *names: str) -> int | None:
    sent = next((name for name in names if data.get(name) is not None), None)
    return wire.whole(data[sent], f"filters.data.{sent}") if sent is not None else None


def _only(data: Data, kind: str, *names: str) -> None:
    unknown = next((name for name in data if name not in names), None)
    if unknown is not None:
        raise Refused(400, f"filters.data.{wire.short(unknown)} is not known for {kind}; use {', '.join(names)}.")


# --- conditions on rows -----------------------------------------------------------------------------------------------


def _name(_ask: Ask, data: Data) -> ColumnElement[bool]:
    _only(data, "images_filename", "value")
    value = wire.text(data.get("value") or "", "filters.data.value", 500)
    return Item.name.contains(value, autoescape=True)


def _class(_ask: Ask, data: Data) -> ColumnElement[bool]:
    """Images with so many objects of a class, or of any."""
    _only(data, "objects_class", "from", "to", "include", "classId")
    (least, most), ref = _range(data), _number(data, "classId")
    counted = select(LabelCount.item_id).group_by(LabelCount.item_id)
    if ref is not None:
        counted = counted.where(LabelCount.class_id == ref)
    total = func.sum(LabelCount.count)
    inside = Item.id.in_(counted.having(total >= least, total <= most))
    if least <= 0:
        inside = inside | Item.id.not_in(counted)
    return inside if _include(data) else ~inside


def _issues(_ask: Ask, data: Data) -> ColumnElement[bool]:
    """Images with so many issues: comments that begin a thread, open, closed or either."""
    _only(data, "issues_count", "from", "to", "status", "include")
    (least, most), status = _range(data), data.get("status")
    if status not in (None, "open", "closed"):
        raise Refused(400, f"filters.data.status is open, closed or null, not {wire.short(status)}.")
    counted = select(Comment.item_id).where(Comment.parent_id.is_(None)).group_by(Comment.item_id)
    if status is not None:
        counted = counted.where(Comment.resolved.is_(status == "closed"))
    inside = Item.id.in_(counted.having(func.count() >= least, func.count() <= most))
    if least <= 0:
        inside = inside | Item.id.not_in(counted)
    return inside if _include(data) else ~inside


def _job(ask: Ask, data: Data) -> ColumnElement[bool]:
    _only(data, "job", "jobId", "include")
    view = jobviews.find(ask, wire.whole(data.get("jobId"), "filters.data.jobId"))
    inside = Item.id.in_(select(Task.item_id).where(view.tasks))
    return inside if _include(data) else ~inside


def _collection(ask: Ask, data: Data) -> ColumnElement[bool]:
    _only(data, "entities_collection", "collectionId", "include")
    inside = Item.id.in_(collections.chosen(ask, wire.whole(data.get("collectionId"), "filters.data.collectionId")))
    return inside if _include(data) else ~inside


# --- tests of labels --------------------------------------------------------------------------------------------------


def _wanted(labeled: Labeled, ref: int | None) -> Sequence[Tag]:
    if ref is None:
        return list(labeled.knows.tags.values())
    return [labeled.knows.tag_of(ref, "filters.data.tagId")]


def _values(attributes: Sequence[Mapping[str, Any]], more: Mapping[str, list[Any]], name: str) -> list[Any]:
    """All values of a tag in one place; one that is off is none."""
    found: list[Any] = []
    for there in attributes:
        value = there.get(name)
        if is_set(value):
            kept = more.get(name)
            found += kept if kept and kept[0] == value else value if isinstance(value, list) else [value]
    return found


def _is(value: Any, wanted: Any) -> bool:
    """Whether a tag's value is one that is asked for: null any, `{from, to}` a number between, else the same value."""
    if wanted is None:
        return True
    if isinstance(wanted, dict):
        ends = [_as_number(wanted.get(end)) for end in ("from", "to")]
        low, high = (ends[0] if ends[0] is not None else -(2.0**53)), (ends[1] if ends[1] is not None else 2.0**53)
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if isinstance(wanted, list):
        return any(_is(value, one) for one in wanted)
    return value == wanted or str(value) == str(wanted)


def _as_number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Refused(400, f"filters.data.value: {wire.short(value)} is no number.") from None


def _tagged(
    attributes: Sequence[Mapping[str, Any]], more: Mapping[str, list[Any]], tags: Sequence[Tag], wanted: Any
) -> bool:
    return any(_is(value, wanted) for tag in tags for value in _values(attributes, more, tag.name))


def _images_tag(_ask: Ask, data: Data) -> Test:
    """Images with a tag (of a value), or without it."""
    _only(data, "images_tag", "tagId", "include", "value")
    ref, include, value = _number(data, "tagId"), _include(data), data.get("value")
    _is(0, value)  # a fault in it is told whatever the images are

    def test(labeled: Labeled) -> bool:
        return _tagged(item_attributes(labeled.document), labeled.more, _wanted(labeled, ref), value) == include

    return test


def _figure_tag(_ask: Ask, data: Data) -> FigureTest:
    """Figures (of a class) with a tag, or without it."""
    _only(data, "objects_tag", "from", "to", "tagClassId", "classId", "tagId", "include", "value")
    ref, home, include, value = (
        _number(data, "tagId"),
        _number(data, "tagClassId", "classId"),
        _include(data),
        data.get("value"),
    )
    _is(0, value)

    def test(labeled: Labeled, thing: LabelObject) -> bool:
        if home is not None and labeled.knows.class_of(home, "filters.data.tagClassId").name != thing.class_name:
            return False
        kept = extra_of(thing).get("tags")
        more = kept if isinstance(kept, dict) else {}  # of an object of a video it is a list of what attributes hold
        return _tagged(all_attributes(thing), more, _wanted(labeled, ref), value) == include

    return test


def _figure_class(_ask: Ask, data: Data) -> FigureTest:
    """Figures of a class, or of all others."""
    _only(data, "objects_class", "from", "to", "include", "classId")
    ref, include = _number(data, "classId"), _include(data)

    def test(labeled: Labeled, thing: LabelObject) -> bool:
        return ref is None or (labeled.knows.class_of(ref, "filters.data.classId").name == thing.class_name) == include

    return test


def _figure_annotator(_ask: Ask, data: Data) -> FigureTest:
    """Figures that somebody drew."""
    _only(data, "objects_annotator", "from", "to", "userId", "include")
    user, include = _number(data, "userId"), _include(data)

    def test(labeled: Labeled, thing: LabelObject) -> bool:
        return user is None or (labeled.authors.of(thing.id) == user) == include

    return test


def _tagger(_ask: Ask, data: Data) -> Test:
    """Images with so many tags that somebody set."""
    _only(data, "tagged_by_annotator", "from", "to", "userId", "include")
    (least, most), user, include = _range(data), _number(data, "userId"), _include(data)

    def test(labeled: Labeled) -> bool:
        names = [name for name, value in labeled.document.attributes.items() if is_set(value)]
        count = sum(user is None or labeled.authors.of_attribute(name) == user for name in names)
        return (least <= count <= most) == include

    return test


def _counting(make: Callable[[Ask, Data], FigureTest]) -> Callable[[Ask, Data], Test]:
    """A filter of images by how many of their figures pass a test."""

    def made(ask: Ask, data: Data) -> Test:
        (least, most), passes = _range(data), make(ask, data)

        def test(labeled: Labeled) -> bool:
            return least <= sum(passes(labeled, thing) for thing in labeled.document.objects) <= most

        return test

    return made


# A filter is a line here: its type, and the condition on rows that its data says, or the test of labels.
ROWS: dict[str, Callable[[Ask, Data], ColumnElement[bool]]] = {
    "images_filename": _name,
    "objects_class": _class,
    "issues_count": _issues,
    "job": _job,
    "entities_collection": _collection,
}
LABELS: dict[str, Callable[[Ask, Data], Test]] = {
    "images_tag": _images_tag,
    "objects_tag": _counting(_figure_tag),
    "objects_annotator": _counting(_figure_annotator),
    "tagged_by_annotator": _tagger,
}
# Those that choose among the figures of an item, too, in lists of figures.
FIGURES: dict[str, Callable[[Ask, Data], FigureTest]] = {
    "objects_class": _figure_class,
    "objects_tag": _figure_tag,
    "objects_annotator": _figure_annotator,
}


def sent(ask: Ask) -> list[tuple[str, Data]]:
    """Type and data of each of `filters`. Raises `Refused` for a type that is not known."""
    found = []
    for number, entry in enumerate(ask.list("filters", [])):
        body = wire.object_of(entry, f"filters[{number}]")
        kind = body.get("type")
        if kind not in ROWS and kind not in LABELS:
            raise Refused(
                400, f"filters[{number}].type {wire.short(kind)} is not served; use {', '.join([*ROWS, *LABELS])}."
            )
        unknown = next((name for name in body if name not in ("type", "data", "name")), None)
        if unknown is not None:
            raise Refused(400, f"filters[{number}].{wire.short(unknown)} is not known; a filter has type and data.")
        found.append((kind, wire.object_of(body.get("data") or {}, f"filters[{number}].data")))
    return found


def narrowed(ask: Ask, query: Select[Any], *, figures: bool = False) -> Select[Any]:
    """A query of items (or of rows beside them) with the conditions of `filters`. `figures`: for a list of figures, in which
    figures of other classes than one may lie beside figures of it."""
    filters = [
        (kind, data) for kind, data in sent(ask) if not (figures and kind == "objects_class" and not _include(data))
    ]
    for kind, data in filters:
        if kind in ROWS:
            query = query.where(ROWS[kind](ask, data))
    tests = [LABELS[kind](ask, data) for kind, data in filters if kind in LABELS]
    if not tests:
        return query
    rows = ask.session.execute(
        query.with_only_columns(Item.id, Item.project_id, Item.source, maintain_column_froms=True)
    )
    drawn = any(kind in ("objects_annotator", "tagged_by_annotator") for kind, _ in filters)
    kept = [key for key, there in labels_of(ask, rows.all(), drawn=drawn) if all(test(there) for test in tests)]
    return query.where(items.among(ask.session, kept))


def labels_of(ask: Ask, rows: Sequence[Any], *, drawn: bool) -> Iterator[tuple[int, Labeled]]:
    """The labels of items, given as rows of id, project_id and source. `drawn`: with who made what."""
    knows: dict[int, Known] = {}
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        found = documents.read_many(ask.session, [row.id for row in part])
        made = authors.of_items(ask.session, found) if drawn else {}
        for row in part:
            if row.project_id not in knows:
                knows[row.project_id] = known(ask.session, ask.session.get_one(Project, row.project_id))
            document = found[row.id].document if row.id in found else Document()
            more = kept_of(row).get("tags") or {}
            yield row.id, Labeled(knows[row.project_id], document, more, made.get(row.id, authors.NOBODY))
