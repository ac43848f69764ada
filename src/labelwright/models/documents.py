"""Documents, their revisions, and the small counts that make lists and statistics cheap."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, Uid, UtcTime, now

MAIN = "main"


def _files(table: str) -> Index:
    """Index of the few bodies that lie in storage."""
    stored = text("blob IS NOT NULL")
    return Index(f"ix_{table}_blob", "blob", sqlite_where=stored, postgresql_where=stored)


class DocumentHead(Base):
    """The present labels of an item in one layer: zstd(JSON) in `body`, or in storage under `blob` when large.

    Version 1 is the first state; one that was imported with its item has no revision, every save has."""

    __tablename__ = "documents"
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    layer: Mapped[str] = mapped_column(String(40), primary_key=True, default=MAIN)
    version: Mapped[int] = mapped_column(default=1)
    objects: Mapped[int] = mapped_column(default=0)
    body: Mapped[bytes | None]
    blob: Mapped[str | None] = mapped_column(String(80))
    origin: Mapped[str] = mapped_column(String(20), default="save")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    __table_args__ = (_files("documents"),)


class Revision(Base):
    """One saved change: it made `version` out of `version - 1`. Append-only; a trigger refuses updates.

    `body`: zstd(JSON) of `services.documents.Delta`: what each changed object was before and is after.
    `save_id`: the writer's own id of the save; the same save sent again answers as the first time."""

    __tablename__ = "revisions"
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    layer: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    base_version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    task_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    save_id: Mapped[Any] = mapped_column(Uid, nullable=True)
    changed: Mapped[int] = mapped_column(default=0)
    body: Mapped[bytes | None]
    blob: Mapped[str | None] = mapped_column(String(80))
    __table_args__ = (UniqueConstraint("item_id", "layer", "save_id"), _files("revisions"))


class LabelCount(Base):
    """How many objects of a class an item has in its main layer."""

    __tablename__ = "label_counts"
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[int] = mapped_column(Id)
    count: Mapped[int]
    __table_args__ = (Index(None, "project_id", "class_id", "item_id"),)
