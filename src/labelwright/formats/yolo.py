"""The YOLO family: one text file a picture, one object a line, fractions of the picture; `data.yaml` names the classes.

    train/images/a.jpg   train/labels/a.txt   valid/...   test/...   data.yaml

A box is `class cx cy w h`, an outline `class x1 y1 x2 y2 ...`, an oriented box (`yolo-obb`) `class` and four corners.
Darknet keeps the text beside the picture and the names in `_darknet.labels`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any

import msgspec
import yaml

from labelwright.errors import Invalid
from labelwright.formats import archive
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.geometry import measures
from labelwright.geometry.document import (
    Document,
    LabelObject,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
    shape_kind,
)

LABELS = "_darknet.labels"
_encode = msgspec.json.Encoder().encode


Row = tuple[float, ...]


def row(number: int, shape: Shape, *, oriented: bool) -> Row | None:
    """The numbers of a line for a shape of class `number`; None for a kind that YOLO has no place for."""
    if isinstance(shape, OrientedRectangle):
        return _points(number, shape.points) if oriented else _box(number, measures.bounds(shape))
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = shape.box
        return _points(number, [x1, y1, x2, y1, x2, y2, x1, y2]) if oriented else _box(number, shape.box)
    if isinstance(shape, Polygon) and len(shape.parts) == 1 and len(shape.parts[0]) == 1 and not oriented:
        return _points(number, shape.parts[0][0])
    return None


def _box(number: int, box: Sequence[float]) -> Row:
    """Ten decimals, rounded by arithmetic: it is most of what writing does."""
    x1, y1, x2, y2 = box
    return (
        number, ((x1 + x2) * 5e9 + 0.5) // 1.0 / 1e10, ((y1 + y2) * 5e9 + 0.5) // 1.0 / 1e10,
        ((x2 - x1) * 1e10 + 0.5) // 1.0 / 1e10, ((y2 - y1) * 1e10 + 0.5) // 1.0 / 1e10,
    )  # fmt: skip


def _points(number: int, points: Sequence[float]) -> Row:
    return (number, *[(v * 1e10 + 0.5) // 1.0 / 1e10 for v in points])


def rows(sample: Sample, numbers: dict[str, int], report: Report, *, oriented: bool = False) -> bytes:
    """The text file of one sample; what has no place is counted in the report."""
    found: list[Row] = []
    for item in sample.document.objects:
        number, shape = numbers.get(item.class_name), item.shape
        if number is not None and shape is not None:
            line = (
                _box(number, shape.box)
                if type(shape) is Rectangle and not oriented
                else row(number, shape, oriented=oriented)
            )
            if line is not None:
                found.append(line)
                continue
        report.left_out[shape_kind(shape) if shape is not None else "track"] += 1
    report.images += 1
    report.objects += len(found)
    # `[[0,0.5,...],[...]]` has the numbers in their shortest form, made several times as fast as by formatting each.
    return _encode(found)[2:-2].replace(b"],[", b"\n").replace(b",", b" ") + b"\n" if found else b""


def write(
    samples: Iterable[Sample],
    file: IO[bytes],
    classes: Sequence[SampleClass],
    about: Mapping[str, Any] | None = None,
    *,
    oriented: bool = False,
) -> Report:
    """Write a zip of the layout above. Pictures that come with their samples go in beside the labels. `about`: more for `data.yaml`."""
    report, numbers = Report(), {c.name: i for i, c in enumerate(classes)}
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/labels/{archive.stem(name)}.txt", rows(sample, numbers, report, oriented=oriented))
            out.picture(f"{folder}/images/{name}", sample)
        out.add("data.yaml", data_yaml([c.name for c in classes], **(about or {})))
    return report


def data_yaml(names: list[str], **more: Any) -> str:
    """The text of `data.yaml`. Paths start with `../`, as YOLO's trainers and Roboflow's client expect."""
    paths = {split: f"../{split}/images" for split in ("train", "valid", "test")}
    body = {"train": paths["train"], "val": paths["valid"], "test": paths["test"], "nc": len(names), "names": names}
    return yaml.safe_dump({**body, **more}, sort_keys=False, allow_unicode=True)


def write_darknet(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write Darknet's layout: text beside the picture, names in each split's `_darknet.labels`."""
    report, numbers, folders = Report(), {c.name: i for i, c in enumerate(classes)}, {"train"}
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            folders.add(folder)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/{archive.stem(name)}.txt", rows(sample, numbers, report))
            out.picture(f"{folder}/{name}", sample)
        for folder in sorted(folders):
            out.add(f"{folder}/{LABELS}", "".join(f"{c.name}\n" for c in classes))
    return report


def read(file: Source, *, oriented: bool = False) -> Dataset:
    """Read a zip of either layout. A text without a picture gives a sample of unknown size. Raises `Invalid`."""
    tree = archive.Tree(file)
    names = _names(tree)
    return Dataset([SampleClass(n) for n in names], _samples(tree, names, oriented))


