"""Signing in a vendor's command line: a short-lived word made in the browser, exchanged once for API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Forbidden, Invalid
from labelwright.models.identity import LoginToken, User, Workspace
from labelwright.services import access, events, identity
from labelwright.services.access import Actor

LASTS = timedelta(minutes=10)
MOST = 50


def make(session: Session, actor: Actor, workspaces: Sequence[Workspace]) -> str:
    """A token of a signed-in person for these workspaces, the first being the client's default; an earlier one ends.

    It is shown once and only its hash is kept. Raises `Forbidden` for scripts: a key must not breed keys."""
    if actor.key_id is not None:
        raise Forbidden("Sign in with your password; an API key cannot make others.")
    if not 0 < len(workspaces) <= MOST:
        raise Invalid(f"Choose 1 to {MOST} workspaces.", field="workspace")
    session.execute(delete(LoginToken).where(LoginToken.user_id == actor.user_id))
    token = secrets.token_urlsafe(24)
    row = LoginToken(
        token_hash=_hash(token), user_id=actor.user_id, workspaces=[w.id for w in workspaces], expires_at=now() + LASTS
    )
    session.add(row)
    session.flush()
    return token


def redeem(session: Session, token: str, client: str) -> list[tuple[Workspace, str]]:
    """The workspaces a token is for, each with a new API key of the person who made it; nothing for one that is unknown,
    used or too old. `client`: what the keys are named after."""
    # Deleting it is the check: of two callers at once only one gets the row.
    gone = delete(LoginToken).where(LoginToken.token_hash == _hash(token))
    row = session.execute(
        gone.returning(LoginToken.user_id, LoginToken.workspaces, LoginToken.expires_at)
    ).one_or_none()
    user = session.get(User, row.user_id) if row is not None and row.expires_at > now() else None
    if row is None or user is None or user.disabled:
        return []
    actor = identity.actor_of(session, user)
    events.by(session, actor)
    query = access.visible_workspaces(actor).where(Workspace.id.in_(row.workspaces))
    spaces = {space.id: space for space in session.scalars(query)}
    made = []
    for space in (spaces[number] for number in row.workspaces if number in spaces):
        _, text = identity.create_key(session, user, space.team_id, f"{client}, {now():%Y-%m-%d}", workspace=space)
        made.append((space, text))
    return made


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
