"""Alembic's entry: runs on the connection that `labelwright.migrate` (or `make migration`) hands it."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import JSON, BigInteger

import labelwright.models
from labelwright.db import Base, Uid, UtcTime

assert labelwright.models  # importing it fills the metadata


def render_item(kind: str, value: Any, autogen: Any) -> str | Literal[False]:
    """Write our own column types by their names in `labelwright.db`."""
    if kind != "type":
        return False
    if isinstance(value, Uid | UtcTime):
        return f"db.{type(value).__name__}()"
    if isinstance(value, JSON):
        return "db.JsonColumn"
    if isinstance(value, BigInteger) and value._variant_mapping:
        return "db.Id"
    return False


def run(connection: Any) -> None:
    """Run what was asked for on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=False,
        compare_type=True,
        include_object=include_object,
    )
    with context.begin_transaction():
        context.run_migrations()


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave DBOS's own tables alone."""
    return not (kind == "table" and reflected and compare_to is None)


run(context.config.attributes["connection"])
