"""Sends what `services.webhooks` has queued: one POST for each due delivery, several at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import bindparam, exists, select, text

from labelwright.db import Database, UtcTime, now
from labelwright.errors import Invalid
from labelwright.media.fetch import Fetcher, FetchError, Interrupted
from labelwright.models.events import Delivery
from labelwright.services import webhooks
from labelwright.services.background import Pump, Shared
from labelwright.services.webhooks import Shape

log = logging.getLogger("labelwright.deliveries")

# A chunk must be through well within `webhooks.CLAIM`, even when no receiver answers.
CHUNK = 16
AT_ONCE = 8
SECONDS = 15.0

_ANY_DUE = select(
    exists().where(Delivery.state == text("'pending'"), Delivery.next_try_at <= bindparam("moment", type_=UtcTime))
)


def make_pump(shapes: Mapping[str, Shape]) -> Pump:
    """The pump for webhooks of these shapes (whose JSON each speaks); the entry point knows the vendors' ones."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="labelwright-delivery")

    def pump(shared: Shared) -> bool:
        with shared.database.read() as session:
            if not session.scalar(_ANY_DUE, {"moment": now()}):
                return False
        with shared.database.write() as session:
            ids = webhooks.take(session, CHUNK)
        for done in [pool.submit(deliver, shared.database, shared.fetcher, one, shapes) for one in ids]:
            done.result()
        return len(ids) == CHUNK

    return pump


def deliver(database: Database, fetcher: Fetcher, delivery_id: int, shapes: Mapping[str, Shape]) -> str:
    """Make the call of one claimed delivery and record how it went; returns the delivery's new state.

    The POST is made outside any transaction. Receivers may get a call twice (its delivery id is the same)."""
    status: int | None = None
    error, dropped, started = "", False, time.monotonic()
    try:
        with database.read() as session:
            request = webhooks.prepare(session, delivery_id, shapes)
        if request is None:
            dropped = True
        else:
            started = time.monotonic()
            answer = fetcher.post(request.url, request.body, request.headers, SECONDS)
            status = answer.status
            if not 200 <= status < 300:
                error = _excerpt(status, answer.text)
    except Interrupted:
        return "pending"  # the process stops; the claim runs out, and another makes the call
    except (FetchError, Invalid) as problem:
        error = problem.message
    except Exception:
        log.exception("delivery %s failed", delivery_id)
        error = "The call could not be made because of an error on this server; its log has the details."
    seconds = None if dropped else time.monotonic() - started
    with database.write() as session:
        return webhooks.settle(session, delivery_id, status=status, error=error, seconds=seconds, dropped=dropped)


def _excerpt(status: int, text: str) -> str:
    words = " ".join(text.split())
    return f"The receiver answered {status}: {words[:500]}" if words else f"The receiver answered {status}."
