"""Durable tasks on both databases, in this process and in killed ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from labelwright.db import Database
from labelwright.errors import Invalid
from labelwright.models.background import BackgroundTask, Worker
from labelwright.models.identity import Team
from labelwright.services import background, dequeue, wake
from labelwright.services.background import Background, Progress, Shared, followed
from tests.support.processes import environment

ROOT = Path(__file__).resolve().parents[2]


def wait_for(check: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true answer of `check`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


@pytest.fixture
def run(shared: Shared) -> Iterator[Callable[..., Background]]:
    started: list[Background] = []

    def start(tasks: dict[str, Any], pumps: dict[str, Any] | None = None) -> Background:
        started.append(Background(shared, tasks, pumps or {}))
        # As servers do: on another thread than one on which a browser's driver keeps its event loop running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(started[-1].start).result()
        return started[-1]

    yield start
    for one in started:
        if background._running is one:
            one.stop()


def test_a_task_runs_with_its_arguments_and_a_rollback_leaves_none(shared: Shared, run: Any) -> None:
    seen: list[Any] = []
    run({"note": lambda _shared, *given: seen.append(given)})
    with pytest.raises(RuntimeError), shared.database.write() as session:
        background.enqueue(session, "note", "never")
        raise RuntimeError
    with shared.database.write() as session:
        background.enqueue(session, "note", 1, {"a": ["b", None]})
        background.enqueue(session, "note", "two")
    wait_for(lambda: len(seen) >= 2)
    time.sleep(1.5)
    assert sorted(seen, key=len, reverse=True) == [(1, {"a": ["b", None]}), ("two",)]


def test_a_task_starts_at_its_commit_and_each_that_ends_makes_room(
    shared: Shared, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "SPARE_POLL", 600.0)  # DBOS itself looks too late for this test,
    monkeypatch.setattr(dequeue, "LOOK", 600.0)  # and so does whoever is not woken
    seen: list[int] = []
    run({"note": lambda _shared, number: seen.append(number)})
    with shared.database.write() as session:
        for number in range(3 * shared.settings.workers):
            background.enqueue(session, "note", number)
    wait_for(lambda: len(seen) == 3 * shared.settings.workers)
    assert sorted(seen) == list(range(3 * shared.settings.workers))


def test_a_task_queued_before_any_worker_runs_when_one_comes(shared: Shared, run: Any) -> None:
    with shared.database.write() as session:
        background.enqueue(session, "note", "early")
    seen: list[Any] = []
    run({"note": lambda _shared, word: seen.append(word)})
    assert wait_for(lambda: seen) == ["early"]


def test_a_failing_task_does_not_stop_the_others(shared: Shared, run: Any) -> None:
    seen: list[int] = []

    def odd(_shared: Shared, number: int) -> None:
        seen.append(number)
        if number % 2:
            raise ValueError("odd")

    run({"odd": odd})
    with shared.database.write() as session:
        for number in range(6):
            background.enqueue(session, "odd", number)
    wait_for(lambda: len(seen) == 6)
    time.sleep(1.2)
    assert sorted(seen) == list(range(6))


def test_followed_work_tells_how_far_it_is_and_how_it_ended(shared: Shared, run: Any) -> None:
    go: list[bool] = []

    def count(_shared: Shared, progress: Progress) -> dict[str, Any]:
        progress.update(3, 10)
        wait_for(lambda: go)
        if progress.arguments["fail"]:
            raise Invalid("There is nothing to count.")
        return {"counted": 10}

    def broken(_shared: Shared, _progress: Progress) -> None:
        raise KeyError("secret detail")

    run({"count": followed(count), "broken": followed(broken)})
    with shared.database.write() as session:
        session.add(team := Team(name="Team"))
        session.flush()
        ids = [
            background.follow(session, kind, {"fail": fail}, team_id=team.id).id
            for kind, fail in (("count", False), ("count", True), ("broken", True))
        ]

    def rows() -> list[BackgroundTask]:
        with shared.database.read() as session:
            return list(
                session.scalars(select(BackgroundTask).where(BackgroundTask.id.in_(ids)).order_by(BackgroundTask.id))
            )

    wait_for(lambda: [(r.state, r.done, r.total) for r in rows()][:2] == [("running", 3, 10)] * 2)
    go.append(True)
    wait_for(lambda: all(r.finished_at for r in rows()))
    done, failed, crashed = rows()
    assert (done.state, done.result, failed.state, failed.error) == (
        "done",
        {"counted": 10},
        "failed",
        "There is nothing to count.",
    )
    assert crashed.state == "failed"
    assert "secret" not in crashed.error
    assert str(crashed.uid) in crashed.error


def test_stopping_leaves_the_task_for_the_next_process(shared: Shared, run: Any) -> None:
    begun: list[int] = []

    def long(shared: Shared, progress: Progress) -> dict[str, Any]:
        begun.append(1)
        while len(begun) < 2:
            progress.update(1)
            time.sleep(0.02)
        return {}

    first = run({"long": followed(long)})
    with shared.database.write() as session:
        session.add(team := Team(name="Team"))
        session.flush()
        row_id = background.follow(session, "long", {}, team_id=team.id).id
    wait_for(lambda: begun)
    assert first.stop() is True
    with shared.database.read() as session:
        assert session.get_one(BackgroundTask, row_id).state == "running"
    shared.stopping.clear()
    run({"long": followed(long)})

    def state() -> str:
        with shared.database.read() as session:
            return session.get_one(BackgroundTask, row_id).state

    wait_for(lambda: state() == "done")
    assert len(begun) == 2


def test_steps_are_not_run_again(shared: Shared, run: Any) -> None:
    first_part: list[int] = []
    tries: list[int] = []

    def once() -> int:
        first_part.append(1)
        return 42

    def task(shared: Shared) -> None:
        value = background.step("once", once)
        tries.append(value)
        if len(tries) == 1:
            raise background.Stopping

    one = run({"task": task})
    with shared.database.write() as session:
        background.enqueue(session, "task")
    wait_for(lambda: tries)
    assert one.stop()
    shared.stopping.clear()
    run({"task": task})
    wait_for(lambda: len(tries) == 2)
    assert (tries, first_part) == ([42, 42], [1])


def test_a_pump_wakes_at_commit_and_survives_errors(shared: Shared, run: Any) -> None:
    calls: list[float] = []

    def pump(_shared: Shared) -> bool:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise ValueError("first time unlucky")
        return False

    run({}, {"rows": pump})
    wait_for(lambda: len(calls) >= 2)
    count = len(calls)
    wait_for(lambda: len(calls) > count)
    with shared.database.write() as session:
        wake.call(session, "rows")
        session.execute(text("SELECT 1"))
        before, moment = len(calls), time.monotonic()
    wait_for(lambda: len(calls) > before, 0.9)
    assert time.monotonic() - moment < 0.9


def test_old_finished_tasks_are_forgotten(shared: Shared, run: Any) -> None:
    from datetime import timedelta

    from labelwright.db import now

    seen: list[int] = []
    run({"note": lambda _shared: seen.append(1)})
    with shared.database.write() as session:
        background.enqueue(session, "note")
    wait_for(lambda: seen)
    assert background.forget_finished(shared.database, now() - timedelta(hours=1)) == 0
    wait_for(lambda: background.forget_finished(shared.database, now() + timedelta(hours=1)))


WORKER = """
import sys, time
from pathlib import Path
from labelwright.db import Database
from labelwright.media.fetch import Fetcher
from labelwright.services import background, wake
from labelwright.services.background import Background, Shared
from labelwright.settings import load
from labelwright.storage import open_store

