"""Jobs, tasks, items, review, exports, activity, palette, through their forms and lists."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select

from labelwright.formats import FORMATS
from labelwright.models.background import BackgroundTask
from labelwright.models.items import Item
from labelwright.models.work import Job, Task
from labelwright.services import queue, tasks
from tests.support import work
from tests.web.conftest import HTMX, Site
from tests.web.forms import UID, label_something, post, refused


def test_jobs_are_made_paused_changed_and_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/jobs"
    bob = str(site.cast.users["bob"].uid)
    made = post(
        alice,
        base,
        name="Second look",
        batch="",
        workflow="",
        priority="9",
        labelers=[bob],
        limit_objects="50",
        classes=["car"],
    )
    url = made.headers["hx-redirect"]
    page = alice.get(url).text
    assert "6 tasks in all" in page
    assert "At most 50 objects an item" in page
    post(alice, url + "/pause")
    assert "Paused" in alice.get(url).text
    post(alice, f"{base}/{url.removeprefix('/jobs/')}", name="Third look", priority="", instructions="Look twice.")
    page = alice.get(url).text
    assert "Third look" in page
    assert "Everybody who may label" in page
    assert 'data-fault="priority"' in refused(alice, f"{base}/{url.removeprefix('/jobs/')}", name="x", priority="soon")
    refused(alice, url + "/explode", 404)
    post(alice, url + "/delete")
    assert alice.get(url).status_code == 404
    for shape in ("", "?as=table", "?state=archived"):
        assert alice.get(base + shape).status_code == 200


def test_next_task_opens_the_editor_and_is_nobody_elses(site: Site) -> None:
    first = site.as_("bob").post("/work/next").headers["location"]
    second = site.as_("ben").post("/work/next").headers["location"]
    assert first.startswith("/work/")
    assert first != second
    assert first.removeprefix("/work/") in site.as_("bob").get(first).text
    page = site.as_("bob").get("/work").text
    assert "Continue where you were" in page
    assert first in page
    assert site.as_("vera").get("/work").status_code == 200
    assert site.as_("vera").get(first).status_code == 404


def test_returned_work_stands_on_its_authors_page_with_the_reason(site: Site) -> None:
    rita = site.as_("rita")
    uid = re.search(rf'name="item" value="({UID})"', rita.get(site.url + "/review").text).group(1)  # type: ignore[union-attr]
    post(rita, site.url + "/review", verb="reject", item=uid, reason="Loose outline", comment="The left <b>door</b>.")
    page = site.as_("bob").get("/work").text
    assert "Returned to you" in page
    assert "Loose outline" in page
    assert "The left &lt;b&gt;door&lt;/b&gt;." in page
    assert "Returned to you" not in site.as_("ben").get("/work").text


def test_review_accepts_many_and_hides_ones_own(site: Site) -> None:
    with site.database.write() as session:
        mine = queue.next_task(session, site.cast.rita, site.project, "label")
        assert mine is not None
        tasks.submit(session, site.cast.rita, mine, mine.lease)
    rita = site.as_("rita")
    shown = re.findall(rf'name="item" value="({UID})"', rita.get(site.url + "/review").text)
    assert len(shown) == 2
    assert str(mine.uid) not in shown
    post(rita, site.url + "/review", verb="accept", item=shown)
    page = rita.get(site.url + "/review").text
    assert "Accepted 2." in page
    with site.database.read() as session:
        assert {t.stage for t in session.scalars(select(Task)) if str(t.uid) in shown} == {"end"}
    assert "Tick some tasks" in refused(rita, site.url + "/review", verb="accept")


def test_a_job_can_keep_from_reviewers_who_labeled(site: Site) -> None:
    rita, bob = site.as_("rita"), site.cast.users["bob"].name
    with site.database.write() as session:
        done = session.scalars(select(Task).where(Task.author_id == site.cast.users["bob"].id)).first()
        assert done is not None
        item = f"/items/{session.get_one(Item, done.item_id).uid}"
    pages = [site.url + "/review", f"/jobs/{site.job.uid}", item]
    assert [f">{bob}<" in rita.get(page).text for page in pages] == [True] * 3
    with site.database.write() as session:
        session.get_one(Job, site.job.id).options = {"hide_author": True}
    assert [f">{bob}<" in rita.get(page).text for page in pages] == [False] * 3
    assert "Not told" in rita.get(pages[1]).text
    assert f">{bob}<" in site.as_("alice").get(pages[1]).text  # managers see it


def test_tasks_are_reassigned_and_reopened(site: Site) -> None:
    alice, task = site.as_("alice"), site.tasks[-1]
    post(alice, site.url + "/tasks/act", verb="reassign", item=str(task.uid), person=str(site.cast.users["ben"].uid))
    with site.database.read() as session:
        assert session.get_one(Task, task.id).assignee_id == site.cast.users["ben"].id
    post(alice, site.url + "/tasks/act", verb="reopen", item=str(task.uid))
    assert "refused" in alice.get(site.url + "/tasks").text
    assert 'data-fault="person"' in refused(
        alice, site.url + "/tasks/act", verb="reassign", item=str(task.uid), person=str(site.cast.users["charlie"].uid)
    )


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 6), ("state=todo", 4), ("state=review", 2), ("state=done", 0), ("author=BOB", 2), ("holder=BOB", 0), ("q=item+1", 1),
     ("returned=1", 0), ("state=nonsense", 6)],
)  # fmt: skip
def test_tasks_are_filtered_by_the_address(site: Site, query: str, count: int) -> None:
    page = site.as_("alice").get(f"{site.url}/tasks?{query.replace('BOB', str(site.cast.users['bob'].uid))}")
    assert page.status_code == 200
    assert len(re.findall('name="item"', page.text)) == count


def test_long_lists_continue_where_a_page_ends(site: Site) -> None:
    with site.database.write() as session:
        work.some_items(session, site.project, 130)
    seen: list[str] = []
    url: str | None = site.url + "/items"
    while url:
        page = site.as_("alice").get(url, headers=HTMX if seen else None)
        seen += re.findall(rf'name="item" value="({UID})"', page.text)
        more = re.search(r'class="more" hx-get="([^"]+)"', page.text)
        url = more.group(1).replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == 136


def test_many_items_are_moved_tagged_taken_and_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/items"
    post(alice, site.url + "/batches", name="Chosen")
    batch = re.findall(rf"items\?batch=({UID})", alice.get(site.url + "/batches").text)[-1]
    uids = re.findall(rf'name="item" value="({UID})"', alice.get(base).text)
    assert (
        post(alice, base + "/act", verb="move", item=uids[:2], batch=batch, back=f"{base}?as=table").headers[
            "hx-redirect"
        ]
        == f"{base}?as=table"
    )
    assert len(re.findall('name="item"', alice.get(f"{base}?batch={batch}").text)) == 2
    post(alice, base + "/act", verb="tag", item=uids[:2], tags="rain, night")
    assert "night" in alice.get(f"{base}?as=table&batch={batch}").text
    post(alice, base + "/act", verb="accept", item=uids[:1], split="test")
    assert "test" in alice.get(f"/items/{uids[0]}").text
    assert (
        "hx-redirect"
        in post(alice, base + "/act", verb="job", item=uids[:3], name="Again", back="https://evil.example").headers
    )
    post(alice, base + "/act", verb="delete", item=uids[0])
    assert alice.get(f"/items/{uids[0]}").status_code == 404
    assert "Tick some items" in refused(alice, base + "/act", verb="delete", item="nonsense")
    refused(alice, base + "/act", verb="explode", item=uids[1])


def test_an_items_page_shows_labels_history_and_restores(site: Site) -> None:
    uid = label_something(site, "car")
    alice = site.as_("alice")
    page = alice.get(f"/items/{uid}").text
    assert '<rect class="s"' in page
    picture = re.search(r'<img src="(/files/[^"]+)" alt="item', page).group(1).replace("&amp;", "&")  # type: ignore[union-attr]
    assert site.stranger().get(picture).content.startswith(b"\x89PNG")
    assert "added car" in page
    assert 'href="/items/' in alice.get(site.url + "/items?class=car").text
    post(alice, f"/items/{uid}/restore/0")
    assert "removed car" in alice.get(f"/items/{uid}").text
    assert '<rect class="s"' not in alice.get(f"/items/{uid}").text
    assert '<rect class="s"' in alice.get(f"/items/{uid}?version=1").text
    refused(site.as_("bob"), f"/items/{uid}/restore/1", 403)
    refused(alice, f"/items/{uid}/restore/99", 404)


def test_an_export_is_queued_and_belongs_to_its_team(site: Site) -> None:
    vera, base = site.as_("vera"), site.url + "/exports"
    assert "No exports yet" in vera.get(base).text
    assert f'versions, with splits, are under <a href="{site.url}/dataset">' in vera.get(base).text
    assert 'data-fault="format"' in refused(vera, base, format="nonsense")
    refused(vera, base, 404, format="coco", batch="nonsense")
    post(vera, base, format="coco", stage="", batch="")
    assert "Waiting" in vera.get(base).text
    assert "Export" in vera.get("/background", headers=HTMX).text
    assert "Export" not in site.as_("charlie").get("/background", headers=HTMX).text
    with site.database.read() as session:
        uid = session.scalars(select(BackgroundTask.uid)).one()
    assert vera.get(f"/exports/{uid}").status_code == 409  # not made yet
    assert site.as_("charlie").get(f"/exports/{uid}").status_code == 404


def test_a_dataset_is_taken_by_the_form_and_belongs_to_its_team(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/imports"
    assert "No imports yet" in alice.get(base).text
    body = io.BytesIO()
    FORMATS["voc"].write([], body, [])
    files = {"file": ("set.zip", body.getvalue())}
    assert site.as_("vera").post(base, files=files).status_code == 403
    assert site.as_("charlie").post(base, files=files).status_code == 404
    assert site.stranger().post(base, files=files).status_code in (303, 401)
    for sent in ({"file": ("x.zip", b"hello")}, {"file": ("x.zip", b"")}):
        assert alice.post(base, files=sent, headers=HTMX).status_code == 422
    assert (
        alice.post(base, data={"format": "voc"}, files=files, headers=HTMX).headers["hx-redirect"].endswith("/imports")
    )
    assert "Pascal VOC" in alice.get(base).text
    assert "Import" in alice.get("/background", headers=HTMX).text


def test_activity_says_what_happened_and_what_is_new(site: Site) -> None:
    page = site.as_("vera").get(site.url + "/activity").text
    assert re.search(r"Bob</span>\s+submitted\s+<a href=\"/items/", page)
    after = re.search(r"activity\?after=(\d+)", page).group(1)  # type: ignore[union-attr]
    site.as_("bob").post("/work/next")
    new = site.as_("vera").get(f"{site.url}/activity?after={after}", headers=HTMX).text
    assert "took" in new
    assert "submitted" not in new
    assert "submitted" not in site.as_("vera").get(site.url + "/activity?show=setup").text


def test_the_palette_finds_things_and_places(site: Site) -> None:
    def found(name: str, text: str) -> str:
        return site.as_(name).get("/palette", params={"q": text, "project": str(site.project.uid)}, headers=HTMX).text

    assert f"/jobs/{site.job.uid}" in found("bob", "job")
    assert "/items/" in found("bob", "item 1")
    assert "/settings" in found("alice", "settings")
    assert "/settings" not in found("bob", "settings")
    assert "Go to" not in found("alice", site.project.name)  # its pages do not push out what has the same name
    assert "rita@example.org" in found("bob", "rita")
