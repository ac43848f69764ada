"""`kill -9` of the server at any moment loses nothing that was acknowledged, and leaves nothing half-written."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.durability.checks import check_nothing_lost, database_of, open_floor, wait_for_callbacks
from tests.support import processes
from tests.support.origin import Origin

ROUNDS = 3


@pytest.mark.timeout(900)
def test_kill_loses_nothing_that_was_acknowledged(database_url: str, tmp_path: Path, origin: Origin) -> None:
    server = processes.start_server(tmp_path, database_url)
    floor = open_floor(server, tmp_path, origin)
    floor.start()
    try:
        for _ in range(ROUNDS):
            floor.wait_for(25)
            time.sleep(random.random() * 0.2)
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
    server.kill()
    check_nothing_lost(floor, database)
    database.close()
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
