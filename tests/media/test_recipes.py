"""What is done to the pictures of a version: labels go where their pixels go, the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelwright.errors import Invalid
from labelwright.geometry import measures
from labelwright.geometry.document import Document, LabelObject, Polygon, Rectangle
from labelwright.media import moving, recipes
from labelwright.media.looks import CONTRASTS
from labelwright.media.places import FITS
from labelwright.media.work import Work

WIDTH, HEIGHT = 200, 120
# A white square on grey, in pixels.
SPOT = (90, 50, 114, 74)
BEFORE: dict[str, Any] = {
    **{fit: {"resize": {"width": 96, "height": 96, "format": fit}} for fit in FITS},
    "static crop": {"static-crop": {"x_min": 20, "x_max": 90, "y_min": 10, "y_max": 80}},
    "tile": {"tile": {"rows": 1, "columns": 1}, "resize": {"width": 100, "height": 60, "format": FITS[0]}},
    "grayscale": {"grayscale": True},
    **{name: {"contrast": {"type": name}} for name in CONTRASTS},
}
AFTER: dict[str, Any] = {
    "flip": {"horizontal": True, "vertical": True},
    "ninety": {"clockwise": True, "counter-clockwise": True, "upside-down": True},
    "crop": {"min": 5, "max": 20},
    "rotate": {"degrees": 25},
    "shear": {"horizontal": 10, "vertical": 10},
    "brightness": {"percent": 20, "brighten": True, "darken": True},
    "blur": {"pixels": 1.5},
    "noise": {"percent": 2},
    "exposure": {"percent": 30},
    "hue": {"degrees": 180},
    "saturation": {"percent": 90},
    "rgrayscale": {"percent": 50},
    "bbbrightness": {"percent": 20},
    "bbexposure": {"percent": 30},
    "bbblur": {"pixels": 1.5},
    "bbnoise": {"percent": 2},
}


def picture() -> Image.Image:
    pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    x1, y1, x2, y2 = SPOT
    pixels[y1:y2, x1:x2] = 250
    return Image.fromarray(pixels)


def labels() -> Document:
    x1, y1, x2, y2 = SPOT
    box = (x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT)
    ring = [box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]]
    return Document([LabelObject(1, "spot", Rectangle(box)), LabelObject(2, "spot", Polygon([[ring]]))])


def through(settings: dict[str, Any], seed: int) -> tuple[Image.Image, Work, Document]:
    """The picture, where its places went, and the labels, after a recipe; places are computed without pixels too."""
    recipe = recipes.parse(settings)
    bare = recipes.run(recipe, Work(None, WIDTH, HEIGHT), seed, 0, vary=True)
    boxes = moving.boxes(moving.document(labels(), WIDTH, HEIGHT, bare), bare.width, bare.height)
    work = recipes.run(recipe, Work(picture(), WIDTH, HEIGHT, boxes=boxes), seed, 0, vary=True)
    assert np.allclose(bare.matrix, work.matrix)
    assert bare.holes == work.holes
    assert work.image is not None
    assert work.image.size == (work.width, work.height) == (bare.width, bare.height)
    return work.image, work, moving.document(labels(), WIDTH, HEIGHT, bare)


def middle(image: Image.Image) -> tuple[float, float]:
    """Where the white pixels' middle is, noise left out."""
    light = np.asarray(image.convert("L")).astype(float)
    rows, columns = np.nonzero(light > (light.max() + np.median(light)) / 2)
    return float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5


def check(settings: dict[str, Any], seed: int) -> None:
    image, work, found = through(settings, seed)
    x, y = middle(image)
    assert len(found.objects) == 2
    for item in found.objects:
        assert item.shape is not None
        x1, y1, x2, y2 = measures.bounds(item.shape)
        assert abs((x1 + x2) / 2 * work.width - x) < 2.5, (item, x, work.width)
        assert abs((y1 + y2) / 2 * work.height - y) < 2.5, (item, y, work.height)
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
    assert recipes.jpeg(through(settings, seed)[0]) == recipes.jpeg(image), "the same bytes each time"


@pytest.mark.parametrize("name", [n for n in BEFORE if "reflect" not in n and "white" not in n])
def test_prepared_pictures_keep_their_labels(name: str) -> None:
    check({"preprocessing": BEFORE[name], "augmentation": {}}, 1)


@pytest.mark.parametrize("name", AFTER)
def test_varied_pictures_keep_their_labels(name: str) -> None:
    for seed in range(8):
        check({"preprocessing": {}, "augmentation": {name: AFTER[name]}}, seed)


def test_everything_together() -> None:
    kept = {k: v for k, v in AFTER.items() if k != "noise"}
    for seed in range(8):
        check({"preprocessing": BEFORE["static crop"] | {"auto-orient": True}, "augmentation": kept}, seed)


