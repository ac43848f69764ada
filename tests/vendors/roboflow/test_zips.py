"""Zip uploads through the real package: signed address, following, and archives that are wrong or mean harm."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest

from tests.vendors.roboflow.conftest import Bench
from tests.vendors.roboflow.test_annotate import VOC


def project(bench: Bench, name: str, kind: str = "object-detection") -> str:
    _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": name, "type": kind})
    return made["id"].split("/")[1]


def archive(bench: Bench, file: str, entries: dict[str, bytes | str]) -> str:
    with zipfile.ZipFile(bench.folder / file, "w", zipfile.ZIP_DEFLATED) as out:
        for path, body in entries.items():
            out.writestr(path, body)
    return file


def picture(bench: Bench, name: str) -> bytes:
    [file] = bench.pictures(1, name)
    return (bench.folder / file).read_bytes()


def coco(*images: tuple[str, str]) -> str:
    """A file of pictures with one box each, of a class each."""
    classes = sorted({label for _, label in images})
    return json.dumps({
        "images": [{"id": n, "file_name": name, "width": 40, "height": 30} for n, (name, _) in enumerate(images)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
        "annotations": [{"id": n, "image_id": n, "category_id": classes.index(label), "bbox": [4, 3, 16, 12]}
                        for n, (_, label) in enumerate(images)],
    })  # fmt: skip


def upload(bench: Bench, slug: str, path: str, **options: Any) -> Any:
    return bench.script("""
done = ws.upload_dataset(dataset_path=sys.argv[2], project_name=sys.argv[1], poll_interval=0.1, **json.loads(sys.argv[3]))
p = rf.workspace().project(sys.argv[1])
print(json.dumps({"done": done, "splits": p.splits, "classes": p.classes, "unannotated": p.unannotated, "images": p.images,
                  "batches": {b["name"]: b["images"] for b in p.get_batches()["batches"]}}))
