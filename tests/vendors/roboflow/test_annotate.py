"""Annotation files of every kind through the real package: what is read, what is refused, where images go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vendors.roboflow.conftest import Bench

VOC = """<annotation><filename>voc0.png</filename><size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>4</xmin><ymin>3</ymin><xmax>20</xmax><ymax>15</ymax></bndbox></object></annotation>"""
BOX = {"label": "cat", "x": 12, "y": 9, "width": 16, "height": 12}


def coco(*names: str, empty: bool = False) -> str:
    images = [{"id": n, "file_name": name, "width": 40, "height": 30} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [4, 3, 16, 12], "area": 192, "iscrowd": 0}
             for n in range(len(names))]  # fmt: skip
    fake = [{"id": 999999999, "image_id": 999999999, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0}]
    return json.dumps(
        {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": fake if empty else boxes}
    )


PAYLOADS: dict[str, tuple[str, str, Any]] = {
    "voc": ("x.xml", VOC, None),
    "yolo": ("x.txt", "0 0.3 0.3 0.4 0.4\n", {"0": "cat"}),
    "coco": ("_annotations.coco.json", coco("other.png", "coco0.png"), None),
    "createml": ("annotation.createml.json", json.dumps([{"image": "createml0.png", "annotations": [
        {"label": "cat", "coordinates": {"x": 12, "y": 9, "width": 16, "height": 12}}]}]), None),
    "csv": ("annotation.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\ncsv0.png,40,30,cat,4,3,20,15\n", None),
}  # fmt: skip
UPLOAD = """
p = ws.project(sys.argv[1])
name = sys.argv[2]
image = p.single_upload(image_path=name, batch_name="B")["image"]["id"]
"""


@pytest.fixture(scope="module")
def project(bench: Bench) -> str:
    _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": "Cats", "type": "object-detection"})
    return made["id"].split("/")[1]


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_kind_is_read(bench: Bench, project: str, kind: str) -> None:
    [name] = bench.pictures(1, kind)
    file, text, labelmap = PAYLOADS[kind]
    (bench.folder / file).write_text(text)
    found = bench.script(
        UPLOAD + """
done = p.save_annotation(annotation_path=sys.argv[3], annotation_labelmap=json.loads(sys.argv[4]), image_id=image, job_name="B & C")
print(json.dumps({"done": done, "image": p.image(image)}))
""", project, name, file, json.dumps(labelmap))  # fmt: skip
    assert found["image"]["annotation"]["boxes"] == [BOX]
    assert found["image"]["labels"] == ["cat"]
    assert found["image"]["inDataset"]


def test_annotated_once_overwritten_on_demand(bench: Bench, project: str) -> None:
    [name] = bench.pictures(1, "twice")
    found = bench.script(
        UPLOAD + """
def annotate(label, **options):
    return rfapi.save_annotation(os.environ["ROBOFLOW_API_KEY"], p.id.split("/")[1], "a.txt", "0 0.5 0.5 0.2 0.2", image,
                                 annotation_labelmap={"0": label}, **options)
out = {"first": annotate("dog"), "same": annotate("dog"), "other": annotate("bird"), "forced": annotate("bird", overwrite=True),
       "labels": p.image(image)["labels"]}
print(json.dumps(out))
""", project, name)  # fmt: skip
    assert found["first"]["success"]
    assert found["same"]["success"], "a retry is no conflict"
    assert found["other"] == {"warn": "already annotated"}
    assert found["labels"] == ["bird"]


def test_predictions_never_join_the_dataset(bench: Bench, project: str) -> None:
    [name] = bench.pictures(1, "guess")
    found = bench.script(
        UPLOAD + """
rfapi.save_annotation(os.environ["ROBOFLOW_API_KEY"], p.id.split("/")[1], "a.txt", "0 0.5 0.5 0.2 0.2", image,
                      annotation_labelmap={"0": "cat"}, is_prediction=True)
print(json.dumps(p.image(image)))
""", project, name)  # fmt: skip
    assert not found["inDataset"]
    assert found["labels"] == ["cat"]


def test_a_job_name_takes_what_does_not_join_the_dataset(bench: Bench) -> None:
    """Ten threads, as the package uses, with one new job name."""
    _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": "Named jobs", "type": "object-detection"})
    found = bench.script("""
