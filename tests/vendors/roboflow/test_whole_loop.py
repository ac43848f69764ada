"""From the package's upload to the dataset: a script makes a job, people do it in the browser, the script takes what they did."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.editor.conftest import Hand, eventually, somebody
from tests.vendors.roboflow.conftest import Bench

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def built() -> None:
    """The editor's tests build it; here the built one is used as it is served."""


def person(bench: Bench, browser: Any, name: str, role: str) -> tuple[Hand, str]:
    """A new member, signed in by the form, and their address; pictures are 64 x 48."""
    address = f"{name}-{uuid.uuid4().hex[:6]}@example.org"
    password = bench.server.cli("user", "add", address, "--role", role)["password"]
    return somebody(bench.server, browser, address, password), address


def take(bench: Bench, hand: Hand) -> Hand:
    """Press Start in one's queue, in which the project stands."""

    def offered() -> bool:
        hand.page.goto(f"{bench.server.url}/work")
        return hand.page.get_by_role("button", name="Start").first.is_visible()

    eventually(offered, 20)
    assert "Loop" in hand.page.locator("main").inner_text()
    hand.page.get_by_role("button", name="Start").first.click()
    hand.page.wait_for_url("**/work/*-*")
    return hand.ready()


def draw(hand: Hand, start: tuple[float, float], end: tuple[float, float]) -> Hand:
    """Draw the only box of an image, once the one before has gone from the screen, and wait until it is saved."""
    eventually(lambda: not hand.rows())
    hand.ready().press("b").drag(start, end)
    eventually(hand.rows)
    return hand.wait("saved")


def reject(hand: Hand, words: str) -> None:
    """Return the image to its author with a comment."""
    dialog = hand.press("r").page.locator("dialog.reject")
    dialog.get_by_role("radio").first.click()
    dialog.get_by_role("textbox").fill(words)
    dialog.get_by_role("button", name="Return to author").click()


def job_of_three(bench: Bench, labeler: str, reviewer: str) -> dict[str, Any]:
    """A project with one labeled image, and a job of three more."""
    return bench.script("""
p = ws.create_project("Loop", "object-detection", "", "x")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
first, *names = json.loads(sys.argv[1])
image = p.single_upload(image_path=first)["image"]["id"]
rfapi.save_annotation(key, slug, "a.txt", "0 0.5 0.5 0.2 0.2", image, annotation_labelmap={"0": "cat"})
ids = [p.single_upload(image_path=n, batch_name="Loop", split=s)["image"]["id"] for n, s in zip(names, ["train", "valid", "test"])]
batch = next(b["id"] for b in p.get_batches()["batches"] if b["name"] == "Loop")
job = p.create_annotation_job(name="Cats of Monday", batch_id=batch, labeler_email=sys.argv[2], reviewer_email=sys.argv[3],
                              instructions="Draw each cat")
print(json.dumps({"slug": slug, "ids": ids, "job": job["id"]}))
""", json.dumps(bench.pictures(4, "loop", width=64, height=48)), labeler, reviewer)  # fmt: skip


def said_in_statistics(bench: Bench, made: dict[str, Any], labeler: str) -> None:
    """What the labeling statistics say of it."""
    _, stats = bench.get(f"/{bench.workspace}/stats?project={made['slug']}")
    [row] = [r for r in stats["data"] if r["imagesLabeled"]]
    assert next(p["email"] for p in stats["labelers"] if p["id"] == row["labelerId"]) == labeler
    assert (row["imagesLabeled"], row["approved"], row["rejected"]) == (3, 3, 1)


