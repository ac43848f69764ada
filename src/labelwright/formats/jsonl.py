"""JSON lines for language models that see: a line a picture in `dataset/_annotations.<split>.jsonl`, pictures beside it.

    {"image": "a.jpg", "prefix": "...", "suffix": "..."}

`jsonl` holds any pair of texts (a picture's attributes `prefix` and `suffix`), `paligemma` and `florence2-od` boxes in the words
that these models use for places, `openai` the pair as a conversation with the picture inside."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import msgspec
from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, LeftOut, Report, Sample, SampleClass, Source
from labelwright.formats.spool import Splits
from labelwright.geometry import measures
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle

NAME = "dataset/_annotations.{split}.jsonl"
TEXTS = ("prefix", "suffix")
_encode = msgspec.json.Encoder().encode
_PALI = re.compile(r"((?:<loc\d{4}>){4})((?:<seg\d{3}>)*)\s*(.*?)\s*(?:;\s*(?=<loc)|$)", re.DOTALL)
_FLORENCE = re.compile(r"(.*?)((?:<loc_\d{1,3}>){4})", re.DOTALL)


class Line(msgspec.Struct):
    """One picture with a question and its answer."""

    image: str
    prefix: str = ""
    suffix: str = ""


_line = msgspec.json.Decoder(Line).decode


@dataclass(frozen=True)
class Dialect:
    """How boxes stand in a suffix: `say(sample, names, report)` gives prefix and suffix, `hear(line, at, left_out)` a document."""

    say: Callable[[Sample, Sequence[str], Report], tuple[str, str]]
    hear: Callable[[Line, str, LeftOut], Document]
    names: Callable[[Line], list[str]]


def write(dialect: Dialect, samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with the lines of each split, and the pictures that come along."""
    report, names = Report(), [c.name for c in classes]
    with archive.Writer(file) as out, Splits(NAME) as splits:
        for sample in samples:
            name = out.name("dataset", sample.name)
            prefix, suffix = dialect.say(sample, names, report)
            report.images += 1
            splits.add(archive.folder_of(sample), _encode(Line(name, prefix, suffix)) + b"\n")
            out.picture(f"dataset/{name}", sample)
        splits.close_into(out)
    return report


def read(dialect: Dialect, file: Source) -> Dataset:
    """Read the lines of all splits. A picture that is not there gives a sample of unknown size. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = tree.names(".jsonl")
    if not paths:
        raise Invalid("The dataset has no _annotations.<split>.jsonl.", field="_annotations.train.jsonl")
    names: dict[str, None] = {}
    for path in paths:
        for _, line in _lines(tree, path):
            names.update(dict.fromkeys(dialect.names(line)))
    left_out = LeftOut()
    return Dataset([SampleClass(n) for n in names], _samples(dialect, tree, paths, left_out), left_out)


def _lines(tree: archive.Tree, path: str) -> Iterator[tuple[str, Line]]:
    with tree.open(path) as file:
        for number, raw in enumerate(file, 1):
            if raw.strip():
                try:
                    yield f"{path}:{number}", _line(raw)
                except msgspec.DecodeError as error:
                    raise Invalid(f"{path} line {number}: {error}", field=f"{path}:{number}") from None


def split_of(path: str) -> str:
    """The split that a file's name or folders tell."""
    words = path.rpartition("/")[2].split(".")
    return next((archive.SPLIT_FOLDERS[w.lower()] for w in words if w.lower() in archive.SPLIT_FOLDERS), "") or (
        archive.split_of(path)
    )


def _samples(dialect: Dialect, tree: archive.Tree, paths: list[str], left_out: LeftOut) -> Iterator[Sample]:
    for path in paths:
        for at, line in _lines(tree, path):
            picture = tree.find(line.image, path.rpartition("/")[0])
            width, height = tree.size_of(picture) if picture else (0, 0)
            document = dialect.hear(line, at, left_out)
            yield Sample(line.image, width, height, document, split=split_of(path),
                         picture=tree.opener(picture) if picture else None)  # fmt: skip


# --- pairs of texts ----------------------------------------------------------------------------------------------------


