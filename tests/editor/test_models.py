"""A model of the users' own in the editor: the example adapter with a tiny ONNX model, and one that misbehaves."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from tests.assist.test_onnx_adapter import KEY, scene, serving
from tests.editor.conftest import Hand, Studio, Task

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]
SIZE = (120, 90)
CLASSES = [{"name": "red", "shapes": ["polygon"]}, {"name": "azure", "shapes": ["mask"]}]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("onnx")) as address:
        yield address


def scene_task(studio: Studio, url: str, **more: Any) -> Task:
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "PNG")
    studio.site.pages["/scene.png"] = out.getvalue()
    project = studio.project(classes=CLASSES)
    body = {"name": "Colours", "url": url, "project": project, "classes": {"blue": "azure"}, "header_name": "Authorization",
            "header_value": f"Bearer {KEY}"}  # fmt: skip
    studio.call("POST", "/models", body | more)
    return studio.task(project=project, url=studio.site.url("/scene.png"))


def opened(hand: Hand, task: Task) -> Hand:
    hand.size = SIZE
    return hand.open(task)


def test_the_whole_picture_a_point_and_a_box(studio: Studio, hand: Hands, served: str) -> None:
    task = scene_task(studio, served)
    ana = opened(hand(), task).press("Shift+p")
    found = task.saved(lambda o: len(o) == 3)
    kinds = [(o["class"], o["shape"]["type"], o["source"]) for o in found]
    assert sorted(kinds) == [("azure", "mask", "model")] + [("red", "polygon", "model")] * 2
    assert all(0.5 < o["score"] <= 1 for o in found)
    ana.page.wait_for_selector(".toast >> text=Colours found 3 objects")
    ana.press("Control+z")
    task.saved(lambda o: not o)
    ana.press("Shift+o").click(80, 65)
    task.saved(lambda o: [x["class"] for x in o] == ["red"])
    ana.drag((65, 5), (115, 35))
    task.saved(lambda o: [x["class"] for x in o] == ["red", "azure"])
    ana.click(3, 85)
    ana.page.wait_for_selector(".toast >> text=Colours found nothing there")


def test_a_model_that_fails_changes_nothing_and_says_so(studio: Studio, hand: Hands) -> None:
    studio.site.pages["/broken"] = b"<html>"
    task = scene_task(studio, studio.site.url("/broken"))
    ana = opened(hand(), task).press("Shift+p")
    ana.page.wait_for_selector(".toast >> text=Colours answered something else than labels")
    ana.press("Shift+o").drag((10, 10), (60, 60))
    ana.page.wait_for_selector("lw-status .tool-state[data-state=idle]")
    assert task.objects == []


def test_without_a_model_the_tool_is_not_there(studio: Studio, hand: Hands) -> None:
    ana = hand().open(studio.task())
    assert ana.page.locator("[data-tool=model]").count() == 0
    assert ana.page.locator("[data-tool=outline]").count() == 1
    ana.press("Shift+o")
    assert ana.page.locator("lw-status .tool-state").get_attribute("data-tool") == "select"
