"""model_services"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "model_services",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("workspace_id", db.Id, nullable=False),
        sa.Column("project_id", db.Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("header_name", sa.String(length=100), nullable=False),
        sa.Column("header_value", sa.String(), nullable=False),
        sa.Column("asks", db.JsonColumn, nullable=False),
        sa.Column("classes", db.JsonColumn, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_model_services_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_model_services_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_model_services_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_model_services_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_services")),
        sa.UniqueConstraint("uid", name=op.f("uq_model_services_uid")),
    )
    op.create_index(op.f("ix_model_services_project_id"), "model_services", ["project_id"], unique=False)
    op.create_index(op.f("ix_model_services_team_id"), "model_services", ["team_id"], unique=False)
    op.create_index(op.f("ix_model_services_workspace_id"), "model_services", ["workspace_id"], unique=False)
