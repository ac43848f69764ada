"""Pictures in a folder for each class (classification), and the same with captions for CLIP.

    train/cat/a.jpg   train/dog/b.jpg   train/c.jpg (no class)   valid/...   train/_tokenization.txt (CLIP)

A `/`, `\\` or `%` in a class name is written as `%2F`, `%5C`, `%25`, so that each class is one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import IO

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source, labels_of
from labelwright.geometry.document import Document

CAPTIONS = "_tokenization.txt"
_ESCAPES = {"%": "%25", "/": "%2F", "\\": "%5C"}


def write(
    samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass], *, captions: bool = False
) -> Report:
    """Write a zip with the pictures. Raises `Invalid` for a sample whose picture did not come along."""
    report, splits = Report(), {"train"}
    with archive.Writer(file) as out:
        for sample in samples:
            if sample.picture is None:
                raise Invalid(
                    f"{sample.name}: this format is made of pictures, and this one is not here.", field="picture"
                )
            splits.add(archive.folder_of(sample))
            label = _label(sample, report)
            folder = f"{archive.folder_of(sample)}/{folder_name(label)}" if label else archive.folder_of(sample)
            out.picture(f"{folder}/{out.name(folder, sample.name.replace('/', '_'))}", sample)
            report.images += 1
        if captions:
            lines = "".join(f"a picture of {c.name}\n" for c in sorted(classes, key=lambda c: c.name))
            for split in sorted(splits):
                out.add(f"{split}/{CAPTIONS}", lines)
        out.note_empty(report)
    return report


def _label(sample: Sample, report: Report) -> str:
    """The class of a picture: the first of its labels, else the only class of its objects. The rest is counted."""
    labels = labels_of(sample.document.attributes)
    if not labels:
        labels = list(dict.fromkeys(o.class_name for o in sample.document.objects))
        if len(labels) > 1:
            plane.count_left_out(report, sample)
            return ""
    report.objects += bool(labels)
    report.left_out["label"] += len(labels[1:])
    report.left_out += type(report.left_out)()  # takes out zeros
    return labels[0] if labels else ""


def folder_name(label: str) -> str:
    """A class name as the name of one folder."""
    name = re.sub(r"[%/\\]", lambda found: _ESCAPES[found[0]], label)
    return name.replace(".", "%2E") if not name.strip(".") else name


def class_name(folder: str) -> str:
    """A folder's name as a class name."""
    return re.sub(r"%(25|2F|5C|2E)", lambda found: chr(int(found[1], 16)), folder)


def read(file: Source) -> Dataset:
    """Read pictures by folder; a picture's class becomes its item attribute `labels`. Raises `Invalid`."""
    tree = archive.Tree(file)
    places = [(path, *_place(path)) for path in archive.pictures(tree)]
    if not places and archive.EMPTY not in tree:
        raise Invalid("The dataset holds no pictures.", field="file")
    names = sorted({name for _, name, _ in places if name})
    return Dataset([SampleClass(n) for n in names], _samples(tree, places))


def _place(path: str) -> tuple[str, str]:
    """Class and split of a picture by its folders."""
    folders = path.split("/")[:-1]
    at = next((i for i, part in enumerate(folders) if part.lower() in archive.SPLIT_FOLDERS), -1)
    split = archive.SPLIT_FOLDERS[folders[at].lower()] if at >= 0 else ""
    return class_name(folders[-1]) if len(folders) - 1 > at else "", split


def _samples(tree: archive.Tree, places: list[tuple[str, str, str]]) -> Iterator[Sample]:
    for path, name, split in places:
        document = Document(attributes={"labels": [name]} if name else {})
        yield Sample(path.rpartition("/")[2], *tree.size_of(path), document, split=split, picture=tree.opener(path))


FORMAT = Format(
    "Folders by class", ".zip", "application/zip",
    "One class a picture: the first of its labels, else the only class of its objects; it comes back as the item attribute"
    " `labels`. Nothing of where things are; folders of pictures become part of their names. Needs the pictures.",
    write, read, (), pictures=True,
)  # fmt: skip
CLIP = Format(
    "CLIP: folders by class with captions", ".zip", "application/zip", FORMAT.loses,
    partial(write, captions=True), read, (), pictures=True,
)  # fmt: skip
