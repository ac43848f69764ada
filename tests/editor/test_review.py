"""From label to review and back: submitting, what is missing, verdicts, comments, skipping, the next task."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.editor.conftest import Hand, Studio, boxed, eventually

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_submit_return_correct_accept(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task).press("b").drag((300, 300), (400, 400)).press("Control+Enter")
    eventually(lambda: task.state == ("review", "open"))
    assert len(task.objects) == 2

    rita = hand("rita").open(task)
    assert "review of" in rita.page.locator("lw-top").inner_text()
    rita.press("r")
    dialog = rita.page.locator("dialog.reject")
    dialog.get_by_role("radio").first.click()
    dialog.get_by_role("textbox").fill("The second box is too large")
    dialog.get_by_role("button", name="Return to author").click()
    eventually(lambda: task.state == ("label", "open"))

    ana.open(task)
    assert ana.page.locator("lw-top .chip.returned").is_visible()
    ana.page.get_by_role("tab", name=re.compile("Comments")).click()
    assert "too large" in ana.page.locator("lw-comments").inner_text()
    ana.press("v").click(350, 350).press("Delete")
    task.saved(lambda o: len(o) == 1)
    ana.press("Control+Enter")
    eventually(lambda: task.state == ("review", "open"))
    rita.open(task).press("y")
    eventually(lambda: task.state == ("end", "done"))


def test_what_is_missing_is_listed_and_leads_there(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200) | {"class": "sign"}])
    ana = hand().open(task).press("Control+Enter")
    dialog = ana.page.locator("dialog.submit")
    assert "sign 2: text is required" in dialog.inner_text()
    dialog.get_by_role("button", name=re.compile("text is required")).click()
    assert ana.selected() == [2]
    ana.page.wait_for_function("() => document.activeElement?.matches('lw-attributes input')")
    ana.page.keyboard.type("STOP")
    task.saved(lambda o: o[1].get("attributes") == {"text": "STOP"})
    ana.page.get_by_role("button", name="Submit").click()
    eventually(lambda: task.state == ("review", "open"))


def test_the_next_task_opens_by_itself(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    one, two = studio.task(project=project), studio.task(project=project)
    ana = hand().open(one).press("b").drag((300, 300), (400, 400)).press("Control+Enter")
    ana.page.wait_for_url(f"**/work/{two.uid}")
    ana.ready()
    assert ana.rows() == []
    ana.press("b").drag((100, 100), (200, 200)).press("Control+Enter")
    ana.page.wait_for_selector("text=All done")
    assert (len(one.objects), len(two.objects)) == (1, 1)


def test_skip_with_a_reason(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    ana.page.get_by_role("button", name="Skip", exact=True).click()
    ana.page.locator("dialog.skip textarea").fill("Too dark")
    ana.page.locator("dialog.skip").get_by_role("button", name="Skip", exact=True).click()
    eventually(lambda: task.state[1] == "skipped")
    assert studio.call("GET", f"/tasks/{task.uid}/work")["task"]["skip_reason"] == "Too dark"


def test_a_comment_on_an_object_and_one_on_a_place(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task).click(150, 150).press("t")
    ana.page.locator("#comment-text").fill("Is this a car?")
    ana.page.get_by_role("button", name="Comment", exact=True).click()
    ana.page.wait_for_selector(".comment >> text=Is this a car?")
    ana.page.locator(".stage").focus()
    ana.press("Escape")
    ana.page.get_by_role("button", name="Pin to a place").click()
    ana.click(600, 400)
    ana.page.locator("#comment-text").fill("What is here?")
    ana.page.get_by_role("button", name="Comment", exact=True).click()
    ana.page.wait_for_selector(".comment >> text=What is here?")
    first, second = studio.call("GET", f"/tasks/{task.uid}/work")["comments"]
    assert (first["object_id"], first["x"]) == (1, None)
    assert second["object_id"] is None
    assert abs(second["x"] - 600 / 800) < 0.01


def test_a_task_that_somebody_holds_can_be_looked_at(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    hand().open(task)
    ben = hand("ben").open(task)
    assert "holds this task" in ben.page.locator("lw-top").inner_text()
    ben.press("b").drag((300, 300), (400, 400)).click(150, 150).press("Delete")
    assert ben.rows() == ["Car 1"]
    assert len(task.objects) == 1
