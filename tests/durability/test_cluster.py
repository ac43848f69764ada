"""Two `serve` and two `worker` processes over one PostgreSQL and one S3 store: kill any of them, the others go on."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from labelwright.db import Database
from labelwright.models.background import BackgroundTask
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.services import access, exports, identity
from tests.durability.checks import check_nothing_lost, database_of, open_floor, wait_for_callbacks
from tests.support import postgres, processes
from tests.support.floor import Floor
from tests.support.origin import Origin
from tests.support.processes import LiveServer, Process, S3Server


class Cluster:
    """The four processes. `serve` leaves background work to the workers."""

    def __init__(self, folder: Path, database_url: str, storage: dict[str, object]) -> None:
        settings = {"database_url": database_url, "fetch_allow": "127.0.0.0/8"} | storage
        owner = processes.labelwright("init", "--email", "owner@example.org", data=folder / "data", **settings)
        self.servers = [LiveServer(folder / "data", settings | {"workers": 0}, owner) for _ in range(2)]
        self.workers = [
            Process(["worker", "--data", str(folder / "data")], settings, folder / f"worker-{n}.log") for n in range(2)
        ]
        for process in self.processes:
            process.start()

    @property
    def processes(self) -> list[LiveServer | Process]:
        """All four."""
        return [*self.servers, *self.workers]

    def close(self) -> None:
        """End them all."""
        for process in self.processes:
            process.kill()


@pytest.fixture
def cluster(
    tmp_path: Path, postgres_server: postgres.Server, postgres_template: str, s3_server: S3Server
) -> Iterator[Cluster]:
    name = f"cluster_{tmp_path.name[-40:]}".lower()
    url = postgres_server.create(name, postgres_template)
    cluster = Cluster(tmp_path, url, s3_server.settings(s3_server.bucket()))
    yield cluster
    cluster.close()
    postgres_server.drop(name)


@pytest.mark.timeout(900)
def test_any_one_may_be_killed_at_any_time(cluster: Cluster, tmp_path: Path, origin: Origin) -> None:
    ports = [server.port for server in cluster.servers]
    floor = open_floor(cluster.servers[0], tmp_path, origin, ports)
    database = database_of(cluster.servers[0])
    floor.start()
    try:
        for victim in cluster.processes:
            ask_for_exports(database, floor, 3)
            floor.wait_for(30)
            time.sleep(random.random() * 0.3)
            victim.kill()
            floor.wait_for(30)  # the others serve on
            victim.start()
    finally:
        floor.stop.set()
    floor.finish()
    wait_for_exports(database, 12)
    wait_for_media(database, len(floor.filed))
    wait_for_callbacks(database)
    assert floor.accepted <= {body["task"]["uid"] for _, body in origin.received}
    check_nothing_lost(floor, database)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Media)) == len(floor.filed), (
            "each picture is stored once"
        )
    database.close()


def ask_for_exports(database: Database, floor: Floor, count: int) -> None:
    """Queue exports, as somebody who presses the button several times."""
    with database.write() as session:
        actor = identity.by_key(session, floor.keys["script"])
        for _ in range(count):
            exports.start(session, actor, access.project(session, actor, floor.project), "coco")


def wait_for_exports(database: Database, count: int, seconds: float = 120) -> None:
    """Return when every background task is done; each has its file, and told so."""
    deadline = time.monotonic() + seconds
    while True:
        with database.read() as session:
            rows = session.scalars(select(BackgroundTask)).all()
        if {row.state for row in rows} == {"done"}:
            break
        assert time.monotonic() < deadline, [(row.state, row.error) for row in rows]
        time.sleep(0.3)
    assert len(rows) == count
    store = session.info["store"]
    assert all(row.result and store.exists(row.result["key"]) for row in rows)


def wait_for_media(database: Database, items: int, seconds: float = 90) -> None:
    """Return when every item's picture is there."""
    deadline = time.monotonic() + seconds
    while True:
        with database.read() as session:
            states = dict(session.execute(select(Item.media_state, func.count()).group_by(Item.media_state)).all())
            errors = session.scalars(select(ItemMedia.error).where(ItemMedia.error != "").limit(3)).all()
        if states == {"ready": items}:
            return
        assert time.monotonic() < deadline, (states, errors)
        time.sleep(0.2)
