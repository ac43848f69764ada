"""Archives sent in two steps: what never came, and what is not needed any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden
from labelwright.models.background import BackgroundTask
from labelwright.services import uploads
from labelwright.services.background import Shared
from tests.support import cast


def test_files_go_when_their_tasks_have_ended_and_tasks_when_no_file_came(shared: Shared) -> None:
    with shared.database.write() as session:
        people = cast.gather(session)
        project = cast.a_project(session, people)
        rows = [uploads.expect(session, people.alice, project, "zip-upload", {"n": n}) for n in range(4)]
        late, early, queued, done = rows
        late.created_at = now() - timedelta(days=2)
        keys = {row.arguments["n"]: uploads.new_key(row) for row in rows}
        with pytest.raises(Forbidden):
            uploads.expect(session, people.vera, project, "zip-upload", {})
    for number in (2, 3):
        shared.store.put(keys[number], b"PK")
    with shared.database.write() as session:
        for row in (queued, done):
            uploads.arrived(session, session.get_one(BackgroundTask, row.id), keys[row.arguments["n"]])
        with pytest.raises(Conflict):
            uploads.arrived(session, session.get_one(BackgroundTask, done.id), "uploads/other")
        session.get_one(BackgroundTask, done.id).state = "done"
    uploads.forget(shared)
    with shared.database.read() as session:
        states = [session.get_one(BackgroundTask, row.id).state for row in (late, early, queued, done)]
    assert states == ["failed", "queued", "queued", "done"]
    assert shared.store.exists(keys[2])
    assert not shared.store.exists(keys[3])
