"""Labeling jobs through the real package: made with every option, listed by every filter, changed and put away."""

from __future__ import annotations

import pytest

from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import Floor


@pytest.fixture
def place(bench: Bench) -> Floor:
    return floor.make(bench)


def test_a_job_is_what_was_asked_for(place: Floor) -> None:
    found = place.script("""
plain = job("plain", readme="# Draw", description="short", classes_to_label=["lemon"])[0]
full = job("full", users=["ann", "ben"], classes_to_label=["kiwi"], objects_limit_per_image=10, tags_to_label=["size", "origin"],
           tags_limit_per_image=20, images_ids=images[:3], reviewer_id=USERS["rita"], dynamic_classes=True, dynamic_tags=True,
           read_only_tags=["origin"], disable_confirm=False, disable_submit=False, allow_restore=True, enable_quality_check=True)
ranged = job("ranged", images_range=(2, 4))[0]
answer({"plain": plain._asdict(), "full": [f._asdict() for f in full], "range": [list(ranged.images_range), [e["id"] for e in ranged.entities]],
        "meta": [c.name for c in J.get_project_meta(plain.id).obj_classes],
        "clone": J.clone(ranged.id, "again", USERS["rita"], [USERS["ben"]])[0]._asdict()})
""")
    plain = found["plain"]
    assert (plain["name"], plain["readme"], plain["description"]) == ("plain", "# Draw", "short")
    assert (plain["status"], plain["disabled"], plain["images_count"]) == ("pending", False, 6)
    assert (plain["classes_to_label"], plain["tags_to_label"]) == (["lemon"], [])
    assert (plain["objects_limit_per_image"], plain["tags_limit_per_image"]) == (0, 0)
    assert (plain["project_id"], plain["dataset_id"], plain["dataset_name"]) == (place.project, place.dataset, "ds1")
    assert (plain["team_id"], plain["workspace_id"]) == (place.bench.team, place.bench.workspace)
    assert (plain["assigned_to_id"], plain["assigned_to_login"]) == (place.users["ann"], place.logins["ann"])
    assert plain["reviewer_id"] == plain["created_by_id"]
    assert (plain["started_at"], plain["finished_at"], plain["images_range"]) == (None, None, [None, None])
    assert [(e["id"], e["reviewStatus"]) for e in plain["entities"]] == [(i, "none") for i in place.images]
    assert [f["assigned_to_id"] for f in found["full"]] == [place.users["ann"], place.users["ben"]]
    for full in found["full"]:
        assert (full["objects_limit_per_image"], full["tags_limit_per_image"]) == (10, 20)
        assert (full["classes_to_label"], full["tags_to_label"]) == (["kiwi"], ["size", "origin"])
        assert (full["reviewer_id"], full["reviewer_login"]) == (place.users["rita"], place.logins["rita"])
        assert [e["id"] for e in full["entities"]] == place.images[:3]
        meta = place.bench.ask("jobs.info", {"id": full["id"]})["meta"]
        flags = ("dynamicClasses", "dynamicTags", "allowRestore", "enableIntermediateReview")
        assert all(meta[name] for name in flags)
        assert (meta["readOnlyTags"], meta["disableSubmit"]) == (["origin"], False)
    assert found["range"] == [[2, 4], place.images[1:4]]
    assert found["meta"] == ["lemon"]
    clone = found["clone"]
    assert ([e["id"] for e in clone["entities"]], clone["images_range"]) == (place.images[1:4], [2, 4])
    assert (clone["assigned_to_id"], clone["reviewer_id"]) == (place.users["ben"], place.users["rita"])


def test_lists_by_every_filter(place: Floor) -> None:
    found = place.script("""
a, b = job("a", users=["ann", "ben"], reviewer_id=USERS["rita"])
other = api.dataset.create(PROJECT, "empty")
c = job("c", users=["ben"])[0]
J.set_status(c.id, "completed")
J.archive(a.id)
me = api.user.get_my_info().id
def names(**only):
    return [x.name for x in J.get_list(TEAM, **({"project_id": PROJECT} | only))]
out = {"all": names(), "mine": names(created_by_id=me), "hers": names(created_by_id=USERS["ann"]), "ben": names(assigned_to_id=USERS["ben"]),
       "ann": names(assigned_to_id=USERS["ann"]), "dataset": names(dataset_id=DATASET), "other": names(dataset_id=other.id),
       "disabled": names(show_disabled=True), "rita": names(reviewer_id=USERS["rita"]), "no_queue": names(is_part_of_queue=False),
       "open": names(exclude_statuses=["completed"]), "queue": names(queue_ids=[1]),
       "both": names(created_by_id=me, assigned_to_id=USERS["ben"], reviewer_id=USERS["rita"]),
       "entities": [[x.name, len(x.entities)] for x in J.get_list(TEAM, project_id=PROJECT, with_entities=True)],
       "without": [x.entities for x in J.get_list(TEAM, project_id=PROJECT)], "archived": J.get_info_by_id(a.id).disabled,
       "none": J.get_info_by_ids([b.id, 10**9])[1]}
answer(out)
""")
    assert found["all"] == found["mine"] == found["dataset"] == found["no_queue"] == found["ben"] == ["a", "c"]
    assert (found["hers"], found["other"], found["ann"], found["queue"]) == ([], [], [], [])
    assert (found["disabled"], found["rita"], found["open"], found["both"]) == (["a", "a", "c"], ["a"], ["a"], ["a"])
    assert (found["entities"], found["without"]) == ([["a", 6], ["c", 6]], [None, None])
    assert (found["archived"], found["none"]) == (True, None)
    status, body = place.bench.call(
        "jobs.list", {"teamId": place.bench.team, "filter": [{"field": "color", "operator": "=", "value": 1}]}
    )
    assert (status, "color" in body["details"]["message"]) == (400, True)


