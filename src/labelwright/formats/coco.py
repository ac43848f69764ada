"""COCO: one JSON file of images, annotations and categories.

Boxes, polygons, masks (run lengths) and keypoints are COCO's own; attributes stand in `attributes` of an annotation or
image as other tools write them. Numbers are pixels with at most 6 decimals, so whole pixels stay whole.

Memory: the writer holds one picture at a time (the `images` list waits in a temporary file, since `annotations` is written
first). How it is read: `coco_reading`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import coco_reading
from labelwright.formats.coco_reading import Annotation, Box, Image
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.geometry import masks, measures, pixels
from labelwright.geometry.document import (
    Mask,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
    shape_kind,
)
from labelwright.geometry.pixels import rounded

SPOOL = 1 << 20
TOGETHER = 500
# bbox, area, segmentation, keypoints, num_keypoints
Geometry = tuple[Box, float, Any, list[float] | None, int | None]
_encoder = msgspec.json.Encoder()


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass], *, group: str = "") -> Report:
    """Write a COCO file. Objects of shapes that COCO lacks are counted in the report and left out.

    `group`: the name of a category 0 over all others, which some readers expect."""
    report = Report()
    for piece in _pieces(samples, classes, report, group):
        file.write(piece)
    return report


def _pieces(
    samples: Iterable[Sample], classes: Sequence[SampleClass], report: Report, group: str = ""
) -> Iterator[bytes]:
    categories = {c.name: number for number, c in enumerate(classes, 1)}
    listed = [{**_category(number, c), "supercategory": group} for number, c in enumerate(classes, 1)]
    if group:
        listed.insert(0, {"id": 0, "name": group, "supercategory": "none"})
    yield b'{"info":{"description":"Exported by Labelwright"},"licenses":[],"categories":' + _encoder.encode(listed)
    yield b',\n"annotations":['
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as images:
        waiting: list[Annotation] = []
        listed_images: list[Image] = []
        for number, sample in enumerate(samples, 1):
            _annotate(sample, number, report, categories, waiting)
            if len(waiting) >= TOGETHER:
                yield _lines(waiting, first=report.objects == len(waiting))
                waiting = []
            listed_images.append(Image(
                number, sample.name, sample.width, sample.height, sample.document.attributes or None, sample.uid
            ))  # fmt: skip
            if len(listed_images) >= TOGETHER:
                images.write(_lines(listed_images, first=number == len(listed_images)))
                listed_images = []
            report.images = number
        if waiting:
            yield _lines(waiting, first=report.objects == len(waiting))
        if listed_images:
            images.write(_lines(listed_images, first=report.images == len(listed_images)))
        yield b'\n],\n"images":['
        images.seek(0)
        while chunk := images.read(SPOOL // 4):
            yield chunk
    yield b"\n]}\n"


def _lines(values: Sequence[Annotation | Image], *, first: bool) -> bytes:
    """Their JSON, one a line, with commas between them. No line break stands within JSON."""
    return (b"\n" if first else b",\n") + _encoder.encode_lines(values)[:-1].replace(b"}\n{", b"},\n{")


def _category(number: int, found: SampleClass) -> dict[str, Any]:
    category: dict[str, Any] = {"id": number, "name": found.name, "supercategory": ""}
    if found.skeleton:
        category["keypoints"] = [p["name"] for p in found.skeleton["points"]]
        category["skeleton"] = [[a + 1, b + 1] for a, b in found.skeleton.get("edges", [])]
    return category


def _annotate(
    sample: Sample, image_id: int, report: Report, categories: dict[str, int], found: list[Annotation]
) -> None:
    """Add the annotations of a sample to those found before it."""
    width, height, number = sample.width, sample.height, report.objects
    for item in sample.document.objects:
        shape = item.shape
        category = categories.get(item.class_name)
        if category is not None and type(shape) is Rectangle:
            geometry: Geometry | None = _box(shape, width, height)
        else:
            geometry = _geometry(shape, width, height) if shape is not None and category is not None else None
        if geometry is None or category is None:
            report.left_out[shape_kind(shape) if shape is not None else "track"] += 1
            continue
        number += 1
        box, area, segmentation, keypoints, seen = geometry
        found.append(Annotation(
            number, image_id, category, box, area, segmentation, 0, keypoints, seen, item.score, item.group, item.id,
            item.attributes or None,
        ))  # fmt: skip
    report.objects = number


def _box(shape: Rectangle, width: int, height: int) -> Geometry:
    """Of a box. Spelled out: it is most of what writing a large file does."""
    x1, y1, x2, y2 = shape.box
    across, down = width * 1e6, height * 1e6
    x1, y1 = (x1 * across + 0.5) // 1.0 / 1e6, (y1 * down + 0.5) // 1.0 / 1e6
    w = (((x2 * across + 0.5) // 1.0 / 1e6 - x1) * 1e6 + 0.5) // 1.0 / 1e6
    h = (((y2 * down + 0.5) // 1.0 / 1e6 - y1) * 1e6 + 0.5) // 1.0 / 1e6
    return (x1, y1, w, h), (w * h * 1e6 + 0.5) // 1.0 / 1e6, (), None, None


def _geometry(shape: Shape, width: int, height: int) -> Geometry | None:
    """The geometric fields of an annotation; None for a kind that COCO has no place for."""
    if isinstance(shape, Rectangle):
        return _box(shape, width, height)
    if isinstance(shape, Polygon):
        if any(len(part) > 1 for part in shape.parts):  # COCO's polygons have no holes
            return _geometry(masks.rasterize(shape, width, height), width, height)
        segmentation: Any = [pixels.points_to_pixels(ring, width, height) for part in shape.parts for ring in part]
    elif isinstance(shape, OrientedRectangle):
        segmentation = [pixels.points_to_pixels(shape.points, width, height)]
    elif isinstance(shape, Mask):
        shape = masks.rasterize(shape, width, height)
        segmentation = masks.to_rle(shape)
    elif isinstance(shape, Skeleton):
        return _keypoints(shape, width, height)
    else:
        return None
    return _bounds(shape, width, height), rounded(measures.area(shape, width, height)), segmentation, None, None


def _bounds(shape: Shape, width: int, height: int) -> Box:
    x1, y1, x2, y2 = pixels.box_to_pixels(measures.bounds(shape), width, height)
    return x1, y1, rounded(x2 - x1), rounded(y2 - y1)


def _keypoints(shape: Skeleton, width: int, height: int) -> Geometry:
    flat = pixels.points_to_pixels(shape.points, width, height)
    triples = zip(flat[::2], flat[1::2], shape.visibility, strict=True)
    box = _bounds(shape, width, height)
    points = [v for x, y, seen in triples for v in ((x, y, seen) if seen else (0, 0, 0))]
    return box, rounded(box[2] * box[3]), None, points, sum(1 for seen in shape.visibility if seen)


def read(file: Source) -> Dataset:
    """Read a COCO file: pictures in their order, each with its objects. Coordinates outside the picture are cut off.

    An annotation with both a segmentation and keypoints becomes two objects of one `group`. Raises `Invalid`."""
    if isinstance(file, Path):
        raise Invalid("This is a folder: read it as `coco-folders`.", field="file")
    found = coco_reading.survey(file)
    return Dataset(found.classes(grouped=False), found.samples(file))


FORMAT = Format(
    title="COCO",
    suffix=".json",
    mime="application/json",
    loses=(
        "Polylines, points, landmarks and cuboids are left out. Turned boxes become polygons, polygons with holes masks, "
        "and masks take the picture's own grid; places of absent keypoints, numbers, locks and sources of objects are not kept."
    ),
    write=write,
    read=read,
    keeps=("rectangle", "polygon", "mask", "skeleton"),
)
