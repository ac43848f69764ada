"""A pen, a palm and fingers; the timeline, the palette and the sheet of shortcuts by keyboard; what assistive technology is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.editor.conftest import Hand, Studio, boxed, eventually, near, pixels
from tests.editor.test_drawing import mask_area
from tests.editor.test_video import track

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
# What a pen's eraser end sends, which the debugging protocol cannot press.
ERASER = """([places, name]) => {
    const stage = document.querySelector(name);
    const send = (type, [x, y], button) => stage.dispatchEvent(new PointerEvent(type, {
        clientX: x, clientY: y, button, buttons: type === "pointerup" ? 0 : 32, pointerId: 1, pointerType: "pen", bubbles: true, pressure: 0.5}));
    send("pointerdown", places[0], 5);
    for (const place of places.slice(1)) send("pointermove", place, -1);
    send("pointerup", places.at(-1), 5);
}"""


class Pen:
    """A pen and fingers on the glass, as the browser gets them from the system."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.line = hand.context.new_cdp_session(hand.page)

    def stroke(self, *places: tuple[float, float], force: float = 0.5) -> None:
        """Down at the first place, over the others, up at the last."""
        for kind, place in [
            ("mousePressed", places[0]),
            *(("mouseMoved", p) for p in places[1:]),
            ("mouseReleased", places[-1]),
        ]:
            x, y = self.hand.at(*place)
            held = {"force": 0, "buttons": 0} if kind == "mouseReleased" else {"force": force, "buttons": 1}
            button = "none" if kind == "mouseMoved" else "left"
            self.line.send(
                "Input.dispatchMouseEvent",
                {"type": kind, "x": x, "y": y, "button": button, "clickCount": 1, "pointerType": "pen"} | held,
            )

    def finger(self, *places: tuple[float, float]) -> None:
        """One finger along these places."""
        for kind, place in [("touchStart", places[0]), *(("touchMove", p) for p in places[1:])]:
            x, y = self.hand.at(*place)
            self.line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y, "id": 1}]})
        self.line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def view(ana: Hand) -> list[float]:
    """Left and top of the picture on the screen."""
    return ana.page.evaluate(
        "() => { const c = document.querySelector('lw-app').session.bench.camera; return [c.left, c.top]; }"
    )


def test_a_pen_draws_by_its_pressure_erases_with_its_end_and_leaves_the_fingers_the_view(
    studio: Studio, hand: Hands
) -> None:
    task = studio.task()
    ana = hand(has_touch=True).open(task).press("3", "m")
    pen = Pen(ana)
    pen.stroke((100, 100), (200, 100), (300, 100), force=1)
    (bold,) = task.saved(lambda o: len(o) == 1)
    assert "finger now moves the view" in ana.page.locator(".toast").inner_text()
    ana.press("Enter")
    pen.stroke((100, 300), (200, 300), (300, 300), force=0.25)
    _, fine = task.saved(lambda o: len(o) == 2)
    assert 0 < mask_area([fine]) < 0.6 * mask_area([bold])
    assert bold["shape"]["box"][3] == 48
    places = [list(ana.at(x, 300)) for x in (90, 150, 200)]
    ana.page.evaluate(ERASER, [places, ".stage"])
    task.saved(lambda o: mask_area(o[1:]) < 0.8 * mask_area([fine]))
    # The palm, right after the pen: nothing. Later on, a finger moves the view.
    before = view(ana)
    pen.stroke((500, 100), (550, 100))
    pen.finger((600, 400), (640, 420))
    assert view(ana) == before
    ana.page.wait_for_timeout(600)
    pen.finger((600, 400), (640, 420))
    after = view(ana)
    assert after[0] > before[0]
    assert after[1] > before[1]
    ana.wait("saved")
    assert len(task.objects) == 2


