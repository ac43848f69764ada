"""Tasks: walking along their workflow, and what managers do with them. Taking them is in `queue`, verdicts in `review`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden, Invalid, NotFound
from labelwright.geometry.document import Document
from labelwright.models.identity import Membership, User
from labelwright.models.items import Item
from labelwright.models.projects import Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import access, checks, documents, job_options, jobs, ontology, queue, workflows
from labelwright.services.access import Actor

REASON_LENGTH = 500
# The person who asks comes along: nearly every answer names them as holder or author.
_LOAD = (
    select(Task, Project, Job, Workflow, Item, User)
    .join(Project, Project.id == Task.project_id)
    .join(Job, Job.id == Task.job_id)
    .join(Workflow, Workflow.id == Job.workflow_id)
    .join(Item, Item.id == Task.item_id)
    .outerjoin(User, User.id == bindparam("me"))
)
_LOAD_BY_UID, _LOAD_BY_ID = _LOAD.where(Task.uid == bindparam("uid")), _LOAD.where(Task.id == bindparam("id"))


def load(session: Session, actor: Actor, ref: access.Ref, right: str = "view") -> Task:
    """A task by id or uid with its project, job, workflow and item (and who asks), in one query: the way to begin
    each call on a task."""
    uid, found = access.as_uid(ref), None
    if uid is not None:
        found = session.execute(_LOAD_BY_UID, {"uid": uid, "me": actor.user_id}).first()
    elif isinstance(ref, int):
        found = session.execute(_LOAD_BY_ID, {"id": ref, "me": actor.user_id}).first()
    if found is None or actor.workspace_id not in (None, found[1].workspace_id):
        raise NotFound("There is no such task.")
    access.require(actor, right, found[1].team_id, "task")
    # A session lets go of rows that nobody holds; kept here, `get_one` finds them without a query.
    session.info.setdefault("loaded", []).append(found)
    return found[0]


def steps(session: Session, task: Task) -> workflows.Steps:
    """The steps of a task's workflow."""
    job = session.get_one(Job, task.job_id)
    return workflows.steps_of(session.get_one(Workflow, job.workflow_id))


def submit(session: Session, actor: Actor, task: Task, lease: str | None, *, at: datetime | None = None) -> Task:
    """Hand in a labeled task: it goes to the next step that takes it, or ends.

    Raises `LeaseLost`, `Conflict` at a review step, and `Invalid` naming what is missing in the labels."""
    moment = at or now()
    queue.working(session, actor, task, lease)
    if task.stage != "label":
        raise Conflict("This task is under review: accept or reject it.", code="wrong_stage")
    job = session.get_one(Job, task.job_id)
    if job_options.of(job).no_submit:
        raise Conflict("Handing in is switched off for this job; what you saved is kept.", code="no_submit")
    document = check_labels(session, task)
    task.author_id, task.submitted_at, task.verdict = actor.user_id, moment, ""
    path = steps(session, task)
    target = path.enter(path.get(task.step).on_done, task.uid)
    move(session, task, target, moment)
    queue.tell(
        session, "task.submitted", task, actor, {"to": task.step if target else "end"} | drawn(document), at=moment
    )
    finish(session, task, moment)
    return task


def drawn(document: Document) -> dict[str, Any]:
    """What an event of handing in says of the labels: how many objects, and of how many a model was the first to draw."""
    return {"objects": len(document.objects), "assisted": sum(o.source == "model" for o in document.objects)}


def check_labels(session: Session, task: Task) -> Document:
    """The task's labels. Raises `Invalid` naming each fault that keeps them from being handed in."""
    project, job = session.get_one(Project, task.project_id), session.get_one(Job, task.job_id)
    item = session.get_one(Item, task.item_id)
    unknown = item.kind == "video" and item.frames <= 1 and item.media_state != "ready"
    document = documents.read(session, item.id).document
    problems = checks.check_submit(
        document,
        ontology.compiled(session, project),
        kind=item.kind,
        frames=None if unknown else item.frames,
        allowed_classes=job.allowed_classes,
        allowed_attributes=job.allowed_attributes,
        limits=job.limits,
    )
    if problems:
        raise Invalid(problems=problems)
    return document


def skip(
    session: Session, actor: Actor, task: Task, lease: str | None, reason: str, *, at: datetime | None = None
) -> Task:
    """Say that the task cannot be done as it is, and why. Managers see it and can reopen it."""
    queue.working(session, actor, task, lease)
    task.skip_reason = reason_of(reason)
    queue.put_back(task)
    task.state = "skipped"
    session.flush()
    queue.tell(session, "task.skipped", task, actor, {"reason": task.skip_reason, "stage": task.stage}, at=at)
    return task


def reopen(session: Session, actor: Actor, task: Task, step: str | None = None, *, at: datetime | None = None) -> Task:
    """Put a skipped or done task (or one held by somebody) back to work: at `step`, else where it was skipped, else at
    the first step. Managers only. A finished job becomes active again."""
    manage(session, actor, task)
    queue.lock(session, task)
    path = steps(session, task)
    if step is not None and step not in {s.key for s in path.steps}:
        raise Invalid(f"The workflow has no step {step!r}.", field="step")
    target = path.get(step) if step else path.get(task.step) if task.stage != workflows.END else path.first
    was = task.state
    if was in {"open", "waiting"} and target.key == task.step:
        raise Conflict("This task is open already.", code="task_open")
    move(session, task, target, at or now())
    task.skip_reason, task.verdict, task.finished_at = "", "", None
    if was == "waiting" or _media_missing(session, task):
        task.state = "waiting"
    jobs.wake(session, session.get_one(Job, task.job_id))
    session.flush()
    queue.tell(session, "task.reopened", task, actor, {"step": task.step, "was": was}, at=at)
    return task