from concurrent.futures import ThreadPoolExecutor
p, key, slug = ws.project(sys.argv[1]), os.environ["ROBOFLOW_API_KEY"], sys.argv[1]
names = json.loads(sys.argv[2])
ids = [p.single_upload(image_path=name, batch_name="B")["image"]["id"] for name in names]
def put(image, **options):
    return rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", image, annotation_labelmap={"0": "cat"}, **options)
with ThreadPoolExecutor(10) as pool:
    list(pool.map(lambda image: put(image, job_name="Look at these", is_prediction=True), ids[:6]))
jobs = p.get_annotation_jobs()["jobs"]
put(ids[6], job_name="Look at these")
put(ids[7], is_prediction=True)
after = p.get_annotation_jobs()["jobs"]
print(json.dumps({"jobs": jobs, "after": after, "inside": [p.image(i)["inDataset"] for i in ids],
                  "statuses": [i["status"] for i in p.get_annotation_job_images(jobs[0]["id"])["images"]], "ids": ids}))
""", made["id"].split("/")[1], json.dumps(bench.pictures(10, "named")))  # fmt: skip
    [job] = found["jobs"]
    assert (job["name"], job["status"], job["numImages"], job["annotated"]) == ("Look at these", "review", 6, 6)
    assert found["statuses"] == ["annotated"] * 6
    # The package's low-level call names a job of its own when none is named; what joins the dataset is in no job.
    assert [(j["name"], j["numImages"]) for j in found["after"]] == [("Look at these", 6), ("Annotated via API", 1)]
    assert found["inside"] == [False] * 6 + [True] + [False] * 3
    slug = made["id"].split("/")[1]
    for image, query in ((8, "addToDataset=false&jobName=Second"),
                         (9, "prediction=true&jobName=Second&predictionRouting=unassigned")):  # fmt: skip
        path = f"/dataset/{slug}/annotate/{found['ids'][image]}?name=a.txt&{query}"
        status, _ = bench.call("POST", path, {"annotationFile": "0 0.5 0.5 0.2 0.2", "labelmap": {"0": "cat"}})
        assert status == 200
        jobs = bench.get(f"/{bench.workspace}/{slug}/jobs")[1]["jobs"]
        second = next(j for j in jobs if j["name"] == "Second")
        assert (second["numImages"], second["annotated"], second["status"]) == (1, 1, "assigned")


def test_lines_of_prefix_and_suffix(bench: Bench) -> None:
    """JSONL, of one image and of many, and what is wrong with a line."""
    _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": "Pairs", "type": "text-image-pairs"})
    slug = made["id"].split("/")[1]
    names = bench.pictures(3, "pair")
    (bench.folder / "annotation.jsonl").write_text("\n".join(
        json.dumps({"image": name, "prefix": "What is it?", "suffix": f"It is {name} & \"more\" \U0001f327"}) for name in names
    ))  # fmt: skip
    ids = bench.script("""
