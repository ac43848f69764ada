"""Jobs, the people on them, tasks, comments."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from labelwright.db import Base, Id, JsonColumn, Uid, UtcTime, new_uid, now

JOB_STATES = ("active", "paused", "done", "archived")
TASK_STAGES = ("label", "review", "end")
TASK_STATES = ("waiting", "open", "held", "skipped", "done")


class Job(Base):
    """A set of tasks handed to people. `allowed_classes` None: all; `limits`: `{"objects": n, "tags": n}`;
    `options`: what else holds for its people, see `services.job_options.Options`.

    No members of a role means: everybody in the team whose role may do that work."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))
    workflow_id: Mapped[int] = mapped_column(ForeignKey("workflows.id"))
    name: Mapped[str] = mapped_column(String(200))
    instructions: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(10), default="active")
    priority: Mapped[int] = mapped_column(default=5)
    allowed_classes: Mapped[list[str] | None] = mapped_column(JsonColumn)
    allowed_attributes: Mapped[list[str] | None] = mapped_column(JsonColumn)
    limits: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    options: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    origin: Mapped[str] = mapped_column(String(40), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        Index(None, "project_id", "status", "id"),
        Index("ix_jobs_active", "id", sqlite_where=text("status = 'active'"), postgresql_where=text("status = 'active'")),
        # A vendor's job is found again by (batch, workflow, origin): one row each, made on first use.
        Index("uq_jobs_origin", "project_id", "batch_id", "workflow_id", "origin", unique=True,
              sqlite_where=text("origin <> ''"), postgresql_where=text("origin <> ''")),
    )  # fmt: skip


class JobMember(Base):
    """A person on a job as `labeler` or `reviewer`."""

    __tablename__ = "job_members"
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(10), primary_key=True)


class Task(Base):
    """One item in one job, at one step of its workflow.

    `stage` says what is to do (`label`, `review`, `end`), `state` whether it can be taken: `waiting` (for its media),
    `open`, `held` (until `lease_until`), `skipped`, `done`. `assignee_id`: the only person it is for, such as the
    author after a rejection. `lease` is the holder's token; a save with another is refused."""

    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(40))
    stage: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    priority: Mapped[int] = mapped_column(default=5)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    lease: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    verdict: Mapped[str] = mapped_column(String(10), default="")
    returned: Mapped[int] = mapped_column(default=0)
    skip_reason: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        # Lists, counts, "is anything left": both begin with where a task stands; `end` and `done` go together.
        Index(None, "project_id", "id"),
        Index(None, "job_id", "id"),
        Index("ix_tasks_job", "job_id", "stage", "state", "id"),
        Index("ix_tasks_state", "project_id", "stage", "state", "id"),
        # The queue of a job: open work for anybody, by priority then age. `author_id` saves reading rows for review.
        Index("ix_tasks_queue", "job_id", "stage", text("priority DESC"), "id", "author_id",
              sqlite_where=text("state = 'open' AND assignee_id IS NULL"),
              postgresql_where=text("state = 'open' AND assignee_id IS NULL")),
        Index("ix_tasks_lease", "lease_until",
              sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'")),
        Index("ix_tasks_returned", "project_id", "id",
              sqlite_where=text("returned > 0"), postgresql_where=text("returned > 0")),
        Index("ix_tasks_author", "project_id", "author_id", "id",
              sqlite_where=text("author_id IS NOT NULL"), postgresql_where=text("author_id IS NOT NULL")),
        Index("ix_tasks_reviewer", "project_id", "reviewer_id", "id",
              sqlite_where=text("reviewer_id IS NOT NULL"), postgresql_where=text("reviewer_id IS NOT NULL")),
        Index("ix_tasks_holder", "holder_id",
              sqlite_where=text("holder_id IS NOT NULL"), postgresql_where=text("holder_id IS NOT NULL")),
        Index("ix_tasks_assignee", "assignee_id",
              sqlite_where=text("assignee_id IS NOT NULL"), postgresql_where=text("assignee_id IS NOT NULL")),
        {"sqlite_autoincrement": True},
    )  # fmt: skip


class Comment(Base):
    """What someone said about an item: pinned to an object, a place (`x`, `y` fractions), a frame, or nothing.

    `reason`: a reason code when it explains a rejection. `issue_id`: the team's issue it is an instance of."""

    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(Id)  # no foreign key: SQLite cannot add one to a table that is there
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    object_id: Mapped[int | None]
    frame: Mapped[int | None]
    x: Mapped[float | None]
    y: Mapped[float | None]
    reason: Mapped[str] = mapped_column(String(60), default="")
    body: Mapped[str] = mapped_column(default="")
    resolved: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        Index(None, "project_id", "item_id"),
        Index("ix_comments_issue", "issue_id",
              sqlite_where=text("issue_id IS NOT NULL"), postgresql_where=text("issue_id IS NOT NULL")),
    )  # fmt: skip


class Issue(Base):
    """A named topic of a team, `open` or `closed`: something that goes wrong in many places.

    Its instances are comments on items that name it."""

    __tablename__ = "issues"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(10), default="open")
    pinned: Mapped[bool] = mapped_column(Boolean, default=False)
    assignees: Mapped[list[int]] = mapped_column(JsonColumn, default=list)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)


class IssueComment(Base):
    """What someone said about an issue as a whole."""

    __tablename__ = "issue_comments"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(Uid, unique=True, default=new_uid)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    body: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)
