"""accounts_of_vendors"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("api_keys", sa.Column("every_team", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("memberships", sa.Column("extra", db.JsonColumn, nullable=True))
    op.add_column("users", sa.Column("created_by", db.Id, nullable=True))
    op.create_index(op.f("ix_users_created_by"), "users", ["created_by"], unique=False)
    op.add_column("workspaces", sa.Column("extra", db.JsonColumn, nullable=True))
