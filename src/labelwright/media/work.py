"""A picture on its way through a recipe, and how its settings are read."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelwright.errors import Invalid

Matrix = NDArray[np.float64]
Box = tuple[int, int, int, int]


@dataclass
class Work:
    """A picture on its way: pixels (None: only the places are wanted), size, and where a point of the original went.

    `boxes`: `x1, y1, x2, y2` in pixels of its objects at its end, for what is done to them alone; `holes`: what was blotted out."""

    image: Image.Image | None
    width: int
    height: int
    matrix: Matrix = field(default_factory=lambda: np.eye(3))
    boxes: Sequence[Box] = ()
    holes: list[Box] = field(default_factory=list)

    def place(self, matrix: Matrix, size: tuple[int, int]) -> None:
        """Note a change of places; `matrix` takes present pixels to new ones."""
        self.matrix = matrix @ self.matrix
        self.width, self.height = size


Step = Callable[[Work], None]
Chance = Callable[[Work, random.Random], None]


def fields_of(value: Any, name: str) -> dict[str, Any]:
    """The settings of a step. Raises `Invalid` unless they are an object."""
    if not isinstance(value, dict):
        raise Invalid(f"{name} must be an object.", field=name)
    return value


def number(fields: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    """A number of these settings. Raises `Invalid` when it is none or out of its range."""
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Invalid(f"{name} must be a number from {least:g} to {most:g}.", field=name)
    return float(value)
