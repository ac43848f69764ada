"""Bulk inserts: ids handed out in advance, rows written by the driver.

SQLAlchemy's own executemany converts every value of every row in Python; a bulk import spends a third of its time there.
Here only the columns whose type needs it are converted, and PostgreSQL takes the rows by COPY.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
# (table, columns, dialect) -> which columns need their values converted, and how.
_converters: dict[tuple[Any, ...], list[tuple[int, Callable[[Any], Any]]]] = {}


def allocate(session: Session, table: Table, count: int) -> range | list[int]:
    """`count` new primary keys of a table with an integer `id`, ascending; nobody else will get them.

    On SQLite the caller's transaction holds the write lock; the table must be AUTOINCREMENT so that ids never return."""
    if session.get_bind().dialect.name == "sqlite":
        last = session.scalar(_LAST, {"name": table.name}) or 0
        return range(last + 1, last + 1 + count)
    sequence = f"{table.name}_id_seq"
    query = text(f"SELECT nextval('{sequence}') FROM generate_series(1, :count)")
    return sorted(session.scalars(query, {"count": count}))


def insert(session: Session, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of `columns`. Column defaults do not apply: give every value that is not null."""
    if not rows:
        return
    dialect = session.get_bind().dialect
    key = (table, tuple(columns), dialect.name)
    processors = _converters.get(key)
    if processors is None:
        processors = [(i, p) for i, name in enumerate(columns) if (p := _processor(table, name, dialect)) is not None]
        _converters[key] = processors
    if processors:
        rows = _converted(rows, processors)
    names = ", ".join(columns)
    connection = session.connection()
    if dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _processor(table: Table, name: str, dialect: Any) -> Callable[[Any], Any] | None:
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def _converted(rows: Sequence[Sequence[Any]], processors: list[tuple[int, Callable[[Any], Any]]]) -> Any:
    """Rows with the values that the driver takes. Neighbours often share a value (a moment): it is converted once."""
    lists = [list(row) for row in rows]
    for index, process in processors:
        last = result = None
        for values in lists:
            value = values[index]
            if value is None:
                continue
            if value is not last:
                last, result = value, process(value)
            values[index] = result
    return [tuple(values) for values in lists]
