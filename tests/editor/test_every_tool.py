"""Every tool of the toolbar, by mouse on a photograph, one after another in one document; the server's document is looked at
after each. A tool that stands in the toolbar and not in this file fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from labelwright.geometry import masks
from labelwright.geometry.document import LabelObject, Mask, Polygon
from tests.assist.conftest import FOLDER, drawn
from tests.editor.conftest import SKELETON, Hand, Studio, Task, eventually, near, pixels

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
SIZE = (600, 400)
CLASSES = [
    {"name": "thing"},
    {"name": "frame", "shapes": ["skeleton"], "skeleton": SKELETON},
    {"name": "patch", "shapes": ["mask"]},
]
FOUND = {"objects": [{"class": "thing", "shape": {"type": "rectangle", "box": [0.5, 0.5, 0.6, 0.6]}, "score": 0.75}]}


class Bench:
    """The document before and after a tool was used."""

    def __init__(self, task: Task, ana: Hand) -> None:
        self.task = task
        self.ana = ana

    def take(self, tool: str, class_key: str = "1") -> Hand:
        """The class, then the tool from the toolbar, with nothing selected."""
        self.ana.press("v", "Escape", "Escape", class_key)
        self.ana.page.locator(f".tool[data-tool={tool}]").click()
        self.ana.page.locator(".stage").focus()
        return self.ana

    def made(self, kind: str) -> dict[str, Any]:
        """The one object of this kind that is there now and was not before."""
        before = {o["id"] for o in self.known}
        found = self.task.saved(lambda all_: [o for o in all_ if o["id"] not in before and o["shape"]["type"] == kind])
        return next(o for o in found if o["id"] not in before)

    def now(self, made: dict[str, Any], check: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """This object once `check` holds for it."""
        found = self.task.saved(lambda all_: [o for o in all_ if o["id"] == made["id"] and check(o)])
        return next(o for o in found if o["id"] == made["id"])

    def __enter__(self) -> Bench:
        self.known = self.task.objects
        return self

    def __exit__(self, *_: object) -> None:
        return None


def at(found: dict[str, Any], wanted: list[float]) -> bool:
    return near(pixels(found["shape"]["points"], SIZE), wanted, 2)


def area(found: dict[str, Any]) -> int:
    shape = msgspec.convert(found, LabelObject).shape
    assert isinstance(shape, Mask)
    return masks.area(shape)


def iou(found: dict[str, Any], truth: Any) -> float:
    shape = msgspec.convert(found, LabelObject).shape
    assert shape is not None
    return masks.iou(masks.rasterize(shape, *SIZE), masks.rasterize(truth, *SIZE))


def select(b: Bench) -> None:
    b.take("select").click(550, 30).drag((550, 30), (530, 50))
    b.now({"id": 1}, lambda o: near(pixels(o["shape"]["box"], SIZE), [510, 30, 550, 70], 2))


def pan(b: Bench) -> None:
    left = "() => document.querySelector('lw-app').session.bench.camera.left"
    ana = b.take("pan")
    before = ana.page.evaluate(left)
    ana.drag((300, 200), (350, 200))
    assert ana.page.evaluate(left) > before + 20
    ana.press("0")
    assert len(b.task.objects) == len(b.known)


def rectangle(b: Bench) -> None:
    b.take("rectangle").drag((20, 20), (80, 60))
    assert near(pixels(b.made("rectangle")["shape"]["box"], SIZE), [20, 20, 80, 60], 2)


def oriented(b: Bench) -> None:
    b.take("oriented_rectangle").click(20, 100).click(60, 140).click(40, 160)
    assert at(b.made("oriented_rectangle"), [20, 100, 60, 140, 40, 160, 0, 120])


def polygon(b: Bench) -> None:
    b.take("polygon").click(20, 200).click(80, 200).click(80, 260).click(20, 260).press("Enter")
    made = b.made("polygon")
    assert near(pixels(made["shape"]["parts"][0][0], SIZE), [20, 200, 80, 200, 80, 260, 20, 260], 2)
    b.ana.click(40, 220, "Alt").click(60, 220).click(50, 240).press("Enter")
    b.now(made, lambda o: len(o["shape"]["parts"][0]) == 2)


def polyline(b: Bench) -> None:
    b.take("polyline").click(20, 300).click(60, 320).click(80, 300).press("Enter")
    assert at(b.made("polyline"), [20, 300, 60, 320, 80, 300])


def reshape(b: Bench) -> None:
    before = next(o for o in b.known if o["shape"]["type"] == "polygon")
    b.take("reshape").click(80, 250).click(110, 250).click(110, 210).click(80, 210)
    found = b.now(before, lambda o: len(o["shape"]["parts"][0][0]) == 16)
    assert near([max(pixels(found["shape"]["parts"][0][0], SIZE)[::2])], [110], 2)
    assert found["shape"]["parts"][0][1] == before["shape"]["parts"][0][1]


def point(b: Bench) -> None:
    b.take("point").click(30, 350)
    assert at(b.made("point"), [30, 350])


def landmarks(b: Bench) -> None:
    b.take("landmarks").click(60, 350).click(80, 360).click(70, 380).press("Enter")
    made = b.made("landmarks")
    assert at(made, [60, 350, 80, 360, 70, 380])
    assert made["shape"]["labels"] == [1, 2, 3]


def skeleton(b: Bench) -> None:
    b.take("skeleton", "2").drag((500, 100), (580, 180))
    made = b.made("skeleton")
    assert at(made, [540, 100, 500, 180, 580, 180])
    b.ana.press("v").click(500, 180, "Alt")
    b.now(made, lambda o: o["shape"]["visibility"] == [2, 1, 2])
    b.ana.click(500, 180, "Alt")
    b.now(made, lambda o: o["shape"]["visibility"] == [2, 0, 2])
    b.ana.drag((580, 180), (590, 195))
    b.now(made, lambda o: at(o, [540, 100, 500, 180, 590, 195]))


def cuboid(b: Bench) -> None:
    b.take("cuboid").drag((440, 320), (500, 380)).click(530, 330)
    made = b.made("cuboid")
    assert at(made, [440, 380, 500, 380, 500, 320, 440, 320, 506, 354, 554, 354, 554, 306, 506, 306])
    # Each of the eight named corners moves alone.
    b.ana.press("v").drag((554, 306), (570, 300))
    b.now(made, lambda o: at(o, [440, 380, 500, 380, 500, 320, 440, 320, 506, 354, 554, 354, 570, 300, 506, 306]))


def brush(b: Bench) -> None:
    b.take("brush", "3").drag((120, 350), (160, 350))
    made = b.made("mask")
    assert area(made) == pytest.approx(40 * 48 + np.pi * 24**2, rel=0.04)


def eraser(b: Bench) -> None:
    b.take("brush", "3").drag((200, 360), (240, 360))
    made = b.made("mask")
    b.ana.page.locator(".tool[data-tool=eraser]").click()
    b.ana.drag((200, 385), (240, 385))
    b.now(made, lambda o: area(o) < area(made) - 500)


def lasso(b: Bench) -> None:
    b.take("area", "3").click(300, 340).click(360, 340).click(360, 390).click(300, 390).press("Enter")
    made = b.made("mask")
    assert area(made) == pytest.approx(60 * 50, rel=0.08)
    b.ana.click(320, 355, "Alt").click(340, 355).click(340, 375).click(320, 375).press("Enter")
    b.now(made, lambda o: area(made) - area(o) == pytest.approx(400, rel=0.2))
    b.ana.click(355, 345).click(400, 345).click(400, 380).press("Enter")
    b.now(made, lambda o: area(o) > area(made) + 200)


def fill(b: Bench) -> None:
    ana = b.take("area", "3").click(500, 210).click(560, 210).click(560, 270).click(500, 270).press("Enter")
    made = b.made("mask")
    ana.click(515, 225, "Alt").click(545, 225).click(545, 255).click(515, 255).press("Enter")
    hollow = b.now(made, lambda o: area(o) < area(made) - 600)
    ana.page.locator(".tool[data-tool=fill]").click()
    ana.click(530, 240)
    b.now(made, lambda o: area(o) == area(made) and area(o) > area(hollow))


def outline(b: Bench) -> None:
    truth = drawn("coffee", "saucer", Polygon)
    ring = np.asarray(truth.parts[0][0]).reshape(-1, 2) * SIZE
    ana = b.take("outline")
    for x, y in ring[:: len(ring) // 7]:
        ana.click(float(x), float(y))
        ana.page.wait_for_function("() => document.querySelector('lw-status .tool-state').dataset.state != 'looking'")
    ana.press("Enter")
    assert iou(b.made("polygon"), truth) > 0.85


def cutout(b: Bench) -> None:
    b.take("cutout", "3").drag((180, 8), (418, 245))
    assert iou(b.made("mask"), drawn("coffee", "cup", Polygon)) > 0.6


def superpixels(b: Bench) -> None:
    ana = b.take("superpixels", "3").move(366, 283)
    ana.page.wait_for_selector("lw-status .tool-state[data-state=idle]")
    ana.drag((360, 280), (372, 288))
    made = b.made("mask")
    shape = msgspec.convert(made, LabelObject).shape
    assert isinstance(shape, Mask)
    assert masks.covers(shape, 366 / SIZE[0], 284 / SIZE[1])


def model(b: Bench) -> None:
    b.take("model").drag((300, 200), (360, 240))
    made = b.made("rectangle")
    assert (made["source"], made["score"]) == ("model", 0.75)
    assert near(pixels(made["shape"]["box"], SIZE), [300, 200, 360, 240], 0.01)


TOOLS: dict[str, Callable[[Bench], None]] = {
    "select": select, "pan": pan, "rectangle": rectangle, "oriented_rectangle": oriented, "polygon": polygon, "polyline": polyline,
    "reshape": reshape, "point": point, "landmarks": landmarks, "skeleton": skeleton, "cuboid": cuboid, "brush": brush, "eraser": eraser,
    "area": lasso, "fill": fill, "outline": outline, "cutout": cutout, "superpixels": superpixels, "model": model,
}  # fmt: skip


def test_every_tool_of_the_toolbar(studio: Studio, hand: Hands) -> None:
    studio.site.pages["/coffee.jpg"] = (FOLDER / "photos/coffee.jpg").read_bytes()
    studio.site.pages["/finder"] = json.dumps(FOUND).encode()
    project = studio.project(classes=CLASSES)
    studio.call(
        "POST", "/models", {"name": "Finder", "url": studio.site.url("/finder"), "project": project, "asks": ["box"]}
    )
    first = {
        "id": 1,
        "class": "thing",
        "shape": {"type": "rectangle", "box": [530 / 600, 10 / 400, 570 / 600, 50 / 400]},
    }
    task = studio.task([first], project, url=studio.site.url("/coffee.jpg"))
    ana = hand()
    ana.size = SIZE
    # Snapping is tested by itself; here each place is the one that was clicked.
    ana.open(task).press("Alt+s")
    shown = [tool.get_attribute("data-tool") for tool in ana.page.locator("lw-tools [data-tool]").all()]
    assert shown == list(TOOLS)
    for name, use in TOOLS.items():
        try:
            with Bench(task, ana) as bench:
                use(bench)
        except Exception as error:
            said = ana.page.locator("lw-status").inner_text()
            raise AssertionError(f"{name}: {error}; the editor says {said!r}") from error
    ana.wait("saved")
    made = len(task.objects)
    # One step back after another leads to where it began.
    eventually(lambda: (ana.press("Control+z"), len(task.objects))[1] == 1 and made > len(TOOLS) - 4, 30)
