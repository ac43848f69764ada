"""Many writers at once, on real threads and both databases: no gap in the versions, every conflict reported."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from labelwright.db import Database
from labelwright.errors import Stale
from labelwright.geometry.document import Document
from labelwright.models.documents import Revision
from labelwright.services import documents
from tests.support.desk import Desk, box, imported, make_desk, put


@pytest.fixture
def desk(database: Database) -> Desk:
    return make_desk(database)


def test_racing_writers_lose_nothing(desk: Desk) -> None:
    """Eight threads, each adding objects and moving one that all fight over: no gap, every conflict reported."""
    imported(desk, Document([box(1)]))
    rounds, writers = 12, 8
    start = threading.Barrier(writers)

    def work(writer: int) -> tuple[list[int], int, int]:
        start.wait()
        drawn, moved, refused = [], 0, 0
        for turn in range(rounds):
            base = desk.read().version
            mine = box(2 + turn * writers + writer, (writer * rounds + turn) / 200, class_name="person")
            saved = desk.save(put(mine), base, save_id=uuid.uuid4())
            drawn.append(saved.renamed.get(mine.id, mine.id))
            try:
                desk.save(put(box(1, (writer * rounds + turn) / 150)), base, save_id=uuid.uuid4())
                moved += 1
            except Stale:
                refused += 1
        return drawn, moved, refused

    with ThreadPoolExecutor(writers) as pool:
        results = [f.result() for f in [pool.submit(work, n) for n in range(writers)]]
    drawn = [i for ids, _, _ in results for i in ids]
    moved, refused = sum(r[1] for r in results), sum(r[2] for r in results)
    assert len(set(drawn)) == len(drawn) == rounds * writers
    assert moved + refused == rounds * writers
    head = desk.read()
    assert {o.id for o in head.document.objects} == {1, *drawn}
    assert head.version == 1 + len(drawn) + moved
    with desk.database.read() as session:
        versions = session.scalars(select(Revision.version).order_by(Revision.version)).all()
    assert versions == list(range(2, head.version + 1))
    assert desk.counts() == {"car": 1, "person": len(drawn)}
    assert desk.read(version=1).document == Document([box(1)])


def test_one_save_sent_by_many_at_once_is_saved_once(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    save_id = uuid.uuid4()
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(desk.save, put(box(2, 0.5)), 1, save_id=save_id) for _ in range(6)]
        answers = [job.result() for job in jobs]
    assert answers == [documents.Saved(2)] * 6
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Revision)) == 2


def test_a_first_save_by_many_at_once(desk: Desk) -> None:
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(desk.save, put(box(1, n / 10)), 0) for n in range(6)]
        answers = [job.result() for job in jobs]
    assert sorted(a.version for a in answers) == [1, 2, 3, 4, 5, 6]
    drawn = {o.shape.box[0] for o in desk.read().document.objects}  # type: ignore[union-attr]
    assert drawn == {n / 10 for n in range(6)}
