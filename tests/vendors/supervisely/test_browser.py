"""An entity of a job that the package made, in people's browsers: labeled, handed in, rejected, corrected, accepted; the
package, waiting all the while, hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from labelwright.models.identity import Team
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job
from tests.editor.conftest import Hand, eventually, somebody
from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import Floor

pytestmark = pytest.mark.browser
SIZE = (640, 480)

MADE = """
image = api.image.upload_path(DATASET, "lemon.png", sys.argv[5])
api.annotation.upload_ann(image.id, sly.Annotation((480, 640), [sly.Label(sly.Rectangle(10, 400, 60, 500), sly.ProjectMeta.from_json(api.project.get_meta(PROJECT)).get_obj_class("kiwi"))]))
options = dict(description="Two lemons each", readme="Draw close to the peel", exclude_images_with_tags=["origin"], images_range=(1, 5), dynamic_tags=True)
answer([job("lemons", classes_to_label=["lemon"], objects_limit_per_image=3, reviewer_id=USERS["rita"], **options)[0].id, image.id])
"""
WAITING = """
J = api.labeling_job
J.wait(int(sys.argv[1]), target_status=J.Status.COMPLETED, wait_attempts=600, wait_attempt_timeout_sec=0.2)
print("it is completed")
"""
READ = """
meta = sly.ProjectMeta.from_json(api.project.get_meta(PROJECT))
ann = sly.Annotation.from_json(api.annotation.download(int(sys.argv[5])).annotation, meta)
c = api.entities_collection.create(PROJECT, "hard ones", description="Look twice")
api.entities_collection.add_items(c.id, [int(sys.argv[5])])
raw, issue = api.annotation.download(int(sys.argv[5])), api.issues.add(TEAM, "Loose boxes", comment="Everywhere")
api.issues.add_subissue(issue.id, [int(sys.argv[5])], [raw.annotation["objects"][0]["id"]], 48, 64, raw, meta)
of_job = J.get_annotations(int(sys.argv[6]), [int(sys.argv[5])])[0]
answer({"all": sorted([l.obj_class.name, l.geometry.to_json()["points"]["exterior"]] for l in ann.labels), "job": [l.obj_class.name for l in of_job.labels],
        "states": states(int(sys.argv[6]))})
"""


@pytest.fixture
def hands(bench: Bench, browser: Any) -> Iterator[Callable[[str], Hand]]:
    made: list[Hand] = []

    def make(login: str) -> Hand:
        made.append(somebody(bench.server, browser, login, "11111abc", SIZE))
        made[-1].page.add_init_script(
            "localStorage['labelwright.editor'] ??= JSON.stringify({hintsSeen: ['draw', 'class', 'save']})"
        )
        return made[-1]

    yield make
    for hand in made:
        hand.context.close()


def labels_of(bench: Bench, image: int) -> list[str]:
    found = bench.ask("annotations.info", {"imageId": image, "integerCoords": False})["annotation"]["objects"]
    return [thing["classTitle"] for thing in found if thing["classTitle"] != "kiwi"]


def test_label_submit_reject_correct_accept(bench: Bench, hands: Callable[[str], Hand]) -> None:
    place = floor.make(bench, 0)
    (picture,) = bench.pictures(1, "lemon", width=SIZE[0], height=SIZE[1])
    arguments = (place.project, place.dataset, json.dumps(place.users), "[]")
    job, image = bench.script(floor.BEGIN + MADE, *arguments, picture)
    waiting = bench.started(WAITING, job)

    def status() -> str:
        return bench.ask("jobs.info", {"id": job})["status"]

    task: Any = SimpleNamespace(uid=place.next("ann", place.key("ann"))["task"]["uid"])
    ann, rita = hands(place.logins["ann"]), hands(place.logins["rita"])
    ann.open(task)
    classes = ann.page.locator("lw-classes")
    assert "lemon" in classes.inner_text()
    assert "kiwi" not in classes.inner_text()
    ann.click(450, 35).press("Delete")  # the kiwi is not this job's
    assert sorted(ann.rows()) == ["kiwi"] or any("kiwi" in row for row in ann.rows())
    # The job is stopped while she has it open: what she draws is refused, kept, and saved when the job goes on.
    ann.wait("saved")
    bench.ask("jobs.stop", {"id": job})
    ann.press("b").drag((100, 100), (200, 180)).wait("stopped")
    assert "Job stopped, 1 change kept here" in ann.page.locator("lw-top").inner_text()
    ann.press("Control+Enter")
    assert labels_of(bench, image) == []
    assert status() == "stopped"
    bench.ask("jobs.set-status", {"id": job, "status": "in_progress"})
    ann.page.get_by_role("button", name="Try now").click()
    ann.wait("saved").press("Control+Enter")
    eventually(lambda: status() == "on_review")

    rita.open(task).press("r")
    dialog = rita.page.locator("dialog.reject")
    dialog.get_by_role("radio").first.click()
    dialog.get_by_role("textbox").fill("Loose")
    dialog.get_by_role("button", name="Return to author").click()
    eventually(lambda: status() == "in_progress")
    assert bench.ask("jobs.info", {"id": job})["entities"][0]["reviewStatus"] == "rejected"

    ann.open(task).press("b").drag((300, 300), (340, 360)).wait("saved").press("Control+Enter")
    eventually(lambda: status() == "on_review")
    assert waiting.poll() is None
    rita.open(task).press("y")
    eventually(lambda: status() == "completed")
    done = waiting.finish(60)
    assert (done.returncode, "it is completed" in done.stdout) == (0, True)

    found = bench.script(floor.BEGIN + READ, *arguments, image, job)
    assert [name for name, _ in found["all"]] == ["kiwi", "lemon", "lemon"]
    assert found["all"][0][1] == [[400, 10], [500, 60]]
    assert (found["job"], found["states"]) == (["lemon", "lemon"], ["accepted"])
    _pages_show_it(bench, rita.page, place, job, image)
    assert not [*ann.thrown, *rita.thrown]


def _pages_show_it(bench: Bench, page: Any, place: Floor, job: int, image: int) -> None:
    """What was made through the package is where people would look for it."""
    with floor.writing(bench) as session:
        rows = (session.get_one(Job, job), session.get_one(Project, place.project), session.get_one(Item, image))
        uids = [row.uid for row in (*rows, session.get_one(Team, bench.team))]

    def shown(path: str) -> str:
        page.goto(f"{bench.server.url}{path}")
        return page.locator("main").inner_text()

    text = shown(f"/jobs/{uids[0]}")
    for part in ("Two lemons each", "Draw close to the peel", "3 objects", "No items with the tag origin.",
                 "Items 1 to 5 of the batch.", "Attributes added to the project later are allowed."):  # fmt: skip
        assert part in text, part
    assert "Look twice" in shown(f"/projects/{uids[1]}/batches")
    page.get_by_role("link", name="hard ones").click()
    page.wait_for_url("**collection=*")
    assert "Collection: hard ones" in page.locator("main").inner_text()
    assert page.locator("article.tile").count() == 1
    assert "hard ones" in (text := shown(f"/items/{uids[2]}"))
    assert "Issue: Loose boxes" in text
    text = shown(f"/team/{uids[3]}/issues")
    for part in ("Loose boxes", "Everywhere", "Seen on lemon.png"):
        assert part in text, part
    assert "Loose boxes" not in shown(f"/team/{uids[3]}/issues?status=closed")
