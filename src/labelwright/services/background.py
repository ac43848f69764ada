"""Background work: durable tasks on DBOS, with its tables in our database, and pumps that drain rows.

`enqueue` joins the caller's transaction, so a task exists exactly if the change that asked for it does. A `Background` runs
tasks and pumps in this process; any number of processes may. Each keeps a heartbeat row; when one is gone, the others
take over what it was running. A task may therefore run twice in part: everything it does must be fit to be done again.

On SQLite all writes queue on one lock: never enqueue-and-wait, and never call `step`, inside an open write transaction.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from labelwright import migrate
from labelwright.db import Database, new_uid, now
from labelwright.errors import LabelwrightError
from labelwright.media.fetch import Fetcher
from labelwright.models.background import BackgroundTask, Worker
from labelwright.services import dequeue, wake
from labelwright.settings import Settings
from labelwright.storage import Store

if TYPE_CHECKING:
    from dbos import DBOS, DBOSClient

log = logging.getLogger("labelwright.background")

APPLICATION = "labelwright"
QUEUE = "tasks"
# Fixed: tasks queued by one version are run by the next. Give a task a new name when its arguments change meaning.
VERSION = "1"
WORKFLOW = "labelwright.task"
HEARTBEAT = 5.0
GONE = timedelta(seconds=20)
POLL = 1.0
# How often DBOS itself looks for tasks; `dequeue` is there long before.
SPARE_POLL = 30.0


@dataclass(frozen=True)
class Shared:
    """What tasks and pumps are handed. `stopping` is set when the process wants to end."""

    settings: Settings
    database: Database
    store: Store
    fetcher: Fetcher
    stopping: threading.Event = field(default_factory=threading.Event)


Task = Callable[..., None]
"""`task(shared, *arguments)`; the arguments are JSON."""

Pump = Callable[[Shared], bool]
"""Does one chunk of what is due; True when there may be more at once."""


class Stopping(BaseException):
    """The process ends: leave the task where it is, another process takes it up. Not an error, so not an `Exception`."""


def enqueue(session: Session, name: str, *arguments: Any) -> str:
    """Queue the task `name` in this transaction; returns its id. A rollback leaves nothing behind."""
    task_id = str(new_uid())
    options: Any = {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": task_id, "app_version": VERSION}
    _client(session.get_bind().engine).enqueue_in_transaction(session, options, name, list(arguments))
    wake.call(session, QUEUE)
    return task_id


def follow(
    session: Session,
    kind: str,
    arguments: dict[str, Any],
    *,
    team_id: int,
    project_id: int | None = None,
    user_id: int | None = None,
) -> BackgroundTask:
    """Queue long work that people can follow: its row tells how far it is. The task `kind` is a `followed` function."""
    row = BackgroundTask(
        kind=kind, arguments=arguments, team_id=team_id, project_id=project_id, created_by=user_id, state="queued"
    )
    session.add(row)
    session.flush()
    enqueue(session, kind, row.id)
    return row


class Progress:
    """A followed task's own view of its row."""

    def __init__(self, shared: Shared, row: BackgroundTask) -> None:
        self.row = row
        self.arguments = row.arguments
        self._shared = shared
        self._written = 0.0

    def update(self, done: int, total: int | None = None) -> None:
        """Note how far it is (written once a second at most). Raises `Stopping` when the process wants to end.

        Not inside an open write transaction."""
        if self._shared.stopping.is_set():
            raise Stopping
        if time.monotonic() - self._written < 1:
            return
        self._written = time.monotonic()
        values = {"done": done} | ({} if total is None else {"total": total})
        with self._shared.database.write() as session:
            session.execute(update(BackgroundTask).where(BackgroundTask.id == self.row.id).values(values))


def followed(function: Callable[[Shared, Progress], dict[str, Any] | None]) -> Task:
    """A task that keeps its `BackgroundTask` row: running, then done with what `function` returned, or failed."""

    def run(shared: Shared, row_id: int) -> None:
        with shared.database.write() as session:
            row = session.get(BackgroundTask, row_id)
            if row is None or row.state in {"done", "failed"}:
                return
            row.state = "running"
        try:
            result = function(shared, Progress(shared, row))
            values: dict[str, Any] = {"state": "done", "result": result}
        except LabelwrightError as error:
            values = {"state": "failed", "error": error.message}
        except Exception:
            log.exception("background task %s (%s) failed", row.uid, row.kind)
            values = {"state": "failed", "error": f"Something went wrong on the server; its log names task {row.uid}."}
        with shared.database.write() as session:
            values["finished_at"] = now()
            session.execute(update(BackgroundTask).where(BackgroundTask.id == row_id).values(values))

    return run


