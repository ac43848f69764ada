"""Tasks along their workflow: submit, verdicts, skipping, and what managers do."""

import pytest
from sqlalchemy import select

from labelwright.errors import Conflict, Forbidden, Invalid, LeaseLost
from labelwright.geometry.document import LabelObject, Rectangle
from labelwright.models.events import Event
from labelwright.models.items import Item
from labelwright.models.work import Comment
from labelwright.services import documents, identity, jobs, ontology, queue, review, tasks, workflows
from labelwright.services.documents import Change
from tests.support.work import a_job


def told(session, task):
    query = select(Event.kind, Event.actor_id, Event.data).where(Event.task_id == task.id).order_by(Event.id)
    return [tuple(row) for row in session.execute(query)]


def draw(session, actor, task, number=1, class_name="car", **values):
    item = session.get_one(Item, task.item_id)
    base = documents.read(session, item.id).version
    thing = LabelObject(id=number, class_name=class_name, shape=Rectangle((0.1, 0.1, 0.5, 0.5)), **values)
    return documents.save(session, actor, item, Change(put=[thing]), base=base, task=task, lease=task.lease)


def labeled(session, actor, task):
    queue.claim(session, actor, task)
    return tasks.submit(session, actor, task, task.lease)


def test_a_task_walks_from_label_through_a_rejection_to_its_end(session, cast, project):
    job, (task,) = a_job(session, cast.max, project)
    labeled(session, cast.bob, task)
    assert (task.stage, task.state, task.author_id, task.holder_id) == ("review", "open", cast.bob.user_id, None)
    queue.claim(session, cast.rita, task)
    review.reject(session, cast.rita, task, task.lease, "Loose outline", "The left car.")
    assert (task.stage, task.state, task.assignee_id, task.returned) == ("label", "open", cast.bob.user_id, 1)
    comment = session.scalars(select(Comment)).one()
    assert (comment.reason, comment.body, comment.item_id) == ("Loose outline", "The left car.", task.item_id)
    labeled(session, cast.bob, task)
    queue.claim(session, cast.rita, task)
    review.accept(session, cast.rita, task, task.lease, "Good now.")
    assert (task.stage, task.state, task.step, task.verdict) == ("end", "done", "end", "accepted")
    assert task.finished_at is not None
    assert task.reviewer_id == cast.rita.user_id
    assert job.status == "done"
    bob, rita = cast.bob.user_id, cast.rita.user_id
    assert [(kind, who) for kind, who, _ in told(session, task)] == [
        ("task.claimed", bob), ("task.submitted", bob), ("task.claimed", rita), ("task.rejected", rita),
        ("task.claimed", bob), ("task.submitted", bob), ("task.claimed", rita), ("task.accepted", rita),
        ("task.completed", None),
    ]  # fmt: skip
    assert told(session, task)[-2][2] == {"author": bob, "edited": False, "returned": 1}
    assert session.scalars(select(Event.kind).where(Event.kind == "job.completed")).all() == ["job.completed"]


def test_a_reviewer_may_edit_and_accept(session, cast, project):
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    draw(session, cast.bob, task)
    tasks.submit(session, cast.bob, task, task.lease)
    queue.claim(session, cast.rita, task)
    draw(session, cast.rita, task, 2)
    review.accept(session, cast.rita, task, task.lease)
    accepted = next(data for kind, _, data in told(session, task) if kind == "task.accepted")
    assert accepted["edited"] is True
    assert task.author_id == cast.bob.user_id


def test_required_attributes_and_limits_hold_when_work_is_handed_in(session, cast, project):
    entry = ontology.AttributeInput(name="Weather", kind="one_of", options=["sun", "rain"], scope="item", required=True)
    ontology.add_attribute(session, project, entry)
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    with pytest.raises(Invalid) as caught:
        tasks.submit(session, cast.bob, task, task.lease)
    assert caught.value.problems[0].field == "attributes.Weather"
    assert task.state == "held"
    item = session.get_one(Item, task.item_id)
    documents.save(session, cast.bob, item, Change(attributes={"Weather": "rain"}), base=0, task=task, lease=task.lease)
    tasks.submit(session, cast.bob, task, task.lease)
    assert task.stage == "review"


def test_sampling_lets_the_others_pass(session, cast, project):
    steps = [
        {"key": "label", "kind": "label", "on_done": "review"},
        {"key": "review", "kind": "review", "on_reject": "label", "sample": 0.3},
    ]
    flow = workflows.create(session, project, "Sampled", steps=steps)
    _, many = a_job(session, cast.max, project, 60, workflow=flow)
    for task in many:
        labeled(session, cast.bob, task)
    sampled = [task for task in many if task.stage == "review"]
    assert 4 <= len(sampled) <= 35
    assert all((workflows.share_of(t.uid, "review") < 0.3) == (t.stage == "review") for t in many)


def test_two_reviews_in_a_row(session, cast, project):
    steps = [
        {"key": "label", "kind": "label", "on_done": "first"},
        {"key": "first", "kind": "review", "on_accept": "second", "on_reject": "label"},
        {"key": "second", "kind": "review", "on_reject": "label"},
    ]
    flow = workflows.create(session, project, "Twice", steps=steps)
    _, (task,) = a_job(session, cast.max, project, workflow=flow)
    labeled(session, cast.bob, task)
    for actor, after in ((cast.rita, "second"), (cast.max, "end")):
        queue.claim(session, actor, task)
        review.accept(session, actor, task, task.lease)
        assert task.step == after


