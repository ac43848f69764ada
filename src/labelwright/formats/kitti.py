"""KITTI's object detection: a text beside each picture's folder, one object a line, 15 words or 16 with a score.

train/image_2/a.png   train/label_2/a.txt   valid/...
Car 0.00 0 -10 587.01 173.33 614.12 200.12 -1 -1 -1 -1000 -1000 -1000 -10     (type truncated occluded alpha x1 y1 x2 y2, in space ...)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, LeftOut, Report, Sample, SampleClass, Source
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle

IMAGES, LABELS = "image_2", "label_2"
SPACE = "-1 -1 -1 -1000 -1000 -1000 -10"
UNKNOWN = {"alpha": -10.0, "height": -1.0, "width": -1.0, "length": -1.0, "x": -1000.0, "y": -1000.0, "z": -1000.0,
           "rotation_y": -10.0}  # fmt: skip


def one_word(classes: Sequence[SampleClass], what: str) -> dict[str, str]:
    """Class names without spaces, by name. Raises `Invalid` when two become the same."""
    words = {c.name: re.sub(r"\s+", "_", c.name) or "_" for c in classes}
    if len(set(words.values())) < len(words):
        twice = sorted(n for n, word in words.items() if list(words.values()).count(word) > 1)
        raise Invalid(
            f"{what} has no spaces in class names, and {twice[0]!r} and {twice[1]!r} would be the same; rename one."
        )
    return words


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip of texts, with the pictures that come along."""
    report, words = Report(), one_word(classes, "KITTI")
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/{LABELS}/{archive.stem(name)}.txt", "".join(_lines(sample, words, report)))
            out.picture(f"{folder}/{IMAGES}/{name}", sample)
        out.note_empty(report)
    return report


def _lines(sample: Sample, words: dict[str, str], report: Report) -> Iterator[str]:
    archive.need_size(sample)
    report.images += 1
    for item in sample.document.objects:
        if item.class_name not in words or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            plane.leave_out(report, item)
            continue
        report.objects += 1
        box = " ".join(
            format(v, ".10g") for v in pixels.box_to_pixels(measures.bounds(item.shape), sample.width, sample.height)
        )
        score = "" if item.score is None else f" {item.score:.10g}"
        cut, hidden = _number(item.attributes.get("truncated")), _number(item.attributes.get("occluded"))
        yield f"{words[item.class_name]} {cut:.10g} {hidden:.10g} -10 {box} {SPACE}{score}\n"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else -1


def read(file: Source) -> Dataset:
    """Read a zip or folder with the pictures: their sizes are needed to make fractions of pixels. Raises `Invalid`."""
    tree = archive.Tree(file)
    texts = [p for p in tree.names(".txt") if re.search(r"(^|/)label(_2|s)?/", p)]
    if not texts and archive.EMPTY not in tree:
        raise Invalid(f"The dataset has no folder {LABELS} of texts.", field=LABELS)
    names = {line.split()[0]: None for path in texts for line in tree.text(path).splitlines() if line.strip()}
    left_out = LeftOut()
    return Dataset([SampleClass(n) for n in sorted(names)], _samples(tree, texts, left_out), left_out)


def _samples(tree: archive.Tree, texts: list[str], left_out: LeftOut) -> Iterator[Sample]:
    by_stem = {archive.stem(p): p for p in archive.pictures(tree)}
    for path in texts:
        base = path[:-4]
        beside = [re.sub(r"(^|/)label(_2|s)?/", rf"\1{folder}/", base) for folder in (IMAGES, "images", "image")]
        picture = next((by_stem[b] for b in beside if b in by_stem), None)
        if picture is None:
            raise Invalid(f"{path} has no picture of its name in {IMAGES}.", field=path)
        width, height = tree.size_of(picture)
        document = Document()
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if line.strip():
                document.objects.append(_object(line.split(), f"{path}:{number}", (width, height), left_out))
                document.objects[-1].id = len(document.objects)
        yield Sample(
            _name(picture), width, height, document, split=archive.split_of(path), picture=tree.opener(picture)
        )


def _name(picture: str) -> str:
    """The picture's name with the folders below the one of pictures."""
    return re.split(r"(?:^|/)(?:image_2|images|image)/", picture, maxsplit=1)[-1]


def _object(words: list[str], at: str, size: tuple[int, int], left_out: LeftOut) -> LabelObject:
    if len(words) not in (15, 16):
        raise Invalid(f"{at}: a line has 15 words, or 16 with a score; this one has {len(words)}.", field=at)
    try:
        cut, hidden, alpha, *numbers = (float(w) for w in words[1:])
    except ValueError as error:
        raise Invalid(f"{at}: {error}", field=at) from None
    space = [alpha, *numbers[4:11]]
    for (name, unknown), value in zip(UNKNOWN.items(), space, strict=True):
        if value != unknown:
            left_out.add(at.rpartition(":")[0], name)
    attributes = {name: value for name, value in (("truncated", cut), ("occluded", hidden)) if value >= 0}
    score = numbers[11] if len(numbers) > 11 else None
    return LabelObject(
        1, words[0], plane.rectangle(numbers[:4], *size), attributes=attributes, source="import", score=score
    )


FORMAT = Format(
    "KITTI object detection", ".zip", "application/zip",
    "Straight boxes only: outlines and turned boxes become the boxes around them, other shapes are left out; spaces in class names"
    " become `_`. Of attributes, the numbers `truncated` and `occluded` are kept. What a file says of places in space is not read."
    " Reading needs the pictures.",
    write, read, pictures=True,
)  # fmt: skip
