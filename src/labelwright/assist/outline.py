"""Outlines that follow edges (intelligent scissors, "live wire"): from a place to the pointer along what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelwright.assist.opencv import opencv
from labelwright.assist.window import Picture, Pixels, Window, around

MOST = 256 * 256
STEPS = (96, 192, 384, 768, 1536, 1 << 30)
SNAP = 6
TOLERANCE = 0.75


@dataclass(frozen=True)
class Wire:
    """The cheapest ways from one place to all others nearby. `reach`: pixels of the picture it holds on each side."""

    window: Window
    start: tuple[float, float]
    reach: int
    scissors: Any
    strength: Any


def reach_for(size: tuple[int, int], start: Sequence[float], end: Sequence[float]) -> int:
    """How far (pixels of a picture of `size`) a wire from `start` must reach to hold `end`; one of few steps, so that a
    wire can be kept while the pointer moves."""
    away = max(abs(end[0] - start[0]) * size[0], abs(end[1] - start[1]) * size[1])
    return next(step for step in STEPS if step >= away * 1.15 + 8)


def wire(picture: Picture, start: Sequence[float], reach: int) -> Wire:
    """Weigh the edges around `start` (x, y in fractions) and find the ways from it; some tens of milliseconds."""
    cv = opencv()
    width, height = picture.size
    x, y = start
    box = (
        max(0.0, x - reach / width),
        max(0.0, y - reach / height),
        min(1.0, x + reach / width),
        min(1.0, y + reach / height),
    )
    window = around((width, height), box, most=MOST)
    cut = cv.GaussianBlur(window.cut(picture), (3, 3), 0)
    scissors = cv.segmentation.IntelligentScissorsMB()
    scissors.setEdgeFeatureCannyParameters(32, 100)
    scissors.setGradientMagnitudeMaxLimit(200)
    scissors.applyImage(cut)
    scissors.buildMap(_cell(window, start))
    return Wire(window, (x, y), reach, scissors, _strength(cut))


def path(found: Wire, end: Sequence[float], *, snap: bool = True) -> list[float]:
    """The way from the wire's start to `end` (x, y in fractions) as flat fractions, both ends included.

    `snap`: the end goes to the strongest edge within some pixels, when there is one."""
    cv = opencv()
    goal = _cell(found.window, end)
    if snap:
        goal = _snapped(found.strength, goal)
    cells = np.asarray(found.scissors.getContour(goal)).reshape(-1, 2)
    if len(cells) > 2:
        cells = cv.approxPolyDP(cells.astype(np.float32).reshape(-1, 1, 2), TOLERANCE, False).reshape(-1, 2)
    points = found.window.to_fractions(cells.astype(np.float64) + 0.5)
    last = points[-2:] if snap else [min(1.0, max(0.0, v)) for v in end]
    return [*found.start, *points[2:-2], *last]


def _cell(window: Window, place: Sequence[float]) -> tuple[int, int]:
    x, y = window.to_work(list(place))[0]
    return min(window.work[0] - 1, max(0, int(x))), min(window.work[1] - 1, max(0, int(y)))


def _strength(cut: Pixels) -> Any:
    """How strong the edge at each pixel is, 0 and up, (height, width)."""
    cv = opencv()
    grey = cv.cvtColor(cut, cv.COLOR_RGB2GRAY)
    return cv.magnitude(cv.Sobel(grey, cv.CV_32F, 1, 0), cv.Sobel(grey, cv.CV_32F, 0, 1))


def _snapped(strength: Any, cell: tuple[int, int]) -> tuple[int, int]:
    x, y = cell
    left, top = max(0, x - SNAP), max(0, y - SNAP)
    near = strength[top : y + SNAP + 1, left : x + SNAP + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    # A flat place has no edge to go to; noise would only make the pointer jump.
    if near[row, column] < 2.5 * max(float(near.mean()), 8.0):
        return cell
    return int(left + column), int(top + row)
