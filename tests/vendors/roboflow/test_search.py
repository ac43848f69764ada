"""Search of a project and of a workspace, and exports of what was found, through the real package and command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vendors.roboflow.conftest import Bench


@pytest.fixture(scope="module")
def made(bench: Bench) -> dict[str, Any]:
    """Two projects: five pictures of cats, dogs and nothing; one picture of a fire truck."""
    return bench.script("""
key = os.environ["ROBOFLOW_API_KEY"]
p = ws.create_project("Found", "object-detection", "", "pets")
q = ws.create_project("Other", "object-detection", "", "trucks")
slug = p.id.split("/")[1]
def put(project, name, label, **options):
    image = project.single_upload(image_path=name, **options)["image"]["id"]
    if label:
        rfapi.save_annotation(key, project.id.split("/")[1], "a.txt", "0 0.5 0.5 0.2 0.2", image, annotation_labelmap={"0": label})
    return image
names = json.loads(sys.argv[1])
ids = [put(p, names[0], "cat", tag_names=["night", "it's \\"x\\""], split="train"),
       put(p, names[1], "cat", tag_names=["night"], split="valid"), put(p, names[2], "dog", split="test"),
       put(p, names[3], None, batch_name="Later"), put(p, names[4], None, batch_name="Later"),
       put(q, names[5], "fire truck", tag_names=["night"])]
print(json.dumps({"slug": slug, "ids": ids, "names": names}))
""", json.dumps(bench.pictures(6, "found")))  # fmt: skip


def test_search_of_a_project(bench: Bench, made: dict[str, Any]) -> None:
    found = bench.script("""
p = ws.project(sys.argv[1])
ids = lambda **options: [hit["id"] for hit in p.search(**options)]
fields = ["id", "name", "created", "annotations", "labels", "split", "tags", "owner", "embedding", "user_metadata", "url"]
out = {
    "all": ids(), "tag": ids(tag="night"), "odd": ids(tag="it's \\"x\\""), "class": ids(class_name="dog"),
    "dataset": ids(in_dataset=True), "batch": ids(batch=True), "page": ids(limit=2, offset=1),
    "hit": p.search(tag="night", fields=fields)[0], "usual": sorted(p.search(limit=1)[0]),
    "pages": [len(page) for page in p.search_all(limit=2)],
    "prompt": refused(p.search, prompt="a cat"), "like": refused(p.search, like_image=json.loads(sys.argv[2])[0]),
    "field": refused(p.search, fields=["colour"]), "much": refused(p.search, limit=100000),
}
print(json.dumps(out))
""", made["slug"], json.dumps(made["ids"]))  # fmt: skip
    one, two, three, four, five, _ = made["ids"]
    assert found["all"] == [one, two, three, four, five]
    assert (found["tag"], found["odd"], found["class"]) == ([one, two], [one], [three])
    assert (found["dataset"], found["batch"], found["page"]) == ([one, two, three], [four, five], [two, three])
    assert found["pages"] == [2, 2, 1]
    hit = found["hit"]
    assert (hit["labels"], hit["split"], hit["owner"]) == (["cat"], "train", "owner@example.org")
    assert hit["annotations"] == {"count": 1, "classes": {"cat": 1}}
    assert hit["created"] > 1_000_000_000_000, "milliseconds"
    assert hit["url"].startswith(bench.server.url)
    assert found["usual"] == ["created", "id", "labels", "name"]
    for name in ("prompt", "like"):
        assert "model" in found[name]
    assert "colour" in found["field"]
    assert "limit" in found["much"]


QUERIES: dict[str, list[int]] = {
    "*": [0, 1, 2, 3, 4, 5],
    "": [0, 1, 2, 3, 4, 5],
    "tag:night": [0, 1, 5],
    'tag:night tag:"it\'s"': [],
    "tag:night AND split:valid": [1],
    "tag:night -split:valid": [0, 5],
    "NOT tag:night annotated:true": [2],
    'class:"fire truck" OR class:dog': [2, 5],
    "tag:night (class:cat OR class:dog) split:train": [0],
    "project:other": [5],
    "project:false": [],
    "batch:Later": [3, 4],
    "in-dataset:false": [3, 4],
    "job:false split:test": [2],
    "found2": [2],
    "filename:found*3": [3],
    "-(annotated:true)": [3, 4],
    "min-width:42 max-width:44": [2, 3, 4],
    "min-height:31": [],
    "min-annotations:1 tag:night": [0, 1, 5],
    "max-annotations:0": [3, 4],
}


def test_search_of_a_workspace(bench: Bench, made: dict[str, Any]) -> None:
    found = bench.script("""
out = {q: [hit["id"] for hit in ws.search(q)["results"]] for q in json.loads(sys.argv[1])}
pages = [[hit["filename"] for hit in page] for page in ws.search_all("tag:night", page_size=2)]
hit = ws.search("class:dog")["results"][0]
videos = ws.search("*", media_types=["video"])["total"]
print(json.dumps({"found": out, "pages": pages, "hit": hit, "videos": videos,
                  "some": ws.search("class:dog", fields=["id", "filename", "labels", "url"])["results"][0]}))
