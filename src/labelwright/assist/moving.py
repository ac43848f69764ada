"""Shapes moved by a matrix, and runs of moved shapes as few keyframes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from labelwright.assist.opencv import opencv
from labelwright.geometry import masks, measures, tracks
from labelwright.geometry.document import Mask, Point, Polygon, Rectangle, Shape, Skeleton

LOST = 0.5


def moved(shape: Shape, matrix: Any, old: tuple[int, int], new: tuple[int, int]) -> Shape | None:
    """The shape moved by a matrix (2, 3) between pixels of pictures `old` and `new` (width, height), cut at the border.

    None when more than half of it has left the picture."""
    if isinstance(shape, Mask):
        return _moved_mask(shape, matrix, old)
    places = places_of(shape, old)
    if isinstance(shape, Rectangle):
        # A box stays upright: its middle moves, its sides grow as the whole does.
        middle = places.mean(axis=0)
        there = matrix[:, :2] @ middle + matrix[:, 2] + (places - middle) * np.hypot(matrix[0, 0], matrix[1, 0])
    else:
        there = places @ matrix[:, :2].T + matrix[:, 2]
    outside = ((there < 0) | (there > new)).any(axis=1)
    return None if outside.mean() > LOST else placed(shape, there, new)


def places_of(shape: Shape, size: tuple[int, int]) -> Any:
    """All points of a shape as places (n, 2) in pixels of a picture of `size`: a mask's are two corners of its box."""
    points = shape.points if isinstance(shape, Skeleton) else measures.points_of(shape)
    return np.asarray(points, np.float64).reshape(-1, 2) * size


def placed(shape: Shape, places: Any, size: tuple[int, int]) -> Shape | None:
    """The shape with its points at these places (n, 2) in pixels, in the order of `places_of`.

    None when one of a single point's places is outside of the picture."""
    given = np.asarray(places, np.float64).reshape(-1, 2) / size
    if isinstance(shape, Point) and ((given < 0) | (given > 1)).any():
        return None
    flat = np.clip(given, 0.0, 1.0).ravel().tolist()
    if isinstance(shape, Rectangle):
        xs, ys = flat[::2], flat[1::2]
        return Rectangle((min(xs), min(ys), max(xs), max(ys)))
    if isinstance(shape, Polygon):
        parts, at = [], 0
        for part in shape.parts:
            rings = []
            for ring in part:
                rings.append(flat[at : at + len(ring)])
                at += len(ring)
            parts.append(rings)
        return Polygon(parts)
    return msgspec.structs.replace(shape, points=flat)


def _moved_mask(shape: Mask, matrix: Any, old: tuple[int, int]) -> Mask | None:
    cv = opencv()
    w, h = shape.size
    # The mask's own grid may be another than the picture's.
    to_grid = np.diag([w / old[0], h / old[1], 1.0])
    whole = to_grid @ np.vstack([matrix, [0.0, 0.0, 1.0]]) @ np.linalg.inv(to_grid)
    pixels = masks.to_array(shape).astype(np.uint8)
    there = cv.warpAffine(pixels, whole[:2], (w, h), flags=cv.INTER_NEAREST)
    return masks.from_array(there) if np.count_nonzero(there) > LOST * pixels.sum() else None


def thinned(shapes: Mapping[int, Shape], size: tuple[int, int], tolerance: float = 1.0) -> dict[int, Shape]:
    """As few of these shapes (by frame, without gaps) as give all of them again by interpolation, no point farther than
    `tolerance` pixels off in a picture of `size`. First and last always stay; masks all stay."""
    frames = sorted(shapes)
    kept: dict[int, Shape] = {}
    stretches = [(0, len(frames) - 1)] if frames else []
    while stretches:
        first, last = stretches.pop()
        a, b = frames[first], frames[last]
        kept[a], kept[b] = shapes[a], shapes[b]
        off = [_off(shapes, a, b, frames[i], size) for i in range(first + 1, last)]
        if off and max(off) > tolerance:
            middle = first + 1 + int(np.argmax(off))
            stretches += [(first, middle), (middle, last)]
    return dict(sorted(kept.items()))


def _off(shapes: Mapping[int, Shape], a: int, b: int, frame: int, size: tuple[int, int]) -> float:
    """How far (pixels) interpolation between frames a and b is off the shape at `frame`."""
    truth = shapes[frame]
    if isinstance(truth, Mask):
        return float("inf")
    guess = tracks.interpolate(shapes[a], shapes[b], (frame - a) / (b - a))
    return float(np.linalg.norm(places_of(guess, size) - places_of(truth, size), axis=1).max())
