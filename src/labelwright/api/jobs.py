"""Jobs: sets of tasks handed to people."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import Select, select
from typing_extensions import TypedDict

from labelwright.api.bodies import work as bodies
from labelwright.api.forms import Form, Long, Name, Priority
from labelwright.api.paging import PageBody, PageQuery, cursor, cursor_of
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.errors import Invalid
from labelwright.models.identity import Membership, User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job
from labelwright.services import access, jobs

routes = Routes(tags=["Jobs"])
People = Annotated[list[Annotated[UUID, Field(strict=False)]], Field(max_length=1000)]
Names = Annotated[list[Name], Field(max_length=2000)]


class Limits(Form):
    """The most objects and tags a document may hold."""

    objects: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    tags: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Options(Form):
    """What else holds for the job's people.

    `dynamic_classes`, `dynamic_attributes`: what is added to the ontology later is allowed, too. `read_only_attributes`:
    shown to labelers, not changed by them. `no_submit`: only managers hand in. `hide_author`: reviewers are not told who
    labeled. `review_own`: people may review what they labeled. `halted`: while the job is paused or finished, who holds one
    of its tasks can neither save nor hand in."""

    dynamic_classes: bool = False
    dynamic_attributes: bool = False
    read_only_attributes: Names = []
    no_submit: bool = False
    hide_author: bool = False
    review_own: bool = False
    halted: bool = False


class NewJob(Form):
    """A job to be made. `items`: uids; `batch`: all its items. No `labelers`/`reviewers`: everybody who may."""

    name: Name
    workflow: UUID | None = Field(None, strict=False)
    batch: UUID | None = Field(None, strict=False)
    items: People = []
    instructions: Long = ""
    description: Long = ""
    priority: Priority = 5
    allowed_classes: Names | None = None
    allowed_attributes: Names | None = None
    limits: Limits = Limits()
    options: Options = Options()
    labelers: People = []
    reviewers: People = []


class JobChange(Form):
    """Changes of a job; lists of people are replaced whole. `status` pauses, resumes or puts it away."""

    name: Name = ""
    instructions: Long = ""
    description: Long = ""
    priority: Priority = 5
    allowed_classes: Names | None = None
    allowed_attributes: Names | None = None
    limits: Limits = Limits()
    options: Options = Options()
    labelers: People = []
    reviewers: People = []
    status: Literal["active", "paused", "archived"] = "active"


class JobItems(Form):
    """Items to become tasks of a job."""

    items: People = []
    batch: UUID | None = Field(None, strict=False)


class AddedBody(TypedDict):
    """How many tasks were made; items that had one in the job already make none."""

    added: int


class JobFilter(PageQuery):
    """Which jobs."""

    project: UUID | None = None
    batch: UUID | None = None
    status: Literal["active", "paused", "done", "archived"] | None = None


@routes.get("/jobs")
def list_jobs(call: Call, page: Annotated[JobFilter, Query()]) -> PageBody[bodies.JobBody]:
    """Jobs you may see, newest first."""
    session, actor = call.session, call.actor
    if page.project is not None:
        query = select(Job).where(Job.project_id == access.project(session, actor, page.project).id)
    else:
        seen = access.visible_projects(actor).with_only_columns(Project.id)
        query = select(Job).where(Job.project_id.in_(seen))
    if page.batch is not None:
        query = query.where(Job.batch_id == access.batch(session, actor, page.batch).id)
    if page.status is not None:
        query = query.where(Job.status == page.status)
    if page.after is not None:
        query = query.where(Job.id < cursor_of(page.after, 1)[0])
    rows = list(session.scalars(query.order_by(Job.id.desc()).limit(page.limit + 1)))
    shown = rows[: page.limit]
    following = cursor([shown[-1].id]) if len(rows) > page.limit else None
    return {"results": bodies.jobs(session, shown), "next": following}


@routes.post("/projects/{uid}/jobs", status_code=201)
def create_job(call: Call, uid: UUID, body: NewJob) -> bodies.JobBody:
    """Make a job, with a task for each item of the batch or list."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, uid, "manage")
    workflow = access.workflow(session, actor, body.workflow) if body.workflow is not None else None
    batch = access.batch(session, actor, body.batch) if body.batch is not None else None
    job = jobs.create(
        session, actor, project, body.name, workflow=workflow, batch=batch,
        instructions=body.instructions, description=body.description, priority=body.priority,
        allowed_classes=body.allowed_classes, allowed_attributes=body.allowed_attributes,
        limits=body.limits.model_dump(exclude_none=True), options=body.options.model_dump(exclude_defaults=True),
        labelers=_people(call, project, body.labelers, "labelers"),
        reviewers=_people(call, project, body.reviewers, "reviewers"),
        items=_items(call, project, body.items),
    )  # fmt: skip
    if batch is not None and not body.items:
        jobs.add_batch(session, actor, job, batch)
    return bodies.job(session, job)


@routes.get("/jobs/{uid}")
def get_job(call: Call, uid: UUID) -> bodies.JobBody:
    """A job."""
    return bodies.job(call.session, access.job(call.session, call.actor, uid))


@routes.patch("/jobs/{uid}")
def change_job(call: Call, uid: UUID, body: JobChange) -> bodies.JobBody:
    """Change a job, pause, resume, or put it away."""
    session, actor = call.session, call.actor
    job = access.job(session, actor, uid, "manage")
    project = session.get_one(Project, job.project_id)
    given = body.given()
    for role in ("labeler", "reviewer"):
        if f"{role}s" in given:
            people = _people(call, project, given.pop(f"{role}s"), f"{role}s")
            jobs.set_members(session, actor, job, role, people)
    status = given.pop("status", None)
    if "limits" in given:
        given["limits"] = body.limits.model_dump(exclude_none=True)
    if "options" in given:
        given["options"] = body.options.model_dump(exclude_defaults=True)
    if given:
        jobs.change(session, actor, job, **given)
    if status is not None:
        {"active": jobs.resume, "paused": jobs.pause, "archived": jobs.archive}[status](session, actor, job)
    return bodies.job(session, job)


@routes.delete("/jobs/{uid}")
def delete_job(call: Call, uid: UUID) -> None:
    """Delete a job with its tasks; items and labels stay. Refused while somebody works on one of them."""
    jobs.remove(call.session, call.actor, access.job(call.session, call.actor, uid, "manage"))


@routes.post("/jobs/{uid}/items", status_code=201)
def add_job_items(call: Call, uid: UUID, body: JobItems) -> AddedBody:
    """Make tasks for more items."""
    session, actor = call.session, call.actor
    job = access.job(session, actor, uid, "manage")
    project = session.get_one(Project, job.project_id)
    added = jobs.add_items(session, actor, job, _items(call, project, body.items))
    if body.batch is not None:
        added += jobs.add_batch(session, actor, job, access.batch(session, actor, body.batch))
    return {"added": added}


def _people(call: Call, project: Project, uids: list[UUID], field: str) -> list[int]:
    query = select(User.uid, User.id).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.team_id == project.team_id, User.uid.in_(uids))
    return _ids(call, query, uids, field, "person of this team")


def _items(call: Call, project: Project, uids: list[UUID]) -> list[int]:
    query = select(Item.uid, Item.id).where(Item.project_id == project.id, Item.uid.in_(uids))
    return _ids(call, query, uids, "items", "item of this project")


def _ids(call: Call, query: Select[UUID, int], uids: list[UUID], field: str, what: str) -> list[int]:
    if not uids:
        return []
    found = {found_uid: row_id for found_uid, row_id in call.session.execute(query)}
    missing = [uid for uid in uids if uid not in found]
    if missing:
        raise Invalid(f"{missing[0]} is no {what}.", field=field)
    return list(found.values())
