"""Formats of other labeling tools: what is written comes back as the declared loss says, worked out here on its own."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from labelwright.errors import Invalid
from labelwright.formats import FORMATS, brush
from labelwright.formats.sample import Frame, Sample, SampleClass
from labelwright.formats.videos import frame_by_frame
from labelwright.geometry import masks, measures, pixels, tracks
from labelwright.geometry.document import (
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
from tests.formats.drawn import jpeg, near
from tests.support import strategies

CLASSES = [SampleClass(c.name, c.skeleton) for c in strategies.ONTOLOGY.classes.values()]


def through_pixels(points: list[float], width: int, height: int) -> list[float]:
    return pixels.points_to_fractions(pixels.points_to_pixels(points, width, height), width, height)


def simple(shape: Polygon) -> bool:
    return len(shape.parts) == 1 and len(shape.parts[0]) == 1


def drawn_mask(shape: Mask | Polygon, width: int, height: int) -> Mask | None:
    mask = masks.rasterize(shape, width, height)
    return mask if mask.box[2] else None


def in_pixels(shape: Shape, width: int, height: int) -> Shape:
    """The same shape, its coordinates as pixels of six decimals."""
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = through_pixels(list(shape.box), width, height)
        return Rectangle((x1, y1, x2, y2))
    if isinstance(shape, Polygon):
        return Polygon([[through_pixels(ring, width, height) for ring in part] for part in shape.parts])
    if isinstance(shape, Mask):
        return shape
    if isinstance(shape, Landmarks):
        return Landmarks(through_pixels(shape.points, width, height), list(range(len(shape.labels))))
    if isinstance(shape, Skeleton):
        return Skeleton(through_pixels(shape.points, width, height), shape.visibility)
    return type(shape)(through_pixels(shape.points, width, height))  # type: ignore[call-arg]


def cvat(shape: Shape, width: int, height: int) -> Shape | None:
    if isinstance(shape, Mask) or (isinstance(shape, Polygon) and not simple(shape)):
        return drawn_mask(shape, width, height)
    if isinstance(shape, OrientedRectangle):  # the corners drawn here are of no rectangle
        return in_pixels(Polygon([[shape.points]]), width, height)
    if isinstance(shape, Landmarks) and len(shape.labels) == 1:
        return in_pixels(Point(shape.points), width, height)
    return in_pixels(shape, width, height)


def label_studio(shape: Shape, width: int, height: int) -> Shape | None:
    if isinstance(shape, Polyline | Landmarks | Skeleton | Cuboid):
        return None
    if isinstance(shape, Mask) or (isinstance(shape, Polygon) and not simple(shape)):
        return masks.rasterize(shape, width, height)
    if isinstance(shape, OrientedRectangle):
        return Polygon([[shape.points]])
    return shape


def labelme(shape: Shape, width: int, height: int) -> Shape | None:
    if isinstance(shape, Skeleton | Cuboid):
        return None
    if isinstance(shape, Mask) or (isinstance(shape, Polygon) and not simple(shape)):
        return drawn_mask(shape, width, height)
    return in_pixels(shape, width, height)


def middle(points: list[float], width: int, height: int) -> list[float]:
    flat = pixels.points_to_pixels(points, width, height)
    sizes = (width, height) * (len(points) // 2)
    return [(min(math.floor(v), s - 1) + 0.5) / s for v, s in zip(flat, sizes, strict=True)]


def supervisely(shape: Shape, width: int, height: int) -> Shape | None:
    if isinstance(shape, Landmarks | Cuboid):
        return None
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = (round(v) for v in pixels.box_to_pixels(shape.box, width, height))
        x1, y1 = min(x1, width - 1), min(y1, height - 1)
        return Rectangle((x1 / width, y1 / height, max(x2, x1 + 1) / width, max(y2, y1 + 1) / height))
    if isinstance(shape, Mask) or (isinstance(shape, Polygon) and len(shape.parts) > 1):
        return drawn_mask(shape, width, height)
    if isinstance(shape, Polygon):
        return Polygon([[middle(ring, width, height) for ring in shape.parts[0]]])
    if isinstance(shape, OrientedRectangle):
        return Polygon([[middle(shape.points, width, height)]])
    if isinstance(shape, Skeleton):
        if not any(shape.visibility):
            return None
        points = middle(shape.points, width, height)
        return Skeleton([v if shape.visibility[i // 2] else 0 for i, v in enumerate(points)], shape.visibility)
    return type(shape)(middle(shape.points, width, height))


def one_is_itself(attributes: Attributes) -> Attributes:
    return {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in attributes.items()}


def no_empty_lists(attributes: Attributes) -> Attributes:
    return {k: v for k, v in one_is_itself(attributes).items() if v != []}


def joined(attributes: Attributes) -> Attributes:
    def text(value: str) -> str:
        return "".join(c for c in value if c in "\t\n\r" or (ord(c) >= 32 and c not in "\ufffe\uffff"))

    found = {k: ",".join(v) if isinstance(v, list) else v for k, v in attributes.items()}
    return {k: text(v) if isinstance(v, str) else v for k, v in found.items()}


def flags(attributes: Attributes) -> Attributes:
    return {k: v for k, v in attributes.items() if isinstance(v, bool)}


# By format: what comes back of a shape, of an object's attributes, of a picture's, of its group, of its score.
Rule = tuple[
    Callable[[Shape, int, int], Shape | None],
    Callable[[Attributes], Attributes],
    Callable[[Attributes], Attributes],
    bool,
    bool,
]
RULES: dict[str, Rule] = {
    "cvat": (cvat, joined, lambda a: {}, True, False),
    "label-studio": (label_studio, one_is_itself, one_is_itself, False, True),
    "labelme": (labelme, flags, flags, True, False),
    "supervisely": (supervisely, no_empty_lists, no_empty_lists, False, False),
}
pictures = st.builds(
    Sample,
    name=st.just("a.jpg"),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    document=strategies.documents(most=4).map(lambda d: Document(d.objects, d.attributes)),
    split=st.sampled_from(["train", "valid", "test"]),
)


def there_and_back(name: str, sample: Sample) -> tuple[Sample, Any, Any]:
    file = io.BytesIO()
    report = FORMATS[name].write([sample], file, CLASSES)
    file.seek(0)
    found = FORMATS[name].read(file)
    (after,) = found.samples
    return after, report, found


def square(shape: OrientedRectangle, sample: Sample) -> bool:
    """Whether four corners drawn at random happen to be a rectangle's, which has a test of its own."""
    x = [v * sample.width for v in shape.points[::2]]
    y = [v * sample.height for v in shape.points[1::2]]
    return math.dist((x[0] + x[2], y[0] + y[2]), (x[1] + x[3], y[1] + y[3])) < 0.05


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=30, deadline=None)
@given(sample=pictures)
def test_what_comes_back_is_the_declared_loss(name: str, sample: Sample) -> None:
    assume(not any(isinstance(o.shape, OrientedRectangle) and square(o.shape, sample) for o in sample.document.objects))
    shape_of, attributes_of, whole_of, groups, scores = RULES[name]
    expected, left = [], 0
    for item in sample.document.objects:
        shape = shape_of(item.shape, sample.width, sample.height) if item.shape is not None else None
        if shape is None:
            left += 1
            continue
        source = "model" if name == "cvat" and item.source == "model" else "import"
        expected.append(LabelObject(
            len(expected) + 1, item.class_name, shape, attributes=attributes_of(item.attributes), source=source,
            group=item.group if groups else None, score=item.score if scores else None,
        ))  # fmt: skip
    after, report, found = there_and_back(name, sample)
    assert (after.name, after.width, after.height, after.split) == ("a.jpg", sample.width, sample.height, sample.split)
    assert near(msgspec.to_builtins(after.document.objects), msgspec.to_builtins(expected))
    assert near(after.document.attributes, whole_of(sample.document.attributes))
    assert (report.images, report.objects, sum(report.left_out.values())) == (1, len(expected), left)
    assert not found.left_out.fields()
    if name in ("cvat", "supervisely"):  # these list their classes
        assert [c.name for c in found.classes] == [c.name for c in CLASSES]
        assert [(c.skeleton or {}).get("edges") for c in found.classes] == [
            (c.skeleton or {}).get("edges") for c in CLASSES
        ]


