"""Workspaces, and the first set-up of a server."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Duplicate
from labelwright.models.identity import Team, User, Workspace
from labelwright.services import events, identity, names
from labelwright.services.access import Actor, require

# First path parts of the vendors' APIs and of our pages: a slug must not shadow them.
RESERVED = frozenset(
    "projects stats search images trash groups upload autolabel asynctasks workflows models devices api-keys api"
    " v0 v1 v2 projectsvc public playment roboflow supervisely static media work login logout dataset query auth-cli"
    " universe usage vision-events batch-processing workspaces videoinfer workflow-evals model-evals billing-usage-report"
    " generate health annotate healthz readyz metrics batches jobs annotation-batches annotation-jobs docs account teams users".split()
)


def slugify(name: str, taken: Callable[[str], bool]) -> str:
    """A slug for a name: lower-case letters, digits and dashes, never only digits, never reserved, not taken."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:60].strip("-") or "x"
    if slug.isdigit() or slug in RESERVED:
        slug += "-1" if slug in RESERVED else "-x"
    candidate, number = slug, 1
    while taken(candidate):
        number += 1
        candidate = f"{slug}-{number}"
    return candidate


def create(session: Session, actor: Actor | None, team: Team, name: str, description: str = "") -> Workspace:
    """A new workspace in a team; its name is unique there. `actor` None: the command line."""
    if actor is not None:
        require(actor, "manage", team.id, "team")
    name = names.clean(name, "A workspace")
    if session.scalar(select(Workspace.id).where(Workspace.team_id == team.id, Workspace.name == name)):
        raise Duplicate(f"There is a workspace {name!r} in this team already.")
    slug = slugify(name, lambda s: session.scalar(select(Workspace.id).where(Workspace.slug == s)) is not None)
    workspace = Workspace(team_id=team.id, name=name, slug=slug, description=description)
    session.add(workspace)
    session.flush()
    data = {"workspace": str(workspace.uid), "name": name}
    events.emit(session, "workspace.created", team_id=team.id, actor=actor, data=data)
    return workspace


@dataclass(frozen=True)
class FirstSetUp:
    """What `first_set_up` made; password and key are readable only here."""

    team: Team
    workspace: Workspace
    user: User
    password: str
    api_key: str


def first_set_up(
    session: Session, email: str, team_name: str = "My team", workspace_name: str = "Workspace"
) -> FirstSetUp:
    """A team with its owner, a workspace and an API key."""
    team = identity.create_team(session, team_name)
    user, password = identity.create_user(session, email)
    identity.set_role(session, team.id, user, "owner")
    workspace = create(session, None, team, workspace_name)
    _, token = identity.create_key(session, user, team.id, "First key")
    return FirstSetUp(team, workspace, user, password, token)
