"""Images through the real package: uploads, links, arrays, downloads, names, metadata, tags, removal."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import pictures
from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench

BEGIN = """
p = api.project.create(WORKSPACE, "images", change_name_if_conflict=True)
ds = api.dataset.create(p.id, "ds")
"""


def test_uploads_and_downloads(bench: Bench) -> None:
    names = bench.pictures(7, "up")
    found = bench.script(
        BEGIN + """
import numpy as np, asyncio
names = json.loads(sys.argv[1])
raw = {n: (folder / n).read_bytes() for n in names}
infos = api.image.upload_paths(ds.id, names, names, metas=[{"n": k} for k in range(len(names))])
out = {"order": [i.name for i in infos] == names, "metas": [i.meta for i in infos]}
one = api.image.upload_path(ds.id, "again.png", names[0])
out["same"] = one.hash == infos[0].hash and one.id != infos[0].id
array = np.random.default_rng(5).integers(0, 255, (20, 30, 3), dtype=np.uint8)
made = api.image.upload_np(ds.id, "array.png", array)
out["array"] = bool((api.image.download_np(made.id) == array).all())
copied = api.image.upload_id(ds.id, "copied.png", infos[1].id)
out["copied"] = copied.hash == infos[1].hash
out["hashed"] = api.image.upload_hash(ds.id, "hashed.png", infos[2].hash).hash == infos[2].hash
listed = api.image.get_list(ds.id)
out["listed"] = [i.name for i in listed]
out["sizes"] = all(i.size == len(raw[i.name]) for i in listed if i.name in raw)
api.image.download_path(infos[0].id, "one.png")
out["one"] = Path("one.png").read_bytes() == raw[names[0]]
many = api.image.download_nps(ds.id, [i.id for i in infos])
out["many"] = [m.shape[1] for m in many]
api.image.download_paths(ds.id, [i.id for i in infos], [f"x_{n}" for n in names])
out["paths"] = all(Path(f"x_{n}").read_bytes() == raw[n] for n in names)
api.image.download_paths_by_hashes([i.hash for i in infos], [f"h_{n}" for n in names])
out["by_hash"] = all(Path(f"h_{n}").read_bytes() == raw[n] for n in names)
sly.run_coroutine(api.image.download_paths_async([i.id for i in infos], [f"a_{n}" for n in names]))
out["async"] = all(Path(f"a_{n}").read_bytes() == raw[n] for n in names)
out["generator"] = sum(len(page) for page in api.image.get_list_generator(ds.id, batch_size=3))
out["by_name"] = api.image.get_info_by_name(ds.id, names[3]).id == infos[3].id
out["filtered"] = [i.name for i in api.image.get_list(ds.id, filters=[{"field": "name", "operator": "in", "value": names[:2]}])]
out["ids"] = [i.id for i in api.image.get_info_by_id_batch([i.id for i in infos])] == [i.id for i in infos]
out["down"] = [i.name for i in api.image.get_list(ds.id, sort="name", sort_order="desc")][0]
out["count"] = api.dataset.get_info_by_id(ds.id).images_count
out["missing"] = api.image.get_info_by_id(10**12)
answer(out)
""", json.dumps(names))  # fmt: skip
    for key in (
        "order",
        "same",
        "array",
        "copied",
        "hashed",
        "sizes",
        "one",
        "paths",
        "by_hash",
        "async",
        "by_name",
        "ids",
    ):
        assert found[key], key
    assert found["metas"] == [{"n": k} for k in range(7)]
    assert found["listed"] == [*names, "again.png", "array.png", "copied.png", "hashed.png"]
    assert found["many"] == [40 + n for n in range(7)]
    assert found["generator"] == found["count"] == 11
    assert found["filtered"] == names[:2]
    assert found["down"] == "up6.png"
    assert found["missing"] is None


def test_names_metadata_tags_and_removal(bench: Bench) -> None:
    names = bench.pictures(4, "meta")
    found = bench.script(
        BEGIN + """
