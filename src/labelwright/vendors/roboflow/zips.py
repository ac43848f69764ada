"""Zip uploads: say what is to be done, send the archive to a signed address, follow how far it is."""

from __future__ import annotations

import io
import posixpath
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labelwright.edge.call import Call, run
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import Duplicate, Invalid, LabelwrightError, NotFound, TooLarge
from labelwright.formats import archive
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.services import access, background, events, media, uploads
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared
from labelwright.vendors.roboflow import annotate, bundle, images, login, wire
from labelwright.vendors.roboflow.asking import Ask, actor_of_task
from labelwright.vendors.roboflow.bundle import Entry
from labelwright.vendors.roboflow.images import SPLITS, Upload
from labelwright.vendors.roboflow.wire import Refused

KIND = "zip-upload"
LASTS = 3600
MOST_PICTURES = 100_000
CHUNK = 16
NAMED = 100
STATES = {"queued": "pending", "running": "running", "done": "completed", "failed": "failed"}


def start(ask: Ask) -> dict[str, Any]:
    """Where to send the archive to, and the task to follow."""
    project, body = ask.project("manage"), ask.body
    split = wire.text(body, "split")
    if split and split.lower() not in SPLITS:
        raise Refused(400, f"{split!r} is not a split; choose train, valid or test.")
    arguments = {
        "split": SPLITS.get(split.lower(), ""), "tags": wire.texts(body, "tags", needed=False),
        "batch": wire.text(body, "batchName", most=200), "overwrite": bool(wire.flag(body.get("annotationOverwrite"))),
    }  # fmt: skip
    row = uploads.expect(ask.session, ask.actor, project, KIND, arguments)
    task = wire.short(row.uid)
    root = str(ask.request.scope.get("root_path", ""))
    query = urlencode(ask.context.links.sign_upload(task, LASTS))
    return {"taskId": task, "signedUrl": f"{ask.call.base_url}{root}/upload/zip/{task}?{query}"}


def status(ask: Ask) -> dict[str, Any]:
    """How far an upload is, and at the end what came of it."""
    home, uid = ask.workspace(), access.as_uid(ask.params["task"])
    query = select(BackgroundTask).where(BackgroundTask.uid == uid, BackgroundTask.kind == KIND)
    row = ask.session.scalar(query) if uid is not None else None
    visible = access.visible_projects(ask.actor).where(Project.workspace_id == home.id)
    if row is None or ask.session.scalar(visible.where(Project.id == row.project_id)) is None:
        raise Refused(404, "There is no such upload.", "NotFoundError")
    return {
        "taskId": wire.short(row.uid), "status": "created" if uploads.awaited(row) else STATES[row.state],
        "progress": {"current": row.done, "total": row.total}, "result": row.result, "error": row.error or None,
    }  # fmt: skip


# --- the archive comes ------------------------------------------------------------------------------------------------


async def receive(request: Request) -> Response:
    """Take in the archive at a signed address; the address is the permission. Memory does not grow with the archive."""
    context: Context = request.app.state.context
    most = context.settings.archive_max_mb
    task = request.path_params["task"]
    context.links.verify_upload(
        task, request.query_params.get("expires", ""), request.query_params.get("signature", "")
    )
    row = await run_in_threadpool(_awaited, context, request, task)
    allow_body(request, most * 1_000_000)
    with tempfile.TemporaryFile(prefix="labelwright-zip-") as file:
        async for chunk in request.stream():
            if chunk:
                await run_in_threadpool(file.write, chunk)
        await run_in_threadpool(_store, context, request, row, file)
    return wire.answer({"success": True})


def _awaited(context: Context, request: Request, task: str) -> BackgroundTask:
    def find(call: Call) -> BackgroundTask:
        row = call.session.scalar(select(BackgroundTask).where(BackgroundTask.uid == access.as_uid(task)))
        if row is None or row.kind != KIND:
            raise NotFound("There is no such upload.")
        if not uploads.awaited(row):
            raise Refused(409, "This upload has come already.", "ConflictError")
        return row

    return run(context, request, find, find_actor=login.nobody, write=False)


