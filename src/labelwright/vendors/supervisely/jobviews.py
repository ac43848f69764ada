"""Labeling jobs as they know them: our jobs with one labeler, and for a queue the part of it that each person does.

A queue is one of our jobs, from which its people pull item by item. To them each of its people has a job of their own; its
id is derived from (job, person, role) and stored nowhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from labelwright.errors import NotFound
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Workflow
from labelwright.models.work import Job, JobMember, Task
from labelwright.services import access, workflows
from labelwright.vendors.supervisely.asking import Ask, extra_of

ENTITY_STATUSES = ("none", "done", "accepted", "rejected")
STATUSES = ("pending", "in_progress", "on_review", "review_completed", "completed", "stopped")
BITS = 25
MEMBER = 1 << (2 * BITS + 2)
ROLE_OF = {"labeler": 0, "reviewer": 1}
QUEUE = Job.extra[("supervisely", "queue")].as_boolean()


@dataclass(frozen=True)
class View:
    """One labeling job. `user` and `role`: whose part of the queue `job` it is; None: all of a plain job."""

    job: Job
    user: int | None = None
    role: str = ""

    @property
    def id(self) -> int:
        """The id that their clients know."""
        if self.user is None:
            return self.job.id
        return MEMBER | self.job.id << (BITS + 1) | self.user << 1 | ROLE_OF[self.role]

    @property
    def tasks(self) -> ColumnElement[bool]:
        """Which tasks are its entities."""
        here = Task.job_id == self.job.id
        if self.user is None:
            return here
        if self.role == "reviewer":
            held = and_(Task.holder_id == self.user, Task.stage == "review")
            return and_(here, or_(Task.reviewer_id == self.user, held))
        held = and_(or_(Task.holder_id == self.user, Task.assignee_id == self.user), Task.stage == "label")
        return and_(here, or_(Task.author_id == self.user, held))


def is_queue(job: Job) -> bool:
    """Whether a job is one of their labeling queues."""
    return bool(extra_of(job).get("queue"))


def find(ask: Ask, ref: int, right: str = "view") -> View:
    """The labeling job of an id, also an archived one. Raises `NotFound`."""
    view = _split(ask, ref, right)
    if view is None or (view.user is None and is_queue(view.job)):
        raise NotFound(f"There is no labeling job {ref}.")
    return view


def _split(ask: Ask, ref: int, right: str) -> View | None:
    if ref < MEMBER:
        return View(access.job(ask.session, ask.actor, ref, right))
    job_id, rest = (ref - MEMBER) >> (BITS + 1), ref & ((1 << (BITS + 1)) - 1)
    user, role = rest >> 1, "reviewer" if rest & 1 else "labeler"
    job = access.job(ask.session, ask.actor, job_id, right) if ref < 2 * MEMBER else None
    if job is None or not is_queue(job) or not any(v.id == ref for v in members(ask.session, [job])[job.id]):
        return None
    return View(job, user, role)


def members(session: Session, queues: Sequence[Job]) -> dict[int, list[View]]:
    """For each queue the jobs of its people: labelers first."""
    by_id = {job.id: job for job in queues}
    rows = session.execute(
        select(JobMember.job_id, JobMember.user_id, JobMember.role)
        .where(JobMember.job_id.in_(by_id))
        .order_by(JobMember.role, JobMember.user_id)
    )
    found: dict[int, list[View]] = {job.id: [] for job in queues}
    for job_id, user_id, role in rows:
        found[job_id].append(View(by_id[job_id], user_id, role))
    return found


def task_status(stage: str, verdict: str) -> str:
    """An entity's review status in a job."""
    if stage == "label":
        return "rejected" if verdict == "rejected" else "none"
    return "done" if stage == "review" else "accepted"


