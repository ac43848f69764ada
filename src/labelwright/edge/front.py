"""What happens to every request before any edge sees it: request id, headers, access log, metrics, body limit."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("labelwright.access")
BODY_LIMIT = "labelwright.body_limit"
REQUEST_ID = "labelwright.request_id"
EDGE = "labelwright.edge"
_random = random.Random()  # noqa: S311
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def policy(media_origins: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of every answer: own scripts, styles and pictures only; `media_origins`: the S3 server's."""
    media = " ".join(["'self'", *media_origins])
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src {media} data: blob:",
            f"media-src {media} blob:",
            f"connect-src {media}",
            "font-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self' blob:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


class Metrics:
    """Counters of one application; its own registry, so that several applications may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "labelwright_requests", "Requests answered.", ["edge", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "labelwright_request_seconds",
            "Seconds until a request was answered.",
            ["edge"],
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )


class Front:
    """Outermost layer: gives each request an id, each answer its security headers, and writes one log line for it.

    Only the path is logged: queries can hold keys and signatures."""

    def __init__(self, app: ASGIApp, metrics: Metrics, media_origins: Iterable[str] = (), https: bool = False) -> None:
        self.app = app
        self.metrics = metrics
        headers = {
            "content-security-policy": policy(media_origins),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
            "cache-control": "no-store",
        }
        if https:
            headers["strict-transport-security"] = "max-age=31536000"
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Not a secret. The system's random numbers would let go of the interpreter lock, to wait for it again under load.
        request_id = f"{_random.getrandbits(128):032x}"
        scope[REQUEST_ID], scope[EDGE] = request_id, "other"
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                added = [header for header in self.headers if header[0] not in present]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed", id=request_id, method=scope["method"], path=scope["path"])
            if not status:
                answer = PlainTextResponse(f"Internal error. Request id: {request_id}", status_code=500)
                await answer(scope, receive, send_with_headers)
        finally:
            self._note(scope, request_id, status, time.perf_counter() - started)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        edge = scope[EDGE]
        self.metrics.requests.labels(edge, _method(scope), status).inc()
        if not scope.get("labelwright.streams"):
            self.metrics.seconds.labels(edge).observe(seconds)
        if scope["path"] in QUIET:
            return
        log.info(
            "request", id=request_id, method=scope["method"], path=scope["path"], status=status, edge=edge,
            ms=round(seconds * 1000, 1), client=(scope.get("client") or ("", 0))[0],
        )  # fmt: skip


class BodyLimit:
    """Stops reading a body past the limit. Raised where the edge reads, so that each edge answers 413 in its own shape."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[BODY_LIMIT] = [self.most]
        announced = _announced(scope)
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            most = scope[BODY_LIMIT][0]
            if announced > most:
                raise HTTPException(413, _too_large(most))
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, _too_large(most))
            return message

        await self.app(scope, receive_limited, send)


def allow_body(request: HTTPConnection, most: int) -> None:
    """Let this request's body have up to `most` bytes; call it before reading (uploads, bulk imports)."""
    limit = request.scope.get(BODY_LIMIT)
    if limit is not None:
        limit[0] = most


class Named:
    """An edge under its name, for the log and the metrics."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self.name = name
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[EDGE] = self.name
        await self.app(scope, receive, send)


def _too_large(most: int) -> str:
    return f"The request body is larger than {most / 1_000_000:g} MB."


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _method(scope: dict[str, Any] | Scope) -> str:
    # An invented method would make a metric of its own.
    method = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "OTHER"
