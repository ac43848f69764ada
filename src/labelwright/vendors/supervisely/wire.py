"""Supervisely's envelope: what went wrong as JSON, moments, content ids, multipart answers, and reading typed values."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from labelwright import errors
from labelwright.media.fetch import FetchError

# Core error -> (status, title). Looked up by class, the most special first. None of these is a status that the package
# tries again: it would keep its user waiting for five minutes and then hide the sentence.
STATUSES: tuple[tuple[type[errors.LabelwrightError], int, str], ...] = (
    (errors.Unauthenticated, 401, "Unauthorized"),
    (errors.Forbidden, 403, "Access denied"),
    (errors.NotFound, 404, "Not found"),
    (errors.Conflict, 409, "Conflict"),
    (errors.TooLarge, 413, "Too large"),
    (errors.TooMany, 403, "Too many tries"),
    (errors.Invalid, 400, "Bad request"),
)
MISSING: Any = object()


class Refused(Exception):
    """An answer that is no success. `more`: further keys of `details` that the package acts on."""

    def __init__(self, status: int, message: str, title: str = "Bad request", **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.title, self.more = status, message, title, more


def refused(error: Exception) -> Refused:
    """Any error as an answer."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, FetchError):
        return Refused(400, f"The linked file could not be fetched: {error.message}", "Link is not readable")
    if isinstance(error, errors.LabelwrightError):
        for kind, status, title in STATUSES:
            if isinstance(error, kind):
                return Refused(status, error.message, title)
    return Refused(500, "Something went wrong here; nothing was changed.", "Server error")


def failure(error: Refused) -> Response:
    """The response in Supervisely's shape."""
    return answer({"error": error.title, "details": {"message": error.message, **error.more}}, error.status)


def answer(body: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


@lru_cache(maxsize=4096)  # what was made in one transaction was made at one moment
def moment(at: datetime | None) -> str | None:
    """A moment as its clients write it: UTC with milliseconds and Z."""
    # All moments are in UTC; formatting by pattern takes three times as long, and lists have a hundred thousand of them.
    return at.isoformat(timespec="milliseconds")[:23] + "Z" if at else None


def content_id(sha256: bytes) -> str:
    """The id of a file's content: base64 of its SHA-256."""
    return base64.b64encode(sha256).decode()


def sha256_of(text: Any) -> bytes:
    """The SHA-256 behind a content id. Raises `Refused`."""
    try:
        digest = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise Refused(400, f"{str(text)[:80]!r} is not a content hash: base64 of a file's SHA-256.")
    return digest


def whole(value: Any, name: str) -> int:
    """A whole number, also when sent as text. Raises `Refused`."""
    if isinstance(value, str) and value.strip().lstrip("-").isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise Refused(400, f"{name} must be a whole number, not {short(value)}.")
    return value


def flag(value: Any, name: str) -> bool:
    """A boolean, also as queries write it. Raises `Refused`."""
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if not isinstance(value, bool):
        raise Refused(400, f"{name} must be true or false, not {short(value)}.")
    return value


def text(value: Any, name: str, most: int = 100_000) -> str:
    """A text of at most `most` characters that a database can hold. Raises `Refused`."""
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise Refused(400, f"{name} must be a text of at most {most} characters.")
    return value


def time(value: Any, name: str) -> datetime:
    """A moment in ISO 8601; one without a zone is UTC. Raises `Refused`."""
    try:
        at = datetime.fromisoformat(text(value, name, 100).replace("Z", "+00:00"))
    except ValueError:
        raise Refused(400, f"{name} must be a moment such as 2026-01-31T12:00:00.000Z, not {short(value)}.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def object_of(value: Any, name: str) -> dict[str, Any]:
    """A JSON object. Raises `Refused`."""
    if not isinstance(value, dict):
        raise Refused(400, f"{name} must be a JSON object, not {short(value)}.")
    return value


def list_of(value: Any, name: str, most: int = 100_000) -> list[Any]:
    """A JSON list. Raises `Refused`."""
    if not isinstance(value, list) or len(value) > most:
        raise Refused(400, f"{name} must be a list of at most {most} values.")
    return value


def short(value: Any) -> str:
    """A value for a sentence."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def multipart(parts: Iterator[tuple[str, str, Iterator[bytes]]]) -> Response:
    """Named parts (name, type, content) as one streamed form; each part's header holds its name and nothing more,
    since the package compares it letter by letter."""
    boundary = secrets.token_hex(16)

    def body() -> Iterator[bytes]:
        for name, mime, content in parts:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {mime}\r\n\r\n'
            yield head.encode()
            yield from content
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return StreamingResponse(body(), media_type=f"multipart/form-data; boundary={boundary}")
