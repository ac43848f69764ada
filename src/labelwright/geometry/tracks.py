"""Tracks: an object's keyframes over frames, the shape between two of them, and the way to and from per-frame shapes.

The rules, shared with the editor through `tests/fixtures/geometry/`:

- Before its first keyframe an object is not in the picture; after its last one it stays as it was.
- From an `outside` keyframe on it is not in the picture, until the next keyframe that is not.
- Between two keyframes with shapes of the same kind and the same number of points each coordinate moves evenly.
  Masks on the same grid become one another (`geometry/morph.py`).
  Otherwise (other point counts, an `outside` keyframe without a shape between them) the earlier shape holds.
- A keyframe's attributes hold until another keyframe sets them; the value null takes one away.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labelwright.geometry import morph
from labelwright.geometry.document import (
    Attributes,
    Cuboid,
    Keyframe,
    LabelObject,
    Landmarks,
    Mask,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
)


@dataclass(frozen=True, slots=True)
class State:
    """An object in one frame. `keyframe`: it was set here, not interpolated."""

    shape: Shape
    attributes: Attributes
    keyframe: bool


def interpolate(a: Shape, b: Shape, t: float) -> Shape:
    """The shape at `t` (0 at `a`, 1 at `b`). `a` where the two do not correspond point by point."""
    if t <= 0 or type(a) is not type(b):
        return a
    if t >= 1:
        return b
    if isinstance(a, Mask) and isinstance(b, Mask):
        return morph.between(a, b, t)
    if isinstance(a, Rectangle) and isinstance(b, Rectangle):
        x1, y1, x2, y2 = _between(a.box, b.box, t)
        return Rectangle(box=(x1, y1, x2, y2))
    if isinstance(a, Polygon) and isinstance(b, Polygon):
        if [[len(r) for r in part] for part in a.parts] != [[len(r) for r in part] for part in b.parts]:
            return a
        pairs = zip(a.parts, b.parts, strict=True)
        return Polygon(parts=[[_between(r, s, t) for r, s in zip(p, q, strict=True)] for p, q in pairs])
    if len(a.points) != len(b.points):  # type: ignore[union-attr]
        return a
    points = _between(a.points, b.points, t)  # type: ignore[union-attr]
    if isinstance(a, Landmarks) and isinstance(b, Landmarks):
        return Landmarks(points=points, labels=a.labels) if a.labels == b.labels else a
    if isinstance(a, Skeleton):
        return Skeleton(points=points, visibility=a.visibility)
    if isinstance(a, Cuboid):
        return Cuboid(points=points, faces=a.faces)
    return type(a)(points=points)  # type: ignore[call-arg]


def _between(a: Sequence[float], b: Sequence[float], t: float) -> list[float]:
    return [v + (w - v) * t for v, w in zip(a, b, strict=True)]


def state_at(item: LabelObject, frame: int) -> State | None:
    """The object in `frame` (index from 0), or None when it is not in the picture. An image's object is in every frame."""
    if item.shape is not None:
        return State(item.shape, item.attributes, keyframe=True)
    keyframes = item.keyframes or []
    at = bisect_right(keyframes, frame, key=lambda k: k.frame) - 1
    if at < 0 or keyframes[at].outside:
        return None
    shape = _shape_at(keyframes, at, frame)
    if shape is None:
        return None
    return State(shape, _attributes_at(item, keyframes[: at + 1]), keyframe=keyframes[at].frame == frame)


def _shape_at(keyframes: Sequence[Keyframe], at: int, frame: int) -> Shape | None:
    first = next((k for k in reversed(keyframes[: at + 1]) if k.shape is not None), None)
    if first is None or first.shape is None or first.frame == frame:
        return first.shape if first else None
    for later in keyframes[keyframes.index(first) + 1 :]:
        if later.shape is not None:
            return interpolate(first.shape, later.shape, (frame - first.frame) / (later.frame - first.frame))
        if later.outside:
            break
    return first.shape


def _attributes_at(item: LabelObject, keyframes: Sequence[Keyframe]) -> Attributes:
    values = dict(item.attributes)
    for keyframe in keyframes:
        values.update(keyframe.attributes)
    return {name: value for name, value in values.items() if value is not None}


def visible_spans(item: LabelObject, frame_count: int) -> list[tuple[int, int]]:
    """Runs of frames (first, last; both included) in which the object is in the picture, within `frame_count` frames."""
    if item.shape is not None:
        return [(0, frame_count - 1)] if frame_count else []
    spans: list[tuple[int, int]] = []
    shaped = False
    keyframes = [k for k in item.keyframes or () if k.frame < frame_count]
    for keyframe, after in zip(keyframes, [*keyframes[1:], None], strict=False):
        shaped = shaped or keyframe.shape is not None
        if keyframe.outside or not shaped:
            continue
        last = (after.frame if after else frame_count) - 1
        if spans and spans[-1][1] == keyframe.frame - 1:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((keyframe.frame, last))
    return spans


def visible_frames(item: LabelObject, frame_count: int) -> list[int]:
    """Every frame (index from 0) in which the object is in the picture."""
    return [f for first, last in visible_spans(item, frame_count) for f in range(first, last + 1)]


def per_frame(item: LabelObject, frame_count: int) -> Iterator[tuple[int, State]]:
    """(frame, state) for every frame in which the object is in the picture."""
    for frame in visible_frames(item, frame_count):
        state = state_at(item, frame)
        if state is not None:
            yield frame, state


def from_frames(states: Mapping[int, tuple[Shape, Attributes]], frame_count: int | None = None) -> list[Keyframe]:
    """Keyframes that give exactly these (shape, attributes) per frame, and nothing in the frames between.

    A frame equal to both its neighbours needs no keyframe. With `frame_count` the track ends after its last frame."""
    frames = sorted(states)
    keyframes: list[Keyframe] = []
    known: Attributes = {}
    for position, frame in enumerate(frames):
        before = frames[position - 1] if position else None
        after = frames[position + 1] if position + 1 < len(frames) else None
        if before is not None and before < frame - 1:
            keyframes.append(Keyframe(frame=before + 1, outside=True))
        inner = before == frame - 1 and after == frame + 1
        if inner and states[frame - 1] == states[frame] == states[frame + 1]:
            continue
        shape, attributes = states[frame]
        keyframes.append(Keyframe(frame=frame, shape=shape, attributes=_changes(known, attributes)))
        known = attributes
    if frames and frame_count is not None and frames[-1] + 1 < frame_count:
        keyframes.append(Keyframe(frame=frames[-1] + 1, outside=True))
    return keyframes


def _changes(known: Attributes, present: Attributes) -> Attributes:
    gone = {name: None for name in known if name not in present}
    return gone | {name: value for name, value in present.items() if name not in known or known[name] != value}
