"""The places where Playment's documentation contradicts itself or surprises: one test for each of the 35 we know."""

from __future__ import annotations

import io
import json
import keyword
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from labelwright.geometry.document import LabelObject, Mask, Rectangle
from labelwright.models.projects import Workflow
from labelwright.services import projects, workflows
from labelwright.services.documents import Change
from tests.vendors.playment.conftest import PICTURE, Desk

CORNERS = [{"x": 0.1, "y": 0.2}, {"x": 0.5, "y": 0.2}, {"x": 0.5, "y": 0.6}, {"x": 0.1, "y": 0.6}]
FRAMES = [{"frame_id": f"frame{n}", "src": f"https://cdn.example.org/{n}.png"} for n in (1, 2, 3)]


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """The file's one application."""
    yield shared_desk
    shared_desk.prefix = ""


def box(**more: Any) -> dict[str, Any]:
    return {"_id": str(uuid.uuid4()), "label": "Vehicle_car", "attributes": {}, "coordinates": CORNERS, **more}


def image(**groups: Any) -> dict[str, Any]:
    return {"image_url": PICTURE, "maker_response": {key: {"data": value} for key, value in groups.items()}}


def video(trackers: list[Any], key: str = "video2d") -> dict[str, Any]:
    return {"video_data": {"frames": FRAMES}, "maker_response": {key: {"data": {"annotations": trackers}}}}


def tracker(annotation: dict[str, Any], kind: str = "rectangle") -> dict[str, Any]:
    return {"_id": str(uuid.uuid4()), "type": kind, "label": annotation["label"], "frames": {"frame2": annotation}}


def points(*pairs: tuple[float, float], **each: Any) -> dict[str, Any]:
    return {f"p{n}": {"x": x, "y": y, **each} for n, (x, y) in enumerate(pairs, 1)}


def wrong(desk: Desk, data: Any = None, **more: Any) -> tuple[str, str]:
    error = desk.call("POST", desk.jobs(), desk.body(data, **more))["error"]
    return error["code"], error["message"]


def build(desk: Desk, job: str, project: str | None = None) -> Any:
    return desk.fetch(desk.data("GET", f"{desk.jobs(project)}/{job}")["build"]).json()


def test_01_three_names_for_the_route(desk: Desk) -> None:
    with desk.database.write() as session:
        project = projects.create(session, desk.people.alice, desk.people.workspace, "Routes", "image", [])
        one = str(workflows.create(session, project, "One", "shared-tag").uid)
        two = str(workflows.create(session, project, "shared-tag", "two").uid)
        uid = str(project.uid)

    def routed(**keys: Any) -> str:
        body = {k: v for k, v in desk.body().items() if k != "tag"} | keys
        envelope = desk.call("POST", desk.jobs(uid), body)
        return envelope["data"]["work_flow_id"] if envelope["success"] else envelope["error"]["code"]

    for key in ("tag", "work_flow_id", "workflow_id"):
        assert routed(**{key: two}) == two
        assert routed(**{key: "One"}) == one
        assert routed(**{key: "shared-tag"}) == one  # a tag before a name
        assert routed(**{key: "nobody"}) == "FS_0003"
    assert routed(tag="two", work_flow_id=two, workflow_id="two") == two
    assert routed(tag="One", work_flow_id=two) == "FS_0003"
    default = routed()
    assert routed(tag="", work_flow_id=None) == default not in (one, two)
    with desk.database.write() as session:
        session.execute(update(Workflow).where(Workflow.uid == uuid.UUID(default)).values(is_default=False))
    assert routed(tag="", work_flow_id=None) == "FS_0005"


def test_02_video2d_and_video_2d(desk: Desk) -> None:
    for key in ("video2d", "video_2d"):
        job = desk.file(video([tracker(box())], key), desk.videos)
        assert list(build(desk, job, desk.videos)["data"]["maker_response"]) == ["video2d"]


