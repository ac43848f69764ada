"""One annotation's geometry: Playment's JSON to our shape, and back.

Both sides use fractions of the picture, origin top-left. What a shape of ours cannot hold (names of points, further
keys on them) is put into `kept`, which travels in the object's `extra` and comes out again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from labelwright.geometry.document import (
    Cuboid,
    Landmarks,
    OrientedRectangle,
    Point,
    Polygon,
    Polyline,
    Rectangle,
    Shape,
    Skeleton,
)
from labelwright.vendors.playment.errors import invalid

TOLERANCE = 1e-6
DIGITS = re.compile(r"(\d+)")
Kept = dict[str, Any]
Warn = Callable[[str], None]

# type in a video tracker -> key of the list in an image's labels
GROUPS = {
    "rectangle": "rectangles", "polygon": "polygons", "line": "lines", "cuboid": "cuboids", "landmark": "landmarks",
}  # fmt: skip
TYPES = {group: kind for kind, group in GROUPS.items()}
GEOMETRY_KEYS = {
    "rectangle": ("coordinates",),
    "polygon": ("points", "edges", "holes"),
    "line": ("points", "edges"),
    "cuboid": ("points", "front", "side", "back"),
    "landmark": ("points",),
}
SHAPE_KINDS = {
    "rectangle": "rectangle", "polygon": "polygon", "line": "polyline", "cuboid": "cuboid", "landmark": "landmarks",
}  # fmt: skip


def coordinate(value: Any, path: str) -> float:
    """A number from 0 to 1; what is outside by rounding only is moved to the edge."""
    if type(value) is float or type(value) is int:
        if 0.0 <= value <= 1.0:
            return float(value)
        if -TOLERANCE <= value <= 1.0 + TOLERANCE:
            return 0.0 if value < 0 else 1.0
        raise invalid(path, f"{value:g} is outside 0 to 1; divide x by the picture's width and y by its height.")
    raise invalid(path, "must be a number from 0 to 1.")


def _xy(value: Any, path: str) -> tuple[float, float]:
    if type(value) is not dict or "x" not in value or "y" not in value:
        raise invalid(path, 'must be an object with "x" and "y".')
    x, y = value["x"], value["y"]
    # The usual case first: this runs for each point of each label that arrives.
    if type(x) is float and type(y) is float and 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0:
        return x, y
    return coordinate(x, path + ".x"), coordinate(y, path + ".y")


def natural(name: str) -> list[Any]:
    """Sort key that puts p2 before p10."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in DIGITS.split(name)]


