"""dataset_versions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "dataset_versions",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("settings", db.JsonColumn, nullable=False),
        sa.Column("classes", db.JsonColumn, nullable=False),
        sa.Column("splits", db.JsonColumn, nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("deleted_at", db.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_dataset_versions_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_dataset_versions_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_dataset_versions_project_id_number")),
        sa.UniqueConstraint("uid", name=op.f("uq_dataset_versions_uid")),
    )
    op.create_table(
        "version_items",
        sa.Column("version_id", db.Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_uid", db.Uid(), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["dataset_versions.id"], name=op.f("fk_version_items_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "position", name=op.f("pk_version_items")),
    )
