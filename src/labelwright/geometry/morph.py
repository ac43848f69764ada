"""Masks between two keyframes. The editor does the same in `editor/src/geometry/morph.ts`; both are held to the same
fixtures, so every operation here is on whole numbers or in the same order of float64 arithmetic.

The masks' centres of gravity are laid on each other; each mask becomes a field of signed distances to its outline (inside
positive); the fields are mixed, what is above 0 is the mask between, and it is put where the centre has come to. Large
masks are worked on in square cells of several pixels. Masks on different grids, and empty ones, hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from labelwright.geometry import masks
from labelwright.geometry.document import Mask

CELLS = 65_536
Field = NDArray[np.float64]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Pair:
    """Two masks, ready to be mixed. `origin`: the pixel at which the first cell begins; `shift`: how far the centre goes
    in all; `stride`: pixels a cell is wide; `a`, `b`: signed distances in cells, (rows, columns)."""

    origin: tuple[int, int]
    shift: tuple[int, int]
    stride: int
    a: Field
    b: Field


def between(a: Mask, b: Mask, t: float) -> Mask:
    """The mask at share `t` (0 to 1) of the way from `a` to `b`."""
    if t <= 0 or a.size != b.size:
        return a
    if t >= 1:
        return b
    pair = _pair(a.size, a.box, a.counts, b.box, b.counts) if a != b else None
    return _mixed(a, pair, t) if pair else a


def _mixed(a: Mask, pair: _Pair, t: float) -> Mask:
    field = pair.a + (pair.b - pair.a) * t
    filled = _spread(field, pair.stride) > 0
    x = pair.origin[0] + math.floor(pair.shift[0] * t + 0.5)
    y = pair.origin[1] + math.floor(pair.shift[1] * t + 0.5)
    (width, height), (rows, columns) = a.size, filled.shape
    left, top = max(0, -x), max(0, -y)
    kept = filled[top : max(top, min(rows, height - y)), left : max(left, min(columns, width - x))]
    if not kept.any():
        return a
    part = masks.from_array(kept)
    px, py, w, h = part.box
    return Mask(a.size, (px + x + left, py + y + top, w, h), part.counts)


@lru_cache(maxsize=32)
def _pair(size: tuple[int, int], box_a: Box, counts_a: str, box_b: Box, counts_b: str) -> _Pair | None:
    a, b = Mask(size, box_a, counts_a), Mask(size, box_b, counts_b)
    if not masks.area(a) or not masks.area(b):
        return None
    pixels_a, pixels_b = masks.crop_array(a), masks.crop_array(b)
    (ax, ay), (bx, by) = _centre(pixels_a, box_a), _centre(pixels_b, box_b)
    dx, dy = bx - ax, by - ay
    left, top = min(box_a[0], box_b[0] - dx), min(box_a[1], box_b[1] - dy)
    right = max(box_a[0] + box_a[2], box_b[0] - dx + box_b[2])
    bottom = max(box_a[1] + box_a[3], box_b[1] - dy + box_b[3])
    stride = _stride(right - left, bottom - top)
    origin = (left - stride, top - stride)
    columns, rows = -(-(right - left) // stride) + 2, -(-(bottom - top) // stride) + 2
    cells_a = _cells(pixels_a, (box_a[0] - origin[0], box_a[1] - origin[1]), columns, rows, stride)
    cells_b = _cells(pixels_b, (box_b[0] - dx - origin[0], box_b[1] - dy - origin[1]), columns, rows, stride)
    if not cells_a.any() or not cells_b.any():
        return None
    return _Pair(origin, (dx, dy), stride, _signed(cells_a), _signed(cells_b))


def _centre(pixels: masks.Bools, box: Box) -> tuple[int, int]:
    """The pixel at the centre of gravity."""
    count = int(pixels.sum())
    across, down = pixels.sum(axis=0), pixels.sum(axis=1)
    x, y = int((across * np.arange(across.size)).sum()), int((down * np.arange(down.size)).sum())
    return box[0] + math.floor(x / count + 0.5), box[1] + math.floor(y / count + 0.5)


def _stride(width: int, height: int) -> int:
    stride = 1
    while -(-width // stride) * -(-height // stride) > CELLS:
        stride += 1
    return stride


def _cells(pixels: masks.Bools, place: tuple[int, int], columns: int, rows: int, stride: int) -> masks.Bools:
    """Each cell as the pixel in its middle is. `place`: of the pixels within the window."""
    xs = np.arange(columns) * stride + stride // 2 - place[0]
    ys = np.arange(rows) * stride + stride // 2 - place[1]
    inside_x, inside_y = (xs >= 0) & (xs < pixels.shape[1]), (ys >= 0) & (ys < pixels.shape[0])
    cells = np.zeros((rows, columns), dtype=bool)
    cells[np.ix_(inside_y, inside_x)] = pixels[np.ix_(ys[inside_y], xs[inside_x])]
    return cells


def _signed(cells: masks.Bools) -> Field:
    outside = np.sqrt(_squared(cells).astype(np.float64)) - 0.5
    inside = np.sqrt(_squared(~cells).astype(np.float64)) - 0.5
    return np.where(cells, inside, -outside)


def _squared(cells: masks.Bools) -> NDArray[np.int64]:
    """Squared distance of each cell to the nearest set one, exact."""
    rows, columns = cells.shape
    straight = np.full((rows, columns), rows + columns, dtype=np.int64)
    straight[cells] = 0
    for row in range(1, rows):
        np.minimum(straight[row], straight[row - 1] + 1, out=straight[row])
    for row in range(rows - 2, -1, -1):
        np.minimum(straight[row], straight[row + 1] + 1, out=straight[row])
    squares = straight * straight
    found = squares.copy()
    for step in range(1, columns):
        if step * step >= found.max():
            break
        np.minimum(found[:, step:], squares[:, :-step] + step * step, out=found[:, step:])
        np.minimum(found[:, :-step], squares[:, step:] + step * step, out=found[:, :-step])
    return found


def _spread(field: Field, stride: int) -> Field:
    """The field at each pixel: straight between the middles of cells."""
    if stride == 1:
        return field
    rows, columns = field.shape
    (x0, x1, fx), (y0, y1, fy) = _weights(columns, stride), _weights(rows, stride)
    top, bottom = field[y0], field[y1]
    upper = top[:, x0] + (top[:, x1] - top[:, x0]) * fx
    lower = bottom[:, x0] + (bottom[:, x1] - bottom[:, x0]) * fx
    return upper + (lower - upper) * fy[:, None]


def _weights(cells: int, stride: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Field]:
    """For each pixel the two cells it lies between, and its share of the way."""
    place = (np.arange(cells * stride) - stride // 2) / stride
    first = np.floor(place)
    share = place - first
    low = np.clip(first, 0, cells - 1).astype(np.int64)
    high = np.clip(first + 1, 0, cells - 1).astype(np.int64)
    return low, high, share
