"""Exports, and long work that people follow."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import anyio
import anyio.to_thread
import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse
from typing_extensions import TypedDict

from labelwright.api.bodies.identity import PersonBody, person_or_none
from labelwright.api.events import EventStream
from labelwright.api.forms import Form, Short
from labelwright.api.paging import PageBody, PageQuery, by_id
from labelwright.api.routing import ERRORS, Routes, StrictRoute
from labelwright.edge.call import Call, begin
from labelwright.edge.context import Context
from labelwright.errors import LabelwrightError
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.services import access, exports
from labelwright.services.samples import Filters

routes = Routes()
streams = APIRouter(tags=["Background tasks"], route_class=StrictRoute)
ENDED = frozenset({"done", "failed"})
LONGEST = 3600.0
KIND = Literal["export", "version-export", "import", "dataset-import"]


class Download(StreamingResponse):
    """A file."""

    media_type = "application/octet-stream"


class NewExport(Form):
    """What to export. `stage` `end`: only items that went through their workflow; `labeled`: only those with objects;
    `pictures`: the original pictures go in, where the format has a place for them."""

    format: Short = "coco"
    batch: UUID | None = Field(None, strict=False)
    job: UUID | None = Field(None, strict=False)
    stage: Literal["label", "review", "end"] | None = None
    labeled: bool = False
    pictures: bool = False


class BackgroundFilter(PageQuery):
    """Which background tasks."""

    project: UUID | None = None
    kind: KIND | None = None
    state: Literal["queued", "running", "done", "failed"] | None = None


class BackgroundBody(TypedDict):
    """Long work: how far it is, and what came out. `file`: where to get an export that is done."""

    uid: str
    kind: str
    project: str | None
    state: str
    done: int
    total: int
    arguments: dict[str, Any]
    result: dict[str, Any] | None
    file: str | None
    error: str
    created_by: PersonBody | None
    created_at: datetime
    finished_at: datetime | None


@routes.post("/projects/{uid}/exports", status_code=202, tags=["Exports"])
def create_export(call: Call, uid: UUID, body: NewExport) -> BackgroundBody:
    """Make a dataset file in the background. Follow the answer's uid under `/background-tasks`."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, uid)
    filters = Filters(
        batch=access.batch(session, actor, body.batch).id if body.batch is not None else None,
        job=access.job(session, actor, body.job).id if body.job is not None else None,
        stage=body.stage,
        labeled=body.labeled,
        pictures=body.pictures,
    )
    return background(session, exports.start(session, actor, project, body.format, filters))


@routes.get("/exports/{uid}/file", tags=["Exports"], response_class=Download)
def get_export_file(call: Call, uid: UUID) -> Download:
    """Download a finished export; 409 while it is not."""
    found = exports.file_of(call.session, call.actor, uid)
    headers = {
        "content-disposition": f"attachment; filename*=utf-8''{quote(found.name)}",
        "content-length": str(found.size),
    }
    return Download(call.context.store.stream(found.key), 200, headers, found.mime)


@routes.get("/background-tasks", tags=["Background tasks"])
def list_background_tasks(call: Call, page: Annotated[BackgroundFilter, Query()]) -> PageBody[BackgroundBody]:
    """Exports and imports of projects you may see, newest first."""
    session, actor = call.session, call.actor
    query = select(BackgroundTask)
    if page.project is not None:
        query = query.where(BackgroundTask.project_id == access.project(session, actor, page.project).id)
    else:
        seen = access.visible_projects(actor).with_only_columns(Project.id)
        query = query.where(BackgroundTask.project_id.in_(seen))
    if page.kind is not None:
        query = query.where(BackgroundTask.kind == page.kind)
    if page.state is not None:
        query = query.where(BackgroundTask.state == page.state)
    return by_id(session, query, BackgroundTask.id, page, lambda row: background(session, row), newest_first=True)


@routes.get("/background-tasks/{uid}", tags=["Background tasks"])
def get_background_task(call: Call, uid: UUID) -> BackgroundBody:
    """How far it is."""
    return background(call.session, access.background_task(call.session, call.actor, uid))


@streams.get(
    "/background-tasks/{uid}/stream",
    operation_id="stream_background_task",
    responses=ERRORS,
    response_model=None,
    response_class=EventStream,
)
async def stream_background_task(request: Request, uid: UUID) -> EventStream:
    """Its progress as server-sent events `progress`, until it has ended."""
    context: Context = request.app.state.context
    first = await anyio.to_thread.run_sync(_read, context, request, uid)
    request.scope["labelwright.streams"] = True
    return EventStream(_follow(context, request, uid, first), headers={"x-accel-buffering": "no"})


def background(session: Session, row: BackgroundTask) -> BackgroundBody:
    """A background task."""
    project = session.get(Project, row.project_id) if row.project_id is not None else None
    result = {k: v for k, v in (row.result or {}).items() if k != "key"} if row.result is not None else None
    filed = row.kind in (exports.KIND, exports.VERSION) and row.state == "done" and "key" in (row.result or {})
    return {
        "uid": str(row.uid),
        "kind": row.kind,
        "project": str(project.uid) if project else None,
        "state": row.state,
        "done": row.done,
        "total": row.total,
        # Filters name rows by number, which says nothing to the outside.
        "arguments": {k: v for k, v in row.arguments.items() if k not in ("filters", "key", "awaits", "version")},
        "result": result,
        "file": f"/api/v1/exports/{row.uid}/file" if filed else None,
        "error": row.error,
        "created_by": person_or_none(session, row.created_by),
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _read(context: Context, request: Request, uid: UUID) -> BackgroundBody:
    with begin(context, request) as call:
        return background(call.session, access.background_task(call.session, call.actor, uid))


async def _follow(context: Context, request: Request, uid: UUID, body: BackgroundBody) -> AsyncIterator[bytes]:
    started, last = time.monotonic(), b""
    while time.monotonic() - started < LONGEST:
        line = msgspec.json.encode(body)
        yield b": still here\n\n" if line == last else b"event: progress\ndata: " + line + b"\n\n"
        last = line
        if body["state"] in ENDED:
            return
        await anyio.sleep(1)
        try:
            body = await anyio.to_thread.run_sync(_read, context, request, uid)
        except LabelwrightError:
            return