""", json.dumps(list(QUERIES)))  # fmt: skip
    mine = {identity: number for number, identity in enumerate(made["ids"])}
    for query, wanted in QUERIES.items():
        numbers = [mine[identity] for identity in found["found"][query] if identity in mine]
        assert numbers == wanted, query
    assert [len(page) for page in found["pages"]] == [2, 1]
    hit = found["hit"]
    assert (hit["filename"], hit["width"], hit["height"]) == (made["names"][2], 42, 30)
    assert hit["projectData"] == {"split": "test", "inDataset": True}
    assert hit["projects"] == [f"{bench.workspace}/{made['slug']}"]
    assert "labels" not in hit
    assert found["some"]["labels"] == ["dog"]
    assert found["some"]["url"].startswith(bench.server.url)
    assert found["videos"] == 0
    assert "found2.png" in bench.cli("search", "class:dog")


def test_classes_of_whole_pictures_are_found(bench: Bench) -> None:
    found = bench.script("""
p = ws.create_project("Whole", "multi-label-classification", "", "x")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
names = json.loads(sys.argv[1])
ids = [p.single_upload(image_path=name)["image"]["id"] for name in names]
for image, labels in zip(ids, [["red & #1", "big"], ["big"]]):
    rfapi.save_annotation(key, slug, "x", json.dumps(labels), image)
out = {q: [ids.index(hit["id"]) for hit in ws.search(q + " project:" + slug)["results"]]
       for q in ('class:"red & #1"', "class:big", "-class:big", "class:huge", "annotated:true", "annotated:false")}
out["project"] = [ids.index(hit["id"]) for hit in p.search(class_name="red & #1")]
same = Path("again"); same.mkdir(); (same / names[0]).write_bytes(Path(names[2]).read_bytes() + b"\\0")
other = p.single_upload(image_path=str(same / names[0]))["image"]
out["other"] = [other["id"] in ids, p.image(other["id"])["name"] == names[0], p.image(ids[0])["labels"]]
print(json.dumps(out))
""", json.dumps(bench.pictures(3, "whole")))  # fmt: skip
    assert found == {
        'class:"red & #1"': [0], "class:big": [0, 1], "-class:big": [2], "class:huge": [], "annotated:true": [0, 1],
        "annotated:false": [2], "project": [0], "other": [False, True, ["red & #1", "big"]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("min-width:wide", "wide"),
        ('tag:"night', "quotation mark"),
        ("colour:red", "colour"),
        ("(tag:a", "partner"),
        ("tag:a)", "partner"),
        ("tag:a OR", "end"),
        ("AND tag:a", "before AND"),
        ("like-image:abc", "model"),
        ("prompt:cat", "model"),
        ("(" * 90 + "a", "deep"),
        ("a " * 101, "100 words"),
    ],
)
def test_queries_that_cannot_be_read(bench: Bench, query: str, words: str) -> None:
    status, body = bench.call("POST", f"/{bench.workspace}/search/v1", {"query": query, "pageSize": 5})
    assert status == 400
    assert words in body["error"]["message"]


def test_export_of_a_search(bench: Bench, made: dict[str, Any]) -> None:
    found = bench.script("""
where = ws.search_export("tag:night", format="coco", location="night")
files = sorted(str(f.relative_to(where)) for f in Path(where).rglob("*") if f.is_file())
body = json.loads(Path(where, "train/_annotations.coco.json").read_text())
print(json.dumps({"files": files, "classes": [c["name"] for c in body["categories"]], "images": len(body["images"]),
                  "same": Path(where, "train", sys.argv[1]).read_bytes() == Path(sys.argv[1]).read_bytes(),
                  "nothing": refused(ws.search_export, "tag:nosuch"), "format": refused(ws.search_export, "*", format="pdf"),
                  "group": refused(ws.search_export, "*", annotation_group="nosuch")}))
""", made["names"][0])  # fmt: skip
    assert "README.dataset.txt" in found["files"]
    assert sum(name.endswith(".png") for name in found["files"]) == 3
    assert set(found["classes"]) >= {"cat", "dog", "fire truck"}
    assert found["images"] == 2
    assert found["same"], "the pictures are the originals"
    assert "no image" in found["nothing"]
    assert "pdf" in found["format"]
    assert "nosuch" in found["group"]


def test_exports_of_one_project_or_group(bench: Bench, made: dict[str, Any]) -> None:
    for said, pictures in (({"dataset": made["slug"]}, 5), ({"annotationGroup": "trucks"}, 1)):
        status, body = bench.call(
            "POST", f"/{bench.workspace}/search/export", {"query": "*", "format": "yolov8"} | said
        )
        assert status == 202
        done = bench.script("""
import io, requests, time, zipfile
session = requests.Session()
while not (done := rfapi.get_search_export(os.environ["ROBOFLOW_API_KEY"], ws.url, sys.argv[1], session))["ready"]:
    time.sleep(0.1)
names = zipfile.ZipFile(io.BytesIO(session.get(done["link"]).content)).namelist()
print(json.dumps(names))
""", body["link"])  # fmt: skip
        assert sum(name.endswith(".png") for name in done) == pictures
        assert "data.yaml" in done
    both = {"query": "*", "dataset": "a", "annotationGroup": "b"}
    assert bench.call("POST", f"/{bench.workspace}/search/export", both)[0] == 400
    assert bench.get(f"/{bench.workspace}/search/export/nosuch")[0] == 404
