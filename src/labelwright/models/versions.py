"""Dataset versions: what the dataset was at a moment, frozen and numbered."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now


class DatasetVersion(Base):
    """One version of a project's dataset. `settings`: what is done to the pictures (`media.recipes`); `classes`: names with
    skeletons as they were; `splits`: pictures that come out, by split; `deleted_at`: in the trash."""

    __tablename__ = "dataset_versions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200), default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    classes: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn, default=list)
    splits: Mapped[dict[str, int]] = mapped_column(JsonColumn, default=dict)
    images: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    __table_args__ = (UniqueConstraint("project_id", "number"),)


class VersionItem(Base):
    """One picture of a version with its labels as they were; it needs neither the item nor its document any more."""

    __tablename__ = "version_items"
    version_id: Mapped[int] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    item_uid: Mapped[uuid.UUID] = mapped_column(Uid)
    name: Mapped[str] = mapped_column(String(500))
    split: Mapped[str] = mapped_column(String(10))
    width: Mapped[int]
    height: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(index=True)
    body: Mapped[bytes]
