"""Steps that move what is in a picture: cutting, resizing, turning, each noting where the points went."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from labelwright.errors import Invalid
from labelwright.media.work import Chance, Matrix, Step, Work, fields_of, number

FITS = (
    "Stretch to", "Fill (with center crop) in", "Fit within", "Fit (black edges) in", "Fit (white edges) in",
    "Fit (reflect edges) in", "Fit (gray edges) in",
)  # fmt: skip
EDGES = {FITS[3]: "black", FITS[4]: "white", FITS[6]: "#727272"}
MOST_PIXELS = 10_000


def crop(work: Work, box: tuple[int, int, int, int]) -> None:
    """Cut out `x1, y1, x2, y2` in pixels."""
    x1, y1, x2, y2 = box
    if work.image is not None:
        work.image = work.image.crop(box)
    work.place(np.array([[1.0, 0, -x1], [0, 1, -y1], [0, 0, 1]]), (x2 - x1, y2 - y1))


def scale(work: Work, width: int, height: int) -> None:
    """Stretch to a size."""
    if work.image is not None and work.image.size != (width, height):
        work.image = work.image.resize((width, height), Image.Resampling.LANCZOS)
    work.place(np.diag([width / work.width, height / work.height, 1.0]), (width, height))


def fill(work: Work, width: int, height: int) -> None:
    """Cut the middle out and stretch it to a size, proportions kept."""
    share = max(width / work.width, height / work.height)
    wide, high = (min(round(n / share), m) for n, m in ((width, work.width), (height, work.height)))
    x, y = (work.width - wide) // 2, (work.height - high) // 2
    crop(work, (x, y, x + max(wide, 1), y + max(high, 1)))
    scale(work, width, height)


def _resize(fields: Any) -> Step:
    fields = fields_of(fields, "resize")
    width, height = (int(number(fields, n, 0, 1, MOST_PIXELS)) for n in ("width", "height"))
    fit = fields.get("format", FITS[0])
    if fit not in FITS:
        raise Invalid(
            f"{fit!r} is no format of resize that is done here; known are {', '.join(FITS)}.", field="resize.format"
        )

    def stretch(work: Work) -> None:
        scale(work, width, height)

    def filled(work: Work) -> None:
        fill(work, width, height)

    def within(work: Work) -> None:
        share = min(width / work.width, height / work.height)
        scale(work, max(1, round(work.width * share)), max(1, round(work.height * share)))

    def framed(work: Work) -> None:
        within(work)
        x, y = (width - work.width) // 2, (height - work.height) // 2
        if work.image is not None:
            work.image = _framed(work.image, (width, height), (x, y), EDGES.get(fit))
        work.place(np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]]), (width, height))

    return dict(zip(FITS, (stretch, filled, within, framed, framed, framed, framed), strict=True))[fit]


def _framed(image: Image.Image, size: tuple[int, int], at: tuple[int, int], color: str | None) -> Image.Image:
    """The picture in a larger one, with edges of a colour, or (None) with its own reflection."""
    if color is not None:
        canvas = Image.new("RGB", size, color)
        canvas.paste(image, at)
        return canvas
    (width, height), (x, y) = size, at
    edges = ((y, height - y - image.height), (x, width - x - image.width), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), edges, "symmetric"))


def _static_crop(fields: Any) -> Step:
    fields = fields_of(fields, "static-crop")
    x1, x2, y1, y2 = (
        number(fields, n, d, 0, 100) for n, d in (("x_min", 0), ("x_max", 100), ("y_min", 0), ("y_max", 100))
    )
    if x1 >= x2 or y1 >= y2:
        raise Invalid("static-crop keeps nothing: x_min and y_min must be below x_max and y_max.", field="static-crop")

    def step(work: Work) -> None:
        w, h = work.width / 100, work.height / 100
        left, top = int(x1 * w), int(y1 * h)
        crop(work, (left, top, max(left + 1, round(x2 * w)), max(top + 1, round(y2 * h))))

    return step


PREPARE: dict[str, Callable[[Any], Step]] = {"static-crop": _static_crop, "resize": _resize}


def _moved(work: Work, matrix: Matrix, size: tuple[int, int]) -> None:
    """Any change of places: the pixels are looked up backwards."""
    if work.image is not None:
        back = np.linalg.inv(matrix)
        work.image = work.image.transform(
            size, Image.Transform.AFFINE, tuple(back[:2].ravel()), Image.Resampling.BICUBIC
        )
    work.place(matrix, size)


def _mirror(work: Work, horizontal: bool) -> None:
    across, down = (-1, 1) if horizontal else (1, -1)
    x, y = (work.width, 0) if horizontal else (0, work.height)
    if work.image is not None:
        work.image = ImageOps.mirror(work.image) if horizontal else ImageOps.flip(work.image)
    work.place(np.array([[across, 0, x], [0, down, y], [0, 0, 1.0]]), (work.width, work.height))


def _flip(fields: dict[str, Any]) -> Chance:
    def vary(work: Work, chance: random.Random) -> None:
        for name in ("horizontal", "vertical"):
            if fields.get(name) and chance.random() < 0.5:
                _mirror(work, name == "horizontal")

    return vary


TURNS = {"clockwise": (Image.Transpose.ROTATE_270, ((0, -1, 1, 0), (1, 0))),
         "counter-clockwise": (Image.Transpose.ROTATE_90, ((0, 1, -1, 0), (0, 1))),
         "upside-down": (Image.Transpose.ROTATE_180, ((-1, 0, 0, -1), (1, 1)))}  # fmt: skip


def _ninety(fields: dict[str, Any]) -> Chance:
    def vary(work: Work, chance: random.Random) -> None:
        turn = chance.choice(["", *(name for name in TURNS if fields.get(name))])
        if not turn:
            return
        transpose, ((a, b, c, d), (along, down)) = TURNS[turn]
        size = (work.width, work.height) if turn == "upside-down" else (work.height, work.width)
        if work.image is not None:
            work.image = work.image.transpose(transpose)
        work.place(np.array([[a, b, along * size[0]], [c, d, down * size[1]], [0, 0, 1.0]]), size)

    return vary


def _about_middle(work: Work, linear: Matrix) -> None:
    middle = np.array([[1.0, 0, work.width / 2], [0, 1, work.height / 2], [0, 0, 1]])
    _moved(work, middle @ linear @ np.linalg.inv(middle), (work.width, work.height))


def _rotate(fields: dict[str, Any]) -> Chance:
    most = number(fields, "degrees", 0, 0, 180)

    def vary(work: Work, chance: random.Random) -> None:
        angle = math.radians(chance.uniform(-most, most))
        cos, sin = math.cos(angle), math.sin(angle)
        _about_middle(work, np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]))

    return vary


def _shear(fields: dict[str, Any]) -> Chance:
    across, down = (number(fields, name, 0, 0, 60) for name in ("horizontal", "vertical"))

    def vary(work: Work, chance: random.Random) -> None:
        x, y = (math.tan(math.radians(chance.uniform(-most, most))) for most in (across, down))
        _about_middle(work, np.array([[1.0, x, 0], [0, 1, 0], [0, 0, 1]]))
        if y:
            _about_middle(work, np.array([[1.0, 0, 0], [y, 1, 0], [0, 0, 1]]))

    return vary


def _zoom(fields: dict[str, Any]) -> Chance:
    least = number(fields, "min", 0, 0, 99)
    most = number(fields, "max", max(least, number(fields, "percent", 0, 0, 99)), least, 99)

    def vary(work: Work, chance: random.Random) -> None:
        keep = 1 - chance.uniform(least, most) / 100
        width, height = work.width, work.height
        wide, high = max(1, round(width * keep)), max(1, round(height * keep))
        x, y = chance.randint(0, width - wide), chance.randint(0, height - high)
        crop(work, (x, y, x + wide, y + high))
        scale(work, width, height)

    return vary


VARY: dict[str, Callable[[dict[str, Any]], Chance]] = {
    "flip": _flip, "ninety": _ninety, "crop": _zoom, "rotate": _rotate, "shear": _shear,
}  # fmt: skip
