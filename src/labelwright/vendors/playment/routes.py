"""Playment's addresses: every path spelling of every edition of its API, and the SDK's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from labelwright import __version__
from labelwright.edge.call import Call, run
from labelwright.edge.context import Context
from labelwright.errors import Duplicate, LabelwrightError, Unauthenticated
from labelwright.services import batches, identity
from labelwright.services.access import Actor
from labelwright.vendors.playment import reading, submissions, wire
from labelwright.vendors.playment.callbacks import attachments_at
from labelwright.vendors.playment.errors import (
    BATCH_NAME_TAKEN,
    PARAMETER_INVALID,
    PARAMETER_MISSING,
    SERVER_FAILED,
    PlaymentError,
    envelope,
    translate,
)
from labelwright.vendors.playment.filer import Create, Filer
from labelwright.vendors.playment.places import asked_of, project_of

log = structlog.get_logger("labelwright.playment")

# The first path of each row is the one our documentation shows; the others are what older pages and the SDK call.
ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "create_job": ("POST", (
        "/v1/projects/{project_id}/jobs", "/v0/projects/{project_id}/jobs", "/projectsvc/projects/{project_id}/jobs",
    )),
    "create_batch": ("POST", (
        "/v1/projects/{project_id}/batch", "/v1/project/{project_id}/batch", "/v0/projects/{project_id}/batch",
        "/v0/project/{project_id}/batch",
    )),
    "batch_jobs": ("GET", ("/v1/projects/{project_id}/batch/{batch_id}", "/v0/projects/{project_id}/batch/{batch_id}")),
    "project_details": ("GET", ("/v1/projects/{project_id}/details", "/v0/projects/{project_id}/details")),
    "project_stats": ("GET", ("/v0/projects/{project_id}/stats", "/v1/projects/{project_id}/stats")),
    "job_result": ("GET", ("/v1/projects/{project_id}/jobs/{job_id}", "/v0/projects/{project_id}/jobs/{job_id}")),
    "attachment": ("GET", ("/v1/attachments", "/v0/attachments")),
    "attachment_file": ("GET", ("/v1/attachments/{project_id}/{job_id}/{name}",)),
    "feedline": ("POST", ("/v0/project/{project_id}/feedline", "/v1/project/{project_id}/feedline")),
}  # fmt: skip
ROOTS = ("v0", "v1", "projectsvc")
SUMMARIES = {
    "create_job": "File a job, with or without labels drawn beforehand.",
    "create_batch": "Make a batch.",
    "batch_jobs": "Jobs of a batch, 100 a page.",
    "project_details": "A project and its batches.",
    "project_stats": "A project in numbers.",
    "job_result": "One job, and where its result is.",
    "attachment": "Redirects to the file behind a result or mask address.",
    "attachment_file": "The same, by the address itself.",
    "feedline": "File a job, as the oldest edition called it.",
}


def create_app(context: Context) -> FastAPI:
    """The Playment API, to be mounted at `/playment` and reached at its native paths."""
    app = FastAPI(
        title="Playment / GT Studio API", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False,
        openapi_url="/openapi.json",
    )  # fmt: skip
    app.state.context = context
    app.state.filer = Filer(context, actor_of_key)
    app.add_exception_handler(PlaymentError, _refused)
    app.add_exception_handler(LabelwrightError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _form)
    app.add_exception_handler(Exception, _bug)
    for path in ROWS["create_job"][1]:
        # Ahead of the described route below: the one address that must be quick is spared FastAPI's own work.
        app.add_route(path, _create_job, methods=["POST"], include_in_schema=False)
    for name, (method, paths) in ROWS.items():
        for number, path in enumerate(paths):
            app.add_api_route(
                path, HANDLERS[name], methods=[method], summary=SUMMARIES[name], operation_id=f"{name}_{number}",
                response_model=None, responses={400: {"description": "Why not, in the envelope."}},
            )  # fmt: skip
    return app


# --- answers ---------------------------------------------------------------------------------------------------------


def _success(data: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode({"data": data, "success": True}), media_type="application/json")


def _failure(error: PlaymentError) -> Response:
    return Response(msgspec.json.encode(envelope(error)), error.status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, LabelwrightError):
        error = translate(error)
    assert isinstance(error, PlaymentError)
    return _failure(error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if error.status_code == 404:
        message = f"There is nothing under {request.url.path}; see the list of addresses in the documentation."
    elif error.status_code == 405:
        message = f"{request.method} is not possible here."
    return _failure(PlaymentError(PARAMETER_INVALID, message))


async def _form(_request: Request, error: Exception) -> Response:
    return _failure(PlaymentError(PARAMETER_INVALID, f"A parameter is not valid: {error}"))


async def _bug(_request: Request, _error: Exception) -> Response:
    return _failure(PlaymentError(SERVER_FAILED, "Something went wrong here; nothing was changed. Try again.", 500))


# --- who calls -------------------------------------------------------------------------------------------------------


def actor_of_key(session: Session, key: str | None) -> Actor:
    """The actor of an API key. Raises `Unauthenticated`."""
    if not key:
        raise Unauthenticated("Send your API key in the header x-api-key.")
    return identity.by_key(session, key)


def key_of(request: Request) -> str | None:
    """The API key as sent; the oldest edition calls its header x-client-key."""
    return request.headers.get("x-api-key") or request.headers.get("x-client-key")


def _actor(_context: Context, session: Session, request: Request) -> Actor:
    return actor_of_key(session, key_of(request))


def _answered(request: Request, answer: Callable[[Call], dict[str, Any]]) -> Response:
    """`answer(call)` as a success, in the request's one transaction."""
    data: dict[str, Any] = run(request.app.state.context, request, answer, find_actor=_actor)
    return _success(data)


