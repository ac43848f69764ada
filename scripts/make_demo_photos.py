"""Make the demo's photographs and labels: `python scripts/make_demo_photos.py FOLDER`.

FOLDER is `skimage/data` of the scikit-image package, whose photographs are in the public domain (see CREDITS.md). Outlines were read
off the pictures by hand; coins and galaxies are found by brightness, as a model would have found them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from PIL import Image

from labelwright.geometry import masks
from labelwright.geometry.document import Keyframe, LabelObject, Point, Polygon, Polyline, Rectangle, encode

OUT = Path(__file__).resolve().parents[1] / "src" / "labelwright" / "demo"
FRAMES, VIEW = 12, (320, 240)
Pairs = list[tuple[float, float]]


def flat(points: Pairs) -> list[float]:
    """Flat list of fractions, rounded to a hundred-thousandth."""
    return [round(min(max(v, 0.0), 1.0), 5) for point in points for v in point]


def ellipse(x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360, corners: int = 28) -> Pairs:
    """Points on an ellipse (fractions), from one angle to another in degrees, clockwise from the right."""
    angles = [math.radians(start + (end - start) * i / corners) for i in range(corners + (end - start < 360))]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def rectangle(x1: float, y1: float, x2: float, y2: float) -> dict[str, Any]:
    return {"type": "rectangle", "box": [x1, y1, x2, y2]}


def polygon(points: Pairs, *holes: Pairs) -> dict[str, Any]:
    return {"type": "polygon", "parts": [[flat(points), *map(flat, holes)]]}


def polyline(points: Pairs) -> dict[str, Any]:
    return {"type": "polyline", "points": flat(points)}


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "point", "points": flat([(x, y)])}


def landmarks(points: Pairs) -> dict[str, Any]:
    return {"type": "landmarks", "points": flat(points), "labels": list(range(len(points)))}


def numbered(*entries: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Objects from (class, shape[, attributes[, score]])."""
    found = []
    for number, (name, shape, *rest) in enumerate(entries, 1):
        item = {"id": number, "class": name, "shape": shape, "source": "model"}
        if rest and rest[0]:
            item["attributes"] = rest[0]
        item["score"] = rest[1] if len(rest) > 1 else round(0.97 - 0.011 * number % 0.4, 3)
        found.append(item)
    return found


RIM = ellipse(0.487, 0.28, 0.198, 0.236, 180, 360, 16)
CUP: Pairs = [*RIM, (0.668, 0.42), (0.64, 0.53), (0.57, 0.585), (0.47, 0.595), (0.38, 0.55), (0.315, 0.44)]
SAUCER = ellipse(0.461, 0.571, 0.337, 0.396)
BOWL = ellipse(0.612, 0.709, 0.066, 0.108)
LIQUID = ellipse(0.48, 0.365, 0.135, 0.117)
HANDLE: Pairs = [(0.325, 0.76), (0.33, 0.66), (0.38, 0.585), (0.43, 0.6), (0.42, 0.66), (0.385, 0.76)]
MAN: Pairs = [
    (0.315, 0.165), (0.385, 0.125), (0.49, 0.16), (0.53, 0.21), (0.50, 0.32), (0.46, 0.385), (0.52, 0.42), (0.61, 0.33),
    (0.645, 0.37), (0.60, 0.42), (0.54, 0.46), (0.56, 0.55), (0.50, 0.61), (0.42, 0.59), (0.30, 0.73), (0.27, 0.85),
    (0.295, 1.0), (0.22, 0.93), (0.19, 0.87), (0.19, 1.0), (0.0, 1.0), (0.0, 0.5), (0.1, 0.33), (0.18, 0.25), (0.29, 0.21),
]  # fmt: skip


