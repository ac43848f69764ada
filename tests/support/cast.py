"""A cast of people for tests, so that a rights test reads like a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from labelwright.models.identity import Team, User, Workspace
from labelwright.models.projects import Project
from labelwright.services import identity, ontology, projects, workspaces
from labelwright.services.access import Actor

PASSWORD = "correct-horse-battery"
PASSWORD_HASH = identity.hash_password(PASSWORD)  # once a run: Argon2 is slow on purpose
CLASSES: list[dict[str, Any]] = [
    {
        "name": "car",
        "display_name": "Car",
        "attributes": [
            {"name": "State", "kind": "one_of", "options": ["Moving", "Parked"]},
            {"name": "occluded", "kind": "flag"},
        ],
    },
    {"name": "person", "shapes": ["rectangle", "polygon", "skeleton"], "skeleton": {
        "points": [{"name": "head"}, {"name": "left hand"}, {"name": "right hand"}], "edges": [[0, 1], [0, 2]]}},
    {"name": "road", "shapes": ["polygon", "mask"]},
    {"name": "lane", "shapes": ["polyline"]},
]  # fmt: skip


@dataclass
class Cast:
    """Alice owns the team, Max manages it, Rita reviews, Bob and Ben annotate, Vera looks; Charlie is of another team."""

    team: Team
    workspace: Workspace
    alice: Actor
    max: Actor
    rita: Actor
    bob: Actor
    ben: Actor
    vera: Actor
    charlie: Actor
    users: dict[str, User]
    other_team: Team
    other_workspace: Workspace


def gather(session: Session) -> Cast:
    """Put the cast into an empty database."""
    users: dict[str, User] = {}
    for name in ("alice", "max", "rita", "bob", "ben", "vera", "charlie"):
        users[name] = User(email=f"{name}@example.org", name=name.title(), password_hash=PASSWORD_HASH)
        session.add(users[name])
    session.flush()
    team, other = identity.create_team(session, "Street team"), identity.create_team(session, "Strangers")
    roles = {
        "alice": "owner",
        "max": "manager",
        "rita": "reviewer",
        "bob": "annotator",
        "ben": "annotator",
        "vera": "viewer",
    }
    for name, role in roles.items():
        identity.set_role(session, team.id, users[name], role)
    identity.set_role(session, other.id, users["charlie"], "owner")
    workspace = workspaces.create(session, None, team, "Streets")
    other_workspace = workspaces.create(session, None, other, "Elsewhere")
    actors = {name: identity.actor_of(session, user) for name, user in users.items()}
    return Cast(
        team=team, workspace=workspace, users=users, other_team=other, other_workspace=other_workspace, **actors
    )


def a_project(session: Session, cast: Cast, kind: str = "image", **settings: Any) -> Project:
    """A project of Alice's with the classes car, person, road, lane."""
    classes = ontology.parse_classes(CLASSES)
    return projects.create(session, cast.alice, cast.workspace, f"Street {kind}s", kind, classes, settings=settings)
