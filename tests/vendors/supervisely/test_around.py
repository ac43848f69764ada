"""Issues, guides and webhooks through the real package; who is told of a completed job."""

from __future__ import annotations

import time
import uuid

import pytest

from labelwright.models.items import Item
from labelwright.models.projects import Project
from tests.support.origin import Origin
from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import Floor


@pytest.fixture
def place(bench: Bench) -> Floor:
    return floor.make(bench, 2)


def test_issues_and_their_instances(place: Floor) -> None:
    shape = {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}
    place.save(place.images[0], put=[{"id": 1, "class": "lemon", "shape": shape}])
    found = place.script("""
I = api.issues
one = I.add(TEAM, "Loose boxes", comment="Everywhere", assignees=[USERS["ann"]])
said = I.add_comment(one.id, "On lemons")
again = I.update_comment(said.id, "On lemons only")
meta = sly.ProjectMeta.from_json(api.project.get_meta(PROJECT))
ann = api.annotation.download(images[0])
label = ann.annotation["objects"][0]["id"]
I.add_subissue(one.id, [images[0]], [label], 48, 64, ann, meta)
records = I.get_list_by_dataset(dataset_id=DATASET)
sub = next(r for r in records if r["bindings"])
I.update_subissue(sub["id"], status="closed")
closed = I.update(one.id, issue_name="Loose", status="closed", is_pinned=True)
out = {"one": one._asdict(), "said": [again.comment, again.issue_id], "at": I.resolve_binding_image_id(sub), "sub": sub,
       "now": [r["status"] for r in I.get_list_by_dataset(project_id=PROJECT) if r["bindings"]], "closed": [closed.name, closed.status],
       "list": [[x.name, len(x.sub_issues)] for x in I.get_list(TEAM, [{"field": "id", "operator": "=", "value": one.id}], with_sub_issues=True)],
       "stranger": refused(I.add, 10**9, "x"), "status": refused(I.add_comment, 10**9, "x")}
I.remove(one.id)
answer(out | {"gone": I.get_info_by_id(one.id), "left": [r["issueId"] for r in I.get_list_by_dataset(dataset_id=DATASET)]})
""")
    assert (found["one"]["name"], found["one"]["status"]) == ("Loose boxes", "open")
    assert found["said"][0] == "On lemons only"
    assert (found["at"], found["sub"]["meta"]["position"]) == (place.images[0], {"left": 64, "top": 48})
    assert (found["now"], found["closed"], found["list"]) == (["closed"], ["Loose", "closed"], [["Loose", 1]])
    assert "404" in found["stranger"]
    assert "404" in found["status"]
    assert (found["gone"], found["left"]) == (None, [None])


def test_comments_of_our_editor_are_instances(place: Floor) -> None:
    with floor.writing(place.bench) as session:
        uid = session.get_one(Item, place.images[1]).uid
    body = {"body": "Look here", "x": 0.5, "y": 0.25}
    assert place.bench.server.request("POST", f"/api/v1/items/{uid}/comments", body, place.bench.key)[0] == 201
    (row,) = place.bench.ask("issues.dataset-issues.list", {"datasetId": place.dataset})
    assert (row["name"], row["bindings"], row["status"]) == (
        "Look here",
        [{"field": "imageId", "value": place.images[1]}],
        "open",
    )
    assert row["meta"]["position"] == {"left": 320, "top": 120}


def test_guides_are_instructions_of_projects(place: Floor) -> None:
    with floor.writing(place.bench) as session:
        session.get_one(Project, place.project).instructions = "# How to draw"
    found = place.script("""
listed = [g.id for g in api.guides.get_list(TEAM)]
guide = api.guides.get_info_by_id(PROJECT)
one = job("one", guide_id=PROJECT)[0]
answer({"listed": listed, "guide": guide._asdict(), "job": one.guide_id, "none": api.guides.get_info_by_id(10**9)})
""")
    assert place.project in found["listed"]
    assert (found["guide"]["description"], found["job"], found["none"]) == ("# How to draw", place.project, None)


