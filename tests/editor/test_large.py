"""Very large pictures: only what is in sight is fetched and kept, and everything is drawn in the picture's own pixels."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.editor.conftest import Hand, Studio, eventually, near, pixels, sign_in
from tests.support import processes

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
WIDTH, HEIGHT = 2600, 1900
TILES_DONE = """() => {
    const {editor} = document.querySelector("lw-app").session;
    return editor.picture?.tiles && !editor.picture.tiles.busy && !document.querySelector(".stage[data-busy]");
}"""


def shaded(width: int, height: int) -> bytes:
    """A JPEG that is darker the farther to the left, with a fine pattern that only its own pixels show."""
    row = np.linspace(40, 220, width)
    pattern = ((np.add.outer(np.arange(64), np.arange(width)) // 8) % 2) * 30
    band = (row + pattern).clip(0, 255).astype(np.uint8)
    grey = np.tile(band, (height // 64 + 1, 1))[:height]
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG", quality=90)
    return out.getvalue()


def watched(ana: Hand) -> list[str]:
    """The byte ranges of tiles that the page asks for from now on."""
    ranges: list[str] = []

    def note(request: Any) -> None:
        if "/files/tiles/" in request.url and ".json" not in request.url:
            ranges.append(request.headers.get("range", "all of it"))

    ana.context.on("request", note)
    return ranges


def test_a_large_picture_comes_in_tiles(studio: Studio, hand: Hands) -> None:
    studio.site.pages["/large.jpg"] = shaded(WIDTH, HEIGHT)
    task = studio.task(url=studio.site.url("/large.jpg"))
    work = studio.call("GET", f"/tasks/{task.uid}/work")["item"]
    assert (work["width"], work["height"], work["media"]["mime"]) == (WIDTH, HEIGHT, "image/jpeg")
    ana = hand()
    ana.size = (WIDTH, HEIGHT)
    ranges = watched(ana)
    ana.open(task)
    ana.page.wait_for_function(TILES_DONE)
    assert ranges
    assert all(r.startswith("bytes=") for r in ranges)
    ana.press("b").drag((600, 500), (900, 800))
    (box,) = task.saved(lambda o: len(o) == 1)
    assert near(pixels(box["shape"]["box"], (WIDTH, HEIGHT)), [600, 500, 900, 800], 4)
    seen = len(ranges)
    ana.press("Escape", "v").move(1000, 1500)
    for _ in range(8):
        ana.page.mouse.wheel(0, -300)
    ana.page.wait_for_function(TILES_DONE)
    near_by = len(ranges) - seen
    assert 0 < near_by < 24, "of the 24 tiles of the picture itself only those in sight are fetched"
    column, shade = ana.page.evaluate("""() => {
        const {camera} = document.querySelector("lw-app").session.editor;
        const c = document.querySelector(".layer.base");
        const p = camera.at(camera.width / 2, camera.height / 2);
        const {data} = c.getContext("2d").getImageData(c.width / 2 - 20, c.height / 2 - 20, 40, 40);
        return [p.x, [...data].filter((_, i) => i % 4 === 1).reduce((a, b) => a + b) / 1600];
    }""")
    assert abs(shade - (40 + 180 * column + 15)) < 14, "what is drawn is what lies there"


def test_masks_of_a_large_picture_have_its_own_pixels(studio: Studio, hand: Hands) -> None:
    studio.site.pages["/large.jpg"] = shaded(WIDTH, HEIGHT)
    task = studio.task(url=studio.site.url("/large.jpg"))
    ana = hand()
    ana.size = (WIDTH, HEIGHT)
    ana.open(task).press("3", "m").drag((200, 200), (2400, 1700))
    (mask,) = task.saved(lambda o: len(o) == 1)
    assert mask["shape"]["size"] == [WIDTH, HEIGHT]
    assert mask["shape"]["box"][2] > 2100
    ana.drag((2400, 200), (200, 1700)).press("Control+z")
    task.saved(lambda o: o[0]["shape"] == mask["shape"])


@pytest.fixture
def room(tmp_path: Path, studio: Studio) -> Iterator[Studio]:
    """A server that takes pictures of 400 megapixels."""
    server = processes.start_server(tmp_path, max_pixels=500_000_000)
    people = {"ana": server.cli("user", "add", "ana@example.org", "--role", "annotator")}
    yield Studio(server, studio.site, people)
    server.kill()


@pytest.mark.nightly
@pytest.mark.skipif(os.environ.get("LABELWRIGHT_NIGHTLY") != "1", reason="takes minutes and 2 GB")
def test_a_picture_of_twenty_thousand_pixels_a_side(room: Studio, browser: Any) -> None:
    side = 20_000
    room.site.pages["/huge.jpg"] = shaded(side, side)
    project = room.project()
    line = {"name": "huge", "url": room.site.url("/huge.jpg")}
    filed = room.call("POST", f"/projects/{project}/items", line)
    eventually(lambda: room.call("GET", f"/tasks/{filed['task']}/work")["item"]["media_state"] == "ready", 400)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    sign_in(context, room, "ana")
    ana = Hand(room, context, "ana")
    ana.size = (side, side)
    ana.page.goto(f"{room.server.url}/work/{filed['task']}")
    ana.ready().page.wait_for_function(TILES_DONE)
    ana.press("3", "m")
    for _ in range(5):
        ana.drag((1000, 1000), (19_000, 19_000)).drag((19_000, 1000), (1000, 19_000))
    for _ in range(12):
        ana.page.mouse.wheel(0, -300)
    ana.page.wait_for_function(TILES_DONE)
    found = context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    most = max(_resident(process["id"]) for process in found if process["type"] == "renderer")
    assert room.server.process.process
    print(f"tab {most} MiB, server at most {_resident(room.server.process.process.pid, 'VmHWM')} MiB")
    assert most < 1000, "MiB of the tab"
    context.close()


def _resident(pid: int, what: str = "VmRSS") -> int:
    """MiB of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) // 1024
