"""Help while drawing, for people: the picture behind an item's frame, and how much one person may ask at once.

What is kept here (decoded pictures and tiles, wires under the pointer) is only kept to be quick: any process can make it
anew."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from labelwright.assist import cutout, outline, superpixels, tracking
from labelwright.assist.moving import thinned
from labelwright.assist.opencv import available
from labelwright.assist.window import Picture, Pixels, Whole, size_of
from labelwright.errors import Conflict, Invalid, NotFound, TooMany
from labelwright.geometry.document import Mask, Shape
from labelwright.media import frames, probe, thumbs, tiled
from labelwright.models.items import Item, Media
from labelwright.services import items, media, renditions
from labelwright.storage import Store, content_key

TOOLS = ("outline", "cutout", "superpixels", "track")
# Of pictures of more pixels that are not in tiles a smaller copy is looked at.
MOST_PIXELS = 40_000_000
KEPT_BYTES = 256_000_000
KEPT_WIRES = 32
KEPT_INDEXES = 32
AT_ONCE = 2
IN_ALL = 4
PATIENCE = 20.0
TRACK_SECONDS = 8.0
MOST_FRAMES = 100
MOST_OBJECTS = 50

Value = TypeVar("Value")


@dataclass(frozen=True)
class Source:
    """Where a frame's pixels lie. `number`: the frame of a video file, None for a picture. `tiled`: its tiles are there.
    `size`: (width, height) upright."""

    key: str
    mime: str
    number: int | None = None
    sha256: bytes = b""
    tiled: bool = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Track:
    """Where an object went: shapes by frame, as few as give the others by interpolation, the first one included.

    `lost`: the frame in which it could no longer be found, None when it was found in all."""

    shapes: dict[int, Shape]
    lost: int | None


def tools() -> list[str]:
    """What this server can help with; nothing when OpenCV is not installed."""
    return list(TOOLS) if available() else []


def source(session: Session, item: Item, frame: int) -> Source:
    """Where the pixels of an item's frame lie; an image has only frame 0. Raises `NotFound` and `Conflict`."""
    return sources(session, item, [frame])[0]


def sources(session: Session, item: Item, wanted: Sequence[int]) -> list[Source]:
    """`source` for several frames of one item."""
    files = items.media_of(session, item.id)
    main = next((found for row, found in files if row.role == "main"), None)
    sequence = {row.position: found for row, found in files if row.role == "frame"}
    count = max(sequence, default=-1) + 1 if sequence else (main.frames or 1) if main else 1
    found: list[Source] = []
    for frame in wanted:
        if not 0 <= frame < count:
            raise NotFound(f"This item has {count} frames, numbered from 0; there is no frame {frame}.")
        file = sequence.get(frame) if sequence else main
        if file is None:
            raise Conflict("The picture is not here yet.", code="no_picture")
        found.append(_source(file, frame))
    return found


def _source(file: Media, frame: int) -> Source:
    size = (file.width, file.height) if file.width and file.height else None
    if file.frames is not None:
        return Source(content_key(file.sha256), file.mime, frame, file.sha256, size=size)
    info = file.info or {}
    view = (media.view_key(file.sha256), "image/webp") if info.get("view") else (content_key(file.sha256), file.mime)
    return Source(*view, None, file.sha256, bool(info.get("tiles")), size)


