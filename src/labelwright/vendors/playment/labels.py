"""Labels that arrive with a job (`data.maker_response`) as our document.

Read are the documented input shapes, the shapes of result files, and every spelling the documentation uses for them.
What has no place in a document travels in `extra["playment"]` and comes out again (`result.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labelwright.geometry import tracks
from labelwright.geometry.document import Document, LabelObject, Landmarks, Point, Shape, Skeleton
from labelwright.geometry.ontology import AttributeInfo, Ontology
from labelwright.vendors.playment import legend, shapes
from labelwright.vendors.playment.errors import invalid

ROOT = "data.maker_response"
VENDOR = "playment"
COMMON_KEYS = ("label", "attributes")
# What follows an annotation's own keys into `extra`: `_id`, `state`, `color`, `type` and whatever else was sent.
NOT_KEPT = {kind: frozenset(COMMON_KEYS + keys) for kind, keys in shapes.GEOMETRY_KEYS.items()}
VIDEO_KEYS = ("video2d", "video_2d", "annotation_data", "annotations_data")
TRACKER_KEYS = frozenset({"type", "label", "frames", "attributes"})


@dataclass
class Raster:
    """A mask file to be read into the document when it has been fetched. `frame`: of a sequence, by index."""

    url: str
    legend: legend.Legend
    frame: int | None = None


@dataclass
class Labels:
    """What was read. `paths[i]` is where the object with id i + 1 stood in the request, for messages about it."""

    document: Document
    paths: list[str] = field(default_factory=list)
    rasters: list[Raster] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_image(response: Any, ontology: Ontology | None = None) -> Labels:
    """Labels of an image job; `ontology` None: classes are not looked up. Raises `PlaymentError` (FS_0003)."""
    labels = Labels(Document())
    groups = _unwrapped(response, ("annotations",))
    other: dict[str, Any] = {}
    for key, value in groups.items():
        if key in shapes.TYPES:
            _read_group(labels, key, value, ontology)
        elif key == "raster":
            _read_raster(labels, value, ontology)
        elif key == "attributes":
            labels.document.attributes = _values(value, f"{ROOT}.attributes", _item_infos(ontology), {})
        elif key in VIDEO_KEYS:
            raise invalid(f"{ROOT}.{key}", "labels of frames need data.video_data; this job is one image.")
        elif value is not None:
            other[key] = value
    if other:
        labels.document.extra = {VENDOR: {"other": other}}
        labels.warnings.append(f"{ROOT}: kept but not shown to annotators: {', '.join(sorted(other))}.")
    return labels


def read_video(response: Any, frame_ids: Sequence[str], ontology: Ontology | None = None) -> Labels:
    """Labels of a video job with these frames. Raises `PlaymentError` (FS_0003)."""
    labels = Labels(Document())
    index = {frame_id: i for i, frame_id in enumerate(frame_ids)}
    groups = _unwrapped(response, ("annotation_data", "annotations_data"), inner=False)
    other: dict[str, Any] = {}
    for key, value in groups.items():
        if key in VIDEO_KEYS:
            if value is not None:
                _read_trackers(labels, key, value, index, ontology)
        elif key in shapes.TYPES or key == "raster":
            if value:
                raise invalid(f"{ROOT}.{key}", "belongs to an image; send a video's labels as video2d trackers.")
        elif value is not None:
            other[key] = value
    if other:
        labels.document.extra = {VENDOR: {"other": other}}
        labels.warnings.append(f"{ROOT}: kept but not shown to annotators: {', '.join(sorted(other))}.")
    return labels


def _unwrapped(response: Any, marks: tuple[str, ...], inner: bool = True) -> dict[str, Any]:
    """The groups of labels: as sent in a job, or taken out of a whole result file."""
    if response is None:
        return {}
    if type(response) is not dict:
        raise invalid(ROOT, "must be an object.")
    data = response.get("data")
    if type(data) is dict and any(mark in data for mark in marks):
        response = {k: v for k, v in data.items() if k not in ("image_url", "video_data", "sensor_data", "metadata")}
    for mark in marks:
        if inner and type(response.get(mark)) is dict:
            return response[mark]
    return response


def _read_group(labels: Labels, key: str, value: Any, ontology: Ontology | None) -> None:
    path = f"{ROOT}.{key}"
    if type(value) is dict:
        value, path = value.get("data"), path + ".data"
    if value is None:
        return
    if type(value) is not list:
        raise invalid(path, "must be a list of annotations.")
    kind = shapes.TYPES[key]
    for number, annotation in enumerate(value):
        _read_object(labels, kind, annotation, f"{path}[{number}]", ontology)


def _read_object(labels: Labels, kind: str, annotation: Any, path: str, ontology: Ontology | None) -> None:
    if type(annotation) is not dict:
        raise invalid(path, "must be an object.")
    class_name = _class_name(annotation, path, ontology)
    kept: dict[str, Any] = {}
    shape = shapes.read(kind, annotation, path, kept, labels.warnings.append)
    if ontology is not None:
        shape = _fitted(shape, class_name, ontology, kept)
    infos = None if ontology is None else ontology.attributes_of(class_name)
    values = _values(annotation.get("attributes"), path, infos, kept)
    if more := {k: v for k, v in annotation.items() if k not in NOT_KEPT[kind]}:
        kept["more"] = more
    labels.document.objects.append(
        LabelObject(
            id=len(labels.paths) + 1,
            class_name=class_name,
            shape=shape,
            attributes=values,
            source="import",
            locked=annotation.get("state") == "non_editable",
            extra={VENDOR: kept} if kept else None,
        )
    )
    labels.paths.append(path)


def _class_name(annotation: dict[str, Any], path: str, ontology: Ontology | None) -> str:
    name = annotation.get("label")
    if type(name) is not str or not name:
        raise invalid(path + ".label", "must be the build name of a class.")
    if ontology is not None and name not in ontology.classes:
        known = ", ".join(sorted(ontology.classes)[:10]) or "none yet"
        raise invalid(path + ".label", f"{name!r} is not a class of this project; add it first. Known: {known}.")
    return name


def _fitted(shape: Shape, class_name: str, ontology: Ontology, kept: dict[str, Any]) -> Shape:
    """Landmarks as the point or skeleton that the class wants, when it takes no landmarks."""
    info = ontology.classes[class_name]
    if not isinstance(shape, Landmarks) or info.shapes is None or "landmarks" in info.shapes:
        return shape
    if "point" in info.shapes and shape.labels == [1]:
        return Point(shape.points)
    count = info.skeleton_points or 0
    if "skeleton" not in info.shapes or not set(shape.labels) <= set(range(1, count + 1)):
        return shape
    if len(set(shape.labels)) < len(shape.labels):
        return shape
    points, visibility = [0.0] * (2 * count), [0] * count
    for i, label in enumerate(shape.labels):
        points[2 * label - 2 : 2 * label] = shape.points[2 * i : 2 * i + 2]
        visibility[label - 1] = 2
    for key in ("names", "point_extra"):
        kept.pop(key, None)
    return Skeleton(points, visibility)


def _values(raw: Any, path: str, infos: dict[str, AttributeInfo] | None, kept: dict[str, Any]) -> dict[str, Any]:
    """Attribute values: `{name: {"value": v}}`, with or without `state`; an empty list means none."""
    if not raw and (raw is None or type(raw) is list or type(raw) is dict):
        return {}
    if type(raw) is not dict:
        raise invalid(path + ".attributes", 'must be an object, {"name": {"value": ...}}.')
    values = {}
    for name, entry in raw.items():
        if type(entry) is not dict or "value" not in entry:
            raise invalid(f"{path}.attributes.{name}", 'must be an object with a "value".')
        given = entry["value"]
        value = given
        if infos is not None and name in infos:
            value = _converted(given, infos[name].kind)
        if value is None:
            continue
        if type(value) is not type(given):
            kept.setdefault("given", {})[name] = [value, given]
        if len(entry) > 1:
            kept.setdefault("attributes", {})[name] = {k: v for k, v in entry.items() if k != "value"}
        values[name] = value
    return values


def _converted(value: Any, kind: str) -> Any:
    """Texts as the attribute's own kind where that is plain; what does not fit is left for the ontology to refuse."""
    if kind == "flag" and type(value) is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "number" and type(value) is str:
        try:
            number = float(value)
        except ValueError:
            return value
        return number if abs(number) < float("inf") else value
    if kind == "many_of" and type(value) is str:
        return [value]
    if kind == "one_of" and type(value) is list and len(value) == 1:
        return value[0]
    return value


