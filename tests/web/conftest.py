"""The pages in this process, with a cast of two teams and a project full of work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.db import Database
from labelwright.edge.auth import COOKIE
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import identity, queue, tasks
from tests.support import cast, work
from tests.support.cast import Cast

HTMX = {"hx-request": "true"}


@dataclass
class Site:
    """The pages, who may sign in, and a project with six tasks: two handed in by Bob, four open."""

    app: Any
    portal: Any
    database: Database
    cast: Cast
    project: Project
    job: Job
    tasks: list[Task]
    browsers: dict[str, TestClient] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Address of the project."""
        return f"/projects/{self.project.uid}"

    def stranger(self) -> TestClient:
        """A browser in which nobody is signed in."""
        client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        client.portal = self.portal  # one event loop for all
        return client

    def as_(self, name: str) -> TestClient:
        """A browser in which this person of the cast is signed in."""
        if name not in self.browsers:
            client = self.stranger()
            with self.database.write() as session:  # not through the form: Argon2 is slow on purpose
                client.cookies.set(COOKIE, identity.sign_in(session, self.cast.users[name]))
            self.browsers[name] = client
        return self.browsers[name]


def fill(session: Session) -> dict[str, Any]:
    """Cast, project, job, tasks."""
    people = cast.gather(session)
    project = cast.a_project(session, people)
    job, made = work.a_job(session, people.alice, project, 6, priority=7)
    for _ in range(2):
        task = queue.next_task(session, people.bob, project, "label")
        assert task is not None
        tasks.submit(session, people.bob, task, task.lease)
    return {"cast": people, "project": project, "job": job, "tasks": made}


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The pages on a fresh database; on both kinds."""
    app = asgi.create_app(settings.load({}, data=tmp_path / "data", database_url=database_url, workers=0))
    database: Database = app.state.context.database
    with TestClient(app, raise_server_exceptions=False) as client:
        with database.write() as session:
            made = fill(session)
        yield Site(app, client.portal, database, **made)
