"""One request: who asks, for which workspace and project, and the rows its ids name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from labelwright.edge import auth
from labelwright.edge.call import Call, OfCall
from labelwright.edge.context import Context
from labelwright.errors import NotFound, Unauthenticated
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import User, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job
from labelwright.services import access, identity
from labelwright.services.access import Actor

CHUNK = 500


@dataclass
class Ask(OfCall):
    """A request being answered. `body`: its JSON object; `raw`: its bytes; `prepared`: what was made ready before the
    transaction (an uploaded file that is in the store already)."""

    call: Call
    params: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    prepared: Any = None

    def workspace(self, right: str = "view") -> Workspace:
        """The workspace that the address names, else the key's."""
        slug = self.params.get("ws")
        if slug is None:
            return own_workspace(self.session, self.actor)
        return access.workspace(self.session, self.actor, slug, right)

    def project(self, right: str = "view") -> Project:
        """The project that the address names; one in the trash is not there."""
        slug = self.params["proj"]
        if "ws" in self.params:
            found = project_of(self.session, self.actor, self.workspace(), slug)
        else:
            found = loose_project(self.session, self.actor, slug)
        access.require(self.actor, right, found.team_id, "project")
        return found

    def item(self, project: Project, ref: str) -> Item:
        """An image of the project by its id."""
        return items_of(self.session, project, [ref])[0]

    def batch(self, project: Project, ref: str) -> Batch:
        """A batch of the project by its id, also in the form `<project>/<batch>`."""
        uid = access.as_uid(ref.rpartition("/")[2])
        row = self.session.scalar(select(Batch).where(Batch.uid == uid, Batch.project_id == project.id))
        if uid is None or row is None:
            raise NotFound(f"There is no batch {ref!r} in this project.")
        return row

    def job(self, project: Project, ref: str) -> Job:
        """An annotation job of the project by its id."""
        uid = access.as_uid(ref)
        row = self.session.scalar(
            select(Job).where(Job.uid == uid, Job.project_id == project.id, Job.status != "archived")
        )
        if uid is None or row is None:
            raise NotFound(f"There is no annotation job {ref!r} in this project.")
        return row


def actor_of(_context: Context, session: Session, request: Request) -> Actor:
    """The actor of `api_key` in the query, or of a bearer key. Raises `Unauthenticated`."""
    key = request.query_params.get("api_key") or auth.bearer(request)
    if not key:
        raise Unauthenticated("Send your API key as api_key in the query.")
    return identity.by_key(session, key)


def actor_of_task(session: Session, row: BackgroundTask) -> Actor:
    """Whoever asked for a background task, with the rights they have now. Raises `NotFound` for one who is gone."""
    user = session.get(User, row.created_by) if row.created_by else None
    if user is None or user.disabled:
        raise NotFound("Whoever asked for this is not here any more.")
    return identity.actor_of(session, user)


def own_workspace(session: Session, actor: Actor) -> Workspace:
    """The workspace a key belongs to: the one it is bound to, else its team's first."""
    query = access.visible_workspaces(actor).where(Workspace.team_id == actor.team_id)
    found = session.scalar(query.order_by(Workspace.id).limit(1))
    if found is None:
        raise NotFound("This key's team has no workspace yet.")
    return found


def project_of(session: Session, actor: Actor, workspace: Workspace, slug: str) -> Project:
    """A project of a workspace by its slug."""
    query = access.visible_projects(actor).where(Project.workspace_id == workspace.id, Project.slug == slug)
    found = session.scalar(query.where(Project.archived_at.is_(None)))
    if found is None:
        raise NotFound(f"There is no project {slug!r} in the workspace {workspace.slug!r}.")
    return found


def loose_project(session: Session, actor: Actor, slug: str) -> Project:
    """A project by its slug alone: of the key's workspace, else the only one of that slug in the key's team."""
    query = access.visible_projects(actor).where(Project.slug == slug, Project.archived_at.is_(None))
    found = list(session.scalars(query.limit(50)))
    if len(found) == 1:
        return found[0]
    home = own_workspace(session, actor)
    for row in found:
        if row.workspace_id == home.id:
            return row
    raise NotFound(f"There is no project {slug!r} in the workspace {home.slug!r}.")


_ITEMS = select(Item).where(Item.project_id == bindparam("project"), Item.uid.in_(bindparam("uids", expanding=True)))


def items_of(session: Session, project: Project, refs: list[str]) -> list[Item]:
    """Images of the project by their ids, in that order, each once. Raises `NotFound` naming the first that is not there."""
    uids = {ref: access.as_uid(ref) for ref in dict.fromkeys(refs)}
    known = [uid for uid in uids.values() if uid is not None]
    rows: dict[Any, Item] = {}
    for start in range(0, len(known), CHUNK):
        part = {"project": project.id, "uids": known[start : start + CHUNK]}
        rows |= {row.uid: row for row in session.scalars(_ITEMS, part)}
    for ref, uid in uids.items():
        if uid not in rows:
            raise NotFound(f"There is no image {ref!r} in this project.")
    return [rows[uid] for uid in uids.values()]
