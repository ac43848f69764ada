"""Changing what is there: selecting, moving, handles, classes, values, undo, copies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, boxed, eventually, near, pixels

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_move_resize_undo_redo(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task).click(150, 150).drag((150, 150), (350, 250))
    task.saved(lambda o: near(pixels(o[0]["shape"]["box"]), [300, 200, 400, 300]))
    ana.drag((400, 300), (500, 350))
    task.saved(lambda o: near(pixels(o[0]["shape"]["box"]), [300, 200, 500, 350]))
    ana.press("Control+z", "Control+z")
    task.saved(lambda o: o[0]["shape"]["box"] == boxed(1, 100, 100, 200, 200)["shape"]["box"])
    ana.press("Control+Shift+z")
    task.saved(lambda o: near(pixels(o[0]["shape"]["box"]), [300, 200, 400, 300]))


def test_vertices_are_moved_added_and_removed(studio: Studio, hand: Hands) -> None:
    ring = [v / (WIDTH, HEIGHT)[i % 2] for i, v in enumerate([100, 100, 400, 100, 400, 400, 100, 400])]
    task = studio.task([{"id": 1, "class": "car", "shape": {"type": "polygon", "parts": [[ring]]}}])
    ana = hand().open(task).click(250, 250).drag((400, 100), (450, 60)).drag((100, 250), (50, 250))
    task.saved(lambda o: near(pixels(o[0]["shape"]["parts"][0][0]), [100, 100, 450, 60, 400, 400, 100, 400, 50, 250]))
    ana.click(50, 250, "Alt")
    task.saved(lambda o: near(pixels(o[0]["shape"]["parts"][0][0]), [100, 100, 450, 60, 400, 400, 100, 400]))


def test_several_are_moved_relabeled_and_deleted(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200), boxed(3, 600, 300, 700, 400)])
    ana = hand().open(task).drag((50, 50), (450, 250))
    assert ana.selected() == [1, 2]
    ana.drag((150, 150), (160, 250))
    task.saved(lambda o: near(pixels(o[1]["shape"]["box"]), [310, 200, 410, 300]))
    ana.press("2")
    task.saved(lambda o: [x["class"] for x in o] == ["person", "person", "car"])
    ana.press("Delete")
    task.saved(lambda o: [x["id"] for x in o] == [3])
    ana.press("Control+z")
    task.saved(lambda o: sorted(x["id"] for x in o) == [1, 2, 3])


def test_values_of_every_kind(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task).click(150, 150)
    panel = ana.page.locator("lw-attributes")
    panel.get_by_role("radio", name="parked").click()
    panel.get_by_label("occluded").check()
    panel.get_by_label("plate").fill("B 1234")
    panel.get_by_role("button", name="brake").click()
    panel.get_by_label("doors").fill("4")
    panel.get_by_label("doors").press("Tab")
    values = {"state": "parked", "occluded": True, "plate": "B 1234", "lights": ["brake"], "doors": 4}
    task.saved(lambda o: o[0].get("attributes") == values)
    ana.page.locator(".stage").focus()
    ana.press("Control+z", "Control+z")
    task.saved(lambda o: set(o[0]["attributes"]) == {"state", "occluded", "plate"})
    panel.get_by_label("doors").fill("5")
    panel.get_by_label("doors").press("Control+Enter")
    eventually(lambda: task.state[0] == "review")
    assert task.objects[0]["attributes"]["doors"] == 5, "what is being typed is sent off, too"


def test_copy_paste_duplicate_also_to_the_next_picture(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    one, two = studio.task([boxed(1, 100, 100, 200, 200)], project), studio.task(project=project)
    ana = hand().open(one).click(150, 150).press("Control+c", "Control+v", "Control+d")
    one.saved(lambda o: len(o) == 3)
    ana.wait("saved").open(two).press("Control+v")
    (found,) = two.saved(lambda o: len(o) == 1)
    assert near(pixels(found["shape"]["box"]), [100, 100, 200, 200])


def test_class_search_over_thousands(studio: Studio, hand: Hands) -> None:
    classes = [{"name": f"class {n}", "display_name": f"Kind {n}"} for n in range(1999)]
    classes.append({"name": "zebra", "display_name": "Zebra crossing"})
    task = studio.task([boxed(1, 100, 100, 200, 200) | {"class": "class 7"}], studio.project(classes=classes))
    ana = hand().open(task).click(150, 150).press("/")
    assert ana.page.locator("dialog .result").count() < 100
    ana.page.keyboard.type("crossing")
    ana.press("Enter")
    task.saved(lambda o: o[0]["class"] == "zebra")


def test_hidden_and_locked_objects_stay_as_they_are(studio: Studio, hand: Hands) -> None:
    """An author's lock is there against accidents and can be taken off; one that came with the labels cannot."""
    task = studio.task(
        [boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200), boxed(3, 500, 100, 600, 200) | {"locked": True}]
    )
    ana = hand().open(task).click(150, 150).press("Control+l")
    ana.drag((150, 150), (300, 300)).press("Delete")
    ana.click(350, 150).press("h", "Escape").click(350, 150)
    assert ana.selected() == []
    ana.click(550, 150).press("Control+l").drag((550, 150), (600, 300))
    assert "Locked by those who review" in ana.page.locator("lw-app").inner_text()
    assert len(task.objects) == 3
    ana.click(150, 150).press("Control+l").drag((150, 150), (170, 300))
    moved = task.saved(lambda o: near(pixels(o[0]["shape"]["box"]), [120, 250, 220, 350], 2))
    assert near(pixels(moved[2]["shape"]["box"]), [500, 100, 600, 200], 0.01)
    assert [o.get("locked", False) for o in moved] == [False, False, True]


def test_the_whole_loop_by_keyboard(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 300, 100, 400, 200)])
    ana = hand().open(task).press("Tab")
    assert ana.selected() == [1]
    ana.press("Tab")
    assert ana.selected() == [2]
    ana.press("ArrowRight", "Shift+ArrowDown")
    task.saved(lambda o: near(pixels(o[1]["shape"]["box"]), [301, 110, 401, 210], 0.01))
    ana.press("2", "?")
    assert ana.page.locator("dialog.help").is_visible()
    ana.press("Escape", "Control+Enter")
    ana.page.wait_for_selector(".stage-message.over, .message")
    assert task.state == ("review", "open")


def test_the_number_of_nodes_does_not_grow_with_the_objects(studio: Studio, hand: Hands) -> None:
    def nodes(count: int) -> int:
        boxes = [boxed(i + 1, i % 100 * 7, i // 100 * 9, i % 100 * 7 + 6, i // 100 * 9 + 7) for i in range(count)]
        ana = hand().open(studio.task(boxes))
        return ana.page.evaluate("() => document.querySelectorAll('*').length")

    few, many = nodes(60), nodes(5000)
    assert abs(many - few) < 20, (few, many)
