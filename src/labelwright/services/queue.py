"""The queue: who gets which task next, and for how long. One task is held by one person at a time.

A lease is a random token with an end. Taking a task is one UPDATE that finds the task and marks it, so that any number of
processes may ask at once: SQLite lets one writer in at a time, PostgreSQL skips rows that others are just taking.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Select, and_, bindparam, exists, literal_column, or_, select, text, update
from sqlalchemy.orm import Session

from labelwright.db import UtcTime, now
from labelwright.errors import Conflict, Invalid, LeaseLost
from labelwright.models.identity import User
from labelwright.models.projects import Project
from labelwright.models.work import Job, JobMember, Task
from labelwright.services import access, events, job_options, jobs
from labelwright.services.access import Actor

LEASE_MINUTES = 30
STAGES = ("label", "review")
JOB_ROLE = {"label": "labeler", "review": "reviewer"}
# A heartbeat counts at most this many seconds of work: browsers send one a minute.
MOST_SECONDS = 300.0


def next_task(
    session: Session,
    actor: Actor,
    project: Project | None = None,
    stage: str | None = None,
    *,
    minutes: int = LEASE_MINUTES,
    at: datetime | None = None,
) -> Task | None:
    """Hand the actor a task of a project (or of all theirs) and stage (`label`, `review`, None: both), or None.

    First what they hold already, then work returned or given to them, then by priority, then age."""
    if stage not in (None, *STAGES):
        raise Invalid("stage is label or review.", field="stage")
    stages = STAGES if stage is None else (stage,)
    moment = at or now()
    if project is not None and project.archived_at is not None:
        return None
    for task in _own(session, actor, project, stages):
        lock(session, task)
        meant = task.state == "open" and task.assignee_id == actor.user_id
        if meant or (task.state in {"held", "open"} and task.holder_id == actor.user_id):
            return _give(session, actor, task, minutes, moment)
    found = _take_best(session, actor, project, stages, minutes, moment)
    if found is None:  # time to tidy up
        if expire(session, at=moment):
            found = _take_best(session, actor, project, stages, minutes, moment)
        jobs.sweep(session, at=moment)
    return found


def following(session: Session, actor: Actor, task: Task) -> Task | None:
    """The task that `next_task` would probably hand the actor after this one, in its project and stage; takes nothing."""
    project = session.get_one(Project, task.project_id)
    if project.archived_at is not None or task.stage not in STAGES:
        return None
    own = _own(session, actor, project, (task.stage,))
    heads = sorted(_heads(session, actor, project, task.stage), key=lambda row: (-row.priority, row.id))
    ids = [other.id for other in own if actor.user_id in (other.holder_id, other.assignee_id)] + [h.id for h in heads]
    found = next((number for number in ids if number != task.id), None)
    return session.get(Task, found) if found is not None else None


def claim(
    session: Session, actor: Actor, task: Task, *, minutes: int = LEASE_MINUTES, at: datetime | None = None
) -> Task:
    """Take this very task. Held by the actor already: its lease goes on. Raises `Conflict` when it cannot be had."""
    moment = at or now()
    free_for(session, actor, task, at=moment)
    return _give(session, actor, task, minutes, moment)


def free_for(session: Session, actor: Actor, task: Task, *, at: datetime | None = None) -> None:
    """Raise unless the actor may work on the task now and nobody else is; it stays so until the transaction ends."""
    lock(session, task)
    may_take(session, actor, task)
    mine = task.holder_id == actor.user_id and task.state in {"held", "open"}
    if task.state == "held" and not mine and task.lease_until is not None and task.lease_until > (at or now()):
        holder = session.get(User, task.holder_id) if task.holder_id else None
        name = holder.name or holder.email if holder else "Somebody"
        raise Conflict(f"{name} is working on this task.", code="task_held", holder=name)


def hold(
    session: Session,
    actor: Actor,
    task: Task,
    lease: str | None,
    *,
    minutes: int = LEASE_MINUTES,
    at: datetime | None = None,
) -> Task:
    """Check that the actor still holds the task with this token and prolong the lease; call it with every save.

    An expired lease is still good until somebody else took the task. Raises `LeaseLost`, and `Conflict` when its job was
    stopped at once."""
    working(session, actor, task, lease)
    task.state = "held"
    task.lease_until = (at or now()) + timedelta(minutes=minutes)
    return task


def check(session: Session, actor: Actor, task: Task, lease: str | None) -> None:
    """Check that the actor still holds the task with this token; nobody can take it until the transaction ends."""
    lock(session, task)
    if lease is None or task.lease != lease or task.holder_id != actor.user_id or task.state not in {"held", "open"}:
        holder = session.get(User, task.holder_id) if task.holder_id else None
        raise LeaseLost(holder=holder.name or holder.email if holder else None, state=task.state)


def working(session: Session, actor: Actor, task: Task, lease: str | None) -> None:
    """`check`, and that the job was not stopped at once."""
    check(session, actor, task, lease)
    job_options.check_running(session.get_one(Job, task.job_id))


def heartbeat(
    session: Session,
    actor: Actor,
    task: Task,
    lease: str | None,
    seconds: float = 0.0,
    *,
    minutes: int = LEASE_MINUTES,
    at: datetime | None = None,
) -> Task:
    """Prolong the lease and add `seconds` of active work since the last heartbeat: no more than have passed."""
    moment, until = at or now(), task.lease_until
    hold(session, actor, task, lease, minutes=minutes, at=moment)
    passed = (moment - (until - timedelta(minutes=minutes))).total_seconds() if until else 0.0
    task.seconds += max(0.0, min(float(seconds), passed + 1, MOST_SECONDS))
    session.flush()
    return task


def release(session: Session, actor: Actor, task: Task, lease: str | None, *, at: datetime | None = None) -> Task:
    """Give the task back for anybody to take, also when it was meant for the actor. What was saved stays saved."""
    check(session, actor, task, lease)
    put_back(task)
    task.assignee_id = None
    session.flush()
    tell(session, "task.released", task, actor, at=at)
    return task


def expire(session: Session, *, at: datetime | None = None, limit: int = 500) -> int:
    """Open tasks whose lease has ended; returns how many. Their holders' tokens stay good until others take them."""
    moment = at or now()
    ended = (
        select(Task.id)
        .where(Task.state == "held", Task.lease_until < moment)
        .order_by(Task.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.scalars(ended))
    if not ids:
        return 0
    reopen = update(Task).where(Task.id.in_(ids), Task.state == "held").values(state="open", updated_at=moment)
    session.execute(reopen.execution_options(synchronize_session="fetch"))
    rows = select(Task.id, Task.job_id, Task.item_id, Task.holder_id, Task.stage, Task.project_id, Project.team_id)
    by_project: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in session.execute(rows.join(Project, Project.id == Task.project_id).where(Task.id.in_(ids))):
        event = {"task": row.id, "job": row.job_id, "item": row.item_id, "data": {"user": row.holder_id}}
        by_project.setdefault((row.team_id, row.project_id), []).append(event)
    for (team, project), many in by_project.items():
        events.emit_many(session, "task.expired", many, team_id=team, project_id=project, at=moment)
    return len(ids)


def may_take(session: Session, actor: Actor, task: Task) -> None:
    """Raise when the actor may not work on this task now: rights, people of the job, author, state, media.

    Managers may take tasks of jobs they are not on, and tasks meant for somebody else."""
    project, job = session.get_one(Project, task.project_id), session.get_one(Job, task.job_id)
    right = task.stage if task.stage in STAGES else "view"
    access.require(actor, right, project.team_id, "task")
    manages = actor.may("manage", project.team_id)
    if task.state == "done":
        raise Conflict("This task is done.", code="task_done")
    if task.state == "skipped":
        raise Conflict("This task was skipped; a manager can reopen it.", code="task_skipped")
    if task.state == "waiting":
        raise Conflict("The media of this task is not there yet.", code="media_missing")
    if job.status != "active":
        raise Conflict(f"The job of this task is {job.status}.", code="job_inactive")
    if not manages and not on_job(session, actor.user_id, job.id, task.stage):
        raise Conflict("You are not on the job of this task.", code="not_on_job")
    if not manages and task.assignee_id not in (None, actor.user_id):
        raise Conflict("This task is for somebody else.", code="assigned")
    if task.stage == "review" and task.author_id == actor.user_id and not job_options.review_own(project, job):
        raise Conflict("You cannot review your own work in this project.", code="own_work")


def on_job(session: Session, user_id: int, job_id: int, stage: str) -> bool:
    """Whether a user is among the job's people for a stage; with none named, everybody is."""
    people = session.scalars(
        select(JobMember.user_id).where(JobMember.job_id == job_id, JobMember.role == JOB_ROLE[stage])
    )
    named = set(people)
    return not named or user_id in named


def jobs_for(actor: Actor, project: Project, stage: str) -> Select[int]:
    """Ids of the active jobs of a project that hand the actor work of a stage."""
    named = exists().where(JobMember.job_id == Job.id, JobMember.role == JOB_ROLE[stage])
    among = exists().where(
        JobMember.job_id == Job.id, JobMember.role == JOB_ROLE[stage], JobMember.user_id == actor.user_id
    )
    return select(Job.id).where(Job.project_id == project.id, Job.status == "active", or_(~named, among))


def put_back(task: Task) -> None:
    """Make a task open and nobody's; the caller flushes and says what happened."""
    task.state, task.holder_id, task.lease, task.lease_until = "open", None, None, None


def tell(
    session: Session,
    kind: str,
    task: Task,
    actor: Actor | None,
    data: dict[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> None:
    """Emit an event about a task."""
    project = session.get_one(Project, task.project_id)
    events.emit(
        session, kind, team_id=project.team_id, project_id=project.id, actor=actor,
        job=task.job_id, task=task.id, item=task.item_id, data=data, at=at,
    )  # fmt: skip


def lock(session: Session, task: Task) -> Task:
    """Read the task again and keep others from changing it until the transaction ends."""
    # SQLite has one writer at a time and this transaction is it: what was read is still so.
    if session.get_bind().dialect.name == "postgresql":
        session.flush()
        session.refresh(task, with_for_update=True)
    return task


def _give(session: Session, actor: Actor, task: Task, minutes: int, at: datetime) -> Task:
    mine = task.holder_id == actor.user_id and task.lease is not None
    fresh = task.state != "held" or not mine
    if not mine:
        task.holder_id, task.lease = actor.user_id, _token()
    task.state, task.lease_until = "held", at + timedelta(minutes=minutes)
    _start(session, task.job_id, at)
    session.flush()
    if fresh:
        tell(session, "task.claimed", task, actor, {"stage": task.stage}, at=at)
    return task


def _start(session: Session, job_id: int, at: datetime) -> None:
    job = session.get_one(Job, job_id)
    if job.started_at is None:
        job.started_at = at


def _token() -> str:
    return secrets.token_urlsafe(18)


def _own(session: Session, actor: Actor, project: Project | None, stages: Sequence[str]) -> list[Task]:
    """Tasks the actor holds, then open ones that are for them; of active jobs, and only where their rights still do."""
    ids = session.scalars(_OWN, {"me": actor.user_id}).all()
    if not ids:
        return []
    rights = [and_(Task.stage == stage, Project.team_id.in_(actor.teams(stage))) for stage in stages]
    query = (
        select(Task)
        .join(Job, Job.id == Task.job_id)
        .join(Project, Project.id == Task.project_id)
        .where(Task.id.in_(ids), Task.state.in_(("held", "open")), Job.status == "active")
        .where(or_(*rights), Project.archived_at.is_(None))
        .order_by(Task.holder_id.is_(None), Task.priority.desc(), Task.id)
    )
    if project is not None:
        query = query.where(Task.project_id == project.id)
    if actor.workspace_id is not None:
        query = query.where(Project.workspace_id == actor.workspace_id)
    return list(session.scalars(query.limit(5)))


def _take_best(
    session: Session, actor: Actor, project: Project | None, stages: Sequence[str], minutes: int, at: datetime
) -> Task | None:
    heads = [head for stage in stages for head in _heads(session, actor, project, stage)]
    for head in sorted(heads, key=lambda row: (-row.priority, row.id)):
        task = _take(session, actor, head, minutes, at)
        if task is not None:
            if head.started_at is None:
                _start(session, task.job_id, at)
            events.emit(
                session, "task.claimed", team_id=head.team_id, project_id=task.project_id, actor=actor,
                job=task.job_id, task=task.id, item=task.item_id, data={"stage": task.stage}, at=at,
            )  # fmt: skip
            return task
    return None


def _heads(session: Session, actor: Actor, project: Project | None, stage: str) -> Sequence[Any]:
    """Per job that the actor may work on at a stage, its best open task."""
    if project is not None:
        teams = [project.team_id] if actor.may(stage, project.team_id) else []
    else:
        teams = actor.teams(stage)
    if not teams or (project is not None and actor.workspace_id not in (None, project.workspace_id)):
        return ()
    values = {"stage": stage, "role": JOB_ROLE[stage], "me": actor.user_id}
    if project is not None:
        return session.execute(_HEADS_OF_PROJECT, {**values, "project": project.id}).all()
    values |= {"workspace": actor.workspace_id or 0}
    return [head for team in teams for head in session.execute(_HEADS_OF_TEAM, {**values, "team": team})]


def _take(session: Session, actor: Actor, head: Any, minutes: int, at: datetime) -> Task | None:
    """Take the best task of the head's job, which may be another by now; None when others took them all."""
    values = {
        "b_job": head.job_id, "b_stage": head.stage, "b_at": at, "b_until": at + timedelta(minutes=minutes),
        "b_me": actor.user_id, "b_lease": _token(), "b_not": 0 if head.review_own else actor.user_id,
    }  # fmt: skip
    return session.scalar(_TAKE, values, execution_options=_AS_READ)


_AS_READ = {"synchronize_session": False, "populate_existing": True}

_OWN = text(
    "SELECT id FROM tasks WHERE holder_id = :me "
    "UNION ALL SELECT id FROM tasks WHERE assignee_id = :me AND state = 'open'"
)

# One look into the queue (ix_tasks_queue) of each job that the person may work on; written as SQL because building it
# costs more than running it. Nobody reviews their own work, unless the project says so.
_HEADS = """
SELECT best.id, best.priority, best.stage, heads.job_id, heads.started_at, heads.team_id, heads.review_own
FROM (
  SELECT jobs.id AS job_id, jobs.started_at, projects.team_id, {own} AS review_own,
    (SELECT tasks.id FROM tasks
     WHERE tasks.job_id = jobs.id AND tasks.stage = :stage AND tasks.state = 'open' AND tasks.assignee_id IS NULL
       AND (:stage = 'label' OR tasks.author_id IS NULL OR tasks.author_id <> :me OR {own})
     ORDER BY tasks.priority DESC, tasks.id LIMIT 1) AS head
  FROM jobs JOIN projects ON projects.id = jobs.project_id
  WHERE jobs.status = 'active' AND projects.archived_at IS NULL AND {whose}
    AND (NOT EXISTS (SELECT 1 FROM job_members m WHERE m.job_id = jobs.id AND m.role = :role)
      OR EXISTS (SELECT 1 FROM job_members m WHERE m.job_id = jobs.id AND m.role = :role AND m.user_id = :me))
) AS heads JOIN tasks AS best ON best.id = heads.head
ORDER BY best.priority DESC, best.id LIMIT 8
"""
_REVIEW_OWN = (
    "(CAST(projects.settings ->> 'review_own' AS TEXT) IN ('true', '1')"
    " OR COALESCE(CAST(jobs.options ->> 'review_own' AS TEXT) IN ('true', '1'), FALSE))"
)
_TYPES = {"started_at": UtcTime(), "review_own": Boolean()}
_HEADS_OF_PROJECT = text(_HEADS.format(own=_REVIEW_OWN, whose="jobs.project_id = :project")).columns(**_TYPES)
_HEADS_OF_TEAM = text(
    _HEADS.format(
        own=_REVIEW_OWN,
        whose="projects.team_id = :team AND (:workspace = 0 OR projects.workspace_id = :workspace)",
    )
).columns(**_TYPES)

_TAKE = (
    update(Task)
    .where(
        Task.id
        == select(Task.id)
        .where(
            Task.job_id == bindparam("b_job"), Task.stage == bindparam("b_stage"),
            Task.state == literal_column("'open'"), Task.assignee_id.is_(None),
            or_(bindparam("b_stage") == "label", Task.author_id.is_(None), Task.author_id != bindparam("b_not")),
        )
        .order_by(Task.priority.desc(), Task.id)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True)
        .scalar_subquery(),
        Task.state == "open",
    )
    .values(
        state="held", holder_id=bindparam("b_me"), lease=bindparam("b_lease"), lease_until=bindparam("b_until"),
        updated_at=bindparam("b_at"),
    )
    .returning(Task)
)  # fmt: skip
