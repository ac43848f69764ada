"""Changing shapes: into other kinds, together, out of each other, snapped to neighbours; other people's keys; fingers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, boxed, eventually, near, pixels

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def command(ana: Hand, words: str) -> Hand:
    """Run a command by its name, from the palette."""
    ana.press("Control+k")
    ana.page.keyboard.type(words)
    return ana.press("Enter")


def ring(*points: float) -> list[float]:
    """Pixels as fractions."""
    return [v / (WIDTH, HEIGHT)[i % 2] for i, v in enumerate(points)]


def parts(found: dict[str, Any]) -> list[list[list[float]]]:
    return [[pixels(outline) for outline in part] for part in found["shape"]["parts"]]


def test_a_box_becomes_a_polygon_a_mask_and_a_box_again(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 300, 200) | {"class": "road"}], studio.project(classes=[{"name": "road"}]))
    ana = hand().open(task).press("Tab")
    command(ana, "into a polygon")
    (found,) = task.saved(lambda o: o[0]["shape"]["type"] == "polygon")
    assert near(parts(found)[0][0], [100, 100, 300, 100, 300, 200, 100, 200], 0.01)
    command(ana, "into a mask")
    (found,) = task.saved(lambda o: o[0]["shape"]["type"] == "mask")
    assert (found["shape"]["size"], found["shape"]["box"]) == ([WIDTH, HEIGHT], [100, 100, 200, 100])
    command(ana, "into a polygon")
    task.saved(lambda o: o[0]["shape"]["type"] == "polygon")
    command(ana, "into a box")
    (found,) = task.saved(lambda o: o[0]["shape"]["type"] == "rectangle")
    assert near(pixels(found["shape"]["box"]), [100, 100, 300, 200], 0.01)
    ana.press(*["Control+z"] * 4)
    eventually(lambda: len(task.objects) == 1 and "saved" in ana.page.locator(".save").get_attribute("data-state"))
    assert near(pixels(task.objects[0]["shape"]["box"]), [100, 100, 300, 200], 0.01)


def test_areas_are_united_and_cut_out_of_each_other(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 300, 200), boxed(2, 200, 100, 400, 200), boxed(3, 150, 130, 180, 160)])
    ana = hand().open(task).click(110, 105).click(390, 150, "Shift").press("Control+u")
    found = task.saved(lambda o: len(o) == 2)
    assert sorted(pixels(found[0]["shape"]["parts"][0][0])[::2])[::3] == pytest.approx([100, 400], abs=0.01)
    ana.press("Escape").click(110, 105).click(165, 145, "Shift").press("Control+Shift+u")
    found = task.saved(lambda o: len(o[0]["shape"]["parts"][0]) == 2)
    hole = parts(found[0])[0][1]
    assert (min(hole[::2]), max(hole[::2]), min(hole[1::2]), max(hole[1::2])) == pytest.approx((150, 180, 130, 160))
    assert pixels(found[1]["shape"]["box"]) == pytest.approx([150, 130, 180, 160])


def test_points_snap_to_neighbours_unless_told_not_to(studio: Studio, hand: Hands) -> None:
    task = studio.task(
        [
            {
                "id": 1,
                "class": "road",
                "shape": {"type": "polygon", "parts": [[ring(100, 100, 300, 100, 300, 300, 100, 300)]]},
            }
        ]
    )
    ana = hand().open(task).press("3", "p")
    for x, y in ((302, 102), (500, 100), (500, 300), (303, 298)):
        ana.click(x, y)
    found = task.saved(lambda o: len(o) == 1) and ana.press("Enter") and task.saved(lambda o: len(o) == 2)
    assert near(parts(found[1])[0][0], [300, 100, 500, 100, 500, 300, 300, 300], 1.5)
    assert parts(found[1])[0][0][:2] == pytest.approx([300, 100], abs=1e-6)
    ana.press("Alt+s")
    for x, y in ((306, 404), (500, 400), (303, 302)):
        ana.click(x, y)
    ana.press("Enter")
    found = task.saved(lambda o: len(o) == 3)
    assert near(parts(found[2])[0][0][-2:], [303, 302], 1.0)


def test_keys_of_another_tool_and_back(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("?")
    ana.page.get_by_label("Keys like").select_option("Label Studio")
    ana.press("Escape", "r").drag((100, 100), (200, 200))
    task.saved(lambda o: len(o) == 1 and o[0]["shape"]["type"] == "rectangle")
    ana.press("?")
    ana.page.get_by_role("button", name="Back to Labelwright's keys").click()
    ana.press("Escape", "Escape", "b").drag((300, 100), (400, 200))
    task.saved(lambda o: len(o) == 2)


def test_a_key_is_changed_in_the_help_sheet_and_kept(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("?")
    ana.page.get_by_role("button", name="Change the key of Rectangle", exact=True).click()
    ana.press("F2", "Escape")
    ana.page.reload()
    ana.ready().press("F2").drag((100, 100), (200, 200))
    task.saved(lambda o: len(o) == 1)


def test_one_finger_draws_and_two_move_the_view(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand(has_touch=True).open(task).press("b")
    touch = ana.context.new_cdp_session(ana.page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n, "force": 0.5} for n, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    (ax, ay), (bx, by) = ana.at(100, 100), ana.at(300, 200)
    send("touchStart", (ax, ay))
    send("touchMove", ((ax + bx) / 2, (ay + by) / 2))
    send("touchMove", (bx, by))
    send("touchEnd")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert near(pixels(found["shape"]["box"]), [100, 100, 300, 200])
    zoom = "() => { const c = document.querySelector('lw-app').session.bench.camera; return [c.zoom, c.left, c.top]; }"
    before = ana.page.evaluate(zoom)
    (x, y) = ana.at(400, 250)
    # The second finger takes back what the first one began, and both zoom and pan.
    send("touchStart", (x - 50, y))
    send("touchMove", (x - 60, y))
    send("touchStart", (x - 60, y), (x + 60, y))
    send("touchMove", (x - 120, y), (x + 120, y))
    send("touchEnd")
    after = ana.page.evaluate(zoom)
    assert after[0] == pytest.approx(2 * before[0], rel=0.05)
    send("touchStart", (x - 50, y), (x + 50, y))
    send("touchMove", (x - 50, y + 40), (x + 50, y + 40))
    send("touchEnd")
    moved = ana.page.evaluate(zoom)
    assert moved[0] == pytest.approx(after[0], rel=0.01)
    assert moved[2] - after[2] == pytest.approx(40, abs=2)
    ana.wait("saved")
    assert len(task.objects) == 1


def test_what_a_screen_reader_is_told(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200)])
    ana = hand().open(task)
    page = ana.page
    # Every control that can be reached has a name.
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, select, textarea, canvas[tabindex], [role=listbox]")]
            .filter(e => e.offsetParent !== null || e === document.activeElement)
            .filter(e => !(e.getAttribute("aria-label") || e.textContent.trim() || e.title || e.labels?.length || e.placeholder))
            .map(e => e.outerHTML)"""
    )
    assert unnamed == []
    assert page.get_by_role("application").get_attribute("aria-label") or "" != ""
    assert page.locator(".save[role=status]").inner_text() == "Saved"
    ana.press("Tab", "Tab")
    options = page.get_by_role("listbox", name="Objects").get_by_role("option", selected=True)
    assert options.get_attribute("aria-label") == "Car 2, Rectangle"
    ana.press("Control+l", "Delete")
    status = page.locator("lw-app > [role=status][aria-live=polite]")
    eventually(lambda: "1 locked object kept" in status.inner_text())
    ana.context.set_offline(True)
    ana.press("Escape", "b").drag((500, 100), (600, 200)).wait("offline")
    assert "Offline" in page.locator(".save[role=status]").inner_text()
    ana.context.set_offline(False)
    ana.wait("saved")
    ana.press("?")
    dialog = page.get_by_role("dialog", name="Shortcuts")
    assert dialog.is_visible()
    assert page.evaluate("() => document.querySelector('dialog').contains(document.activeElement)")
    ana.press("Escape")
    assert page.evaluate("() => document.activeElement.classList.contains('stage')")
