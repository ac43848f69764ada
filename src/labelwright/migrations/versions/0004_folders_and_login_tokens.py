"""folders_and_login_tokens"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "login_tokens",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", db.Id, nullable=False),
        sa.Column("workspaces", db.JsonColumn, nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("expires_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_tokens_token_hash")),
    )
    op.create_index(op.f("ix_login_tokens_user_id"), "login_tokens", ["user_id"], unique=False)
    op.create_table(
        "folders",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("workspace_id", db.Id, nullable=False),
        sa.Column("parent_id", db.Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["folders.id"], name=op.f("fk_folders_parent_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_folders_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folders")),
        sa.UniqueConstraint("uid", name=op.f("uq_folders_uid")),
    )
    op.create_index(op.f("ix_folders_workspace_id"), "folders", ["workspace_id"], unique=False)
    op.create_table(
        "folder_projects",
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("folder_id", db.Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name=op.f("fk_folder_projects_folder_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_folder_projects_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_folder_projects")),
    )
    op.create_index(op.f("ix_folder_projects_folder_id"), "folder_projects", ["folder_id"], unique=False)
