"""RetinaNet's CSV: `_annotations.csv` without a header, a row an object, and `_classes.csv` that numbers the classes.

a.jpg,10,20,110,220,cat      (xmin,ymin,xmax,ymax,class)
b.jpg,,,,,                   (a picture without objects)"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from labelwright.errors import Invalid
from labelwright.formats import archive, plane, tables
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.formats.spool import Splits
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle

ANNOTATIONS, CLASSES = "_annotations.csv", "_classes.csv"


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with one table a split, and the pictures that come along."""
    report, known, folders = Report(), {c.name for c in classes}, {"train"}
    with archive.Writer(file) as out, Splits(ANNOTATIONS) as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            folders.add(folder)
            name = out.name(folder, sample.name)
            rows = list(_rows(sample, name, report, known)) or [(name, "", "", "", "", "")]
            splits.add(folder, b"".join(tables.line(row) for row in rows))
            out.picture(f"{folder}/{name}", sample)
        splits.close_into(out)
        for folder in sorted(folders):
            out.add(f"{folder}/{CLASSES}", b"".join(tables.line([c.name, i]) for i, c in enumerate(classes)))
    return report


def _rows(sample: Sample, name: str, report: Report, known: set[str]) -> Iterator[tuple[object, ...]]:
    archive.need_size(sample)
    report.images += 1
    for item in sample.document.objects:
        if item.class_name not in known or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            plane.leave_out(report, item)
            continue
        report.objects += 1
        box = pixels.box_to_pixels(measures.bounds(item.shape), sample.width, sample.height)
        yield (name, *(format(v, ".10g") for v in box), item.class_name)


def read(file: Source) -> Dataset:
    """Read a zip or folder with the pictures: their sizes are needed to make fractions of pixels. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = tree.names(ANNOTATIONS)
    if not paths:
        raise Invalid(f"The dataset has no {ANNOTATIONS}.", field=ANNOTATIONS)
    listed = [row[0] for path in tree.names(CLASSES)[:1] for row in csv.reader(io.StringIO(tree.text(path))) if row]
    met = sorted({row[5] for path in paths for _, row in _lines(tree, path) if row[5]} - set(listed))
    return Dataset([SampleClass(n) for n in [*listed, *met]], _samples(tree, paths))


def _lines(tree: archive.Tree, path: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(tree.text(path)))
    for row in reader:
        if row and (len(row) != 6 or not row[0]):
            raise Invalid(
                f"{path} line {reader.line_num}: write a picture, xmin, ymin, xmax, ymax and a class.",
                field=f"{path}:{reader.line_num}",
            )
        if row:
            yield reader.line_num, row


def _samples(tree: archive.Tree, paths: list[str]) -> Iterator[Sample]:
    for path in paths:
        found: dict[str, Sample] = {}
        for number, (name, *box, label) in _lines(tree, path):
            sample = found.get(name)
            if sample is None:
                picture = tree.find(name, path.rpartition("/")[0])
                if picture is None:
                    raise Invalid(f"{path} line {number} names {name!r}, which is not there.", field=f"{path}:{number}")
                sample = found[name] = Sample(
                    name, *tree.size_of(picture), Document(), split=archive.split_of(path), picture=tree.opener(picture)
                )
            if any(box) or label:
                _add(sample, box, label, f"{path}:{number}")
        yield from found.values()


def _add(sample: Sample, box: list[str], label: str, at: str) -> None:
    try:
        shape = plane.rectangle([float(v) for v in box], sample.width, sample.height)
    except ValueError as error:
        raise Invalid(f"{at}: {error}", field=at) from None
    objects = sample.document.objects
    objects.append(LabelObject(len(objects) + 1, label, shape, source="import"))


FORMAT = Format(
    "RetinaNet CSV", ".zip", "application/zip",
    "Straight boxes only: outlines and turned boxes become the boxes around them, other shapes are left out; attributes,"
    " scores and numbers of objects are not kept. Reading needs the pictures.",
    write, read, pictures=True,
)  # fmt: skip
