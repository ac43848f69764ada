"""Masks: COCO run lengths of a cut-out, arrays, polygons, and rasters of many classes.

Run lengths count pixels down the columns, starting with zeros. A pixel belongs to a polygon when its centre does
(even-odd rule within a part), so a mask's own outline rasterizes to the same mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as _coco

from labelwright.geometry.document import Cuboid, Mask, OrientedRectangle, Polygon, Rectangle, Shape
from labelwright.geometry.normalise import ring as open_ring

Bools = NDArray[np.bool_]
coco: Any = _coco  # its stubs do not know uncompressed run lengths


def from_array(array: NDArray[Any]) -> Mask:
    """Mask of the non-zero pixels of an array (height, width). An empty one has the box (0, 0, 0, 0)."""
    filled = array.astype(bool)
    height, width = filled.shape
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not rows.size:
        return Mask(size=(width, height), box=(0, 0, 0, 0), counts="")
    y, x = int(rows[0]), int(columns[0])
    h, w = int(rows[-1]) + 1 - y, int(columns[-1]) + 1 - x
    return Mask(size=(width, height), box=(x, y, w, h), counts=encode_crop(filled[y : y + h, x : x + w]))


def from_blocks(blocks: Iterable[Bools], size: tuple[int, int], x: int, y: int) -> Mask:
    """`from_array` for a grid of `size` (width, height) whose set pixels come as blocks of columns side by side, each
    (height, some columns), the first pixel at (x, y): so that not all pixels need be there at once."""
    edges, at, height, last = [np.zeros(0, np.int64)], 0, 0, False
    for block in blocks:
        height = block.shape[0]
        flat = block.T.ravel()
        edges.append(np.flatnonzero(np.diff(flat, prepend=last)) + at)
        at, last = at + flat.size, bool(flat[-1])
    lengths = np.diff(np.concatenate([*edges, [at]]), prepend=0)
    columns, tops, feet = _pieces(lengths, height)
    if not columns.size:
        return Mask(size=size, box=(0, 0, 0, 0), counts="")
    first, top, w, h = int(columns[0]), int(tops.min()), int(columns[-1] - columns[0]) + 1, int(feet.max() - tops.min())
    shift = (columns - first) * h - top
    return Mask(size, (x + first, y + top, w, h), compress(_lengths(shift + tops, shift + feet, w * h), w, h))


def placed(crop: Bools, x: int, y: int, width: int, height: int) -> Mask:
    """Mask on a grid of width x height of a boolean cut-out (height, width) whose first pixel is at (x, y); it must lie within."""
    full = np.zeros((height, width), dtype=bool)
    full[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return from_array(full)


def encode_crop(crop: Bools) -> str:
    """COCO compressed run lengths of a boolean array (height, width)."""
    return coco.encode(np.asfortranarray(crop, dtype=np.uint8))["counts"].decode("ascii")


def crop_array(mask: Mask) -> Bools:
    """The cut-out as booleans, shape (box height, box width). The mask must have passed `fault`."""
    _, _, w, h = mask.box
    lengths = runs(mask.counts)
    return np.repeat(np.arange(lengths.size) % 2 == 1, lengths).reshape(w, h).T


def to_array(mask: Mask) -> Bools:
    """All pixels of the mask's grid as booleans, shape (height, width)."""
    (width, height), (x, y, w, h) = mask.size, mask.box
    full = np.zeros((height, width), dtype=bool)
    full[y : y + h, x : x + w] = crop_array(mask)
    return full


def runs(counts: str) -> NDArray[np.int64]:
    """Run lengths behind COCO's compressed text. Raises `ValueError` for text that is none."""
    try:
        codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise ValueError("run lengths hold a character that is not ASCII") from None
    if not codes.size:
        return codes
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise ValueError("run lengths are cut off or hold a foreign character")
    last = np.flatnonzero((codes & 0x20) == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    if int((last - first).max()) > 6:
        raise ValueError("a run length is too long")
    place = np.arange(codes.size) - np.repeat(first, last - first + 1)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), first)
    values -= np.where(codes[last] & 0x10, np.int64(1) << (5 * (last - first + 1)), 0)
    # From the fourth value on each is stored as the difference to the one two before it.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def compress(lengths: Sequence[int] | NDArray[np.int64], width: int, height: int) -> str:
    """COCO's compressed text for run lengths over `width` x `height` pixels."""
    packed = coco.frPyObjects({"counts": [int(n) for n in lengths], "size": [height, width]}, height, width)
    return packed["counts"].decode("ascii")


def fault(mask: Mask) -> str | None:
    """What is wrong with a mask, as a sentence, or None. After None every function here is safe on it."""
    (width, height), (x, y, w, h) = mask.size, mask.box
    if width < 1 or height < 1 or width * height > 2**31:
        return f"the size must be at least 1 x 1 and at most 2^31 pixels, not {width} x {height}"
    if min(x, y, w, h) < 0 or x + w > width or y + h > height:
        return f"the box {list(mask.box)} does not lie within the size {width} x {height}"
    try:
        lengths = runs(mask.counts)
    except ValueError as error:
        return str(error)
    if lengths.size and int(lengths.min()) < 0:
        return "a run length is below 0"
    total = int(lengths.sum())
    return None if total == w * h else f"the run lengths sum to {total}, the box has {w * h} pixels"


def area(mask: Mask) -> int:
    """Set pixels on the mask's own grid."""
    return int(runs(mask.counts)[1::2].sum())


def covers(mask: Mask, x: float, y: float) -> bool:
    """Whether the pixel at (x, y), fractions, is set."""
    column, row = int(x * mask.size[0]) - mask.box[0], int(y * mask.size[1]) - mask.box[1]
    if not (0 <= column < mask.box[2] and 0 <= row < mask.box[3]):
        return False
    ends = np.cumsum(runs(mask.counts))
    return bool(np.searchsorted(ends, column * mask.box[3] + row, side="right") % 2)


def full_runs(mask: Mask) -> list[int]:
    """Run lengths over the whole grid (COCO's uncompressed `counts`), without making the array."""
    (width, height), (x, y, _, h) = mask.size, mask.box
    columns, tops, feet = _pieces(runs(mask.counts), h)
    shift = (columns + x) * height + y
    return _lengths(shift + tops, shift + feet, width * height)


def _pieces(lengths: NDArray[np.int64], height: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The set runs cut at the foot of each column: (column, first row, row after the last) of each piece."""
    ends = np.cumsum(lengths)
    starts, stops = ends[0::2][: ends.size // 2], ends[1::2]
    starts, stops = starts[stops > starts], stops[stops > starts]
    count = (stops - 1) // max(height, 1) - starts // max(height, 1) + 1
    which = np.repeat(np.arange(starts.size), count)
    columns = np.arange(which.size) - np.repeat(np.cumsum(count) - count, count) + starts[which] // max(height, 1)
    tops = np.maximum(starts[which], columns * height) - columns * height
    return columns, tops, np.minimum(stops[which], (columns + 1) * height) - columns * height


def _lengths(begin: NDArray[np.int64], end: NDArray[np.int64], total: int) -> list[int]:
    """Run lengths over `total` pixels of the pieces `begin` to `end` (sorted), those that touch joined."""
    if not begin.size:
        return [total]
    apart = begin[1:] != end[:-1]
    first, last = np.concatenate(([True], apart)), np.concatenate((apart, [True]))
    edges = np.stack((begin[first], end[last]), axis=1).ravel()
    lengths = np.diff(edges, prepend=0).tolist()
    return [*lengths, total - int(edges[-1])] if edges[-1] < total else lengths


def to_rle(mask: Mask) -> dict[str, Any]:
    """COCO's run-length object over the whole grid: `{"size": [height, width], "counts": text}`."""
    width, height = mask.size
    return {"size": [height, width], "counts": compress(full_runs(mask), width, height)}


def from_rle(rle: Mapping[str, Any]) -> Mask:
    """Mask from COCO's run-length object, compressed or not. Raises `ValueError` naming what is wrong."""
    height, width = (int(v) for v in rle["size"])
    given = rle["counts"]
    text = given if isinstance(given, str) else compress(given, width, height)
    whole = Mask(size=(width, height), box=(0, 0, width, height), counts=text)
    problem = fault(whole)
    if problem:
        raise ValueError(problem)
    columns, tops, feet = _pieces(runs(text), height)
    if not columns.size:
        return Mask(size=(width, height), box=(0, 0, 0, 0), counts="")
    x, y = int(columns[0]), int(tops.min())
    w, h = int(columns[-1]) + 1 - x, int(feet.max()) - y
    shift = (columns - x) * h - y
    return Mask(
        size=(width, height), box=(x, y, w, h), counts=compress(_lengths(shift + tops, shift + feet, w * h), w, h)
    )


def merge(given: Sequence[Mask], *, intersect: bool = False) -> Mask:
    """Union (or intersection) of masks on the same grid. Raises `ValueError` when the grids differ."""
    if not given or any(m.size != given[0].size for m in given):
        raise ValueError("masks to be merged must share one grid")
    return from_rle(_text(coco.merge([_bytes(m) for m in given], intersect=intersect)))


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks on the same grid; 0 when both are empty."""
    if a.size != b.size:
        raise ValueError("masks to be compared must share one grid")
    if not area(a) and not area(b):
        return 0.0
    return float(coco.iou([_bytes(a)], [_bytes(b)], [0])[0][0])


def _bytes(mask: Mask) -> dict[str, Any]:
    rle = to_rle(mask)
    return {"size": rle["size"], "counts": rle["counts"].encode("ascii")}


def _text(rle: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": rle["size"], "counts": rle["counts"].decode("ascii")}


def rasterize(shape: Shape, width: int, height: int) -> Mask:
    """Mask of an area shape (polygon, rectangle, oriented rectangle, cuboid's hull) on a grid of `width` x `height`
    pixels. A mask on another grid is resampled by pixel centre; points and lines cover nothing."""
    if isinstance(shape, Mask):
        return shape if shape.size == (width, height) else _resample(shape, width, height)
    full = np.zeros((height, width), dtype=bool)
    for part in _parts(shape):
        _fill(full, [np.asarray(r, dtype=float).reshape(-1, 2) * (width, height) for r in part])
    return from_array(full)


def _parts(shape: Shape) -> list[list[list[float]]]:
    if isinstance(shape, Polygon):
        return shape.parts
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = shape.box
        return [[[x1, y1, x2, y1, x2, y2, x1, y2]]]
    if isinstance(shape, OrientedRectangle):
        return [[shape.points]]
    if isinstance(shape, Cuboid):
        hull = shapely.MultiPoint(np.asarray(shape.points).reshape(-1, 2)).convex_hull
        return [[shapely.get_coordinates(hull).ravel().tolist()]] if hull.geom_type == "Polygon" else []
    return []


def _fill(full: Bools, rings: list[NDArray[np.float64]]) -> None:
    """Set the pixels whose centre lies within the rings (even-odd); `full` is (height, width), rings are in pixels."""
    height, width = full.shape
    toggles = np.zeros((height, width + 1), dtype=np.int32)
    for points in rings:
        (x1, y1), (x2, y2) = points.T, np.roll(points, -1, axis=0).T
        low, high = np.minimum(y1, y2), np.maximum(y1, y2)
        # Rows whose centre line (row + 0.5) an edge crosses, its lower end included, its upper end not.
        top = np.clip(np.ceil(low - 0.5), 0, height).astype(np.int64)
        foot = np.clip(np.ceil(high - 0.5), 0, height).astype(np.int64)
        crossed = foot - top
        which = np.repeat(np.arange(len(points)), crossed)
        row = np.arange(int(crossed.sum())) - np.repeat(np.cumsum(crossed) - crossed, crossed) + top[which]
        across = x1[which] + (row + 0.5 - y1[which]) * (x2 - x1)[which] / (y2 - y1)[which]
        column = np.clip(np.ceil(across - 0.5), 0, width).astype(np.int64)
        np.add.at(toggles, (row, column), 1)
    full |= (np.cumsum(toggles[:, :width], axis=1) & 1).astype(bool)


def _resample(mask: Mask, width: int, height: int) -> Mask:
    rows = ((np.arange(height) + 0.5) * mask.size[1] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * mask.size[0] / width).astype(np.int64)
    return from_array(to_array(mask)[np.ix_(rows, columns)])


def to_polygon(mask: Mask, tolerance: float = 0.0) -> Polygon:
    """Outline of a mask as a polygon with holes, fractions. With `tolerance` 0 it follows the pixels' edges exactly;
    above, corners are dropped as long as the outline moves by no more than that many pixels."""
    width, height = mask.size
    joined: Any = shapely.unary_union(_run_boxes(mask)).simplify(tolerance)
    parts = joined.geoms if hasattr(joined, "geoms") else [joined]
    return Polygon(parts=[_rings(p, width, height) for p in parts if not p.is_empty])


def _run_boxes(mask: Mask) -> NDArray[Any]:
    """One box (pixels of the grid) for each vertical run of set pixels within one column."""
    x, y, w, h = mask.box
    crop = np.zeros((h + 2, w), dtype=np.int8)
    crop[1:-1] = crop_array(mask)
    steps = np.diff(crop, axis=0).T
    columns, tops = np.nonzero(steps == 1)
    _, feet = np.nonzero(steps == -1)
    return shapely.box(columns + x, tops + y, columns + x + 1, feet + y)


def _rings(part: Any, width: int, height: int) -> list[list[float]]:
    rings = [part.exterior, *part.interiors]
    return [open_ring((shapely.get_coordinates(r) / (width, height)).ravel().tolist()) for r in rings]


def compose(layers: Iterable[tuple[Mask, int]], width: int, height: int) -> NDArray[np.int32]:
    """One raster (height, width) of values from masks; later ones lie on top, 0 is where there is none."""
    raster = np.zeros((height, width), dtype=np.int32)
    for mask, value in layers:
        fitted = rasterize(mask, width, height)
        x, y, w, h = fitted.box
        raster[y : y + h, x : x + w][crop_array(fitted)] = value
    return raster


def decompose(raster: NDArray[Any]) -> dict[int, Mask]:
    """A mask for each value other than 0 in a raster (height, width), by value."""
    return {int(value): from_array(raster == value) for value in np.unique(raster) if value}
