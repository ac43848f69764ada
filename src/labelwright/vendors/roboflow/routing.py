"""Where an image goes when labels were sent for it: into the dataset, into an annotation job, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Invalid
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, Task
from labelwright.services import items, jobs, steering
from labelwright.services.access import Actor
from labelwright.vendors.roboflow.board import NO_INSTRUCTIONS


@dataclass(frozen=True)
class Wish:
    """What the sender said of it. `dataset`: whether to the dataset, None when nothing was said; `job`: the name of the job
    that images are put into which do not go there; `stay`: a prediction that stays where it is."""

    prediction: bool = False
    dataset: bool | None = None
    job: str = ""
    stay: bool = False


def route(session: Session, actor: Actor, project: Project, item: Item, wish: Wish) -> None:
    """A prediction never joins the dataset. An image of an annotation job stays in it, unless the dataset is asked for; any
    other image joins the dataset, unless that is declined. What does not join goes to the job that was named, if any."""
    inside = item.accepted_at is not None
    in_job = not inside and steering.job_of(session, item.id) is not None
    if not wish.prediction and (wish.dataset or (wish.dataset is None and not in_job)):
        items.accept(session, project, [item.id])
        if in_job:
            _done(session, actor, item)
    elif wish.job and not (inside or in_job or wish.stay):
        _to_job(session, actor, project, item, wish)


def _done(session: Session, actor: Actor, item: Item) -> None:
    """An image that joined the dataset is nobody's work any more; labels that lack something stay with the labeler."""
    query = select(Task).join(Job, Job.id == Task.job_id).where(Task.item_id == item.id, Job.status != "archived")
    for task in session.scalars(query.where(Task.stage != "end").order_by(Task.id)):
        try:
            with session.begin_nested():
                steering.approve(session, actor, task, actor.user_id)
        except Invalid:
            session.refresh(task)


def _to_job(session: Session, actor: Actor, project: Project, item: Item, wish: Wish) -> None:
    job = _named(session, actor, project, item, wish.job)
    jobs.add_items(session, actor, job, [item.id])
    if not wish.prediction:
        return
    # What a model drew is to be reviewed. Labels that lack something stay with the labeler.
    task = session.scalars(select(Task).where(Task.job_id == job.id, Task.item_id == item.id)).one()
    try:
        with session.begin_nested():
            steering.hand_in(session, actor, task, actor.user_id)
    except Invalid:
        session.refresh(task)


def _named(session: Session, actor: Actor, project: Project, item: Item, name: str) -> Job:
    """The job of this name that was made this way; callers racing for it get the same one."""
    found = _there(session, project, name)
    if found is None:
        session.refresh(project, with_for_update={"key_share": True})
        found = _there(session, project, name)
    if found is not None:
        return found
    me = session.get_one(User, actor.user_id).id
    return jobs.create(
        session, actor, project, name, batch=session.get(Batch, item.batch_id), instructions=NO_INSTRUCTIONS,
        labelers=[me], reviewers=[me], items=[item.id], extra={"roboflow": {"by": "API", "named": True}},
    )  # fmt: skip


def _there(session: Session, project: Project, name: str) -> Job | None:
    query = select(Job).where(Job.project_id == project.id, Job.name == name, Job.status != "archived")
    rows = session.scalars(query.order_by(Job.id))
    return next((job for job in rows if ((job.extra or {}).get("roboflow") or {}).get("named")), None)
