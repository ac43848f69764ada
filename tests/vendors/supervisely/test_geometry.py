"""Geometries there and back, for any input: what is whole pixels stays those pixels, what lies between them stays there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelwright.vendors.supervisely import bitmaps, geometry, ids
from labelwright.vendors.supervisely.geometry import Grid
from labelwright.vendors.supervisely.wire import Refused
from tests.support import strategies

assert strategies.settings
WIDTH, HEIGHT = 37, 23  # neither divides a fraction evenly


def spots(most: int, *, subpixel: bool, least: int = 1) -> st.SearchStrategy[list[list[float]]]:
    """Different places in the picture, in whole pixels or in hundredths of one."""
    if subpixel:
        place = st.tuples(st.integers(0, WIDTH * 100), st.integers(0, HEIGHT * 100)).map(
            lambda p: (p[0] / 100, p[1] / 100)
        )
    else:
        place = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1))
    return st.lists(place, min_size=least, max_size=most, unique=True).map(lambda found: [list(p) for p in found])


@st.composite
def geometries(draw: Any, *, subpixel: bool) -> tuple[str, dict[str, Any]]:
    """A kind and a geometry of it."""
    kind = draw(st.sampled_from(["rectangle", "polygon", "line", "point", "graph", "multipolygon"]))
    if kind == "rectangle":
        (x1, y1), (x2, y2) = draw(spots(2, subpixel=subpixel, least=2))
        return kind, {"points": {"exterior": [[min(x1, x2), min(y1, y2)], [max(x1, x2), max(y1, y2)]], "interior": []}}
    if kind == "point":
        return kind, {"points": {"exterior": draw(spots(1, subpixel=subpixel)), "interior": []}}
    if kind == "line":
        return kind, {"points": {"exterior": draw(spots(9, subpixel=subpixel, least=2)), "interior": []}}
    if kind == "graph":
        places = draw(spots(6, subpixel=subpixel))
        return kind, {
            "nodes": {
                f"n{n}": {"loc": place} | ({"disabled": True} if n == 1 else {}) for n, place in enumerate(places)
            }
        }
    rings = [draw(spots(7, subpixel=subpixel, least=3)) for _ in range(draw(st.integers(1, 3)))]
    if kind == "polygon":
        return kind, {"points": {"exterior": rings[0], "interior": rings[1:]}}
    return kind, {"parts": [{"exterior": ring, "interior": []} for ring in rings]}


@given(geometries(subpixel=False))
def test_whole_pixels_stay(case: tuple[str, dict[str, Any]]) -> None:
    kind, sent = case
    grid = Grid(WIDTH, HEIGHT, subpixel=False)
    shape, extra = geometry.read(kind, sent, grid, "it")
    assert geometry.WRITE[kind](shape, grid, extra) == sent


@given(geometries(subpixel=True))
def test_places_between_pixels_stay(case: tuple[str, dict[str, Any]]) -> None:
    kind, sent = case
    grid = Grid(WIDTH, HEIGHT, subpixel=True)
    shape, extra = geometry.read(kind, sent, grid, "it")
    back = geometry.WRITE[kind](shape, grid, extra)
    assert np.allclose(numbers(back), numbers(sent), atol=1e-6)
    assert shape_of(back) == shape_of(sent)


def numbers(value: Any) -> list[float]:
    """All numbers of a JSON value, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    return [n for v in value for n in numbers(v)] if isinstance(value, list) else [float(value)]


def shape_of(value: Any) -> Any:
    """A JSON value without its numbers."""
    if isinstance(value, dict):
        return {k: shape_of(v) for k, v in value.items()}
    return [shape_of(v) for v in value] if isinstance(value, list) else 0


@given(
    st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, 12), st.integers(1, 9),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_bitmaps_stay(x: int, y: int, width: int, height: int, chance: Any) -> None:
    width, height = min(width, WIDTH - x), min(height, HEIGHT - y)
    filled = np.array([[chance.random() < 0.5 for _ in range(width)] for _ in range(height)])
    filled[0, 0] = filled[-1, -1] = True
    grid = Grid(WIDTH, HEIGHT, subpixel=True)
    sent = {"bitmap": {"origin": [x, y], "data": bitmaps.write(filled)}}
    shape, extra = geometry.read("bitmap", sent, grid, "it")
    back = geometry.WRITE["bitmap"](shape, grid, extra)
    assert back["bitmap"]["origin"] == [x, y]
    assert (bitmaps.read(back["bitmap"]["data"], "it", 10_000) > 0).tolist() == filled.tolist()


@given(st.integers(1, 2**30), st.integers(1, 2**31))
def test_ids_come_apart_again(item: int, number: int) -> None:
    assert ids.split(ids.join(item, number)) == (item, number)


@given(st.integers(-5, 2**31))
def test_small_numbers_are_no_figures(value: int) -> None:
    with pytest.raises(Refused):
        ids.split(value)


@given(geometries(subpixel=True), st.sampled_from(sorted(geometry.READ)), st.data())
def test_a_geometry_of_another_kind_is_refused_or_read(case: tuple[str, dict[str, Any]], kind: str, data: Any) -> None:
    """Whatever is sent for whatever shape: a shape or a sentence, never another exception."""
    sent = dict(case[1])
    if data.draw(st.booleans()):
        key = data.draw(st.sampled_from(geometry.KEYS))
        sent[key] = data.draw(
            st.sampled_from([None, 3, "x", [], {}, [[1, 2]], {"exterior": 5}, [[1, "a"]], {"a": {"loc": [1]}}])
        )
    refused = None
    shape = None
    try:
        shape, _ = geometry.read(kind, sent, Grid(WIDTH, HEIGHT, subpixel=True), "it")
    except Refused as error:
        refused = error
    assert shape is not None or (refused is not None and refused.status == 400 and refused.message)
