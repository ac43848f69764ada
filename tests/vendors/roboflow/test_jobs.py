"""Batches and annotation jobs through the real package and command line, beside our own pages' API."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.vendors.roboflow.conftest import Bench

START = """
p = ws.create_project(sys.argv[1], "object-detection", "", "x")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
ids = [p.single_upload(image_path=n, batch_name="Monday", split=s)["image"]["id"]
       for n, s in zip(json.loads(sys.argv[2]), ["train", "valid", "test", "train", "train", "train"])]
me = "owner@example.org"
def label(image, name="cat"):
    rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", image, annotation_labelmap={"0": name})
def sums(job):
    assert job["numImages"] == sum(job[s] for s in ("unannotated", "annotated", "approved", "rejected")), job
    return job
batch = p.get_batches()["batches"][0]["id"]
"""
JOB = {"id", "name", "status", "owner", "project", "sourceBatch", "createdBy", "created", "labeler", "reviewer", "numImages",
       "unannotated", "annotated", "approved", "rejected", "instructionsText"}  # fmt: skip


def run(bench: Bench, name: str, code: str, count: int = 6) -> Any:
    return bench.script(START + code, name, json.dumps(bench.pictures(count, name.replace(" ", "").lower())))


def test_established_routes(bench: Bench) -> None:
    found = run(bench, "Legacy", """
job = sums(p.create_annotation_job(name="First", batch_id=batch, num_images=4, labeler_email=me, reviewer_email=me,
                                   instructions="Draw cats"))
rest = sums(p.create_annotation_job(batch_id=batch, labeler_email=me, reviewer_email=me))
none = refused(p.create_annotation_job, batch_id=batch, labeler_email=me, reviewer_email=me)
stranger = refused(p.create_annotation_job, batch_id=batch, labeler_email="nobody@example.org", reviewer_email=me)
print(json.dumps({"job": job, "rest": rest, "none": none, "stranger": stranger, "jobs": p.get_annotation_jobs()["jobs"],
                  "one": p.get_annotation_job(job["id"]), "batch": p.get_batch(batch)}))
""")  # fmt: skip
    job = found["job"]
    assert set(job) >= JOB
    assert (job["numImages"], job["unannotated"], job["status"]) == (4, 4, "assigned")
    assert (job["instructionsText"], job["labeler"]) == ("Draw cats", "owner@example.org")
    assert set(job["created"]) == {"_seconds", "_nanoseconds"}
    assert job["sourceBatch"].endswith(found["batch"]["id"])
    assert found["rest"]["numImages"] == 2
    assert found["rest"]["instructionsText"] == "No instructions provided"
    assert "no unassigned images" in found["none"]
    assert "nobody@example.org" in found["stranger"]
    assert [j["id"] for j in found["jobs"]] == [job["id"], found["rest"]["id"]]
    assert found["one"] == job
    assert (found["batch"]["images"], found["batch"]["numJobs"], found["batch"]["unassigned"]) == (6, 2, 0)


def test_from_unassigned_to_the_dataset(bench: Bench) -> None:
    found = run(bench, "Life", """
job = p.create_annotation_job_admin(batch_id=batch, labeler_email=me, reviewer_email=me, num_images=4, name="Cats",
                                    instructions="Tight")
steps = [sums(job)]
early = refused(p.submit_annotation_job_for_review, job["id"])
for image in ids[:3]:
    label(image)
steps.append(sums(p.get_annotation_job_admin(job["id"])))
steps.append(sums(p.submit_annotation_job_for_review(job["id"])))
twice = refused(p.submit_annotation_job_for_review, job["id"])
p.review_annotation_job_image(job["id"], ids[0], "approved")
p.review_annotation_job_image(job["id"], ids[1], "rejected")
bare = refused(p.review_annotation_job_image, job["id"], ids[3], "approved")
steps.append(sums(p.get_annotation_job_admin(job["id"])))
p.review_annotation_job_images(job["id"], "approved", "annotated")
steps.append(sums(p.get_annotation_job_admin(job["id"])))
statuses = {i["id"]: i["status"] for i in p.get_annotation_job_images(job["id"])["images"]}
p.accept_annotation_job_images(job["id"], split_method="preset", statuses_to_include=["approved"], train_count=0,
                               valid_count=0, test_count=0)
steps.append(sums(p.get_annotation_job_admin(job["id"])))
again = rf.workspace().project(slug)
print(json.dumps({"steps": steps, "early": early, "twice": twice, "bare": bare, "ids": ids, "statuses": statuses,
                  "splits": again.splits, "unannotated": again.unannotated}))
