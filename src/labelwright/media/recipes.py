"""What is done to the pictures of a dataset version: prepared all alike, then varied by chance that is the same each time.

A picture goes through steps that each change pixels (`media.looks`), places (`media.places`), or both; places are one matrix in
the end, by which the labels are moved (`media.moving`). The same picture, recipe and copy give the same bytes."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from PIL import Image, ImageOps

from labelwright.errors import Invalid, Problem
from labelwright.media import looks, places
from labelwright.media.work import Chance, Step, Work, fields_of, number

T = TypeVar("T")
MOST_COPIES = 50
# In this order they are done, whatever the order of the settings: the same settings are the same pictures.
PREPARE: dict[str, Callable[[Any], Step]] = {**places.PREPARE, **looks.PREPARE}
VARY: dict[str, Callable[[dict[str, Any]], Chance]] = {**places.VARY, **looks.VARY}
# Not steps of a picture alone: its orientation, how it is divided, which pictures and classes there are at all.
OF_DATASET = ("auto-orient", "tile", "remap", "filter-null")


@dataclass(frozen=True)
class Recipe:
    """Checked settings. `copies`: pictures that come out of one for training; `tiles`: rows and columns; `classes`: new names
    of classes ("": left out); `labeled`: the least share of pictures that have labels; `mosaic`: four pictures in one, at times."""

    orient: bool
    steps: tuple[Step, ...]
    chances: tuple[Chance, ...]
    copies: int
    tiles: tuple[int, int]
    mosaic: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)
    labeled: float = 0

    @property
    def plain(self) -> bool:
        """Whether pictures stay as they are."""
        return not self.steps and not self.chances and self.tiles == (1, 1) and not self.mosaic

    def outputs(self, split: str) -> int:
        """How many pictures come out of one of this split."""
        return (self.copies if split == "train" else 1) * self.tiles[0] * self.tiles[1]


def parse(settings: Mapping[str, Any]) -> Recipe:
    """A recipe from `{"preprocessing": {...}, "augmentation": {...}}`. Raises `Invalid` naming all that is wrong or not known,
    by step and setting."""
    before, after = (fields_of(settings.get(name) or {}, name) for name in ("preprocessing", "augmentation"))
    _known(before, (*OF_DATASET, *PREPARE))
    _known(after, ("image", "mosaic", *VARY))
    faults: list[Problem] = []
    tiles = _taken("tile", faults, lambda: _tiles(before.get("tile") or {"rows": 1, "columns": 1})) or (1, 1)
    copies = _taken("image", faults, lambda: _copies(after.get("image") or {})) or 1
    steps = [_taken(name, faults, partial(PREPARE[name], before[name])) for name in PREPARE if before.get(name)]
    chances = [_taken(name, faults, partial(_chance, name, after[name])) for name in VARY if after.get(name)]
    classes = _taken("remap", faults, lambda: _classes(before.get("remap") or {})) or {}
    labeled = _taken("filter-null", faults, lambda: _labeled(before, tiles)) or 0
    if faults:
        raise Invalid(problems=faults)
    mosaic = bool(after.get("mosaic"))
    return Recipe(
        bool(before.get("auto-orient")), tuple(s for s in steps if s), tuple(c for c in chances if c),
        copies if chances or mosaic else 1, tiles, mosaic, classes, labeled,
    )  # fmt: skip


def _taken(step: str, faults: list[Problem], make: Callable[[], T]) -> T | None:
    """What `make` answers; None when it refuses, with what it says added to `faults` under the step's name."""
    try:
        return make()
    except Invalid as error:
        for fault in error.problems:
            named = fault.field.split(".")[0] == step
            faults.append(Problem(fault.message, fault.field if named else f"{step}.{fault.field}"))
        return None


def _chance(name: str, given: Any) -> Chance:
    return VARY[name](fields_of(given, name))


def _tiles(given: Any) -> tuple[int, int]:
    fields = fields_of(given, "tile")
    return int(number(fields, "rows", 1, 1, 20)), int(number(fields, "columns", 1, 1, 20))


def _copies(given: Any) -> int:
    return int(number(fields_of(given, "image"), "versions", 1, 1, MOST_COPIES))


def _known(given: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            raise Invalid(f"{name!r} is not done here; known are {', '.join(names)}.", field=name)


def _classes(given: Any) -> dict[str, str]:
    """New names of classes by old; "" and null leave a class out."""
    found = {name: "" if new is None else new for name, new in fields_of(given, "remap").items()}
    if not all(isinstance(new, str) and len(new) <= 200 for new in found.values()):
        raise Invalid("remap gives each class its new name, a text of at most 200 characters, or null.", field="remap")
    return {name: new.strip() for name, new in found.items()}


def _labeled(before: dict[str, Any], tiles: tuple[int, int]) -> float:
    share = number(fields_of(before.get("filter-null") or {}, "filter-null"), "percent", 0, 0, 100) / 100
    if share and tiles != (1, 1):
        raise Invalid("filter-null is done to whole pictures here, so not together with tile.", field="filter-null")
    return share


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
        places.crop(work, (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)))
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
