"""Small pictures for lists, and copies of what browsers cannot show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from labelwright.errors import Invalid
from labelwright.media import frames, probe
from labelwright.media.probe import Probed

SIDE = 320
SMALL_SIDE = 1280  # as much as an editor's window shows of a picture
VIEW_SIDE = 16_383  # WebP's own limit
PAPER = (255, 255, 255)


def thumbnail(path: Path, probed: Probed) -> bytes:
    """JPEG of at most 320 x 320 pixels of a picture, or of a video's first frame, upright.

    Decodes the whole picture, so a file cut short is found here. Raises `Invalid`."""
    if probed.kind == "video":
        picture = frames.frame(path, probed.mime, frames.index_of(probed), 0)
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    else:
        picture = _shrunk(path, SIDE)
    return _jpeg(picture, 80)


def small(path: Path) -> bytes:
    """JPEG of at most 1280 x 1280 pixels of a picture, upright. Raises `Invalid`."""
    return _jpeg(_shrunk(path, SMALL_SIDE), 75)


def small_frame(picture: Image.Image) -> bytes:
    """The same of a decoded picture, such as a video's frame."""
    picture.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return _jpeg(picture, 75)


def _shrunk(path: Path, side: int) -> Image.Image:
    with probe.open_picture(path) as opened:
        picture = _decoded(opened, side)
        picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return ImageOps.exif_transpose(picture) if probe.orientation(opened) != 1 else picture


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality, optimize=False)
    return out.getvalue()


def damaged() -> bytes:
    """What stands in the place of a picture that cannot be decoded (JPEG): a grey field with a line through it."""
    field = Image.new("RGB", (SIDE, SIDE * 3 // 4), (225, 225, 228))
    pen = ImageDraw.Draw(field)
    pen.rectangle((110, 75, 210, 165), outline=(150, 150, 156), width=4)
    pen.line((95, 180, 225, 60), fill=(150, 150, 156), width=6)
    return _jpeg(field, 80)


def view(path: Path, probed: Probed) -> bytes | None:
    """WebP in full size of a picture whose type browsers do not show (TIFF); None for what they show themselves.

    One larger than WebP can be is made smaller; coordinates are fractions, so labels still lie where they belong."""
    if probed.mime not in probe.NOT_SHOWN:
        return None
    picture = pixels(path)
    picture.thumbnail((VIEW_SIDE, VIEW_SIDE), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=90, method=2)
    return out.getvalue()


def pixels(path: Path) -> Image.Image:
    """A picture in full size as people see it: upright, 8-bit RGB. Raises `Invalid` when it is damaged."""
    with probe.open_picture(path) as opened:
        picture = _decoded(opened, None)
        return ImageOps.exif_transpose(picture) if probe.orientation(opened) != 1 else picture


def _decoded(opened: Image.Image, side: int | None) -> Image.Image:
    """8-bit RGB of the first frame. `side`: JPEGs may be decoded smaller, but no smaller than that."""
    try:
        if side and opened.format == "JPEG":
            opened.draft("RGB", (side, side))
        opened.load()
        if opened.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
            return _stretched(opened)
        if opened.has_transparency_data:
            layer = opened.convert("RGBA")
            paper = Image.new("RGBA", layer.size, PAPER)
            return _with_exif(Image.alpha_composite(paper, layer).convert("RGB"), opened)
        # What is RGB already is not copied: of a large picture that would be as much memory again.
        return _with_exif(opened if opened.mode == "RGB" else opened.convert("RGB"), opened)
    except Invalid:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise Invalid(f"The picture is damaged: {str(error)[:200].rstrip('.') or type(error).__name__}.") from None


def _stretched(opened: Image.Image) -> Image.Image:
    """Grey of more than 8 bits, its own range stretched over what a screen can show."""
    values: Any = np.asarray(opened, dtype=np.float32)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    scaled = np.nan_to_num((values - low) * (255.0 / (high - low) if high > low else 0.0))
    return _with_exif(Image.fromarray(scaled.astype(np.uint8)).convert("RGB"), opened)


def _with_exif(picture: Image.Image, opened: Image.Image) -> Image.Image:
    turned = probe.orientation(opened)
    if turned != 1:
        exif = Image.Exif()
        exif[probe.ORIENTATION] = turned
        picture.info["exif"] = exif.tobytes()
    else:
        picture.info.pop("exif", None)
    return picture
