"""Supervisely's addresses: one for all methods, which a literal table names, and those of signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from labelwright.edge import forms
from labelwright.edge.call import Call, run
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import LabelwrightError
from labelwright.services.access import Actor
from labelwright.vendors.supervisely import (
    account,
    activity,
    annotations,
    collections,
    customdata,
    datasets,
    figurelist,
    figures,
    hooks,
    image_tags,
    images,
    issues,
    jobs,
    jobstats,
    jobwork,
    links,
    meta,
    meta_parts,
    people,
    places,
    projectstats,
    queues,
    restoring,
    videolabels,
    videos,
    videotags,
    wire,
)
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, actor_of, nobody
from labelwright.vendors.supervisely.wire import Refused

log = structlog.get_logger("labelwright.supervisely")
ROOTS = ("public/api", "api/account")
PATH = "/public/api/v3/"
# One line per file of methods.
METHODS: Methods = {
    **account.METHODS,
    **people.METHODS,
    **places.METHODS,
    **projectstats.METHODS,
    **datasets.METHODS,
    **meta.METHODS,
    **meta_parts.METHODS,
    **images.METHODS,
    **image_tags.METHODS,
    **annotations.METHODS,
    **figures.METHODS,
    **figurelist.METHODS,
    **jobs.METHODS,
    **jobwork.METHODS,
    **jobstats.METHODS,
    **queues.METHODS,
    **collections.METHODS,
    **activity.METHODS,
    **videos.METHODS,
    **videolabels.METHODS,
    **videotags.METHODS,
    **customdata.METHODS,
    **restoring.METHODS,
    **links.METHODS,
    **issues.METHODS,
    **hooks.METHODS,
}
MOST_FORM = 1 << 20
MOST_PART = 1 << 20


def create_app(context: Context) -> Starlette:
    """The API, to be mounted at `/supervisely`, at its native roots, and at the root of hosts named for it."""
    app = Starlette(
        routes=[
            Route("/", account.here),
            Route("/api/account", account.sign_in, methods=["POST"]),
            Route(PATH + "{method:path}", _endpoint, methods=["GET", "POST"]),
        ],
        exception_handlers={HTTPException: _http, Refused: _refused, LabelwrightError: _refused, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.state.context = context
    return app


async def _endpoint(request: Request) -> Response:
    context: Context = request.app.state.context
    form = None
    try:
        method = _method(request.path_params["method"])
        actor = None
        if method.form:
            # Nobody without a key gets files stored here.
            actor = await run_in_threadpool(_caller, context, request, method)
            allow_body(request, context.settings.fetch_max_mb * 1_000_000 + MOST_FORM)
            form = await forms.read(request, max_files=2000, max_fields=20_000, max_part_size=64 * MOST_PART)
            body: Any = form
        else:
            body = _decoded(request, await request.body())
        return await run_in_threadpool(_answered, context, request, method, body, actor)
    finally:
        if form is not None:
            await form.close()


def _method(name: str) -> Method:
    found = METHODS.get(name)
    if found is None:
        raise Refused(
            404, f"The method {wire.short(name)} is not served here; docs/vendors/supervisely.md lists what is.",
            "Unknown method",
        )  # fmt: skip
    return found


def _decoded(request: Request, raw: bytes) -> Any:
    """The body: JSON, or a form or a query as an object of texts."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _pairs(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if not raw.strip():
        return _pairs(list(request.query_params.multi_items()))
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"The body is not JSON: {error}") from None


def _pairs(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        present = found.get(name)
        found[name] = value if present is None else [*(present if isinstance(present, list) else [present]), value]
    return found


def _caller(context: Context, request: Request, method: Method) -> Actor:
    finder = nobody if method.public else actor_of
    return run(context, request, lambda call: call.actor, find_actor=finder, write=False)


def _answered(context: Context, request: Request, method: Method, body: Any, actor: Actor | None) -> Response:
    prepared = None
    if method.prepare is not None:
        prepared = method.prepare(context, actor or _caller(context, request, method), body)

    def handled(call: Call) -> Any:
        return method.handler(Ask(call, body, prepared))

    finder = nobody if method.public else actor_of
    result = run(context, request, handled, find_actor=finder, write=method.write)
    return result if isinstance(result, Response) else wire.answer(result)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if (
        error.status_code == 404
        and request.method == "GET"
        and request.url.path.rstrip("/") == request.scope.get("root_path", "")
    ):
        return account.here(request)  # the mounting place without its slash
    if error.status_code == 404:
        message = "There is nothing here; methods are under /public/api/v3/."
    elif error.status_code == 405:
        message = f"{request.method} is not possible here; use POST."
    return wire.failure(Refused(error.status_code, message, "Bad request"))


async def _refused(_request: Request, error: Exception) -> Response:
    return wire.failure(wire.refused(error))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    return wire.failure(wire.refused(error))
