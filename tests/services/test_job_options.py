"""What a job lets its people touch: classes, attributes and options hold on the server, and jobs follow the ontology."""

import pytest

from labelwright.errors import Conflict, Invalid
from labelwright.geometry.document import LabelObject, Rectangle
from labelwright.models.items import Item
from labelwright.services import documents, jobs, ontology, queue, review, tasks
from labelwright.services.documents import Change
from labelwright.services.ontology import AttributeInput, ClassInput
from tests.support.cast import a_project
from tests.support.work import a_job


@pytest.fixture
def project(session, cast):
    project = a_project(session, cast)
    for name in ("cat", "dog"):
        ontology.add_class(session, project, ClassInput(name=name))
    for name in ("size", "mood"):
        ontology.add_attribute(session, project, AttributeInput(name=name, kind="text", scope="object"))
        ontology.add_attribute(session, project, AttributeInput(name=name, kind="text", scope="item"))
    return project


def thing(number, class_name="cat", x=0.1, **values):
    return LabelObject(id=number, class_name=class_name, shape=Rectangle((x, 0.1, 0.5, 0.5)), attributes=values)


def save(session, actor, task, *objects, **more):
    item = session.get_one(Item, task.item_id)
    base = documents.read(session, item.id).version
    return documents.save(
        session, actor, item, Change(put=list(objects), **more), base=base, task=task, lease=task.lease
    )


def faults(call):
    with pytest.raises(Invalid) as error:
        call()
    return sorted((p.object_id, p.code) for p in error.value.problems)


def test_a_labeler_leaves_alone_what_the_job_does_not_take(session, cast, project):
    _, (task,) = a_job(session, cast.max, project, allowed_classes=["cat"], allowed_attributes=["size"])
    item = session.get_one(Item, task.item_id)
    before = Change(put=[thing(1, "dog", mood="sad"), thing(2, "cat", mood="glad")], attributes={"mood": "calm"})
    documents.save(session, cast.max, item, before, base=0)
    queue.claim(session, cast.bob, task)

    def refused(*objects, **more):
        return faults(lambda: save(session, cast.bob, task, *objects, **more))

    assert refused(thing(1, "dog", x=0.2, mood="sad")) == [(1, "class_not_allowed")]
    assert refused(thing(1, "cat", mood="sad")) == [(1, "class_not_allowed")]
    assert refused(delete=[1]) == [(1, "class_not_allowed")]
    assert refused(thing(3, "dog")) == [(3, "class_not_allowed")]
    assert refused(thing(2, "cat", mood="wild")) == [(2, "attribute_not_allowed")]
    assert refused(thing(2, "cat")) == [(2, "attribute_not_allowed")]
    assert refused(attributes={"mood": "wild"}) == [(None, "attribute_not_allowed")]
    assert documents.read(session, item.id).version == 1
    save(
        session,
        cast.bob,
        task,
        thing(2, "cat", x=0.3, mood="glad", size="big"),
        thing(3),
        attributes={"mood": "calm", "size": "s"},
    )
    assert documents.read(session, item.id).document.objects[0].class_name == "dog"


def test_read_only_attributes_bind_labelers_and_not_reviewers(session, cast, project):
    _, (task,) = a_job(session, cast.max, project, options={"read_only_attributes": ["size"]})
    item = session.get_one(Item, task.item_id)
    documents.save(session, cast.max, item, Change(put=[thing(1, size="big")], attributes={"size": "m"}), base=0)
    queue.claim(session, cast.bob, task)
    assert faults(lambda: save(session, cast.bob, task, thing(1, size="small"))) == [(1, "read_only")]
    assert faults(lambda: save(session, cast.bob, task, thing(2, size="small"))) == [(2, "read_only")]
    assert faults(lambda: save(session, cast.bob, task, attributes={})) == [(None, "read_only")]
    save(session, cast.bob, task, thing(1, x=0.3, size="big", mood="x"))
    tasks.submit(session, cast.bob, task, task.lease)
    queue.claim(session, cast.rita, task)
    save(session, cast.rita, task, thing(1, size="small"))


def test_jobs_follow_the_ontology_when_they_are_told_to(session, cast, project):
    fixed, _ = a_job(session, cast.max, project, allowed_classes=["cat"], allowed_attributes=["size"])
    follows, _ = a_job(
        session, cast.max, project, allowed_classes=["cat"], allowed_attributes=["size"],
        options={"dynamic_classes": True, "dynamic_attributes": True},
    )  # fmt: skip
    row = ontology.add_class(session, project, ClassInput(name="owl"))
    ontology.add_attribute(session, project, AttributeInput(name="age", kind="number"))
    assert (fixed.allowed_classes, fixed.allowed_attributes) == (["cat"], ["size"])
    assert (follows.allowed_classes, follows.allowed_attributes) == (["cat", "owl"], ["size", "age"])
    ontology.change_class(session, project, row, name="eagle owl")
    assert follows.allowed_classes == ["cat", "eagle owl"]


def test_options_that_nobody_knows_are_refused(session, cast, project):
    job, _ = a_job(session, cast.max, project)
    assert job.options is None
    for options in ({"colour": 1}, {"no_submit": "yes"}, {"read_only_attributes": ["nothing"]}):
        with pytest.raises(Invalid):
            jobs.change(session, cast.max, job, options=options)


def test_handing_in_can_be_switched_off(session, cast, project):
    job, (task,) = a_job(session, cast.max, project, options={"no_submit": True})
    queue.claim(session, cast.bob, task)
    with pytest.raises(Conflict, match="switched off"):
        tasks.submit(session, cast.bob, task, task.lease)
    jobs.change(session, cast.max, job, options={})
    tasks.submit(session, cast.bob, task, task.lease)
    assert task.stage == "review"


def test_a_job_may_let_people_review_their_own_work(session, cast, project):
    _, (strict,) = a_job(session, cast.max, project)
    _, (free,) = a_job(session, cast.max, project, options={"review_own": True})
    for task in (strict, free):
        queue.claim(session, cast.rita, task)
        tasks.submit(session, cast.rita, task, task.lease)
    assert queue.next_task(session, cast.rita, project, "review") is free
    assert queue.next_task(session, cast.bob, project, "review") is None
    review.accept(session, cast.rita, free, free.lease)
    with pytest.raises(Conflict, match="own work"):
        queue.claim(session, cast.rita, strict)


def test_a_finished_job_hands_nothing_out_until_it_is_resumed(session, cast, project):
    job, (task,) = a_job(session, cast.max, project)
    jobs.finish(session, cast.max, job)
    assert (job.status, job.finished_at is not None) == ("done", True)
    assert queue.next_task(session, cast.bob, project) is None
    with pytest.raises(Conflict):
        queue.claim(session, cast.bob, task)
    jobs.resume(session, cast.max, job)
    assert (job.status, job.finished_at) == ("active", None)
    assert queue.next_task(session, cast.bob, project) is task
