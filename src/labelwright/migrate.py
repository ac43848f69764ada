"""Bringing a database to the schema this version needs."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from labelwright.db import READ, Database
from labelwright.errors import Conflict

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x1ABE1


def head() -> str:
    """The newest revision in this version: the first part of the last file name in `migrations/versions`."""
    return max(file.name.split("_")[0] for file in (FOLDER / "versions").glob("[0-9]*_*.py"))


def current(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with database.engine.connect().execution_options(**READ) as connection:
        return _current(connection)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def upgrade(database: Database) -> bool:
    """Apply what is missing, in one transaction; True when there was something to do. Safe from several processes.

    Raises `Conflict` when the database was made by a newer version."""
    changed = _upgrade(database)
    with database.engine.connect().execution_options(**READ) as connection:
        there = inspect(connection).has_table("dbos_migrations", schema=None if database.sqlite else "dbos")
    if not there:
        upgrade_tasks(database)
    return changed


def upgrade_tasks(database: Database) -> None:
    """Create or update DBOS's own tables: in the same file on SQLite, in the schema `dbos` on PostgreSQL."""
    from dbos import DBOS  # noqa: PLC0415

    logging.getLogger("dbos").setLevel(logging.WARNING)
    # Through a connection of DBOS's own: its SQLite migration begins the transaction itself, as our engine does too.
    DBOS.migrate(database.engine.url.render_as_string(hide_password=False))


def _upgrade(database: Database) -> bool:
    found = current(database)
    if found == head():
        return False
    if found is not None and found > head():
        raise Conflict(f"the database is at revision {found}, newer than this version's {head()}: install that version")
    from alembic import command  # noqa: PLC0415  starting up must not pay for it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
