"""LabelMe: one JSON file beside each picture, shapes with points in pixels.

train/a.jpg  train/a.json  valid/..."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import msgspec
import numpy as np
from PIL import Image

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, LeftOut, Report, Sample, SampleClass, Source
from labelwright.geometry import masks, pixels
from labelwright.geometry.document import (
    Document,
    LabelObject,
    Landmarks,
    Mask,
    OrientedRectangle,
    Point,
    Polygon,
    Polyline,
    Rectangle,
    Shape,
)

MAX_PIXELS = 250_000_000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
KNOWN = frozenset(
    {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth", "lineColor", "fillColor"}
)
SHAPE_KNOWN = frozenset(
    {"label", "points", "group_id", "description", "shape_type", "flags", "mask", "line_color", "fill_color"}
)


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip of JSON files, with the pictures that come along."""
    report, known = Report(), {c.name for c in classes}
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/{archive.stem(name)}.json", _encode(_body(sample, name, report, known)))
            out.picture(f"{folder}/{name}", sample)
        out.note_empty(report)
    return report


def _body(sample: Sample, name: str, report: Report, known: set[str]) -> dict[str, Any]:
    archive.need_size(sample)
    report.images += 1
    shapes = []
    for item in sample.document.objects:
        found = _shape(item.shape, sample.width, sample.height) if item.shape is not None else None
        if found is None or item.class_name not in known:
            plane.leave_out(report, item)
            continue
        report.objects += 1
        kind, points, more = found
        note = item.attributes.get("description")
        shapes.append({
            "label": item.class_name, "points": plane.pairs(points), "group_id": item.group,
            "description": note if isinstance(note, str) else "", "shape_type": kind, "flags": _flags(item.attributes), **more,
        })  # fmt: skip
    return {
        "version": "5.5.0", "flags": _flags(sample.document.attributes), "shapes": shapes, "imagePath": name.rpartition("/")[2],
        "imageData": None, "imageHeight": sample.height, "imageWidth": sample.width,
    }  # fmt: skip


def _flags(attributes: dict[str, Any]) -> dict[str, bool]:
    return {name: value for name, value in attributes.items() if isinstance(value, bool)}


def _shape(shape: Shape, width: int, height: int) -> tuple[str, list[float], dict[str, Any]] | None:
    def flat(points: Sequence[float]) -> list[float]:
        return pixels.points_to_pixels(points, width, height)

    if isinstance(shape, Rectangle):
        return "rectangle", flat(shape.box), {}
    if isinstance(shape, OrientedRectangle):
        return "oriented_rectangle", flat(shape.points), {}
    if isinstance(shape, Polyline):
        return "linestrip", flat(shape.points), {}
    if isinstance(shape, Point):
        return "point", flat(shape.points), {}
    if isinstance(shape, Landmarks):
        return "points", flat(shape.points), {}
    if isinstance(shape, Polygon) and len(shape.parts) == 1 and len(shape.parts[0]) == 1:
        return "polygon", flat(shape.parts[0][0]), {}
    if isinstance(shape, Polygon | Mask):
        mask = masks.rasterize(shape, width, height)
        x, y, w, h = mask.box
        if not w:
            return None
        body = io.BytesIO()
        Image.fromarray(masks.crop_array(mask).astype(np.uint8) * 255).save(body, "PNG")
        return "mask", [x, y, x + w - 1, y + h - 1], {"mask": base64.b64encode(body.getvalue()).decode()}
    return None


# --- reading -----------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read a zip or folder of JSON files, with or without the pictures. Raises `Invalid` naming file and shape."""
    tree = archive.Tree(file)
    names: dict[str, None] = {}
    paths = tree.need(".json", "JSON files")
    for path in paths:
        for shape in _shapes(tree.json(path, _decode), path):
            names[str(shape.get("label"))] = None
    left_out = LeftOut()
    return Dataset([SampleClass(n) for n in sorted(names)], _samples(tree, paths, left_out), left_out)


def _shapes(body: dict[str, Any], path: str) -> list[dict[str, Any]]:
    shapes = body.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(s, dict) and s.get("label") for s in shapes):
        raise Invalid(f"{path} is not a LabelMe file: it needs a list `shapes` of objects with a label.", field=path)
    return shapes


