"""Steps that change how a picture looks and move nothing: colours, light, sharpness, noise, holes; whole or inside boxes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from labelwright.errors import Invalid
from labelwright.media.work import Chance, Step, Work, fields_of, number

Change = Callable[[Image.Image], Image.Image]
# Draws its chance, and gives what is to be done then. The same draws whether there are pixels or not.
Look = Callable[[random.Random], Change]
GRID = 8
CLIP = 0.03
MOST_HOLES = 100


# --- the same for every picture --------------------------------------------------------------------------------------


def _grayscale(_wanted: Any) -> Step:
    return _step(_gray)


def _gray(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _step(change: Change) -> Step:
    def step(work: Work) -> None:
        if work.image is not None:
            work.image = change(work.image)

    return step


def _contrast(wanted: Any) -> Step:
    name = fields_of(wanted, "contrast").get("type", next(iter(CONTRASTS)))
    if name not in CONTRASTS:
        raise Invalid(f"{name!r} is no type of contrast; known are {', '.join(CONTRASTS)}.", field="contrast.type")
    return _step(CONTRASTS[name])


def _stretch(image: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(image, cutoff=(2, 2), preserve_tone=True)


def _of_light(change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Change:
    """A change of lightness that leaves colours as they are."""

    def changed(image: Image.Image) -> Image.Image:
        light, *colors = image.convert("YCbCr").split()
        return Image.merge("YCbCr", [Image.fromarray(change(np.asarray(light))), *colors]).convert("RGB")

    return changed


def _even(light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _curve(np.bincount(light.ravel(), minlength=256).astype(float))[light].round().astype(np.uint8)


def _curve(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which lightness each becomes so that all are as frequent; `counts`: pixels of each of 256."""
    return np.cumsum(counts) / max(counts.sum(), 1) * 255