def photographs() -> dict[str, list[dict[str, Any]]]:
    """Labels read off the pictures: rectangles, polygons, lines, points, landmarks, a cuboid."""
    return {
        "astronaut": numbered(
            ("person", rectangle(0.045, 0.025, 0.71, 1.0), {"looks": "at the camera"}),
            ("face", rectangle(0.345, 0.11, 0.535, 0.355)),
            ("face points", landmarks([(0.4, 0.197), (0.487, 0.2), (0.44, 0.245), (0.4, 0.278), (0.475, 0.285)])),
            ("helmet", polygon([(0.55, 1.0), (0.55, 0.84), (0.6, 0.75), (0.68, 0.69), (0.77, 0.67), (0.86, 0.69),
                                (0.93, 0.76), (0.97, 0.87), (1.0, 0.9), (1.0, 1.0)])),
            ("flag", polygon([(0.0, 0.0), (0.09, 0.0), (0.13, 0.17), (0.195, 0.4), (0.12, 0.46), (0.07, 0.65), (0.0, 0.6)])),
            ("spacecraft", rectangle(0.70, 0.0, 0.925, 0.55), {"model": True}),
            ("patch", polygon(ellipse(0.333, 0.755, 0.073, 0.073))),
            ("patch", {"type": "oriented_rectangle", "points": flat([(0.545, 0.665), (0.64, 0.672), (0.645, 0.735), (0.55, 0.74)])}),
        ),
        "coffee": numbered(
            ("cup", polygon(CUP)), ("saucer", polygon(SAUCER)), ("spoon", polygon(BOWL)),
            ("spoon", polyline([(0.63, 0.6), (0.66, 0.45), (0.7, 0.2)]), None, 0.58),
        ),
        "chelsea": numbered(
            ("cat", rectangle(0.0, 0.0, 0.88, 1.0)),
            ("eye", polygon(ellipse(0.379, 0.391, 0.08, 0.1))), ("eye", polygon(ellipse(0.705, 0.457, 0.052, 0.088))),
            ("nose", polygon([(0.516, 0.76), (0.645, 0.76), (0.63, 0.81), (0.58, 0.89), (0.545, 0.85)])),
            ("ear", polygon([(0.77, 0.2), (0.84, 0.0), (0.91, 0.0), (0.82, 0.21)]), None, 0.41),
        ),
        "camera": numbered(
            ("person", polygon(MAN), {"looks": "away"}), ("camera", rectangle(0.5, 0.27, 0.64, 0.36)),
            ("tripod", polyline([(0.575, 0.4), (0.575, 0.62), (0.465, 1.0)])),
            ("tripod", polyline([(0.575, 0.62), (0.79, 1.0)])), ("tripod", polyline([(0.575, 0.62), (0.572, 0.94)])),
            ("building", {"type": "cuboid", "points": flat([
                (0.805, 0.4), (0.835, 0.4), (0.835, 0.25), (0.805, 0.25),
                (0.815, 0.39), (0.845, 0.39), (0.845, 0.24), (0.815, 0.24)])}),
            ("building", rectangle(0.875, 0.32, 0.92, 0.385), None, 0.47),
        ),
        "rocket": numbered(
            ("spacecraft", rectangle(0.482, 0.3, 0.526, 0.953), {"model": False}),
            ("tower", polygon([(0.083, 0.0), (0.143, 0.0), (0.09, 1.0), (0.01, 1.0)])),
            ("tower", polygon([(0.877, 0.0), (1.0, 0.0), (1.0, 1.0), (0.91, 1.0)])),
            ("mast", polyline([(0.311, 0.29), (0.305, 0.92)])), ("mast", polyline([(0.696, 0.29), (0.718, 0.92)])),
            *(("lamp", point(x, y)) for x, y in ((0.234, 0.885), (0.3, 0.929), (0.172, 0.978), (0.128, 0.821), (0.57, 0.931),
                                                 (0.676, 0.923), (0.705, 0.984))),
        ),
        "retina": numbered(
            ("optic disc", polygon(ellipse(0.18, 0.47, 0.052, 0.066))), ("macula", polygon(ellipse(0.505, 0.505, 0.055, 0.055))),
            ("vessel", polyline([(0.19, 0.44), (0.23, 0.33), (0.28, 0.26), (0.36, 0.225), (0.48, 0.24), (0.57, 0.295),
                                 (0.68, 0.305), (0.78, 0.26), (0.9, 0.2)])),
            ("vessel", polyline([(0.13, 0.58), (0.17, 0.69), (0.22, 0.77), (0.32, 0.83), (0.45, 0.87), (0.6, 0.875),
                                 (0.75, 0.85), (0.93, 0.79)])),
        ),
    }  # fmt: skip


