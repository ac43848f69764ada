"""Checking documents: valid ones pass, each fault is named with its object and field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from labelwright.geometry.document import Document, LabelObject
from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology
from labelwright.services import checks
from tests.support import strategies
from tests.support.strategies import ONTOLOGY

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.2, 0.2]}
NAN, INFINITE = float("nan"), float("inf")


def flat(kind: str, *points: float, **more: Any) -> dict[str, Any]:
    return {"type": kind, "points": list(points), **more}


def image(*objects: dict[str, Any], **more: Any) -> Document:
    return msgspec.convert(
        {"objects": [{"id": n, "class": "car", **o} for n, o in enumerate(objects, 1)], **more}, Document
    )


def video(*keyframes: dict[str, Any], **more: Any) -> Document:
    return msgspec.convert({"objects": [{"id": 1, "class": "car", "keyframes": list(keyframes)}], **more}, Document)


@given(strategies.documents())
def test_valid_images_pass(document: Document) -> None:
    document.frames = {}
    assert checks.check_document(document, ONTOLOGY, kind="image") == []
    assert checks.check_submit(document, ONTOLOGY, kind="image") == []


@given(strategies.documents(frames=12))
def test_valid_videos_pass(document: Document) -> None:
    assert checks.check_document(document, ONTOLOGY, kind="video", frames=12) == []


IMAGE_FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown class", {"class": "cat", "shape": BOX}, "class", "unknown_class"),
    ("id 0", {"id": 0, "shape": BOX}, "id", "id"),
    ("id too large", {"id": 2**31 + 1, "shape": BOX}, "id", "id"),
    ("score", {"score": 1.5, "shape": BOX}, "score", "out_of_range"),
    ("no shape", {}, "shape", "shape"),
    ("keyframes on an image", {"keyframes": [], "shape": BOX}, "keyframes", "shape"),
    ("kind not allowed", {"class": "sign", "shape": flat("point", 0.5, 0.5)}, "shape", "shape_not_allowed"),
    ("box corners", {"shape": {"type": "rectangle", "box": [0.5, 0.1, 0.2, 0.2]}}, "shape.box", "order"),
    ("box outside", {"shape": {"type": "rectangle", "box": [0.5, 0.1, 1.2, 0.2]}}, "shape.box", "out_of_range"),
    ("box below 0", {"shape": {"type": "rectangle", "box": [-0.01, 0.1, 0.2, 0.2]}}, "shape.box", "out_of_range"),
    ("NaN", {"shape": {"type": "rectangle", "box": [NAN, 0.1, 0.2, 0.2]}}, "shape.box", "out_of_range"),
    ("NaN in a polygon", {"shape": {"type": "polygon", "parts": [[[0, 0, 1, NAN, 1, 1]]]}}, "shape.parts[0][0]", "out_of_range"),
    ("infinite", {"shape": flat("point", 0.5, INFINITE)}, "shape.points", "out_of_range"),
    ("two-point ring", {"shape": {"type": "polygon", "parts": [[[0, 0, 1, 1]]]}}, "shape.parts[0][0]", "points"),
    ("odd ring", {"shape": {"type": "polygon", "parts": [[[0, 0, 1, 1, 0, 1, 0.5]]]}}, "shape.parts[0][0]", "points"),
    ("hole outside", {"shape": {"type": "polygon", "parts": [[[0, 0, 1, 0, 1, 1], [0, 0, 2, 0, 0, 1]]]}}, "shape.parts[0][1]", "out_of_range"),
    ("polygon without parts", {"shape": {"type": "polygon", "parts": []}}, "shape.parts", "points"),
    ("part without outline", {"shape": {"type": "polygon", "parts": [[]]}}, "shape.parts", "points"),
    ("one-point line", {"shape": flat("polyline", 0.5, 0.5)}, "shape.points", "points"),
    ("odd line", {"shape": flat("polyline", 0.5, 0.5, 0.1, 0.1, 0.2)}, "shape.points", "points"),
    ("two-point point", {"shape": flat("point", 0.5, 0.5, 0.1, 0.1)}, "shape.points", "points"),
    ("three corners", {"shape": flat("oriented_rectangle", 0, 0, 1, 0, 1, 1)}, "shape.points", "points"),
    ("seven-point cuboid", {"shape": flat("cuboid", *[0.5] * 14)}, "shape.points", "points"),
    ("cuboid face", {"shape": flat("cuboid", *[0.5] * 16, faces={"front": [0, 8]})}, "shape.faces.front", "out_of_range"),
    ("landmark labels", {"shape": flat("landmarks", 0.5, 0.5, labels=[1, 2])}, "shape.labels", "points"),
    ("skeleton points", {"shape": flat("skeleton", 0.5, 0.5, visibility=[2])}, "shape.points", "points"),
    ("visibility count", {"shape": flat("skeleton", *[0.5] * 6, visibility=[2])}, "shape.visibility", "points"),
    ("visibility value", {"shape": flat("skeleton", *[0.5] * 6, visibility=[2, 3, 0])}, "shape.visibility", "out_of_range"),
    ("mask outside", {"shape": {"type": "mask", "size": [4, 4], "box": [2, 2, 3, 1], "counts": "03"}}, "shape.counts", "mask"),
    ("mask runs", {"shape": {"type": "mask", "size": [4, 4], "box": [0, 0, 2, 2], "counts": "03"}}, "shape.counts", "mask"),
    ("mask text", {"shape": {"type": "mask", "size": [4, 4], "box": [0, 0, 2, 2], "counts": "é"}}, "shape.counts", "mask"),
    ("unknown attribute", {"shape": BOX, "attributes": {"size": 1}}, "attributes.size", "unknown_attribute"),
    ("another class's attribute", {"class": "sign", "shape": BOX, "attributes": {"parts": []}}, "attributes.parts", "unknown_attribute"),
    ("flag", {"shape": BOX, "attributes": {"occluded": "yes"}}, "attributes.occluded", "attribute_value"),
    ("text", {"shape": BOX, "attributes": {"note": 5}}, "attributes.note", "attribute_value"),
    ("long text", {"shape": BOX, "attributes": {"note": "x" * 10_001}}, "attributes.note", "attribute_value"),
    ("number", {"shape": BOX, "attributes": {"speed": True}}, "attributes.speed", "attribute_value"),
    ("infinite number", {"shape": BOX, "attributes": {"speed": INFINITE}}, "attributes.speed", "attribute_value"),
    ("option", {"shape": BOX, "attributes": {"color": "pink"}}, "attributes.color", "attribute_value"),
    ("list for one", {"shape": BOX, "attributes": {"color": ["red"]}}, "attributes.color", "attribute_value"),
    ("options", {"shape": BOX, "attributes": {"parts": ["door", "roof"]}}, "attributes.parts", "attribute_value"),
    ("option twice", {"shape": BOX, "attributes": {"parts": ["door", "door"]}}, "attributes.parts", "attribute_value"),
    ("text for many", {"shape": BOX, "attributes": {"parts": "door"}}, "attributes.parts", "attribute_value"),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "field", "code"), [pytest.param(*case[1:], id=case[0]) for case in IMAGE_FAULTS])
def test_each_fault_of_an_image_is_named(thing: dict[str, Any], field: str, code: str) -> None:
    document = image({"shape": BOX}, thing)
    (problem,) = checks.check_document(document, ONTOLOGY, kind="image")
    assert (problem.field, problem.code) == (f"objects[1].{field}", code)
    assert problem.object_id == document.objects[1].id
    assert len(problem.message) > 10
    assert checks.check_document(document, ONTOLOGY, kind="image", only={1}) == []


VIDEO_FAULTS: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("frame after the end", [{"frame": 10, "shape": BOX}], "keyframes[0].frame", "frame"),
    ("frame below 0", [{"frame": -1, "shape": BOX}], "keyframes[0].frame", "frame"),
    ("same frame twice", [{"frame": 1, "shape": BOX}, {"frame": 1, "shape": BOX}], "keyframes[1].frame", "frame"),
    ("not sorted", [{"frame": 5, "shape": BOX}, {"frame": 1, "shape": BOX}], "keyframes[1].frame", "frame"),
    ("no keyframe", [], "keyframes", "shape"),
    ("no shape", [{"frame": 1}], "keyframes", "shape"),
    ("shape", [{"frame": 1, "shape": {"type": "rectangle", "box": [0, 0, 0, 2]}}], "keyframes[0].shape.box", "out_of_range"),
    ("attribute", [{"frame": 1, "shape": BOX, "attributes": {"color": 1}}], "keyframes[0].attributes.color", "attribute_value"),
]  # fmt: skip


@pytest.mark.parametrize(("keyframes", "field", "code"), [pytest.param(*case[1:], id=case[0]) for case in VIDEO_FAULTS])
def test_each_fault_of_a_track_is_named(keyframes: list[dict[str, Any]], field: str, code: str) -> None:
    (problem,) = checks.check_document(video(*keyframes), ONTOLOGY, kind="video", frames=10)
    assert (problem.object_id, problem.field, problem.code) == (1, f"objects[0].{field}", code)


def test_an_unknown_number_of_frames_allows_any() -> None:
    assert checks.check_document(video({"frame": 10_000, "shape": BOX}), ONTOLOGY, kind="video") == []


def test_a_shape_without_keyframes_is_no_track() -> None:
    problems = checks.check_document(image({"shape": BOX}), ONTOLOGY, kind="video", frames=3)
    assert {p.field for p in problems} == {"objects[0].shape", "objects[0].keyframes"}


def test_fixed_attributes_do_not_change_from_frame_to_frame() -> None:
    ontology = Ontology({"car": ClassInfo(1, "car")}, [AttributeInfo("plate", "text", mutable=False)])
    steady = video({"frame": 0, "shape": BOX, "attributes": {"plate": "A"}}, {"frame": 3, "attributes": {"plate": "A"}})
    changed = video(
        {"frame": 0, "shape": BOX, "attributes": {"plate": "A"}}, {"frame": 3, "attributes": {"plate": "B"}}
    )
    assert checks.check_document(steady, ontology, kind="video") == []
    assert [p.code for p in checks.check_document(changed, ontology, kind="video")] == ["not_mutable"]


def test_faults_of_the_item_and_its_frames() -> None:
    document = image(attributes={"weather": "snow", "mood": "good"}, frames={"0": {}})
    found = [(p.field, p.object_id) for p in checks.check_document(document, ONTOLOGY, kind="image")]
    assert found == [("attributes.weather", None), ("attributes.mood", None), ("frames", None)]
    document = video(
        {"frame": 0, "shape": BOX}, frames={"x": {}, "01": {}, "7": {}, "2": {"blurred": 1}, "1": {"blurred": True}}
    )
    found = [(p.field, p.object_id) for p in checks.check_document(document, ONTOLOGY, kind="video", frames=5)]
    assert found == [("frames.x", None), ("frames.01", None), ("frames.7", None), ("frames.2.blurred", None)]


def test_ids_are_unique() -> None:
    (problem,) = checks.check_document(image({"shape": BOX}, {"id": 1, "shape": BOX}), ONTOLOGY, kind="image")
    assert (problem.object_id, problem.field) == (1, "objects[1].id")


def test_what_a_job_allows() -> None:
    document = image(
        {"shape": BOX, "attributes": {"color": "red"}}, {"class": "sign", "shape": BOX}, attributes={"weather": "sun"}
    )
    found = checks.check_document(
        document, ONTOLOGY, kind="image", allowed_classes=["car"], allowed_attributes=["color"]
    )
    assert [(p.object_id, p.code) for p in found] == [(2, "class_not_allowed"), (None, "attribute_not_allowed")]
    found = checks.check_document(document, ONTOLOGY, kind="image", limits={"objects": 1, "tags": 0})
    assert [p.code for p in found] == ["too_many_objects", "too_many_tags"]
    assert checks.check_document(document, ONTOLOGY, kind="image", limits={"objects": 2, "tags": 1}) == []


REQUIRED = Ontology(
    {"car": ClassInfo(1, "car"), "sign": ClassInfo(2, "sign")},
    [
        AttributeInfo("color", "one_of", options=("red",), classes=frozenset({"car"}), required=True),
        AttributeInfo("doors", "many_of", options=("left",), classes=frozenset({"car"}), required=True),
        AttributeInfo("parked", "flag", classes=frozenset({"car"}), required=True),
        AttributeInfo("weather", "text", scope="item", required=True),
        AttributeInfo("blurred", "flag", scope="frame", required=True),
    ],
)


def test_required_attributes_are_asked_for_when_handing_in() -> None:
    document = image(
        {"shape": BOX, "attributes": {"doors": []}}, {"class": "sign", "shape": BOX}, attributes={"weather": ""}
    )
    assert checks.check_document(document, REQUIRED, kind="image") == []
    found = checks.check_submit(document, REQUIRED, kind="image")
    assert [(p.object_id, p.field, p.code) for p in found] == [
        (None, "attributes.weather", "required"),
        (1, "objects[0].attributes.color", "required"),
        (1, "objects[0].attributes.doors", "required"),
        (1, "objects[0].attributes.parked", "required"),
    ]
    found = checks.check_submit(document, REQUIRED, kind="image", allowed_attributes=["color"])
    assert [p.field for p in found] == ["objects[0].attributes.color"]
    found = checks.check_submit(document, REQUIRED, kind="image", allowed_classes=["sign"])
    assert [p.field for p in found] == ["attributes.weather"]


def test_a_keyframe_may_hold_a_required_attribute_and_each_frame_is_asked_for_its_own() -> None:
    values = {"color": "red", "doors": ["left"], "parked": False}
    document = video(
        {"frame": 2, "shape": BOX, "attributes": values},
        attributes={"weather": "fog"},
        frames={"1": {"blurred": False}},
    )
    (problem,) = checks.check_submit(document, REQUIRED, kind="video", frames=9)
    assert (problem.field, problem.object_id) == ("frames.0.blurred", None)
    assert "0, 2, 3, 4, 5 and 3 more" in problem.message


def test_so_many_faults_are_cut_off() -> None:
    document = Document([LabelObject(id=0, class_name="cat") for _ in range(5_000)])
    assert 1_000 <= len(checks.check_document(document, ONTOLOGY, kind="image")) < 1_010
