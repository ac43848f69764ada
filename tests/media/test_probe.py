"""Pictures and videos are told by their content, measured as displayed, and refused before they do harm."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support.pictures import picture, png, video, video_of

from labelwright.errors import Invalid, NotFound
from labelwright.geometry import masks
from labelwright.media import frames, raster, thumbs
from labelwright.media.probe import Probed, probe

LIMIT = 1_000_000


@pytest.fixture
def keep(tmp_path: Path) -> Any:
    def write(body: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(body)
        return path

    return write


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_pictures(kind: str, keep: Any) -> None:
    path = keep(picture(640, 480, kind))
    found = probe(path, LIMIT)
    assert (found.kind, found.mime, found.width, found.height) == ("image", f"image/{kind.lower()}", 640, 480)
    with Image.open(io.BytesIO(thumbs.thumbnail(path, found))) as small:
        assert (small.format, small.size) == ("JPEG", (320, 240))
    copy = thumbs.view(path, found)
    assert (copy is not None) == (kind == "TIFF")
    if copy:
        with Image.open(io.BytesIO(copy)) as shown:
            assert (shown.format, shown.size) == ("WEBP", (640, 480))


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied(turned: int, kind: str, keep: Any) -> None:
    """Left half red, right half blue, as the sensor saw it; Pillow's own transposition is the oracle."""
    sensor = Image.new("RGB", (400, 200), "red")
    sensor.paste("blue", (200, 0, 400, 200))
    exif = Image.Exif()
    exif[0x0112] = turned
    out = io.BytesIO()
    sensor.save(out, kind, exif=exif.tobytes())
    path = keep(out.getvalue())
    found = probe(path, LIMIT)
    assert (found.width, found.height) == ((200, 400) if turned >= 5 else (400, 200))
    with Image.open(io.BytesIO(thumbs.thumbnail(path, found))) as small:
        assert small.size == ((160, 320) if turned >= 5 else (320, 160))
        assert small.getexif().get(0x0112) in (None, 1)
        ways = {1: "left", 4: "left", 2: "right", 3: "right", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
        x, y = {"left": (5, 80), "right": (315, 80), "top": (80, 5), "bottom": (80, 315)}[ways[turned]]
        red, _, blue = small.getpixel((x, y))
        assert red > 200 > 50 > blue
    if kind == "TIFF":
        with Image.open(io.BytesIO(thumbs.view(path, found) or b"")) as shown:
            assert shown.size == (found.width, found.height)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_modes(mode: str, keep: Any) -> None:
    if mode == "I;16":
        made = Image.fromarray(np.linspace(0, 65535, 400 * 300).astype(np.uint16).reshape(300, 400))
    else:
        made = Image.open(io.BytesIO(picture(400, 300))).convert(mode)
    out = io.BytesIO()
    made.save(out, "JPEG" if mode == "CMYK" else "PNG")
    path = keep(out.getvalue())
    with Image.open(io.BytesIO(thumbs.thumbnail(path, probe(path, LIMIT)))) as small:
        assert small.size == (320, 240)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a huge picture; its data is tiny."""
    return png(width, height, 2, (b"IDAT", zlib.compress(b"\0" * 1000)))


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (1_000_001, 1), (1001, 1000)])
def test_pixel_bombs_are_refused_by_their_header(width: int, height: int, keep: Any) -> None:
    with pytest.raises(Invalid, match=r"pixels|damaged"):
        probe(keep(bomb(width, height)), LIMIT)


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"<!DOCTYPE html><html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF",
     b"PK\x03\x04", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/x", b"ffconcat version 1.0\nfile /etc/passwd", b'{"error": "no"}',
     b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0broken", b"RIFF\0\0\0\0AVI ", b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3junk",
     picture()[:60], b"GIF89a", b"P6 2 2 255 " + b"x" * 12],
)  # fmt: skip
def test_what_is_nothing_we_know_is_refused_with_a_sentence(body: bytes, keep: Any) -> None:
    path = keep(body)
    with pytest.raises(Invalid) as caught:
        thumbs.thumbnail(path, probe(path, LIMIT))
    assert str(path.parent) not in caught.value.message


def test_a_picture_cut_short_is_found_when_it_is_decoded(keep: Any) -> None:
    whole = picture(300, 300, "JPEG")
    path = keep(whole[: len(whole) // 2])
    with pytest.raises(Invalid, match="damaged"):
        thumbs.thumbnail(path, probe(path, LIMIT))


def grey(image: Image.Image) -> int:
    return round(float(np.asarray(image.convert("L")).mean()))


@pytest.mark.parametrize(
    ("container", "codec", "mime"),
    [("mp4", "mpeg4", "video/mp4"), ("mp4", "libx264", "video/mp4"), ("mov", "mpeg4", "video/quicktime"),
     ("webm", "libvpx", "video/webm"), ("matroska", "libx264", "video/x-matroska"), ("avi", "mpeg4", "video/x-msvideo")],
)  # fmt: skip
def test_videos_and_their_exact_frames(container: str, codec: str, mime: str, keep: Any) -> None:
    path = keep(video(12, 64, 48, codec, container=container))
    found = probe(path, LIMIT)
    assert (found.kind, found.mime, found.width, found.height, found.frames) == ("video", mime, 64, 48, 12)
    index = frames.decode_index(frames.index_of(found).encode())
    assert index.times == pytest.approx([n / 25 for n in range(12)], abs=0.002)
    for n in (0, 11, 5, 6, 1, 10, 3):
        with path.open("rb") as file:
            assert grey(frames.frame(file, mime, index, n)) == pytest.approx(10 + 20 * n, abs=6), n
    with Image.open(io.BytesIO(thumbs.thumbnail(path, found))) as small:
        assert small.size == (64, 48)


def test_frames_of_a_video_with_uneven_times(keep: Any) -> None:
    times = [0, 3, 7, 8, 30, 31, 90, 91, 92, 200]
    path = keep(video(10, codec="libx264", times=times))
    found = probe(path, LIMIT)
    index = frames.index_of(found)
    assert found.times == pytest.approx([t / 100 for t in times])
    for n in range(10):
        assert grey(frames.frame(path, found.mime, index, n)) == pytest.approx(10 + 20 * n, abs=6)
    assert [index.at(s) for s in (0, 0.029, 0.03, 0.5, 0.9, 99)] == [0, 0, 1, 5, 6, 9]
    for n in (-1, 10, 10**9):
        with pytest.raises(NotFound):
            frames.frame(path, found.mime, index, n)


def test_a_video_with_too_many_pixels_or_cut_short(keep: Any) -> None:
    with pytest.raises(Invalid, match="pixels"):
        probe(keep(video(2)), 100)
    whole = video(10, codec="libx264", container="matroska")
    with pytest.raises(Invalid):
        probe(keep(whole[:400]), LIMIT)


@pytest.mark.parametrize(
    ("matrix", "bright"),
    [((0, 1, -1, 0), "right"), ((-1, 0, 0, -1), "bottom"), ((0, -1, 1, 0), "left"), ((1, 0, 0, 1), "top")],
)
def test_a_video_filmed_on_its_side_is_upright(matrix: tuple[int, int, int, int], bright: str, keep: Any) -> None:
    """The turn stands in the track header's matrix, as telephones write it; the film's top half is white."""
    top = np.zeros((48, 64, 3), np.uint8)
    top[:24] = 255
    body = video_of([top] * 3)
    a, b, c, d = matrix
    plain = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    turned = struct.pack(">9i", a * 0x10000, b * 0x10000, 0, c * 0x10000, d * 0x10000, 0, 0, 0, 0x40000000)
    start = body.index(plain, body.index(b"tkhd"))
    path = keep(body[:start] + turned + body[start + len(plain) :])
    found = probe(path, LIMIT)
    assert (found.width, found.height) == ((48, 64) if bright in {"left", "right"} else (64, 48))
    shown = frames.frame(path, found.mime, frames.index_of(found), 1)
    assert shown.size == (found.width, found.height)
    light = np.asarray(shown.convert("L")).astype(int)
    sides = {"left": light[:, :10], "right": light[:, -10:], "top": light[:10], "bottom": light[-10:]}
    assert sides[bright].mean() > 230
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[bright]
    assert sides[opposite].mean() < 25


def mask_png(pixels: Any, mode: str = "RGBA") -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8), mode).save(out, "PNG")
    return out.getvalue()


def test_a_raster_is_taken_apart_and_put_together_again(keep: Any) -> None:
    rng = np.random.default_rng(5)
    colors = ["#0a0000", "#ff00ff", "#000001", "#123456"]
    labels = rng.integers(0, 5, (60, 80)).repeat(3, axis=0).repeat(2, axis=1)
    labels[:, :20] = 0
    palette = np.array([[0, 0, 0, 0], *[[*bytes.fromhex(c[1:]), 255] for c in colors]], dtype=np.uint8)
    size, found = raster.decode(keep(mask_png(palette[labels])), colors, LIMIT)
    assert size == (160, 180)
    again = masks.compose([(found[c], n) for n, c in enumerate(colors, 1)], 160, 180)
    assert np.array_equal(again, labels)
    for number, color in enumerate(colors, 1):
        assert np.array_equal(masks.to_array(found[color]), labels == number)
        assert masks.fault(found[color]) is None
        assert found[color].box == masks.from_array(labels == number).box


def test_black_and_transparent_pixels_carry_no_label(keep: Any) -> None:
    pixels = np.zeros((4, 5, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[1, 1] = (255, 0, 0, 0)
    assert raster.decode(keep(mask_png(pixels)), ["#ff0000"], LIMIT) == ((5, 4), {})
    plain = np.zeros((4, 5, 3), np.uint8)
    plain[3, 4] = (255, 0, 0)
    _, found = raster.decode(keep(mask_png(plain, "RGB")), ["#ff0000"], LIMIT)
    assert found["#ff0000"].box == (4, 3, 1, 1)


def test_unknown_colours_are_named_with_their_counts(keep: Any) -> None:
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[0, :3] = (255, 0, 1, 255)
    pixels[5, :7] = (9, 9, 9, 255)
    pixels[6, :2] = (255, 0, 0, 255)
    with pytest.raises(Invalid, match=r"#090909 \(7 pixels\), #ff0001 \(3 pixels\)"):
        raster.decode(keep(mask_png(pixels)), ["#ff0000"], LIMIT)
    smooth = np.zeros((16, 16, 4), np.uint8)
    smooth[..., 0] = np.arange(256).reshape(16, 16)
    smooth[..., 3] = 255
    with pytest.raises(Invalid, match="and 249 more"):
        raster.decode(keep(mask_png(smooth)), ["#ff0000"], LIMIT)


def test_a_lossy_or_huge_mask_is_refused(keep: Any) -> None:
    with pytest.raises(Invalid, match="must be a PNG"):
        raster.decode(keep(picture(10, 10, "JPEG")), ["#ff0000"], LIMIT)
    with pytest.raises(Invalid, match="pixels"):
        raster.decode(keep(bomb(50_000, 50_000)), ["#ff0000"], LIMIT)


def test_probed_videos_have_an_index_and_pictures_have_none() -> None:
    with pytest.raises(Invalid):
        frames.index_of(Probed("image", "image/png", 1, 1))
