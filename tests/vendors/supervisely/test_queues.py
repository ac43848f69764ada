"""Labeling queues and entity collections through the real package."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import Floor


@pytest.fixture
def place(bench: Bench) -> Floor:
    return floor.make(bench, 4)


def a_queue(place: Floor, **more: Any) -> int:
    body = {
        "name": "queue", "datasetId": place.dataset, "userIds": [place.users["ann"], place.users["ben"]],
        "reviewerIds": [place.users["rita"]], "meta": {}, **more,
    }  # fmt: skip
    return place.bench.ask("labeling-queues.add", body)["id"]


def numbers(place: Floor, queue: int) -> tuple[int, int, int, int]:
    info = place.bench.ask("labeling-queues.info", {"id": queue})
    return info["pendingCount"], info["inProgressCount"], info["annotatedCount"], info["acceptedCount"]


def test_a_queue_is_what_was_asked_for(place: Floor) -> None:
    found = place.script("""
q = Q.create("queue", [USERS["ann"], USERS["ben"]], [USERS["rita"]], dataset_id=DATASET, readme="# Draw", classes_to_label=["lemon"],
             objects_limit_per_image=5, tags_to_label=["size"], images_ids=images[:3], allow_review_own_annotations=True, hide_figure_author=True)
info = Q.get_info_by_id(q)
jobs = J.get_list(TEAM, queue_ids=q)
answer({"id": q, "info": info._asdict(), "status": str(Q.get_status(q)), "meta": [[c.name for c in Q.get_project_meta(q).obj_classes], [t.name for t in Q.get_project_meta(q).tag_metas]],
        "jobs": [j._asdict() for j in jobs], "apart": [j.id for j in J.get_list(TEAM, project_id=PROJECT, is_part_of_queue=False)],
        "lists": [len(Q.get_list(TEAM, **only)) for only in ({"project_id": PROJECT}, {"dataset_id": DATASET}, {"ids": [q]}, {"names": ["queue"], "project_id": PROJECT}, {"names": ["x"]}, {"collection_id": 5})],
        "count": Q.get_entities_count_by_status(q, "null"), "entities": Q.get_entities_all_pages(q, per_page=2), "nothing": Q.get_info_by_id(10**9),
        "jobless": J.get_info_by_id(q), "changed": refused(J.set_status, jobs[0].id, "stopped")})
""")
    info = found["info"]
    assert (info["labelers"], info["reviewers"]) == ([place.users["ann"], place.users["ben"]], [place.users["rita"]])
    assert (info["entities_count"], info["pending_count"], info["status"]) == (3, 3, "pending")
    assert (info["dataset_id"], info["project_id"], info["collection_id"]) == (place.dataset, place.project, None)
    assert found["meta"] == [["lemon"], ["size"]]
    assert sorted(j["id"] for j in found["jobs"]) == sorted(info["jobs"])
    assert [(j["assigned_to_id"], j["reviewer_id"], j["images_count"]) for j in found["jobs"]] == [
        (place.users["ann"], None, 0), (place.users["ben"], None, 0), (None, place.users["rita"], 0),
    ]  # fmt: skip
    assert {j["labeling_queue_id"] for j in found["jobs"]} == {found["id"]}
    assert found["apart"] == []
    assert found["lists"] == [1, 1, 1, 1, 0, 0]
    assert (found["count"], found["entities"]["total"], len(found["entities"]["images"])) == (3, 3, 3)
    assert (found["nothing"], found["jobless"]) == (None, None)
    assert "queue" in found["changed"]


def test_people_pull_and_what_is_returned_goes_to_its_author(place: Floor) -> None:
    queue, keys = a_queue(place), {name: place.key(name) for name in ("ann", "ben", "rita")}
    first, second = place.next("ann", keys["ann"]), place.next("ben", keys["ben"])
    assert first["item"]["uid"] != second["item"]["uid"]
    assert place.next("ann", keys["ann"])["item"]["uid"] == first["item"]["uid"]
    assert numbers(place, queue) == (2, 2, 0, 0)
    assert place.act(first, "submit", keys["ann"])[0] == 200
    assert numbers(place, queue) == (2, 1, 1, 0)
    assert place.act(place.next("rita", keys["rita"]), "reject", keys["rita"], reason="loose", comment="redo")[0] == 200
    assert numbers(place, queue) == (2, 2, 0, 0)
    assert place.act(second, "submit", keys["ben"])[0] == 200
    assert place.next("ben", keys["ben"])["item"]["uid"] != first["item"]["uid"]
    again = place.next("ann", keys["ann"])
    assert (again["item"]["uid"], again["task"]["returned"]) == (first["item"]["uid"], 1)
    rows = place.bench.ask(
        "labeling-queues.stats.entities", {"id": queue, "page": 1, "per_page": 25, "entityStatus": ["none"]}
    )
    assert (rows["total"], {row["labelerLogin"] for row in rows["images"]}) == (
        2,
        {place.logins["ann"], place.logins["ben"]},
    )
    jobs = place.bench.ask(
        "jobs.list",
        {"teamId": place.bench.team, "filter": [{"field": "labelingQueueId", "operator": "in", "value": [queue]}]},
    )
    assert [(job["labelerLogin"], job["imagesCount"], job["status"]) for job in jobs["entities"][:2]] == [
        (place.logins["ann"], 1, "in_progress"), (place.logins["ben"], 2, "in_progress"),
    ]  # fmt: skip
    place.bench.ask("labeling-queues.set-status", {"id": queue, "status": "stopped"})
    assert place.next("ann", keys["ann"]) is None
    assert place.bench.ask("labeling-queues.info", {"id": queue})["status"] == "stopped"


def test_nothing_is_handed_to_two_people(place: Floor) -> None:
    floor.fill(place.bench, place.dataset, 36)
    queue = a_queue(place)
    keys, got = [place.key(name) for name in ("ann", "ben", "ann", "ben")], []

    def pull(key: str) -> None:
        while (work := place.next("", key)) is not None:
            status, _ = place.act(work, "submit", key)
            if status == 200:
                got.append(work["item"]["uid"])

    threads = [threading.Thread(target=pull, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 40
    assert numbers(place, queue) == (0, 0, 40, 0)
    assert place.bench.ask("labeling-queues.info", {"id": queue})["status"] == "on_review"


def test_collections(place: Floor) -> None:
    found = place.script("""
