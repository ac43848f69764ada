"""What formats read and write: pictures and videos with their labels, one at a time, and what a format is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from labelwright.geometry.document import Attributes, Document

Source = IO[bytes] | Path
"""What is read: an open file (a seekable one), or a folder."""


@dataclass(frozen=True, slots=True)
class SampleClass:
    """A class of a dataset. `skeleton`: `{"points": [{"name", ...}], "edges": [[0, 1], ...]}` or None."""

    name: str
    skeleton: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of a video: its file name without folders, its size in pixels (0 unknown), and its file when it came along."""

    name: str
    width: int
    height: int
    picture: Callable[[], bytes] | None = None


@dataclass(slots=True)
class Sample:
    """A picture and its labels. `name`: file name, with folders where it has any; `width`, `height` in pixels, 0 unknown.

    `uid`: what finds the item again; `url`: where the picture is when it did not come along. With `frames` it is a video:
    its objects are tracks. Formats that do not take videos whole are given each frame as a picture: objects have one shape
    each then, and the `group` of an object is its number in the video, by which it is followed from frame to frame."""

    name: str
    width: int
    height: int
    document: Document
    uid: str = ""
    split: str = ""
    picture: Callable[[], bytes] | None = None
    url: str = ""
    frames: Sequence[Frame] = ()


@dataclass
class Report:
    """What a writer did. `left_out`: objects by shape kind that the format has no place for."""

    images: int = 0
    objects: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


class LeftOut:
    """What a reader met and there is no place for: how often, by file and field. Past `MOST` files only the fields."""

    MOST = 200
    REST = "(other files)"

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, file: str, name: str, times: int = 1) -> None:
        """Note a field of a file."""
        if file not in self.counts and len(self.counts) >= self.MOST:
            file = self.REST
        self.counts.setdefault(file, Counter())[name] += times

    def fields(self) -> Counter[str]:
        """How often each field was met in all files."""
        return sum(self.counts.values(), Counter())


@dataclass
class Dataset:
    """What a reader found: its classes, and its samples one after the other. `left_out` grows while they are read.

    A format that does not list its classes beforehand adds them to `classes` as it meets them."""

    classes: list[SampleClass]
    samples: Iterator[Sample]
    left_out: LeftOut = field(default_factory=LeftOut)


Write = Callable[[Iterable[Sample], IO[bytes], Sequence[SampleClass]], Report]
"""`write(samples, file, classes)` streams a dataset to a binary file."""


@dataclass(frozen=True)
class Format:
    """A dataset format. `keeps`: shape kinds that come back as what they were; `loses`: in one sentence, what of a document
    it has no place for. `videos`: takes videos whole; `pictures`: is of no use without the pictures;
    `write_about` takes a mapping more, which says where the dataset is from.

    `read` takes a file or a folder and raises `Invalid` naming the file, line or field at fault."""

    title: str
    suffix: str
    mime: str
    loses: str
    write: Write
    read: Callable[[Source], Dataset]
    keeps: tuple[str, ...] = ("rectangle",)
    videos: bool = False
    pictures: bool = False
    write_about: Callable[[Iterable[Sample], IO[bytes], Sequence[SampleClass], Mapping[str, Any]], Report] | None = None


def labels_of(attributes: Attributes) -> list[str]:
    """Classes of a picture as a whole, as kept in its item attribute `labels`."""
    value = attributes.get("labels")
    if isinstance(value, str):
        return [value] if value else []
    return [str(v) for v in value] if isinstance(value, list) else []