def changed(settings: dict[str, Any], seed: int) -> Any:
    """Which pixels a recipe changes, of a coloured picture."""
    before = np.asarray(colored()).astype(int)
    work = recipes.run(recipes.parse(settings), Work(colored(), WIDTH, HEIGHT, boxes=[SPOT]), seed, 0, vary=True)
    return (np.asarray(work.image).astype(int) != before).any(axis=2)


def colored() -> Image.Image:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rough = x * 7 % 30 + y * 11 % 25
    return Image.fromarray(np.stack([x + rough, y + rough, 255 - x - rough], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("name", ["bbbrightness", "bbexposure", "bbblur", "bbnoise"])
def test_what_is_done_to_boxes_is_done_inside_them(name: str) -> None:
    touched = 0
    for seed in range(4):
        found = changed({"augmentation": {name: {"percent": 60, "pixels": 4}}}, seed)
        inside = np.zeros_like(found)
        inside[SPOT[1] : SPOT[3], SPOT[0] : SPOT[2]] = True
        touched += found[inside].any()
        assert not found[~inside].any()
    assert touched


@pytest.mark.parametrize("name", ["exposure", "hue", "saturation", "rgrayscale"])
def test_colours_change_everywhere(name: str) -> None:
    shares = [changed({"augmentation": {name: {"percent": 100 if name == "rgrayscale" else 60, "degrees": 90}}}, seed).mean()
              for seed in range(6)]  # fmt: skip
    assert max(shares) > 0.8


@pytest.mark.parametrize("name", CONTRASTS)
def test_contrast_is_raised(name: str) -> None:
    dull = Image.fromarray((np.asarray(colored()) // 6 + 90).astype(np.uint8))
    work = recipes.run(
        recipes.parse({"preprocessing": {"contrast": {"type": name}}}), Work(dull, WIDTH, HEIGHT), 1, 0, vary=False
    )
    assert work.image is not None
    assert np.asarray(work.image.convert("L")).std() > 1.1 * np.asarray(dull.convert("L")).std()


def test_what_is_blotted_out_has_no_label() -> None:
    gone = kept = 0
    for seed in range(30):
        image, work, found = through({"augmentation": {"cutout": {"count": 3, "percent": 40}}}, seed)
        dark = (np.asarray(image.convert("L")) == 0).mean()
        assert 0 < dark < 0.5
        x1, y1, x2, y2 = SPOT
        light = np.asarray(image.convert("L"))[y1:y2, x1:x2] > 0
        covered = any(a <= x1 and b <= y1 and x2 <= c and y2 <= d for a, b, c, d in work.holes)
        assert len(found.objects) == (0 if covered else 2)
        assert light.any() or not covered or not found.objects
        gone, kept = gone + covered, kept + (not covered)
    assert gone
    assert kept


def test_edges_are_what_they_are_called() -> None:
    corners = {}
    for fit in FITS[3:]:
        image, _, _ = through({"preprocessing": BEFORE[fit], "augmentation": {}}, 1)
        corners[fit] = image.getpixel((2, 2))
    assert corners == {
        "Fit (black edges) in": (0, 0, 0), "Fit (white edges) in": (255, 255, 255),
        "Fit (gray edges) in": (114, 114, 114), "Fit (reflect edges) in": (60, 60, 60),
    }  # fmt: skip


def test_what_is_not_known_is_refused_by_name() -> None:
    for settings, words in (
        ({"preprocessing": {"resize": {"width": 9, "height": 9, "format": "Squeeze into"}}}, "Squeeze into"),
        ({"preprocessing": {"isolate": True}}, "isolate"),
        ({"augmentation": {"bbrotate": {"degrees": 5}}}, "bbrotate"),
        ({"preprocessing": {"contrast": {"type": "More"}}}, "More"),
        ({"preprocessing": {"filter-null": {"percent": 50}, "tile": {"rows": 2, "columns": 1}}}, "tile"),
        ({"augmentation": {"cutout": {"count": 1000}}}, "count"),
        ({"preprocessing": {"static-crop": {"x_min": 50, "x_max": 40}}}, "keeps nothing"),
        ({"augmentation": {"rotate": {"degrees": 500}}}, "degrees"),
    ):
        with pytest.raises(Invalid, match=words):
            recipes.parse({"preprocessing": {}, "augmentation": {}} | settings)


def test_all_faults_are_named_by_step_and_setting() -> None:
    with pytest.raises(Invalid) as refused:
        recipes.parse({
            "preprocessing": {"resize": {"width": 0, "height": 9}, "tile": {"rows": 50}, "remap": {"a": 5}},
            "augmentation": {"rotate": {"degrees": "x"}, "blur": 3, "noise": {"percent": 1}, "image": {"versions": 0}},
        })  # fmt: skip
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["tile.rows", "image.versions", "resize.width", "rotate.degrees", "blur", "remap"]
