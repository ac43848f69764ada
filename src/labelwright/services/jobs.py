"""Jobs: sets of tasks handed to people. Making them, filling them, pausing, finishing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from labelwright.db import new_uid, now
from labelwright.errors import Conflict, Invalid, NotFound, Problem
from labelwright.models.identity import Membership, User
from labelwright.models.items import Item
from labelwright.models.projects import Attribute, Batch, LabelClass, Project, Workflow
from labelwright.models.work import Job, JobMember, Task
from labelwright.services import access, events, job_options, workflows
from labelwright.services.access import Actor

# A member's role on a job, and the team right it takes.
MEMBER_ROLES = {"labeler": "label", "reviewer": "review"}
LIMITS = ("objects", "tags")
PRIORITIES = range(1, 1001)
UNFINISHED = ("label", "review")
CHUNK = 2000


def create(
    session: Session,
    actor: Actor,
    project: Project,
    name: str,
    *,
    workflow: Workflow | None = None,
    batch: Batch | None = None,
    instructions: str = "",
    description: str = "",
    priority: int = 5,
    allowed_classes: Sequence[str] | None = None,
    allowed_attributes: Sequence[str] | None = None,
    limits: dict[str, int] | None = None,
    options: dict[str, Any] | None = None,
    labelers: Collection[int] = (),
    reviewers: Collection[int] = (),
    items: Iterable[int] = (),
    extra: dict[str, Any] | None = None,
) -> Job:
    """A new active job, with a task for each of `items` (ids); without a workflow, the project's default one.

    `labelers`, `reviewers`: user ids; none of a role means everybody in the team who may do that work."""
    access.require(actor, "manage", project.team_id, "project")
    job = Job(project_id=project.id, created_by=actor.user_id, batch_id=_batch_id(project, batch), extra=extra)
    job.workflow_id = _workflow(session, project, workflow).id
    job.name, job.instructions, job.description = name.strip(), instructions, description
    job.priority, job.limits, job.options = priority, dict(limits or {}), options
    job.allowed_classes = None if allowed_classes is None else list(allowed_classes)
    job.allowed_attributes = None if allowed_attributes is None else list(allowed_attributes)
    _check(session, project, job)
    session.add(job)
    session.flush()
    for role, people in (("labeler", labelers), ("reviewer", reviewers)):
        _put_members(session, project, job, role, people)
    _emit(session, "job.created", project, job, actor, {"name": job.name})
    add_items(session, actor, job, items)
    return job


def change(session: Session, actor: Actor, job: Job, **changes: Any) -> Job:
    """Change `name`, `instructions`, `description`, `priority`, `allowed_classes`, `allowed_attributes`, `limits`,
    `options`.

    A new priority also goes to the job's unfinished tasks. Unknown names raise `Invalid`."""
    project = _manage(session, actor, job)
    known = {
        "name", "instructions", "description", "priority", "allowed_classes", "allowed_attributes", "limits", "options",
        "extra",
    }  # fmt: skip
    unknown = sorted(set(changes) - known)
    if unknown:
        raise Invalid(f"A job has no {unknown[0]!r} to change.", field=unknown[0])
    before = job.priority
    with session.no_autoflush:  # tasks before their job: in the order in which those who take tasks lock them
        for field, value in changes.items():
            setattr(job, field, value.strip() if field == "name" else value)
        _check(session, project, job)
        if job.priority != before:
            open_tasks = update(Task).where(Task.job_id == job.id, Task.stage.in_(UNFINISHED))
            options = {"synchronize_session": False, "autoflush": False}
            session.execute(open_tasks.values(priority=job.priority), execution_options=options)
    session.flush()
    _emit(session, "job.changed", project, job, actor, {"fields": sorted(changes)})
    return job


def set_members(session: Session, actor: Actor, job: Job, role: str, people: Collection[int]) -> None:
    """Replace the job's people of a role (`labeler` or `reviewer`) by these user ids; none: everybody who may."""
    project = _manage(session, actor, job)
    _put_members(session, project, job, role, people)
    _emit(session, "job.changed", project, job, actor, {"fields": [role + "s"]})


