"""Background work of this product, listed: tasks, pumps, schedules; and the process that runs only them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping

from labelwright.db import Database
from labelwright.media.fetch import Fetcher
from labelwright.services import background, deliveries, media, upkeep, webhooks
from labelwright.services.background import Background, Pump, Shared, Task
from labelwright.settings import Settings
from labelwright.storage import Store, open_store

# One line per task: name -> function. Names are stored with queued tasks: never change one, add another.
TASKS: dict[str, Task] = {
    "upkeep": upkeep.run,
}
# One line per kind of row that is work: name (for `background.wake`) -> function that does a chunk of it.
PUMPS: dict[str, Pump] = {
    "media": media.pump,
    "deliveries": deliveries.make_pump(webhooks.SHAPES),
}
# Name -> (cron line, UTC; task).
SCHEDULES: dict[str, tuple[str, str]] = {
    "hourly-upkeep": ("17 * * * *", "upkeep"),
}


def start(settings: Settings, database: Database, store: Store, *, tasks: Mapping[str, Task] = TASKS) -> Background:
    """Run background tasks in this process until `stop` is called on what this returns."""
    shared = Shared(settings, database, store, Fetcher(settings))
    running = Background(shared, tasks, PUMPS, SCHEDULES)
    running.start()
    return running


def run(settings: Settings) -> None:
    """Be a worker process until SIGTERM or SIGINT; then finish or hand over what runs."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    database = Database(settings.database_url)
    running = start(settings, database, open_store(settings))
    ended.wait()
    if not running.stop():
        os._exit(0)  # a task did not heed the call; its thread would hold the process, and others will take it up
    database.close()


__all__ = ["PUMPS", "SCHEDULES", "TASKS", "background", "run", "start"]
