"""Exports: a project's labels as one file of a dataset format, made in the background and kept for a month."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import Database, now
from labelwright.errors import Conflict, Invalid, LabelwrightError, NotFound
from labelwright.formats import FORMATS
from labelwright.formats.sample import Format, Sample
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.models.work import TASK_STAGES
from labelwright.services import access, background, events, samples
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared
from labelwright.services.samples import Filters, Passed

KIND = "export"
# What a search of a workspace found, over several projects.
SEARCH = "search-export"
# A frozen version of a dataset in a format.
VERSION = "version-export"
KEPT = timedelta(days=30)


def format_named(name: str) -> Format:
    """A format by its key in `FORMATS`. Raises `Invalid`."""
    if name not in FORMATS:
        raise Invalid(f"There is no format {name!r}; choose of {', '.join(FORMATS)}.", field="format")
    return FORMATS[name]


def start(
    session: Session, actor: Actor, project: Project, format_name: str, filters: Filters | None = None
) -> BackgroundTask:
    """Queue an export; follow it by its row. `filters` name a batch and a job of this project."""
    access.require(actor, "view", project.team_id, "project")
    filters = filters or Filters()
    check(session, actor, project, format_name, filters)
    row = background.follow(
        session, KIND, {"format": format_name, "filters": msgspec.to_builtins(filters)},
        team_id=project.team_id, project_id=project.id, user_id=actor.user_id,
    )  # fmt: skip
    row.total = samples.count(session, project.id, filters)
    return row


def check(session: Session, actor: Actor, project: Project, format_name: str, filters: Filters) -> None:
    """Raise `Invalid` for an unknown format or stage, `NotFound` for another project's batch or job."""
    format_named(format_name)
    if filters.stage is not None and filters.stage not in TASK_STAGES:
        raise Invalid(f"{filters.stage!r} is no stage; choose of {', '.join(TASK_STAGES)}.", field="stage")
    if filters.batch is not None and access.batch(session, actor, filters.batch).project_id != project.id:
        raise NotFound("There is no such batch in this project.")
    if filters.job is not None and access.job(session, actor, filters.job).project_id != project.id:
        raise NotFound("There is no such job in this project.")


def write(
    database: Database, project_id: int, format_name: str, filters: Filters, file: IO[bytes], progress: Any = None
) -> dict[str, Any]:
    """Write an export to an open file, now. `progress(done)` is called every few hundred items.

    Returns `{"images", "objects", "left_out": {shape kind: count}, "without_size": {media state: count}}`."""
    wanted = format_named(format_name)
    passed = Passed()
    with database.read() as session:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFound("There is no such project.")
        classes = samples.classes_of(session, project)
        store = session.info.get("store") if filters.pictures or wanted.pictures else None
    ways = samples.Ways(wanted.videos, store, wanted.pictures)

    def reported() -> Iterator[Sample]:
        told = 0
        for sample in samples.stream(database, project_id, filters, passed, ways):
            if progress is not None and passed.done - told >= 100:
                told = passed.done
                progress(told)
            yield sample

    report = wanted.write(reported(), file, classes)
    return {"images": report.images, "objects": report.objects, "left_out": _plain(report.left_out),
            "without_size": _plain(passed.without_size)}  # fmt: skip


def _plain(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    row = progress.row
    wanted = format_named(row.arguments["format"])
    filters = msgspec.convert(row.arguments.get("filters", {}), Filters)
    # Named by the task: one taken up again by another process writes the same file anew.
    key = f"exports/{row.uid.hex}{wanted.suffix}"
    with tempfile.NamedTemporaryFile(prefix="labelwright-export-") as file:
        counts = write(shared.database, row.project_id or 0, row.arguments["format"], filters, file, progress.update)
        file.flush()
        size = Path(file.name).stat().st_size
        shared.store.put(key, Path(file.name), mime=wanted.mime)
    result = {"key": key, "mime": wanted.mime, "size": size, **counts}
    with shared.database.write() as session:
        _tell(session, row, "export.finished", {k: result[k] for k in ("images", "objects", "size")})
    return result


def _told(shared: Shared, progress: Progress) -> dict[str, Any]:
    try:
        return _run(shared, progress)
    except LabelwrightError as error:
        with shared.database.write() as session:
            _tell(session, progress.row, "export.failed", {"error": error.message})
        raise


def _tell(session: Session, row: BackgroundTask, kind: str, data: dict[str, Any]) -> None:
    if row.project_id is not None and session.get(Project, row.project_id) is not None:
        data = {"task": str(row.uid), "format": row.arguments["format"], **data}
        events.emit(session, kind, team_id=row.team_id, project_id=row.project_id, actor=row.created_by, data=data)


run = background.followed(_told)


@dataclass(frozen=True)
class File:
    """A finished export's file: its key in the store, and the name to save it under."""

    key: str
    name: str
    mime: str
    size: int


def file_of(session: Session, actor: Actor, ref: access.Ref) -> File:
    """The file of an export that the actor may see. Raises `NotFound`, or `Conflict` while it is not there."""
    uid = access.as_uid(ref)
    which = BackgroundTask.uid == uid if uid is not None else BackgroundTask.id == ref
    row = session.scalar(select(BackgroundTask).where(which, BackgroundTask.kind.in_((KIND, VERSION))))
    if row is None or row.project_id is None:
        raise NotFound("There is no such export.")
    project = access.project(session, actor, row.project_id)
    version = _version(session, row)
    if row.state != "done" or not row.result:
        raise Conflict(f"This export is {row.state}." if row.state != "failed" else f"This export failed: {row.error}")
    if "key" not in row.result:
        raise NotFound("This export's file was thrown away; make a new one.")
    wanted = format_named(row.arguments["format"])
    kept = f"v{version}-" if version else ""
    name = f"{project.slug}-{kept}{row.arguments['format']}-{row.created_at:%Y%m%d-%H%M}{wanted.suffix}"
    return File(row.result["key"], name, row.result.get("mime", wanted.mime), row.result["size"])


def _version(session: Session, row: BackgroundTask) -> int:
    """The number of the version that an export is of, 0 when of none. Raises `NotFound` for one in the trash."""
    if row.kind != VERSION:
        return 0
    version = session.get(DatasetVersion, row.arguments["version"])
    if version is None or version.deleted_at is not None:
        raise NotFound("There is no such export.")
    return version.number


def forget(shared: Shared) -> int:
    """Throw away files of exports that are older than a month; how many. Their rows stay."""
    with shared.database.read() as session:
        old = select(BackgroundTask).where(
            BackgroundTask.kind.in_((KIND, SEARCH)), BackgroundTask.finished_at < now() - KEPT
        )
        rows = [row for row in session.scalars(old) if row.result and "key" in row.result]
    for row in rows:
        shared.store.delete(row.result["key"])  # type: ignore[index]
        with shared.database.write() as session:
            found = session.get(BackgroundTask, row.id)
            if found is not None and found.result:
                found.result = {k: v for k, v in found.result.items() if k != "key"}
    return len(rows)
