"""Geometries: their JSON and our shapes, in both of their coordinate systems.

"Subpixel" is continuous, a pixel is a unit square: what `annotations.*` speaks, and what we keep as fractions. "Pixel" names
whole pixels: a rectangle's right and bottom are the last pixel in it, a point is the pixel it lies in. `figures.*` speaks it
for images, and everything does for videos."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labelwright.geometry import document, masks
from labelwright.geometry.document import Mask, Shape
from labelwright.geometry.pixels import rounded
from labelwright.vendors.supervisely import bitmaps, wire
from labelwright.vendors.supervisely.wire import Refused

Json = dict[str, Any]
Extra = dict[str, Any]
FACES = [[0, 1, 2, 3], [0, 4, 5, 1], [1, 5, 6, 2]]


@dataclass(frozen=True)
class Grid:
    """The picture's size in pixels and the coordinate system of the wire."""

    width: int
    height: int
    subpixel: bool

    def spot(self, value: Any, at: str) -> tuple[float, float]:
        """A place `[x, y]` as continuous pixels."""
        if not isinstance(value, list | tuple) or len(value) != 2 or not all(_number(v) for v in value):
            raise Refused(400, f"{at} must be two numbers, x and y, not {wire.short(value)}.")
        x, y = float(value[0]), float(value[1])
        if not self.subpixel:
            # A whole number names a pixel, whose middle is meant; what has a fraction is continuous already.
            x, y = x + 0.5 if x.is_integer() else x, y + 0.5 if y.is_integer() else y
        return x, y

    def inside(self, points: Sequence[float], at: str) -> list[float]:
        """Flat continuous pixels as flat fractions. Raises `Refused` for a place outside of the picture."""
        for x, y in zip(points[::2], points[1::2], strict=True):
            if not (0 <= x <= self.width and 0 <= y <= self.height):
                raise Refused(
                    400, f"{at}: ({x:g}, {y:g}) lies outside of the picture of {self.width} x {self.height} pixels."
                )
        return [v / s for v, s in zip(points, (self.width, self.height) * (len(points) // 2), strict=True)]

    def flat(self, value: Any, at: str, least: int = 1) -> list[float]:
        """A list of places as flat fractions."""
        return self._plain(value, least) or self._checked(value, at, least)

    def _plain(self, value: Any, least: int) -> list[float] | None:
        """The same without a word of what is wrong; None: something may be. Uploads have millions of places."""
        if type(value) is not list or len(value) < least:
            return None
        width, height, subpixel = self.width, self.height, self.subpixel
        found: list[float] = []
        for place in value:
            if type(place) is not list or len(place) != 2:
                return None
            x, y = place
            if not (type(x) in _NUMBERS and type(y) in _NUMBERS):
                return None
            if not subpixel:
                x, y = x + 0.5 if x == x // 1 else x, y + 0.5 if y == y // 1 else y
            if not (0 <= x <= width and 0 <= y <= height):
                return None
            found.append(x / width)
            found.append(y / height)
        return found

    def _checked(self, value: Any, at: str, least: int) -> list[float]:
        places = [self.spot(v, f"{at}[{n}]") for n, v in enumerate(wire.list_of(value, at))]
        if len(places) < least:
            raise Refused(400, f"{at} needs at least {least} points.")
        return self.inside([v for place in places for v in place], at)

    def out(self, points: Sequence[float]) -> list[list[float]]:
        """Flat fractions as places on the wire."""
        found = []
        for x, y in zip(points[::2], points[1::2], strict=True):
            across, down = rounded(x * self.width), rounded(y * self.height)
            found.append([across, down] if self.subpixel else [_whole(across, self.width), _whole(down, self.height)])
        return found

    def box_in(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Two corners as continuous pixels."""
        left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
        return (left, top, right, bottom) if self.subpixel else (left, top, right + 1, bottom + 1)

    def box_out(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Continuous pixels as two corners on the wire."""
        if self.subpixel:
            return left, top, right, bottom
        low = [math.floor(v) if v - math.floor(v) < 0.7 else math.ceil(v) for v in (left, top)]
        high = [math.ceil(v) if v - math.floor(v) >= 0.3 else math.floor(v) for v in (right, bottom)]
        return low[0], low[1], max(low[0], high[0] - 1), max(low[1], high[1] - 1)


_NUMBERS = frozenset({int, float})


def _whole(value: float, size: int) -> int:
    found = math.floor(value)
    return found - 1 if found == size else found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _points(geometry: Json, at: str) -> tuple[Any, Any]:
    points = wire.object_of(geometry.get("points"), f"{at}.points")
    return points.get("exterior"), points.get("interior") or []


def _read_rectangle(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    exterior, _ = _points(geometry, at)
    plain = _plain_box(exterior, grid)
    if plain is not None:
        return plain, {}
    corners = wire.list_of(exterior, f"{at}.points.exterior")
    if len(corners) != 2:
        raise Refused(400, f"{at}.points.exterior: a rectangle has two corners, not {len(corners)}.")
    raw = Grid(grid.width, grid.height, subpixel=True)
    (left, top), (right, bottom) = (raw.spot(c, f"{at}.points.exterior") for c in corners)
    box = grid.inside(grid.box_in(left, top, right, bottom), f"{at}.points.exterior")
    return document.Rectangle(box=(box[0], box[1], box[2], box[3])), {}


def _plain_box(exterior: Any, grid: Grid) -> document.Rectangle | None:
    """A rectangle without a word of what is wrong; None: something may be."""
    try:
        (xa, ya), (xb, yb) = exterior
    except (TypeError, ValueError):
        return None
    if not {type(xa), type(ya), type(xb), type(yb)} <= _NUMBERS:
        return None
    left, top, right, bottom = grid.box_in(xa, ya, xb, yb)
    if not (0 <= left <= right <= grid.width and 0 <= top <= bottom <= grid.height):
        return None
    return document.Rectangle(box=(left / grid.width, top / grid.height, right / grid.width, bottom / grid.height))


def _write_rectangle(shape: Any, grid: Grid, _extra: Extra) -> Json:
    x1, y1, x2, y2 = (rounded(v * s) for v, s in zip(shape.box, (grid.width, grid.height) * 2, strict=True))
    left, top, right, bottom = grid.box_out(x1, y1, x2, y2)
    return {"points": {"exterior": [[left, top], [right, bottom]], "interior": []}}


def _read_part(exterior: Any, interior: Any, grid: Grid, at: str) -> list[list[float]]:
    if interior == []:
        return [grid.flat(exterior, f"{at}.exterior", 3)]
    holes = wire.list_of(interior, f"{at}.interior")
    return [
        grid.flat(exterior, f"{at}.exterior", 3),
        *(grid.flat(h, f"{at}.interior[{n}]", 3) for n, h in enumerate(holes)),
    ]


def _read_polygon(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    exterior, interior = _points(geometry, at)
    return document.Polygon(parts=[_read_part(exterior, interior, grid, f"{at}.points")]), {}


def _write_polygon(shape: Any, grid: Grid, _extra: Extra) -> Json:
    """One outline with its holes. Several parts are joined by edges there and back, which cover nothing."""
    outline = list(shape.parts[0][0])
    for part in shape.parts[1:]:
        outline += [*part[0], *part[0][:2], *shape.parts[0][0][:2]]
    holes = [grid.out(ring) for part in shape.parts for ring in part[1:]]
    return {"points": {"exterior": grid.out(outline), "interior": holes}}


def _read_multipolygon(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    parts = wire.list_of(geometry.get("parts"), f"{at}.parts")
    read = []
    for number, entry in enumerate(parts):
        part = wire.object_of(entry, f"{at}.parts[{number}]")
        read.append(_read_part(part.get("exterior"), part.get("interior") or [], grid, f"{at}.parts[{number}]"))
    if not read:
        raise Refused(400, f"{at}.parts: a multipolygon has at least one part.")
    return document.Polygon(parts=read), {}


def _write_multipolygon(shape: Any, grid: Grid, _extra: Extra) -> Json:
    return {
        "parts": [{"exterior": grid.out(part[0]), "interior": [grid.out(r) for r in part[1:]]} for part in shape.parts]
    }


def _read_line(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    return document.Polyline(points=grid.flat(_points(geometry, at)[0], f"{at}.points.exterior", 2)), {}


def _read_point(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    points = grid.flat(_points(geometry, at)[0], f"{at}.points.exterior")
    if len(points) != 2:
        raise Refused(400, f"{at}.points.exterior: a point has one place.")
    return document.Point(points=points), {}


def _write_points(shape: Any, grid: Grid, _extra: Extra) -> Json:
    return {"points": {"exterior": grid.out(shape.points), "interior": []}}


def _read_graph(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    """The points in the order they were sent; `labels.py` puts them into the order of the class's skeleton."""
    nodes = wire.object_of(geometry.get("nodes"), f"{at}.nodes")
    points: list[float] = []
    visibility = []
    for key, entry in nodes.items():
        node = wire.object_of(entry, f"{at}.nodes.{key}")
        points += grid.flat([node.get("loc")], f"{at}.nodes.{key}.loc")
        visibility.append(1 if node.get("disabled") else 2)
    if not points:
        raise Refused(400, f"{at}.nodes: a graph has at least one node.")
    return document.Skeleton(points=points, visibility=visibility), {"nodes": list(nodes)}


def _write_graph(shape: Any, grid: Grid, extra: Extra) -> Json:
    keys = extra.get("nodes") or []
    if isinstance(shape, document.Landmarks):
        keys, visibility = [str(label) for label in shape.labels], [2] * len(shape.labels)
        keys = keys if len(set(keys)) == len(keys) else []
    else:
        visibility = shape.visibility
    if len(keys) != len(visibility):
        keys = [str(n) for n in range(len(visibility))]
    nodes: Json = {}
    for key, place, seen in zip(keys, grid.out(shape.points), visibility, strict=True):
        if seen:
            nodes[key] = {"loc": place} | ({"disabled": True} if seen == 1 else {})
    return {"nodes": nodes}


def _read_bitmap(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    sent = wire.object_of(geometry.get("bitmap"), f"{at}.bitmap")
    alpha = bitmaps.read(sent.get("data"), f"{at}.bitmap.data", grid.width * grid.height)
    return _mask(alpha > 0, sent.get("origin"), grid, f"{at}.bitmap"), {}


def _mask(filled: Any, origin: Any, grid: Grid, at: str) -> Mask:
    if not isinstance(origin, list) or len(origin) != 2 or not all(_number(v) for v in origin):
        raise Refused(400, f"{at}.origin must be two numbers, x and y.")
    x, y = math.floor(origin[0]), math.floor(origin[1])
    part = masks.from_array(filled)
    if not part.box[2]:
        raise Refused(400, f"{at}.data: the mask is empty.")
    left, top, width, height = part.box[0] + x, part.box[1] + y, part.box[2], part.box[3]
    if left < 0 or top < 0 or left + width > grid.width or top + height > grid.height:
        raise Refused(400, f"{at}: the mask lies outside of the picture of {grid.width} x {grid.height} pixels.")
    return Mask(size=(grid.width, grid.height), box=(left, top, width, height), counts=part.counts)


def _write_bitmap(shape: Any, grid: Grid, _extra: Extra) -> Json:
    fitted = masks.rasterize(shape, grid.width, grid.height)
    return {"bitmap": {"origin": [fitted.box[0], fitted.box[1]], "data": bitmaps.write(masks.crop_array(fitted))}}


def _read_alpha(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    """Without its bitmap it is an empty mask for now: the package sends that in a further call."""
    sent = geometry.get("bitmap")
    if sent is None:
        return Mask(size=(grid.width, grid.height), box=(0, 0, 0, 0), counts=""), {}
    sent = wire.object_of(sent, f"{at}.bitmap")
    alpha = bitmaps.read(sent.get("data"), f"{at}.bitmap.data", grid.width * grid.height)
    shape = _mask(alpha > 0, sent.get("origin"), grid, f"{at}.bitmap")
    return shape, {"alpha": {"of": _mark(shape), "origin": sent["origin"], "data": sent["data"]}}


def _mark(shape: Mask) -> str:
    return f"{shape.box} {shape.counts}"


def _write_alpha(shape: Any, grid: Grid, extra: Extra) -> Json:
    """The transparency that was sent, while the mask is still that one; else what is set is opaque."""
    kept = extra.get("alpha")
    if kept and isinstance(shape, Mask) and kept["of"] == _mark(shape):
        return {"bitmap": {"origin": kept["origin"], "data": kept["data"]}}
    return _write_bitmap(shape, grid, extra)


def _read_oriented(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    corners, angle = wire.list_of(geometry.get("points"), f"{at}.points"), geometry.get("angle", 0)
    if len(corners) != 2 or not _number(angle):
        raise Refused(400, f"{at}: an oriented box has two corners in points, and an angle.")
    raw = Grid(grid.width, grid.height, subpixel=True)
    (left, top), (right, bottom) = (raw.spot(c, f"{at}.points") for c in corners)
    box = grid.box_in(left, top, right, bottom)
    points = grid.inside(_turned(box, angle), f"{at} (turned)")
    return document.OrientedRectangle(points=points), {"turned": [*box, angle]}


def _turned(box: Sequence[float], angle: float) -> list[float]:
    """The corners of a box turned clockwise about its middle: from the left top one on."""
    left, top, right, bottom = box
    x, y, c, s = (left + right) / 2, (top + bottom) / 2, math.cos(angle), math.sin(angle)
    corners = ((left - x, top - y), (right - x, top - y), (right - x, bottom - y), (left - x, bottom - y))
    return [v for dx, dy in corners for v in (x + dx * c - dy * s, y + dx * s + dy * c)]


def _write_oriented(shape: Any, grid: Grid, extra: Extra) -> Json:
    pixels = [v * s for v, s in zip(shape.points, (grid.width, grid.height) * 4, strict=True)]
    kept = extra.get("turned")
    if kept and all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(_turned(kept[:4], kept[4]), pixels, strict=True)):
        left, top, right, bottom, angle = kept
    else:
        (x1, y1, x2, y2, x3, y3), (x4, y4) = pixels[:6], pixels[6:]
        across, down, angle = math.dist((x1, y1), (x2, y2)), math.dist((x2, y2), (x3, y3)), math.atan2(y2 - y1, x2 - x1)
        x, y = (x1 + x2 + x3 + x4) / 4, (y1 + y2 + y3 + y4) / 4
        left, top, right, bottom = (rounded(v) for v in (x - across / 2, y - down / 2, x + across / 2, y + down / 2))
    left, top, right, bottom = grid.box_out(left, top, right, bottom)
    return {"points": [[left, top], [right, bottom]], "angle": angle}


def _read_cuboid(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    """Seven corners that are seen and three faces; ours have the hidden one as well."""
    points = grid.flat(geometry.get("points"), f"{at}.points")
    faces = wire.list_of(geometry.get("faces"), f"{at}.faces")
    fine = all(
        isinstance(f, list) and len(f) == 4 and all(isinstance(n, int) and 0 <= n < len(points) // 2 for n in f)
        for f in faces
    )
    if len(points) not in (14, 16) or len(faces) != 3 or not fine:
        raise Refused(400, f"{at}: a cuboid has seven or eight points and three faces of four point numbers each.")
    if len(points) == 14:
        points += [min(1.0, max(0.0, points[n] + points[n + 4] - points[n + 2])) for n in (8, 9)]
    return document.Cuboid(points=points), {"faces": faces, "points": len(wire.list_of(geometry.get("points"), at))}


def _write_cuboid(shape: Any, grid: Grid, extra: Extra) -> Json:
    faces, count = extra.get("faces") or FACES, extra.get("points", 7)
    return {"points": grid.out(shape.points[: 2 * count]), "faces": faces}


def _read_cuboid_2d(geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    vertices = wire.object_of(geometry.get("vertices"), f"{at}.vertices")
    nodes = {key: node for key, node in vertices.items() if isinstance(node, dict) and "loc" in node}
    if len(nodes) != 8:
        raise Refused(400, f"{at}.vertices: eight corners with a loc each are needed.")
    points = [v for key, node in nodes.items() for v in grid.flat([node["loc"]], f"{at}.vertices.{key}.loc")]
    rest = {key: value for key, value in geometry.items() if key not in ("vertices", "nodes")}
    more = {key: value for key, value in vertices.items() if key not in nodes}
    return document.Cuboid(points=points), {"vertices": list(nodes), "more": more, "rest": rest}


def _write_cuboid_2d(shape: Any, grid: Grid, extra: Extra) -> Json:
    keys = extra.get("vertices") or [str(n) for n in range(8)]
    vertices = {key: {"loc": place} for key, place in zip(keys, grid.out(shape.points), strict=True)}
    return {"vertices": {**vertices, **extra.get("more", {})}, **extra.get("rest", {})}


READ: dict[str, Callable[[Json, Grid, str], tuple[Shape, Extra]]] = {
    "rectangle": _read_rectangle,
    "polygon": _read_polygon,
    "line": _read_line,
    "point": _read_point,
    "graph": _read_graph,
    "bitmap": _read_bitmap,
    "alpha_mask": _read_alpha,
    "multipolygon": _read_multipolygon,
    "oriented_bbox": _read_oriented,
    "cuboid": _read_cuboid,
    "cuboid_2d": _read_cuboid_2d,
}
WRITE: dict[str, Callable[[Any, Grid, Extra], Json]] = {
    "rectangle": _write_rectangle,
    "polygon": _write_polygon,
    "line": _write_points,
    "point": _write_points,
    "graph": _write_graph,
    "bitmap": _write_bitmap,
    "alpha_mask": _write_alpha,
    "multipolygon": _write_multipolygon,
    "oriented_bbox": _write_oriented,
    "cuboid": _write_cuboid,
    "cuboid_2d": _write_cuboid_2d,
}
# Keys of a geometry, where it lies beside an object's other keys.
KEYS = ("points", "parts", "nodes", "bitmap", "angle", "faces", "vertices")


def read(kind: Any, geometry: Json, grid: Grid, at: str) -> tuple[Shape, Extra]:
    """Our shape of a geometry, and what has no place in it. Raises `Refused`."""
    if kind not in READ:
        raise Refused(400, f"{at}: the geometry {wire.short(kind)} cannot be kept here; use {', '.join(READ)}.")
    return READ[kind](geometry, grid, at)


def type_of(shape: Shape, wanted: str, extra: Extra) -> str:
    """Their name of a shape. `wanted`: the class's own; one of any shape says what was sent."""
    kind = document.shape_kind(shape)
    for name in (wanted, extra.get("geometryType", "")):
        if name in SAME and kind in SAME[name]:
            return name
    if isinstance(shape, document.Polygon):
        return "polygon" if len(shape.parts) == 1 else "multipolygon"
    return DEFAULT[kind]


SAME = {"rectangle": ("rectangle",), "polygon": ("polygon",), "multipolygon": ("polygon",), "line": ("polyline",),
        "point": ("point",), "graph": ("skeleton", "landmarks"), "bitmap": ("mask",), "alpha_mask": ("mask",),
        "oriented_bbox": ("oriented_rectangle",), "cuboid": ("cuboid",), "cuboid_2d": ("cuboid",)}  # fmt: skip
DEFAULT = {"rectangle": "rectangle", "oriented_rectangle": "oriented_bbox", "polyline": "line", "point": "point",
           "landmarks": "graph", "skeleton": "graph", "cuboid": "cuboid", "mask": "bitmap"}  # fmt: skip
