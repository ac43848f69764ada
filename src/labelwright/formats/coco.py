"""COCO: one JSON file of images, annotations and categories.

Boxes, polygons, masks (run lengths) and keypoints are COCO's own; attributes stand in `attributes` of an annotation or
image as other tools write them. Numbers are pixels with at most 6 decimals, so whole pixels stay whole.

Memory: the writer holds one picture at a time (the `images` list waits in a temporary file, since `annotations` is written
first); the reader holds the file, and one reference an annotation."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from labelwright.errors import Invalid
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.geometry import masks, measures, pixels
from labelwright.geometry.document import (
    Attributes,
    Document,
    LabelObject,
    Mask,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
    shape_kind,
)
from labelwright.geometry.pixels import MILLION, rounded

SPOOL = 1 << 20
Rle = dict[str, Any]
Box = tuple[float, float, float, float]
# bbox, area, segmentation, keypoints, num_keypoints
Geometry = tuple[Box, float, Any, list[float] | None, int | None]


class Annotation(msgspec.Struct, omit_defaults=True, gc=False):
    """One object of one image, as COCO writes it; `object_id`, `attributes`, `score` are common extensions."""

    id: int
    image_id: int
    category_id: int
    bbox: Box | None = None
    area: float | None = None
    segmentation: list[list[float]] | Rle | None = None
    iscrowd: int | None = None
    keypoints: list[float] | None = None
    num_keypoints: int | None = None
    score: float | None = None
    track_id: int | None = None
    object_id: int | None = None
    attributes: Attributes | None = None


class Image(msgspec.Struct, omit_defaults=True):
    """One picture. `uid` is ours: it finds the item again."""

    id: int
    file_name: str
    width: int = 0
    height: int = 0
    attributes: Attributes | None = None
    uid: str = ""


class Category(msgspec.Struct, omit_defaults=True):
    """One class. `skeleton`: pairs of keypoint numbers from 1."""

    id: int
    name: str
    supercategory: str | None = None
    keypoints: list[str] | None = None
    skeleton: list[list[int]] | None = None


class _Owner(msgspec.Struct):
    image_id: int
    category_id: int = -1


class _File(msgspec.Struct):
    images: list[Image]
    categories: list[Category]
    annotations: list[msgspec.Raw] = msgspec.field(default_factory=list)


_encode = msgspec.json.Encoder().encode
_owner = msgspec.json.Decoder(_Owner).decode
_annotation = msgspec.json.Decoder(Annotation).decode
_file = msgspec.json.Decoder(_File).decode


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
    yield b'{"info":{"description":"Exported by Labelwright"},"licenses":[],"categories":' + _encode(listed)
    yield b',\n"annotations":['
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as images:
        waiting: list[bytes] = []
        for number, sample in enumerate(samples, 1):
            waiting += [_encode(a) for a in _annotations(sample, number, report, categories)]
            if len(waiting) >= 200:
                yield _lines(waiting, first=report.objects == len(waiting))
                waiting = []
            image = Image(
                number, sample.name, sample.width, sample.height, sample.document.attributes or None, sample.uid
            )
            images.write(_lines([_encode(image)], first=number == 1))
            report.images = number
        if waiting:
            yield _lines(waiting, first=report.objects == len(waiting))
        yield b'\n],\n"images":['
        images.seek(0)
        while chunk := images.read(SPOOL // 4):
            yield chunk
    yield b"\n]}\n"


def _lines(values: list[bytes], *, first: bool) -> bytes:
    return (b"\n" if first else b",\n") + b",\n".join(values)


def _category(number: int, found: SampleClass) -> dict[str, Any]:
    category: dict[str, Any] = {"id": number, "name": found.name, "supercategory": ""}
    if found.skeleton:
        category["keypoints"] = [p["name"] for p in found.skeleton["points"]]
        category["skeleton"] = [[a + 1, b + 1] for a, b in found.skeleton.get("edges", [])]
    return category


def _annotations(sample: Sample, image_id: int, report: Report, categories: dict[str, int]) -> Iterator[Annotation]:
    for item in sample.document.objects:
        shape = item.shape
        category = categories.get(item.class_name)
        found = _geometry(shape, sample.width, sample.height) if shape is not None and category is not None else None
        if found is None or category is None:
            report.left_out[shape_kind(shape) if shape is not None else "track"] += 1
            continue
        report.objects += 1
        box, area, segmentation, keypoints, seen = found
        yield Annotation(
            report.objects, image_id, category, box, area, segmentation, 0, keypoints, seen, item.score, item.group,
            item.id, item.attributes or None,
        )  # fmt: skip


def _geometry(shape: Shape, width: int, height: int) -> Geometry | None:
    """The geometric fields of an annotation; None for a kind that COCO has no place for."""
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = pixels.box_to_pixels(shape.box, width, height)
        w, h = rounded(x2 - x1), rounded(y2 - y1)
        return (x1, y1, w, h), rounded(w * h), [], None, None
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
    return parse(file.read())


def parse(body: bytes, at: str = "", *, grouped: bool = False) -> Dataset:
    """The bytes of a COCO file. `at`: its path, for errors; `grouped`: an unused category that stands over the others is no class."""
    lead = f"{at}: " if at else ""
    try:
        found = _file(body)
    except msgspec.DecodeError as error:
        raise Invalid(f"{lead}This is not a COCO file: {error}", field=at or "file") from None
    names: dict[int, Category] = {c.id: c for c in found.categories}
    by_image: dict[int, list[msgspec.Raw]] = defaultdict(list)
    known, used = {image.id for image in found.images}, set()
    for place, raw in enumerate(found.annotations):
        try:
            owner = _owner(raw)
        except msgspec.DecodeError as error:
            raise Invalid(f"{lead}annotations[{place}] is not valid: {error}", field=f"annotations[{place}]") from None
        if owner.image_id not in known:
            raise Invalid(
                f"{lead}annotations[{place}] is of image {owner.image_id}, which is not listed.",
                field=f"annotations[{place}]",
            )
        by_image[owner.image_id].append(raw)
        used.add(owner.category_id)
    listed = [c for c in found.categories if not (grouped and _groups(c, used, len(names)))]
    classes = [SampleClass(c.name, _skeleton(c)) for c in listed]
    return Dataset(classes, (_sample(image, by_image.pop(image.id, []), names) for image in found.images))


def _groups(category: Category, used: set[int], count: int) -> bool:
    return category.id not in used and category.supercategory == "none" and count > 1


def _skeleton(category: Category) -> dict[str, Any] | None:
    if not category.keypoints:
        return None
    # COCO says nothing about where the points of a template are: they are spread evenly down the middle.
    count = len(category.keypoints)
    points = [{"name": n, "x": 0.5, "y": (i + 0.5) / count} for i, n in enumerate(category.keypoints)]
    edges = [[e[0] - 1, e[1] - 1] for e in category.skeleton or [] if len(e) == 2 and all(0 < n <= count for n in e)]
    return {"points": points, "edges": edges}


def _sample(image: Image, raws: list[msgspec.Raw], names: dict[int, Category]) -> Sample:
    if image.width < 1 or image.height < 1:
        raise Invalid(f"Image {image.file_name!r} has no width and height.", field=f"images[id={image.id}]")
    objects: list[LabelObject] = []
    for raw in raws:
        try:
            annotation = _annotation(raw)
            category = names[annotation.category_id]
            if annotation.bbox is not None and not annotation.segmentation and not annotation.keypoints:
                shape = _rectangle(annotation.bbox, image.width, image.height)
                objects.append(_object(len(objects) + 1, category.name, shape, annotation, annotation.track_id))
                continue
            shapes = _shapes(annotation, image.width, image.height)
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise Invalid(f"An annotation of {image.file_name!r} is not valid: {error}", field="annotations") from None
        except KeyError as error:
            raise Invalid(
                f"An annotation of {image.file_name!r} lacks, or names an unknown, {error}.", field="annotations"
            ) from None
        group = annotation.track_id if len(shapes) == 1 else annotation.id
        for shape in shapes:
            objects.append(_object(len(objects) + 1, category.name, shape, annotation, group))
    return Sample(image.file_name, image.width, image.height, Document(objects, image.attributes or {}), image.uid)


def _object(number: int, class_name: str, shape: Shape, annotation: Annotation, group: int | None) -> LabelObject:
    extra = {"iscrowd": annotation.iscrowd} if annotation.iscrowd else None
    return LabelObject(number, class_name, shape, attributes=annotation.attributes or {}, source="import",
                       score=annotation.score, group=group, extra=extra)  # fmt: skip


def _shapes(annotation: Annotation, width: int, height: int) -> list[Shape]:
    """The shapes of an annotation: of its segmentation or box, and of its keypoints when any is there."""
    shapes: list[Shape] = []
    area = _area_shape(annotation, width, height)
    keypoints = annotation.keypoints
    if keypoints and len(keypoints) % 3:
        raise ValueError("keypoints are x, y and visibility of each point")
    if keypoints and (any(keypoints[2::3]) or area is None):
        if area is not None and annotation.segmentation:
            shapes.append(area)
        flat = [v for i in range(0, len(keypoints), 3) for v in keypoints[i : i + 2]]
        visibility = [int(v) if v in (0, 1, 2) else 2 for v in keypoints[2::3]]
        return [*shapes, Skeleton(_cut(flat, width, height), visibility)]
    if area is None:
        raise ValueError("it has neither a segmentation, a box nor keypoints")
    return [area]


def _area_shape(annotation: Annotation, width: int, height: int) -> Shape | None:
    given = annotation.segmentation
    if isinstance(given, dict):
        return masks.from_rle(given)
    parts = [[_cut(ring, width, height)] for ring in given or [] if len(ring) >= 6 and len(ring) % 2 == 0]
    if parts:
        return Polygon(parts)
    if annotation.bbox is None:
        return None
    return _rectangle(annotation.bbox, width, height)


def _rectangle(box: Box, width: int, height: int) -> Rectangle:
    """A box from its corner and size in pixels. Spelled out: it is most of what reading a large file does."""
    x, y, w, h = box
    x1, y1 = x / width, y / height
    x2 = ((x + w) * MILLION + 0.5) // 1.0 / MILLION / width if w > 0 else x1
    y2 = ((y + h) * MILLION + 0.5) // 1.0 / MILLION / height if h > 0 else y1
    if x1 < 0.0 or y1 < 0.0 or x2 > 1.0 or y2 > 1.0:
        x1, y1, x2, y2 = (min(max(v, 0.0), 1.0) for v in (x1, y1, x2, y2))
    return Rectangle((x1, y1, x2, y2))


def _cut(points: list[float], width: int, height: int) -> list[float]:
    return [min(max(v, 0.0), 1.0) for v in pixels.points_to_fractions(points, width, height)]


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
