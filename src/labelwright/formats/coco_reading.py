"""How COCO is read: gone through once to see what it holds, and once more for the pictures, a window at a time.

Memory: 40 bytes a picture. Annotations in the order of their pictures, as most tools write them, are read along with them;
of others the place is kept, 16 bytes each, and each picture's are fetched from there."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import IO, Any

import msgspec
import numpy as np

from labelwright.errors import Invalid
from labelwright.formats import json_windows
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry import masks, pixels
from labelwright.geometry.document import (
    Attributes,
    Document,
    LabelObject,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
)
from labelwright.geometry.pixels import MILLION

Rle = dict[str, Any]
Box = tuple[float, float, float, float]


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


_NOWHERE = -1
_owners = msgspec.json.Decoder(list[_Owner]).decode
_owner = msgspec.json.Decoder(_Owner).decode
_images = msgspec.json.Decoder(list[Image]).decode
_image = msgspec.json.Decoder(Image).decode
_annotations = msgspec.json.Decoder(list[Annotation]).decode
_annotation = msgspec.json.Decoder(Annotation).decode
_categories = msgspec.json.Decoder(list[Category]).decode


class _Fault(msgspec.Struct):
    """An annotation that cannot be read, in its place among the others."""

    image_id: int
    error: str


@dataclass
class Survey:
    """What a COCO file holds and where. `ids`: of the pictures in their order; `runs`: the picture of each row of annotations
    of one picture that stand together; `at`: path of the file, for errors."""

    at: str = ""
    categories: list[Category] = field(default_factory=list)
    ids: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    runs: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    used: set[int] = field(default_factory=set)
    images_at: int = _NOWHERE
    annotations_at: int = _NOWHERE

    @property
    def lead(self) -> str:
        """How errors begin."""
        return f"{self.at}: " if self.at else ""

    def classes(self, *, grouped: bool) -> list[SampleClass]:
        """The classes. `grouped`: an unused category that stands over the others is none."""
        listed = [c for c in self.categories if not (grouped and self._groups(c))]
        return [SampleClass(c.name, _skeleton(c)) for c in listed]

    def _groups(self, category: Category) -> bool:
        return category.id not in self.used and category.supercategory == "none" and len(self.categories) > 1

    def samples(self, file: IO[bytes]) -> Iterator[Sample]:
        """The pictures in their order, from the file that was looked at."""
        names = {c.id: c for c in self.categories}
        place = _places(self.ids, self.runs)
        if len(place) < 2 or bool(np.all(np.diff(place) > 0)):
            found = self._along(file)
        else:
            found = self._gathered(file)
        for image, labels in found:
            yield _sample(image, labels, names)

    def _images(self, file: IO[bytes]) -> Iterator[Image]:
        for _, _, images in self._reader(file, self.images_at).arrays(_images):
            yield from images or ()

    def _reader(self, file: IO[bytes], at: int) -> json_windows.Reader:
        return json_windows.Reader(file, at, f"{self.lead}This is not a COCO file: ")

    def _along(self, file: IO[bytes]) -> Iterator[tuple[Image, list[Annotation | _Fault]]]:
        """Pictures beside annotations in the same order."""
        rows = groupby(self._all(file), attrgetter("image_id"))
        owner, found = next(rows, (None, None))
        for image in self._images(file):
            if image.id != owner or found is None:
                yield image, []
            else:
                yield image, list(found)
                owner, found = next(rows, (None, None))

    def _all(self, file: IO[bytes]) -> Iterator[Annotation | _Fault]:
        if self.annotations_at == _NOWHERE:
            return
        for _, text, found in self._reader(file, self.annotations_at).arrays(_annotations):
            yield from found if found is not None else map(_or_fault, json_windows.raws(text))

    def _gathered(self, file: IO[bytes]) -> Iterator[tuple[Image, list[Annotation | _Fault]]]:
        """Pictures with annotations from anywhere in the file."""
        owners, places, lengths = array("q"), array("q"), array("i")
        for at, text, found in self._reader(file, self.annotations_at).arrays(_owners):
            owners.extend(o.image_id for o in found or ())
            for place, raw in json_windows.elements(at, text):
                places.append(place)
                lengths.append(len(raw))
        of = _places(self.ids, np.frombuffer(owners, np.int64)).astype(np.int32)
        order = np.argsort(of, kind="stable")
        ends = np.searchsorted(of[order], np.arange(len(self.ids)), side="right")
        begin = 0
        for image, end in zip(self._images(file), ends, strict=True):
            raws = []
            for number in order[begin:end]:
                file.seek(places[number])
                raws.append(file.read(lengths[number]))
            begin = end
            try:
                yield image, list(_annotations(b"[" + b",".join(raws) + b"]"))
            except msgspec.DecodeError:
                yield image, [_or_fault(raw) for raw in raws]


def survey(file: IO[bytes], at: str = "") -> Survey:
    """Look through a COCO file. Raises `Invalid`, naming the line or field at fault."""
    start = file.seek(0) if hasattr(file, "seek") else 0
    found = Survey(at)
    reader = found._reader(file, start)
    seen = set()
    for key in reader:
        seen.add(key)
        if key == "images":
            found.images_at = _at_array(reader, key, found.lead)
            found.ids = _ids(reader, found.lead)
        elif key == "annotations":
            found.annotations_at = _at_array(reader, key, found.lead)
            found.runs, found.used = _rows(reader, found.lead)
        elif key == "categories":
            found.categories = _listed(reader.value(), found.lead)
        else:
            reader.skip()
    reader.end()
    for key in ("images", "categories"):
        if key not in seen:
            raise Invalid(f"{found.lead}This is not a COCO file: it has no `{key}`.", field=at or "file")
    if np.any(_places(found.ids, found.runs) < 0):
        _tell_unknown(found, file)
    return found


def _at_array(reader: json_windows.Reader, key: str, lead: str) -> int:
    if reader.peek() != b"[":
        raise Invalid(f"{lead}This is not a COCO file: `{key}` is no list.", field=key)
    return reader.at


def _listed(body: bytes, lead: str) -> list[Category]:
    try:
        return _categories(body)
    except msgspec.DecodeError as error:
        raise Invalid(f"{lead}This is not a COCO file: categories: {error}", field="categories") from None


def _ids(reader: json_windows.Reader, lead: str) -> np.ndarray:
    """Numbers of the pictures."""
    found = array("q")
    for _, text, images in reader.arrays(_images):
        if images is None:
            raise _at_fault("images", len(found), text, _image, lead)
        _extend(found, [image.id for image in images], "images", lead)
    return np.frombuffer(found, np.int64)


def _rows(reader: json_windows.Reader, lead: str) -> tuple[np.ndarray, set[int]]:
    """Numbers of the pictures that annotations are of, those next to each other once; and all classes."""
    runs, used, count = array("q"), set(), 0
    for _, text, owners in reader.arrays(_owners):
        if owners is None:
            raise _at_fault("annotations", count, text, _owner, lead)
        count += len(owners)
        used.update({o.category_id for o in owners})
        ids = [number for number, _ in groupby([o.image_id for o in owners])]
        _extend(runs, ids[1:] if runs and ids and runs[-1] == ids[0] else ids, "annotations", lead)
    return np.frombuffer(runs, np.int64), used


def _extend(found: array[int], numbers: list[int], key: str, lead: str) -> None:
    try:
        found.extend(numbers)
    except OverflowError:
        raise Invalid(f"{lead}{key}: the number of an image is too large.", field=key) from None


def _at_fault(key: str, before: int, text: bytes, decode: Any, lead: str) -> Invalid:
    """The error of the first element that is not valid."""
    for number, raw in enumerate(json_windows.raws(text), before):
        try:
            decode(raw)
        except msgspec.DecodeError as error:
            return Invalid(f"{lead}{key}[{number}] is not valid: {error}", field=f"{key}[{number}]")
    raise AssertionError("the elements are valid one by one, but not together")


def _places(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted number stands in `ids` (the first of several); -1 where it does not. int64, as many as wanted."""
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids, kind="stable")
    at = np.searchsorted(ids[order], wanted)
    place = order[np.minimum(at, len(ids) - 1)]
    return np.where(ids[place] == wanted, place, -1)


