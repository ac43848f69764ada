"""Sequences: stepping, tracks with keyframes, leaving the picture, values that change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.editor.conftest import Hand, Studio, boxed, eventually, near, pixels
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def track(number: int, *keys: tuple[int, float, float, float, float]) -> dict[str, Any]:
    """A track of boxes: (frame, x1, y1, x2, y2) each."""
    keyframes = [{"frame": frame, "shape": boxed(1, *box)["shape"]} for frame, *box in keys]
    return {"id": number, "class": "car", "keyframes": keyframes}


def keyframes(found: dict[str, Any]) -> list[tuple[int, list[float]]]:
    return [(k["frame"], pixels(k["shape"]["box"])) for k in found["keyframes"] if "shape" in k]


def test_a_track_is_drawn_moved_and_interpolated(studio: Studio, hand: Hands) -> None:
    task = studio.video()
    ana = hand().open(task).press("b").drag((100, 100), (200, 200)).press("Shift+d")
    assert ana.page.locator("input.frame-number").input_value() == "11"
    ana.press("v").click(150, 150).drag((150, 150), (350, 150))
    (found,) = task.saved(lambda o: o and len(o[0]["keyframes"]) == 2)
    (first, second) = keyframes(found)
    assert (first[0], second[0]) == (0, 10)
    assert near(second[1], [300, 100, 400, 200])
    ana.press("a", "a", "a", "a", "a")
    ana.press("Escape").click(250, 150)
    assert ana.selected() == [1]
    ana.press("f")
    (found,) = task.saved(lambda o: len(o[0]["keyframes"]) == 3)
    assert near(keyframes(found)[1][1], [200, 100, 300, 200])


def test_leaving_the_picture_and_coming_back(studio: Studio, hand: Hands) -> None:
    task = studio.video([track(1, (0, 100, 100, 200, 200))])
    ana = hand().open(task).click(150, 150).press("d", "d", "u")
    task.saved(lambda o: [k.get("outside", False) for k in o[0]["keyframes"]] == [False, True])
    ana.press("d")
    assert ana.rows() == []
    ana.press("u")
    task.saved(lambda o: [k["frame"] for k in o[0]["keyframes"]] == [0, 2, 3])
    assert ana.rows() == ["Car 1"]
    ana.press("Control+z", "Control+z")
    task.saved(lambda o: len(o[0]["keyframes"]) == 1)


def test_values_change_from_a_frame_on(studio: Studio, hand: Hands) -> None:
    task = studio.video([track(1, (0, 100, 100, 200, 200))])
    ana = hand().open(task).click(150, 150)
    ana.page.locator("lw-attributes").get_by_role("radio", name="moving").click()
    ana.page.locator(".stage").focus()
    ana.press("d", "d", "d")
    ana.page.locator("lw-attributes").get_by_role("radio", name="parked").click()
    task.saved(lambda o: [(k["frame"], k.get("attributes")) for k in o[0]["keyframes"]]
               == [(0, {"state": "moving"}), (3, {"state": "parked"})])  # fmt: skip


def test_a_value_is_set_on_a_range_of_frames(studio: Studio, hand: Hands) -> None:
    """A required value of frames, on a chosen range at once; on single frames of it another; each one step of undo."""
    weather = {"name": "weather", "kind": "one_of", "options": ["dry", "rain"], "scope": "frame", "required": True}
    lines = [{"url": studio.site.url(f"/frame{i}.png")} for i in range(12)]
    task = studio.task([], studio.project("video", [weather]), frames=lines)
    ana = hand().open(task).press("d", "d", "Alt+a", "d", "d", "d", "Alt+d")

    def said() -> dict[str, str]:
        return {frame: values["weather"] for frame, values in (task.document.get("frames") or {}).items()}

    ana.page.get_by_role("heading", name="Frames 3 to 6").wait_for()
    ana.page.get_by_role("radio", name="rain").click()
    eventually(lambda: said() == dict.fromkeys("2345", "rain"))
    ana.press("d").page.get_by_role("heading", name="Frame 7", exact=True).wait_for()
    ana.page.get_by_role("radio", name="dry").click()
    eventually(lambda: said() == dict.fromkeys("2345", "rain") | {"6": "dry"})
    ana.press("Control+z", "Control+z")
    eventually(lambda: said() == {})


def test_rows_of_the_timeline_stay_where_they_are(studio: Studio, hand: Hands) -> None:
    """A click on a row selects its track, whatever is selected and in the picture; what is selected elsewhere is in view."""
    tracks = [
        track(n, (n % 5, 10 * n, 10 * n, 10 * n + 60, 10 * n + 60), (11, 400, 10 * n, 460, 10 * n + 60))
        for n in range(1, 31)
    ]
    ana = hand().open(studio.video(tracks))
    box = ana.page.locator("lw-timeline canvas").bounding_box() or {}
    chosen = "() => [...document.querySelector('lw-app').session.selection.ids]"

    def row(number: int) -> list[int]:
        ana.page.mouse.click(box["x"] + 40, box["y"] + 22 + 18 * (number - 0.5))
        return ana.page.evaluate(chosen)

    assert [row(3), row(1), row(3), row(2)] == [[3], [1], [3], [2]]
    ana.press("End", "a", "a")
    assert row(3) == [3]
    ana.press("Escape").click(425, 325)
    far = ana.page.evaluate(chosen)
    assert far > [20]
    assert far in [row(number) for number in range(1, int((box["height"] - 22) / 18) + 2)]
    # The wheel is free: what is pointed at meanwhile brings nothing back.
    ana.press("Escape").click(425, 325)
    ana.page.mouse.move(box["x"] + 40, box["y"] + 60)
    ana.page.mouse.wheel(0, -5000)
    ana.move(420, 320).move(40, 480)
    assert row(1) == [1]


def test_keyframes_are_stepped_through_and_frames_played(studio: Studio, hand: Hands) -> None:
    task = studio.video([track(1, (0, 100, 100, 200, 200), (4, 200, 100, 300, 200), (9, 300, 100, 400, 200))])
    ana = hand().open(task)
    number = ana.page.locator("input.frame-number")
    seen = []
    for key in ("e", "e", "q", "e", "e"):
        ana.press(key)
        seen.append(int(number.input_value()) - 1)
    assert seen == [4, 9, 4, 9, 9]
    assert ana.page.locator(".frame-id").inner_text() == "f-009"
    ana.page.get_by_role("button", name="First frame").click()
    ana.press("w")
    ana.page.wait_for_function("() => document.querySelector('input.frame-number').value === '12'", timeout=20000)
    ana.page.wait_for_selector("button[aria-label^=Play]")


SHOWN = """([frame, width]) => {
    const {frames, editor} = document.querySelector("lw-app").session;
    return frames.now === frame && editor.picture?.levels[0].width === width && !document.querySelector(".stage[data-busy]");
}"""


def test_large_frames_are_stepped_through_as_smaller_copies_and_seen_in_full_at_rest(
    studio: Studio, hand: Hands
) -> None:
    count = 8
    for n in range(count):
        shade = np.full((1200, 2000, 3), 20 + 25 * n, np.uint8)
        studio.site.pages[f"/large{n}.png"] = pictures.encoded(shade)
    frames = [{"url": studio.site.url(f"/large{n}.png")} for n in range(count)]
    ana = hand()
    ana.size = (2000, 1200)
    ana.open(studio.task(project=studio.project("video"), frames=frames))
    ana.page.wait_for_function(SHOWN, arg=[0, 2000])
    seen = ana.page.evaluate("""async () => {
        const {frames, editor} = document.querySelector("lw-app").session;
        const widths = [];
        const stop = editor.shown.on(() => widths.push(editor.picture.levels[0].width));
        // A hand that does not rest, for as long as copies need to come on a slow machine.
        for (let n = 1; n <= 400 && !widths.includes(1280); n++) {
            frames.go(5 + n % 3); // those before are fetched in full while the first one rests
            await new Promise(done => setTimeout(done, 40));
        }
        stop();
        frames.go(5);
        return widths;
    }""")
    assert 1280 in seen, "the hand did not rest at all of them"
    ana.page.wait_for_function(SHOWN, arg=[5, 2000])
    assert abs(ana.grey() - (20 + 25 * 5)) <= 3
    ana.press("w")
    ana.page.wait_for_function(SHOWN, arg=[count - 1, 2000], timeout=20_000)
    assert abs(ana.grey() - (20 + 25 * 7)) <= 3
