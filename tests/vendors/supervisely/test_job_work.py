"""Working on labeling jobs: what a status does to people, verdicts, rejected images, restarts, statistics, activity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import Floor


@pytest.fixture
def place(bench: Bench) -> Floor:
    return floor.make(bench, 3)


def a_job(place: Floor, **meta: Any) -> int:
    body = {
        "name": "job", "datasetId": place.dataset, "userIds": [place.users["ann"]], "reviewerId": place.users["rita"], "meta": meta,
    }  # fmt: skip
    return place.bench.ask("jobs.add", body)[0]["id"]


def info(place: Floor, job: int) -> dict[str, Any]:
    return place.bench.ask("jobs.info", {"id": job})


def states(place: Floor, job: int) -> list[str]:
    return [entity["reviewStatus"] for entity in info(place, job)["entities"]]


def test_a_job_walks_through_its_statuses_as_people_work(place: Floor) -> None:
    job, ann, rita = a_job(place), place.key("ann"), place.key("rita")
    assert info(place, job)["status"] == "pending"
    assert place.next("ben", place.key("ben")) is None
    for number in range(3):
        work = place.next("ann", ann)
        assert info(place, job)["status"] == "in_progress"
        assert place.act(work, "submit", ann)[0] == 200
        assert states(place, job).count("done") == number + 1
    body = info(place, job)
    assert (body["status"], body["finishedImagesCount"], bool(body["startedAt"])) == ("on_review", 3, True)
    work = place.next("rita", rita)
    assert place.act(work, "reject", rita, reason="loose", comment="redo")[0] == 200
    body = info(place, job)
    assert (body["status"], body["rejectedImagesCount"], states(place, job).count("rejected")) == ("in_progress", 1, 1)
    assert place.act(place.next("ann", ann), "submit", ann)[0] == 200
    for _ in range(3):
        assert place.act(place.next("rita", rita), "accept", rita)[0] == 200
    body = info(place, job)
    assert (body["status"], body["acceptedImagesCount"], bool(body["finishedAt"])) == ("completed", 3, True)
    assert states(place, job) == ["accepted"] * 3


def test_a_stopped_job_is_gone_from_the_labelers_queue_at_once(place: Floor) -> None:
    job, ann = a_job(place), place.key("ann")
    held = place.next("ann", ann)
    assert held is not None
    place.bench.ask("jobs.stop", {"id": job})
    assert info(place, job)["status"] == "stopped"
    assert place.next("ann", ann) is None
    assert place.bench.server.request("POST", f"/api/v1/tasks/{held['task']['uid']}/claim", {}, ann)[0] == 409
    place.bench.ask("jobs.set-status", {"id": job, "status": "in_progress"})
    assert place.next("ann", ann)["task"]["uid"] == held["task"]["uid"]
    place.bench.ask("jobs.archive", {"id": job})
    body = info(place, job)
    assert (body["disabled"], body["status"]) == (True, "in_progress")
    assert place.next("ann", ann) is None


def test_a_manager_can_set_any_status_after_any_other(place: Floor) -> None:
    job = a_job(place)
    order = ("pending", "in_progress", "on_review", "review_completed", "completed", "stopped")
    for first in order:
        for second in order:
            for status in (first, second):
                place.bench.ask("jobs.set-status", {"id": job, "status": status})
                assert info(place, job)["status"] == status, (first, second)
    assert place.bench.call("jobs.set-status", {"id": job, "status": "finished"})[0] == 400


def test_statuses_that_a_manager_sets_bring_work_to_people(place: Floor) -> None:
    job, ann, rita = a_job(place), place.key("ann"), place.key("rita")

    def to(status: str) -> None:
        place.bench.ask("jobs.set-status", {"id": job, "status": status})

    to("completed")
    assert place.next("ann", ann) is None
    assert place.next("rita", rita) is None
    to("on_review")
    assert states(place, job) == ["done"] * 3
    assert place.next("ann", ann) is None
    assert place.next("rita", rita)["task"]["stage"] == "review"
    to("in_progress")
    assert states(place, job) == ["none"] * 3
    assert place.next("ann", ann)["task"]["stage"] == "label"
    to("completed")
    status, body = place.bench.call("jobs.stop", {"id": job})
    assert (status, "completed" in body["details"]["message"]) == (400, True)


def test_a_quality_check_follows_the_review_when_it_is_asked_for(place: Floor) -> None:
    job, rita = a_job(place, enableIntermediateReview=True), place.key("rita")
    place.bench.ask("jobs.set-status", {"id": job, "status": "on_review"})
    for _ in range(5):  # each image twice, the oldest first; the last one is still to be checked
        assert info(place, job)["status"] == "on_review"
        assert place.act(place.next("rita", rita), "accept", rita)[0] == 200
    assert info(place, job)["status"] == "review_completed"
    assert place.act(place.next("rita", rita), "accept", rita)[0] == 200
    assert info(place, job)["status"] == "completed"


def test_verdicts_rejection_and_restart(place: Floor) -> None:
    found = place.script("""
