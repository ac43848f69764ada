"""A job's `data` and the head of a create request, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelwright.vendors.playment import payload, wire
from labelwright.vendors.playment.errors import CODES, PlaymentError

PICTURE = "https://cdn.example.org/600x400/fff.jpg&text=One+Two"


def frames(*ids: str) -> list[dict[str, str]]:
    return [{"frame_id": i, "src": f"https://cdn.example.org/{i}"} for i in ids]


def refused(data: Any) -> PlaymentError:
    with pytest.raises(PlaymentError) as caught:
        payload.read(data, None)
    return caught.value


def test_an_image_with_reference_pictures_and_metadata() -> None:
    read = payload.read(
        {
            "image_url": PICTURE,
            "metadata": {"drive": 7},
            "weather": "rain",
            "reference_data": {
                "raster": {"images": [{"image_url": "https://x.org/a", "label": "camera 1"}, {"image_url": "s3://b/k"}]}
            },
        },
        None,
    )
    assert [(f.role, f.url, f.label) for f in read.files] == [
        ("main", PICTURE, None), ("reference", "https://x.org/a", "camera 1"), ("reference", "s3://b/k", None),
    ]  # fmt: skip
    assert (read.kind, read.metadata, read.rest["weather"]) == ("image", {"drive": 7}, "rain")


def test_frames_keep_their_order_and_references_their_frame() -> None:
    entry = {"label": "camera 1", "image_url": "https://x.org/r"}
    for key in ("vector", "raster"):
        read = payload.read(
            {
                "video_data": {"frames": frames("b", "a")},
                "reference_data": {key: {"images": [{"frame_id": "a", "data": [entry]}]}},
            },
            None,
        )
        assert [(f.role, f.position, f.frame_id) for f in read.files] == [
            ("frame", 0, "b"), ("frame", 1, "a"), ("reference", 1, "a"),
        ]  # fmt: skip
        assert "video_data" not in read.rest  # it can be rebuilt
    more = [{**frames("a")[0], "at": 3}]
    assert payload.read({"video_data": {"frames": more}}, None).rest["video_data"] == {"frames": more}


def sensors(*modalities: str | None, primary: tuple[int, ...] = ()) -> dict[str, Any]:
    meta = [
        {"id": f"s{i}", "name": f"Sensor {i}", "modality": m, "primary_view": i in primary, "state": "editable",
         "intrinsics": None} for i, m in enumerate(modalities)
    ]  # fmt: skip
    shots = [
        {"frame_id": f, "sensors": [
            {"sensor_id": m["id"], "data_url": f"https://x.org/{f}/{m['id']}", "sensor_pose": None} for m in meta]}
        for f in ("f1", "f2")
    ]  # fmt: skip
    return {"sensor_data": {"frames": shots, "sensor_meta": meta}}


def test_cameras_alone_are_a_video() -> None:
    read = payload.read(sensors(None, "camera", primary=(1,)), None)
    assert [(f.role, f.position, f.url[-2:], f.label) for f in read.files] == [
        ("reference", 0, "s0", "Sensor 0"), ("frame", 0, "s1", None),
        ("reference", 1, "s0", "Sensor 0"), ("frame", 1, "s1", None),
    ]  # fmt: skip
    assert read.frame_ids == ["f1", "f2"]


def test_point_clouds_are_kept_and_say_that_they_cannot_be_labeled() -> None:
    sent = {**sensors("camera", "lidar", primary=(0, 1)), "maker_response": {"sensor_fusion_v2": {}}}
    read = payload.read(sent, None)
    assert "cannot be labeled" in read.blocked
    assert read.rest == sent
    assert "'s1' is taken" in read.warnings[0]
    single = {"sensor_data": {"sensors": [{"sensor_id": "l", "data_url": "https://x.org/1.pcd"}], "ego_pose": {},
                              "sensor_meta": [{"id": "l", "modality": "lidar"}]}}  # fmt: skip
    assert (payload.read(single, None).frames, payload.read(single, None).rest) == (1, single)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (None, "FS_0004", "data is missing"),
        ({}, "FS_0004", "data is missing"),
        ("", "FS_0004", "data is missing"),
        ("text", "FS_0003", "must be an object"),
        ([], "FS_0003", "must be an object"),
        ({"metadata": 1}, "FS_0003", "needs image_url"),
        ({"image_url": PICTURE, "video_data": {}}, "FS_0003", "one of them"),
        ({"image_url": 7}, "FS_0003", "data.image_url"),
        ({"image_url": [PICTURE, PICTURE]}, "FS_0003", "a job for each"),
        ({"image_url": "ftp://x.org/y"}, "FS_0007", "data.image_url"),
        ({"image_url": "gs://x/y"}, "FS_0007", "cannot be fetched"),
        ({"image_url": "https://"}, "FS_0007", "cannot be fetched"),
        ({"image_url": "https://x/\u0007"}, "FS_0007", "control"),
        ({"video_data": {"frames": []}}, "FS_0003", "at least one frame"),
        ({"video_data": []}, "FS_0003", "data.video_data"),
        ({"video_data": {"frames": frames("a", "a")}}, "FS_0003", "duplicate frame_id 'a'"),
        ({"video_data": {"frames": [{"frame_id": 1, "src": PICTURE}]}}, "FS_0003", "frames[0].frame_id"),
        ({"video_data": {"frames": [{"frame_id": "a"}]}}, "FS_0003", "frames[0].src"),
        ({"sensor_data": {"frames": [{"frame_id": "a", "sensors": []}]}}, "FS_0003", "frames[0].sensors"),
        ({"sensor_data": {"frames": frames("a", "a")}}, "FS_0003", "duplicate frame_id"),
        ({"sensor_data": {"sensor_meta": [1], "frames": []}}, "FS_0003", "sensor_meta"),
        ({"image_url": PICTURE, "reference_data": {"raster": {"images": [3]}}}, "FS_0003", "raster.images"),
        ({"image_url": PICTURE, "reference_data": [1]}, "FS_0003", "data.reference_data"),
        (
            {"video_data": {"frames": frames("a")},
             "reference_data": {"vector": {"images": [{"frame_id": "z", "data": []}]}}}, "FS_0003", "'z' is not"),
        ({"image_url": PICTURE, "maker_response": {"raster": {"data": {"legend": {"#fff": "a"}}}}}, "FS_0003", "url"),
    ],
)  # fmt: skip
def test_what_cannot_be_filed_is_told(data: Any, code: str, says: str) -> None:
    error = refused(data)
    assert (error.code, says in error.message) == (code, True), error.message


def test_the_head_of_a_request() -> None:
    job = wire.new_job(
        {"id": None, "reference_id": 17, "tag": " Maker-1 ", "workflow_id": "w", "work_flow_id": "", "batch_id": "",
         "priority_weight": None, "data": '{"image_url": "https://x.org/y"}', "type": "TEST"}
    )  # fmt: skip
    assert (job.reference_id, job.routes, job.batch) == ("17", {"workflow_id": "w", "tag": "Maker-1"}, None)
    assert (job.priority, job.data, job.type) == (5, {"image_url": "https://x.org/y"}, "TEST")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference_id": None}, "FS_0002"),
        ({"reference_id": ""}, "FS_0002"),
        ({"reference_id": ["a"]}, "GE_0001"),
        ({"reference_id": True}, "GE_0001"),
        ({"reference_id": "x" * 501}, "GE_0001"),
        ({"priority_weight": 0}, "FS_00012"),
        ({"priority_weight": 11}, "FS_00012"),
        ({"priority_weight": True}, "FS_00012"),
        ({"priority_weight": "5"}, "FS_00012"),
        ({"type": "PROD"}, "FS_00011"),
        ({"type": []}, "FS_00011"),
        ({"batch_id": "batch_id"}, "GE_0001"),
        ({"batch_id": 7}, "GE_0001"),
        ({"batch_id": {}}, "GE_0001"),
        ({"tag": {}}, "GE_0001"),
    ],
)
def test_a_wrong_head_has_its_code(change: dict[str, Any], code: str) -> None:
    with pytest.raises(PlaymentError) as caught:
        wire.new_job({"reference_id": "r", "tag": "t", "data": {"image_url": PICTURE}, **change})
    assert caught.value.code == code


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_an_error(body: bytes) -> None:
    try:
        value = wire.decode(body)
    except PlaymentError:
        return
    assert isinstance(value, dict)


def test_texts_that_cannot_be_stored_are_refused() -> None:
    with pytest.raises(PlaymentError, match="NUL"):
        wire.decode(rb'{"a": [{"b\u0000": 1}]}')
    assert wire.decode(rb'{"a": "\\u0000"}') == {"a": "\\u0000"}


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_page_tokens_come_back(item: int, task: int) -> None:
    assert wire.read_page_token(wire.page_token(item, task)) == (item, task)


@pytest.mark.parametrize("token", ["x", "1", "-", "1-", "-1", "1-2-3", "١-٢", "9" * 50, f"{2**63}-1"])
def test_a_wrong_page_token_is_refused(token: str) -> None:
    with pytest.raises(PlaymentError) as caught:
        wire.read_page_token(token)
    assert caught.value.code == "invalid_request_error"


def test_every_code_is_spelled_once() -> None:
    assert len(set(CODES)) == len(CODES)
