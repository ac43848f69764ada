"""Fractions of an item's width and height, and pixels. A pixel value with up to 6 decimals comes back equal."""

from __future__ import annotations

from collections.abc import Sequence

# Far below what anyone draws, far above what a float64 loses on the way to a fraction and back.
DECIMALS = 6


def to_pixel(fraction: float, size: int) -> float:
    """Pixels from the left (or top) edge for a fraction of `size` pixels; rounded to 6 decimals."""
    return round(fraction * size, DECIMALS)


def to_fraction(pixel: float, size: int) -> float:
    """Fraction of `size` pixels for a distance in pixels from the left (or top) edge."""
    return pixel / size


def points_to_pixels(points: Sequence[float], width: int, height: int) -> list[float]:
    """Flat fractions `[x1, y1, ...]` as flat pixels."""
    sizes = (width, height) * (len(points) // 2)
    return [round(v * s, DECIMALS) for v, s in zip(points, sizes, strict=True)]


def points_to_fractions(points: Sequence[float], width: int, height: int) -> list[float]:
    """Flat pixels `[x1, y1, ...]` as flat fractions."""
    sizes = (width, height) * (len(points) // 2)
    return [v / s for v, s in zip(points, sizes, strict=True)]


def box_to_pixels(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """Fractions `(x1, y1, x2, y2)` as pixels `(x1, y1, x2, y2)`."""
    x1, y1, x2, y2 = box
    return (
        round(x1 * width, DECIMALS), round(y1 * height, DECIMALS),
        round(x2 * width, DECIMALS), round(y2 * height, DECIMALS),
    )  # fmt: skip


def box_to_fractions(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """Pixels `(x1, y1, x2, y2)` as fractions `(x1, y1, x2, y2)`."""
    x1, y1, x2, y2 = box
    return (x1 / width, y1 / height, x2 / width, y2 / height)
