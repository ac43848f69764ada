"""A part of a picture divided into small areas of one colour (SLIC), to be painted area by area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelwright.assist.opencv import opencv
from labelwright.assist.window import Picture, around

MOST = 300_000
MOST_AREAS = 60_000
ROUNDS = 5


@dataclass(frozen=True)
class Superpixels:
    """`bounds`: the part `(x1, y1, x2, y2)` in fractions; `labels`: each cell's area, uint16, (height, width)."""

    bounds: tuple[float, float, float, float]
    labels: NDArray[np.uint16]
    count: int


def superpixels(picture: Picture, part: Sequence[float], size: int) -> Superpixels:
    """Divide the part `[x1, y1, x2, y2]` (fractions) into areas about `size` pixels of the picture wide."""
    cv = opencv()
    window = around(picture.size, part, least=0, most=MOST)
    cut = cv.cvtColor(cv.GaussianBlur(window.cut(picture), (3, 3), 0), cv.COLOR_RGB2LAB)
    w, h = window.work
    side = max(4, round(size * window.scale[0]), math.ceil(math.sqrt(w * h / MOST_AREAS)))
    labels: Any = np.zeros((h, w), np.int32)
    count = 1
    if min(w, h) > side:
        slic = cv.ximgproc.createSuperpixelSLIC(cut, cv.ximgproc.SLICO, side, 10.0)
        slic.iterate(ROUNDS)
        slic.enforceLabelConnectivity(20)
        labels, count = slic.getLabels(), int(slic.getNumberOfSuperpixels())
    return Superpixels(window.bounds, labels.astype(np.uint16), count)
