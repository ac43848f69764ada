"""People: users, roles, and who is in which team."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, or_, select

from labelwright.errors import Forbidden, NotFound
from labelwright.models.identity import ApiKey, Membership, Team, User
from labelwright.services import access, identity
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, keep
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

# Their role ids and names, and our role of the same rights. The first four are constants of the package.
ROLES: dict[int, tuple[str, str]] = {
    1: ("admin", "owner"),
    2: ("developer", "manager"),
    3: ("annotator", "annotator"),
    4: ("viewer", "viewer"),
    5: ("reviewer", "reviewer"),
    6: ("manager", "manager"),
}
OURS = {"owner": 1, "manager": 2, "annotator": 3, "viewer": 4, "reviewer": 5}
EPOCH = "2020-01-01T00:00:00.000Z"
FIELDS = {"id": Field(User.id, ID), "login": Field(User.email, lambda v, at: wire.text(v, at).strip().lower()),
          "name": Field(User.name), "disabled": Field(User.disabled, wire.flag)}  # fmt: skip


def role_id(role: str, extra: dict[str, Any] | None) -> int:
    """Their id for one of our roles; `extra` of the membership remembers which of two it was."""
    kept = ((extra or {}).get("supervisely") or {}).get("role")
    return kept if kept in ROLES and ROLES[kept][1] == role else OURS[role]


def visible(ask: Ask) -> Any:
    """Users the caller may see: those of the caller's teams, the caller, and accounts that the caller made."""
    member = exists().where(Membership.user_id == User.id, Membership.team_id.in_(ask.actor.teams()))
    return select(User).where(or_(member, User.id == ask.actor.user_id, User.created_by == ask.actor.user_id))


def user_of(ask: Ask, user_id: int) -> User:
    """A user by id. Raises `NotFound`, also for strangers."""
    found = ask.session.scalar(visible(ask).where(User.id == user_id))
    if found is None:
        raise NotFound(f"There is no user {user_id}.")
    return found


def user_json(user: User, role: str = "", role_number: int | None = None) -> dict[str, Any]:
    """A user as the package reads it."""
    kept = (user.preferences or {}).get("supervisely") or {}
    email = kept.get("email") or (user.email if "@" in user.email else "")
    return {
        "id": user.id, "login": user.email, "role": role, "roleId": role_number, "name": user.name, "email": email,
        "logins": user.logins, "disabled": user.disabled, "lastLogin": wire.moment(user.last_login_at),
        "createdAt": wire.moment(user.created_at), "updatedAt": wire.moment(user.created_at),
    }  # fmt: skip


def _with_teams(ask: Ask, user: User) -> dict[str, Any]:
    rows = ask.session.execute(
        select(Team, Membership).join(Membership, Membership.team_id == Team.id)
        .where(Membership.user_id == user.id, Team.id.in_(ask.actor.teams())).order_by(Team.id)
    )  # fmt: skip
    teams = []
    for team, membership in rows:
        number = role_id(membership.role, membership.extra)
        teams.append({"id": team.id, "name": team.name, "roleId": number, "role": ROLES[number][0]})
    first = teams[0] if teams else {"role": "", "roleId": None}
    return {**user_json(user, first["role"], first["roleId"]), "teams": teams}


def listed(ask: Ask) -> dict[str, Any]:
    """Users the caller may see."""
    return listing.page(
        ask, visible(ask), FIELDS, lambda rows: [user_json(row[0]) for row in rows], id_column=User.id,
        sorts={"login": User.email, "name": User.name, "createdAt": User.created_at},
    )  # fmt: skip


def info(ask: Ask) -> dict[str, Any]:
    """One user with their teams, as far as the caller is in them too."""
    return _with_teams(ask, user_of(ask, ask.whole("id")))


def me(ask: Ask) -> dict[str, Any]:
    """The caller."""
    return _with_teams(ask, ask.session.get_one(User, ask.actor.user_id))


def add(ask: Ask) -> dict[str, Any]:
    """A new account, in no team yet. It takes somebody who manages a team."""
    if not ask.actor.teams("manage"):
        raise Forbidden("It takes a manager of a team to make accounts.")
    _not_restricted(ask)
    login, password = ask.text("login", most=320), ask.text("password", most=1000)
    name = ask.text("name", "", most=200)
    user, _ = identity.create_user(ask.session, login, password, name, plain=True, created_by=ask.actor.user_id)
    kept = {"email": ask.text("email", "", most=320), "restricted": ask.flag("isRestricted", False)}
    user.preferences = {**(user.preferences or {}), "supervisely": {k: v for k, v in kept.items() if v}}
    ask.session.flush()
    return {"userId": user.id}


