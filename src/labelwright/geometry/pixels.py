"""Fractions of an item's width and height, and pixels. A pixel value with up to 6 decimals comes back equal."""

from __future__ import annotations

from collections.abc import Sequence

# Six decimals: far below what anyone draws, far above what a float64 loses on the way to a fraction and back.
# Done by arithmetic, since the built-in `round` takes several times as long and exports round millions of numbers.
MILLION = 1e6


def rounded(value: float) -> float:
    """The value with 6 decimals at most."""
    return (value * MILLION + 0.5) // 1.0 / MILLION


def points_to_pixels(points: Sequence[float], width: int, height: int) -> list[float]:
    """Flat fractions `[x1, y1, ...]` as flat pixels."""
    sizes = (width, height) * (len(points) // 2)
    return [(v * s * MILLION + 0.5) // 1.0 / MILLION for v, s in zip(points, sizes, strict=True)]


def points_to_fractions(points: Sequence[float], width: int, height: int) -> list[float]:
    """Flat pixels `[x1, y1, ...]` as flat fractions."""
    sizes = (width, height) * (len(points) // 2)
    return [v / s for v, s in zip(points, sizes, strict=True)]


def box_to_pixels(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """Fractions `(x1, y1, x2, y2)` as pixels `(x1, y1, x2, y2)`."""
    x1, y1, x2, y2 = box
    across, down = width * MILLION, height * MILLION
    return (
        (x1 * across + 0.5) // 1.0 / MILLION, (y1 * down + 0.5) // 1.0 / MILLION,
        (x2 * across + 0.5) // 1.0 / MILLION, (y2 * down + 0.5) // 1.0 / MILLION,
    )  # fmt: skip


def box_to_fractions(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """Pixels `(x1, y1, x2, y2)` as fractions `(x1, y1, x2, y2)`."""
    x1, y1, x2, y2 = box
    return (x1 / width, y1 / height, x2 / width, y2 / height)