def _item_infos(ontology: Ontology | None) -> dict[str, AttributeInfo] | None:
    return None if ontology is None else ontology.item_attributes


def _read_raster(labels: Labels, value: Any, ontology: Ontology | None) -> None:
    path = f"{ROOT}.raster"
    if type(value) is dict and "data" in value:
        value, path = value["data"], path + ".data"
    if not value:
        return
    if type(value) is not dict or type(value.get("url")) is not str or not value["url"]:
        raise invalid(path + ".url", "must be the address of a PNG mask.")
    names = None if ontology is None else ontology.classes
    labels.rasters.append(Raster(value["url"], legend.read(value.get("legend"), names, path + ".legend")))


# --- video -----------------------------------------------------------------------------------------------------------


def _read_trackers(labels: Labels, key: str, value: Any, index: dict[str, int], ontology: Ontology | None) -> None:
    path = f"{ROOT}.{key}"
    if type(value) is dict and "data" in value:
        value, path = value["data"], path + ".data"
    if type(value) is dict:
        document = labels.document
        document.attributes = _values(value.get("attributes"), path, _item_infos(ontology), {})
        _read_frame_values(document, value.get("frame_attributes"), f"{path}.frame_attributes", index, ontology)
        value, path = value.get("annotations"), path + ".annotations"
    if value is None:
        return
    if type(value) is not list:
        raise invalid(path, "must be a list of trackers.")
    for number, tracker in enumerate(value):
        _read_tracker(labels, tracker, f"{path}[{number}]", index, ontology)


