"""Checking documents against the ontology and their item. Pure: no database, no geometry beyond counting and comparing.

Every fault is a `Problem` that names the object, the field (`objects[<place in the document>].shape...`) and says what to
change. `check_document` runs on every save and import, `check_submit` when a person says they are done.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from labelwright.errors import Problem
from labelwright.geometry import masks
from labelwright.geometry.document import (
    Attributes,
    Cuboid,
    Document,
    Keyframe,
    LabelObject,
    Landmarks,
    Mask,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
    all_attributes,
    shape_kind,
)
from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology

MAX_ID = 2**31
MAX_TEXT = 10_000
MAX_PROBLEMS = 1_000  # enough to see what is wrong; a million would only fill the answer
# How many points the shapes with one flat list of them have: at least, or exactly.
LEAST = {"polyline": 2, "landmarks": 1, "skeleton": 1}
EXACT = {"oriented_rectangle": 4, "point": 1, "cuboid": 8}
Found = Iterator[tuple[str, str, str]]  # (field below the object, sentence, code)


def check_document(
    document: Document,
    ontology: Ontology,
    *,
    kind: str,
    frames: int | None = None,
    allowed_classes: Collection[str] | None = None,
    allowed_attributes: Collection[str] | None = None,
    limits: Mapping[str, Any] | None = None,
    only: Collection[int] | None = None,
) -> list[Problem]:
    """All faults of a document. `kind`: image or video; `frames`: how many the video has, None while unknown.

    `allowed_classes`, `allowed_attributes`: what the job narrows the ontology to, None: everything. `limits`: the job's
    `objects` and `tags` (values on the item). `only`: check just these objects, such as the ones a save changes."""
    problems: list[Problem] = []
    seen: set[int] | None = None if len({item.id for item in document.objects}) == len(document.objects) else set()
    allowed = None if allowed_classes is None else frozenset(allowed_classes)
    permitted = None if allowed_attributes is None else frozenset(allowed_attributes)
    drawn = _drawn(ontology, allowed) if kind == "image" else {}
    for place, item in enumerate(document.objects):
        if seen is not None:
            if item.id in seen:
                text = f"Object id {item.id} stands twice; give each its own."
                problems.append(_problem(place, item, "id", text, "id"))
            seen.add(item.id)
        if (only is None or item.id in only) and not _plain(item, drawn):
            found = _object_faults(item, ontology, kind, frames, allowed, permitted)
            problems += [_problem(place, item, *fault) for fault in found]
        if len(problems) >= MAX_PROBLEMS:
            return problems
    problems += _document_faults(document, ontology, kind, frames, permitted)
    return problems + _over_limits(document, limits or {})


def check_submit(
    document: Document,
    ontology: Ontology,
    *,
    kind: str,
    frames: int | None = None,
    allowed_classes: Collection[str] | None = None,
    allowed_attributes: Collection[str] | None = None,
    limits: Mapping[str, Any] | None = None,
) -> list[Problem]:
    """What keeps a document from being handed in: the faults of its values, and required attributes that have none.

    Objects of classes outside `allowed_classes` may be there (another job drew them); nothing is asked of them."""
    problems = check_document(document, ontology, kind=kind, frames=frames, limits=limits)

    def asked(known: Mapping[str, AttributeInfo]) -> list[AttributeInfo]:
        return [
            a for a in known.values() if a.required and (allowed_attributes is None or a.name in allowed_attributes)
        ]

    for attribute in asked(ontology.item_attributes):
        if _empty(document.attributes.get(attribute.name)):
            problems.append(
                Problem(f"Say the item's {attribute.name!r}.", f"attributes.{attribute.name}", code="required")
            )
    if kind == "video" and frames is not None:
        for attribute in asked(ontology.frame_attributes):
            problems += _frames_without(document, attribute.name, frames)
    for place, item in enumerate(document.objects):
        if allowed_classes is None or item.class_name in allowed_classes:
            for attribute in asked(ontology.attributes_of(item.class_name)):
                if all(_empty(values.get(attribute.name)) for values in all_attributes(item)):
                    text = f"Say the {attribute.name!r} of this {item.class_name}."
                    problems.append(_problem(place, item, f"attributes.{attribute.name}", text, "required"))
    return problems


def _problem(place: int, item: LabelObject, field: str, message: str, code: str) -> Problem:
    return Problem(message, f"objects[{place}].{field}", item.id, code)


def _plain(item: LabelObject, drawn: Mapping[type, frozenset[str]]) -> bool:
    """Whether an object is an image's box or polygon without attributes and without fault: most are, and imports see
    millions. `drawn`: names of the classes that may be of each of these kinds."""
    shape = item.shape
    kind = type(shape)
    if (
        item.class_name not in drawn.get(kind, ())
        or item.attributes
        or item.keyframes is not None
        or not 1 <= item.id <= MAX_ID
        or not (item.score is None or 0 <= item.score <= 1)
    ):
        return False
    if kind is Rectangle:
        x1, y1, x2, y2 = shape.box  # type: ignore[union-attr]
        return 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1
    assert isinstance(shape, Polygon)
    rings = [ring for part in shape.parts for ring in part]
    return bool(rings) and all(shape.parts) and all(map(_plain_ring, rings))


def _drawn(ontology: Ontology, allowed: frozenset[str] | None) -> dict[type, frozenset[str]]:
    found = {Rectangle: ontology.drawn_as("rectangle"), Polygon: ontology.drawn_as("polygon")}
    return found if allowed is None else {kind: names & allowed for kind, names in found.items()}


def _plain_ring(ring: Sequence[float]) -> bool:
    return len(ring) >= 6 and not len(ring) % 2 and _inside(ring)


def _inside(values: Sequence[float]) -> bool:
    # min and max see NaN or not depending on its place; the sum always does.
    return min(values) >= 0 and max(values) <= 1 and sum(values) <= len(values)


def _object_faults(
    item: LabelObject, ontology: Ontology, kind: str, frames: int | None,
    allowed: frozenset[str] | None, permitted: frozenset[str] | None,
) -> Found:  # fmt: skip
    if not 1 <= item.id <= MAX_ID:
        yield "id", f"An object id is a whole number from 1 to {MAX_ID}, not {item.id}.", "id"
    if item.score is not None and not 0 <= item.score <= 1:
        yield "score", f"A score is 0 to 1, not {item.score}.", "out_of_range"
    known = ontology.classes.get(item.class_name)
    if known is None:
        yield "class", f"There is no class {item.class_name!r} in this project.", "unknown_class"
        known = ClassInfo(0, item.class_name)
    elif allowed is not None and item.class_name not in allowed:
        yield "class", f"This job does not take the class {item.class_name!r}.", "class_not_allowed"
    attributes = ontology.attributes_of(item.class_name)
    yield from _attribute_faults(item.attributes, attributes, permitted, "attributes")
    if kind == "image":
        if item.keyframes is not None:
            yield "keyframes", "An image's object has a shape, not keyframes.", "shape"
        if item.shape is None:
            yield "shape", "The object has no shape.", "shape"
    elif item.shape is not None:
        yield "shape", "A video's object has keyframes, not one shape.", "shape"
    if item.shape is not None:
        yield from _shape_faults(item.shape, known, "shape")
    if kind == "video":
        yield from _track_faults(item, known, frames, attributes, permitted)


def _track_faults(
    item: LabelObject, known: ClassInfo, frames: int | None,
    attributes: Mapping[str, AttributeInfo], permitted: frozenset[str] | None,
) -> Found:  # fmt: skip
    keyframes: Sequence[Keyframe] = item.keyframes or ()
    # Imports may announce an object before its shapes arrive.
    announced = item.keyframes == [] and item.source == "import"
    if not announced and not any(k.shape is not None for k in keyframes):
        yield "keyframes", "A video's object needs at least one keyframe with a shape.", "shape"
    last = -1
    fixed = dict(item.attributes)
    for place, keyframe in enumerate(keyframes):
        at = f"keyframes[{place}]"
        if keyframe.frame < 0 or (frames is not None and keyframe.frame >= frames):
            most = f"0 to {frames - 1}" if frames is not None else "0 or more"
            yield f"{at}.frame", f"Frame {keyframe.frame} is not in this video; a frame is {most}.", "frame"
        elif keyframe.frame <= last:
            yield f"{at}.frame", f"Frame {keyframe.frame} follows frame {last}; sort keyframes, one a frame.", "frame"
        last = max(last, keyframe.frame)
        if keyframe.shape is not None:
            yield from _shape_faults(keyframe.shape, known, f"{at}.shape")
        if keyframe.attributes:
            yield from _attribute_faults(keyframe.attributes, attributes, permitted, f"{at}.attributes")
            for name, value in keyframe.attributes.items():
                if name in attributes and not attributes[name].mutable and fixed.setdefault(name, value) != value:
                    text = f"{name!r} cannot change from frame to frame; set it on the object."
                    yield f"{at}.attributes.{name}", text, "not_mutable"


def shape_faults(shape: Shape) -> list[tuple[str, str, str]]:
    """What is wrong with a shape by itself, whatever its class: (field, sentence, code) each."""
    return list(_shape_faults(shape, ClassInfo(0, ""), "shape"))


def _shape_faults(shape: Shape, known: ClassInfo, at: str) -> Found:
    kind = shape_kind(shape)
    if known.shapes is not None and kind not in known.shapes:
        text = f"The class {known.name!r} is drawn as {_or(sorted(known.shapes))}, not as {kind}."
        yield at, text, "shape_not_allowed"
    if isinstance(shape, Rectangle):
        yield from _rectangle_faults(shape, f"{at}.box")
    elif isinstance(shape, Polygon):
        yield from _polygon_faults(shape, f"{at}.parts")
    elif isinstance(shape, Mask):
        fault = masks.fault(shape)
        if fault:
            yield f"{at}.counts", f"The mask is not readable: {fault}.", "mask"
    else:
        yield from _point_faults(shape, kind, f"{at}.points")
        yield from _companion_faults(shape, known, at)


def _rectangle_faults(shape: Rectangle, at: str) -> Found:
    x1, y1, x2, y2 = shape.box
    if not (0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1):
        yield from _range_faults(shape.box, at)
        if x1 > x2 or y1 > y2:
            yield at, "The box is [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2.", "order"


def _polygon_faults(shape: Polygon, at: str) -> Found:
    if not shape.parts or not all(shape.parts):
        yield at, "A polygon needs at least one part, and each part an outline.", "points"
    for p, part in enumerate(shape.parts):
        for r, ring in enumerate(part):
            if len(ring) < 6 or len(ring) % 2:
                text = f"A ring needs at least 3 points, x and y each; this one has {len(ring)} numbers."
                yield f"{at}[{p}][{r}]", text, "points"
            yield from _range_faults(ring, f"{at}[{p}][{r}]")


def _point_faults(shape: Any, kind: str, at: str) -> Found:
    count = len(shape.points)
    if kind in EXACT and count != 2 * EXACT[kind]:
        yield at, f"A shape of kind {kind} has {2 * EXACT[kind]} numbers, x and y each; this one has {count}.", "points"
    elif count % 2 or count < 2 * LEAST.get(kind, 0):
        text = (
            f"A shape of kind {kind} needs at least {LEAST[kind]} points, x and y each; this one has {count} numbers."
        )
        yield at, text, "points"
    yield from _range_faults(shape.points, at)


def _companion_faults(shape: Any, known: ClassInfo, at: str) -> Found:
    """What stands beside the points: landmark numbers, visibility, faces."""
    points = len(shape.points) // 2
    if isinstance(shape, Landmarks) and len(shape.labels) != points:
        yield f"{at}.labels", f"Give one label for each of the {points} points, not {len(shape.labels)}.", "points"
    if isinstance(shape, Skeleton):
        wanted = known.skeleton_points
        if wanted is not None and points != wanted:
            yield f"{at}.points", f"A skeleton of {known.name!r} has {wanted} points, not {points}.", "points"
        if len(shape.visibility) != points:
            text = f"Give one visibility for each of the {points} points, not {len(shape.visibility)}."
            yield f"{at}.visibility", text, "points"
        if any(v not in (0, 1, 2) for v in shape.visibility):
            yield f"{at}.visibility", "A visibility is 0 (absent), 1 (hidden) or 2 (visible).", "out_of_range"
    if isinstance(shape, Cuboid) and shape.faces:
        for name, numbers in shape.faces.items():
            if any(not 0 <= n < 8 for n in numbers):
                yield f"{at}.faces.{name}", "A face names points by their numbers 0 to 7.", "out_of_range"


def _range_faults(values: Sequence[float], at: str) -> Found:
    if not values or _inside(values):
        return
    wrong = next(v for v in values if not 0 <= v <= 1)
    axis = "xy"[list(values).index(wrong) % 2] if not math.isnan(wrong) else "a coordinate"
    yield at, f"{axis} is {wrong}; coordinates are fractions of the width and height, 0 to 1.", "out_of_range"


def _attribute_faults(
    values: Attributes, known: Mapping[str, AttributeInfo], permitted: frozenset[str] | None, at: str
) -> Found:
    for name, value in values.items():
        attribute = known.get(name)
        if attribute is None:
            yield f"{at}.{name}", f"There is no attribute {name!r} here.", "unknown_attribute"
        elif permitted is not None and name not in permitted:
            yield f"{at}.{name}", f"This job does not take the attribute {name!r}.", "attribute_not_allowed"
        elif value is not None:
            fault = VALUE_FAULTS[attribute.kind](attribute, value)
            if fault:
                yield f"{at}.{name}", fault, "attribute_value"


def _flag_fault(attribute: AttributeInfo, value: Any) -> str | None:
    return None if isinstance(value, bool) else f"{attribute.name!r} is true or false, not {_short(value)}."


def _text_fault(attribute: AttributeInfo, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"{attribute.name!r} is a text, not {_short(value)}."
    return None if len(value) <= MAX_TEXT else f"{attribute.name!r} has more than {MAX_TEXT} characters."


def _number_fault(attribute: AttributeInfo, value: Any) -> str | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return None if fine else f"{attribute.name!r} is a number, not {_short(value)}."


def _one_of_fault(attribute: AttributeInfo, value: Any) -> str | None:
    if isinstance(value, str) and value in attribute.options:
        return None
    return f"{attribute.name!r} is one of {_or(attribute.options)}, not {_short(value)}."


def _many_of_fault(attribute: AttributeInfo, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        return f"{attribute.name!r} is a list of texts, not {_short(value)}."
    wrong = next((v for v in value if v not in attribute.options), None)
    if wrong is not None:
        return f"{attribute.name!r} takes any of {_or(attribute.options)}, not {_short(wrong)}."
    return None if len(set(value)) == len(value) else f"{attribute.name!r} names an option twice."


VALUE_FAULTS = {
    "flag": _flag_fault, "text": _text_fault, "number": _number_fault, "one_of": _one_of_fault, "many_of": _many_of_fault,
}  # fmt: skip


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _or(options: Sequence[str]) -> str:
    shown = [repr(o) for o in options[:8]]
    if len(options) > 8:
        return ", ".join(shown) + f" or {len(options) - 8} more"
    return " or ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def _document_faults(
    document: Document, ontology: Ontology, kind: str, frames: int | None, permitted: frozenset[str] | None
) -> list[Problem]:
    found = list(_attribute_faults(document.attributes, ontology.item_attributes, permitted, "attributes"))
    if kind == "image" and document.frames:
        found.append(("frames", "An image has no frames; set attributes on the item.", "frame"))
    for key, values in document.frames.items() if kind == "video" else ():
        if not (key.isascii() and key.isdigit() and str(int(key[:10])) == key):
            found.append((f"frames.{key}", f"{key!r} is not a frame number.", "frame"))
        elif frames is not None and int(key) >= frames:
            found.append((f"frames.{key}", f"Frame {key} is not in this video; a frame is 0 to {frames - 1}.", "frame"))
        found += _attribute_faults(values, ontology.frame_attributes, permitted, f"frames.{key}")
    return [Problem(message, field, None, code) for field, message, code in found]


def _over_limits(document: Document, limits: Mapping[str, Any]) -> list[Problem]:
    problems = []
    objects, tags = limits.get("objects"), limits.get("tags")
    if objects is not None and len(document.objects) > objects:
        text = f"This job takes {objects} objects an item at most; there are {len(document.objects)}."
        problems.append(Problem(text, "objects", code="too_many_objects"))
    set_tags = sum(1 for value in document.attributes.values() if value is not None)
    if tags is not None and set_tags > tags:
        text = f"This job takes {tags} values on the item at most; there are {set_tags}."
        problems.append(Problem(text, "attributes", code="too_many_tags"))
    return problems


def _empty(value: Any) -> bool:
    return value is None or value in ("", [])


def _frames_without(document: Document, name: str, frames: int) -> list[Problem]:
    missing = [f for f in range(frames) if _empty(document.frames.get(str(f), {}).get(name))]
    if not missing:
        return []
    shown = ", ".join(map(str, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return [Problem(f"Say {name!r} for the frames {shown}.", f"frames.{missing[0]}.{name}", code="required")]
