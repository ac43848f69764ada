"""A labeled raster, one colour for each class or instance, taken apart into masks.

Pixels that are transparent (alpha 0) or black carry no label. Every other colour must be known: an unknown one is an
error that names the colours and how many pixels have them, because anti-aliased or lossy masks would lose labels silently.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelwright.errors import Invalid
from labelwright.geometry import masks
from labelwright.geometry.document import Mask
from labelwright.media import probe

LOSSLESS = frozenset({"PNG", "BMP", "TIFF"})
NAMED = 5


def decode(path: Path, colors: Collection[str], max_pixels: int) -> tuple[tuple[int, int], dict[str, Mask]]:
    """((width, height), {"#rrggbb": mask}) of a raster file. `colors`: those that may occur, in lower case.

    Colours that do not occur are left out. Raises `Invalid` with a sentence for the sender."""
    packed = _packed(path, max_pixels)
    found = _boxes(packed)
    known = {int(color[1:], 16): color for color in colors}
    unknown = sorted(((count, value) for value, (_, count) in found.items() if value not in known), reverse=True)
    if unknown:
        raise Invalid(_complaint(unknown), code="unknown_colors")
    height, width = packed.shape
    result = {}
    for value, ((x1, y1, x2, y2), _) in found.items():
        crop = packed[y1:y2, x1:x2] == value
        result[known[value]] = Mask((width, height), (x1, y1, x2 - x1, y2 - y1), masks.encode_crop(crop))
    return (width, height), result


def _packed(path: Path, max_pixels: int) -> NDArray[np.uint32]:
    """The raster as 0xrrggbb (height, width); 0 where there is no label."""
    with probe.open_picture(path) as picture:
        if picture.format not in LOSSLESS:
            raise Invalid(f"A mask must be a PNG; this is {picture.format}, whose colours may not be exact.")
        probe.check_size(*picture.size, max_pixels)
        try:
            pixels: Any = np.asarray(picture.convert("RGBA"))
        except Exception as error:
            raise Invalid(f"The mask is damaged: {str(error)[:200].rstrip('.')}.") from None
    values = pixels[..., 0].astype(np.uint32)
    for channel in (1, 2):
        values <<= 8
        values |= pixels[..., channel]
    values[pixels[..., 3] == 0] = 0
    return values


def _boxes(packed: NDArray[np.uint32]) -> dict[int, tuple[tuple[int, int, int, int], int]]:
    """Each value other than 0: its box (x1, y1, x2, y2; end not included) and number of pixels.

    Works on runs along the rows, of which labeled rasters have few, so many instances cost little more than one."""
    width = packed.shape[1]
    flat = packed.ravel()
    new = np.empty(flat.size, dtype=bool)
    new[0] = True
    np.not_equal(flat[1:], flat[:-1], out=new[1:])
    new[::width] = True
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=flat.size)
    values = flat[starts]
    starts, lengths, values = starts[values != 0], lengths[values != 0], values[values != 0]
    if not starts.size:
        return {}
    order = np.argsort(values, kind="stable")
    starts, lengths, values = starts[order], lengths[order], values[order]
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    rows, left = starts // width, starts % width
    edges = zip(
        values[first].tolist(),
        np.minimum.reduceat(left, first).tolist(),
        np.minimum.reduceat(rows, first).tolist(),
        np.maximum.reduceat(left + lengths, first).tolist(),
        (np.maximum.reduceat(rows, first) + 1).tolist(),
        np.add.reduceat(lengths, first).tolist(),
        strict=True,
    )
    return {value: ((x1, y1, x2, y2), count) for value, x1, y1, x2, y2, count in edges}


def _complaint(unknown: list[tuple[int, int]]) -> str:
    shown = ", ".join(f"#{value:06x} ({count} pixels)" for count, value in unknown[:NAMED])
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    advice = " The mask may have been smoothed or resized." if len(unknown) > NAMED else ""
    return f"The mask has colours that its legend does not name: {shown}{more}.{advice}"
