"""first"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "teams",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("uid", name=op.f("uq_teams_uid")),
    )
    op.create_table(
        "users",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("last_login_at", db.UtcTime(), nullable=True),
        sa.Column("logins", sa.Integer(), nullable=False),
        sa.Column("preferences", db.JsonColumn, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("uid", name=op.f("uq_users_uid")),
    )
    op.create_table(
        "workers",
        sa.Column("executor_id", sa.String(length=100), nullable=False),
        sa.Column("started_at", db.UtcTime(), nullable=False),
        sa.Column("seen_at", db.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_seen_at"), "workers", ["seen_at"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_idempotency_keys_team_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "media",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.String(length=100), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=True),
        sa.Column("info", db.JsonColumn, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_media_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("team_id", "sha256", name=op.f("uq_media_team_id_sha256")),
        sa.UniqueConstraint("uid", name=op.f("uq_media_uid")),
    )
    op.create_table(
        "memberships",
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("user_id", db.Id, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_memberships_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", db.Id, nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("expires_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    op.create_index(op.f("ix_sign_ins_user_id"), "sign_ins", ["user_id"], unique=False)
    op.create_table(
        "workspaces",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_workspaces_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("slug", name=op.f("uq_workspaces_slug")),
        sa.UniqueConstraint("team_id", "name", name=op.f("uq_workspaces_team_id_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_workspaces_uid")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("user_id", db.Id, nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("workspace_id", db.Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("expires_at", db.UtcTime(), nullable=True),
        sa.Column("revoked_at", db.UtcTime(), nullable=True),
        sa.Column("last_used_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_api_keys_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_api_keys_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_keys_token_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_api_keys_uid")),
    )
    op.create_index(op.f("ix_api_keys_team_id"), "api_keys", ["team_id"], unique=False)
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("workspace_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("instructions", sa.String(), nullable=False),
        sa.Column("settings", db.JsonColumn, nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.Column("ontology_version", sa.Integer(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("archived_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_projects_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_projects_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_projects_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("uid", name=op.f("uq_projects_uid")),
        sa.UniqueConstraint("workspace_id", "slug", name=op.f("uq_projects_workspace_id_slug")),
    )
    op.create_index(op.f("ix_projects_team_id"), "projects", ["team_id"], unique=False)
    op.create_table(
        "attributes",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("classes", db.JsonColumn, nullable=True),
        sa.Column("options", db.JsonColumn, nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("mutable", sa.Boolean(), nullable=False),
        sa.Column("default", db.JsonColumn, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_attributes_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attributes")),
        sa.UniqueConstraint("uid", name=op.f("uq_attributes_uid")),
    )
    op.create_index(op.f("ix_attributes_project_id"), "attributes", ["project_id"], unique=False)
    op.create_table(
        "background_tasks",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("project_id", db.Id, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("arguments", db.JsonColumn, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", db.JsonColumn, nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("finished_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_background_tasks_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_background_tasks_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_background_tasks_team_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_tasks")),
        sa.UniqueConstraint("uid", name=op.f("uq_background_tasks_uid")),
    )
    op.create_index(op.f("ix_background_tasks_project_id"), "background_tasks", ["project_id"], unique=False)
    op.create_index(op.f("ix_background_tasks_team_id"), "background_tasks", ["team_id"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("parent_id", db.Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_batches_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["parent_id"], ["batches.id"], name=op.f("fk_batches_parent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_batches_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("project_id", "parent_id", "name", name=op.f("uq_batches_project_id_parent_id_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_batches_uid")),
    )
    op.create_index(op.f("ix_batches_parent_id"), "batches", ["parent_id"], unique=False)
    op.create_index(
        "uq_batches_default",
        "batches",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_index(
        "uq_batches_top_name",
        "batches",
        ["project_id", "name"],
        unique=True,
        sqlite_where=sa.text("parent_id IS NULL"),
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_table(
        "classes",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("shapes", db.JsonColumn, nullable=False),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("hotkey", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("skeleton", db.JsonColumn, nullable=True),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_classes_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classes")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_classes_project_id_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_classes_uid")),
    )
    op.create_table(
        "events",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("project_id", db.Id, nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("actor_id", db.Id, nullable=True),
        sa.Column("job_id", db.Id, nullable=True),
        sa.Column("task_id", db.Id, nullable=True),
        sa.Column("item_id", db.Id, nullable=True),
        sa.Column("at", db.UtcTime(), nullable=False),
        sa.Column("data", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_events_actor_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_events_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_events_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_item",
        "events",
        ["item_id", "id"],
        unique=False,
        sqlite_where=sa.text("item_id IS NOT NULL"),
        postgresql_where=sa.text("item_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_events_project_id_id"), "events", ["project_id", "id"], unique=False)
    op.create_index(op.f("ix_events_project_id_kind_at"), "events", ["project_id", "kind", "at"], unique=False)
    op.create_index(op.f("ix_events_team_id_id"), "events", ["team_id", "id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("project_id", db.Id, nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("kinds", db.JsonColumn, nullable=False),
        sa.Column("shape", sa.String(length=20), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("header_key", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_webhooks_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_webhooks_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("uid", name=op.f("uq_webhooks_uid")),
    )
    op.create_index(op.f("ix_webhooks_project_id"), "webhooks", ["project_id"], unique=False)
    op.create_index(op.f("ix_webhooks_team_id"), "webhooks", ["team_id"], unique=False)
    op.create_table(
        "workflows",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tag", sa.String(length=200), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("steps", db.JsonColumn, nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("archived_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_workflows_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_workflows_project_id_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_workflows_uid")),
    )
    op.create_index(
        "uq_workflows_tag",
        "workflows",
        ["project_id", "tag"],
        unique=True,
        sqlite_where=sa.text("tag <> ''"),
        postgresql_where=sa.text("tag <> ''"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("webhook_id", db.Id, nullable=False),
        sa.Column("event_id", db.Id, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", db.UtcTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("delivered_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("uid", name=op.f("uq_deliveries_uid")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_deliveries_webhook_id_event_id")),
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["next_try_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "items",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("batch_id", db.Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column(
            "reference_id",
            sa.String(length=500).with_variant(sa.String(length=500, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("media_state", sa.String(length=10), nullable=False),
        sa.Column("media_error", sa.String(), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.Column("accepted_at", db.UtcTime(), nullable=True),
        sa.Column("tags", db.JsonColumn, nullable=True),
        sa.Column("meta", db.JsonColumn, nullable=True),
        sa.Column("source", db.JsonColumn, nullable=True),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_items_batch_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_items_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_items_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("uid", name=op.f("uq_items_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_items_not_ready",
        "items",
        ["project_id", "media_state", "id"],
        unique=False,
        sqlite_where=sa.text("media_state <> 'ready'"),
        postgresql_where=sa.text("media_state <> 'ready'"),
    )
    op.create_index(op.f("ix_items_project_id_batch_id_id"), "items", ["project_id", "batch_id", "id"], unique=False)
    op.create_index(op.f("ix_items_project_id_id"), "items", ["project_id", "id"], unique=False)
    op.create_index(
        "uq_items_reference",
        "items",
        ["project_id", "reference_id"],
        unique=True,
        sqlite_where=sa.text("reference_id IS NOT NULL"),
        postgresql_where=sa.text("reference_id IS NOT NULL"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("batch_id", db.Id, nullable=True),
        sa.Column("workflow_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("instructions", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("allowed_classes", db.JsonColumn, nullable=True),
        sa.Column("allowed_attributes", db.JsonColumn, nullable=True),
        sa.Column("limits", db.JsonColumn, nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("started_at", db.UtcTime(), nullable=True),
        sa.Column("finished_at", db.UtcTime(), nullable=True),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_jobs_batch_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_jobs_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_jobs_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_jobs_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("uid", name=op.f("uq_jobs_uid")),
    )
    op.create_index(
        "ix_jobs_active",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(op.f("ix_jobs_project_id_status_id"), "jobs", ["project_id", "status", "id"], unique=False)
    op.create_index(
        "uq_jobs_origin",
        "jobs",
        ["project_id", "batch_id", "workflow_id", "origin"],
        unique=True,
        sqlite_where=sa.text("origin <> ''"),
        postgresql_where=sa.text("origin <> ''"),
    )
    op.create_table(
        "documents",
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("layer", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.String(length=80), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_by", db.Id, nullable=True),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_documents_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_documents_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["updated_by"], ["users.id"], name=op.f("fk_documents_updated_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("item_id", "layer", name=op.f("pk_documents")),
    )
    op.create_table(
        "item_media",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("frame_id", sa.String(length=300), nullable=True),
        sa.Column("label", sa.String(length=300), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("media_id", db.Id, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", db.UtcTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_item_media_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_item_media_media_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_media")),
    )
    op.create_index(
        op.f("ix_item_media_item_id_role_position"), "item_media", ["item_id", "role", "position"], unique=False
    )
    op.create_index(op.f("ix_item_media_media_id"), "item_media", ["media_id"], unique=False)
    op.create_index(
        "ix_item_media_pending",
        "item_media",
        ["next_try_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "job_members",
        sa.Column("job_id", db.Id, nullable=False),
        sa.Column("user_id", db.Id, nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_members_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_job_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "user_id", "role", name=op.f("pk_job_members")),
    )
    op.create_index(op.f("ix_job_members_user_id"), "job_members", ["user_id"], unique=False)
    op.create_table(
        "label_counts",
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("class_id", db.Id, nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["classes.id"], name=op.f("fk_label_counts_class_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_label_counts_item_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", "class_id", name=op.f("pk_label_counts")),
    )
    op.create_index(
        op.f("ix_label_counts_project_id_class_id_item_id"),
        "label_counts",
        ["project_id", "class_id", "item_id"],
        unique=False,
    )
    op.create_table(
        "revisions",
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("layer", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", db.Id, nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("save_id", db.Uid(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_revisions_actor_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_revisions_item_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", "layer", "version", name=op.f("pk_revisions")),
        sa.UniqueConstraint("item_id", "layer", "save_id", name=op.f("uq_revisions_item_id_layer_save_id")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("job_id", db.Id, nullable=False),
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("assignee_id", db.Id, nullable=True),
        sa.Column("author_id", db.Id, nullable=True),
        sa.Column("reviewer_id", db.Id, nullable=True),
        sa.Column("holder_id", db.Id, nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("lease_until", db.UtcTime(), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("skip_reason", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("submitted_at", db.UtcTime(), nullable=True),
        sa.Column("finished_at", db.UtcTime(), nullable=True),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_tasks_assignee_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_tasks_author_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["holder_id"], ["users.id"], name=op.f("fk_tasks_holder_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_tasks_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_tasks_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_tasks_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_tasks_reviewer_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("uid", name=op.f("uq_tasks_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_tasks_assignee",
        "tasks",
        ["assignee_id"],
        unique=False,
        sqlite_where=sa.text("assignee_id IS NOT NULL"),
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_author",
        "tasks",
        ["project_id", "author_id", "id"],
        unique=False,
        sqlite_where=sa.text("author_id IS NOT NULL"),
        postgresql_where=sa.text("author_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_holder",
        "tasks",
        ["holder_id"],
        unique=False,
        sqlite_where=sa.text("holder_id IS NOT NULL"),
        postgresql_where=sa.text("holder_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_tasks_item_id"), "tasks", ["item_id"], unique=False)
    op.create_index("ix_tasks_job", "tasks", ["job_id", "stage", "state", "id"], unique=False)
    op.create_index(op.f("ix_tasks_job_id_id"), "tasks", ["job_id", "id"], unique=False)
    op.create_index(
        "ix_tasks_lease",
        "tasks",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(op.f("ix_tasks_project_id_id"), "tasks", ["project_id", "id"], unique=False)
    op.create_index(
        "ix_tasks_queue",
        "tasks",
        ["job_id", "stage", sa.literal_column("priority DESC"), "id", "author_id"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND assignee_id IS NULL"),
        postgresql_where=sa.text("state = 'open' AND assignee_id IS NULL"),
    )
    op.create_index(
        "ix_tasks_returned",
        "tasks",
        ["project_id", "id"],
        unique=False,
        sqlite_where=sa.text("returned > 0"),
        postgresql_where=sa.text("returned > 0"),
    )
    op.create_index(
        "ix_tasks_reviewer",
        "tasks",
        ["project_id", "reviewer_id", "id"],
        unique=False,
        sqlite_where=sa.text("reviewer_id IS NOT NULL"),
        postgresql_where=sa.text("reviewer_id IS NOT NULL"),
    )
    op.create_index("ix_tasks_state", "tasks", ["project_id", "stage", "state", "id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("task_id", db.Id, nullable=True),
        sa.Column("parent_id", db.Id, nullable=True),
        sa.Column("author_id", db.Id, nullable=True),
        sa.Column("object_id", sa.Integer(), nullable=True),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("x", sa.Double(), nullable=True),
        sa.Column("y", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_comments_author_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_comments_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["comments.id"], name=op.f("fk_comments_parent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_comments_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_comments_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("uid", name=op.f("uq_comments_uid")),
    )
    op.create_index(op.f("ix_comments_item_id"), "comments", ["item_id"], unique=False)
    op.create_index(op.f("ix_comments_project_id_item_id"), "comments", ["project_id", "item_id"], unique=False)