def test_03_results_say_annotation_data(desk: Desk) -> None:
    sent = tracker(box())
    job = desk.file(video([sent]), desk.videos)
    result = desk.finish(job)["data"]
    assert result["annotation_data"]["annotations"][0]["_id"] == sent["_id"]
    assert result["video_data"] == {"frames": FRAMES}
    for key in ("annotation_data", "annotations_data"):
        again = {"video_data": {"frames": FRAMES}, "maker_response": {key: {"annotations": [sent]}}}
        assert desk.document(desk.file(again, desk.videos)).objects == 1


def test_04_an_edge_from_a_point_to_itself(desk: Desk) -> None:
    names = ["p1", "p2", "p3", "p4", "p5"]
    edges = {f"e{n}": [a, b] for n, (a, b) in enumerate(zip(names, [*names[1:], "p1"], strict=True), 1)}
    shape = {"label": "lane_divider", "points": points((0.2, 0.8), (0.3, 0.5), (0.4, 0.4), (0.3, 0.2), (0.1, 0.3))}
    typo = {**shape, "edges": {**edges, "e4": ["p4", "p4"]}}
    told = desk.data("POST", desk.jobs(), desk.body(image(polygons=[typo])))
    assert "edges" in told["warnings"][0]
    out = desk.finish(told["job_id"])["data"]["annotations"]["polygons"][0]
    assert (out["edges"], out["points"]) == (edges, shape["points"])


def test_05_attributes_with_and_without_state(desk: Desk) -> None:
    stated = {"State": {"state": "editable", "value": "Moving"}, "faces_visible": {"value": ["right", "back"]}}
    job = desk.file(image(rectangles=[box(attributes=stated), box(attributes=[])]))
    labels = build(desk, job)["data"]["maker_response"]["rectangles"]["data"]
    assert [o["attributes"] for o in labels] == [stated, {}]
    out = desk.finish(job)["data"]["annotations"]["rectangles"]
    assert out[0]["attributes"] == {"State": {"value": "Moving"}, "faces_visible": {"value": ["right", "back"]}}


def test_06_state_and_color_are_optional(desk: Desk) -> None:
    job = desk.file(image(rectangles=[box(), box(state="non_editable", color="rgb(70, 26, 158)")]))
    plain, fixed = desk.document(job).document.objects
    assert (plain.locked, fixed.locked) == (False, True)
    out = desk.finish(job)["data"]["annotations"]["rectangles"]
    assert "color" not in out[0]
    assert (out[1]["color"], out[1]["state"]) == ("rgb(70, 26, 158)", "non_editable")


def raster(legend: Any) -> dict[str, Any]:
    return image(raster={"url": "https://cdn.example.org/mask001.png", "legend": legend})


def test_07_a_colour_of_seven_digits(desk: Desk) -> None:
    code, message = wrong(desk, raster({"#fdffd34": "Sky"}))
    assert code == "FS_0003"
    assert "'#fdffd34'" in message
    job = desk.file(raster({"FDFFD3": "Sky", "#f23334": "Person 1"}))
    sent = build(desk, job)["data"]["maker_response"]["raster"]["data"]
    assert sent["legend"] == {"#fdffd3": "Sky", "#f23334": "Person 1"}


def test_08_black_is_nothing(desk: Desk) -> None:
    assert wrong(desk, raster({"#000000": "Sky"}))[0] == "FS_0003"
    png, legend = finished_mask(desk)
    nothing = {pixel for pixel in png.get_flattened_data() if pixel[3] == 0}
    assert (nothing, png.mode) == ({(0, 0, 0, 0)}, "RGBA")
    assert "#000000" not in legend