COINS = (
    (609, 77, 32),
    (689, 80, 28),
    (767, 73, 33),
    (852, 74, 34),
    (938, 76, 29),
    (1022, 63, 41),
    (611, 178, 30),
    (692, 179, 27),
    (764, 182, 28),
    (839, 177, 29),
    (930, 169, 36),
    (1025, 178, 27),
    (609, 280, 27),
    (691, 278, 31),
    (765, 281, 28),
    (848, 274, 34),
    (934, 277, 33),
    (1040, 266, 45),
    (612, 371, 40),
    (708, 378, 31),
    (791, 371, 40),
    (893, 375, 35),
    (974, 376, 36),
    (1056, 381, 33),
)  # fmt: skip  centre and radius on a contact sheet 546 wide that begins at x = 546


def coins(picture: Image.Image) -> list[dict[str, Any]]:
    """The hull of the bright pixels around each coin's centre."""
    grey = np.asarray(picture.convert("L"), dtype=float)
    height, width = grey.shape
    rows, columns = np.mgrid[0:height, 0:width]
    entries = []
    for x, y, r in COINS:
        cx, cy, reach = (x - 546) / 546 * width, y / 546 * width, r / 546 * width * 1.12
        near = (rows + 0.5 - cy) ** 2 + (columns + 0.5 - cx) ** 2 < reach**2
        limit = (np.percentile(grey[near], 90) + np.percentile(grey[near], 5)) / 2 - 8
        found = np.argwhere(near & (grey > limit))
        hull = shapely.MultiPoint(found[:, ::-1] + 0.5).convex_hull.simplify(0.4).exterior.coords[:-1]
        entries.append(("coin", polygon([(px / width, py / height) for px, py in hull])))
    return numbered(*entries)


def galaxies(picture: Image.Image, most: int = 90) -> list[dict[str, Any]]:
    """Boxes around the brightest spots, grown from their peaks."""
    grey = np.asarray(picture.convert("L"), dtype=float)
    height, width = grey.shape
    free = grey.copy()
    entries: list[tuple[Any, ...]] = []
    while len(entries) < most:
        peak = np.unravel_index(np.argmax(free), free.shape)
        level, spot, edge = grey[peak] * 0.45, {peak}, [peak]
        while edge and len(spot) < 2000:
            y, x = edge.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                inside = 0 <= near[0] < height and 0 <= near[1] < width
                if inside and near not in spot and grey[near] > level:
                    spot.add(near)
                    edge.append(near)
        ys, xs = [p[0] for p in spot], [p[1] for p in spot]
        y1, y2, x1, x2 = min(ys), max(ys) + 1, min(xs), max(xs) + 1
        free[max(0, y1 - 2) : y2 + 2, max(0, x1 - 2) : x2 + 2] = 0
        if len(spot) >= 12:
            box = [round(v, 5) for v in (x1 / width, y1 / height, x2 / width, y2 / height)]
            entries.append(("galaxy", rectangle(*box)))
    return numbered(*entries)


