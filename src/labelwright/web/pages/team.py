"""A team's people, their roles, and API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from labelwright.db import now
from labelwright.errors import Invalid, NotFound
from labelwright.models.identity import ROLES, Team, User, Workspace
from labelwright.services import access, identity
from labelwright.web import words
from labelwright.web.pages.common import rights
from labelwright.web.view import View

EXPIRY = {"": "Never", "7": "In 7 days", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
SCOPES = {
    "full": "All that my role may do",
    "read": "Read only",
    "teams": "All that my roles may do, in every team of mine",
}


def index(view: View) -> Response:
    """To the actor's team; all of them when there are several."""
    teams = _teams(view)
    if len(teams) == 1:
        return view.done(f"/team/{teams[0].uid}")
    return view.page("teams.html", section="team", teams=[(t, words.ROLES[view.actor.roles[t.id]][0]) for t in teams])


def members(view: View, uid: str) -> Response:
    """People and roles."""
    team = access.team(view.session, view.actor, uid)
    return team_page(
        view,
        "members.html",
        team,
        "members",
        people=identity.members(view.session, view.actor, team.id),
        roles=_roles(view, team),
        all_roles=words.ROLES,
    )


def add_member(view: View, uid: str) -> Response:
    """Put a person into the team; for a new account the made-up password is shown once."""
    team = access.team(view.session, view.actor, uid, "manage")
    user, password = identity.add_member(
        view.session, view.actor, team.id, view.text("email"), view.text("role"), view.text("name")
    )
    if password is None:
        return view.done(f"/team/{team.uid}", f"{user.name} is in the team now.")
    return view.part("_password.html", user=user, password=password, team=team, fresh=True)


def change_member(view: View, uid: str, user_uid: str) -> Response:
    """Give a person another role."""
    team = access.team(view.session, view.actor, uid, "manage")
    user = _member(view, team, user_uid)
    identity.change_member(view.session, view.actor, team.id, user, view.text("role"))
    return view.done(f"/team/{team.uid}", f"{user.name} is {view.text('role')} now.")


def remove_member(view: View, uid: str, user_uid: str) -> Response:
    """Take a person out of the team."""
    team = access.team(view.session, view.actor, uid, "manage")
    user = _member(view, team, user_uid)
    identity.remove_member(view.session, view.actor, team.id, user.id)
    return view.done("/team" if user.id == view.actor.user_id else f"/team/{team.uid}", f"{user.name} left the team.")


def reset_password(view: View, uid: str, user_uid: str) -> Response:
    """A new password for a person who lost theirs, shown once."""
    team = access.team(view.session, view.actor, uid, "manage")
    user = _member(view, team, user_uid)
    password = identity.reset_password(view.session, view.actor, team.id, user)
    return view.part("_password.html", user=user, password=password, team=team, fresh=False)


def keys(view: View, uid: str) -> Response:
    """API keys: one's own, and for managers all of the team."""
    team = access.team(view.session, view.actor, uid)
    rows = identity.keys(view.session, view.actor, team.id)
    users = _by_id(view, User, {key.user_id for key in rows})
    spaces = _by_id(view, Workspace, {key.workspace_id for key in rows if key.workspace_id})
    return team_page(view, "keys.html", team, "keys", keys=rows, users=users, spaces=spaces, now=now())


def key_form(view: View, uid: str) -> Response:
    """The dialog for a new key."""
    team = access.team(view.session, view.actor, uid)
    spaces = view.session.scalars(access.visible_workspaces(view.actor).where(Workspace.team_id == team.id))
    return view.part("_key_form.html", team=team, spaces=list(spaces), expiry=EXPIRY, scopes=SCOPES)


def create_key(view: View, uid: str) -> Response:
    """A new key; its text is shown once."""
    session, actor = view.session, view.actor
    team = access.team(session, actor, uid)
    days = view.text("expires")
    if days not in EXPIRY:
        raise Invalid("Choose one of the times offered.", field="expires")
    workspace = access.workspace(session, actor, view.text("workspace")) if view.text("workspace") else None
    key, token = identity.create_key(
        session,
        session.get_one(User, actor.user_id),
        team.id,
        view.text("name"),
        read_only=view.text("scope") == "read",
        every_team=view.text("scope") == "teams",
        workspace=workspace,
        expires_at=now() + timedelta(days=int(days)) if days else None,
    )
    return view.part("_key_made.html", key=key, token=token, team=team)


def revoke_key(view: View, uid: str, key_uid: str) -> Response:
    """Stop a key from working."""
    team = access.team(view.session, view.actor, uid)
    key = identity.revoke_key(view.session, view.actor, access.as_uid(key_uid))
    return view.done(f"/team/{team.uid}/keys", f"The key {key.name} is revoked.")


def team_page(view: View, template: str, team: Team, tab: str, **context: Any) -> Response:
    """A page in the frame of a team."""
    may = rights(view, team.id)
    others = [t for t in _teams(view) if t.id != team.id]
    return view.page(template, section="team", team=team, tab=tab, may=may, others=others, **context)


def _teams(view: View) -> list[Team]:
    return list(view.session.scalars(select(Team).where(Team.id.in_(view.actor.teams())).order_by(Team.name)))


def _roles(view: View, team: Team) -> list[tuple[str, str]]:
    """Roles the actor may give."""
    owner = view.actor.may("own", team.id)
    return [(role, words.ROLES[role][0]) for role in ROLES if owner or role != "owner"]


def _member(view: View, team: Team, uid: str) -> User:
    for user, _role in identity.members(view.session, view.actor, team.id):
        if str(user.uid) == uid:
            return user
    raise NotFound("There is no such person in this team.")


def _by_id(view: View, table: Any, ids: set[int]) -> dict[int, Any]:
    return {row.id: row for row in view.session.scalars(select(table).where(table.id.in_(ids)))} if ids else {}
