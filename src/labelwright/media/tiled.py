"""Very large pictures read from their tiles: any part of one at any size, without decoding the whole."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
# Pixels of a level that are put together at once; larger parts are made band by band.
BAND = 8_000_000
# Rows and columns beside a band that its outermost pixels are mixed from.
EDGE = 4


@dataclass(frozen=True)
class Level:
    """One size of the picture. `tiles`: offset and length of each in the pack, by rows."""

    width: int
    height: int
    tiles: tuple[int, ...]


@dataclass(frozen=True)
class Index:
    """Where the tiles of a picture lie in its pack, see `media.tiles.cut`; level 0 has the picture's own pixels."""

    width: int
    height: int
    side: int
    levels: tuple[Level, ...]

    def columns(self, level: int) -> int:
        """Tiles in a row of a level."""
        return math.ceil(self.levels[level].width / self.side)

    def range_of(self, tile: Tile) -> tuple[int, int]:
        """The tile's first byte in the pack, and the one after its last."""
        tiles, at = self.levels[tile.level].tiles, 2 * (tile.row * self.columns(tile.level) + tile.column)
        return tiles[at], tiles[at] + tiles[at + 1]


@dataclass(frozen=True)
class Tile:
    """A tile by its place."""

    level: int
    row: int
    column: int


def decode_index(body: bytes) -> Index:
    """The index as `media.tiles.cut` wrote it."""
    found = json.loads(body)
    levels = tuple(Level(one["width"], one["height"], tuple(one["tiles"])) for one in found["levels"])
    return Index(found["width"], found["height"], found["side"], levels)


def decode_tile(body: bytes) -> Pixels:
    """A tile's pixels, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


class Tiled:
    """A picture in tiles. `row`: gives the pixels of tiles that lie side by side; `size`: (width, height)."""

    def __init__(self, index: Index, row: Callable[[Sequence[Tile]], Sequence[Pixels]]) -> None:
        self.size = (index.width, index.height)
        self._index, self._row = index, row

    def part(self, left: int, top: int, width: int, height: int, work: tuple[int, int]) -> Pixels:
        """The pixels of a rectangle, made as small as `work` (width, height): (work height, work width, 3)."""
        shrunk = min(width / work[0], height / work[1])
        level = min(len(self._index.levels) - 1, max(0, math.floor(math.log2(shrunk) + 1e-9)))
        # A pixel of a level is the mean of 2 x 2 of the one before, from the upper left on.
        x1, x2, y1, y2 = (v / 2**level for v in (left, left + width, top, top + height))
        rows = max(1, math.floor(BAND / max(1.0, x2 - x1) * work[1] / (y2 - y1)))
        out = np.empty((work[1], work[0], 3), np.uint8)
        for first in range(0, work[1], rows):
            last = min(work[1], first + rows)
            band = (x1, y1 + (y2 - y1) * first / work[1], x2, y1 + (y2 - y1) * last / work[1])
            out[first:last] = self._band(level, band, (work[0], last - first))
        return out

    def _band(self, level: int, box: tuple[float, float, float, float], size: tuple[int, int]) -> Pixels:
        """The box `(x1, y1, x2, y2)` in the level's pixels at `size`."""
        found = self._index.levels[level]
        left, top = max(0, math.floor(box[0]) - EDGE), max(0, math.floor(box[1]) - EDGE)
        right, bottom = min(found.width, math.ceil(box[2]) + EDGE), min(found.height, math.ceil(box[3]) + EDGE)
        region = Image.fromarray(self._region(level, left, top, right, bottom))
        # Rounding may have put the end a millionth of a pixel beyond the last one.
        inside = (box[0] - left, box[1] - top, min(box[2] - left, right - left), min(box[3] - top, bottom - top))
        return np.asarray(region.resize(size, Image.Resampling.HAMMING, box=inside))

    def _region(self, level: int, left: int, top: int, right: int, bottom: int) -> Pixels:
        side = self._index.side
        out = np.empty((bottom - top, right - left, 3), np.uint8)
        for row in range(top // side, math.ceil(bottom / side)):
            tiles = [Tile(level, row, column) for column in range(left // side, math.ceil(right / side))]
            for tile, pixels in zip(tiles, self._row(tiles), strict=True):
                x, y = tile.column * side - left, row * side - top
                height, width = pixels.shape[:2]
                x1, y1, x2, y2 = max(0, x), max(0, y), min(right - left, x + width), min(bottom - top, y + height)
                out[y1:y2, x1:x2] = pixels[y1 - y : y2 - y, x1 - x : x2 - x]
        return out
