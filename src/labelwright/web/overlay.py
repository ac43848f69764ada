"""Labels drawn over a small picture, as SVG made on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from labelwright.geometry import masks, tracks
from labelwright.geometry.document import (
    Cuboid,
    Document,
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

UNIT = 1000  # the drawing's width; its height follows the picture
MOST_OBJECTS = 250


@dataclass(frozen=True)
class Detail:
    """How finely is drawn. `points`: at most so many an outline; `grid`: masks are drawn from a copy of so many cells a side."""

    points: int
    grid: int


SMALL, LARGE = Detail(60, 72), Detail(600, 480)
CUBOID_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
FALLBACK = "#9aa2ae"


def draw(
    document: Document, colors: Mapping[str, str], width: int, height: int, frame: int = 0, *, large: bool = False
) -> Markup:
    """The labels of a picture of `width` x `height` pixels (for a video: in `frame`) as an `<svg class="labels">`.

    `colors`: `#RRGGBB` by class name. `large`: for a whole page; drawn finely, and each object named for the pointer."""
    detail = LARGE if large else SMALL
    tall = UNIT * height / width
    drawn = []
    for item in document.objects[:MOST_OBJECTS]:
        state = tracks.state_at(item, frame)
        if state is None or state.shape is None:
            continue
        color = escape(colors.get(item.class_name, FALLBACK))
        title = f"<title>{escape(item.class_name)} {item.id}</title>" if large else ""
        body = _shape(state.shape, tall, title, detail)
        if body:
            drawn.append(f'<g fill="{color}" stroke="{color}">{body}</g>')
    label = f"{len(document.objects)} objects"
    return Markup(  # noqa: S704  (numbers of ours, and texts escaped above)
        f'<svg class="labels" viewBox="0 0 {UNIT} {tall:.1f}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    )


def _shape(shape: Shape, tall: float, title: str, detail: Detail) -> str:
    match shape:
        case Rectangle():
            x1, y1, x2, y2 = shape.box
            w, h = (x2 - x1) * UNIT, (y2 - y1) * tall
            place = f'x="{x1 * UNIT:.1f}" y="{y1 * tall:.1f}" width="{w:.1f}" height="{h:.1f}"'
            return f'<rect class="s" {place}>{title}</rect>'
        case OrientedRectangle():
            return f'<path class="s" d="{_path(shape.points, tall, detail)}Z">{title}</path>'
        case Polygon():
            return _area(shape, tall, title, detail)
        case Polyline():
            return f'<path class="l" d="{_path(shape.points, tall, detail)}">{title}</path>'
        case Point() | Landmarks():
            return _dots(shape.points, tall, title)
        case Skeleton():
            seen = [p for i, p in enumerate(_pairs(shape.points)) if shape.visibility[i : i + 1] != [0]]
            return _dots([v for p in seen for v in p], tall, title)
        case Cuboid():
            points = _pairs(shape.points)
            edges = [f"M{_at(points[a], tall)}L{_at(points[b], tall)}" for a, b in CUBOID_EDGES if b < len(points)]
            front = _path(shape.points[:8], tall, detail)
            return f'<path class="s" d="{front}Z">{title}</path><path class="l" d="{"".join(edges)}"/>'
        case Mask():
            return _area(_outline(shape, detail.grid), tall, title, detail)
    return ""


def _area(shape: Polygon, tall: float, title: str, detail: Detail) -> str:
    rings = "".join(_path(ring, tall, detail) + "Z" for part in shape.parts for ring in part)
    return f'<path class="s" fill-rule="evenodd" d="{rings}">{title}</path>' if rings else ""


def _outline(mask: Mask, grid: int) -> Polygon:
    """A mask's outline on a coarse copy of its cut-out, fractions of the picture."""
    x, y, w, h = mask.box
    if not w or not h or masks.fault(mask):
        return Polygon([])
    step = max(1, -(-max(w, h) // grid))
    small = masks.crop_array(mask)[step // 2 :: step, step // 2 :: step]
    rows, columns = small.shape
    outline = masks.to_polygon(masks.from_array(small), 0.4)
    width, height = mask.size
    wide, high = columns * step / width, rows * step / height
    left, top = x / width, y / height
    return Polygon(
        [
            [[left + v * wide if i % 2 == 0 else top + v * high for i, v in enumerate(ring)] for ring in part]
            for part in outline.parts
        ]
    )


def _dots(points: list[float], tall: float, title: str) -> str:
    places = [(x * UNIT, y * tall) for x, y in _pairs(points)]
    return "".join(f'<circle class="p" cx="{x:.1f}" cy="{y:.1f}" r="9">{title}</circle>' for x, y in places)


def _path(points: list[float], tall: float, detail: Detail) -> str:
    pairs = _pairs(points)
    step = -(-len(pairs) // detail.points) or 1
    return "M" + "L".join(_at(p, tall) for p in pairs[::step])


def _at(point: tuple[float, float], tall: float) -> str:
    return f"{point[0] * UNIT:.1f} {point[1] * tall:.1f}"


def _pairs(points: list[float]) -> list[tuple[float, float]]:
    return [(a, b) for a, b in list(pairwise(points))[::2]]
