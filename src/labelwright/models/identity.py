"""Teams, people, roles, sessions, API keys."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now

ROLES = ("owner", "manager", "reviewer", "annotator", "viewer")


class Team(Base):
    """People and their roles; the wall that data never crosses."""

    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)


class User(Base):
    """A person, or a script's own account. `email` is stored in lower case and is the sign-in name.

    A vendor's clients make accounts with a plain login name; it stands in `email` then. `created_by`: the id of who made it."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcTime)
    logins: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None] = mapped_column(Id, index=True)
    preferences: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class Membership(Base):
    """A user's role in a team, one of `ROLES`. `extra`: a vendor's finer word for it."""

    __tablename__ = "memberships"
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)


class SignIn(Base):
    """A browser session: a random token, stored hashed, revocable."""

    __tablename__ = "sign_ins"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


class LoginToken(Base):
    """A short-lived word, good once, for which a vendor's client is given API keys of a person; stored hashed.

    `workspaces`: ids of the workspaces it is for, the first being the client's default."""

    __tablename__ = "login_tokens"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    workspaces: Mapped[list[int]] = mapped_column(JsonColumn, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


class WrongTry(Base):
    """A wrong password. `who`: a digest of the account or of the address it came from; kept for minutes."""

    __tablename__ = "wrong_tries"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    who: Mapped[bytes] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    __table_args__ = (Index(None, "who", "at"),)


class ApiKey(Base):
    """A key for scripts. Its rights are its owner's in `team_id`, narrowed by `read_only` and `workspace_id`.

    `every_team`: it speaks for its owner in all their teams, as a vendor's client expects that makes teams."""

    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    read_only: Mapped[bool] = mapped_column(Boolean, default=False)
    every_team: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    __table_args__ = (Index(None, "user_id"), Index(None, "team_id"))


class Workspace(Base):
    """Named group of projects in a team. The slug is unique on this server: vendors put it in URLs without a team."""

    __tablename__ = "workspaces"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (UniqueConstraint("team_id", "name"),)
