"""Events and feeds: written with the change, read by those who may, in an order that loses nothing."""

import ast
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

import labelwright
from labelwright.errors import NotFound
from labelwright.models.events import Event
from labelwright.services import events
from tests.support.cast import a_project, gather


def test_unknown_kinds_are_refused(session):
    cast = gather(session)
    with pytest.raises(ValueError, match="KINDS"):
        events.emit(session, "task.eaten", team_id=cast.team.id)


def test_every_kind_the_code_names_is_in_the_table():
    named = set()
    for file in Path(labelwright.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"emit", "emit_many"}:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        named.add(argument.value)
    assert named
    assert named <= set(events.KINDS)


def test_feeds_show_what_the_actor_may_see_page_by_page(session):
    cast = gather(session)
    project, other = a_project(session, cast), a_project(session, cast)
    start = events.last_id(session, cast.alice)
    ids = [
        events.emit(session, "items.filed", team_id=cast.team.id, project_id=p.id, data={"count": n})
        for n, p in enumerate((project, other, project, project))
    ]
    member = events.emit(session, "member.added", team_id=cast.team.id)
    far = events.emit(session, "member.added", team_id=cast.other_team.id)
    assert [e.id for e in events.feed(session, cast.vera, project, start)] == [ids[0], ids[2], ids[3]]
    assert [e.id for e in events.feed(session, cast.vera, project, ids[0], 1)] == [ids[2]]
    assert [e.id for e in events.recent(session, cast.vera, project, limit=2)] == [ids[3], ids[2]]
    assert [e.id for e in events.recent(session, cast.vera, project, before=ids[2], limit=1)] == [ids[0]]
    assert [e.id for e in events.feed(session, cast.max, None, start)] == [*ids, member]
    assert [e.id for e in events.feed(session, cast.bob, None, start)] == ids  # the team's own affairs are managers'
    assert [e.id for e in events.feed(session, cast.charlie, None, start)][-1] == far
    assert not events.feed(session, cast.vera, project, start, kinds=["job.created"])
    with pytest.raises(NotFound):
        events.feed(session, cast.charlie, project)


def test_many_events_at_once(session):
    cast = gather(session)
    project = a_project(session, cast)
    rows = [{"item": None, "data": {"n": n}} for n in range(1500)]
    before = session.scalar(select(func.count()).select_from(Event))
    assert events.emit_many(session, "item.ready", rows, team_id=cast.team.id, project_id=project.id) == 1500
    assert events.emit_many(session, "item.ready", [], team_id=cast.team.id) == 0
    assert session.scalar(select(func.count()).select_from(Event)) == before + 1500


def test_following_events_misses_none_of_several_writers(database):
    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        start, team, pid = events.last_id(session, cast.alice, project), cast.team.id, project.id
    stop, seen = threading.Event(), []

    def write():
        for _ in range(25):
            with database.write() as session:
                events.emit(session, "items.filed", team_id=team, project_id=pid)
                events.emit(session, "items.filed", team_id=team, project_id=pid)

    def follow():
        cursor, done = start, False
        while not done:
            done = stop.is_set()
            with database.read() as session:
                found = events.feed(session, cast.vera, project, cursor, settled=True)
            seen.extend(e.id for e in found)
            cursor = seen[-1] if seen else start

    writers, reader = [threading.Thread(target=write) for _ in range(6)], threading.Thread(target=follow)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    with database.read() as session:
        written = list(
            session.scalars(select(Event.id).where(Event.id > start, Event.project_id == pid).order_by(Event.id))
        )
    assert seen == written
