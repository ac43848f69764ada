"""Teams, their people, workspaces and API keys."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import select

from labelwright.api.bodies import identity as bodies
from labelwright.api.forms import Form, Long, Name, Short
from labelwright.api.paging import PageBody, Paging, by_id, cursor_of, cut
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.errors import Forbidden, NotFound
from labelwright.models.identity import Membership, Team, User, Workspace
from labelwright.services import access, identity, workspaces

routes = Routes(tags=["Teams"])
Role = Literal["owner", "manager", "reviewer", "annotator", "viewer"]


class TeamChange(Form):
    """Changes of a team."""

    name: Name


class NewMember(Form):
    """Somebody to be in the team. Without `password` one is made up."""

    email: Annotated[Short, Field(min_length=3, max_length=320)]
    name: Short = ""
    role: Role
    password: Annotated[str, Field(min_length=8, max_length=1000)] | None = None


class RoleChange(Form):
    """Another role."""

    role: Role


class NewWorkspace(Form):
    """A workspace to be made. `team`: needed when you are in several."""

    name: Name
    description: Long = ""
    team: UUID | None = Field(None, strict=False)


class NewKey(Form):
    """A key to be made. `user`: whose it is (a member's uid), yours when left out."""

    name: Name
    team: UUID | None = Field(None, strict=False)
    user: UUID | None = Field(None, strict=False)
    read_only: bool = False
    workspace: UUID | None = Field(None, strict=False)
    expires_at: AwareDatetime | None = Field(None, strict=False)


@routes.get("/teams")
def list_teams(call: Call, page: Paging) -> PageBody[bodies.TeamBody]:
    """Teams you are in."""
    query = select(Team).where(Team.id.in_(call.actor.roles))
    return by_id(call.session, query, Team.id, page, lambda t: bodies.team(t, call.actor.roles[t.id]))


@routes.get("/teams/{uid}")
def get_team(call: Call, uid: UUID) -> bodies.TeamBody:
    """A team."""
    team = access.team(call.session, call.actor, uid)
    return bodies.team(team, call.actor.roles[team.id])


@routes.patch("/teams/{uid}")
def change_team(call: Call, uid: UUID, body: TeamChange) -> bodies.TeamBody:
    """Rename a team."""
    team = access.team(call.session, call.actor, uid, "own")
    team.name = body.name
    return bodies.team(team, call.actor.roles[team.id])


@routes.get("/teams/{uid}/members")
def list_members(call: Call, uid: UUID, page: Paging) -> PageBody[bodies.MemberBody]:
    """People of a team and their roles."""
    team = access.team(call.session, call.actor, uid)
    query = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.team_id == team.id).order_by(User.id).limit(page.limit + 1)
    if page.after is not None:
        query = query.where(User.id > cursor_of(page.after, 1)[0])
    rows = [(user, role) for user, role in call.session.execute(query)]
    return cut(rows, page.limit, lambda row: bodies.member(*row), lambda row: [row[0].id])


@routes.post("/teams/{uid}/members", status_code=201)
def add_member(call: Call, uid: UUID, body: NewMember) -> bodies.NewMemberBody:
    """Add somebody, with an account of their own when they have none. Its password is shown only here."""
    team = access.team(call.session, call.actor, uid, "manage")
    email, password = identity.clean_email(body.email), None
    user = call.session.scalar(select(User).where(User.email == email))
    if user is None:
        user, password = identity.create_user(call.session, email, body.password, body.name)
    identity.change_member(call.session, call.actor, team.id, user, body.role)
    return {**bodies.member(user, body.role), "password": password}


@routes.patch("/teams/{uid}/members/{user}")
def change_member(call: Call, uid: UUID, user: UUID, body: RoleChange) -> bodies.MemberBody:
    """Give a member another role."""
    team = access.team(call.session, call.actor, uid, "manage")
    member, _ = _member(call, team, user)
    identity.change_member(call.session, call.actor, team.id, member, body.role)
    return bodies.member(member, body.role)


@routes.delete("/teams/{uid}/members/{user}")
def remove_member(call: Call, uid: UUID, user: UUID) -> None:
    """Take somebody out of the team. Their keys stop working, their work stays."""
    team = access.team(call.session, call.actor, uid, "manage")
    member, _ = _member(call, team, user)
    identity.remove_member(call.session, call.actor, team.id, member.id)


@routes.get("/workspaces")
def list_workspaces(call: Call, page: Paging) -> PageBody[bodies.WorkspaceBody]:
    """Workspaces you may see."""
    session = call.session
    query = access.visible_workspaces(call.actor)
    return by_id(session, query, Workspace.id, page, lambda w: bodies.workspace(w, session.get_one(Team, w.team_id)))


@routes.post("/workspaces", status_code=201)
def create_workspace(call: Call, body: NewWorkspace) -> bodies.WorkspaceBody:
    """Make a workspace."""
    if call.actor.workspace_id is not None:
        raise Forbidden("This API key is bound to one workspace.")
    team = access.team(call.session, call.actor, body.team or call.actor.team_id, "manage")
    return bodies.workspace(workspaces.create(call.session, call.actor, team, body.name, body.description), team)


@routes.get("/workspaces/{ref}")
def get_workspace(call: Call, ref: str) -> bodies.WorkspaceBody:
    """A workspace, by uid or slug."""
    row = access.workspace(call.session, call.actor, ref)
    return bodies.workspace(row, call.session.get_one(Team, row.team_id))


@routes.get("/keys")
def list_keys(call: Call, page: Paging) -> PageBody[bodies.KeyBody]:
    """API keys: your own, and as a manager those of your teams."""
    rows = [key for team in call.actor.roles for key in identity.keys(call.session, call.actor, team)]
    rows.sort(key=lambda key: key.id)
    after = cursor_of(page.after, 1)[0] if page.after is not None else 0
    rows = [key for key in rows if key.id > after][: page.limit + 1]
    return cut(rows, page.limit, lambda key: bodies.key(call.session, key), lambda key: [key.id])


@routes.post("/keys", status_code=201)
def create_key(call: Call, body: NewKey) -> bodies.NewKeyBody:
    """Make an API key. Its text is shown only here. A key cannot make a key that may do more than itself."""
    session, actor = call.session, call.actor
    team = access.team(session, actor, body.team or actor.team_id)
    if actor.read_only and not body.read_only:
        raise Forbidden("This API key is read-only.")
    user = session.get_one(User, actor.user_id)
    if body.user is not None and body.user != user.uid:
        access.require(actor, "manage", team.id, "team")
        user, role = _member(call, team, body.user)
        if role == "owner":
            access.require(actor, "own", team.id, "team")
    home = access.workspace(session, actor, body.workspace) if body.workspace is not None else None
    if home is None and actor.workspace_id is not None:
        home = session.get_one(Workspace, actor.workspace_id)
    key, text = identity.create_key(
        session, user, team.id, body.name, read_only=body.read_only, workspace=home, expires_at=body.expires_at
    )
    return {**bodies.key(session, key), "api_key": text}


@routes.delete("/keys/{uid}")
def revoke_key(call: Call, uid: UUID) -> None:
    """Revoke a key; it stops working at once."""
    identity.revoke_key(call.session, call.actor, uid)


def _member(call: Call, team: Team, uid: UUID) -> tuple[User, str]:
    query = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
    found = call.session.execute(query.where(Membership.team_id == team.id, User.uid == uid)).one_or_none()
    if found is None:
        raise NotFound("There is no such person in this team.")
    return found[0], found[1]