def step(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a part of a task whose JSON result is kept: a task taken up again gets the result without running it.

    Names and their order must be the same each time. Not inside an open write transaction."""
    from dbos import DBOS  # noqa: PLC0415  only processes that run tasks load it

    return DBOS.run_step({"name": name}, function, *arguments)


def forget_finished(database: Database, before: datetime) -> int:
    """Delete DBOS's record of tasks that ended before this moment; how many."""
    client, count = _client(database.engine), 0
    ended = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
    while True:
        found = client.list_workflows(
            status=ended, completed_before=before.isoformat(), limit=500, load_input=False, load_output=False
        )
        if not found:
            return count
        client.delete_workflows([one.workflow_id for one in found])
        count += len(found)


_clients: weakref.WeakKeyDictionary[Engine, DBOSClient] = weakref.WeakKeyDictionary()


def _client(engine: Engine) -> DBOSClient:
    found = _clients.get(engine)
    if found is None:
        from dbos import DBOSClient  # noqa: PLC0415

        _quiet()
        found = DBOSClient(
            system_database_engine=engine, serializer=_serializer(), application_name=APPLICATION, lazy=True
        )
        _clients[engine] = found
    return found


def _serializer() -> Any:
    """JSON, not DBOS's default pickle: a row in the database must never become code."""
    from dbos import Serializer  # noqa: PLC0415

    class Json(Serializer):
        def serialize(self, data: Any) -> str:
            return json.dumps(data, default=str)

        def deserialize(self, serialized_data: str) -> Any:
            return json.loads(serialized_data)

        def name(self) -> str:
            return "labelwright_json"

    return Json()


def _quiet() -> None:
    logging.getLogger("dbos").setLevel(logging.WARNING)


class Background:
    """Runs tasks and pumps in this process from `start` to `stop`. One at a time in a process, as DBOS is."""

    def __init__(
        self,
        shared: Shared,
        tasks: Mapping[str, Task],
        pumps: Mapping[str, Pump],
        schedules: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """`schedules`: name -> (cron line in UTC, task to run then, once whatever the number of processes)."""
        self.shared = shared
        self.tasks = tasks
        self.executor_id = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._pumps = pumps
        self._schedules = schedules or {}
        self._threads: list[threading.Thread] = []
        self._wakers: list[threading.Event] = []
        self._starter: threading.Thread | None = None
        self._dequeuer: dequeue.Dequeuer | None = None
        self._active = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to work: heartbeat, tasks, pumps."""
        global _running  # noqa: PLW0603  DBOS has one registry for the process, and so has this
        if _running is not None:
            raise RuntimeError("background tasks run in this process already")
        _running = self
        try:
            migrate.upgrade_tasks(self.shared.database)
            self._beat()
            self._dequeuer = dequeue.Dequeuer(_launch(self), QUEUE)
        except BaseException:
            _running = None
            raise
        self._take_over()
        self._thread("keeper", self._keep)
        self._wakers.append(wake.listen(QUEUE))
        self._thread("dequeue", self._dequeuer.loop, self._wakers[-1], self.shared.stopping)
        for name, pump in self._pumps.items():
            waker = wake.listen(name)
            self._wakers.append(waker)
            self._thread(name, self._drain, name, pump, waker)

    def start_soon(self) -> None:
        """`start` on a thread of its own: a server answers its first request without waiting for DBOS to load."""

        def begin() -> None:
            try:
                self.start()
            except Exception:
                log.exception("background tasks could not be started; this process runs none")

        self._starter = threading.Thread(target=begin, name="labelwright-starter", daemon=True)
        self._starter.start()

    def stop(self, seconds: float = 10.0) -> bool:
        """Take nothing new, let what runs end for up to `seconds`, then leave the rest to others. False: some still run."""
        global _running  # noqa: PLW0603
        if self._starter is not None:
            self._starter.join()
        if _running is not self:
            return True
        from dbos import DBOS  # noqa: PLC0415

        self.shared.stopping.set()
        self.shared.fetcher.interrupt()
        for waker in self._wakers:
            waker.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.1, end - time.monotonic()))
        while self._active and time.monotonic() < end:
            time.sleep(0.05)
        clean = not self._active and not any(thread.is_alive() for thread in self._threads)
        DBOS.destroy(workflow_completion_timeout_sec=0)
        if clean:
            # Nothing runs here any more: what was left in the middle is free at once.
            with self.shared.database.write() as session:
                long_ago = datetime(2000, 1, 1, tzinfo=UTC)
                session.execute(update(Worker).where(Worker.executor_id == self.executor_id).values(seen_at=long_ago))
        _running = None
        return clean

    def run(self, task_id: str | None, name: str, arguments: list[Any]) -> None:
        """Run one task; called by DBOS on one of its threads."""
        if self._dequeuer is not None:
            self._dequeuer.begun(task_id)
        if self.shared.stopping.is_set():
            raise Stopping
        with self._lock:
            self._active += 1
        try:
            self.tasks[name](self.shared, *arguments)
        except Exception:
            log.exception("background task %s failed", name)
            raise
        finally:
            with self._lock:
                self._active -= 1
            wake.now(QUEUE)  # there is room for the next one

    def _thread(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name=f"labelwright-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _drain(self, name: str, pump: Pump, waker: threading.Event) -> None:
        failures = 0
        while not self.shared.stopping.is_set():
            waker.clear()
            try:
                more = pump(self.shared)
                failures = 0
            except Exception:
                log.exception("the %s pump failed; it goes on", name)
                more, failures = False, failures + 1
            if not more:
                waker.wait(min(POLL * 2**failures, 30.0))

    def _keep(self) -> None:
        while not self.shared.stopping.wait(HEARTBEAT):
            try:
                self._beat()
                self._take_over()
            except Exception:
                log.exception("the heartbeat failed; it goes on")

    def _beat(self) -> None:
        with self.shared.database.write() as session:
            worker = session.get(Worker, self.executor_id)
            moment = _clock(session)
            if worker is None:
                session.add(Worker(executor_id=self.executor_id, started_at=moment, seen_at=moment))
            else:
                worker.seen_at = moment

    def _take_over(self) -> None:
        """Queue again what processes that are gone were running. Doing it twice, or from two processes, is harmless."""
        with self.shared.database.read() as session:
            limit = _clock(session) - GONE
            rows = session.execute(select(Worker.executor_id, Worker.seen_at)).all()
        gone = [name for name, seen in rows if name != self.executor_id and (seen < limit or _ended_here(name))]
        if not gone:
            return
        log.warning("taking over from %s", ", ".join(gone))
        _recover(gone)
        with self.shared.database.write() as session:
            session.execute(delete(Worker).where(Worker.executor_id.in_(gone)))


_running: Background | None = None


def _task(name: str, arguments: list[Any]) -> None:
    """The one DBOS workflow: every task runs through it."""
    if _running is None:
        raise Stopping
    _running.run(_task_id(), name, arguments)


def _scheduled(_at: datetime, name: str) -> None:
    if _running is None:
        raise Stopping
    _running.run(_task_id(), name, [])


def _task_id() -> str | None:
    from dbos import DBOS  # noqa: PLC0415

    return DBOS.workflow_id


def _launch(background: Background) -> DBOS:
    from dbos import DBOS  # noqa: PLC0415

    _quiet()
    dbos = DBOS(
        config={
            "name": APPLICATION,
            "system_database_engine": background.shared.database.engine,
            "executor_id": background.executor_id,
            "application_version": VERSION,
            "run_migrations": False,
            "use_listen_notify": False,
            "serializer": _serializer(),
            "log_level": "WARNING",
        }
    )
    # Ten lives: a task that takes its process down with it (memory) must not do so forever.
    DBOS.workflow(name=WORKFLOW, max_recovery_attempts=10)(_task)
    scheduled = DBOS.workflow(name="labelwright.scheduled", max_recovery_attempts=10)(_scheduled)
    DBOS.launch()
    DBOS.register_queue(
        QUEUE,
        worker_concurrency=max(1, background.shared.settings.workers),
        polling_interval_sec=SPARE_POLL,
        on_conflict="always_update",
    )
    plans: Any = [
        {"schedule_name": name, "workflow_fn": scheduled, "schedule": cron, "context": task, "queue_name": QUEUE}
        for name, (cron, task) in background._schedules.items()
    ]
    if plans:
        DBOS.apply_schedules(plans)
    return dbos


def _recover(executor_ids: list[str]) -> None:
    from dbos import DBOS  # noqa: PLC0415

    DBOS._recover_pending_workflows(executor_ids)


def _clock(session: Session) -> datetime:
    """The database's time, so that machines whose clocks differ agree on who is gone."""
    if session.get_bind().dialect.name != "postgresql":
        return now()
    moment = session.scalar(select(func.clock_timestamp()))
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


def _ended_here(executor_id: str) -> bool:
    """Whether it was a process on this very machine that no longer exists (a restart need not wait for its heartbeat)."""
    host, pid, _ = executor_id.rsplit(":", 2)
    if host != socket.gethostname()[:60]:
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