def segments(picture: Image.Image) -> list[dict[str, Any]]:
    """Every pixel of the coffee picture has one class: masks painted over each other from the back to the front."""
    width, height = picture.size
    everything: Pairs = [(0, 0), (1, 0), (1, 1), (0, 1)]
    layers = [
        ("table", everything),
        ("saucer", SAUCER),
        ("cup", HANDLE),
        ("cup", CUP),
        ("coffee", LIQUID),
        ("spoon", BOWL),
    ]
    names = ["table", "saucer", "cup", "coffee", "spoon"]
    drawn = [
        (masks.rasterize(Polygon(parts=[[flat(points)]]), width, height), names.index(name) + 1)
        for name, points in layers
    ]
    raster = masks.compose(drawn, width, height)
    found = masks.decompose(raster)
    return [
        json.loads(encode(LabelObject(id=n, class_name=names[n - 1], shape=found[n], source="model")))
        for n in sorted(found)
    ]


def pan(picture: Image.Image) -> list[dict[str, Any]]:
    """Write frames of a view that glides over the picture; tracks of all its objects, exact with two keyframes."""
    width, height = picture.size
    starts = [(20 + i * 25, 150 + i * 3) for i in range(FRAMES)]
    for number, (x, y) in enumerate(starts):
        picture.crop((x, y, x + VIEW[0], y + VIEW[1])).save(OUT / "photos" / f"launch-{number:02}.jpg", quality=84)

    def seen(points: Pairs, frame: int) -> Pairs:
        return [
            ((px * width - starts[frame][0]) / VIEW[0], (py * height - starts[frame][1]) / VIEW[1]) for px, py in points
        ]

    things: list[tuple[str, str, Pairs]] = [
        ("spacecraft", "rectangle", [(0.482, 0.5), (0.526, 0.9)]),
        ("mast", "polyline", [(0.308, 0.5), (0.305, 0.9)]),
        ("mast", "polyline", [(0.703, 0.5), (0.713, 0.85)]),
        ("lamp", "point", [(0.234, 0.885)]), ("lamp", "point", [(0.3, 0.9)]), ("lamp", "point", [(0.57, 0.9)]),
        ("service arm", "polygon", [(0.465, 0.8), (0.482, 0.8), (0.482, 0.89), (0.465, 0.89)]),
    ]  # fmt: skip
    shapes = {
        "rectangle": lambda p: Rectangle(box=(p[0], p[1], p[2], p[3])),
        "polyline": lambda p: Polyline(points=p),
        "point": lambda p: Point(points=p),
        "polygon": lambda p: Polygon(parts=[[p]]),
    }
    tracks = []
    for number, (name, kind, points) in enumerate(things, 1):
        inside = [f for f in range(FRAMES) if all(0 <= v <= 1 for p in seen(points, f) for v in p)]
        first, last = inside[0], inside[-1]
        keyframes = [Keyframe(frame=f, shape=shapes[kind](flat(seen(points, f)))) for f in sorted({first, last})]
        if last < FRAMES - 1:
            keyframes.append(Keyframe(frame=last + 1, outside=True))
        tracks.append(json.loads(encode(LabelObject(id=number, class_name=name, keyframes=keyframes, source="model"))))
    return tracks


def main(folder: Path) -> None:
    """Write photographs and `labels.json`."""
    names = {"astronaut": "png", "coffee": "png", "chelsea": "png", "camera": "png", "rocket": "jpg", "retina": "jpg",
             "coins": "png", "hubble_deep_field": "jpg"}  # fmt: skip
    pictures = {n: Image.open(folder / f"{n}.{ending}").convert("RGB") for n, ending in names.items()}
    pictures["retina"].thumbnail((800, 800))
    for name, picture in pictures.items():
        picture.save(OUT / "photos" / f"{name}.jpg", quality=86, optimize=True)
    labels = photographs()
    labels["coins"] = coins(pictures["coins"])
    labels["hubble_deep_field"] = galaxies(pictures["hubble_deep_field"])
    labels["segments"] = segments(pictures["coffee"])
    labels["launch"] = pan(pictures["rocket"])
    lines = [
        f"{json.dumps(name)}: [\n " + ",\n ".join(map(json.dumps, objects)) + "\n]" for name, objects in labels.items()
    ]
    (OUT / "labels.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