class Kept(Generic[Value]):
    """The most recently used values, up to a total weight; several threads may ask."""

    def __init__(self, room: int, weigh: Callable[[Value], int]) -> None:
        self._room, self._weigh = room, weigh
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value kept under `key`, else a new one. Who asks for what is just being made waits for it."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            try:
                return self.all([key], lambda _: [make()])[0]
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def all(self, keys: Sequence[Hashable], make: Callable[[Sequence[Any]], Sequence[Value]]) -> list[Value]:
        """The values of these keys; those that are not kept are made in one go."""
        with self._lock:
            found = {key: self._values[key] for key in keys if key in self._values}
            for key in found:
                self._values.move_to_end(key)
        missing = [key for key in keys if key not in found]
        if missing:
            made = dict(zip(missing, make(missing), strict=True))
            found |= made
            with self._lock:
                self._keep(made)
        return [found[key] for key in keys]

    def _keep(self, made: Mapping[Hashable, Value]) -> None:
        for key, value in made.items():
            old = self._values.pop(key, None)
            self._weight += self._weigh(value) - (self._weigh(old) if old is not None else 0)
            self._values[key] = value
        while len(self._values) > 1 and self._weight > self._room:
            self._weight -= self._weigh(self._values.popitem(last=False)[1])


class Turns:
    """Who computes now: so many at once for a person, and so many in all. The others wait a little, then are refused."""

    def __init__(self, each: int = AT_ONCE, all_: int = IN_ALL, patience: float = PATIENCE) -> None:
        self._each, self._patience = each, patience
        self._busy: dict[int, int] = {}
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(all_)

    @contextmanager
    def take(self, user_id: int) -> Iterator[None]:
        """Compute inside the block. Raises `TooMany` when the person or the server is busy enough."""
        with self._lock:
            if self._busy.get(user_id, 0) >= self._each:
                raise TooMany("Your last questions are still being worked on.", retry_after=1)
            self._busy[user_id] = self._busy.get(user_id, 0) + 1
        try:
            if not self._room.acquire(timeout=self._patience):
                raise TooMany("The server is busy helping others; try again in a moment.", retry_after=2)
            try:
                yield
            finally:
                self._room.release()
        finally:
            with self._lock:
                self._busy[user_id] -= 1
                if not self._busy[user_id]:
                    del self._busy[user_id]


