"""wrong_tries"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from labelwright import db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "wrong_tries",
        sa.Column("id", db.Id, nullable=False),
        sa.Column("who", sa.LargeBinary(), nullable=False),
        sa.Column("at", db.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrong_tries")),
    )
    op.create_index(op.f("ix_wrong_tries_who_at"), "wrong_tries", ["who", "at"], unique=False)
