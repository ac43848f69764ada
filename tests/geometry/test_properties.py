"""What must hold for any shape: what goes in comes out equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from labelwright.geometry import masks, measures, normalise, pixels, tracks
from labelwright.geometry.document import Document, Keyframe, LabelObject, Mask, Polygon, Rectangle, decode, encode
from tests.support import strategies

sizes = st.integers(1, 100_000)


@given(st.integers(0, 100_000), sizes)
def test_a_whole_pixel_comes_back_as_the_same_whole_pixel(pixel: int, size: int) -> None:
    fractions = pixels.points_to_fractions([pixel, pixel], size, size)
    assert pixels.points_to_pixels(fractions, size, size) == [pixel, pixel]


@given(st.lists(st.decimals(0, 10_000, places=6).map(float), min_size=4, max_size=4), sizes, sizes)
def test_pixels_with_six_decimals_come_back_equal(box: list[float], width: int, height: int) -> None:
    assert pixels.box_to_pixels(pixels.box_to_fractions(box, width, height), width, height) == tuple(box)
    assert pixels.points_to_pixels(pixels.points_to_fractions(box, width, height), width, height) == box


@given(strategies.documents())
def test_documents_survive_json(document: Document) -> None:
    assert decode(encode(document)) == document


@given(strategies.mask_arrays())
def test_masks_survive_run_lengths(array: np.ndarray) -> None:
    mask = masks.from_array(array)
    assert masks.fault(mask) is None
    assert (masks.to_array(mask) == array).all()
    assert masks.area(mask) == array.sum()
    assert masks.from_rle(masks.to_rle(mask)) == mask
    assert masks.from_rle({"size": list(array.shape), "counts": masks.full_runs(mask)}) == mask
    assert (coco.decode({**masks.to_rle(mask), "counts": masks.to_rle(mask)["counts"].encode()}) == array).all()


@given(strategies.mask_arrays(), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_a_mask_from_blocks_is_as_from_the_whole(array: np.ndarray, columns: int, x: int, y: int) -> None:
    height, width = array.shape
    whole = np.zeros((height + y + 1, width + x + 2), bool)
    whole[y : y + height, x : x + width] = array
    blocks = (array[:, n : n + columns] for n in range(0, width, columns))
    assert masks.from_blocks(blocks, whole.shape[::-1], x, y) == masks.from_array(whole)


@given(strategies.mask_arrays())
def test_a_mask_is_the_same_after_its_outline(array: np.ndarray) -> None:
    mask = masks.from_array(array)
    outline = masks.to_polygon(mask)
    assert masks.rasterize(outline, *mask.size) == mask
    if mask.counts:
        assert measures.area(outline, *mask.size) == pytest.approx(masks.area(mask))
        assert measures.bounds(outline) == pytest.approx(measures.bounds(mask))


@given(strategies.mask_arrays(), st.data())
def test_a_mask_covers_its_pixels(array: np.ndarray, data: st.DataObject) -> None:
    height, width = array.shape
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    mask = masks.from_array(array)
    assert masks.covers(mask, (column + 0.5) / width, (row + 0.5) / height) == array[row, column]


@given(strategies.mask_arrays().flatmap(lambda a: st.tuples(st.just(a), st.permutations(list(a.ravel())))))
def test_union_intersection_and_overlap(pair: tuple[np.ndarray, list[bool]]) -> None:
    first, second = pair[0], np.array(pair[1]).reshape(pair[0].shape)
    a, b = masks.from_array(first), masks.from_array(second)
    assert masks.merge([a, b]) == masks.from_array(first | second)
    assert masks.merge([a, b], intersect=True) == masks.from_array(first & second)
    union = (first | second).sum()
    assert masks.iou(a, b) == pytest.approx((first & second).sum() / union if union else 0)


@given(st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_a_raster_comes_apart_and_together(values: list[int]) -> None:
    raster = np.array(values).reshape(3, 4)
    assert (masks.compose([(m, v) for v, m in masks.decompose(raster).items()], 4, 3) == raster).all()


@given(strategies.rings(), st.integers(1, 30), st.integers(1, 30))
def test_a_pixel_is_set_when_its_centre_is_inside(ring: list[float], width: int, height: int) -> None:
    array = masks.to_array(masks.rasterize(Polygon(parts=[[ring]]), width, height))
    for row in range(height):
        for column in range(width):
            inside, near = _inside(ring, (column + 0.5) / width, (row + 0.5) / height)
            assert near or array[row, column] == inside, (column, row)


def _inside(ring: list[float], x: float, y: float) -> tuple[bool, bool]:
    """Even-odd by a ray to the left, one edge at a time; and whether the place is too near an edge to say."""
    inside, near = False, False
    ends = list(zip(ring[::2], ring[1::2], strict=True))
    for (x1, y1), (x2, y2) in zip(ends, ends[1:] + ends[:1], strict=True):
        near = near or (min(y1, y2) - 1e-9 <= y <= max(y1, y2) + 1e-9 and abs(y1 - y2) < 1e-6)
        near = near or abs(y1 - y) < 1e-9 or abs(y2 - y) < 1e-9
        if (y1 > y) != (y2 > y):
            across = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            near = near or abs(across - x) < 1e-9
            inside ^= across < x
    return inside, near


@given(strategies.shapes(), strategies.shapes())
def test_overlap_is_symmetric_and_one_with_itself(a: object, b: object) -> None:
    assert measures.iou(a, a, 64, 48) == 1.0  # type: ignore[arg-type]
    if not (isinstance(a, Mask) or isinstance(b, Mask)):  # two masks are compared on the first one's grid
        assert measures.iou(a, b, 64, 48) == pytest.approx(measures.iou(b, a, 64, 48))  # type: ignore[arg-type]
    assert 0 <= measures.iou(a, b, 64, 48) <= 1 + 1e-9  # type: ignore[arg-type]


@given(strategies.rectangles(), strategies.rectangles())
def test_overlap_of_boxes_agrees_with_their_polygons(a: Rectangle, b: Rectangle) -> None:
    def ring(r: Rectangle) -> Polygon:
        x1, y1, x2, y2 = r.box
        return Polygon(parts=[[[x1, y1, x2, y1, x2, y2, x1, y2]]])

    if min(measures.area(a, 100, 100), measures.area(b, 100, 100)) > 1e-3:
        assert measures.iou(a, b, 100, 100) == pytest.approx(measures.iou(ring(a), ring(b), 100, 100), abs=1e-6)


@given(strategies.shapes())
def test_normal_form_is_stable_and_stays_within_bounds(shape: object) -> None:
    once = normalise.shape(shape)  # type: ignore[arg-type]
    assert normalise.shape(once) == once


@given(strategies.points(2))
def test_rectangle_corners_in_any_order(corners: list[float]) -> None:
    xa, ya, xb, yb = corners
    assert (
        normalise.rectangle([xb, ya, xa, yb]) == normalise.rectangle(corners) == normalise.rectangle([xa, yb, xb, ya])
    )


def test_the_edge_is_clamped_and_nothing_else() -> None:
    assert normalise.clamp_points([-1e-7, 1 + 1e-7, -2e-6, 1.1, 0.5]) == [0.0, 1.0, -2e-6, 1.1, 0.5]


@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(strategies.rectangles() | st.just(Rectangle((0, 0, 1, 1))), st.dictionaries(st.sampled_from("ab"), st.integers(0, 2))),
    )
)  # fmt: skip
def test_shapes_per_frame_come_back_from_keyframes(states: dict) -> None:
    item = LabelObject(id=1, class_name="car", keyframes=tracks.from_frames(states, frame_count=31))
    found = {f: (s.shape, s.attributes) for f, s in tracks.per_frame(item, 31)}
    assert found == states


def test_a_still_stretch_needs_two_keyframes() -> None:
    states = {f: (Rectangle((0, 0, 0.5, 0.5)), {}) for f in range(1000)}
    assert [k.frame for k in tracks.from_frames(states)] == [0, 999]


@given(st.lists(strategies.keyframes("car", "rectangle", 20), min_size=1, max_size=1))
def test_a_track_is_the_same_seen_frame_by_frame(found: list[list[Keyframe]]) -> None:
    item = LabelObject(id=1, class_name="car", keyframes=found[0])
    seen = {f: (s.shape, s.attributes) for f, s in tracks.per_frame(item, 20)}
    again = LabelObject(id=1, class_name="car", keyframes=tracks.from_frames(seen, frame_count=20))
    assert {f: (s.shape, s.attributes) for f, s in tracks.per_frame(again, 20)} == seen


@pytest.mark.parametrize("text", ["", "0", "~~", "é", "o", "0" * 3 + "P", "ooooooooooooooo0", "1\x00"])
def test_faulty_run_lengths_are_named(text: str) -> None:
    assert masks.fault(Mask(size=(4, 4), box=(0, 0, 4, 4), counts=text))


@given(st.text(max_size=30), st.tuples(st.integers(-5, 50), st.integers(-5, 50)), st.tuples(*[st.integers(-5, 50)] * 4))
def test_any_mask_is_either_faulty_or_safe(text: str, size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    mask = Mask(size=size, box=box, counts=text)
    if masks.fault(mask) is None:
        assert masks.to_array(mask).sum() == masks.area(mask)
        assert masks.from_rle(masks.to_rle(mask)).size == size
        assert masks.rasterize(masks.to_polygon(mask), *size).size[0] >= 0