def _samples(tree: archive.Tree, paths: list[str], left_out: LeftOut) -> Iterator[Sample]:
    for path in paths:
        body = tree.json(path, _decode)
        folder, _, file = path.rpartition("/")
        name = str(body.get("imagePath") or f"{file[:-5]}.jpg").replace("\\", "/")
        picture = tree.find(name, folder) if name != "/" else None
        width, height = body.get("imageWidth"), body.get("imageHeight")
        if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
            if picture is None:
                raise Invalid(f"{path}: imageWidth and imageHeight are missing.", field=path)
            width, height = tree.size_of(picture)
        for key in sorted(set(body) - KNOWN):
            left_out.add(path, key)
        document = Document(attributes=_read_flags(body))
        for place, found in enumerate(_shapes(body, path)):
            item = _object(found, f"{path}: shapes[{place}]", (width, height), len(document.objects) + 1)
            if item is None:
                left_out.add(path, f"shape_type {found.get('shape_type')}")
            else:
                document.objects.append(item)
            for key in sorted(set(found) - SHAPE_KNOWN):
                left_out.add(path, f"shapes.{key}")
        yield Sample(_relative(folder, name), width, height, document, split=archive.split_of(path),
                     picture=tree.opener(picture) if picture else _inside(body))  # fmt: skip


def _relative(folder: str, name: str) -> str:
    """The picture's name with the folders within its split."""
    parts = folder.split("/") if folder else []
    if parts and parts[0].lower() in archive.SPLIT_FOLDERS:
        parts = parts[1:]
    return "/".join([*parts, name.rpartition("/")[2]])


def _inside(body: dict[str, Any]) -> Any:
    data = body.get("imageData")
    return (lambda: base64.b64decode(data)) if isinstance(data, str) and data else None


def _read_flags(body: dict[str, Any]) -> dict[str, Any]:
    flags = body.get("flags")
    return {k: v for k, v in flags.items() if isinstance(v, bool)} if isinstance(flags, dict) else {}


def _object(found: dict[str, Any], at: str, size: tuple[int, int], number: int) -> LabelObject | None:
    try:
        shape = _read_shape(found, *size)
        group = found.get("group_id")
        attributes = _read_flags(found)
        if isinstance(found.get("description"), str) and found["description"]:
            attributes["description"] = found["description"]
        if group is not None and not isinstance(group, int):
            raise ValueError("group_id must be a whole number")
    except (ValueError, TypeError, KeyError, OSError, Image.DecompressionBombError) as error:
        raise Invalid(f"{at}: {error}", field=at) from None
    if shape is None:
        return None
    return LabelObject(number, str(found["label"]), shape, attributes=attributes, source="import", group=group)


def _read_shape(found: dict[str, Any], width: int, height: int) -> Shape | None:
    kind = found.get("shape_type") or "polygon"
    points = plane.cut(plane.flat(found["points"]), width, height)
    count = len(points) // 2
    if kind == "mask":
        return _mask(found, plane.flat(found["points"]), width, height)
    if kind == "rectangle" and count in (2, 4):  # four corners since LabelMe 6
        xs, ys = points[::2], points[1::2]
        return Rectangle((min(xs), min(ys), max(xs), max(ys)))
    if kind == "oriented_rectangle" and count == 4:
        return OrientedRectangle(points)
    if kind in ("linestrip", "line") and count >= 2:
        return Polyline(points)
    if kind == "point" and count == 1:
        return Point(points)
    if kind == "points" and count >= 1:
        return Landmarks(points, list(range(count)))
    if kind == "polygon" and count >= 3:
        return Polygon([[points]])
    if kind in ("rectangle", "oriented_rectangle", "linestrip", "line", "point", "points", "polygon"):
        raise ValueError(f"{count} points are no {kind}")
    return None


def _mask(found: dict[str, Any], corners: list[float], width: int, height: int) -> Mask:
    with Image.open(io.BytesIO(base64.b64decode(found["mask"], validate=True))) as image:
        if image.width * image.height > MAX_PIXELS or width * height > MAX_PIXELS:
            raise ValueError("the mask is too large")
        crop = np.asarray(image.convert("L")) > 0
    x, y = round(corners[0]), round(corners[1])
    if x < 0 or y < 0 or x + crop.shape[1] > width or y + crop.shape[0] > height:
        raise ValueError("the mask does not lie within the picture")
    return masks.placed(crop, x, y, width, height)


FORMAT = Format(
    "LabelMe", ".zip", "application/zip",
    "Skeletons and cuboids are left out; polygons with holes or several parts become masks, landmarks are numbered anew. Of attributes,"
    " flags and a text `description` are kept; scores and locks are not.",
    write, read, ("rectangle", "oriented_rectangle", "polygon", "polyline", "point", "landmarks", "mask"),
)  # fmt: skip