def members(session: Session, job: Job) -> list[tuple[User, str]]:
    """The job's people with their role on it, by name."""
    query = select(User, JobMember.role).join(JobMember, JobMember.user_id == User.id)
    rows = session.execute(query.where(JobMember.job_id == job.id).order_by(User.name, User.email, JobMember.role))
    return [(user, role) for user, role in rows]


def pause(session: Session, actor: Actor, job: Job, *, at_once: bool = False) -> Job:
    """Hand out no more of its tasks. Whoever holds one may still finish it, unless `at_once`: then saving and handing in
    are refused until the job goes on, and what was not saved waits in the browser."""
    paused = _status(session, actor, job, "paused", "job.paused", {"active"})
    return _halt(session, paused) if at_once else paused


def _halt(session: Session, job: Job, halted: bool = True) -> Job:
    options = {key: value for key, value in (job.options or {}).items() if key != "halted"}
    job.options = options | {"halted": True} if halted else options or None
    session.flush()
    return job


def resume(session: Session, actor: Actor, job: Job) -> Job:
    """Hand its tasks out again; also takes an archived job back into use."""
    project = _manage(session, actor, job)
    _lock(session, job)
    status = "active" if _any_unfinished(session, job.id) or not _any_task(session, job.id) else "done"
    if job.status == "active":
        return job
    job.status = status
    if status == "active":
        job.finished_at = None
        _halt(session, job, False)
    session.flush()
    _emit(session, "job.resumed", project, job, actor, None)
    return job


def finish(session: Session, actor: Actor, job: Job, *, at_once: bool = False) -> Job:
    """Declare it done although tasks are left; they stay as they are and are handed out no more. `resume` undoes it.
    `at_once`: as for `pause`."""
    project = _manage(session, actor, job)
    _lock(session, job)
    if job.status != "done":
        job.status, job.finished_at = "done", now()
        session.flush()
        _emit(session, "job.completed", project, job, actor, {"finished": True})
    return _halt(session, job) if at_once else job


def archive(session: Session, actor: Actor, job: Job) -> Job:
    """Put it away: out of queues and usual lists. Its tasks and labels stay."""
    return _status(session, actor, job, "archived", "job.archived", {"active", "paused", "done"})


def remove(session: Session, actor: Actor, job: Job, *, held_too: bool = False) -> None:
    """Delete a job with its tasks; the items and their labels stay. Refused while somebody holds one of its tasks, unless
    `held_too`: then they lose it, with what they saved kept."""
    project = _manage(session, actor, job)
    held = exists().where(
        Task.job_id == job.id, Task.stage.in_(UNFINISHED), Task.state == "held", Task.lease_until > now()
    )
    if not held_too and session.scalar(select(held)):
        raise Conflict("Somebody is working on a task of this job; pause it and wait, or archive it.")
    _emit(session, "job.deleted", project, job, actor, {"name": job.name})
    session.execute(delete(Task).where(Task.job_id == job.id).execution_options(synchronize_session=False))
    session.delete(job)
    session.flush()


def add_items(session: Session, actor: Actor | None, job: Job, items: Iterable[int]) -> int:
    """Make a task at the workflow's first step for each of these items (ids of the job's project) that has none in
    this job; returns how many were made. A finished job becomes active again."""
    first = workflows.steps_of(session.get_one(Workflow, job.workflow_id)).first
    ids, made = sorted(set(items)), 0
    if not ids:
        return 0
    _share(session, job)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        found = select(Item.id, Item.media_state).where(Item.project_id == job.project_id, Item.id.in_(chunk))
        states = dict(session.execute(found).all())
        if len(states) < len(chunk):
            raise NotFound("An item of this list is not in the job's project.")
        there = set(session.scalars(select(Task.item_id).where(Task.item_id.in_(chunk), Task.job_id == job.id)))
        rows = [task_row(job, first, item, states[item]) for item in chunk if item not in there]
        if rows:
            session.execute(insert(Task.__table__), rows)  # type: ignore[arg-type]
            made += len(rows)
    if made:
        wake(session, job)
        project = session.get_one(Project, job.project_id)
        _emit(session, "job.changed", project, job, actor, {"fields": ["items"], "added": made})
    return made


