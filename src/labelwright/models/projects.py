"""Projects, their ontology, batches and workflows."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now

PROJECT_KINDS = ("image", "video")
ATTRIBUTE_KINDS = ("flag", "text", "number", "one_of", "many_of")


class Project(Base):
    """One ontology and the items labeled with it. `settings`: see `services.projects.SETTINGS`."""

    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    description: Mapped[str] = mapped_column(default="")
    instructions: Mapped[str] = mapped_column(default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    ontology_version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    archived_at: Mapped[datetime | None] = mapped_column(UtcTime)
    __table_args__ = (UniqueConstraint("workspace_id", "slug"), Index(None, "team_id"))


class Folder(Base):
    """A named, possibly nested group of a workspace's projects, to find them by; it gives no rights."""

    __tablename__ = "folders"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("folders.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class FolderProject(Base):
    """A project's place: it is in one folder at most."""

    __tablename__ = "folder_projects"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id", ondelete="CASCADE"), index=True)


class LabelClass(Base):
    """A class. `name` is what stands in the data; `shapes` are the allowed shape kinds, empty: all.

    `skeleton`: `{"points": [{"name", "x", "y"}], "edges": [[0, 1], ...]}`, fractions of the object's box."""

    __tablename__ = "classes"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    shapes: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    color: Mapped[str] = mapped_column(String(7))
    hotkey: Mapped[str] = mapped_column(String(20), default="")
    position: Mapped[int] = mapped_column(default=0)
    skeleton: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    __table_args__ = (UniqueConstraint("project_id", "name"),)


class Attribute(Base):
    """A value that is set on the item, on each frame, or on objects (of `classes`, None: of every class).

    `mutable`: on a track its value may change from keyframe to keyframe."""

    __tablename__ = "attributes"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(10), default="object")
    classes: Mapped[list[str] | None] = mapped_column(JsonColumn)
    options: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    required: Mapped[bool] = mapped_column(Boolean, default=False)
    mutable: Mapped[bool] = mapped_column(Boolean, default=True)
    default: Mapped[Any] = mapped_column(JsonColumn, nullable=True)
    position: Mapped[int] = mapped_column(default=0)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Batch(Base):
    """Named, possibly nested group of items. Every project has one default batch."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        # A plain unique over a null parent would let two top batches share a name.
        Index("uq_batches_top_name", "project_id", "name", unique=True,
              sqlite_where=text("parent_id IS NULL"), postgresql_where=text("parent_id IS NULL")),
        UniqueConstraint("project_id", "parent_id", "name"),
        Index("uq_batches_default", "project_id", unique=True,
              sqlite_where=text("is_default"), postgresql_where=text("is_default")),
    )  # fmt: skip


class Workflow(Base):
    """Steps a task walks through, and where each verdict leads. Found by id, tag or name.

    `steps`: list of `{"key", "kind": "label"|"review", "name", "on_done"|"on_accept", "on_reject", "sample"}`;
    targets are keys or "end"; the first step is the start. See `services.workflows.Step`."""

    __tablename__ = "workflows"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    tag: Mapped[str] = mapped_column(String(200), default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    archived_at: Mapped[datetime | None] = mapped_column(UtcTime)
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        Index("uq_workflows_tag", "project_id", "tag", unique=True,
              sqlite_where=text("tag <> ''"), postgresql_where=text("tag <> ''")),
    )  # fmt: skip