names = json.loads(sys.argv[1])
infos = api.image.upload_paths(ds.id, names, names)
T = sly.TagValueType
meta = api.project.update_meta(p.id, sly.ProjectMeta(tag_metas=sly.TagMetaCollection([
    sly.TagMeta("seen", T.NONE), sly.TagMeta("count", T.ANY_NUMBER), sly.TagMeta("note", T.ANY_STRING),
    sly.TagMeta("weather", T.ONEOF_STRING, possible_values=["sun", "rain"])])))
tag = lambda n: meta.get_tag_meta(n).sly_id
ids = [i.id for i in infos]
api.image.add_tag_batch(ids, tag("seen"))
api.image.add_tag_batch(ids[:2], tag("count"), value=3)
api.image.add_tag_batch(ids[:1], tag("count"), value=4)
api.image.add_tag_batch(ids[:1], tag("weather"), value="rain")
one = api.image.get_info_by_id(ids[0])
out = {"tags": [[t["tagId"] == tag(n), t["value"]] for t in one.tags for n in [meta.get_tag_name_by_id(t["tagId"])]]}
out["bad"] = refused(api.image.add_tag_batch, ids, tag("weather"), value="snow")
api.image.update_tag_value(next(t["id"] for t in one.tags if t["tagId"] == tag("weather")), "sun")
api.advanced.remove_tag_from_image(tag("seen"), ids[0], next(t["id"] for t in one.tags if t["tagId"] == tag("seen")))
api.advanced.remove_tags_from_images([tag("seen")], ids[1:3])
listed = {i.id: [(meta.get_tag_name_by_id(t["tagId"]), t["value"]) for t in i.tags] for i in api.image.get_list(ds.id)}
out["left"] = [listed[i] for i in ids]
G = api.image.tag
given = G.add_to_entities_json(p.id, [{"tagId": tag("note"), "entityId": ids[1], "value": "dark"}, {"tagId": tag("note"), "entityId": ids[3], "value": "light"}])
G.update_custom_data(given[1], {"sure": {"by": 1}})
G.update_custom_data(given[1], {"sure": {"at": 2}})
out["entity tags"] = [next([t["id"] == given[n], t["value"], t.get("customData")] for t in api.image.get_info_by_id(i).tags if t["tagId"] == tag("note")) for n, i in enumerate((ids[1], ids[3]))]
out["bad entity"] = refused(G.add_to_entities_json, p.id, [{"tagId": tag("note"), "entityId": ids[1], "value": "x"}, {"tagId": 10**9, "entityId": ids[2], "value": "x"}])
api.post("tags.entities.update-value", {"id": given[0], "value": "grey"})
out["grey"] = [t["value"] for t in api.image.get_info_by_id(ids[1]).tags if t["tagId"] == tag("note")]
for one in given:
    api.post("tags.entities.remove", {"id": one})
out["renamed"] = api.image.rename(ids[0], "new.png").name
out["taken"] = refused(api.image.rename, ids[1], "new.png")
api.image.update_meta(ids[1], {"a": {"b": 1}})
out["meta"] = api.image.get_info_by_id(ids[1]).meta
out["described"] = api.image.edit(ids[1], description="Dark").description
out["twice"] = refused(api.image.upload_path, ds.id, "new.png", names[0])
skipped = api.image.upload_paths(ds.id, ["new.png", "more.png"], [names[0], names[1]], conflict_resolution="skip")
out["skipped"] = [i.id == ids[0] for i in skipped]
out["rename"] = api.image.upload_paths(ds.id, ["new.png"], [names[0]], conflict_resolution="rename")[0].name
replaced = api.image.upload_paths(ds.id, ["new.png"], [names[2]], conflict_resolution="replace")[0]
out["replaced"] = replaced.id != ids[0] and api.image.get_info_by_id(ids[0]) is None
other = api.dataset.create(p.id, "other")
out["copies"] = [i.name for i in api.image.copy_batch(other.id, ids[1:3], with_annotations=True)]
api.image.remove_batch(ids[1:])
out["rest"] = sorted(i.name for i in api.image.get_list(ds.id))
answer(out)
""", json.dumps(names))  # fmt: skip
    assert found["tags"] == [[True, None], [True, 3], [True, 4], [True, "rain"]]
    assert found["left"] == [[["count", 3], ["count", 4], ["weather", "sun"]], [["count", 3]], [], [["seen", None]]]
    assert found["entity tags"] == [[True, "dark", None], [True, "light", {"sure": {"by": 1, "at": 2}}]]
    assert "400" in found["bad entity"]
    assert found["grey"] == ["grey"], "what was refused left no trace"
    assert found["renamed"] == "new.png"
    assert "already" in found["taken"]
    assert "already" in found["twice"]
    assert found["meta"] == {"a": {"b": 1}}
    assert found["described"] == "Dark"
    assert sorted(found["skipped"]) == [False, True]
    assert found["rename"].startswith("new_")
    assert found["replaced"]
    assert found["copies"] == names[1:3]
    assert sorted(found["rest"]) == sorted(["more.png", "new.png", found["rename"]])


def test_links_are_fetched_and_kept(bench: Bench) -> None:
    picture = pictures.picture(seed=77, width=33, height=21)
    other = pictures.picture(seed=78, width=34, height=21)
    with pictures.site(a__png=picture, b__png=other, bad__png=b"no picture") as origin:
        found = bench.script(
            BEGIN + """
