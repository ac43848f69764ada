"""Annotation jobs: making them, the established lists, and the administration routes with the whole life of a job."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, NotFound
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import identity, items, jobs, steering
from labelwright.vendors.roboflow import annotate, board, wire
from labelwright.vendors.roboflow.asking import Ask, items_of
from labelwright.vendors.roboflow.batches import page
from labelwright.vendors.roboflow.board import NO_INSTRUCTIONS
from labelwright.vendors.roboflow.wire import Refused

REJECTED = "Rejected through the API"
SPLITS = ("preset", "split", "train", "valid", "test")


def _rows(session: Session, project: Project) -> list[Job]:
    query = select(Job).where(Job.project_id == project.id, Job.status != "archived").order_by(Job.id)
    return list(session.scalars(query))


def listed(ask: Ask) -> dict[str, Any]:
    """All annotation jobs."""
    project = ask.project()
    return {"jobs": board.described_jobs(ask.session, project, _rows(ask.session, project))}


def one(ask: Ask) -> dict[str, Any]:
    """One job, flat."""
    project = ask.project()
    return _flat(ask, project, ask.job(project, ask.params["job"]))


def _flat(ask: Ask, project: Project, job: Job) -> dict[str, Any]:
    ask.session.flush()
    return board.described_jobs(ask.session, project, [job])[0]


def admin_listed(ask: Ask) -> dict[str, Any]:
    """Jobs page by page; those that every image has left when asked for."""
    project = ask.project()
    rows = _rows(ask.session, project)
    described = dict(zip((r.id for r in rows), board.described_jobs(ask.session, project, rows), strict=True))
    if not wire.flag(ask.query.get("showEmpty")):
        rows = [row for row in rows if described[row.id]["numImages"]]
    part, after = page(ask, rows, lambda row: row.id)
    return {"jobs": [described[row.id] for row in part], "after": after}


def images(ask: Ask) -> dict[str, Any]:
    """The images in a job with their statuses, page by page."""
    project = ask.project()
    job = ask.job(project, ask.params["job"])
    rows = list(ask.session.execute(board.in_job(job.id)))
    part, after = page(ask, rows, lambda row: row.item_id)
    return {"images": [{**board.image(row), "status": board.status(row)} for row in part], "after": after}


# --- making and filling ---------------------------------------------------------------------------------------------


def create(ask: Ask) -> dict[str, Any]:
    """A job of the first so many unassigned images of a batch; null or no number: all of them."""
    project, body = ask.project("manage"), ask.body
    ref = wire.text(body, "batchId", "batch")
    if not ref:
        raise Refused(400, "batch is missing: the id of a batch of this project.")
    batch = ask.batch(project, ref)
    number = wire.whole(body, "numImages", wire.whole(body, "num_images", None, least=1), least=1)
    labeler, reviewer = _people(ask, body)
    # Of callers who take images out of the same batch at once each gets others.
    ask.session.refresh(batch, with_for_update={"key_share": True})
    query = board.unassigned(project, [batch.id]).with_only_columns(Item.id)
    ids = list(ask.session.scalars(query.limit(number) if number else query))
    if not ids:
        raise Conflict(f"The batch {batch.name!r} has no unassigned images.")
    name = wire.text(body, "name", most=200) or _next_name(ask.session, project)
    text = wire.text(body, "instructions", "instructionText", "instructionsText") or NO_INSTRUCTIONS
    job = jobs.create(
        ask.session, ask.actor, project, name, batch=batch, instructions=text, labelers=[labeler.id],
        reviewers=[reviewer.id], items=ids, extra={"roboflow": {"by": "API", "status": "assigned"}},
    )  # fmt: skip
    return _flat(ask, project, job)


def _next_name(session: Session, project: Project) -> str:
    return f"API Job {len(_rows(session, project)) + 1}"


def _people(ask: Ask, body: dict[str, Any]) -> tuple[User, User]:
    """Labeler and reviewer; who is not named reviews their own, as there. Raises `NotFound` for strangers."""
    labeler = wire.text(body, "labelerEmail")
    assignees = body.get("assignees")
    if not labeler and isinstance(assignees, list) and assignees and isinstance(assignees[0], str):
        labeler = assignees[0]
    labeler = labeler or ask.actor.email
    reviewer = wire.text(body, "reviewerEmail") or labeler
    return person(ask, labeler), person(ask, reviewer)


def person(ask: Ask, email: str) -> User:
    """A member of the team by address."""
    return identity.user_by_email(ask.session, ask.actor, email)


def reassign(ask: Ask) -> dict[str, Any]:
    """A new job of these images, wherever they are now."""
    project, body = ask.project("manage"), ask.body
    rows = items_of(ask.session, project, wire.texts(body, "imageIds"))
    if not wire.text(body, "labelerEmail"):
        raise Refused(400, "labelerEmail is missing.")
    labeler, reviewer = _people(ask, body)
    ids = [row.id for row in rows]
    _leave(ask, project, ids)
    text = wire.text(body, "instructions") or NO_INSTRUCTIONS
    name = wire.text(body, "name", most=200) or _next_name(ask.session, project)
    batch = ask.session.scalar(select(Item.batch_id).where(Item.id == ids[0]))
    job = jobs.create(
        ask.session, ask.actor, project, name, instructions=text, labelers=[labeler.id], reviewers=[reviewer.id],
        items=ids, extra={"roboflow": {"by": "API", "status": "assigned"}},
    )  # fmt: skip
    job.batch_id = batch
    return _flat(ask, project, job)


def add_images(ask: Ask) -> dict[str, Any]:
    """Move images into a job, wherever they are now."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    ids = [row.id for row in items_of(ask.session, project, wire.texts(ask.body, "imageIds"))]
    inside = {row.item_id for row in ask.session.execute(board.in_job(job.id))}
    moving = [i for i in ids if i not in inside]
    _leave(ask, project, moving)
    jobs.add_items(ask.session, ask.actor, job, moving)
    return _flat(ask, project, job)


