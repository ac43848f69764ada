"""TFRecord of TensorFlow's object detection: a `tf.Example` a picture, with the picture inside, and a label map.

    train/labelwright.tfrecord   train/labelwright_label_map.pbtxt   valid/...

Both are written and read here, without TensorFlow: a record is its length, the length's checksum, the bytes, their checksum;
an example is a protocol buffer of named lists of bytes, floats or whole numbers."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.crc32c import masked
from labelwright.formats.sample import Dataset, Format, LeftOut, Report, Sample, SampleClass, Source
from labelwright.formats.spool import Splits
from labelwright.geometry import measures
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle

NAME, LABEL_MAP = "labelwright.tfrecord", "labelwright_label_map.pbtxt"
MAX_RECORD = 256 << 20
SIDES = ("xmin", "ymin", "xmax", "ymax")
Features = dict[str, list[Any]]
KNOWN = frozenset({
    "image/encoded", "image/filename", "image/format", "image/height", "image/width", "image/object/class/label",
    "image/object/class/text", "image/source_id", "image/key/sha256", *(f"image/object/bbox/{side}" for side in SIDES),
})  # fmt: skip


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with one file of records a split; pictures go into the records."""
    report, numbers, names = Report(), {c.name: i for i, c in enumerate(classes, 1)}, _Names()
    folders = {"train"}
    with archive.Writer(file) as out, Splits(NAME) as splits:
        for sample in samples:
            folder = archive.folder_of(sample)
            folders.add(folder)
            splits.add(folder, record(example(_features(sample, names.of(folder, sample.name), numbers, report))))
        splits.close_into(out)
        for folder in sorted(folders):
            out.add(f"{folder}/{LABEL_MAP}", label_map(c.name for c in classes))
    return report


class _Names:
    """Names that are used once in a split."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def of(self, folder: str, name: str) -> str:
        candidate, number = name, 1
        while (folder, candidate) in self._taken:
            number += 1
            candidate = f"{archive.stem(name)}_{number}{name[len(archive.stem(name)) :]}"
        self._taken.add((folder, candidate))
        return candidate


def _features(sample: Sample, name: str, numbers: dict[str, int], report: Report) -> Features:
    archive.need_size(sample)
    report.images += 1
    picture = sample.picture() if sample.picture else b""
    found: Features = {f"image/object/bbox/{side}": [] for side in SIDES}
    texts: list[bytes] = []
    labels: list[int] = []
    for item in sample.document.objects:
        if item.class_name not in numbers or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            plane.leave_out(report, item)
            continue
        report.objects += 1
        for side, value in zip(SIDES, measures.bounds(item.shape), strict=True):
            found[f"image/object/bbox/{side}"].append(float(value))
        texts.append(item.class_name.encode())
        labels.append(numbers[item.class_name])
    return {
        "image/encoded": [picture], "image/filename": [name.encode()],
        "image/format": [b"png" if picture.startswith(b"\x89PNG") else b"jpeg"],
        "image/height": [sample.height], "image/width": [sample.width], **found,
        "image/object/class/label": labels, "image/object/class/text": texts,
    }  # fmt: skip


# --- records and protocol buffers ---------------------------------------------------------------------------------------


def record(body: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(body))
    return b"".join((length, struct.pack("<I", masked(length)), body, struct.pack("<I", masked(body))))


def records(file: IO[bytes], path: str = "file") -> Iterator[bytes]:
    """The bodies of the records of a file. Raises `Invalid` for one that is cut off or whose checksum is wrong."""
    number = 0
    while head := file.read(12):
        number += 1
        if len(head) < 12 or struct.unpack("<I", head[8:])[0] != masked(head[:8]):
            raise Invalid(
                f"{path} is not a TFRecord file: record {number} has a wrong length.", field=f"{path}:{number}"
            )
        (length,) = struct.unpack("<Q", head[:8])
        if length > MAX_RECORD:
            raise Invalid(f"{path}: record {number} is larger than {MAX_RECORD >> 20} MB.", field=f"{path}:{number}")
        body, tail = file.read(length), file.read(4)
        if len(body) < length or len(tail) < 4 or struct.unpack("<I", tail)[0] != masked(body):
            raise Invalid(f"{path}: record {number} is cut off or damaged.", field=f"{path}:{number}")
        yield body


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def example(features: Features) -> bytes:
    """A `tf.Example` of lists of bytes, floats or whole numbers; an empty list is one of bytes without values."""
    entries = []
    for name, values in sorted(features.items()):
        if values and isinstance(values[0], float):
            body = _field(2, _field(1, struct.pack(f"<{len(values)}f", *values)))
        elif values and isinstance(values[0], int):
            body = _field(3, _field(1, b"".join(_varint(v) for v in values)))
        else:
            body = _field(1, b"".join(_field(1, v) for v in values))
        entries.append(_field(1, _field(1, name.encode()) + _field(2, body)))
    return _field(1, b"".join(entries))


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _fields(body: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field of a message."""
    at = 0
    while at < len(body):
        key, at = _read_varint(body, at)
        if key & 7 == 0:
            value, at = _read_varint(body, at)
            yield key >> 3, 0, value
            continue
        if key & 7 == 2:
            length, at = _read_varint(body, at)
        elif key & 7 in (1, 5):
            length = 8 if key & 7 == 1 else 4
        else:
            raise ValueError(f"a field of wire type {key & 7}")
        if at + length > len(body):
            raise ValueError("a field is cut off")
        yield key >> 3, key & 7, body[at : at + length]
        at += length


