"""Errors as `application/problem+json` (RFC 9457) with a stable `code`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NotRequired

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.edge.front import REQUEST_ID
from labelwright.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LabelwrightError,
    NotFound,
    Problem,
    TooLarge,
    TooMany,
    Unauthenticated,
)

log = structlog.get_logger("labelwright.api")
MEDIA_TYPE = "application/problem+json"


class Required(LabelwrightError):
    """A header is missing that this request must have."""

    code = "precondition_required"


class Changed(Conflict):
    """It was changed since you read it."""

    code = "precondition_failed"


STATUS: list[tuple[type[LabelwrightError], int]] = [
    (NotFound, 404),
    (Forbidden, 403),
    (Unauthenticated, 401),
    (Invalid, 422),
    (Changed, 412),
    (Conflict, 409),
    (TooLarge, 413),
    (TooMany, 429),
    (Required, 428),
    (LabelwrightError, 400),
]
CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 413: "too_large",
         412: "precondition_failed", 415: "unsupported_media_type", 428: "precondition_required"}  # fmt: skip


class FaultBody(TypedDict):
    """One fault of an input."""

    field: str
    message: str
    code: str
    object_id: NotRequired[int]


class ProblemBody(TypedDict):
    """What every error answers. Some codes carry more: `stale` its `clashes`, `too_many` its `retry_after`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    problems: NotRequired[list[FaultBody]]


def answer(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """An error answer."""
    body = {
        "type": f"urn:labelwright:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return Response(msgspec.json.encode(body, enc_hook=str), status, headers, MEDIA_TYPE)


def of_error(error: LabelwrightError) -> Response:
    """The answer to one of our own errors."""
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    headers = {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["retry-after"] = str(error.details.get("retry_after", 60))
    more = dict(error.details)
    if isinstance(error, Invalid) and error.problems:
        more["problems"] = [fault(problem) for problem in error.problems]
    return answer(more.pop("status", status), error.code, error.message, headers, **more)


def fault(problem: Problem) -> FaultBody:
    """One fault as JSON."""
    body: FaultBody = {"field": problem.field, "message": problem.message, "code": problem.code}
    if problem.object_id is not None:
        body["object_id"] = problem.object_id
    return body


def of_validation(error: RequestValidationError) -> Response:
    """The answer to a body, query or path that is not of the right form. An id that is none is not found."""
    faults = [_of_pydantic(e) for e in error.errors()]
    if any(e["loc"][:1] == ("path",) for e in error.errors()):
        return answer(404, "not_found", "There is nothing under this address: the id in it is not one.")
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    detail = f"{first['field']}: {first['message']}{more}" if first["field"] else first["message"] + more
    return answer(422, "invalid", detail, problems=faults)


def _of_pydantic(error: Any) -> FaultBody:
    where, *path = error["loc"]
    kind, message = error["type"], error["msg"]
    if kind == "json_invalid":
        return {"field": "", "message": f"The body is not JSON: {error['ctx']['error']}.", "code": "not_json"}
    if not path and where == "body":
        return {"field": "", "message": "Send a JSON object, with Content-Type: application/json.", "code": "not_json"}
    if kind == "extra_forbidden":
        what = "query key" if where == "query" else "field"
        message = f"There is no such {what} here"
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    code = {"missing": "missing", "extra_forbidden": "unknown_field"}.get(kind, "invalid")
    return {"field": field, "message": f"{message}.", "code": code}


def install(app: FastAPI) -> None:
    """Make an app answer every error as a problem."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, LabelwrightError)
        return of_error(error)

    async def form(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return of_validation(error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return answer(404, "not_found", f"There is nothing under {request.url.path}.")
        if error.status_code == 405:
            detail = f"{request.method} is not possible here."
            return answer(405, "method_not_allowed", detail, dict(error.headers or {}))
        code = CODES.get(error.status_code, "error")
        return answer(error.status_code, code, str(error.detail), dict(error.headers or {}))

    async def bug(request: Request, _error: Exception) -> Response:
        detail = "Something went wrong here; nothing was changed. Tell whoever runs this server the request id."
        return answer(500, "internal", detail, request_id=request.scope.get(REQUEST_ID, ""))

    app.add_exception_handler(LabelwrightError, ours)
    app.add_exception_handler(RequestValidationError, form)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, bug)
