"""The list of tasks, and what managers do with many; the review grid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from labelwright.errors import Invalid
from labelwright.models.work import Job
from labelwright.services import access, identity, lists, review, tasks
from labelwright.services.projects import settings_of
from labelwright.web import listing, words
from labelwright.web.pages.common import project_of, project_page, rights, url_of
from labelwright.web.view import View

PAGE = 60
REVIEW_PAGE = 24
KEYS = ("state", "job", "batch", "class", "author", "holder", "reviewer", "returned", "q")


def index(view: View, uid: str) -> Response:
    """A page of tasks, newest first; `after` asks for the rows that follow."""
    project = project_of(view, uid)
    only, filters = listing.asked_for(view, project)
    page = listing.tasks_page(view, project, only, PAGE)
    context: dict[str, Any] = {
        "rows": listing.task_rows(view, project, page.rows),
        "more": page.next or "",
        "asked": {key: view.query.get(key, "") for key in KEYS},
        "base": url_of(project, "/tasks"),
    }
    if view.query.get("after"):
        return view.part("_tasks.html", project, may=rights(view, project.team_id), **context)
    people = identity.members(view.session, view.actor, project.team_id)
    return project_page(
        view,
        "tasks.html",
        project,
        "tasks",
        filters=filters,
        states=[(key, said) for key, (_, said) in words.TASK_LOOKS.items()],
        people=[(str(user.uid), user.name) for user, _ in people],
        batches=listing.batch_names(view.session, project),
        jobs=view.session.execute(
            select(Job.uid, Job.name).where(Job.project_id == project.id).order_by(Job.id.desc()).limit(200)
        ).all(),
        **context,
    )


def act(view: View, uid: str) -> Response:
    """Reopen or reassign the tasks that are ticked."""
    project = project_of(view, uid, "manage")
    refs = _ticked(view)
    if view.text("verb") == "reopen":
        results = tasks.reopen_many(view.session, view.actor, refs)
    elif view.text("verb") == "reassign":
        person = view.text("person")
        ids = {str(user.uid): user.id for user, _ in identity.members(view.session, view.actor, project.team_id)}
        if person and person not in ids:
            raise Invalid("Choose somebody of the team.", field="person")
        results = tasks.reassign_many(view.session, view.actor, refs, ids.get(person))
    else:
        raise Invalid("There is no such action.", field="verb")
    return view.done(
        _back(view, url_of(project, "/tasks")),
        _told(results, "Reopened" if view.text("verb") == "reopen" else "Reassigned"),
    )


def grid(view: View, uid: str) -> Response:
    """Work that waits for a verdict, oldest first, with its labels drawn."""
    project = project_of(view, uid, "review")
    only = lists.Filter(stage="review", state="open")
    page = lists.tasks(view.session, project, only, after=view.query.get("after") or None, limit=REVIEW_PAGE)
    own = view.actor.user_id if not settings_of(project).review_own else -1
    context: dict[str, Any] = {
        "rows": listing.task_rows(view, project, [t for t in page.rows if t.author_id != own], draw=True),
        "more": page.next or "",
        "base": url_of(project, "/review"),
    }
    if view.query.get("after"):
        return view.part("_review.html", project, **context)
    return project_page(view, "review.html", project, "review", reasons=settings_of(project).reasons, **context)


def judge(view: View, uid: str) -> Response:
    """Accept or return the tasks that are ticked."""
    project = project_of(view, uid, "review")
    refs = _ticked(view)
    if view.text("verb") == "reject":
        results = review.reject_many(view.session, view.actor, refs, view.text("reason"), view.text("comment"))
        said = _told(results, "Returned")
    else:
        results = review.accept_many(view.session, view.actor, refs)
        said = _told(results, "Accepted")
    return view.done(url_of(project, "/review"), said)


def _ticked(view: View) -> list[access.Ref]:
    refs: list[access.Ref] = list(view.texts("item"))
    if not refs:
        raise Invalid("Tick some tasks first.", field="item")
    return refs


def _told(results: list[tuple[access.Ref, str | None]], verb: str) -> str:
    refused = [why for _, why in results if why]
    done = f"{verb} {len(results) - len(refused):,}."
    return f"{done} {len(refused):,} refused: {refused[0]}" if refused else done


def _back(view: View, base: str) -> str:
    return view.text("back") if view.text("back").startswith(base) else base
