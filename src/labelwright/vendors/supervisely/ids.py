"""Ids on the wire that are no row's: of figures, objects and the tags on them. All are made of an item's id and a number in it."""

from __future__ import annotations

import zlib

from labelwright.vendors.supervisely.wire import Refused

BITS = 32  # an object's id is at most 2^31
PER_TAG = 64
ON_OBJECT = 1 << 31


def join(item_id: int, number: int) -> int:
    """The wire id of an object (or of an image's tag) of an item."""
    return item_id << BITS | number


def split(wire_id: int) -> tuple[int, int]:
    """The item's id and the number in it. Raises `Refused` for what is no such id."""
    item_id, number = wire_id >> BITS, wire_id & ((1 << BITS) - 1)
    if wire_id < 0 or not item_id or not number:
        raise Refused(404, f"There is no figure or tag {wire_id}.", "Not found")
    return item_id, number


def of_tag(item_id: int, tag_id: int, number: int, owner: int = 0) -> int:
    """The wire id of the `number`th value of a tag on an item, or on one of its objects (`owner`)."""
    if not owner:
        return join(item_id, tag_id * PER_TAG + min(number, PER_TAG - 1))
    # The three numbers do not fit beside the item's: a hash of them does, and is looked for among the item's tags.
    return join(item_id, ON_OBJECT | zlib.crc32(f"{owner}/{tag_id}/{number}".encode()) & (ON_OBJECT - 1))
