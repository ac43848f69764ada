"""Hypothesis strategies that make Playment's annotations, each in the form in which a result gives it back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

LABELS = ("Car", "Person 1", "lane_divider")
numbers = st.integers(0, 1_000_000).map(lambda n: n / 1_000_000)
texts = st.sampled_from(["State", "a b", "größe", "x.y", "😀", "_id", "class", "1", "'\"<"])
xy = st.fixed_dictionaries({"x": numbers, "y": numbers})
values = st.one_of(texts, st.lists(texts, max_size=3), st.booleans(), st.integers(-100, 100))
attributes = st.dictionaries(texts, st.fixed_dictionaries({"value": values}), max_size=3)
extras = st.fixed_dictionaries(
    {},
    optional={
        "color": st.just("rgb(70, 26, 158)"),
        "state": st.sampled_from(["editable", "non_editable"]),
        "confidence": numbers,
        "by": st.dictionaries(texts, st.none() | st.integers(-9, 9), max_size=2),
    },
)


@st.composite
def geometry(draw: st.DrawFn, kind: str, in_video: bool) -> dict[str, Any]:
    """The geometry keys of one annotation."""
    if kind == "rectangle":
        x1, x2 = sorted([draw(numbers), draw(numbers)])
        y1, y2 = sorted([draw(numbers), draw(numbers)])
        return {"coordinates": [{"x": x, "y": y} for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))]}
    least, most = {"polygon": (3, 11), "line": (2, 11), "cuboid": (8, 8), "landmark": (1, 4)}[kind]
    points = draw(st.lists(xy, min_size=least, max_size=most))
    prefix = draw(st.sampled_from(["p", "p", "vertex-"]))
    names = [f"{prefix}{i}" for i in range(1, len(points) + 1)]
    if kind == "landmark":
        start = draw(st.integers(1, 40))
        return {"points": {n: {**p, "label": start + i} for i, (n, p) in enumerate(zip(names, points, strict=True))}}
    body: dict[str, Any] = {"points": dict(zip(names, points, strict=True))}
    pairs = list(pairwise(names))
    if kind == "polygon":
        pairs.append((names[-1], names[0]))
    if kind == "polygon" or (kind == "line" and in_video):
        body["edges"] = {f"e{i}": list(pair) for i, pair in enumerate(pairs, 1)}
    if kind == "cuboid":
        for face in draw(st.sampled_from([("front",), ("front", "side"), ("front", "side", "back")])):
            body[face] = {"coordinates": draw(st.lists(st.sampled_from(names), min_size=4, max_size=4))}
    return body


@st.composite
def annotation(draw: st.DrawFn, kind: str, in_video: bool = False, label: str | None = None) -> dict[str, Any]:
    """One annotation with everything it may carry."""
    return {
        "_id": str(draw(st.uuids())),
        **({"type": kind} if in_video else {}),
        "label": label or draw(st.sampled_from(LABELS)),
        "attributes": draw(attributes),
        **draw(geometry(kind, in_video)),
        **draw(extras),
    }


KINDS = ("rectangle", "polygon", "line", "cuboid", "landmark")
image_labels = st.fixed_dictionaries(
    {kind + "s": st.lists(annotation(kind), max_size=2, unique_by=lambda a: a["_id"]) for kind in KINDS}
)


@st.composite
def tracker(draw: st.DrawFn, frame_ids: list[str]) -> dict[str, Any]:
    """One tracker over some of the frames, in their order."""
    kind = draw(st.sampled_from(KINDS))
    label = draw(st.sampled_from(LABELS))
    seen = draw(st.sets(st.sampled_from(frame_ids), min_size=1))
    if draw(st.booleans()):
        still = draw(annotation(kind, True, label))
        frames = {f: {**still, "_id": str(draw(st.uuids()))} for f in frame_ids if f in seen}
    else:
        frames = {f: draw(annotation(kind, True, label)) for f in frame_ids if f in seen}
    return {"_id": str(draw(st.uuids())), "type": kind, "label": label, "frames": frames, **draw(extras)}