def _leave(ask: Ask, project: Project, ids: list[int]) -> None:
    """Take images out of their jobs and out of the dataset: each is in one place."""
    query = select(Task.job_id).join(Job, Job.id == Task.job_id).where(Task.item_id.in_(ids), Job.status != "archived")
    for job_id in sorted(set(ask.session.scalars(query))):
        steering.take_out(ask.session, ask.actor, ask.session.get_one(Job, job_id), ids)
    if ids:
        items.withdraw(ask.session, project, ids)
        ask.session.expire_all()


def change(ask: Ask) -> dict[str, Any]:
    """Change exactly one of labeler, reviewer and instructions."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    given = [name for name in ("labelerEmail", "reviewerEmail", "instructions") if ask.body.get(name) is not None]
    if len(given) != 1:
        raise Refused(400, "Send exactly one of labelerEmail, reviewerEmail and instructions.")
    text = wire.text(ask.body, given[0])
    if given[0] == "instructions":
        jobs.change(ask.session, ask.actor, job, instructions=text)
        return _flat(ask, project, job)
    role = {"labelerEmail": "labeler", "reviewerEmail": "reviewer"}[given[0]]
    _hand_over(ask, job, role, person(ask, text))
    return _flat(ask, project, job)


def _hand_over(ask: Ask, job: Job, role: str, user: User) -> None:
    jobs.set_members(ask.session, ask.actor, job, role, [user.id])
    stage = {"labeler": "label", "reviewer": "review"}[role]
    for task in ask.session.scalars(select(Task).where(Task.job_id == job.id, Task.stage == stage)):
        if task.assignee_id not in (None, user.id):
            task.assignee_id = None
    ask.session.flush()


# --- the life of a job -----------------------------------------------------------------------------------------------


def _labeler(ask: Ask, job: Job) -> int | None:
    return next((user.id for user, role in jobs.members(ask.session, job) if role == "labeler"), None)


def _tasks(ask: Ask, job: Job, *, only: set[str] | None = None) -> list[tuple[Task, str]]:
    """The job's tasks with the status of their images; `only`: those of these statuses."""
    rows = [(row.task_id, board.status(row)) for row in ask.session.execute(board.in_job(job.id))]
    return [(ask.session.get_one(Task, tid), state) for tid, state in rows if only is None or state in only]