def _say_pair(sample: Sample, _names: Sequence[str], report: Report) -> tuple[str, str]:
    plane.count_left_out(report, sample)
    prefix, suffix = (sample.document.attributes.get(key) for key in TEXTS)
    return prefix if isinstance(prefix, str) else "", suffix if isinstance(suffix, str) else ""


def _hear_pair(line: Line, _at: str, _left_out: LeftOut) -> Document:
    return Document(attributes={key: text for key in TEXTS if (text := getattr(line, key))})


PAIRS = Dialect(_say_pair, _hear_pair, lambda _line: [])


# --- boxes in words ----------------------------------------------------------------------------------------------------


def _boxes(sample: Sample, names: Sequence[str], report: Report, bins: int) -> Iterator[tuple[str, list[int]]]:
    """Class and edges `x1, y1, x2, y2` of each box, in steps of the picture's size divided by `bins`."""
    for item in sample.document.objects:
        if item.class_name not in names or not isinstance(item.shape, Rectangle | OrientedRectangle | Polygon):
            plane.leave_out(report, item)
            continue
        report.objects += 1
        yield item.class_name, [min(round(v * bins), bins - 1) for v in measures.bounds(item.shape)]


def _objects(found: Iterable[tuple[str, list[int]]], bins: int) -> Document:
    objects = []
    for name, values in found:
        x1, y1, x2, y2 = (min(v / bins, 1.0) for v in values)
        shape = Rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
        objects.append(LabelObject(len(objects) + 1, name, shape, source="import"))
    return Document(objects)


def _say_pali(sample: Sample, names: Sequence[str], report: Report) -> tuple[str, str]:
    found = [
        f"<loc{y1:04}><loc{x1:04}><loc{y2:04}><loc{x2:04}> {name}"
        for name, (x1, y1, x2, y2) in _boxes(sample, names, report, 1024)
    ]
    return f"detect {' ; '.join(names)}", " ; ".join(found)


def _pali(suffix: str) -> Iterator[tuple[str, list[int], str]]:
    for places, outline, name in _PALI.findall(suffix):
        y1, x1, y2, x2 = (int(v) for v in re.findall(r"\d+", places))
        yield name, [x1, y1, x2, y2], outline


def _hear_pali(line: Line, at: str, left_out: LeftOut) -> Document:
    found = list(_pali(line.suffix))
    if (line.suffix.strip() and not found) or not all(name for name, _, _ in found):
        raise Invalid(f"{at}: suffix is not a list of `<loc0000><loc0000><loc0000><loc0000> class`.", field=at)
    for _ in filter(None, (outline for _, _, outline in found)):
        left_out.add(at.rpartition(":")[0], "suffix.seg")
    return _objects(((name, box) for name, box, _ in found), 1024)


def _names_pali(line: Line) -> list[str]:
    asked = (
        [n.strip() for n in line.prefix.removeprefix("detect").split(" ; ")]
        if line.prefix.startswith("detect ")
        else []
    )
    return [n for n in [*asked, *(name for name, _, _ in _pali(line.suffix))] if n]


def _say_florence(sample: Sample, names: Sequence[str], report: Report) -> tuple[str, str]:
    found = (name + "".join(f"<loc_{v}>" for v in box) for name, box in _boxes(sample, names, report, 1000))
    return "<OD>", "".join(found)


def _florence(suffix: str) -> Iterator[tuple[str, list[int]]]:
    name = ""
    for given, places in _FLORENCE.findall(suffix):
        name = given.strip() or name  # a class may stand once before many boxes
        yield name, [int(v) for v in re.findall(r"\d+", places)]


def _hear_florence(line: Line, at: str, _left_out: LeftOut) -> Document:
    found = list(_florence(line.suffix))
    if (line.suffix.strip() and not found) or not all(name for name, _ in found):
        raise Invalid(f"{at}: suffix is not a list of `class<loc_0><loc_0><loc_0><loc_0>`.", field=at)
    return _objects(found, 1000)


PALIGEMMA = Dialect(_say_pali, _hear_pali, _names_pali)
FLORENCE = Dialect(_say_florence, _hear_florence, lambda line: [name for name, _ in _florence(line.suffix) if name])


# --- conversations -----------------------------------------------------------------------------------------------------


