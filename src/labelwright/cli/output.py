"""What all commands share: their common options, answers, progress bars, and the database they work on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from labelwright import settings as configuration
from labelwright.errors import Conflict, Invalid, NotFound
from labelwright.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from labelwright.db import Database
    from labelwright.models.identity import Team, User, Workspace

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for scripts.")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder (default: LABELWRIGHT_DATA, else ./data).")
]
TeamId = Annotated[int | None, typer.Option("--team", metavar="ID", help="Team id; needed when there are several.")]


def answer(as_json: bool, value: dict[str, Any], text: str) -> None:
    """Print the result of a command: `value` as JSON, or `text` for people."""
    typer.echo(json.dumps(value, default=str) if as_json else text)


def settings(data: Path | None = None) -> Settings:
    """Settings in force; `--data` wins over the environment."""
    return configuration.load(data=data.expanduser().resolve() if data else None)


@contextmanager
def database(values: Settings) -> Iterator[Database]:
    """The migrated database. Makes the data folder when the database is a file in it."""
    from labelwright import migrate
    from labelwright.db import Database
    from labelwright.storage.store import open_store

    if values.database_url.startswith("sqlite"):
        Path(values.database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    opened = Database(values.database_url, open_store(values))
    try:
        migrate.upgrade(opened)
        yield opened
    finally:
        opened.close()


@contextmanager
def writing(data: Path | None) -> Iterator[Session]:
    """A write transaction on the migrated database."""
    with database(settings(data)) as opened, opened.write() as session:
        yield session


def team(session: Session, team_id: int | None, member: User | None = None) -> Team:
    """The team that is meant: the given one, else the only one in use, of all or of a person's."""
    from sqlalchemy import select

    from labelwright.models.identity import Membership, Team
    from labelwright.services import identity

    if team_id is not None:
        found = session.get(Team, team_id)
        if found is None:
            raise NotFound(f"There is no team {team_id}.")
        return found
    query = select(Team).order_by(Team.id)
    if member is not None:
        query = query.join(Membership, Membership.team_id == Team.id).where(Membership.user_id == member.id)
    teams = [one for one in session.scalars(query) if not identity.archived(one.extra)]
    if member is not None and not teams:
        raise Invalid(f"{member.email} is in no team.", field="user")
    if not teams:
        raise Conflict("Nothing is set up here yet: run `labelwright init --email YOU@HOST` first.")
    if len(teams) > 1:
        named = ", ".join(f"{one.id} ({one.name})" for one in teams[:20])
        raise Invalid(f"There are several teams: {named}. Say which with --team ID.", field="team")
    return teams[0]


def workspace(session: Session, slug: str | None) -> Workspace:
    """The workspace that is meant: the given one, else the only one."""
    from sqlalchemy import select

    from labelwright.models.identity import Workspace

    if slug:
        found = session.scalar(select(Workspace).where(Workspace.slug == slug))
        if found is None:
            raise NotFound(f"There is no workspace {slug!r}.")
        return found
    found_all = list(session.scalars(select(Workspace).order_by(Workspace.id).limit(2)))
    if not found_all:
        raise Conflict("Nothing is set up here yet: run `labelwright init --email YOU@HOST` first.")
    if len(found_all) > 1:
        raise Invalid("There are several workspaces; say which with --workspace SLUG.", field="workspace")
    return found_all[0]


def progress(things: Iterable[T], what: str, total: int | None = None, *, quiet: bool = False) -> Iterator[T]:
    """The same things, with a bar on standard error while they are worked on, when a person is looking."""
    if quiet or not sys.stderr.isatty():
        yield from things
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(things, description=what, total=total, console=Console(stderr=True), transient=True)
