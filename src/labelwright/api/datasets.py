"""Dataset formats: which there are, and taking a dataset into a project."""

from __future__ import annotations

import tempfile
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.background import BackgroundBody, background
from labelwright.api.routing import ERRORS, Routes, StrictRoute, respond
from labelwright.edge.call import Call, begin
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import Invalid
from labelwright.formats import FORMATS
from labelwright.formats.detect import detect
from labelwright.models.background import BackgroundTask
from labelwright.services import access, datasets

routes = Routes(tags=["Datasets"])
streams = APIRouter(tags=["Datasets"], route_class=StrictRoute)
IN_MEMORY = 1 << 20
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
        },
    }
}


class FormatBody(TypedDict):
    """A dataset format. `keeps`: kinds of shapes that come back as they were; `loses`: what it has no place for."""

    key: str
    title: str
    suffix: str
    mime: str
    keeps: list[str]
    loses: str
    videos: bool


class FormatsBody(TypedDict):
    """All formats."""

    results: list[FormatBody]


@routes.get("/formats")
def list_formats(call: Call) -> FormatsBody:
    """The dataset formats that are read and written."""
    return {
        "results": [
            {"key": key, "title": f.title, "suffix": f.suffix, "mime": f.mime, "keeps": list(f.keeps), "loses": f.loses,
             "videos": f.videos}
            for key, f in FORMATS.items()
        ]
    }  # fmt: skip


@streams.post(
    "/projects/{uid}/datasets", operation_id="import_dataset", status_code=202, response_model=None, openapi_extra=BODY,
    responses={**ERRORS, 202: {"model": BackgroundBody}},
)  # fmt: skip
async def import_dataset(
    request: Request,
    uid: UUID,
    format: Annotated[
        str | None, Query(max_length=50, description="A key of `/formats`; default: what it looks like.")
    ] = None,
    batch: Annotated[str, Query(max_length=200, description="Name, made when new; default: the default batch.")] = "",
    create_classes: Annotated[
        Literal["true", "false"], Query(description="Make classes and attributes that the project lacks.")
    ] = "false",
    accept: Annotated[
        Literal["true", "false"], Query(description="Take the items into the dataset at once.")
    ] = "false",
) -> Response:
    """Take in a dataset: its zip (or JSON, XML) file as the body. Follow the answer's uid under `/background-tasks`: its result says
    what was read and what had no place. Everything is taken in, or nothing."""
    context: Context = request.app.state.context
    said = (batch, create_classes == "true", accept == "true")
    if format is not None:
        datasets.check(datasets.Options(format, *said))
    await anyio.to_thread.run_sync(_may, context, request, uid)
    allow_body(request, datasets.MOST_BYTES)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        async for part in request.stream():
            if part:
                await anyio.to_thread.run_sync(file.write, part)
        return await anyio.to_thread.run_sync(_begin, context, request, uid, file, format, said)


def _may(context: Context, request: Request, uid: UUID) -> None:
    with begin(context, request, write=False) as call:
        access.project(call.session, call.actor, uid, "manage")


def _begin(
    context: Context, request: Request, uid: UUID, file: Any, format: str | None, said: tuple[str, bool, bool]
) -> Response:
    if not file.tell():
        raise Invalid("The file is empty.", field="file")
    file.seek(0)
    options = datasets.Options(format or detect(file), *said)
    with begin(context, request, write=True) as call:
        project = access.project(call.session, call.actor, uid, "manage")
        row_id = datasets.start(call.session, call.actor, project, options).id
    datasets.receive(context.database, context.store, row_id, file)
    with begin(context, request, write=False) as call:
        return respond(background(call.session, call.session.get_one(BackgroundTask, row_id)), 202)