base = sys.argv[1]
info = api.image.upload_link(ds.id, "linked.png", base + "/a.png")
out = {"link": info.link, "size": [info.width, info.height], "hash": info.hash}
out["bad"] = refused(api.image.upload_link, ds.id, "bad.png", base + "/bad.png")
out["gone"] = refused(api.image.upload_links, ds.id, ["x.png", "y.png"], [base + "/a.png", base + "/nowhere.png"])
out["names"] = [i.name for i in api.image.get_list(ds.id)]
out["set"] = api.image.set_remote([info.id], [base + "/b.png"])
moved = api.image.get_info_by_id(info.id)
out["moved"] = [moved.link, moved.width, moved.height, moved.hash != info.hash]
meta = api.project.update_meta(p.id, sly.ProjectMeta(sly.ObjClassCollection([sly.ObjClass("box", sly.Rectangle)])))
api.annotation.upload_ann(info.id, sly.Annotation((21, 34), [sly.Label(sly.Rectangle(0, 0, 5, 5), meta.get_obj_class("box"))]))
out["unfit"] = refused(api.image.set_remote, [info.id], [base + "/a.png"])
out["unread"] = refused(api.image.set_remote, [info.id], [base + "/bad.png"])
out["still"] = api.image.get_info_by_id(info.id).link
api.dataset.set_favorite(ds.id)
out["favorite"] = [api.post("datasets.info", {"id": ds.id}).json()["isFavorite"]]
api.dataset.set_favorite(ds.id, False)
out["favorite"].append(api.post("datasets.info", {"id": ds.id}).json()["isFavorite"])
answer(out)
""", origin.url(""))  # fmt: skip
    assert found["set"] == {"success": True}
    assert found["moved"] == [origin.url("/b.png"), 34, 21, True]
    assert "34 x 21" in found["unfit"]
    assert "400" in found["unread"]
    assert found["still"] == origin.url("/b.png")
    assert found["favorite"] == [True, False]
    assert found["link"] == origin.url("/a.png")
    assert found["size"] == [33, 21]
    assert found["hash"] == b64encode(hashlib.sha256(picture).digest()).decode()
    assert "400" in found["bad"]
    assert "400" in found["gone"]
    assert found["names"] == ["linked.png"], "what was refused left no trace"


def test_bad_uploads_leave_nothing(bench: Bench) -> None:
    made = bench.ask("projects.add", {"name": "bad uploads", "workspaceId": bench.workspace, "type": "images"})
    dataset = bench.ask("datasets.add", {"projectId": made["id"], "name": "ds", "parentId": None})["id"]
    good = pictures.picture(seed=901)
    for content, word in ((good[: len(good) // 2], "file"), (b"text", "file"), (b"", "empty")):
        status, answer = upload(bench, content)
        assert status == 400, answer
        assert word in answer["details"]["message"]
        digest = b64encode(hashlib.sha256(content).digest()).decode()
        assert bench.ask("images.internal.hashes.list", [digest]) == []
        status, answer = bench.call(
            "images.bulk.add", {"datasetId": dataset, "images": [{"title": "a.png", "hash": digest}]}
        )
        assert status == 400
        assert "upload it first" in answer["details"]["message"]
    for images in ([{"title": "a.png"}], [{"title": "", "hash": "x"}], [{"title": "a/b.png", "hash": "x"}], ["x"], "x",
                   [{"title": "a.png", "hash": "short"}], [{"title": "a.png", "imageId": 10**12}]):  # fmt: skip
        status, answer = bench.call("images.bulk.add", {"datasetId": dataset, "images": images})
        assert status in (400, 404), (images, answer)
    assert bench.ask("images.list", {"datasetId": dataset})["total"] == 0


def upload(bench: Bench, content: bytes, key: str | None = None) -> tuple[int, Any]:
    """A form with one file."""
    body = (b'--x\r\nContent-Disposition: form-data; name="0-file"; filename="0"\r\nContent-Type: image/*\r\n\r\n' + content
            + b"\r\n--x--\r\n")  # fmt: skip
    headers = {"Content-Type": "multipart/form-data; boundary=x", "x-api-key": key or bench.key}
    call = urllib.request.Request(f"{bench.server.url}/supervisely/public/api/v3/images.bulk.upload", body, headers)
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_what_comes_at_once_is_stored_once_and_wholly(bench: Bench) -> None:
    content = pictures.picture(seed=902)
    made = bench.ask("projects.add", {"name": "at once", "workspaceId": bench.workspace, "type": "images"})
    dataset = bench.ask("datasets.add", {"projectId": made["id"], "name": "ds", "parentId": None})["id"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: upload(bench, content), range(4)))
        digest = answers[0][1][0]["hash"]
        assert all(answer == (200, [{"hash": digest}]) for answer in answers)
        body = {"datasetId": dataset, "images": [{"title": "one.png", "hash": digest}]}
        added = sorted(status for status, _ in pool.map(lambda _: bench.call("images.bulk.add", body), range(4)))
    assert added == [200, 400, 400, 400]
    (image,) = bench.ask("images.list", {"datasetId": dataset})["entities"]

    (tag,) = bench.ask(
        "tags.bulk.add", {"projectId": made["id"], "tags": [{"name": "note", "settings": {"type": "any_string"}}]}
    )
    adding = {"tagId": tag["id"], "ids": [image["id"]]}
    notes = [f"note {number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda note: bench.ask("image-tags.bulk.add-to-image", {**adding, "value": note}), notes))
    there = bench.ask("images.info", {"id": image["id"]})["tags"]
    assert sorted(entry["value"] for entry in there) == sorted(notes), "each value that was added at once is kept"

    number = {"name": "count", "settings": {"type": "any_number"}}
    (tag,) = bench.ask("tags.bulk.add", {"projectId": made["id"], "tags": [number]})
    bench.ask("image-tags.bulk.add-to-image", {"tagId": tag["id"], "ids": [image["id"]], "value": 0})
    asked = {"datasetId": dataset, "filters": [{"type": "images_tag", "data": {"tagId": tag["id"]}}]}
    assert bench.ask("images.list", asked)["total"] == 1, "0 is a value"
    counted = bench.ask("projects.stats", {"id": made["id"]})["imageTags"]["items"]
    assert {row["tagMeta"]["name"]: row["total"] for row in counted} == {"note": 1, "count": 1}


def test_other_teams_are_not_there(bench: Bench) -> None:
    key = bench.stranger()
    made = bench.ask("projects.add", {"name": "walls", "workspaceId": bench.workspace, "type": "images"})
    dataset = bench.ask("datasets.add", {"projectId": made["id"], "name": "ds", "parentId": None})["id"]
    _, [stored] = upload(bench, pictures.picture(seed=903))
    [image] = bench.ask(
        "images.bulk.add", {"datasetId": dataset, "images": [{"title": "a.png", "hash": stored["hash"]}]}
    )
    bodies = {
        "projects.info": {"id": made["id"]}, "datasets.info": {"id": dataset}, "images.info": {"id": image["id"]},
        "images.download": {"id": image["id"]}, "images.bulk.download-by-hash": {"hashes": [stored["hash"]]},
        "images.list": {"datasetId": dataset}, "images.editInfo": {"id": image["id"], "name": "b.png"},
        "images.bulk.remove": {"imageIds": [image["id"]]}, "annotations.info": {"imageId": image["id"]},
        "figures.list": {"datasetId": dataset}, "projects.meta": {"id": made["id"]},
        "figures.bulk.add": {"entityId": image["id"], "figures": [{}]},
    }  # fmt: skip
    for method, body in bodies.items():
        assert bench.call(method, body, key)[0] == 404, method
    assert bench.ask("images.internal.hashes.list", [stored["hash"]], key) == []
    assert bench.ask("images.info", {"id": image["id"]})["name"] == "a.png"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"filter": [{"field": "shoe", "operator": "=", "value": 1}]}, "shoe"),
        ({"filters": [{"type": "moon", "data": {}}]}, "moon"),
        ({"sort": "shoe"}, "shoe"),
        ({"after": "x", "pagination_mode": "token"}, "after"),
        ({"projectId": 10**9}, "not in the project"),
    ],
)
def test_unknown_questions_are_refused(bench: Bench, body: dict[str, object], word: str) -> None:
    made = bench.ask("projects.list", {"workspaceId": bench.workspace})["entities"]
    project = (
        made[0] if made else bench.ask("projects.add", {"name": "q", "workspaceId": bench.workspace, "type": "images"})
    )
    rows = bench.ask("datasets.list", {"projectId": project["id"]})["entities"]
    dataset = rows[0] if rows else bench.ask("datasets.add", {"projectId": project["id"], "name": "q"})
    status, answer = bench.call("images.list", {"datasetId": dataset["id"], **body})
    assert status == 400, answer
    assert word in answer["details"]["message"]


def test_lists_hold_while_others_write(bench: Bench) -> None:
    place, few = floor.make(bench, 20_040), floor.make(bench, 430)
    _, [stored] = upload(bench, pictures.picture(seed=903))
    box = {"points": {"exterior": [[1, 1], [9, 9]], "interior": []}}
    classes = {c["title"]: c["id"] for c in bench.ask("projects.meta", {"id": few.project})["classes"]}
    figure = {"classId": classes["lemon"], "geometryType": "rectangle", "geometry": box}
    added = [figure | {"entityId": image} for image in few.images]
    before = {row["id"] for row in bench.ask("figures.bulk.add", {"datasetId": few.dataset, "figures": added})}
    over, faults = threading.Event(), []

    def write() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            image = few.images[number * 37 % 430]
            calls = [
                ("images.bulk.add", {"datasetId": place.dataset, "images": [{"title": f"new{number}.png", "hash": stored["hash"]}]}),
                ("figures.bulk.add", {"entityId": image, "figures": [figure]}),
                ("jobs.add", {"name": f"job {number}", "datasetId": few.dataset, "userIds": [few.users["ann"]], "meta": {"entityIds": [image]}}),
            ]  # fmt: skip
            faults.extend(answer for status, answer in (bench.call(*call) for call in calls) if status != 200)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = bench.script("""