def reassign(session: Session, actor: Actor, task: Task, user_id: int | None, *, at: datetime | None = None) -> Task:
    """Give an unfinished task to one person (None: to everybody again). Whoever else holds it loses it.

    Managers only. The person needs the right for the task's stage, and must not be its author when it is reviewed."""
    project = manage(session, actor, task)
    queue.lock(session, task)
    if task.state in {"done", "skipped"}:
        raise Conflict(f"This task is {task.state}; reopen it first.", code="task_done")
    if user_id is not None and not may_work(session, project, user_id, task.stage):
        raise Invalid(f"This person may not {task.stage} in this team.", field="assignee")
    own = task.stage == "review" and user_id == task.author_id and user_id is not None
    if own and not job_options.review_own(project, session.get_one(Job, task.job_id)):
        raise Conflict("People cannot review their own work in this project.", code="own_work")
    task.assignee_id = user_id
    if task.holder_id is not None and task.holder_id != user_id:
        state = task.state
        queue.put_back(task)
        task.state = "waiting" if state == "waiting" else "open"
    session.flush()
    queue.tell(session, "task.reassigned", task, actor, {"user": user_id}, at=at)
    return task


def set_priority(session: Session, actor: Actor, task: Task, priority: int, *, at: datetime | None = None) -> Task:
    """Change how soon the task is handed out (1 to 1000, higher first). Managers only."""
    manage(session, actor, task)
    if isinstance(priority, bool) or priority not in jobs.PRIORITIES:
        raise Invalid("A priority is a whole number from 1 to 1000; higher goes first.", field="priority")
    queue.lock(session, task)
    task.priority = priority
    session.flush()
    queue.tell(session, "task.changed", task, actor, {"priority": priority}, at=at)
    return task


def media_ready(session: Session, items: Collection[int]) -> int:
    """The media of these items (ids) is there: their waiting tasks can be taken. Returns how many opened."""
    return _move_state(session, items, "waiting", "open")


def media_failed(session: Session, items: Collection[int]) -> int:
    """The media of these items (ids) cannot be had: open tasks wait for a retry; held ones stay. Returns how many.

    The reason stands on the item; whoever found it out says `item.failed`."""
    return _move_state(session, items, "open", "waiting")


def move(
    session: Session, task: Task, target: workflows.Step | None, at: datetime, assignee: int | None = None
) -> None:
    """Put the task, free, at a step of its workflow, or at its end (None)."""
    queue.put_back(task)
    task.assignee_id = assignee
    if target is None:
        task.step, task.stage, task.state, task.finished_at = workflows.END, "end", "done", at
    else:
        task.step, task.stage = target.key, target.kind
    session.flush()


def finish(session: Session, task: Task, at: datetime) -> None:
    """When the task has ended: say so, and finish its job when it was the last one."""
    if task.stage != "end":
        return
    queue.tell(session, "task.completed", task, None, {"verdict": task.verdict}, at=at)
    job, project = session.get_one(Job, task.job_id), session.get_one(Project, task.project_id)
    jobs.complete_if_done(session, job, project, at)


def manage(session: Session, actor: Actor, task: Task) -> Project:
    """The task's project; raises unless the actor manages it."""
    project = session.get_one(Project, task.project_id)
    access.require(actor, "manage", project.team_id, "task")
    return project


def may_work(session: Session, project: Project, user_id: int, stage: str) -> bool:
    """Whether a person's role in the team allows the stage's work."""
    query = select(Membership.role).join(User, User.id == Membership.user_id)
    role = session.scalar(
        query.where(Membership.team_id == project.team_id, User.id == user_id, User.disabled.is_(False))
    )
    return role is not None and role in access.RIGHTS[stage]


def reason_of(text: str) -> str:
    """A reason, trimmed; raises `Invalid` when there is none."""
    reason = text.strip()
    if not reason or len(reason) > REASON_LENGTH:
        raise Invalid(f"Give a reason, in at most {REASON_LENGTH} characters.", field="reason")
    return reason


def each(
    session: Session, actor: Actor, refs: Iterable[access.Ref], right: str, act: Any
) -> list[tuple[access.Ref, str | None]]:
    """Do `act(task)` for many tasks; returns (reference, None or the reason why not) for each, in their order.

    One that is refused changes nothing and does not stop the others."""
    results: list[tuple[access.Ref, str | None]] = []
    for ref in dict.fromkeys(refs):
        try:
            with session.begin_nested():
                act(load(session, actor, ref, right))
            results.append((ref, None))
        except (Conflict, Invalid, NotFound, Forbidden) as error:
            results.append((ref, error.message))
    return results


def reopen_many(session: Session, actor: Actor, refs: Sequence[access.Ref]) -> list[tuple[access.Ref, str | None]]:
    """`reopen` for many tasks; see `each`."""
    return each(session, actor, refs, "manage", lambda task: reopen(session, actor, task))


def reassign_many(
    session: Session, actor: Actor, refs: Sequence[access.Ref], user_id: int | None
) -> list[tuple[access.Ref, str | None]]:
    """`reassign` for many tasks; see `each`."""
    return each(session, actor, refs, "manage", lambda task: reassign(session, actor, task, user_id))


def _media_missing(session: Session, task: Task) -> bool:
    return session.scalar(select(Item.media_state).where(Item.id == task.item_id)) != "ready"


def _move_state(session: Session, items: Collection[int], old: str, new: str) -> int:
    moved = 0
    ids = sorted(set(items))
    for start in range(0, len(ids), 500):
        which = (Task.item_id.in_(ids[start : start + 500]), Task.state == old)
        change = update(Task).where(*which).values(state=new, updated_at=now())
        result: Any = session.execute(change.execution_options(synchronize_session="fetch"))
        moved += result.rowcount
    return moved
