"""Video files by their frame numbers: each frame carries its number in bars, and what stands on the canvas is read back."""

from __future__ import annotations

import random
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.editor.conftest import Hand, Studio, Task, eventually
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
FRAMES = 120
# The bars on the canvas, as pictures.number_of reads them.
READ = """() => {
    const {camera} = document.querySelector("lw-app").session.bench;
    const c = document.querySelector(".layer.base"), r = devicePixelRatio;
    let n = 0;
    for (let bit = 0; bit < 10; bit++) {
        const [x, y] = [camera.x((bit + 0.5) / 10) * r, camera.y(0.5) * r];
        n = 2 * n + (c.getContext("2d").getImageData(x, y, 1, 1).data[1] > 127 ? 1 : 0);
    }
    return n;
}"""
SETTLED = """n => {
    const {frames, editor} = document.querySelector("lw-app").session;
    return frames.now === n && !frames.loading && !document.querySelector(".stage[data-busy]");
}"""


def uneven(frames: int) -> list[int]:
    """Times in milliseconds of a camera that drops frames: 10 to 90 ms apart."""
    dice = random.Random(4)
    times = [0]
    for _ in range(frames - 1):
        times.append(times[-1] + dice.choice([10, 20, 33, 34, 40, 50, 90]))
    return times


FILES: dict[str, Callable[[], bytes]] = {
    "29.97": lambda: pictures.numbered_video(FRAMES, Fraction(30000, 1001)),
    "variable": lambda: pictures.numbered_video(FRAMES, times=uneven(FRAMES)),
    # MPEG-4 part 2 is nothing that browsers play: all its frames are cut by the server.
    "unplayable": lambda: pictures.numbered_video(40, 25, codec="mpeg4"),
}


@dataclass
class Reel:
    """A video file to be labeled, and whether Chromium plays it."""

    task: Task
    playable: bool


@pytest.fixture(params=list(FILES))
def film(request: pytest.FixtureRequest, studio: Studio) -> Reel:
    path = f"/{request.param}.mp4"
    studio.site.pages[path] = FILES[request.param]()
    task = studio.task(project=studio.project("video"), url=studio.site.url(path))
    return Reel(task, request.param != "unplayable")


def opened(ana: Hand, film: Reel) -> Hand:
    ana.size = (320, 240)
    ana.open(film.task)
    if film.playable:
        ana.page.wait_for_function("() => document.querySelector('lw-app').session.frames.film")
    return ana


def stands(ana: Hand, number: int) -> None:
    """The canvas shows this very frame."""
    ana.page.wait_for_function(SETTLED, arg=number)
    assert ana.page.evaluate(READ) == number


def test_every_frame_of_the_server_is_the_one_asked_for(studio: Studio, film: Reel) -> None:
    count = studio.call("GET", f"/tasks/{film.task.uid}/work")["item"]["frame_count"]
    dice = random.Random(9)
    for number in [0, count - 1, *dice.sample(range(count), 24)]:
        address = f"{studio.server.url}/api/v1/items/{film.task.item}/frames/{number}"
        asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {studio.server.api_key}"})
        with urllib.request.urlopen(asked) as answer:
            assert pictures.number_of(np.asarray(Image.open(answer).convert("RGB"))) == number
    asked.full_url += "?small=true"
    with urllib.request.urlopen(asked) as answer:
        assert pictures.number_of(np.asarray(Image.open(answer).convert("RGB"))) == number


def test_stepping_jumping_and_scrubbing_are_exact(studio: Studio, hand: Hands, film: Reel) -> None:
    ana = opened(hand(), film)
    count = int(ana.page.locator("input.frame-number").get_attribute("max") or 0)
    stands(ana, 0)
    for number in range(1, 13):
        ana.press("d")
        stands(ana, number)
    for number in range(11, 5, -1):
        ana.press("a")
        stands(ana, number)
    field = ana.page.locator("input.frame-number")
    for number in (count - 1, 23, 24, 25, 17, 38, 1, 0):
        field.fill(str(number + 1))
        field.press("Enter")
        stands(ana, number)
    box = ana.page.locator("lw-timeline canvas").bounding_box() or {}
    left, y = box["x"] + 120, box["y"] + 10
    ana.page.mouse.move(left + 2, y)
    ana.page.mouse.down()
    for x in range(10, 500, 35):
        ana.page.mouse.move(left + x, y)
    ana.page.mouse.up()
    now = int(field.input_value()) - 1
    assert now > 0
    stands(ana, now)


def test_playing_shows_frames_with_their_own_numbers(studio: Studio, hand: Hands, film: Reel) -> None:
    ana = opened(hand(), film)
    watch = """() => {
        const read = READ, seen = window.seen = [];
        const {frames} = document.querySelector("lw-app").session;
        const look = () => {
            if (!document.querySelector(".stage[data-busy]")) seen.push([frames.now, read()]);
            if (!window.enough) requestAnimationFrame(look);
        };
        look();
    }"""
    ana.page.evaluate(watch.replace("READ", READ))
    ana.press("w")
    ana.page.wait_for_function("() => new Set(window.seen.map(s => s[1])).size > 6", timeout=20_000)
    ana.press("w")
    seen: list[list[int]] = ana.page.evaluate("() => { window.enough = true; return window.seen; }")
    shown = [number for _, number in seen]
    assert shown == sorted(shown), "time runs backwards"
    assert [s for s in seen if s[0] != s[1]] == [], "labels and picture of different frames"
    stands(ana, ana.page.evaluate("() => document.querySelector('lw-app').session.frames.now"))
    assert eventually(lambda: ana.page.locator("button[aria-label^=Play]").count()) == 1
