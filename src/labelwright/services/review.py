"""Review: a verdict on submitted work. Accepted work goes on; rejected work returns to its author with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict
from labelwright.models.documents import MAIN, Revision
from labelwright.models.projects import Project
from labelwright.models.work import Comment, Task
from labelwright.services import access, queue, tasks
from labelwright.services.access import Actor


def accept(
    session: Session,
    actor: Actor,
    task: Task,
    lease: str | None,
    comment: str = "",
    *,
    at: datetime | None = None,
) -> Task:
    """Accept the work, as it is or as the reviewer has edited it: the task goes to the next step, or ends."""
    moment = at or now()
    _holds(session, actor, task, lease)
    return _accept(session, actor, task, comment, moment)


def reject(
    session: Session,
    actor: Actor,
    task: Task,
    lease: str | None,
    reason: str,
    comment: str = "",
    *,
    at: datetime | None = None,
) -> Task:
    """Send the work back to its author (to everybody, when they may no longer label here) with a reason.

    Reason and comment become a comment on the item, where the author sees it."""
    moment = at or now()
    _holds(session, actor, task, lease)
    return _reject(session, actor, task, reason, comment, moment)


def accept_many(
    session: Session, actor: Actor, refs: Sequence[access.Ref], comment: str = "", *, at: datetime | None = None
) -> list[tuple[access.Ref, str | None]]:
    """Accept many tasks unopened; returns (reference, None or the reason why not) for each. See `tasks.each`."""
    moment = at or now()

    def act(task: Task) -> None:
        _free(session, actor, task, moment)
        _accept(session, actor, task, comment, moment)

    return tasks.each(session, actor, refs, "review", act)


def reject_many(
    session: Session,
    actor: Actor,
    refs: Sequence[access.Ref],
    reason: str,
    comment: str = "",
    *,
    at: datetime | None = None,
) -> list[tuple[access.Ref, str | None]]:
    """Reject many tasks for one reason; returns (reference, None or the reason why not) for each."""
    moment = at or now()
    tasks.reason_of(reason)

    def act(task: Task) -> None:
        _free(session, actor, task, moment)
        _reject(session, actor, task, reason, comment, moment)

    return tasks.each(session, actor, refs, "review", act)


def edited(session: Session, task: Task, user_id: int) -> bool:
    """Whether this person changed the labels since the task was submitted."""
    since = task.submitted_at
    if since is None:
        return False
    mine = exists().where(
        Revision.item_id == task.item_id,
        Revision.layer == MAIN,
        Revision.actor_id == user_id,
        Revision.created_at >= since,
        Revision.task_id == task.id,
    )
    return bool(session.scalar(select(mine)))


def _accept(session: Session, actor: Actor, task: Task, comment: str, at: datetime) -> Task:
    changed = edited(session, task, actor.user_id)
    if changed:
        tasks.check_labels(session, task)
    path = tasks.steps(session, task)
    target = path.enter(path.get(task.step).on_accept, task.uid)
    task.reviewer_id, task.verdict = actor.user_id, "accepted"
    tasks.move(session, task, target, at)
    if comment.strip():
        _say(session, actor, task, "", comment, at)
    data = {"author": task.author_id, "edited": changed, "returned": task.returned}
    queue.tell(session, "task.accepted", task, actor, data, at=at)
    tasks.finish(session, task, at)
    return task


def _reject(session: Session, actor: Actor, task: Task, reason: str, comment: str, at: datetime) -> Task:
    reason = tasks.reason_of(reason)
    path = tasks.steps(session, task)
    target = path.get(path.get(task.step).on_reject)
    project, author = session.get_one(Project, task.project_id), task.author_id
    stays = (
        author is not None
        and tasks.may_work(session, project, author, "label")
        and queue.on_job(session, author, task.job_id, "label")
    )
    task.reviewer_id, task.verdict = actor.user_id, "rejected"
    task.returned += 1
    tasks.move(session, task, target, at, assignee=author if stays else None)
    _say(session, actor, task, reason, comment, at)
    data = {"author": author, "reason": reason, "returned": task.returned}
    queue.tell(session, "task.rejected", task, actor, data, at=at)
    return task


def _holds(session: Session, actor: Actor, task: Task, lease: str | None) -> None:
    queue.working(session, actor, task, lease)
    _at_review(session, actor, task)


def _free(session: Session, actor: Actor, task: Task, at: datetime) -> None:
    """The task can be judged without opening it: at review, not the actor's own, not in somebody else's hands."""
    _at_review(session, actor, task)
    queue.free_for(session, actor, task, at=at)


def _at_review(session: Session, actor: Actor, task: Task) -> None:
    if task.stage != "review":
        raise Conflict("This task is not under review.", code="wrong_stage")
    project = session.get_one(Project, task.project_id)
    access.require(actor, "review", project.team_id, "task")


def _say(session: Session, actor: Actor, task: Task, reason: str, text: str, at: datetime) -> None:
    session.add(
        Comment(project_id=task.project_id, item_id=task.item_id, task_id=task.id, author_id=actor.user_id,
                reason=reason[:60], body=text.strip() or reason, created_at=at, updated_at=at)
    )  # fmt: skip
    session.flush()
