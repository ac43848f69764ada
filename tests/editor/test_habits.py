"""What people bring along from other tools: the right button, other tools' keys, lists and buttons that give the keys back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.editor.conftest import Hand, Studio, boxed, eventually, near, pixels
from tests.editor.test_video import track

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
MAKES = ["audi", "bmw", "dacia", "fiat", "kia", "opel", "seat", "volvo"]


def on(ana: Hand) -> str:
    """What has the focus, in a word."""
    return ana.page.evaluate("() => document.activeElement.className || document.activeElement.localName")


def menu(ana: Hand) -> list[str]:
    """The lines of the menu that is open."""
    return ana.page.locator(".menu [role=menuitem] span").all_inner_texts()


def right(ana: Hand, x: float, y: float) -> Hand:
    """Click the right button."""
    ana.page.mouse.click(*ana.at(x, y), button="right")
    return ana


def test_the_right_button_offers_what_can_be_done(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 300, 300), boxed(2, 500, 100, 600, 200)])
    ana = right(hand().open(task), 200, 200)
    assert ana.selected() == [1]
    assert {"Change the class…", "Comment…", "Copy", "Duplicate", "Delete", "Hide", "Lock"} < set(menu(ana))
    assert not {"Merge tracks", "Unite the selected areas", "Change into a box"} & set(menu(ana))
    ana.page.get_by_role("menuitem", name="Change into a polygon").click()
    assert on(ana) == "stage"
    task.saved(lambda o: o[0]["shape"]["type"] == "polygon")
    # The point under the pointer, then the object, by keyboard; Esc closes and gives the keys back.
    right(ana, 100, 100).press("ArrowUp", "Escape")
    assert (menu(ana), on(ana)) == ([], "stage")
    right(ana, 100, 100).page.get_by_role("menuitem", name="Remove this point").click()
    task.saved(lambda o: len(o[0]["shape"]["parts"][0][0]) == 6)
    ana.press("Escape", "Tab", "Tab", "Shift+F10")
    assert ana.selected() == [2]
    ana.page.get_by_role("menuitem", name="Delete").press("Enter")
    task.saved(lambda o: [x["id"] for x in o] == [1])
    assert "Paste" not in menu(right(ana, 700, 400))
    ana.page.get_by_role("menuitem", name="Comment…").click()
    ana.page.wait_for_function("() => document.activeElement.id === 'comment-text'")
    ana.page.keyboard.type("What is this?")
    ana.press("Control+Enter")
    (said,) = eventually(lambda: studio.call("GET", f"/items/{task.item}/comments")["results"])
    assert near(pixels([said["x"], said["y"]]), [700, 400], 2)
    # Its pin leads to it; what the network does not take is still there.
    ana.page.get_by_role("tab", name="Labels").click()
    x, y = ana.at(700, 400)
    ana.page.mouse.click(x, y - 15)
    ana.page.wait_for_selector(".comment:focus >> text=What is this?")
    ana.context.set_offline(True)
    text = ana.page.locator("#comment-text")
    text.fill("A stone")
    text.press("Control+Enter")
    eventually(lambda: "No answer" in ana.page.locator(".toast").inner_text() and text.input_value() == "A stone")
    ana.context.set_offline(False)


def test_on_a_telephone_nothing_covers_the_tools_and_fingers_finish_a_shape(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand(has_touch=True, is_mobile=True)
    ana.page.set_viewport_size({"width": 390, "height": 844})
    ana.page.goto(f"{studio.server.url}/work/{task.uid}")
    ana.page.wait_for_function("() => document.querySelector('lw-app').session?.editor?.picture")
    ana.page.locator("[data-tool=polygon]").tap()
    for place in ((300, 200), (500, 200), (500, 400)):
        ana.page.touchscreen.tap(*ana.at(*place))
    ana.page.get_by_role("button", name="Point back").tap()
    ana.page.touchscreen.tap(*ana.at(450, 420))
    ana.page.get_by_role("button", name="Done").tap()
    found = task.saved(lambda o: len(o) == 2)
    assert near(pixels(found[1]["shape"]["parts"][0][0]), [300, 200, 500, 200, 450, 420], 3)


def test_a_list_shows_the_value_of_what_is_selected_and_gives_the_keys_back(studio: Studio, hand: Hands) -> None:
    make = {"name": "make", "kind": "one_of", "options": MAKES, "scope": "object"}
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200)], studio.project(attributes=[make]))
    ana = hand().open(task).press("Tab")
    choice = ana.page.locator("#value-object-make")
    choice.dispatch_event("pointerdown")
    choice.select_option("bmw")
    assert on(ana) == "stage"
    ana.press("Tab")
    assert choice.input_value() == ""
    choice.select_option("kia")
    ana.page.locator(".stage").focus()
    ana.press("Shift+Tab")
    assert choice.input_value() == "bmw"
    ana.press("Control+z", "Control+z")
    assert choice.input_value() == ""
    ana.press("Control+y")
    # A button that was clicked is not pressed again by the space that moves the view, nor by Enter.
    parked = ana.page.get_by_role("radio", name="parked")
    parked.click()
    ana.press("Space", "Enter")
    assert parked.get_attribute("aria-checked") == "true"
    assert on(ana) == "stage"
    found = task.saved(lambda o: o[0].get("attributes", {}).get("state") == "parked")
    assert found[0]["attributes"]["make"] == "bmw"


def test_the_keys_of_other_tools(studio: Studio, hand: Hands) -> None:
    task = studio.video([track(1, (0, 100, 100, 200, 200), (11, 300, 100, 400, 200))])
    ana = hand().open(task).press("?")
    keys = ana.page.get_by_label("Keys like")
    keys.select_option("CVAT")
    ana.press("Escape", "p").press("v", "Escape", "n")
    for x, y in ((500, 300), (600, 300), (600, 400)):
        ana.click(x, y)
    ana.press("n", "d", "d", "n", "Escape", "Escape", "Control+s")
    found = task.saved(lambda o: len(o) == 2)
    assert found[1]["keyframes"][0]["shape"]["type"] == "polygon"
    eventually(lambda: "Saved" in ana.page.locator(".toast").inner_text())
    # Undo goes to where the polygon was drawn.
    assert ana.page.locator("input.frame-number").input_value() == "9"
    ana.press("Control+z")
    eventually(lambda: ana.page.locator("input.frame-number").input_value() == "11")
    ana.press("F1")
    keys.select_option("Label Studio")
    ana.press("Escape", "Escape", "4")
    assert ana.page.locator(".tool-state").get_attribute("data-tool") == "polyline"
    ana.press("?")
    ana.page.get_by_role("button", name="Back to Labelwright's keys").click()
    assert keys.input_value() == ""
