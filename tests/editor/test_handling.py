"""What makes a day's work quick: the next task is there before it is asked for, and work done once is not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, boxed, eventually, near, pixels
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_the_next_picture_is_there_before_the_task_is_submitted(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    studio.site.pages["/after.png"] = pictures.picture(WIDTH, HEIGHT, seed=501)
    one = studio.task([boxed(1, 100, 100, 200, 200)], project)
    two = studio.task(project=project, url=studio.site.url("/after.png"))
    address = studio.call("GET", f"/tasks/{two.uid}/work")["item"]["media"]["url"].split("?")[0]
    ana = hand()
    asked: list[str] = []
    ana.page.on("request", lambda request: asked.append(request.url))
    ana.open(one)

    def fetched() -> int:
        return sum(address in url for url in asked)

    eventually(lambda: ana.page.evaluate("() => 1") and fetched() == 1)
    assert two.state == ("label", "open")
    ana.press("Control+Enter")
    ana.page.wait_for_url(f"**/{two.uid}")
    ana.ready()
    assert fetched() == 1
    assert two.state == ("label", "held")
    assert ana.rows() == []


def test_the_objects_of_the_item_before_are_repeated(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    shapes: list[dict[str, Any]] = [boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200, attributes={"doors": 4})]
    one, two = studio.task(shapes, project), studio.task(project=project)
    ana = hand().open(one).press("Control+Shift+v")
    assert "no item before" in ana.page.locator(".toast").inner_text()
    ana.press("Control+Enter")
    ana.page.wait_for_url(f"**/{two.uid}")
    ana.ready().press("Control+Shift+v")
    found = two.saved(lambda o: len(o) == 2)
    assert near(pixels(found[1]["shape"]["box"]), [300, 100, 400, 200], 0.01)
    assert found[1]["attributes"] == {"doors": 4}
    ana.press("Control+z")
    two.saved(lambda o: o == [])
