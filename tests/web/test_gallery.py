"""Lists in a real browser: scrolling, filters, ticking many; and that no page is wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labelwright.edge.auth import COOKIE
from labelwright.models.items import Item
from labelwright.models.work import Job
from labelwright.services import batches, comments, identity, issues
from tests.support import work
from tests.support.serving import served
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """The site on a real socket."""
    with served(site.app, lifespan="off") as url:
        yield url


def enter(page: Any, site: Site, address: str, name: str) -> None:
    """Sign a person in without the form."""
    with site.database.write() as session:
        token = identity.sign_in(session, site.cast.users[name])
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": address}])


def test_a_long_gallery_is_scrolled_filtered_and_acted_upon(site: Site, address: str, page: Any) -> None:
    with site.database.write() as session:
        work.some_items(session, site.project, 150)
    enter(page, site, address, "alice")
    page.goto(address + site.url + "/items")
    assert page.locator(".tile").count() == 60
    for _ in range(30):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(100)
        if page.locator(".tile").count() == 156:
            break
    assert page.locator(".tile").count() == 156

    # A filter goes into the address and is taken off again by its chip.
    page.evaluate("scrollTo(0, 0)")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Task", exact=True).select_option("review")
    page.wait_for_url("**state=review**")
    assert page.locator(".tile").count() == 2
    page.get_by_label("Remove the filter To review").click()
    page.wait_for_url(lambda url: "state=review" not in url)

    # Shift ticks a range, from the keyboard as well; the bar counts; the dialog acts on all of them.
    boxes = page.locator("input[name=item]")
    boxes.nth(0).focus()
    page.keyboard.press("Space")
    boxes.nth(4).click(modifiers=["Shift"])
    assert page.locator("#selection-count").text_content() == "5"
    page.locator("#selection").get_by_role("button", name="Tag").click()
    page.get_by_label("Tags").fill("night")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_text("Tagged 5 items.").wait_for()
    page.get_by_label("Table").click()
    page.wait_for_url("**as=table**")
    assert page.get_by_text("night", exact=True).count() == 5


def test_a_reviewer_accepts_from_the_grid(site: Site, address: str, page: Any) -> None:
    enter(page, site, address, "rita")
    page.goto(address + site.url + "/review")
    page.locator("input[name=item]").first.check()
    page.get_by_role("button", name="Return").click()
    page.get_by_label("Wrong class").check()
    page.get_by_label("Comment").fill("This is a van.")
    page.get_by_role("dialog").get_by_role("button", name="Return").click()
    page.get_by_text("Returned 1.").wait_for()
    page.locator("input[name=item]").first.check()
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Accepted 1.").wait_for()
    page.get_by_text("Nothing to review").wait_for()


def test_no_page_is_wider_than_its_window_or_complains(site: Site, address: str, page: Any) -> None:
    enter(page, site, address, "alice")
    with site.database.write() as session:
        actor, item = identity.actor_of(session, site.cast.users["max"]), session.get_one(Item, site.tasks[0].item_id)
        issue = issues.create(session, actor, site.cast.team.id, "An issue with quite a long name " * 5)
        comments.add(session, actor, item, issue.name).issue_id = issue.id
        site_item, long = f"/items/{item.uid}", batches.create(session, site.project, "a-batch-of-one-drive_" * 5)
        session.get_one(Job, site.job.id).batch_id = long.id
    noted: list[str] = []
    page.on("console", lambda message: noted.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    paths = [site.url + p for p in ("", "/items", "/items?as=table", "/batches", "/jobs", "/jobs?as=table", "/tasks", "/review", "/ontology",
                                    "/workflow", "/exports", "/activity", "/settings", "/connect", "/webhooks", "/models", "/imports")]  # fmt: skip
    paths += [
        "/work",
        "/projects",
        "/account",
        f"/team/{site.cast.team.uid}",
        f"/team/{site.cast.team.uid}/keys",
        f"/team/{site.cast.team.uid}/issues",
        site_item,
        f"/jobs/{site.job.uid}",
    ]
    wide = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        for path in paths:
            page.goto(address + path)
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            unnamed = page.evaluate(
                """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
                   .filter(e => e.checkVisibility() && !e.closest('[aria-hidden=true]'))
                   .filter(e => !(e.ariaLabel || e.textContent.trim() || e.title || (e.labels && e.labels.length)))
                   .map(e => e.outerHTML.slice(0, 120))"""
            )
            if over > 0 or unnamed:
                wide.append((width, path, over, unnamed))
        page.goto(address + site.url + "/items")
        page.locator("summary", has_text="Filter").click()
        assert page.locator(".filter-panel").bounding_box()["x"] >= 0
        # The menu of the last row is not cut off by the table.
        page.goto(address + site.url + "/batches")
        page.locator("main details.menu summary").last.click()
        page.wait_for_function(
            """() => { const last = [...document.querySelectorAll('main details[open] .menu-items button')].at(-1), at = last.getBoundingClientRect();
                       return last.contains(document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)); }"""
        )
    assert not wide
    assert not noted
