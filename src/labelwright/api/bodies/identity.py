"""Teams, people, workspaces and keys as JSON."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from labelwright.models.identity import ApiKey, Team, User, Workspace


class PersonBody(TypedDict):
    """Somebody."""

    uid: str
    name: str
    email: str


class TeamBody(TypedDict):
    """A team, and the caller's role there."""

    uid: str
    name: str
    role: str
    created_at: datetime


class MemberBody(TypedDict):
    """Somebody in a team."""

    uid: str
    email: str
    name: str
    role: str
    disabled: bool
    last_login_at: datetime | None
    created_at: datetime


class NewMemberBody(MemberBody):
    """A new member. `password`: of the account made for them, shown once; null when they had one already."""

    password: str | None


class WorkspaceBody(TypedDict):
    """A workspace."""

    uid: str
    team: str
    name: str
    slug: str
    description: str
    created_at: datetime


class KeyBody(TypedDict):
    """An API key; its text cannot be read again."""

    uid: str
    team: str
    user: PersonBody
    name: str
    prefix: str
    read_only: bool
    workspace: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyBody(KeyBody):
    """A new API key with its text, which is shown only here."""

    api_key: str


def person(user: User) -> PersonBody:
    """A person in short."""
    return {"uid": str(user.uid), "name": user.name, "email": user.email}


def person_or_none(session: Session, user_id: int | None) -> PersonBody | None:
    """The person with this id in short."""
    user = session.get(User, user_id) if user_id is not None else None
    return person(user) if user is not None else None


def team(row: Team, role: str) -> TeamBody:
    """A team."""
    return {"uid": str(row.uid), "name": row.name, "role": role, "created_at": row.created_at}


def member(user: User, role: str) -> MemberBody:
    """A member."""
    return {
        "uid": str(user.uid),
        "email": user.email,
        "name": user.name,
        "role": role,
        "disabled": user.disabled,
        "last_login_at": user.last_login_at,
        "created_at": user.created_at,
    }


def workspace(row: Workspace, team_row: Team) -> WorkspaceBody:
    """A workspace."""
    return {
        "uid": str(row.uid),
        "team": str(team_row.uid),
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "created_at": row.created_at,
    }


def key(session: Session, row: ApiKey) -> KeyBody:
    """An API key without its text."""
    home = session.get(Workspace, row.workspace_id) if row.workspace_id is not None else None
    return {
        "uid": str(row.uid),
        "team": str(session.get_one(Team, row.team_id).uid),
        "user": person(session.get_one(User, row.user_id)),
        "name": row.name,
        "prefix": row.prefix,
        "read_only": row.read_only,
        "workspace": str(home.uid) if home else None,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
    }
