"""Counts over all of a large project are kept for a minute; small projects are counted each time."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from labelwright.services import kept
from tests.support.cast import a_project, gather
from tests.support.work import a_job


def test_only_a_large_projects_count_is_kept_and_only_for_a_while(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = gather(session)
    small, large = a_project(session, cast), a_project(session, cast)
    a_job(session, cast.max, small, 2)
    a_job(session, cast.max, large, 5)
    session.flush()
    monkeypatch.setattr(kept, "LARGE", 3)
    asked: list[int] = []

    def count(project: int) -> int:
        asked.append(project)
        return len(asked)

    def ask(project: int) -> int:
        return kept.count(session, project, "test", lambda: count(project))

    assert [ask(small.id), ask(small.id)] == [1, 2]
    assert [ask(large.id), ask(large.id), ask(large.id)] == [3, 3, 3]
    monkeypatch.setattr(kept, "SECONDS", -1.0)
    kept.count(session, large.id, "other", lambda: count(large.id))
    assert kept.count(session, large.id, "other", lambda: count(large.id)) == 5
