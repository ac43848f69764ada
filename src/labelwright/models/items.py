"""Items and their media."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now

MEDIA_STATES = ("pending", "ready", "failed")


class Media(Base):
    """One stored file, once per content and team. `sha256` is also its key in the storage.

    `frame_times`: for a video file the presentation time of each frame in seconds is kept in storage beside it."""

    __tablename__ = "media"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    sha256: Mapped[bytes] = mapped_column()
    size: Mapped[int] = mapped_column(BigInteger)
    mime: Mapped[str] = mapped_column(String(100))
    width: Mapped[int | None]
    height: Mapped[int | None]
    frames: Mapped[int | None]
    info: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    __table_args__ = (UniqueConstraint("team_id", "sha256"),)


class Item(Base):
    """One thing to label: an image, or a video (a file or a sequence of frames).

    `media_state`: `pending` until all its files are there, `failed` when one cannot be had (`media_error` says why).
    `meta`: the sender's own data, returned as it came. `source`: what a vendor sent, kept for the round trip."""

    __tablename__ = "items"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(500))
    # Compared byte by byte, so that "begins with" is a range of the index below.
    reference_id: Mapped[str | None] = mapped_column(String(500).with_variant(String(500, "C"), "postgresql"))
    width: Mapped[int | None]
    height: Mapped[int | None]
    frames: Mapped[int] = mapped_column(default=1)
    media_state: Mapped[str] = mapped_column(String(10), default="pending")
    media_error: Mapped[str] = mapped_column(default="")
    split: Mapped[str] = mapped_column(String(10), default="")
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    tags: Mapped[list[str] | None] = mapped_column(JsonColumn)
    meta: Mapped[Any] = mapped_column(JsonColumn, nullable=True)
    source: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    __table_args__ = (
        Index("uq_items_reference", "project_id", "reference_id", unique=True,
              sqlite_where=text("reference_id IS NOT NULL"), postgresql_where=text("reference_id IS NOT NULL")),
        Index(None, "project_id", "id"),
        Index(None, "project_id", "batch_id", "id"),
        Index("ix_items_not_ready", "project_id", "media_state", "id",
              sqlite_where=text("media_state <> 'ready'"), postgresql_where=text("media_state <> 'ready'")),
        {"sqlite_autoincrement": True},  # ids never return: events and vendors' ids outlive the row
    )  # fmt: skip


class ItemMedia(Base):
    """One file an item needs: its main image or video, a frame of its sequence, or a reference beside it.

    The row is also the fetch work: `state`, `attempts`, `next_try_at`. `position`: frame index or order.
    `role`: `main`, `frame`, `reference`, `mask` (a pre-labeled raster to be decoded into the document)."""

    __tablename__ = "item_media"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(10), default="main")
    position: Mapped[int] = mapped_column(default=0)
    frame_id: Mapped[str | None] = mapped_column(String(300))
    label: Mapped[str | None] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(default="")
    media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcTime, default=now)
    error: Mapped[str] = mapped_column(default="")
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        Index(None, "item_id", "role", "position"),
        Index("ix_item_media_pending", "next_try_at", "id",
              sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
    )  # fmt: skip


class Collection(Base):
    """A named choice of a project's items, across batches; an item may be in many."""

    __tablename__ = "collections"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (UniqueConstraint("project_id", "name"),)


class CollectionItem(Base):
    """An item in a collection. `extra`: what the sender said about it there, such as a score."""

    __tablename__ = "collection_items"
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, index=True)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
