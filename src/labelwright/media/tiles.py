"""Very large pictures cut into tiles: the whole picture and halves of it, each in squares, packed into one file.

Pixels come in strips from top to bottom, so that besides the decoder's own memory only a strip of each level is held."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from PIL import Image

from labelwright.media import thumbs

SIDE = 512
SMALLEST = 1024
QUALITY = 88


@dataclass
class Level:
    """One size of the picture. `tiles`: where each lies in the pack, (offset, length) by rows."""

    width: int
    height: int
    tiles: list[tuple[int, int]] = field(default_factory=list)
    waiting: list[Image.Image] = field(default_factory=list)
    rows: int = 0


def cut(path: Path, pack: IO[bytes]) -> bytes:
    """Write all tiles of a picture (as displayed) to `pack`, as JPEG; the index, as JSON. Raises `Invalid`.

    `{"width", "height", "side", "levels": [{"width", "height", "tiles": [offset, length, offset, ...]}, ...]}`: level 0 is
    the picture itself, each further one half as large, the last at most 1024 pixels a side; tiles by rows."""
    picture = thumbs.pixels(path)
    return from_strips(picture.width, picture.height, _strips(picture), pack)


def from_strips(width: int, height: int, strips: Iterator[Image.Image], pack: IO[bytes]) -> bytes:
    """`cut` for pixels that come as strips of 512 rows (the last may be lower), from top to bottom."""
    levels = [Level(width, height)]
    while max(levels[-1].width, levels[-1].height) > SMALLEST:
        levels.append(Level((levels[-1].width + 1) // 2, (levels[-1].height + 1) // 2))
    for strip in strips:
        _take(levels, 0, strip, pack)
    known = [{"width": lv.width, "height": lv.height, "tiles": [n for tile in lv.tiles for n in tile]} for lv in levels]
    return json.dumps({"width": width, "height": height, "side": SIDE, "levels": known}).encode()


def _strips(picture: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, picture.height, SIDE):
        yield picture.crop((0, top, picture.width, min(top + SIDE, picture.height)))


def _take(levels: list[Level], number: int, strip: Image.Image, pack: IO[bytes]) -> None:
    """The next rows of a level: cut once they make up a row of tiles, and handed on at half the size."""
    level = levels[number]
    level.waiting.append(strip)
    level.rows += strip.height
    whole = sum(part.height for part in level.waiting)
    if whole < SIDE and level.rows < level.height:
        return
    rows = _joined(level.waiting)
    level.waiting = []
    for left in range(0, rows.width, SIDE):
        tile = rows.crop((left, 0, min(left + SIDE, rows.width), rows.height))
        out = io.BytesIO()
        tile.save(out, "JPEG", quality=QUALITY)
        level.tiles.append((pack.tell(), out.tell()))
        pack.write(out.getvalue())
    if number + 1 < len(levels):
        _take(levels, number + 1, rows.reduce(2), pack)


def _joined(parts: list[Image.Image]) -> Image.Image:
    if len(parts) == 1:
        return parts[0]
    whole = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole
