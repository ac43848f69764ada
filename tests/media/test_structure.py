"""What is told of a picture without decoding it agrees with the decoder, and a file that was cut is never taken for whole."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.media.test_probe import bomb
from tests.support.pictures import picture, png

from labelwright.media.probe import probe
from labelwright.media.structure import whole

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}), ("PNG", {"compress_level": 0}), ("JPEG", {}), ("JPEG", {"progressive": True}),
    ("JPEG", {"restart_marker_rows": 1}), ("WEBP", {}), ("WEBP", {"lossless": True}),
]  # fmt: skip


def saved(image: Image.Image, kind: str, **save: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "save"), KINDS)
def test_a_whole_picture_is_told_and_one_cut_anywhere_is_not(kind: str, save: dict[str, Any], tmp_path: Path) -> None:
    body = picture(120, 80, kind, **save)
    told = whole(body)
    assert told is not None
    (tmp_path / "file").write_bytes(body)
    found = probe(tmp_path / "file", 10**6)
    assert (
        (told.mime, told.width, told.height)
        == (found.mime, found.width, found.height)
        == (f"image/{kind.lower()}", 120, 80)
    )
    assert not told.turns
    # The last byte of a WebP may be padding.
    assert [cut for cut in range(len(body) - (kind == "WEBP")) if whole(body[:cut]) is not None] == []


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_of_every_mode(mode: str) -> None:
    image = Image.fromarray(np.zeros((30, 40), np.uint16)) if mode == "I;16" else Image.new(mode, (40, 30))
    told = whole(saved(image, "PNG"))
    assert told is not None
    assert (told.width, told.height) == (40, 30)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpeg_of_other_modes(mode: str) -> None:
    assert whole(saved(Image.new(mode, (40, 30)), "JPEG")) is not None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_note_that_turns_the_picture_is_seen(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    told = whole(saved(Image.new("RGB", (40, 30)), kind, exif=exif.tobytes()))
    assert told is not None
    assert told.turns


def test_what_only_a_decoder_can_judge() -> None:
    jpeg = picture(40, 30, "JPEG")
    flipped = bytearray(picture(40, 30))
    flipped[len(flipped) // 2] ^= 1
    moving = saved(Image.new("RGB", (40, 30)), "WEBP", save_all=True, append_images=[Image.new("RGB", (40, 30), "red")])
    for body in (b"", b"RIFF", jpeg + b"trailer", bytes(flipped), bomb(900, 900), moving, picture(40, 30, "GIF"),
                 jpeg[:2] + jpeg[-2:], jpeg.replace(b"\xff\xdb", b"\xff\xfe")):  # fmt: skip
        assert whole(body) is None, body[:20]
    assert whole(jpeg + b"\0\0\0") is not None, "some cameras pad"


def test_a_palette_that_is_missing() -> None:
    pixels = (b"IDAT", zlib.compress(b"\0" * 20))
    assert whole(png(4, 4, 3, pixels)) is None
    assert whole(png(4, 4, 3, (b"PLTE", b"\0" * 12), pixels)) is not None


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBP"]), st.binary(max_size=200))
def test_rubbish_is_never_whole_and_never_raises(start: bytes, rest: bytes) -> None:
    assert whole(start + rest) is None
