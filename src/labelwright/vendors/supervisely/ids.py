"""Ids on the wire that are no row's: of figures, objects and the tags on them. All are made of an item's id and a number in it."""

from __future__ import annotations

from labelwright.vendors.supervisely.wire import Refused

BITS = 32  # an object's id is at most 2^31


def join(item_id: int, number: int) -> int:
    """The wire id of an object (or of an image's tag) of an item."""
    return item_id << BITS | number


def split(wire_id: int) -> tuple[int, int]:
    """The item's id and the number in it. Raises `Refused` for what is no such id."""
    item_id, number = wire_id >> BITS, wire_id & ((1 << BITS) - 1)
    if wire_id < 0 or not item_id or not number:
        raise Refused(404, f"There is no figure or tag {wire_id}.", "Not found")
    return item_id, number
