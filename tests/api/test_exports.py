"""Exports over HTTP: asked for, followed, downloaded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from labelwright.models.items import Item
from tests.api.conftest import Floor, Person, wait

BOX = {"type": "rectangle", "box": [0.25, 0.25, 0.75, 0.5]}


def test_an_export_from_request_to_file(working: Floor) -> None:
    owner, stranger = working.team("olga@example.org", "North"), working.team("stefan@example.org", "South")
    project = owner.api.post("/api/v1/projects", json={"name": "P", "classes": [{"name": "car"}]}).json()["uid"]
    filed = owner.api.post(f"/api/v1/projects/{project}/items", json={
        "url": "https://example.org/a.jpg", "objects": [{"id": 1, "class": "car", "shape": BOX}]}).json()  # fmt: skip
    with working.database.write() as session:
        session.execute(update(Item).values(width=200, height=100, media_state="ready"))
    asked = owner.api.post(f"/api/v1/projects/{project}/exports", json={"format": "coco"})
    assert asked.status_code == 202, asked.text
    uid = asked.json()["uid"]
    early = owner.api.get(f"/api/v1/exports/{uid}/file")
    assert early.status_code in (200, 409)
    done = wait(owner, uid)
    assert (done["state"], done["result"]["images"], done["result"]["objects"]) == ("done", 1, 1), done
    assert "key" not in done["result"]
    file = owner.api.get(done["file"])
    assert file.status_code == 200
    assert file.headers["content-disposition"].startswith("attachment")
    assert len(file.content) == done["result"]["size"]
    coco = json.loads(file.content)
    assert coco["annotations"][0]["bbox"] == [50.0, 25.0, 100.0, 25.0]
    assert filed["item"]
    stream = owner.api.get(f"/api/v1/background-tasks/{uid}/stream")
    assert stream.text.startswith("event: progress\ndata: {")
    assert [b["uid"] for b in owner.api.get("/api/v1/background-tasks?kind=export").json()["results"]] == [uid]
    for path in (f"background-tasks/{uid}", f"background-tasks/{uid}/stream", f"exports/{uid}/file"):
        assert stranger.api.get(f"/api/v1/{path}").status_code == 404
    assert stranger.api.get("/api/v1/background-tasks").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "field"), [({"format": "nonsense"}, "format"), ({"stage": "x"}, "stage"), ({"a": 1}, "a")]
)
def test_exports_that_cannot_be(owner: Person, body: dict[str, Any], field: str) -> None:
    project = owner.api.post("/api/v1/projects", json={"name": "P"}).json()["uid"]
    answer = owner.api.post(f"/api/v1/projects/{project}/exports", json=body)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == field
    assert owner.api.get("/api/v1/background-tasks").json()["results"] == []
