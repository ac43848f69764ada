"""Starts queued background tasks as soon as they are committed: DBOS looks into its queue once a second and cannot be told.

It does what one look of DBOS's own queue thread does. Both may look at the same moment: a task is claimed by one of them,
and a process may then run a few more tasks than its setting says. What cannot be started here starts at DBOS's next look."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbos import DBOS

log = logging.getLogger("labelwright.background")
# DBOS counts a task as running until a moment after it has returned; claims that another process is just making end soon.
SETTLE = 0.02


def loop(dbos: DBOS, queue_name: str, waker: threading.Event, stopping: threading.Event) -> None:
    """Look into the queue whenever the waker is set, until `stopping` is (and the waker once more)."""
    while True:
        waker.wait()
        if stopping.wait(SETTLE):
            return
        waker.clear()
        try:
            start(dbos, queue_name)
        except Exception:
            log.warning("queued tasks could not be started at once; they start within a second", exc_info=True)


def start(dbos: Any, queue_name: str) -> int:
    """Claim what this process has room for and run it on DBOS's threads; returns how many."""
    from dbos._core import execute_dequeued_workflow  # noqa: PLC0415
    from dbos._utils import GlobalParams  # noqa: PLC0415

    queue = dbos._sys_db.get_queue(queue_name)
    if queue is None:
        return 0
    running = dbos._active_workflows_set.count_for_queue(queue_name)
    if running >= (queue._worker_concurrency or 1):
        return 0
    owner = str(uuid.uuid4())
    claimed, _ = dbos._sys_db.start_queued_workflows(
        queue, GlobalParams.executor_id, GlobalParams.app_version, None, running, owner_xid=owner
    )
    for status in dbos._sys_db.get_workflow_statuses(claimed) if claimed else ():
        execute_dequeued_workflow(dbos, status, owner)
    return len(claimed)
