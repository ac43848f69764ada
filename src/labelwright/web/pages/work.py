"""My work: one large button, what came back, and where there is something to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.db import now
from labelwright.errors import NotFound
from labelwright.models.events import Event
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Comment, Job, Task
from labelwright.services import access, queue, stats
from labelwright.web.pictures import thumbs
from labelwright.web.view import View

# Where `stats.my_work` stops counting: nobody needs to know how many more there are.
ENOUGH = 1000
MOST_RETURNED = 20
DONE_KINDS = {"task.submitted": "submitted", "task.accepted": "accepted", "task.rejected": "returned"}


def index(view: View) -> Response:
    """What the actor can do now, and did."""
    session, actor = view.session, view.actor
    held = _mine(view, Task.holder_id == actor.user_id, Task.state.in_(("held", "open")))
    returned = _mine(
        view, Task.assignee_id == actor.user_id, Task.state == "open", Task.stage == "label", Task.returned > 0
    )
    held_ids = {task.id for task, _, _ in held}
    returned = [row for row in returned if row[0].id not in held_ids]
    pictures = thumbs(view, [item.id for _, item, _ in (*held, *returned)])
    return view.page(
        "work.html",
        section="work",
        held=held,
        returned=returned,
        said=_said(view, [task.id for task, _, _ in returned]),
        thumbs=pictures,
        todo=stats.my_work(session, actor),
        counts=_counts(view),
        reviews=bool(actor.teams("review")),
        enough=ENOUGH,
    )


def next_task(view: View) -> Response:
    """Take the next task and open it; `project` and `stage` of the address narrow it down."""
    ref, stage = view.query.get("project"), view.query.get("stage") or None
    project = access.project(view.session, view.actor, ref, "label") if ref else None
    task = queue.next_task(view.session, view.actor, project, stage, minutes=view.context.settings.lease_minutes)
    if task is None:
        return view.done("/work", "There is nothing to do right now; new work appears here.")
    return view.done(f"/work/{task.uid}")


def editor(view: View, uid: str) -> Response:
    """The editor on one task. It takes the task itself, through the API."""
    task = access.task(view.session, view.actor, uid)
    project, item = view.session.get_one(Project, task.project_id), view.session.get_one(Item, task.item_id)
    if not view.actor.may("label", project.team_id):
        raise NotFound("There is no such task for you.")
    job = view.session.get_one(Job, task.job_id)
    return view.page("editor.html", project=project, task=task, item=item, job=job)


def _mine(view: View, *which: Any) -> list[tuple[Task, Item, Project]]:
    query = (
        select(Task, Item, Project)
        .join(Item, Item.id == Task.item_id)
        .join(Project, Project.id == Task.project_id)
        .join(Job, Job.id == Task.job_id)
        .where(*which, Task.project_id.in_(access.visible_projects(view.actor, "label").with_only_columns(Project.id)))
        .where(Job.status == "active", Project.archived_at.is_(None))
        .order_by(Task.priority.desc(), Task.id)
        .limit(MOST_RETURNED)
    )
    return [(task, item, project) for task, item, project in view.session.execute(query)]


def _said(view: View, ids: list[int]) -> dict[int, Comment]:
    """The latest reason or comment on each of these tasks."""
    if not ids:
        return {}
    latest = (
        select(func.max(Comment.id)).where(Comment.task_id.in_(ids), Comment.reason != "").group_by(Comment.task_id)
    )
    return {c.task_id: c for c in view.session.scalars(select(Comment).where(Comment.id.in_(latest))) if c.task_id}


def _counts(view: View) -> dict[str, tuple[int, int]]:
    """Per kind of doing: today and in seven days."""
    moment = now()
    rows = view.session.execute(
        select(Event.kind, Event.at).where(
            Event.team_id.in_(view.actor.teams()),
            Event.actor_id == view.actor.user_id,
            Event.kind.in_(DONE_KINDS),
            Event.at >= moment - timedelta(days=7),
        )
    ).all()
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        name: (sum(1 for k, at in rows if k == kind and at >= midnight), sum(1 for k, _ in rows if k == kind))
        for kind, name in DONE_KINDS.items()
    }