def submit(ask: Ask) -> dict[str, Any]:
    """Hand the job to its reviewer: annotated images go to review; unannotated ones stay with the labeler."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    if _flat(ask, project, job)["status"] == "review":
        raise Conflict("This job is in review already.")
    ready = [t for t, _ in _tasks(ask, job, only={"annotated", "rejected"}) if t.stage == "label"]
    if not ready:
        raise Conflict("No image of this job is annotated yet.")
    for task in ready:
        steering.hand_in(ask.session, ask.actor, task, _labeler(ask, job))
    board.keep(job, status="review")
    return _flat(ask, project, job)


def return_edits(ask: Ask) -> dict[str, Any]:
    """Send the job back to labeling: what is not approved goes to the labeler, or to a new one."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    if _flat(ask, project, job)["status"] != "review":
        raise Conflict("This job is not in review.")
    email = wire.text(ask.body, "newLabelerEmail")
    if email:
        _hand_over(ask, job, "labeler", person(ask, email))
    for task, _ in _tasks(ask, job):
        if task.stage == "review":
            steering.reopen(ask.session, ask.actor, task)
    board.keep(job, status="assigned")
    return _flat(ask, project, job)


def review_image(ask: Ask) -> dict[str, Any]:
    """Set one image's status."""
    project = ask.project("manage")
    job, wanted = ask.job(project, ask.params["job"]), _status(ask.body, "status")
    item = ask.item(project, ask.params["image"])
    for task, old in _tasks(ask, job):
        if task.item_id == item.id:
            _set(ask, job, task, old, wanted)
            return {"success": True, "id": wire.short(item.uid), "status": wanted, "job": _flat(ask, project, job)}
    raise NotFound("This image is not in that annotation job.")


def review_images(ask: Ask) -> dict[str, Any]:
    """Set the status of all images that have `currentStatus`."""
    project = ask.project("manage")
    job, wanted = ask.job(project, ask.params["job"]), _status(ask.body, "status")
    found = _tasks(ask, job, only={_status(ask.body, "currentStatus")})
    for task, old in found:
        _set(ask, job, task, old, wanted)
    return {"success": True, "updated": len(found), "job": _flat(ask, project, job)}


def _status(body: dict[str, Any], name: str) -> str:
    value = wire.text(body, name)
    if value not in board.STATUSES:
        raise Refused(400, f"{name} must be one of {', '.join(board.STATUSES)}.")
    return value


def _set(ask: Ask, job: Job, task: Task, old: str, wanted: str) -> None:
    if old == wanted:
        return
    author = _labeler(ask, job)
    if wanted in ("approved", "rejected") and old == "unannotated":
        raise Conflict("This image is not annotated yet.")
    if wanted == "approved":
        steering.approve(ask.session, ask.actor, task, author)
    elif wanted == "rejected":
        steering.reject(ask.session, ask.actor, task, author, REJECTED)
    elif wanted == "annotated":
        if old == "unannotated" and not (_labeled(ask, task) or board.empty(ask.session.get_one(Item, task.item_id))):
            raise Conflict("This image has no labels.")
        _remember(task, None)
        reviewing = ((job.extra or {}).get("roboflow") or {}).get("status") == "review" or task.stage == "end"
        steering.reopen(ask.session, ask.actor, task, steering.review_step(ask.session, task) if reviewing else None)
    else:
        steering.reopen(ask.session, ask.actor, task)
        _remember(task, _labeled(ask, task))
    ask.session.flush()


def _labeled(ask: Ask, task: Task) -> int:
    query = select(DocumentHead.version).where(DocumentHead.item_id == task.item_id, DocumentHead.layer == MAIN)
    return ask.session.scalar(query) or 0


