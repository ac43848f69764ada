"""What users can name stays text; pages need no inline code; errors and static files."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from sqlalchemy import select

from labelwright.models.work import Task
from tests.web.conftest import Site
from tests.web.forms import EVIL, UID, post


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
