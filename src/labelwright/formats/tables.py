"""Datasets as CSV: TensorFlow's object detection table, RetinaNet's, and one column a class for classification."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from labelwright.errors import Invalid
from labelwright.formats import archive
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.formats.sample import labels_of as attribute_labels
from labelwright.formats.spool import Splits
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle, shape_kind

TENSORFLOW = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
ANNOTATIONS, CLASSES = "_annotations.csv", "_classes.csv"


def line(values: Sequence[object]) -> bytes:
    """One line of a CSV file, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with one table a split: a row an object."""
    report, known = Report(), {c.name for c in classes}
    with archive.Writer(file) as out, Splits(ANNOTATIONS, head=line(TENSORFLOW)) as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            splits.add(folder, b"".join(line(row) for row in _rows(sample, name, report, known)))
            out.picture(f"{folder}/{name}", sample)
        splits.close_into(out)
    return report


def _rows(sample: Sample, name: str, report: Report, known: set[str]) -> Iterator[tuple[object, ...]]:
    archive.need_size(sample)
    report.images += 1
    for item in sample.document.objects:
        if item.class_name not in known or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            report.left_out[shape_kind(item.shape) if item.shape is not None else "track"] += 1
            continue
        report.objects += 1
        box = pixels.box_to_pixels(measures.bounds(item.shape), sample.width, sample.height)
        yield (name, sample.width, sample.height, item.class_name, *(format(v, ".10g") for v in box))


def read(file: Source) -> Dataset:
    """Read a zip of tables. Pictures without a row are samples without objects. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = [p for p in tree.names(".csv") if not p.endswith(CLASSES)]
    if not paths:
        raise Invalid(f"The archive has no {ANNOTATIONS}.", field=ANNOTATIONS)
    names = sorted({str(row["class"]) for p in paths for _, row in rows(tree.text(p), p)})
    return Dataset([SampleClass(n) for n in names], _samples(tree, paths))


def rows(text: str, path: str = "file") -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a table of `TENSORFLOW`'s columns with their numbers. Raises `Invalid` naming the line."""
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    if missing := set(TENSORFLOW) - set(reader.fieldnames or ()):
        raise Invalid(f"{path} has no column {min(missing)!r}.", field=path)
    for row in reader:
        if None in row or None in row.values():
            raise Invalid(
                f"{path} line {reader.line_num} has not as many values as there are columns.",
                field=f"{path}:{reader.line_num}",
            )
        yield reader.line_num, row


def _samples(tree: archive.Tree, paths: list[str]) -> Iterator[Sample]:
    for path in paths:
        folder = path.rpartition("/")[0]
        found: dict[str, Sample] = {}
        for number, row in rows(tree.text(path), path):
            add_row(found, row, f"{path}:{number}")
        for picture in archive.pictures(tree):
            name = picture.removeprefix(f"{folder}/") if folder else picture
            if "/" not in name:
                sample = found.setdefault(name, Sample(name, *tree.size_of(picture), Document()))
                sample.picture = tree.opener(picture)
        for sample in found.values():
            sample.split = archive.split_of(path)
            yield sample


def add_row(found: dict[str, Sample], row: dict[str, str], at: str = "") -> None:
    """Add the object of one row to the sample that it names. Raises `Invalid`."""
    try:
        width, height = int(row["width"]), int(row["height"])
        box = [float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax")]
        if width < 1 or height < 1:
            raise ValueError("width and height must be 1 or more")
    except ValueError as error:
        raise Invalid(f"{at}: {error}", field=at) from None
    sample = found.setdefault(row["filename"], Sample(row["filename"], width, height, Document()))
    x1, y1, x2, y2 = (min(max(v, 0.0), 1.0) for v in pixels.box_to_fractions(box, width, height))
    shape = Rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    sample.document.objects.append(LabelObject(len(sample.document.objects) + 1, row["class"], shape, source="import"))


def write_classes(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with a table a split: a row a picture, a column a class, 1 where the picture has it."""
    report, names = Report(), [c.name for c in classes]
    with archive.Writer(file) as out, Splits(CLASSES, head=line(["filename", *names])) as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            mine = labels_of(sample)
            splits.add(folder, line([name, *(int(n in mine) for n in names)]))
            out.picture(f"{folder}/{name}", sample)
            report.images += 1
            report.objects += len(mine & set(names))
        splits.close_into(out)
    return report


def labels_of(sample: Sample) -> set[str]:
    """The classes that a picture has: of its objects, and of its item attribute `labels`."""
    return {o.class_name for o in sample.document.objects} | set(attribute_labels(sample.document.attributes))


def read_classes(file: Source) -> Dataset:
    """Read a zip of such tables; a picture's classes become its item attribute `labels`. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = tree.names(CLASSES)
    if not paths:
        raise Invalid(f"The archive has no {CLASSES}.", field=CLASSES)
    names: dict[str, None] = {}
    for path in paths:
        names.update(dict.fromkeys(_columns(tree.text(path), path)[1:]))
    return Dataset([SampleClass(n) for n in names], _tagged(tree, paths))


def _columns(text: str, path: str) -> list[str]:
    first = next(csv.reader(io.StringIO(text), skipinitialspace=True), [])
    if not first or first[0] != "filename" or len(set(first)) != len(first):
        raise Invalid(f"{path} needs a first line `filename` and the classes, each once.", field=path)
    return first


def _tagged(tree: archive.Tree, paths: list[str]) -> Iterator[Sample]:
    for path in paths:
        text, folder = tree.text(path), path.rpartition("/")[0]
        names = _columns(text, path)[1:]
        reader = csv.reader(io.StringIO(text), skipinitialspace=True)
        next(reader)
        for row in reader:
            if len(row) != len(names) + 1 or set(row[1:]) - {"0", "1"}:
                raise Invalid(
                    f"{path} line {reader.line_num}: write 0 or 1 for each class.", field=f"{path}:{reader.line_num}"
                )
            picture = f"{folder}/{row[0]}" if folder else row[0]
            here = picture in tree
            width, height = tree.size_of(picture) if here else (0, 0)
            mine = [n for n, value in zip(names, row[1:], strict=True) if value == "1"]
            document = Document(attributes={"labels": mine} if mine else {})
            yield Sample(
                row[0],
                width,
                height,
                document,
                split=archive.split_of(path),
                picture=tree.opener(picture) if here else None,
            )


FORMAT = Format(
    "TensorFlow object detection CSV", ".zip", "application/zip",
    "Straight boxes only: outlines and turned boxes become the boxes around them, other shapes are left out; attributes,"
    " scores and numbers of objects are not kept. Pictures without objects are kept only where the picture itself is there.",
    write, read,
)  # fmt: skip
CLASSIFICATION = Format(
    "Multi-label classification CSV", ".zip", "application/zip",
    "Which classes a picture has, and nothing of where; they come back as the item attribute `labels`.",
    write_classes, read_classes, (),
)  # fmt: skip