def finished_mask(desk: Desk) -> tuple[Any, dict[str, str]]:
    """The mask of a job on which somebody painted two regions on a grid of 4 by 2."""
    painted = [
        LabelObject(1, "Sky", Mask((4, 2), (0, 0, 2, 1), "02")),
        LabelObject(2, "Person 1", Mask((4, 2), (2, 1, 2, 1), "02"), group=7),
    ]
    job = desk.file()
    desk.media_arrived(job, size=(4, 2))
    desk.label(job, Change(put=painted))
    desk.accept(job)
    told = desk.result(job)["data"]["annotations"]["raster"]
    return Image.open(io.BytesIO(desk.fetch(told["url"]).content)), told["legend"]


def test_09_a_mask_means_what_its_legend_says(desk: Desk) -> None:
    png, legend = finished_mask(desk)
    assert sorted(legend.values()) == ["Person 1 # 7", "Sky"]
    named = ["#{:02x}{:02x}{:02x}".format(*p[:3]) if p[3] else None for p in png.get_flattened_data()]
    assert [legend.get(c) for c in named] == ["Sky", "Sky", *[None] * 4, "Person 1 # 7", "Person 1 # 7"]


def test_10_every_spelling_of_a_path(desk: Desk) -> None:
    for path in ("/v0/projects/{}/jobs", "/v1/projects/{}/jobs", "/projectsvc/projects/{}/jobs"):
        assert desk.data("POST", path.format(desk.images), desk.body())
    for number, path in enumerate(("/v1/projects/{}/batch", "/v1/project/{}/batch")):
        assert desk.data("POST", path.format(desk.images), {"name": f"spelling {number}"})


def test_11_priorities_from_1_to_10(desk: Desk) -> None:
    for weight in (1, 9, 10):
        job = desk.file(priority_weight=weight)
        assert desk.data("GET", f"{desk.jobs()}/{job}")["priority_weight"] == weight
    assert {wrong(desk, priority_weight=w)[0] for w in (0, 11, 2.5, "5")} == {"FS_00012"}


def test_12_a_batch_need_not_be_named(desk: Desk) -> None:
    default = next(b for b in desk.data("GET", f"/v1/projects/{desk.images}/details")["batches"] if b["is_default"])
    for more in ({}, {"batch_id": None}, {"batch_id": ""}):
        assert desk.data("GET", f"{desk.jobs()}/{desk.file(**more)}")["batch_id"] == default["id"]


def test_13_401_is_for_keys_and_400_for_the_rest(desk: Desk) -> None:
    for key, path, status in (
        ("wrong", desk.jobs(), 401),
        (desk.key, desk.jobs("nowhere"), 400),
        (desk.key, f"{desk.jobs()}/{uuid.uuid4()}", 400),
        (desk.key, "/v1/nowhere", 400),
    ):
        answer = desk.client.request("POST", path, headers={"x-api-key": key}, json=desk.body())
        assert (answer.status_code, answer.json()["success"]) == (status, False)


def test_14_data_may_be_a_text(desk: Desk) -> None:
    assert desk.document(desk.file(json.dumps(image(rectangles=[box()])))).objects == 1
    assert wrong(desk, "{not json")[0] == "FS_0003"


def test_15_ids_that_are_no_uuids(desk: Desk) -> None:
    assert wrong(desk, batch_id="batch_id")[0] == "GE_0001"
    assert desk.code("POST", desk.jobs("fde5ert6-cbc1f9w"), desk.body()) == "resource_error"


def test_16_results_can_be_sent_as_labels(desk: Desk) -> None:
    first = desk.finish(desk.file(image(rectangles=[box()], lines=[line()])))
    again = desk.finish(desk.file({"image_url": PICTURE, "maker_response": first}))
    inner = desk.finish(desk.file({"image_url": PICTURE, "maker_response": first["data"]["annotations"]}))
    assert again == inner == first


def line(**more: Any) -> dict[str, Any]:
    return {"_id": str(uuid.uuid4()), "label": "lane_divider", "attributes": {},
            "points": points((0.28, 0.89), (0.28, 0.87), (0.29, 0.85)), **more}  # fmt: skip


