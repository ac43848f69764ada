"""The demo's photographs and the labels that people drew on them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from labelwright import demo
from labelwright.geometry.document import LabelObject

FOLDER = Path(demo.__file__).parent
FRAMES = 12


@cache
def photo(name: str) -> Any:
    """Pixels (height, width, 3) of a photograph of the demo."""
    return np.array(Image.open(FOLDER / "photos" / f"{name}.jpg").convert("RGB"))


@cache
def labels(name: str) -> list[LabelObject]:
    """What people drew on it."""
    return msgspec.convert(json.loads((FOLDER / "labels.json").read_text())[name], list[LabelObject])


def drawn(name: str, class_name: str, kind: type) -> Any:
    """The first shape of this class and kind."""
    return next(o.shape for o in labels(name) if o.class_name == class_name and isinstance(o.shape, kind))
