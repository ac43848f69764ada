"""YOLO v4 (PyTorch) and YOLO Keras: `_annotations.txt`, a line a picture, and `_classes.txt` to name the classes.

a.jpg 10,20,110,220,0 5,5,50,60,2      (xmin,ymin,xmax,ymax,class; whole pixels)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.formats.spool import Splits
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle

ANNOTATIONS, CLASSES = "_annotations.txt", "_classes.txt"
_BOX = re.compile(r" (-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?){4})$")


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with one text a split, and the pictures that come along."""
    report, numbers = Report(), {c.name: i for i, c in enumerate(classes)}
    folders = {"train"}
    with archive.Writer(file) as out, Splits(ANNOTATIONS) as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            folders.add(folder)
            name = out.name(folder, sample.name)
            splits.add(folder, f"{' '.join([name, *_boxes(sample, numbers, report)])}\n".encode())
            out.picture(f"{folder}/{name}", sample)
        splits.close_into(out)
        for folder in sorted(folders):
            out.add(f"{folder}/{CLASSES}", "".join(f"{c.name}\n" for c in classes))
    return report


def _boxes(sample: Sample, numbers: dict[str, int], report: Report) -> Iterator[str]:
    archive.need_size(sample)
    report.images += 1
    for item in sample.document.objects:
        number = numbers.get(item.class_name)
        if number is None or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            plane.leave_out(report, item)
            continue
        report.objects += 1
        box = pixels.box_to_pixels(measures.bounds(item.shape), sample.width, sample.height)
        yield ",".join(str(round(v)) for v in box) + f",{number}"


def read(file: Source) -> Dataset:
    """Read a zip or folder with the pictures: their sizes are needed to make fractions of pixels. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = tree.names(ANNOTATIONS)
    if not paths:
        raise Invalid(f"The dataset has no {ANNOTATIONS}.", field=ANNOTATIONS)
    listed = tree.names(CLASSES)
    if not listed:
        raise Invalid(f"The dataset has no {CLASSES} to name its classes.", field=CLASSES)
    names = [line.strip() for line in tree.text(listed[0]).splitlines() if line.strip()]
    return Dataset([SampleClass(n) for n in names], _samples(tree, paths, names))


def _samples(tree: archive.Tree, paths: list[str], names: list[str]) -> Iterator[Sample]:
    for path in paths:
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if line.strip():
                yield _sample(tree, path, number, line.strip(), names)


def _sample(tree: archive.Tree, path: str, number: int, line: str, names: list[str]) -> Sample:
    rows: list[list[float]] = []
    while found := _BOX.search(line):  # from the end: a file name may hold spaces
        rows.append([float(v) for v in found[1].split(",")])
        line = line[: found.start()].rstrip()
    picture = tree.find(line, path.rpartition("/")[0])
    if picture is None:
        raise Invalid(f"{path} line {number} names {line!r}, which is not there.", field=f"{path}:{number}")
    width, height = tree.size_of(picture)
    objects = []
    for *box, kind in reversed(rows):
        if not 0 <= kind < len(names):
            raise Invalid(
                f"{path} line {number}: class {kind:g} is not one of the {len(names)} named.", field=f"{path}:{number}"
            )
        shape = plane.rectangle(box, width, height)
        objects.append(LabelObject(len(objects) + 1, names[int(kind)], shape, source="import"))
    return Sample(line, width, height, Document(objects), split=archive.split_of(path), picture=tree.opener(picture))


FORMAT = Format(
    "YOLO v4 (PyTorch), YOLO Keras", ".zip", "application/zip",
    "Straight boxes on whole pixels only: outlines and turned boxes become the boxes around them, other shapes are left out;"
    " attributes, scores and numbers of objects are not kept. Reading needs the pictures.",
    write, read, pictures=True,
)  # fmt: skip
