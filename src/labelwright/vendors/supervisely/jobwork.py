"""What moves a labeling job: its status, verdicts on its entities, and starting anew with what was rejected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden, NotFound
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import jobs, queue, review, steering, tasks
from labelwright.vendors.supervisely import jobviews
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, keep
from labelwright.vendors.supervisely.jobs import plain
from labelwright.vendors.supervisely.jobviews import ENTITY_STATUSES, STATUSES, View
from labelwright.vendors.supervisely.wire import Refused

REJECTED = "Rejected through the API"
DONE = {"success": True}


def stop(ask: Ask) -> dict[str, Any]:
    """Stop a job: its people get no more of it from this moment on."""
    job = plain(ask)
    if _status(ask, job) == "completed":
        raise Refused(400, "This labeling job is completed; there is nothing to stop.")
    set_status(ask, job, "stopped")
    return DONE


def change_status(ask: Ask) -> dict[str, Any]:
    """Set a job's status, from any to any; its entities follow as far as that takes it."""
    set_status(ask, plain(ask), ask.text("status"))
    return DONE


def set_status(ask: Ask, job: Job, wanted: str) -> None:
    """Bring a job or a queue to a status. Raises `Refused` for a status that there is not."""
    if wanted not in STATUSES:
        raise Refused(400, f"status is one of {', '.join(STATUSES)}.")
    if job.status == "archived":
        raise Refused(400, "This labeling job is archived.")
    if _status(ask, job) != wanted:
        MOVES[wanted](ask, job)
        ask.session.flush()
    view = View(job)
    plainly = jobviews.derived(ask.session, view, jobviews.counts(ask.session, [view])[job.id])
    keep(job, status=None if plainly == wanted else {"shown": wanted, "over": plainly})
    ask.session.flush()


def _status(ask: Ask, job: Job) -> str:
    view = View(job)
    return jobviews.status(ask.session, view, jobviews.counts(ask.session, [view])[job.id])


def _to_stopped(ask: Ask, job: Job) -> None:
    jobs.resume(ask.session, ask.actor, job)
    if job.status == "active":
        jobs.pause(ask.session, ask.actor, job, at_once=True)


def _to_completed(ask: Ask, job: Job) -> None:
    jobs.finish(ask.session, ask.actor, job, at_once=True)


def _to_labeling(ask: Ask, job: Job) -> None:
    """Back to the labelers; when nothing was theirs any more, all that is not accepted is again."""
    jobs.resume(ask.session, ask.actor, job)
    count = jobviews.counts(ask.session, [View(job)])[job.id]
    if not count.labeling:
        for task in _tasks(ask, job, "review"):
            steering.reopen(ask.session, ask.actor, task)
            task.assignee_id = task.author_id
    job.started_at = job.started_at or now()


def _to_pending(ask: Ask, job: Job) -> None:
    _to_labeling(ask, job)
    job.started_at = None


def _to_review(ask: Ask, job: Job) -> None:
    """All that is left to label is handed in as it is; what had passed the review is reviewed again."""
    jobs.resume(ask.session, ask.actor, job)
    author, checks = jobviews.labeler_of(ask.session, job), jobviews.check_steps(ask.session, job)
    for task in _tasks(ask, job, "label"):
        steering.hand_in(ask.session, ask.actor, task, author, unchecked=True)
    for task in _tasks(ask, job, "review"):
        if task.step in checks:
            steering.reopen(ask.session, ask.actor, task, steering.review_step(ask.session, task))


def _to_checked(ask: Ask, job: Job) -> None:
    """The review is over; what is there goes on to the quality check, if the job has one."""
    _to_review(ask, job)
    steps = tasks.workflows.steps_of(ask.session.get_one(Workflow, job.workflow_id))
    second = next((step for step in steps.steps if step.key in jobviews.check_steps(ask.session, job)), None)
    for task in _tasks(ask, job, "review") if second is not None else ():
        steering.reopen(ask.session, ask.actor, task, second.key)  # type: ignore[union-attr]


MOVES: dict[str, Callable[[Ask, Job], None]] = {
    "pending": _to_pending,
    "in_progress": _to_labeling,
    "on_review": _to_review,
    "review_completed": _to_checked,
    "completed": _to_completed,
    "stopped": _to_stopped,
}


def _tasks(ask: Ask, job: Job, stage: str | None = None) -> list[Task]:
    query = select(Task).where(Task.job_id == job.id).order_by(Task.id)
    return list(ask.session.scalars(query if stage is None else query.where(Task.stage == stage)))


# --- entities ---------------------------------------------------------------------------------------------------------


