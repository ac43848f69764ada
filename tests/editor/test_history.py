"""Earlier versions: shown, compared with, gone back to; and what a reviewer marks on single objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.editor.conftest import Hand, Studio, boxed, eventually, near, pixels
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_back_to_an_earlier_version(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200)])
    ana = hand().open(task).click(150, 150).drag((150, 150), (150, 350)).wait("saved")
    task.saved(lambda o: near(pixels(o[0]["shape"]["box"]), [100, 300, 200, 400]))
    ana.press("Tab", "Delete")
    task.saved(lambda o: len(o) == 1)
    ana.wait("saved")
    ana.page.get_by_role("tab", name="History").click()
    ana.page.get_by_role("radio", name="First labels").click()
    ana.page.wait_for_selector(".legend")
    ana.page.locator(".revision[data-version='2']").get_by_role("button", name="Go back to this").click()
    found = task.saved(lambda o: len(o) == 2)
    assert near(pixels(found[0]["shape"]["box"]), [100, 300, 200, 400])
    ana.page.get_by_role("tab", name="Labels").click()
    eventually(lambda: ana.rows() == ["Car 1", "Car 2"])


def test_areas_are_united_and_cut(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 300, 300), boxed(2, 200, 200, 400, 400)])
    ana = hand().open(task).press("Control+a", "Control+u")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert len(found["shape"]["parts"][0][0]) == 16
    ana.press("Control+z")
    task.saved(lambda o: len(o) == 2)
    ana.press("Escape").click(110, 110).click(390, 390, "Shift").press("Control+Shift+u")
    task.saved(lambda o: len(o) == 2 and o[0]["shape"]["type"] == "polygon" and len(o[0]["shape"]["parts"][0][0]) == 12)


def test_a_reviewer_marks_one_object(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    hand().open(task).press("Control+Enter")
    eventually(lambda: task.state == ("review", "open"))
    rita = hand("rita").open(task).click(150, 150)
    mark = rita.page.locator(".marks button").first
    mark.click()
    rita.page.wait_for_selector(".marks button[aria-pressed=true]")
    (said,) = studio.call("GET", f"/tasks/{task.uid}/work")["comments"]
    assert (said["object_id"], said["resolved"]) == (1, False)
    mark.click()
    rita.page.wait_for_selector(".marks button[aria-pressed=false]")
    eventually(lambda: studio.call("GET", f"/tasks/{task.uid}/work")["comments"][0]["resolved"])


def test_what_the_reviewer_changed_against_the_author_and_the_model(studio: Studio, hand: Hands) -> None:
    project = studio.project(settings={"reasons": ["Too loose", "Not there"]})
    model = [boxed(n, 100 * n, 100, 100 * n + 80, 200) | {"source": "model", "score": 0.9} for n in (1, 2, 3)]
    task = studio.task(model, project)
    ana = hand().open(task).press("Tab", "2", "Escape", "v").click(240, 150).press("Delete", "Control+Enter")
    eventually(lambda: task.state == ("review", "open"))
    assert [o["class"] for o in task.objects] == ["person", "car"]
    rita = hand("rita").open(task).click(340, 150)
    # A verdict on one object, with the project's reasons, while another is put right by the reviewer.
    marks = rita.page.locator(".marks button")
    assert marks.all_inner_texts() == ["Too loose", "Not there"]
    marks.first.click()
    rita.page.wait_for_selector(".marks button[aria-pressed=true]")
    rita.page.locator("lw-attributes").get_by_role("radio", name="parked").click()
    rita.page.locator(".stage").focus()
    rita.press("Escape", "b").drag((500, 300), (600, 400)).wait("saved")
    rita.page.get_by_role("tab", name="History").click()
    listed = rita.page.locator(".changes li")

    def lines(against: str) -> list[str]:
        rita.page.get_by_role("radio", name=against).click()
        rita.page.wait_for_selector(f".chip[aria-checked=true] >> text={against}")
        return [" ".join(text.split()) for text in listed.all_inner_texts()]

    eventually(lambda: rita.page.get_by_role("radio", name="Author's").count())
    assert lines("Author's") == ["Car 3 state: none → parked", "Car 4 new"]
    assert lines("First labels") == ["person 1 Car → person", "Car 2 gone", "Car 3 state: none → parked", "Car 4 new"]
    listed.get_by_role("button", name="Car 4").click()
    eventually(lambda: rita.page.evaluate("() => [...document.querySelector('lw-app').session.selection.ids]") == [4])
    (said,) = studio.call("GET", f"/tasks/{task.uid}/work")["comments"]
    assert (said["object_id"], said["body"]) == (3, "Too loose")
    # The verdict on the whole item goes back with its reason; the author finds both.
    rita.page.locator(".stage").focus()
    rita.press("r", "2")
    rita.page.locator("dialog.reject").get_by_role("button", name="Return to author").click()
    eventually(lambda: task.state == ("label", "open"))
    ana.open(task)
    ana.page.get_by_role("tab", name="Comments").click()
    talk = ana.page.locator("lw-comments")
    assert "Too loose" in talk.inner_text()
    assert "Not there" in talk.inner_text()
    thread = talk.locator(".comment", has_text="Too loose")
    thread.get_by_role("button", name="Answer").click()
    ana.page.locator("#comment-text").fill("Now it is tight")
    ana.page.get_by_role("button", name="Comment", exact=True).click()
    thread.locator("text=Now it is tight").wait_for()
    thread.get_by_role("button", name="Resolve").click()
    ana.page.wait_for_selector(".comment.resolved")
    said = studio.call("GET", f"/tasks/{task.uid}/work")["comments"]
    first = next(c for c in said if c["body"] == "Too loose")
    assert first["resolved"]
    assert [c["body"] for c in said if c["parent"] == first["uid"]] == ["Now it is tight"]


def test_frames_of_a_video_file_are_exact(studio: Studio, hand: Hands) -> None:
    studio.site.pages["/clip.mp4"] = pictures.video(frames=8, width=64, height=48)
    task = studio.task(project=studio.project("video"), url=studio.site.url("/clip.mp4"))
    ana = hand()
    ana.size = (64, 48)
    ana.open(task).press("d", "d", "d")
    ana.ready()
    eventually(lambda: abs(ana.grey() - (10 + 20 * 3)) < 4)
    ana.press("a")
    ana.ready()
    eventually(lambda: abs(ana.grey() - (10 + 20 * 2)) < 4)
