"""The thing in a box as pixels: GrabCut on a small copy, its edge then carried to the picture's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labelwright.assist.opencv import opencv
from labelwright.assist.window import Picture, Window, around
from labelwright.geometry import masks
from labelwright.geometry.document import Mask

MOST = 40_000
ROUNDS = 4
LEAST = 4
# Above so many pixels the edge is only smoothed, not carried to the picture's own pixels.
MOST_FINE = 4_000_000


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
    try:
        cv.grabCut(cut, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv.GC_INIT_WITH_MASK)
    except cv.error:
        return None  # one colour only: there is nothing to tell apart
    inside = _whole(((marks == cv.GC_FGD) | (marks == cv.GC_PR_FGD)).astype(np.uint8), window, keep)
    fine = _fine(inside, window, picture)
    return _mask(fine, window, box)


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


def _fine(inside: Any, window: Window, picture: Picture) -> Any:
    """The same area on the picture's own pixels, its edge drawn to the picture's."""
    cv = opencv()
    if window.work == (window.width, window.height):
        return inside.astype(bool)
    size = (window.width, window.height)
    soft = cv.resize(inside.astype(np.float32), size, interpolation=cv.INTER_LINEAR)
    if window.width * window.height <= MOST_FINE:
        radius = max(2, round(1.5 / window.scale[0]))
        soft = cv.ximgproc.guidedFilter(window.full(picture), soft, radius, (0.03 * 255) ** 2)
    return soft > 0.5


def _mask(fine: Any, window: Window, box: Sequence[float]) -> Mask | None:
    """The cut-out as a mask on the picture's grid, nothing of it outside of the box."""
    w, h = window.picture
    x1, y1 = int(box[0] * w) - window.left, int(box[1] * h) - window.top
    x2, y2 = int(np.ceil(box[2] * w)) - window.left, int(np.ceil(box[3] * h)) - window.top
    clipped = np.zeros_like(fine)
    y1, x1 = max(0, y1), max(0, x1)
    clipped[y1:y2, x1:x2] = fine[y1:y2, x1:x2]
    if np.count_nonzero(clipped) < LEAST:
        return None
    part = masks.from_array(clipped)
    x, y, width, height = part.box
    return Mask((w, h), (x + window.left, y + window.top, width, height), part.counts)
