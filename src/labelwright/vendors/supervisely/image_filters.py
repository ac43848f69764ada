"""The further filters of lists of images: `filters`, a list of a type and its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from labelwright.models.documents import LabelCount
from labelwright.models.items import Item
from labelwright.models.work import Task
from labelwright.vendors.supervisely import collections, jobviews, wire
from labelwright.vendors.supervisely.asking import Ask
from labelwright.vendors.supervisely.wire import Refused

Data = dict[str, Any]


def _name(_ask: Ask, data: Data) -> ColumnElement[bool]:
    value = wire.text(data.get("value"), "filters.data.value", 500)
    return Item.name.contains(value, autoescape=True)


def _class(ask: Ask, data: Data) -> ColumnElement[bool]:
    """Images with so many objects of a class, or of any."""
    least, most = (
        wire.whole(data.get("from", 1), "filters.data.from"),
        wire.whole(data.get("to", 9999), "filters.data.to"),
    )
    counted = select(LabelCount.item_id).group_by(LabelCount.item_id)
    if data.get("classId") is not None:
        counted = counted.where(LabelCount.class_id == wire.whole(data["classId"], "filters.data.classId"))
    total = func.sum(LabelCount.count)
    inside = Item.id.in_(counted.having(total >= least, total <= most))
    if least <= 0:
        inside = inside | Item.id.not_in(counted)
    return inside if wire.flag(data.get("include", True), "filters.data.include") else ~inside


def _job(ask: Ask, data: Data) -> ColumnElement[bool]:
    view = jobviews.find(ask, wire.whole(data.get("jobId"), "filters.data.jobId"))
    return Item.id.in_(select(Task.item_id).where(view.tasks))


def _collection(ask: Ask, data: Data) -> ColumnElement[bool]:
    inside = Item.id.in_(collections.chosen(ask, wire.whole(data.get("collectionId"), "filters.data.collectionId")))
    return inside if wire.flag(data.get("include", True), "filters.data.include") else ~inside


# A filter is a line here: its type, and the condition that its data says.
FILTERS: dict[str, Callable[[Ask, Data], ColumnElement[bool]]] = {
    "images_filename": _name,
    "objects_class": _class,
    "job": _job,
    "entities_collection": _collection,
}


def narrowed(ask: Ask, query: Select[Any]) -> Select[Any]:
    """The query with the conditions of `filters`. Raises `Refused` for a type that is not known."""
    for number, entry in enumerate(ask.list("filters", [])):
        sent = wire.object_of(entry, f"filters[{number}]")
        kind = sent.get("type")
        if kind not in FILTERS:
            raise Refused(400, f"filters[{number}].type {wire.short(kind)} is not served; use {', '.join(FILTERS)}.")
        query = query.where(FILTERS[kind](ask, wire.object_of(sent.get("data") or {}, f"filters[{number}].data")))
    return query
