"""Tasks: taking them, doing them, judging them, and what managers do with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import select
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.bodies import opened
from labelwright.api.bodies import work as bodies
from labelwright.api.forms import Form, Long, Number, Priority, Text
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.errors import NotFound
from labelwright.models.identity import Membership, User
from labelwright.models.projects import Project
from labelwright.models.work import Task
from labelwright.services import access, queue, review, tasks

routes = Routes(tags=["Tasks"])
Stage = Literal["label", "review"]
Lease = Annotated[Text, Field(min_length=1, max_length=100, description="The token you got with the task.")]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]
MANY = Annotated[list[Annotated[UUID, Field(strict=False)]], Field(min_length=1, max_length=1000)]


class Next(Form):
    """Which task you want. All may be left out."""

    project: UUID | None = Field(default=None, strict=False)
    stage: Stage | None = None


class Held(Form):
    """Proof that you hold the task."""

    lease: Lease


class Heartbeat(Held):
    """`seconds`: of active work since the last heartbeat."""

    seconds: Annotated[Number, Field(ge=0, le=86_400)] = 0.0


class Skip(Held):
    """Why the task cannot be done as it is."""

    reason: Reason


class Submit(Held):
    """`next`: answer with the next task of the same project and stage, taken in the same moment."""

    next: bool = False


class Accept(Submit):
    """A verdict; the comment goes to the author."""

    comment: Long = ""


class Reject(Submit):
    """A verdict; reason and comment go to the author."""

    reason: Reason
    comment: Long = ""


class TaskChange(Form):
    """What a manager changes. `assignee`: a member's uid, null: everybody again."""

    priority: Priority = 5
    assignee: UUID | None = Field(None, strict=False)


class Reopen(Form):
    """`step`: where the task goes on; left out: where it was skipped, else at the first step."""

    step: Annotated[Text, Field(min_length=1, max_length=40)] | None = None


class AcceptMany(Form):
    """Tasks to accept unopened."""

    tasks: MANY
    comment: Long = ""


class RejectMany(Form):
    """Tasks to return unopened, for one reason."""

    tasks: MANY
    reason: Reason
    comment: Long = ""


class NextBody(TypedDict):
    """The task you hold now."""

    task: str


class FollowingBody(TypedDict):
    """The task that probably comes next; null: none."""

    task: str | None


class DoneBody(TypedDict):
    """The task as it is now, and the one you hold next when you asked for it."""

    task: bodies.TaskBody
    next: str | None


class LeaseBody(TypedDict):
    """Until when you hold the task, and the seconds worked on it in all."""

    lease: str
    lease_until: datetime
    seconds: float


class VerdictBody(TypedDict):
    """What became of one task of many. `error` null: done."""

    task: str
    error: str | None


class VerdictsBody(TypedDict):
    """What became of each."""

    results: list[VerdictBody]


@routes.post("/tasks/next", responses={204: {"description": "There is nothing to do for you."}})
def next_task(call: Call, body: Next | None = None) -> NextBody:
    """Take the next task: what you hold already, then what was returned to you, then by priority and age."""
    asked = body or Next(project=None)
    project = access.project(call.session, call.actor, asked.project) if asked.project is not None else None
    task = queue.next_task(call.session, call.actor, project, asked.stage, minutes=_minutes(call))
    if task is None:
        return Response(status_code=204)  # type: ignore[return-value]
    return {"task": str(task.uid)}


@routes.get("/tasks/{uid}")
def get_task(call: Call, uid: UUID) -> bodies.TaskBody:
    """A task."""
    return bodies.task(call.session, tasks.load(call.session, call.actor, uid))


@routes.get("/tasks/{uid}/work")
def get_work(call: Call, uid: UUID) -> opened.WorkBody:
    """A task with its item, files, ontology, labels and comments: all that an editor needs."""
    return opened.work(call, tasks.load(call.session, call.actor, uid))


@routes.get("/tasks/{uid}/following")
def get_following(call: Call, uid: UUID) -> FollowingBody:
    """The task you would probably get after this one, to load it beforehand. Nothing is taken by asking."""
    found = queue.following(call.session, call.actor, tasks.load(call.session, call.actor, uid))
    return {"task": str(found.uid) if found else None}


@routes.post("/tasks/{uid}/claim")
def claim_task(
    call: Call,
    uid: UUID,
    known: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="The version of the labels that you have.")
    ] = None,
) -> opened.WorkBody:
    """Take this very task, or go on with it. The answer holds your lease. Labels you say to have are left out."""
    task = queue.claim(call.session, call.actor, tasks.load(call.session, call.actor, uid), minutes=_minutes(call))
    return opened.work(call, task, known)


