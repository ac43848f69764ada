"""Datasets drawn for tests of formats: pictures of up to 90 pixels with boxes and outlines on a grid of 64, in all splits."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from labelwright.formats.sample import Format, Sample, SampleClass
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import Document, LabelObject, Polygon, Rectangle, Shape
from tests.support import strategies as _profile  # noqa: F401  (Hypothesis's settings for this suite)

CLASSES = [
    SampleClass("car"),
    SampleClass("tree, tall"),
    SampleClass('a "b" & <c> é'),
    SampleClass("x/y\\z #🚗"),
    SampleClass("50%25 'q'"),
]
SPLITS = st.sampled_from(["", "train", "valid", "test"])
whole = st.integers(0, 64)


def jpeg(width: int, height: int) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), (20, 120, 20)).save(body, "JPEG")
    return body.getvalue()


@st.composite
def boxes(draw: st.DrawFn) -> Rectangle:
    x1, x2 = sorted(draw(st.tuples(whole, whole).filter(lambda v: v[0] != v[1])))
    y1, y2 = sorted(draw(st.tuples(whole, whole).filter(lambda v: v[0] != v[1])))
    return Rectangle((x1 / 64, y1 / 64, x2 / 64, y2 / 64))


@st.composite
def outlines(draw: st.DrawFn) -> Polygon:
    points = draw(st.lists(st.tuples(whole, whole), min_size=3, max_size=8, unique=True))
    return Polygon([[[v / 64 for p in points for v in p]]])


@st.composite
def samples(draw: st.DrawFn, shapes: st.SearchStrategy[Shape]) -> list[Sample]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        objects = [
            LabelObject(i, draw(st.sampled_from(CLASSES)).name, draw(shapes), source="import")
            for i in range(1, draw(st.integers(0, 5)) + 1)
        ]
        width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
        found.append(Sample(f"{number}.jpg", width, height, Document(objects), split=draw(SPLITS),
                            picture=lambda w=width, h=height: jpeg(w, h)))  # fmt: skip
    return found


def trip(form: Format, written: list[Sample]) -> dict[tuple[str, str], Sample]:
    file = io.BytesIO()
    form.write(iter(written), file, CLASSES)
    file.seek(0)
    return {(s.split or "train", s.name): s for s in form.read(file).samples}


def around(shape: Shape) -> Rectangle:
    return Rectangle(measures.bounds(shape))


def same(a: Shape, b: Shape) -> bool:
    x, y = measures.points_of(a), measures.points_of(b)
    return type(a) is type(b) and len(x) == len(y) and all(abs(p - q) < 1e-6 for p, q in zip(x, y, strict=True))


def near(found: Any, expected: Any) -> bool:
    """Equal, numbers within a millionth of a pixel."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(near(found[k], v) for k, v in expected.items())
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(near(a, b) for a, b in zip(found, expected, strict=True))
    if isinstance(expected, float) and isinstance(found, int | float):
        return abs(found - expected) <= 1e-5
    return found == expected


def whole_pixels(shape: Shape, width: int, height: int) -> Rectangle:
    x1, y1, x2, y2 = (round(v) for v in pixels.box_to_pixels(measures.bounds(shape), width, height))
    return Rectangle((x1 / width, y1 / height, x2 / width, y2 / height))


def steps(number: int) -> Callable[[Shape, int, int], Rectangle]:
    def rounded(shape: Shape, _width: int, _height: int) -> Rectangle:
        x1, y1, x2, y2 = (min(round(v * number), number - 1) / number for v in measures.bounds(shape))
        return Rectangle((x1, y1, x2, y2))

    return rounded


# What comes back of a shape in a picture of that size: the declared loss.
KEEPS: dict[str, Callable[[Shape, int, int], Shape]] = {
    "yolo": lambda s, *_: s,
    "darknet": lambda s, *_: s,
    "voc": lambda s, *_: s,
    "coco-folders": lambda s, *_: s,
    "cvat": lambda s, *_: s,
    "labelme": lambda s, *_: s,
    "createml": lambda s, *_: around(s),
    "tensorflow-csv": lambda s, *_: around(s),
    "retinanet-csv": lambda s, *_: around(s),
    "tfrecord": lambda s, *_: around(s),
    "yolov4": whole_pixels,
    "paligemma": steps(1024),
    "florence2-od": steps(1000),
}
