"""Issues, guides and webhooks through the real package; who is told of a completed job."""

from __future__ import annotations

import time

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
out = {{"job": one.id, "queue": queue, "ids": [w.id for w in W.get_list(TEAM)], "count": changed.retries_count, "action": first.action, "test": W.test(TEAM, first.id),
       "word": refused(W.create, TEAM, "{address}", "job.done"), "url": refused(W.create, TEAM, "ftp://x", "labeling_job.completed"),
       "header": refused(W.create, TEAM, "{address}", "labeling_job.completed", headers={{"Host": "x"}}), "made": [w.id for w in made.values()]}}
answer(out)
""")
        deadline = time.monotonic() + 60
        while len(origin.received) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        told = {body["action"]: (headers, body) for headers, body in origin.received if "action" in body}
    finally:
        origin.close()
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