one = job("one", classes_to_label=["lemon"], objects_limit_per_image=4, reviewer_id=USERS["rita"], readme="# Draw")[0]
nothing = refused(J.restart, one.id)
ignored = J.restart(one.id, ignore_no_rejected_error=True)
seen = []
for status in ("done", "accepted", "rejected", "none", "accepted"):
    J.set_entity_review_status(one.id, images[0], status)
    seen.append(states(one.id)[0])
J.set_entity_review_status(one.id, images[1], "rejected")
again = J.restart(one.id, title="again", complete_existing=False)
fresh = J.get_info_by_id(again[0]["id"])
whole = J.restart(one.id, assignee_ids=[USERS["ann"], USERS["ben"]], only_rejected_entities=False)
old = J.get_info_by_id(one.id).status
J.reject_annotations(one.id)
answer({"nothing": nothing, "ignored": ignored, "seen": seen, "again": again, "fresh": fresh._asdict(), "old": old,
        "whole": [[e["id"] for e in J.get_info_by_id(w["id"]).entities] for w in whole], "all": states(one.id),
        "foreign": refused(J.set_entity_review_status, one.id, 10**9, "done"), "word": refused(J.set_entity_review_status, one.id, images[0], "fine")})
""")
    assert "No images found" in found["nothing"]
    assert found["ignored"] == []
    assert found["seen"] == ["done", "accepted", "rejected", "none", "accepted"]
    (again,) = found["again"]
    assert (again["type"], again["name"], again["userId"]) == ("annotation", "again", place.users["ann"])
    fresh = found["fresh"]
    assert [(e["id"], e["reviewStatus"]) for e in fresh["entities"]] == [(place.images[1], "none")]
    assert (fresh["classes_to_label"], fresh["objects_limit_per_image"], fresh["readme"]) == (["lemon"], 4, "# Draw")
    assert (fresh["reviewer_id"], fresh["status"], found["old"]) == (place.users["rita"], "pending", "completed")
    assert found["whole"] == [place.images[1:]] * 2
    assert found["all"] == ["rejected"] * 3
    assert "404" in found["foreign"]
    assert "400" in found["word"]


def test_people_set_review_statuses_as_far_as_their_role_goes(place: Floor) -> None:
    job, ann, ben, rita = a_job(place), place.key("ann"), place.key("ben"), place.key("rita")

    def judge(key: str, status: str) -> int:
        body = {"jobId": job, "entityId": place.images[0], "status": status}
        return place.bench.call("jobs.entities.update-review-status", body, key)[0]

    assert judge(ben, "done") == 409
    assert judge(ann, "accepted") >= 400
    assert judge(ann, "done") == 200
    assert judge(ann, "none") == 403
    assert judge(ann, "accepted") >= 400
    assert judge(rita, "rejected") == 200
    assert states(place, job)[0] == "rejected"
    assert judge(ann, "done") == 200
    assert judge(rita, "accepted") == 200
    assert place.bench.call("jobs.set-status", {"id": job, "status": "stopped"}, ann)[0] == 403


def test_limits_of_a_job_hold_on_the_server(place: Floor) -> None:
    job, ann = (
        a_job(place, classes=["lemon"], projectTags=["size"], imageFiguresLimit=1, imageTagsLimit=1),
        place.key("ann"),
    )
    work = place.next("ann", ann)
    assert (work["job"]["allowed_classes"], work["job"]["allowed_attributes"]) == (["lemon"], ["size"])

    def box(number: int, name: str = "lemon", **attributes: str) -> dict[str, Any]:
        shape = {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}
        return {"id": number, "class": name, "shape": shape, "attributes": attributes}

    def save(*put: dict[str, Any], **more: Any) -> tuple[int, list[str]]:
        import uuid

        body = {
            "base": 0,
            "save_id": str(uuid.uuid4()),
            "lease": work["task"]["lease"],
            "put": list(put),
            "delete": [],
            **more,
        }
        status, answer = place.bench.server.request("PATCH", f"/api/v1/items/{work['item']['uid']}/document", body, ann)
        return status, [problem["code"] for problem in answer.get("problems", [])]

    assert save(box(1, "kiwi")) == (422, ["class_not_allowed"])
    assert save(box(1, origin="x")) == (422, ["attribute_not_allowed"])
    assert save(box(1), box(2)) == (422, ["too_many_objects"])
    assert save(attributes={"origin": "x"}) == (422, ["attribute_not_allowed"])
    assert save(box(1, size="small"), attributes={"size": "large"}) == (200, [])
    assert place.act(work, "submit", ann)[0] == 200
    assert info(place, job)["finishedImagesCount"] == 1


def test_classes_that_come_later_reach_a_job_that_wants_them(place: Floor) -> None:
    fixed, open_ = a_job(place, classes=["lemon"], projectTags=["size"]), a_job(
        place, classes=["lemon"], projectTags=["size"], dynamicClasses=True, dynamicTags=True
    )  # fmt: skip
    meta = place.bench.ask("projects.meta", {"id": place.project})
    meta["classes"].append({"title": "pear", "shape": "any", "color": "#112233"})
    meta["tags"].append({"name": "taste", "value_type": "any_string", "color": "#445566"})
    place.bench.ask("projects.meta.update", {"id": place.project, "meta": meta})

    def names(job: int) -> tuple[list[str], list[str]]:
        found = info(place, job)["meta"]
        return [c["name"] for c in found["classes"]], [t["name"] for t in found["projectTags"]]

    assert names(fixed) == (["lemon"], ["size"])
    assert names(open_) == (["lemon", "pear"], ["size", "taste"])


def test_statistics_and_activity(place: Floor) -> None:
    job, ann = a_job(place), place.key("ann")
    shape = {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}
    boxes = [{"id": n, "class": "lemon", "shape": shape, "attributes": {"size": "small"}} for n in (1, 2)]
    place.save(place.images[0], put=boxes, attributes={"origin": "x"})
    assert place.act(place.next("ann", ann), "submit", ann)[0] == 200
    found = place.script(f"""
