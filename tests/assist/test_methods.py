"""Each method on real photographs, held against what people drew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from labelwright.assist import cutout, outline, superpixels, tracking
from labelwright.assist.moving import places_of, thinned
from labelwright.assist.window import Whole, around
from labelwright.geometry import masks, measures, tracks
from labelwright.geometry.document import Landmarks, Mask, Point, Polygon, Rectangle, Skeleton, shape_kind
from tests.assist.conftest import FRAMES, drawn, labels, photo


def box_of(shape: Any, more: float = 0.01) -> list[float]:
    x1, y1, x2, y2 = measures.bounds(shape)
    return [max(0.0, x1 - more), max(0.0, y1 - more), min(1.0, x2 + more), min(1.0, y2 + more)]


@pytest.mark.parametrize(
    ("name", "class_name", "least"),
    [("coins", "coin", 0.94), ("astronaut", "patch", 0.92), ("astronaut", "helmet", 0.88), ("camera", "person", 0.85),
     ("coffee", "spoon", 0.84), ("coffee", "cup", 0.78)],
)  # fmt: skip
def test_the_thing_in_a_box_is_found(name: str, class_name: str, least: float) -> None:
    pixels, truth = photo(name), drawn(name, class_name, Polygon)
    h, w = pixels.shape[:2]
    found = cutout.cut_out(Whole(pixels), box_of(truth))
    assert found is not None
    assert masks.fault(found) is None
    assert found.size == (w, h)
    assert masks.iou(found, masks.rasterize(truth, w, h)) > least
    assert cutout.cut_out(Whole(pixels), box_of(truth)) == found, "asked again, another answer"


def test_a_mark_takes_in_what_was_left_out_and_leaves_out_what_was_taken() -> None:
    pixels, saucer = photo("coffee"), drawn("coffee", "saucer", Polygon)
    box = box_of(saucer)
    first = cutout.cut_out(Whole(pixels), box)
    assert first is not None
    inside = next((x, y) for x in np.linspace(box[0], box[2], 40) for y in np.linspace(box[1], box[3], 40)
                  if masks.covers(first, x, y))  # fmt: skip
    less = cutout.cut_out(Whole(pixels), box, drop=inside)
    assert less is not None
    assert not masks.covers(less, *inside)
    outside = next((x, y) for x in np.linspace(box[0] + 0.01, box[2] - 0.01, 40)
                   for y in np.linspace(box[1] + 0.01, box[3] - 0.01, 40) if not masks.covers(first, x, y))  # fmt: skip
    more = cutout.cut_out(Whole(pixels), box, keep=outside)
    assert more is not None
    assert masks.covers(more, *outside)


def test_a_large_picture_is_cut_out_to_the_pixel_of_its_own_grid() -> None:
    small = photo("coins")
    pixels = np.ascontiguousarray(small.repeat(8, axis=0).repeat(8, axis=1))
    truth = drawn("coins", "coin", Polygon)
    found = cutout.cut_out(Whole(pixels), box_of(truth))
    assert found is not None
    assert found.size == (pixels.shape[1], pixels.shape[0])
    assert masks.iou(found, masks.rasterize(truth, *found.size)) > 0.9


@pytest.mark.parametrize("box", [[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5], [0.2, 0.2, 0.6, 0.6], [0, 0, 1e-6, 1]])
def test_nothing_is_found_where_there_is_nothing(box: list[float]) -> None:
    assert cutout.cut_out(Whole(np.full((60, 80, 3), 90, np.uint8)), box) is None
    cutout.cut_out(Whole(np.zeros((1, 1, 3), np.uint8)), box)


def test_an_outline_follows_the_edge_of_a_coin() -> None:
    """Four clicks near the edge make the coin; straight lines between them make a much worse one."""
    pixels, truth = photo("coins"), drawn("coins", "coin", Polygon)
    h, w = pixels.shape[:2]
    ring = np.asarray(truth.parts[0][0]).reshape(-1, 2)
    corners = [ring[len(ring) * k // 4] + 0.006 for k in range(4)]
    points: list[float] = []
    at = list(corners[0])
    for corner in [*corners[1:], corners[0]]:
        found = outline.path(outline.wire(Whole(pixels), at, outline.reach_for((w, h), at, corner)), corner)
        points += found[:-2]
        at = found[-2:]
    area = shapely.make_valid(shapely.Polygon(np.asarray(points).reshape(-1, 2) * (w, h)))
    coin = shapely.Polygon(ring * (w, h))
    straight = shapely.Polygon(np.asarray(corners) * (w, h))
    iou = area.intersection(coin).area / area.union(coin).area
    assert iou > 0.9
    assert iou > straight.intersection(coin).area / straight.union(coin).area + 0.15


def test_an_outline_goes_where_it_is_told_without_snapping() -> None:
    found = outline.path(outline.wire(Whole(photo("coins")), (0.3, 0.3), 96), (0.33, 0.36), snap=False)
    assert found[:2] == [0.3, 0.3]
    assert found[-2:] == [0.33, 0.36]
    assert outline.reach_for((4000, 3000), (0.1, 0.1), (0.9, 0.9)) >= 3200


def test_superpixels_keep_to_edges() -> None:
    pixels, truth = photo("coins"), drawn("coins", "coin", Polygon)
    h, w = pixels.shape[:2]
    found = superpixels.superpixels(Whole(pixels), [0, 0, 1, 1], 8)
    assert found.labels.shape == (h, w)
    assert int(found.labels.max()) + 1 == found.count
    coin = masks.to_array(masks.rasterize(truth, w, h))
    share = np.bincount(found.labels[coin], minlength=found.count) / np.bincount(found.labels.ravel())
    painted = (share > 0.5)[found.labels]
    assert (painted & coin).sum() / (painted | coin).sum() > 0.85


def test_superpixels_of_a_part_and_of_next_to_nothing() -> None:
    found = superpixels.superpixels(Whole(photo("retina")), [0.25, 0.25, 0.5, 0.75], 20)
    assert found.bounds == pytest.approx((0.25, 0.25, 0.5, 0.75), abs=0.01)
    assert superpixels.superpixels(Whole(np.zeros((2, 3, 3), np.uint8)), [0, 0, 1, 1], 20).count == 1


@pytest.fixture(scope="module")
def launch() -> list[tracking.Frame]:
    return [tracking.Frame(photo(f"launch-{n:02}")) for n in range(FRAMES)]


def test_tracks_of_the_launch_are_followed_within_a_pixel(launch: list[tracking.Frame]) -> None:
    kinds = set()
    for item in labels("launch"):
        start, shape = item.keyframes[0].frame, item.keyframes[0].shape  # type: ignore[index]
        follower = tracking.follower(shape, launch[start])
        for frame in range(start + 1, FRAMES):
            truth = tracks.state_at(item, frame)
            found = follower.step(launch[frame])
            if truth is None or (found is None and min(*measures.bounds(truth.shape)) < 0.02):
                break  # it has left the picture, or is about to
            assert found is not None, (item.class_name, frame)
            off = places_of(found, launch[0].size) - places_of(truth.shape, launch[0].size)
            assert np.linalg.norm(off, axis=1).max() < 1.0, (item.class_name, frame)
            kinds.add(shape_kind(found))
    assert kinds == {"rectangle", "polyline", "point", "polygon"}


def test_masks_and_skeletons_move_with_their_pixels(launch: list[tracking.Frame]) -> None:
    arm = next(o.keyframes[0].shape for o in labels("launch") if o.class_name == "service arm")  # type: ignore[index]
    w, h = launch[0].size
    mask = masks.rasterize(arm, w, h)
    x1, y1, x2, y2 = measures.bounds(arm)
    skeleton = Skeleton([x1, y1, 0.0, 0.0, x2, y2], [2, 0, 1])
    marks = Landmarks([x1, y1, x2, y2], [4, 9])
    plain, moved = tracking.follower(arm, launch[0]), [tracking.follower(s, launch[0]) for s in (mask, skeleton, marks)]
    for frame in launch[1:6]:
        truth = plain.step(frame)
        found = [follower.step(frame) for follower in moved]
    assert isinstance(found[0], Mask)
    assert masks.iou(found[0], masks.rasterize(truth, w, h)) > 0.85  # type: ignore[arg-type]
    assert isinstance(found[1], Skeleton)
    assert found[1].visibility == [2, 0, 1]
    assert isinstance(found[2], Landmarks)
    assert found[2].labels == [4, 9]


def test_what_is_gone_is_lost_and_stays_lost(launch: list[tracking.Frame]) -> None:
    black = tracking.Frame(np.zeros_like(photo("launch-00")))
    small = tracking.Frame(np.zeros((20, 20, 3), np.uint8))
    arm = next(o.keyframes[0].shape for o in labels("launch") if o.class_name == "service arm")  # type: ignore[index]
    for shape in (arm, Point([0.5, 0.5])):
        for gone in (black, small):
            follower = tracking.follower(shape, launch[0])
            assert follower.step(gone) is None
            assert follower.step(launch[1]) is None


def test_few_keyframes_say_the_same() -> None:
    boxes = {n: Rectangle((0.01 * n, 0.1, 0.2 + 0.01 * n, 0.3)) for n in range(5, 30)}
    boxes |= {n: Rectangle((0.29, 0.1 + 0.01 * (n - 29), 0.49, 0.3 + 0.01 * (n - 29))) for n in range(30, 40)}
    few = thinned(boxes, (1000, 500))
    assert sorted(few) == [5, 29, 39]
    assert thinned({}, (10, 10)) == {}
    assert list(thinned({3: boxes[5]}, (10, 10))) == [3]


def test_a_window_leads_there_and_back() -> None:
    window = around((4000, 3000), [0.4, 0.4, 0.6, 0.7], margin=0.1, most=10_000)
    assert window.work[0] * window.work[1] <= 10_100
    assert window.to_fractions(window.to_work([0.45, 0.5])) == pytest.approx([0.45, 0.5])
