"""A whole application in this process, with a cast: two teams that must never meet."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.db import Database
from labelwright.models.identity import Team, User
from labelwright.services import identity, workspaces
from tests.support.cast import PASSWORD, PASSWORD_HASH


@dataclass
class Person:
    """Someone with a key in one team. `api` is a client that sends it."""

    uid: str
    email: str
    password: str
    key: str
    team: str
    workspace: str
    api: TestClient


@dataclass
class Floor:
    """An application and the people on it."""

    app: Any
    database: Database
    client: TestClient

    def client_with(self, key: str = "", **headers: str) -> TestClient:
        """A client of the same application with its own key."""
        if key:
            headers["authorization"] = f"Bearer {key}"
        client = TestClient(self.app, headers=headers, raise_server_exceptions=False)
        client.portal = self.client.portal  # one event loop for all
        return client

    def team(self, email: str, name: str) -> Person:
        """A new team with its owner."""
        with self.database.write() as session:
            team = identity.create_team(session, name)
            user = _joined(session, team, email, "owner")
            workspace = workspaces.create(session, None, team, f"{name} workspace")
            return self._person(session, team, user, str(workspace.uid), "First key")

    def member(self, of: Person, email: str, role: str) -> Person:
        """Another person in a team."""
        with self.database.write() as session:
            team = session.scalars(select(Team).where(Team.uid == uuid.UUID(of.team))).one()
            return self._person(session, team, _joined(session, team, email, role), of.workspace, "test")

    def _person(self, session: Session, team: Team, user: User, workspace: str, key_name: str) -> Person:
        _, key = identity.create_key(session, user, team.id, key_name)
        return Person(str(user.uid), user.email, PASSWORD, key, str(team.uid), workspace, self.client_with(key))


def _joined(session: Session, team: Team, email: str, role: str) -> User:
    """A new person in a team. All have the cast's password: hashing one for each is slow on purpose."""
    user = User(email=email, name=email.partition("@")[0], password_hash=PASSWORD_HASH)
    session.add(user)
    session.flush()
    identity.set_role(session, team.id, user, role)
    return user


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """The application on a fresh database."""
    app = asgi.create_app(settings.load({}, data=tmp_path / "data", database_url=database_url, workers=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Floor(app, app.state.context.database, client)


@pytest.fixture
def working(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """An application that runs its background tasks itself."""
    app = asgi.create_app(settings.load({}, data=tmp_path / "data", database_url=database_url, workers=2))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Floor(app, app.state.context.database, client)


def wait(person: Person, uid: str) -> dict[str, Any]:
    """A background task once it has ended, as its owner sees it."""
    body: dict[str, Any] = {}
    for _ in range(1500):
        body = person.api.get(f"/api/v1/background-tasks/{uid}").json()
        if body["state"] in ("done", "failed"):
            return body
        time.sleep(0.02)
    raise AssertionError(body)


@pytest.fixture
def owner(floor: Floor) -> Person:
    """Owner of the first team."""
    return floor.team("olga@example.org", "North")


@pytest.fixture
def stranger(floor: Floor) -> Person:
    """Owner of another team."""
    return floor.team("stefan@example.org", "South")
