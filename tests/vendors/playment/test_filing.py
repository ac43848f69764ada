"""Filing jobs and batches over HTTP, and reading them back."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from labelwright.services import identity
from tests.vendors.playment.conftest import PICTURE, Desk

BOX = {
    "_id": "4228b62d-5a06-4024-ab4b-6aa1577dba27",
    "color": "rgb(70, 26, 158)",
    "state": "editable",
    "attributes": {"State": {"state": "editable", "value": "Moving"}},
    "label": "Vehicle_car",
    "coordinates": [{"x": 0.1, "y": 0.2}, {"x": 0.5, "y": 0.2}, {"x": 0.5, "y": 0.6}, {"x": 0.1, "y": 0.6}],
}


def boxes(*found: dict[str, Any]) -> dict[str, Any]:
    return {"image_url": PICTURE, "maker_response": {"rectangles": {"type": "rectangles", "data": list(found)}}}


def test_a_job_is_filed_listed_and_told(desk: Desk) -> None:
    sent = desk.body(boxes(BOX), priority_weight=8)
    told = desk.data("POST", desk.jobs(), sent)
    assert told == {
        "job_id": told["job_id"], "reference_id": sent["reference_id"], "tag": "Maker-1", "work_flow_id": desk.workflow,
    }  # fmt: skip
    job = desk.data("GET", f"{desk.jobs()}/{told['job_id']}")
    assert job["status"] == "pending"
    assert (job["priority_weight"], job["tag"], job["result"], job["annotations"]) == (8, "Maker-1", "", 1)
    assert job["project_id"] == desk.images
    listed = desk.data("GET", f"/v1/projects/{desk.images}/batch/{job['batch_id']}")
    assert [(j["id"], j["status"], j["frames"]) for j in listed["jobs"]] == [(told["job_id"], "pending", 1)]
    assert listed["next_page_token"] == ""
    stats = desk.data("GET", f"/v0/projects/{desk.images}/stats")
    assert (stats["base"], stats["total_jobs"], stats["annotations"], stats["completed_jobs"]) == ("IMAGE", 1, 1, 0)
    assert desk.data("GET", f"/v0/projects/{desk.videos}/stats")["base"] == "VIDEO"


def test_every_spelling_of_a_path_files_a_job(desk: Desk) -> None:
    for prefix in ("", "/playment"):
        desk.prefix = prefix
        for path in ("/v1/projects/{}/jobs", "/v0/projects/{}/jobs", "/projectsvc/projects/{}/jobs"):
            assert uuid.UUID(desk.data("POST", path.format(desk.images), desk.body())["job_id"])
        old = desk.data("POST", f"/v0/project/{desk.images}/feedline", desk.body())
        assert old["flu_id"] == old["job_id"]
    header = {"x-client-key": desk.key}
    answer = desk.client.post(f"/v1/project/{desk.images}/feedline", json=desk.body(), headers=header)
    assert answer.json()["success"] is True


def test_batches_have_names_of_their_own(desk: Desk) -> None:
    made = []
    for number, path in enumerate(("/v1/projects/{}/batch", "/v1/project/{}/batch")):
        body = {"id": None, "name": f"Drive {number}", "description": "d", "label": "l", "project_id": desk.images}
        made.append(desk.data("POST", path.format(desk.images), body)["batch_id"])
    path = f"/v1/projects/{desk.images}/batch"
    assert uuid.UUID(desk.data("POST", path, {"name": "only a name"})["batch_id"])
    assert desk.code("POST", path, {"name": "Drive 0"}) == "BATCH_CREATION"
    assert desk.code("POST", path, {}) == "GE_0002"
    assert desk.code("POST", path, {"name": " "}) == "GE_0001"
    assert desk.code("POST", path, {"name": 3}) == "GE_0001"
    assert desk.code("POST", path, {"name": "x" * 201}) == "GE_0001"
    desk.file(batch_id=made[0])
    found = {b["name"]: b for b in desk.data("GET", f"/v1/projects/{desk.images}/details")["batches"]}
    assert found["Default batch"]["is_default"] is True
    assert (found["Drive 0"]["status"], found["Drive 1"]["status"]) == ("Active", "Inactive")
    assert (found["Drive 0"]["total_jobs"], found["Drive 0"]["label"]) == (1, "l")
    assert found["Drive 0"]["created_at"].endswith("+00:00")


def test_pages_of_a_hundred(desk: Desk) -> None:
    batch = desk.data("POST", f"/v1/projects/{desk.images}/batch", {"name": "many"})["batch_id"]
    filed = [desk.file(batch_id=batch) for _ in range(203)]
    desk.file()
    pages, token = [], ""
    while True:
        page = desk.data("GET", f"/v1/projects/{desk.images}/batch/{batch}?page_token={token}")
        pages.append([job["id"] for job in page["jobs"]])
        token = page["next_page_token"]
        if not token:
            break
    assert [len(page) for page in pages] == [100, 100, 3]
    assert [job for page in pages for job in page] == filed
    path = f"/v1/projects/{desk.images}/batch/{batch}?page_token=nonsense"
    assert desk.code("GET", path) == "invalid_request_error"


def test_a_reference_is_filed_once(desk: Desk) -> None:
    body = desk.body()
    desk.data("POST", desk.jobs(), body)
    assert desk.code("POST", desk.jobs(), body) == "FS_0001"
    assert desk.code("POST", desk.jobs(), {**body, "reference_id": body["reference_id"], "tag": "Maker"}) == "FS_0001"
    assert desk.data("GET", f"/v0/projects/{desk.images}/stats")["total_jobs"] == 1


def test_racing_requests_share_commits_and_nothing_else(desk: Desk) -> None:
    answers: list[Any] = []
    bodies = [desk.body({"image_url": "ftp://x/y"} if n % 5 == 0 else boxes(BOX)) for n in range(20)]
    bodies += [dict(bodies[1]), dict(bodies[2]), desk.body(tag="nobody"), desk.body(batch_id=str(uuid.uuid4()))]

    def send(body: Any) -> None:
        answers.append((body["reference_id"], desk.call("POST", desk.jobs(), body)))

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(a["error"]["code"] for _, a in answers if not a["success"])
    assert codes == ["FS_0001"] * 2 + ["FS_0003"] + ["FS_0007"] * 4 + ["GE_0001"]
    filed = {ref: a["data"]["job_id"] for ref, a in answers if a["success"]}
    assert len(filed) == 16
    assert desk.data("GET", f"/v0/projects/{desk.images}/stats")["total_jobs"] == 16
    assert all(desk.document(job).objects == 1 for job in filed.values())


def test_large_requests_are_filed_alike(desk: Desk) -> None:
    many = [{**BOX, "_id": str(n)} for n in range(1500)]
    job = desk.file(boxes(*many))
    assert desk.document(job).objects == 1500
    many[700] = {**BOX, "label": "Bus"}
    body = desk.body(boxes(*many))
    envelope = desk.call("POST", desk.jobs(), body)
    assert envelope["error"]["code"] == "FS_0003"
    assert "rectangles.data[700].label: 'Bus' is not a class" in envelope["error"]["message"]


def test_what_the_ontology_refuses_is_named_by_its_place(desk: Desk) -> None:
    wrong = {**BOX, "attributes": {"State": {"value": "Flying"}}}
    message = desk.call("POST", desk.jobs(), desk.body(boxes(BOX, wrong)))["error"]["message"]
    assert message.startswith("data.maker_response.rectangles.data[1].attributes.State: ")
    shape = {**BOX, "label": "nose", "attributes": []}
    assert "data[0]" in desk.call("POST", desk.jobs(), desk.body(boxes(shape)))["error"]["message"]
    assert desk.data("GET", f"/v0/projects/{desk.images}/stats")["total_jobs"] == 0


def test_keys_decide_what_is_seen(desk: Desk) -> None:
    assert desk.code("POST", desk.jobs(), desk.body(), key="") == "auth-failure"
    assert desk.code("POST", desk.jobs(), desk.body(), key="nonsense") == "auth-failure"
    assert desk.code("GET", f"/v0/projects/{desk.images}/stats", key="nonsense") == "auth-failure"
    with desk.database.write() as session:
        users, team = desk.people.users, desk.people.team.id
        _, viewer = identity.create_key(session, users["vera"], team, "look")
        _, stranger = identity.create_key(session, users["charlie"], desk.people.other_team.id, "other")
        _, reading = identity.create_key(session, users["alice"], team, "read", read_only=True)
    job, paths = desk.file(), {}
    batch = desk.data("GET", f"{desk.jobs()}/{job}")["batch_id"]
    for path in ("details", "stats", f"batch/{batch}", f"jobs/{job}"):
        paths[path] = f"/v1/projects/{desk.images}/{path}"
        assert desk.code("GET", paths[path], key=stranger) == "resource_error"
        assert desk.call("GET", paths[path], key=viewer)["success"]
    assert desk.code("POST", desk.jobs(), desk.body(), key=stranger) == "resource_error"
    assert desk.code("POST", desk.jobs(), desk.body(), key=viewer) == "unauthorized"
    assert desk.code("POST", desk.jobs(), desk.body(), key=reading) == "unauthorized"
    assert desk.code("POST", f"/v1/projects/{desk.images}/batch", {"name": "x"}, key=viewer) == "unauthorized"
    build = desk.data("GET", paths[f"jobs/{job}"])["build"]
    assert desk.code("GET", f"/v1/attachments?url={build}", key=stranger) == "resource_error"


WRONG = [
    ("GET", "/v1/projects/{}/jobs/" + str(uuid.uuid4()), "FS_0006"),
    ("GET", "/v1/projects/{}/jobs/job_id", "FS_0006"),
    ("GET", "/v1/projects/{}/batch/batch_id", "GE_0001"),
    ("GET", "/v1/projects/{}/batch/" + str(uuid.uuid4()), "GE_0001"),
    ("GET", "/v1/projects/project_id/details", "resource_error"),
    ("POST", "/v1/projects/project_id/jobs", "resource_error"),
    ("POST", "/v1/projects//jobs", "GE_0001"),
    ("GET", "/v1/projects/{}/jobs", "GE_0001"),
    ("DELETE", "/v1/projects/{}/jobs", "GE_0001"),
    ("GET", "/v1/nothing", "GE_0001"),
    ("GET", "/v1/", "GE_0001"),
    ("PATCH", "/projectsvc/x", "GE_0001"),
    ("GET", "/v1/attachments", "GE_0002"),
    ("GET", "/v1/attachments?url=https://elsewhere.example.org/x", "FS_0007"),
    ("GET", "/v1/attachments?url=https://x/v1/attachments/{}/7/result-1.json", "FS_0006"),
    ("GET", "/v1/attachments/a/b/c", "resource_error"),
]


def test_wrong_addresses_answer_in_the_envelope(desk: Desk) -> None:
    for desk.prefix in ("", "/playment"):
        for method, path, code in WRONG:
            body = desk.body() if method == "POST" else None
            assert desk.code(method, path.format(desk.images), body) == code, path


def test_bodies_that_are_no_object(desk: Desk) -> None:
    for body in (b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b"[" * 5000):
        assert desk.code("POST", desk.jobs(), content=body) == "GE_0001"
        assert desk.code("POST", f"/v1/projects/{desk.images}/batch", content=body) == "GE_0001"


def test_a_body_that_is_too_large(desk: Desk) -> None:
    assert desk.code("POST", desk.jobs(), content=b" " * 65_000_000) == "GE_0001"
