"""Key, workspace, projects and images through the real package."""

from __future__ import annotations

import json

from tests.vendors.roboflow.conftest import Bench

NEEDED = {"id", "type", "name", "created", "updated", "images", "unannotated", "annotation", "public", "splits",
          "classes", "colors"}  # fmt: skip


def test_key_workspace_and_projects(bench: Bench) -> None:
    found = bench.script("""
made = ws.create_project("Street & signs #1", "object-detection", "MIT", "signs")
again = rf.workspace().project(made.id.split("/")[1])
print(json.dumps({"id": again.id, "type": again.type, "name": again.name, "classes": again.classes,
                  "splits": again.splits, "names": ws.list_projects() or [p["name"] for p in rf.workspace().project_list]}))
""")
    assert found["id"] == f"{bench.workspace}/street-signs-1"
    assert (found["type"], found["name"]) == ("object-detection", "Street & signs #1")
    assert "Street & signs #1" in found["names"]
    assert found["classes"] == {}
    status, body = bench.get(f"/{found['id']}")
    assert status == 200
    assert set(body["project"]) >= NEEDED
    assert body["versions"] == []


def test_types_are_those_the_package_understands(bench: Bench) -> None:
    types = ["object-detection", "single-label-classification", "multi-label-classification", "instance-segmentation",
             "semantic-segmentation", "keypoint-detection"]  # fmt: skip
    for kind in types:
        status, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": f"P {kind}", "type": kind,
                                  "license": "", "annotation": "x"})  # fmt: skip
        assert status == 200, made
        assert set(made) >= NEEDED, made
        assert made["type"] == ("classification" if kind.endswith("classification") else kind)
        assert made["multilabel"] is (kind == "multi-label-classification")
    status, body = bench.call("POST", f"/{bench.workspace}/projects", {"name": "x", "type": "sculpture"})
    assert status == 400
    assert "sculpture" in body["error"]["message"]


def test_slugs_do_not_shadow_addresses(bench: Bench) -> None:
    for name in ("jobs", "Batches", "123", "search", "generate", "health"):
        _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": name, "type": "object-detection"})
        slug = made["id"].split("/")[1]
        assert not slug.isdigit()
        assert bench.get(f"/{bench.workspace}/{slug}")[1]["project"]["name"] == name


def test_trash_and_restore(bench: Bench) -> None:
    found = bench.script("""
p = ws.create_project("Short lived", "object-detection", "", "x")
p.delete()
gone = refused(rf.workspace().project, "short-lived")
listed = [t["url"] for t in ws.trash()["sections"]["projects"]]
p.restore()
back = rf.workspace().project("short-lived")
print(json.dumps({"gone": gone, "listed": listed, "name": back.name, "health": back.health()["stats"]["images"]}))
""")
    assert "There is no project" in found["gone"]
    assert found["listed"] == ["short-lived"]
    assert found["name"] == "Short lived"
    assert found["health"] == 0


def test_wrong_keys(bench: Bench) -> None:
    status, body = bench.server.request("POST", "/roboflow/?api_key=nosuchkey")
    # The request helper also sends the owner's key as a bearer; the one in the address wins.
    assert status == 401
    assert set(body["error"]) == {"message", "type", "hint"}
    assert "invalid" in bench.cli("--api-key", "nosuchkey1", "auth", "status", code=2)
    assert bench.workspace in bench.cli("auth", "status")


def test_uploads_duplicates_and_deletion(bench: Bench) -> None:
    names = bench.pictures(3)
    found = bench.script("""
p = ws.create_project("Uploads", "object-detection", "", "x")
names = json.loads(sys.argv[1])
first = p.single_upload(image_path=names[0], batch_name="Monday", split="valid", tag_names=["night", "wet"],
                        metadata={"camera": 7}, sequence_number=0, sequence_size=3)["image"]
second = p.single_upload(image_path=names[1])["image"]
again = p.single_upload(image_path=names[0], batch_name="Tuesday")["image"]
detail = p.image(first["id"])
batches = p.get_batches()["batches"]
p.delete_images([second["id"]])
gone = refused(p.image, second["id"])
skipped = ws.delete_images([first["id"]])
print(json.dumps({"first": first, "again": again, "detail": detail, "batches": batches, "gone": gone, "skipped": skipped,
                  "one": p.get_batch(batches[0]["id"])}))
""", json.dumps(names))  # fmt: skip
    assert found["again"]["id"] == found["first"]["id"]
    assert found["again"]["duplicate"]
    detail = found["detail"]
    assert (detail["split"], sorted(detail["tags"]), detail["metadata"]) == ("valid", ["night", "wet"], {"camera": 7})
    assert detail["annotation"]["width"] == 40
    assert detail["urls"]["original"].startswith(bench.server.url)
    assert {b["name"]: b["images"] for b in found["batches"]} == {"Monday": 1, "Pip Package Upload": 1}
    assert found["one"] == found["batches"][0]
    assert len(found["gone"]) > 5
    assert found["skipped"] == {"deleted": 0, "skipped": 1, "deletedSources": 0, "skippedSources": 1}
    assert bench.get(f"/{bench.workspace}/uploads")[1]["project"]["images"] == 1


def test_bad_pictures_are_refused(bench: Bench) -> None:
    (bench.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n then nothing")
    bench.call("POST", f"/{bench.workspace}/projects", {"name": "Bad", "type": "object-detection"})
    for query, body in (("name=a.png", "!!! not base64 !!!"), ("name=a.png&split=half", "aGFsbG8="),
                        ("name=a.png&image=http://10.0.0.1/a.png", None), ("name=a.png", None)):  # fmt: skip
        status, answer = bench.call("POST", f"/dataset/bad/upload?{query}", body)
        assert status == 400, (query, answer)
        assert answer["error"]["message"]
    assert "refused" in bench.script("""
p = ws.project("bad")
print(json.dumps({"refused": refused(rfapi.upload_image, os.environ["ROBOFLOW_API_KEY"], "bad", "broken.png")}))
""")


def test_ten_threads_and_one_batch(bench: Bench) -> None:
    names = bench.pictures(6, "many")
    found = bench.script("""
from concurrent.futures import ThreadPoolExecutor
p = ws.create_project("Threads", "object-detection", "", "x")
names = json.loads(sys.argv[1]) * 4
with ThreadPoolExecutor(10) as pool:
    done = list(pool.map(lambda n: p.single_upload(image_path=n, batch_name="All at once")["image"]["id"], names))
print(json.dumps({"ids": len(set(done)), "batches": p.get_batches()["batches"]}))
""", json.dumps(names))  # fmt: skip
    assert found["ids"] == 6
    assert [b["images"] for b in found["batches"]] == [6]