def test_images_are_chosen_by_their_tags(place: Floor) -> None:
    values = ({"size": "small"}, {"size": "large"}, {"size": "small", "origin": "Italy"})
    for image, attributes in zip(place.images, values, strict=False):
        place.save(image, attributes=attributes)
    found = place.script("""
def chosen(**tags):
    return [images.index(e["id"]) for e in job("tags", **tags)[0].entities]
one = job("x", include_images_with_tags=["size"], exclude_images_with_tags=["origin"])[0]
answer({"with": chosen(include_images_with_tags=["size"]), "without": chosen(exclude_images_with_tags=["size"]),
        "both": chosen(include_images_with_tags=["size", "origin"]), "said": [one.include_images_with_tags, one.exclude_images_with_tags],
        "mixed": [images.index(e["id"]) for e in one.entities],
        "empty": refused(job, "none", include_images_with_tags=["origin"], images_ids=images[:1])})
""")
    assert (found["with"], found["without"], found["both"]) == ([0, 1, 2], [3, 4, 5], [2])
    assert (found["mixed"], found["said"]) == ([0, 1], [["size"], ["origin"]])
    assert "No images found" in found["empty"]


def test_what_cannot_be_is_refused_and_leaves_nothing(place: Floor) -> None:
    stranger = floor.make(place.bench)
    ask = {"name": "n", "datasetId": place.dataset, "userIds": [place.users["ann"]], "meta": {}}
    bad = [
        ({"datasetId": 10**9}, 404, "10"), ({"userIds": []}, 400, "userIds"), ({"userIds": [10**9]}, 400, "labeler"),
        ({"reviewerId": place.users["ann"]}, 400, "reviewer"), ({"name": ""}, 400, "name"), ({"name": 7}, 400, "name"),
        ({"meta": {"classes": ["pear"]}}, 400, "pear"), ({"meta": {"projectTags": ["taste"]}}, 400, "taste"),
        ({"meta": {"readOnlyTags": ["taste"]}}, 400, "taste"), ({"meta": {"imageTags": [{"name": "taste"}]}}, 400, "taste"),
        ({"meta": {"entityIds": [stranger.images[0]]}}, 400, str(stranger.images[0])), ({"meta": {"entityIds": "all"}}, 400, "entityIds"),
        ({"meta": {"imageFiguresLimit": -1}}, 400, "imageFiguresLimit"), ({"meta": {"range": {"start": 5, "end": 2}}}, 400, "range"),
        ({"meta": {"range": {"start": 7, "end": 9}}}, 400, "No images found"), ({"meta": {"guide": 10**9}}, 400, "guide"),
        ({"meta": []}, 400, "meta"),
    ]  # fmt: skip
    for change, code, word in bad:
        status, body = place.bench.call("jobs.add", {**ask, **change})
        assert (status, word in body["details"]["message"], bool(body["error"])) == (code, True, True), (change, body)
    listed = {"teamId": place.bench.team, "filter": [{"field": "projectId", "operator": "=", "value": place.project}]}
    assert place.bench.ask("jobs.list", listed)["entities"] == []
    for method in (
        "jobs.info",
        "jobs.stop",
        "jobs.archive",
        "jobs.stats",
        "jobs.restart",
        "jobs.reject",
        "jobs.editInfo",
    ):
        assert place.bench.call(method, {"id": 10**9})[0] == 404, method
        assert place.bench.call(method, {})[0] == 400, method
    assert place.bench.call("jobs.set-status", {"id": 10**9, "status": "stopped"})[0] == 404
    assert place.bench.call("jobs.bulk.remove", {"ids": [10**9]})[0] == 404


def test_people_can_be_exchanged_and_custom_data_kept(place: Floor) -> None:
    found = place.script("""
one = job("one", reviewer_id=USERS["rita"])[0]
J.set_custom_data(one.id, {"a": 1})
J.set_custom_data(one.id, {"b": 2})
changed = J.set_assignees(one.id, annotator_id=USERS["ben"])
answer({"id": one.id, "custom": J.get_custom_data(one.id), "who": [changed.assigned_to_id, changed.reviewer_id],
        "stranger": refused(J.set_assignees, one.id, annotator_id=10**9)})
""")
    assert (found["custom"], found["who"]) == ({"a": 1, "b": 2}, [place.users["ben"], place.users["rita"]])
    assert "10000" in found["stranger"] or "not" in found["stranger"]


def test_removed_jobs_are_gone_and_their_images_stay(place: Floor) -> None:
    found = place.script("""
a, b = job("a", users=["ann", "ben"])
c = job("c")[0]
J.remove(a.id)
refusal = refused(J.remove_batch, [b.id, 10**9])
still = J.get_info_by_id(b.id).name
J.remove_batch([b.id, c.id])
answer({"refused": refusal, "still": still, "left": [x.name for x in J.get_list(TEAM, project_id=PROJECT, show_disabled=True)],
        "gone": J.get_info_by_id(a.id), "images": api.dataset.get_info_by_id(DATASET).items_count})
""")
    assert (found["still"], found["left"], found["gone"], found["images"]) == ("a", [], None, 6)
    assert "404" in found["refused"]