def add_batch(session: Session, actor: Actor | None, job: Job, batch: Batch) -> int:
    """Make tasks for all items of a batch that have none in this job; returns how many."""
    if batch.project_id != job.project_id:
        raise NotFound("There is no such batch.")
    query = select(Item.id).where(Item.project_id == job.project_id, Item.batch_id == batch.id)
    return add_items(session, actor, job, session.scalars(query))


def task_row(job: Job, step: workflows.Step, item_id: int, media_state: str) -> dict[str, Any]:
    """The values of a new task at `step`; it waits until its media is there."""
    return {
        "uid": new_uid(),
        "project_id": job.project_id,
        "job_id": job.id,
        "item_id": item_id,
        "step": step.key,
        "stage": step.kind,
        "state": "open" if media_state == "ready" else "waiting",
        "priority": job.priority,
    }


def for_origin(
    session: Session, project: Project, batch: Batch, workflow: Workflow, origin: str, *, created_by: int | None = None
) -> Job:
    """The one job of (batch, workflow, origin), made on first use; callers racing for it get the same row.

    Until this transaction ends nobody can declare it done, so tasks may be added; a done one becomes active again."""
    key = (Job.project_id == project.id, Job.batch_id == batch.id, Job.workflow_id == workflow.id, Job.origin == origin)
    job = session.scalar(select(Job).where(*key))
    if job is None:
        table = sqlite.insert(Job) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(Job)
        values = {
            "uid": new_uid(), "project_id": project.id, "batch_id": batch.id, "workflow_id": workflow.id,
            "origin": origin, "name": f"{batch.name} · {workflow.name}"[:200], "created_by": created_by,
        }  # fmt: skip
        session.execute(table.values(values).on_conflict_do_nothing())
        job = session.scalars(select(Job).where(*key)).one()
    adding(session, job)
    return job


def adding(session: Session, job: Job) -> None:
    """Call before adding tasks: until the transaction ends nobody declares the job done; a done one becomes active."""
    _share(session, job)
    wake(session, job)


def _share(session: Session, job: Job) -> None:
    if session.get_bind().dialect.name == "postgresql":
        # Meets the lock of `_ended`; several who add at once do not exclude each other.
        session.flush()
        session.refresh(job, ["status", "finished_at"], with_for_update={"read": True, "key_share": True})


def wake(session: Session, job: Job) -> None:
    """Make a done job active again, because there is new work in it."""
    if job.status == "done":
        job.status, job.finished_at = "active", None
        session.flush()


def counters(session: Session, jobs: Collection[int]) -> dict[int, dict[tuple[str, str], int]]:
    """Tasks per (stage, state) of each of these jobs (ids), in one query that reads an index only."""
    counts: dict[int, dict[tuple[str, str], int]] = {job: {} for job in jobs}
    query = select(Task.job_id, Task.stage, Task.state, func.count()).where(Task.job_id.in_(list(jobs)))
    for job, stage, state, count in session.execute(query.group_by(Task.job_id, Task.stage, Task.state)):
        counts[job][stage, state] = count
    return counts


def complete_if_done(session: Session, job: Job, project: Project, at: datetime) -> bool:
    """Mark a job done when the last of its tasks has ended. Never waits for others.

    Two people who end the last two tasks at the same moment do not see each other's, and somebody may be adding tasks
    right now; then it stays active and `sweep` decides a moment later."""
    if _any_unfinished(session, job.id) or not _ended(session, select(Job.id).where(Job.id == job.id)):
        return False
    session.refresh(job)
    _complete(session, job, project, at)
    return True


def sweep(session: Session, *, at: datetime | None = None, limit: int = 50) -> int:
    """Mark active jobs done whose tasks have all ended; returns how many. Called now and then, and when a queue is empty."""
    left = exists().where(Task.job_id == Job.id, Task.stage.in_(UNFINISHED))
    some = exists().where(Task.job_id == Job.id)
    found = _ended(session, select(Job.id).where(Job.status == "active", some, ~left).limit(limit))
    for job in session.scalars(select(Job).where(Job.id.in_(found)).execution_options(populate_existing=True)):
        _complete(session, job, session.get_one(Project, job.project_id), at or now())
    return len(found)


