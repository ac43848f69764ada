"""Whole datasets as archives, made on the spot."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence

from tests.support import pictures

SPLITS = ("train", "train", "valid", "test")


def labelme(count: int, classes: Sequence[str], width: int = 64, height: int = 48) -> bytes:
    """A LabelMe archive of so many pictures, in splits; the n-th holds boxes of the first classes, one more of each than of
    the one before, beginning with one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            name = f"{SPLITS[number % 4]}/{number:04}"
            shapes = [
                {"label": label, "shape_type": "rectangle", "points": [[4 + place, 4], [30 + place, 30]]}
                for place, label in enumerate(classes[: number % len(classes) + 1])
            ]
            body = {"imagePath": f"{number:04}.png", "imageWidth": width, "imageHeight": height, "shapes": shapes}
            archive.writestr(f"{name}.png", pictures.picture(width, height, seed=number))
            archive.writestr(f"{name}.json", json.dumps(body))
    return out.getvalue()
