"""Hypothesis strategies for documents: every value drawn here is valid against `ONTOLOGY`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labelwright.geometry import masks
from labelwright.geometry.document import (
    SHAPE_KINDS,
    Attributes,
    Cuboid,
    Document,
    Keyframe,
    LabelObject,
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
from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology

# A busy machine is slow at times; that is no fault of the code under test.
settings.register_profile(
    "labelwright",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("LABELWRIGHT_NIGHTLY") != "1",  # the same cases each time; new ones nightly
)
settings.load_profile("labelwright")

SKELETON = {
    "points": [{"name": "head", "x": 0.5, "y": 0.1}, {"name": "hip", "x": 0.5, "y": 0.6}, {"name": "foot", "x": 0.5, "y": 1}],
    "edges": [[0, 1], [1, 2]],
}  # fmt: skip
ATTRIBUTES = [
    AttributeInfo("occluded", "flag"),
    AttributeInfo("note", "text"),
    AttributeInfo("speed", "number"),
    AttributeInfo("color", "one_of", options=("red", "green", "blue")),
    AttributeInfo("parts", "many_of", classes=frozenset({"car"}), options=("door", "wheel", "mirror")),
    AttributeInfo("weather", "one_of", scope="item", options=("sun", "rain")),
    AttributeInfo("blurred", "flag", scope="frame"),
]
# "car" takes every shape, "person" has a skeleton template, "sign" is boxes only.
ONTOLOGY = Ontology(
    {
        "car": ClassInfo(1, "car", skeleton=SKELETON),
        "person": ClassInfo(2, "person", skeleton=SKELETON),
        "sign": ClassInfo(3, "sign", shapes=frozenset({"rectangle"})),
    },
    ATTRIBUTES,
)
# No lone surrogates (JSON cannot carry them) and no NUL (PostgreSQL's text cannot).
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
fractions = st.floats(0, 1, allow_nan=False, width=64)


def points(least: int, most: int | None = None) -> st.SearchStrategy[list[float]]:
    """Flat lists of `least` to `most` points."""
    most = least if most is None else most
    return st.integers(least, most).flatmap(lambda n: st.lists(fractions, min_size=2 * n, max_size=2 * n))


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    """Boxes with x1 <= x2 and y1 <= y2."""
    (x1, x2), (y1, y2) = sorted((draw(fractions), draw(fractions))), sorted((draw(fractions), draw(fractions)))
    return Rectangle(box=(x1, y1, x2, y2))


@st.composite
def rings(draw: st.DrawFn) -> list[float]:
    """Open rings of 3 to 8 different points."""
    pairs = draw(st.lists(st.tuples(fractions, fractions), min_size=3, max_size=8, unique=True))
    return [v for pair in pairs for v in pair]


@st.composite
def mask_arrays(draw: st.DrawFn, most: int = 12) -> Any:
    """Boolean arrays (height, width), empty ones and full ones among them."""
    size = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    return draw(arrays.arrays(np.bool_, size))


@st.composite
def landmarks(draw: st.DrawFn) -> Landmarks:
    """Numbered points."""
    flat = draw(points(1, 6))
    labels = st.lists(st.integers(0, 200), min_size=len(flat) // 2, max_size=len(flat) // 2)
    return Landmarks(points=flat, labels=draw(labels))


def masks_of_any_size() -> st.SearchStrategy[Mask]:
    """Masks with at least one pixel set."""
    return mask_arrays().filter(lambda a: a.any()).map(masks.from_array)


BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "rectangle": rectangles(),
    "oriented_rectangle": st.builds(OrientedRectangle, points=points(4)),
    "polygon": st.builds(Polygon, parts=st.lists(st.lists(rings(), min_size=1, max_size=3), min_size=1, max_size=3)),
    "polyline": st.builds(Polyline, points=points(2, 6)),
    "point": st.builds(Point, points=points(1)),
    "landmarks": landmarks(),
    "skeleton": st.builds(
        Skeleton, points=points(3), visibility=st.lists(st.sampled_from([0, 1, 2]), min_size=3, max_size=3)
    ),
    "cuboid": st.builds(
        Cuboid, points=points(8), faces=st.none() | st.just({"front": [0, 1, 2, 3], "side": [1, 2, 5, 6]})
    ),
    "mask": masks_of_any_size(),
}


def shapes(*kinds: str) -> st.SearchStrategy[Shape]:
    """Shapes of the kinds given, of every kind when none is."""
    return st.one_of([BY_KIND[k] for k in kinds or SHAPE_KINDS])


def attribute_values(attribute: AttributeInfo) -> st.SearchStrategy[Any]:
    """Values that the attribute takes."""
    options = attribute.options
    by_kind: dict[str, Any] = {
        "flag": st.booleans,
        "text": lambda: texts,
        "number": lambda: st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-1000, 1000),
        "one_of": lambda: st.sampled_from(options),
        "many_of": lambda: st.lists(st.sampled_from(options), unique=True),
    }
    return by_kind[attribute.kind]()


def attributes(known: dict[str, AttributeInfo]) -> st.SearchStrategy[Attributes]:
    """Some of the known attributes, each with a value it takes."""
    return st.fixed_dictionaries({}, optional={n: attribute_values(a) for n, a in known.items()})


@st.composite
def keyframes(draw: st.DrawFn, class_name: str, kind: str, frames: int) -> list[Keyframe]:
    """A track's keyframes, sorted, the first with a shape."""
    where = sorted(draw(st.sets(st.integers(0, frames - 1), min_size=1, max_size=5)))
    known = ONTOLOGY.attributes_of(class_name)
    found = []
    for position, frame in enumerate(where):
        outside = bool(position) and draw(st.booleans())
        shape = draw(st.none() | BY_KIND[kind]) if position else draw(BY_KIND[kind])
        found.append(Keyframe(frame=frame, shape=shape, attributes=draw(attributes(known)), outside=outside))
    return found


@st.composite
def objects(
    draw: st.DrawFn, object_id: int = 1, kinds: tuple[str, ...] = SHAPE_KINDS, frames: int | None = None
) -> LabelObject:
    """An image's object, or with `frames` a track over that many."""
    kind = draw(st.sampled_from(kinds))
    class_name = draw(st.sampled_from(sorted(ONTOLOGY.classes) if kind == "rectangle" else ["car", "person"]))
    return LabelObject(
        id=object_id,
        class_name=class_name,
        shape=None if frames else draw(BY_KIND[kind]),
        keyframes=draw(keyframes(class_name, kind, frames)) if frames else None,
        attributes=draw(attributes(ONTOLOGY.attributes_of(class_name))),
        source=draw(st.sampled_from(["human", "model", "import"])),
        score=draw(st.none() | fractions),
        locked=draw(st.booleans()),
        group=draw(st.none() | st.integers(0, 1000)),
        extra=draw(st.none() | st.just({"_id": "a-vendor's-own"})),
    )


@st.composite
def documents(
    draw: st.DrawFn, kinds: tuple[str, ...] = SHAPE_KINDS, frames: int | None = None, most: int = 6
) -> Document:
    """Documents of an image, or with `frames` of a video with that many."""
    ids = draw(st.lists(st.integers(1, 2**31), unique=True, max_size=most))
    return Document(
        objects=[draw(objects(i, kinds, frames)) for i in ids],
        attributes=draw(attributes(ONTOLOGY.item_attributes)),
        frames=draw(
            st.dictionaries(
                st.integers(0, (frames or 1) - 1).map(str), attributes(ONTOLOGY.frame_attributes), max_size=3
            )
        ),
    )
