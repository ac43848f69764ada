"""What changes is drawn again in its place alone, also while the whole is being drawn: it must look as if drawn at once."""

from __future__ import annotations

import base64
import io
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelwright.geometry import masks
from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, eventually
from tests.editor.test_handling import SEMANTIC, half, pixels_of
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
# Keeps what is on the canvas, has all of it drawn anew, and counts the pixels that look different then.
DRAWN_ANEW = """async () => {
    const canvas = document.querySelector(".layer.base"), {settings} = document.querySelector("lw-app").session;
    const idle = () => new Promise(done => {
        const look = () => document.querySelector(".stage[data-busy]") ? requestAnimationFrame(look) : done();
        requestAnimationFrame(() => requestAnimationFrame(look));
    });
    const pixels = () => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    await idle();
    const before = pixels();
    settings.set("grid", true);
    await idle();
    const gridded = pixels();
    settings.set("grid", false);
    await idle();
    const after = pixels();
    const differing = other => {
        let count = 0;
        for (let i = 0; i < other.length; i += 4) {
            if (Math.max(...[0, 1, 2].map(c => Math.abs(before[i + c] - other[i + c]))) > 8) count++;
        }
        return count;
    };
    return [differing(after), differing(gridded)];
}"""


def _crowd(count: int) -> list[dict[str, Any]]:
    dice = random.Random(11)
    found: list[dict[str, Any]] = []
    for n in range(count):
        x, y = 0.05 + 0.85 * dice.random(), 0.05 + 0.85 * dice.random()
        ring = [c for a in range(40) for c in (x + 0.03 * math.cos(a / 6.4), y + 0.05 * math.sin(a / 6.4))]
        box: dict[str, Any] = {"type": "rectangle", "box": [x, y, x + 0.04, y + 0.05]}
        polygon: dict[str, Any] = {"type": "polygon", "parts": [[ring]]}
        name, shape = ("car", box) if n % 2 else ("person", polygon)
        found.append({"id": n + 1, "class": name, "shape": shape})
    return found


def _mask(number: int, left: int, top: int) -> dict[str, Any]:
    grid = np.zeros((HEIGHT, WIDTH), bool)
    grid[top : top + 150, left : left + 200] = True
    mask = masks.from_array(grid)
    shape = {"type": "mask", "size": list(mask.size), "box": list(mask.box), "counts": mask.counts}
    return {"id": number, "class": "road", "shape": shape}


def _same(ana: Hand) -> None:
    changed, gridded = ana.page.evaluate(DRAWN_ANEW)
    assert gridded > 100  # all of it was drawn anew
    # A line that is cut off may be rounded otherwise in single pixels.
    assert changed < 10


def test_boxes_drawn_moved_and_deleted_in_a_crowd_leave_no_trace(studio: Studio, hand: Hands) -> None:
    """Draw, move and delete among 1,200 objects; the same right after zooming, while all is being drawn anew."""
    task = studio.task(_crowd(1200))
    ana = hand().open(task).press("b").drag((300, 200), (420, 330)).press("v")
    _same(ana)
    ana.drag((360, 200), (500, 260))
    _same(ana)
    ana.press("z", "0").drag((500, 260), (300, 120)).press("z", "0").move(20, 20).press("Delete")
    _same(ana)
    ana.press("Escape").press("h", "h").press("Alt+n", "b").drag((100, 100), (160, 180))
    ana.press("v").drag((130, 100), (330, 300))
    _same(ana)
    task.saved(lambda objects: len(objects) == 1201)


def test_strokes_of_brush_and_eraser_leave_no_trace(studio: Studio, hand: Hands) -> None:
    """Paint into and erase from one of two masks that overlap, take it back, change its class."""
    task = studio.task([_mask(1, 100, 100), _mask(2, 200, 180)])
    ana = hand().open(task).click(120, 120).press("m")
    ana.drag((250, 60), (500, 400))
    _same(ana)
    ana.press("x").drag((150, 90), (330, 300))
    _same(ana)
    ana.press("Control+z", "Control+z")
    _same(ana)
    ana.press("v").press("Delete").press("Control+z")
    _same(ana)
    task.saved(lambda objects: len(objects) == 2 and objects[0]["shape"]["box"] == [100, 100, 200, 150])