def read(kind: str, annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    """The shape in an annotation of a type (a key of `GROUPS`). Raises `PlaymentError` naming the place."""
    return _READERS[kind](annotation, path, kept, warn)


def _rectangle(annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    corners = annotation.get("coordinates")
    if type(corners) is not list or len(corners) != 4:
        raise invalid(path + ".coordinates", "must be a list of 4 corner points.")
    box = _usual_box(corners)
    if box is not None:
        return Rectangle(box)
    points = [_xy(c, f"{path}.coordinates[{i}]") for i, c in enumerate(corners)]
    if extra := {str(i): rest for i, c in enumerate(corners) if (rest := _rest(c, ("x", "y")))}:
        kept["point_extra"] = extra
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    if ax == dx and bx == cx and ay == by and cy == dy and ax <= bx and ay <= dy:
        return Rectangle((ax, ay, bx, cy))
    return _any_corners(points, path)


def _usual_box(corners: list[Any]) -> tuple[float, float, float, float] | None:
    """The box of corners in the documented order with nothing else on them: nearly all that ever arrive."""
    a, b, c, d = corners
    try:
        x1, y1, x2, y2 = a["x"], a["y"], c["x"], c["y"]
        usual = (
            type(x1) is type(y1) is type(x2) is type(y2) is float
            and b["x"] == x2 and b["y"] == y1 and d["x"] == x1 and d["y"] == y2
            and 0.0 <= x1 <= x2 <= 1.0 and 0.0 <= y1 <= y2 <= 1.0
            and len(a) + len(b) + len(c) + len(d) == 8
        )  # fmt: skip
    except (TypeError, KeyError):
        return None
    return (x1, y1, x2, y2) if usual else None


def _any_corners(points: list[tuple[float, float]], path: str) -> Rectangle:
    xs, ys = sorted(x for x, _ in points), sorted(y for _, y in points)
    left, right, top, bottom = xs[0], xs[3], ys[0], ys[3]
    wanted = {(left, top), (right, top), (right, bottom), (left, bottom)}
    found = {min(wanted, key=lambda w: abs(w[0] - x) + abs(w[1] - y)) for x, y in points}
    straight = max(xs[1] - left, right - xs[2], ys[1] - top, bottom - ys[2]) <= TOLERANCE
    if not straight or len(found) < len(wanted):
        raise invalid(path + ".coordinates", "the sides are not parallel to the picture's; send a polygon instead.")
    return Rectangle((left, top, right, bottom))


def _named_points(annotation: dict[str, Any], path: str, least: int) -> tuple[list[str], dict[str, Any]]:
    points = annotation.get("points")
    if type(points) is not dict:
        raise invalid(path + ".points", 'must be an object of points, such as {"p1": {"x": 0.1, "y": 0.2}}.')
    if len(points) < least:
        raise invalid(path + ".points", f"has {len(points)} points; at least {least} are needed.")
    names = [f"p{i}" for i in range(1, len(points) + 1)]
    if list(points) != names:
        names = sorted(points, key=natural)
    return names, points


def _flat(names: list[str], points: dict[str, Any], path: str, kept: Kept, known: tuple[str, ...]) -> list[float]:
    flat: list[float] = []
    extra = {}
    for index, name in enumerate(names):
        point = points[name]
        flat.extend(_xy(point, f"{path}.points.{name}"))
        if len(point) > len(known) and (rest := _rest(point, known)):
            extra[str(index)] = rest
    if any(name != f"p{i}" for i, name in enumerate(names, 1)):
        kept["names"] = names
    if extra:
        kept["point_extra"] = extra
    return flat


def _rest(value: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k not in known} if len(value) > len(known) else {}


def _polygon(annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    names, points = _named_points(annotation, path, 3)
    edges = annotation.get("edges")
    if edges is not None:
        ring = _ring(edges, names)
        if ring is None:
            warn(f"{path}.edges: not one closed ring through every point; the points are joined in their order.")
        else:
            names = ring
    outline = _flat(names, points, path, kept, ("x", "y"))
    holes = annotation.get("holes")
    if holes is None:
        return Polygon([[outline]])
    if type(holes) is not list or any(type(hole) is not list or len(hole) < 3 for hole in holes):
        raise invalid(path + ".holes", "must be a list of rings, each a list of at least 3 points.")
    rings = [[v for j, p in enumerate(hole) for v in _xy(p, f"{path}.holes[{i}][{j}]")] for i, hole in enumerate(holes)]
    return Polygon([[outline, *rings]])


def _ring(edges: Any, names: list[str]) -> list[str] | None:
    """The points in the order in which `edges` joins them into one ring, starting at the first; None when it does not."""
    if type(edges) is not dict or len(edges) != len(names):
        return None
    after: dict[str, list[str]] = {name: [] for name in names}
    for edge in edges.values():
        if type(edge) is not list or len(edge) != 2 or type(edge[0]) is not str or type(edge[1]) is not str:
            return None
        a, b = edge
        if a not in after or b not in after or a == b:
            return None
        after[a].append(b)
        after[b].append(a)
    if any(len(near) != 2 for near in after.values()):
        return None
    # Walk towards the natural neighbour, so that a ring written backwards keeps the points' own order.
    ring = [names[0]]
    step = names[1] if names[1] in after[names[0]] else after[names[0]][0]
    while step != names[0]:
        ring.append(step)
        one, two = after[step]
        step = two if one == ring[-2] else one
        if len(ring) > len(names):
            return None
    return ring if len(ring) == len(names) else None


def _line(annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    names, points = _named_points(annotation, path, 2)
    return Polyline(_flat(names, points, path, kept, ("x", "y")))


def _landmark(annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    names, points = _named_points(annotation, path, 1)
    flat = _flat(names, points, path, kept, ("x", "y", "label"))
    labels = [points[name].get("label", i) for i, name in enumerate(names, 1)]
    for name, label in zip(names, labels, strict=True):
        if type(label) is not int or abs(label) >= 2**53:
            raise invalid(f"{path}.points.{name}.label", "must be a whole number.")
    return Landmarks(flat, labels)


def _cuboid(annotation: dict[str, Any], path: str, kept: Kept, warn: Warn) -> Shape:
    names, points = _named_points(annotation, path, 8)
    if len(names) != 8:
        raise invalid(path + ".points", f"has {len(names)} points; a cuboid has 8.")
    flat = _flat(names, points, path, kept, ("x", "y"))
    faces: dict[str, list[int]] = {}
    face_extra = {}
    for face in ("front", "side", "back"):
        value = annotation.get(face)
        if value is None:
            continue
        corners = value.get("coordinates") if type(value) is dict else None
        if type(corners) is not list or any(type(c) is not str or c not in points for c in corners):
            raise invalid(f"{path}.{face}.coordinates", "must be a list of names of this cuboid's points.")
        faces[face] = [names.index(c) for c in corners]
        if rest := _rest(value, ("coordinates",)):
            face_extra[face] = rest
    if face_extra:
        kept["face_extra"] = face_extra
    return Cuboid(flat, faces or None)


_READERS: dict[str, Callable[[dict[str, Any], str, Kept, Warn], Shape]] = {
    "rectangle": _rectangle, "polygon": _polygon, "line": _line, "cuboid": _cuboid, "landmark": _landmark,
}  # fmt: skip

# --- out -------------------------------------------------------------------------------------------------------------

DRAWN_FACES = {"front": [0, 1, 2, 3], "side": [1, 5, 6, 2], "back": [4, 5, 6, 7]}


def write(shape: Shape, kept: Kept, edges_on_lines: bool = False) -> tuple[str, dict[str, Any]]:
    """Playment's type for a shape, and its geometry keys, rounded to 6 decimals. Masks have no place here.

    Shapes it does not know come out as the nearest it does: oriented boxes as polygons, points and skeletons as landmarks."""
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = (round(v, 6) for v in shape.box)
        corners: list[dict[str, Any]] = [{"x": x1, "y": y1}, {"x": x2, "y": y1}, {"x": x2, "y": y2}, {"x": x1, "y": y2}]
        for index, rest in kept.get("point_extra", {}).items():
            corners[int(index)].update(rest)
        return "rectangle", {"coordinates": corners}
    if isinstance(shape, Polygon):
        return "polygon", _polygon_out(shape.parts[0], kept)
    if isinstance(shape, OrientedRectangle):
        return "polygon", _polygon_out([shape.points], {})
    if isinstance(shape, Polyline):
        names, points = _points_out(shape.points, kept)
        body: dict[str, Any] = {"points": points}
        if edges_on_lines:
            body["edges"] = {f"e{i}": [a, b] for i, (a, b) in enumerate(pairwise(names), 1)}
        return "line", body
    if isinstance(shape, Cuboid):
        names, points = _points_out(shape.points, kept)
        faces = DRAWN_FACES if shape.faces is None else shape.faces
        extra = kept.get("face_extra", {})
        return "cuboid", {
            "points": points,
            **{f: {"coordinates": [names[i] for i in c], **extra.get(f, {})} for f, c in faces.items()},
        }
    if isinstance(shape, Landmarks):
        return "landmark", _landmarks_out(shape.points, shape.labels, kept)
    if isinstance(shape, Point):
        return "landmark", _landmarks_out(shape.points, [1], kept)
    if isinstance(shape, Skeleton):
        seen = [i for i, v in enumerate(shape.visibility) if v > 0]
        flat = [v for i in seen for v in shape.points[2 * i : 2 * i + 2]]
        return "landmark", _landmarks_out(flat, [i + 1 for i in seen], {})
    raise TypeError(f"{type(shape).__name__} is not one of Playment's vector shapes")


def _points_out(flat: list[float], kept: Kept) -> tuple[list[str], dict[str, dict[str, Any]]]:
    count = len(flat) // 2
    names = kept.get("names", ())
    if len(names) != count:
        names = [f"p{i}" for i in range(1, count + 1)]
    rounded = [round(v, 6) for v in flat]
    points: dict[str, dict[str, Any]] = {
        name: {"x": rounded[2 * i], "y": rounded[2 * i + 1]} for i, name in enumerate(names)
    }
    for index, rest in kept.get("point_extra", {}).items():
        if int(index) < count:
            points[names[int(index)]].update(rest)
    return list(names), points


def _polygon_out(part: list[list[float]], kept: Kept) -> dict[str, Any]:
    names, points = _points_out(part[0], kept)
    body: dict[str, Any] = {
        "points": points,
        "edges": {f"e{i}": [a, b] for i, (a, b) in enumerate(pairwise([*names, names[0]]), 1)},
    }
    if len(part) > 1:
        body["holes"] = [
            [{"x": round(h[i], 6), "y": round(h[i + 1], 6)} for i in range(0, len(h), 2)] for h in part[1:]
        ]
    return body


def _landmarks_out(flat: list[float], labels: list[int], kept: Kept) -> dict[str, Any]:
    names, points = _points_out(flat, kept)
    for name, label in zip(names, labels, strict=True):
        points[name]["label"] = label
    return {"points": points}
