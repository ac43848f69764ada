"""The document: the labels of one item, as plain data and as JSON.

This JSON is what is stored, what the editor reads and writes, and what the REST API speaks. Coordinates are
fractions of the item's width and height (0 to 1, origin top-left, continuous). Points are flat lists
`[x1, y1, x2, y2, ...]`, which decode several times faster than lists of pairs.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# `gc=False`: these are trees, never cycles; a million of them would keep the garbage collector busy for nothing.
Attributes = dict[str, Any]

SHAPE_KINDS = (
    "rectangle", "oriented_rectangle", "polygon", "polyline", "point", "landmarks", "skeleton", "cuboid", "mask",
)  # fmt: skip


class Rectangle(msgspec.Struct, tag="rectangle", tag_field="type", gc=False):
    """Axis-parallel box. `box`: `[x1, y1, x2, y2]`, fractions, x1 <= x2 and y1 <= y2."""

    box: tuple[float, float, float, float]


class OrientedRectangle(msgspec.Struct, tag="oriented_rectangle", tag_field="type", gc=False):
    """Turned box. `points`: 8 numbers, its four corners in order around it."""

    points: list[float]


class Polygon(msgspec.Struct, tag="polygon", tag_field="type", gc=False):
    """Area with holes. `parts`: list of parts; a part is a list of rings, first the outline, then its holes;
    a ring is a flat list of at least 3 points and is not closed (the first point is not repeated)."""

    parts: list[list[list[float]]]


class Polyline(msgspec.Struct, tag="polyline", tag_field="type", gc=False):
    """Open line through at least 2 points, flat."""

    points: list[float]


class Point(msgspec.Struct, tag="point", tag_field="type", gc=False):
    """A single point: 2 numbers."""

    points: list[float]


class Landmarks(msgspec.Struct, tag="landmarks", tag_field="type", gc=False):
    """Numbered points. `points` flat, `labels` one integer a point."""

    points: list[float]
    labels: list[int]


class Skeleton(msgspec.Struct, tag="skeleton", tag_field="type", gc=False):
    """Points in the order of the class's skeleton template.

    `visibility`: one number a point: 0 absent, 1 hidden, 2 visible (COCO's meaning)."""

    points: list[float]
    visibility: list[int]


class Cuboid(msgspec.Struct, tag="cuboid", tag_field="type", omit_defaults=True, gc=False):
    """2D cuboid of 8 points (16 numbers): p1-p4 the front face from bottom-left, counter-clockwise as Playment
    samples them (bottom-left, bottom-right, top-right, top-left), p5-p8 the back face in the same order.

    `faces` keeps a vendor's own naming of faces (name -> point numbers from 0), as given."""

    points: list[float]
    faces: dict[str, list[int]] | None = None


class Mask(msgspec.Struct, tag="mask", tag_field="type", omit_defaults=True, gc=False):
    """Pixels on the mask's own grid of `size` (width, height).

    `box`: the cut-out `(x, y, width, height)` in grid pixels that holds all set pixels; `counts`: COCO compressed
    run lengths (column-major, starting with zeros) of that cut-out."""

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    counts: str


KINDS: dict[type, str] = dict(
    zip(
        (Rectangle, OrientedRectangle, Polygon, Polyline, Point, Landmarks, Skeleton, Cuboid, Mask),
        SHAPE_KINDS,
        strict=True,
    )
)
Shape = Rectangle | OrientedRectangle | Polygon | Polyline | Point | Landmarks | Skeleton | Cuboid | Mask


class Keyframe(msgspec.Struct, omit_defaults=True, gc=False):
    """An object's state from `frame` (index from 0) on. Between two keyframes the shape is interpolated, attributes
    hold. `outside`: the object is not in the picture from this frame until the next keyframe."""

    frame: int
    shape: Shape | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)
    outside: bool = False
    extra: dict[str, Any] | None = None


class LabelObject(msgspec.Struct, omit_defaults=True, rename={"class_name": "class"}, gc=False):
    """One labeled thing. Either `shape` (image) or `keyframes` (a track over frames, sorted by frame) is given.

    `id`: small integer, unique in its document. `source`: who drew it first. `score`: the model's confidence 0-1.
    `locked`: annotators may not change it. `group`: joins objects (an instance number for segmentation).
    `extra`: what a vendor sent and this product has no place for; kept for the round trip."""

    id: int
    class_name: str
    shape: Shape | None = None
    keyframes: list[Keyframe] | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)
    source: Literal["human", "model", "import"] = "human"
    score: float | None = None
    locked: bool = False
    group: int | None = None
    extra: dict[str, Any] | None = None


class Document(msgspec.Struct, omit_defaults=True):
    """The labels of one item. `attributes`: of the item; `frames`: attributes per frame (key: frame index as text)."""

    objects: list[LabelObject] = msgspec.field(default_factory=list)
    attributes: Attributes = msgspec.field(default_factory=dict)
    frames: dict[str, Attributes] = msgspec.field(default_factory=dict)
    extra: dict[str, Any] | None = None


encoder = msgspec.json.Encoder()
document_decoder = msgspec.json.Decoder(Document)


def encode(value: Any) -> bytes:
    """JSON bytes of a document or any part of it."""
    return encoder.encode(value)


def decode(body: bytes) -> Document:
    """Document from its JSON. Raises `msgspec.ValidationError` naming the path of what is wrong."""
    return document_decoder.decode(body)


def shapes(item: LabelObject) -> list[tuple[int | None, Shape]]:
    """All (frame, shape) of an object; frame is None for an image's object."""
    if item.shape is not None:
        return [(None, item.shape)]
    return [(k.frame, k.shape) for k in item.keyframes or () if k.shape is not None]


def all_attributes(item: LabelObject) -> list[Attributes]:
    """The attributes of an object, then those of each of its keyframes."""
    return [item.attributes, *(k.attributes for k in item.keyframes or ())]


def item_attributes(document: Document) -> list[Attributes]:
    """The attributes of an item, then those of each of its frames."""
    return [document.attributes, *document.frames.values()]


def shape_kind(shape: Shape) -> str:
    """The kind's name as in `SHAPE_KINDS`."""
    return KINDS[type(shape)]
