"""COCO: what is written comes back equal, or as its declared loss says; and other tools read it."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from labelwright.errors import Invalid
from labelwright.formats import FORMATS
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry import masks, normalise, pixels
from labelwright.geometry.document import (
    Document,
    LabelObject,
    Mask,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
    Skeleton,
)
from tests.support import strategies

coco = FORMATS["coco"]
CLASSES = [SampleClass(c.name, c.skeleton) for c in strategies.ONTOLOGY.classes.values()]
KEPT = ("rectangle", "oriented_rectangle", "polygon", "mask", "skeleton")


def round_trip(samples: list[Sample]) -> tuple[dict[str, Any], list[Sample]]:
    file = io.BytesIO()
    coco.write(iter(samples), file, CLASSES)
    file.seek(0)
    found = coco.read(file)
    assert [c.name for c in found.classes] == [c.name for c in CLASSES]
    return json.loads(file.getvalue()), list(found.samples)


def kept(sample: Sample) -> Document:
    """What of a document comes back: the declared loss, worked out on its own."""
    objects = []
    for item in sample.document.objects:
        shape = kept_shape(item.shape, sample.width, sample.height)
        if shape is not None:
            objects.append(
                LabelObject(
                    len(objects) + 1,
                    item.class_name,
                    shape,
                    attributes=item.attributes,
                    source="import",
                    score=item.score,
                    group=item.group,
                )
            )
    return Document(objects, sample.document.attributes)


def through_pixels(points: list[float], width: int, height: int) -> list[float]:
    return pixels.points_to_fractions(pixels.points_to_pixels(points, width, height), width, height)


def kept_shape(shape: Shape | None, width: int, height: int) -> Shape | None:
    if isinstance(shape, Rectangle):
        return Rectangle(tuple(through_pixels(list(shape.box), width, height)))
    if isinstance(shape, OrientedRectangle):
        return Polygon([[through_pixels(shape.points, width, height)]])
    if isinstance(shape, Polygon) and all(len(part) == 1 for part in shape.parts):
        return Polygon([[through_pixels(part[0], width, height)] for part in shape.parts])
    if isinstance(shape, Polygon | Mask):
        return masks.rasterize(shape, width, height)
    if isinstance(shape, Skeleton):
        if not any(shape.visibility):
            return Rectangle((0, 0, 0, 0))
        points = through_pixels(shape.points, width, height)
        return Skeleton([v if shape.visibility[i // 2] else 0 for i, v in enumerate(points)], shape.visibility)
    return None


def near(found: Any, expected: Any) -> bool:
    """Equal, numbers within a millionth of a pixel."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(near(found[k], v) for k, v in expected.items())
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(near(a, b) for a, b in zip(found, expected, strict=True))
    if isinstance(expected, float):
        return abs(found - expected) <= 1e-5
    return found == expected


samples = st.builds(
    Sample,
    name=strategies.texts,
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    document=strategies.documents(most=4).map(lambda d: Document(d.objects, d.attributes)),
)


@given(st.lists(samples, max_size=2))
def test_what_comes_back_is_the_declared_loss(written: list[Sample]) -> None:
    _, found = round_trip(written)
    assert [(s.name, s.width, s.height) for s in found] == [(s.name, s.width, s.height) for s in written]
    for before, after in zip(written, found, strict=True):
        assert near(msgspec.to_builtins(after.document), msgspec.to_builtins(kept(before)))


@given(st.lists(samples, max_size=2))
def test_a_second_trip_loses_nothing_more(written: list[Sample]) -> None:
    _, once = round_trip(written)
    _, twice = round_trip(once)
    for a, b in zip(once, twice, strict=True):
        assert near(msgspec.to_builtins(b.document), msgspec.to_builtins(a.document))


def sample(*shapes: Shape, width: int = 100, height: int = 50, **more: Any) -> Sample:
    objects = [LabelObject(n, "car", s, **more) for n, s in enumerate(shapes, 1)]
    return Sample("a/b.png", width, height, Document(objects))