def _not_restricted(ask: Ask) -> None:
    own = ask.session.get_one(User, ask.actor.user_id)
    if ((own.preferences or {}).get("supervisely") or {}).get("restricted"):
        raise Forbidden("Your account is restricted: it may not make accounts or teams.")


def _manages(ask: Ask, user: User) -> None:
    """Raise unless the caller manages every team that the user is in, or made the account and it is in none."""
    actor = ask.actor
    rows = ask.session.execute(select(Membership.team_id, Membership.role).where(Membership.user_id == user.id)).all()
    if not rows and user.created_by != actor.user_id:
        raise Forbidden("Only who made this account may change it.")
    if actor.read_only:
        raise Forbidden("This API key is read-only.")
    for team_id, role in rows:
        if not actor.may("own" if role == "owner" else "manage", team_id):
            raise Forbidden("This person is also in a team, or has a role, that you do not manage; ask an owner there.")


def edit(ask: Ask) -> dict[str, Any]:
    """Change a name or a password, one's own or that of somebody whom the caller manages."""
    user = user_of(ask, ask.whole("id"))
    if user.id != ask.actor.user_id:
        _manages(ask, user)
    elif ask.actor.read_only:
        raise Forbidden("This API key is read-only.")
    if ask.has("login") and ask.text("login").strip().lower() != user.email:
        raise Refused(400, "A login cannot be changed.")
    if ask.has("name"):
        identity.rename(ask.session, user, ask.text("name"))
    if ask.has("password"):
        identity.set_password(ask.session, user, ask.text("password", most=1000))
    ask.session.flush()
    return _with_teams(ask, user)


def disable(ask: Ask) -> dict[str, Any]:
    """Close an account, or open it again; its sign-ins and keys stop working at once."""
    user = user_of(ask, ask.whole("id"))
    if user.id == ask.actor.user_id:
        raise Refused(400, "You cannot disable your own account.")
    _manages(ask, user)
    user.disabled = ask.flag("disable")
    if user.disabled:
        identity.sign_out_everywhere(ask.session, user.id)
    return {"success": True}


def roles(ask: Ask) -> dict[str, Any]:
    """The roles there are."""
    rows = [{"id": number, "role": name, "createdAt": EPOCH, "updatedAt": EPOCH} for number, (name, _) in ROLES.items()]
    return listing.at_hand(ask, rows, {"id": Field(read=ID), "role": Field()})


def members(ask: Ask) -> dict[str, Any]:
    """People of a team, with their roles there."""
    team = ask.team()
    query = (
        select(User, Membership).join(Membership, Membership.user_id == User.id).where(Membership.team_id == team.id)
    )

    def shape(rows: Any) -> list[Any]:
        found = []
        for user, membership in rows:
            number = role_id(membership.role, membership.extra)
            found.append(user_json(user, ROLES[number][0], number))
        return found

    return listing.page(ask, query, FIELDS, shape, id_column=User.id, sorts={"login": User.email})


def _role(ask: Ask) -> int:
    number = ask.whole("roleId")
    if number not in ROLES:
        raise Refused(400, f"There is no role {number}; roles.list has them.")
    return number


def add_member(ask: Ask) -> dict[str, Any]:
    """Put a user into a team, by login."""
    team, number = ask.team(right="manage"), _role(ask)
    login = ask.text("login").strip().lower()
    user = ask.session.scalar(select(User).where(User.email == login))
    if user is None:
        raise NotFound(f"There is no user {login!r}.")
    if ask.session.get(Membership, (team.id, user.id)) is not None:
        raise Refused(400, f"{login} is in the team already; members.editInfo changes the role.")
    _set(ask, team, user, number)
    return {"userId": user.id}


def _set(ask: Ask, team: Team, user: User, number: int) -> None:
    identity.change_member(ask.session, ask.actor, team.id, user, ROLES[number][1])
    membership = ask.session.get_one(Membership, (team.id, user.id))
    keep(membership, role=number)
    ask.session.flush()


def edit_member(ask: Ask) -> dict[str, Any]:
    """Change a member's role."""
    team, number = ask.team(right="manage"), _role(ask)
    user = user_of(ask, ask.whole("id"))
    if ask.session.get(Membership, (team.id, user.id)) is None:
        raise NotFound(f"There is no user {user.id} in this team.")
    _set(ask, team, user, number)
    return {"success": True}