def test_webhooks_tell_of_completed_jobs_and_queues(place: Floor) -> None:
    origin = Origin()
    try:
        address = origin.url("/told")
        found = place.script(f"""
W = api.webhook
made = {{a: W.create(TEAM, "{address}", a, headers={{"X-Mine": a}}) for a in ("labeling_job.completed", "labeling_queue.completed", "labeling_queue.job.completed")}}
first = made["labeling_job.completed"]
changed = W.update(first.id, retries_count=2)
one = job("one")[0]
queue = Q.create("queue", [USERS["ann"]], [USERS["rita"]], dataset_id=DATASET)
J.set_status(one.id, "completed")
Q.set_status(queue, "completed")
out = {{"job": one.id, "queue": queue, "ids": [w.id for w in W.get_list(TEAM)], "count": changed.retries_count, "action": first.action, "test": W.test(TEAM, first.id), "tests": [len(W.test(TEAM, action="labeling_job.completed")["tests"]), refused(W.test, TEAM, payload={{"a": 1}})],
       "word": refused(W.create, TEAM, "{address}", "job.done"), "url": refused(W.create, TEAM, "ftp://x", "labeling_job.completed"),
       "header": refused(W.create, TEAM, "{address}", "labeling_job.completed", headers={{"Host": "x"}}), "made": [w.id for w in made.values()]}}
answer(out)
""")
        deadline = time.monotonic() + 60
        while len([1 for _, body in origin.received if "action" in body]) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        told = {body["action"]: (headers, body) for headers, body in origin.received if "action" in body}
    finally:
        origin.close()
    assert found["tests"][0] >= 1
    assert "payload" in found["tests"][1]
    assert told["labeling_job.completed"][1]["jobId"] == found["job"]
    assert told["labeling_queue.completed"][1]["labelingQueueId"] == found["queue"]
    assert len(told["labeling_queue.job.completed"][1]["jobs"]) == 2
    assert all(headers["x-mine"] == action for action, (headers, _) in told.items())
    assert (found["count"], found["action"], set(found["made"]) <= set(found["ids"])) == (
        2,
        "labeling_job.completed",
        True,
    )
    for key in ("word", "url", "header"):
        assert "400" in found[key], found[key]
    for ref in found["made"]:
        place.bench.ask("webhooks.bulk.remove", {"ids": [ref]})
    assert place.bench.call("webhooks.info", {"id": found["made"][0]})[0] == 404


FILTERS = """
meta = sly.ProjectMeta.from_json(api.project.get_meta(PROJECT))
tag, cls = lambda n: meta.get_tag_meta(n).sly_id, lambda n: meta.get_obj_class(n).sly_id
f = lambda type, **data: {"type": type, "data": data}
def chosen(*filters):
    return [images.index(i.id) for i in api.image.get_filtered_list(DATASET, list(filters))]
many = {"from": 1, "to": 9999}
size, origin, me = tag("size"), tag("origin"), api.user.get_my_info().id
out = {"name": chosen(f("images_filename", value="_0002")), "all names": chosen(f("images_filename")),
  "tag": chosen(f("images_tag", tagId=origin, include=True, value=None)), "no tag": chosen(f("images_tag", tagId=origin, include=False, value=None)),
  "rome": chosen(f("images_tag", tagId=origin, include=True, value="Rome")), "not rome": chosen(f("images_tag", tagId=origin, include=False, value="Rome")),
  "any tag": chosen(f("images_tag", tagId=None, include=True)), "two": chosen(f("images_tag", tagId=origin, value=["Rome", "Bari"]), f("images_tag", tagId=size)),
  "objects tag": chosen(f("objects_tag", **many, tagId=size, include=True)), "small": chosen(f("objects_tag", **many, tagId=size, value="small", include=True)),
  "lemons with": chosen(f("objects_tag", **many, tagClassId=cls("lemon"), tagId=size)), "without": chosen(f("objects_tag", **many, tagId=size, include=False)),
  "class": chosen(f("objects_class", **many, classId=cls("lemon"), include=True)), "not class": chosen(f("objects_class", **many, classId=cls("lemon"), include=False)),
  "three": chosen(f("objects_class", **{"from": 3, "to": 9999}, classId=None)), "empty": chosen(f("objects_class", **{"from": 0, "to": 0}, classId=None)),
  "ann": chosen(f("objects_annotator", **many, userId=USERS["ann"])), "one of mine": chosen(f("objects_annotator", **{"from": 1, "to": 1}, userId=me)),
  "anybody": chosen(f("objects_annotator")), "tagged by ann": chosen(f("tagged_by_annotator", **many, userId=USERS["ann"])),
  "tagged twice": chosen(f("tagged_by_annotator", **{"from": 2, "to": 9999}, userId=me)), "issues": chosen(f("issues_count", **many, status=None)),
  "open": chosen(f("issues_count", **many, status="open")), "closed": chosen(f("issues_count", **many, status="closed")), "none": chosen(f("issues_count", **{"from": 0, "to": 0}, status=None))}
def figures(*filters):
    return {images.index(i): sorted(meta.get_obj_class_by_id(x.class_id).name for x in xs) for i, xs in api.image.figure.download(DATASET, filters=list(filters)).items()}
out["figures"] = [figures(f("objects_class", **many, classId=cls("lemon"))), figures(f("objects_class", **many, classId=cls("lemon"), include=False)),
  figures(f("objects_tag", **many, tagId=size, value="small")), figures(f("objects_annotator", **many, userId=USERS["ann"])), figures(f("images_filename", value="_0002"))]
ann = api.annotation.download(images[3], figure_filters=[f("objects_class", **many, classId=cls("kiwi"))])
out["annotation"] = [o["classTitle"] for o in ann.annotation["objects"]]
c = api.entities_collection.create(PROJECT, "hard")
api.entities_collection.add_items(c.id, images[:2])
q = Q.create("queue", [USERS["ann"]], [USERS["rita"]], dataset_id=DATASET)
out["queue"] = [images.index(e["id"]) for e in Q.get_entities_all_pages(q, filter_by=[{"field": "name", "operator": "in", "value": ["IMG_0001.jpeg"]}])["images"]]
ask = lambda *filters: [images.index(e["id"]) for e in api.post("labeling-queues.stats.entities", {"id": q, "filters": list(filters)}).json()["images"]]
out["in queue"] = [ask(f("entities_collection", collectionId=c.id, include=False)), ask(f("objects_class", **many, classId=cls("lemon"))), ask(f("images_tag", tagId=origin, value="Rome"))]
api.retry_count = 1
def bad(type, **data):
    return refused(api.post, "images.list", {"datasetId": DATASET, "filters": [f(type, **data)]})
out["bad"] = [bad("moon"), bad("images_tag", tagID=1), bad("images_tag", tagId=10**9), bad("issues_count", status="lost"), bad("objects_class", **{"from": "x"}),
  bad("images_tag", tagId=origin, value={"from": "x"}), refused(api.image.figure.download, DATASET, filters=[f("moon")])]
answer(out)
"""