""")  # fmt: skip
    four = [[s["unannotated"], s["annotated"], s["approved"], s["rejected"], s["status"]] for s in found["steps"]]
    assert four == [[4, 0, 0, 0, "assigned"], [1, 3, 0, 0, "assigned"], [1, 3, 0, 0, "review"], [1, 1, 1, 1, "review"],
                    [1, 0, 2, 1, "review"], [1, 0, 0, 1, "review"]]  # fmt: skip
    assert "annotated yet" in found["early"]
    assert "already" in found["twice"]
    assert "not annotated" in found["bare"]
    assert [found["statuses"][i] for i in found["ids"][:4]] == ["approved", "rejected", "approved", "unannotated"]
    assert found["splits"] == {"train": 1, "valid": 0, "test": 1}


def test_return_reassign_clear_and_undo(bench: Bench) -> None:
    found = run(bench, "Back", """
job = p.create_annotation_job_admin(batch_id=batch, labeler_email=me, reviewer_email=me)
for image in ids:
    label(image)
p.submit_annotation_job_for_review(job["id"])
p.review_annotation_job_image(job["id"], ids[0], "approved")
back = sums(p.return_annotation_job_for_edits(job["id"], new_labeler_email=me))
other = sums(p.reassign_annotation_job_images(ids[:2], labeler_email=me, reviewer_email=me, name="Second look"))
p.add_annotation_job_images(other["id"], [ids[2]])
p.update_annotation_job(other["id"], instructions="Look twice")
both = refused(p.update_annotation_job, other["id"], instructions="a", labeler_email=me)
after = [sums(p.get_annotation_job_admin(j["id"])) for j in (job, other)]
p.delete_annotation_job_annotations(other["id"])
cleared = sums(p.get_annotation_job_admin(other["id"]))
moved = p.move_annotation_job_to_unassigned(other["id"])
gone = refused(p.get_annotation_job_admin, other["id"])
left = [i["id"] for i in p.get_annotation_batch_images(batch)["images"]]
print(json.dumps({"back": back, "after": after, "cleared": cleared, "moved": moved, "gone": gone, "left": left, "ids": ids}))
""")  # fmt: skip
    assert (found["back"]["status"], found["back"]["approved"], found["back"]["annotated"]) == ("assigned", 1, 5)
    assert [(j["numImages"], j["instructionsText"]) for j in found["after"]] == [
        (3, "No instructions provided"),
        (3, "Look twice"),
    ]
    assert (found["cleared"]["unannotated"], found["cleared"]["status"]) == (3, "assigned")
    assert found["moved"]["moved"] == 3
    assert "no annotation job" in found["gone"].lower()
    assert found["left"] == found["ids"][:3]


def test_batches_split_merge_and_delete(bench: Bench) -> None:
    found = run(bench, "Heaps", """
new = p.create_annotation_batch(batch, ids[:2], name="Tuesday")
third = p.create_annotation_batch(batch, ids[2:3])
pages, after = [], None
while True:
    page = p.get_annotation_batches(limit=1, after=after)
    pages += page["batches"]
    after = page["after"]
    if not after:
        break
merged = p.merge_annotation_batches([third["id"], batch], new["id"])
job = p.create_annotation_job_admin(batch_id=new["id"], labeler_email=me, reviewer_email=me, num_images=1)
busy = refused(p.delete_annotation_batch, new["id"])
p.move_annotation_job_to_unassigned(job["id"])
kept = p.delete_annotation_batch(new["id"])
default = p.get_annotation_batches()["batches"][0]
p.delete_annotation_batch(default["id"], permanent=True)
print(json.dumps({"pages": pages, "merged": merged, "busy": busy, "kept": kept, "default": default,
                  "images": rf.workspace().project(slug).images}))
""")  # fmt: skip
    assert sorted(b["images"] for b in found["pages"]) == [1, 2, 3]
    assert (found["merged"]["name"], found["merged"]["images"]) == ("Tuesday", 6)
    assert "annotation jobs" in found["busy"]
    assert found["kept"]["images"] == 6
    assert found["default"]["images"] == 6
    assert found["images"] == 0


def test_splits_by_count_must_fit(bench: Bench) -> None:
    found = run(bench, "Counts", """
job = p.create_annotation_job_admin(batch_id=batch, labeler_email=me, reviewer_email=me)
for image in ids:
    label(image)