def _remember(task: Task, unannotated: int | None) -> None:
    """Note at which version of its labels an image was called unannotated; the next save makes it annotated again."""
    kept = {k: v for k, v in ((task.extra or {}).get("roboflow") or {}).items() if k != "unannotated"}
    task.extra = {
        **(task.extra or {}),
        "roboflow": kept if unannotated is None else {**kept, "unannotated": unannotated},
    }


def accept(ask: Ask) -> dict[str, Any]:
    """Take images of the chosen statuses into the dataset; they leave the job."""
    project, body = ask.project("manage"), ask.body
    job = ask.job(project, ask.params["job"])
    method = wire.text(body, "splitMethod") or "preset"
    if method not in SPLITS:
        raise Refused(400, f"splitMethod must be one of {', '.join(SPLITS)}.")
    wanted = set(wire.texts(body, "statusesToInclude", needed=False) or ["approved"])
    if not wanted <= set(board.STATUSES):
        raise Refused(400, f"statusesToInclude holds one or more of {', '.join(board.STATUSES)}.")
    chosen = _tasks(ask, job, only=wanted)
    refs = wire.texts(body, "imageIds", needed=False)
    if refs:
        ids = {row.id for row in items_of(ask.session, project, refs)}
        chosen = [(task, state) for task, state in chosen if task.item_id in ids]
    if not chosen:
        raise Conflict("No image of this job has one of the chosen statuses.")
    ids_in_order = [task.item_id for task, _ in chosen]
    splits = _splits(body, method, len(chosen))
    for split in dict.fromkeys(splits):
        part = [i for i, s in zip(ids_in_order, splits, strict=True) if s == split]
        items.accept(ask.session, project, part, split)
    _end(ask, job, [task for task, _ in chosen])
    done = _flat(ask, project, job)
    counted = {s: splits.count(s) for s in ("train", "valid", "test")} if method != "preset" else {}
    return {"success": True, "accepted": len(chosen), "splits": counted, "job": done}


def _splits(body: dict[str, Any], method: str, total: int) -> list[str | None]:
    """The split of each image. `split` takes the counts in order; they must sum to the images that are accepted."""
    if method == "preset":
        return [None] * total
    if method != "split":
        return [method] * total
    names = ("train", "valid", "test")
    counts = [wire.whole(body, f"{name}Count", 0) for name in names]
    if sum(counts) != total:
        raise Refused(
            400, f"trainCount, validCount and testCount sum to {sum(counts)}, but {total} images are accepted."
        )
    return [name for name, count in zip(names, counts, strict=True) for _ in range(count)]


def _end(ask: Ask, job: Job, ending: list[Task]) -> None:
    """Accepted images' tasks are over; those that nobody approved are approved by this."""
    for task in ending:
        if task.stage != "end":
            steering.approve(ask.session, ask.actor, task, _labeler(ask, job))


def move_to_unassigned(ask: Ask) -> dict[str, Any]:
    """Take a job away; its images are unassigned in their batches again."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    moved = len(_tasks(ask, job))
    batch = job.batch_id
    jobs.remove(ask.session, ask.actor, job)
    rows = [row for row in board.shown_batches(ask.session, project) if row.id == batch]
    described = board.described_batches(ask.session, project, rows)
    return {"success": True, "moved": moved, "batch": described[0] if described else None}


def delete_annotations(ask: Ask) -> dict[str, Any]:
    """Take away all labels of the job's images, which are to be annotated anew."""
    project = ask.project("manage")
    job = ask.job(project, ask.params["job"])
    found = _tasks(ask, job)
    cleared = annotate.clear(ask.session, ask.actor, [task.item_id for task, _ in found])
    for task, _ in found:
        steering.reopen(ask.session, ask.actor, task)
        _remember(task, _labeled(ask, task))
    board.keep(job, status="assigned")
    return {"success": True, "cleared": cleared, "job": _flat(ask, project, job)}