def turned(
    x: float, y: float, w: float, h: float, degrees: float, size: tuple[int, int], against: bool
) -> OrientedRectangle:
    a = math.radians(degrees)
    corners = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)]
    if against:
        corners = corners[::-1]
    flat = [
        v
        for dx, dy in corners
        for v in (
            (x + dx * math.cos(a) - dy * math.sin(a)) / size[0],
            (y + dx * math.sin(a) + dy * math.cos(a)) / size[1],
        )
    ]
    return OrientedRectangle(flat)


@pytest.mark.parametrize("name", ["cvat", "label-studio", "labelme", "yolo-obb"])
@settings(max_examples=25, deadline=None)
@given(st.floats(1, 359), st.floats(5, 60), st.floats(5, 60), st.booleans())
def test_turned_boxes_stay_where_they_are(name: str, angle: float, w: float, h: float, against: bool) -> None:
    shape = turned(100, 60, w, h, angle, (200, 120), against)
    sample = Sample("a.png", 200, 120, Document([LabelObject(1, "car", shape)]), picture=lambda: jpeg(200, 120))
    after, _, _ = there_and_back(name, sample)
    (item,) = after.document.objects
    assert isinstance(item.shape, OrientedRectangle)
    assert near(list(measures.bounds(item.shape)), list(measures.bounds(shape)))
    before = sorted(zip(shape.points[::2], shape.points[1::2], strict=True))
    found = sorted(zip(item.shape.points[::2], item.shape.points[1::2], strict=True))
    assert all(math.dist(p, min(before, key=lambda q: math.dist(p, q))) < 1e-4 for p in found)


