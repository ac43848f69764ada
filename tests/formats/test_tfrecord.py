"""TFRecord byte by byte: checksums of RFC 3720, records and `tf.Example` as their specifications spell them."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelwright.errors import Invalid
from labelwright.formats import tfrecord
from labelwright.formats.crc32c import LANE, crc32c, masked


def slow(data: bytes) -> int:
    """Bit by bit, as the polynomial is defined."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_of_the_specification(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@given(st.binary(max_size=600) | st.binary(min_size=LANE * 3 - 2, max_size=LANE * 3 + 2))
def test_checksums_of_any_length(data: bytes) -> None:
    assert crc32c(data) == slow(data)


def test_a_record_byte_by_byte() -> None:
    # Length as 64 bits, its masked checksum, the body, its masked checksum; all little-endian.
    body = b"labelwright"
    length = struct.pack("<Q", 11)
    mask = (((slow(body) >> 15) | (slow(body) << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked(body) == mask
    assert tfrecord.record(body) == length + struct.pack("<I", masked(length)) + body + struct.pack("<I", mask)
    assert list(tfrecord.records(io.BytesIO(tfrecord.record(body) * 2))) == [body, body]


def test_an_example_byte_by_byte() -> None:
    # Example { features = 1 { feature = 1 (map: key = 1, value = 2) } }; Feature { bytes_list = 1 | float_list = 2 | int64_list = 3 }.
    assert tfrecord.example({"a": [300]}) == bytes.fromhex("0a0d 0a0b 0a0161 1206 1a04 0a02 ac02".replace(" ", ""))
    assert tfrecord.example({"b": [b"xy"]}) == bytes.fromhex("0a0d 0a0b 0a0162 1206 0a04 0a02 7879".replace(" ", ""))
    assert tfrecord.example({"c": [0.5]}) == bytes.fromhex("0a0f 0a0d 0a0163 1208 1206 0a04 0000003f".replace(" ", ""))


values = st.lists(st.binary(max_size=9), max_size=3) | st.lists(st.integers(0, 2**63 - 1), max_size=3)


@given(st.dictionaries(st.text(max_size=5), values | st.lists(st.floats(width=32, allow_nan=False), max_size=3)))
def test_examples_come_back(features: dict[str, list[object]]) -> None:
    assert tfrecord.parse_example(tfrecord.example(features)) == features


def test_numbers_that_are_not_packed_and_unknown_fields_are_read() -> None:
    # int64_list { value: 1 value: 2 } written one by one, as old writers do, and a field 7 that nobody knows.
    assert tfrecord.parse_example(bytes.fromhex("0a0f0a0d0a016112081a0408010802 3a00".replace(" ", ""))) == {
        "a": [1, 2]
    }


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")), unique=True, max_size=5)
)
def test_label_maps_come_back(names: list[str]) -> None:
    assert tfrecord.names_of(tfrecord.label_map(names)) == dict(enumerate(names, 1))


def test_label_maps_of_others() -> None:
    text = 'item {\n name: \'cat\'\n id: 2\n display_name: "C}at"\n}\nitem { id: 1 name: "dog" }'
    assert tfrecord.names_of(text) == {1: "dog", 2: "cat"}


@given(st.binary(max_size=40))
def test_garbage_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        list(tfrecord.records(io.BytesIO(body + b"x")))
