"""CRC-32C (Castagnoli), as TFRecord files carry it: many pieces of a text at once with numpy, then put together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

POLYNOMIAL = 0x82F63B78
LANE = 256
Words = Any  # arrays of uint32; numpy's stubs widen them at every step


@cache
def _table() -> Words:
    """The checksum of each single byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1)
    return table


@cache
def _shift(level: int) -> Words:
    """What `LANE * 2^level` zero bytes do to a checksum: a table for each of its four bytes, shape (4, 256)."""
    values = (np.arange(256, dtype=np.uint32)[None, :] << np.arange(0, 32, 8, dtype=np.uint32)[:, None]).astype(
        np.uint32
    )
    if level == 0:
        for _ in range(LANE):
            values = _table()[values & 0xFF] ^ (values >> 8)
        return values
    return _apply(level - 1, _apply(level - 1, values))


def _apply(level: int, values: Words) -> Words:
    tables = _shift(level)
    return (
        tables[0][values & 0xFF]
        ^ tables[1][(values >> 8) & 0xFF]
        ^ tables[2][(values >> 16) & 0xFF]
        ^ tables[3][values >> 24]
    )


def crc32c(data: bytes) -> int:
    """The checksum of some bytes."""
    if len(data) < 4:
        value = 0xFFFFFFFF
        for byte in data:
            value = int(_table()[(value ^ byte) & 0xFF]) ^ (value >> 8)
        return value ^ 0xFFFFFFFF
    # Zeros in front change nothing when the start value is 0; the true start value is added to the first four bytes.
    padded = np.zeros(-len(data) % LANE + len(data), dtype=np.uint8)
    padded[-len(data) :] = np.frombuffer(data, dtype=np.uint8)
    start = padded.size - len(data)
    padded[start : start + 4] ^= 0xFF
    lanes = np.ascontiguousarray(padded.reshape(-1, LANE).T)
    table, values = _table(), np.zeros(lanes.shape[1], dtype=np.uint32)
    for column in lanes:
        values = table[(values ^ column) & 0xFF] ^ (values >> 8)
    level = 0
    while values.size > 1:
        if values.size % 2:
            values = np.concatenate((np.zeros(1, dtype=np.uint32), values))
        values = _apply(level, values[::2]) ^ values[1::2]
        level += 1
    return int(values[0]) ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum as TFRecord stores it: turned and moved, so that checksums of checksums differ."""
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF
