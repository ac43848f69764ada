"""Jobs: a board and a table of them, and each one's page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.errors import Invalid, NotFound
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import access, batches, events, identity, job_options, jobs, ontology, workflows
from labelwright.services.access import RIGHTS
from labelwright.web import progress, words
from labelwright.web.pages.activity import lines
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

PAGE = 100
COLUMNS = (
    ("new", "Not started", "todo", "No job waits to be started."),
    ("labeling", "Labeling", "label", "Nothing is being labeled."),
    ("review", "Review", "review", "Nothing is left for reviewers."),
    ("done", "Done", "accepted", "No job is done yet."),
)
STATES = {"": "In use", "paused": "Paused", "done": "Done", "archived": "Archived"}
# What a job's options come to for its people.
OPTIONS = {
    "dynamic_classes": "Classes added to the project later are allowed.",
    "dynamic_attributes": "Attributes added to the project later are allowed.",
    "no_submit": "Handing in is switched off; a manager's script hands in.",
    "hide_author": "Reviewers are not shown who labeled.",
    "review_own": "People may review what they labeled.",
    "halted": "Stopped at once: who has an item open cannot save.",
}
Pair = tuple[str, str]


def index(view: View, uid: str) -> Response:
    """All jobs, as a board or a table, newest first."""
    project = project_of(view, uid)
    shape, state, before = (view.query.get(key, "") for key in ("as", "state", "before"))
    query = select(Job).where(Job.project_id == project.id).order_by(Job.id.desc())
    query = query.where(Job.status == state) if state in words.JOB_STATES else query.where(Job.status != "archived")
    if before.isdigit():
        query = query.where(Job.id < int(before))
    found = list(view.session.scalars(query.limit(PAGE + 1)))
    rows = found[:PAGE]
    counts = jobs.counters(view.session, [job.id for job in rows])
    context: dict[str, Any] = {
        "jobs": rows,
        "bars": {job.id: progress.parts(counts[job.id]) for job in rows},
        "names": {row.id: row for row in batches.of_project(view.session, project)},
        "columns": COLUMNS,
        "column": {job.id: _column(job, counts[job.id]) for job in rows},
        "more": str(rows[-1].id) if len(found) > PAGE else "",
        "state": state,
        "states": STATES,
        "shape": "table" if shape == "table" else "board",
        "words": words,
    }
    return project_page(view, "jobs.html", project, "jobs", **context)


def show(view: View, uid: str) -> Response:
    """One job: instructions, people, limits, how far it is, its tasks' list, what happened."""
    job, project = _job(view, uid)
    counts = jobs.counters(view.session, [job.id])[job.id]
    options = job_options.of(job)
    hidden = job_options.hides_author(job, manages=view.actor.may("manage", project.team_id))
    happened = [e for e in events.recent(view.session, view.actor, project, limit=200) if e.job_id == job.id][:12]
    return project_page(
        view,
        "job.html",
        project,
        "jobs",
        [("Jobs", url_of(project, "/jobs")), (job.name, "")],
        job=job,
        bar=progress.parts(counts, url_of(project, "/tasks")),
        total=sum(counts.values()),
        batch=view.session.get(Batch, job.batch_id) if job.batch_id else None,
        workflow=view.session.get_one(Workflow, job.workflow_id),
        people=jobs.members(view.session, job),
        by_person=[] if hidden else _by_person(view, job),
        hidden=hidden,
        seconds=view.session.scalar(select(func.sum(Task.seconds)).where(Task.job_id == job.id)) or 0,
        maker=view.session.get(User, job.created_by) if job.created_by else None,
        options=options,
        switched=[said for key, said in OPTIONS.items() if getattr(options, key)],
        lines=[replace(line, who="Somebody") if hidden and line.who else line for line in lines(view, happened)],
        words=words,
    )


def form(view: View, uid: str, job_uid: str = "") -> Response:
    """The dialog for a new or a present job."""
    project = project_of(view, uid, "manage")
    job = _job(view, job_uid)[0] if job_uid else None
    members = identity.members(view.session, view.actor, project.team_id)
    on_job: set[tuple[int, str]] = {(user.id, role) for user, role in jobs.members(view.session, job)} if job else set()
    people = {
        role: [(user, (user.id, role) in on_job) for user, right in members if right in RIGHTS[able]]
        for role, able in jobs.MEMBER_ROLES.items()
    }
    return view.part(
        "_job_form.html",
        project,
        job=job,
        batches=batches.of_project(view.session, project),
        chosen=view.query.get("batch", ""),
        workflows=workflows.of_project(view.session, project.id),
        classes=ontology.classes_of(view.session, project.id),
        people=people,
    )


