"""Teams, people, passwords, sign-ins and API keys."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Duplicate, Forbidden, Invalid, NotFound, Unauthenticated
from labelwright.models.identity import ROLES, ApiKey, Membership, SignIn, Team, User, Workspace
from labelwright.services import events, names
from labelwright.services.access import Actor, require

_hasher = PasswordHash((Argon2Hasher(),))
# Argon2 takes 64 MB and most of a core on purpose: two at once, so that a burst of sign-ins cannot starve the rest.
_hashing = threading.BoundedSemaphore(2)
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")
LOGIN = re.compile(r"^[\w.+-]{1,200}$")
KEY_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
TOUCH_EVERY = timedelta(minutes=5)


def create_team(session: Session, name: str) -> Team:
    """A new team without people."""
    team = Team(name=names.clean(name, "A team"))
    session.add(team)
    session.flush()
    return team


def create_user(
    session: Session, email: str, password: str | None = None, name: str = "", *,
    plain: bool = False, created_by: int | None = None,
) -> tuple[User, str]:  # fmt: skip
    """A new person and their password, made up when none is given. Raises `Duplicate` when the address is taken.

    `plain`: the sign-in name need not be an address, letters and digits do."""
    email = email.strip().lower() if plain and LOGIN.match(email.strip()) else clean_email(email)
    if session.scalar(select(User.id).where(User.email == email)) is not None:
        raise Duplicate(f"{email} has an account already.")
    password = password or generate_password()
    user = User(email=email, name=name.strip() or email.partition("@")[0], password_hash=hash_password(password),
                created_by=created_by)  # fmt: skip
    session.add(user)
    session.flush()
    return user, password


def clean_email(email: str) -> str:
    """The address in lower case. Raises `Invalid` when it is none."""
    email = email.strip().lower()
    if not EMAIL.match(email) or len(email) > 320:
        raise Invalid(f"{email!r} is not an e-mail address; write it as name@host.", field="email")
    return email


def generate_password() -> str:
    """A password of about 95 bits, easy to type."""
    return "-".join("".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """Argon2id hash. Raises `Invalid` for a password under 8 characters."""
    if len(password) < 8 or len(password) > 1000:
        raise Invalid("Choose a password of at least 8 characters.", field="password")
    with _hashing:
        return _hasher.hash(password)


def set_password(session: Session, user: User, password: str) -> None:
    """Change a password; every sign-in of that person ends."""
    user.password_hash = hash_password(password)
    session.execute(delete(SignIn).where(SignIn.user_id == user.id))


@cache
def _nobody() -> str:
    """A hash that no password has. Made at the first need: hashing takes a third of a second, start-up has no use for it."""
    return _hasher.hash(secrets.token_hex(16))


def authenticate(session: Session, email: str, password: str) -> User:
    """The person with that password. Raises `Unauthenticated`, in the same time whether or not they exist."""
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    with _hashing:
        right = _hasher.verify(password, user.password_hash if user and user.password_hash else _nobody())
    if user is None or not right or user.disabled:
        raise Unauthenticated("E-mail or password is wrong.")
    return user


def sign_in(session: Session, user: User, days: int = 14) -> str:
    """A token for the browser's cookie; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    user.last_login_at, user.logins = now(), user.logins + 1
    session.add(SignIn(token_hash=_hash(token), user_id=user.id, expires_at=now() + timedelta(days=days)))
    session.flush()
    return token


def sign_out(session: Session, token: str) -> None:
    """End one sign-in."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _hash(token)))


def sign_out_everywhere(session: Session, user_id: int) -> None:
    """End all sign-ins of a person."""
    session.execute(delete(SignIn).where(SignIn.user_id == user_id))


def by_token(session: Session, token: str) -> Actor:
    """The actor of a browser's cookie. Raises `Unauthenticated` when it has ended."""
    user = session.scalar(
        select(User)
        .join(SignIn, SignIn.user_id == User.id)
        .where(SignIn.token_hash == _hash(token), SignIn.expires_at > now())
    )
    if user is None or user.disabled:
        raise Unauthenticated("Your sign-in has ended; sign in again.")
    return actor_of(session, user)


def actor_of(session: Session, user: User) -> Actor:
    """The actor a person is, with all their teams that are not archived."""
    return Actor(user.id, user.email, user.name, _roles(session, user.id))


def _roles(session: Session, user_id: int) -> dict[int, str]:
    """A person's role in each of their teams that is not archived."""
    rows = session.execute(_ROLES, {"user": user_id})
    return {team_id: role for team_id, role, extra in rows if not archived(extra)}


def archive_team(session: Session, actor: Actor, team: Team) -> None:
    """Put a team away: its people and keys do not reach it any more, nothing is deleted."""
    require(actor, "own", team.id, "team")
    team.extra = {**(team.extra or {}), "archived": True}
    session.flush()