def write_openai(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip of conversations, each with its picture inside. Raises `Invalid` for one that did not come along."""
    report = Report()
    with archive.Writer(file) as out, Splits(NAME) as splits:
        for sample in samples:
            if sample.picture is None:
                raise Invalid(
                    f"{sample.name}: this format is made of pictures, and this one is not here.", field="picture"
                )
            prefix, suffix = _say_pair(sample, [], report)
            report.images += 1
            splits.add(
                archive.folder_of(sample), _encode({"messages": _messages(sample.picture(), prefix, suffix)}) + b"\n"
            )
        splits.close_into(out)
    return report


def _messages(picture: bytes, prefix: str, suffix: str) -> list[dict[str, Any]]:
    with Image.open(io.BytesIO(picture)) as image:
        mime = Image.MIME.get(image.format or "", "image/jpeg")
    url = f"data:{mime};base64,{base64.b64encode(picture).decode()}"
    return [
        {
            "role": "user",
            "content": [{"type": "text", "text": prefix}, {"type": "image_url", "image_url": {"url": url}}],
        },
        {"role": "assistant", "content": suffix},
    ]


def read_openai(file: Source) -> Dataset:
    """Read conversations: the first picture, the user's text before it, the assistant's last answer. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = tree.names(".jsonl")
    if not paths:
        raise Invalid("The dataset has no _annotations.<split>.jsonl.", field="_annotations.train.jsonl")
    left_out = LeftOut()
    return Dataset([], _conversations(tree, paths, left_out), left_out)


def _conversations(tree: archive.Tree, paths: list[str], left_out: LeftOut) -> Iterator[Sample]:
    for path in paths:
        with tree.open(path) as file:
            for number, raw in enumerate(file, 1):
                if raw.strip():
                    try:
                        yield _conversation(msgspec.json.decode(raw), number, path, left_out)
                    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                        raise Invalid(
                            f"{path} line {number} is no conversation: {error}", field=f"{path}:{number}"
                        ) from None


def _conversation(value: dict[str, Any], number: int, path: str, left_out: LeftOut) -> Sample:
    texts, url = {"prefix": "", "suffix": ""}, ""
    for message in value["messages"]:
        content: Any = message["content"]
        parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "image_url" and not url:
                url = part["image_url"]["url"]
            elif part["type"] == "text" and message["role"] in ("user", "assistant"):
                texts["prefix" if message["role"] == "user" else "suffix"] = part["text"]
            else:
                left_out.add(path, f"messages.{message['role']}")
    document = Document(attributes={key: text for key, text in texts.items() if text})
    if not url.startswith("data:"):
        return Sample(url.rpartition("/")[2] or f"{number:06}", 0, 0, document, split=split_of(path), url=url)
    try:
        body = base64.b64decode(url.partition(",")[2], validate=True)
        with Image.open(io.BytesIO(body)) as image:
            size, kind = image.size, (image.format or "jpeg").lower()
    except (binascii.Error, UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise ValueError("the picture inside is broken") from None
    name = f"{split_of(path) or 'picture'}-{number:06}.{'jpg' if kind == 'jpeg' else kind}"
    return Sample(name, *size, document, split=split_of(path), picture=lambda: body)


def _boxes_format(title: str, dialect: Dialect, steps: int) -> Format:
    return Format(
        title, ".zip", "application/zip",
        f"Straight boxes in steps of 1/{steps} of the picture only: outlines and turned boxes become the boxes around them, other"
        " shapes are left out; attributes, scores and numbers of objects are not kept.",
        partial(write, dialect), partial(read, dialect),
    )  # fmt: skip


FORMAT = Format(
    "JSONL pairs of texts", ".zip", "application/zip",
    "A picture's attributes `prefix` and `suffix` only; objects are left out.",
    partial(write, PAIRS), partial(read, PAIRS), (),
)  # fmt: skip
PALI = _boxes_format("PaliGemma JSONL", PALIGEMMA, 1024)
FLORENCE2 = _boxes_format("Florence 2 JSONL", FLORENCE, 1000)
OPENAI = Format(
    "OpenAI JSONL", ".zip", "application/zip",
    "A picture's attributes `prefix` and `suffix` only; objects are left out, and pictures come back with numbers for names.",
    write_openai, read_openai, (), pictures=True,
)  # fmt: skip