def _names(tree: archive.Tree) -> list[str]:
    for path in tree.names(("data.yaml", "data.yml", "dataset.yaml")):
        return names_of(tree.text(path), path)
    for path in tree.names((LABELS, "classes.txt", "obj.names")):
        return [line.strip() for line in tree.text(path).splitlines() if line.strip()]
    raise Invalid(
        "The archive has no data.yaml, classes.txt or _darknet.labels to name its classes.", field="data.yaml"
    )


def names_of(text: str, path: str = "data.yaml") -> list[str]:
    """Class names of a `data.yaml`, given as a list or by number. Raises `Invalid`."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid(f"{path} is not YAML: {error}", field=path) from None
    names = body.get("names") if isinstance(body, dict) else None
    if isinstance(names, dict) and all(isinstance(k, int) for k in names) and sorted(names) == list(range(len(names))):
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(n, str | int) for n in names):
        raise Invalid(f"{path} has no list `names`.", field=path)
    return [str(n) for n in names]


def _samples(tree: archive.Tree, names: list[str], oriented: bool) -> Iterator[Sample]:
    texts = {p[:-4]: p for p in tree.names(".txt") if not p.endswith(("classes.txt", ".names.txt"))}
    seen = set()
    for picture in archive.pictures(tree):
        base = archive.stem(picture).replace("/images/", "/labels/", 1)
        base = base if base in texts else archive.stem(picture)
        seen.add(base)
        document = parse(tree.text(texts[base]), names, texts[base], oriented=oriented) if base in texts else Document()
        width, height = tree.size_of(picture)
        yield Sample(
            _short(picture), width, height, document, split=archive.split_of(picture), picture=tree.opener(picture)
        )
    for base, path in texts.items():
        if base not in seen and (tree_labels(path) or archive.split_of(path)):
            yield Sample(
                _short(base), 0, 0, parse(tree.text(path), names, path, oriented=oriented), split=archive.split_of(path)
            )


def tree_labels(path: str) -> bool:
    """Whether a text lies in a folder of labels."""
    return "labels" in path.split("/")[:-1]


def _short(path: str) -> str:
    parts = path.split("/")
    while len(parts) > 1 and parts[0].lower() in {*archive.SPLIT_FOLDERS, "images", "labels"}:
        parts.pop(0)
    return "/".join(parts)


def parse(text: str, names: Sequence[str], path: str = "file", *, oriented: bool = False) -> Document:
    """The objects of one text file. Raises `Invalid` naming the line."""
    objects: list[LabelObject] = []
    for place, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words:
            try:
                name, shape = _parse(words, names, oriented)
            except ValueError as error:
                raise Invalid(f"{path} line {place}: {error}", field=f"{path}:{place}") from None
            objects.append(LabelObject(len(objects) + 1, name, shape, None, {}, "import"))
    return Document(objects)


def _parse(words: list[str], names: Sequence[str], oriented: bool) -> tuple[str, Shape]:
    number = int(words[0])
    if not 0 <= number < len(names):
        raise ValueError(f"class {number} is not one of the {len(names)} named")
    values = list(map(float, words[1:]))
    if not all([-0.01 <= v <= 1.01 for v in values]):  # noqa: C419 (a list is twice as fast here as a generator)
        raise ValueError("coordinates are fractions from 0 to 1")
    if len(values) in (4, 5):  # a fifth is a model's confidence
        cx, cy, w, h = values[:4]
        x1, y1, x2, y2 = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
        if x1 < 0.0 or y1 < 0.0 or x2 > 1.0 or y2 > 1.0:
            x1, y1, x2, y2 = _cut4(x1, y1, x2, y2)
        return names[number], Rectangle((x1, y1, x2, y2))
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"{len(values)} numbers are neither a box nor an outline")
    points = [min(max(v, 0.0), 1.0) for v in values]
    if oriented and len(points) == 8:
        return names[number], OrientedRectangle(points)
    return names[number], Polygon([[points]])


def _cut4(*box: float) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (min(max(v, 0.0), 1.0) for v in box)
    return (x1, y1, x2, y2)


LOSES = (
    "Boxes and single outlines only: polygons with holes or several parts, lines, points, skeletons, cuboids and masks are left"
    " out, turned boxes become straight ones; attributes, scores and numbers of objects are not kept."
)
FORMAT = Format(
    "YOLO (v5 to 26, MT-YOLOv6)",
    ".zip",
    "application/zip",
    LOSES,
    write,
    read,
    ("rectangle", "polygon"),
    write_about=write,
)
ORIENTED = Format(
    "YOLO oriented boxes", ".zip", "application/zip",
    "Boxes only, straight or turned; straight ones come back as turned ones of angle 0. Attributes and scores are not kept.",
    partial(write, oriented=True), partial(read, oriented=True), ("oriented_rectangle",),
    write_about=partial(write, oriented=True),
)  # fmt: skip
DARKNET = Format("YOLO Darknet", ".zip", "application/zip", LOSES, write_darknet, read, ("rectangle", "polygon"))