accept = lambda *counts: p.accept_annotation_job_images(job["id"], "split", ["annotated"], *counts)
wrong = refused(accept, 1, 1, 1)
accept(3, 2, 1)
again = rf.workspace().project(slug)
print(json.dumps({"wrong": wrong, "splits": again.splits, "jobs": p.get_annotation_jobs_admin()["jobs"],
                  "all": p.get_annotation_jobs_admin(show_empty=True)["jobs"]}))
""")  # fmt: skip
    assert "sum to 3, but 6" in found["wrong"]
    assert found["splits"] == {"train": 3, "valid": 2, "test": 1}
    assert found["jobs"] == []
    assert [j["status"] for j in found["all"]] == ["complete"]


def test_jobs_made_at_once_share_no_image(bench: Bench) -> None:
    made = run(bench, "Races", "print(json.dumps([p.id, batch]))")
    body = {"batch": made[1], "num_images": 2, "labelerEmail": "owner@example.org"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bench.call("POST", f"/{made[0]}/jobs", body), range(8)))
    jobs = [job["id"] for status, job in answers if status == 200]
    assert {status for status, _ in answers} == {200, 409}
    inside = [i["id"] for job in jobs for i in bench.get(f"/{made[0]}/annotation-jobs/{job}/images")[1]["images"]]
    assert (len(jobs), len(inside), len(set(inside))) == (3, 6, 6)


def test_an_image_that_joins_the_dataset_is_nobodys_work(bench: Bench) -> None:
    found = run(bench, "Joins", """
job = p.create_annotation_job_admin(batch_id=batch, labeler_email=me, reviewer_email=me)
rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", ids[0], annotation_labelmap={"0": "cat"}, add_to_dataset=True)
rfapi.save_annotation(key, slug, "a.txt", "", ids[1])
p.review_annotation_job_image(job["id"], ids[1], "unannotated")
empty = p.review_annotation_job_image(job["id"], ids[1], "annotated")["job"]
print(json.dumps({"job": sums(p.get_annotation_job_admin(job["id"])), "project": job["project"], "empty": sums(empty)}))
""", 2)  # fmt: skip
    assert (found["job"]["numImages"], found["empty"]["annotated"]) == (1, 1)
    _, tasks = bench.server.request("GET", f"/api/v1/projects/{found['project']}/tasks")
    assert sorted(task["state"] for task in tasks["results"]) == ["done", "open"]


@pytest.fixture(scope="module")
def labeled(bench: Bench) -> dict[str, Any]:
    """A job whose one image is labeled and handed in through our own API, as the editor does it."""
    made = run(bench, "Pages", """
job = p.create_annotation_job_admin(batch_id=batch, labeler_email=me, reviewer_email=me, num_images=1)
label(ids[5])
print(json.dumps({"job": job["id"], "image": ids[0], "slug": slug, "project": job["project"]}))
""")  # fmt: skip
    _, work = bench.server.request("POST", "/api/v1/tasks/next", {"stage": "label", "project": made["project"]})
    uid = work["task"]
    _, opened = bench.server.request("GET", f"/api/v1/tasks/{uid}/work")
    box = {"id": 1, "class": "cat", "shape": {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}}
    body = {
        "base": 0,
        "save_id": "6b1bbf6e-7c1c-4a39-9d8a-0d2f38bb8e5a",
        "lease": opened["task"]["lease"],
        "put": [box],
    }
    status, answer = bench.server.request("PATCH", f"/api/v1/items/{opened['item']['uid']}/document", body)
    assert status == 200, answer
    status, answer = bench.server.request("POST", f"/api/v1/tasks/{uid}/submit", {"lease": opened["task"]["lease"]})
    assert status == 200, answer
    return {**made, "item": opened["item"]["uid"]}


def test_work_on_our_pages_shows_here(bench: Bench, labeled: dict[str, Any]) -> None:
    assert labeled["item"].replace("-", "") == labeled["image"]
    _, job = bench.get(f"/{bench.workspace}/{labeled['slug']}/jobs/{labeled['job']}")
    assert (job["numImages"], job["annotated"], job["status"]) == (1, 1, "review")
    _, image = bench.get(f"/{bench.workspace}/{labeled['slug']}/images/{labeled['image']}")
    assert [b["label"] for b in image["image"]["annotation"]["boxes"]] == ["cat"]


def test_command_line_tables(bench: Bench, labeled: dict[str, Any]) -> None:
    place = f"{bench.workspace}/{labeled['slug']}"
    assert "owner@example.org" in bench.cli("annotation", "job", "list", "-p", place)
    assert "Monday" in bench.cli("annotation", "batch", "list", "-p", place)
    bench.cli("annotation", "job", "get", "nosuchjob", "-p", place, code=3)