@given(strategies.mask_arrays(most=30))
def test_brushes_come_back(array: Any) -> None:
    mask = masks.from_array(array)
    assert brush.decode(brush.encode(mask), *mask.size) == mask


def test_a_brush_as_label_studio_packs_it() -> None:
    # 2 x 1 pixels, the second set: 8 values of 8 bits; lengths of 3, 7, 12 and 16 bits; 4 zeros, 4 times 255.
    bits = (
        f"{8:032b}{7:05b}{2:04b}{6:04b}{11:04b}{15:04b}"
        + "1"
        + "00"
        + "011"
        + "00000000"
        + "1"
        + "00"
        + "011"
        + "11111111"
    )
    packed = [int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8)]
    mask = masks.from_array(np.array([[0, 1]]))
    assert brush.decode(packed, 2, 1) == mask
    assert brush.encode(mask) == packed
    # The same, the four values one by one.
    loose = f"{8:032b}{7:05b}{2:04b}{6:04b}{11:04b}{15:04b}" + "000" + "111" + "00000000" * 4 + "11111111" * 4
    assert brush.decode([int(loose[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(loose), 8)], 2, 1) == mask
    for broken in ([], packed[:-1], [255, *packed[1:]]):
        with pytest.raises(ValueError, match="brush"):
            brush.decode(broken, 2, 1)


@st.composite
def films(draw: st.DrawFn, kinds: tuple[str, ...]) -> Sample:
    count = draw(st.integers(1, 8))
    document = draw(strategies.documents(kinds, frames=count, most=3))
    frames = [Frame(f"{n:06}.jpg", 30, 20, lambda: jpeg(30, 20)) for n in range(1, count + 1)]
    return Sample(
        "street", 30, 20, Document(document.objects), frames=frames, split=draw(st.sampled_from(["train", "test"]))
    )


def seen(
    document: Document, count: int, attributes: Callable[[Attributes], Attributes], shape: Callable[..., Any]
) -> Any:
    """What is where in each frame, in the order of first sight."""
    found = []
    for item in document.objects:
        states = {f: (shape(s.shape, 30, 20), attributes(s.attributes)) for f, s in tracks.per_frame(item, count)}
        if states:
            found.append((item.class_name, msgspec.to_builtins(states, str_keys=True)))
    return found


@settings(max_examples=30, deadline=None)
@given(films(("rectangle", "polyline", "skeleton")))
def test_cvat_tracks_show_the_same_in_each_frame(film: Sample) -> None:
    after, report, _ = there_and_back("cvat", film)
    count = len(film.frames)
    assert (after.name, len(after.frames), after.split, after.width) == ("street", count, film.split, 30)
    assert after.frames[0].name == "000001.jpg"
    assert after.frames[0].picture is not None
    assert after.frames[0].picture() == jpeg(30, 20)
    expected = seen(film.document, count, joined, in_pixels)
    assert near(seen(after.document, count, lambda a: a, lambda s, *_: s), expected)
    assert report.images == 1


@settings(max_examples=30, deadline=None)
@given(films(("rectangle", "polyline")))
def test_mot_has_the_boxes_of_each_frame(film: Sample) -> None:
    after, report, _ = there_and_back("mot", film)
    count = len(film.frames)
    assert (after.name, len(after.frames), after.split) == ("street", count, film.split)
    boxes = [
        o for o in film.document.objects if all(isinstance(s.shape, Rectangle) for _, s in tracks.per_frame(o, count))
    ]
    expected = seen(Document(boxes), count, lambda _: {}, in_pixels)
    found = seen(after.document, count, lambda _: {}, lambda s, *_: s)
    assert near(sorted(found, key=repr_of), sorted(expected, key=repr_of))
    assert report.objects == len(expected)


def repr_of(entry: Any) -> str:
    rounded = {f: [round(v, 4) for v in state[0]["box"]] for f, state in entry[1].items()}
    return f"{entry[0]} {sorted(rounded.items())}"


def test_other_formats_take_videos_frame_by_frame() -> None:
    keyframes = [Keyframe(0, Rectangle((0, 0, 0.2, 0.2))), Keyframe(2, Rectangle((0.4, 0.4, 0.6, 0.6)))]
    film = Sample("street", 100, 50, Document([LabelObject(7, "car", keyframes=keyframes)]), uid="u",
                  frames=[Frame(f"{n}.png", 0, 0) for n in range(3)])  # fmt: skip
    found = list(frame_by_frame(film))
    assert [(s.name, s.width, s.uid) for s in found] == [(f"street/{n}.png", 100, f"u/{n}") for n in range(3)]
    assert [s.document.objects[0].group for s in found] == [7, 7, 7]
    assert near(list(found[1].document.objects[0].shape.box), [0.2, 0.2, 0.4, 0.4])  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(strategies.rectangles(), st.none() | strategies.fractions, st.integers(0, 3)), max_size=4))
