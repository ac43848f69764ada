"""Masks between keyframes: what must hold whatever the masks are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelwright.geometry import masks, morph, tracks
from labelwright.geometry.document import Keyframe, LabelObject, Mask


def disc(x: float, y: float, radius: float, size: tuple[int, int] = (120, 90)) -> Mask:
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    return masks.from_array(np.hypot(columns + 0.5 - x, rows + 0.5 - y) < radius)


def test_a_disc_moves_and_grows_evenly() -> None:
    a, b = disc(30, 30, 10), disc(90, 60, 20)
    for t in (0.2, 0.5, 0.8):
        wanted = disc(30 + 60 * t, 30 + 30 * t, 10 + 10 * t)
        assert masks.iou(morph.between(a, b, t), wanted) > 0.9


def test_a_mask_that_only_moves_keeps_its_pixels() -> None:
    a = masks.from_array(np.random.default_rng(1).random((30, 40)) < 0.5)
    x, y, w, h = a.box
    wide = Mask((100, 80), (x, y, w, h), a.counts)
    moved = Mask((100, 80), (x + 40, y + 20, w, h), a.counts)
    assert morph.between(wide, moved, 0.5) == Mask((100, 80), (x + 20, y + 10, w, h), a.counts)


def test_large_masks_are_as_good() -> None:
    a, b = disc(700, 900, 500, (4000, 2500)), disc(2900, 1300, 700, (4000, 2500))
    assert masks.iou(morph.between(a, b, 0.5), disc(1800, 1100, 600, (4000, 2500))) > 0.98


@given(st.data(), st.floats(0, 1))
def test_always_a_mask_on_the_same_grid(data: st.DataObject, t: float) -> None:
    arrays = [np.array(data.draw(st.lists(st.booleans(), min_size=63, max_size=63))).reshape(7, 9) for _ in "ab"]
    a, b = (masks.from_array(array) for array in arrays)
    found = morph.between(a, b, t)
    assert masks.fault(found) is None
    assert found.size == a.size
    assert (masks.area(found) > 0) == (masks.area(a if t < 1 else b) > 0)
    assert morph.between(a, a, t) == a


@pytest.mark.parametrize("frame", [0, 5, 10, 15])
def test_tracks_of_masks(frame: int) -> None:
    a, b = disc(30, 30, 10), disc(90, 60, 20)
    item = LabelObject(1, "x", keyframes=[Keyframe(0, a), Keyframe(10, b)])
    state = tracks.state_at(item, frame)
    assert state is not None
    assert state.shape == {0: a, 5: morph.between(a, b, 0.5), 10: b, 15: b}[frame]
