"""The database: engine, sessions, column types. One code path for SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Uuid,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import JSON, TypeDecorator

READ = {"labelwright_read": True}


class Uid(TypeDecorator[uuid.UUID]):
    """UUID: native on PostgreSQL, 16 bytes on SQLite (its text form would be 32)."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: uuid.UUID | None, dialect: Any) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Any) -> uuid.UUID | None:
        return uuid.UUID(bytes=bytes(value)) if isinstance(value, bytes | memoryview) else value


class UtcTime(TypeDecorator[datetime]):
    """Moment in UTC: timestamptz on PostgreSQL, whole microseconds since 1970 on SQLite (sorts, 8 bytes)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Any) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value if dialect.name == "postgresql" else int(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value / 1_000_000, UTC)


JsonColumn = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Id = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Every table. The naming rule keeps constraint names equal on both databases, as migrations need."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def now() -> datetime:
    """The present moment in UTC, to the microsecond."""
    return datetime.now(UTC)


def new_uid() -> uuid.UUID:
    """Time-ordered UUID (version 7, RFC 9562): neighbours in time are neighbours in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class Database:
    """An engine with two kinds of transaction: `read` and `write`. Nothing below an edge commits."""

    def __init__(self, url: str, store: Any = None) -> None:
        """`store` (a `storage.Store`) goes with every session as `session.info["store"]`: large documents are kept in it."""
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.sqlite else _postgres_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, autoflush=True, info={"store": store})

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits when the block ends and rolls back when it raises.

        On SQLite it holds the one write lock from its first statement on: do not open another inside it."""
        with self._sessions() as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; always rolled back. On SQLite it takes no lock."""
        with self._sessions() as session:
            session.connection(execution_options=READ)
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _postgres_engine(url: str) -> Engine:
    return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, connect_args={"prepare_threshold": 5})


def _sqlite_engine(url: str) -> Engine:
    """SQLite in WAL mode, durable at commit; writers queue on one lock in this process.

    Measured: five writer threads behind SQLite's own lock have a 4-25 times longer tail than behind one Python lock.
    The lock is taken in `begin`, so every user of the engine (DBOS's tables too) passes through it."""
    engine = create_engine(url, pool_size=20, max_overflow=40, connect_args={"timeout": 30, "check_same_thread": False})
    lock = threading.Lock()
    holders: set[int] = set()  # driver connections inside a write transaction
    do_commit, do_rollback = engine.dialect.do_commit, engine.dialect.do_rollback

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000",
                       "cache_size=-32000", "temp_store=MEMORY", "mmap_size=268435456"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("labelwright_read"):
            connection.exec_driver_sql("BEGIN")
            return
        lock.acquire()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            lock.release()
            raise
        holders.add(_driver_id(connection.connection))

    def let_go(connection: Any) -> None:
        driver = _driver_id(connection)
        if driver in holders:
            holders.discard(driver)
            lock.release()

    # The engine's own commit and rollback events fire before the driver is called; the lock must be let go after.
    def commit(connection: Any) -> None:
        do_commit(connection)
        let_go(connection)

    def rollback(connection: Any) -> None:
        try:
            do_rollback(connection)
        finally:
            let_go(connection)

    engine.dialect.do_commit = commit  # type: ignore[method-assign]
    engine.dialect.do_rollback = rollback  # type: ignore[method-assign]
    return engine


def _driver_id(connection: Any) -> int:
    return id(getattr(connection, "dbapi_connection", connection))


def lock(session: Session, name: str) -> None:
    """Until the transaction ends no other one holds the lock of this name."""
    # SQLite has one writer at a time, and this transaction is it.
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def ping(session: Session) -> None:
    """Raise when the database does not answer."""
    session.execute(text("SELECT 1"))
