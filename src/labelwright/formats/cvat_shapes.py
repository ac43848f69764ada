"""Shapes of CVAT's XML, both ways: elements with pixels in their attributes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from labelwright.formats import plane
from labelwright.formats.sample import SampleClass
from labelwright.geometry import masks, pixels
from labelwright.geometry.document import (
    Attributes,
    Cuboid,
    Landmarks,
    Mask,
    OrientedRectangle,
    Point,
    Polygon,
    Polyline,
    Rectangle,
    Shape,
    Skeleton,
)

SHAPES = ("box", "polygon", "polyline", "points", "cuboid", "mask", "skeleton")
# CVAT's corners of a cuboid's front and back face, and where they stand among our points (from bottom-left, counter-clockwise).
CORNERS = (("tl1", 3), ("bl1", 0), ("tr1", 2), ("br1", 1), ("tl2", 7), ("bl2", 4), ("tr2", 6), ("br2", 5))
MAX_PIXELS = 250_000_000
Size = tuple[int, int]
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(value: str) -> str:
    """A text for between tags; characters that XML has no place for are dropped."""
    return escape(_FORBIDDEN.sub("", value), {"\r": "&#13;"})


def quoted(value: str) -> str:
    """A text in quotes, for an attribute."""
    return quoteattr(_FORBIDDEN.sub("", value))


@dataclass
class Label:
    """A class in a file's head: kinds of its attributes, those that change in a track, and its skeleton's points."""

    name: str
    kinds: dict[str, str] = field(default_factory=dict)
    mutable: set[str] = field(default_factory=set)
    points: list[str] = field(default_factory=list)
    svg: str = ""

    def skeleton(self) -> dict[str, Any] | None:
        """The template, its points spread evenly down the middle: the file does not say where they are."""
        if not self.points:
            return None
        count = len(self.points)
        points = [{"name": n, "x": 0.5, "y": (i + 0.5) / count} for i, n in enumerate(self.points)]
        found = re.findall(r'data-node-from="(\d+)" data-node-to="(\d+)"', self.svg)
        edges = [[int(a) - 1, int(b) - 1] for a, b in found if 0 < int(a) <= count and 0 < int(b) <= count]
        return {"points": points, "edges": edges}

    def attributes(self, node: ElementTree.Element) -> Attributes:
        """The values of a shape's attributes, in the kinds that the head tells."""
        found: Attributes = {"occluded": True} if node.get("occluded") == "1" else {}
        for attribute in node.findall("attribute"):
            name, text = attribute.attrib["name"], attribute.text or ""
            kind = self.kinds.get(name, "text")
            if kind == "checkbox":
                found[name] = text.strip().lower() == "true"
            elif kind == "number":
                value = float(text)
                found[name] = int(value) if value.is_integer() and "." not in text and "e" not in text else value
            else:
                found[name] = text
        return found


def xml(shape: Shape, head: str, inside: str, size: Size, found: SampleClass, *, outside: bool = False) -> str:
    """The element of a shape; `head`: more attributes, `inside`: elements within."""
    occluded = int('name="occluded">true<' in inside)
    tag, where = _geometry(shape, size)
    if isinstance(shape, Skeleton):
        inside = _points(shape, size, found, outside=outside) + inside
    return f'<{tag} {head} occluded="{occluded}"{where}>\n{inside}</{tag}>\n'


def _geometry(shape: Shape, size: Size) -> tuple[str, str]:
    if isinstance(shape, Rectangle):
        return "box", _box(pixels.box_to_pixels(shape.box, *size))
    if isinstance(shape, OrientedRectangle):
        return _turned(pixels.points_to_pixels(shape.points, *size))
    if isinstance(shape, Polygon):
        return "polygon", _line(pixels.points_to_pixels(shape.parts[0][0], *size))
    if isinstance(shape, Polyline):
        return "polyline", _line(pixels.points_to_pixels(shape.points, *size))
    if isinstance(shape, Cuboid):
        flat = pixels.points_to_pixels(shape.points, *size)
        return "cuboid", "".join(f' x{n}="{flat[2 * i]:.10g}" y{n}="{flat[2 * i + 1]:.10g}"' for n, i in CORNERS)
    if isinstance(shape, Mask):
        return "mask", _mask(shape)
    if isinstance(shape, Skeleton):
        return "skeleton", ""
    return "points", _line(pixels.points_to_pixels(shape.points, *size))


def _box(box: Sequence[float]) -> str:
    x1, y1, x2, y2 = box
    return f' xtl="{x1:.10g}" ytl="{y1:.10g}" xbr="{x2:.10g}" ybr="{y2:.10g}"'


def _line(flat: Sequence[float]) -> str:
    return f' points="{";".join(f"{x:.10g},{y:.10g}" for x, y in zip(flat[::2], flat[1::2], strict=True))}"'


