"""Labeling queues: one of our jobs whose people pull item by item; returned work goes back to who did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from labelwright.errors import NotFound
from labelwright.models.items import Collection, CollectionItem, Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, Task
from labelwright.services import access, collections, jobs
from labelwright.vendors.supervisely import image_filters, jobsetup, jobviews, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of
from labelwright.vendors.supervisely.jobs import MOST_PEOPLE, put_away, wire_names
from labelwright.vendors.supervisely.jobviews import Counts, View
from labelwright.vendors.supervisely.jobwork import set_status
from labelwright.vendors.supervisely.known import known
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

FIELDS = {"id": Field(read=ID), "name": Field(), "projectId": Field(read=ID), "datasetId": Field(read=ID),
          "collectionId": Field(read=ID), "createdBy": Field(read=ID), "status": Field()}  # fmt: skip
ENTITY_FIELDS = {"id": Field(read=ID), "name": Field(), "jobId": Field(read=ID), "reviewStatus": Field()}


def add(ask: Ask) -> dict[str, Any]:
    """A new queue over a dataset or a collection."""
    collection = (
        collections.get(ask.session, ask.actor, ask.whole("collectionId"), "manage")
        if ask.has("collectionId")
        else None
    )
    batch = ask.batch(right="manage") if ask.has("datasetId") else None
    if batch is None and collection is None:
        raise Refused(400, "Send datasetId or collectionId.")
    home = batch.project_id if batch is not None else collection.project_id  # type: ignore[union-attr]
    project = access.project(ask.session, ask.actor, home, "manage")
    if collection is not None and collection.project_id != project.id:
        raise Refused(400, "The dataset and the collection are of different projects.")
    setup = jobsetup.read(ask, project)
    flags = ask.object("queueMeta", {})
    if wire.flag(flags.get("reviewOwnAnnotationsAvailable") or False, "queueMeta.reviewOwnAnnotationsAvailable"):
        setup.options["review_own"] = True
    reviewers = [
        *ask.wholes("reviewerIds", [], most=MOST_PEOPLE),
        *ask.wholes("qualityCheckUserIds", [], most=MOST_PEOPLE),
    ]
    if ask.has("reviewerId"):
        reviewers.append(ask.whole("reviewerId"))
    users = ask.wholes("userIds", most=MOST_PEOPLE)
    if not users or not reviewers:
        raise Refused(400, "A queue needs people who label (userIds) and who review (reviewerIds).")
    ids = _chosen(ask, batch, collection, setup)
    setup.kept |= {"queue": True, "queueMeta": flags, "collection": collection.id if collection else None,
                         "checkers": ask.wholes("qualityCheckUserIds", [])}  # fmt: skip
    job = jobs.create(
        ask.session, ask.actor, project, ask.text("name", most=200), batch=batch,
        workflow=jobsetup.workflow(ask.session, project, checked=setup.checked), instructions=ask.text("readme", ""),
        description=ask.text("description", ""), labelers=list(dict.fromkeys(users)),
        reviewers=list(dict.fromkeys(reviewers)), items=ids, extra=setup.extra(), **setup.of_job(),
    )  # fmt: skip
    return {"id": job.id}


def _chosen(ask: Ask, batch: Batch | None, collection: Collection | None, setup: jobsetup.Setup) -> list[int]:
    members = None
    if collection is not None:
        query = select(CollectionItem.item_id).where(CollectionItem.collection_id == collection.id)
        members = set(ask.session.scalars(query))
    found: list[int] = []
    if batch is not None:
        found = jobsetup.chosen(ask.session, batch, setup)
    elif members:
        found = jobsetup.among(ask.session, sorted(members), setup, f"the collection {collection.id}")  # type: ignore[union-attr]
    found = [i for i in found if members is None or i in members]
    if not found:
        raise Refused(400, "No images found for this labeling queue.")
    return found


def _queue(ask: Ask, name: str = "id", right: str = "view") -> Job:
    ref = ask.whole(name)
    job = access.job(ask.session, ask.actor, ref, right) if ref < jobviews.MEMBER else None
    if job is None or not jobviews.is_queue(job):
        raise NotFound(f"There is no labeling queue {ref}.")
    return job


def info(ask: Ask) -> dict[str, Any]:
    """One queue."""
    return described(ask, [_queue(ask)])[0]


def listed(ask: Ask) -> dict[str, Any]:
    """Queues of a team; archived ones only when asked for."""
    team = ask.team()
    homes = access.visible_projects(ask.actor).where(Project.team_id == team.id, Project.archived_at.is_(None))
    query = select(Job).where(Job.project_id.in_(homes.with_only_columns(Project.id)), jobviews.QUEUE)
    if not ask.flag("showDisabled", False):
        query = query.where(Job.status != "archived")
    return listing.at_hand(ask, described(ask, list(ask.session.scalars(query.order_by(Job.id)))), FIELDS)


def described(ask: Ask, rows: Sequence[Job]) -> list[dict[str, Any]]:
    """Queues as the package reads them."""
    views = {job.id: View(job) for job in rows}
    counts = jobviews.counts(ask.session, list(views.values()))
    members = jobviews.members(ask.session, rows)
    homes = {p.id: p for p in ask.session.scalars(select(Project).where(Project.id.in_({j.project_id for j in rows})))}
    names = {key: wire_names(known(ask.session, home)) for key, home in homes.items()}
    found = []
    for job in rows:
        count: Counts = counts[job.id]
        people = {role: [{"id": v.user} for v in members[job.id] if v.role == role] for role in jobviews.ROLE_OF}
        kept = extra_of(job)
        found.append({
            "id": job.id, "name": job.name, "readme": job.instructions, "description": job.description,
            "teamId": homes[job.project_id].team_id, "projectId": job.project_id, "datasetId": job.batch_id,
            "createdBy": job.created_by, "labelers": people["labeler"], "reviewers": people["reviewer"],
            "createdAt": wire.moment(job.created_at), "finishedAt": wire.moment(job.finished_at),
            "status": jobviews.status(ask.session, views[job.id], count), "disabled": job.status == "archived",
            "jobs": [{"id": view.id} for view in members[job.id]], "entitiesCount": count.total,
            "acceptedCount": count.accepted, "annotatedCount": count.done, "pendingCount": count.pool,
            "inProgressCount": count.labeling - count.pool, "meta": jobsetup.meta_json(job, *names[job.project_id]),
            "queueMeta": kept.get("queueMeta", {}), "collectionId": kept.get("collection"),
        })  # fmt: skip
    return found


def change_status(ask: Ask) -> dict[str, Any]:
    """Set a queue's status, as a job's."""
    set_status(ask, _queue(ask, right="manage"), ask.text("status"))
    return {"success": True}


def archive(ask: Ask) -> dict[str, Any]:
    """Put a queue away with the jobs of its people."""
    put_away(ask, _queue(ask, right="manage"))
    return {"success": True}


def entities(ask: Ask) -> dict[str, Any]:
    """Items of a queue page by page, sorted by name: `reviewStatus` null in the pool, `none` in somebody's hands, `done` on
    review, `accepted`."""
    job = _queue(ask)
    rows = [row for row in _entities(ask, job) if _wanted(ask, row)]
    chosen = _narrowed(ask, job)
    rows = [row for row in rows if chosen is None or row["id"] in chosen]
    terms = listing.terms(ask, ENTITY_FIELDS)
    rows = [row for row in rows if all(listing.PLAIN[t.operator](row[t.field], t.value) for t in terms)]
    sort, order = ask.text("sort", "name"), ask.text("sort_order", "asc")
    if sort not in ("id", "name", "reviewStatus") or order not in ("asc", "desc"):
        raise Refused(400, "sort is id, name or reviewStatus; sort_order is asc or desc.")
    rows.sort(key=lambda row: (row[sort] is None, row[sort] or "", row["id"]), reverse=order == "desc")
    page, size = ask.whole("page", 1), ask.whole("per_page", 25)
    if page < 1 or not 1 <= size <= listing.PER_PAGE:
        raise Refused(400, f"page counts from 1; per_page is 1 to {listing.PER_PAGE}.")
    return {"images": rows[(page - 1) * size : page * size], "total": len(rows)}


def _entities(ask: Ask, job: Job) -> list[dict[str, Any]]:
    columns = (
        Item.id,
        Item.name,
        Item.batch_id,
        Task.stage,
        Task.verdict,
        Task.holder_id,
        Task.assignee_id,
        Task.author_id,
    )
    query = select(*columns).join(Task, Task.item_id == Item.id).where(Task.job_id == job.id).order_by(Item.id)
    found, views = [], {(v.user, v.role): v.id for v in jobviews.members(ask.session, [job])[job.id]}
    rows = ask.session.execute(query).all()
    logins = jobviews.people(ask.session, {r.author_id or r.holder_id or r.assignee_id for r in rows})
    for row in rows:
        labeler = row.author_id or row.assignee_id or (row.holder_id if row.stage == "label" else None)
        status = jobviews.task_status(row.stage, row.verdict)
        if row.stage == "label":
            status = "none" if labeler is not None else None
        found.append({
            "id": row.id, "name": row.name, "datasetId": row.batch_id, "reviewStatus": status, "labelerId": labeler,
            "labelerLogin": logins.get(labeler) if labeler else None, "jobId": views.get((labeler, "labeler")),
        })  # fmt: skip
    return found


def _wanted(ask: Ask, row: dict[str, Any]) -> bool:
    wanted = ask.list("entityStatus", None)
    for value in wanted or ():
        if value not in (None, *jobviews.ENTITY_STATUSES):
            raise Refused(400, "entityStatus holds null, none, done and accepted.")
    return not wanted or row["reviewStatus"] in wanted


def _narrowed(ask: Ask, job: Job) -> set[int] | None:
    """The items of a queue that `filters` leaves; None: it names none."""
    if not ask.list("filters", []):
        return None
    inside = select(Item).where(Item.id.in_(select(Task.item_id).where(Task.job_id == job.id)))
    return set(ask.session.scalars(image_filters.narrowed(ask, inside).with_only_columns(Item.id)))


METHODS: Methods = {
    "labeling-queues.add": Method(add, write=True),
    "labeling-queues.info": Method(info),
    "labeling-queues.list": Method(listed),
    "labeling-queues.set-status": Method(change_status, write=True),
    "labeling-queues.archive": Method(archive, write=True),
    "labeling-queues.stats.entities": Method(entities),
}
