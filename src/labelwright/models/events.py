"""What happened, and telling others about it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now


class Event(Base):
    """One line of what happened. `kind` is `noun.verb`: `task.submitted`, `task.accepted`, `item.failed`..."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    job_id: Mapped[int | None] = mapped_column(Id)
    task_id: Mapped[int | None] = mapped_column(Id)
    item_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    data: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        Index(None, "project_id", "id"),
        Index(None, "team_id", "id"),
        # Statistics count a project's events of a few kinds since a day.
        Index(None, "project_id", "kind", "at"),
        Index("ix_events_item", "item_id", "id",
              sqlite_where=text("item_id IS NOT NULL"), postgresql_where=text("item_id IS NOT NULL")),
    )  # fmt: skip


class Webhook(Base):
    """Where to tell about events of a project. `shape`: whose JSON it speaks (`labelwright`, `playment`, ...).

    `secret` signs each call (HMAC); `header_key` is sent as it is in the vendor's own header."""

    __tablename__ = "webhooks"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    shape: Mapped[str] = mapped_column(String(20), default="labelwright")
    secret: Mapped[str] = mapped_column(default="")
    header_key: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Delivery(Base):
    """One call of a webhook for one event; the row is also the work: `state`, `attempts`, `next_try_at`."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcTime)
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_deliveries_pending", "next_try_at", "id",
              sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
    )  # fmt: skip


class IdempotencyKey(Base):
    """An answered create, kept so that the same request sent again gets the same answer."""

    __tablename__ = "idempotency_keys"
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