def labeled(bench: Bench) -> Floor:
    """Six images: labels, tags and comments of the manager and of ann, who has one in a job."""
    place = floor.make(bench, 6)
    box = {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}
    lemon, kiwi = {"id": 1, "class": "lemon", "shape": box}, {"id": 2, "class": "kiwi", "shape": box}
    place.save(place.images[0], put=[lemon, kiwi | {"attributes": {"size": "small"}}], attributes={"origin": "Rome"})
    place.save(
        place.images[1], put=[lemon | {"attributes": {"size": "large"}}], attributes={"origin": "Bari", "size": "small"}
    )
    place.save(place.images[2], put=[kiwi])
    key = place.key("ann")
    place.script("answer(job(images_ids=images[3:4])[0].id)")
    work = place.next("ann", key)
    change = {
        "base": work["document"]["version"],
        "save_id": str(uuid.uuid4()),
        "lease": work["task"]["lease"],
        "delete": [],
    }
    change |= {"put": [lemon, kiwi | {"attributes": {"size": "small"}}], "attributes": {"origin": "Rome"}}
    assert bench.server.request("PATCH", f"/api/v1/items/{work['item']['uid']}/document", change, key)[0] == 200
    place.save(place.images[3], put=[kiwi | {"id": 3}])
    with floor.writing(bench) as session:
        uids = [session.get_one(Item, image).uid for image in place.images]
    for number, resolved in ((0, False), (0, True), (4, True)):
        status, made = bench.server.request(
            "POST", f"/api/v1/items/{uids[number]}/comments", {"body": "Look"}, bench.key
        )
        assert status == 201
        if resolved:
            assert (
                bench.server.request("PATCH", f"/api/v1/comments/{made['uid']}", {"resolved": True}, bench.key)[0]
                == 200
            )
    return place


def test_filters_of_images_figures_and_queues(bench: Bench) -> None:
    found = labeled(bench).script(FILTERS)
    expected = {
        "name": [2], "all names": [0, 1, 2, 3, 4, 5], "tag": [0, 1, 3], "no tag": [2, 4, 5], "rome": [0, 3], "not rome": [1, 2, 4, 5],
        "any tag": [0, 1, 3], "two": [1], "objects tag": [0, 1, 3], "small": [0, 3], "lemons with": [1], "without": [0, 2, 3],
        "class": [0, 1, 3], "not class": [2, 4, 5], "three": [3], "empty": [4, 5], "ann": [3], "one of mine": [1, 2, 3],
        "anybody": [0, 1, 2, 3], "tagged by ann": [3], "tagged twice": [1], "issues": [0, 4], "open": [0], "closed": [0, 4],
        "none": [1, 2, 3, 5],
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["figures"] == [
        {"0": ["lemon"], "1": ["lemon"], "3": ["lemon"]}, {"0": ["kiwi"], "2": ["kiwi"], "3": ["kiwi", "kiwi"]},
        {"0": ["kiwi"], "3": ["kiwi"]}, {"3": ["kiwi", "lemon"]}, {"2": ["kiwi"]},
    ]  # fmt: skip
    assert found["annotation"] == ["kiwi", "kiwi"]
    assert found["queue"] == [1]
    assert found["in queue"] == [[2, 3, 4, 5], [0, 1, 3], [0, 3]]
    for sentence, word in zip(
        found["bad"], ("moon", "tagID", "1000000000", "lost", "from", "no number", "moon"), strict=True
    ):
        assert word in sentence, sentence
