"""First set-up, teams, people, API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from labelwright.cli import output
from labelwright.cli.output import Data, Json, TeamId
from labelwright.errors import Conflict, NotFound

Email = Annotated[str, typer.Option("--email", help="The first owner's address; also their sign-in name.")]


def init(
    email: Email,
    data: Data = None,
    team: Annotated[str, typer.Option(help="The team's name.")] = "My team",
    workspace: Annotated[str, typer.Option(help="The first workspace's name.")] = "Workspace",
    json: Json = False,
) -> None:
    """Set up: a team with its first owner, a workspace, an API key. Password and key are shown this once."""
    from sqlalchemy import select

    from labelwright.models.identity import User
    from labelwright.services import workspaces

    with output.writing(data) as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            raise Conflict("This is set up already; add people with `labelwright user add`.")
        made = workspaces.first_set_up(session, email, team, workspace)
        value = {
            "email": made.user.email,
            "password": made.password,
            "api_key": made.api_key,
            "team_id": made.team.id,
            "workspace_id": made.workspace.id,
            "workspace": made.workspace.slug,
            "team_uid": str(made.team.uid),
            "workspace_uid": str(made.workspace.uid),
        }
    output.answer(json, value, f"Owner      {value['email']}\nPassword   {value['password']}\n"
                  f"API key    {value['api_key']}\nWorkspace  {value['workspace']}\n"
                  "Keep them now: password and key are not shown again.")  # fmt: skip


def list_teams(data: Data = None, json: Json = False) -> None:
    """List the teams, archived ones, too."""
    from sqlalchemy import func, select

    from labelwright.models.identity import Membership, Team
    from labelwright.services import identity

    with output.writing(data) as session:
        query = select(Team, func.count(Membership.user_id)).outerjoin(Membership, Membership.team_id == Team.id)
        rows = session.execute(query.group_by(Team.id).order_by(Team.id))
        teams = [
            {"id": t.id, "uid": str(t.uid), "name": t.name, "people": n, "archived": identity.archived(t.extra)}
            for t, n in rows
        ]
    lines = [
        f"{t['id']:>4}  {t['name']}  ({t['people']} {'person' if t['people'] == 1 else 'people'}"
        f"{', archived' if t['archived'] else ''})"
        for t in teams
    ]
    output.answer(json, {"teams": teams}, "\n".join(lines) or "No team yet: run `labelwright init --email YOU@HOST`.")


def restore_team(
    team: Annotated[int, typer.Argument(metavar="ID", help="Its id, as `labelwright team list` shows it.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Bring an archived team back, with its people, keys, projects and items as they were."""
    from labelwright.services import identity

    with output.writing(data) as session:
        found = output.team(session, team)
        if not identity.archived(found.extra):
            raise Conflict(f"{found.name} is not archived.")
        identity.restore_team(session, found)
        value = {"id": found.id, "uid": str(found.uid), "name": found.name}
    output.answer(json, value, f"{value['name']} is back.")


def add_user(
    email: Annotated[str, typer.Argument(help="Their address; also their sign-in name.")],
    role: Annotated[str, typer.Option(help="owner, manager, reviewer, annotator or viewer.")],
    name: Annotated[str, typer.Option(help="Their name (default: from the address).")] = "",
    team: TeamId = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a person to a team, with a made-up password that is shown this once."""
    from labelwright.services import identity

    with output.writing(data) as session:
        of = output.team(session, team)
        user, password = identity.create_user(session, email, name=name)
        identity.set_role(session, of.id, user, role)
        value = {"id": user.id, "uid": str(user.uid), "email": user.email, "password": password, "role": role}
    output.answer(json, value, f"{value['email']} ({role})\nPassword   {password}")


def create_key(
    user: Annotated[str, typer.Option(help="Address of the person whose rights the key has.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    read_only: Annotated[bool, typer.Option("--read-only", help="It may only read.")] = False,
    workspace: Annotated[str | None, typer.Option(help="Slug of the one workspace it reaches.")] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires.", min=1)] = None,
    every_team: Annotated[
        bool, typer.Option("--every-team", help="It speaks for the person in all their teams.")
    ] = False,
    team: TeamId = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make an API key, shown this once."""
    from sqlalchemy import select

    from labelwright.db import now
    from labelwright.models.identity import User
    from labelwright.services import identity

    with output.writing(data) as session:
        owner = session.scalar(select(User).where(User.email == user.strip().lower()))
        if owner is None:
            raise NotFound(f"There is no person {user}.")
        of = output.team(session, team, owner)
        row, token = identity.create_key(
            session, owner, of.id, name, read_only=read_only,
            workspace=output.workspace(session, workspace) if workspace else None,
            expires_at=now() + timedelta(days=days) if days else None, every_team=every_team,
        )  # fmt: skip
        value = {"api_key": token, "uid": str(row.uid), "name": row.name, "user": owner.email}
    output.answer(json, value, f"API key    {token}\nKeep it now: it is not shown again.")
