"""Whether a picture's file is whole, told by its structure and without decoding a pixel: PNG, JPEG and WebP.

What these checks accept has its header, its tables, every byte of its data and its end; a PNG's checksums hold too. They
say yes or nothing at all: what they do not know or do not like is for a decoder to judge."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from mmap import mmap

# Bits a pixel of each colour type and depth that PNG allows.
_PNG_BITS = {
    (0, 1): 1, (0, 2): 2, (0, 4): 4, (0, 8): 8, (0, 16): 16, (2, 8): 24, (2, 16): 48, (3, 1): 1, (3, 2): 2, (3, 4): 4,
    (3, 8): 8, (4, 8): 16, (4, 16): 32, (6, 8): 32, (6, 16): 64,
}  # fmt: skip
_DEFLATE_MOST = 1032  # deflate makes nothing smaller than by this factor
# Of a PNG's texts, those that may turn the picture (Pillow reads all three).
_PNG_TURNS = (b"Raw profile type exif", b"Raw profile type APP1", b"XML:com.adobe.xmp")
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2})  # frames that every decoder reads: Huffman, baseline to progressive
_JPEG_OTHER = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF})


@dataclass(frozen=True)
class Whole:
    """A picture whose file is whole. `width`, `height`: pixels as stored; `turns`: its metadata may turn it."""

    mime: str
    width: int
    height: int
    turns: bool


def whole(body: bytes | mmap) -> Whole | None:
    """What a file is when it is whole; None when these checks cannot tell. Never raises."""
    for start, look in _LOOKS:
        if body[: len(start)] == start:
            try:
                return look(body)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def _png(body: bytes | mmap) -> Whole | None:
    place, end, data, palette, turns = 8, len(body), 0, False, False
    width = height = bits = colour = 0
    with memoryview(body) as view:
        while place < end:
            length, kind = struct.unpack_from(">I4s", view, place)
            after = place + 12 + length
            if after > end or zlib.crc32(view[place + 4 : after - 4]) != int.from_bytes(view[after - 4 : after], "big"):
                return None
            if place == 8:
                if kind != b"IHDR" or length != 13:
                    return None
                width, height, depth, colour, packing, filters, lacing = struct.unpack_from(">IIBBBBB", view, 16)
                bits = _PNG_BITS.get((colour, depth), 0)
                if packing or filters or lacing > 1:
                    return None
            elif kind == b"IDAT":
                data += length
            elif kind == b"PLTE":
                palette = not data and length % 3 == 0 and 0 < length <= 768
            elif kind == b"eXIf":
                turns = True
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                turns = turns or bytes(view[place + 8 : place + 40]).startswith(_PNG_TURNS)
            elif kind == b"IEND":
                raw = height * ((width * bits + 7) // 8 + 1)
                fine = bits and data and raw <= data * _DEFLATE_MOST and (palette or colour != 3)
                return Whole("image/png", width, height, turns) if fine else None
            place = after
    return None


def _jpeg(body: bytes | mmap) -> Whole | None:
    place, width, height, turns, tables = 2, 0, 0, False, set()
    while True:
        if body[place] != 0xFF:
            return None
        marker = body[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        length = int.from_bytes(body[place + 2 : place + 4], "big")
        if length < 2 or marker < 0xC0 or 0xD0 <= marker <= 0xD9 or marker in _JPEG_OTHER:
            return None
        if marker in _JPEG_SIZES:
            depth, height, width, parts = struct.unpack_from(">BHHB", body, place + 4)
            if depth != 8 or parts not in (1, 3, 4) or length != 8 + 3 * parts:
                return None
        elif marker == 0xE1:
            turns = True
        elif marker == 0xDA:
            break
        tables.add(marker)
        place += 2 + length
    scan, end = place + 2 + length, len(body)
    while end > scan and body[end - 1] == 0:  # some cameras pad
        end -= 1
    # Inside of the data 0xFF is always followed by a zero, so this is the end, and nothing was cut off before it.
    fine = width and height and {0xDB, 0xC4} <= tables and end - 2 > scan and body[end - 2 : end] == b"\xff\xd9"
    return Whole("image/jpeg", width, height, turns) if fine else None


def _webp(body: bytes | mmap) -> Whole | None:
    end = 8 + int.from_bytes(body[4:8], "little")
    if body[8:12] != b"WEBP" or end > len(body):
        return None
    place, canvas, size, turns = 12, None, None, False
    while place < end:
        kind, length = struct.unpack_from("<4sI", body, place)
        data = place + 8
        if data + length > end:
            return None
        if kind == b"VP8X":
            flags = body[data]
            if flags & 0x02:  # moving
                return None
            turns = bool(flags & 0x0C)  # EXIF, XMP
            canvas = tuple(1 + int.from_bytes(body[data + n : data + n + 3], "little") for n in (4, 7))
        elif kind == b"VP8 " and size is None and body[data + 3 : data + 6] == b"\x9d\x01\x2a":
            across, down = struct.unpack_from("<HH", body, data + 6)
            size = (across & 0x3FFF, down & 0x3FFF)
        elif kind == b"VP8L" and size is None and body[data] == 0x2F:
            packed = int.from_bytes(body[data + 1 : data + 5], "little")
            size = (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        place = data + length + (length & 1)
    if size is None or 0 in size or canvas not in (None, size):
        return None
    return Whole("image/webp", *size, turns)


_LOOKS = ((b"\x89PNG\r\n\x1a\n", _png), (b"\xff\xd8\xff", _jpeg), (b"RIFF", _webp))