stats = J.get_stats({job})
rows = api.team.get_activity(TEAM, filter_job_id={job})
drawn = api.team.get_activity(TEAM, filter_project_id=PROJECT, filter_actions=["update_figure"])
who = api.team.get_activity(TEAM, filter_user_id=USERS["ann"], filter_actions=["image_review_status_updated"])
answer({{"stats": stats, "rows": rows, "drawn": drawn, "who": who, "frame": len(J.get_activity(TEAM, {job})),
        "done": len(api.team.get_activity(TEAM, filter_project_id=PROJECT, labeler_id=USERS["ann"], review_status="done")),
        "late": api.team.get_activity(TEAM, filter_job_id={job}, start_date="2999-01-01T00:00:00Z"),
        "early": len(api.team.get_activity(TEAM, filter_job_id={job}, end_date="2999-01-01T00:00:00.000Z")),
        "word": refused(api.team.get_activity, TEAM, start_date="soon")}})
""")
    stats = found["stats"]
    assert (stats["job"]["id"], stats["job"]["imagesCount"], stats["job"]["finishedImagesCount"]) == (job, 3, 1)
    assert {c["name"]: (c["imagesCount"], c["labelsCount"]) for c in stats["classes"]} == {
        "lemon": (1, 2),
        "kiwi": (0, 0),
    }
    assert {t["name"]: (t["images"], t["figures"]) for t in stats["job"]["tagsStats"]} == {
        "size": (0, 2),
        "origin": (1, 0),
    }
    assert [i["reviewStatus"] for i in stats["images"]["images"]] == ["done", "none", "none"]
    assert {row["jobId"] for row in found["rows"]} == {job}
    (status,) = [row for row in found["rows"] if row["action"] == "image_review_status_updated"]
    assert (status["user"], status["imageId"], status["meta"]["reviewStatus"]) == (
        place.logins["ann"],
        place.images[0],
        "done",
    )
    assert (len(found["who"]), found["done"], found["late"]) == (1, 1, [])
    (drawn,) = found["drawn"]
    figures = drawn["meta"]["figures"]
    assert (drawn["imageId"], [(f["class"], f["action"]) for f in figures]) == (
        place.images[0],
        [("lemon", "create_figure")] * 2,
    )
    assert figures[0]["figureId"] != figures[1]["figureId"]
    assert found["frame"] == found["early"] == len(found["rows"])
    assert "400" in found["word"]


def test_wait_returns_when_the_job_is_there(place: Floor) -> None:
    found = place.script("""
import threading, time
one = job("one")[0]
def work():
    time.sleep(0.5)
    other = sly.Api(os.environ["SERVER_ADDRESS"], os.environ["API_TOKEN"])
    other.labeling_job.set_status(one.id, "on_review")
threading.Thread(target=work).start()
J.wait(one.id, target_status=S.ON_REVIEW, wait_attempts=60)
J.set_status(one.id, "completed")
J.wait(one.id, target_status=S.COMPLETED, wait_attempts=5)
answer(str(J.get_status(one.id)))
""")
    assert found.endswith("completed")
