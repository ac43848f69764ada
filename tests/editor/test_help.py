"""Each helping tool in the real browser on real photographs; what the server has afterwards is held against what people
drew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from labelwright.geometry import masks, measures
from labelwright.geometry.document import LabelObject, Mask, Polygon
from tests.assist.conftest import FOLDER, FRAMES, labels
from tests.editor.conftest import Hand, Studio, Task, eventually

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
COINS = (384, 303)
LAUNCH = (320, 240)
CLASSES = [{"name": "coin", "shapes": ["polygon"]}, {"name": "disc", "shapes": ["mask"]}]


def coins_task(studio: Studio) -> Task:
    studio.site.pages["/coins.jpg"] = (FOLDER / "photos/coins.jpg").read_bytes()
    return studio.task(project=studio.project(classes=CLASSES), url=studio.site.url("/coins.jpg"))


def opened(hand: Hand, task: Task, size: tuple[int, int]) -> Hand:
    hand.size = size
    return hand.open(task)


def coin(number: int = 0) -> Polygon:
    return [o.shape for o in labels("coins") if isinstance(o.shape, Polygon)][number]


def box_of(shape: Any, more: float = 4) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two corners around a shape, in pixels of the coins."""
    x1, y1, x2, y2 = measures.bounds(shape)
    w, h = COINS
    return (x1 * w - more, y1 * h - more), (x2 * w + more, y2 * h + more)


def iou(found: dict[str, Any], truth: Any) -> float:
    shape = msgspec.convert(found, LabelObject).shape
    assert shape is not None
    return masks.iou(masks.rasterize(shape, *COINS), masks.rasterize(truth, *COINS))


