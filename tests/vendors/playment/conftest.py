"""An application with projects of each base, and someone whose scripts file jobs."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.db import Database
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Task
from labelwright.services import documents, identity, ontology, projects, workflows
from labelwright.services.documents import Change
from tests.conftest import DATABASES
from tests.support import cast, postgres, processes
from tests.vendors.playment import live
from tests.vendors.playment.classes import CLASSES

PICTURE = "https://cdn.example.org/600x400/000/fff.jpg&text=Dummy+Image+1"


@dataclass
class Desk:
    """Scripts' side of the application: `post` and `get` send the key, `make` also checks the envelope."""

    app: Any
    client: TestClient
    database: Database
    key: str
    people: cast.Cast
    images: str
    videos: str
    workflow: str
    video_workflow: str
    prefix: str = ""
    count: int = field(default=0)

    def call(self, method: str, path: str, body: Any = None, key: str | None = None, **options: Any) -> Any:
        """The answer's decoded envelope and its status, after the checks every answer must pass."""
        headers = {"x-api-key": self.key if key is None else key}
        if body is not None:
            options["json"] = body
        answer = self.client.request(method, self.prefix + path, headers=headers, follow_redirects=False, **options)
        assert answer.status_code in (200, 400, 401), answer.text
        envelope = answer.json()
        assert envelope["success"] is (answer.status_code == 200), envelope
        if not envelope["success"]:
            assert set(envelope["error"]) == {"code", "message"}
            assert envelope["error"]["message"]
        return envelope

    def data(self, method: str, path: str, body: Any = None) -> Any:
        """`data` of a success."""
        envelope = self.call(method, path, body)
        assert envelope["success"], envelope
        return envelope["data"]

    def code(self, method: str, path: str, body: Any = None, **options: Any) -> str:
        """The code of a failure."""
        envelope = self.call(method, path, body, **options)
        assert not envelope["success"], envelope
        return envelope["error"]["code"]

    def jobs(self, project: str | None = None) -> str:
        """Path of a project's jobs."""
        return f"/v1/projects/{project or self.images}/jobs"

    def body(self, data: Any = None, **more: Any) -> dict[str, Any]:
        """A create body with a reference of its own."""
        self.count += 1
        return {"reference_id": f"ref-{self.count}", "tag": "Maker-1", "data": data or {"image_url": PICTURE}} | more

    def file(self, data: Any = None, project: str | None = None, **more: Any) -> str:
        """File a job; its id."""
        return self.data("POST", self.jobs(project), self.body(data, **more))["job_id"]

    def task(self, job: str) -> tuple[Task, Item]:
        """The rows behind a job."""
        with self.database.read() as session:
            query = select(Task, Item).join(Item, Item.id == Task.item_id)
            task, item = session.execute(query.where(Task.uid == uuid.UUID(job))).one()
            return task, item

    def document(self, job: str) -> documents.Stored:
        """The present labels of a job."""
        with self.database.read() as session:
            return documents.read(session, self.task(job)[1].id)

    def media_arrived(self, *jobs: str, size: tuple[int, int] = (600, 400)) -> None:
        """As if the files had been fetched."""
        from labelwright.services import tasks

        with self.database.write() as session:
            for job in jobs:
                item = session.get_one(Item, self.task(job)[1].id)
                item.media_state, item.width, item.height = "ready", *size
                tasks.media_ready(session, [item.id])

    def label(self, job: str, change: Change | None = None) -> None:
        """An annotator takes the job, changes its labels, submits."""
        from labelwright.services import queue, tasks

        with self.database.write() as session:
            task = tasks.load(session, self.people.bob, job, "label")
            queue.claim(session, self.people.bob, task)
            if change is not None:
                item = session.get_one(Item, task.item_id)
                base = documents.read(session, item.id).version
                documents.save(session, self.people.bob, item, change, base=base, task=task, lease=task.lease)
            tasks.submit(session, self.people.bob, task, task.lease)

    def accept(self, job: str) -> None:
        """A reviewer accepts."""
        from labelwright.services import queue, tasks
        from labelwright.services import review as reviewing

        with self.database.write() as session:
            task = tasks.load(session, self.people.rita, job, "review")
            queue.claim(session, self.people.rita, task)
            reviewing.accept(session, self.people.rita, task, task.lease)

    def reject(self, job: str, reason: str = "Loose outline") -> None:
        """A reviewer sends the work back."""
        from labelwright.services import queue, tasks
        from labelwright.services import review as reviewing

        with self.database.write() as session:
            task = tasks.load(session, self.people.rita, job, "review")
            queue.claim(session, self.people.rita, task)
            reviewing.reject(session, self.people.rita, task, task.lease, reason)

    def finish(self, job: str, change: Change | None = None) -> dict[str, Any]:
        """Label and accept; the result file."""
        self.media_arrived(job)
        self.label(job, change)
        self.accept(job)
        return self.result(job)

    def result(self, job: str, project: str | None = None) -> dict[str, Any]:
        """The result file, fetched as the documentation says."""
        with self.database.read() as session:
            uid = session.scalar(select(Project.uid).where(Project.id == self.task(job)[0].project_id))
        told = self.data("GET", f"{self.jobs(project or str(uid))}/{job}")
        assert told["status"] == "completed"
        return self.fetch(told["result"]).json()

    def fetch(self, address: str) -> Any:
        """An attachment: the redirect, then the file without a key."""
        assert not set(address) & set("?&# ")
        path = f"{self.prefix}/v1/attachments?url={address}"
        sent = self.client.get(path, headers={"x-api-key": self.key}, follow_redirects=False)
        assert sent.status_code == 302, sent.text
        target = sent.headers["location"]
        assert target.startswith(str(self.client.base_url).rstrip("/") + "/files/")
        answer = self.client.get(target)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """The application on a fresh database, an image and a video project, a workflow with the tag Maker-1."""
    yield from _desks(database_url, tmp_path)


