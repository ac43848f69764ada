"""COCO as a folder a split: `train/_annotations.coco.json` beside the pictures, `valid/...`, `test/...`.

Category 0 stands for the group of all classes, as in Roboflow's exports; nothing is labeled with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import archive, coco, coco_reading
from labelwright.formats.coco_reading import Survey
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.geometry.document import Document

NAME = "_annotations.coco.json"
GROUP = "objects"
# COCO is one JSON file however many pictures there are: 100,000 with 20 boxes each are 300 MB.
MOST = 8 << 30


class _Waiting(msgspec.Struct, array_like=True):
    """A sample on a line of a temporary file, until its split is written."""

    name: str
    width: int
    height: int
    document: Document
    uid: str


_line = msgspec.json.Decoder(_Waiting).decode


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip. Memory: one picture at a time; labels wait in a temporary file a split."""
    report = Report()
    with ExitStack() as stack:
        out = stack.enter_context(archive.Writer(file))
        splits: dict[str, IO[bytes]] = {}
        for sample in samples:
            folder = archive.folder_of(sample)
            if folder not in splits:
                splits[folder] = stack.enter_context(tempfile.TemporaryFile())
            name = out.name(folder, sample.name)
            waiting = _Waiting(name, sample.width, sample.height, sample.document, sample.uid)
            splits[folder].write(msgspec.json.encode(waiting) + b"\n")
            out.picture(f"{folder}/{name}", sample)
        if not splits:  # an empty dataset is one too
            splits["train"] = stack.enter_context(tempfile.TemporaryFile())
        for folder, lines in splits.items():
            lines.seek(0)
            with tempfile.TemporaryFile() as body:
                part = coco.write(_waiting(lines), body, classes, group=GROUP)
                body.seek(0)
                with out.stream(f"{folder}/{NAME}") as target:
                    shutil.copyfileobj(body, target)
            report.images += part.images
            report.objects += part.objects
            report.left_out += part.left_out
    return report


def _waiting(lines: IO[bytes]) -> Iterator[Sample]:
    for line in lines:
        found = _line(line)
        yield Sample(found.name, found.width, found.height, found.document, found.uid)


def read(file: Source) -> Dataset:
    """Read one or more such files, of any name, with or without the pictures. Raises `Invalid`."""
    tree = archive.Tree(file)
    paths = [path for path in tree.names(".json") if path.endswith("coco.json")] or tree.names(".json")
    if not paths:
        raise Invalid(f"The dataset has no {NAME}.", field=NAME)
    surveys: dict[str, Survey] = {}
    classes: dict[str, SampleClass] = {}
    for path in paths:
        with tree.seekable(path, MOST) as body:
            surveys[path] = coco_reading.survey(body, path)
        classes |= {c.name: c for c in surveys[path].classes(grouped=True) if c.name not in classes}
    return Dataset(list(classes.values()), _samples(tree, surveys))


def _samples(tree: archive.Tree, surveys: dict[str, Survey]) -> Iterator[Sample]:
    for path, found in surveys.items():
        folder, split = path.rpartition("/")[0], archive.split_of(path)
        with tree.seekable(path, MOST) as body:
            for sample in found.samples(body):
                sample.split = split
                picture = tree.find(sample.name, folder, f"{folder}/images")
                if picture is not None:
                    sample.picture = tree.opener(picture)
                yield sample


FORMAT = Format("COCO in folders", ".zip", "application/zip", coco.FORMAT.loses, write, read, coco.FORMAT.keeps)
