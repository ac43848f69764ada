"""Two writers, any interleaving: no accepted change is ever lost, and every earlier version reads as it was."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from labelwright.db import Database
from labelwright.errors import Stale
from labelwright.geometry.document import Document, LabelObject, Rectangle
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import documents
from labelwright.services.documents import Change
from tests.support.desk import Desk, make_desk, new_item

steps = st.lists(
    st.tuples(st.sampled_from(["draw", "move", "move", "erase"]), st.integers(0, 5), st.integers(0, 80)),
    min_size=1,
    max_size=3,
)


def at(object_id: int, place: int) -> LabelObject:
    return LabelObject(id=object_id, class_name="car", shape=Rectangle((place / 100, 0.1, place / 100 + 0.1, 0.3)))


class Editor:
    """What a client holds: the version it last saw, its objects, and changes not saved yet."""

    def __init__(self) -> None:
        self.version = 0
        self.objects: dict[int, LabelObject] = {}
        self.changed: set[int] = set()

    def change(self, base: dict[int, LabelObject]) -> Change:
        return Change(
            put=[self.objects[i] for i in sorted(self.changed) if i in self.objects],
            delete=[i for i in sorted(self.changed) if i not in self.objects and i in base],
        )


class Writers(RuleBasedStateMachine):
    """The model is a plain dict of objects; each save must lead the real document to the same."""

    desk: Desk
    editors = Bundle("editors")

    @initialize(target=editors)
    def begin(self) -> Any:
        """An item with three objects, open in two editors."""
        with self.desk.database.write() as session:
            self.item_id = new_item(session, session.get_one(Project, self.desk.project_id)).id
        self.versions: dict[int, Document] = {0: Document()}
        self.answers: list[tuple[Change, int, uuid.UUID, documents.Saved]] = []
        first = Editor()
        self.edit(first, [("draw", 0, place) for place in (10, 20, 30)])
        self.save(first)
        return multiple(first, self.another(), self.another())

    @rule(target=editors)
    def another(self) -> Editor:
        editor = Editor()
        self._reload(editor)
        return editor

    @rule(editor=editors, steps=steps)
    def edit(self, editor: Editor, steps: list[tuple[str, int, int]]) -> None:
        for what, which, place in steps:
            chosen = sorted(editor.objects)[which % len(editor.objects)] if editor.objects else None
            if what == "draw" or chosen is None:
                chosen = max([0, *editor.objects]) + 1
            if what == "erase":
                editor.objects.pop(chosen, None)
            else:
                editor.objects[chosen] = at(chosen, place)
            editor.changed.add(chosen)

    @rule(editor=editors, steps=steps)
    def edit_and_save(self, editor: Editor, steps: list[tuple[str, int, int]]) -> None:
        self.edit(editor, steps)
        self.save(editor)

    @rule(editor=editors)
    def save(self, editor: Editor) -> None:
        head = self.versions[max(self.versions)]
        base = {o.id: o for o in self.versions[editor.version].objects}
        theirs = {o.id: o for o in head.objects}
        change = editor.change(base)
        fought_over = self._fought_over(change, base, theirs)
        save_id = uuid.uuid4()
        try:
            saved = self._save(change, editor.version, save_id)
        except Stale as stale:
            assert {c["object_id"] for c in stale.details["clashes"]} == fought_over != set()  # noqa: PT017
            self._reload(editor)
            return
        assert not fought_over
        expected = dict(theirs)
        for mine in change.put:
            given = saved.renamed.get(mine.id, mine.id)
            if given != mine.id:
                assert mine.id not in base
                assert given not in theirs
            if given != mine.id or base.get(mine.id) != mine or mine.id not in base:
                expected[given] = msgspec.structs.replace(mine, id=given)
        for gone in change.delete:
            expected.pop(gone, None)
        document = self._read().document
        assert {o.id: o for o in document.objects} == expected
        if document != head:
            assert saved.version == max(self.versions) + 1
            self.versions[saved.version] = document
            self.answers.append((change, editor.version, save_id, saved))
        self._catch_up(editor, saved)

    def _fought_over(self, change: Change, base: dict[int, LabelObject], theirs: dict[int, LabelObject]) -> set[int]:
        """Ids that both sides changed, to different ends."""
        mine: dict[int, LabelObject | None] = {o.id: o for o in change.put} | dict.fromkeys(change.delete)
        return {
            i for i, value in mine.items()
            if i in base and value != base[i] and theirs.get(i) != base[i] and theirs.get(i) != value
        }  # fmt: skip

    def _catch_up(self, editor: Editor, saved: documents.Saved) -> None:
        """What the editor does with the answer: it must then hold exactly what the server holds."""
        for sent, given in saved.renamed.items():
            editor.objects[given] = msgspec.structs.replace(editor.objects.pop(sent), id=given)
        for theirs in saved.merged:
            editor.objects[theirs.id] = theirs
        for gone in saved.deleted:
            editor.objects.pop(gone, None)
        editor.version, editor.changed = saved.version, set()
        assert editor.objects == {o.id: o for o in self._read().document.objects}

    @rule(editor=editors)
    def _reload(self, editor: Editor) -> None:
        stored = self._read()
        editor.version, editor.changed = stored.version, set()
        editor.objects = {o.id: o for o in stored.document.objects}

    @rule(which=st.integers(0, 100))
    def send_again(self, which: int) -> None:
        if self.answers:
            change, base, save_id, saved = self.answers[which % len(self.answers)]
            again = self._save(change, base, save_id)
            assert (again.version, again.renamed) == (saved.version, saved.renamed)

    @rule(which=st.integers(0, 100))
    def restore(self, which: int) -> None:
        version = sorted(self.versions)[which % len(self.versions)]
        with self.desk.database.write() as session:
            item = session.get_one(Item, self.item_id)
            saved = documents.restore(session, self.desk.manager, item, version)
        document = self._read().document
        assert {o.id: o for o in document.objects} == {o.id: o for o in self.versions[version].objects}
        self.versions[saved.version] = document

    @rule(which=st.integers(0, 100))
    def look_back(self, which: int) -> None:
        version = sorted(self.versions)[which % len(self.versions)]
        with self.desk.database.read() as session:
            assert documents.read(session, self.item_id, version=version).document == self.versions[version]

    @invariant()
    def the_head_is_the_last_accepted_state(self) -> None:
        if hasattr(self, "versions"):
            stored = self._read()
            assert (stored.version, stored.document) == (max(self.versions), self.versions[max(self.versions)])

    def _save(self, change: Change, base: int, save_id: uuid.UUID) -> documents.Saved:
        with self.desk.database.write() as session:
            item = session.get_one(Item, self.item_id)
            return documents.save(session, self.desk.manager, item, change, base=base, save_id=save_id)

    def _read(self) -> documents.Stored:
        with self.desk.database.read() as session:
            return documents.read(session, self.item_id)


def test_random_interleavings_lose_nothing(database: Database) -> None:
    machine: Callable[[], Writers] = type("Machine", (Writers,), {"desk": make_desk(database)})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