@pytest.fixture(scope="module", params=DATABASES)
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address of a migrated database for the tests of a file, and a folder; on both kinds."""
    folder = tmp_path_factory.mktemp("shared")
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "labelwright.sqlite3")
        yield f"sqlite:///{folder / 'labelwright.sqlite3'}", folder
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = f"shared_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    yield server.create(name, request.getfixturevalue("postgres_template")), folder
    server.drop(name)


@pytest.fixture(scope="module")
def shared_desk(shared_url: tuple[str, Path]) -> Iterator[Desk]:
    """One application for the tests of a file that do not disturb each other."""
    yield from _desks(*shared_url)


@pytest.fixture(scope="module")
def shared_site(shared_url: tuple[str, Path]) -> Iterator[live.Site]:
    """One running server for the tests of a file; take `renewed()` from it."""
    url, folder = shared_url
    server = processes.start_server(folder, url)
    yield live.open_site(server)
    server.kill()


def _desks(database_url: str, folder: Path) -> Iterator[Desk]:
    app = asgi.create_app(settings.load({}, data=folder / "data", database_url=database_url, workers=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield a_desk(app, client)


def a_desk(app: Any, client: TestClient) -> Desk:
    """Put people and projects into an application's database."""
    database: Database = app.state.context.database
    with database.write() as session:
        people = cast.gather(session)
        _, key = identity.create_key(session, people.users["alice"], people.team.id, "scripts")
        classes = ontology.parse_classes(CLASSES)
        found = [
            projects.create(session, people.alice, people.workspace, f"Street {kind}s", kind, classes)
            for kind in ("image", "video")
        ]
        uids = [workflows.create(session, project, "Maker", "Maker-1").uid for project in found]
        return Desk(
            app, client, database, key, people, str(found[0].uid), str(found[1].uid), str(uids[0]), str(uids[1])
        )