E = api.entities_collection
c = E.create(PROJECT, "hard", description="Look twice")
added = E.add_items(c.id, images[:3])
missing = refused(E.add_items, c.id, [images[3], 10**9])
taken = E.remove_items(c.id, [images[0]])
q = Q.create("of a collection", [USERS["ann"]], [USERS["rita"]], collection_id=c.id)
out = {"info": E.get_info_by_id(c.id)._asdict(), "added": added, "missing": missing, "taken": taken, "names": [x.name for x in E.get_list(PROJECT)],
       "twin": E.create(PROJECT, "hard", change_name_if_conflict=True).name, "taken_name": refused(E.create, PROJECT, "hard"),
       "queue": [e["id"] for e in Q.get_entities_all_pages(q)["images"]], "of": Q.get_info_by_id(q).collection_id,
       "part": Q.get_entities_all_pages(q, collection_id=c.id)["total"], "items": [i.id for i in E.get_items(c.id, "entities_collection")], "lists": len(Q.get_list(TEAM, collection_id=c.id))}
E.remove(c.id)
answer(out | {"gone": E.get_info_by_id(c.id)})
""")
    assert (found["info"]["name"], found["info"]["description"], found["info"]["type"]) == (
        "hard",
        "Look twice",
        "default",
    )
    assert [row["imageId"] for row in found["added"]] == place.images[:3]
    assert "1000000000" in found["missing"]
    assert [row["imageId"] for row in found["taken"]] == place.images[:1]
    assert (found["names"], found["twin"] != "hard", found["gone"]) == (["hard"], True, None)
    assert "400" in found["taken_name"] or "409" in found["taken_name"]
    assert found["queue"] == [place.images[1], place.images[2], place.images[3]]
    assert (found["part"], found["lists"], found["items"]) == (3, 1, found["queue"])


def test_bad_queues_are_refused(place: Floor) -> None:
    ask = {
        "name": "q",
        "datasetId": place.dataset,
        "userIds": [place.users["ann"]],
        "reviewerIds": [place.users["rita"]],
        "meta": {},
    }
    for change, word in (
        ({"userIds": []}, "userIds"), ({"reviewerIds": []}, "reviewerIds"), ({"datasetId": None}, "collectionId"),
        ({"meta": {"entityIds": [10**9]}}, "1000000000"), ({"reviewerIds": [place.users["ann"]]}, "reviewer"),
    ):  # fmt: skip
        status, body = place.bench.call("labeling-queues.add", {**ask, **change})
        assert (status, word in body["details"]["message"]) == (400, True), body
    assert place.bench.call("labeling-queues.add", {**ask, "datasetId": 10**9})[0] == 404
    queue = a_queue(place)
    for more in ({"entityStatus": ["fine"]}, {"sort": "color"}, {"page": 0}, {"filters": [{"type": "moon"}]}):
        assert place.bench.call("labeling-queues.stats.entities", {"id": queue, **more})[0] == 400, more