def restore_team(session: Session, team: Team) -> None:
    """Bring an archived team back: its people and keys reach it as before. For whoever runs the server."""
    team.extra = {key: value for key, value in (team.extra or {}).items() if key != "archived"}
    session.flush()


def archived(extra: Mapping[str, Any] | None) -> bool:
    """Whether a team is archived, by its `extra`."""
    return bool((extra or {}).get("archived"))


def create_key(
    session: Session,
    user: User,
    team_id: int,
    name: str,
    *,
    read_only: bool = False,
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
    every_team: bool = False,
) -> tuple[ApiKey, str]:
    """A new API key of a person in a team, and its text, which is shown once and never stored. `every_team`: see `ApiKey`.

    Letters and digits only, with a lower-case one: vendors' clients paste keys into URLs and refuse others."""
    if session.get(Membership, (team_id, user.id)) is None:
        raise Invalid(f"{user.email} is not in that team.", field="user")
    if workspace is not None and workspace.team_id != team_id:
        raise NotFound("There is no such workspace.")
    if workspace is not None and every_team:
        raise Invalid("A key is for one workspace or for every team, not both.", field="workspace")
    if expires_at is not None and expires_at <= now():
        raise Invalid("The key would have expired already.", field="expires_at")
    token = "lw" + "".join(secrets.choice(KEY_ALPHABET) for _ in range(38))
    key = ApiKey(
        user_id=user.id,
        team_id=team_id,
        workspace_id=workspace.id if workspace else None,
        name=names.clean(name, "An API key"),
        prefix=token[:8],
        token_hash=_hash(token),
        read_only=read_only,
        every_team=every_team,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    _tell_key(session, "key.created", key)
    return key, token


# Runs for every call of a script: on tables and with a bound value it costs a third of what it does on entities.
_KEYS, _USERS, _MEMBERS, _TEAMS = (t.__table__.c for t in (ApiKey, User, Membership, Team))
_BY_KEY = (
    select(
        _KEYS.id, _KEYS.team_id, _KEYS.workspace_id, _KEYS.read_only, _KEYS.expires_at, _KEYS.revoked_at,
        _KEYS.every_team,
        _USERS.id.label("user_id"), _USERS.email, _USERS.name.label("user_name"), _USERS.disabled, _MEMBERS.role,
        _TEAMS.extra,
    )
    .join(User.__table__, _USERS.id == _KEYS.user_id)
    .join(Membership.__table__, (_MEMBERS.user_id == _USERS.id) & (_MEMBERS.team_id == _KEYS.team_id))
    .join(Team.__table__, _TEAMS.id == _KEYS.team_id)
    .where(_KEYS.token_hash == bindparam("hash"))
)  # fmt: skip
_ROLES = (
    select(_MEMBERS.team_id, _MEMBERS.role, _TEAMS.extra)
    .join(Team.__table__, _TEAMS.id == _MEMBERS.team_id)
    .where(_MEMBERS.user_id == bindparam("user"))
)


def by_key(session: Session, token: str) -> Actor:
    """The actor of an API key. Raises `Unauthenticated` when it is unknown, revoked, expired or of an archived team."""
    found = session.execute(_BY_KEY, {"hash": _hash(token)}).one_or_none()
    if found is None:
        raise Unauthenticated("The API key is not known.")
    if found.revoked_at is not None or found.disabled:
        raise Unauthenticated("The API key has been revoked.")
    if found.expires_at is not None and found.expires_at <= now():
        raise Unauthenticated("The API key has expired.")
    roles = {} if archived(found.extra) else {found.team_id: found.role}
    if found.every_team:
        roles = _roles(session, found.user_id)
    if not roles:
        raise Unauthenticated("The team of this API key is archived; use a key of another team.")
    return Actor(
        found.user_id, found.email, found.user_name, roles, found.id, found.read_only, found.workspace_id, found.team_id
    )


def touch_key(session: Session, key_id: int) -> None:
    """Note that a key was used, at most once in five minutes, so that reads seldom turn into writes."""
    stale = now() - TOUCH_EVERY
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, (ApiKey.last_used_at.is_(None)) | (ApiKey.last_used_at < stale))
        .values(last_used_at=now())
    )


def keys(session: Session, actor: Actor, team_id: int) -> list[ApiKey]:
    """Keys of a team: all for its managers, else the actor's own."""
    require(actor, "view", team_id, "team")
    query = select(ApiKey).where(ApiKey.team_id == team_id).order_by(ApiKey.id.desc())
    if not actor.may("manage", team_id):
        query = query.where(ApiKey.user_id == actor.user_id)
    return list(session.scalars(query))


def revoke_key(session: Session, actor: Actor, uid: object) -> ApiKey:
    """Revoke a key of one's own, or as a manager any of the team."""
    key = session.scalar(select(ApiKey).where(ApiKey.uid == uid))
    if key is None or key.team_id not in actor.roles:
        raise NotFound("There is no such API key.")
    if actor.read_only:
        raise Forbidden("This API key is read-only.")
    if key.user_id != actor.user_id:
        require(actor, "manage", key.team_id, "API key")
    key.revoked_at = key.revoked_at or now()
    session.flush()
    _tell_key(session, "key.revoked", key)
    return key