name, marks = sys.argv[1], Path(sys.argv[2])
settings = load()
database = Database(settings.database_url)

def work(shared, number):
    (marks / f"begun-{number}-{name}").touch()
    time.sleep(0.4)
    (marks / f"ended-{number}-{name}").touch()

running = Background(Shared(settings, database, open_store(settings), Fetcher(settings)), {"work": work}, {})
running.start()
(marks / f"up-{name}").touch()
while not (marks / "stop").exists():
    time.sleep(0.05)
running.stop()
"""


StartWorker = Callable[[str, Path, Database, Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts worker processes; those that still run when the test is over are killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, marks: Path, database: Database, data: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, name, str(marks)], cwd=ROOT,
            env=environment(data=data, database_url=database.url, workers=3),
        )  # fmt: skip
        started.append(process)
        wait_for(lambda: (marks / f"up-{name}").exists() or process.poll() is not None)
        assert process.poll() is None
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


# Enough that each worker of a slow machine gets some and is met with one done and one begun.
TASKS = 40


def numbers(marks: Path, kind: str, name: str = "*") -> list[int]:
    return [int(p.name.split("-")[1]) for p in marks.glob(f"{kind}-*-{name}")]


def test_a_killed_worker_loses_nothing(database: Database, tmp_path: Path, start_worker: StartWorker) -> None:
    """One worker on SQLite, two on PostgreSQL; one is killed with -9 in the middle of its tasks."""
    marks = tmp_path / "marks"
    marks.mkdir()
    others = [] if database.sqlite else [start_worker("b", marks, database, tmp_path)]
    first = start_worker("a", marks, database, tmp_path)
    # Queued once all are up: the first one would have done everything before the second is there.
    with database.write() as session:
        for number in range(TASKS):
            background.enqueue(session, "work", number)
    wait_for(lambda: len(numbers(marks, "begun", "a")) > len(numbers(marks, "ended", "a")) > 0)
    first.send_signal(signal.SIGKILL)
    first.wait()
    in_flight = set(numbers(marks, "begun", "a")) - set(numbers(marks, "ended", "a"))
    assert in_flight
    if database.sqlite:
        others.append(start_worker("b", marks, database, tmp_path))
    wait_for(lambda: set(numbers(marks, "ended")) == set(range(TASKS)), 60)
    # Nothing twice but what was running when it was killed: it had three places.
    twice = {n for n in range(TASKS) if numbers(marks, "begun").count(n) == 2}
    assert in_flight <= twice
    assert len(twice) <= 3
    assert all(numbers(marks, "begun").count(n) <= 2 for n in range(TASKS))
    (marks / "stop").touch()
    assert [p.wait(30) for p in others] == [0]
    with database.read() as session:
        assert len(list(session.scalars(select(Worker)))) == 1
