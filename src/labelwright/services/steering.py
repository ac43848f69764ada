"""Managers steering a job's tasks in the name of its people: handing in, judging, sending back, taking out.

The queue's own ways (`tasks`, `review`) take a lease and the person's own hands; a script that runs a job has neither. What
happens is told in the same events, with the manager as the actor. Whoever holds a task that is steered loses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import events, jobs, queue, tasks, workflows
from labelwright.services.access import Actor

CHUNK = 500


def job_of(session: Session, item_id: int) -> Job | None:
    """The newest job, not put away, that an item has a task in."""
    return session.scalar(_JOB_OF, {"item": item_id})


_JOB_OF = (
    select(Job)
    .join(Task, Task.job_id == Job.id)
    .where(Task.item_id == bindparam("item"), Job.status != "archived")
    .order_by(Task.id.desc())
    .limit(1)
)


def hand_in(session: Session, actor: Actor, task: Task, author_id: int | None, *, unchecked: bool = False) -> None:
    """Hand in a task at a label step for its author; its labels are checked as on any submit, unless `unchecked`."""
    tasks.manage(session, actor, task)
    queue.lock(session, task)
    if task.stage != "label":
        raise Conflict("This item has been handed in already.", code="wrong_stage")
    said = {} if unchecked else tasks.drawn(tasks.check_labels(session, task))
    moment, path = now(), tasks.steps(session, task)
    task.author_id, task.submitted_at, task.verdict = task.author_id or author_id, moment, ""
    target = path.enter(path.get(task.step).on_done, task.uid)
    tasks.move(session, task, target, moment)
    data = {"to": task.step if target else "end", "author": task.author_id} | said
    queue.tell(session, "task.submitted", task, actor, data, at=moment)
    tasks.finish(session, task, moment)


def approve(session: Session, actor: Actor, task: Task, author_id: int | None) -> None:
    """Let a task through to the end, from wherever it is."""
    tasks.manage(session, actor, task)
    queue.lock(session, task)
    if task.stage == "end" and task.verdict == "accepted":
        return
    tasks.check_labels(session, task)
    moment = now()
    task.author_id = task.author_id or author_id
    task.reviewer_id, task.verdict = actor.user_id, "accepted"
    tasks.move(session, task, None, moment)
    data = {"author": task.author_id, "edited": False, "returned": task.returned}
    queue.tell(session, "task.accepted", task, actor, data, at=moment)
    tasks.finish(session, task, moment)


def reject(session: Session, actor: Actor, task: Task, author_id: int | None, reason: str) -> None:
    """Send a task back to its first step with the verdict `rejected`, from wherever it is."""
    tasks.manage(session, actor, task)
    queue.lock(session, task)
    if task.stage == "label" and task.verdict == "rejected":
        return
    moment = now()
    task.author_id = task.author_id or author_id
    task.reviewer_id, task.verdict, task.returned = actor.user_id, "rejected", task.returned + 1
    _back(session, task, moment)
    data = {"author": task.author_id, "reason": reason, "returned": task.returned}
    queue.tell(session, "task.rejected", task, actor, data, at=moment)


def reopen(session: Session, actor: Actor, task: Task, step: str | None = None) -> None:
    """Put a task at `step` (None: its first) without a verdict."""
    tasks.manage(session, actor, task)
    queue.lock(session, task)
    path = tasks.steps(session, task)
    target, moment = path.get(step) if step else path.first, now()
    if task.stage == target.kind and task.step == target.key and not task.verdict:
        return
    task.verdict = ""
    if target.kind == "label":
        _back(session, task, moment)
    else:
        tasks.move(session, task, target, moment)
        task.finished_at = None
        jobs.wake(session, session.get_one(Job, task.job_id))
        session.flush()
    queue.tell(session, "task.reopened", task, actor, {"step": task.step}, at=moment)


def review_step(session: Session, task: Task) -> str | None:
    """The key of the workflow's first review step, if it has one."""
    return next((step.key for step in tasks.steps(session, task).steps if step.kind == "review"), None)


def take_out(session: Session, actor: Actor, job: Job, item_ids: Sequence[int]) -> int:
    """Take items out of a job with their tasks; the labels stay. How many tasks there were."""
    project = session.get_one(Project, job.project_id)
    gone = 0
    for start in range(0, len(item_ids), CHUNK):
        chunk = item_ids[start : start + CHUNK]
        which = delete(Task).where(Task.job_id == job.id, Task.item_id.in_(chunk))
        gone += session.execute(which.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    session.expire_all()
    if gone:
        data = {"fields": ["items"], "removed": gone}
        events.emit(
            session, "job.changed", team_id=project.team_id, project_id=project.id, actor=actor, job=job.id, data=data
        )
    return gone


def _back(session: Session, task: Task, at: datetime) -> None:
    first: workflows.Step = tasks.steps(session, task).first
    tasks.move(session, task, first, at)
    task.finished_at = None
    jobs.wake(session, session.get_one(Job, task.job_id))
    session.flush()
