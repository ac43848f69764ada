"""Lists of items and tasks with all their filters, and a project in numbers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field
from sqlalchemy import select
from typing_extensions import TypedDict

from labelwright.api.bodies import items as item_bodies
from labelwright.api.bodies import work as task_bodies
from labelwright.api.bodies.identity import PersonBody, person
from labelwright.api.paging import PageBody, PageQuery
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.errors import NotFound
from labelwright.models.identity import Membership, User
from labelwright.models.projects import Project
from labelwright.services import access, lists, stats

routes = Routes()
PEOPLE = ("author", "reviewer", "holder", "assignee")
SAME = ("stage", "state", "returned", "media", "reference", "comments", "labels", "dataset", "since", "until")


class ListFilter(PageQuery):
    """Which items or tasks. For people: a member's uid, or `me`."""

    stage: Literal["label", "review", "end"] | None = None
    state: Literal["waiting", "open", "held", "skipped", "done"] | None = None
    job: UUID | None = None
    batch: UUID | None = None
    author: UUID | Literal["me"] | None = None
    reviewer: UUID | Literal["me"] | None = None
    holder: UUID | Literal["me"] | None = None
    assignee: UUID | Literal["me"] | None = None
    returned: bool = Field(False, description="Only what was returned to its author at least once.")
    class_name: str | None = Field(None, alias="class", max_length=200, description="With an object of this class.")
    media: Literal["pending", "ready", "failed"] | None = None
    reference: str | None = Field(None, min_length=1, max_length=500, description="How the reference id begins.")
    comments: Literal["open", "any", "none"] | None = None
    labels: Literal["some", "none"] | None = None
    dataset: Literal["in", "out", "train", "valid", "test"] | None = Field(
        None, description="In the dataset, not in it, or in one of its splits."
    )
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    order: Literal["oldest", "newest"] = "oldest"


Asked = Annotated[ListFilter, Query()]


class DayBody(TypedDict):
    """What happened on one day (UTC): numbers of tasks."""

    day: date
    submitted: int
    accepted: int
    rejected: int
    completed: int
    skipped: int


class ClassCountBody(TypedDict):
    """How often a class is used."""

    name: str
    objects: int
    items: int


class WorkingBody(TypedDict):
    """Who is at work on what."""

    user: PersonBody
    task: str


class StatsBody(TypedDict):
    """A project in numbers. `tasks`: by stage, then state. `first_pass`: share accepted without ever being returned."""

    items: int
    tasks: dict[str, dict[str, int]]
    media: dict[str, int]
    days: list[DayBody]
    first_pass: float | None
    seconds_per_task: float | None
    classes: list[ClassCountBody]
    working: list[WorkingBody]


@routes.get("/projects/{uid}/items", tags=["Items"])
def list_items(call: Call, uid: UUID, page: Asked) -> PageBody[item_bodies.ItemBody]:
    """Items of a project. Filters of tasks choose items that have such a task."""
    project = access.project(call.session, call.actor, uid)
    found = lists.items(call.session, project, _filter(call, project, page), **_page(page))
    return {"results": item_bodies.items(call, found.rows), "next": found.next}


@routes.get("/projects/{uid}/tasks", tags=["Tasks"])
def list_tasks(call: Call, uid: UUID, page: Asked) -> PageBody[task_bodies.TaskBody]:
    """Tasks of a project."""
    project = access.project(call.session, call.actor, uid)
    found = lists.tasks(call.session, project, _filter(call, project, page), **_page(page))
    return {"results": task_bodies.tasks(call.session, found.rows), "next": found.next}


@routes.get("/projects/{uid}/stats", tags=["Projects"])
def get_stats(call: Call, uid: UUID, days: Annotated[int, Query(ge=1, le=366)] = 30) -> StatsBody:
    """Where work stands, what was done each day, how classes balance, who is working now."""
    project = access.project(call.session, call.actor, uid)
    found = stats.overview(call.session, call.actor, project, days=days)
    tasks: dict[str, dict[str, int]] = {}
    for (stage, state), count in found.tasks.items():
        tasks.setdefault(stage, {})[state] = count
    return {
        "items": found.items,
        "tasks": tasks,
        "media": found.media,
        "days": [_day(day) for day in found.days],
        "first_pass": found.first_pass,
        "seconds_per_task": found.seconds_per_task,
        "classes": [{"name": c.name, "objects": objects, "items": items} for c, objects, items in found.classes],
        "working": [{"user": person(w.user), "task": str(w.task.uid)} for w in found.working],
    }


def _day(day: stats.Day) -> DayBody:
    return {
        "day": day.day,
        "submitted": day.submitted,
        "accepted": day.accepted,
        "rejected": day.rejected,
        "completed": day.completed,
        "skipped": day.skipped,
    }


def _page(page: ListFilter) -> dict[str, Any]:
    return {"after": page.after, "limit": page.limit, "newest_first": page.order == "newest"}


def _filter(call: Call, project: Project, page: ListFilter) -> lists.Filter:
    session, actor = call.session, call.actor
    values: dict[str, Any] = {name: getattr(page, name) for name in SAME}
    values |= {name: _person(call, project, getattr(page, name)) for name in PEOPLE}
    return lists.Filter(
        **values,
        class_name=page.class_name,
        job=access.job(session, actor, page.job).id if page.job is not None else None,
        batch=access.batch(session, actor, page.batch).id if page.batch is not None else None,
    )


def _person(call: Call, project: Project, who: UUID | Literal["me"] | None) -> int | None:
    if who is None:
        return None
    if who == "me":
        return call.actor.user_id
    query = select(User.id).join(Membership, Membership.user_id == User.id)
    found = call.session.scalar(query.where(Membership.team_id == project.team_id, User.uid == who))
    if found is None:
        raise NotFound("There is no such person in this team.")
    return found
