"""Small real pictures and videos made on the spot, and a web server that behaves as badly as a test asks."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int = 40, height: int = 30, kind: str = "PNG", seed: int = 0, **save: Any) -> bytes:
    """A picture file with a gradient; another `seed` below 65,536, another content."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 5 + seed, y * 7 + seed // 256, x + y + seed * 3], axis=-1).astype(np.uint8)
    return encoded(pixels, kind, **save)


def encoded(pixels: Any, kind: str = "PNG", **save: Any) -> bytes:
    """A picture file of these pixels, (height, width, 3) uint8."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **save)
    return out.getvalue()


def png(width: int, height: int, color: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file put together by hand, of 8 bits a channel: header, these chunks (kind, body), end; all checksums right.
    `color`: 2 is RGB, 3 a palette."""
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def video(frames: int = 10, width: int = 64, height: int = 48, codec: str = "mpeg4", times: list[int] | None = None,
          container: str = "mp4") -> bytes:  # fmt: skip
    """A video whose frame n is grey `10 + 20 n`; `times`: presentation times in hundredths of a second."""
    shades = [np.full((height, width, 3), 10 + 20 * n, np.uint8) for n in range(frames)]
    return video_of(shades, codec, times, container)


def video_of(shades: list[Any], codec: str = "mpeg4", times: list[int] | None = None, container: str = "mp4") -> bytes:
    """A video of these frames, arrays (height, width, 3)."""
    import av

    out = io.BytesIO()
    height, width = shades[0].shape[:2]
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = 4
        for n, shade in enumerate(shades):
            frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
            if times is not None:
                from fractions import Fraction

                frame.time_base, frame.pts = Fraction(1, 100), times[n]
                stream.codec_context.time_base = Fraction(1, 100)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return out.getvalue()


BITS = 10


def numbered(number: int, width: int = 320, height: int = 240) -> Any:
    """A picture that carries its number in ten vertical bars, white for 1, the highest bit at the left."""
    bars = [255 if number >> (BITS - 1 - bit) & 1 else 0 for bit in range(BITS)]
    row = np.repeat(np.array(bars, np.uint8), width // BITS)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def number_of(pixels: Any) -> int:
    """The number that a picture of `numbered` carries, after any compression."""
    height, width = pixels.shape[:2]
    row = pixels[height // 2, :, 0] if pixels.ndim == 3 else pixels[height // 2]
    bits = ["1" if row[(2 * bit + 1) * width // (2 * BITS)] > 127 else "0" for bit in range(BITS)]
    return int("".join(bits), 2)


def numbered_video(frames: int, rate: Any = 25, times: list[int] | None = None, codec: str = "libx264") -> bytes:
    """A video of `numbered` frames with B-frames and a keyframe now and then. `times`: milliseconds, for variable rates."""
    from fractions import Fraction

    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream: Any = file.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.gop_size = 24
        base = Fraction(1, 1000) if times is not None else 1 / Fraction(rate)
        stream.codec_context.time_base = base
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(n), format="rgb24")
            frame.time_base, frame.pts = base, times[n] if times is not None else n
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return out.getvalue()


@dataclass
class Site:
    """A web server on a thread. `pages[path]`: bytes, a status, or a function that writes the answer itself."""

    port: int
    pages: dict[str, bytes | int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Full address of a path."""
        return f"http://{host}:{self.port}{path}"


@contextmanager
def site(**pages: Any) -> Iterator[Site]:
    """Serve pages on a free loopback port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            here.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            page = here.pages.get(self.path.split("?")[0], 404)
            if callable(page):
                page(self)
                return
            status, content = (page, b"") if isinstance(page, int) else (200, page)
            answer(self, status, content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here = Site(server.server_address[1], {f"/{name.replace('__', '.')}": page for name, page in pages.items()})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Send one whole answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def redirect(target: str, status: int = 302) -> Callable[[BaseHTTPRequestHandler], None]:
    """A page that leads elsewhere."""
    return lambda handler: answer(handler, status, Location=target)


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """Promise much, send a byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b"x")
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.1)
