"""Starts queued background tasks as soon as they are committed: DBOS looks into its queue at intervals and cannot be told.

It does what one look of DBOS's own queue thread does; that thread looks so seldom that it only makes up for what fails here."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any

log = logging.getLogger("labelwright.background")
# DBOS counts a task as running until a moment after it has returned; claims that another process is just making end soon.
SETTLE = 0.02
# Seconds between looks when nobody wakes us: other processes queue tasks too.
LOOK = 1.0
# A claimed task that did not begin within so many seconds failed to; it no longer takes up room.
BEGIN = 10.0


class Dequeuer:
    """Takes tasks from the queue while this process has room for more."""

    def __init__(self, dbos: Any, queue_name: str) -> None:
        self._dbos = dbos
        self._queue = queue_name
        # Claimed by us and not begun yet, with the time of the claim: DBOS registers a task only on the thread that runs it.
        self._claimed: dict[str, float] = {}
        self._lock = threading.Lock()

    def loop(self, waker: threading.Event, stopping: threading.Event) -> None:
        """Look into the queue whenever the waker is set, and every `LOOK` seconds, until `stopping` is set."""
        while not stopping.is_set():
            waker.wait(LOOK)
            if stopping.wait(SETTLE):
                return
            waker.clear()
            try:
                self.start()
            except Exception:
                log.warning("queued tasks could not be started at once; DBOS starts them later", exc_info=True)

    def start(self) -> int:
        """Claim what this process has room for and run it on DBOS's threads; returns how many."""
        from dbos._core import execute_dequeued_workflow  # noqa: PLC0415
        from dbos._utils import GlobalParams  # noqa: PLC0415

        dbos = self._dbos
        queue = dbos._sys_db.get_queue(self._queue)
        if queue is None:
            return 0
        running = self._running()
        if running >= (queue._worker_concurrency or 1):
            return 0
        owner = str(uuid.uuid4())
        claimed, _ = dbos._sys_db.start_queued_workflows(
            queue, GlobalParams.executor_id, GlobalParams.app_version, None, running, owner_xid=owner
        )
        with self._lock:
            self._claimed |= dict.fromkeys(claimed, time.monotonic())
        for status in dbos._sys_db.get_workflow_statuses(claimed) if claimed else ():
            execute_dequeued_workflow(dbos, status, owner)
        return len(claimed)

    def begun(self, task_id: str | None) -> None:
        """A task runs now: DBOS counts it from here on."""
        with self._lock:
            self._claimed.pop(task_id or "", None)

    def _running(self) -> int:
        # First those that have not begun: one that begins in between is counted twice, not left out.
        with self._lock:
            late = time.monotonic() - BEGIN
            self._claimed = {task: at for task, at in self._claimed.items() if at > late}
            waiting = len(self._claimed)
        return waiting + self._dbos._active_workflows_set.count_for_queue(self._queue)
