"""Roboflow's envelope: what went wrong as JSON, ids and moments as its clients read them, and reading bodies."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from labelwright import errors
from labelwright.media.fetch import FetchError

# Core error -> (status, type). Looked up by class, the most special first.
STATUSES: tuple[tuple[type[errors.LabelwrightError], int, str], ...] = (
    (errors.Unauthenticated, 401, "AuthenticationError"),
    (errors.Forbidden, 403, "PermissionError"),
    (errors.NotFound, 404, "NotFoundError"),
    (errors.Conflict, 409, "ConflictError"),
    (errors.TooLarge, 413, "TooLargeError"),
    (errors.TooMany, 429, "TooManyError"),
    (errors.Invalid, 400, "ValidationError"),
)


class Refused(Exception):
    """An answer that is no success, in Roboflow's envelope."""

    def __init__(self, status: int, message: str, kind: str = "ValidationError", hint: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.hint, self.more = status, message, kind, hint, more


def refused(error: Exception) -> Refused:
    """Any error as an answer."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, FetchError):
        status = 502 if error.retry else 400
        return Refused(status, f"Could not fetch image URL: {error.message}", "FetchError", retryable=error.retry)
    if isinstance(error, errors.LabelwrightError):
        for kind, status, name in STATUSES:
            if isinstance(error, kind):
                return Refused(status, error.message, name)
    return Refused(500, "Something went wrong here; nothing was changed. Try again.", "ServerError")


def failure(error: Refused) -> Response:
    """The response; always an object under `error`, since the package fails on plain texts."""
    body = {"error": {"message": error.message, "type": error.kind, "hint": error.hint}, **error.more}
    return answer(body, error.status)


def answer(body: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def object_of(body: bytes) -> dict[str, Any]:
    """A request's JSON object; nothing sent is an empty one. Raises `Refused`."""
    if not body.strip():
        return {}
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Refused(400, f"The body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused(400, "The body must be a JSON object.")
    return value


def text(body: dict[str, Any], *names: str, most: int = 100_000) -> str:
    """The first of these fields that is given, as trimmed text; "" when none is or it is null."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > most:
            raise Refused(400, f"{name} must be a text of at most {most} characters.")
        return value.strip()
    return ""


def texts(body: dict[str, Any], name: str, *, needed: bool = True) -> list[str]:
    """A list of texts. Raises `Refused` when it is not, or empty although needed."""
    value = body.get(name)
    if value is None and not needed:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value) or (needed and not value):
        raise Refused(400, f"{name} must be a list of texts{' with at least one' if needed else ''}.")
    return value


def whole(body: dict[str, Any], name: str, default: int | None = None, *, least: int = 0, most: int = 10**9) -> Any:
    """A whole number, also when sent as text; `default` when missing or null."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refused(400, f"{name} must be a whole number from {least} to {most}.")
    return value


def flag(value: Any) -> bool | None:
    """A boolean as clients write it in queries and bodies; None when nothing was said."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).strip().lower() in {"true", "1", "yes", "on"}


def short(uid: uuid.UUID) -> str:
    """An id as its clients know it: 32 letters and digits."""
    return uid.hex


def seconds(at: datetime | None) -> float:
    """A moment in epoch seconds; the package fails on texts and on milliseconds."""
    return at.timestamp() if at else 0.0


def milliseconds(at: datetime | None) -> int:
    """A moment in epoch milliseconds, as search hits have it."""
    return int(seconds(at) * 1000)


def stamp(at: datetime) -> dict[str, int]:
    """A moment as batches and jobs have it."""
    return {"_seconds": int(at.timestamp()), "_nanoseconds": at.microsecond * 1000}
