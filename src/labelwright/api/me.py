"""Who the caller is."""

from __future__ import annotations

from sqlalchemy import select
from typing_extensions import TypedDict

from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.models.identity import ApiKey, Team, User, Workspace

routes = Routes(tags=["Account"])


class MyTeamBody(TypedDict):
    """A team of the caller, and the role there."""

    uid: str
    name: str
    role: str


class MyKeyBody(TypedDict):
    """The key of this request, and how it narrows its owner's rights."""

    uid: str
    name: str
    read_only: bool
    workspace: str | None


class MeBody(TypedDict):
    """The caller."""

    uid: str
    email: str
    name: str
    teams: list[MyTeamBody]
    key: MyKeyBody | None


@routes.get("/me")
def me(call: Call) -> MeBody:
    """Who the key or sign-in of this request belongs to, and what it may do."""
    session, actor = call.session, call.actor
    user = session.get_one(User, actor.user_id)
    teams = session.scalars(select(Team).where(Team.id.in_(actor.roles)).order_by(Team.id))
    return {
        "uid": str(user.uid),
        "email": user.email,
        "name": user.name,
        "teams": [{"uid": str(team.uid), "name": team.name, "role": actor.roles[team.id]} for team in teams],
        "key": _key(call),
    }


def _key(call: Call) -> MyKeyBody | None:
    if call.actor.key_id is None:
        return None
    key = call.session.get_one(ApiKey, call.actor.key_id)
    workspace = call.session.get(Workspace, key.workspace_id) if key.workspace_id else None
    return {
        "uid": str(key.uid),
        "name": key.name,
        "read_only": key.read_only,
        "workspace": str(workspace.uid) if workspace else None,
    }