def _turned(flat: Sequence[float]) -> tuple[str, str]:
    """A turned box as CVAT has it: upright around its middle, and an angle (clockwise degrees)."""
    a, b, c, d = plane.pairs(flat)
    even = math.dist([a[0] + c[0], a[1] + c[1]], [b[0] + d[0], b[1] + d[1]]) < 0.01
    if not even or abs(math.dist(a, c) - math.dist(b, d)) > 0.01 or min(math.dist(a, b), math.dist(b, c)) < 0.01:
        return "polygon", _line(flat)
    width, height = math.dist(a, b), math.dist(b, c)
    x, y = (a[0] + c[0]) / 2, (a[1] + c[1]) / 2
    angle = math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])) % 360
    return "box", _box((x - width / 2, y - height / 2, x + width / 2, y + height / 2)) + f' rotation="{angle:.12g}"'


def _mask(mask: Mask) -> str:
    x, y, w, h = mask.box
    flat = masks.crop_array(mask).ravel()
    edges = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))
    lengths = [*([0] if flat[0] else []), *np.diff(edges).tolist()]  # they start with zeros
    return f' rle="{", ".join(map(str, lengths))}" left="{x}" top="{y}" width="{w}" height="{h}"'


def _points(shape: Skeleton, size: Size, found: SampleClass, *, outside: bool) -> str:
    flat = pixels.points_to_pixels(shape.points, *size)
    names = [p["name"] for p in found.skeleton["points"]] if found.skeleton else []
    names += [str(i) for i in range(len(names) + 1, len(shape.visibility) + 1)]
    parts = []
    for place, (name, seen) in enumerate(zip(names, shape.visibility, strict=False)):
        gone = int(outside or seen == 0)
        head = f'label={quoted(name)} keyframe="1" outside="{gone}" occluded="{int(seen == 1)}"'
        parts.append(f"<points {head}{_line(flat[2 * place : 2 * place + 2])}></points>\n")
    return "".join(parts)


# --- reading -----------------------------------------------------------------------------------------------------------


def read(node: ElementTree.Element, labels: dict[str, Label], size: Size, label: Label | None = None) -> Shape | None:
    """The shape of an element. Raises `ValueError` or `KeyError` saying what is wrong with it."""
    if node.tag == "box":
        box = [float(node.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr")]
        angle = float(node.get("rotation") or 0)
        return _read_turned(box, angle, size) if angle else plane.rectangle(box, *size)
    if node.tag == "mask":
        return _read_mask(node, size)
    if node.tag == "cuboid":
        flat = [0.0] * 16
        for name, place in CORNERS:
            flat[2 * place : 2 * place + 2] = float(node.attrib[f"x{name}"]), float(node.attrib[f"y{name}"])
        return Cuboid(plane.cut(flat, *size))
    if node.tag == "skeleton":
        return _read_skeleton(node, label or labels[node.attrib["label"]], size)
    points = plane.cut(_flat(node), *size)
    count = len(points) // 2
    if node.tag == "polygon" and count >= 3:
        return Polygon([[points]])
    if node.tag == "polyline" and count >= 2:
        return Polyline(points)
    if node.tag == "points" and count == 1:
        return Point(points)
    if node.tag == "points" and count:
        return Landmarks(points, list(range(count)))
    raise ValueError(f"{count} points are no {node.tag}")


def _flat(node: ElementTree.Element) -> list[float]:
    return plane.flat([float(v) for v in pair.split(",")] for pair in node.attrib["points"].split(";") if pair)


def _read_turned(box: Sequence[float], angle: float, size: Size) -> OrientedRectangle:
    x1, y1, x2, y2 = box
    x, y, turn = (x1 + x2) / 2, (y1 + y2) / 2, math.radians(angle)
    corners = [(x1 - x, y1 - y), (x2 - x, y1 - y), (x2 - x, y2 - y), (x1 - x, y2 - y)]
    flat = [
        v
        for a, b in corners
        for v in (x + a * math.cos(turn) - b * math.sin(turn), y + a * math.sin(turn) + b * math.cos(turn))
    ]
    return OrientedRectangle(plane.cut(flat, *size))


def _read_mask(node: ElementTree.Element, size: Size) -> Mask:
    width, height = size
    x, y, w, h = (int(float(node.attrib[key])) for key in ("left", "top", "width", "height"))
    lengths = [int(v) for v in node.attrib["rle"].split(",")]
    if width * height > MAX_PIXELS or min(x, y, *lengths) < 0 or x + w > width or y + h > height:
        raise ValueError("the mask does not lie within the picture")
    if sum(lengths) != w * h:
        raise ValueError(f"the mask's run lengths sum to {sum(lengths)}, its box has {w * h} pixels")
    crop = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(h, w)
    return masks.placed(crop, x, y, width, height)


def _read_skeleton(node: ElementTree.Element, label: Label, size: Size) -> Skeleton:
    given = {point.attrib["label"]: point for point in node.findall("points")}
    names = label.points or list(given)
    flat: list[float] = []
    visibility = []
    for name in names:
        point = given.get(name)
        flat += plane.cut(_flat(point), *size) if point is not None else [0.0, 0.0]
        gone = point is None or point.get("outside") == "1"
        visibility.append(0 if gone else 1 if point is not None and point.get("occluded") == "1" else 2)
    if len(flat) != 2 * len(names):
        raise ValueError("a skeleton's points are single ones")
    return Skeleton(flat, visibility)