def entities(session: Session, view: View) -> list[dict[str, Any]]:
    """What a job holds, in the order of ids, with the review status of each."""
    query = select(Item.id, Item.name, Task.stage, Task.verdict).join(Task, Task.item_id == Item.id)
    rows = session.execute(query.where(view.tasks).order_by(Item.id))
    return [{"id": i, "name": name, "reviewStatus": task_status(stage, verdict)} for i, name, stage, verdict in rows]


@dataclass
class Counts:
    """How far a job is. `steps`: tasks under review per step; `held`: those that somebody has in hand at a label step."""

    total: int = 0
    none: int = 0
    rejected: int = 0
    done: int = 0
    accepted: int = 0
    held: int = 0
    pool: int = 0
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def labeling(self) -> int:
        """Tasks that are still to be labeled."""
        return self.none + self.rejected

    def add(self, stage: str, step: str, verdict: str, held: bool, taken: bool, number: int) -> None:
        """Count so many tasks of one kind."""
        status = task_status(stage, verdict)
        self.total += number
        setattr(self, status, getattr(self, status) + number)
        if stage == "review":
            self.steps[step] = self.steps.get(step, 0) + number
        if stage == "label":
            self.held += number * held
            self.pool += number * (not taken)


def counts(session: Session, views: Collection[View]) -> dict[int, Counts]:
    """How far each of these jobs is, by its id."""
    found = {view.id: Counts() for view in views}
    plain = [view.job.id for view in views if view.user is None]
    if plain:
        for job_id, *row in session.execute(_counted(Task.job_id, Task.job_id.in_(plain))):
            found[job_id].add(*row)
    for view in views:
        if view.user is not None:
            for _, *row in session.execute(_counted(Task.job_id, view.tasks)):
                found[view.id].add(*row)
    return found


def _counted(group: Any, which: ColumnElement[bool]) -> Any:
    held = (Task.state == "held").label("held")
    taken = or_(Task.holder_id.is_not(None), Task.assignee_id.is_not(None), Task.author_id.is_not(None)).label("taken")
    columns = (group, Task.stage, Task.step, Task.verdict, held, taken)
    return select(*columns, func.count()).where(which).group_by(*columns)


def status(session: Session, view: View, count: Counts) -> str:
    """A job's status: what its tasks come to, or what a manager called it since, until its tasks say something else."""
    plain = derived(session, view, count)
    said = extra_of(view.job).get("status") if view.user is None else None
    if isinstance(said, dict) and said.get("over") == plain and said.get("shown") in STATUSES:
        return said["shown"]
    return plain


def derived(session: Session, view: View, count: Counts) -> str:
    """What a job's tasks come to."""
    job = view.job
    if job.status == "archived":
        before = extra_of(job).get("archivedFrom")
        if before in STATUSES:
            return before
    if job.status == "paused":
        return "stopped"
    if job.status == "done":
        return "completed"
    started = job.started_at is not None or count.none < count.total
    if view.user is not None and not count.total:
        return "pending"
    if count.labeling or not count.total:
        return "in_progress" if started and count.total else "pending"
    if not count.done:
        return "completed" if view.user is None else "in_progress"
    checks = check_steps(session, job)
    return "review_completed" if checks and set(count.steps) <= checks else "on_review"


def check_steps(session: Session, job: Job) -> set[str]:
    """The keys of a job's review steps after the first one: their quality check."""
    steps = workflows.steps_of(session.get_one(Workflow, job.workflow_id)).steps
    return {step.key for step in [s for s in steps if s.kind == "review"][1:]}


def labeler_of(session: Session, job: Job) -> int | None:
    """The first labeler of a job."""
    query = select(JobMember.user_id).where(JobMember.job_id == job.id, JobMember.role == "labeler")
    return session.scalar(query.order_by(JobMember.user_id).limit(1))


def people(session: Session, ids: Collection[int | None]) -> dict[int, str]:
    """The logins of these users."""
    wanted = {i for i in ids if i is not None}
    return {i: login for i, login in session.execute(select(User.id, User.email).where(User.id.in_(wanted)))}