def _store(context: Context, request: Request, row: BackgroundTask, file: Any) -> None:
    if not file.tell():
        raise Refused(400, "The body is empty; send the zip file.")
    file.seek(0)
    key = uploads.new_key(row)
    context.store.put(key, file, mime="application/zip")

    def begin(call: Call) -> None:
        uploads.arrived(call.session, call.session.get_one(BackgroundTask, row.id), key)

    try:
        run(context, request, begin, find_actor=login.nobody, write=True)
    except BaseException:
        context.store.delete(key)
        raise


# --- it is taken apart ------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of the pictures so far. `failed`: the first so many, with what is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, str]] = field(default_factory=list)

    def fail(self, path: str, message: str) -> None:
        """Note a file that could not be used."""
        self.counts["failed"] += 1
        if len(self.failed) < NAMED:
            self.failed.append({"file": path, "error": message})

    def result(self) -> dict[str, Any]:
        """As the task's result."""
        names = ("images", "uploaded", "duplicates", "annotated", "kept", "failed")
        return {**{name: self.counts[name] for name in names}, "failedItems": self.failed}


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    """Take the archive's pictures into the project. Run again in part it does no harm: what is there stays."""
    with shared.store.open(progress.arguments["key"]) as file:
        return _taken_in(shared, progress, archive.Tree(file))


run_zip = background.followed(_run)


def _taken_in(shared: Shared, progress: Progress, tree: archive.Tree) -> dict[str, Any]:
    total = sum(1 for _ in archive.pictures(tree))
    if not total:
        raise Invalid("The archive holds no pictures.", field="file")
    if total > MOST_PICTURES:
        raise TooLarge(f"The archive holds {total} pictures; send at most {MOST_PICTURES} at once.")
    with shared.database.read() as session:
        project = session.get(Project, progress.row.project_id)
        if project is None or project.archived_at is not None:
            raise NotFound("The project is not there any more.")
        whole = annotate.is_whole(session, project)
    outcome = Outcome()
    found = bundle.entries(tree, whole=whole)
    while chunk := list(islice(found, CHUNK)):
        _chunk(shared, progress, tree, chunk, outcome)
        progress.update(outcome.counts["images"], total)
    return outcome.result()


def _chunk(shared: Shared, progress: Progress, tree: archive.Tree, chunk: list[Entry], outcome: Outcome) -> None:
    ready = list(_ingested(shared, progress, tree, chunk, outcome))
    with shared.database.write() as session:
        actor = actor_of_task(session, progress.row)
        events.by(session, actor)
        project = session.get_one(Project, progress.row.project_id)
        access.require(actor, "manage", project.team_id, "project")
        for entry, upload in ready:
            _file(session, actor, project, entry, upload, progress.arguments, outcome)


def _ingested(
    shared: Shared, progress: Progress, tree: archive.Tree, chunk: list[Entry], outcome: Outcome
) -> Iterator[tuple[Entry, Upload]]:
    said = progress.arguments
    for entry in chunk:
        outcome.counts["images"] += 1
        try:
            taken = media.ingest_upload(shared.store, shared.settings, io.BytesIO(tree.read(entry.path)))
        except LabelwrightError as error:
            outcome.fail(entry.path, error.message)
            continue
        name = posixpath.basename(entry.path)[-500:]
        split = said["split"] or entry.split or "train"
        yield entry, Upload(taken, name, split, said["batch"] or images.BATCH, tags=list(said["tags"]))


def _file(
    session: Session,
    actor: Actor,
    project: Project,
    entry: Entry,
    upload: Upload,
    said: dict[str, Any],
    outcome: Outcome,
) -> None:
    """One picture into its batch, with its labels when it has some. A fault in the labels leaves the picture in."""
    try:
        with session.begin_nested():
            item, made = images.file(session, actor, project, upload)
        outcome.counts["uploaded" if made else "duplicates"] += 1
        if entry.text is None:
            return
        with session.begin_nested():
            annotate.put(session, actor, project, item, entry.text, entry.file, entry.labelmap,
                         overwrite=bool(said["overwrite"]))  # fmt: skip
        outcome.counts["annotated"] += 1
    except Duplicate:
        outcome.counts["kept"] += 1
    except (LabelwrightError, Refused) as error:
        outcome.fail(entry.path, error.message)
