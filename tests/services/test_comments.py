"""Comments on items: threads, pins, settling, and who may do what."""

import pytest
from sqlalchemy import select

from labelwright.errors import Forbidden, Invalid, NotFound
from labelwright.models.events import Event
from labelwright.models.items import Item
from labelwright.services import comments
from tests.support.cast import a_project
from tests.support.work import some_items


@pytest.fixture
def item(session, cast):
    return session.get_one(Item, some_items(session, a_project(session, cast), 1)[0])


def test_a_thread_is_settled_and_opened_by_an_answer(session, cast, item):
    first = comments.add(session, cast.rita, item, "  Is this a car? ", object_id=3, x=0.5, y=0.25)
    answer = comments.add(session, cast.bob, item, "A van.", parent=first)
    again = comments.add(session, cast.rita, item, "Then it is a truck.", parent=answer)
    other = comments.add(session, cast.rita, item, "Dark.")
    assert (first.body, answer.parent_id, again.parent_id) == ("Is this a car?", first.id, first.id)
    assert [c for c, _ in comments.of_item(session, cast.vera, item, resolved=False)] == [first, answer, again, other]
    assert comments.resolve(session, cast.bob, again) is first
    assert [c for c, _ in comments.of_item(session, cast.vera, item, resolved=True)] == [first, answer, again]
    assert [c for c, _ in comments.of_item(session, cast.vera, item, resolved=False)] == [other]
    comments.add(session, cast.bob, item, "But no.", parent=first)
    assert not first.resolved
    assert len(comments.of_item(session, cast.vera, item)) == 5
    kinds = session.scalars(select(Event.kind).where(Event.item_id == item.id)).all()
    assert kinds.count("comment.added") == 5
    assert kinds.count("comment.resolved") == 1


@pytest.mark.parametrize(
    "wrong", [{"body": " "}, {"body": "x" * 5001}, {"x": 0.5}, {"x": 0.5, "y": 1.5}, {"frame": 7}, {"object_id": 0}]
)
def test_a_comment_that_cannot_be_is_refused(session, cast, item, wrong):
    with pytest.raises(Invalid):
        comments.add(session, cast.bob, item, **{"body": "hello", **wrong})


def test_rights(session, cast, item):
    with pytest.raises(Forbidden):
        comments.add(session, cast.vera, item, "hello")
    with pytest.raises(NotFound):
        comments.add(session, cast.charlie, item, "hello")
    mine = comments.add(session, cast.bob, item, "hello")
    assert comments.get(session, cast.vera, mine.uid) is mine
    for ref in (mine.uid, "nonsense", 999999):
        with pytest.raises(NotFound):
            comments.get(session, cast.charlie, ref)
    with pytest.raises(Forbidden):
        comments.change(session, cast.ben, mine, "bye")
    comments.change(session, cast.bob, mine, "bye")
    with pytest.raises(Forbidden):
        comments.delete(session, cast.ben, mine)
    comments.add(session, cast.ben, item, "why?", parent=mine)
    with pytest.raises(Forbidden):
        comments.delete(session, cast.bob, mine)  # it has been answered
    comments.delete(session, cast.max, mine)
    assert comments.of_item(session, cast.bob, item) == []
