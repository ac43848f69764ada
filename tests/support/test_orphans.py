"""What a killed test run leaves behind does not stop the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from tests.support import postgres


@pytest.fixture
def orphan() -> Path:
    """The folder of a run whose controller is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return Path(tempfile.gettempdir()) / f"{postgres.PREFIX}{gone.pid}-{time.time_ns()}"


def process(folder: Path) -> int:
    return int((folder / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])


def test_a_server_that_still_runs_is_stopped(orphan: Path) -> None:
    server = postgres.Server.start(orphan)
    pid = process(orphan)
    postgres.clean_up_orphans()
    assert not orphan.exists()
    assert not Path(f"/proc/{pid}/cwd").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname="postgres")


def test_a_server_that_was_killed_leaves_a_folder_only(orphan: Path) -> None:
    postgres.Server.start(orphan)
    pid = process(orphan)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/cwd").exists():
        time.sleep(0.05)
    postgres.clean_up_orphans()
    assert not orphan.exists()


def test_a_number_that_is_another_process_by_now_is_left_alone(orphan: Path) -> None:
    (orphan / "pg").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        (orphan / "pg" / "postmaster.pid").write_text(f"{other.pid}\n")
        postgres.clean_up_orphans()
        assert other.poll() is None
        other.kill()
    assert not orphan.exists()