def test_a_smart_outline_around_a_coin(studio: Studio, hand: Hands) -> None:
    task, truth = coins_task(studio), coin()
    ana = opened(hand(), task, COINS).press("g")
    ring = np.asarray(truth.parts[0][0]).reshape(-1, 2) * COINS
    for k in range(4):
        ana.click(*(ring[len(ring) * k // 4] + 1))
        ana.page.wait_for_selector("lw-status .tool-state[data-state=points]")
    ana.press("Enter")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert found["class"] == "coin"
    assert iou(found, truth) > 0.88
    ana.press("Control+z")
    task.saved(lambda o: not o)


def test_a_smart_outline_is_dragged_and_cancelled(studio: Studio, hand: Hands) -> None:
    task, truth = coins_task(studio), coin(2)
    ana = opened(hand(), task, COINS).press("g")
    ring = np.asarray(truth.parts[0][0]).reshape(-1, 2) * COINS
    ana.click(*ring[0]).move(*(ring[5])).press("Escape")
    assert ana.page.locator("lw-status .tool-state").get_attribute("data-state") == "idle"
    ana.move(*ring[0])
    ana.page.mouse.down()
    for place in [*ring[1:], ring[0]]:
        ana.move(*place)
        ana.page.wait_for_function("() => document.querySelector('lw-status .tool-state').dataset.state != 'looking'")
    ana.page.mouse.up()
    eventually(lambda: ana.page.locator("lw-status .tool-state").get_attribute("data-state") != "looking")
    if not task.objects:
        ana.press("Enter")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert iou(found, truth) > 0.85


def test_the_coin_in_a_box_as_polygon_and_as_mask(studio: Studio, hand: Hands) -> None:
    task = coins_task(studio)
    ana = opened(hand(), task, COINS).press("Shift+g").drag(*box_of(coin()))
    (found,) = task.saved(lambda o: len(o) == 1)
    assert (found["class"], found["shape"]["type"]) == ("coin", "polygon")
    assert iou(found, coin()) > 0.92
    ana.press("Escape", "2", "Shift+g").drag(*box_of(coin(1)))
    mask = task.saved(lambda o: len(o) == 2)[1]
    assert (mask["class"], mask["shape"]["type"]) == ("disc", "mask")
    assert iou(mask, coin(1)) > 0.92
    (x1, y1), (x2, y2) = box_of(coin(1))
    ana.click((x1 + x2) / 2, (y1 + y2) / 2, "Alt")
    less = task.saved(lambda o: o[1]["shape"] != mask["shape"])[1]
    shape = msgspec.convert(less, LabelObject).shape
    assert isinstance(shape, Mask)
    assert not masks.covers(shape, (x1 + x2) / 2 / COINS[0], (y1 + y2) / 2 / COINS[1])
    ana.press("Control+z")
    task.saved(lambda o: o[1]["shape"] == mask["shape"])


def test_what_the_server_refuses_is_said(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    ana.page.route("**/help/cutout", lambda route: route.abort())
    ana.press("Shift+g").drag((100, 100), (300, 300))
    ana.page.wait_for_selector(".toast >> text=No answer from the server")
    ana.page.unroute("**/help/cutout")
    ana.drag((100, 100), (300, 300))
    ana.page.wait_for_selector("lw-status .tool-state[data-state=idle]")


def test_areas_are_painted(studio: Studio, hand: Hands) -> None:
    task, truth = coins_task(studio), coin()
    ana = opened(hand(), task, COINS).press("2", "Shift+b", "[", "[", "[", "[")
    (x1, y1), (x2, y2) = box_of(truth, 0)
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    ana.move(*middle)
    ana.page.wait_for_selector("lw-status .tool-state[data-state=idle]")
    ana.page.mouse.down()
    inside = np.argwhere(masks.to_array(masks.rasterize(truth, *COINS)))[:, ::-1]
    for x, y in inside[:: len(inside) // 120]:
        if np.hypot((x - middle[0]) / (x2 - x1), (y - middle[1]) / (y2 - y1)) < 0.43:
            ana.move(float(x), float(y))
    ana.page.mouse.up()
    (found,) = task.saved(lambda o: len(o) == 1)
    assert found["shape"]["type"] == "mask"
    assert iou(found, truth) > 0.7
    ana.page.keyboard.down("Alt")
    ana.drag(middle, (middle[0] + 3, middle[1]))
    ana.page.keyboard.up("Alt")
    less = task.saved(lambda o: o[0]["shape"] != found["shape"])[0]
    assert iou(less, truth) < iou(found, truth)


def test_tracks_are_followed_and_taken_back(studio: Studio, hand: Hands) -> None:
    for n in range(FRAMES):
        studio.site.pages[f"/launch{n}.jpg"] = (FOLDER / f"photos/launch-{n:02}.jpg").read_bytes()
    kinds = ("spacecraft", "mast", "service arm")
    first = [o for o in labels("launch") if o.class_name in kinds and o.keyframes and o.keyframes[0].frame == 0]
    objects = [
        {"id": o.id, "class": o.class_name, "keyframes": [msgspec.to_builtins(o.keyframes[0])]}
        for o in first
        if o.keyframes
    ]
    lines = [{"url": studio.site.url(f"/launch{n}.jpg"), "frame_id": f"f{n}"} for n in range(FRAMES)]
    project = studio.project("video", classes=[{"name": name} for name in kinds])
    task = studio.task(objects, project, frames=lines)
    ana = opened(hand(), task, LAUNCH).press("Control+a", "Shift+t")
    ana.page.wait_for_selector(".toast >> text=followed to frame 12")
    found = task.saved(lambda o: all(len(one["keyframes"]) > 1 for one in o))
    for one in found:
        truth = next(o for o in first if o.id == one["id"])
        track = msgspec.convert(one, LabelObject)
        assert off(track, truth) < 2.0, one["class"]
    ana.press("Control+z")
    task.saved(lambda o: all(len(one["keyframes"]) == 1 for one in o))


def off(track: LabelObject, truth: LabelObject) -> float:
    """How many pixels a track is off another at most."""
    from labelwright.geometry import tracks

    worst = 0.0
    for frame in range(FRAMES):
        a, b = tracks.state_at(track, frame), tracks.state_at(truth, frame)
        if a is not None and b is not None:
            apart = np.subtract(measures.points_of(a.shape), measures.points_of(b.shape)).reshape(-1, 2) * LAUNCH
            worst = max(worst, float(np.linalg.norm(apart, axis=1).max()))
    return worst


def test_following_is_stopped_and_leaves_nothing(studio: Studio, hand: Hands) -> None:
    shape = {"type": "rectangle", "box": [0.2, 0.2, 0.4, 0.4]}
    task = studio.video([{"id": 1, "class": "car", "keyframes": [{"frame": 0, "shape": shape}]}])
    ana = hand().open(task)
    ana.page.route("**/help/track", lambda route: None)
    ana.click(240, 150).press("Shift+t")
    ana.page.wait_for_selector(".toast.working >> text=Following")
    ana.press("Escape")
    ana.page.wait_for_selector(".toast.working", state="detached")
    assert ana.selected() == [1]
    assert task.document["version"] <= 1


def test_the_help_sheet_names_the_tools_and_their_keys(studio: Studio, hand: Hands) -> None:
    ana = opened(hand(), coins_task(studio), COINS).press("?")
    sheet = ana.page.locator("dialog.help").inner_text()
    for words in ("Smart outline", "Thing in a box", "Area brush"):
        assert words in sheet