def test_17_no_key_that_is_no_identifier(desk: Desk) -> None:
    job = desk.file(image(rectangles=[box()]))
    desk.finish(job)
    listed = desk.data("GET", f"{desk.jobs()}/{job}")
    told = [listed, desk.data("POST", desk.jobs(), desk.body())]
    told += [desk.data("GET", f"/v1/projects/{desk.images}/{p}") for p in ("details", "stats")]
    told.append(desk.data("GET", f"/v1/projects/{desk.images}/batch/{listed['batch_id']}"))
    told.append(desk.data("POST", f"/v1/projects/{desk.images}/batch", {"name": "identifiers"}))
    for key in keys(told):
        assert key.isidentifier(), key
        assert not key.startswith("_"), key
        assert not keyword.iskeyword(key), key
    assert listed["result"].startswith("http")


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from keys(inner)


def test_18_workflow_id_as_one_script_sends_it(desk: Desk) -> None:
    reference = [{"label": "camera 1", "image_url": PICTURE}, {"label": "camera 2", "image_url": PICTURE}]
    body = {
        "reference_id": "job-18",
        "workflow_id": desk.video_workflow,
        "batch_id": "",
        "data": {
            "video_data": {"frames": FRAMES},
            "reference_data": {
                "vector": {"images": [{"frame_id": f, "data": reference} for f in ("frame1", "frame2")]}
            },
        },
    }
    told = desk.data("POST", desk.jobs(desk.videos), body)
    assert told["work_flow_id"] == desk.video_workflow
    assert build(desk, told["job_id"], desk.videos)["data"] == body["data"]


def test_19_a_batch_from_its_name_alone(desk: Desk) -> None:
    assert uuid.UUID(desk.data("POST", f"/v1/projects/{desk.images}/batch", {"name": "nothing else"})["batch_id"])


def test_20_each_place_spells_its_status_its_own_way(desk: Desk) -> None:
    batch = desk.data("POST", f"/v1/projects/{desk.images}/batch", {"name": "statuses"})["batch_id"]

    def seen() -> tuple[str, str]:
        found = desk.data("GET", f"/v1/projects/{desk.images}/details")["batches"]
        jobs = desk.data("GET", f"/v1/projects/{desk.images}/batch/{batch}")["jobs"]
        return next(b["status"] for b in found if b["id"] == batch), jobs[0]["status"] if jobs else ""

    assert seen() == ("Inactive", "")
    job = desk.file(batch_id=batch)
    assert seen() == ("Active", "pending")
    desk.media_arrived(job)
    desk.label(job)
    assert seen() == ("Active", "in_progress")
    desk.accept(job)
    assert seen() == ("Complete", "completed")


def test_21_tag_and_work_flow_id(desk: Desk) -> None:
    by_tag = desk.data("GET", f"{desk.jobs()}/{desk.file()}")
    assert (by_tag["tag"], by_tag["work_flow_id"]) == ("Maker-1", desk.workflow)
    by_id = desk.data("GET", f"{desk.jobs()}/{desk.file(tag=None, work_flow_id=desk.workflow)}")
    assert (by_id["tag"], by_id["work_flow_id"]) == (desk.workflow, desk.workflow)


def test_22_lines_with_and_without_edges(desk: Desk) -> None:
    edges = {"e1": ["p1", "p2"], "e2": ["p2", "p3"]}
    sent = [line(), line(edges=edges)]
    out = desk.finish(desk.file(image(lines=sent)))["data"]["annotations"]["lines"]
    assert out == [sent[0], {k: v for k, v in sent[1].items() if k != "edges"}]
    job = desk.file(video([tracker(line(), "line")]), desk.videos)
    assert desk.finish(job)["data"]["annotation_data"]["annotations"][0]["frames"]["frame2"]["edges"] == edges


