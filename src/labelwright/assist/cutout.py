"""The thing in a box as pixels: GrabCut on a small copy, its edge then drawn to the picture's and carried to its pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from labelwright.assist.opencv import opencv
from labelwright.assist.window import Picture, Window, around
from labelwright.geometry import masks
from labelwright.geometry.document import Mask

MOST = 40_000
ROUNDS = 4
LEAST = 4
# The edge is drawn to the picture's on a copy of no more than so many pixels.
MOST_FINE = 2_000_000
# Columns of the picture's own pixels that are made at once.
BLOCK = 256


def cut_out(
    picture: Picture, box: Sequence[float], keep: Sequence[float] = (), drop: Sequence[float] = ()
) -> Mask | None:
    """What stands out in the box `[x1, y1, x2, y2]` (fractions), as a mask on the picture's grid; None when nothing does.

    `keep` and `drop`: flat places, in fractions, that do and do not belong to it."""
    cv = opencv()
    window = around(picture.size, box, margin=0.3, least=12, most=MOST)
    cut = window.cut(picture)
    marks = _marks(window, box, keep, drop)
    if not _both_sides(marks):
        return None
    # It begins by chance: the same question is to have the same answer.
    cv.setRNGSeed(1)
    try:
        cv.grabCut(cut, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv.GC_INIT_WITH_MASK)
    except cv.error:
        return None  # one colour only: there is nothing to tell apart
    inside = _whole(((marks == cv.GC_FGD) | (marks == cv.GC_PR_FGD)).astype(np.uint8), window, keep)
    return _mask(_soft(inside, window, picture), window, box)


def _marks(window: Window, box: Sequence[float], keep: Sequence[float], drop: Sequence[float]) -> Any:
    """GrabCut's beginning: outside of the box is not the thing, inside it may be."""
    cv = opencv()
    w, h = window.work
    marks = np.full((h, w), cv.GC_BGD, np.uint8)
    (x1, y1), (x2, y2) = np.round(window.to_work(box)).astype(int)
    # A box as large as the picture leaves nothing outside: then the picture's border is taken for it.
    rim = 1 if x1 <= 0 and y1 <= 0 and x2 >= w and y2 >= h else 0
    marks[max(y1, rim) : min(y2, h - rim), max(x1, rim) : min(x2, w - rim)] = cv.GC_PR_FGD
    radius = max(2, round(0.02 * max(w, h)))
    for points, value in ((keep, cv.GC_FGD), (drop, cv.GC_BGD)):
        for x, y in window.to_work(points):
            cv.circle(marks, (int(x), int(y)), radius, int(value), -1)
    return marks


def _both_sides(marks: Any) -> bool:
    maybe = int(np.count_nonzero(marks & 1))
    return LEAST <= maybe <= marks.size - LEAST


def _whole(inside: Any, window: Window, keep: Sequence[float]) -> Any:
    """Without specks, and without pinholes; parts that a `keep` point lies in always stay."""
    cv = opencv()
    count, labels, stats, _ = cv.connectedComponentsWithStats(inside, connectivity=4)
    if count > 1:
        areas = stats[1:, cv.CC_STAT_AREA]
        kept = {i + 1 for i, area in enumerate(areas) if area >= 0.1 * areas.max()}
        kept |= {int(labels[_at(window, x, y)]) for x, y in window.to_work(keep)} - {0}
        inside = np.isin(labels, list(kept)).astype(np.uint8)
    count, labels, stats, _ = cv.connectedComponentsWithStats(1 - inside, connectivity=4)
    small = [i for i in range(1, count) if stats[i, cv.CC_STAT_AREA] < 0.01 * max(1, inside.sum())]
    inside[np.isin(labels, small)] = 1
    return inside


def _at(window: Window, x: float, y: float) -> tuple[int, int]:
    w, h = window.work
    return min(h - 1, max(0, int(y))), min(w - 1, max(0, int(x)))


def _soft(inside: Any, window: Window, picture: Picture) -> Any:
    """The same area as values of which those above a half belong to it, its edge drawn to the picture's: float32 on a
    copy of the cut-out of at most `MOST_FINE` pixels."""
    cv = opencv()
    soft = inside.astype(np.float32)
    if window.work == (window.width, window.height):
        return soft
    fine = window.at_most(MOST_FINE)
    radius = max(2, round(1.5 * fine.scale[0] / window.scale[0]))
    soft = cv.resize(soft, fine.work, interpolation=cv.INTER_LINEAR)
    return cv.ximgproc.guidedFilter(fine.cut(picture), soft, radius, (0.03 * 255) ** 2)


def _mask(soft: Any, window: Window, box: Sequence[float]) -> Mask | None:
    """The cut-out as a mask on the picture's grid, nothing of it outside of the box."""
    w, h = window.picture
    left, top = max(window.left, int(box[0] * w)), max(window.top, int(box[1] * h))
    right = min(window.left + window.width, int(np.ceil(box[2] * w)))
    bottom = min(window.top + window.height, int(np.ceil(box[3] * h)))
    found = masks.from_blocks(_blocks(soft, window, (left, top, right, bottom)), (w, h), left, top)
    return found if masks.area(found) >= LEAST else None


def _blocks(soft: Any, window: Window, place: tuple[int, int, int, int]) -> Iterator[Any]:
    """Which of the picture's own pixels `left, top, right, bottom` belong to it, some columns at a time."""
    left, top, right, bottom = place
    above, below, down = _between(top - window.top, bottom - window.top, window.height, soft.shape[0])
    for start in range(left, right, BLOCK):
        stop = min(right, start + BLOCK)
        before, after, across = _between(start - window.left, stop - window.left, window.width, soft.shape[1])
        columns = soft[:, before] * (1 - across) + soft[:, after] * across
        yield columns[above] * (1 - down[:, None]) + columns[below] * down[:, None] > 0.5


def _between(start: int, stop: int, pixels: int, cells: int) -> tuple[Any, Any, Any]:
    """For each of the pixels `start` to `stop` of `pixels` the two of so many cells that it lies between, and how far
    from the first to the second (0 to 1)."""
    at = np.clip((np.arange(start, stop) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    first = at.astype(np.int64)
    return first, np.minimum(first + 1, cells - 1), (at - first).astype(np.float32)