@routes.post("/tasks/{uid}/heartbeat")
def heartbeat(call: Call, uid: UUID, body: Heartbeat) -> LeaseBody:
    """Say that you are at it: prolongs the lease and counts your time."""
    task = tasks.load(call.session, call.actor, uid)
    queue.heartbeat(call.session, call.actor, task, body.lease, body.seconds, minutes=_minutes(call))
    assert task.lease is not None
    assert task.lease_until is not None
    return {"lease": task.lease, "lease_until": task.lease_until, "seconds": task.seconds}


@routes.post("/tasks/{uid}/release")
def release_task(call: Call, uid: UUID, body: Held) -> bodies.TaskBody:
    """Give the task back; what was saved stays saved."""
    task = queue.release(call.session, call.actor, tasks.load(call.session, call.actor, uid), body.lease)
    return bodies.task(call.session, task)


@routes.post("/tasks/{uid}/skip")
def skip_task(call: Call, uid: UUID, body: Skip) -> bodies.TaskBody:
    """Say that the task cannot be done as it is."""
    task = tasks.skip(call.session, call.actor, tasks.load(call.session, call.actor, uid), body.lease, body.reason)
    return bodies.task(call.session, task)


@routes.post("/tasks/{uid}/submit")
def submit_task(call: Call, uid: UUID, body: Submit) -> DoneBody:
    """Hand in a labeled task. 422 with `problems` when labels are missing."""
    task = tasks.submit(call.session, call.actor, tasks.load(call.session, call.actor, uid), body.lease)
    return _done(call, task, body, "label")


@routes.post("/tasks/{uid}/accept")
def accept_task(call: Call, uid: UUID, body: Accept) -> DoneBody:
    """Accept the work under review, as it is or as you have edited it."""
    task = tasks.load(call.session, call.actor, uid)
    return _done(call, review.accept(call.session, call.actor, task, body.lease, body.comment), body, "review")


@routes.post("/tasks/{uid}/reject")
def reject_task(call: Call, uid: UUID, body: Reject) -> DoneBody:
    """Return the work to its author, with a reason."""
    task = tasks.load(call.session, call.actor, uid)
    review.reject(call.session, call.actor, task, body.lease, body.reason, body.comment)
    return _done(call, task, body, "review")


@routes.post("/tasks/accept")
def accept_tasks(call: Call, body: AcceptMany) -> VerdictsBody:
    """Accept many tasks unopened; each is answered for itself."""
    return _verdicts(review.accept_many(call.session, call.actor, body.tasks, body.comment))


@routes.post("/tasks/reject")
def reject_tasks(call: Call, body: RejectMany) -> VerdictsBody:
    """Return many tasks unopened for one reason; each is answered for itself."""
    return _verdicts(review.reject_many(call.session, call.actor, body.tasks, body.reason, body.comment))


@routes.post("/tasks/{uid}/reopen")
def reopen_task(call: Call, uid: UUID, body: Reopen | None = None) -> bodies.TaskBody:
    """Put a skipped or done task back to work. Managers only."""
    task = tasks.load(call.session, call.actor, uid, "manage")
    return bodies.task(call.session, tasks.reopen(call.session, call.actor, task, body.step if body else None))


@routes.patch("/tasks/{uid}")
def change_task(call: Call, uid: UUID, body: TaskChange) -> bodies.TaskBody:
    """Change how soon a task is handed out, or whom it is for. Managers only."""
    task = tasks.load(call.session, call.actor, uid, "manage")
    given = body.given()
    if "priority" in given:
        tasks.set_priority(call.session, call.actor, task, body.priority)
    if "assignee" in given:
        tasks.reassign(call.session, call.actor, task, _member(call, task, body.assignee))
    return bodies.task(call.session, task)


def _done(call: Call, task: Task, asked: Submit, stage: Stage) -> DoneBody:
    following = None
    if asked.next:
        project = call.session.get_one(Project, task.project_id)
        following = queue.next_task(call.session, call.actor, project, stage, minutes=_minutes(call))
    return {"task": bodies.task(call.session, task), "next": str(following.uid) if following else None}


def _verdicts(results: list[tuple[access.Ref, str | None]]) -> VerdictsBody:
    return {"results": [{"task": str(ref), "error": error} for ref, error in results]}


def _member(call: Call, task: Task, uid: UUID | None) -> int | None:
    if uid is None:
        return None
    team_id = call.session.get_one(Project, task.project_id).team_id
    query = select(User.id).join(Membership, Membership.user_id == User.id)
    found = call.session.scalar(query.where(Membership.team_id == team_id, User.uid == uid))
    if found is None:
        raise NotFound("There is no such person in this team.")
    return found


def _minutes(call: Call) -> int:
    return call.context.settings.lease_minutes
