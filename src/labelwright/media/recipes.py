"""What is done to the pictures of a dataset version: prepared all alike, then varied by chance that is the same each time.

A picture goes through steps that each change pixels, places, or both; places are one matrix in the end, by which the labels
are moved (`media.moving`). The same picture, recipe and copy give the same bytes."""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from labelwright.errors import Invalid

Matrix = NDArray[np.float64]
FITS = (
    "Stretch to", "Fill (with center crop) in", "Fit within", "Fit (black edges) in", "Fit (white edges) in",
    "Fit (reflect edges) in", "Fit (gray edges) in",
)  # fmt: skip
EDGES = {FITS[3]: "black", FITS[4]: "white", FITS[6]: "#727272"}
MOST_PIXELS = 10_000
MOST_COPIES = 50


@dataclass
class Work:
    """A picture on its way: pixels (None: only the places are wanted), size, and where a point of the original went."""

    image: Image.Image | None
    width: int
    height: int
    matrix: Matrix = field(default_factory=lambda: np.eye(3))

    def place(self, matrix: Matrix, size: tuple[int, int]) -> None:
        """Note a change of places; `matrix` takes present pixels to new ones."""
        self.matrix = matrix @ self.matrix
        self.width, self.height = size


Step = Callable[[Work], None]
Chance = Callable[[Work, random.Random], None]


@dataclass(frozen=True)
class Recipe:
    """Checked settings. `copies`: pictures that come out of one for training; `tiles`: rows and columns."""

    orient: bool
    steps: tuple[Step, ...]
    chances: tuple[Chance, ...]
    copies: int
    tiles: tuple[int, int]

    @property
    def plain(self) -> bool:
        """Whether pictures stay as they are."""
        return not self.steps and not self.chances and self.tiles == (1, 1)

    def outputs(self, split: str) -> int:
        """How many pictures come out of one of this split."""
        return (self.copies if split == "train" else 1) * self.tiles[0] * self.tiles[1]


def parse(settings: Mapping[str, Any]) -> Recipe:
    """A recipe from `{"preprocessing": {...}, "augmentation": {...}}`. Raises `Invalid` naming what is wrong or not known."""
    before, after = _part(settings, "preprocessing"), _part(settings, "augmentation")
    for name in before:
        if name not in PREPARE and name not in ("auto-orient", "tile"):
            raise Invalid(f"{name!r} is not done here; known are auto-orient, tile, {', '.join(PREPARE)}.", field=name)
    for name in after:
        if name not in VARY and name != "image":
            raise Invalid(f"{name!r} is not done here; known are image, {', '.join(VARY)}.", field=name)
    tile = _fields(before.get("tile") or {"rows": 1, "columns": 1}, "tile")
    tiles = (int(_number(tile, "rows", 1, 1, 20)), int(_number(tile, "columns", 1, 1, 20)))
    copies = int(_number(_fields(after.get("image") or {}, "image"), "versions", 1, 1, MOST_COPIES))
    # In this order whatever the order of the keys: the same settings are the same pictures.
    steps = tuple(PREPARE[name](before[name]) for name in PREPARE if before.get(name))
    chances = tuple(VARY[name](_fields(after[name], name)) for name in VARY if after.get(name))
    return Recipe(bool(before.get("auto-orient")), steps, chances, copies if chances else 1, tiles)


def _part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = settings.get(name) or {}
    if not isinstance(value, dict):
        raise Invalid(f"{name} must be an object.", field=name)
    return value


