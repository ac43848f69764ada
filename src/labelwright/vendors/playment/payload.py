"""A job's `data`: what there is to look at, in what order, and with which labels. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labelwright.geometry.document import Document
from labelwright.geometry.ontology import Ontology
from labelwright.vendors.playment import labels
from labelwright.vendors.playment.errors import (
    ATTACHMENT_INVALID,
    DATA_INVALID,
    DATA_MISSING,
    PlaymentError,
    invalid,
)
from labelwright.vendors.playment.labels import Labels, Raster

SCHEMES = ("https://", "http://", "s3://")
LIDAR = "Point clouds (LiDAR sensor_data) cannot be labeled here yet; the data is kept and returned as it was sent."
WHOLE_FRAME = "frame"


@dataclass
class File:
    """A file the job needs. `frame`: its index in a sequence."""

    url: str
    role: str = "main"
    position: int = 0
    frame_id: str | None = None
    label: str | None = None
    legend: dict[str, Any] | None = None


@dataclass
class Payload:
    """What `data` holds. `kind`: image or video; `blocked`: why it cannot be labeled (LiDAR), else empty.

    `rest`: what has no column of its own, for the round trip; `metadata`: the sender's own."""

    kind: str
    files: list[File] = field(default_factory=list)
    frame_ids: list[str] | None = None
    frames: int = 1
    labels: Labels = field(default_factory=lambda: Labels(Document()))
    blocked: str = ""
    metadata: Any = None
    rest: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read(data: Any, ontology: Ontology | None) -> Payload:
    """The payload. Raises `PlaymentError`: FS_0004 when there is none, FS_0003 and FS_0007 naming what is wrong."""
    if data is None or data in ("", {}):
        raise PlaymentError(DATA_MISSING, 'data is missing; send {"image_url": ...} or {"video_data": ...}.')
    if type(data) is not dict:
        raise invalid("data", "must be an object.")
    bases = [key for key in ("image_url", "video_data", "sensor_data") if data.get(key) is not None]
    if len(bases) > 1:
        raise invalid("data", f"holds {' and '.join(bases)}; a job has one of them.")
    if not bases:
        raise invalid("data", "needs image_url, video_data or sensor_data.")
    payload = _READERS[bases[0]](data, ontology)
    payload.metadata = data.get("metadata")
    payload.warnings += payload.labels.warnings
    if not payload.blocked:
        _read_references(data.get("reference_data"), payload)
        payload.files += [_mask_file(raster) for raster in payload.labels.rasters]
    known = {"metadata", *(("image_url",) if bases == ["image_url"] else ())}
    if not payload.blocked:
        known |= {"maker_response"}
    payload.rest = {k: v for k, v in data.items() if k not in known}
    if payload.rest.get("video_data") is not None and _plain(payload.rest["video_data"]):
        del payload.rest["video_data"]  # rebuilt from the frames
    return payload


def url(value: Any, path: str) -> str:
    """An address that the server can fetch. Raises FS_0003 for what is none, FS_0007 for a scheme it cannot fetch."""
    if type(value) is not str or not value.strip():
        raise invalid(path, "must be the address of a file.")
    address = value.strip()
    if not address.lower().startswith(SCHEMES) or not address.partition("://")[2].strip("/"):
        raise PlaymentError(
            ATTACHMENT_INVALID,
            f"{path}: {address[:200]!r} cannot be fetched; use https://, http:// or s3://bucket/key.",
        )
    if not address.isprintable() or len(address) > 8000:
        raise PlaymentError(ATTACHMENT_INVALID, f"{path}: the address holds control characters or is too long.")
    return address


def _mask_file(raster: Raster) -> File:
    address = url(raster.url, f"{labels.ROOT}.raster.url")
    return File(address, "mask", raster.frame or 0, legend=raster.legend)


