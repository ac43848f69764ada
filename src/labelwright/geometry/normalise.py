"""Bring a shape into the one form that is stored: corners in order, rings open, coordinates clamped at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from operator import eq

from labelwright.geometry.document import Cuboid, Landmarks, Mask, Polygon, Rectangle, Shape, Skeleton

# Arithmetic on the sender's side may leave a coordinate this far outside 0..1; it means the edge.
EDGE = 1e-6


def clamp(value: float) -> float:
    """A fraction that lies outside 0..1 by no more than 1e-6 is the edge; anything else stays as it is."""
    if -EDGE <= value < 0.0:
        return 0.0
    if 1.0 < value <= 1.0 + EDGE:
        return 1.0
    return value


def clamp_points(points: Sequence[float]) -> list[float]:
    """`clamp` for a flat list of coordinates; the list itself when there is nothing to do."""
    if isinstance(points, list) and points and min(points) >= 0.0 and max(points) <= 1.0:
        return points
    return [clamp(v) for v in points]


def rectangle(box: Sequence[float]) -> Rectangle:
    """Rectangle from two opposite corners in any order, flat fractions `[xa, ya, xb, yb]`."""
    xa, ya, xb, yb = clamp_points(box)
    return Rectangle(box=(min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)))


def ring(points: Sequence[float]) -> list[float]:
    """An open ring: without the repeated first point, without points that repeat the one before.

    The list itself when there is nothing to do, or when it is no list of pairs."""
    xs, ys = points[::2], points[1::2]
    # Nearly always: no two neighbours share an x, or else not the y.
    repeats = any(map(eq, xs, xs[1:])) and any(map(eq, zip(xs, ys, strict=False), zip(xs[1:], ys[1:], strict=False)))
    closed = len(xs) > 1 and xs[0] == xs[-1] and ys[0] == ys[-1]
    if isinstance(points, list) and (len(points) % 2 or not (repeats or closed)):
        return points
    kept: list[float] = []
    for x, y in zip(points[::2], points[1::2], strict=True):
        if not kept or (x, y) != (kept[-2], kept[-1]):
            kept += (x, y)
    while len(kept) > 2 and kept[:2] == kept[-2:]:
        del kept[-2:]
    return kept


def shape(value: Shape) -> Shape:
    """The shape in its stored form. Wrong shapes (too few points, far outside) pass unchanged: `services.checks` names them."""
    if isinstance(value, Rectangle):
        return rectangle(value.box)
    if isinstance(value, Polygon):
        parts = [[ring(clamp_points(r)) for r in part] for part in value.parts]
        same = all(a is b for new, old in zip(parts, value.parts, strict=True) for a, b in zip(new, old, strict=True))
        return value if same else Polygon(parts=parts)
    if isinstance(value, Mask):
        return value
    if isinstance(value, Cuboid):
        return Cuboid(points=clamp_points(value.points), faces=value.faces)
    if isinstance(value, Landmarks):
        return Landmarks(points=clamp_points(value.points), labels=value.labels)
    if isinstance(value, Skeleton):
        return Skeleton(points=clamp_points(value.points), visibility=value.visibility)
    return type(value)(points=clamp_points(value.points))