def remove_member(ask: Ask) -> dict[str, Any]:
    """Take a user out of a team; their work stays."""
    team = ask.team(right="manage")
    identity.remove_member(ask.session, ask.actor, team.id, ask.whole("id"))
    return {"success": True}


def teams(ask: Ask) -> dict[str, Any]:
    """The caller's teams."""
    rows = ask.session.scalars(select(Team).where(Team.id.in_(ask.actor.teams())))
    return listing.at_hand(ask, [team_json(ask, team) for team in rows], {"id": Field(read=ID), "name": Field()})


def team_json(ask: Ask, team: Team) -> dict[str, Any]:
    """A team as the package reads it."""
    kept, at = extra_of(team), wire.moment(team.created_at)
    role = ask.actor.roles.get(team.id, "viewer")
    return {"id": team.id, "name": team.name, "description": kept.get("description", ""), "role": ROLES[OURS[role]][0],
            "createdAt": at, "updatedAt": kept.get("updatedAt", at), "usage": {"plan": "enterprise"}}  # fmt: skip


def team_info(ask: Ask) -> dict[str, Any]:
    """One team."""
    return team_json(ask, ask.team("id"))


def add_team(ask: Ask) -> dict[str, Any]:
    """A new team, with the caller as its admin."""
    session, actor = ask.session, ask.actor
    _not_restricted(ask)
    if not actor.teams("manage") or not _every_team(ask):
        raise Forbidden(
            "This API key works in one team only, so it could not reach a new one. Make a key for every team of yours"
            " (Team, API keys), or sign in with Api.from_credentials."
        )
    name = ask.text("name", most=200).strip()
    for other in session.scalars(select(Team).where(Team.id.in_(actor.teams()))):
        if other.name == name:
            raise Refused(400, f"You have a team {name!r} already.")
    team = identity.create_team(session, name)
    keep(team, description=ask.text("description", "") or None)
    identity.set_role(session, team.id, session.get_one(User, actor.user_id), "owner")
    session.flush()
    return {**team_json(ask, team), "role": "admin"}


def _every_team(ask: Ask) -> bool:
    key = ask.session.get(ApiKey, ask.actor.key_id) if ask.actor.key_id is not None else None
    return key is None or (key.every_team and not key.read_only)


def edit_team(ask: Ask) -> dict[str, Any]:
    """Change a team's name or description."""
    team = ask.team("id", "own")
    if ask.has("name"):
        name = ask.text("name", most=200).strip()
        if not name:
            raise Refused(400, "A team needs a name.")
        team.name = name
    if ask.has("description"):
        keep(team, description=ask.text("description"))
    ask.session.flush()
    return team_json(ask, team)


def archive_team(ask: Ask) -> dict[str, Any]:
    """Put a team away; nothing is deleted."""
    identity.archive_team(ask.session, ask.actor, ask.team("id", "own"))
    return {"success": True}


def remove_teams(ask: Ask) -> dict[str, Any]:
    """Delete teams with all that is in them, for good."""
    for team in [_owned(ask, ref) for ref in ask.wholes("teamsIds", most=50)]:
        ask.session.delete(team)
    ask.session.flush()
    return {"taskId": 0}


def _owned(ask: Ask, ref: int) -> Team:
    """A team of which the caller is an owner; for a key of every team also one that is archived."""
    team = ask.session.get(Team, ref)
    if team is None or not identity.archived(team.extra) or not _every_team(ask):
        return access.team(ask.session, ask.actor, ref, "own")
    own = ask.session.get(Membership, (ref, ask.actor.user_id))
    if own is None or own.role != "owner":
        raise NotFound("There is no such team.")
    return team


METHODS: Methods = {
    "users.list": Method(listed),
    "users.info": Method(info),
    "users.me": Method(me),
    "users.add": Method(add, write=True),
    "users.editInfo": Method(edit, write=True),
    "users.disable": Method(disable, write=True),
    "roles.list": Method(roles),
    "members.list": Method(members),
    "members.add": Method(add_member, write=True),
    "members.editInfo": Method(edit_member, write=True),
    "members.remove": Method(remove_member, write=True),
    "teams.list": Method(teams),
    "teams.info": Method(team_info),
    "teams.add": Method(add_team, write=True),
    "teams.editInfo": Method(edit_team, write=True),
    "teams.archive": Method(archive_team, write=True),
    "teams.remove.permanently": Method(remove_teams, write=True),
}