def test_23_faces_of_cuboids_stay_as_they_are(desk: Desk) -> None:
    corners = (
        (0.17, 0.58),
        (0.26, 0.58),
        (0.26, 0.49),
        (0.17, 0.49),
        (0.24, 0.51),
        (0.35, 0.52),
        (0.35, 0.36),
        (0.25, 0.37),
    )
    faces = {"front": ["p1", "p2", "p3", "p4"], "side": ["p2", "p3", "p5", "p6"], "back": ["p7", "p8", "p5", "p6"]}
    sent = {"_id": "c", "label": "Vehicle_car", "attributes": {"faces_visible": {"value": ["right", "back"]}},
            "points": points(*corners), **{f: {"coordinates": names} for f, names in faces.items()}}  # fmt: skip
    assert desk.finish(desk.file(image(cuboids=[sent])))["data"]["annotations"]["cuboids"] == [sent]


def test_24_names_of_instances(desk: Desk) -> None:
    legend = {
        "#010101": "Person 1",
        "#020202": "Vehicle_car # 4",
        "#030303": "Vehicle_car #5",
        "#040404": "Vehicle_car 6",
    }
    job = desk.file(raster(legend))
    with desk.database.read() as session:
        from labelwright.services import items

        found = items.media_of(session, desk.task(job)[1].id)
    mask = next(row for row, _ in found if row.role == "mask")
    assert mask.extra is not None
    assert {c: (e["class"], e["group"]) for c, e in mask.extra["legend"].items()} == {
        "#010101": ("Person 1", None), "#020202": ("Vehicle_car", 4), "#030303": ("Vehicle_car", 5),
        "#040404": ("Vehicle_car", 6),
    }  # fmt: skip
    assert "'Bus # 2'" in wrong(desk, raster({"#010101": "Bus # 2"}))[1]


def test_25_the_last_page_has_an_empty_token(desk: Desk) -> None:
    batch = desk.data("POST", f"/v1/projects/{desk.images}/batch", {"name": "empty"})["batch_id"]
    path = f"/v1/projects/{desk.images}/batch/{batch}"
    for query in ("", "?page_token="):
        page = desk.data("GET", path + query)
        assert (page["jobs"], page["next_page_token"]) == ([], "")


def test_26_result_addresses_survive_being_pasted(desk: Desk) -> None:
    job = desk.file(image(rectangles=[box()]))
    desk.finish(job)
    address = desk.data("GET", f"{desk.jobs()}/{job}")["result"]
    content = desk.fetch(address).json()  # checks the address, and that the redirect stays on this host
    direct = desk.client.get(address, headers={"x-api-key": desk.key})
    assert direct.json() == content
    assert desk.client.get(address).status_code == 401


def test_27_a_create_sent_again_after_its_commit_is_told(desk: Desk) -> None:
    body = desk.body(image(rectangles=[box(), {**box(), "label": "Bus"}]))
    assert desk.code("POST", desk.jobs(), body) == "FS_0003"
    body["data"] = image(rectangles=[box()])  # nothing of the first try stands in its way
    assert desk.data("POST", desk.jobs(), body)
    assert desk.code("POST", desk.jobs(), body) == "FS_0001"


def sensors(*shots: str, lidar: bool = False, primary: int = 1) -> dict[str, Any]:
    meta = [
        {"id": "cam", "name": "Front", "primary_view": True, "modality": None, "state": "editable", "intrinsics": None}
    ]
    if primary > 1 or lidar:
        meta.append({**meta[0], "id": "two", "modality": "lidar" if lidar else "camera", "primary_view": primary > 1})
    return {
        "sensor_data": {
            "frames": [
                {"frame_id": s, "sensors": [
                    {"sensor_id": m["id"], "data_url": f"https://x.org/{s}/{m['id']}", "sensor_pose": None} for m in meta]}
                for s in shots
            ],
            "sensor_meta": meta,
        },
        "metadata": None,
    }  # fmt: skip