p = ws.project(sys.argv[1])
ids = [p.single_upload(image_path=name, annotation_path="annotation.jsonl")["image"]["id"] for name in json.loads(sys.argv[2])]
print(json.dumps(ids))
""", slug, json.dumps(names))  # fmt: skip
    for identity, name in zip(ids, names, strict=True):
        uid = f"{identity[:8]}-{identity[8:12]}-{identity[12:16]}-{identity[16:20]}-{identity[20:]}"
        _, body = bench.server.request("GET", f"/api/v1/items/{uid}/document")
        assert body["attributes"] == {
            "prefix": "What is it?", "suffix": f"It is {name} & \"more\" \U0001f327"
        }  # fmt: skip
        assert bench.get(f"/{bench.workspace}/{slug}/images/{identity}")[1]["image"]["inDataset"]
    path = f"/dataset/{slug}/annotate/{ids[0]}?name=annotation.jsonl&overwrite=true"
    for text, words in (
        ('{"image": "x.png", "prefix": "a"}\n{"image": "y.png", "prefix": "b"}', "no line for"),
        ('{"image": "pair0.png", "prefix": 5}', "prefix must be a text"),
        ('{"image": "pair1.png", "prefix": "a"}\n{"image": "pair0.png", "prefix": "a"', "line 2"),
        ('{"image": "pair0.png", "prefix": "a"}\n["no", "object"]', "JSON"),
    ):
        status, body = bench.call("POST", path, {"annotationFile": text, "labelmap": None})
        assert status == 400, text
        assert words in body["error"]["message"], body


def test_bad_files_are_refused_by_line_and_field(bench: Bench, project: str) -> None:
    [name] = bench.pictures(1, "bad")
    image = bench.script(UPLOAD + "print(json.dumps(image))", project, name)
    bad = {
        "hello world\n": "line 1",
        "0 0.5 0.5 0.2 0.2\n0 0.5 oops 1 1\n": "line 2",
        "0 5 5 2 2": "fractions",
        "<annotation><size><width>4</width>": "VOC",
        "<annotation><size><width>40</width><height>30</height></size><object><name>a</name></object></annotation>": "xmin",
        '{"images": [': "JSON",
        '{"what": 1}': "no known kind",
        coco("a.png", "b.png"): "no image",
        "filename,width,height,class,xmin,ymin,xmax,ymax\nbad0.png,40,thirty,cat,4,3,20,15\n": "line 2",
    }
    for text, word in bad.items():
        path = f"/dataset/{project}/annotate/{image}?name=a.txt"
        status, body = bench.call("POST", path, {"annotationFile": text, "labelmap": None})
        assert status == 400, (text, body)
        assert word in body["error"]["message"], (text, body)
    assert bench.get(f"/{bench.workspace}/{project}/images/{image}")[1]["image"]["annotation"]["boxes"] == []


def test_empty_pictures_are_annotated(bench: Bench, project: str) -> None:
    [name] = bench.pictures(1, "nothing")
    image = bench.script(UPLOAD + "print(json.dumps(image))", project, name)
    body = {"annotationFile": coco(name, empty=True), "labelmap": None}
    status, _ = bench.call("POST", f"/dataset/{project}/annotate/{image}?name=annotation.coco.json", body)
    assert status == 200
    assert bench.get(f"/{bench.workspace}/{project}/images/{image}")[1]["image"]["inDataset"]


def test_classification_and_odd_names(bench: Bench) -> None:
    _, made = bench.call(
        "POST", f"/{bench.workspace}/projects", {"name": "Weather", "type": "multi-label-classification"}
    )
    slug = made["id"].split("/")[1]
    names = bench.pictures(2, "sky")
    ids = bench.script("""
p = ws.project(sys.argv[1])
out = []
for name, label in zip(json.loads(sys.argv[2]), ["rain & #hail/\\"x\\" \U0001f327", '["sun", "wind"]']):
    image = p.single_upload(image_path=name)["image"]["id"]
    rfapi.save_annotation(os.environ["ROBOFLOW_API_KEY"], sys.argv[1], label, label, image, job_name="A & B")
    out.append(p.image(image)["labels"])
print(json.dumps({"labels": out, "classes": rf.workspace().project(sys.argv[1]).classes}))
""", slug, json.dumps(names))  # fmt: skip
    assert ids["labels"] == [['rain & #hail/"x" \U0001f327'], ["sun", "wind"]]
    assert sum(ids["classes"].values()) == 3


def test_a_folder_in_ten_threads(bench: Bench) -> None:
    names = bench.pictures(8, "folder")
    root = bench.folder / "dataset"
    for split in ("train", "valid"):
        (root / split).mkdir(parents=True)
    for number, name in enumerate(names):
        split = "valid" if number > 5 else "train"
        (bench.folder / name).rename(root / split / name)
        width = 40 + number
        text = VOC.replace("voc0.png", name).replace("<width>40<", f"<width>{width}<")
        (root / split / name.replace(".png", ".xml")).write_text(text.replace("cat", f"class {number % 3}"))
    found = bench.script("""
ws.upload_dataset(dataset_path="dataset", project_name="Folder upload", num_workers=10, project_type="object-detection",
                  project_license="MIT", batch_name="F")
p = rf.workspace().project("folder-upload")
print(json.dumps({"images": p.images, "unannotated": p.unannotated, "splits": p.splits, "classes": p.classes}))
""")
    assert found["images"] == 8
    assert found["unannotated"] == 0
    assert found["splits"] == {"train": 6, "valid": 2, "test": 0}
    assert sorted(found["classes"]) == ["class 0", "class 1", "class 2"]
