"""What must stay quick at a million tasks reads indexes: no query of the queue or of a list scans the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from labelwright.services import lists, queue, tasks
from labelwright.services.lists import Filter
from tests.support.cast import a_project, gather
from tests.support.work import a_job


@contextmanager
def plans(session: Session) -> Iterator[list[tuple[str, str]]]:
    """Collects the plan of every SELECT and UPDATE that runs inside."""
    connection = session.connection()
    seen: list[tuple[str, str]] = []
    asking: list[bool] = []
    sqlite = connection.dialect.name == "sqlite"

    def explain(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if asking or many or not statement.lstrip().startswith(("SELECT", "UPDATE")):
            return
        asking.append(True)
        driver: Any = connection.connection.driver_connection
        other = driver.cursor()
        other.execute(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement, parameters)
        seen.append((statement, " | ".join(str(row[-1]) for row in other.fetchall())))
        other.close()
        asking.clear()

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", explain)


def scans(session: Session, seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    mark = "SCAN tasks" if session.get_bind().dialect.name == "sqlite" else "Seq Scan on tasks"
    return [(statement, plan) for statement, plan in seen if mark in plan and "USING" not in plan.split(mark)[1][:30]]


def test_the_queue_and_the_lists_scan_no_table(session: Session) -> None:
    cast = gather(session)
    project = a_project(session, cast)
    job, _ = a_job(session, cast.max, project, 30)
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL enable_seqscan = off"))  # thirty rows are no reason to use an index
    with plans(session) as seen:
        task = queue.next_task(session, cast.bob)
        assert task is not None
        tasks.submit(session, cast.bob, tasks.load(session, cast.bob, task.uid, "label"), task.lease)
        queue.next_task(session, cast.rita, project, "review")
        queue.expire(session)
        for only in (
            Filter(), Filter(state="open"), Filter(state="skipped"), Filter(job=job.id), Filter(author=cast.bob.user_id),
            Filter(holder=cast.bob.user_id), Filter(returned=True), Filter(batch=1), Filter(class_name="car"),
            Filter(media="failed"), Filter(reference="a"), Filter(comments="open"),
        ):  # fmt: skip
            lists.tasks(session, project, only)
            lists.items(session, project, only)
    assert len(seen) > 30
    assert not scans(session, seen)
    with plans(session) as seen:
        session.execute(text("SELECT id FROM tasks WHERE seconds > 1"))
    assert scans(session, seen)  # a scan would have been seen