def create(view: View, uid: str) -> Response:
    """Make a job, with a task for each item of the batch that was chosen."""
    project = project_of(view, uid, "manage")
    batch = access.batch(view.session, view.actor, view.text("batch")) if view.text("batch") else None
    workflow = access.workflow(view.session, view.actor, view.text("workflow")) if view.text("workflow") else None
    people = {f"{role}s": _people(view, project, role) for role in jobs.MEMBER_ROLES}
    values: dict[str, Any] = {**_values(view), **people}
    job = jobs.create(view.session, view.actor, project, batch=batch, workflow=workflow, **values)
    if batch is not None:
        count = jobs.add_batch(view.session, view.actor, job, batch)
    else:
        ids = view.session.scalars(select(Item.id).where(Item.project_id == project.id))
        count = jobs.add_items(view.session, view.actor, job, ids)
    return view.done(f"/jobs/{job.uid}", f"Made the job {job.name} with {count:,} tasks.")


def save(view: View, uid: str, job_uid: str) -> Response:
    """Change a job and its people."""
    project = project_of(view, uid, "manage")
    job, _ = _job(view, job_uid)
    jobs.change(view.session, view.actor, job, **_values(view))
    before = jobs.members(view.session, job)
    for role in jobs.MEMBER_ROLES:
        people = _people(view, project, role)
        if set(people) != {user.id for user, present in before if present == role}:
            jobs.set_members(view.session, view.actor, job, role, people)
    return view.done(f"/jobs/{job.uid}", "Saved.")


def act(view: View, uid: str, verb: str) -> Response:
    """Pause, resume, archive or delete a job."""
    job, project = _job(view, uid)
    match verb:
        case "pause":
            jobs.pause(view.session, view.actor, job)
            return view.done(f"/jobs/{job.uid}", "Paused: no more of its tasks are handed out.")
        case "resume":
            jobs.resume(view.session, view.actor, job)
            return view.done(f"/jobs/{job.uid}", "Its tasks are handed out again.")
        case "archive":
            jobs.archive(view.session, view.actor, job)
            return view.done(url_of(project, "/jobs"), f"{job.name} is archived.")
        case "delete":
            jobs.remove(view.session, view.actor, job)
            return view.done(url_of(project, "/jobs"), f"Deleted the job {job.name}; items and labels stay.")
    raise NotFound("There is no such action.")


def _values(view: View) -> dict[str, Any]:
    return {
        "name": view.text("name"),
        "instructions": view.text("instructions"),
        "priority": _number(view, "priority", 5),
        "allowed_classes": view.texts("classes") or None,
        "limits": {key: value for key in jobs.LIMITS if (value := _number(view, f"limit_{key}", 0))},
    }


def _number(view: View, field: str, default: int) -> int:
    text = view.text(field)
    if not text:
        return default
    if not text.isdigit() or len(text) > 9:
        raise Invalid("Write a whole number.", field=field)
    return int(text)


def _people(view: View, project: Project, role: str) -> list[int]:
    wanted = set(view.texts(f"{role}s"))
    members = identity.members(view.session, view.actor, project.team_id)
    return [user.id for user, _ in members if str(user.uid) in wanted]


def _job(view: View, uid: str) -> tuple[Job, Project]:
    job = access.job(view.session, view.actor, uid)
    return job, view.session.get_one(Project, job.project_id)


def _column(job: Job, counts: dict[Pair, int]) -> str:
    if job.status == "done":
        return "done"
    if any(count for (stage, _), count in counts.items() if stage == "label"):
        return "labeling" if job.started_at else "new"
    return "review" if counts else "new"


def _by_person(view: View, job: Job) -> list[tuple[str, int, float]]:
    """Name, tasks handed in and seconds of each author, most first."""
    rows = view.session.execute(
        select(User.name, func.count(), func.sum(Task.seconds))
        .join(User, User.id == Task.author_id)
        .where(Task.job_id == job.id)
        .group_by(User.id, User.name)
        .order_by(func.count().desc())
        .limit(50)
    )
    return [(name, count, float(seconds or 0)) for name, count, seconds in rows]