many, few, before = json.loads(sys.argv[1]), int(sys.argv[2]), set(json.loads(sys.argv[3]))
out = {"images": [], "figures": [], "annotations": [], "jobs": []}
for _ in range(3):
    ids = [i.id for i in api.image.get_list(many)]
    out["images"].append([len(ids) == len(set(ids)), len(ids)])
    figures = [f.id for found in api.image.figure.download(few).values() for f in found]
    out["figures"].append([len(figures) == len(set(figures)), before <= set(figures)])
    rows = [a.image_id for page in api.annotation.get_list_generator(few, batch_size=100) for a in page]
    out["annotations"].append([len(rows) == len(set(rows)), len(rows)])
    jobs = [j.id for j in api.labeling_job.get_list(TEAM)]
    out["jobs"].append([len(jobs) == len(set(jobs)), len(jobs)])
answer(out)
""", place.dataset, few.dataset, json.dumps(sorted(before)))  # fmt: skip
    finally:
        over.set()
        writer.join()
    assert faults == []
    assert all(whole and count >= 20_040 for whole, count in found["images"])
    assert found["figures"] == [[True, True]] * 3
    assert found["annotations"] == [[True, 430]] * 3
    assert all(whole for whole, _ in found["jobs"])
    assert found["images"][-1][1] > found["images"][0][1], "others wrote meanwhile"
