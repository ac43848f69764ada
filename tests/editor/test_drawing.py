"""Every drawing tool on a real picture, checked in the document that the server has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.editor.conftest import Hand, Studio, boxed, near, pixels

pytestmark = pytest.mark.browser
Hands = Callable[..., Hand]


def test_a_box_is_drawn_saved_and_there_again(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    ana.press("b").drag((100, 100), (300, 220))
    (found,) = task.saved(lambda o: len(o) == 1)
    assert found["class"] == "car"
    assert near(pixels(found["shape"]["box"]), [100, 100, 300, 220])
    ana.wait("saved")
    assert ana.rows() == ["Car 1"]
    ana.page.reload()
    ana.ready()
    assert ana.rows() == ["Car 1"]
    assert task.state == ("label", "held")


def test_a_polygon_by_clicks_with_a_hole_in_it(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("p")
    for x, y in ((100, 100), (400, 100), (400, 400), (100, 400)):
        ana.click(x, y)
    ana.press("Enter")
    ana.click(200, 200, "Alt").click(300, 200).click(250, 300).press("Enter")
    (found,) = task.saved(lambda o: o and len(o[0]["shape"]["parts"][0]) == 2)
    outline, hole = found["shape"]["parts"][0]
    assert near(pixels(outline), [100, 100, 400, 100, 400, 400, 100, 400])
    assert near(pixels(hole), [200, 200, 300, 200, 250, 300])


def test_a_polygon_is_closed_on_its_first_point_and_cancelled(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("p")
    ana.click(100, 100).click(300, 100).press("Escape")
    ana.click(500, 100).click(600, 100).click(600, 300).click(501, 101)
    (found,) = task.saved(lambda o: len(o) == 1)
    assert near(pixels(found["shape"]["parts"][0][0]), [500, 100, 600, 100, 600, 300])


@pytest.mark.parametrize(
    ("key", "kind", "clicks", "points"),
    [
        ("l", "polyline", [(100, 100), (200, 150), (300, 100)], [100, 100, 200, 150, 300, 100]),
        ("j", "landmarks", [(100, 100), (200, 150)], [100, 100, 200, 150]),
        ("k", "point", [(250, 250)], [250, 250]),
        ("o", "oriented_rectangle", [(100, 100), (200, 200), (150, 250)], [100, 100, 200, 200, 150, 250, 50, 150]),
    ],
)
def test_tools_that_are_clicked(studio: Studio, hand: Hands, key: str, kind: str, clicks: Any, points: Any) -> None:
    task = studio.task()
    ana = hand().open(task).press(key)
    for place in clicks:
        ana.click(*place)
    if kind in ("polyline", "landmarks"):
        ana.press("Enter")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert found["shape"]["type"] == kind
    assert near(pixels(found["shape"]["points"]), points)


def test_a_skeleton_from_its_template_and_a_hidden_point(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("s").drag((100, 100), (200, 300))
    (found,) = task.saved(lambda o: len(o) == 1)
    assert found["class"] == "person"
    assert near(pixels(found["shape"]["points"]), [150, 100, 100, 300, 200, 300])
    ana.press("v").click(100, 300, "Alt")
    task.saved(lambda o: o[0]["shape"]["visibility"] == [2, 1, 2])


def test_a_cuboid(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    hand().open(task).press("c").drag((100, 200), (300, 400)).click(400, 200)
    (found,) = task.saved(lambda o: len(o) == 1)
    assert near(
        pixels(found["shape"]["points"]),
        [100, 400, 300, 400, 300, 200, 100, 200, 320, 280, 480, 280, 480, 120, 320, 120],
    )


def mask_area(objects: list[dict[str, Any]]) -> int:
    """Pixels of the first object's mask."""
    from labelwright.geometry import document, masks

    shape = document.decode(document.encode({"objects": objects})).objects[0].shape
    assert isinstance(shape, document.Mask)
    return masks.area(shape)


def test_brush_and_eraser_paint_pixels(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("3", "m").drag((100, 100), (300, 100))
    (found,) = task.saved(lambda o: len(o) == 1)
    assert (found["class"], found["shape"]["type"], found["shape"]["size"]) == ("road", "mask", [800, 500])
    first = mask_area([found])
    assert 200 * 48 < first < 200 * 48 + 2500
    ana.drag((300, 100), (300, 300))
    task.saved(lambda o: mask_area(o) > first + 5000)
    ana.press("x").drag((80, 100), (250, 100))
    task.saved(lambda o: mask_area(o) < first + 5000)


def test_drawing_on_top_of_another_object(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 50, 50, 700, 450)])
    hand().open(task).press("b").drag((50, 50), (200, 200))
    task.saved(lambda o: len(o) == 2 and near(pixels(o[1]["shape"]["box"]), [50, 50, 200, 200]))


def test_a_job_with_a_limit_takes_no_more(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 50, 50, 100, 100)])
    job = studio.call("GET", f"/tasks/{task.uid}/work")["job"]["uid"]
    studio.call("PATCH", f"/jobs/{job}", {"limits": {"objects": 1}})
    ana = hand().open(task).press("b").drag((300, 300), (400, 400))
    assert "allows 1 object" in ana.page.locator(".toast").inner_text()
    assert ana.rows() == ["Car 1"]
