"""`kill -9` of the server at any moment loses nothing that was acknowledged, and leaves nothing half-written."""

from __future__ import annotations

import random
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from labelwright.db import Database
from labelwright.models.background import BackgroundTask
from labelwright.models.documents import DocumentHead
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import datasets
from tests.durability.checks import check_nothing_lost, database_of, open_floor, wait_for_callbacks
from tests.support import processes
from tests.support.origin import Origin
from tests.support.processes import LiveServer

ROUNDS = 3


PICTURES = 300


def ask_for_import(server: LiveServer, project: str, number: int, origin: Origin) -> None:
    """Have the server take in labels of pictures that are nowhere."""
    box = {"x": 10, "y": 20, "width": 40, "height": 40, "rectanglelabels": ["car"]}
    found = {
        "id": "a",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": 64,
        "original_height": 48,
        "value": box,
    }
    tasks = [
        {"data": {"image": origin.url(f"/gone/{number}-{n}.jpg")}, "annotations": [{"result": [found]}]}
        for n in range(PICTURES)
    ]
    status, answer = server.request("POST", f"/api/v1/projects/{project}/datasets?format=label-studio", tasks)
    assert status == 202, answer


def check_imports(database: Database, project: str, seconds: float = 120) -> None:
    """Return when all imports are done: each picture is there once, with its label."""
    deadline = time.monotonic() + seconds
    imports = select(BackgroundTask).where(BackgroundTask.kind == datasets.KIND)
    while True:
        with database.read() as session:
            rows = session.scalars(imports).all()
        if {row.state for row in rows} == {"done"}:
            break
        assert time.monotonic() < deadline, [(row.state, row.error) for row in rows]
        time.sleep(0.3)
    assert [(row.result or {})["filed"] for row in rows] == [PICTURES] * ROUNDS
    with database.read() as session:
        mine = select(Item).join(Project).where(Project.uid == uuid.UUID(project)).subquery()
        counts = select(func.count(), func.count(mine.c.name.distinct())).select_from(mine)
        assert tuple(session.execute(counts).one()) == (PICTURES * ROUNDS,) * 2
        labeled = select(func.sum(DocumentHead.objects)).join(mine, mine.c.id == DocumentHead.item_id)
        assert session.scalar(labeled) == PICTURES * ROUNDS


@pytest.mark.timeout(900)
def test_kill_loses_nothing_that_was_acknowledged(database_url: str, tmp_path: Path, origin: Origin) -> None:
    server = processes.start_server(tmp_path, database_url)
    floor = open_floor(server, tmp_path, origin)
    status, project = server.request("POST", "/api/v1/projects", {"name": "Imports", "classes": [{"name": "car"}]})
    assert status == 201, project
    floor.start()
    try:
        for number in range(ROUNDS):
            floor.wait_for(25)
            ask_for_import(server, project["uid"], number, origin)
            time.sleep(random.random() * 0.4)
            server.kill()
            server.start()
        floor.wait_for(25)
    finally:
        floor.stop.set()
    floor.finish()
    assert len(floor.filed) > 20
    assert len(floor.saved) > 20
    assert floor.submitted
    assert floor.accepted
    database = database_of(server)
    accepted = len(floor.accepted)
    assert wait_for_callbacks(database) >= accepted
    told = {body["task"]["uid"] for _, body in origin.received}
    assert floor.accepted <= told
    check_imports(database, project["uid"])
    server.kill()
    check_nothing_lost(floor, database)
    database.close()
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
