"""Where a job goes: key, project, batch, workflow, ontology. Looked up once, and each time checked to be as it was."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from labelwright.errors import NotFound
from labelwright.geometry.ontology import Ontology
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job
from labelwright.services import access, batches, jobs, ontology, workflows
from labelwright.services.access import Actor
from labelwright.vendors.playment import wire
from labelwright.vendors.playment.errors import (
    DATA_INVALID,
    PARAMETER_INVALID,
    PROJECT_NOT_FOUND,
    ROUTE_MISSING,
    PlaymentError,
)

ORIGIN = "playment"
VENDOR = "playment"
MOST = 1000  # places remembered

# All that a place hangs on, in one look by primary keys: when nothing of it has changed, the place is as it was. Any process
# may have changed it, so it is looked at in each transaction.
_STAMP = text("""
SELECT k.id, k.revoked_at, k.expires_at, k.read_only, k.workspace_id, u.disabled, m.role, t.extra,
       p.ontology_version, p.workspace_id, p.kind, b.project_id, b.is_default, j.status, j.allowed_classes,
       w.id, w.uid, w.tag, w.name, w.is_default, w.archived_at, w.steps
FROM api_keys k JOIN users u ON u.id = k.user_id JOIN teams t ON t.id = k.team_id
JOIN memberships m ON m.user_id = k.user_id AND m.team_id = k.team_id
JOIN projects p ON p.id = :project AND p.team_id = k.team_id JOIN batches b ON b.id = :batch
JOIN jobs j ON j.id = :job JOIN workflows w ON w.project_id = p.id
WHERE k.token_hash = :hash ORDER BY w.id
""")


@dataclass(frozen=True)
class Asked:
    """What a request says about where its job goes. `base_url`: under what address the client reaches us."""

    key: str | None
    project: str
    batch: Any
    routes: tuple[tuple[str, str], ...]
    base_url: str


@dataclass
class Place:
    """Where a job goes. `job`: the job of ours that it joins; None while there is none (see `Places.ready`)."""

    actor: Actor
    project: Project
    ontology: Ontology
    batch: Batch
    workflow: Workflow
    steps: workflows.Steps
    job: Job | None = None


class Cache:
    """Places that were found before, for one process."""

    def __init__(self) -> None:
        self._places: dict[Asked, tuple[Place, list[tuple[Any, ...]]]] = {}
        self._lock = threading.Lock()

    def get(self, session: Session, asked: Asked) -> Place | None:
        """The place, when nothing it hangs on has changed since it was found."""
        known = self._places.get(asked)
        if known is None:
            return None
        place, stamp = known
        assert place.job is not None
        if _stamp(session, asked, place) != stamp:
            with self._lock:
                self._places.pop(asked, None)
            return None
        # A copy of the job in this session: it is locked there and may be changed. The other rows are only read.
        return replace(place, job=session.merge(place.job, load=False))

    def keep(self, session: Session, asked: Asked, place: Place) -> Callable[[], None]:
        """Read now what the place hangs on; call what is returned after the commit to remember it."""
        stamp = _stamp(session, asked, place)

        def remember() -> None:
            # Keys that end by themselves are looked up each time.
            if stamp and stamp[0][2] is None:
                with self._lock:
                    if len(self._places) >= MOST:
                        self._places.clear()
                    self._places[asked] = (place, stamp)

        return remember


def _stamp(session: Session, asked: Asked, place: Place) -> list[tuple[Any, ...]]:
    job = place.job
    rows = session.execute(
        _STAMP,
        {
            "hash": hashlib.sha256((asked.key or "").encode()).digest(), "project": place.project.id,
            "batch": place.batch.id, "job": job.id if job else None,
        },
    )  # fmt: skip
    return [tuple(row) for row in rows]


@dataclass
class Places:
    """The places of one transaction. Whatever two requests need is looked up once. `seen` is told whose key was used."""

    session: Session
    actor_of: Callable[[Session, str | None], Actor]
    cache: Cache
    seen: Callable[[Session, Actor], None] = lambda _session, _actor: None
    found: dict[Asked, Place] = field(default_factory=dict)
    remembering: list[Callable[[], None]] = field(default_factory=list)

    def of(self, asked: Asked) -> Place:
        """Where the job goes. Raises when the key may not, or when project, workflow or batch are not there."""
        place = self.found.get(asked)
        if place is None:
            place = self.found[asked] = self.cache.get(self.session, asked) or self._find(asked)
            self.seen(self.session, place.actor)
        return place

    def _find(self, asked: Asked) -> Place:
        session = self.session
        actor = self.actor_of(session, asked.key)
        project = project_of(session, actor, asked.project, "manage")
        workflow = workflow_of(session, project, dict(asked.routes))
        return Place(
            actor, project, ontology.compiled(session, project), batch_of(session, actor, project, asked.batch),
            workflow, workflows.steps_of(workflow),
        )  # fmt: skip

    def ready(self, asked: Asked, place: Place) -> Job:
        """The job of ours that the place's jobs join, made on first use; the place is remembered after the commit."""
        if place.job is not None:
            return place.job
        place.job = jobs.for_origin(
            self.session, place.project, place.batch, place.workflow, ORIGIN, created_by=place.actor.user_id
        )
        # Callbacks are sent by whoever is at work then; they name the server as its clients do.
        reached = {"base_url": asked.base_url}
        if (place.job.extra or {}).get(VENDOR) != reached:
            place.job.extra = {**(place.job.extra or {}), VENDOR: reached}
            self.session.flush()
        self.remembering.append(self.cache.keep(self.session, asked, place))
        return place.job

    def committed(self) -> None:
        """The transaction has been committed."""
        for remember in self.remembering:
            remember()


