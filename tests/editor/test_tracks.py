"""Tracks as wholes, by keyboard in the real browser: joined, split, swapped, ended, carried over frames and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labelwright.geometry import document, masks
from labelwright.geometry import tracks as geometry
from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, Task, eventually, near
from tests.editor.test_handling import SEMANTIC, half
from tests.editor.test_video import keyframes, track

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
LEFT, MIDDLE, RIGHT = (100, 100, 200, 200), (300, 100, 400, 200), (500, 100, 600, 200)


def spans(found: dict[str, Any]) -> list[tuple[int, bool]]:
    """Frame of each keyframe, and whether the track leaves the picture there."""
    return [(k["frame"], k.get("outside", False)) for k in found["keyframes"]]


def go(ana: Hand, frame: int) -> Hand:
    """Go to a frame (from 0)."""
    field = ana.page.locator("input.frame-number")
    field.fill(str(frame + 1))
    field.press("Enter")
    ana.page.locator(".stage").focus()
    return ana


def opened(studio: Studio, hand: Hands, *tracks: dict[str, Any]) -> tuple[Task, Hand]:
    task = studio.video(list(tracks))
    return task, hand().open(task)


def test_sparse_boxes_become_one_track_without_gaps(studio: Studio, hand: Hands) -> None:
    task, ana = opened(studio, hand, track(1, (0, *LEFT)))
    go(ana, 5).press("b").drag((300, 300), (400, 400))
    go(ana, 10).drag((500, 300), (600, 400))
    found = task.saved(lambda o: len(o) == 3)
    assert [o["keyframes"][0]["frame"] for o in found] == [0, 5, 10]
    ana.press("v", "Control+a", "Control+m")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert [f for f, _ in spans(found)] == [0, 5, 10]
    go(ana, 7).press("Escape").click(380, 350)
    assert ana.selected() == [1]
    ana.press("f")
    (found,) = task.saved(lambda o: len(o[0]["keyframes"]) == 4)
    assert near(keyframes(found)[2][1], [380, 300, 480, 400], 2.5)
    ana.press("Control+z", "Control+z")
    task.saved(lambda o: len(o) == 3)


def test_a_track_is_split_and_the_later_part_ends(studio: Studio, hand: Hands) -> None:
    task, ana = opened(studio, hand, track(1, (0, *LEFT), (10, *RIGHT)))
    go(ana, 5).press("Tab", "Shift+S")
    first, second = task.saved(lambda o: len(o) == 2)
    assert spans(first) == [(0, False), (4, False), (5, True)]
    assert spans(second) == [(5, False), (10, False)]
    assert near(keyframes(second)[0][1], list(MIDDLE), 0.01)
    assert ana.selected() == [second["id"]]
    go(ana, 8).press("Shift+Delete")
    _, second = task.saved(lambda o: spans(o[1])[-1] == (8, True))
    assert [f for f, _ in spans(second)] == [5, 7, 8]
    assert ana.rows() == []
    ana.press("Control+z", "Control+z")
    task.saved(lambda o: len(o) == 1 and spans(o[0]) == [(0, False), (10, False)])


def test_mixed_up_identities_are_swapped_from_here_on(studio: Studio, hand: Hands) -> None:
    task, ana = opened(studio, hand, track(1, (0, *LEFT), (11, *LEFT)), track(2, (0, *RIGHT), (11, *RIGHT)))
    go(ana, 6).press("Control+a", "Shift+X")
    one, two = task.saved(lambda o: len(o[0]["keyframes"]) > 2)
    assert near(keyframes(one)[0][1], list(LEFT))
    assert near(keyframes(one)[-1][1], list(RIGHT))
    assert near(keyframes(two)[0][1], list(RIGHT))
    assert near(keyframes(two)[-1][1], list(LEFT))
    assert [f for f, _ in spans(one)] == [f for f, _ in spans(two)] == [0, 5, 6, 11]


def test_several_are_carried_over_frames_and_that_is_taken_back(studio: Studio, hand: Hands) -> None:
    moving = [track(1, (0, *LEFT), (11, *RIGHT)), track(2, (0, *RIGHT), (11, *LEFT))]
    task, ana = opened(studio, hand, *moving)
    ana.press("Control+a", "Shift+E")
    found = task.saved(lambda o: [f for f, _ in spans(o[0])] == [0, 10, 11])
    assert near(keyframes(found[0])[1][1], list(LEFT))
    assert near(keyframes(found[1])[1][1], list(RIGHT))
    assert near(keyframes(found[0])[2][1], list(RIGHT))
    ana.press("Control+z")
    task.saved(lambda o: [spans(x) for x in o] == [[(0, False), (11, False)]] * 2)


def test_a_chosen_range_is_carried_over_in_both_directions(studio: Studio, hand: Hands) -> None:
    task, ana = opened(studio, hand, track(1, (0, *LEFT), (10, *RIGHT)))
    go(ana, 3).press("Alt+a")
    go(ana, 7).press("Alt+d")
    go(ana, 5).press("Tab", "Alt+e")
    (found,) = task.saved(lambda o: len(o[0]["keyframes"]) == 6)
    assert [f for f, _ in spans(found)] == [0, 2, 3, 7, 8, 10]
    (_, first), (_, last) = keyframes(found)[2:4]
    assert near(first, list(MIDDLE), 0.01)
    assert near(last, list(MIDDLE), 0.01)
    assert near(keyframes(found)[4][1], [420, 100, 520, 200], 0.01)
    ana.press("w")
    ana.page.wait_for_function("() => document.querySelector('input.frame-number').value === '8'", timeout=20_000)
    ana.page.wait_for_selector("button[aria-label^=Play]")
    ana.page.locator("button.range").click()
    assert ana.page.locator("button.range").count() == 0


def test_masks_carried_over_frames_take_their_pixels_there(studio: Studio, hand: Hands) -> None:
    """One class a pixel in a video: at the frames written, and where masks move over each other between them."""
    road = half(1, "road", 0, 600)
    tracks = [
        {"id": 1, "class": "road", "keyframes": [{"frame": 0, "shape": road["shape"]}]},
        {"id": 2, "class": "grass", "keyframes": [{"frame": 0, "shape": half(2, "grass", 600, 800)["shape"]}]},
    ]
    lines = [{"url": studio.site.url(f"/frame{i}.png")} for i in range(12)]
    task = studio.task(tracks, studio.project("video", **SEMANTIC), frames=lines)
    ana = hand().open(task)
    gaps = ana.page.locator("button.gaps")
    eventually(lambda: gaps.inner_text() == "Every pixel has a class")
    # A stroke of the third mask over the border of the two, from the fifth frame on, fixed for ten frames.
    go(ana, 4).press("2", "m", *["]"] * 3).drag((500, 250), (700, 250)).press("v").click(600, 250)
    ana.press("Shift+E")
    found = task.saved(lambda o: len(o) == 3 and len(o[2]["keyframes"]) == 2)
    assert [f for f, _ in spans(found[0])] == [f for f, _ in spans(found[1])] == [0, 3, 4]
    assert found[0]["keyframes"][0]["shape"] == found[0]["keyframes"][1]["shape"] == road["shape"]
    for frame in (0, 3, 4, 11):
        areas = areas_at(found, frame)
        assert len(areas) == (2 if frame < 4 else 3)
        assert sum(areas) == WIDTH * HEIGHT
    assert gaps.inner_text() == "Every pixel has a class"
    # The track of the grass goes over the others until the last frame: what it left has no class then.
    go(ana, 11).press("Escape", "v").click(780, 50).press(*["Shift+ArrowLeft"] * 5)
    eventually(lambda: gaps.inner_text() == "25,000 px without a class")
    task.saved(lambda o: spans(o[1])[-1][0] == 11 and sum(areas_at(o, 11)) == WIDTH * HEIGHT - 25_000)
    ana.press(*["Control+z"] * 5)
    eventually(lambda: gaps.inner_text() == "Every pixel has a class")


def areas_at(found: list[dict[str, Any]], frame: int) -> list[int]:
    """Pixels of each mask that saved tracks have at a frame."""
    states = [geometry.state_at(o, frame) for o in document.decode(document.encode({"objects": found})).objects]
    return [masks.area(state.shape) for state in states if state and isinstance(state.shape, document.Mask)]
