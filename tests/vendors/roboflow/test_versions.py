"""Dataset versions through the real package: generate, download in every format, the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labelwright.formats import FORMATS
from labelwright.vendors.roboflow.versions import FORMATS as NAMES
from tests.vendors.roboflow.conftest import Bench

SETTINGS = {
    "preprocessing": {
        "auto-orient": True,
        "resize": {"width": 64, "height": 48, "format": "Stretch to"},
        "grayscale": True,
    },
    "augmentation": {"flip": {"horizontal": True}, "rotate": {"degrees": 10}, "image": {"versions": 3}},
}


@pytest.fixture(scope="module")
def made(bench: Bench) -> dict[str, Any]:
    """A project with a dataset of 4 images and two versions: as it is, and with settings."""
    return bench.script("""
p = ws.create_project("Dataset", "object-detection", "MIT", "things")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
empty = refused(p.generate_version, {"preprocessing": {}, "augmentation": {}})
for n, (name, split) in enumerate(zip(json.loads(sys.argv[1]), ["train", "train", "valid", "test"])):
    image = p.single_upload(image_path=name, split=split)["image"]["id"]
    rfapi.save_annotation(key, slug, "a.txt", f"{n % 2} 0.5 0.5 0.25 0.5", image, annotation_labelmap={"0": "cat", "1": "dog"})
plain = p.generate_version({"preprocessing": {}, "augmentation": {}})
varied = p.generate_version(json.loads(sys.argv[2]))
unknown = refused(p.generate_version, {"preprocessing": {"isolate": True}, "augmentation": {}})
v = [p.version(plain), p.version(varied)]
print(json.dumps({"slug": slug, "plain": plain, "varied": varied, "empty": empty, "unknown": unknown,
                  "images": [x.images for x in v], "splits": [x.splits for x in v], "list": [x.version for x in p.versions()]}))
""", json.dumps(bench.pictures(4, "data")), json.dumps(SETTINGS))  # fmt: skip


def test_generate(made: dict[str, Any]) -> None:
    assert "dataset is empty" in made["empty"]
    assert "isolate" in made["unknown"]
    assert (made["plain"], made["varied"]) == (1, 2)
    assert made["images"] == [4, 8]
    assert made["splits"] == [{"train": 2, "valid": 1, "test": 1}, {"train": 6, "valid": 1, "test": 1}]
    assert [str(v) for v in made["list"]] == ["2", "1"]


def fetch(bench: Bench, made: dict[str, Any], number: int, name: str) -> bytes:
    done = bench.script("""
v = ws.project(sys.argv[1]).version(int(sys.argv[2]))
import requests, time
while True:
    answer = requests.get(f"{os.environ['API_URL']}/{ws.url}/{sys.argv[1]}/{sys.argv[2]}/{sys.argv[3]}",
                          params={"api_key": os.environ["ROBOFLOW_API_KEY"]})
    if answer.status_code != 202:
        break
    time.sleep(0.5)
assert answer.status_code == 200, answer.text
got = requests.get(answer.json()["export"]["link"])
assert int(got.headers["Content-Length"]) == len(got.content)
Path("export.zip").write_bytes(got.content)
print(json.dumps(True))
""", made["slug"], str(number), name)  # fmt: skip
    assert done
    return (bench.folder / "export.zip").read_bytes()


def test_download_with_the_package(bench: Bench, made: dict[str, Any]) -> None:
    found = bench.script("""
p = ws.project(sys.argv[1])
d = p.version(1).download("yolov8", location="here")
import yaml
body = yaml.safe_load(Path("here/data.yaml").read_text())
files = sorted(str(f.relative_to("here")) for f in Path("here").rglob("*") if f.is_file())
p.version(1).download("coco", location="there")
print(json.dumps({"names": body["names"], "about": body["roboflow"], "files": files, "exports": rf.workspace().project(sys.argv[1]).version(1).exports
                  if hasattr(p.version(1), "exports") else [], "coco": json.loads(Path("there/train/_annotations.coco.json").read_text())}))