def project_of(session: Session, actor: Actor, ref: str, right: str = "view") -> Project:
    """The project in the URL. Raises `resource_error` when there is none the key may see, `unauthorized` otherwise."""
    try:
        return access.project(session, actor, ref, right)
    except NotFound:
        raise PlaymentError(PROJECT_NOT_FOUND, "project_id not found; use the project's id (a UUID).") from None


def batch_of(session: Session, actor: Actor, project: Project, ref: Any) -> Batch:
    """The batch of that uid, the default one for None. Raises GE_0001."""
    if ref is None:
        return batches.default_of(session, project)
    try:
        batch = access.batch(session, actor, ref)
    except NotFound:
        batch = None
    if batch is None or batch.project_id != project.id:
        raise PlaymentError(PARAMETER_INVALID, f"batch_id {ref} is not the id of a batch of this project.")
    return batch


def workflow_of(session: Session, project: Project, routes: dict[str, str]) -> Workflow:
    """The workflow that the routing keys name. Raises FS_0003 for an unknown one or two different ones, else FS_0005."""
    found: dict[str, Workflow] = {}
    for key, name in routes.items():
        try:
            found[key] = workflows.resolve(session, project.id, name)
        except NotFound:
            known = [w.tag or w.name for w in workflows.of_project(session, project.id)]
            raise PlaymentError(
                DATA_INVALID, f"{key} {name!r:.200} names no workflow of this project. Known: {', '.join(known)}."
            ) from None
    if len({workflow.id for workflow in found.values()}) > 1:
        raise PlaymentError(DATA_INVALID, f"{' and '.join(found)} name different workflows; send one of them.")
    if found:
        return next(iter(found.values()))
    default = [w for w in workflows.of_project(session, project.id) if w.is_default]
    if len(default) != 1:
        raise PlaymentError(ROUTE_MISSING, "work_flow_id (or tag) is missing, and the project has no default workflow.")
    return default[0]


def asked_of(key: str | None, project: str, job: wire.NewJob, base_url: str) -> Asked:
    """What a create request says about where its job goes."""
    return Asked(key, project, job.batch, tuple(job.routes.items()), base_url)
