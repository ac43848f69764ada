"""Roboflow's addresses: one line each, the more special before the more general."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from labelwright.edge import forms
from labelwright.edge.call import Call, FindActor, run
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import LabelwrightError
from labelwright.vendors.roboflow import (
    annotate,
    batches,
    exports,
    folders,
    images,
    insights,
    jobs,
    login,
    projects,
    refusals,
    search,
    versions,
    wire,
    zips,
)
from labelwright.vendors.roboflow.asking import Ask, actor_of
from labelwright.vendors.roboflow.wire import Refused

log = structlog.get_logger("labelwright.roboflow")

Handler = Callable[[Ask], Any]
Prepare = Callable[[Context, Request, Any, bytes], Any]


@dataclass(frozen=True)
class Row:
    """An address. `json`: its body is a JSON object; `prepare`: work that is done before the transaction is opened."""

    method: str
    path: str
    handler: Handler
    json: bool = True
    prepare: Prepare | None = None
    write: bool | None = None
    find_actor: FindActor = actor_of


def _refusing(at: str, names: tuple[str, ...], handler: Handler) -> list[Row]:
    return [
        Row(method, f"{at}/{name}{rest}", handler)
        for name in names for rest in ("", "/{rest:path}") for method in ("GET", "POST", "PATCH", "DELETE")
    ]  # fmt: skip


P, G = "/{ws}/{proj}", "/{ws}/groups"
J, B = f"{P}/annotation-jobs", f"{P}/annotation-batches"
ROWS: tuple[Row, ...] = (
    Row("POST", "/", projects.check_key, json=False, write=False),
    Row("GET", "/", projects.check_key),
    Row("GET", "/auth-cli", login.page, find_actor=login.nobody),
    Row("GET", "/auth-cli/", login.page, find_actor=login.nobody),
    Row("GET", "/query/cliAuthToken/{token}", login.token, write=True, find_actor=login.nobody),
    *_refusing("", ("models", "v2", "videoinfer"), refusals.no_models),
    *_refusing("", ("vision-events", "batch-processing", "workspaces", "usage", "universe"), refusals.not_here),
    Row("POST", "/dataset/{proj}/upload", images.upload, json=False, prepare=images.read_upload),
    Row("POST", "/dataset/{proj}/annotate/{image}", annotate.annotate, json=False),
    Row("GET", "/{ws}/stats", insights.stats),
    Row("POST", "/{ws}/search/v1", search.of_workspace, write=False),
    Row("POST", "/{ws}/search/export", exports.start),
    Row("GET", "/{ws}/search/export/{export}", exports.status),
    Row("GET", G, folders.listed),
    Row("POST", G, folders.create),
    Row("POST", f"{G}/{{group}}", folders.change),
    Row("DELETE", f"{G}/{{group}}", folders.delete),
    Row("PATCH", f"{G}/{{group}}/projects", folders.add),
    Row("DELETE", f"{G}/{{group}}/projects", folders.take_out),
    Row("GET", "/{ws}/upload/zip/{task}", zips.status),
    Row("GET", "/{ws}/trash", projects.trashed),
    Row("POST", "/{ws}/trash/restore", projects.restore),
    Row("POST", "/{ws}/projects", projects.create),
    Row("DELETE", "/{ws}/images", images.delete_of_workspace),
    Row("POST", "/{ws}/images/metadata", images.many_metadata),
    Row("POST", "/{ws}/images/{image}/metadata", images.metadata),
    Row("GET", "/{ws}/asynctasks/{task}", images.task),
    *_refusing("/{ws}", ("autolabel", "models", "model-evals"), refusals.no_models),
    *_refusing("/{ws}", ("workflows", "createWorkflow", "updateWorkflow", "forkWorkflow", "devices", "api-keys",
                         "workflow-evals", "billing-usage-report"), refusals.not_here),
    *_refusing("/{ws}/projects", ("fork",), refusals.not_here),
    *_refusing("/{ws}/upload", ("video",), refusals.no_videos),
    Row("GET", f"{P}/batches", batches.listed),
    Row("GET", f"{P}/batches/{{batch}}", batches.one),
    Row("GET", f"{P}/jobs", jobs.listed),
    Row("POST", f"{P}/jobs", jobs.create),
    Row("GET", f"{P}/jobs/{{job}}", jobs.one),
    Row("GET", B, batches.admin_listed),
    Row("POST", B, batches.create),
    Row("POST", f"{B}/merge", batches.merge),
    Row("GET", f"{B}/{{batch}}", batches.one),
    Row("DELETE", f"{B}/{{batch}}", batches.delete),
    Row("GET", f"{B}/{{batch}}/images", batches.images),
    Row("GET", J, jobs.admin_listed),
    Row("POST", J, jobs.create),
    Row("POST", f"{J}/reassign-images", jobs.reassign),
    Row("GET", f"{J}/{{job}}", jobs.one),
    Row("PATCH", f"{J}/{{job}}", jobs.change),
    Row("GET", f"{J}/{{job}}/images", jobs.images),
    Row("POST", f"{J}/{{job}}/images", jobs.add_images),
    Row("POST", f"{J}/{{job}}/images/status", jobs.review_images),
    Row("POST", f"{J}/{{job}}/images/{{image}}/status", jobs.review_image),
    Row("POST", f"{J}/{{job}}/submit-review", jobs.submit),
    Row("POST", f"{J}/{{job}}/return-edits", jobs.return_edits),
    Row("POST", f"{J}/{{job}}/accept", jobs.accept),
    Row("POST", f"{J}/{{job}}/move-to-unassigned", jobs.move_to_unassigned),
    Row("DELETE", f"{J}/{{job}}/annotations", jobs.delete_annotations),
    Row("GET", f"{P}/health", projects.health),
    Row("GET", f"{P}/images/{{image}}", images.detail),
    Row("POST", f"{P}/images/{{image}}/tags", images.set_tags),
    Row("DELETE", f"{P}/images", images.delete_of_project),
    Row("POST", f"{P}/upload", images.upload, json=False, prepare=images.read_upload),
    Row("POST", f"{P}/annotate/{{image}}", annotate.annotate, json=False),
    *_refusing(P, ("autolabel", "models"), refusals.no_models),
    *_refusing(f"{P}/{{version:int}}", ("train", "training", "trainings", "v2", "uploadModel", "ptFile"), refusals.no_models),
    Row("POST", f"{P}/search", search.of_project, write=False),
    Row("POST", f"{P}/upload/zip", zips.start),
    Row("POST", f"{P}/generate", versions.generate),
    Row("GET", f"{P}/{{version:int}}", versions.detail),
    Row("DELETE", f"{P}/{{version:int}}", versions.delete),
    Row("GET", f"{P}/{{version:int}}/{{format}}", versions.export, write=True),
    Row("GET", P, projects.project),
    Row("DELETE", P, projects.trash),
    Row("GET", "/{ws}", projects.workspace),
)  # fmt: skip
MOST_FORM = 1 << 16
# Where the archive of a zip upload is sent to; its signature is the permission, no key is looked at.
RECEIVE = "/upload/zip/{task}"


def create_app(context: Context) -> Starlette:
    """The Roboflow API, to be mounted at `/roboflow` and at the root of hosts named for it."""
    app = Starlette(
        routes=[
            *(Route(row.path, _endpoint(row), methods=[row.method]) for row in ROWS),
            Route(RECEIVE, zips.receive, methods=["PUT"]),
        ],
        exception_handlers={HTTPException: _http, Refused: _refused, LabelwrightError: _refused, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.state.context = context
    return app


def _endpoint(row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        context: Context = request.app.state.context
        form, raw = None, b""
        try:
            if row.prepare is not None:
                allow_body(request, context.settings.fetch_max_mb * 1_000_000 + MOST_FORM)
                # Nobody without a key gets files stored here.
                await run_in_threadpool(_may_upload, context, request)
            if request.headers.get("content-type", "").startswith("multipart/form-data"):
                form = await forms.read(request)
            else:
                raw = await request.body()
            body = wire.object_of(raw) if row.json else {}
            return await run_in_threadpool(_answered, context, request, row, body, form, raw)
        finally:
            if form is not None:
                await form.close()

    return endpoint


def _may_upload(context: Context, request: Request) -> None:
    def project(call: Call) -> None:
        Ask(call, dict(request.path_params)).project("manage")

    run(context, request, project, find_actor=actor_of, write=False)


def _answered(context: Context, request: Request, row: Row, body: Any, form: Any, raw: bytes) -> Response:
    prepared = row.prepare(context, request, form, raw) if row.prepare is not None else None

    def answer(call: Call) -> Any:
        return row.handler(Ask(call, dict(request.path_params), body, raw, prepared))

    result = run(context, request, answer, find_actor=row.find_actor, write=row.write)
    return result if isinstance(result, Response) else wire.answer(result)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if error.status_code == 404:
        message = f"There is nothing under {request.url.path}; docs/vendors/roboflow.md lists the addresses."
    elif error.status_code == 405:
        message = f"{request.method} is not possible here."
    kind = "NotFoundError" if error.status_code == 404 else "RequestError"
    return wire.failure(Refused(error.status_code, message, kind))


async def _refused(_request: Request, error: Exception) -> Response:
    return wire.failure(wire.refused(error))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    return wire.failure(wire.refused(error))
