"""Annotation files as clients send them: which format a text is, and its labels as a document.

The content decides the format; the name is asked only where the content is nothing but a class name."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import coco, createml, tables, voc, yolo
from labelwright.formats.sample import Sample
from labelwright.geometry.document import Document

# The package marks a picture without objects with one annotation of this id.
NOTHING = 999999999
LABELS = "labels"
TEXTS = ("prefix", "suffix")


@dataclass
class Payload:
    """What an annotation file says of one picture. `labels`: classes of the picture as a whole (classification);
    `texts`: prefix and suffix of a picture and text pair; `skeletons`: by class."""

    document: Document
    labels: list[str] | None = None
    texts: dict[str, str] = field(default_factory=dict)
    skeletons: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """The picture the file is for: its name and its size in pixels, 0 when not known yet."""

    name: str
    width: int
    height: int


def labels_of(document: Document) -> list[str]:
    """Classes of a picture as a whole, as kept in its item attribute."""
    value = document.attributes.get(LABELS)
    if isinstance(value, str):
        return [value] if value else []
    return [str(v) for v in value] if isinstance(value, list) else []


def read(text: str, name: str, labelmap: Mapping[str, str] | None, picture: Picture, *, whole: bool) -> Payload:
    """The labels of `picture` in an annotation file. `whole`: the project is a classification.

    Raises `Invalid` naming the line or field that is wrong."""
    stripped = text.strip().removeprefix("\ufeff")
    if whole:
        return _classes(stripped, name, picture)
    if not stripped:
        return Payload(Document())
    if stripped.startswith("<"):
        return Payload(voc.parse(stripped.encode(), name or "annotation.xml").document)
    if stripped[0] in "{[":
        return _json(stripped, name or "annotation.json", picture)
    first = stripped.splitlines()[0]
    if "," in first and "filename" in first.lower():
        return Payload(_csv(stripped, name or "annotation.csv", picture))
    return Payload(yolo.parse(text, _names(text, labelmap, name), name or "annotation.txt"))


def _classes(text: str, name: str, picture: Picture) -> Payload:
    # A class name in the address loses what follows & or #; the body has it whole.
    text = text or name.strip()
    if text.startswith("[") or text.startswith("{"):
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Invalid(f"The classes are not valid JSON: {error}", field="annotationFile") from None
        if isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value):
            return Payload(Document(), list(dict.fromkeys(v.strip() for v in value)))
        raise Invalid("The classes of a picture are a list of names.", field="annotationFile")
    if text.lower().startswith("filename,"):
        return Payload(Document(), _row_of(text, name, picture))
    if "\n" in text or len(text) > 200:
        raise Invalid("This project's pictures have classes as a whole; send a class name.", field="annotationFile")
    return Payload(Document(), [text] if text else [])


def _row_of(text: str, name: str, picture: Picture) -> list[str]:
    lines = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.strip()]
    names = lines[0][1:]
    rows = [row for row in lines[1:] if len(lines) == 2 or _same(row[0], picture.name)]
    if not rows:
        raise Invalid(f"{name or 'The table'} has no row for {picture.name!r}.", field="annotationFile")
    if len(rows[0]) != len(lines[0]):
        raise Invalid(f"{name or 'The table'} has not as many values as there are columns.", field="annotationFile")
    return [n for n, value in zip(names, rows[0][1:], strict=True) if value == "1"]


def _json(text: str, name: str, picture: Picture) -> Payload:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            return _lines(lines, name, picture)
        raise Invalid(f"{name} is not valid JSON: {error}", field="annotationFile") from None
    if isinstance(value, dict) and "images" in value:
        return _coco(value, name, picture)
    if isinstance(value, dict) and ("prefix" in value or "suffix" in value):
        return _pair(value, name, 1)
    if isinstance(value, list) and all(isinstance(v, dict) and "image" in v for v in value):
        return Payload(_createml(text, name, picture))
    raise Invalid(
        f"{name} is JSON of no known kind: COCO has `images`, CreateML is a list with `image`, pairs have `prefix` and `suffix`.",
        field="annotationFile",
    )


def _lines(lines: list[str], name: str, picture: Picture) -> Payload:
    for number, line in enumerate(lines, 1):
        try:
            value = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise Invalid(f"{name} line {number} is not valid JSON: {error}", field="annotationFile") from None
        if _same(str(value.get("image", picture.name)), picture.name):
            return _pair(value, name, number)
    raise Invalid(f"{name} has no line for {picture.name!r}.", field="annotationFile")


def _pair(value: dict[str, Any], name: str, line: int) -> Payload:
    texts = {key: value.get(key, "") for key in TEXTS}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise Invalid(f"{name} line {line}: {key} must be a text.", field="annotationFile")
    return Payload(Document(), texts=texts)


def _coco(value: dict[str, Any], name: str, picture: Picture) -> Payload:
    images = value["images"] if isinstance(value["images"], list) else []
    mine = [i for i in images if isinstance(i, dict) and _same(str(i.get("file_name", "")), picture.name)]
    if not mine and len(images) == 1 and isinstance(images[0], dict):
        mine = images
    if not mine:
        raise Invalid(f"{name} has no image {picture.name!r}.", field="images")
    image = mine[0]
    if not image.get("width") or not image.get("height"):
        image = {**image, "width": picture.width, "height": picture.height}
    given = value.get("annotations", [])
    if not isinstance(given, list) or not all(isinstance(a, dict) for a in given):
        raise Invalid(f"{name}: annotations must be a list of objects.", field="annotations")
    annotations = [a for a in given if a.get("image_id") == image.get("id") and a.get("id") != NOTHING]
    one = {"images": [image], "categories": value.get("categories", []), "annotations": annotations}
    found = coco.read(io.BytesIO(msgspec.json.encode(one)))
    skeletons = {c.name: c.skeleton for c in found.classes if c.skeleton}
    return Payload(next(iter(found.samples)).document, skeletons=skeletons)


def _createml(text: str, name: str, picture: Picture) -> Document:
    entries = createml.entries(text.encode(), name)
    mine = [e for e in entries if _same(e.image, picture.name)] or (entries if len(entries) == 1 else [])
    if not mine:
        raise Invalid(f"{name} has no image {picture.name!r}.", field="image")
    if not picture.width:
        raise Invalid(f"The size of {picture.name!r} is not known yet; CreateML counts pixels.", field="annotationFile")
    return createml.document(mine[0], picture.width, picture.height)


def _csv(text: str, name: str, picture: Picture) -> Document:
    found: dict[str, Sample] = {}
    for number, row in tables.rows(text, name):
        tables.add_row(found, row, f"{name} line {number}")
    mine = [s for key, s in found.items() if _same(key, picture.name)] or (
        list(found.values()) if len(found) == 1 else []
    )
    if found and not mine:
        raise Invalid(f"{name} has no row for {picture.name!r}.", field="annotationFile")
    return mine[0].document if mine else Document()


def _names(text: str, labelmap: Mapping[str, str] | None, name: str) -> list[str]:
    """Class names by number; without a label map the numbers are the names."""
    if labelmap:
        numbers = {}
        for key, value in labelmap.items():
            if not str(key).isdigit() or int(key) > 100_000:
                raise Invalid(f"labelmap: {key!r} is not a class number.", field="labelmap")
            numbers[int(key)] = str(value)
        return [numbers.get(n, str(n)) for n in range(max(numbers) + 1)]
    found = [line.split()[0] for line in text.splitlines() if line.strip()]
    for number, word in enumerate(found, 1):
        if not word.isdigit() or int(word) > 100_000:
            raise Invalid(
                f"{name or 'The file'} line {number}: it begins with {word[:40]!r} instead of a class number, and is"
                " no other format that is known here.", field="annotationFile",
            )  # fmt: skip
    return [str(n) for n in range(max(map(int, found), default=-1) + 1)]


def _same(one: str, other: str) -> bool:
    return posixpath.basename(one.replace("\\", "/")) == posixpath.basename(other.replace("\\", "/"))
