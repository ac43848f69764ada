"""Statistics of a project and of people's work: counts from indexes, the rest from events."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, case, cast, func, literal, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.models.documents import LabelCount
from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import LabelClass, Project
from labelwright.models.work import Job, Task
from labelwright.services import access, kept, queue
from labelwright.services.access import Actor

Counts = dict[tuple[str, str], int]
WORK = ("task.submitted", "task.accepted", "task.rejected", "task.completed", "task.skipped")
DAY = 86_400_000_000  # microseconds, as SQLite keeps moments


@dataclass
class Day:
    """What happened on one day (UTC): numbers of tasks."""

    day: date
    submitted: int = 0
    accepted: int = 0
    rejected: int = 0
    completed: int = 0
    skipped: int = 0


@dataclass
class Person:
    """One person's work in a project over the days asked for.

    `first_pass`: share of their judged tasks that were accepted without ever being returned, None before any verdict.
    `seconds_per_task`: active time of the tasks they authored, divided by their number."""

    user: User
    submitted: int = 0
    reviewed: int = 0
    skipped: int = 0
    first_pass: float | None = None
    seconds_per_task: float | None = None


@dataclass
class Working:
    """Who is at work now: a held task whose lease has not ended."""

    user: User
    task: Task


@dataclass
class Overview:
    """A project at a glance. `tasks`: per (stage, state). `media`: items whose media is not there, per state."""

    items: int
    tasks: Counts
    media: dict[str, int]
    days: list[Day]
    first_pass: float | None
    seconds_per_task: float | None
    classes: list[tuple[LabelClass, int, int]] = field(default_factory=list)
    working: list[Working] = field(default_factory=list)


@dataclass
class MyWork:
    """What waits for one person in a project: held by them, returned or given to them, open to label and to review."""

    project: Project
    held: int = 0
    mine: int = 0
    label: int = 0
    review: int = 0


def overview(session: Session, actor: Actor, project: Project, *, days: int = 30) -> Overview:
    """Everything a project's first page shows, in a handful of queries that read indexes only."""
    access.require(actor, "view", project.team_id, "project")
    first_pass, seconds = quality(session, project, days=days)
    return Overview(
        items=session.scalar(select(func.count()).where(Item.project_id == project.id)) or 0,
        tasks=task_counts(session, [project.id])[project.id],
        media=media_counts(session, project),
        days=throughput(session, project, days=days),
        first_pass=first_pass,
        seconds_per_task=seconds,
        classes=class_counts(session, project),
        working=working_now(session, project),
    )


def task_counts(session: Session, projects: Collection[int]) -> dict[int, Counts]:
    """Tasks per (stage, state) of each of these projects (ids)."""
    counts: dict[int, Counts] = {project: {} for project in projects}
    query = select(Task.project_id, Task.stage, Task.state, func.count()).where(Task.project_id.in_(list(projects)))
    for project, stage, state, count in session.execute(query.group_by(Task.project_id, Task.stage, Task.state)):
        counts[project][stage, state] = count
    return counts


def media_counts(session: Session, project: Project) -> dict[str, int]:
    """Items whose media is pending or failed."""
    query = select(Item.media_state, func.count()).where(Item.project_id == project.id, Item.media_state != "ready")
    return {"pending": 0, "failed": 0} | {state: n for state, n in session.execute(query.group_by(Item.media_state))}


def class_counts(session: Session, project: Project) -> list[tuple[LabelClass, int, int]]:
    """Each class with how many objects it has and on how many items, in the ontology's order."""
    totals = label_totals(session, project)
    rows = session.scalars(
        select(LabelClass).where(LabelClass.project_id == project.id).order_by(LabelClass.position, LabelClass.id)
    )
    return [(row, *totals.get(row.id, (0, 0))) for row in rows]


def label_totals(session: Session, project: Project) -> dict[int, tuple[int, int]]:
    """Objects, and items that carry some, per class (id)."""
    query = (
        select(LabelCount.class_id, func.sum(LabelCount.count), func.count())
        .where(LabelCount.project_id == project.id)
        .group_by(LabelCount.class_id)
    )

    def make() -> dict[int, tuple[int, int]]:
        return {class_id: (int(objects), items) for class_id, objects, items in session.execute(query)}

    return kept.count(session, project.id, "labels", make)


def throughput(
    session: Session, project: Project, *, days: int = 30, user: int | None = None, at: datetime | None = None
) -> list[Day]:
    """What was done on each of the last `days` days, today last; days without work are there with zeros."""
    today = (at or now()).astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    found = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range(days)}
    day = _day(session)
    query = select(day, Event.kind, func.count()).where(*_since(project, WORK, first)).group_by(day, Event.kind)
    if user is not None:
        query = query.where(Event.actor_id == user)
    for key, kind, count in session.execute(query):
        entry = found.get(_date_of(key))
        if entry is not None:
            setattr(entry, kind.removeprefix("task."), count)
    return list(found.values())


def quality(
    session: Session, project: Project, *, days: int = 30, at: datetime | None = None
) -> tuple[float | None, float | None]:
    """(first-pass acceptance, active seconds per task) of the tasks judged or ended in the last `days` days.

    First pass: of the tasks that got a verdict, the share accepted without ever having been returned."""
    people = _verdicts(session, project, days, at)
    clean, judged = sum(p[0] for p in people.values()), sum(p[1] for p in people.values())
    seconds = session.execute(
        select(func.sum(Task.seconds), func.count())
        .select_from(Event)
        .join(Task, Task.id == Event.task_id)
        .where(*_since(project, ("task.completed",), _first_day(days, at)), Task.seconds > 0)
    ).one()
    return clean / judged if judged else None, float(seconds[0]) / seconds[1] if seconds[1] else None


def people(
    session: Session, actor: Actor, project: Project, *, days: int = 30, at: datetime | None = None
) -> list[Person]:
    """What each person did in the last `days` days, the busiest first. Takes the right to manage."""
    access.require(actor, "manage", project.team_id, "project")
    first = _first_day(days, at)
    query = select(Event.actor_id, Event.kind, func.count()).where(
        *_since(project, WORK, first), Event.actor_id.is_not(None)
    )
    found: dict[int, Person] = {}
    rows = [(who or 0, kind, n) for who, kind, n in session.execute(query.group_by(Event.actor_id, Event.kind))]
    users = {u.id: u for u in session.scalars(select(User).where(User.id.in_({row[0] for row in rows})))}
    for user, kind, count in rows:
        person = found.setdefault(user, Person(users[user]))
        if kind in ("task.accepted", "task.rejected"):
            person.reviewed += count
        elif kind in ("task.submitted", "task.skipped"):
            setattr(person, kind.removeprefix("task."), count)
    for user, (clean, judged) in _verdicts(session, project, days, at).items():
        if user in found and judged:
            found[user].first_pass = clean / judged
    for user, seconds in _seconds(session, project, first).items():
        if user in found:
            found[user].seconds_per_task = seconds
    return sorted(found.values(), key=lambda p: (-p.submitted - p.reviewed, p.user.name))


def working_now(session: Session, project: Project, *, at: datetime | None = None) -> list[Working]:
    """Who holds a task of the project whose lease has not ended."""
    held = [Task.stage == "label", Task.stage == "review"]
    rows = [
        row
        for stage in held
        for row in session.execute(
            select(User, Task)
            .join(Task, Task.holder_id == User.id)
            .where(Task.project_id == project.id, stage, Task.state == "held", Task.lease_until > (at or now()))
            .limit(100)
        )
    ]
    return sorted((Working(user, task) for user, task in rows), key=lambda w: w.user.name)


def my_work(session: Session, actor: Actor) -> list[MyWork]:
    """Per project in which the actor may work and something waits for them; queues are counted up to 1,000."""
    found: dict[int, MyWork] = {}
    query: Any = access.visible_projects(actor, "label").where(Project.archived_at.is_(None))
    for project in session.scalars(query.order_by(Project.name)):
        found[project.id] = MyWork(project)
    own = select(Task.project_id, Task.holder_id).join(Job, Job.id == Task.job_id).where(Job.status == "active")
    held = own.where(Task.holder_id == actor.user_id, Task.state.in_(("held", "open")))
    given = own.where(Task.assignee_id == actor.user_id, Task.state == "open")
    for rows, name in ((held, "held"), (given, "mine")):
        for project_id, _ in session.execute(rows):
            if project_id in found:
                setattr(found[project_id], name, getattr(found[project_id], name) + 1)
    for entry in found.values():
        for stage in ("label", "review"):
            if actor.may(stage, entry.project.team_id):
                setattr(entry, stage, open_tasks(session, actor, entry.project, stage))
    return [entry for entry in found.values() if entry.held or entry.mine or entry.label or entry.review]


def open_tasks(session: Session, actor: Actor, project: Project, stage: str, most: int = 1000) -> int:
    """How many open tasks the queue of a project and stage has for the actor, counted up to `most`."""
    waiting = (
        select(literal(1))
        .where(Task.job_id.in_(queue.jobs_for(actor, project, stage)), Task.stage == stage)
        .where(Task.state == "open", Task.assignee_id.is_(None))
        .limit(most)
    )
    if stage == "review" and not (project.settings or {}).get("review_own"):
        own = select(Job.id).where(Job.project_id == project.id, Job.options["review_own"].as_boolean())
        waiting = waiting.where((Task.author_id != actor.user_id) | Task.author_id.is_(None) | Task.job_id.in_(own))
    return session.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def _verdicts(session: Session, project: Project, days: int, at: datetime | None) -> dict[int, tuple[int, int]]:
    """Per author: (tasks accepted at first pass, tasks judged for the first time) in the last `days` days."""
    author = Event.data["author"].as_integer()
    returned = Event.data["returned"].as_integer()
    clean = func.sum(case(((Event.kind == "task.accepted") & (returned == 0), 1), else_=0))
    # A rejection counts once for its task: the first one says that it was returned once.
    first = func.sum(case(((Event.kind == "task.accepted") & (returned == 0), 1), ((Event.kind == "task.rejected") & (returned == 1), 1), else_=0))  # fmt: skip
    query = select(author, clean, first).where(
        *_since(project, ("task.accepted", "task.rejected"), _first_day(days, at))
    )
    return {who: (int(a), int(b)) for who, a, b in session.execute(query.group_by(author)) if who is not None}


def _seconds(session: Session, project: Project, first: date) -> dict[int, float]:
    query = (
        select(Task.author_id, func.avg(Task.seconds))
        .select_from(Event)
        .join(Task, Task.id == Event.task_id)
        .where(*_since(project, ("task.completed",), first), Task.seconds > 0, Task.author_id.is_not(None))
        .group_by(Task.author_id)
    )
    return {user: float(seconds) for user, seconds in session.execute(query) if user is not None}


def _since(project: Project, kinds: Collection[str], first: date) -> list[ColumnElement[bool]]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return [Event.project_id == project.id, Event.kind.in_(kinds), Event.at >= start]


def _first_day(days: int, at: datetime | None) -> date:
    return (at or now()).astimezone(UTC).date() - timedelta(days=days - 1)


def _day(session: Session) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "sqlite":
        return cast(Event.at, BigInteger) // literal(DAY, BigInteger)
    return cast(func.timezone("UTC", Event.at), Date)


def _date_of(key: Any) -> date:
    return key if isinstance(key, date) else date(1970, 1, 1) + timedelta(days=int(key))