""", made["slug"])  # fmt: skip
    assert found["names"] == ["cat", "dog"]
    assert {k: found["about"][k] for k in ("workspace", "project", "version", "license")} == {
        "workspace": bench.workspace, "project": made["slug"], "version": 1, "license": "MIT",
    }  # fmt: skip
    assert found["about"]["url"].startswith("http")
    assert sum(f.endswith(".png") for f in found["files"]) == 4
    assert sum(f.endswith(".txt") and "labels" in f for f in found["files"]) == 4
    assert "README.dataset.txt" in found["files"]
    assert found["coco"]["categories"][0]["supercategory"] == "none"
    assert len(found["coco"]["annotations"]) == 2


def test_settings_change_pictures_and_labels_alike(bench: Bench, made: dict[str, Any]) -> None:
    body = fetch(bench, made, 2, "voc")
    archive = zipfile.ZipFile(io.BytesIO(body))
    pictures = [n for n in archive.namelist() if n.endswith(".jpg")]
    assert len(pictures) == 8
    image = Image.open(io.BytesIO(archive.read(pictures[0])))
    assert image.size == (64, 48)
    red, green, _ = image.convert("RGB").split()
    assert hashlib.sha256(red.tobytes()).digest() == hashlib.sha256(green.tobytes()).digest()
    valid = next(n for n in archive.namelist() if n.startswith("valid/") and n.endswith(".xml"))
    text = archive.read(valid).decode()
    # 0.5 0.5 0.25 0.5 of 64 x 48, not varied.
    for part in ("<xmin>24</xmin>", "<xmax>40</xmax>", "<ymin>12</ymin>", "<ymax>36</ymax>"):
        assert part in text
    again = bench.folder / "again"
    again.write_bytes(body)
    assert fetch(bench, made, 2, "voc") == body


def test_frozen_whatever_happens_to_the_images(bench: Bench, made: dict[str, Any]) -> None:
    before = fetch(bench, made, 1, "darknet")
    _, body = bench.get(f"/{bench.workspace}/{made['slug']}/annotation-batches?showEmpty=true")
    assert body["batches"]
    bench.script("""
p = ws.project(sys.argv[1])
ids = [r["id"] for r in json.loads(sys.argv[2])]
p.delete_images(ids)
print(json.dumps(True))
""", made["slug"], json.dumps(dataset(bench, made)))  # fmt: skip
    after = fetch(bench, made, 1, "createml")
    assert len([n for n in zipfile.ZipFile(io.BytesIO(after)).namelist() if n.endswith(".png")]) == 4
    assert before


def dataset(bench: Bench, made: dict[str, Any]) -> list[dict[str, Any]]:
    """The project's items, by our own API."""
    _, answer = bench.server.request("GET", "/api/v1/projects")
    project = next(p for p in answer["results"] if p["slug"] == made["slug"])
    _, answer = bench.server.request("GET", f"/api/v1/projects/{project['uid']}/items")
    return [{"id": i["uid"]} for i in answer["results"]]


def test_trash(bench: Bench, made: dict[str, Any]) -> None:
    found = bench.script("""
p = ws.project(sys.argv[1])
p.version(2).delete()
listed = [v["id"] for v in ws.trash()["sections"]["versions"]]
left = [str(v.version) for v in rf.workspace().project(sys.argv[1]).versions()]
ws.restore_from_trash("version", "2", sys.argv[1])
print(json.dumps({"listed": listed, "left": left, "back": p.version(2).version}))
""", made["slug"])  # fmt: skip
    assert found["listed"] == ["2"]
    assert found["left"] == ["1"]
    for name in ("video-coco", "word"):  # no layout is known
        status, body = bench.get(f"/{bench.workspace}/{made['slug']}/1/{name}")
        assert status == 400
        assert "yolov8" in body["error"]["message"]


def test_every_name_is_a_format_of_ours_and_documented() -> None:
    assert {FORMATS[key].suffix for key in NAMES.values()} == {".zip"}
    page = (Path(__file__).parents[3] / "docs" / "vendors" / "roboflow.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []
