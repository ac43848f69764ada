"""Following shapes through frames: how the pixels in a shape move (optical flow), and for boxes a tracker (CSRT).

A follower is handed one frame after another and says where the shape is now; None once it has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from labelwright.assist.moving import moved, placed, places_of
from labelwright.assist.opencv import opencv
from labelwright.assist.window import Pixels, size_of
from labelwright.geometry import measures
from labelwright.geometry.document import Point, Polyline, Rectangle, Shape

# An object is followed at a size of about so many pixels; larger ones on a smaller copy of the picture.
SIDE = 120
LEVELS = 6
FEATURES = 150
ENOUGH = 6
# A point that flows there and back again must arrive within so many pixels of where it began.
RETURN = 1.0
# Grey levels by which the surroundings of a place may differ between frames and still be the same.
ALIKE = 3.0
# Two answers about a box that overlap by so much mean the same.
SAME = 0.75
# What lies within so many pixels of a point moves as the point does.
NEAR = 40
FLOW: dict[str, Any] = {"winSize": (21, 21), "maxLevel": 3}


class Follower(Protocol):
    """Something that follows one shape."""

    def step(self, frame: Frame) -> Shape | None:
        """Where the shape is in the next frame; None when it is lost, and from then on always."""
        ...


class Frame:
    """A frame's pixels, and halves of them, made once for all that is followed on it."""

    def __init__(self, pixels: Pixels) -> None:
        self.size = size_of(pixels)
        self._levels = [pixels]
        self._grey: dict[int, Any] = {}

    def level(self, number: int) -> Pixels:
        """The pixels, halved `number` times."""
        cv = opencv()
        while len(self._levels) <= number:
            self._levels.append(cv.pyrDown(self._levels[-1]))
        return self._levels[number]

    def grey(self, number: int) -> Any:
        """The same in grey."""
        if number not in self._grey:
            cv = opencv()
            self._grey[number] = cv.cvtColor(self.level(number), cv.COLOR_RGB2GRAY)
        return self._grey[number]


def follower(shape: Shape, first: Frame) -> Follower:
    """What follows `shape`, which is where it should be in the frame `first`."""
    if isinstance(shape, Point):
        return Places(shape, first)
    if isinstance(shape, Rectangle):
        return Box(shape, first)
    return Area(shape, first)


class Box:
    """A box: CSRT looks for its content, in any place and a little larger or smaller; where the flow of its pixels says
    nearly the same, the flow's answer counts, which is exact to parts of a pixel."""

    def __init__(self, shape: Rectangle, first: Frame) -> None:
        cv = opencv()
        self.level = _level(shape, first)
        x, y, w, h = _cells(shape, first.level(self.level))
        self.start, self.first = shape, (x, y, w, h)
        self.tracker = cv.TrackerCSRT.create()
        self.tracker.init(first.level(self.level), (x, y, w, h))
        self.area = Area(shape, first)
        self.lost = False

    def step(self, frame: Frame) -> Shape | None:
        """See `Follower`."""
        pixels = frame.level(self.level)
        found, box = (False, None) if self.lost else self.tracker.update(pixels)
        self.lost = self.lost or not found or not _within(box, pixels)
        if self.lost or box is None:
            return None
        rough, exact = self._placed(box, pixels), self.area.step(frame)
        near = exact is not None and measures.iou(rough, exact, *frame.size) > SAME
        self.area.shape = exact if near else rough
        return self.area.shape

    def _placed(self, box: Sequence[float], pixels: Pixels) -> Rectangle:
        # Trackers answer in whole pixels: the box's own fractions are kept and moved as the answer moved.
        (x, y, w, h), (px, py, pw, ph) = box, self.first
        height, width = pixels.shape[:2]
        x1, y1, x2, y2 = self.start.box
        across, down = (x2 - x1) * w / pw, (y2 - y1) * h / ph
        left, top = x1 + (x - px) / width, y1 + (y - py) / height
        clipped = [min(1.0, max(0.0, v)) for v in (left, top, left + across, top + down)]
        return Rectangle((clipped[0], clipped[1], clipped[2], clipped[3]))


class Area:
    """Any shape with an extent: the movement (shift, turn, scale) that most of the pixels in it agree on."""

    def __init__(self, shape: Shape, first: Frame) -> None:
        self.shape: Shape | None = shape
        self.before = first
        self.level = _level(shape, first)

    def step(self, frame: Frame) -> Shape | None:
        """See `Follower`."""
        if self.shape is None:
            return None
        matrix = self._matrix(self.shape, frame)
        found = None if matrix is None else moved(self.shape, matrix, self.before.size, frame.size)
        self.shape, self.before = found, frame
        return found

    def _matrix(self, shape: Shape, frame: Frame) -> Any:
        """The movement as a matrix (2, 3) between the frames' full pixels; None when too few pixels can be followed."""
        cv = opencv()
        if frame.size != self.before.size:
            return None
        old, new = self.before.grey(self.level), frame.grey(self.level)
        scale = old.shape[1] / frame.size[0]
        start = _features(shape, old)
        there, back = _flow(old, new, start)
        good = back < RETURN
        if np.count_nonzero(good) < ENOUGH:
            return None
        source, target = start[good] / scale, there[good] / scale
        matrix, agree = cv.estimateAffinePartial2D(source, target, ransacReprojThreshold=max(1.5, 1.0 / scale))
        if matrix is None or np.count_nonzero(agree) < max(ENOUGH, 0.3 * len(source)):
            return None
        # A thing does not change its size by a third from one frame to the next.
        grown = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        return matrix if 0.67 < grown < 1.5 else None


