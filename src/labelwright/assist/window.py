"""A cut-out of a picture, made smaller where it is large: what every method works on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelwright.assist.opencv import opencv

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]


class Picture(Protocol):
    """A picture of which parts are looked at; it need not be in memory as a whole."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        ...

    def part(self, left: int, top: int, width: int, height: int, work: tuple[int, int]) -> Pixels:
        """The pixels of a rectangle, made as small as `work` (width, height): (work height, work width, 3)."""
        ...


@dataclass(frozen=True)
class Whole:
    """A picture whose pixels (height, width, 3) are all there. `of`: its size, where these are a smaller copy of it."""

    pixels: Pixels
    of: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """See `Picture`."""
        return self.of or size_of(self.pixels)

    def part(self, left: int, top: int, width: int, height: int, work: tuple[int, int]) -> Pixels:
        """See `Picture`. Of a smaller copy a part may be somewhat larger than its pixels are."""
        if self.size != size_of(self.pixels):
            return self._of_copy(left, top, width, height, work)
        part = np.ascontiguousarray(self.pixels[top : top + height, left : left + width])
        if work == (width, height):
            return part
        cv = opencv()
        return cv.resize(part, work, interpolation=cv.INTER_AREA)

    def _of_copy(self, left: int, top: int, width: int, height: int, work: tuple[int, int]) -> Pixels:
        (w, h), (across, down) = size_of(self.pixels), self.size
        box = (
            left * w / across,
            top * h / down,
            min(w, (left + width) * w / across),
            min(h, (top + height) * h / down),
        )
        x, y = math.floor(box[0]), math.floor(box[1])
        part = Image.fromarray(self.pixels[y : math.ceil(box[3]), x : math.ceil(box[2])])
        inside = (box[0] - x, box[1] - y, box[2] - x, box[3] - y)
        return np.asarray(part.resize(work, Image.Resampling.HAMMING, box=inside))


@dataclass(frozen=True)
class Window:
    """`picture`: (width, height) in pixels; `left`, `top`, `width`, `height`: the cut-out in the picture's pixels;
    `work`: (width, height) in pixels that it is worked on, never more than the cut-out has."""

    picture: tuple[int, int]
    left: int
    top: int
    width: int
    height: int
    work: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Work pixels for one pixel of the picture, in x and y."""
        return self.work[0] / self.width, self.work[1] / self.height

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The cut-out `(x1, y1, x2, y2)` in fractions of the picture."""
        w, h = self.picture
        return self.left / w, self.top / h, (self.left + self.width) / w, (self.top + self.height) / h

    def cut(self, picture: Picture) -> Pixels:
        """The cut-out's pixels, (work height, work width, 3)."""
        return picture.part(self.left, self.top, self.width, self.height, self.work)

    def at_most(self, pixels: int) -> Window:
        """The same cut-out, worked on at no more than so many pixels."""
        share = min(1.0, math.sqrt(pixels / (self.width * self.height)))
        return replace(self, work=(max(1, round(self.width * share)), max(1, round(self.height * share))))

    def to_work(self, points: Sequence[float]) -> Points:
        """Flat fractions of the picture as places (n, 2) in work pixels."""
        flat = np.asarray(points, dtype=np.float64).reshape(-1, 2) * self.picture
        return (flat - (self.left, self.top)) * self.scale

    def to_fractions(self, places: Any) -> list[float]:
        """Places (n, 2) in work pixels as flat fractions of the picture, within 0 to 1."""
        there = np.asarray(places, dtype=np.float64).reshape(-1, 2) / self.scale + (self.left, self.top)
        return np.clip(there / self.picture, 0.0, 1.0).ravel().tolist()


def around(picture: tuple[int, int], box: Sequence[float], *, margin: float = 0.0, least: int = 8, most: int) -> Window:
    """The window around a box `[x1, y1, x2, y2]` of fractions: `margin` (a share of the box's sides, at least `least`
    pixels) on each side, within the picture, worked on at no more than `most` pixels in all."""
    w, h = picture
    x1, y1, x2, y2 = box
    across, down = max(least, margin * (x2 - x1) * w), max(least, margin * (y2 - y1) * h)
    left, top = max(0, math.floor(x1 * w - across)), max(0, math.floor(y1 * h - down))
    right, bottom = min(w, math.ceil(x2 * w + across)), min(h, math.ceil(y2 * h + down))
    left, top = min(left, w - 1), min(top, h - 1)
    width, height = max(1, right - left), max(1, bottom - top)
    return Window(picture, left, top, width, height, (width, height)).at_most(most)


def size_of(pixels: Pixels) -> tuple[int, int]:
    """(width, height) of a picture."""
    return pixels.shape[1], pixels.shape[0]
