"""Documents: nothing drawn is ever lost. Front door: `services.documents` on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from labelwright.db import Database
from labelwright.errors import Conflict, Forbidden, Invalid, LeaseLost, NotFound, Stale
from labelwright.geometry.document import Document, LabelObject, Polygon, Rectangle
from labelwright.models.documents import DocumentHead, Revision
from labelwright.models.events import Event
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import bodies, documents
from labelwright.services.access import Actor
from labelwright.services.documents import Change
from labelwright.settings import Settings
from labelwright.storage.store import open_store
from tests.support.desk import Desk, box, imported, make_desk, new_item, put


@pytest.fixture
def desk(database: Database) -> Desk:
    return make_desk(database)


def test_an_item_without_labels_reads_as_version_0(desk: Desk) -> None:
    stored = desk.read()
    assert (stored.document, stored.version) == (Document(), 0)
    with pytest.raises(NotFound):
        desk.read(version=1)


def test_saves_count_up_and_every_version_can_be_read(desk: Desk) -> None:
    assert desk.save(put(box(1), box(2)), 0).version == 1
    assert desk.save(put(box(2, 0.5)), 1).version == 2
    assert desk.save(Change(delete=[1], attributes={}), 2).version == 3
    assert desk.read().document == Document([box(2, 0.5)])
    assert desk.read(version=2).document == Document([box(1), box(2, 0.5)])
    assert desk.read(version=1).document == Document([box(1), box(2)])
    assert desk.read(version=0).document == Document()
    assert desk.read(version=2).head == 3


def test_a_change_that_changes_nothing_makes_no_revision(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    assert desk.save(put(box(1)), 1).version == 1
    assert desk.save(Change(delete=[7]), 1).version == 1
    assert desk.save(Change(), 1).version == 1
    assert [e.version for e in entries(desk)] == [1]


def entries(desk: Desk, **more: Any) -> list[Any]:
    with desk.database.read() as session:
        return documents.history(session, desk.item_id, **more)


def test_changes_to_different_objects_merge(desk: Desk) -> None:
    desk.save(put(box(1), box(2), box(3)), 0)
    desk.save(Change(put=[box(1, 0.5)], delete=[3]), 1)
    saved = desk.save(put(box(2, 0.7)), 1)
    assert saved == documents.Saved(3, merged=[box(1, 0.5)], deleted=[3])
    assert desk.read().document == Document([box(1, 0.5), box(2, 0.7)])


def test_a_new_object_whose_id_was_taken_gets_another(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    desk.save(put(box(2, 0.5)), 1)
    saved = desk.save(put(box(2, 0.7), box(3, 0.8)), 1)
    assert saved == documents.Saved(3, renamed={2: 4}, merged=[box(2, 0.5)])
    assert desk.read().document == Document(
        [box(1), box(2, 0.5), box(3, 0.8), box(4, 0.7)]
    ) or desk.read().document == Document([box(1), box(2, 0.5), box(4, 0.7), box(3, 0.8)])


def test_a_clash_names_both_sides_and_changes_nothing(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(put(box(1, 0.5)), 1)
    with pytest.raises(Stale) as caught:
        desk.save(put(box(1, 0.7), box(2, 0.9)), 1)
    assert caught.value.details["version"] == 2
    plain = msgspec.to_builtins
    assert caught.value.details["clashes"] == [
        {"object_id": 1, "base": plain(box(1)), "yours": plain(box(1, 0.7)), "theirs": plain(box(1, 0.5))}
    ]
    assert desk.read().document == Document([box(1, 0.5), box(2)])


def test_deleting_what_another_changed_clashes_and_so_does_the_reverse(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(Change(put=[box(1, 0.5)], delete=[2]), 1)
    with pytest.raises(Stale) as caught:
        desk.save(Change(delete=[1]), 1)
    assert [(c["object_id"], c["yours"]) for c in caught.value.details["clashes"]] == [(1, None)]
    with pytest.raises(Stale) as caught:
        desk.save(put(box(2, 0.6)), 1)
    assert [(c["object_id"], c["theirs"]) for c in caught.value.details["clashes"]] == [(2, None)]


def test_the_same_change_on_both_sides_is_no_clash(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(Change(put=[box(1, 0.5)], delete=[2]), 1)
    assert desk.save(Change(put=[box(1, 0.5)], delete=[2]), 1).version == 2


def test_an_untouched_object_sent_along_does_not_undo_anothers_change(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(put(box(1, 0.5)), 1)
    saved = desk.save(put(box(1), box(2, 0.6)), 1)
    assert saved.merged == [box(1, 0.5)]
    assert desk.read().document == Document([box(1, 0.5), box(2, 0.6)])


def test_attributes_of_the_item_merge_name_by_name(desk: Desk) -> None:
    with desk.database.write() as session:
        project = session.get_one(Project, desk.project_id)
        from labelwright.services import ontology

        for name in ("a", "b", "c"):
            ontology.add_attribute(session, project, ontology.AttributeInput(name=name, scope="item"))
    desk.save(Change(attributes={"a": "1", "b": "1"}), 0)
    desk.save(Change(attributes={"a": "2", "b": "1"}), 1)
    saved = desk.save(Change(attributes={"a": "1", "b": "3", "c": "new"}), 1)
    assert desk.read().document.attributes == saved.attributes == {"a": "2", "b": "3", "c": "new"}
    with pytest.raises(Stale) as caught:
        desk.save(Change(attributes={"a": "9", "b": "1"}), 1)
    assert caught.value.details["clashes"] == [
        {"object_id": None, "field": "attributes.a", "base": "1", "yours": "9", "theirs": "2"}
    ]
    assert desk.read(version=1).document.attributes == {"a": "1", "b": "1"}


def test_the_same_save_sent_again_answers_as_the_first_time(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(Change(put=[box(3, 0.5)], delete=[2]), 1)
    save_id = uuid.uuid4()
    first = desk.save(put(box(3, 0.7)), 1, save_id=save_id)
    assert first == documents.Saved(3, renamed={3: 4}, merged=[box(3, 0.5)], deleted=[2])
    desk.save(put(box(4, 0.2)), 3)
    assert desk.save(put(box(3, 0.7)), 1, save_id=save_id) == first
    assert desk.read().version == 4


def test_the_very_first_save_sent_again(desk: Desk) -> None:
    save_id = uuid.uuid4()
    first = desk.save(put(box(1)), 0, save_id=save_id)
    desk.save(put(box(1, 0.4)), 1)
    assert desk.save(put(box(1)), 0, save_id=save_id) == first
    assert desk.read().document == Document([box(1, 0.4)])


def test_an_unknown_base_is_refused(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    for base in (2, -1):
        with pytest.raises(Invalid) as caught:
            desk.save(put(box(2)), base)
        assert caught.value.problems[0].field == "base"


def test_faults_are_named_and_nothing_is_saved(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    with pytest.raises(Invalid) as caught:
        desk.save(put(box(2, class_name="cat"), box(3, 0.95), box(4, attributes={"color": "pink"})), 1)
    assert [(p.object_id, p.field) for p in caught.value.problems] == [
        (2, "objects[1].class"), (3, "objects[2].shape.box"), (4, "objects[3].attributes.color"),
    ]  # fmt: skip
    with pytest.raises(Invalid):
        desk.save(Change(put=[box(1, 0.2)], delete=[1]), 1)
    with pytest.raises(Invalid):
        desk.save(put(box(5), box(5, 0.2)), 1)
    assert desk.read().version == 1


def test_shapes_are_stored_in_normal_form(desk: Desk) -> None:
    upside_down = LabelObject(id=1, class_name="car", shape=Rectangle((0.5, 0.6, 0.2, 1.0000001)))
    closed = LabelObject(id=2, class_name="car", shape=Polygon([[[0, 0, 1, 0, 1, 1, 0, 0]]]))
    desk.save(put(upside_down, closed), 0)
    assert [o.shape for o in desk.read().document.objects] == [
        Rectangle((0.2, 0.6, 0.5, 1.0)),
        Polygon([[[0, 0, 1, 0, 1, 1]]]),
    ]


def test_values_whose_attribute_is_gone_do_not_stop_a_save(desk: Desk) -> None:
    desk.save(put(box(1, attributes={"color": "red"})), 0)
    with desk.database.write() as session:
        from labelwright.services import ontology

        project = session.get_one(Project, desk.project_id)
        ontology.remove_attribute(session, project, ontology.attributes_of(session, project.id)[0])
    moved = box(1, 0.5, attributes={"color": "red"})
    desk.save(put(moved), 1)
    assert desk.read().document == Document([moved])
    with pytest.raises(Invalid):
        desk.save(put(box(2, attributes={"color": "red"})), 2)


def test_class_counts_follow(desk: Desk) -> None:
    desk.save(put(box(1), box(2), box(3, class_name="person")), 0)
    assert desk.counts() == {"car": 2, "person": 1}
    desk.save(Change(put=[box(2, class_name="person")], delete=[1]), 1)
    assert desk.counts() == {"person": 2}
    with desk.database.write() as session:
        documents.restore(session, desk.manager, session.get_one(Item, desk.item_id), 1)
    assert desk.counts() == {"car": 2, "person": 1}


def test_restore_is_a_new_version_on_top(desk: Desk) -> None:
    desk.save(put(box(1), box(2), box(3)), 0)
    desk.save(Change(put=[box(3, 0.6)], delete=[1]), 1)
    with desk.database.write() as session:
        saved = documents.restore(session, desk.manager, session.get_one(Item, desk.item_id), 1)
    assert saved.version == 3
    assert {o.id: o for o in desk.read().document.objects} == {1: box(1), 2: box(2), 3: box(3)}
    assert desk.read(version=2).document == Document([box(2), box(3, 0.6)])
    assert [e.kind for e in entries(desk)] == ["restore", "save", "save"]


def test_history_says_who_changed_what(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    change = Change(put=[replace_box(1), box(3)], delete=[2])
    desk.save(change, 1, desk.annotator, task=task_of(desk), lease="mine")
    newest, first = entries(desk)
    assert (newest.user_email, newest.kind, newest.task_id) == ("annotator@example.org", "save", desk.task_id)
    assert [(c.object_id, c.action, c.fields) for c in newest.changes] == [
        (1, "changed", ["class", "shape"]), (2, "removed", []), (3, "added", []),
    ]  # fmt: skip
    assert (first.user_email, [c.action for c in first.changes]) == ("manager@example.org", ["added", "added"])
    assert [e.version for e in entries(desk, limit=1)] == [2]
    assert [e.version for e in entries(desk, before=2)] == [1]
    with desk.database.read() as session:
        events = session.scalars(select(Event).where(Event.item_id == desk.item_id)).all()
    assert [(e.kind, e.data["version"]) for e in events] == [("document.saved", 1), ("document.saved", 2)]


def replace_box(object_id: int) -> LabelObject:
    return box(object_id, 0.6, class_name="person")


def task_of(desk: Desk) -> Task:
    with desk.database.read() as session:
        return session.get_one(Task, desk.task_id)


def test_difference_between_versions(desk: Desk) -> None:
    desk.save(put(box(1), box(2)), 0)
    desk.save(Change(put=[box(1, 0.15), box(3)], delete=[2]), 1)
    with desk.database.read() as session:
        found = documents.diff(session, session.get_one(Item, desk.item_id), 1, 2)
    assert [d.object_id for d in found.added] == [3]
    assert [d.object_id for d in found.removed] == [2]
    (changed,) = found.changed
    assert (changed.object_id, changed.fields) == (1, ["shape"])
    assert changed.iou == pytest.approx(1 / 3)


def test_an_imported_document_is_version_1(desk: Desk) -> None:
    imported(desk, Document([box(1, source="model", score=0.5), box(2, source="model")]))
    assert desk.counts() == {"car": 2}
    desk.save(put(box(1, 0.5)), 1)
    assert desk.read(version=1).document.objects[0].score == 0.5
    assert [(e.version, e.kind, e.user_email) for e in entries(desk)] == [
        (2, "save", "manager@example.org"), (1, "import", "manager@example.org"),
    ]  # fmt: skip
    # A client that opened the item before the import came: its new objects get other ids.
    assert desk.save(put(box(1, 0.8)), 0).renamed == {1: 3}


def test_only_the_holder_saves_through_a_task(desk: Desk) -> None:
    task = task_of(desk)
    assert desk.save(put(box(1)), 0, desk.annotator, task=task, lease="mine").version == 1
    for actor, lease in ((desk.annotator, "old"), (desk.annotator, None), (desk.manager, "mine")):
        with pytest.raises(LeaseLost):
            desk.save(put(box(2)), 1, actor, task=task, lease=lease)
    with pytest.raises(Forbidden):
        desk.save(put(box(2)), 1, desk.annotator)
    with pytest.raises(NotFound):
        desk.save(put(box(2)), 1, Actor(99, "", "", {12345: "owner"}))
    with desk.database.write() as session:
        other = new_item(session, session.get_one(Project, desk.project_id))
        with pytest.raises(Invalid):
            documents.save(session, desk.annotator, other, put(box(1)), base=0, task=task, lease="mine")
    assert desk.read().version == 1


def test_what_the_job_allows_holds(desk: Desk) -> None:
    imported(desk, Document([box(1), box(2), box(3, class_name="person")]))
    with desk.database.write() as session:
        session.execute(update(Job).values(allowed_classes=["car"], limits={"objects": 2}))
    holder = {"actor": desk.annotator, "task": task_of(desk), "lease": "mine"}
    assert desk.save(put(box(1, 0.4)), 1, **holder).version == 2  # three were there before; none is added
    with pytest.raises(Invalid) as caught:
        desk.save(put(box(4)), 2, **holder)
    assert [p.code for p in caught.value.problems] == ["too_many_objects"]
    with pytest.raises(Invalid) as caught:
        desk.save(put(box(1, class_name="person")), 2, **holder)
    assert [p.code for p in caught.value.problems] == ["class_not_allowed"]


def test_locked_objects_are_for_reviewers(desk: Desk) -> None:
    imported(desk, Document([box(1, locked=True), box(2)]))
    holder = {"actor": desk.annotator, "task": task_of(desk), "lease": "mine"}
    for change in (put(box(1, 0.5, locked=True)), Change(delete=[1]), put(box(1))):
        with pytest.raises(Invalid) as caught:
            desk.save(change, 1, **holder)
        assert [(p.object_id, p.code) for p in caught.value.problems] == [(1, "locked")]
    desk.save(put(box(1, locked=True), box(2, 0.5)), 1, **holder)
    assert desk.save(put(box(1, 0.5)), 2).version == 3


def test_revisions_cannot_be_changed(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    for statement in ("UPDATE revisions SET kind = 'x'", "DELETE FROM revisions"):
        with pytest.raises(DBAPIError), desk.database.write() as session:
            session.execute(text(statement))


@pytest.fixture
def stored_desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk whose database has a store; everything over 200 bytes counts as large."""
    database = Database(database_url, store=open_store(Settings(data=tmp_path, storage_url=f"file://{tmp_path}/store")))
    yield make_desk(database)
    database.close()