def _tell_unknown(found: Survey, file: IO[bytes]) -> None:
    known, number = set(found.ids.tolist()), 0
    for _, _, owners in found._reader(file, found.annotations_at).arrays(_owners):
        for owner in owners or ():
            if owner.image_id not in known:
                raise Invalid(
                    f"{found.lead}annotations[{number}] is of image {owner.image_id}, which is not listed.",
                    field=f"annotations[{number}]",
                )
            number += 1


def _or_fault(raw: bytes | msgspec.Raw) -> Annotation | _Fault:
    try:
        return _annotation(raw)
    except msgspec.DecodeError as error:
        return _Fault(_owner(raw).image_id, str(error))


def _skeleton(category: Category) -> dict[str, Any] | None:
    if not category.keypoints:
        return None
    # COCO says nothing about where the points of a template are: they are spread evenly down the middle.
    count = len(category.keypoints)
    points = [{"name": n, "x": 0.5, "y": (i + 0.5) / count} for i, n in enumerate(category.keypoints)]
    edges = [[e[0] - 1, e[1] - 1] for e in category.skeleton or [] if len(e) == 2 and all(0 < n <= count for n in e)]
    return {"points": points, "edges": edges}


def _sample(image: Image, labels: list[Annotation | _Fault], names: dict[int, Category]) -> Sample:
    width, height = image.width, image.height
    if width < 1 or height < 1:
        raise Invalid(f"Image {image.file_name!r} has no width and height.", field=f"images[id={image.id}]")
    objects: list[LabelObject] = []
    for annotation in labels:
        try:
            if isinstance(annotation, _Fault):
                raise ValueError(annotation.error)
            name = names[annotation.category_id].name
            if annotation.bbox is not None and not annotation.segmentation and not annotation.keypoints:
                shapes: list[Shape] = [_rectangle(annotation.bbox, width, height)]
            else:
                shapes = _shapes(annotation, width, height)
        except (ValueError, TypeError) as error:
            raise Invalid(f"An annotation of {image.file_name!r} is not valid: {error}", field="annotations") from None
        except KeyError as error:
            raise Invalid(
                f"An annotation of {image.file_name!r} lacks, or names an unknown, {error}.", field="annotations"
            ) from None
        group = annotation.track_id if len(shapes) == 1 else annotation.id
        extra = {"iscrowd": annotation.iscrowd} if annotation.iscrowd else None
        for shape in shapes:
            objects.append(LabelObject(
                len(objects) + 1, name, shape, None, annotation.attributes or {}, "import", annotation.score, False, group, extra
            ))  # fmt: skip
    return Sample(image.file_name, width, height, Document(objects, image.attributes or {}), image.uid)


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
