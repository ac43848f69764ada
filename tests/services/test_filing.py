"""Filing tasks: all or none, once per reference, with their labels."""

import threading

import pytest
from sqlalchemy import func, select

from labelwright.errors import Duplicate, Invalid
from labelwright.geometry.document import Document, LabelObject, Rectangle
from labelwright.models.documents import DocumentHead, LabelCount
from labelwright.models.events import Event
from labelwright.models.items import Item, ItemMedia
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import access, batches, documents, filing, jobs, ontology, workflows
from labelwright.services.filing import NewMedia, NewTask
from tests.support.cast import a_project, gather


def boxes(count: int, name: str = "car") -> Document:
    return Document([LabelObject(i + 1, name, shape=Rectangle((0.1, 0.2, 0.3 + i / 100, 0.5))) for i in range(count)])


def task(reference: str, document: Document | None = None, **values) -> NewTask:
    return NewTask(
        reference,
        reference_id=reference,
        media=[NewMedia(f"https://example.org/{reference}.jpg")],
        document=document,
        **values,
    )


def file(session, actor, project: Project, new: list[NewTask]) -> list[filing.Filed]:
    workflow = workflows.default_of(session, project.id)
    batch = batches.default_of(session, project)
    job = jobs.for_origin(session, project, batch, workflow, "test")
    known = ontology.compiled(session, project)
    return filing.file_tasks(session, actor, project, batch, job, known, workflows.steps_of(workflow), new)


def test_tasks_come_with_labels_counts_media_and_an_event(session):
    cast = gather(session)
    project = a_project(session, cast)
    filed = file(session, cast.alice, project, [task("a", boxes(3), priority=7), task("b")])
    rows = session.scalars(select(Task).order_by(Task.id)).all()
    assert [(t.uid, t.stage, t.state, t.priority) for t in rows] == [
        (filed[0].task_uid, "label", "waiting", 7), (filed[1].task_uid, "label", "waiting", 5)]  # fmt: skip
    assert documents.read(session, filed[0].item_id).document == boxes(3)
    assert documents.read(session, filed[1].item_id).document == Document()
    car = ontology.class_by_name(session, project.id, "car")
    assert session.execute(select(LabelCount.item_id, LabelCount.class_id, LabelCount.count)).all() == [
        (filed[0].item_id, car.id, 3)
    ]
    media = session.scalars(select(ItemMedia).order_by(ItemMedia.id)).all()
    assert [(m.url, m.state) for m in media] == [
        ("https://example.org/a.jpg", "pending"),
        ("https://example.org/b.jpg", "pending"),
    ]
    assert [e.data["count"] for e in session.scalars(select(Event).where(Event.kind == "items.filed"))] == [2]


def test_one_fault_and_nothing_is_filed(session):
    cast = gather(session)
    project = a_project(session, cast)
    wrong = boxes(2)
    wrong.objects[1].class_name = "zebra"
    with pytest.raises(Invalid, match="zebra") as caught:
        file(session, cast.alice, project, [task("a", boxes(1)), task("b", wrong)])
    assert caught.value.problems[0].object_id == 2
    for table in (Item, Task, DocumentHead, ItemMedia):
        assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_reference_is_filed_once(session):
    cast = gather(session)
    project = a_project(session, cast)
    file(session, cast.alice, project, [task("a")])
    with pytest.raises(Duplicate) as caught:
        file(session, cast.alice, project, [task("b"), task("a")])
    assert caught.value.details["references"] == ["a"]
    with pytest.raises(Duplicate):
        file(session, cast.alice, project, [task("c"), task("c")])
    assert session.scalar(select(func.count()).select_from(Item)) == 1


def test_racing_creates_of_one_reference_make_one_task(database):
    with database.write() as session:
        cast = gather(session)
        uid, alice = a_project(session, cast).uid, cast.alice
    made, refused, errors = [], [], []

    def create():
        try:
            with database.write() as session:
                made.extend(file(session, alice, access.project(session, alice, uid), [task("a", boxes(2))]))
        except Duplicate as error:
            refused.append(error)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (len(made), len(refused)) == (1, 7)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 1
        assert session.scalar(select(func.count()).select_from(Job)) == 1


def test_ids_never_return_after_deletion(session):
    cast = gather(session)
    project = a_project(session, cast)
    first = file(session, cast.alice, project, [task("a"), task("b")])
    session.delete(session.get_one(Item, first[1].item_id))
    session.flush()
    second = file(session, cast.alice, project, [task("c")])
    assert second[0].item_id > first[1].item_id
    assert second[0].task_id > first[1].task_id


def test_a_blocked_item_waits_and_says_why(session):
    cast = gather(session)
    project = a_project(session, cast)
    filed = file(session, cast.alice, project, [NewTask("lidar", blocked="Point clouds cannot be labeled yet.")])
    item = session.get_one(Item, filed[0].item_id)
    assert (item.media_state, item.media_error) == ("failed", "Point clouds cannot be labeled yet.")
    assert session.get_one(Task, filed[0].task_id).state == "waiting"


@pytest.mark.parametrize("wrong", [task(""), task("x" * 501), NewTask("a", kind="video"), NewTask("a")])
def test_what_cannot_be_filed_is_said(session, wrong):
    cast = gather(session)
    with pytest.raises(Invalid):
        file(session, cast.alice, a_project(session, cast), [wrong])