def _read_frame_values(
    document: Document, value: Any, path: str, index: dict[str, int], ontology: Ontology | None
) -> None:
    if value is None:
        return
    if type(value) is not dict:
        raise invalid(path, "must be an object of frames.")
    infos = None if ontology is None else ontology.frame_attributes
    for frame_id, raw in value.items():
        at = _frame(frame_id, index, path)
        if values := _values(raw, f"{path}.{frame_id}", infos, {}):
            document.frames[str(at)] = values


def _frame(frame_id: str, index: dict[str, int], path: str) -> int:
    if frame_id not in index:
        raise invalid(f"{path}[{frame_id!r}]", "is not the frame_id of a frame of this job.")
    return index[frame_id]


def _read_tracker(labels: Labels, tracker: Any, path: str, index: dict[str, int], ontology: Ontology | None) -> None:
    if type(tracker) is not dict:
        raise invalid(path, "must be an object.")
    frames = tracker.get("frames")
    if type(frames) is not dict or not frames:
        raise invalid(path + ".frames", "must map at least one frame_id to an annotation.")
    kind = tracker.get("type") or _first_type(frames)
    if type(kind) is not str or kind not in shapes.GROUPS:
        raise invalid(path + ".type", f"must be one of {', '.join(shapes.GROUPS)}.")
    class_name = _class_name(tracker, path, ontology)
    infos = None if ontology is None else ontology.attributes_of(class_name)
    kept: dict[str, Any] = {}
    base = _values(tracker.get("attributes"), path, infos, kept)
    states: dict[int, tuple[Shape, dict[str, Any]]] = {}
    kept_frames: dict[str, Any] = {}
    locked = tracker.get("state") == "non_editable"
    for frame_id, annotation in frames.items():
        at, here = _frame(frame_id, index, path + ".frames"), f"{path}.frames.{frame_id}"
        if type(annotation) is not dict:
            raise invalid(here, "must be an annotation object.")
        mine: dict[str, Any] = {}
        shape = shapes.read(kind, annotation, here, mine, labels.warnings.append)
        if ontology is not None:
            shape = _fitted(shape, class_name, ontology, mine)
        states[at] = (shape, base | _values(annotation.get("attributes"), here, infos, mine))
        if more := _frame_rest(annotation, kind, class_name):
            mine["more"] = more
        if mine:
            kept_frames[frame_id] = mine
    if kept_frames:
        kept["frames"] = kept_frames
    if more := {k: v for k, v in tracker.items() if k not in TRACKER_KEYS}:
        kept["more"] = more
    constant = _constant(states)
    changing = {at: (shape, _without(values, constant)) for at, (shape, values) in states.items()}
    labels.document.objects.append(
        LabelObject(
            id=len(labels.paths) + 1,
            class_name=class_name,
            keyframes=tracks.from_frames(changing, len(index)),
            attributes=constant,
            source="import",
            locked=locked,
            extra={VENDOR: kept} if kept else None,
        )
    )
    labels.paths.append(path)


def _first_type(frames: dict[str, Any]) -> Any:
    first = next(iter(frames.values()))
    return first.get("type") if type(first) is dict else None


def _frame_rest(annotation: dict[str, Any], kind: str, class_name: str) -> dict[str, Any]:
    """What an annotation in a frame holds beyond its tracker: its own id; a type or label only if they differ."""
    rest = {k: v for k, v in annotation.items() if k not in NOT_KEPT[kind]}
    if rest.get("type") == kind:
        del rest["type"]
    if annotation.get("label", class_name) != class_name:
        rest["label"] = annotation["label"]
    return rest


def _constant(states: dict[int, tuple[Shape, dict[str, Any]]]) -> dict[str, Any]:
    """The attribute values that are the same in every frame."""
    all_values = [values for _, values in states.values()]
    first = all_values[0]
    return {name: v for name, v in first.items() if all(name in o and o[name] == v for o in all_values)}


def _without(values: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in values.items() if name not in names}
