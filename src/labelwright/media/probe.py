"""What a file is, by its content: kind, type, size, frames. Nothing is decoded before its header was found acceptable.

Pictures are shown and measured as displayed: the orientation that a camera noted (EXIF, or a video's rotation) is applied,
so width and height here, thumbnails, the browser and every coordinate agree. Of an animated picture the first frame counts.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid

Image.MAX_IMAGE_PIXELS = None  # we look at the header ourselves, and answer with a sentence

# Pillow's name of each format we read -> its type. Literal, so that Pillow's other readers are never reached.
PICTURES: dict[str, str] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
# Several JPEGs in one file, of which the first one is shown.
_SAME = {"MPO": "JPEG"}
# Types that browsers do not show: these get a copy to look at.
NOT_SHOWN = frozenset({"image/tiff"})
ORIENTATION = 0x0112
MAX_SIDE = 100_000
MAX_FRAMES = 500_000
_TURNED = frozenset({5, 6, 7, 8})
# The FFmpeg reader is chosen by us, from the first bytes: FFmpeg's own guess knows playlists that lead elsewhere.
_READERS = ("mov", "matroska", "avi")


@dataclass(frozen=True)
class Probed:
    """What was found. `width`, `height`: pixels as displayed; `frames` and `times` (seconds from the first frame to each,
    in order of display) only for videos; `pts`: the same in units of `time_base` seconds, as the file has them."""

    kind: Literal["image", "video"]
    mime: str
    width: int
    height: int
    frames: int | None = None
    times: list[float] | None = None
    pts: list[int] | None = None
    time_base: tuple[int, int] | None = None
    info: dict[str, Any] | None = None


def probe(path: Path, max_pixels: int) -> Probed:
    """Find out what a file is. Raises `Invalid` with a sentence for the sender when it is nothing we can use."""
    with path.open("rb") as file:
        head = file.read(64)
    reader = _video_reader(head)
    if reader:
        return _probe_video(path, reader, max_pixels)
    if _looks_like_page(head):
        raise Invalid("This is a web page or text, not a picture: the address may ask for a sign-in.")
    return picture(path, max_pixels)


def picture(file: Path | Any, max_pixels: int) -> Probed:
    """Find out what a picture is by its header, from a path or an open file. Raises `Invalid`."""
    with open_picture(file) as opened:
        width, height = opened.size
        check_size(width, height, max_pixels)
        turned = orientation(opened)
        if turned in _TURNED and opened.format != "TIFF":  # Pillow has turned the size of a TIFF itself
            width, height = height, width
        info = {"orientation": turned} if turned != 1 else None
        return Probed("image", PICTURES[_SAME.get(str(opened.format), str(opened.format))], width, height, info=info)


def open_picture(path: Path | Any) -> Image.Image:
    """Open a picture of an allowed format (header only). Raises `Invalid`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(path, formats=tuple(PICTURES))
    except UnidentifiedImageError:
        raise Invalid(f"This is not a picture or video that can be read. {_KNOWN}") from None
    except Exception as error:
        raise Invalid(f"The picture is damaged: {_reason(error)}.") from None


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise `Invalid` when a picture of this size (pixels) is not to be decoded."""
    if width < 1 or height < 1:
        raise Invalid("The picture has no pixels.")
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise Invalid(
            f"The picture has {width} x {height} pixels; at most {max_pixels} are allowed (LABELWRIGHT_MAX_PIXELS)."
        )


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when there is none or it is nonsense."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception:
        return 1  # a broken EXIF block does not make the picture unusable; browsers ignore it too
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_KNOWN = "Known: PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF; MP4, MOV, WebM, MKV, AVI."


def _looks_like_page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg", b"{", b"<head"))


def _video_reader(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "" if head[8:12] in {b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix"} else "mov"
    if head[4:8] in {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}:
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return ""


def open_video(file: Path | Any, reader: str) -> Any:
    """FFmpeg's container of a file or seekable stream, by one of our readers. Raises `Invalid`."""
    if reader not in _READERS:
        raise Invalid(f"This is not a video that can be read. {_KNOWN}")
    import av  # noqa: PLC0415  17 MB that a server without videos need not hold
    from av.error import FFmpegError  # noqa: PLC0415

    try:
        source = str(file) if isinstance(file, Path) else file
        return av.open(source, format=reader, options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise Invalid(f"The video cannot be opened: {_reason(error)}.") from None


def reader_of(mime: str) -> str:
    """Which reader opens a video of this type."""
    return _READER_OF.get(mime, "")


_READER_OF = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
}


def _probe_video(path: Path, reader: str, max_pixels: int) -> Probed:
    from av.error import FFmpegError  # noqa: PLC0415

    with open_video(path, reader) as container:
        if not container.streams.video:
            raise Invalid("The file has no video in it.")
        stream = container.streams.video[0]
        check_size(stream.codec_context.width, stream.codec_context.height, max_pixels)
        try:
            pts = _presentation_times(container, stream)
            width, height, rotation = _first_frame(path, reader)
        except FFmpegError as error:
            raise Invalid(f"The video is damaged: {_reason(error)}.") from None
        base = stream.time_base
        times = [float((p - pts[0]) * base) for p in pts]
        info = {
            "codec": stream.codec_context.name,
            "seconds": round(times[-1] + (times[-1] / (len(times) - 1) if len(times) > 1 else 0), 3),
        } | ({"rotation": rotation} if rotation else {})
        mime = _video_mime(path, reader)
    return Probed("video", mime, width, height, len(pts), times, pts, (base.numerator, base.denominator), info)


def _presentation_times(container: Any, stream: Any) -> list[int]:
    """When each shown frame is to be shown, in units of the stream's time base, sorted. Reads packets, decodes nothing."""
    found: set[int] = set()
    for packet in container.demux(stream):
        moment = packet.pts if packet.pts is not None else packet.dts
        if packet.size and moment is not None and not packet.is_discard:
            found.add(moment)
            if len(found) > MAX_FRAMES:
                raise Invalid(f"The video has more than {MAX_FRAMES} frames; split it.")
    if not found:
        raise Invalid("The video has no frames.")
    return sorted(found)


def _first_frame(path: Path, reader: str) -> tuple[int, int, int]:
    """Width and height as displayed, and the rotation in degrees; decodes one frame, so a broken file shows."""
    with open_video(path, reader) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        frame = next(container.decode(stream), None)
        if frame is None:
            raise Invalid("No frame of the video can be decoded.")
        width, height = displayed_size(frame.width, frame.height, stream.sample_aspect_ratio, frame.rotation)
        return width, height, int(frame.rotation) % 360


def displayed_size(width: int, height: int, aspect: Any, rotation: float) -> tuple[int, int]:
    """Size in pixels as a player shows it: pixels made square, then turned by `rotation` degrees."""
    if aspect and aspect > 0 and aspect != 1:
        width = max(1, round(width * float(aspect)))
    return (height, width) if int(rotation) % 180 else (width, height)


def _video_mime(path: Path, reader: str) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    if reader == "matroska":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if reader == "avi":
        return "video/x-msvideo"
    return "video/quicktime" if head[4:8] != b"ftyp" or head[8:10] == b"qt" else "video/mp4"


def _reason(error: Exception) -> str:
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).split("\n")[0]
    return text[:200].rstrip(".")
