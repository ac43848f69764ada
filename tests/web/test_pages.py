"""What people do on the pages, through their forms."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from labelwright.geometry.document import LabelObject, Rectangle
from labelwright.models.background import BackgroundTask
from labelwright.models.events import Delivery
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import LabelClass, Workflow
from labelwright.models.work import Task
from labelwright.services import documents, queue, tasks
from labelwright.services.merging import Change
from labelwright.storage.store import content_key
from tests.support import pictures, work
from tests.web.conftest import HTMX, Site

UID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


def post(browser: TestClient, url: str, /, **data: Any) -> httpx2.Response:
    """Send a form as the pages' script does, and expect it to be taken."""
    answer = browser.post(url, data=data, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer


def refused(browser: TestClient, url: str, status: int = 422, /, **data: Any) -> str:
    """Send a form that must be refused; the words."""
    answer = browser.post(url, data=data, headers=HTMX)
    assert answer.status_code == status, answer.text
    assert 'role="alert"' in answer.text
    return answer.text


def test_a_project_from_the_form_to_its_classes(site: Site) -> None:
    max_ = site.as_("max")
    workspace = str(site.cast.workspace.uid)
    made = post(max_, "/projects", name="Harbour", kind="image", workspace=workspace, starter="boxes")
    url = made.headers["hx-redirect"].removesuffix("/ontology")
    assert "Made the project Harbour" in max_.get(url + "/ontology").text
    assert "Made the project Harbour" not in max_.get(url + "/ontology").text  # said once
    assert "Object" in max_.get(url + "/ontology").text
    assert "Harbour" in max_.get("/projects").text
    assert 'data-fault="name"' in refused(max_, "/projects", name=" ", kind="image", workspace=workspace)
    refused(max_, "/projects", 404, name="Mine", kind="image", workspace=str(site.cast.other_workspace.uid))
    post(max_, url + "/archive")
    assert "archived" in max_.get("/projects").text
    assert "Harbour" not in max_.get("/projects").text
    assert "Harbour" in max_.get("/projects?archived=1").text


def test_classes_are_added_changed_ordered_and_guarded_when_used(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    post(
        alice,
        base + "/classes",
        name="tram",
        display_name="Tram",
        shapes=["rectangle", "polygon"],
        color="#123456",
        hotkey="7",
    )
    with site.database.read() as session:
        tram = session.scalars(select(LabelClass).where(LabelClass.name == "tram")).one()
        assert (tram.shapes, tram.color, tram.hotkey) == (["rectangle", "polygon"], "#123456", "7")
    assert 'data-fault="color"' in refused(alice, base + "/classes", name="bus", color="red")
    assert "already" in refused(alice, base + "/classes", 409, name="tram", color="#123456")
    post(alice, f"{base}/classes/{tram.uid}", name="tramway", display_name="", color="#abcdef")
    uids = re.findall(rf'data-row="({UID})"', alice.get(base).text)
    post(alice, base + "/order", order=",".join(reversed(uids)))
    assert re.findall(rf'data-row="({UID})"', alice.get(base).text) == uids[::-1]
    post(alice, f"{base}/classes/{tram.uid}/delete")
    assert "Deleted the class tramway." in alice.get(base).text
    assert "tramway" not in alice.get(base).text


def test_a_class_in_use_keeps_its_name_and_stays(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    _label_something(site, "car")
    with site.database.read() as session:
        car = session.scalars(select(LabelClass).where(LabelClass.name == "car")).one()
    assert "readonly" in alice.get(f"{base}/classes/{car.uid}", headers=HTMX).text
    assert "labeled" in refused(alice, f"{base}/classes/{car.uid}", 409, name="auto", color="#123456")
    assert "labeled" in refused(alice, f"{base}/classes/{car.uid}/delete", 409)


def test_attributes_are_added_changed_and_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    post(
        alice,
        base + "/attributes",
        name="weather",
        kind="one_of",
        scope="item",
        options="dry\n wet \n\n",
        required="true",
    )
    page = alice.get(base).text
    uid = re.search(rf"attributes/({UID})", page.split("Attributes of all objects")[1]).group(1)  # type: ignore[union-attr]
    assert "wet" in page
    form = alice.get(f"{base}/attributes/{uid}", headers=HTMX).text
    assert "dry\nwet</textarea>" in form
    post(alice, f"{base}/attributes/{uid}", options="dry\nwet\nsnow")
    assert "snow" in alice.get(base).text
    assert 'data-fault="options"' in refused(
        alice, base + "/attributes", name="x", kind="one_of", scope="object", options=""
    )
    post(alice, f"{base}/attributes/{uid}/delete")
    assert "Deleted the attribute weather." in alice.get(base).text
    assert "weather" not in alice.get(base).text


def test_a_new_person_gets_a_password_that_is_shown_once(site: Site) -> None:
    max_, url = site.as_("max"), f"/team/{site.cast.team.uid}"
    shown = post(max_, url + "/members", email="Nina@Example.org", name="Nina", role="annotator").text
    password = re.search(r'id="made-password">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    assert password not in max_.get(url).text
    nina = site.stranger()
    assert nina.post("/login", data={"email": "nina@example.org", "password": password}).headers["location"] == "/"
    assert nina.get("/").headers["location"] == "/work"
    assert "already" in refused(max_, url + "/members", 409, email="nina@example.org", role="viewer")
    assert "owner" in refused(max_, url + "/members", 403, email="boss@example.org", role="owner")
    assert "boss@example.org" not in max_.get(url).text
    # Somebody who has an account elsewhere joins with the password they have.
    assert "hx-redirect" in post(max_, url + "/members", email="charlie@example.org", role="viewer").headers


def test_roles_change_and_the_last_owner_stays(site: Site) -> None:
    alice, url = site.as_("alice"), f"/team/{site.cast.team.uid}/members"
    users = site.cast.users
    post(alice, f"{url}/{users['bob'].uid}", role="reviewer")
    assert site.as_("bob").get(site.url + "/review").status_code == 200
    assert "owner" in refused(alice, f"{url}/{users['alice'].uid}", 409, role="manager")
    refused(site.as_("max"), f"{url}/{users['alice'].uid}", 403, role="viewer")
    post(alice, f"{url}/{users['bob'].uid}/remove")
    assert site.as_("bob").get(site.url).status_code == 404
    refused(alice, f"{url}/{users['charlie'].uid}/remove", 404)


def test_a_lost_password_is_replaced_but_not_across_teams(site: Site) -> None:
    max_, url = site.as_("max"), f"/team/{site.cast.team.uid}/members"
    users = site.cast.users
    shown = post(max_, f"{url}/{users['ben'].uid}/password").text
    password = re.search(r'id="made-password">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    assert site.stranger().post("/login", data={"email": "ben@example.org", "password": password}).status_code == 303
    refused(max_, f"{url}/{users['alice'].uid}/password", 403)
    post(site.as_("alice"), f"/team/{site.cast.team.uid}/members", email="charlie@example.org", role="viewer")
    refused(site.as_("alice"), f"{url}/{users['charlie'].uid}/password", 403)


def test_a_key_is_shown_once_works_and_can_be_revoked(site: Site) -> None:
    bob, url = site.as_("bob"), f"/team/{site.cast.team.uid}/keys"
    shown = post(bob, url, name="nightly", scope="read", expires="30", workspace=str(site.cast.workspace.uid)).text
    key = re.search(r'id="made-key">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    page = bob.get(url).text
    assert key not in page
    assert "nightly" in page
    me = site.stranger().get("/api/v1/me", headers={"authorization": f"Bearer {key}"})
    assert me.json()["key"] == {
        "uid": me.json()["key"]["uid"],
        "name": "nightly",
        "read_only": True,
        "workspace": str(site.cast.workspace.uid),
    }
    uid = me.json()["key"]["uid"]
    refused(site.as_("ben"), f"{url}/{uid}/revoke", 403)
    assert "nightly" not in site.as_("ben").get(url).text
    post(site.as_("max"), f"{url}/{uid}/revoke")  # a manager may
    assert site.stranger().get("/api/v1/me", headers={"authorization": f"Bearer {key}"}).status_code == 401
    assert 'data-fault="name"' in refused(bob, url, name="", scope="full", expires="")


def test_webhooks_are_added_tested_logged_and_sent_again(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/webhooks"
    made = post(alice, base, url="https://hooks.example.org/in", kinds=["task.accepted"]).text
    secret = re.search(r'id="made-secret">([^<]+)<', made).group(1)  # type: ignore[union-attr]
    uid = re.search(rf"webhooks/({UID})", made).group(1)  # type: ignore[union-attr]
    assert secret not in alice.get(f"{base}/{uid}").text
    assert "No calls yet" in alice.get(f"{base}/{uid}").text
    post(alice, f"{base}/{uid}/test")
    page = alice.get(f"{base}/{uid}").text
    assert "webhook.test" in page
    assert "Waiting" in page
    with site.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state, delivery.status, delivery.error = "failed", 500, "answered 500"
    assert "answered 500" in alice.get(f"{base}/{uid}?state=failed").text
    post(alice, f"{base}/{uid}/deliveries/{delivery.uid}")
    assert "No calls in this state" in alice.get(f"{base}/{uid}?state=failed").text
    post(alice, f"{base}/{uid}/switch")
    assert "Paused" in alice.get(base).text
    assert "paused" in refused(alice, f"{base}/{uid}/deliveries/{delivery.uid}", 409)
    post(alice, f"{base}/{uid}/delete")
    assert "No webhooks yet" in alice.get(base).text
    assert 'data-fault="url"' in refused(alice, base, url="ftp://example.org")


def test_workflows_are_made_of_steps_in_order(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/workflow"
    form = {"name": "Strict", "tag": "strict", "default": "true", "kind": ["label", "review", "review", ""],
            "key": ["", "", "", ""], "step_name": ["Draw", "Check", "Spot check", ""], "sample": ["100", "100", "10", "100"]}  # fmt: skip
    post(alice, base, **form)
    with site.database.read() as session:
        row = session.scalars(select(Workflow).where(Workflow.name == "Strict")).one()
        first, check, spot = row.steps
        assert row.is_default
    assert (first["key"], first["on_done"], check["on_accept"], spot["key"], spot["sample"]) == (
        "label",
        "review",
        "review2",
        "review2",
        0.1,
    )
    assert check["on_reject"] == spot["on_reject"] == "label"
    assert "Spot check" in alice.get(base).text
    assert "label" in refused(alice, base, **{**form, "name": "Other", "tag": "", "kind": ["review", "", "", ""]})
    assert 'data-fault="sample"' in refused(
        alice, base, **{**form, "name": "O", "tag": "", "sample": ["1", "many", "1", "1"]}
    )


def test_batches_are_nested_and_only_empty_ones_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/batches"
    post(alice, base, name="Outer")
    outer = re.findall(rf"items\?batch=({UID})", alice.get(base).text)[-1]
    post(alice, base, name="Inner", parent=outer)
    assert "other batches" in refused(alice, f"{base}/{outer}/delete", 409)
    assert "already" in refused(alice, base, 409, name="Outer")


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
    assert "50 objects" in page
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
    uid = _label_something(site, "car")
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
    assert "rita@example.org" in found("bob", "rita")


class Inline(HTMLParser):
    """Collects what a strict content security policy refuses, and tags that only hostile input could have made."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
            self.found.append(f"{tag} {attrs}")
        if tag == "script" and "src" not in names:
            self.found.append("script without src")
        for name, value in attrs:
            if (
                name in {"src", "href", "action", "hx-get", "hx-post"}
                and value
                and re.match(r"(?i)\s*(javascript:|data:|//|https?:)", value)
            ):
                self.found.append(f"{tag} {name}={value}")


def test_hostile_names_stay_text_and_pages_need_no_inline_code(site: Site) -> None:
    """One project in which everything a user can name is named like an attack; then every page of it."""
    alice = site.as_("alice")
    team, base = f"/team/{site.cast.team.uid}", site.url
    post(alice, base + "/settings", name=EVIL[:200], description=EVIL, instructions=EVIL, reasons=EVIL)
    post(alice, base + "/ontology/classes", name=EVIL, display_name=EVIL, color="#112233", hotkey='">')
    post(alice, base + "/ontology/attributes", name=EVIL, display_name=EVIL, kind="one_of", scope="item", options=EVIL)
    post(alice, base + "/batches", name=EVIL, description=EVIL)
    post(alice, base + "/jobs", name=EVIL, instructions=EVIL, priority="5")
    post(alice, base + "/webhooks", url='https://hooks.example.org/"><script>', kinds=["task.accepted"])
    post(alice, team + "/keys", name=EVIL, scope="full", expires="")
    post(alice, "/account/name", name=EVIL)
    post(alice, base + "/workflow", name=EVIL, tag=EVIL, kind=["label"], key=[""], step_name=[EVIL], sample=["100"])
    uids = re.findall(rf'name="item" value="({UID})"', alice.get(base + "/items").text)
    post(alice, base + "/items/act", verb="tag", item=uids, tags=EVIL.replace(",", "")[:90])
    with site.database.write() as session:
        for task in session.scalars(select(Task)):
            task.skip_reason = EVIL
    paths = ["/projects", team, team + "/keys", "/account", "/work", f"/items/{uids[0]}", "/palette?q=script"]
    paths += [base + p for p in ("/items", "/items?as=table", f"/items?q={EVIL[:20]}", "/batches", "/jobs", "/jobs?as=table", "/tasks",
                                 "/review", "/ontology", "/workflow", "/activity", "/settings", "/connect", "/webhooks",
                                 "/ontology/attributes/new", "/jobs/new", "/workflow/new", "/batches/new")]  # fmt: skip
    jobs = set(re.findall(rf"/jobs/({UID})", alice.get(base + "/jobs").text))
    paths += [f"/jobs/{uid}" for uid in jobs]
    for path in paths:
        answer = alice.get(path)
        assert answer.status_code == 200, path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        parser = Inline()
        parser.feed(answer.text)
        assert not parser.found, path
        assert "<script>alert" not in answer.text, path
        assert "onerror=alert(2)>'49" not in answer.text, path


def test_errors_are_pages_with_a_way_on(site: Site) -> None:
    answer = site.as_("alice").get("/projects/nonsense/items")
    assert answer.status_code == 404
    assert "To the start page" in answer.text
    assert site.as_("alice").get("/no-such-page").status_code == 404
    assert site.as_("alice").get("/work/next").status_code in (404, 405)


def test_static_files_are_kept_by_browsers_when_hashed(site: Site) -> None:
    page = site.stranger().get("/login").text
    sheet = re.search(r'href="(/static/css/tokens\.css\?v=[0-9a-f]+)"', page).group(1)  # type: ignore[union-attr]
    assert "immutable" in site.stranger().get(sheet).headers["cache-control"]
    assert site.stranger().get("/static/../app.py").status_code == 404


def _label_something(site: Site, name: str) -> str:
    """Give the first item a picture, and put one box on it; the item's uid."""
    picture = pictures.picture(64, 48)
    sha256 = hashlib.sha256(picture).digest()
    site.app.state.context.store.put(content_key(sha256), picture, mime="image/png")
    with site.database.write() as session:
        item = session.get_one(Item, site.tasks[0].item_id)
        media = Media(
            team_id=site.project.team_id, sha256=sha256, size=len(picture), mime="image/png", width=64, height=48
        )
        session.add(media)
        session.flush()
        session.add(ItemMedia(item_id=item.id, media_id=media.id, state="ready"))
        change = Change(put=[LabelObject(1, name, Rectangle((0.1, 0.1, 0.5, 0.5)))])
        documents.save(session, site.cast.alice, item, change, base=0)
        return str(item.uid)
