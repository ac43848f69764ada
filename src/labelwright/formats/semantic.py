"""Semantic masks: a grey PNG beside each picture whose pixel values are class numbers, and `_classes.csv` to name them.

    train/a.jpg  train/a_mask.png  train/_classes.csv  valid/...

0 is "unlabeled". Where areas overlap, the later object in the document is on top."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid
from labelwright.formats import archive
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.formats.tables import CLASSES, line
from labelwright.geometry import masks
from labelwright.geometry.document import (
    Document,
    LabelObject,
    Mask,
    OrientedRectangle,
    Polygon,
    Rectangle,
    shape_kind,
)

SUFFIX = "_mask.png"
MAX_PIXELS = 250_000_000


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip of masks, one picture in memory at a time. At most 255 classes go into a grey picture."""
    if len(classes) > 255:
        raise Invalid(f"Semantic masks hold at most 255 classes; this dataset has {len(classes)}.", field="classes")
    numbers = {c.name: i for i, c in enumerate(classes, 1)}
    table = line(["Pixel Value", "Class"]) + line([0, "unlabeled"]) + b"".join(line([i, n]) for n, i in numbers.items())
    report, folders = Report(), {"train"}
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            folders.add(folder)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/{archive.stem(name)}{SUFFIX}", _png(sample, numbers, report))
            out.picture(f"{folder}/{name}", sample)
        for folder in sorted(folders):
            out.add(f"{folder}/{CLASSES}", table)
    return report


def _png(sample: Sample, numbers: dict[str, int], report: Report) -> bytes:
    archive.need_size(sample)
    layers = []
    report.images += 1
    for item in sample.document.objects:
        number = numbers.get(item.class_name)
        if number is None or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon | Mask):
            report.left_out[shape_kind(item.shape) if item.shape is not None else "track"] += 1
            continue
        report.objects += 1
        layers.append((masks.rasterize(item.shape, sample.width, sample.height), number))
    raster = masks.compose(layers, sample.width, sample.height).astype(np.uint8)
    body = io.BytesIO()
    Image.fromarray(raster).save(body, "PNG")
    return body.getvalue()


def read(file: Source) -> Dataset:
    """Read a zip of masks: each class of a picture becomes one mask object. Raises `Invalid` for values without a name."""
    tree = archive.Tree(file)
    tables = tree.names(CLASSES)
    if not tables:
        raise Invalid(f"The archive has no {CLASSES} that names the pixel values.", field=CLASSES)
    names: dict[int, str] = {}
    for path in tables:
        names.update(_names(tree.text(path), path))
    return Dataset([SampleClass(names[i]) for i in sorted(names)], _samples(tree, names))


def _names(text: str, path: str) -> dict[int, str]:
    found = {}
    for number, row in enumerate(csv.reader(io.StringIO(text), skipinitialspace=True), 1):
        if number == 1 or not row:
            continue
        if len(row) != 2 or not row[0].strip().isdigit():
            raise Invalid(f"{path} line {number}: write a pixel value and a class.", field=f"{path}:{number}")
        if int(row[0]):
            found[int(row[0])] = row[1].strip()
    return found


def _samples(tree: archive.Tree, names: dict[int, str]) -> Iterator[Sample]:
    pictures = {archive.stem(p): p for p in archive.pictures(tree) if not p.endswith(SUFFIX)}
    for path in tree.names(SUFFIX):
        raster = _raster(tree.read(path), path)
        found = {value: mask for value, mask in masks.decompose(raster).items() if value}
        if unknown := set(found) - set(names):
            raise Invalid(f"{path}: pixel value {min(unknown)} has no class in {CLASSES}.", field=path)
        objects = [LabelObject(i, names[v], found[v], source="import") for i, v in enumerate(sorted(found), 1)]
        picture = pictures.get(path.removesuffix(SUFFIX))
        name = (picture or path.removesuffix(SUFFIX)).rpartition("/")[2]
        height, width = raster.shape
        yield Sample(name, width, height, Document(objects), split=archive.split_of(path),
                     picture=tree.opener(picture) if picture else None)  # fmt: skip


def _raster(body: bytes, path: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.width * image.height > MAX_PIXELS or image.mode not in ("L", "P", "1"):
                raise Invalid(f"{path} must be a grey or palette picture of at most {MAX_PIXELS:,} pixels.", field=path)
            return np.asarray(image if image.mode != "1" else image.convert("L"), dtype=np.int32)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise Invalid(f"{path} is not a picture.", field=path) from None


FORMAT = Format(
    "Semantic masks (PNG)", ".zip", "application/zip",
    "One class a pixel: overlaps are decided for the later object, objects of one class melt together; boxes and outlines become"
    " masks, lines, points, skeletons and cuboids are left out; attributes, scores and numbers of objects are not kept.",
    write, read, ("mask",),
)  # fmt: skip
