"""Who is handed which task, and what a lease protects."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden, Invalid, LeaseLost, NotFound
from labelwright.models.events import Event
from labelwright.services import jobs, projects, queue, review, tasks
from tests.support.cast import a_project, gather
from tests.support.work import a_job


def kinds(session, task) -> list[str]:
    return list(session.scalars(select(Event.kind).where(Event.task_id == task.id).order_by(Event.id)))


def test_priority_then_age_decides(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (first, second, third) = a_job(session, cast.max, project, 3)
    tasks.set_priority(session, cast.max, third, 9)
    got = [queue.next_task(session, actor, project) for actor in (cast.bob, cast.ben, cast.rita)]
    assert got == [third, first, second]
    assert queue.next_task(session, cast.max, project) is None


def test_what_comes_next_can_be_asked_without_taking_it(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (first, second, third) = a_job(session, cast.max, project, 3)
    held = queue.next_task(session, cast.bob, project)
    assert held is first
    assert queue.following(session, cast.bob, first) is second
    assert (second.state, second.holder_id) == ("open", None)
    tasks.reassign(session, cast.max, third, cast.bob.user_id)
    assert queue.following(session, cast.bob, first) is third
    assert queue.following(session, cast.ben, first) is second
    queue.next_task(session, cast.ben, project)
    queue.next_task(session, cast.bob, project)
    assert queue.following(session, cast.max, first) is None


def test_the_most_urgent_job_goes_first_across_jobs_and_projects(session):
    cast = gather(session)
    one, two = a_project(session, cast), a_project(session, cast)
    _, (calm,) = a_job(session, cast.max, one, 1)
    _, (urgent,) = a_job(session, cast.max, two, 1, priority=8)
    assert queue.next_task(session, cast.bob) is urgent
    assert queue.next_task(session, cast.ben) is calm
    assert queue.next_task(session, cast.charlie) is None


def test_what_one_holds_comes_back_with_the_same_lease(session):
    cast = gather(session)
    project = a_project(session, cast)
    a_job(session, cast.max, project, 2)
    task = queue.next_task(session, cast.bob, project)
    lease = task.lease
    assert lease
    assert queue.next_task(session, cast.bob, project) is task
    assert task.lease == lease
    assert kinds(session, task) == ["task.claimed"]


def test_a_paused_job_is_out_of_the_queue_at_once_and_back_when_resumed(session):
    cast = gather(session)
    project = a_project(session, cast)
    job, (held, waiting) = a_job(session, cast.max, project, 2)
    assert queue.next_task(session, cast.bob, project) is held
    jobs.pause(session, cast.max, job)
    assert queue.next_task(session, cast.ben, project) is None
    assert queue.next_task(session, cast.bob, project) is None
    with pytest.raises(Conflict, match="paused"):
        queue.claim(session, cast.ben, waiting)
    tasks.submit(session, cast.bob, held, held.lease)  # who holds one may finish it
    jobs.resume(session, cast.max, job)
    assert queue.next_task(session, cast.ben, project) is waiting


def test_a_job_stopped_at_once_takes_no_more_saves_until_it_goes_on(session):
    cast = gather(session)
    project = a_project(session, cast)
    job, (held,) = a_job(session, cast.max, project, 1)
    assert queue.next_task(session, cast.bob, project) is held
    jobs.pause(session, cast.max, job, at_once=True)
    for attempt in (queue.hold, queue.heartbeat, tasks.submit):
        with pytest.raises(Conflict, match="stopped") as raised:
            attempt(session, cast.bob, held, held.lease)
        assert raised.value.code == "job_stopped"
    jobs.resume(session, cast.max, job)
    queue.hold(session, cast.bob, held, held.lease)
    jobs.finish(session, cast.max, job, at_once=True)
    with pytest.raises(Conflict, match="stopped"):
        tasks.submit(session, cast.bob, held, held.lease)
    assert queue.release(session, cast.bob, held, held.lease).state == "open"


def test_a_job_with_people_is_for_them(session):
    cast = gather(session)
    project = a_project(session, cast)
    job, (task,) = a_job(session, cast.max, project, 1, labelers=[cast.ben])
    assert queue.next_task(session, cast.bob, project) is None
    with pytest.raises(Conflict, match="not on the job"):
        queue.claim(session, cast.bob, task)
    assert queue.next_task(session, cast.ben, project) is task
    queue.release(session, cast.ben, task, task.lease)
    jobs.set_members(session, cast.max, job, "labeler", [])
    assert queue.next_task(session, cast.bob, project) is task


def test_each_stage_takes_its_right(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task,) = a_job(session, cast.max, project, 1)
    assert queue.next_task(session, cast.vera, project) is None
    assert queue.next_task(session, cast.rita, project, "review") is None
    with pytest.raises(Forbidden):
        queue.claim(session, cast.vera, task)
    with pytest.raises(NotFound):
        queue.claim(session, cast.charlie, task)
    with pytest.raises(Invalid):
        queue.next_task(session, cast.bob, project, "nonsense")
    tasks.submit(session, cast.bob, queue.claim(session, cast.bob, task), task.lease)
    assert queue.next_task(session, cast.ben, project) is None
    with pytest.raises(Forbidden):
        queue.claim(session, cast.ben, task)
    assert queue.next_task(session, cast.rita, project) is task


def test_nobody_reviews_their_own_work_unless_the_project_says_so(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task,) = a_job(session, cast.max, project, 1)
    tasks.submit(session, cast.rita, queue.claim(session, cast.rita, task), task.lease)
    assert queue.next_task(session, cast.rita, project) is None
    assert queue.next_task(session, cast.rita) is None
    with pytest.raises(Conflict, match="own work"):
        queue.claim(session, cast.rita, task)
    projects.change(session, project, settings={"review_own": True})
    assert queue.next_task(session, cast.rita, project) is task
    queue.release(session, cast.rita, task, task.lease)
    assert queue.next_task(session, cast.rita) is task


def test_returned_work_comes_before_everything_else_and_to_its_author_only(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task, other) = a_job(session, cast.max, project, 2)
    tasks.set_priority(session, cast.max, other, 10)
    tasks.submit(session, cast.bob, queue.claim(session, cast.bob, task), task.lease)
    review.reject(session, cast.rita, queue.claim(session, cast.rita, task), task.lease, "Wrong class")
    assert queue.next_task(session, cast.ben, project) is other
    assert queue.next_task(session, cast.max, project) is None
    with pytest.raises(Conflict, match="somebody else"):
        queue.claim(session, cast.ben, task)
    assert queue.next_task(session, cast.bob, project) is task


def test_an_expired_lease_is_good_until_somebody_else_takes_the_task(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task,) = a_job(session, cast.max, project, 1)
    start = now()
    lease = queue.next_task(session, cast.bob, project, at=start).lease
    soon, late = start + timedelta(minutes=20), start + timedelta(minutes=31)
    assert queue.next_task(session, cast.ben, project, at=soon) is None
    queue.hold(session, cast.bob, task, lease, at=late)  # nobody wanted it meanwhile
    later = late + timedelta(minutes=31)
    assert queue.expire(session, at=late) == 0
    assert queue.expire(session, at=later) == 1
    assert task.state == "open"
    queue.hold(session, cast.bob, task, lease, at=later)
    assert task.state == "held"
    latest = later + timedelta(minutes=31)
    assert queue.next_task(session, cast.ben, project, at=latest) is task
    for act in (queue.hold, queue.release, queue.heartbeat, tasks.submit):
        with pytest.raises(LeaseLost):
            act(session, cast.bob, task, lease)
    assert task.holder_id == cast.ben.user_id
    assert "task.expired" in kinds(session, task)


def test_a_token_is_its_holders_only(session):
    cast = gather(session)
    project = a_project(session, cast)
    a_job(session, cast.max, project, 1)
    task = queue.next_task(session, cast.bob, project)
    for actor, lease in ((cast.ben, task.lease), (cast.bob, "guess"), (cast.bob, None)):
        with pytest.raises(LeaseLost):
            tasks.submit(session, actor, task, lease)
    with pytest.raises(Conflict, match="Bob is working"):
        queue.claim(session, cast.ben, task)


def test_a_heartbeat_counts_no_more_than_the_time_that_passed(session):
    cast = gather(session)
    project = a_project(session, cast)
    a_job(session, cast.max, project, 1)
    start = now()
    task = queue.next_task(session, cast.bob, project, at=start)
    queue.heartbeat(session, cast.bob, task, task.lease, 50, at=start + timedelta(seconds=60))
    assert task.seconds == 50
    queue.heartbeat(session, cast.bob, task, task.lease, 9999, at=start + timedelta(seconds=90))
    assert task.seconds == 81
    queue.heartbeat(session, cast.bob, task, task.lease, -5, at=start + timedelta(seconds=95))
    assert task.seconds == 81
    assert task.lease_until == start + timedelta(seconds=95, minutes=queue.LEASE_MINUTES)


def test_released_work_is_for_everybody_again(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task,) = a_job(session, cast.max, project, 1)
    tasks.reassign(session, cast.max, task, cast.bob.user_id)
    assert queue.next_task(session, cast.ben, project) is None
    assert queue.next_task(session, cast.bob, project) is task
    queue.release(session, cast.bob, task, task.lease)
    assert queue.next_task(session, cast.ben, project) is task


def test_tasks_wait_for_their_media(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, (task,) = a_job(session, cast.max, project, 1, media="pending")
    assert task.state == "waiting"
    assert queue.next_task(session, cast.bob, project) is None
    with pytest.raises(Conflict, match="media"):
        queue.claim(session, cast.bob, task)
    assert tasks.media_ready(session, [task.item_id]) == 1
    assert tasks.media_failed(session, [task.item_id]) == 1
    assert tasks.media_ready(session, [task.item_id]) == 1
    assert queue.next_task(session, cast.bob, project) is task
    assert tasks.media_failed(session, [task.item_id]) == 0  # it is in somebody's hands


def test_an_archived_project_hands_out_nothing(session):
    cast = gather(session)
    project = a_project(session, cast)
    a_job(session, cast.max, project, 2)
    queue.next_task(session, cast.bob, project)
    projects.archive(session, project)
    session.flush()
    assert queue.next_task(session, cast.ben, project) is None
    assert queue.next_task(session, cast.bob) is None
