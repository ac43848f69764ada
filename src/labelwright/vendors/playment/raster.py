"""A document's masks as one PNG of four channels and its legend. Pixels without a label are 0 in all four."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from labelwright.geometry import masks
from labelwright.geometry.document import LabelObject, Mask
from labelwright.vendors.playment import legend


@dataclass(frozen=True)
class Painted:
    """A PNG file and what its colours mean: `{"#rrggbb": name}`."""

    png: bytes
    legend: dict[str, str]


def paint(
    objects: Iterable[tuple[LabelObject, Mask]], size: tuple[int, int] | None, sent: Mapping[str, str]
) -> Painted | None:
    """Paint masks, later ones on top; None when there are none. `size`: (width, height), None: the masks' own.

    Objects of a class share a colour unless they have an instance number (`group`). `sent`: colours by name that came
    with the job, which are kept."""
    layers = [(legend.name_of(item.class_name, item.group), mask) for item, mask in objects]
    if not layers:
        return None
    width, height = size or layers[0][1].size
    names = list(dict.fromkeys(name for name, _ in layers))
    colors = legend.colors(names, sent)
    values = {name: number for number, name in enumerate(names, 1)}
    raster = masks.compose([(mask, values[name]) for name, mask in layers], width, height)
    palette = np.zeros((len(names) + 1, 4), dtype=np.uint8)
    for name, number in values.items():
        palette[number] = (*bytes.fromhex(colors[name][1:]), 255)
    file = io.BytesIO()
    Image.fromarray(palette[raster], "RGBA").save(file, "PNG")
    return Painted(file.getvalue(), {colors[name]: name for name in names})


def sent_colors(given: Mapping[str, Mapping[str, object]] | None) -> dict[str, str]:
    """Colours by legend name out of the legend a job came with (see `legend.read`)."""
    colors: dict[str, str] = {}
    for color, entry in (given or {}).items():
        group = entry.get("group")
        name = legend.name_of(str(entry["class"]), group if isinstance(group, int) else None)
        colors.setdefault(name, color)
    return colors
