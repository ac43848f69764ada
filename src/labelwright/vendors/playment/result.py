"""A document as Playment's result file, and as the labels of a job build."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from labelwright.geometry import tracks
from labelwright.geometry.document import Document, LabelObject, Mask, Polygon, Shape
from labelwright.vendors.playment import shapes
from labelwright.vendors.playment.labels import VENDOR

Json = dict[str, Any]


def image_annotations(document: Document, item_uid: uuid.UUID, *, states: bool = False) -> Json:
    """Lists of annotations by type, and what else the labels of an image hold. Masks are not in it: see `raster`.

    `states`: attributes with their `state` as they came, as a job build holds them; a result has values only."""
    lists: Json = {group: [] for group in shapes.GROUPS.values()}
    ids = _Ids(item_uid)
    for item in _parted(document.objects):
        if item.shape is None or isinstance(item.shape, Mask):
            continue
        kept = _kept(item)
        kind, geometry = shapes.write(item.shape, kept)
        lists[shapes.GROUPS[kind]].append({
            "_id": ids.object(item, kept),
            "label": item.class_name,
            "attributes": _attributes(item.attributes, kept, states),
            **geometry,
            **_more(item, kept, ids),
        })  # fmt: skip
    if document.attributes:
        lists["attributes"] = _attributes(document.attributes, {}, states)
    return lists | _other(document)


def video_annotations(
    document: Document, item_uid: uuid.UUID, frame_ids: Sequence[str], *, states: bool = False
) -> Json:
    """Trackers with an annotation in every frame where the object is seen, interpolated ones included."""
    ids = _Ids(item_uid)
    body: Json = {"annotations": [t for o in _parted(document.objects) for t in _tracker(o, frame_ids, ids, states)]}
    if document.attributes:
        body["attributes"] = _attributes(document.attributes, {}, states)
    if document.frames:
        body["frame_attributes"] = {
            frame_ids[int(at)]: _attributes(values, {}, states)
            for at, values in document.frames.items()
            if int(at) < len(frame_ids)
        }
    return body


def image(document: Document, item_uid: uuid.UUID, image_url: str, raster: Json | None = None, **more: Any) -> Json:
    """The result file of an image job. `raster`: `{"url", "legend"}` of its mask, for segmentation."""
    annotations = image_annotations(document, item_uid)
    if raster is not None:
        annotations["raster"] = raster
    return {"data": {"annotations": annotations, "image_url": image_url, **more}}


def video(
    document: Document, item_uid: uuid.UUID, frame_ids: Sequence[str], source: Mapping[str, Any],
    masks: list[Json] | None = None, **more: Any,
) -> Json:  # fmt: skip
    """The result file of a video job. `source`: its `video_data` or `sensor_data` as sent, by that key."""
    annotation_data = video_annotations(document, item_uid, frame_ids)
    if masks:
        annotation_data["masks"] = masks
    return {"data": {"annotation_data": annotation_data, **source, **_other(document), **more}}


def maker_response(
    document: Document, item_uid: uuid.UUID, frame_ids: Sequence[str] | None, raster: Json | None
) -> Json:
    """The labels as they can be sent with a new job. `frame_ids` None: an image."""
    if frame_ids is not None:
        data = video_annotations(document, item_uid, frame_ids, states=True)
        drawn = {"video2d": {"data": data}} if data["annotations"] or len(data) > 1 else {}
        return drawn | _other(document)
    groups: Json = {}
    for group, value in image_annotations(document, item_uid, states=True).items():
        if group not in shapes.TYPES:
            groups[group] = value
        elif value:
            groups[group] = {"type": group, "data": value}
    if raster is not None:
        groups["raster"] = {"data": raster}
    return groups


def _tracker(item: LabelObject, frame_ids: Sequence[str], ids: _Ids, states: bool) -> Iterator[Json]:
    """A track as trackers: one, or one for each type when its shapes are of several."""
    kept = _kept(item)
    by_frame = kept.get("frames", {})
    by_type: dict[str, Json] = {}
    for frame, state in tracks.per_frame(item, len(frame_ids)):
        if isinstance(state.shape, Mask):
            continue
        frame_id = frame_ids[frame]
        mine = by_frame.get(frame_id, {})
        kind, geometry = shapes.write(state.shape, mine, edges_on_lines=True)
        more = mine.get("more", {})
        by_type.setdefault(kind, {})[frame_id] = {
            "_id": ids.of(mine, f"{_key(item)}/{frame_id}"),
            "type": more.get("type", kind),
            "label": more.get("label", item.class_name),
            "attributes": _attributes(state.attributes, mine, states),
            **geometry,
            **{k: v for k, v in more.items() if k not in _NAMED},
        }
    for number, (kind, frames) in enumerate(by_type.items()):
        _id = ids.object(item, kept) if number == 0 else ids.of({}, f"{_key(item)}/{kind}")
        yield {"_id": _id, "type": kind, "label": item.class_name, "frames": frames, **_more(item, kept, ids)}


_NAMED = frozenset({"_id", "type", "label"})


class _Ids:
    """Wire ids: the one an annotation came with, else one made from the item and the object, always the same."""

    def __init__(self, item_uid: uuid.UUID) -> None:
        self.item_uid = item_uid
        self.given: set[str] = set()
        self.objects: dict[int, Any] = {}

    def object(self, item: LabelObject, kept: Json) -> Any:
        """The id of an object; that of its first polygon is remembered for the others to point at."""
        _id = self.of(kept, _key(item))
        self.objects.setdefault(item.id, _id)
        return _id

    def of(self, kept: Json, key: Any) -> Any:
        """The id; a copy of an annotation does not keep the original's."""
        sent = kept.get("more", {}).get("_id")
        if sent not in (None, "") and repr(sent) not in self.given:
            self.given.add(repr(sent))
            return sent
        return str(uuid.uuid5(self.item_uid, str(key)))


