"""Uploads, comments, lists and statistics over HTTP."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from labelwright.media import thumbs
from tests.api.conftest import Floor, Person


def png(width: int = 40, height: int = 30, color: str = "red") -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), color).save(body, "PNG")
    return body.getvalue()


@pytest.fixture
def base(owner: Person) -> str:
    body = {"name": "Streets", "classes": [{"name": "car"}]}
    return f"/api/v1/projects/{owner.api.post('/api/v1/projects', json=body).json()['uid']}"


def test_files_become_items(floor: Floor, owner: Person, base: str) -> None:
    files = [("file", ("C:\\pictures\\a.png", png(), "text/html")), ("file", ("b.png", png(50, 20), "image/png"))]
    made = owner.api.post(f"{base}/items/upload?batch=June", files=files)
    assert made.status_code == 201, made.text
    items = owner.api.get(f"{base}/items").json()["results"]
    assert [(i["name"], i["width"], i["height"], i["media_state"]) for i in items] == [
        ("a.png", 40, 30, "ready"),
        ("b.png", 50, 20, "ready"),
    ]
    assert floor.client.get(items[0]["url"]).content == png()
    assert floor.client.get(items[0]["url"]).headers["content-type"] == "image/png"
    assert floor.client.get(items[0]["thumbnail"]).headers["content-type"] == "image/jpeg"
    work = owner.api.post("/api/v1/tasks/next").json()["task"]
    opened = owner.api.get(f"/api/v1/tasks/{work}/work").json()
    assert opened["item"]["media"]["mime"] == "image/png"


def test_uploads_named_by_items(owner: Person, stranger: Person, base: str) -> None:
    sent = owner.api.post(f"{base}/uploads", files=[("file", ("a.png", png())), ("file", ("again.png", png()))])
    assert sent.status_code == 201, sent.text
    first, second = sent.json()["results"]
    assert first["uid"] == second["uid"], "the same content is stored once"
    assert (first["mime"], first["width"], first["frame_count"]) == ("image/png", 40, None)
    filed = owner.api.post(f"{base}/items", json={"upload": first["uid"], "name": "x"})
    assert filed.status_code == 201, filed.text
    assert owner.api.get(f"/api/v1/items/{filed.json()['item']}").json()["media_state"] == "ready"
    other = stranger.api.post("/api/v1/projects", json={"name": "S"}).json()["uid"]
    stolen = stranger.api.post(f"/api/v1/projects/{other}/items", json={"upload": first["uid"], "name": "x"})
    assert (stolen.status_code, stolen.json()["problems"][0]["field"]) == (422, "upload")


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ([("file", ("a.png", b"<html><script>alert(1)</script>", "image/png"))], "file[0]"),
        ([("file", ("a.png", b""))], "file[0]"),
        ([("file", ("good.png", png())), ("file", ("cut.png", png()[:60]))], "file[1]"),
        ([("other", ("a.png", png()))], "other"),
    ],
)
def test_files_that_are_nothing_we_can_use(owner: Person, base: str, files: Any, field: str) -> None:
    answer = owner.api.post(f"{base}/items/upload", files=files)
    assert answer.status_code == 422, answer.text
    assert answer.json()["problems"][0]["field"] == field
    assert owner.api.get(f"{base}/items").json()["results"] == []
    assert owner.api.post(f"{base}/items/upload", json={}).status_code == 422


def test_a_smaller_copy_of_a_large_frame_is_made_when_it_is_asked_for(
    floor: Floor, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = owner.api.post("/api/v1/projects", json={"name": "V", "kind": "video"}).json()["uid"]
    sizes = ((1200, 2000), (40, 30), (1500, 1400))
    files = [("file", (f"{n}.png", png(*size))) for n, size in enumerate(sizes)]
    sent = owner.api.post(f"/api/v1/projects/{uid}/uploads", files=files).json()["results"]
    frames = [{"upload": one["uid"], "frame_id": f"f{n}"} for n, one in enumerate(sent)]
    task = owner.api.post(f"/api/v1/projects/{uid}/items", json={"name": "clip", "frames": frames}).json()["task"]
    links = [frame["small"] for frame in owner.api.get(f"/api/v1/tasks/{task}/work").json()["item"]["frames"]]
    assert links[1] is None, "a small picture needs no copy"
    made = []
    monkeypatch.setattr(thumbs, "small", lambda path, make=thumbs.small: made.append(path) or make(path))
    with ThreadPoolExecutor(4) as pool:  # a link is its own permission, as those of all files
        answers = list(pool.map(floor.client.get, [links[0]] * 4))
    assert [(a.status_code, a.headers["content-type"]) for a in answers] == [(200, "image/jpeg")] * 4
    assert Image.open(io.BytesIO(answers[0].content)).size == (768, 1280)
    assert len(made) == 1, "those who want the same wait for each other"
    assert Image.open(io.BytesIO(floor.client.get(links[2]).content)).size == (1280, 1195)
    assert floor.client.get(links[0].replace("small/", "media/")).status_code == 403
    assert floor.client.get(links[0].split("?")[0]).status_code == 403


def test_fetching_again(floor: Floor, owner: Person, base: str) -> None:
    item = owner.api.post(f"{base}/items", json={"url": "https://example.org/a.jpg"}).json()["item"]
    nothing = owner.api.post(f"/api/v1/items/{item}/retry-media")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "conflict")


def test_comments(floor: Floor, owner: Person, base: str) -> None:
    item = owner.api.post(f"{base}/items", json={"url": "https://example.org/a.jpg"}).json()["item"]
    bob = floor.member(owner, "bob@example.org", "annotator")
    address = f"/api/v1/items/{item}/comments"
    first = bob.api.post(address, json={"body": "What is this?", "x": 0.5, "y": 0.25, "object_id": 3})
    assert first.status_code == 201, first.text
    uid = first.json()["uid"]
    answer = owner.api.post(address, json={"body": "A bollard.", "parent": uid}).json()
    assert answer["parent"] == uid
    assert [c["body"] for c in bob.api.get(address).json()["results"]] == ["What is this?", "A bollard."]
    assert owner.api.patch(f"/api/v1/comments/{uid}", json={"resolved": True}).json()["resolved"] is True
    assert bob.api.get(f"{address}?resolved=false").json()["results"] == []
    assert owner.api.patch(f"/api/v1/comments/{uid}", json={"body": "Mine"}).status_code == 403
    assert bob.api.delete(f"/api/v1/comments/{uid}").status_code == 403
    assert owner.api.delete(f"/api/v1/comments/{uid}").status_code == 204
    for wrong in ({"body": ""}, {"body": "x", "x": 0.5}, {"body": "x", "x": 2, "y": 0}, {"body": "x", "frame": 7}):
        assert bob.api.post(address, json=wrong).status_code == 422, wrong


def test_lists_and_numbers(owner: Person, base: str) -> None:
    for n in range(5):
        box = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}
        objects = [{"id": 1, "class": "car", "shape": box}] if n % 2 else []
        body = {"url": f"https://example.org/{n}.jpg", "reference_id": f"n-{n}", "objects": objects}
        owner.api.post(f"{base}/items", json=body)

    def names(query: str) -> list[str]:
        answer = owner.api.get(f"{base}/tasks?{query}")
        assert answer.status_code == 200, answer.text
        return [row["item"]["reference_id"] for row in answer.json()["results"]]

    assert names("") == ["n-0", "n-1", "n-2", "n-3", "n-4"]
    assert names("order=newest&limit=2") == ["n-4", "n-3"]
    assert names("class=car") == ["n-1", "n-3"]
    assert names("labels=none&state=waiting") == ["n-0", "n-2", "n-4"]
    assert names("reference=n-3") == ["n-3"]
    assert names("holder=me") == []
    assert names("since=2020-01-01T00:00:00Z&limit=1") == ["n-0"]
    for wrong in ("stage=x", "since=2020-01-01", "holder=nobody", "state=", "colour=1"):
        assert owner.api.get(f"{base}/tasks?{wrong}").status_code == 422, wrong
    stats = owner.api.get(f"{base}/stats?days=7").json()
    assert (stats["items"], stats["tasks"]["label"]["waiting"], len(stats["days"])) == (5, 5, 7)
    assert stats["classes"] == [{"name": "car", "objects": 2, "items": 2}]
