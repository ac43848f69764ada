"""Errors as people see them: a page, or a few lines inside the form that was sent."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

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
from labelwright.web.render import render
from labelwright.web.view import go, html, is_part

STATUS: list[tuple[type[LabelwrightError], int, str]] = [
    (NotFound, 404, "Nothing here"),
    (Forbidden, 403, "Not allowed"),
    (Invalid, 422, "Please check what you entered"),
    (Conflict, 409, "This cannot be done right now"),
    (TooLarge, 413, "Too large"),
    (TooMany, 429, "Please wait"),
    (Unauthenticated, 401, "Sign in"),
    (LabelwrightError, 400, "Something is wrong"),
]


async def known(request: Request, error: Exception) -> Response:
    """One of our own errors."""
    assert isinstance(error, LabelwrightError)
    if isinstance(error, Unauthenticated) and request.url.path != "/login":
        return to_login(request)
    status, title = next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    problems = error.problems if isinstance(error, Invalid) else []
    return _answer(request, status, title, error.message, problems)


async def http(request: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, 404, "Nothing here", "This address leads nowhere. It may have been deleted or renamed.")
    return _answer(request, error.status_code, "This did not work", str(error.detail))


async def bug(request: Request, _error: Exception) -> Response:
    """A fault of ours."""
    words = "Something went wrong on the server; nothing was changed. Try again, and tell whoever runs this server if it stays."
    return _answer(request, 500, "An error of ours", words)


def to_login(request: Request) -> Response:
    """To the sign-in page, and back afterwards when it was a page that was asked for."""
    if request.method == "GET" and not is_part(request) and request.url.path != "/":
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return go(request, f"/login?next={quote(target)}")
    return go(request, "/login")


def _answer(request: Request, status: int, title: str, words: str, problems: list[Problem] | None = None) -> Response:
    if is_part(request):
        body = render("_fault.html", words=words, problems=problems or [])
        return HTMLResponse(body, status)
    actor = getattr(request.state, "actor", None)  # of whom the failed call was, when that was found out
    return html(request, "error.html", actor, status=status, title=title, words=words, problems=problems or [])
