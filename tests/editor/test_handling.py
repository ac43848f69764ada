"""What makes a day's work quick: the next task is there before it is asked for, and work done once is not done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, boxed, eventually, near, pixels
from tests.support import pictures

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_the_next_picture_is_there_before_the_task_is_submitted(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    studio.site.pages["/after.png"] = pictures.picture(WIDTH, HEIGHT, seed=501)
    one = studio.task([boxed(1, 100, 100, 200, 200)], project)
    two = studio.task([boxed(4, 100, 100, 200, 200)], project, url=studio.site.url("/after.png"))
    address = studio.call("GET", f"/tasks/{two.uid}/work")["item"]["media"]["url"].split("?")[0]
    ana = hand()
    asked: list[str] = []
    ana.page.on("request", lambda request: asked.append(request.url))
    ana.open(one)

    def fetched() -> int:
        return sum(address in url for url in asked)

    eventually(lambda: ana.page.evaluate("() => 1") and fetched() == 1)
    assert two.state == ("label", "open")
    claimed: list[dict[str, Any]] = []
    ana.page.on("response", lambda answer: claimed.append(answer.json()) if f"{two.uid}/claim" in answer.url else None)
    ana.press("Control+Enter")
    ana.page.wait_for_url(f"**/{two.uid}")
    ana.ready()
    assert fetched() == 1
    assert two.state == ("label", "held")
    assert ana.rows() == ["Car 4"]
    # The labels had come, too; the claim says that they are the same.
    document = eventually(lambda: claimed)[0]["document"]
    assert (document["unchanged"], document["objects"]) == (True, [])


def test_labels_that_changed_after_they_were_preloaded_are_the_new_ones(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    one = studio.task([boxed(1, 100, 100, 200, 200)], project)
    two = studio.task([boxed(4, 100, 100, 200, 200)], project)
    ana = hand()
    with ana.page.expect_response(f"**/tasks/{two.uid}/work"):
        ana.open(one)
    body = {
        "base": two.document["version"],
        "save_id": "1b4e28ba-2fa1-11d2-883f-0016d3cca428",
        "put": [boxed(5, 300, 100, 400, 200)],
    }
    studio.call("PATCH", f"/items/{two.item}/document", body)
    ana.press("Control+Enter")
    ana.page.wait_for_url(f"**/{two.uid}")
    ana.ready()
    assert ana.rows() == ["Car 4", "Car 5"]


SEMANTIC: dict[str, Any] = {
    "classes": [{"name": "road", "shapes": ["mask"]}, {"name": "grass", "shapes": ["mask"]}],
    "settings": {"semantic": True},
}


# Whether the middle of the view, to which a jump leads, is hatched.
MAGENTA = """() => {
    const c = document.querySelector(".layer.base");
    const d = c.getContext("2d").getImageData(c.width / 2 - 8, c.height / 2, 16, 1).data;
    return Array.from({length: 16}, (_, i) => 4 * i).some(i => d[i] - d[i + 1] > 60 && d[i + 2] - d[i + 1] > 60);
}"""


def half(number: int, name: str, x1: int, x2: int) -> dict[str, Any]:
    """A mask over columns of the picture."""
    from labelwright.geometry import masks

    grid = np.zeros((HEIGHT, WIDTH), bool)
    grid[:, x1:x2] = True
    mask = masks.from_array(grid)
    shape = {"type": "mask", "size": list(mask.size), "box": list(mask.box), "counts": mask.counts}
    return {"id": number, "class": name, "shape": shape}


def test_gaps_are_shown_jumped_to_and_asked_about(studio: Studio, hand: Hands) -> None:
    task = studio.task([half(1, "road", 0, 300), half(2, "grass", 340, 800)], studio.project(**SEMANTIC))
    ana = hand().open(task)
    gaps = ana.page.locator("button.gaps")
    eventually(lambda: gaps.inner_text() == "20,000 px without a class")
    ana.press("Control+Enter")
    ana.page.get_by_role("button", name="20,000 pixels without a class").click()
    eventually(lambda: ana.page.evaluate(MAGENTA))
    ana.press("0", "v").click(100, 100).press("m", "]", "]").drag((320, 2), (320, 250)).drag((320, 250), (320, 498))
    eventually(lambda: gaps.inner_text() == "Every pixel has a class")
    task.saved(lambda o: len(o) == 2 and sum(pixels_of(o)) == WIDTH * HEIGHT)
    ana.press("Control+z")
    eventually(lambda: gaps.inner_text() != "Every pixel has a class")
    ana.press("Control+Enter")
    ana.page.get_by_role("button", name="Submit with gaps").click()
    eventually(lambda: task.state[0] == "review")


def pixels_of(objects: list[dict[str, Any]]) -> list[int]:
    """How many pixels each mask has."""
    from labelwright.geometry import document, masks

    shapes = [o.shape for o in document.decode(document.encode({"objects": objects})).objects]
    return [masks.area(shape) for shape in shapes if isinstance(shape, document.Mask)]


def test_what_is_required_is_asked_for_at_submit_and_led_to(studio: Studio, hand: Hands) -> None:
    project = studio.project(attributes=[
        {"name": "weather", "kind": "one_of", "options": ["sun", "rain"], "scope": "item", "required": True}])  # fmt: skip
    task = studio.task([boxed(7, 100, 100, 200, 200) | {"class": "sign"}, boxed(8, 300, 100, 400, 200)], project)
    ana = hand().open(task).press("Control+Enter")
    dialog = ana.page.locator("dialog.submit")
    assert dialog.locator("li").all_inner_texts() == ["weather is required for the item", "sign 7: text is required"]
    dialog.get_by_role("button", name="sign 7").click()
    assert ana.selected() == [7]
    ana.page.wait_for_function("() => document.activeElement.id === 'value-object-text'")
    ana.page.keyboard.type("stop")
    ana.page.locator(".stage").focus()
    ana.press("Escape", "Shift+2")
    eventually(lambda: task.document["attributes"] == {"weather": "rain"})
    ana.press("Shift+1")
    eventually(lambda: task.document["attributes"] == {"weather": "sun"})
    ana.press("Control+Enter")
    eventually(lambda: task.state == ("review", "open"))
    assert task.objects[0]["attributes"] == {"text": "stop"}


def test_a_required_value_of_each_frame_leads_to_the_first_without(studio: Studio, hand: Hands) -> None:
    lines = [{"url": studio.site.url(f"/frame{i}.png")} for i in range(4)]
    light = {"name": "light", "kind": "flag", "scope": "frame", "required": True}
    task = studio.task(project=studio.project("video", attributes=[light]), frames=lines)
    ana = hand().open(task)
    ana.page.locator("lw-attributes").get_by_label("light").check()
    ana.page.locator(".stage").focus()
    ana.press("Control+Enter")
    ana.page.get_by_role("button", name="light is required for frame 2 and 2 more").click()
    assert ana.page.locator("input.frame-number").input_value() == "2"


def test_values_of_frames_and_of_the_item(studio: Studio, hand: Hands) -> None:
    lines = [{"url": studio.site.url(f"/frame{i}.png")} for i in range(4)]
    attributes = [{"name": "light", "kind": "one_of", "options": ["day", "dusk"], "scope": "frame"},
                  {"name": "fog", "kind": "flag", "scope": "frame"}, {"name": "road", "kind": "text", "scope": "item"}]  # fmt: skip
    task = studio.task(project=studio.project("video", attributes=attributes), frames=lines)
    ana = hand().open(task)
    panel = ana.page.locator("lw-attributes")
    panel.get_by_role("radio", name="dusk").click()
    panel.get_by_label("road").fill("A 7")
    ana.page.locator(".stage").focus()
    ana.press("d", "d")
    panel.get_by_label("fog").check()
    eventually(lambda: task.document["frames"] == {"0": {"light": "dusk"}, "2": {"fog": True}})
    assert task.document["attributes"] == {"road": "A 7"}
    ana.page.locator(".stage").focus()
    ana.press("Control+z")
    eventually(lambda: task.document["frames"] == {"0": {"light": "dusk"}})
    assert ana.page.locator("input.frame-number").input_value() == "3"


def test_hundreds_of_tags_are_found_by_typing(studio: Studio, hand: Hands) -> None:
    options = [f"tag {n}" for n in range(400)]
    tags = {"name": "tags", "kind": "many_of", "options": options, "scope": "item"}
    task = studio.task(project=studio.project(attributes=[tags]))
    ana = hand().open(task)
    field = ana.page.locator("#value-item-tags")
    for typed in ("tag 17", "399", "nothing such"):
        field.fill(typed)
        field.press("Enter")
    eventually(lambda: task.document["attributes"] == {"tags": ["tag 17", "tag 399"]})
    assert ana.page.locator("lw-attributes .chip").count() == 2
    ana.page.locator("lw-attributes").get_by_role("button", name="tag 17").click()
    eventually(lambda: task.document["attributes"] == {"tags": ["tag 399"]})


def test_the_objects_of_the_item_before_are_repeated(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    shapes: list[dict[str, Any]] = [boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200, attributes={"doors": 4})]
    one, two = studio.task(shapes, project), studio.task(project=project)
    ana = hand().open(one).press("Control+Shift+v")
    assert "no item before" in ana.page.locator(".toast").inner_text()
    ana.press("Control+Enter")
    ana.page.wait_for_url(f"**/{two.uid}")
    ana.ready().press("Control+Shift+v")
    found = two.saved(lambda o: len(o) == 2)
    assert near(pixels(found[1]["shape"]["box"]), [300, 100, 400, 200], 0.01)
    assert found[1]["attributes"] == {"doors": 4}
    ana.press("Control+z")
    two.saved(lambda o: o == [])
