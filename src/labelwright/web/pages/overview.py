"""A project at a glance; each figure leads to its list."""

from __future__ import annotations

from starlette.responses import Response

from labelwright.services import stats
from labelwright.web import charts, progress
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

DAYS = 30
MOST_CLASSES = 12


def index(view: View, uid: str) -> Response:
    """Where work stands, how fast and how well it goes, what is labeled, who is at it."""
    project = project_of(view, uid)
    found = stats.overview(view.session, view.actor, project, days=DAYS)
    days = [
        charts.Column(d.day, (("accepted", "accepted", d.accepted), ("returned", "returned", d.rejected)), d.submitted)
        for d in found.days
    ]
    classes = sorted(found.classes, key=lambda row: -row[1])
    return project_page(
        view,
        "overview.html",
        project,
        "overview",
        found=found,
        bar=progress.parts(found.tasks, url_of(project, "/tasks")),
        total=sum(found.tasks.values()),
        chart=charts.columns(days, "submitted"),
        busy=[d for d in found.days if d.submitted or d.accepted or d.rejected][::-1],
        completed=sum(d.completed for d in found.days),
        classes=classes[:MOST_CLASSES],
        more_classes=len(classes) - MOST_CLASSES,
        most=max([count for _, count, _ in classes], default=0),
        people=stats.people(view.session, view.actor, project, days=DAYS)[:20]
        if view.actor.may("manage", project.team_id)
        else [],
        days=DAYS,
    )
