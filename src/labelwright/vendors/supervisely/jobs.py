"""Labeling jobs: making and listing them, their people, and putting them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from labelwright.models.identity import Workspace
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, JobMember, Task
from labelwright.services import access, jobs, tasks
from labelwright.vendors.supervisely import jobsetup, jobviews, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, keep
from labelwright.vendors.supervisely.jobviews import Counts, View
from labelwright.vendors.supervisely.known import Known, known
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.meta import class_json, tag_json
from labelwright.vendors.supervisely.wire import Refused

MOST_PEOPLE = 200
FIELDS = {
    "id": Field(read=ID), "name": Field(), "createdBy": Field(read=ID), "userId": Field(read=ID), "reviewerId": Field(read=ID),
    "projectId": Field(read=ID), "datasetId": Field(read=ID), "workspaceId": Field(read=ID), "labelingQueueId": Field(read=ID),
    "status": Field(), "priority": Field(read=ID),
}  # fmt: skip
# Filters that leave out rows before they are described.
COLUMNS = {"createdBy": Job.created_by, "projectId": Job.project_id, "datasetId": Job.batch_id}


def add(ask: Ask) -> list[dict[str, Any]]:
    """One job for each person, all of the same items."""
    batch = ask.batch(right="manage")
    project = ask.project_of(batch)
    setup = jobsetup.read(ask, project)
    name = ask.text("name", most=200)
    users = list(dict.fromkeys(ask.wholes("userIds", most=MOST_PEOPLE)))
    if not users:
        raise Refused(400, "userIds is empty: name the people who are to label.")
    ids = jobsetup.chosen(ask.session, batch, setup)
    workflow = jobsetup.workflow(ask.session, project, checked=setup.checked)
    reviewer = ask.whole("reviewerId", ask.actor.user_id)
    made = [
        jobs.create(
            ask.session,
            ask.actor,
            project,
            name,
            workflow=workflow,
            batch=batch,
            instructions=ask.text("readme", ""),
            description=ask.text("description", ""),
            labelers=[user],
            reviewers=[reviewer],
            items=ids,
            extra=setup.extra(),
            **setup.of_job(),
        )
        for user in users
    ]
    return [{"id": job.id} for job in made]


def listed(ask: Ask) -> dict[str, Any]:
    """Jobs of a team, with those of people on queues; archived ones only when asked for. Without their entities."""
    team = ask.team()
    homes = access.visible_projects(ask.actor).where(Project.team_id == team.id, Project.archived_at.is_(None))
    # Plain rows, read only: objects of a thousand jobs cost more than all the rest of this call.
    query = select(*Job.__table__.c).where(Job.project_id.in_(homes.with_only_columns(Project.id))).order_by(Job.id)
    if not ask.flag("showDisabled", False):
        query = query.where(Job.status != "archived")
    for term in listing.terms(ask, FIELDS):
        if term.field in COLUMNS:
            query = query.where(listing.OPERATORS[term.operator](COLUMNS[term.field], term.value))
    rows: list[Any] = list(ask.session.execute(query))
    queues = [job for job in rows if jobviews.is_queue(job)]
    views = [View(job) for job in rows if not jobviews.is_queue(job)]
    if queues:
        views += [view for found in jobviews.members(ask.session, queues).values() for view in found]
    return listing.at_hand(ask, described(ask, views), FIELDS)


def info(ask: Ask) -> dict[str, Any]:
    """One job with its entities; an archived one, too."""
    view = jobviews.find(ask, ask.whole("id"))
    return {**described(ask, [view])[0], "entities": jobviews.entities(ask.session, view)}


def described(ask: Ask, views: Sequence[View]) -> list[dict[str, Any]]:
    """Jobs as the package reads them."""
    around = _Around(ask, views)
    return [around.job(view) for view in views]


class _Around:
    """What stands around many jobs, read at once."""

    def __init__(self, ask: Ask, views: Sequence[View]) -> None:
        self.ask, session = ask, ask.session
        found = {view.job.id: view.job for view in views}
        self.counts = jobviews.counts(session, views)
        self.projects = {
            p.id: p
            for p in session.scalars(select(Project).where(Project.id.in_({j.project_id for j in found.values()})))
        }
        self.workspaces = dict(session.execute(select(Workspace.id, Workspace.name).where(Workspace.id.in_({p.workspace_id for p in self.projects.values()}))).tuples().all())  # fmt: skip
        self.batches = dict(session.execute(select(Batch.id, Batch.name).where(Batch.id.in_({j.batch_id for j in found.values()}))).tuples().all())  # fmt: skip
        self.people: dict[tuple[int, str], int] = {}
        rows = select(JobMember.job_id, JobMember.role, JobMember.user_id).where(JobMember.job_id.in_(found))
        for job_id, role, user_id in session.execute(rows.order_by(JobMember.user_id.desc())):
            self.people[job_id, role] = user_id
        makers = {job.created_by for job in found.values()}
        self.logins = jobviews.people(session, {*self.people.values(), *makers, *(v.user for v in views)})
        self.knowns: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def job(self, view: View) -> dict[str, Any]:
        job, count = view.job, self.counts[view.id]
        project = self.projects[job.project_id]
        labeler, reviewer = self._people(view)
        return {
            "id": view.id, "name": job.name, "readme": job.instructions, "description": job.description,
            "teamId": project.team_id, "workspaceId": project.workspace_id,
            "workspaceTitle": self.workspaces.get(project.workspace_id), "projectId": project.id, "projectTitle": project.name,
            "datasetId": job.batch_id, "datasetTitle": self.batches.get(job.batch_id) if job.batch_id else None,
            "createdBy": job.created_by, "managerLogin": self._login(job.created_by),
            "userId": labeler, "labelerLogin": self._login(labeler), "reviewerId": reviewer,
            "reviewerLogin": self._login(reviewer), "createdAt": wire.moment(job.created_at),
            "startedAt": wire.moment(job.started_at), "finishedAt": wire.moment(job.finished_at),
            "updatedAt": wire.moment(job.updated_at), "status": jobviews.status(self.ask.session, view, count),
            "disabled": job.status == "archived", "labelingQueueId": job.id if view.user is not None else None,
            "labelingExamId": None, **_numbers(count), "meta": jobsetup.meta_json(job, *self._known(project)),
            "priority": job.priority, "customData": extra_of(job).get("customData", {}),
        }  # fmt: skip

    def _people(self, view: View) -> tuple[int | None, int | None]:
        job = view.job.id
        if view.user is None:
            return self.people.get((job, "labeler")), self.people.get((job, "reviewer"))
        if view.role == "reviewer":
            return None, view.user
        return view.user, None

    def _login(self, user: int | None) -> str | None:
        return self.logins.get(user) if user is not None else None

    def _known(self, project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
        if project.id not in self.knowns:
            self.knowns[project.id] = wire_names(known(self.ask.session, project))
        return self.knowns[project.id]


def wire_names(there: Known) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """A project's classes and tags as they are sent, by name."""
    classes = {name: class_json(entry) for name, entry in there.by_name.items()}
    return classes, {name: tag_json(tag, number) for number, (name, tag) in enumerate(there.tag_by_name.items())}