""", slug, path, json.dumps(options))  # fmt: skip


def test_a_zip_with_every_kind_of_annotation_file(bench: Bench) -> None:
    slug = project(bench, "Zipped")
    name = archive(bench, "all.zip", {
        "voc/train/a.png": picture(bench, "za"), "voc/train/a.xml": VOC,
        "yolo/data.yaml": "names: [cat, 'dog & co']\nnc: 2\n", "yolo/valid/images/b.png": picture(bench, "zb"),
        "yolo/valid/labels/b.txt": "1 0.5 0.5 0.2 0.2\n",
        "coco/train/_annotations.coco.json": coco(("c.png", "bird"), ("gone.png", "fish")),
        "coco/train/c.png": picture(bench, "zc"), "coco/test/c.png": picture(bench, "zd"),
        "coco/test/_annotations.coco.json": coco(("c.png", "frog")),
        "ml/e.png": picture(bench, "ze"), "ml/_annotations.createml.json": json.dumps([{"image": "e.png", "annotations": [
            {"label": "cat", "coordinates": {"x": 12, "y": 9, "width": 16, "height": 12}}]}]),
        "csv/f.png": picture(bench, "zf"), "csv/_annotations.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\n"
            "f.png,40,30,cat,4,3,20,15\nf.png,40,30,owl,4,3,20,15\n",
        "none/g.png": picture(bench, "zg"), "README.dataset.txt": "hello",
    })  # fmt: skip
    found = upload(bench, slug, name, batch_name="From a zip", tags=["zip"])
    done = found["done"]
    assert done["status"] == "completed", done
    assert {k: v for k, v in done["result"].items() if v} == {"images": 7, "uploaded": 7, "annotated": 6}
    assert done["progress"]["current"] <= 7
    assert found["splits"] == {"train": 4, "valid": 1, "test": 1}
    assert found["classes"] == {"cat": 3, "dog & co": 1, "bird": 1, "frog": 1, "owl": 1}
    assert found["unannotated"] == 1
    assert found["batches"] == {"From a zip": 7}
    # Again: the same pictures, labels kept; nothing doubled.
    again = upload(bench, slug, name)
    assert {k: v for k, v in again["done"]["result"].items() if v} == {"images": 7, "duplicates": 7, "annotated": 6}
    assert again["images"] == 7


def test_a_folder_zipped_by_the_package_and_overwriting(bench: Bench) -> None:
    slug = project(bench, "Zipped folder")
    root = bench.folder / "zipme" / "train"
    root.mkdir(parents=True)
    (root / "a.png").write_bytes(picture(bench, "zh"))
    (root / "a.xml").write_text(VOC)
    first = upload(bench, slug, "zipme", use_zip_upload=True, split="valid")
    assert first["splits"] == {"train": 0, "valid": 1, "test": 0}
    (root / "a.xml").write_text(VOC.replace("cat", "dog"))
    kept = upload(bench, slug, "zipme", use_zip_upload=True)
    assert (kept["done"]["result"]["kept"], kept["classes"]) == (1, {"cat": 1})
    forced = upload(bench, slug, "zipme", use_zip_upload=True, annotation_overwrite=True)
    assert forced["done"]["result"]["annotated"] == 1
    assert forced["classes"] == {"cat": 0, "dog": 1}
    assert "completed" in bench.cli("image", "upload", "zipme", "--zip-upload", "-p", slug)


def test_classification_by_folder_and_table(bench: Bench) -> None:
    slug = project(bench, "Zipped weather", "multi-label-classification")
    name = archive(bench, "weather.zip", {
        "train/sunny/a.png": picture(bench, "zi"), "train/rain/b.png": picture(bench, "zj"),
        "valid/c.png": picture(bench, "zk"), "valid/_classes.csv": "filename, rain, sunny\nc.png, 1, 1\n",
    })  # fmt: skip
    found = upload(bench, slug, name)
    assert found["done"]["result"]["annotated"] == 3, found["done"]
    assert found["classes"] == {"sunny": 2, "rain": 2}


def test_one_bad_file_stops_no_other(bench: Bench) -> None:
    slug = project(bench, "Zipped badly")
    whole = picture(bench, "zl")
    name = archive(bench, "bad.zip", {
        "broken.png": whole[:60], "text.jpg": "I am no picture", "good.png": whole, "good.xml": "<annotation><object>",
        "fine.png": picture(bench, "zm"), "fine.xml": VOC,
    })  # fmt: skip
    found = upload(bench, slug, name)
    result = found["done"]["result"]
    assert (result["uploaded"], result["annotated"], result["failed"]) == (2, 1, 3)
    wrong = {entry["file"]: entry["error"] for entry in result["failedItems"]}
    assert set(wrong) == {"broken.png", "text.jpg", "good.png"}
    assert all(len(words) > 10 for words in wrong.values())


HARM: dict[str, tuple[dict[str, bytes | str], str]] = {
    "traversal": ({"../../etc/cron.d/x.png": b"x"}, "leads out"),
    "absolute": ({"/etc/passwd.png": b"x"}, "leads out"),
    "bomb": ({"a.png": b"x", "bomb.json": b" " * 60_000_000}, "out of almost nothing"),
    "empty": ({"README.txt": "nothing"}, "no pictures"),
    "broken json": ({"a.png": b"x", "_annotations.coco.json": '{"images": ['}, "_annotations.coco.json"),
}


@pytest.mark.parametrize("kind", HARM)
def test_harmful_archives_fail_with_a_sentence(bench: Bench, kind: str) -> None:
    slug = project(bench, f"Harm {kind}")
    entries, words = HARM[kind]
    found = upload(bench, slug, archive(bench, "harm.zip", entries))
    assert found["done"]["status"] == "failed"
    assert words in found["done"]["error"], found["done"]
    assert found["images"] == 0


def put(url: str, body: bytes) -> tuple[int, Any]:
    call = urllib.request.Request(url, body, {"Content-Type": "application/zip"}, method="PUT")
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_signed_address_is_good_once_and_for_its_task_only(bench: Bench) -> None:
    slug = project(bench, "Signed")
    begin = f"/{bench.workspace}/{slug}/upload/zip"
    _, one = bench.call("POST", begin, {"annotationOverwrite": False})
    _, two = bench.call("POST", begin, {"annotationOverwrite": False, "split": "valid"})
    status = bench.get(f"/{bench.workspace}/upload/zip/{one['taskId']}")[1]
    assert status["status"] == "created"
    swapped = one["signedUrl"].replace(one["taskId"], two["taskId"])
    assert put(swapped, b"x")[0] == 403
    assert put(one["signedUrl"].replace("expires=", "expires=9"), b"x")[0] == 403
    assert put(one["signedUrl"], b"")[0] == 400
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as out:
        out.writestr("a.png", picture(bench, "zn"))
    assert put(one["signedUrl"], body.getvalue())[0] == 200
    code, answer = put(one["signedUrl"], body.getvalue())
    assert code == 409
    assert "already" in answer["error"]["message"]
    # No zip at all: taken in, and said when it is looked at.
    assert put(two["signedUrl"], b"this is no zip")[0] == 200
    found = bench.script("""
import time
while True:
    done = rfapi.get_zip_upload_status(os.environ["ROBOFLOW_API_KEY"], ws.url, sys.argv[1])
    if done["status"] in ("completed", "failed"):
        break
    time.sleep(0.1)
print(json.dumps(done))
""", two["taskId"])  # fmt: skip
    assert found["error"] == "This is not a zip file."
    assert bench.call("POST", begin, {"split": "half"})[0] == 400
    assert bench.get(f"/{bench.workspace}/upload/zip/nosuch")[0] == 404
