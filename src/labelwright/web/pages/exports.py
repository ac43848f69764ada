"""Exports, and background tasks in the top bar."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from starlette.responses import Response

from labelwright.db import now
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.services import access
from labelwright.web.view import View

SHOWN = 8


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
    rows = [(task, project) for task, project in view.session.execute(query)]
    return view.part("_background.html", rows=rows, active=sum(task.state in ("queued", "running") for task, _ in rows))
