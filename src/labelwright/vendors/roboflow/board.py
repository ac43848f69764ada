"""The board: where each image stands, told from our own rows.

Unassigned: in a batch, in no job, not in the dataset. Annotating and Review: in a job, not in the dataset. Dataset: accepted.
An image is in one of them at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, JobMember, Task
from labelwright.services import batches
from labelwright.vendors.roboflow import wire

NO_INSTRUCTIONS = "No instructions provided"
STATUSES = ("approved", "rejected", "annotated", "unannotated")
COLUMNS = (Task.stage, Task.state, Task.verdict, Task.extra, Item.source, DocumentHead.version, DocumentHead.objects)


def status(row: Any) -> str:
    """Where an image of a job stands, of `COLUMNS`."""
    if row.stage == "end":
        return "approved"
    if row.stage == "review":
        return "annotated"
    if row.verdict == "rejected":
        return "rejected"
    unset = ((row.extra or {}).get("roboflow") or {}).get("unannotated")
    if unset is not None and unset == (row.version or 0):
        return "unannotated"
    return "annotated" if row.version or empty(row) else "unannotated"


def empty(row: Any) -> bool:
    """Whether somebody said of an image (an `Item`, or a row of `COLUMNS`) that nothing is in it."""
    return bool(((row.source or {}).get("roboflow") or {}).get("empty"))


def in_job(job_id: int) -> Any:
    """Tasks of a job whose images are in it still: those in the dataset have left."""
    return (
        select(Task.id.label("task_id"), Item.id.label("item_id"), Item.uid, Item.name, Item.split, Item.tags,
               Item.width, Item.height, Item.created_at, *COLUMNS)
        .join(Item, Item.id == Task.item_id)
        .outerjoin(DocumentHead, (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN))
        .where(Task.job_id == job_id, Item.accepted_at.is_(None), _here())
        .order_by(Item.id)
    )  # fmt: skip


def _here() -> Any:
    """Of several jobs that have an image, the one that got it last counts; jobs of our own pages may share images."""
    newer, job = aliased(Task), aliased(Job)
    return ~exists().where(
        newer.item_id == Task.item_id, newer.id > Task.id, job.id == newer.job_id, job.status != "archived"
    )


def unassigned(project: Project, batch_ids: Iterable[int]) -> Select[Item]:
    """Images of these batches that are in no job and not in the dataset, oldest first."""
    tasked = exists().where(Task.item_id == Item.id, Task.job_id == Job.id, Job.status != "archived")
    return (
        select(Item)
        .where(Item.project_id == project.id, Item.batch_id.in_(list(batch_ids)), Item.accepted_at.is_(None), ~tasked)
        .order_by(Item.id)
    )


def counts(session: Session, job_ids: Collection[int]) -> dict[int, Counter[str]]:
    """Images of each of these jobs by status; they sum to the images in the job."""
    found: dict[int, Counter[str]] = {job_id: Counter() for job_id in job_ids}
    query = (
        select(Task.job_id, *COLUMNS)
        .join(Item, Item.id == Task.item_id)
        .outerjoin(DocumentHead, (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN))
        .where(Task.job_id.in_(list(job_ids)), Item.accepted_at.is_(None), _here())
    )
    for row in session.execute(query):
        found[row.job_id][status(row)] += 1
        found[row.job_id]["stage:" + row.stage] += 1
    return found


def job_status(job: Job, count: Counter[str]) -> str:
    """`assigned`, `review` or `complete`."""
    total = sum(count[s] for s in STATUSES)
    if not total or count["stage:end"] == total:
        return "complete"
    if _kept(job).get("status") == "review" or not count["stage:label"]:
        return "review"
    return "assigned"


def _kept(job: Job) -> dict[str, Any]:
    return (job.extra or {}).get("roboflow") or {}


def keep(job: Job, **values: Any) -> None:
    """Note something on the job that only this API knows."""
    job.extra = {**(job.extra or {}), "roboflow": {**_kept(job), **values}}


def described_jobs(session: Session, project: Project, rows: list[Job]) -> list[dict[str, Any]]:
    """Jobs as clients read them."""
    ids = [job.id for job in rows]
    people: dict[tuple[int, str], User] = {}
    query = select(JobMember.job_id, JobMember.role, User).join(User, User.id == JobMember.user_id)
    for job_id, role, user in session.execute(query.where(JobMember.job_id.in_(ids)).order_by(User.id)):
        people.setdefault((job_id, role), user)
    places = dict(session.execute(select(Batch.id, Batch.uid).where(Batch.project_id == project.id)).all())
    found = counts(session, ids)
    return [_job(project, job, found[job.id], people, places) for job in rows]


def _job(
    project: Project, job: Job, count: Counter[str], people: dict[Any, User], places: dict[Any, Any]
) -> dict[str, Any]:
    owner = wire.short(project.uid)
    labeler, reviewer = people.get((job.id, "labeler")), people.get((job.id, "reviewer"))
    batch = places.get(job.batch_id)
    return {
        "id": wire.short(job.uid), "name": job.name, "status": job_status(job, count), "owner": owner, "project": owner,
        "sourceBatch": f"{owner}/{wire.short(batch)}" if batch else "", "createdBy": _kept(job).get("by", ""),
        "created": wire.stamp(job.created_at), "labeler": labeler.email if labeler else "",
        "reviewer": reviewer.email if reviewer else "", "assigned_to": labeler.email if labeler else "",
        "numImages": sum(count[s] for s in STATUSES), **{s: count[s] for s in STATUSES},
        "instructionsText": job.instructions,
    }  # fmt: skip


def described_batches(session: Session, project: Project, rows: list[Batch]) -> list[dict[str, Any]]:
    """Batches as clients read them. `images`: all in the batch; `unassigned`: those in no job and not in the dataset."""
    ids = [row.id for row in rows]
    sizes = _grouped(session, select(Item.batch_id, func.count()).where(Item.batch_id.in_(ids)).group_by(Item.batch_id))
    free = unassigned(project, ids).with_only_columns(Item.batch_id, func.count()).order_by(None)
    left = _grouped(session, free.group_by(Item.batch_id))
    jobs = select(Job.batch_id, func.count()).where(Job.batch_id.in_(ids), Job.status != "archived")
    worked = _grouped(session, jobs.group_by(Job.batch_id))
    return [
        {
            "id": wire.short(row.uid), "name": row.name, "images": sizes.get(row.id, 0),
            "unassigned": left.get(row.id, 0), "numJobs": worked.get(row.id, 0),
            "status": "unassigned" if left.get(row.id) else "assigned" if sizes.get(row.id) else "empty",
            "uploaded": wire.stamp(row.created_at),
        }
        for row in rows
    ]  # fmt: skip


def _grouped(session: Session, query: Any) -> dict[int, int]:
    found: Any = session.execute(query).all()
    return dict(found)


def shown_batches(session: Session, project: Project) -> list[Batch]:
    """All batches but a default one that nobody has put anything into."""
    rows = batches.of_project(session, project)
    used = set(session.scalars(select(Item.batch_id).where(Item.project_id == project.id).distinct()))
    return [row for row in rows if not row.is_default or row.id in used]


def image(row: Any) -> dict[str, Any]:
    """An image in the lists of batches and jobs; of an `Item`, or of a row of `in_job`."""
    return {
        "id": wire.short(row.uid), "name": row.name, "split": row.split or "train", "tags": row.tags or [],
        "width": row.width, "height": row.height, "created": wire.milliseconds(row.created_at),
    }  # fmt: skip
