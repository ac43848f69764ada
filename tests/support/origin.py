"""A web server of somebody else: pictures to fetch, and a receiver of callbacks."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


@lru_cache(maxsize=4096)
def picture(number: int, width: int = 64, height: int = 48) -> bytes:
    """A PNG of its own for each number."""
    colour = (number * 7 % 256, number * 13 % 256, number // 256)
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class Origin:
    """`url("/12.png")` is picture 12; POSTs to `url("/callback")` are kept in `received`."""

    def __init__(self, delay: float = 0.0) -> None:
        self.received: list[tuple[dict[str, str], Any]] = []
        self.fetched: list[str] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if delay:
                    threading.Event().wait(delay)
                origin.fetched.append(self.path)
                name = self.path.rsplit("/", 1)[-1].partition(".")[0]
                self._answer(200, picture(int(name)), "image/png") if name.isdigit() else self._answer(
                    404, b"no", "text/plain"
                )

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                origin.received.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
                self._answer(200, b"{}", "application/json")

            def _answer(self, status: int, body: bytes, mime: str) -> None:
                self.send_response(status)
                self.send_header("content-type", mime)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the other side was killed: some tests are about that
                    super().handle()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        """Address of something here."""
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