def _numbers(count: Counts) -> dict[str, int]:
    return {
        "imagesCount": count.total, "finishedImagesCount": count.done + count.accepted + count.rejected,
        "rejectedImagesCount": count.rejected, "acceptedImagesCount": count.accepted, "progressImagesCount": count.held,
    }  # fmt: skip


def plain(ask: Ask, name: str = "id") -> Job:
    """The job of a field, to be changed. Raises `Refused` for a person's part of a queue: the queue is what changes."""
    view = jobviews.find(ask, ask.whole(name), "manage")
    if view.user is not None:
        raise Refused(400, f"This job is a part of the labeling queue {view.job.id}; change the queue.")
    return view.job


def edit(ask: Ask) -> dict[str, Any]:
    """Change a job's people, texts, priority, custom data, or what its buttons do. Labels and progress stay."""
    job = plain(ask)
    for field, role in (("userId", "labeler"), ("reviewerId", "reviewer")):
        if ask.has(field):
            hand_over(ask, job, role, ask.whole(field))
    texts = {
        ours: ask.text(theirs)
        for theirs, ours in (("name", "name"), ("readme", "instructions"), ("description", "description"))
        if ask.has(theirs)
    }
    if ask.has("priority"):
        texts["priority"] = ask.whole("priority")
    if texts:
        jobs.change(ask.session, ask.actor, job, **texts)
    if ask.has("customData"):
        keep(job, customData=ask.object("customData"))
    if ask.has("meta"):
        _switch(ask, job)
    ask.session.flush()
    return described(ask, [View(job)])[0]


def hand_over(ask: Ask, job: Job, role: str, user: int) -> None:
    """Give a job to another labeler or reviewer: whoever has one of its tasks in hand loses it, with what they saved kept."""
    jobs.set_members(ask.session, ask.actor, job, role, [user])
    stage = {"labeler": "label", "reviewer": "review"}[role]
    where = (Task.job_id == job.id, Task.stage == stage, Task.state.in_(("open", "held", "waiting")))
    for task in ask.session.scalars(select(Task).where(*where)).all():
        if task.assignee_id not in (None, user) or task.holder_id not in (None, user):
            tasks.reassign(ask.session, ask.actor, task, None)


def _switch(ask: Ask, job: Job) -> None:
    meta, kept = ask.object("meta"), dict(extra_of(job).get("job") or {})
    options = dict(job.options or {})
    for name in ("disableConfirm", "disableSubmit"):
        if meta.get(name) is not None:
            kept[name] = wire.flag(meta[name], f"meta.{name}")
    options["no_submit"] = bool(kept.get("disableConfirm") or kept.get("disableSubmit"))
    keep(job, job=kept)
    jobs.change(ask.session, ask.actor, job, options=options)


def archive(ask: Ask) -> dict[str, Any]:
    """Put a job away: nobody gets its work, lists leave it out; what was labeled stays and it can still be read."""
    job = plain(ask)
    put_away(ask, job)
    return {"success": True}


def put_away(ask: Ask, job: Job) -> None:
    """Archive a job or a queue, remembering its status."""
    if job.status != "archived":
        view = View(job)
        keep(job, archivedFrom=jobviews.status(ask.session, view, jobviews.counts(ask.session, [view])[job.id]))
        jobs.archive(ask.session, ask.actor, job)


def remove(ask: Ask) -> dict[str, Any]:
    """Delete jobs for good, all of them or none; the images and their labels stay."""
    rows = []
    for ref in dict.fromkeys(ask.wholes("ids", most=10_000)):
        view = jobviews.find(ask, ref, "manage")
        if view.user is not None:
            raise Refused(
                400, f"The job {ref} is a part of the labeling queue {view.job.id}; it cannot be removed alone."
            )
        rows.append(view.job)
    for job in rows:
        jobs.remove(ask.session, ask.actor, job, held_too=True)
    return {"success": True}


METHODS: Methods = {
    "jobs.add": Method(add, write=True),
    "jobs.list": Method(listed),
    "jobs.info": Method(info),
    "jobs.editInfo": Method(edit, write=True),
    "jobs.archive": Method(archive, write=True),
    "jobs.bulk.remove": Method(remove, write=True),
}