def _even_nearby(light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each part of the picture by itself, no contrast raised beyond a limit, parts blending into one another."""
    height, width = light.shape
    down, across = min(GRID, height), min(GRID, width)
    curves = np.empty((down, across, 256))
    for y in range(down):
        for x in range(across):
            part = light[height * y // down : height * (y + 1) // down, width * x // across : width * (x + 1) // across]
            counts = np.bincount(part.ravel(), minlength=256).astype(float)
            most = max(1.0, CLIP * part.size)
            over = np.clip(counts - most, 0, None).sum()
            curves[y, x] = _curve(np.minimum(counts, most) + over / 256)
    y1, y2, dy = _between(height, down)
    x1, x2, dx = _between(width, across)
    rows1, rows2, cols1, cols2 = y1[:, None], y2[:, None], x1[None], x2[None]
    above = curves[rows1, cols1, light] * (1 - dx) + curves[rows1, cols2, light] * dx
    below = curves[rows2, cols1, light] * (1 - dx) + curves[rows2, cols2, light] * dx
    return (above * (1 - dy[:, None]) + below * dy[:, None]).round().astype(np.uint8)


def _between(size: int, parts: int) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float64]]:
    """For each pixel of a side the two parts whose middles it lies between, and how far it is from the first."""
    at = np.clip((np.arange(size) + 0.5) * parts / size - 0.5, 0, parts - 1)
    first = np.floor(at).astype(int)
    return first, np.minimum(first + 1, parts - 1), at - first


CONTRASTS: dict[str, Change] = {
    "Contrast Stretching": _stretch, "Histogram Equalization": _of_light(_even),
    "Adaptive Equalization": _of_light(_even_nearby),
}  # fmt: skip
PREPARE: dict[str, Callable[[Any], Step]] = {"grayscale": _grayscale, "contrast": _contrast}


# --- by chance -------------------------------------------------------------------------------------------------------


def _brightness(fields: dict[str, Any]) -> Look:
    most = number(fields, "percent", 0, 0, 99) / 100
    up, down = fields.get("brighten", True), fields.get("darken", True)

    def look(chance: random.Random) -> Change:
        factor = 1 + chance.uniform(-most if down else 0, most if up else 0)
        return lambda image: ImageEnhance.Brightness(image).enhance(factor)

    return look


def _blur(fields: dict[str, Any]) -> Look:
    most = number(fields, "pixels", 0, 0, 100)

    def look(chance: random.Random) -> Change:
        radius = chance.uniform(0, most)
        return lambda image: image.filter(ImageFilter.GaussianBlur(radius))

    return look


def _noise(fields: dict[str, Any]) -> Look:
    most = number(fields, "percent", 0, 0, 100) / 100

    def look(chance: random.Random) -> Change:
        share, seed = chance.uniform(0, most), chance.getrandbits(32)

        def change(image: Image.Image) -> Image.Image:
            grain = np.random.default_rng(seed).random((image.height, image.width))
            pixels = np.array(image)
            pixels[grain < share / 2] = 0
            pixels[grain > 1 - share / 2] = 255
            return Image.fromarray(pixels)

        return change

    return look


def _exposure(fields: dict[str, Any]) -> Look:
    most = number(fields, "percent", 0, 0, 99) / 100

    def look(chance: random.Random) -> Change:
        power = 1 / (1 + chance.uniform(-most, most))
        curve = [round(255 * (value / 255) ** power) for value in range(256)] * 3
        return lambda image: image.point(curve)

    return look


def _hue(fields: dict[str, Any]) -> Look:
    most = number(fields, "degrees", 0, 0, 180)

    def look(chance: random.Random) -> Change:
        turn = round(chance.uniform(-most, most) * 256 / 360)

        def change(image: Image.Image) -> Image.Image:
            hue, *rest = image.convert("HSV").split()
            return Image.merge("HSV", [hue.point([(v + turn) % 256 for v in range(256)]), *rest]).convert("RGB")

        return change

    return look


def _saturation(fields: dict[str, Any]) -> Look:
    most = number(fields, "percent", 0, 0, 99) / 100

    def look(chance: random.Random) -> Change:
        factor = 1 + chance.uniform(-most, most)
        return lambda image: ImageEnhance.Color(image).enhance(factor)

    return look


def _sometimes_gray(fields: dict[str, Any]) -> Look:
    share = number(fields, "percent", 0, 0, 100) / 100

    def look(chance: random.Random) -> Change:
        return _gray if chance.random() < share else lambda image: image

    return look


def _whole(of: Callable[[dict[str, Any]], Look]) -> Callable[[dict[str, Any]], Chance]:
    def parsed(fields: dict[str, Any]) -> Chance:
        look = of(fields)

        def vary(work: Work, chance: random.Random) -> None:
            change = look(chance)
            if work.image is not None:
                work.image = change(work.image)

        return vary

    return parsed


def _inside(of: Callable[[dict[str, Any]], Look]) -> Callable[[dict[str, Any]], Chance]:
    """The same inside the box of each object alone, for each by a chance of its own."""

    def parsed(fields: dict[str, Any]) -> Chance:
        look = of(fields)

        def vary(work: Work, chance: random.Random) -> None:
            # Without pixels boxes are not known: later draws must not depend on how many there are.
            own = random.Random(chance.getrandbits(64))  # noqa: S311 (not a secret: repeatable on purpose)
            for box in work.boxes:
                change = look(own)
                if work.image is not None and box[2] > box[0] and box[3] > box[1]:
                    work.image.paste(change(work.image.crop(box)), box[:2])

        return vary

    return parsed


def _cutout(fields: dict[str, Any]) -> Chance:
    count, share = int(number(fields, "count", 1, 0, MOST_HOLES)), number(fields, "percent", 10, 0, 100) / 100

    def vary(work: Work, chance: random.Random) -> None:
        wide, high = round(work.width * share), round(work.height * share)
        for _ in range(count):
            left, top = round(chance.random() * work.width - wide / 2), round(chance.random() * work.height - high / 2)
            work.holes.append((max(left, 0), max(top, 0), min(left + wide, work.width), min(top + high, work.height)))
        if work.image is not None:
            draw = ImageDraw.Draw(work.image)
            for x1, y1, x2, y2 in work.holes:
                if x2 > x1 and y2 > y1:
                    draw.rectangle((x1, y1, x2 - 1, y2 - 1), fill=(0, 0, 0))

    return vary


# In this order they are done. New ones go to the end: what was drawn before stays as it was.
VARY: dict[str, Callable[[dict[str, Any]], Chance]] = {
    "brightness": _whole(_brightness), "blur": _whole(_blur), "noise": _whole(_noise), "exposure": _whole(_exposure),
    "hue": _whole(_hue), "saturation": _whole(_saturation), "rgrayscale": _whole(_sometimes_gray),
    "bbbrightness": _inside(_brightness), "bbexposure": _inside(_exposure), "bbblur": _inside(_blur),
    "bbnoise": _inside(_noise), "cutout": _cutout,
}  # fmt: skip
