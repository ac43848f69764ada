"""Between the pixels of files and the fractions of documents: what lies outside of the picture is cut off at its edge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labelwright.formats.sample import Report, Sample
from labelwright.geometry import pixels
from labelwright.geometry.document import LabelObject, Rectangle, shape_kind


def cut(points: Sequence[float], width: int, height: int) -> list[float]:
    """Flat pixels as flat fractions within the picture."""
    return [min(max(v, 0.0), 1.0) for v in pixels.points_to_fractions(points, width, height)]


def rectangle(box: Sequence[float], width: int, height: int) -> Rectangle:
    """A box `(x1, y1, x2, y2)` in pixels, its corners in any order."""
    x1, y1, x2, y2 = cut(box, width, height)
    return Rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))


def box(shape: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """A box of fractions as `(x, y, width, height)` in pixels with at most 6 decimals."""
    x1, y1, x2, y2 = pixels.box_to_pixels(shape, width, height)
    return x1, y1, pixels.rounded(x2 - x1), pixels.rounded(y2 - y1)


def pairs(points: Sequence[float]) -> list[list[float]]:
    """Flat points as `[[x, y], ...]`."""
    return [[x, y] for x, y in zip(points[::2], points[1::2], strict=True)]


def flat(points: Iterable[Sequence[float]]) -> list[float]:
    """`[[x, y], ...]` as flat points. Raises `ValueError` for a point that is not two numbers."""
    found: list[float] = []
    for point in points:
        x, y = point
        found += [float(x), float(y)]
    return found


def leave_out(report: Report, item: LabelObject) -> None:
    """Count an object that the format has no place for."""
    report.left_out[shape_kind(item.shape) if item.shape is not None else "track"] += 1


def count_left_out(report: Report, sample: Sample) -> None:
    """Count all objects of a sample: the format has a place for none."""
    for item in sample.document.objects:
        leave_out(report, item)
