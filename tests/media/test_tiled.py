"""Parts of very large pictures read from their tiles: they are as the picture's own, and only the tiles needed are read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support import pictures

from labelwright.media import tiled, tiles

WIDTH, HEIGHT = 1501, 803


@pytest.fixture(scope="module")
def pixels() -> Any:
    """Smooth, and different everywhere: a part that lies elsewhere than it should looks different."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = 127 + 60 * np.sin(x / 12) + 60 * np.cos(y / 9)
    return np.stack([waves, x * 255 / WIDTH, y * 255 / HEIGHT], axis=-1).astype(np.uint8)


class Pack:
    """A picture cut into tiles; counts those that are read."""

    def __init__(self, pixels: Any, folder: Path) -> None:
        path, pack = folder / "picture", io.BytesIO()
        path.write_bytes(pictures.encoded(pixels))
        self.index = tiled.decode_index(tiles.cut(path, pack))
        self.body, self.read = pack.getvalue(), 0

    def row(self, wanted: Sequence[tiled.Tile]) -> list[Any]:
        self.read += len(wanted)
        return [tiled.decode_tile(self.body[slice(*self.index.range_of(tile))]) for tile in wanted]


@pytest.fixture(scope="module")
def pack(pixels: Any, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return Pack(pixels, tmp_path_factory.mktemp("tiled"))


@pytest.mark.parametrize(
    ("box", "work", "most", "band"),
    [
        ((0.0, 0.0, 1.0, 1.0), 1.0, 6, tiled.BAND),
        ((0.0, 0.0, 1.0, 1.0), 1.0, 12, 500_000),
        ((0.0, 0.0, 1.0, 1.0), 0.3, 2, tiled.BAND),
        ((0.0, 0.0, 1.0, 1.0), 0.3, 20, 50_000),
        ((0.4, 0.35, 0.47, 0.5), 1.0, 4, tiled.BAND),
        ((0.39, 0.2, 0.81, 0.97), 0.4, 2, tiled.BAND),
        ((0.93, 0.9, 1.0, 1.0), 0.6, 1, tiled.BAND),
        ((0.5, 0.5, 0.5005, 0.5005), 1.0, 1, tiled.BAND),
    ],
)
def test_a_part_is_as_the_picture_has_it(
    pixels: Any, pack: Pack, monkeypatch: pytest.MonkeyPatch, box: tuple[float, ...], work: float, most: int,
    band: int,
) -> None:  # fmt: skip
    left, top, right, bottom = (round(v * n) for v, n in zip(box, (WIDTH, HEIGHT) * 2, strict=True))
    width, height = max(1, right - left), max(1, bottom - top)
    cells = (max(1, round(width * work)), max(1, round(height * work)))
    pack.read = 0
    monkeypatch.setattr(tiled, "BAND", band)
    found = tiled.Tiled(pack.index, pack.row).part(left, top, width, height, cells)
    assert found.shape == (cells[1], cells[0], 3)
    assert 0 < pack.read <= most
    place = (left, top, left + width, top + height)

    def off(x: float, y: float) -> float:
        """How much it differs from what lies so many of its pixels aside, where the picture goes on there."""
        dx, dy = x * (place[2] - place[0]) / cells[0], y * (place[3] - place[1]) / cells[1]
        there = (place[0] + dx, place[1] + dy, place[2] + dx, place[3] + dy)
        clipped = (max(0.0, there[0]), max(0.0, there[1]), min(WIDTH, there[2]), min(HEIGHT, there[3]))
        wanted = np.asarray(Image.fromarray(pixels).resize(cells, Image.Resampling.HAMMING, box=clipped))
        return float(np.abs(found.astype(int) - wanted).mean())

    assert off(0, 0) < 4
    if min(cells) > 4:
        assert off(0, 0) < min(off(-0.5, 0), off(0.5, 0), off(0, -0.5), off(0, 0.5))