def _image(data: dict[str, Any], ontology: Ontology | None) -> Payload:
    image_url = data["image_url"]
    if type(image_url) is list:  # the oldest generation sent lists
        if len(image_url) != 1:
            raise invalid("data.image_url", "must be one address; file a job for each image.")
        image_url = image_url[0]
    payload = Payload("image", [File(url(image_url, "data.image_url"))])
    payload.labels = labels.read_image(data.get("maker_response"), ontology)
    return payload


def _video(data: dict[str, Any], ontology: Ontology | None) -> Payload:
    video_data = data["video_data"]
    if type(video_data) is not dict:
        raise invalid("data.video_data", 'must be an object with "frames".')
    frames: Any = video_data.get("frames")
    frame_ids = _frame_ids(frames, "data.video_data.frames")
    files = [
        File(url(frame.get("src"), f"data.video_data.frames[{i}].src"), "frame", i, frame_id)
        for i, (frame, frame_id) in enumerate(zip(frames, frame_ids, strict=True))
    ]
    payload = Payload("video", files, frame_ids, len(frame_ids))
    payload.labels = labels.read_video(data.get("maker_response"), frame_ids, ontology)
    return payload


def _frame_ids(frames: Any, path: str) -> list[str]:
    if type(frames) is not list or not frames:
        raise invalid(path, "must be a list of at least one frame.")
    seen: dict[str, int] = {}
    for number, frame in enumerate(frames or ()):
        frame_id = frame.get("frame_id") if type(frame) is dict else None
        if type(frame_id) is not str or not frame_id or len(frame_id) > 300:
            raise invalid(f"{path}[{number}].frame_id", "must be a text of 1 to 300 characters.")
        if frame_id in seen:
            raise invalid(
                f"{path}[{number}].frame_id", f"duplicate frame_id {frame_id!r}, as in frame {seen[frame_id]}."
            )
        seen[frame_id] = number
    return list(seen)


def _sensors(data: dict[str, Any], ontology: Ontology | None) -> Payload:
    sensor_data = data["sensor_data"]
    if type(sensor_data) is not dict:
        raise invalid("data.sensor_data", "must be an object.")
    meta = sensor_data.get("sensor_meta") or []
    if type(meta) is not list or any(type(m) is not dict for m in meta):
        raise invalid("data.sensor_data.sensor_meta", "must be a list of sensors.")
    path = "data.sensor_data.frames"
    frames: Any = sensor_data.get("frames")
    if frames is None and type(sensor_data.get("sensors")) is list:  # a single cloud, sent without a list of frames
        frames, path = [{"frame_id": WHOLE_FRAME, "sensors": sensor_data["sensors"]}], "data.sensor_data"
    frame_ids = _frame_ids(frames, path)
    primary, warnings = _primary(meta)
    if any(m.get("modality") == "lidar" for m in meta):
        return Payload("video", [], frame_ids, len(frame_ids), blocked=LIDAR, warnings=warnings)
    names = {m.get("id"): str(m.get("name") or m.get("id")) for m in meta if type(m.get("id")) in (str, int)}
    files: list[File] = []
    for number, frame in enumerate(frames or ()):
        files += _cameras(frame, number, f"{path}[{number}]", primary, names)
    payload = Payload("video", files, frame_ids, len(frame_ids), warnings=warnings)
    payload.labels = labels.read_video(data.get("maker_response"), frame_ids, ontology)
    return payload


def _primary(meta: Sequence[dict[str, Any]]) -> tuple[Any, list[str]]:
    """The id of the sensor whose pictures are labeled: the first LiDAR marked primary, else the first marked, else the first."""
    marked = [m for m in meta if m.get("primary_view") is True]
    lidar = [m for m in marked if m.get("modality") == "lidar"]
    chosen = next(iter([*lidar, *marked, *meta]), {}).get("id")
    if len(marked) > 1:
        return chosen, [f"data.sensor_data.sensor_meta: several sensors are marked primary_view; {chosen!r} is taken."]
    return chosen, []


