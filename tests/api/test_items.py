"""Items, documents and jobs over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.api.conftest import Floor, Person

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}


@pytest.fixture
def base(owner: Person) -> str:
    """Address of a project with the classes car and road."""
    body = {"name": "Streets", "classes": [{"name": "car"}, {"name": "road", "shapes": ["polygon"]}]}
    return f"/api/v1/projects/{owner.api.post('/api/v1/projects', json=body).json()['uid']}"


def file_one(owner: Person, base: str, **more: Any) -> dict[str, Any]:
    body = {"url": "https://example.org/a/street.jpg?x=1", **more}
    answer = owner.api.post(f"{base}/items", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def car(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "class": "car", "shape": BOX, **more}


def test_an_item_with_labels(owner: Person, base: str) -> None:
    filed = file_one(owner, base, reference_id="r-1", objects=[car(1)], batch="June", meta={"a": [1, None]}, tags=["x"])
    item = owner.api.get(f"/api/v1/items/{filed['item']}").json()
    assert (item["name"], item["reference_id"], item["media_state"]) == ("r-1", "r-1", "pending")
    assert (item["objects"], item["version"], item["meta"], item["tags"]) == (1, 1, {"a": [1, None]}, ["x"])
    assert item["tasks"] == [filed["task"]]
    document = owner.api.get(f"/api/v1/items/{filed['item']}/document")
    assert document.headers["etag"] == '"v1"'
    assert document.json()["objects"][0]["shape"] == BOX
    tag = {"if-none-match": '"v1"'}
    assert owner.api.get(f"/api/v1/items/{filed['item']}/document", headers=tag).status_code == 304
    batches = owner.api.get(f"{base}/batches?name=June").json()["results"]
    assert batches[0]["uid"] == item["batch"]
    again = owner.api.post(f"{base}/items", json={"url": "https://example.org/b.jpg", "reference_id": "r-1"})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate")


def test_a_sequence_with_references(owner: Person) -> None:
    video = owner.api.post("/api/v1/projects", json={"name": "V", "kind": "video", "classes": [{"name": "car"}]}).json()
    frames = [{"url": f"https://example.org/{n}.jpg", "frame_id": f"f{n}"} for n in range(3)]
    track = {"id": 1, "class": "car", "keyframes": [{"frame": 0, "shape": BOX}, {"frame": 2, "shape": BOX}]}
    references = [
        {"url": "https://example.org/map.png", "label": "map"},
        {"url": "https://example.org/1.png", "frame": 1},
    ]
    body = {"name": "clip", "frames": frames, "references": references, "objects": [track]}
    filed = owner.api.post(f"/api/v1/projects/{video['uid']}/items", json=body)
    assert filed.status_code == 201, filed.text
    item = owner.api.get(f"/api/v1/items/{filed.json()['item']}").json()
    assert item["frame_count"] == 3
    assert [f["frame_id"] for f in item["frames"]] == ["f0", "f1", "f2"]
    assert [(r["label"], r["frame"]) for r in item["references"]] == [("map", None), (None, 1)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://example.org/a.jpg"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://example.org/a.jpg", "colour": 1}, ""),
        ({"url": "https://example.org/a.jpg", "priority": True}, "priority"),
        ({"url": "https://example.org/a.jpg", "priority": 0}, "priority"),
        ({"upload": str(uuid.uuid4())}, "upload"),
        ({"url": "https://example.org/a.jpg", "objects": [{"id": 1, "class": "cat", "shape": BOX}]}, "objects[0].class"),
        ({"url": "https://example.org/a.jpg", "objects": [car(1, shape={"type": "blob"})]}, "objects[0].shape"),
        ({"url": "https://example.org/a.jpg", "objects": [car(1, shape={"type": "rectangle", "box": [0, 0, 1]})]}, "objects[0].shape.box"),
        ({"url": "https://example.org/a.jpg", "objects": [{"id": 1, "class": "road", "shape": BOX}]}, "objects[0].shape"),
        ({"url": "https://example.org/a.jpg", "objects": [], "document": {"objects": []}}, "objects"),
    ],
)  # fmt: skip
def test_bad_items_name_the_field(owner: Person, base: str, body: dict[str, Any], field: str) -> None:
    answer = owner.api.post(f"{base}/items", json=body)
    assert answer.status_code == 422, answer.text
    assert any(p["field"].startswith(field) for p in answer.json()["problems"]), answer.json()
    assert owner.api.get(f"{base}/items").json()["results"] == []


def test_filters_and_changes(owner: Person, base: str) -> None:
    with_car = file_one(owner, base, reference_id="a", objects=[car(1)])["item"]
    plain = file_one(owner, base, reference_id="b")["item"]

    def listed(query: str) -> list[str]:
        answer = owner.api.get(f"{base}/items?{query}")
        assert answer.status_code == 200, answer.text
        return [row["uid"] for row in answer.json()["results"]]

    assert listed("") == [with_car, plain]
    assert listed("class=car") == [with_car]
    assert listed("reference=b") == [plain]
    assert listed("media=ready") == []
    assert owner.api.get(f"{base}/items?class_name=car").status_code == 422
    june = owner.api.post(f"{base}/batches", json={"name": "June"}).json()["uid"]
    body = {"batch": june, "tags": ["night"], "accepted": True, "split": "valid", "name": "new"}
    changed = owner.api.patch(f"/api/v1/items/{plain}", json=body)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["batch"], changed.json()["tags"], changed.json()["split"]) == (june, ["night"], "valid")
    assert listed(f"batch={june}") == [plain]
    assert owner.api.patch(f"/api/v1/items/{plain}", json={"accepted": False, "tags": []}).json()["accepted_at"] is None
    assert owner.api.delete(f"/api/v1/items/{plain}").status_code == 204
    assert listed("") == [with_car]


def test_saves_merge_or_clash(owner: Person, base: str) -> None:
    item = f"/api/v1/items/{file_one(owner, base, objects=[car(1), car(2)])['item']}"

    def save(base_version: int, put: list[Any], delete: list[int] | None = None, save_id: str = "") -> Any:
        body = {"base": base_version, "save_id": save_id or str(uuid.uuid4()), "put": put, "delete": delete or []}
        return owner.api.patch(f"{item}/document", json=body)

    first = save(1, [car(1, score=0.5), car(3)])
    assert first.json() == {"version": 2, "renamed": {}, "merged": [], "deleted": []}
    merged = save(1, [car(3, score=0.7)], [2])
    assert merged.json()["version"] == 3
    assert merged.json()["renamed"] == {"3": 4}
    assert [o["id"] for o in merged.json()["merged"]] == [1, 3]
    clash = save(1, [car(1, score=0.9)])
    assert (clash.status_code, clash.json()["code"], clash.json()["version"]) == (409, "stale", 3)
    (side,) = clash.json()["clashes"]
    assert (side["object_id"], side["yours"]["score"], side["theirs"]["score"]) == (1, 0.9, 0.5)
    same = str(uuid.uuid4())
    once, twice = save(3, [car(9)], save_id=same), save(3, [car(9)], save_id=same)
    assert once.json() == twice.json()
    history = owner.api.get(f"{item}/history").json()["results"]
    assert [h["version"] for h in history] == [4, 3, 2, 1]
    assert history[0]["user"]["email"] == "olga@example.org"
    assert history[0]["changes"] == [{"object_id": 9, "class": "car", "action": "added", "fields": []}]
    paged = owner.api.get(f"{item}/history?limit=2").json()
    assert [h["version"] for h in owner.api.get(f"{item}/history?after={paged['next']}").json()["results"]] == [2, 1]
    diff = owner.api.get(f"{item}/diff?before=1&after=4").json()
    assert [d["object_id"] for d in diff["removed"]] == [2]
    restored = owner.api.post(f"{item}/restore", json={"version": 1}).json()
    assert restored["version"] == 5
    objects = owner.api.get(f"{item}/document").json()["objects"]
    assert objects == owner.api.get(f"{item}/document?version=1").json()["objects"]
    assert owner.api.get(f"{item}/document?version=99").status_code == 404


def test_replacing_needs_the_version_one_has_read(owner: Person, base: str) -> None:
    item = f"/api/v1/items/{file_one(owner, base, objects=[car(1)])['item']}"
    whole = {"objects": [car(7)]}
    assert owner.api.put(f"{item}/document", json=whole).status_code == 428
    stale = owner.api.put(f"{item}/document", json=whole, headers={"if-match": '"v0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    done = owner.api.put(f"{item}/document", json=whole, headers={"if-match": '"v1"'})
    assert done.json()["version"] == 2
    assert [o["id"] for o in owner.api.get(f"{item}/document").json()["objects"]] == [7]
    assert owner.api.put(f"{item}/document", json={"objects": []}, headers={"if-match": "*"}).json()["version"] == 3


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"base": 1}', b'{"base": "1", "save_id": "x"}', b'{"base": NaN}'])
def test_saves_of_the_wrong_form(owner: Person, base: str, body: bytes) -> None:
    item = f"/api/v1/items/{file_one(owner, base)['item']}"
    answer = owner.api.patch(f"{item}/document", content=body)
    assert answer.status_code == 422
    assert answer.json()["problems"]


def test_faults_name_object_and_field(owner: Person, base: str) -> None:
    item = f"/api/v1/items/{file_one(owner, base)['item']}"
    outside = car(5, shape={"type": "rectangle", "box": [0.5, 0.5, 7, 1]})
    body = {"base": 0, "save_id": str(uuid.uuid4()), "put": [outside, {"id": 6, "class": "cat", "shape": BOX}]}
    answer = owner.api.patch(f"{item}/document", json=body)
    assert answer.status_code == 422
    assert {p["object_id"] for p in answer.json()["problems"]} >= {6}
    assert owner.api.get(f"{item}/document").json()["version"] == 0


def test_only_holders_and_managers_save(floor: Floor, owner: Person, base: str) -> None:
    item = f"/api/v1/items/{file_one(owner, base)['item']}"
    bob = floor.member(owner, "bob@example.org", "annotator")
    body = {"base": 0, "save_id": str(uuid.uuid4()), "put": [car(1)]}
    assert bob.api.patch(f"{item}/document", json=body).status_code == 403
    lost = bob.api.patch(f"{item}/document", json={**body, "lease": "made up"})
    assert (lost.status_code, lost.json()["code"]) == (409, "lease_lost")


def test_jobs(floor: Floor, owner: Person, base: str) -> None:
    first, second = file_one(owner, base)["item"], file_one(owner, base)["item"]
    bob = floor.member(owner, "bob@example.org", "annotator")
    body = {"name": "J", "items": [first], "labelers": [bob.uid], "allowed_classes": ["car"], "limits": {"objects": 5}}
    made = owner.api.post(f"{base}/jobs", json=body)
    assert made.status_code == 201, made.text
    job = made.json()
    assert (job["counts"]["total"], job["counts"]["waiting"]) == (1, 1)
    assert [p["email"] for p in job["labelers"]] == ["bob@example.org"]
    assert job["limits"] == {"objects": 5}
    address = f"/api/v1/jobs/{job['uid']}"
    assert owner.api.post(f"{address}/items", json={"items": [first, second]}).json() == {"added": 1}
    paused = owner.api.patch(address, json={"status": "paused", "labelers": [], "name": "K"}).json()
    assert (paused["status"], paused["labelers"], paused["name"]) == ("paused", [], "K")
    # Filing made a job of its own; this one is the newest.
    assert [j["name"] for j in owner.api.get("/api/v1/jobs?limit=1").json()["results"]] == ["K"]
    assert owner.api.get("/api/v1/jobs?status=paused").json()["results"][0]["uid"] == job["uid"]
    wrong = owner.api.post(f"{base}/jobs", json={"name": "x", "items": [str(uuid.uuid4())]})
    assert (wrong.status_code, wrong.json()["problems"][0]["field"]) == (422, "items")
    assert bob.api.patch(address, json={"name": "Mine"}).status_code == 403
    assert owner.api.delete(address).status_code == 204
