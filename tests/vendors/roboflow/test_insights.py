"""Labeling statistics: every number comes from what happened, and stays when tasks and jobs are gone."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.vendors.roboflow.conftest import Bench


def work(bench: Bench, key: str, count: int, boxes: int) -> None:
    """Take the next tasks as this person and hand them in: with `boxes` new boxes, or (-1) with all that was there deleted."""
    for _ in range(count):
        _, found = bench.server.request("POST", "/api/v1/tasks/next", {"stage": "label"}, key)
        uid = found["task"]
        _, opened = bench.server.request("POST", f"/api/v1/tasks/{uid}/claim", {}, key)
        lease, there = opened["task"]["lease"], [o["id"] for o in opened["document"]["objects"]]
        box = {"class": "cat", "shape": {"type": "rectangle", "box": [0.1, 0.1, 0.3, 0.3]}}
        body = {"base": opened["document"]["version"], "save_id": str(uuid.uuid4()), "lease": lease,
                "put": [box | {"id": max(there, default=0) + 1 + n} for n in range(boxes)], "delete": there if boxes < 0 else []}  # fmt: skip
        if body["put"] or body["delete"]:
            status, answer = bench.server.request("PATCH", f"/api/v1/items/{opened['item']['uid']}/document", body, key)
            assert status == 200, answer
        status, answer = bench.server.request("POST", f"/api/v1/tasks/{uid}/submit", {"lease": lease}, key)
        assert status == 200, answer


def test_statistics_of_a_day(bench: Bench) -> None:
    address = f"lea-{uuid.uuid4().hex[:6]}@example.org"
    bench.server.cli("user", "add", address, "--role", "annotator")
    key = bench.server.cli("key", "create", "--user", address, "--name", "Lea")["api_key"]
    made = bench.script("""
p = ws.create_project("Insights", "object-detection", "", "x")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
names = json.loads(sys.argv[1])
seed = p.single_upload(image_path=names[0])["image"]["id"]
rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", seed, annotation_labelmap={"0": "cat"})
ids = [p.single_upload(image_path=n, batch_name="B")["image"]["id"] for n in names[1:]]
batch = next(b["id"] for b in p.get_batches()["batches"] if b["name"] == "B")
job = p.create_annotation_job(batch_id=batch, labeler_email=sys.argv[2], reviewer_email="owner@example.org")["id"]
rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", ids[0], annotation_labelmap={"0": "cat"}, is_prediction=True)
print(json.dumps({"slug": slug, "ids": ids, "job": job}))
""", json.dumps(bench.pictures(5, "insights")), address)  # fmt: skip
    place = f"/{bench.workspace}/{made['slug']}/annotation-jobs/{made['job']}"
    work(bench, key, 1, 0)  # the model's box is good as it is
    work(bench, key, 2, 3)
    work(bench, key, 1, 0)  # nothing to see

    def verdict(image: int, status: str) -> None:
        done, answer = bench.call("POST", f"{place}/images/{made['ids'][image]}/status", {"status": status})
        assert done == 200, answer

    def row() -> dict[str, Any]:
        _, body = bench.get(f"/{bench.workspace}/stats?project={made['slug']}")
        lea = next(p["id"] for p in body["labelers"] if p["email"] == address)
        return next(r for r in body["data"] if r["labelerId"] == lea)

    verdict(1, "rejected")
    for image in (0, 2, 3):
        verdict(image, "approved")
    work(bench, key, 1, 1)  # again, on the same day
    verdict(1, "approved")
    counts = row()
    wanted = {"imagesLabeled": 4, "boxesDrawn": 7, "markedNull": 1, "modelAssisted": 1, "approved": 4, "rejected": 1}
    assert {name: counts[name] for name in wanted} == wanted
    assert counts["approvalRate"] == 0.75
    assert counts["projectName"] == "Insights"
    # The job goes, what was done stays.
    assert bench.call("POST", f"{place}/move-to-unassigned", {})[0] == 200
    assert row() == counts
    status, body = bench.get(f"/{bench.workspace}/stats?startDate=2001-01-01&endDate=2001-01-02")
    assert (status, body["data"], body["stats"]["numImagesLabeled"]) == (200, [], 0)
    assert "numBoxesDrawn" in bench.cli(
        "--json", "workspace", "stats", "--start-date", "2026-01-01", "--end-date", "2100-01-01"
    )
