"""Background work of this product, listed: tasks, pumps, schedules; and the process that runs only them."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

from labelwright.db import Database
from labelwright.media.fetch import Fetcher
from labelwright.services import cloning, datasets, deliveries, exports, media_pump, sweep, upkeep, versions, webhooks
from labelwright.services.background import Background, Pump, Shared, Task
from labelwright.services.webhooks import Shape
from labelwright.settings import Settings
from labelwright.storage import Store, open_store
from labelwright.vendors.playment import callbacks as playment
from labelwright.vendors.roboflow import exports as searches
from labelwright.vendors.roboflow import zips
from labelwright.vendors.supervisely import hooks as supervisely

# One line per task: name -> function. Names are stored with queued tasks: never change one, add another.
TASKS: dict[str, Task] = {
    "upkeep": upkeep.run,
    "minute": upkeep.minute,
    "sweep": sweep.daily,
    "export": exports.run,
    "version-export": versions.run,
    datasets.KIND: datasets.run,
    cloning.KIND: cloning.run,
    zips.KIND: zips.run_zip,
    searches.KIND: searches.run,
}
# One line per JSON in which a webhook may be told: its name -> function that builds the call.
SHAPES: dict[str, Shape] = webhooks.SHAPES | {
    "playment": playment.call,
    supervisely.SHAPE: supervisely.call,
}
# One line per kind of row that is work: name (for `wake.call`) -> function that does a chunk of it.
PUMPS: dict[str, Pump] = {
    "media": media_pump.pump,
    "deliveries": deliveries.make_pump(SHAPES),
}
# Name -> (cron line, UTC; task).
SCHEDULES: dict[str, tuple[str, str]] = {
    "hourly-upkeep": ("17 * * * *", "upkeep"),
    "every-minute": ("* * * * *", "minute"),
    "daily-sweep": ("41 3 * * *", "sweep"),
}


def prepare(settings: Settings, database: Database, store: Store) -> Background:
    """Everything that runs in the background of a process, ready to be started."""
    return Background(Shared(settings, database, store, Fetcher(settings)), TASKS, PUMPS, SCHEDULES)


def run(settings: Settings, stop: threading.Event, *, threads: int | None = None) -> None:
    """Be a worker process until `stop` is set; then finish or hand over what runs. `threads`: tasks at once."""
    if threads is not None:
        settings = replace(settings, workers=threads)
    store = open_store(settings)
    database = Database(settings.database_url, store)
    background = prepare(settings, database, store)
    background.start()
    stop.wait()
    if not background.stop():
        os._exit(0)  # a task did not heed the call; its thread would hold the process, and others will take it up
    database.close()
