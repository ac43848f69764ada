"""job_options_issues_collections"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "issues",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("team_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("assignees", db.JsonColumn, nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_issues_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_issues_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("uid", name=op.f("uq_issues_uid")),
    )
    op.create_index(op.f("ix_issues_team_id"), "issues", ["team_id"], unique=False)
    op.create_table(
        "issue_comments",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("issue_id", db.Id, nullable=False),
        sa.Column("author_id", db.Id, nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_issue_comments_author_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=op.f("fk_issue_comments_issue_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_comments")),
        sa.UniqueConstraint("uid", name=op.f("uq_issue_comments_uid")),
    )
    op.create_index(op.f("ix_issue_comments_issue_id"), "issue_comments", ["issue_id"], unique=False)
    op.create_table(
        "collections",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("uid", db.Uid(), nullable=False),
        sa.Column("project_id", db.Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("created_by", db.Id, nullable=True),
        sa.Column("created_at", db.UtcTime(), nullable=False),
        sa.Column("updated_at", db.UtcTime(), nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_collections_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_collections_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_collections_project_id_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_collections_uid")),
    )
    op.create_table(
        "collection_items",
        sa.Column("collection_id", db.Id, nullable=False),
        sa.Column("item_id", db.Id, nullable=False),
        sa.Column("extra", db.JsonColumn, nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_collection_items_collection_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_collection_items_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "item_id", name=op.f("pk_collection_items")),
    )
    op.create_index(op.f("ix_collection_items_item_id"), "collection_items", ["item_id"], unique=False)
    op.add_column("comments", sa.Column("issue_id", db.Id, nullable=True))
    op.add_column("comments", sa.Column("extra", db.JsonColumn, nullable=True))
    op.create_index(
        "ix_comments_issue",
        "comments",
        ["issue_id"],
        unique=False,
        sqlite_where=sa.text("issue_id IS NOT NULL"),
        postgresql_where=sa.text("issue_id IS NOT NULL"),
    )
    op.add_column("jobs", sa.Column("options", db.JsonColumn, nullable=True))
