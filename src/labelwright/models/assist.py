"""Models of the users' own that are asked over HTTP."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now


class ModelService(Base):
    """A model that is asked at `url`: by one project, or (without `project_id`) by all of a workspace.

    `asks`: what it can be asked about (`box`, `point`, `whole`); `classes`: its names of classes -> the project's.
    `header_name`, `header_value`: sent with each question; the value is a secret and leaves this table only for that.
    `seconds`: how long an answer may take; `side`: the longest side in pixels of the picture it is sent."""

    __tablename__ = "model_services"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str]
    header_name: Mapped[str] = mapped_column(String(100), default="")
    header_value: Mapped[str] = mapped_column(default="")
    asks: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    classes: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    seconds: Mapped[int] = mapped_column(default=10)
    side: Mapped[int] = mapped_column(default=1600)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
