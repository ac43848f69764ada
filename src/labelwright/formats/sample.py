"""What formats read and write: pictures with their labels, one at a time, and what a format is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from labelwright.geometry.document import Document


@dataclass(frozen=True, slots=True)
class SampleClass:
    """A class of a dataset. `skeleton`: `{"points": [{"name", ...}], "edges": [[0, 1], ...]}` or None."""

    name: str
    skeleton: dict[str, Any] | None = None


@dataclass(slots=True)
class Sample:
    """A picture and its labels. `name`: file name, with folders where it has any; `width`, `height` in pixels, 0 unknown.

    `uid`: what finds the item again. Objects have one shape each: a video is given frame by frame, and the `group` of an
    object there is its number in the video, by which it is followed from frame to frame."""

    name: str
    width: int
    height: int
    document: Document
    uid: str = ""
    split: str = ""
    picture: Callable[[], bytes] | None = None


@dataclass
class Report:
    """What a writer did. `left_out`: objects by shape kind that the format has no place for."""

    images: int = 0
    objects: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass
class Dataset:
    """What a reader found: its classes, and its samples one after the other."""

    classes: list[SampleClass]
    samples: Iterator[Sample]


@dataclass(frozen=True)
class Format:
    """A dataset format. `loses`: in one sentence, what of a document it has no place for.

    `write(samples, file, classes)` streams to a binary file; `read(file)` takes a seekable one and raises `Invalid`."""

    title: str
    suffix: str
    mime: str
    loses: str
    write: Callable[[Iterable[Sample], IO[bytes], Sequence[SampleClass]], Report]
    read: Callable[[IO[bytes]], Dataset]
