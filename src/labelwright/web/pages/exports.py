"""Exports: starting one, following it, fetching its file; and background tasks in the top bar."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from labelwright.db import now
from labelwright.formats import FORMATS
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import User
from labelwright.models.projects import Project
from labelwright.services import access, exports
from labelwright.services.samples import Filters
from labelwright.web import listing
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

SHOWN = 8
PAGE = 50
STAGES = (
    ("", "Everything as it is now"),
    ("end", "Only what went through all steps"),
    ("review", "Only what waits for review"),
)


def index(view: View, uid: str) -> Response:
    """The project's exports, latest first, and the form for a new one."""
    project = project_of(view, uid)
    rows = _rows(view, project)
    return project_page(
        view,
        "exports.html",
        project,
        "exports",
        rows=rows,
        people=listing.by_id(view.session, User, {row.created_by for row in rows}),
        formats=FORMATS,
        stages=STAGES,
        batches=listing.batch_names(view.session, project),
        kept=exports.KEPT.days,
    )


def rows(view: View, uid: str) -> Response:
    """The list alone, while one is under way."""
    project = project_of(view, uid)
    found = _rows(view, project)
    people = listing.by_id(view.session, User, {row.created_by for row in found})
    return view.part("_exports.html", project, rows=found, people=people, formats=FORMATS)


def start(view: View, uid: str) -> Response:
    """Queue an export."""
    project = project_of(view, uid)
    batch = access.batch(view.session, view.actor, view.text("batch")).id if view.text("batch") else None
    filters = Filters(batch=batch, stage=view.text("stage") or None, pictures=view.flag("pictures"))
    exports.start(view.session, view.actor, project, view.text("format"), filters)
    return view.done(url_of(project, "/exports"), "The export is under way.")


def download(view: View, uid: str) -> Response:
    """A finished export's file."""
    file = exports.file_of(view.session, view.actor, uid)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "content-length": str(file.size),
    }
    return StreamingResponse(view.context.store.stream(file.key), headers=headers, media_type=file.mime)


def background(view: View) -> Response:
    """Background tasks under way, and those that ended within the hour."""
    seen = access.visible_projects(view.actor).with_only_columns(Project.id)
    recent = BackgroundTask.state.in_(("queued", "running")) | (BackgroundTask.finished_at > now() - timedelta(hours=1))
    query = (
        select(BackgroundTask, Project)
        .join(Project, Project.id == BackgroundTask.project_id)
        .where(BackgroundTask.project_id.in_(seen), recent)
        .order_by(BackgroundTask.id.desc())
        .limit(SHOWN)
    )
    found = [(task, project) for task, project in view.session.execute(query)]
    return view.part(
        "_background.html", rows=found, active=sum(task.state in ("queued", "running") for task, _ in found)
    )


def _rows(view: View, project: Project) -> list[BackgroundTask]:
    query = select(BackgroundTask).where(BackgroundTask.project_id == project.id, BackgroundTask.kind == exports.KIND)
    return list(view.session.scalars(query.order_by(BackgroundTask.id.desc()).limit(PAGE)))