def test_large_documents_live_in_the_store(stored_desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bodies, "LARGE", 200)
    many = [box(n, n / 1000) for n in range(1, 201)]
    stored_desk.save(put(*many), 0)
    stored_desk.save(put(box(7, 0.77)), 1)
    stored_desk.save(Change(delete=list(range(1, 200))), 2)
    with stored_desk.database.read() as session:
        heads = session.execute(select(DocumentHead.body, DocumentHead.blob)).all()
        blobs = session.execute(select(Revision.version, Revision.blob).order_by(Revision.version)).all()
    assert heads[0].body is not None  # small again
    assert [(v, bool(b)) for v, b in blobs] == [(1, True), (2, False), (3, True)]
    assert stored_desk.read(version=1).document == Document(many)
    assert len(stored_desk.read(version=2).document.objects) == 200
    assert stored_desk.read().document == Document([many[-1]])


def test_a_transaction_that_fails_later_leaves_nothing(desk: Desk) -> None:
    desk.save(put(box(1)), 0)
    with pytest.raises(Conflict), desk.database.write() as session:
        desk.save_in(session, put(box(2)), 1)
        raise Conflict("something else went wrong")
    assert desk.read() == replace(desk.read(), version=1, objects=1)
    assert desk.counts() == {"car": 1}
    assert desk.save(put(box(2)), 1).version == 2
