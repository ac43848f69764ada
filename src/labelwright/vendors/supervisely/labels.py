"""Labels: their figures, objects and tags, and our objects and attribute values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from labelwright.geometry import document, measures
from labelwright.geometry.document import LabelObject
from labelwright.models.items import Item
from labelwright.vendors.supervisely import geometry, ids, wire
from labelwright.vendors.supervisely.geometry import Grid
from labelwright.vendors.supervisely.known import ANY, Class, Known, Tag
from labelwright.vendors.supervisely.wire import Refused

KEPT = ("description", "instance", "priority", "customData")
MINE = "supervisely"
DATA = "tagData"  # under which custom data of tags is kept


@dataclass(frozen=True)
class Signed:
    """Who labeled and when, for what has no author of its own."""

    login: str | None
    created: str | None
    updated: str | None


UNSIGNED = Signed(None, None, None)


def size_of(item: Item, sent: Any = None) -> tuple[int, int]:
    """Width and height of a picture; as sent while it is not known here yet. Raises `Refused`."""
    if item.width and item.height:
        return item.width, item.height
    given = sent if isinstance(sent, dict) else {}
    width, height = given.get("width"), given.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    raise Refused(400, f"The size of the picture {item.id} is not known yet; its file is still being fetched.")


def extra_of(thing: LabelObject) -> dict[str, Any]:
    """What only this vendor knows of an object."""
    return (thing.extra or {}).get(MINE) or {}


def is_set(value: Any) -> bool:
    """Whether an attribute's value is a tag: a flag that is off is none, the number 0 is one."""
    return value is not None and value is not False


def read_object(known: Known, sent: Any, grid: Grid, number: int, at: str, *, nested: bool) -> LabelObject:
    """Our object of a label. `nested`: its geometry lies under `geometry` and its class is named by id first; `number`: the
    object's id. Raises `Refused`."""
    label = wire.object_of(sent, at)
    ref = (
        label.get("classId")
        if nested and label.get("classId") is not None
        else label.get("classTitle", label.get("classId"))
    )
    known_class = known.class_of(ref, f"{at}.class")
    kind = label.get("geometryType", label.get("shape"))
    if known_class.shape not in (ANY, kind):
        raise Refused(
            400, f"{at}: the class {known_class.name!r} is drawn as {known_class.shape}, not as {wire.short(kind)}."
        )
    found = label.get("geometry") if nested and isinstance(label.get("geometry"), dict) else label
    shape, extra = geometry.read(kind, wire.object_of(found, at), grid, at)
    if isinstance(shape, document.Skeleton):
        shape, extra = _ordered(shape, extra, known_class, at)
    for key in KEPT:
        value = label.get(key)
        if value not in (None, "", {}):
            extra[key] = value
    if known_class.shape == ANY:
        extra["geometryType"] = kind
    attributes, more, data = read_tags(known, label.get("tags"), f"{at}.tags", known_class.name)
    if more:
        extra["tags"] = more
    if data:
        extra[DATA] = data
    source, extra = _source(label, extra)
    return LabelObject(
        number, known_class.name, shape, attributes=attributes, source=source, extra={MINE: extra} if extra else None
    )


def _ordered(shape: document.Skeleton, extra: dict[str, Any], known_class: Class, at: str) -> Any:
    """A graph's points in the order of the class's skeleton; those that were not sent are absent."""
    keys = extra["nodes"]
    if known_class.shape == ANY:
        return shape, extra
    unknown = next((key for key in keys if key not in known_class.nodes), None)
    if unknown is not None:
        raise Refused(400, f"{at}.nodes: {unknown!r} is no node of the class {known_class.name!r}.")
    places = {key: (shape.points[2 * n : 2 * n + 2], shape.visibility[n]) for n, key in enumerate(keys)}
    full = [places.get(key, ([0.0, 0.0], 0)) for key in known_class.nodes]
    return document.Skeleton(points=[v for p, _ in full for v in p], visibility=[seen for _, seen in full]), {}


