"""What background work is handed, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from labelwright.db import Database, now
from labelwright.geometry.document import Document
from labelwright.media.fetch import Fetcher
from labelwright.models.events import Event
from labelwright.models.items import Item, ItemMedia
from labelwright.models.work import Task
from labelwright.services import (
    batches,
    documents,
    filing,
    jobs,
    media_pump,
    ontology,
    workflows,
)
from labelwright.services.background import Shared
from labelwright.services.filing import NewMedia, NewTask
from labelwright.settings import Settings
from labelwright.storage import open_store
from tests.support.cast import Cast, a_project, gather


@pytest.fixture
def shared(database: Database, tmp_path: Path) -> Iterator[Shared]:
    settings = Settings(
        data=tmp_path, database_url=database.url, fetch_allow=(ip_network("127.0.0.0/8"),), max_pixels=1_000_000,
        fetch_max_mb=2, fetch_timeout=5,
    )  # fmt: skip
    shared = Shared(settings, database, open_store(settings), Fetcher(settings))
    yield shared
    shared.fetcher.close()


class World:
    """A cast, a project of each kind, and short ways to file and to look."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        with shared.database.write() as session:
            self.cast: Cast = gather(session)
            self.projects = {kind: a_project(session, self.cast, kind) for kind in ("image", "video")}

    def file(self, *new: NewTask) -> list[int]:
        """Ids of the items."""
        with self.shared.database.write() as session:
            project = self.projects[new[0].kind]
            workflow, batch = workflows.default_of(session, project.id), batches.default_of(session, project)
            job = jobs.for_origin(session, project, batch, workflow, "test")
            known = ontology.compiled(session, project)
            steps = workflows.steps_of(workflow)
            return [
                f.item_id
                for f in filing.file_tasks(session, self.cast.alice, project, batch, job, known, steps, list(new))
            ]

    def image(self, *urls: str, **more: Any) -> list[int]:
        """File one image for each URL."""
        return self.file(*[NewTask(f"image {n}", media=[NewMedia(url)], **more) for n, url in enumerate(urls)])

    def pump(self) -> None:
        """Let the pump do what is due."""
        media_pump.pump(self.shared)

    def item(self, item_id: int) -> Item:
        with self.shared.database.read() as session:
            return session.get_one(Item, item_id)

    def rows(self, item_id: int) -> list[ItemMedia]:
        with self.shared.database.read() as session:
            return list(session.scalars(select(ItemMedia).where(ItemMedia.item_id == item_id).order_by(ItemMedia.id)))

    def task_state(self, item_id: int) -> str:
        with self.shared.database.read() as session:
            return session.scalars(select(Task.state).where(Task.item_id == item_id)).one()

    def document(self, item_id: int) -> Document:
        with self.shared.database.read() as session:
            return documents.read(session, item_id).document

    def events(self, kind: str) -> list[Event]:
        with self.shared.database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))

    def hurry(self) -> None:
        """As if all waits were over."""
        with self.shared.database.write() as session:
            session.execute(update(ItemMedia).where(ItemMedia.state == "pending").values(next_try_at=now()))


@pytest.fixture
def world(shared: Shared) -> World:
    return World(shared)