def _kept(item: LabelObject) -> Json:
    return (item.extra or {}).get(VENDOR, {})


def _key(item: LabelObject) -> str:
    part = _kept(item).get("part")
    return str(item.id) if part is None else f"{item.id}.{part}"


def _more(item: LabelObject, kept: Json, ids: _Ids) -> Json:
    more = {
        k: v for k, v in kept.get("more", {}).items() if k not in _NAMED or (k == "type" and item.shape is not None)
    }
    if item.locked:
        more["state"] = "non_editable"
    elif more.get("state") == "non_editable":
        more["state"] = "editable"
    if "part" in kept:
        more["part_of"] = ids.objects[item.id]
    return more


def _other(document: Document) -> Json:
    return dict((document.extra or {}).get(VENDOR, {}).get("other", {}))


def _attributes(values: Mapping[str, Any], kept: Json, states: bool) -> Json:
    given, entries = kept.get("given", {}), kept.get("attributes", {})
    out = {}
    for name, value in values.items():
        sent = given.get(name)
        entry = {"value": sent[1] if sent and sent[0] == value else value}
        if name in entries:
            entry.update({k: v for k, v in entries[name].items() if states or k != "state"})
        out[name] = entry
    return out


def _parted(objects: list[LabelObject]) -> Iterator[LabelObject]:
    """Objects, those of several polygons as one for each: an annotation of theirs has one outline."""
    for item in objects:
        count = max((len(s.parts) for s in _all_shapes(item) if isinstance(s, Polygon)), default=1)
        if count <= 1:
            yield item
            continue
        for part in range(count):
            yield _part(item, part)


def _all_shapes(item: LabelObject) -> list[Shape]:
    if item.shape is not None:
        return [item.shape]
    return [k.shape for k in item.keyframes or () if k.shape is not None]


def _part(item: LabelObject, part: int) -> LabelObject:
    keyframes = None
    if item.keyframes is not None:
        keyframes = [
            msgspec.structs.replace(
                k, shape=_cut(k.shape, part), outside=k.outside or (k.shape is not None and _cut(k.shape, part) is None)
            )
            for k in item.keyframes
        ]
    shape = None if item.shape is None else _cut(item.shape, part)
    if part == 0:
        return msgspec.structs.replace(item, shape=shape, keyframes=keyframes)
    return msgspec.structs.replace(item, shape=shape, keyframes=keyframes, extra={VENDOR: {"part": part}})


def _cut(shape: Shape | None, part: int) -> Shape | None:
    if not isinstance(shape, Polygon):
        return shape if part == 0 else None
    return Polygon([shape.parts[part]]) if part < len(shape.parts) else None