def _source(label: dict[str, Any], extra: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    created, updated = label.get("nnCreated"), label.get("nnUpdated")
    if created or updated:
        return "model", {**extra, "nnUpdated": bool(updated)}
    return "import", extra


def read_tags(
    known: Known, sent: Any, at: str, class_name: str | None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Attribute values of tags, and what attributes cannot hold: further values of the same tag, and custom data of each
    value. `class_name` None: tags of the whole image."""
    if not sent:
        return {}, {}, {}
    values: dict[str, list[Any]] = {}
    said: dict[str, list[Any]] = {}
    for number, entry in enumerate(wire.list_of(sent, at)):
        tag_json = wire.object_of(entry, f"{at}[{number}]")
        ref = tag_json.get("name") or tag_json.get("tagId") or tag_json.get("id")
        tag = known.tag_of(ref, f"{at}[{number}]")
        values.setdefault(tag.name, []).append(value_in(tag, tag_json.get("value"), f"{at}[{number}].value"))
        said.setdefault(tag.name, []).append(
            wire.object_of(tag_json.get("customData") or {}, f"{at}[{number}].customData")
        )
    attributes, more = {}, {}
    for name, found in values.items():
        tag = known.tag_by_name[name]
        row = tag.of("item") if class_name is None else tag.of("object", class_name)
        if row is None:
            whole = "images" if class_name is None else f"objects of the class {class_name!r}"
            raise Refused(400, f"{at}: the tag {name!r} is not for {whole}.")
        if row.kind == "many_of":
            attributes[name] = list(dict.fromkeys(found))
            continue
        attributes[name] = found[0]
        if len(found) > 1:
            more[name] = found
    return attributes, more, {name: found for name, found in said.items() if any(found)}


def value_in(tag: Tag, value: Any, at: str) -> Any:
    """A tag's value as ours. Raises `Refused` when it is not of the tag's type."""
    kind = tag.value_type
    if kind == "none":
        if value is not None:
            raise Refused(400, f"{at}: the tag {tag.name!r} has no value.")
        return True
    if kind == "any_number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(400, f"{at}: the tag {tag.name!r} has a number, not {wire.short(value)}.")
        return value
    text = wire.text(value, at, 10_000)
    if kind == "oneof_string" and text not in tag.options:
        raise Refused(400, f"{at}: {wire.short(text)} is none of the values of the tag {tag.name!r}.")
    return text


def write_tags(
    known: Known,
    attributes: dict[str, Any],
    more: dict[str, Any],
    signed: Signed,
    item_id: int,
    data: dict[str, Any] | None = None,
    owner: int = 0,
) -> list[dict[str, Any]]:
    """The tags of attribute values. A value whose tag is gone, or is of another type by now, is left out. `data`: custom
    data of each value; `owner`: the number of the object that the tags are on, 0: the item."""
    found = []
    for name, value in attributes.items():
        tag = known.tag_by_name.get(name)
        if tag is None:
            continue
        kept = more.get(name)
        values = kept if kept and kept[0] == value else value if isinstance(value, list) else [value]
        for number, entry in enumerate(values):
            fits, shown = value_out(tag, entry)
            if fits:
                said = (data or {}).get(name, [])
                found.append({
                    "id": ids.of_tag(item_id, tag.id, number, owner), "tagId": tag.id, "name": name, "value": shown,
                    "labelerLogin": signed.login, "createdAt": signed.created, "updatedAt": signed.updated,
                    **({"customData": said[number]} if number < len(said) and said[number] else {}),
                })  # fmt: skip
    return found


def value_out(tag: Tag, value: Any) -> tuple[bool, Any]:
    """Whether a value is one of the tag's type, and as it is sent."""
    kind = tag.value_type
    if kind == "none":
        return value is True, None
    if kind == "any_number":
        return isinstance(value, int | float) and not isinstance(value, bool), value
    if kind == "oneof_string":
        return value in tag.options, value
    return value is not None, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def write_object(
    known: Known, item: Item, thing: LabelObject, grid: Grid, signed: Signed, *, alpha: bool = True
) -> dict[str, Any]:
    """A label without its geometry's keys: those lie under `geometry`. `alpha`: with the bitmap of alpha masks."""
    known_class = known.by_name.get(thing.class_name)
    extra = extra_of(thing)
    shape = thing.shape
    assert shape is not None
    kind = geometry.type_of(shape, known_class.shape if known_class else ANY, extra)
    if kind == "graph" and known_class is not None and known_class.nodes:
        extra = {**extra, "nodes": known_class.nodes}
    elif kind == "graph":
        # The package cannot read a graph of a class without a template: the points come out as a line through them.
        shape = document.Polyline(points=measures.points_of(shape))
        kind = "line" if len(shape.points) > 2 else "point"
    content = {} if kind == "alpha_mask" and not alpha else geometry.WRITE[kind](shape, grid, extra)
    return {
        "id": ids.join(item.id, thing.id), "classId": known_class.row.id if known_class else None,
        "classTitle": thing.class_name, "geometryType": kind, "geometry": content, "shape": kind,
        "tags": write_tags(known, thing.attributes, extra.get("tags", {}), signed, item.id, extra.get(DATA), thing.id),
        "description": extra.get("description", ""), "instance": extra.get("instance"), "objectId": None,
        "nnCreated": thing.source == "model", "nnUpdated": bool(thing.source == "model" and extra.get("nnUpdated", True)),
        "priority": extra.get("priority"), "customData": extra.get("customData"), "labelerLogin": signed.login,
        "createdAt": signed.created, "updatedAt": signed.updated,
    }  # fmt: skip


def flat(label: dict[str, Any]) -> dict[str, Any]:
    """A label with its geometry's keys at its own level, as annotations have it."""
    return {**{key: value for key, value in label.items() if key != "geometry"}, **label["geometry"]}


def bounds(thing: LabelObject, grid: Grid) -> tuple[list[int], float]:
    """The box `[top, left, bottom, right]` of an object in whole pixels, and its area in pixels."""
    assert thing.shape is not None
    x1, y1, x2, y2 = measures.bounds(thing.shape)
    left, top, right, bottom = grid.box_out(x1 * grid.width, y1 * grid.height, x2 * grid.width, y2 * grid.height)
    return [round(top), round(left), round(bottom), round(right)], round(
        measures.area(thing.shape, grid.width, grid.height), 3
    )
