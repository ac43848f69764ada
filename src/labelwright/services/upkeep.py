"""Chores: every minute what time alone changes, every hour throwing away what has had its time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.models.events import Delivery, IdempotencyKey
from labelwright.models.identity import LoginToken, SignIn
from labelwright.services import background, exports, jobs, queue, tries, uploads
from labelwright.services.background import Shared

DELIVERIES_KEPT = timedelta(days=30)
TASKS_KEPT = timedelta(days=7)
CHUNK = 5000


def minute(shared: Shared) -> None:
    """Open tasks whose lease has ended, and finish jobs whose last tasks ended at the same moment."""
    for chore in (queue.expire, jobs.sweep):
        while True:
            with shared.database.write() as session:
                if not chore(session):
                    break


def run(shared: Shared) -> None:
    """Delete expired sign-ins, wrong passwords, login tokens and idempotency keys, old delivery logs, files of old exports, uploads that never came, and DBOS's record of old finished tasks."""
    with shared.database.write() as session:
        session.execute(delete(SignIn).where(SignIn.expires_at < now()))
        tries.forget(session)
        session.execute(delete(LoginToken).where(LoginToken.expires_at < now()))
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - timedelta(days=1)))
    while True:
        with shared.database.write() as session:
            if not forget_deliveries(session):
                break
    exports.forget(shared)
    uploads.forget(shared)
    background.forget_finished(shared.database, now() - TASKS_KEPT)


def forget_deliveries(session: Session) -> int:
    """Delete a chunk of the delivery log that is older than it is kept; how many."""
    old = select(Delivery.id).where(Delivery.state != "pending", Delivery.created_at < now() - DELIVERIES_KEPT)
    ids = list(session.scalars(old.order_by(Delivery.id).limit(CHUNK)))
    if ids:
        session.execute(delete(Delivery).where(Delivery.id.in_(ids)))
    return len(ids)
