"""The rules that the editor's TypeScript holds too: both sides run the same JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from labelwright.geometry import masks, measures, tracks
from labelwright.geometry.document import LabelObject, Mask, Shape, encode

FOLDER = Path(__file__).parent.parent / "fixtures" / "geometry"


def cases(name: str) -> list[Any]:
    return [pytest.param(c, id=c["name"]) for c in json.loads((FOLDER / name).read_text())["cases"]]


def shape(value: Any) -> Shape:
    return msgspec.convert(value, Shape)


def near(value: Any) -> Any:
    """The same plain data with numbers that compare within 1e-9."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return pytest.approx(value, abs=1e-9)
    if isinstance(value, dict):
        return {k: near(v) for k, v in value.items()}
    return [near(v) for v in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    return json.loads(encode(value))


@pytest.mark.parametrize("case", cases("interpolation.json"))
def test_interpolation(case: Any) -> None:
    assert plain(tracks.interpolate(shape(case["a"]), shape(case["b"]), case["t"])) == near(case["expect"])


@pytest.mark.parametrize("case", cases("tracks.json"))
def test_tracks(case: Any) -> None:
    item = msgspec.convert(case["object"], LabelObject)
    for expected in case["states"]:
        state = tracks.state_at(item, expected["frame"])
        found = state and {"shape": plain(state.shape), "attributes": state.attributes, "keyframe": state.keyframe}
        assert found == near(expected["state"]), f"frame {expected['frame']}"
    assert tracks.visible_spans(item, case["frames"]) == [tuple(s) for s in case["visible"]]
    assert [f for f, _ in tracks.per_frame(item, case["frames"])] == tracks.visible_frames(item, case["frames"])


@pytest.mark.parametrize("case", cases("bounds.json"))
def test_bounds_and_area(case: Any) -> None:
    assert list(measures.bounds(shape(case["shape"]))) == near(case["bounds"])
    assert measures.area(shape(case["shape"]), case["width"], case["height"]) == pytest.approx(case["area"], abs=1e-9)


@pytest.mark.parametrize("case", cases("hits.json"))
def test_hits(case: Any) -> None:
    for h in case["hits"]:
        found = measures.hit(shape(case["shape"]), h["x"], h["y"], case["width"], case["height"], h["reach"])
        assert found == h["hit"], h


@pytest.mark.parametrize("case", cases("rle.json"))
def test_run_lengths(case: Any) -> None:
    mask = msgspec.convert(case["mask"], Mask)
    crop = np.array([[c == "#" for c in row] for row in case["rows"]])
    assert masks.fault(mask) is None
    assert masks.runs(mask.counts).tolist() == case["runs"]
    assert masks.area(mask) == case["area"]
    assert (masks.crop_array(mask) == crop).all()
    assert masks.encode_crop(crop) == mask.counts