def _fields(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{name} must be an object.", field=name)
    return value


def _number(fields: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Invalid(f"{name} must be a number from {least:g} to {most:g}.", field=name)
    return float(value)


def seed_of(sha256: bytes, position: int, copy: int) -> int:
    """The chance that belongs to a copy of a picture."""
    return int.from_bytes(hashlib.sha256(sha256 + f":{position}:{copy}".encode()).digest()[:8], "big")


def run(recipe: Recipe, work: Work, seed: int, tile: int, *, vary: bool) -> Work:
    """Take a picture through the recipe; `tile`: which of its tiles, by rows. Only pictures for training are varied."""
    if tile or recipe.tiles != (1, 1):
        rows, columns = recipe.tiles
        row, column = divmod(tile, columns)
        x1, x2 = (work.width * i // columns for i in (column, column + 1))
        y1, y2 = (work.height * i // rows for i in (row, row + 1))
        crop(work, (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)))
    for step in recipe.steps:
        step(work)
    if vary:
        chance = random.Random(seed)  # noqa: S311 (not a secret: repeatable on purpose)
        for variation in recipe.chances:
            variation(work, chance)
    return work


def opened(body: bytes) -> Image.Image:
    """A picture's pixels as displayed."""
    with Image.open(io.BytesIO(body)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def turned(body: bytes) -> bool:
    """Whether a file says that it is to be shown turned."""
    with Image.open(io.BytesIO(body)) as image:
        return image.getexif().get(0x0112, 1) not in (0, 1)


def jpeg(image: Image.Image) -> bytes:
    """The pixels as a file."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


# --- steps -----------------------------------------------------------------------------------------------------------


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


def _resize(fields: Any) -> Step:
    fields = _fields(fields, "resize")
    width, height = (int(_number(fields, n, 0, 1, MOST_PIXELS)) for n in ("width", "height"))
    fit = fields.get("format", FITS[0])
    if fit not in FITS:
        raise Invalid(
            f"{fit!r} is no format of resize that is done here; known are {', '.join(FITS)}.", field="resize.format"
        )

    def stretch(work: Work) -> None:
        scale(work, width, height)

    def fill(work: Work) -> None:
        share = max(width / work.width, height / work.height)
        wide, high = (min(round(n / share), m) for n, m in ((width, work.width), (height, work.height)))
        x, y = (work.width - wide) // 2, (work.height - high) // 2
        crop(work, (x, y, x + max(wide, 1), y + max(high, 1)))
        scale(work, width, height)

    def within(work: Work) -> None:
        share = min(width / work.width, height / work.height)
        scale(work, max(1, round(work.width * share)), max(1, round(work.height * share)))

    def framed(work: Work) -> None:
        within(work)
        x, y = (width - work.width) // 2, (height - work.height) // 2
        if work.image is not None:
            work.image = _framed(work.image, (width, height), (x, y), EDGES.get(fit))
        work.place(np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]]), (width, height))

    return dict(zip(FITS, (stretch, fill, within, framed, framed, framed, framed), strict=True))[fit]


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
    fields = _fields(fields, "static-crop")
    x1, x2, y1, y2 = (
        _number(fields, n, d, 0, 100) for n, d in (("x_min", 0), ("x_max", 100), ("y_min", 0), ("y_max", 100))
    )
    if x1 >= x2 or y1 >= y2:
        raise Invalid("static-crop keeps nothing: x_min and y_min must be below x_max and y_max.", field="static-crop")

    def step(work: Work) -> None:
        w, h = work.width / 100, work.height / 100
        left, top = int(x1 * w), int(y1 * h)
        crop(work, (left, top, max(left + 1, round(x2 * w)), max(top + 1, round(y2 * h))))

    return step


def _grayscale(_wanted: Any) -> Step:
    def step(work: Work) -> None:
        if work.image is not None:
            work.image = work.image.convert("L").convert("RGB")

    return step


PREPARE: dict[str, Callable[[Any], Step]] = {
    "static-crop": _static_crop, "resize": _resize, "grayscale": _grayscale,
}  # fmt: skip


# --- chances ---------------------------------------------------------------------------------------------------------


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
    most = _number(fields, "degrees", 0, 0, 180)

    def vary(work: Work, chance: random.Random) -> None:
        angle = math.radians(chance.uniform(-most, most))
        cos, sin = math.cos(angle), math.sin(angle)
        _about_middle(work, np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]))

    return vary


def _shear(fields: dict[str, Any]) -> Chance:
    across, down = (_number(fields, name, 0, 0, 60) for name in ("horizontal", "vertical"))

    def vary(work: Work, chance: random.Random) -> None:
        x, y = (math.tan(math.radians(chance.uniform(-most, most))) for most in (across, down))
        _about_middle(work, np.array([[1.0, x, 0], [0, 1, 0], [0, 0, 1]]))
        if y:
            _about_middle(work, np.array([[1.0, 0, 0], [y, 1, 0], [0, 0, 1]]))

    return vary


def _zoom(fields: dict[str, Any]) -> Chance:
    least = _number(fields, "min", 0, 0, 99)
    most = _number(fields, "max", max(least, _number(fields, "percent", 0, 0, 99)), least, 99)

    def vary(work: Work, chance: random.Random) -> None:
        keep = 1 - chance.uniform(least, most) / 100
        width, height = work.width, work.height
        wide, high = max(1, round(width * keep)), max(1, round(height * keep))
        x, y = chance.randint(0, width - wide), chance.randint(0, height - high)
        crop(work, (x, y, x + wide, y + high))
        scale(work, width, height)

    return vary


def _brightness(fields: dict[str, Any]) -> Chance:
    most = _number(fields, "percent", 0, 0, 99) / 100
    up, down = fields.get("brighten", True), fields.get("darken", True)

    def vary(work: Work, chance: random.Random) -> None:
        factor = 1 + chance.uniform(-most if down else 0, most if up else 0)
        if work.image is not None:
            work.image = ImageEnhance.Brightness(work.image).enhance(factor)

    return vary


def _blur(fields: dict[str, Any]) -> Chance:
    most = _number(fields, "pixels", 0, 0, 100)

    def vary(work: Work, chance: random.Random) -> None:
        radius = chance.uniform(0, most)
        if work.image is not None:
            work.image = work.image.filter(ImageFilter.GaussianBlur(radius))

    return vary


def _noise(fields: dict[str, Any]) -> Chance:
    most = _number(fields, "percent", 0, 0, 100) / 100

    def vary(work: Work, chance: random.Random) -> None:
        share, seed = chance.uniform(0, most), chance.getrandbits(32)
        if work.image is None:
            return
        grain = np.random.default_rng(seed).random((work.height, work.width))
        pixels = np.array(work.image)
        pixels[grain < share / 2] = 0
        pixels[grain > 1 - share / 2] = 255
        work.image = Image.fromarray(pixels)

    return vary


VARY: dict[str, Callable[[dict[str, Any]], Chance]] = {
    "flip": _flip, "ninety": _ninety, "crop": _zoom, "rotate": _rotate, "shear": _shear, "brightness": _brightness,
    "blur": _blur, "noise": _noise,
}  # fmt: skip
