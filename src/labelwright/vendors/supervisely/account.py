"""Signing in by login and password, and what the package asks of a server before anything else."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from labelwright.db import now
from labelwright.edge import auth
from labelwright.edge.call import errors_named
from labelwright.edge.context import Context
from labelwright.models.identity import ApiKey, Team, User, Workspace
from labelwright.services import identity, tries
from labelwright.vendors.supervisely import wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.wire import Refused

# Above what the newest package of this line compares with; the package warns about older servers.
VERSION = "6.99.0"
KEY_NAME = "Supervisely sign-in"
MOST_KEYS = 10


def here(_request: Request) -> Response:
    """The package looks whether there is a server at all."""
    return PlainTextResponse("Labelwright speaks Supervisely's API here.\n")


async def sign_in(request: Request) -> Response:
    """A login and a password for a token, which holds a new API key."""
    context: Context = request.app.state.context
    form = await request.form(max_files=0, max_fields=10, max_part_size=4096)
    login, password = str(form.get("login") or ""), str(form.get("password") or "")
    try:
        return await run_in_threadpool(_signed_in, context, login, password, auth.address(request))
    except Exception as error:
        refused = wire.refused(error)
        if refused.status == 500:
            raise
        return wire.failure(refused)


def _signed_in(context: Context, login: str, password: str, address: str) -> Response:
    user_id = auth.password(context, login, password, address)
    with errors_named(), context.database.write() as session:
        tries.succeeded(session, login)
        claims = _claims(session, session.get_one(User, user_id))
    return wire.answer({"token": _token(claims)})


def _claims(session: Session, user: User) -> dict[str, Any]:
    actor = identity.actor_of(session, user)
    if not actor.roles:
        raise Refused(403, "You can sign in once somebody has added you to a team.", "Access denied")
    team = session.get_one(Team, actor.team_id)
    workspace = session.scalar(select(Workspace).where(Workspace.team_id == team.id).order_by(Workspace.id).limit(1))
    user.last_login_at, user.logins = now(), user.logins + 1
    _retire(session, user)
    _, key = identity.create_key(session, user, team.id, KEY_NAME, every_team=True)
    home = {"id": workspace.id, "name": workspace.name} if workspace else {"id": 0, "name": ""}
    return {"id": user.id, "login": user.email, "name": user.name, "apiToken": key,
            "group": {"id": team.id, "name": team.name}, "workspace": home}  # fmt: skip


def _retire(session: Session, user: User) -> None:
    """Revoke the oldest keys of earlier sign-ins, so that scripts that sign in each day do not pile them up."""
    query = select(ApiKey.id).where(ApiKey.user_id == user.id, ApiKey.name == KEY_NAME, ApiKey.revoked_at.is_(None))
    old = list(session.scalars(query.order_by(ApiKey.id.desc()).offset(MOST_KEYS - 1)))
    if old:
        session.execute(update(ApiKey).where(ApiKey.id.in_(old)).values(revoked_at=now()))


def _token(claims: dict[str, Any]) -> str:
    """The claims as a JSON web token. Nobody checks it: what it is good for is the key inside."""
    parts = [
        urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    signature = hmac.digest(secrets.token_bytes(32), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def version(_ask: Ask) -> dict[str, Any]:
    """What server this claims to be; the package asks after the first call that failed."""
    return {"version": VERSION}


METHODS: Methods = {"instance.version": Method(version, public=True)}