def _ended(session: Session, jobs: Select[int]) -> list[int]:
    # Who adds tasks holds a share of the job's row (`for_origin`, foreign keys); such jobs are passed over. Asked twice:
    # once the row is ours, what was added before we had it shows.
    ids = list(session.scalars(jobs.where(Job.status.in_(("active", "paused"))).with_for_update(skip_locked=True)))
    return [job for job in ids if not _any_unfinished(session, job)]


def _complete(session: Session, job: Job, project: Project, at: datetime) -> None:
    job.status, job.finished_at = "done", at
    session.flush()
    _emit(session, "job.completed", project, job, None, None, at)


def _lock(session: Session, job: Job) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.flush()
        session.refresh(job, with_for_update=True)


def _any_unfinished(session: Session, job_id: int) -> bool:
    return bool(session.scalar(select(exists().where(Task.job_id == job_id, Task.stage.in_(UNFINISHED)))))


def _any_task(session: Session, job_id: int) -> bool:
    return bool(session.scalar(select(exists().where(Task.job_id == job_id))))


def _status(session: Session, actor: Actor, job: Job, status: str, kind: str, allowed: set[str]) -> Job:
    project = _manage(session, actor, job)
    _lock(session, job)
    if job.status == status:
        return job
    if job.status not in allowed:
        raise Conflict(f"This job is {job.status}; it cannot become {status}.")
    job.status = status
    session.flush()
    _emit(session, kind, project, job, actor, None)
    return job


def _manage(session: Session, actor: Actor, job: Job) -> Project:
    project = session.get_one(Project, job.project_id)
    access.require(actor, "manage", project.team_id, "job")
    return project


def _emit(
    session: Session, kind: str, project: Project, job: Job, actor: Actor | None, data: Any, at: datetime | None = None
) -> None:
    events.emit(
        session, kind, team_id=project.team_id, project_id=project.id, actor=actor, job=job.id, data=data, at=at
    )


def _batch_id(project: Project, batch: Batch | None) -> int | None:
    if batch is not None and batch.project_id != project.id:
        raise NotFound("There is no such batch.")
    return batch.id if batch is not None else None


def _workflow(session: Session, project: Project, workflow: Workflow | None) -> Workflow:
    if workflow is None:
        return workflows.default_of(session, project.id)
    if workflow.project_id != project.id:
        raise NotFound("There is no such workflow.")
    return workflow


def _check(session: Session, project: Project, job: Job) -> None:
    problems = []
    job.options = job_options.parse(job.options) or None
    if not job.name or len(job.name) > 200:
        problems.append(Problem("A job needs a name of 1 to 200 characters.", "name"))
    if job.priority not in PRIORITIES:
        problems.append(Problem("A priority is a whole number from 1 to 1000; higher goes first.", "priority"))
    for limit, value in job.limits.items():
        if limit not in LIMITS or isinstance(value, bool) or not isinstance(value, int) or value < 0:
            problems.append(Problem("Limits are whole numbers, 0 or more, for objects and tags.", f"limits.{limit}"))
    wanted_of = {
        "allowed_classes": (LabelClass, job.allowed_classes),
        "allowed_attributes": (Attribute, job.allowed_attributes),
        "options.read_only_attributes": (Attribute, job_options.of(job).read_only_attributes),
    }
    for field, (table, wanted) in wanted_of.items():
        if wanted:
            known = set(session.scalars(select(table.name).where(table.project_id == project.id)))
            problems += [Problem(f"The ontology has no {name!r}.", field) for name in wanted if name not in known]
    if problems:
        raise Invalid(problems=problems)


def _put_members(session: Session, project: Project, job: Job, role: str, people: Collection[int]) -> None:
    if role not in MEMBER_ROLES:
        raise Invalid("People are on a job as labeler or reviewer.", field="role")
    able = access.RIGHTS[MEMBER_ROLES[role]]
    found = select(Membership.user_id, Membership.role).where(
        Membership.team_id == project.team_id, Membership.user_id.in_(list(people))
    )
    roles = dict(session.execute(found).all())
    for person in people:
        if roles.get(person) not in able:
            raise Invalid(f"A {role} must be a member of the team whose role allows it.", field=f"{role}s")
    session.execute(delete(JobMember).where(JobMember.job_id == job.id, JobMember.role == role))
    session.add_all(JobMember(job_id=job.id, user_id=person, role=role) for person in dict.fromkeys(people))
    session.flush()
