"""Files: uploads, fetching again, frames of videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.bodies.items import FiledBody, ItemFilesBody, item
from labelwright.api.bodies.opened import main_file
from labelwright.api.imports import Target
from labelwright.api.routing import ERRORS, Routes, StrictRoute, respond
from labelwright.edge.call import Call, begin
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import Conflict, Invalid, Problem
from labelwright.models.items import Media
from labelwright.services import access, filing
from labelwright.services import media as services

routes = Routes(tags=["Items"])
streams = APIRouter(tags=["Items"], route_class=StrictRoute)
MOST_FILES = 200
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "minItems": 1, "maxItems": MOST_FILES,
                                 "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
                    },
                }
            }
        },
    }
}  # fmt: skip


class UploadBody(TypedDict):
    """A stored file; name its uid as `upload` in an item or a line of an import."""

    uid: str
    name: str
    mime: str
    size: int
    width: int | None
    height: int | None
    frame_count: int | None
    url: str


class UploadsBody(TypedDict):
    """Stored files, in the order they were sent."""

    results: list[UploadBody]


class FiledFilesBody(TypedDict):
    """Items made of files, in the order they were sent."""

    results: list[FiledBody]


class FrameTimesBody(TypedDict):
    """When each frame of a video is shown: seconds since the first."""

    times: list[float]


@streams.post(
    "/projects/{uid}/uploads", operation_id="upload_files", status_code=201, response_model=None, openapi_extra=FORM,
    responses={**ERRORS, 201: {"model": UploadsBody}},
)  # fmt: skip
async def upload_files(request: Request, uid: UUID) -> Response:
    """Store files (multipart, field `file`, several may be sent) to be named by items later.

    The same content is stored once. What a file is, is found out by looking into it."""

    def record(call: Call, files: list[tuple[str, Media]]) -> UploadsBody:
        links = call.context.links
        return {"results": [_upload(name, media, services.url_for(links, media)) for name, media in files]}

    return await _receive(request, uid, record)


@streams.post(
    "/projects/{uid}/items/upload", operation_id="upload_items", status_code=201, response_model=None,
    openapi_extra=FORM, responses={**ERRORS, 201: {"model": FiledFilesBody}},
)  # fmt: skip
async def upload_items(
    request: Request,
    uid: UUID,
    batch: Annotated[str | None, Query(max_length=200, description="Uid or name, made when new.")] = None,
    job: Annotated[UUID | None, Query(description="A job; default: one per batch and workflow.")] = None,
    workflow: Annotated[str | None, Query(max_length=200, description="Uid, tag or name.")] = None,
) -> Response:
    """Make an item of each file (multipart, field `file`), named as the file is. All or none."""

    def record(call: Call, files: list[tuple[str, Media]]) -> FiledFilesBody:
        where = Target(call, uid, batch, job, workflow)
        new = [
            filing.NewTask(name=name, kind=where.project.kind, media=[filing.NewMedia(media=media)])
            for name, media in files
        ]
        problems = [p for entry in new for p in filing.check(entry, where.project, where.ontology, where.job)]
        problems += _wrong_kind(where.project.kind, files)
        if problems:
            raise Invalid(problems=problems)
        place = where.batch(None)
        filed = where.file(place, where.job_of(place), new)
        return {"results": [{"item": str(f.item_uid), "task": str(f.task_uid), "reference_id": None} for f in filed]}

    return await _receive(request, uid, record)


@routes.post("/items/{uid}/retry-media")
def retry_media(call: Call, uid: UUID) -> ItemFilesBody:
    """Fetch again what failed of an item."""
    row = access.item(call.session, call.actor, uid, "manage")
    services.retry(call.session, call.actor, row)
    call.session.refresh(row)
    return item(call, row)


@routes.get("/items/{uid}/frame-times")
def get_frame_times(call: Call, uid: UUID) -> FrameTimesBody:
    """When each frame of a video file is shown."""
    return {"times": services.frame_index(call.context.store, _video(call, uid)).times}


class Jpeg(Response):
    """A picture."""

    media_type = "image/jpeg"


@routes.get("/items/{uid}/frames/{number}", response_class=Jpeg)
def get_frame(
    call: Call,
    uid: UUID,
    number: int,
    small: Annotated[bool, Query(description="At most 1280 x 1280 pixels.")] = False,
) -> Jpeg:
    """A frame of a video file as a picture, for browsers that cannot decode the file."""
    body = services.frame_jpeg(call.context.store, _video(call, uid), number, small)
    return Jpeg(body, headers={"cache-control": "private, max-age=86400, immutable"})


async def _receive(request: Request, uid: UUID, record: Callable[[Call, list[tuple[str, Media]]], Any]) -> Response:
    """Read the form's files, take them in, and record them in one transaction; nothing is read from strangers."""
    context: Context = request.app.state.context
    await anyio.to_thread.run_sync(_may_upload, context, request, uid)
    allow_body(request, 4 * context.settings.fetch_max_mb * 1_000_000)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid("Send the files as multipart/form-data.", field="file")
    async with request.form(max_files=MOST_FILES, max_fields=20) as form:
        parts = form.multi_items()
        unknown = [name for name, value in parts if name != "file" or not isinstance(value, UploadFile)]
        if unknown or not parts:
            raise Invalid("Send files, each in a field `file`.", field=unknown[0] if unknown else "file")
        files = [(_name(part), part.file) for _, part in parts if isinstance(part, UploadFile)]
        return await anyio.to_thread.run_sync(_store, context, request, uid, files, record)


def _may_upload(context: Context, request: Request, uid: UUID) -> None:
    with begin(context, request, write=False) as call:
        access.project(call.session, call.actor, uid, "manage")


def _store(
    context: Context, request: Request, uid: UUID, files: list[tuple[str, Any]], record: Callable[..., Any]
) -> Response:
    # Looking into the files takes long: before the transaction, which on SQLite would keep all others from writing.
    taken = []
    for number, (name, file) in enumerate(files):
        try:
            taken.append((name, services.ingest_upload(context.store, context.settings, file)))
        except Invalid as error:
            raise Invalid(problems=[Problem(f"{name}: {error.message}", f"file[{number}]")]) from error
    with begin(context, request, write=True) as call:
        team = access.project(call.session, call.actor, uid, "manage").team_id
        return respond(record(call, [(name, services.record(call.session, team, found)) for name, found in taken]), 201)


def _name(part: UploadFile) -> str:
    name = (part.filename or "").replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "").strip()
    return name[:500] or "upload"


def _upload(name: str, media: Media, url: str) -> UploadBody:
    return {
        "uid": str(media.uid),
        "name": name,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "frame_count": media.frames,
        "url": url,
    }


def _wrong_kind(kind: str, files: list[tuple[str, Media]]) -> list[Problem]:
    found = []
    for number, (name, media) in enumerate(files):
        if (media.frames is not None) != (kind == "video"):
            found.append(Problem(f"{name} is {media.mime}; this project holds {kind}s.", f"file[{number}]"))
    return found


def _video(call: Call, uid: UUID) -> Media:
    media = main_file(call, access.item(call.session, call.actor, uid))
    if media is None or media.frames is None:
        raise Conflict("This item is no video file, or the file is not here yet.", code="no_video")
    return media
