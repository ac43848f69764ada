"""Very large pictures cut into tiles: put together again they are the picture, at every size."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support import pictures

from labelwright.media import tiles


def together(index: dict[str, Any], pack: bytes, number: int) -> Image.Image:
    """A level of the pack as one picture."""
    level = index["levels"][number]
    whole = Image.new("RGB", (level["width"], level["height"]))
    columns = -(-level["width"] // index["side"])
    places = list(zip(level["tiles"][::2], level["tiles"][1::2], strict=True))
    assert len(places) == columns * -(-level["height"] // index["side"])
    for n, (offset, length) in enumerate(places):
        tile = Image.open(io.BytesIO(pack[offset : offset + length]))
        whole.paste(tile, (n % columns * index["side"], n // columns * index["side"]))
    return whole


@pytest.mark.parametrize("size", [(2049, 1025), (1500, 40), (513, 2300), (1024, 1024), (30, 20)])
def test_tiles_put_together_are_the_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 / width, y * 255 / height, 128 + 0 * x], axis=-1).astype(np.uint8)
    path = tmp_path / "picture"
    path.write_bytes(pictures.encoded(pixels))
    pack = io.BytesIO()
    index = json.loads(tiles.cut(path, pack))
    assert (index["width"], index["height"], index["side"]) == (width, height, tiles.SIDE)
    assert max(index["levels"][-1]["width"], index["levels"][-1]["height"]) <= tiles.SMALLEST
    for number, level in enumerate(index["levels"]):
        found = np.asarray(together(index, pack.getvalue(), number)).astype(int)
        wanted = np.asarray(Image.fromarray(pixels).resize((level["width"], level["height"]), Image.Resampling.BOX))
        assert np.abs(found - wanted).mean() < 3, number


def test_a_turned_picture_is_cut_as_it_is_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    path.write_bytes(pictures.picture(1300, 700, "JPEG", exif=exif.tobytes()))
    index = json.loads(tiles.cut(path, io.BytesIO()))
    assert (index["width"], index["height"]) == (700, 1300)