def judge(ask: Ask) -> dict[str, Any]:
    """Set one entity's review status: a manager any, a reviewer a verdict, the labeler that it is done."""
    view, wanted = jobviews.find(ask, ask.whole("jobId")), ask.text("status")
    if wanted not in ENTITY_STATUSES:
        raise Refused(400, f"status is one of {', '.join(ENTITY_STATUSES)}.")
    entity = ask.whole("entityId")
    task = ask.session.scalar(select(Task).where(view.tasks, Task.item_id == entity))
    if task is None:
        raise NotFound(f"The entity {entity} is not in the labeling job {view.id}.")
    if jobviews.task_status(task.stage, task.verdict) == wanted:
        return DONE
    project = ask.session.get_one(Project, task.project_id)
    if ask.actor.may("manage", project.team_id):
        _steer(ask, view.job, task, wanted)
    else:
        _by_hand(ask, task, wanted)
    return DONE


def _steer(ask: Ask, job: Job, task: Task, wanted: str) -> None:
    session, actor = ask.session, ask.actor
    author = jobviews.labeler_of(session, job)
    if wanted == "accepted":
        steering.approve(session, actor, task, author)
    elif wanted == "rejected":
        reject(ask, task, author)
    elif wanted == "none":
        steering.reopen(session, actor, task)
    elif task.stage == "label":
        steering.hand_in(session, actor, task, author, unchecked=True)
    else:
        steering.reopen(session, actor, task, steering.review_step(session, task))


def reject(ask: Ask, task: Task, author: int | None) -> None:
    """Send an entity back to who labeled it."""
    steering.reject(ask.session, ask.actor, task, author, REJECTED)
    if task.author_id is not None and queue.on_job(ask.session, task.author_id, task.job_id, "label"):
        task.assignee_id = task.author_id
        ask.session.flush()


def _by_hand(ask: Ask, task: Task, wanted: str) -> None:
    """As the person does it in the editor, with the person's rights."""
    session, actor = ask.session, ask.actor
    found: list[tuple[Any, str | None]] = []
    if wanted == "done":
        queue.claim(session, actor, task)
        tasks.submit(session, actor, task, task.lease)
    elif wanted == "accepted":
        found = review.accept_many(session, actor, [task.id])
    elif wanted == "rejected":
        found = review.reject_many(session, actor, [task.id], REJECTED)
    else:
        raise Forbidden("Only a manager can take a status back.")
    if found and found[0][1] is not None:
        raise Conflict(found[0][1])


def reject_all(ask: Ask) -> dict[str, Any]:
    """Reject a job's entities: all of them, or those without a verdict."""
    view, mode = jobviews.find(ask, ask.whole("id"), "manage"), ask.text("mode", "all")
    if mode not in ("all", "unmarked"):
        raise Refused(400, "mode is all or unmarked.")
    author = jobviews.labeler_of(ask.session, view.job)
    for task in ask.session.scalars(select(Task).where(view.tasks).order_by(Task.id)).all():
        status = jobviews.task_status(task.stage, task.verdict)
        if status != "rejected" and (mode == "all" or status in ("none", "done")):
            reject(ask, task, author)
    return DONE


def restart(ask: Ask) -> list[dict[str, Any]]:
    """New jobs of what was rejected, one for each person; the old one is completed unless it is to stay."""
    job = plain(ask)
    rejected = [t.item_id for t in _tasks(ask, job) if jobviews.task_status(t.stage, t.verdict) == "rejected"]
    if not rejected:
        raise Refused(400, "No images found: nothing of this labeling job is rejected.")
    project = ask.session.get_one(Project, job.project_id)
    labeler = jobviews.labeler_of(ask.session, job)
    users = ask.wholes("userIds", [labeler] if labeler is not None else [], most=200)
    if not users:
        raise Refused(400, "userIds is empty: name the people who are to label.")
    reviewers = [u for u, role in ((u.id, role) for u, role in jobs.members(ask.session, job)) if role == "reviewer"]
    reviewer = ask.whole("reviewerId", reviewers[0] if reviewers else ask.actor.user_id)
    kept = {name: extra_of(job)[name] for name in ("job",) if name in extra_of(job)}
    if ask.flag("completeExisting", True):
        jobs.finish(ask.session, ask.actor, job)
    made = [
        jobs.create(
            ask.session,
            ask.actor,
            project,
            ask.text("name", job.name, most=200),
            workflow=ask.session.get_one(Workflow, job.workflow_id),
            batch=ask.session.get(Batch, job.batch_id) if job.batch_id else None,
            instructions=job.instructions,
            description=job.description,
            priority=job.priority,
            allowed_classes=job.allowed_classes,
            allowed_attributes=job.allowed_attributes,
            limits=job.limits,
            options=job.options,
            labelers=[user],
            reviewers=[reviewer],
            items=rejected,
            extra={
                **{name: value for name, value in (job.extra or {}).items() if name == "notes"},
                "supervisely": kept,
            },
        )
        for user in dict.fromkeys(users)
    ]
    return [
        {"id": row.id, "userId": user, "type": "annotation", "name": row.name}
        for row, user in zip(made, dict.fromkeys(users), strict=True)
    ]


METHODS: Methods = {
    "jobs.stop": Method(stop, write=True),
    "jobs.set-status": Method(change_status, write=True),
    "jobs.entities.update-review-status": Method(judge, write=True),
    "jobs.reject": Method(reject_all, write=True),
    "jobs.restart": Method(restart, write=True),
}