def parse_example(body: bytes) -> Features:
    """The named lists of a `tf.Example`. Raises `ValueError` or `IndexError` for bytes that are none."""
    found: Features = {}
    for number, _, features in _fields(body):
        for _, _, entry in _fields(features) if number == 1 else ():
            name, values = "", []
            for part, _, value in _fields(entry):
                if part == 1:
                    name = value.decode()
                elif part == 2:
                    values = [v for kind, _, items in _fields(value) for v in _values(kind, items)]
            found[name] = values
    return found


def _values(kind: int, body: bytes) -> Iterator[Any]:
    for _, wire, value in _fields(body):
        if kind == 1:
            yield value
        elif kind == 2:
            yield from struct.unpack(f"<{len(value) // 4}f", value)
        elif wire == 0:
            yield value
        else:
            at = 0
            while at < len(value):
                number, at = _read_varint(value, at)
                yield number


# --- label maps ----------------------------------------------------------------------------------------------------------


def label_map(names: Iterable[str]) -> str:
    """The text of a label map: classes numbered from 1."""
    return "".join(f"item {{\n  id: {i}\n  name: {_quoted(name)}\n}}\n\n" for i, name in enumerate(names, 1))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def names_of(text: str) -> dict[int, str]:
    """Class names by number of a label map."""
    found = {}
    for item in re.findall(r'item\s*\{((?:"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[^}"\'])*)\}', text):
        number = re.search(r"\bid\s*:\s*(\d+)", item)
        name = re.search(r"""\bname\s*:\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)')""", item)
        if number and name:
            given = name[1] if name[1] is not None else name[2]
            found[int(number[1])] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], given)
    return found


# --- reading -------------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read all `.tfrecord` files, one record at a time. Raises `Invalid` naming the file and record."""
    tree = archive.Tree(file)
    paths = [path for path in tree.paths if path.endswith((".tfrecord", ".record")) or ".tfrecord-" in path]
    if not paths:
        raise Invalid(f"The dataset has no {NAME}.", field=NAME)
    names: dict[int, str] = {}
    for path in tree.names(".pbtxt"):
        names.update(names_of(tree.text(path)))
    classes, left_out = [SampleClass(names[i]) for i in sorted(names)], LeftOut()
    return Dataset(classes, _samples(tree, paths, names, classes, left_out), left_out)


def _samples(
    tree: archive.Tree, paths: list[str], names: dict[int, str], classes: list[SampleClass], left_out: LeftOut
) -> Iterator[Sample]:
    known = {c.name for c in classes}
    for path in paths:
        with tree.open(path) as file:
            for number, body in enumerate(records(file, path), 1):
                try:
                    features = parse_example(body)
                    sample = _sample(features, names)
                except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
                    raise Invalid(
                        f"{path}: record {number} is no labeled picture: {error}", field=f"{path}:{number}"
                    ) from None
                for name in sorted(set(features) - KNOWN):
                    left_out.add(path, name)
                for item in sample.document.objects:
                    if item.class_name not in known:
                        known.add(item.class_name)
                        classes.append(SampleClass(item.class_name))
                sample.split = archive.split_of(path)
                yield sample


def _sample(features: Features, names: dict[int, str]) -> Sample:
    boxes = zip(*(features.get(f"image/object/bbox/{side}", []) for side in SIDES), strict=True)
    texts = [t.decode() for t in features.get("image/object/class/text", [])]
    if not texts:
        texts = [names.get(n, str(n)) for n in features.get("image/object/class/label", [])]
    objects = []
    for name, box in zip(texts, boxes, strict=True):
        objects.append(LabelObject(len(objects) + 1, name, plane.rectangle(box, 1, 1), source="import"))
    (width,), (height,), picture = features["image/width"], features["image/height"], features["image/encoded"][0]
    name = features["image/filename"][0].decode()
    return Sample(name, width, height, Document(objects), picture=(lambda: picture) if picture else None)


FORMAT = Format(
    "TFRecord", ".zip", "application/zip",
    "Straight boxes in 32-bit fractions only: outlines and turned boxes become the boxes around them, other shapes are left"
    " out; attributes, scores and numbers of objects are not kept.",
    write, read,
)  # fmt: skip
