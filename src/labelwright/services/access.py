"""Who may see and do what: decided here and nowhere else.

Every query that a user can reach starts from `visible_projects` or one of the row functions below. A row of another team
raises `NotFound` just like a row that does not exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from labelwright.db import Base
from labelwright.errors import Forbidden, NotFound
from labelwright.models.assist import ModelService
from labelwright.models.background import BackgroundTask
from labelwright.models.events import Webhook
from labelwright.models.identity import Team, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job, Task

RIGHTS: dict[str, frozenset[str]] = {
    "view": frozenset({"owner", "manager", "reviewer", "annotator", "viewer"}),
    "label": frozenset({"owner", "manager", "reviewer", "annotator"}),
    "review": frozenset({"owner", "manager", "reviewer"}),
    "manage": frozenset({"owner", "manager"}),
    "own": frozenset({"owner"}),
}

Ref = int | str | uuid.UUID
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Actor:
    """Who is asking. `roles`: role per team id; a signed-in person has all their teams, an API key just one unless it is
    made for every team.

    `read_only` and `workspace_id` are an API key's own narrowing of its owner's rights; `home`: the team the key is of."""

    user_id: int
    email: str
    name: str
    roles: Mapping[int, str]
    key_id: int | None = None
    read_only: bool = False
    workspace_id: int | None = None
    home: int | None = None

    def may(self, right: str, team_id: int) -> bool:
        """Whether the actor has `right` (a key of `RIGHTS`) in a team."""
        if self.read_only and right != "view":
            return False
        return self.roles.get(team_id) in RIGHTS[right]

    @property
    def team_id(self) -> int:
        """The team an API key belongs to, or a person's first."""
        if not self.roles:
            raise NotFound("You are in no team yet; ask an owner to add you.")
        return self.home if self.home is not None and self.home in self.roles else min(self.roles)

    def teams(self, right: str = "view") -> list[int]:
        """Ids of the teams in which the actor has `right`."""
        return [team_id for team_id in self.roles if self.may(right, team_id)]


def require(actor: Actor, right: str, team_id: int, what: str = "this") -> None:
    """Raise `NotFound` for a stranger to the team, `Forbidden` for a member without `right`."""
    if team_id not in actor.roles:
        raise NotFound(f"There is no such {what}." if what != "this" else "")
    if not actor.may(right, team_id):
        if actor.read_only and actor.roles[team_id] in RIGHTS[right]:
            raise Forbidden("This API key is read-only.")
        raise Forbidden(f"Your role ({actor.roles[team_id]}) may not {right} here; it takes {_weakest(right)} or more.")


def _weakest(right: str) -> str:
    return next(role for role in ("viewer", "annotator", "reviewer", "manager", "owner") if role in RIGHTS[right])


def visible_projects(actor: Actor, right: str = "view") -> Select[Project]:
    """Projects in which the actor has `right`; start every list from it."""
    query = select(Project).where(Project.team_id.in_(actor.teams(right)))
    if actor.workspace_id is not None:
        query = query.where(Project.workspace_id == actor.workspace_id)
    return query


def visible_workspaces(actor: Actor) -> Select[Workspace]:
    """Workspaces the actor may see."""
    query = select(Workspace).where(Workspace.team_id.in_(actor.teams()))
    return query if actor.workspace_id is None else query.where(Workspace.id == actor.workspace_id)


def team(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Team:
    """A team the actor is in."""
    row = _find(session, Team, ref)
    require(actor, right, row.id, "team")
    return row


def workspace(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Workspace:
    """A workspace by id, uid or slug."""
    row = _find(session, Workspace, ref, slug=Workspace.slug)
    if actor.workspace_id not in (None, row.id):
        raise NotFound("There is no such workspace.")
    require(actor, right, row.team_id, "workspace")
    return row


def project(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Project:
    """A project by id or uid."""
    row = _find(session, Project, ref)
    _in_project(actor, row, right, "project")
    return row


def batch(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Batch:
    """A batch by id or uid."""
    return _child(session, actor, Batch, ref, right)


def workflow(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Workflow:
    """A workflow by id or uid."""
    return _child(session, actor, Workflow, ref, right)


def item(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Item:
    """An item by id or uid."""
    return _child(session, actor, Item, ref, right)


def job(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Job:
    """A job by id or uid."""
    return _child(session, actor, Job, ref, right)


def task(session: Session, actor: Actor, ref: Ref, right: str = "view") -> Task:
    """A task by id or uid."""
    return _child(session, actor, Task, ref, right)


def webhook(session: Session, actor: Actor, ref: Ref, right: str = "manage") -> Webhook:
    """A webhook by id or uid."""
    row = _find(session, Webhook, ref)
    if row.project_id is not None:
        _in_project(actor, session.get_one(Project, row.project_id), right, "webhook")
    elif actor.workspace_id is not None:
        raise NotFound("There is no such webhook.")
    require(actor, right, row.team_id, "webhook")
    return row


def model_service(session: Session, actor: Actor, ref: Ref, right: str = "manage") -> ModelService:
    """A model of the users' own by id or uid."""
    row = _find(session, ModelService, ref)
    if actor.workspace_id not in (None, row.workspace_id):
        raise NotFound("There is no such model.")
    require(actor, right, row.team_id, "model")
    return row


def background_task(session: Session, actor: Actor, ref: Ref, right: str = "view") -> BackgroundTask:
    """Long work of a project, by id or uid."""
    row = _find(session, BackgroundTask, ref)
    if row.project_id is None:
        raise NotFound("There is no such background task.")
    _in_project(actor, session.get_one(Project, row.project_id), right, "background task")
    return row


def _child(session: Session, actor: Actor, table: Any, ref: Ref, right: str) -> Any:
    row = _find(session, table, ref)
    parent = session.get_one(Project, row.project_id)
    _in_project(actor, parent, right, table.__name__.lower())
    return row


def _in_project(actor: Actor, row: Project, right: str, what: str) -> None:
    if actor.workspace_id not in (None, row.workspace_id):
        raise NotFound(f"There is no such {what}.")
    require(actor, right, row.team_id, what)


def _find(session: Session, table: Any, ref: Ref, slug: Any = None) -> Any:
    row = None
    if isinstance(ref, int) and not isinstance(ref, bool):
        row = session.get(table, ref)
    else:
        uid = as_uid(ref)
        if uid is not None:
            row = session.scalar(_by_uid(table), {"uid": uid})
        elif slug is not None:
            row = session.scalar(select(table).where(slug == str(ref)))
    if row is None:
        raise NotFound(f"There is no such {table.__name__.lower()}.")
    return row


@cache
def _by_uid(table: Any) -> Select[Any]:
    return select(table).where(table.uid == bindparam("uid"))


def as_uid(value: Any) -> uuid.UUID | None:
    """The UUID that `value` is or spells, else None."""
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
