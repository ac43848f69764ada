"""CreateML: one JSON file a split, `_annotations.createml.json`: boxes by their centres, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import archive
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.formats.spool import Splits
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle, shape_kind

NAME = "_annotations.createml.json"
_encode = msgspec.json.Encoder().encode


class Coordinates(msgspec.Struct):
    """A box by its centre, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Annotation(msgspec.Struct):
    """One object."""

    label: str
    coordinates: Coordinates


class Entry(msgspec.Struct):
    """One picture."""

    image: str
    annotations: list[Annotation] = msgspec.field(default_factory=list)


_decode = msgspec.json.Decoder(list[Entry]).decode


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with one JSON file a split, and the pictures that come along."""
    report, known = Report(), {c.name for c in classes}
    with archive.Writer(file) as out, Splits(NAME, b"[", b",\n", b"]\n") as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            splits.add(folder, _encode({"image": name, "annotations": list(_annotations(sample, report, known))}))
            out.picture(f"{folder}/{name}", sample)
        splits.close_into(out)
    return report


def _annotations(sample: Sample, report: Report, known: set[str]) -> Iterator[dict[str, Any]]:
    archive.need_size(sample)
    report.images += 1
    for item in sample.document.objects:
        if item.class_name not in known or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            report.left_out[shape_kind(item.shape) if item.shape is not None else "track"] += 1
            continue
        x1, y1, x2, y2 = pixels.box_to_pixels(measures.bounds(item.shape), sample.width, sample.height)
        report.objects += 1
        box = {
            "x": round((x1 + x2) / 2, 7),
            "y": round((y1 + y2) / 2, 7),
            "width": round(x2 - x1, 6),
            "height": round(y2 - y1, 6),
        }
        yield {"label": item.class_name, "coordinates": box}


def read(file: Source) -> Dataset:
    """Read a zip with pictures: their sizes are needed to make fractions of pixels. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = [p for p in tree.names(".json") if p.endswith(("createml.json", "annotations.json"))]
    if not paths:
        raise Invalid(f"The archive has no {NAME}.", field=NAME)
    names = sorted({a.label for p in paths for e in entries(tree.read(p), p) for a in e.annotations})
    return Dataset([SampleClass(n) for n in names], _samples(tree, paths))


def entries(body: bytes, path: str = "file") -> list[Entry]:
    """The pictures of one JSON file. Raises `Invalid` with the place of the fault."""
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise Invalid(f"{path} is not a CreateML file: {error}", field=path) from None


def _samples(tree: archive.Tree, paths: list[str]) -> Iterator[Sample]:
    for path in paths:
        folder = path.rpartition("/")[0]
        for entry in entries(tree.read(path), path):
            picture = tree.find(entry.image, folder)
            if picture is None:
                raise Invalid(f"{path} names {entry.image!r}, which is not in the archive.", field=path)
            width, height = tree.size_of(picture)
            yield Sample(entry.image, width, height, document(entry, width, height), split=archive.split_of(path),
                         picture=tree.opener(picture))  # fmt: skip


def document(entry: Entry, width: int, height: int) -> Document:
    """The objects of a picture of that size in pixels."""
    objects = []
    for number, found in enumerate(entry.annotations, 1):
        at = found.coordinates
        box = (at.x - at.width / 2, at.y - at.height / 2, at.x + at.width / 2, at.y + at.height / 2)
        x1, y1, x2, y2 = (min(max(v, 0.0), 1.0) for v in pixels.box_to_fractions(box, width, height))
        objects.append(LabelObject(number, found.label, Rectangle((x1, y1, x2, y2)), source="import"))
    return Document(objects)


FORMAT = Format(
    "CreateML", ".zip", "application/zip",
    "Straight boxes only: outlines and turned boxes become the boxes around them, other shapes are left out; attributes,"
    " scores and numbers of objects are not kept. Reading needs the pictures.",
    write, read, pictures=True,
)  # fmt: skip
