"""Bounds, areas, overlaps and hit tests. Sizes are in pixels: on a wide picture a fraction across is longer than one down."""

from __future__ import annotations

import math
from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from labelwright.geometry import masks
from labelwright.geometry.document import Cuboid, Mask, OrientedRectangle, Polygon, Rectangle, Shape, Skeleton

Box = tuple[float, float, float, float]


def points_of(shape: Shape) -> list[float]:
    """All points of a shape, flat fractions. A mask gives two corners of its box; absent skeleton points are left out."""
    if isinstance(shape, Rectangle):
        return list(shape.box)
    if isinstance(shape, Polygon):
        return [v for part in shape.parts for ring in part for v in ring]
    if isinstance(shape, Mask):
        x, y, w, h = shape.box
        width, height = shape.size
        return [x / width, y / height, (x + w) / width, (y + h) / height]
    if isinstance(shape, Skeleton):
        pairs = zip(shape.points[::2], shape.points[1::2], shape.visibility, strict=True)
        return [v for x, y, seen in pairs if seen for v in (x, y)]
    return shape.points


def bounds(shape: Shape) -> Box:
    """Smallest box `(x1, y1, x2, y2)` around a shape, fractions. `(0, 0, 0, 0)` for a shape without points."""
    if isinstance(shape, Rectangle):
        return shape.box
    points = points_of(shape)
    xs, ys = points[::2], points[1::2]
    return (min(xs), min(ys), max(xs), max(ys)) if xs else (0.0, 0.0, 0.0, 0.0)


def ring_area(ring: Sequence[float]) -> float:
    """Area inside a flat ring, in squared units of its numbers."""
    xs, ys = ring[::2], ring[1::2]
    crossed = sum(a * d - b * c for a, b, c, d in zip(xs, [*xs[1:], xs[0]], ys, [*ys[1:], ys[0]], strict=True))
    return abs(crossed) / 2


def area(shape: Shape, width: int, height: int) -> float:
    """Covered area in pixels of an item of `width` x `height`; 0 for points and lines. Parts of a polygon do not overlap."""
    scale = width * height
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = shape.box
        return (x2 - x1) * (y2 - y1) * scale
    if isinstance(shape, Polygon):
        return scale * sum(ring_area(part[0]) - sum(map(ring_area, part[1:])) for part in shape.parts if part)
    if isinstance(shape, OrientedRectangle):
        return ring_area(shape.points) * scale
    if isinstance(shape, Mask):
        return masks.area(shape) * scale / (shape.size[0] * shape.size[1])
    if isinstance(shape, Cuboid):
        return _geometry(shape, width, height).area
    return 0.0


def iou(a: Shape, b: Shape, width: int, height: int) -> float:
    """Intersection over union, 0 to 1, measured in pixels. Shapes without an area are compared by their bounds;
    two that cover nothing are 1 when equal, else 0."""
    if a == b:
        return 1.0
    if isinstance(a, Rectangle) and isinstance(b, Rectangle):
        return _box_iou(a.box, b.box)
    if isinstance(a, Mask) or isinstance(b, Mask):
        size = a.size if isinstance(a, Mask) else b.size  # type: ignore[union-attr]
        return masks.iou(masks.rasterize(a, *size), masks.rasterize(b, *size))
    first, second = _geometry(a, width, height), _geometry(b, width, height)
    together = first.intersection(second).area
    union = first.area + second.area - together
    return together / union if union > 0 else 0.0


def _box_iou(a: Box, b: Box) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    together = max(w, 0.0) * max(h, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - together
    return together / union if union > 0 else 0.0


def _geometry(shape: Shape, width: int, height: int) -> BaseGeometry:
    """The area a shape covers, in pixels; for points and lines the box around them."""
    if isinstance(shape, Polygon):
        parts = [[_pixels(r, width, height) for r in part] for part in shape.parts if part]
        return shapely.unary_union([shapely.make_valid(shapely.Polygon(p[0], p[1:])) for p in parts])
    if isinstance(shape, OrientedRectangle):
        return shapely.make_valid(shapely.Polygon(_pixels(shape.points, width, height)))
    if isinstance(shape, Cuboid):
        return shapely.MultiPoint(_pixels(shape.points, width, height)).convex_hull
    x1, y1, x2, y2 = bounds(shape)
    return shapely.box(x1 * width, y1 * height, x2 * width, y2 * height)


def _pixels(points: Sequence[float], width: int, height: int) -> list[tuple[float, float]]:
    return [(x * width, y * height) for x, y in zip(points[::2], points[1::2], strict=True)]


def hit(shape: Shape, x: float, y: float, width: int, height: int, reach: float = 0.0) -> bool:
    """Whether the place (x, y), fractions, is on the shape or within `reach` pixels of it. Holes are not on it."""
    if isinstance(shape, Mask):
        return masks.covers(shape, x, y)
    px, py = x * width, y * height
    if isinstance(shape, Polygon | OrientedRectangle | Cuboid | Rectangle):
        place = shapely.Point(px, py)
        return _geometry(shape, width, height).distance(place) <= reach
    pixels = _pixels(points_of(shape), width, height)
    if shape.__struct_config__.tag == "polyline":
        return shapely.LineString(pixels).distance(shapely.Point(px, py)) <= reach
    return any(math.dist(p, (px, py)) <= reach for p in pixels)
