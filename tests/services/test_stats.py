"""Statistics count what happened, for the right project, on the right day."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from labelwright.errors import Forbidden, NotFound
from labelwright.models.documents import LabelCount
from labelwright.services import jobs, ontology, queue, review, stats, tasks
from tests.support.cast import a_project
from tests.support.work import a_job

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def label(session, actor, task, at, seconds=60):
    queue.claim(session, actor, task, at=at)
    queue.heartbeat(session, actor, task, task.lease, seconds, at=at + timedelta(seconds=seconds))
    tasks.submit(session, actor, task, task.lease, at=at + timedelta(seconds=seconds))


def judge(session, actor, task, at, good=True):
    queue.claim(session, actor, task, at=at)
    if good:
        review.accept(session, actor, task, task.lease, at=at)
    else:
        review.reject(session, actor, task, task.lease, "Wrong class", at=at)


def test_a_project_at_a_glance(session, cast, project):
    _, many = a_job(session, cast.max, project, 4)
    a_job(session, cast.max, a_project(session, cast), 3)
    yesterday = NOON - timedelta(days=1)
    label(session, cast.bob, many[0], yesterday)
    label(session, cast.ben, many[1], NOON, 120)
    label(session, cast.bob, many[2], NOON)
    judge(session, cast.rita, many[0], NOON)
    judge(session, cast.rita, many[1], NOON, good=False)
    label(session, cast.ben, many[1], NOON + timedelta(minutes=5))
    judge(session, cast.rita, many[1], NOON + timedelta(minutes=9))
    car, person = ontology.classes_of(session, project.id)[:2]
    session.execute(
        insert(LabelCount),
        [
            {"item_id": many[0].item_id, "class_id": car.id, "project_id": project.id, "count": 3},
            {"item_id": many[1].item_id, "class_id": car.id, "project_id": project.id, "count": 4},
        ],
    )
    days = {d.day: d for d in stats.throughput(session, project, days=7, at=NOON)}
    assert len(days) == 7
    today, before = days[NOON.date()], days[yesterday.date()]
    assert (before.submitted, before.accepted) == (1, 0)
    assert (today.submitted, today.accepted, today.rejected, today.completed) == (3, 2, 1, 2)
    assert [d.submitted for d in stats.throughput(session, project, days=7, at=NOON, user=cast.ben.user_id)][-1] == 2
    first_pass, seconds = stats.quality(session, project, at=NOON)
    assert first_pass == 0.5  # one accepted at once, one returned first
    assert seconds == (60 + 180) / 2
    queue.claim(session, cast.ben, many[3])
    seen = stats.overview(session, cast.vera, project)
    assert seen.items == 4
    assert seen.tasks == {("end", "done"): 2, ("review", "open"): 1, ("label", "held"): 1}
    assert [(c.name, objects, items) for c, objects, items in seen.classes][:2] == [("car", 7, 2), (person.name, 0, 0)]
    assert [(w.user.name, w.task) for w in seen.working] == [("Ben", many[3])]
    assert seen.media == {"pending": 0, "failed": 0}


def test_people_and_their_work(session, cast, project):
    _, many = a_job(session, cast.max, project, 3)
    for task in many[:2]:
        label(session, cast.bob, task, NOON)
    label(session, cast.ben, many[2], NOON, 30)
    judge(session, cast.rita, many[0], NOON)
    judge(session, cast.rita, many[1], NOON, good=False)
    judge(session, cast.max, many[2], NOON)
    found = {p.user.name: p for p in stats.people(session, cast.max, project, at=NOON)}
    assert (found["Bob"].submitted, found["Bob"].first_pass, found["Bob"].seconds_per_task) == (2, 0.5, 60)
    assert (found["Ben"].first_pass, found["Ben"].seconds_per_task) == (1.0, 30)
    assert (found["Rita"].reviewed, found["Rita"].first_pass) == (2, None)
    with pytest.raises(Forbidden):
        stats.people(session, cast.bob, project)
    with pytest.raises(NotFound):
        stats.overview(session, cast.charlie, project)


def test_my_work_counts_what_next_task_would_hand_out(session, cast, project):
    job, many = a_job(session, cast.max, project, 5)
    a_job(session, cast.max, project, 2, labelers=[cast.ben])
    label(session, cast.bob, many[0], NOON)
    judge(session, cast.rita, many[0], NOON, good=False)
    label(session, cast.rita, many[1], NOON)
    label(session, cast.bob, many[2], NOON)
    queue.claim(session, cast.bob, many[3])
    (mine,) = stats.my_work(session, cast.bob)
    assert (mine.held, mine.mine, mine.label, mine.review) == (1, 1, 1, 0)
    (mine,) = stats.my_work(session, cast.ben)
    assert (mine.held, mine.mine, mine.label, mine.review) == (0, 0, 3, 0)
    (mine,) = stats.my_work(session, cast.rita)
    assert (mine.label, mine.review) == (1, 1)  # not the one of her own
    jobs.pause(session, cast.max, job)
    assert stats.my_work(session, cast.bob) == []
    assert stats.my_work(session, cast.charlie) == []