def test_kitti_boxes_come_back(boxes: list[tuple[Rectangle, float | None, int]]) -> None:
    objects = [
        LabelObject(n, "car", shape, attributes={"occluded": hidden, "note": "x"}, score=score)
        for n, (shape, score, hidden) in enumerate(boxes, 1)
    ]
    sample = Sample("day/a.jpg", 40, 30, Document(objects), split="valid", picture=lambda: jpeg(40, 30))
    after, report, found = there_and_back("kitti", sample)
    assert (after.name, after.split, report.objects) == ("day/a.jpg", "valid", len(boxes))
    for item, (shape, score, hidden) in zip(after.document.objects, boxes, strict=True):
        expected = LabelObject(
            item.id, "car", in_pixels(shape, 40, 30), attributes={"occluded": hidden}, source="import", score=score
        )
        assert near(msgspec.to_builtins(item), msgspec.to_builtins(expected))
    assert not found.left_out.fields()


def test_class_names_without_spaces_must_differ() -> None:
    with pytest.raises(Invalid, match="rename one"):
        FORMATS["kitti"].write([], io.BytesIO(), [SampleClass("a b"), SampleClass("a_b")])


def packed(files: dict[str, str | bytes]) -> io.BytesIO:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
    return body


def test_what_has_no_place_is_counted_by_file_and_field() -> None:
    task = {
        "data": {"image": "/data/upload/1/abc-street.jpg"},
        "annotations": [
            {"result": [
                {"id": "e", "type": "ellipselabels", "original_width": 50, "original_height": 40,
                 "value": {"x": 1, "y": 1, "radiusX": 1, "radiusY": 2, "ellipselabels": ["car"]}},
                {"id": "r", "type": "rectanglelabels", "original_width": 50, "original_height": 40, "meta": {"text": ["?"]},
                 "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["car", "red"]}},
                {"id": "r", "type": "choices", "from_name": "hidden", "value": {"x": 10, "y": 20, "choices": ["a little"]}},
                {"type": "relation", "from_id": "e", "to_id": "r"},
                {"type": "choices", "from_name": "choice", "value": {"choices": ["day"]}},
            ]},
            {"result": []},
        ],
    }  # fmt: skip
    found = FORMATS["label-studio"].read(io.BytesIO(msgspec.json.encode([task])))
    (sample,) = found.samples
    assert (sample.name, sample.width, sample.height) == ("abc-street.jpg", 50, 40)
    assert sample.document.attributes == {"labels": ["day"]}
    (item,) = sample.document.objects
    assert (item.class_name, item.attributes) == ("car", {"hidden": "a little"})
    assert near(msgspec.to_builtins(item.shape), {"type": "rectangle", "box": [0.1, 0.2, 0.4, 0.6]})
    assert found.left_out.counts == {
        "tasks.json": {"ellipselabels": 1, "labels of one region": 1, "meta": 1, "relation": 1, "annotations": 1}
    }

    body = {"imageWidth": 9, "imageHeight": 9, "tool": "x", "shapes": [
        {"label": "a", "shape_type": "circle", "points": [[1, 1], [2, 2]]}, {"label": "a", "points": [[1, 1], [2, 2], [3, 0]], "who": "me"},
    ]}  # fmt: skip
    found = FORMATS["labelme"].read(packed({"x/a.json": msgspec.json.encode(body)}))
    assert len(next(iter(found.samples)).document.objects) == 1
    assert found.left_out.counts == {"x/a.json": {"tool": 1, "shape_type circle": 1, "shapes.who": 1}}

    line = "Car 0 2 1.5 1 2 5 6 1.6 1.7 3.9 2 1.4 20 -1.5\n"
    found = FORMATS["kitti"].read(packed({"label_2/a.txt": line, "image_2/a.png": jpeg(9, 9)}))
    assert next(iter(found.samples)).document.objects[0].attributes == {"truncated": 0, "occluded": 2}
    assert found.left_out.fields() == dict.fromkeys(
        ("alpha", "height", "width", "length", "x", "y", "z", "rotation_y"), 1
    )


def test_a_cvat_dump_with_frames_between_keyframes() -> None:
    boxes = "".join(
        f'<box frame="{n}" outside="{int(n == 4)}" occluded="{int(n > 2)}" keyframe="{int(n in (0, 2, 4))}" xtl="{n}" ytl="0" xbr="{n + 4}" ybr="4">'
        f'<attribute name="speed">{n}</attribute><attribute name="paint">red</attribute></box>'
        for n in range(5)
    )
    text = f"""<annotations><version>1.1</version><meta><task><name>drive</name><size>6</size><mode>interpolation</mode>
      <labels><label><name>car</name><attributes>
        <attribute><name>speed</name><mutable>True</mutable><input_type>number</input_type></attribute>
        <attribute><name>paint</name><mutable>False</mutable><input_type>select</input_type></attribute>
      </attributes></label></labels><original_size><width>20</width><height>10</height></original_size></task></meta>
      <track id="0" label="car" source="auto">{boxes}</track></annotations>"""
    found = FORMATS["cvat"].read(io.BytesIO(text.encode()))
    (film,) = found.samples
    assert (film.name, film.width, film.height, len(film.frames)) == ("drive", 20, 10, 6)
    (item,) = film.document.objects
    assert (item.class_name, item.source, item.attributes) == ("car", "model", {"paint": "red"})
    assert item.keyframes is not None
    assert [(k.frame, k.outside, k.attributes) for k in item.keyframes] == [
        (0, False, {"speed": 0}), (2, False, {"speed": 2}), (4, True, {}),
    ]  # fmt: skip
