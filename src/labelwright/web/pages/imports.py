"""Imports: datasets sent as a file or a folder, and what came of each."""

from __future__ import annotations

import tempfile
import zipfile
from typing import Any

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from labelwright.edge.call import run
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import Invalid
from labelwright.formats import FORMATS, archive
from labelwright.formats.detect import detect
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import User
from labelwright.models.projects import Project
from labelwright.services import datasets
from labelwright.web import listing
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

PAGE = 50
# A folder's files are spread over the form's parts; past this a zip archive is the way.
MOST_FILES = 5000


def index(view: View, uid: str) -> Response:
    """The project's imports, latest first, and the form for a new one."""
    project = project_of(view, uid, "manage")
    found = _rows(view, project)
    formats = [("", "What the files look like"), *((key, form.title) for key, form in FORMATS.items())]
    return project_page(view, "imports.html", project, "imports", rows=found, formats=FORMATS, choices=formats,
                        people=listing.by_id(view.session, User, {row.created_by for row in found}))  # fmt: skip


def rows(view: View, uid: str) -> Response:
    """The list alone, while one is under way."""
    project = project_of(view, uid, "manage")
    found = _rows(view, project)
    people = listing.by_id(view.session, User, {row.created_by for row in found})
    return view.part("_imports.html", project, rows=found, people=people, formats=FORMATS)


async def receive(request: Request) -> Response:
    """Take the files of the form. Who asks is looked at before anything is read."""
    context: Context = request.app.state.context
    uid = request.path_params["uid"]
    await run_in_threadpool(
        run, context, request, lambda call: project_of(View(call, FormData()), uid, "manage"), write=False
    )
    allow_body(request, datasets.MOST_BYTES)
    async with request.form(max_files=MOST_FILES + 2, max_fields=20) as form:
        return await run_in_threadpool(_receive, context, request, uid, form)


def _receive(context: Context, request: Request, uid: str, form: FormData) -> Response:
    with tempfile.TemporaryFile() as packed:
        file = _file(form, packed)
        said = (
            str(form.get("batch") or "").strip(),
            form.get("create_classes") == "true",
            form.get("accept") == "true",
        )
        options = datasets.Options(str(form.get("format") or "") or detect(file), *said)

        def start(call: Any) -> int:
            project = project_of(View(call, form), uid, "manage")
            return datasets.start(call.session, call.actor, project, options).id

        row_id = run(context, request, start, write=True)
        datasets.receive(context.database, context.store, row_id, file)

    def done(call: Any) -> Response:
        view = View(call, form)
        return view.done(url_of(project_of(view, uid), "/imports"), "The import is under way.")

    return run(context, request, done, write=False)


def _file(form: FormData, packed: Any) -> Any:
    """The one file that was sent, or the files of a folder packed into a zip, without the folder they were in."""
    files = [part for part in form.getlist("file") if isinstance(part, UploadFile) and part.filename]
    folder = [part for part in form.getlist("folder") if isinstance(part, UploadFile) and part.filename]
    if bool(files) == bool(folder) or len(files) > 1:
        raise Invalid("Choose one file, or a folder.", field="file")
    if files:
        return files[0].file
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        for part in folder:
            name = (part.filename or "").replace("\\", "/")
            info = zipfile.ZipInfo(name.partition("/")[2] or name, archive.WHEN)
            with out.open(info, "w", force_zip64=True) as target:
                while piece := part.file.read(1 << 20):
                    target.write(piece)
    packed.seek(0)
    return packed


def _rows(view: View, project: Project) -> list[BackgroundTask]:
    query = select(BackgroundTask).where(BackgroundTask.project_id == project.id, BackgroundTask.kind == datasets.KIND)
    return list(view.session.scalars(query.order_by(BackgroundTask.id.desc()).limit(PAGE)))