# The colours along a line of the canvas, from and to places of the screen: how many differ from their neighbour.
CHANGES = """([x1, x2, y]) => {
    const canvas = document.querySelector(".layer.base"), box = canvas.getBoundingClientRect();
    const d = canvas.getContext("2d").getImageData(x1 - box.left, y - box.top, x2 - x1, 1).data;
    return Array.from({length: x2 - x1 - 1}, (_, i) => 4 * i).filter(i => [0, 1, 2].some(c => Math.abs(d[i + c] - d[i + c + 4]) > 8)).length;
}"""


def test_patterns_of_classes_stay_in_place_while_painting_at_every_zoom(studio: Studio, hand: Hands) -> None:
    """Semantic masks are patterned by class; strokes into them leave no trace, near and far, and a switch turns it off."""
    studio.site.pages["/even.png"] = pictures.encoded(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    task = studio.task(
        [half(1, "road", 0, 400), half(2, "grass", 400, 800)],
        studio.project(**SEMANTIC),
        url=studio.site.url("/even.png"),
    )
    ana = hand().open(task).move(5, 5)
    swatches = "els => els.map(e => getComputedStyle(e).backgroundImage.slice(0, 4))"
    assert ana.page.eval_on_selector_all(".classes .swatch", swatches) == ["none", "url("]

    def changes() -> list[int]:
        """Of the road and of the grass."""
        ana.page.wait_for_function("() => !document.querySelector('.stage[data-busy]')")
        (left, y), (right, _) = ana.at(430, 250), ana.at(770, 250)
        (start, _), (end, _) = ana.at(30, 250), ana.at(370, 250)
        return [ana.page.evaluate(CHANGES, [round(a), round(b), round(y)]) for a, b in ((start, end), (left, right))]

    plain, patterned = changes()
    assert plain == 0
    assert patterned > 10
    ana.press("2", "m")
    for zoom in ([], ["+"] * 4, ["-"] * 7):
        ana.move(400, 250).press(*zoom).drag((300, 200), (410, 300)).move(5, 5)
        _same(ana)
    ana.press("0", "Control+z", "Control+z", "Control+z")
    assert changes() == [plain, patterned]
    ana.press("Alt+p")
    assert changes() == [0, 0]
    assert ana.page.eval_on_selector_all(".classes .swatch", swatches) == ["none", "none"]
    ana.page.get_by_role("tab", name="View").click()
    ana.page.get_by_label("Patterns in semantic projects").check()
    assert changes() == [plain, patterned]


def test_gaps_look_the_same_where_they_came_one_by_one_and_when_opened_anew(studio: Studio, hand: Hands) -> None:
    task = studio.task([half(1, "road", 0, 400), half(2, "grass", 400, 800)], studio.project(**SEMANTIC))
    ana = hand().open(task)
    gaps = ana.page.locator("button.gaps")

    def bare() -> int:
        return int("0" + "".join(c for c in gaps.inner_text() if c.isdigit()))

    def look() -> np.ndarray[Any, np.dtype[np.int16]]:
        ana.move(5, 5).press("0", "Escape")
        ana.page.wait_for_function("() => !document.querySelector('.stage[data-busy]')")
        url = ana.page.evaluate("() => document.querySelector('.layer.base').toDataURL()")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")).astype(np.int16)

    ana.press("v").click(100, 100).press("m", "x", "]", "]")
    for line in (((60, 60), (200, 110)), ((300, 300), (340, 430)), ((150, 90), (320, 310)), ((390, 480), (395, 10))):
        before = bare()
        ana.drag(*line)
        eventually(lambda before=before: bare() > before)
    found = task.saved(lambda o: WIDTH * HEIGHT - sum(pixels_of(o)) == bare())
    assert len(found) == 2
    piecewise = look()
    ana.page.reload()
    eventually(lambda: gaps.count() and bare() > 0)
    whole = look()
    assert piecewise.shape == whole.shape
    assert (np.abs(piecewise - whole).max(axis=2) > 8).sum() < 10