def test_the_timeline_by_keyboard(studio: Studio, hand: Hands) -> None:
    task = studio.video([track(1, (0, 100, 100, 200, 200), (11, 300, 100, 400, 200))])
    ana = hand().open(task).press("Tab")
    slider = ana.page.get_by_role("slider", name="Frame")
    slider.focus()
    seen = []
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "PageUp", "ArrowDown", "Home", "End", "PageDown"):
        ana.press(key)
        seen.append(int(slider.get_attribute("aria-valuenow") or 0))
    assert seen == [2, 3, 2, 12, 11, 1, 12, 2]
    assert slider.get_attribute("aria-valuetext") == "Frame 2 of 12, f-001"
    # The arrows went to the timeline, not to the selected box.
    assert near(pixels(task.objects[0]["keyframes"][0]["shape"]["box"]), [100, 100, 200, 200], 0.01)
    grip = ana.page.get_by_role("separator", name="Height of the timeline")
    before = ana.page.locator("lw-timeline").bounding_box()["height"]
    grip.focus()
    ana.press("ArrowUp", "ArrowUp")
    eventually(lambda: ana.page.locator("lw-timeline").bounding_box()["height"] == before + 36)


def test_a_key_that_is_taken_is_asked_about_and_each_goes_back_alone(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("?")
    sheet = ana.page.locator("dialog.help")
    change = sheet.get_by_role("button", name="Change the key of Rectangle", exact=True)
    change.click()
    ana.press("p")
    assert "is the key of Polygon" in sheet.get_by_role("alert").inner_text()
    sheet.get_by_role("button", name="Leave it").click()
    assert change.inner_text() == "B"
    change.click()
    ana.press("p")
    sheet.get_by_role("button", name="Take it").click()
    assert change.inner_text() == "P"
    assert sheet.get_by_role("button", name="Change the key of Polygon", exact=True).inner_text() == "none"
    sheet.get_by_role("button", name="Back to the usual key of Polygon").click()
    assert sheet.locator("[data-action='tool.polygon'] + .conflict").inner_text() == "also the key of Rectangle"
    sheet.get_by_role("button", name="Back to the usual key of Rectangle").click()
    assert sheet.locator(".conflict").count() == 0
    ana.press("Escape", "b").drag((100, 100), (200, 200))
    task.saved(lambda o: len(o) == 1)


def named(ana: Hand) -> list[str]:
    """What is reachable or announced and has no name, by the browser's own tree for assistive technology."""
    line = ana.context.new_cdp_session(ana.page)
    line.send("Accessibility.enable")
    nodes: list[dict[str, Any]] = line.send("Accessibility.getFullAXTree")["nodes"]
    line.detach()
    roles = {"button", "link", "textbox", "searchbox", "checkbox", "switch", "radio", "combobox", "slider", "spinbutton", "tab",
             "listbox", "option", "dialog", "image", "separator", "toolbar", "radiogroup", "tablist", "tabpanel", "application"}  # fmt: skip
    return [f"{n['role']['value']} {n['nodeId']}" for n in nodes
            if not n.get("ignored") and n.get("role", {}).get("value") in roles and not n.get("name", {}).get("value", "").strip()]  # fmt: skip


def test_every_control_has_a_name_in_every_panel_and_dialog(studio: Studio, hand: Hands) -> None:
    lines = [{"url": studio.site.url(f"/frame{i}.png")} for i in range(4)]
    attributes = [{"name": "weather", "kind": "one_of", "options": ["sun", "rain"], "scope": "item"}]
    task = studio.task([track(1, (0, 100, 100, 200, 200))], studio.project("video", attributes), frames=lines)
    ana = hand().open(task)
    assert named(ana) == [], "nothing selected"
    ana.press("Tab")
    for tab in ("Comments", "Guide", "History", "View", "Labels"):
        ana.page.get_by_role("tab", name=tab).click()
        assert named(ana) == [], tab
    ana.page.locator(".stage").focus()
    for keys in (["?"], ["Control+k"], ["/"]):
        ana.press(*keys)
        assert named(ana) == [], keys
        ana.press("Escape")
    ana.page.get_by_role("button", name="Skip", exact=True).click()
    assert named(ana) == [], "skip"


def test_every_command_of_the_palette_can_be_run(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task).press("Tab", "Control+k")
    names = ana.page.locator("dialog .result .name").all_inner_texts()
    assert len(names) > 40
    ana.press("Escape")
    left = {
        "Submit",
        "Skip with a reason",
        "Next task",
        "Cut",
        "Delete (the point under the pointer, else the objects)",
    }
    for name in names:
        if name in left:
            continue
        ana.press("Control+k")
        ana.page.locator("dialog input").fill(name)
        ana.press("Enter")
        if ana.page.locator("dialog[open]").count():
            ana.press("Escape")
        ana.press("v", "Tab")
    assert not ana.thrown