def test_the_file_as_other_tools_know_it() -> None:
    skeleton = Skeleton([0.1, 0.2, 0.5, 0.5, 0.9, 0.8], [2, 0, 1])
    polygon = Polygon([[[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]]])
    written = sample(
        Rectangle((0.1, 0.2, 0.3, 0.6)), polygon, skeleton, attributes={"color": "red"}, score=0.5, group=7
    )
    body, _ = round_trip([written])
    assert body["images"] == [{"id": 1, "file_name": "a/b.png", "width": 100, "height": 50}]
    assert body["categories"][0] == {
        "id": 1, "name": "car", "supercategory": "", "keypoints": ["head", "hip", "foot"], "skeleton": [[1, 2], [2, 3]],
    }  # fmt: skip
    box, outline, points = body["annotations"]
    assert box == {
        "id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "segmentation": [],
        "iscrowd": 0, "score": 0.5, "track_id": 7, "object_id": 1, "attributes": {"color": "red"},
    }  # fmt: skip
    assert (outline["bbox"], outline["area"], outline["segmentation"]) == (
        [10, 5, 40, 20],
        400,
        [[10, 5, 50, 5, 50, 25]],
    )
    assert (points["keypoints"], points["num_keypoints"]) == ([10, 10, 2, 0, 0, 0, 90, 40, 1], 2)
    assert points["bbox"] == [10, 10, 80, 30]


def test_a_hole_stays_a_hole_as_a_mask(tmp_path: Any) -> None:
    ring = Polygon([[[0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9], [0.3, 0.3, 0.7, 0.3, 0.7, 0.7, 0.3, 0.7]]])
    path = tmp_path / "coco.json"
    with path.open("wb") as file:
        coco.write([sample(ring, width=10, height=10)], file, CLASSES)
    theirs = COCO(str(path))
    array = theirs.annToMask(theirs.loadAnns([1])[0])
    assert array.sum() == 64 - 16 == theirs.loadAnns([1])[0]["area"]
    assert not array[5, 5]
    assert array[2, 2]


def test_what_coco_lacks_is_counted() -> None:
    file = io.BytesIO()
    document = Document([
        LabelObject(1, "car", strategies.Polyline([0, 0, 1, 1])), LabelObject(2, "car", strategies.Point([0, 0])),
        LabelObject(3, "ghost", Rectangle((0, 0, 1, 1))), LabelObject(4, "car", Rectangle((0, 0, 1, 1))),
    ])  # fmt: skip
    report = coco.write([Sample("a", 10, 10, document)], file, CLASSES)
    assert (report.images, report.objects) == (1, 1)
    assert report.left_out == {"polyline": 1, "point": 1, "rectangle": 1}


def test_an_empty_dataset() -> None:
    body, found = round_trip([])
    assert (body["images"], body["annotations"], found) == ([], [], [])


def coco_file(*annotations: dict[str, Any], **more: Any) -> io.BytesIO:
    full = [{"id": n, "image_id": 3, "category_id": 9, **a} for n, a in enumerate(annotations, 1)]
    body = {
        "images": [{"id": 3, "file_name": "x.jpg", "width": 20, "height": 10}],
        "categories": [
            {"id": 9, "name": "person", "supercategory": "x", "keypoints": ["a", "b"], "skeleton": [[1, 2], [0, 1]]}
        ],
        "annotations": full,
    }
    return io.BytesIO(json.dumps(body | more).encode())


def read_shapes(*annotations: dict[str, Any]) -> list[Shape | None]:
    (found,) = coco.read(coco_file(*annotations)).samples
    assert all(normalise.shape(o.shape) == o.shape for o in found.document.objects if o.shape)
    return [o.shape for o in found.document.objects]


