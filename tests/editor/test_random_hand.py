"""A hand that uses every tool and every command at random: nothing is thrown, nothing refused, and the server ends with what
the editor shows; taken back step by step, it ends where it began."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from labelwright.geometry import masks
from labelwright.geometry.document import LabelObject, Mask, Rectangle
from tests.assist.conftest import FOLDER
from tests.editor.conftest import SKELETON, Hand, Studio, Task

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
SIZE = (600, 400)
ATTRIBUTES = [
    {"name": "state", "kind": "one_of", "options": ["still", "moving"], "mutable": True},
    {"name": "sure", "kind": "flag"},
]
CLASSES: list[dict[str, Any]] = [
    {"name": "thing", "attributes": ATTRIBUTES},
    {"name": "frame", "shapes": ["skeleton"], "skeleton": SKELETON},
    {"name": "patch", "shapes": ["mask"]},
    {"name": "ground", "shapes": ["mask", "polygon"]},
]
# These leave the task or open a window that waits for somebody.
LEFT_OUT = ("Submit", "Next task", "Skip with a reason", "All shortcuts", "Commands", "Search a class")
# Chooses one of the results of the palette; what it says.
CHOOSE = """([share, leftOut]) => {
    const found = [...document.querySelectorAll("dialog .result")].filter(r => !leftOut.includes(r.querySelector(".name").textContent));
    const one = found[Math.floor(share * found.length)];
    one?.click();
    return one?.querySelector(".name").textContent ?? "";
}"""
# Presses something beside the picture; what it is.
PRESS = """share => {
    const found = [...document.querySelectorAll("lw-attributes :is([role=radio], input[type=checkbox]), lw-classes .row, lw-objects .row, lw-objects .row button, lw-timeline button")];
    const one = found[Math.floor(share * found.length)];
    one?.click();
    return one ? `press ${one.outerHTML.slice(0, 120)}` : "";
}"""
SHOWN = """() => {
    const {store} = document.querySelector("lw-app").session;
    return JSON.stringify({objects: [...store.objects], attributes: store.attributes, frames: store.frames});
}"""
SETTLED = """async () => {
    const {session} = document.querySelector("lw-app");
    session.bench.tool.cancel();
    session.follow.stop();
    await session.sync.settled();
    return {...session.sync.state, refused: [...session.sync.refused]};
}"""
UNDONE = """() => {
    const {session} = document.querySelector("lw-app");
    for (let n = 0; n < 5000 && session.undo.canUndo; n++) session.undo.undo();
    return session.undo.canUndo;
}"""
STEPS = int(os.environ.get("LABELWRIGHT_TEST_STEPS", "60"))


class Chance:
    """One random thing after another."""

    def __init__(self, ana: Hand, seed: int) -> None:
        self.ana = ana
        self.dice = random.Random(seed)
        self.said: list[str] = []

    def place(self) -> tuple[float, float]:
        return self.dice.uniform(-20, SIZE[0] + 20), self.dice.uniform(-20, SIZE[1] + 20)

    def near(self, place: tuple[float, float], reach: float = 80) -> tuple[float, float]:
        return place[0] + self.dice.uniform(-reach, reach), place[1] + self.dice.uniform(-reach, reach)

    def step(self) -> None:
        """One command, click, drag or row of clicks."""
        held = self.dice.choices([[], ["Shift"], ["Alt"], ["Control"]], [6, 1, 1, 1])[0]
        what = self.dice.choices([self.command, self.click, self.drag, self.clicks, self.panel], [6, 2, 4, 2, 2])[0]
        what(held)

    def command(self, _held: list[str]) -> None:
        keyboard = self.ana.page.keyboard
        keyboard.press("Control+k")
        keyboard.type(self.dice.choice(["tools", "tools", "frame", "object", "edit", "track", "", *"aeiou"]))
        self.said.append(self.ana.page.evaluate(CHOOSE, [self.dice.random(), LEFT_OUT]))
        if self.ana.page.locator("dialog[open]").count():
            keyboard.press("Escape")

    def click(self, held: list[str]) -> None:
        place = self.place()
        self.said.append(f"click {place} {held}")
        self.ana.click(*place, *held)

    def drag(self, held: list[str]) -> None:
        start = self.place()
        end = self.near(start)
        self.said.append(f"drag {start} {end} {held}")
        for key in held:
            self.ana.page.keyboard.down(key)
        self.ana.drag(start, end)
        for key in held:
            self.ana.page.keyboard.up(key)

    def clicks(self, _held: list[str]) -> None:
        place = self.place()
        self.said.append(f"clicks {place}")
        for _ in range(self.dice.randrange(2, 6)):
            self.ana.click(*self.near(place))
        self.ana.press(self.dice.choice(["Enter", "Enter", "Escape", "Backspace"]))

    def panel(self, _held: list[str]) -> None:
        """A value, a class, an object of the list or a frame of the timeline."""
        self.said.append(self.ana.page.evaluate(PRESS, self.dice.random()))


def _task(studio: Studio, kind: str) -> Task:
    studio.site.pages["/coffee.jpg"] = (FOLDER / "photos/coffee.jpg").read_bytes()
    url = studio.site.url("/coffee.jpg")
    weather = {"name": "weather", "kind": "one_of", "options": ["dry", "rain"], "scope": "frame"}
    box = {"type": "rectangle", "box": [0.1, 0.1, 0.3, 0.4]}
    if "video" in kind:
        project = studio.project("video", [weather], classes=CLASSES, settings={"semantic": "semantic" in kind})
        keyframes = [
            {"frame": 0, "shape": box},
            {"frame": 9, "shape": {"type": "rectangle", "box": [0.5, 0.4, 0.7, 0.7]}},
        ]
        return studio.task([{"id": 1, "class": "thing", "keyframes": keyframes}], project, frames=[{"url": url}] * 12)
    project = studio.project(classes=CLASSES, settings={"semantic": kind == "semantic"})
    objects = [{"id": 1, "class": "thing", "shape": box}]
    if kind == "semantic":  # A mask on another grid than the picture's, as models send them.
        coarse = masks.rasterize(Rectangle((0.4, 0.3, 0.8, 0.9)), 250, 170)
        shape = {"type": "mask", "size": list(coarse.size), "box": list(coarse.box), "counts": coarse.counts}
        objects.append({"id": 2, "class": "thing", "shape": shape})
    return studio.task(objects, project, url=url)


@pytest.mark.parametrize("kind", ["image", "semantic", "video", "semantic video"])
def test_whatever_a_hand_does(studio: Studio, hand: Hands, kind: str) -> None:
    task = _task(studio, kind)
    before = task.document
    ana = hand()
    ana.size = SIZE
    ana.open(task)
    chance = Chance(ana, int(os.environ.get("LABELWRIGHT_TEST_SEED", "5")))
    for _ in range(STEPS):
        chance.step()
        assert not ana.thrown, (ana.thrown, chance.said[-12:])
    state = ana.page.evaluate(SETTLED)
    assert state["kind"] == "saved", (state, ana.page.locator("lw-top").inner_text(), chance.said)
    shown, kept = json.loads(ana.page.evaluate(SHOWN)), task.document
    assert _plain(kept) == _plain(shown)
    if kind == "semantic":
        read = [msgspec.convert(o, LabelObject).shape for o in kept["objects"]]
        areas = [masks.rasterize(mask, *SIZE) for mask in read if isinstance(mask, Mask)]
        grids = [masks.to_array(mask).astype(int) for mask in areas]
        assert grids, "nothing was painted"
        assert np.sum(grids, axis=0).max() == 1, "a pixel has two classes"
    assert ana.page.evaluate(UNDONE) is False
    state = ana.page.evaluate(SETTLED)
    assert state["kind"] == "saved", (state, chance.said)
    assert _plain(task.document) == _plain(before)


def _plain(document: dict[str, Any]) -> Any:
    """Without what the two leave out in different ways, and without a version."""

    def trimmed(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {k: trimmed(v) for k, v in value.items() if k not in {"version"}}
            return {k: v for k, v in kept.items() if v not in (None, False, {}, [])}
        if isinstance(value, list):
            return [trimmed(v) for v in value]
        return round(value, 9) if isinstance(value, float) else value

    objects = sorted(document["objects"], key=lambda o: o["id"])
    return trimmed({"objects": objects, "attributes": document.get("attributes"), "frames": document.get("frames")})