def test_28_frames_twice(desk: Desk) -> None:
    error = desk.call("POST", desk.jobs(desk.videos), desk.body(sensors("f1", "f2", "f1")))["error"]
    assert error["code"] == "FS_0003"
    assert "duplicate frame_id 'f1'" in error["message"]


def test_29_two_primary_sensors(desk: Desk) -> None:
    told = desk.data("POST", desk.jobs(desk.videos), desk.body(sensors("f1", "f2", primary=2)))
    assert "'cam' is taken" in told["warnings"][0]
    sent = sensors("f1", lidar=True)
    job = desk.file(sent, desk.videos)
    listed = desk.data("GET", f"{desk.jobs(desk.videos)}/{job}")
    assert listed["status"] == "failed"
    assert "cannot be labeled" in listed["message"]
    assert build(desk, job, desk.videos)["data"]["sensor_data"] == sent["sensor_data"]
    assert desk.finish(desk.file(sensors("f1"), desk.videos))["data"]["sensor_data"] == sensors("f1")["sensor_data"]


def test_30_steps_are_our_own_small_set(desk: Desk) -> None:
    job = desk.file()
    desk.media_arrived(job)
    assert [desk.task(job)[0].stage for _ in (desk.label(job),)] == ["review"]
    desk.reject(job)
    assert (desk.task(job)[0].stage, desk.data("GET", f"{desk.jobs()}/{job}")["status"]) == ("label", "in_progress")
    desk.label(job)
    desk.accept(job)
    assert desk.data("GET", f"{desk.jobs()}/{job}")["status"] == "completed"


def test_31_reference_pictures_by_shape(desk: Desk) -> None:
    flat = {"image_url": PICTURE, "label": "camera 1"}
    for key in ("raster", "vector"):
        data = {"image_url": PICTURE, "reference_data": {key: {"images": [flat]}}}
        assert build(desk, desk.file(data))["data"] == data
        framed = {
            "video_data": {"frames": FRAMES},
            "reference_data": {key: {"images": [{"frame_id": "frame2", "data": [flat]}]}},
        }
        assert build(desk, desk.file(framed, desk.videos), desk.videos)["data"] == framed


def test_32_codes_keep_their_spelling(desk: Desk) -> None:
    assert wrong(desk, type="PROD")[0] == "FS_00011"
    assert wrong(desk, priority_weight=99)[0] == "FS_00012"
    assert wrong(desk, {"image_url": "gs://bucket/x.png"})[0] == "FS_0007"
    assert build(desk, desk.file(type="TEST"))["type"] == "TEST"


def test_33_corners_in_another_order(desk: Desk) -> None:
    out = desk.finish(desk.file(image(rectangles=[box(coordinates=CORNERS[::-1])])))
    assert out["data"]["annotations"]["rectangles"][0]["coordinates"] == CORNERS
    turned = [{**CORNERS[0], "y": 0.3}, *CORNERS[1:]]
    assert wrong(desk, image(rectangles=[box(coordinates=turned)]))[0] == "FS_0003"


def test_34_coordinates_outside(desk: Desk) -> None:
    def reaching(x: float) -> dict[str, Any]:
        return image(rectangles=[box(coordinates=[{**c, "x": x if c["x"] == 0.5 else c["x"]} for c in CORNERS])])

    shape = desk.document(desk.file(reaching(1.0000005))).document.objects[0].shape
    assert isinstance(shape, Rectangle)
    assert shape.box == (0.1, 0.2, 1.0, 0.6)
    code, message = wrong(desk, reaching(640))
    assert (code, "640 is outside 0 to 1" in message) == ("FS_0003", True)


def test_35_metadata_is_kept(desk: Desk) -> None:
    meta = {"drive": [1, {"a b": None}], "_id": "x"}
    job = desk.file({"image_url": PICTURE, "metadata": meta})
    assert build(desk, job)["data"]["metadata"] == meta
    assert desk.finish(job)["data"]["metadata"] == meta