def _cameras(frame: dict[str, Any], number: int, path: str, primary: Any, names: dict[Any, str]) -> list[File]:
    """A frame's main picture and, as references beside it, those of the other cameras."""
    sensors = frame.get("sensors")
    if type(sensors) is not list or not sensors or any(type(s) is not dict for s in sensors):
        raise invalid(f"{path}.sensors", "must be a list of at least one sensor.")
    if primary is None:
        primary = sensors[0].get("sensor_id")
    ids = [s.get("sensor_id") for s in sensors]
    if primary not in ids:
        raise invalid(f"{path}.sensors", f"has no picture of the primary sensor {primary!r}.")
    main = ids.index(primary)
    files = []
    for index, sensor in enumerate(sensors):
        address = url(sensor.get("data_url"), f"{path}.sensors[{index}].data_url")
        if index == main:
            files.append(File(address, "frame", number, frame["frame_id"]))
        else:
            sensor_id = sensor.get("sensor_id")
            label = names.get(sensor_id, str(sensor_id)) if type(sensor_id) in (str, int) else None
            files.append(File(address, "reference", number, frame["frame_id"], label and label[:300]))
    return files


_READERS = {"image_url": _image, "video_data": _video, "sensor_data": _sensors}


def _read_references(reference_data: Any, payload: Payload) -> None:
    """Pictures to look at beside the main one: `raster` or `vector`, a flat list or a list for each frame."""
    if reference_data is None:
        return
    if type(reference_data) is not dict:
        raise invalid("data.reference_data", "must be an object.")
    index = {frame_id: i for i, frame_id in enumerate(payload.frame_ids or ())}
    for key in ("raster", "vector"):
        group = reference_data.get(key)
        path = f"data.reference_data.{key}"
        if group is None:
            continue
        images = group.get("images") if type(group) is dict else None
        if images is None and type(group) is dict:
            continue
        if type(images) is not list or any(type(image) is not dict for image in images):
            raise invalid(path + ".images", "must be a list of objects.")
        for number, image in enumerate(images):
            _read_reference(image, f"{path}.images[{number}]", index, payload.files)


def _read_reference(image: dict[str, Any], path: str, index: dict[str, int], files: list[File]) -> None:
    if "data" not in image:
        files.append(_reference(image, path, len(files), None))
        return
    frame_id, entries = image.get("frame_id"), image["data"]
    if index and (type(frame_id) is not str or frame_id not in index):
        raise invalid(path + ".frame_id", f"{frame_id!r} is not the frame_id of a frame of this job.")
    if type(entries) is not list or any(type(entry) is not dict for entry in entries):
        raise invalid(path + ".data", "must be a list of objects.")
    for number, entry in enumerate(entries):
        at = index[str(frame_id)] if index else len(files)
        files.append(_reference(entry, f"{path}.data[{number}]", at, str(frame_id) if index else None))


def _reference(entry: dict[str, Any], path: str, position: int, frame_id: str | None) -> File:
    label = entry.get("label")
    if label is not None and type(label) is not str:
        raise invalid(path + ".label", "must be a text.")
    return File(
        url(entry.get("image_url"), path + ".image_url"), "reference", position, frame_id, label and label[:300]
    )


def _plain(video_data: dict[str, Any]) -> bool:
    """Whether nothing but ids and addresses was sent, so that it can be rebuilt."""
    return set(video_data) == {"frames"} and all(
        set(frame) == {"frame_id", "src"} and frame["src"] == frame["src"].strip() for frame in video_data["frames"]
    )


def check_text(value: Any) -> None:
    """Raise FS_0003 when a text anywhere in `value` holds a NUL character, which cannot be stored."""
    stack = [value]
    while stack:
        here = stack.pop()
        if type(here) is str and "\0" in here:
            raise PlaymentError(DATA_INVALID, "A text holds a NUL character (\\u0000); remove it.")
        if type(here) is dict:
            stack += here.keys()
            stack += here.values()
        elif type(here) is list:
            stack += here
