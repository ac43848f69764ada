"""Labels moved with their picture: by a matrix over pixels, cut off at the new edges; what is cut off or blotted out whole is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import shapely
from PIL import Image
from shapely.geometry import LineString, box
from shapely.geometry import Polygon as Area
from shapely.geometry.base import BaseGeometry

from labelwright.geometry import masks, measures
from labelwright.geometry.document import (
    Cuboid,
    Document,
    Landmarks,
    Mask,
    OrientedRectangle,
    Point,
    Polygon,
    Polyline,
    Rectangle,
    Shape,
    Skeleton,
)
from labelwright.media.work import Box, Matrix, Work

LEAST_AREA = 1.0


def document(before: Document, width: int, height: int, work: Work) -> Document:
    """The labels of a picture of `width` x `height` pixels after what `work` did to it."""
    move = _Move(width, height, work)
    objects = []
    for item in before.objects:
        shape = move.shape(item.shape) if item.shape is not None else None
        if shape is not None and not move.hidden(shape):
            objects.append(msgspec.structs.replace(item, shape=shape))
    return Document(objects, before.attributes)


def boxes(document: Document, width: int, height: int) -> list[Box]:
    """Around each object, in whole pixels of a picture of this size."""
    found = []
    for item in document.objects:
        if item.shape is not None:
            x1, y1, x2, y2 = measures.bounds(item.shape)
            found.append((round(x1 * width), round(y1 * height), round(x2 * width), round(y2 * height)))
    return found


class _Move:
    def __init__(self, width: int, height: int, work: Work) -> None:
        self.width, self.height, self.work = width, height, work
        self.matrix: Matrix = work.matrix
        self.edges = box(0, 0, work.width, work.height)

    def hidden(self, shape: Shape) -> bool:
        """Whether one of the holes covers the shape whole."""
        if not self.work.holes:
            return False
        w, h = self.work.width, self.work.height
        x1, y1, x2, y2 = (v * n for v, n in zip(measures.bounds(shape), (w, h, w, h), strict=True))
        return any(a <= x1 and b <= y1 and x2 <= c and y2 <= d for a, b, c, d in self.work.holes)

    def points(self, flat: list[float]) -> Any:
        """Flat fractions of the original as (n, 2) new pixels."""
        given = np.array(flat, dtype=float).reshape(-1, 2) * (self.width, self.height)
        return given @ self.matrix[:2, :2].T + self.matrix[:2, 2]

    def flat(self, points: Any) -> list[float]:
        """New pixels as flat fractions, inside the picture."""
        return [float(v) for v in np.clip(np.asarray(points) / (self.work.width, self.work.height), 0, 1).ravel()]

    def shape(self, shape: Shape) -> Shape | None:
        """The shape in the new picture, None when it is outside."""
        if isinstance(shape, Rectangle):
            return self._rectangle(shape)
        if isinstance(shape, Polygon):
            return self._polygon([[self.points(ring) for ring in part] for part in shape.parts])
        if isinstance(shape, Mask):
            return self._mask(shape)
        if isinstance(shape, Polyline):
            return self._line(shape)
        return self._pointed(shape)

    def _rectangle(self, shape: Rectangle) -> Rectangle | None:
        x1, y1, x2, y2 = shape.box
        corners = self.points([x1, y1, x2, y1, x2, y2, x1, y2])
        cut = shapely.make_valid(Area(corners)).intersection(self.edges)
        if cut.is_empty or cut.area < LEAST_AREA:
            return None
        left, top, right, bottom = self.flat(np.array(cut.bounds).reshape(2, 2))
        return Rectangle((left, top, right, bottom))

    def _polygon(self, parts: list[list[Any]]) -> Polygon | None:
        found: list[list[list[float]]] = []
        for part in parts:
            area = shapely.make_valid(Area(part[0], part[1:]))
            for piece in _areas(area.intersection(self.edges)):
                if piece.area >= LEAST_AREA:
                    rings = (piece.exterior, *piece.interiors)
                    found.append([self.flat(np.array(ring.coords)[:-1, :2]) for ring in rings])
        return Polygon(found) if found else None

    def _line(self, shape: Polyline) -> Polyline | None:
        cut = LineString(self.points(shape.points)).intersection(self.edges)
        pieces = [p for p in getattr(cut, "geoms", [cut]) if isinstance(p, LineString) and p.length > 0]
        longest = max(pieces, key=lambda p: p.length, default=None)
        return Polyline(self.flat(np.array(longest.coords)[:, :2])) if longest is not None else None

    def _mask(self, shape: Mask) -> Mask | None:
        grid = masks.to_array(masks.rasterize(shape, self.width, self.height)).astype(np.uint8)
        back = tuple(np.linalg.inv(self.matrix)[:2].ravel())
        size = (self.work.width, self.work.height)
        moved = Image.fromarray(grid).transform(size, Image.Transform.AFFINE, back, Image.Resampling.NEAREST)
        pixels = np.array(moved) > 0
        return masks.from_array(pixels) if pixels.any() else None

    def _pointed(self, shape: Shape) -> Shape | None:
        points = self.points(list(shape.points))  # type: ignore[union-attr]
        size = (self.work.width, self.work.height)
        inside = ((points >= 0) & (points <= size)).all(axis=1)
        if isinstance(shape, Skeleton):
            seen = [v if ok else 0 for v, ok in zip(shape.visibility, inside, strict=True)]
            return Skeleton(self.flat(points), seen) if any(seen) else None
        if isinstance(shape, Landmarks):
            kept = [label for label, ok in zip(shape.labels, inside, strict=True) if ok]
            return Landmarks(self.flat(points[inside]), kept) if kept else None
        if isinstance(shape, Point):
            return Point(self.flat(points)) if inside.all() else None
        middle = points.mean(axis=0)
        if not ((middle >= 0) & (middle <= size)).all():
            return None
        flat = self.flat(points)
        return Cuboid(flat, shape.faces) if isinstance(shape, Cuboid) else OrientedRectangle(flat)


def _areas(geometry: BaseGeometry) -> Iterator[Area]:
    if isinstance(geometry, Area):
        if not geometry.is_empty:
            yield geometry
    else:
        for piece in getattr(geometry, "geoms", ()):
            yield from _areas(piece)
