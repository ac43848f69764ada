"""Label Studio's run lengths for brushes: a stream of bits that says, for red, green, blue and alpha of each pixel, how often it repeats.

32 bits how many values, 5 bits their width less 1, four times 4 bits the widths of run lengths less 1; then, until all values are there:
1 bit whether one value repeats, 2 bits which of the four widths, the length less 1 in that width, and the value or the values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelwright.geometry import masks
from labelwright.geometry.document import Mask

WIDTHS = (3, 7, 12, 16)  # bits of run lengths: up to 8, 128, 4,096, 65,536 values
MAX_PIXELS = 250_000_000


def encode(mask: Mask) -> list[int]:
    """The bytes of a mask, pixels row by row, set ones 255 in all four channels."""
    flat = masks.to_array(mask).ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [flat.size]))) * 4
    bits = [f"{flat.size * 4:032b}", f"{8 - 1:05b}", *(f"{width - 1:04b}" for width in WIDTHS)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = "11111111" if flat[start] else "00000000"
        left = length
        while left:
            size = min(left, 1 << WIDTHS[-1])
            which = next(i for i, width in enumerate(WIDTHS) if size <= 1 << width)
            bits.append(f"1{which:02b}{size - 1:0{WIDTHS[which]}b}{value}")
            left -= size
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def decode(values: Sequence[int], width: int, height: int) -> Mask:
    """The mask of pixels whose alpha is not 0. Raises `ValueError` for bytes that are no such run lengths."""
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError("the picture of a brush has no size, or one out of reason")
    bits = np.unpackbits(np.frombuffer(bytes(values), dtype=np.uint8)).tobytes().translate(_DIGITS).decode("ascii")
    at = 53
    if len(bits) < at or int(bits[:32], 2) != width * height * 4:
        raise ValueError(f"the brush does not have {width} x {height} pixels of 4 values")
    word, sizes = int(bits[32:37], 2) + 1, [int(bits[37 + 4 * i : 41 + 4 * i], 2) + 1 for i in range(4)]
    out = np.zeros(width * height * 4, dtype=bool)
    done = 0
    while done < out.size:
        if at + 3 > len(bits):
            raise ValueError("the brush is cut off")
        size = sizes[int(bits[at + 1 : at + 3], 2)]
        repeats = bits[at] == "1"
        length = int(bits[at + 3 : at + 3 + size] or "0", 2) + 1
        at += 3 + size
        count = 1 if repeats else length
        if at + count * word > len(bits) or done + length > out.size:
            raise ValueError("the brush is cut off")
        found = ["1" in bits[at + i * word : at + (i + 1) * word] for i in range(count)]
        out[done : done + length] = found[0] if repeats else found
        at += count * word
        done += length
    return masks.from_array(out.reshape(height, width, 4)[:, :, 3])


_DIGITS = bytes([48, 49]) + bytes(range(2, 256))
