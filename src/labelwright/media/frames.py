"""Exact frames of a video file, by number. Frame n is the n-th in order of display, whatever the frame rate does."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from labelwright.errors import Invalid, NotFound
from labelwright.media import probe
from labelwright.media.probe import Probed


@dataclass(frozen=True)
class FrameIndex:
    """When each frame of a video is shown. `pts` in units of `time_base` (numerator, denominator) seconds, sorted;
    `times`: seconds since the first frame."""

    pts: list[int]
    time_base: tuple[int, int]

    @property
    def times(self) -> list[float]:
        """Seconds from the first frame to each."""
        numerator, denominator = self.time_base
        return [(p - self.pts[0]) * numerator / denominator for p in self.pts]

    def at(self, seconds: float) -> int:
        """The number of the frame that is on screen at this time since the first frame."""
        return max(0, bisect_right(self.times, seconds + 1e-9) - 1)

    def encode(self) -> bytes:
        """JSON for the storage; browsers read it too: `{"times": [...], "pts": [...], "time_base": [n, d]}`."""
        return json.dumps({"times": self.times, "pts": self.pts, "time_base": self.time_base}).encode()


def index_of(probed: Probed) -> FrameIndex:
    """The index that probing a video made."""
    if probed.pts is None or probed.time_base is None:
        raise Invalid("This file is not a video.")
    return FrameIndex(probed.pts, probed.time_base)


def decode_index(body: bytes) -> FrameIndex:
    """The index back from `FrameIndex.encode`."""
    raw = json.loads(body)
    numerator, denominator = raw["time_base"]
    return FrameIndex(raw["pts"], (numerator, denominator))


def frame(file: Path | Any, mime: str, index: FrameIndex, number: int) -> Image.Image:
    """Frame `number` (from 0) of a video (a path or a seekable stream) as displayed: upright, with square pixels.

    Raises `NotFound` when there is no such frame and `Invalid` when it cannot be decoded."""
    if not 0 <= number < len(index.pts):
        raise NotFound(f"The video has {len(index.pts)} frames, numbered from 0; there is no frame {number}.")
    from av.error import FFmpegError  # noqa: PLC0415  see `probe.open_video`

    try:
        with probe.open_video(file, probe.reader_of(mime)) as container:
            stream = container.streams.video[0]
            found = _decode_at(container, stream, index.pts[number]) or _decode_nth(container, stream, number)
            if found is None:
                raise Invalid(f"Frame {number} of the video cannot be decoded.")
            return _upright(found, stream.sample_aspect_ratio)
    except FFmpegError as error:
        raise Invalid(f"Frame {number} of the video cannot be decoded: {error.strerror}.") from None


def span(file: Path | Any, mime: str, index: FrameIndex, first: int, count: int) -> Iterator[Image.Image]:
    """Frames `first` to `first + count - 1` as `frame` gives each, decoded in one go.

    Raises `NotFound` and `Invalid` as `frame` does."""
    done = 0
    for image in _decode_run(file, mime, index.pts[first : first + count] if first >= 0 else []):
        done += 1
        yield image
    for number in range(first + done, first + count):  # the slow way finds out whether the frame itself is damaged
        _rewind(file)
        yield frame(file, mime, index, number)


def _decode_run(file: Path | Any, mime: str, pts: list[int]) -> Iterator[Image.Image]:
    """The frames of these times as far as they come one after another; none when the file does not lead there."""
    from av.error import FFmpegError  # noqa: PLC0415  see `probe.open_video`

    wanted = iter(pts)
    following = next(wanted, None)
    if following is None:
        return
    try:
        with probe.open_video(file, probe.reader_of(mime)) as container:
            stream = container.streams.video[0]
            container.seek(following, stream=stream, backward=True, any_frame=False)
            for decoded in container.decode(stream):
                if following is None or (decoded.pts is not None and decoded.pts > following):
                    return
                if decoded.pts == following:
                    yield _upright(decoded, stream.sample_aspect_ratio)
                    following = next(wanted, None)
    except FFmpegError:
        return  # what came before the fault is good


def _rewind(file: Path | Any) -> None:
    if not isinstance(file, Path):
        file.seek(0)


def _decode_at(container: Any, stream: Any, pts: int) -> Any:
    """Seek to the keyframe at or before `pts` and decode up to it; None when the file does not lead there."""
    container.seek(pts, stream=stream, backward=True, any_frame=False)
    for decoded in container.decode(stream):
        if decoded.pts == pts:
            return decoded
        if decoded.pts is not None and decoded.pts > pts:
            return None
    return None


def _decode_nth(container: Any, stream: Any, number: int) -> Any:
    """The slow, sure way: count from the beginning."""
    container.seek(0, stream=stream, backward=True)
    for count, decoded in enumerate(_decoded(container, stream)):
        if count == number:
            return decoded
    return None


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    yield from container.decode(stream)


def _upright(found: Any, aspect: Any) -> Image.Image:
    image = found.to_image()
    size = probe.displayed_size(found.width, found.height, aspect, 0)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    rotation = int(found.rotation) % 360
    # A frame's rotation says how far to turn it counter-clockwise, as Pillow's `rotate` does.
    return image.rotate(rotation, expand=True) if rotation else image
