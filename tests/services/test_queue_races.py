"""Many people ask at once, from threads with connections of their own: nothing doubled, nothing lost."""

import threading
from collections import Counter

import pytest
from sqlalchemy import func, insert, select

from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.work import Job, Task
from labelwright.services import batches, identity, jobs, queue, review, tasks, workflows
from tests.support.cast import a_project, gather
from tests.support.work import a_job, some_items

PEOPLE, TASKS = 16, 320


def crowd(session, cast, role="annotator", count=PEOPLE):
    people = []
    for number in range(count):
        user = User(email=f"{role}{number}@example.org", name=f"{role} {number}")
        session.add(user)
        session.flush()
        identity.set_role(session, cast.team.id, user, role)
        people.append(identity.actor_of(session, user))
    return people


def at_once(work, people) -> None:
    faults = []

    def run(person):
        try:
            work(person)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults


def test_every_task_is_handed_out_once_and_the_job_ends_once(database):
    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        only_label = workflows.create(session, project, "Once", steps=workflows.LABEL_ONLY)
        job, _ = a_job(session, cast.max, project, TASKS, workflow=only_label)
        people, job_id = crowd(session, cast), job.id
    taken: list[tuple[int, int]] = []

    def work(person):
        while True:
            with database.write() as session:
                task = queue.next_task(session, person)
                if task is None:
                    return
                taken.append((task.id, person.user_id))
                uid, lease = task.uid, task.lease
            with database.write() as session:
                tasks.submit(session, person, tasks.load(session, person, uid, "label"), lease)

    at_once(work, people)
    assert max(Counter(task for task, _ in taken).values()) == 1
    assert len(taken) == TASKS
    with database.read() as session:
        assert session.get(Job, job_id).status == "done"
        count = dict(session.execute(select(Event.kind, func.count()).group_by(Event.kind)).all())
        assert count["task.claimed"] == count["task.submitted"] == count["task.completed"] == TASKS
        assert count["job.completed"] == 1
        authors = dict(session.execute(select(Task.id, Task.author_id)).all())
        assert authors == dict(taken)


def test_labelers_and_reviewers_at_once_bring_all_work_to_its_end(database):
    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        a_job(session, cast.max, project, 40)
        a_job(session, cast.max, project, 40, priority=7)
        people = crowd(session, cast, count=5) + crowd(session, cast, "reviewer", 3)
    left = threading.Event()

    def work(person):
        idle = 0
        while idle < 400 and not left.is_set():
            with database.write() as session:
                task = queue.next_task(session, person)
                if task is None:
                    idle += 1
                    if not session.scalar(select(func.count()).where(Task.stage != "end")):
                        left.set()
                    continue
                idle = 0
                uid, lease, stage, returned = task.uid, task.lease, task.stage, task.returned
            with database.write() as session:
                task = tasks.load(session, person, uid, stage)
                if stage == "label":
                    tasks.submit(session, person, task, lease)
                elif returned == 0 and uid.int % 4 == 0:
                    review.reject(session, person, task, lease, "Loose outline")
                else:
                    review.accept(session, person, task, lease)

    at_once(work, people)
    with database.read() as session:
        rows = session.execute(select(Task.uid, Task.state, Task.author_id, Task.reviewer_id, Task.returned)).all()
        assert {row.state for row in rows} == {"done"}
        assert all(row.author_id != row.reviewer_id for row in rows)
        assert all(row.returned == (row.uid.int % 4 == 0) for row in rows)
        assert {job.status for job in session.scalars(select(Job))} == {"done"}
        assert session.scalar(select(func.count()).where(Event.kind == "job.completed")) == 2


def test_racing_filers_share_one_job_and_never_leave_work_in_a_done_one(database):
    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        flow = workflows.create(session, project, "Once", steps=workflows.LABEL_ONLY)
        people = crowd(session, cast, count=8)
        pid, fid = project.id, flow.id

    def work(person):
        number = person.user_id
        for turn in range(12):
            with database.write() as session:
                project = session.get_one(type(cast_project), pid)
                batch, flow = batches.default_of(session, project), session.get_one(workflows.Workflow, fid)
                job = jobs.for_origin(session, project, batch, flow, "vendor")
                first = workflows.steps_of(flow).first
                item = {"project_id": pid, "batch_id": batch.id, "kind": "image", "name": f"{number}-{turn}"}
                new = session.scalar(insert(type(cast_item)).values(item).returning(type(cast_item).id))
                session.execute(insert(Task), [jobs.task_row(job, first, new, "ready")])
            with database.write() as session:
                task = queue.next_task(session, person)
                if task is not None:
                    tasks.submit(session, person, task, task.lease)

    from labelwright.models.items import Item
    from labelwright.models.projects import Project

    cast_project, cast_item = Project(), Item()
    at_once(work, people)
    with database.write() as session:
        (job,) = session.scalars(select(Job))
        while (task := queue.next_task(session, people[0])) is not None:
            tasks.submit(session, people[0], task, task.lease)
        assert session.scalar(select(func.count()).where(Task.state == "done")) == 8 * 12
        assert job.status == "done"


@pytest.mark.parametrize("times", range(3))
def test_an_expired_task_goes_to_one_of_many_waiting(database, times):
    from datetime import timedelta

    from labelwright.db import now

    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        some_items(session, project, 0)
        a_job(session, cast.max, project, 1)
        assert queue.next_task(session, cast.bob)
        people = crowd(session, cast, count=8)
    late, got = now() + timedelta(hours=1), []

    def work(person):
        with database.write() as session:
            task = queue.next_task(session, person, at=late)
            if task is not None:
                got.append(person)

    at_once(work, people)
    assert len(got) == 1
