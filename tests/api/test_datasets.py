"""Datasets over HTTP: sent as a zip, taken in in the background, told what was read and what had no place."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

from labelwright.formats import FORMATS
from tests.api.conftest import Floor, wait


def labelme(**more: str) -> bytes:
    picture, body = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (40, 20)).save(picture, "PNG")
    shapes = '{"label": "car", "shape_type": "rectangle", "points": [[4, 2], [20, 10]]}, {"label": "sun", "shape_type": "circle", "points": [[1, 1], [2, 2]]}'
    with zipfile.ZipFile(body, "w") as out:
        out.writestr("valid/a.png", picture.getvalue())
        out.writestr(
            "valid/a.json", f'{{"imagePath": "a.png", "imageWidth": 40, "imageHeight": 20, "shapes": [{shapes}]}}'
        )
        for name, text in more.items():
            out.writestr(name, text)
    return body.getvalue()


def test_a_dataset_from_zip_to_items(working: Floor) -> None:
    owner, stranger = working.team("olga@example.org", "North"), working.team("stefan@example.org", "South")
    base = f"/api/v1/projects/{owner.api.post('/api/v1/projects', json={'name': 'P', 'classes': []}).json()['uid']}"
    assert stranger.api.post(f"{base}/datasets", content=labelme()).status_code == 404
    refused = wait(owner, owner.api.post(f"{base}/datasets", content=labelme()).json()["uid"])
    assert (refused["state"], "lacks" in refused["error"]) == ("failed", True)
    asked = owner.api.post(f"{base}/datasets?create_classes=true&accept=true&batch=Monday", content=labelme())
    assert asked.status_code == 202, asked.text
    assert asked.json()["arguments"] == {
        "options": {"format": "labelme", "batch": "Monday", "create_classes": True, "accept": True}
    }
    done = wait(owner, asked.json()["uid"])
    assert done["state"] == "done", done
    result = done["result"]
    assert {k: result[k] for k in ("images", "objects", "filed", "missing")} == {
        "images": 1,
        "objects": 1,
        "filed": 1,
        "missing": 0,
    }
    assert result["left_out_by_file"] == {"valid/a.json": {"shape_type circle": 1}}
    (item,) = owner.api.get(f"{base}/items").json()["results"]
    assert (item["name"], item["media_state"], item["width"]) == ("a.png", "ready", 40)
    document = owner.api.get(f"/api/v1/items/{item['uid']}/document").json()
    assert document["objects"][0]["shape"]["box"] == [0.1, 0.1, 0.5, 0.5]
    listed = owner.api.get("/api/v1/background-tasks?kind=dataset-import").json()["results"]
    assert [row["state"] for row in listed] == ["done", "failed"]

    export = owner.api.post(f"{base}/exports", json={"format": "labelme", "pictures": True}).json()
    file = owner.api.get(wait(owner, export["uid"])["file"])
    (sample,) = FORMATS["labelme"].read(io.BytesIO(file.content)).samples
    assert (sample.name, sample.split, sample.picture is not None) == ("Monday/a.png", "valid", True)


def test_of_a_bad_file_nothing_is_taken_in(working: Floor) -> None:
    owner = working.team("olga@example.org", "North")
    base = f"/api/v1/projects/{owner.api.post('/api/v1/projects', json={'name': 'P', 'classes': []}).json()['uid']}"
    for content, query in ((b"", ""), (b"hello", ""), (labelme(), "?format=word"), (labelme(), "?accept=perhaps")):
        assert owner.api.post(f"{base}/datasets{query}", content=content).status_code == 422
    bad = labelme(**{"valid/b.json": '{"shapes": [5]}'})
    done = wait(owner, owner.api.post(f"{base}/datasets?create_classes=true", content=bad).json()["uid"])
    assert done["state"] == "failed"
    assert "valid/b.json" in done["error"]
    assert owner.api.get(f"{base}/items").json()["results"] == []


def test_the_formats_there_are(working: Floor) -> None:
    owner = working.team("olga@example.org", "North")
    listed = owner.api.get("/api/v1/formats").json()["results"]
    assert [row["key"] for row in listed] == list(FORMATS)
    assert all(row["loses"] for row in listed)