def test_a_job_of_the_package_is_done_in_the_browser(bench: Bench, browser: Any) -> None:
    ana, labeler = person(bench, browser, "ana", "annotator")
    rita, reviewer = person(bench, browser, "rita", "reviewer")
    made = job_of_three(bench, labeler, reviewer)
    place = f"/{bench.workspace}/{made['slug']}"

    def counts() -> list[Any]:
        _, job = bench.get(f"{place}/jobs/{made['job']}")
        four = [job[s] for s in ("unannotated", "annotated", "approved", "rejected")]
        assert sum(four) == job["numImages"], job
        return [*four, job["status"]]

    assert counts() == [3, 0, 0, 0, "assigned"]
    uid = next(
        p["uid"] for p in bench.server.request("GET", "/api/v1/projects")[1]["results"] if p["slug"] == made["slug"]
    )
    ana.page.goto(f"{bench.server.url}/projects/{uid}/jobs")
    ana.page.get_by_role("link", name="Cats of Monday").click()
    assert "Draw each cat" in ana.page.locator("main").inner_text()
    take(bench, ana)
    for number in range(3):
        before = ana.page.url
        draw(ana, (10 + number, 10), (30, 30)).press("Control+Enter")
        left = 2 - number
        eventually(lambda left=left: counts() == [left, 3 - left, 0, 0, "assigned" if left else "review"])
        if left:
            ana.page.wait_for_function("() => document.querySelector('lw-status').innerText.includes('64 × 48')")

    # Each verdict opens the next image.
    before = take(bench, rita).page.url
    rita.press("y")
    eventually(lambda: counts() == [0, 2, 1, 0, "review"])
    rita.page.wait_for_url(lambda url: "/work/" in url and url != before)
    before = rita.ready().page.url
    reject(rita, "The box is too large")
    eventually(lambda: counts() == [0, 1, 1, 1, "assigned"])
    rita.page.wait_for_url(lambda url: "/work/" in url and url != before)
    rita.ready().press("y")
    eventually(lambda: counts() == [0, 0, 2, 1, "assigned"])
    early = bench.script("""
p = ws.project(sys.argv[1])
done = p.accept_annotation_job_images(sys.argv[2], split_method="preset", statuses_to_include=["approved"], train_count=0,
                                      valid_count=0, test_count=0)
print(json.dumps({"accepted": done["accepted"], "splits": rf.workspace().project(sys.argv[1]).splits}))
""", made["slug"], made["job"])  # fmt: skip
    assert early["accepted"] == 2
    assert counts() == [0, 0, 0, 1, "assigned"]

    # Rejected work comes back to its author, who sees why.
    take(bench, ana)
    assert ana.page.locator("lw-top .chip.returned").is_visible()
    draw(ana.press("v").click(25, 25).press("Delete"), (8, 8), (24, 24)).press("Control+Enter")
    eventually(lambda: counts() == [0, 1, 0, 0, "review"])
    take(bench, rita).press("y")
    eventually(lambda: counts() == [0, 0, 1, 0, "complete"])
    found = bench.script("""
p = ws.project(sys.argv[1])
p.accept_annotation_job_images(sys.argv[2], split_method="preset", statuses_to_include=["approved"], train_count=0,
                               valid_count=0, test_count=0)
images = [p.image(i) for i in json.loads(sys.argv[3])]
version = p.generate_version({"preprocessing": {}, "augmentation": {}})
again = rf.workspace().project(sys.argv[1])
print(json.dumps({"splits": again.splits, "version": p.version(version).splits, "classes": again.classes,
                  "images": [[i["inDataset"], i["split"], i["labels"]] for i in images]}))
""", made["slug"], made["job"], json.dumps(made["ids"]))  # fmt: skip
    assert found["images"] == [[True, "train", ["cat"]], [True, "valid", ["cat"]], [True, "test", ["cat"]]]
    assert found["splits"] == found["version"] == {"train": 2, "valid": 1, "test": 1}
    assert found["classes"] == {"cat": 4}
    assert counts() == [0, 0, 0, 0, "complete"]

    said_in_statistics(bench, made, labeler)
    for hand in (ana, rita):
        assert not hand.thrown
        hand.context.close()