# --- handlers --------------------------------------------------------------------------------------------------------


async def create_job(request: Request, project_id: str) -> Response:
    """Read, hand over to the filer, answer after the commit."""
    return _success(await _filed(request, project_id))


async def _create_job(request: Request) -> Response:
    return await create_job(request, request.path_params["project_id"])


async def feedline(request: Request, project_id: str) -> Response:
    """As `create_job`; the oldest clients call the job a feed line unit."""
    data = await _filed(request, project_id)
    return _success(data | {"flu_id": data["job_id"]})


async def _filed(request: Request, project_id: str) -> dict[str, Any]:
    body = await request.body()
    key = key_of(request)
    if not key:
        raise Unauthenticated("Send your API key in the header x-api-key.")
    job = wire.new_job(wire.decode(body))
    base_url = request.app.state.context.base_url(request)
    return await request.app.state.filer.file(Create(asked_of(key, project_id, job, base_url), job, len(body)))


async def create_batch(request: Request, project_id: str) -> Response:
    """A batch with a name of its own."""
    body = await request.body()
    return await _in_thread(request, lambda call: _made_batch(call, project_id, body))


async def _in_thread(request: Request, answer: Callable[[Call], dict[str, Any]]) -> Response:
    return await run_in_threadpool(_answered, request, answer)


def _made_batch(call: Call, project_id: str, body: bytes) -> dict[str, Any]:
    project = project_of(call.session, call.actor, project_id, "manage")
    new = wire.new_batch(wire.decode(body))
    try:
        batch = batches.create(call.session, project, new.name, new.description, created_by=call.actor.user_id)
    except Duplicate:
        raise PlaymentError(
            BATCH_NAME_TAKEN, f"There is a batch {new.name!r} in this project already; batch names are unique."
        ) from None
    if new.label is not None:
        batch.extra = {"playment": {"label": new.label}}
        call.session.flush()
    return {"batch_id": str(batch.uid), "name": batch.name, "description": batch.description}


def batch_jobs(request: Request, project_id: str, batch_id: str) -> Response:
    """A page of a batch's jobs."""
    token = wire.read_page_token(request.query_params.get("page_token", ""))

    def answer(call: Call) -> dict[str, Any]:
        project = project_of(call.session, call.actor, project_id)
        batch = reading.batch(call.session, call.actor, project, batch_id)
        return reading.batch_page(call.session, project, batch, token, call.base_url)

    return _answered(request, answer)


def project_details(request: Request, project_id: str) -> Response:
    """The project and its batches."""
    return _answered(
        request, lambda call: reading.details(call.session, project_of(call.session, call.actor, project_id))
    )


def project_stats(request: Request, project_id: str) -> Response:
    """The project in numbers."""
    return _answered(
        request, lambda call: reading.stats(call.session, project_of(call.session, call.actor, project_id))
    )


def job_result(request: Request, project_id: str, job_id: str) -> Response:
    """One job; `result` is an address once the job is completed, else empty."""

    def answer(call: Call) -> dict[str, Any]:
        project = project_of(call.session, call.actor, project_id)
        return reading.job(call.session, project, job_id, attachments_at(call.base_url, project))

    return _answered(request, answer)


def attachment(request: Request) -> Response:
    """Redirect to the file behind `url=`, which is an address we gave out."""
    address = request.query_params.get("url", "")
    if not address:
        raise PlaymentError(PARAMETER_MISSING, "url is missing; send the address of a result or mask.")
    parts = submissions.parse(address)
    return _redirected(request, *parts)


def attachment_file(request: Request, project_id: str, job_id: str, name: str) -> Response:
    """Redirect to a file; the same as `attachment` for clients that fetch the address itself."""
    return _redirected(request, project_id, job_id, name)


def _redirected(request: Request, project_id: str, job_id: str, name: str) -> Response:
    context: Context = request.app.state.context

    def answer(call: Call) -> str:
        project = project_of(call.session, call.actor, project_id)
        task, item = reading.task(call.session, project, job_id)
        at = attachments_at(call.base_url, project)
        return call.base_url + submissions.signed(call.session, context.store, context.links, task, item, name, at)

    # The clients send their key along to wherever this points: never anywhere but to ourselves.
    target: str = run(context, request, answer, find_actor=_actor)
    return RedirectResponse(target, 302)


HANDLERS: dict[str, Callable[..., Any]] = {
    "create_job": create_job, "create_batch": create_batch, "batch_jobs": batch_jobs,
    "project_details": project_details, "project_stats": project_stats, "job_result": job_result,
    "attachment": attachment, "attachment_file": attachment_file, "feedline": feedline,
}  # fmt: skip
