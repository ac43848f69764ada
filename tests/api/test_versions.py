"""The dataset over HTTP: divided, frozen under a number, written in formats, put into the trash and taken out."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import select

from labelwright.models.identity import User
from labelwright.models.projects import Project
from labelwright.services import identity, versions
from tests.api.conftest import Floor, Person, wait
from tests.support import archives

SETTINGS: dict[str, Any] = {
    "preprocessing": {"resize": {"width": 32, "height": 32, "format": "Stretch to"}, "remap": {"car": "vehicle"}},
    "augmentation": {"flip": {"horizontal": True}, "image": {"versions": 2}},
}


def a_dataset(floor: Floor, owner: Person, count: int = 8) -> str:
    """A project with a dataset; its address."""
    base = f"/api/v1/projects/{owner.api.post('/api/v1/projects', json={'name': 'Road', 'classes': []}).json()['uid']}"
    body = archives.labelme(count, ["car", "tree"])
    asked = owner.api.post(f"{base}/datasets?create_classes=true&accept=true", content=body).json()
    assert wait(owner, asked["uid"])["state"] == "done"
    return base


def test_from_a_dataset_to_a_file_of_a_version(working: Floor) -> None:
    owner, stranger = working.team("olga@example.org", "North"), working.team("stefan@example.org", "South")
    viewer = working.member(owner, "vera@example.org", "viewer")
    base = a_dataset(working, owner)
    found = viewer.api.get(f"{base}/dataset").json()
    assert {split: share["images"] for split, share in found["splits"].items()} == {"train": 4, "valid": 2, "test": 2}
    assert found["classes"][0] == {
        "name": "car",
        "splits": {"train": {"objects": 4, "images": 4}, "valid": {"objects": 2, "images": 2}, "test": {"objects": 2, "images": 2}},
    }  # fmt: skip
    assert found["outside"] == {"finished": 0, "labeled": 0, "all": 0}
    divided = owner.api.post(f"{base}/dataset/split", json={"train": 50, "valid": 50, "test": 0})
    assert divided.json()["splits"] == {"train": 4, "valid": 4, "test": 0}
    assert len(owner.api.get(f"{base}/items?dataset=valid").json()["results"]) == 4

    made = owner.api.post(f"{base}/versions", json={"name": "First", **SETTINGS})
    assert made.status_code == 201, made.text
    version = made.json()
    assert (version["number"], version["images"], version["splits"]) == (1, 12, {"train": 8, "valid": 4, "test": 0})
    assert (version["classes"], version["augmentation"]) == (["vehicle", "tree"], SETTINGS["augmentation"])
    asked = viewer.api.post(f"{base}/versions/1/exports", json={"format": "yolo"})
    assert asked.status_code == 202, asked.text
    done = wait(viewer, asked.json()["uid"])
    assert (done["state"], done["result"]["images"], done["kind"]) == ("done", 12, "version-export")
    file = viewer.api.get(done["file"])
    assert "road-v1-yolo" in file.headers["content-disposition"]
    names = zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    assert sum(name.endswith(".jpg") for name in names) == 12
    assert owner.api.post(f"{base}/versions/1/exports", json={"format": "yolo"}).json()["uid"] == done["uid"]
    coco = wait(owner, owner.api.post(f"{base}/versions/1/exports", json={"format": "coco"}).json()["uid"])
    body = json.loads(viewer.api.get(coco["file"]).content)
    assert (len(body["images"]), {c["name"] for c in body["categories"]}) == (12, {"vehicle", "tree"})
    told = viewer.api.get(f"{base}/versions").json()["results"]
    assert [(v["number"], [e["arguments"]["name"] for e in v["exports"]]) for v in told] == [
        (1, ["labelwright:yolo", "labelwright:coco"])
    ]

    for path in ("dataset", "versions", "versions/1"):
        assert stranger.api.get(f"{base}/{path}").status_code == 404
    assert stranger.api.post(f"{base}/versions/1/exports", json={"format": "yolo"}).status_code == 404
    assert stranger.api.get(done["file"]).status_code == 404
    refused = [
        viewer.api.post(f"{base}/versions", json={}),
        viewer.api.delete(f"{base}/versions/1"),
        viewer.api.post(f"{base}/versions/1/restore"),
        viewer.api.post(f"{base}/dataset/split", json={"train": 100, "valid": 0, "test": 0}),
        viewer.api.post(f"{base}/dataset/items", json={"which": "all"}),
    ]
    assert {answer.status_code for answer in refused} == {403}

    assert owner.api.delete(f"{base}/versions/1").status_code == 204
    assert owner.api.get(f"{base}/versions/1").status_code == 404
    assert owner.api.get(done["file"]).status_code == 404
    assert [v["number"] for v in owner.api.get(f"{base}/versions?deleted=true").json()["results"]] == [1]
    assert owner.api.post(f"{base}/versions/1/restore").json()["deleted_at"] is None
    assert owner.api.get(done["file"]).status_code == 200
    assert owner.api.post(f"{base}/versions", json={}).json()["name"] == "Version 2"


def test_of_what_cannot_be_made_nothing_is_there(floor: Floor, owner: Person) -> None:
    base = f"/api/v1/projects/{owner.api.post('/api/v1/projects', json={'name': 'P'}).json()['uid']}"
    assert owner.api.post(f"{base}/versions", json={}).status_code == 409
    for body, field in (
        ({"preprocessing": {"resize": {"width": 0, "height": 5}}}, "resize.width"),
        ({"augmentation": {"isolate": {}}}, "isolate"),
        ({"preprocessing": {"remap": {"unicorn": "horse"}}}, "remap"),
        ({"size": 5}, "size"),
    ):
        answer = owner.api.post(f"{base}/versions", json=body)
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field), answer.text
    assert owner.api.post(f"{base}/dataset/split", json={"train": 50, "valid": 20, "test": 20}).status_code == 422
    assert owner.api.post(f"{base}/dataset/split", json={"train": True, "valid": 0, "test": 0}).status_code == 422
    for number in ("0", "7", str(2**31), "x"):
        assert owner.api.get(f"{base}/versions/{number}").status_code in (404, 422)
        assert owner.api.post(f"{base}/versions/{number}/exports", json={}).status_code in (404, 422)
    assert owner.api.get(f"{base}/versions").json()["results"] == []
    assert owner.api.get(f"{base}/dataset").json()["versions"] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_our_names_and_roboflows_live_side_by_side(working: Floor) -> None:
    """`coco` is a folder by split to Roboflow's clients, and one file to ours."""
    owner = working.team("olga@example.org", "North")
    base = a_dataset(working, owner, 4)
    owner.api.post(f"{base}/versions", json={})
    ours = owner.api.post(f"{base}/versions/1/exports", json={"format": "coco"}).json()["uid"]
    with working.database.write() as session:
        actor = identity.actor_of(session, session.scalars(select(User)).first())  # type: ignore[arg-type]
        project = session.scalars(select(Project)).one()
        version = versions.numbered(session, project, 1)
        theirs = str(versions.export(session, actor, project, version, "coco", "coco-folders").uid)
    assert ours != theirs
    files = [owner.api.get(wait(owner, uid)["file"]).content for uid in (ours, theirs)]
    assert json.loads(files[0])["images"]
    assert zipfile.ZipFile(io.BytesIO(files[1])).testzip() is None
    answer = owner.api.get("/roboflow/north-workspace/road/1", params={"api_key": owner.key})
    assert answer.json()["version"]["exports"] == ["coco"], answer.text
