"""A create sent twice under one `Idempotency-Key` happens once and is answered alike."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Invalid
from labelwright.models.events import IdempotencyKey
from labelwright.services.access import Actor

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Answered:
    """An earlier answer: HTTP status and body, as they were sent."""

    status: int
    body: bytes


def begin(session: Session, actor: Actor, key: str, request: bytes) -> Answered | IdempotencyKey:
    """The earlier answer to this key, or a row to be filled by `keep` in the same transaction.

    `request`: all that makes the request what it is. Raises `Invalid` when the key came with another request."""
    if not key or len(key) > 120 or not key.isprintable():
        raise Invalid("An Idempotency-Key has 1 to 120 printable characters.", field="Idempotency-Key")
    # A person may be in several teams, and keys of two people must not meet.
    name, digest = f"{actor.user_id}:{key}", hashlib.sha256(request).digest()
    row = session.get(IdempotencyKey, (actor.team_id, name))
    if row is not None and row.created_at < now() - KEPT:
        session.delete(row)
        session.flush()
        row = None
    if row is not None:
        if row.request_hash != digest:
            raise Invalid("This Idempotency-Key was used for another request; make up a new one.", code="key_reused")
        return Answered(row.status, row.body)
    if secrets.randbelow(200) == 0:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - KEPT))
    row = IdempotencyKey(team_id=actor.team_id, key=name, request_hash=digest, status=0, body=b"")
    session.add(row)
    session.flush()  # on PostgreSQL the same key arriving at this moment waits here, then fails and starts over
    return row


def keep(row: IdempotencyKey, status: int, body: bytes) -> None:
    """Remember the answer."""
    row.status, row.body = status, body