def _tell_key(session: Session, kind: str, key: ApiKey) -> None:
    events.emit(session, kind, team_id=key.team_id, data={"key": str(key.uid), "name": key.name})


def members(session: Session, actor: Actor, team_id: int) -> list[tuple[User, str]]:
    """People of a team with their roles, by name."""
    require(actor, "view", team_id, "team")
    rows = session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team_id)
        .order_by(func.lower(User.name), User.id)
    )
    return [(user, role) for user, role in rows]


def set_role(session: Session, team_id: int, user: User, role: str) -> None:
    """Put a person into a team, or change their role. The last owner of a team stays one."""
    if role not in ROLES:
        raise Invalid(f"{role!r} is not a role; choose one of {', '.join(ROLES)}.", field="role")
    membership = session.get(Membership, (team_id, user.id))
    if membership is None:
        session.add(Membership(team_id=team_id, user_id=user.id, role=role))
    elif membership.role == role:
        return
    else:
        if membership.role == "owner" and role != "owner":
            _keep_an_owner(session, team_id, user.id)
        membership.role = role
    session.flush()
    kind, data = "member.changed" if membership else "member.added", {"user": str(user.uid), "role": role}
    events.emit(session, kind, team_id=team_id, data=data)


def rename(session: Session, user: User, name: str) -> None:
    """Change the name that others see."""
    user.name = names.clean(name, "You")
    session.flush()


def add_member(
    session: Session, actor: Actor, team_id: int, email: str, role: str, name: str = ""
) -> tuple[User, str | None]:
    """Put a person into a team; who has no account yet gets one, and its password is returned, readable only here."""
    require(actor, "manage", team_id, "team")
    user, password = session.scalar(select(User).where(User.email == email.strip().lower())), None
    if user is None:
        user, password = create_user(session, email, None, name)
    elif session.get(Membership, (team_id, user.id)) is not None:
        raise Duplicate(f"{user.email} is in the team already.")
    change_member(session, actor, team_id, user, role)
    return user, password


def reset_password(session: Session, actor: Actor, team_id: int, user: User) -> str:
    """A made-up password for a member who lost theirs. Refused for people of teams that the actor does not manage."""
    require(actor, "manage", team_id, "team")
    rows = session.execute(select(Membership.team_id, Membership.role).where(Membership.user_id == user.id))
    roles = {team: role for team, role in rows}
    if team_id not in roles:
        raise NotFound("There is no such person in this team.")
    for team, role in roles.items():
        if not actor.may("own" if role == "owner" else "manage", team):
            raise Forbidden("This person is also in a team, or has a role, that you do not manage; ask an owner there.")
    password = generate_password()
    set_password(session, user, password)
    return password


def change_member(session: Session, actor: Actor, team_id: int, user: User, role: str) -> None:
    """`set_role` by an actor: managers set roles up to manager, only owners make or change owners."""
    require(actor, "manage", team_id, "team")
    present = session.get(Membership, (team_id, user.id))
    if (role == "owner" or (present and present.role == "owner")) and not actor.may("own", team_id):
        raise Forbidden("Only an owner may make or change an owner.")
    set_role(session, team_id, user, role)


def remove_member(session: Session, actor: Actor, team_id: int, user_id: int) -> None:
    """Take a person out of a team; their keys there stop working at once, their work stays."""
    require(actor, "manage", team_id, "team")
    membership = session.get(Membership, (team_id, user_id))
    if membership is None:
        raise NotFound("There is no such person in this team.")
    if membership.role == "owner":
        require(actor, "own", team_id, "team")
        _keep_an_owner(session, team_id, user_id)
    session.delete(membership)
    session.execute(
        update(ApiKey)
        .where(ApiKey.team_id == team_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    session.flush()
    data = {"user": str(session.get_one(User, user_id).uid)}
    events.emit(session, "member.removed", team_id=team_id, data=data)


def _keep_an_owner(session: Session, team_id: int, leaving: int) -> None:
    others = session.scalar(
        select(func.count())
        .select_from(Membership)
        .where(Membership.team_id == team_id, Membership.role == "owner", Membership.user_id != leaving)
    )
    if not others:
        raise Conflict("A team needs an owner; make somebody else owner first.", code="last_owner")


def user_by_email(session: Session, actor: Actor, email: str) -> User:
    """A person of one of the actor's teams by address. Raises `NotFound` for strangers, so that accounts cannot be probed."""
    user = session.scalar(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(User.email == email.strip().lower(), Membership.team_id.in_(actor.teams()))
        .limit(1)
    )
    if user is None:
        raise NotFound(f"There is no {email} in your team.")
    return user


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