class Places:
    """A single point: by the flow at its own place, else as what lies around it moves."""

    def __init__(self, shape: Point, first: Frame) -> None:
        self.shape: Point | None = shape
        self.before = first

    def step(self, frame: Frame) -> Shape | None:
        """See `Follower`."""
        if self.shape is None or frame.size != self.before.size:
            self.shape = None
            return None
        start = np.asarray(self.shape.points, np.float64).reshape(-1, 2) * self.before.size
        there, back = _flow(self.before.grey(0), frame.grey(0), start.astype(np.float32))
        if not (back < RETURN).all():
            there = self._carried(start, frame)
        found = None if there is None else placed(self.shape, there, frame.size)
        self.shape, self.before = found if isinstance(found, Point) else None, frame
        return self.shape

    def _carried(self, start: Any, frame: Frame) -> Any:
        """The point moved as most of what lies around it; None when that cannot be followed either."""
        (x, y), (w, h) = start[0], frame.size
        near = [max(0.0, (x - NEAR) / w), max(0.0, (y - NEAR) / h), min(1.0, (x + NEAR) / w), min(1.0, (y + NEAR) / h)]
        old = self.before.grey(0)
        features = _features(Rectangle((near[0], near[1], near[2], near[3])), old)
        there, back = _flow(old, frame.grey(0), features)
        good = back < RETURN
        if np.count_nonzero(good) < ENOUGH:
            return None
        return start + np.median(there[good] - features[good], axis=0)


def _level(shape: Shape, frame: Frame) -> int:
    x1, y1, x2, y2 = measures.bounds(shape)
    side = max((x2 - x1) * frame.size[0], (y2 - y1) * frame.size[1])
    return int(min(LEVELS, max(0, np.floor(np.log2(max(1.0, side / SIDE))))))


def _cells(shape: Rectangle, pixels: Pixels) -> tuple[int, int, int, int]:
    """The box as x, y, width, height in whole pixels, at least 4 wide and high, within the picture."""
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = (v * n for v, n in zip(shape.box, (width, height, width, height), strict=True))
    w, h = min(width, max(4, round(x2 - x1))), min(height, max(4, round(y2 - y1)))
    return min(width - w, max(0, round(x1))), min(height - h, max(0, round(y1))), w, h


def _within(box: Sequence[float] | None, pixels: Pixels) -> bool:
    """Whether at least half of what was found lies in the picture."""
    if box is None:
        return False
    height, width = pixels.shape[:2]
    x, y, w, h = box
    across, down = min(x + w, width) - max(x, 0), min(y + h, height) - max(y, 0)
    return w > 0 and h > 0 and across > 0 and down > 0 and across * down >= 0.5 * w * h


def _features(shape: Shape, grey: Any) -> Any:
    """Places (n, 2) in the shape that can be followed: corners, and a grid where there are few."""
    cv = opencv()
    height, width = grey.shape
    x1, y1, x2, y2 = measures.bounds(shape)
    pad = 3
    left, top = max(0, int(x1 * width) - pad), max(0, int(y1 * height) - pad)
    right, bottom = min(width, int(np.ceil(x2 * width)) + pad), min(height, int(np.ceil(y2 * height)) + pad)
    part = np.ascontiguousarray(grey[top:bottom, left:right])
    area = np.zeros(part.shape, np.uint8)
    _fill(area, shape, (width, height), (left, top))
    corners = cv.goodFeaturesToTrack(part, FEATURES, 0.01, 3, mask=area)
    found = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2)
    if len(found) < 20:
        rows, columns = np.nonzero(area)
        few = np.linspace(0, len(rows) - 1, min(len(rows), 40)).astype(int)
        found = np.concatenate([found, np.stack((columns[few], rows[few]), axis=1).astype(np.float32)])
    return np.ascontiguousarray(found + np.array((left, top), np.float32), dtype=np.float32)


def _fill(area: Any, shape: Shape, size: tuple[int, int], origin: tuple[int, int]) -> None:
    """Set where the shape covers `area`, with a rim; lines and points as what is near them."""
    cv = opencv()
    points = places_of(shape, size) - origin
    flat = np.round(points).astype(np.int32)
    if not isinstance(shape, Polyline) and len(flat) > 2:
        cv.fillPoly(area, [cv.convexHull(flat)], 255)
    cv.polylines(area, [flat], False, 255, 7)


def _flow(old: Any, new: Any, start: Any) -> tuple[Any, Any]:
    """Where places (n, 2) of one frame are in the next, and how far from their start they end when sent back."""
    cv = opencv()
    begin = np.ascontiguousarray(start, np.float32).reshape(-1, 1, 2)
    there, seen, error = cv.calcOpticalFlowPyrLK(old, new, begin, None, **FLOW)
    back, returned, _ = cv.calcOpticalFlowPyrLK(new, old, there, None, **FLOW)
    apart = np.linalg.norm((back - begin).reshape(-1, 2), axis=1)
    # Near the picture's border the way back may fail where the way there did not: then equal pixels have to do.
    apart[returned.ravel() == 0] = np.where(error.ravel()[returned.ravel() == 0] < ALIKE, 0.0, np.inf)
    apart[seen.ravel() == 0] = np.inf
    return there.reshape(-1, 2), apart
