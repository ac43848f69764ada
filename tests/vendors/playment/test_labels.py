"""Labels in Playment's form become our document, and come out of it as they went in."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelwright.geometry.document import Landmarks, Point, Polygon, Rectangle, Skeleton, decode, encode
from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology
from labelwright.vendors.playment import labels, legend, result
from labelwright.vendors.playment.errors import PlaymentError
from tests.vendors.playment.wire_strategies import image_labels, tracker

ITEM = uuid.UUID(int=7)
FRAMES = ["frame1", "frame2", "b", "a", "f 5"]


def through(response: Any, frames: list[str] | None = None) -> dict[str, Any]:
    """Read, stored as JSON, read again, written."""
    read = labels.read_image(response) if frames is None else labels.read_video(response, frames)
    stored = decode(encode(read.document))
    if frames is None:
        return result.image_annotations(stored, ITEM)
    return result.video_annotations(stored, ITEM, frames)


@given(image_labels)
@settings(max_examples=30, deadline=None)
def test_an_images_labels_come_back_equal(sent: dict[str, Any]) -> None:
    wrapped = {group: {"type": group, "data": annotations} for group, annotations in sent.items()}
    assert through(wrapped) == sent
    assert through(sent) == sent  # the shape of results is accepted too
    assert through({"data": {"annotations": sent, "image_url": "https://x/y"}}) == sent


@given(st.lists(tracker(FRAMES), max_size=2, unique_by=lambda t: t["_id"]))
@settings(max_examples=30, deadline=None)
def test_a_videos_trackers_come_back_equal(sent: list[dict[str, Any]]) -> None:
    for key in ("video2d", "video_2d"):
        assert through({key: {"data": {"annotations": sent}}}, FRAMES)["annotations"] == sent
    for key in ("annotation_data", "annotations_data"):
        whole = {"data": {key: {"annotations": sent}, "video_data": {"frames": []}}}
        assert through(whole, FRAMES)["annotations"] == sent


@given(image_labels)
@settings(max_examples=15, deadline=None)
def test_a_build_can_be_sent_again(sent: dict[str, Any]) -> None:
    document = labels.read_image(sent).document
    again = labels.read_image(result.maker_response(document, ITEM, None, None)).document
    assert result.image_annotations(again, ITEM, states=True) == result.image_annotations(document, ITEM, states=True)


def test_states_of_attributes_stay_in_builds_and_out_of_results() -> None:
    box = rectangle(attributes={"State": {"state": "editable", "value": "Moving"}})
    document = labels.read_image({"rectangles": {"data": [box]}}).document
    build = result.maker_response(document, ITEM, None, None)
    assert build["rectangles"]["data"][0]["attributes"] == {"State": {"state": "editable", "value": "Moving"}}
    assert result.image_annotations(document, ITEM)["rectangles"][0]["attributes"] == {"State": {"value": "Moving"}}


def rectangle(corners: str = "0.1,0.2 0.5,0.2 0.5,0.6 0.1,0.6", **more: Any) -> dict[str, Any]:
    points = [dict(zip("xy", map(float, c.split(",")), strict=True)) for c in corners.split()]
    return {"label": "Car", "coordinates": points, **more}


@pytest.mark.parametrize(
    "corners",
    [
        "0.1,0.2 0.5,0.2 0.5,0.6 0.1,0.6",
        "0.5,0.6 0.1,0.6 0.1,0.2 0.5,0.2",
        "0.1,0.6 0.5,0.6 0.5,0.2 0.1,0.2",
        "0.1,0.2000004 0.5,0.2 0.5,0.6 0.1,0.6",
    ],
)
def test_corners_in_any_order_are_one_box(corners: str) -> None:
    shape = labels.read_image({"rectangles": [rectangle(corners)]}).document.objects[0].shape
    assert isinstance(shape, Rectangle)
    assert shape.box == (0.1, 0.2, 0.5, 0.6)


@pytest.mark.parametrize(
    ("annotation", "place"),
    [
        (rectangle("0.1,0.2 0.5,0.25 0.5,0.6 0.1,0.6"), ".coordinates"),
        (rectangle("0.1,0.2 0.1,0.2 0.5,0.6 0.5,0.6"), ".coordinates"),
        (rectangle("0.1,0.2 0.5,0.2 0.5,0.6"), ".coordinates"),
        (rectangle("0.1,0.2 1.5,0.2 1.5,0.6 0.1,0.6"), ".coordinates[1].x"),
        (rectangle("0.1,-0.2 0.5,-0.2 0.5,0.6 0.1,0.6"), ".coordinates[0].y"),
        ({**rectangle(), "coordinates": "all"}, ".coordinates"),
        ({**rectangle(), "coordinates": [{"x": True, "y": 0}] * 4}, ".coordinates[0].x"),
        ({**rectangle(), "coordinates": [{"x": "0.1", "y": 0}] * 4}, ".coordinates[0].x"),
        ({**rectangle(), "coordinates": [[0.1, 0.2]] * 4}, ".coordinates[0]"),
        ({**rectangle(), "label": ""}, ".label"),
        ({**rectangle(), "label": 7}, ".label"),
        ({**rectangle(), "attributes": {"a": "b"}}, ".attributes.a"),
        ({**rectangle(), "attributes": [1]}, ".attributes"),
        ("box", ""),
    ],
)
def test_a_wrong_annotation_is_refused_by_place(annotation: Any, place: str) -> None:
    with pytest.raises(PlaymentError) as caught:
        labels.read_image({"rectangles": {"data": [rectangle(), annotation]}})
    assert caught.value.code == "FS_0003"
    assert caught.value.message.startswith(f"data.maker_response.rectangles.data[1]{place}: ")


def test_rounding_past_the_edge_is_moved_to_it() -> None:
    shape = labels.read_image({"rectangles": [rectangle("-0.0000005,0 1.0000005,0 1.0000005,1 -0.0000005,1")]})
    assert shape.document.objects[0].shape == Rectangle((0.0, 0.0, 1.0, 1.0))


def polygon(edges: dict[str, list[str]] | None) -> dict[str, Any]:
    points = {f"p{i}": {"x": i / 20, "y": (i * i % 7) / 10} for i in (1, 2, 3, 4, 5, 10)}
    return {"label": "Car", "points": points, **({} if edges is None else {"edges": edges})}


def ring(*names: str) -> dict[str, list[str]]:
    return {f"e{i}": [a, b] for i, (a, b) in enumerate(zip(names, [*names[1:], names[0]], strict=True), 1)}


NATURAL = [0.05, 0.1, 0.1, 0.4, 0.15, 0.2, 0.2, 0.2, 0.25, 0.4, 0.5, 0.2]


@pytest.mark.parametrize(
    ("edges", "warned"),
    [
        (None, False),
        (ring("p1", "p2", "p3", "p4", "p5", "p10"), False),
        (ring("p10", "p5", "p4", "p3", "p2", "p1"), False),
        ({**ring("p1", "p2", "p3", "p4", "p5", "p10"), "e4": ["p4", "p4"]}, True),
        ({**ring("p1", "p2", "p3"), "e4": ["p4", "p5"], "e5": ["p5", "p10"], "e6": ["p10", "p4"]}, True),
        ({"e1": ["p1", "p2"]}, True),
        ({**ring("p1", "p2", "p3", "p4", "p5", "p10"), "e1": ["p1", "p77"]}, True),
        ([["p1", "p2"]], True),
    ],
)
def test_a_ring_is_rebuilt_when_the_edges_do_not_close(edges: Any, warned: bool) -> None:
    read = labels.read_image({"polygons": {"data": [polygon(edges)]}})
    assert read.document.objects[0].shape == Polygon([[NATURAL]])
    assert bool(read.warnings) == warned
    out = result.image_annotations(read.document, ITEM)["polygons"][0]
    assert list(out["points"]) == ["p1", "p2", "p3", "p4", "p5", "p10"]
    assert out["edges"]["e4"] == ["p4", "p5"]
    assert out["edges"]["e6"] == ["p10", "p1"]


def test_edges_decide_the_order_when_they_are_one_ring() -> None:
    read = labels.read_image({"polygons": [polygon(ring("p1", "p3", "p2", "p10", "p5", "p4"))]})
    out = result.image_annotations(read.document, ITEM)["polygons"][0]
    assert list(out["points"]) == ["p1", "p3", "p2", "p10", "p5", "p4"]
    assert read.warnings == []


def test_holes_and_several_outlines_leave_as_annotations_of_their_own() -> None:
    square = [0.1, 0.1, 0.4, 0.1, 0.4, 0.4, 0.1, 0.4]
    hole = [0.2, 0.2, 0.3, 0.2, 0.3, 0.3]
    other = [0.6, 0.6, 0.9, 0.6, 0.9, 0.9]
    read = labels.read_image({"polygons": [polygon(None)]}).document
    read.objects[0].shape = Polygon([[square, hole], [other]])
    first, second = result.image_annotations(read, ITEM)["polygons"]
    assert first["holes"] == [[{"x": 0.2, "y": 0.2}, {"x": 0.3, "y": 0.2}, {"x": 0.3, "y": 0.3}]]
    assert second["part_of"] == first["_id"] != second["_id"]
    again = labels.read_image({"polygons": [first, second]}).document
    assert [o.shape for o in again.objects] == [Polygon([[square, hole]]), Polygon([[other]])]


def test_a_frame_without_the_object_has_no_key_and_one_in_between_is_interpolated() -> None:
    sent = {"type": "rectangle", "label": "Car", "frames": {f: rectangle() for f in ("frame1", "frame2", "a")}}
    document = labels.read_video({"video2d": {"data": {"annotations": [sent]}}}, FRAMES).document
    assert list(through_frames(document)) == ["frame1", "frame2", "a"]
    keyframes = document.objects[0].keyframes or []
    keyframes[:] = [k for k in keyframes if k.frame == 0]
    moved = copy.deepcopy(keyframes[0])
    moved.frame, moved.shape = 4, Rectangle((0.5, 0.2, 0.9, 0.6))
    keyframes.append(moved)
    frames = through_frames(document)
    assert list(frames) == FRAMES
    assert frames["b"]["coordinates"][0] == {"x": 0.3, "y": 0.2}
    assert len({f["_id"] for f in frames.values()}) == 5


def through_frames(document: Any) -> dict[str, Any]:
    return result.video_annotations(document, ITEM, FRAMES)["annotations"][0]["frames"]


@pytest.mark.parametrize(
    ("tracker", "place"),
    [
        ({"type": "circle", "label": "Car", "frames": {"a": {}}}, ".type"),
        ({"type": "rectangle", "label": "Car", "frames": {}}, ".frames"),
        ({"type": "rectangle", "label": "Car", "frames": {"nope": rectangle()}}, ".frames['nope']"),
        ({"type": "rectangle", "label": "Car", "frames": {"a": rectangle("0,0 0,0 0,0")}}, ".frames.a.coordinates"),
        ({"type": "cuboid", "label": "Car", "frames": {"a": polygon(None)}}, ".frames.a.points"),
    ],
)
def test_a_wrong_tracker_is_refused_by_place(tracker: dict[str, Any], place: str) -> None:
    with pytest.raises(PlaymentError) as caught:
        labels.read_video({"video2d": {"data": {"annotations": [tracker]}}}, FRAMES)
    assert caught.value.message.startswith(f"data.maker_response.video2d.data.annotations[0]{place}: ")


def test_labels_of_the_wrong_base_are_refused() -> None:
    with pytest.raises(PlaymentError, match="video2d"):
        labels.read_image({"video2d": {"data": {"annotations": []}}})
    with pytest.raises(PlaymentError, match="rectangles"):
        labels.read_video({"rectangles": {"data": [rectangle()]}}, FRAMES)


def test_unknown_groups_survive() -> None:
    read = labels.read_image({"sensor_fusion_v2": {"data": {"tracks": []}}, "rectangles": [rectangle()]})
    assert "sensor_fusion_v2" in read.warnings[0]
    assert result.image_annotations(read.document, ITEM)["sensor_fusion_v2"] == {"data": {"tracks": []}}


def an_ontology(**shapes: list[str]) -> Ontology:
    skeleton = {"points": [{"name": n} for n in "abc"], "edges": []}
    classes = {
        name: ClassInfo(i, name, frozenset(kinds) or None, skeleton) for i, (name, kinds) in enumerate(shapes.items())
    }
    kinds = {"moving": "flag", "speed": "number", "sides": "many_of", "pose": "one_of", "note": "text"}
    return Ontology(classes, [AttributeInfo(n, k) for n, k in kinds.items()])


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(PlaymentError, match=r"'Car' is not a class of this project.*Known: Dog"):
        labels.read_image({"rectangles": [rectangle()]}, an_ontology(Dog=[]))


def test_attribute_values_take_the_attributes_kind_and_come_out_as_sent() -> None:
    sent = {"moving": {"value": "True"}, "speed": {"value": "3.50"}, "sides": {"value": "left"},
            "pose": {"value": ["standing"]}, "note": {"value": "x"}}  # fmt: skip
    document = labels.read_image({"rectangles": [rectangle(attributes=sent)]}, an_ontology(Car=[])).document
    assert document.objects[0].attributes == {
        "moving": True, "speed": 3.5, "sides": ["left"], "pose": "standing", "note": "x",
    }  # fmt: skip
    assert result.image_annotations(document, ITEM)["rectangles"][0]["attributes"] == sent
    document.objects[0].attributes["speed"] = 4.0
    assert result.image_annotations(document, ITEM)["rectangles"][0]["attributes"]["speed"] == {"value": 4.0}


def test_landmarks_become_the_point_or_skeleton_a_class_wants() -> None:
    one = {"label": "P", "points": {"p1": {"x": 0.1, "y": 0.2, "label": 1}}}
    pose = {"label": "S", "points": {"p1": {"x": 0.1, "y": 0.2, "label": 1}, "p2": {"x": 0.3, "y": 0.4, "label": 3}}}
    free = {"label": "L", "points": {"p1": {"x": 0.1, "y": 0.2, "label": 9}}}
    ontology = an_ontology(P=["point"], S=["skeleton"], L=["landmarks", "point"])
    document = labels.read_image({"landmarks": [one, pose, free]}, ontology).document
    assert [o.shape for o in document.objects] == [
        Point([0.1, 0.2]), Skeleton([0.1, 0.2, 0, 0, 0.3, 0.4], [2, 0, 2]), Landmarks([0.1, 0.2], [9]),
    ]  # fmt: skip
    out = result.image_annotations(document, ITEM)["landmarks"]
    assert [o["points"] for o in out] == [one["points"], pose["points"], free["points"]]


def test_a_copy_does_not_share_its_originals_id() -> None:
    document = labels.read_image({"rectangles": [rectangle(_id="one")]}).document
    clone = copy.deepcopy(document.objects[0])
    clone.id = 2
    document.objects.append(clone)
    first, second = result.image_annotations(document, ITEM)["rectangles"]
    assert first["_id"] == "one"
    assert uuid.UUID(second["_id"])


def test_legends_are_read_leniently() -> None:
    classes = {"Person 1", "Car", "sky", "MINIVAN"}
    read = legend.read(
        {"#FF0000": "Person 1", "00ff00": "Car #5", "#0000ff": "Car # 6", "#0000fe": "Car 7", "#010101": "sky",
         "#020202": "MINIVAN #1"}, classes, "legend",
    )  # fmt: skip
    assert {c: (e["class"], e["group"]) for c, e in read.items()} == {
        "#ff0000": ("Person 1", None), "#00ff00": ("Car", 5), "#0000ff": ("Car", 6), "#0000fe": ("Car", 7),
        "#010101": ("sky", None), "#020202": ("MINIVAN", 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"#fdffd34": "Car"}, "6 hex digits"),
        ({"#000000": "Car"}, "black"),
        ({"#ff0000": "Car", "FF0000": "sky"}, "already"),
        ({"#ff0000": "Bus # 1"}, "'Bus # 1' is not a class"),
        ({"#ff0000": None}, "must be the name"),
        ({}, "must be an object"),
        ([], "must be an object"),
    ],
)
def test_a_wrong_legend_is_refused(bad: Any, reason: str) -> None:
    with pytest.raises(PlaymentError, match=reason):
        legend.read(bad, {"Car", "sky"}, "legend")


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), unique=True), st.sampled_from(["#ff0000", "#9e377a"]))
def test_legend_colours_are_distinct_and_kept(names: list[str], color: str) -> None:
    chosen = legend.colors(names, {"a": color, "b": color})
    assert len(set(chosen.values())) == len(names)
    assert "#000000" not in chosen.values()
    assert "a" not in names or "b" in names or chosen["a"] == color