class Helper:
    """The methods of `assist` on stored pictures. One for a process; call it outside of transactions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pictures: Kept[Pixels] = Kept(KEPT_BYTES, lambda pixels: pixels.nbytes)
        self._indexes: Kept[tiled.Index] = Kept(KEPT_INDEXES, lambda _: 1)
        self._wires: Kept[outline.Wire] = Kept(KEPT_WIRES, lambda _: 1)
        self.turns = Turns()

    def picture(self, where: Source) -> Picture:
        """A frame's picture, upright; of one in tiles only the parts that are looked at are read."""
        if not where.tiled:
            return Whole(self.pixels(where), where.size)
        key = renditions.index_key(where.sha256)
        index = self._indexes.get(key, lambda: tiled.decode_index(self._store.get(key)))
        return tiled.Tiled(index, partial(self._tiles, where.sha256, index))

    def copy(self, where: Source, side: int) -> tuple[Pixels, tuple[int, int]]:
        """A frame's pixels at least as large as a copy of `side` pixels a side, and the frame's size (width, height)."""
        if not where.tiled:
            pixels = self.pixels(where)
            return pixels, where.size or size_of(pixels)
        picture = self.picture(where)
        width, height = picture.size
        share = min(1.0, side / max(width, height))
        work = (max(1, round(width * share)), max(1, round(height * share)))
        return picture.part(0, 0, width, height, work), picture.size

    def _tiles(self, sha256: bytes, index: tiled.Index, wanted: Sequence[tiled.Tile]) -> list[Pixels]:
        """Tiles that lie side by side; what is not kept is read in one piece."""

        def read(missing: Sequence[tuple[bytes, tiled.Tile]]) -> list[Pixels]:
            ranges = [index.range_of(tile) for _, tile in missing]
            start = ranges[0][0]
            body = b"".join(self._store.stream(renditions.pack_key(sha256), start, ranges[-1][1]))
            return [tiled.decode_tile(body[a - start : b - start]) for a, b in ranges]

        return self._pictures.all([(sha256, tile) for tile in wanted], read)

    def pixels(self, where: Source) -> Pixels:
        """A frame's pixels, (height, width, 3), upright; at most `MOST_PIXELS`."""
        return self._pictures.get(where, lambda: _array(self._decoded(where)))

    def _decoded(self, where: Source) -> Image.Image:
        if where.number is not None:
            with self._store.open(where.key) as file:
                return frames.frame(file, where.mime, self._index(where), where.number)
        with self._store.as_file(where.key) as path:
            with probe.open_picture(path) as opened:
                count = opened.width * opened.height
            with renditions.one_at_a_time_if_large(count):
                return thumbs.pixels(path)

    def _index(self, where: Source) -> frames.FrameIndex:
        return frames.decode_index(self._store.get(media.frames_key(where.sha256)))

    def outline(self, where: Source, start: Sequence[float], end: Sequence[float], *, snap: bool = True) -> list[float]:
        """The way from `start` to `end` along edges; see `assist.outline.path`."""
        picture = self.picture(where)
        reach = outline.reach_for(picture.size, start, end)
        wire = self._wires.get((where, *start, reach), lambda: outline.wire(picture, start, reach))
        return outline.path(wire, end, snap=snap)

    def cut_out(
        self, where: Source, box: Sequence[float], keep: Sequence[float] = (), drop: Sequence[float] = ()
    ) -> Mask:
        """The thing in a box; see `assist.cutout.cut_out`. Raises `Invalid` when nothing stands out."""
        found = cutout.cut_out(self.picture(where), box, keep, drop)
        if found is None:
            raise Invalid("Nothing stands out in this box; draw it a little larger than the thing.", field="box")
        return found

    def superpixels(self, where: Source, part: Sequence[float], size: int) -> superpixels.Superpixels:
        """A part of the picture in small areas; see `assist.superpixels`."""
        return superpixels.superpixels(self.picture(where), part, size)

    def track(self, wanted: Sequence[Source], first: int, shapes: Mapping[int, Shape]) -> tuple[int, dict[int, Track]]:
        """Follow shapes (by object id) from the frame `first` through `wanted`, the sources of it and those after it.

        Gives the last frame that was looked at (it stops after some seconds, and may be asked to go on from there) and
        each object's track."""
        began = time.monotonic()
        pictures = self._stream(wanted)
        before = tracking.Frame(next(pictures))
        followers = {number: tracking.follower(shape, before) for number, shape in shapes.items()}
        found = {number: {first: shape} for number, shape in shapes.items()}
        lost: dict[int, int] = {}
        reached = first
        for frame, pixels in enumerate(pictures, first + 1):
            now = tracking.Frame(pixels)
            for number in followers.keys() - lost.keys():
                shape = followers[number].step(now)
                if shape is None:
                    lost[number] = frame
                else:
                    found[number][frame] = shape
            reached = frame
            if len(lost) == len(followers) or time.monotonic() - began > TRACK_SECONDS:
                break
        return reached, {n: Track(thinned(found[n], before.size), lost.get(n)) for n in shapes}

    def _stream(self, wanted: Sequence[Source]) -> Iterator[Pixels]:
        """The pixels of each frame, one after another; a video file is decoded in one go."""
        if wanted[0].number is None:
            yield from (self.pixels(where) for where in wanted)
            return
        with self._store.open(wanted[0].key) as file:
            span = frames.span(file, wanted[0].mime, self._index(wanted[0]), wanted[0].number, len(wanted))
            yield from map(_array, span)


def _array(image: Image.Image) -> Any:
    """RGB pixels of a picture, made smaller where it is larger than `MOST_PIXELS`."""
    size = _worked_on(image.width, image.height)
    if size != image.size:
        image = image.resize(size, reducing_gap=2.0)
    return np.asarray(image.convert("RGB"))


def _worked_on(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture is worked on: its own, or less where it has more than `MOST_PIXELS`."""
    share = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    return max(1, int(width * share)), max(1, int(height * share))