def test_a_verdict_takes_the_right_stage_and_the_right_to_review(session, cast, project):
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.rita, task)
    with pytest.raises(Conflict, match="not under review"):
        review.accept(session, cast.rita, task, task.lease)
    with pytest.raises(Conflict, match="not under review"):
        review.reject(session, cast.rita, task, task.lease, "no")
    tasks.submit(session, cast.rita, task, task.lease)
    queue.claim(session, cast.max, task)
    with pytest.raises(Conflict, match="accept or reject"):
        tasks.submit(session, cast.max, task, task.lease)
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(Invalid):
            review.reject(session, cast.max, task, task.lease, reason)
    with pytest.raises(LeaseLost):
        review.accept(session, cast.alice, task, task.lease)
    assert task.state == "held"


def test_rejected_work_of_somebody_who_left_is_for_everybody(session, cast, project):
    _, (task,) = a_job(session, cast.max, project)
    labeled(session, cast.bob, task)
    identity.remove_member(session, cast.alice, cast.team.id, cast.bob.user_id)
    queue.claim(session, cast.rita, task)
    review.reject(session, cast.rita, task, task.lease, "Wrong class")
    assert task.assignee_id is None
    assert queue.next_task(session, cast.ben, project) is task


def test_skipped_tasks_wait_for_a_manager(session, cast, project):
    job, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    with pytest.raises(Invalid):
        tasks.skip(session, cast.bob, task, task.lease, " ")
    tasks.skip(session, cast.bob, task, task.lease, "Too dark")
    assert (task.state, task.skip_reason, task.holder_id) == ("skipped", "Too dark", None)
    assert queue.next_task(session, cast.ben, project) is None
    with pytest.raises(Conflict, match="skipped"):
        queue.claim(session, cast.ben, task)
    with pytest.raises(Forbidden):
        tasks.reopen(session, cast.rita, task)
    tasks.reopen(session, cast.max, task)
    assert (task.state, task.stage, task.skip_reason) == ("open", "label", "")
    with pytest.raises(Conflict, match="open already"):
        tasks.reopen(session, cast.max, task)
    assert job.status == "active"
    assert queue.next_task(session, cast.ben, project) is task


def test_reopening_a_done_task_wakes_its_job(session, cast, project):
    flow = workflows.create(session, project, "Once", steps=workflows.LABEL_ONLY)
    job, (task,) = a_job(session, cast.max, project, workflow=flow)
    labeled(session, cast.bob, task)
    assert job.status == "done"
    with pytest.raises(Invalid):
        tasks.reopen(session, cast.max, task, "nonsense")
    tasks.reopen(session, cast.max, task, "label")
    assert (job.status, job.finished_at, task.stage, task.finished_at) == ("active", None, "label", None)
    labeled(session, cast.ben, task)
    assert job.status == "done"


def test_reassigning_takes_the_task_away_and_keeps_the_rules(session, cast, project):
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    lease = task.lease
    tasks.reassign(session, cast.max, task, cast.ben.user_id)
    with pytest.raises(LeaseLost):
        tasks.submit(session, cast.bob, task, lease)
    for person in (cast.vera, cast.charlie):
        with pytest.raises(Invalid, match="may not label"):
            tasks.reassign(session, cast.max, task, person.user_id)
    assert queue.next_task(session, cast.ben, project) is task
    tasks.submit(session, cast.ben, task, task.lease)
    with pytest.raises(Invalid, match="may not review"):
        tasks.reassign(session, cast.max, task, cast.bob.user_id)
    tasks.reassign(session, cast.max, task, cast.rita.user_id)
    assert queue.next_task(session, cast.alice, project) is None
    assert queue.next_task(session, cast.rita, project) is task


def test_many_verdicts_at_once_say_which_could_not_be(session, cast, project):
    _, many = a_job(session, cast.max, project, 4)
    for task in many[:3]:
        labeled(session, cast.bob, task)
    queue.claim(session, cast.max, many[2])
    results = review.accept_many(session, cast.rita, [t.uid for t in many])
    assert [why is None for _, why in results] == [True, True, False, False]
    assert [t.state for t in many] == ["done", "done", "held", "open"]
    queue.release(session, cast.max, many[2], many[2].lease)
    results = review.reject_many(session, cast.rita, [many[2].uid, many[3].uid], "Wrong class")
    assert [why is None for _, why in results] == [True, False]
    assert many[2].assignee_id == cast.bob.user_id
    assert all(why for _, why in review.accept_many(session, cast.charlie, [t.uid for t in many]))


def test_jobs_are_checked_filled_and_counted(session, cast, project):
    job, (task,) = a_job(session, cast.max, project, limits={"objects": 3}, allowed_classes=["car"])
    for wrong in (
        {"name": " "}, {"priority": 0}, {"limits": {"objects": -1}}, {"limits": {"boxes": 1}}, {"allowed_classes": ["tree"]},
        {"colour": "red"},
    ):  # fmt: skip
        with session.begin_nested() as savepoint:
            with pytest.raises(Invalid):
                jobs.change(session, cast.max, job, **wrong)
            savepoint.rollback()
        session.refresh(job)
    jobs.change(session, cast.max, job, priority=9)
    session.refresh(task)
    assert task.priority == 9
    assert jobs.add_items(session, cast.max, job, [task.item_id]) == 0
    assert jobs.counters(session, [job.id]) == {job.id: {("label", "open"): 1}}
    with pytest.raises(Forbidden):
        jobs.pause(session, cast.rita, job)
    with pytest.raises(Invalid):
        jobs.set_members(session, cast.max, job, "reviewer", [cast.bob.user_id])
    queue.claim(session, cast.bob, task)
    with pytest.raises(Conflict):
        jobs.remove(session, cast.max, job)
    queue.release(session, cast.bob, task, task.lease)
    jobs.archive(session, cast.max, job)
    jobs.resume(session, cast.max, job)
    assert job.status == "active"
    jobs.remove(session, cast.max, job)
    assert jobs.counters(session, [job.id]) == {job.id: {}}