def test_files_as_others_write_them() -> None:
    array = np.zeros((10, 20), dtype=np.uint8)
    array[2:5, 3:9] = 1
    rle = coco_masks.encode(np.asfortranarray(array))
    uncompressed = {"size": [10, 20], "counts": masks.full_runs(masks.from_array(array))}
    assert read_shapes({"bbox": [5, 5, 10, 2]}) == [Rectangle((0.25, 0.5, 0.75, 0.7))]
    assert read_shapes({"bbox": [-1, 5, 30, 20.5], "segmentation": None}) == [Rectangle((0, 0.5, 1, 1))]
    assert read_shapes({"bbox": [0, 0, 1, 1], "segmentation": [[0, 0, 20, 0, 20, 10]]}) == [
        Polygon([[[0, 0, 1, 0, 1, 1]]])
    ]
    assert read_shapes({"bbox": [0, 0, 20, 10], "segmentation": [[0, 0, 20, 0]]}) == [Rectangle((0, 0, 1, 1))]
    expected = masks.from_array(array)
    assert read_shapes({"segmentation": {**rle, "counts": rle["counts"].decode()}, "iscrowd": 1}) == [expected]
    assert read_shapes({"segmentation": uncompressed}) == [expected]
    both = read_shapes({"bbox": [0, 0, 1, 1], "segmentation": [[0, 0, 20, 0, 20, 10]], "keypoints": [5, 5, 2, 0, 0, 0]})
    assert both == [Polygon([[[0, 0, 1, 0, 1, 1]]]), Skeleton([0.25, 0.5, 0, 0], [2, 0])]
    (found,) = coco.read(coco_file({"bbox": [0, 0, 1, 1], "attributes": {"occluded": True}, "track_id": 4})).samples
    assert [(o.class_name, o.attributes, o.group) for o in found.document.objects] == [
        ("person", {"occluded": True}, 4)
    ]
    assert coco.read(coco_file()).classes[0].skeleton == {
        "points": [{"name": "a", "x": 0.5, "y": 0.25}, {"name": "b", "x": 0.5, "y": 0.75}], "edges": [[0, 1]],
    }  # fmt: skip


@pytest.mark.parametrize(
    "file",
    [
        io.BytesIO(b""),
        io.BytesIO(b"[]"),
        io.BytesIO(b'{"images": []}'),
        coco_file({"bbox": [1, 2, 3]}),
        coco_file({"bbox": [1, 2, 3, 4], "image_id": 99}),
        coco_file({"bbox": [1, 2, 3, 4], "category_id": 99}),
        coco_file({}),
        coco_file({"keypoints": [1, 2, 2, 4]}),
        coco_file({"segmentation": {"size": [10, 20]}}),
        coco_file({"segmentation": {"size": [10, 20], "counts": "zz"}}),
        coco_file({"segmentation": {"size": [10, 20], "counts": [1, 2]}}),
        coco_file({"segmentation": {"size": "x", "counts": [1, 2]}}),
        coco_file({"segmentation": {"size": [10, 20], "counts": [-1, "a"]}}),
        coco_file({"bbox": [0, 0, 1, 1]}, images=[{"id": 3, "file_name": "x.jpg"}]),
    ],
)
def test_faulty_files_are_refused_with_a_sentence(file: io.BytesIO) -> None:
    file.seek(0)
    with pytest.raises(Invalid) as caught:
        list(coco.read(file).samples)
    assert len(caught.value.message) > 20


def test_writing_holds_one_picture_at_a_time(tmp_path: Any) -> None:
    box = [LabelObject(1, "car", Rectangle((0.1, 0.1, 0.2, 0.2)))]

    def many(count: int) -> Iterator[Sample]:
        return (Sample(f"{'folder/' * 60}{n:09}.jpg", 1920, 1080, Document(box)) for n in range(count))

    def peak(count: int) -> int:
        with (tmp_path / "coco.json").open("wb") as file:
            tracemalloc.start()
            coco.write(many(count), file, CLASSES)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) < peak(10) + 4_000_000  # the list of images alone is twice that
