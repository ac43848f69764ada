"""Bitmaps: base64 of zlib of a PNG, or of the PNG itself, to and from arrays."""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labelwright.vendors.supervisely.wire import Refused

PNG = b"\x89PNG\r\n\x1a\n"
MOST = 64_000_000  # bytes of a PNG
PALETTE = [0, 0, 0, 255, 255, 255]


def read(data: Any, at: str, most: int) -> NDArray[np.uint8]:
    """The transparency of a bitmap, shape (height, width): 0 is not in the mask. Raises `Refused` for what is none, and for
    one of more than `most` pixels, before it is decoded."""
    try:
        raw = base64.b64decode(data if isinstance(data, str) else "", validate=True)
        if not raw.startswith(PNG):
            unpacker = zlib.decompressobj()
            raw = unpacker.decompress(raw, MOST)
    except (binascii.Error, ValueError, zlib.error):
        raise Refused(400, f"{at} is not base64 of a packed PNG.") from None
    if not raw.startswith(PNG):
        raise Refused(400, f"{at} is not base64 of a packed PNG.")
    try:
        with Image.open(io.BytesIO(raw), formats=["PNG"]) as picture:
            if picture.width * picture.height > most:
                raise Refused(
                    400, f"{at}: a mask of {picture.width} x {picture.height} pixels is larger than the picture."
                )
            return _alpha(picture, at)
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise Refused(400, f"{at} is not a readable PNG: {error}") from None


def _alpha(picture: Image.Image, at: str) -> NDArray[np.uint8]:
    if picture.mode in ("P", "PA", "LA") and ("transparency" in picture.info or picture.mode != "P"):
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA":
        return np.asarray(picture)[:, :, 3]
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8) * 255
    if picture.mode in ("L", "P"):
        return np.asarray(picture)
    raise Refused(400, f"{at}: a mask has one channel, or four with transparency, not the mode {picture.mode}.")


def write(filled: NDArray[np.bool_]) -> str:
    """A mask as its clients write it: a PNG of two colours, of which the first is transparent."""
    picture = Image.fromarray(np.ascontiguousarray(filled).astype(np.uint8), "P")
    picture.putpalette(PALETTE)
    file = io.BytesIO()
    picture.save(file, "PNG", bits=1, transparency=0)
    return base64.b64encode(zlib.compress(file.getvalue(), 1)).decode()
