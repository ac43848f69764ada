"""The dataset by split: counted, added to, divided anew."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, Forbidden, Invalid, NotFound
from labelwright.geometry.document import LabelObject, Rectangle
from labelwright.models.events import Event
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Task
from labelwright.services import documents, ontology, queue, splits, tasks
from labelwright.services.items import SPLITS
from labelwright.services.merging import Change
from labelwright.services.ontology import AttributeInput
from labelwright.services.splits import Share
from tests.support.cast import Cast, a_project
from tests.support.work import a_job, some_items

SHARES = {"train": 70, "valid": 20, "test": 10}


def by_split(session: Session, project: Project) -> dict[int, str]:
    query = select(Item.id, Item.split).where(Item.project_id == project.id, Item.accepted_at.is_not(None))
    return {item: split for item, split in session.execute(query)}


def label(session: Session, cast: Cast, item: int, *names: str, **values: Any) -> None:
    box = Rectangle((0.1, 0.1, 0.5, 0.5))
    change = Change(put=[LabelObject(n, name, box) for n, name in enumerate(names, 1)], **values)
    documents.save(session, cast.alice, session.get_one(Item, item), change, base=0)


@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 100))
def test_parts_are_all_there_is_and_near_their_share(total: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    shares = {"train": low, "valid": high - low, "test": 100 - high}
    found = splits.parts(total, shares)
    assert sum(found.values()) == total
    for split, share in shares.items():
        assert abs(found[split] - total * share / 100) < 2
        assert found[split] == 0 if not share else found[split] > 0 or total < 3


def test_a_dataset_is_divided_alike_each_time_and_nearly_alike_when_it_grows(
    session: Session, cast: Cast, project: Project
) -> None:
    ids = some_items(session, project, 100)
    apart = some_items(session, project, 5, split="valid")
    session.execute(update(Item).where(Item.id.in_(ids)).values(accepted_at=Item.created_at, split="train"))
    found, changed = splits.assign(session, cast.max, project, SHARES)
    assert (found, changed) == (SHARES, 30)
    first = by_split(session, project)
    assert sorted(first) == ids
    assert {split: list(first.values()).count(split) for split in SPLITS} == SHARES
    assert splits.assign(session, cast.max, project, SHARES) == (SHARES, 0)
    splits.assign(session, cast.max, project, {"train": 0, "valid": 0, "test": 100})
    splits.assign(session, cast.max, project, SHARES)
    assert by_split(session, project) == first
    assert splits.add(session, cast.max, project, "all") == 5
    found, changed = splits.assign(session, cast.max, project, SHARES)
    assert sum(found.values()) == 105
    again = by_split(session, project)
    assert set(again) == {*ids, *apart}
    assert sum(first[item] != again[item] for item in ids) <= 10
    said = session.scalars(select(Event).where(Event.kind == "item.changed").order_by(Event.id)).all()
    assert [(e.actor_id, (e.data or {})["fields"]) for e in said[:1]] == [(cast.max.user_id, ["split"])]


@pytest.mark.parametrize(
    ("shares", "field"),
    [
        ({"train": 70, "valid": 20, "test": 20}, "train"),
        ({"train": 110, "valid": -10, "test": 0}, "train"),
        ({"train": 50, "valid": float("nan"), "test": 50}, "valid"),
    ],
)
def test_shares_that_are_none_change_nothing(
    session: Session, cast: Cast, project: Project, shares: dict[str, float], field: str
) -> None:
    some_items(session, project, 3, split="test", accepted_at=project.created_at)
    with pytest.raises(Invalid) as refused:
        splits.assign(session, cast.max, project, shares)
    assert refused.value.problems[0].field == field
    assert set(by_split(session, project).values()) == {"test"}


def test_only_managers_divide_and_add_and_an_empty_dataset_is_said(
    session: Session, cast: Cast, project: Project
) -> None:
    some_items(session, project, 2)
    for actor, error in ((cast.bob, Forbidden), (cast.vera, Forbidden), (cast.charlie, NotFound)):
        with pytest.raises(error):
            splits.assign(session, actor, project, SHARES)
        with pytest.raises(error):
            splits.add(session, actor, project, "all")
    with pytest.raises(Conflict, match="empty"):
        splits.assign(session, cast.max, project, SHARES)
    with pytest.raises(Invalid, match="finished, labeled, all"):
        splits.add(session, cast.max, project, "best")
    assert by_split(session, project) == {}


def test_what_could_join_is_counted_and_joins(session: Session, cast: Cast, project: Project) -> None:
    _, made = a_job(session, cast.alice, project, 4)
    task = queue.next_task(session, cast.bob, project, "label")
    assert task is not None
    tasks.submit(session, cast.bob, task, task.lease)
    session.execute(update(Task).where(Task.id == task.id).values(stage="end", state="done"))
    label(session, cast, made[3].item_id, "car")
    stranger = a_project(session, cast)
    some_items(session, stranger, 7)
    assert splits.outside(session, project) == {"finished": 1, "labeled": 1, "all": 4}
    assert splits.add(session, cast.max, project, "finished") == 1
    assert by_split(session, project) == {task.item_id: "train"}
    assert splits.add(session, cast.max, project, "labeled") == 1
    assert splits.outside(session, project) == {"finished": 0, "labeled": 0, "all": 2}
    assert splits.outside(session, stranger)["all"] == 7


def test_classes_are_counted_by_split(session: Session, cast: Cast, project: Project) -> None:
    moment = project.created_at
    one, two = some_items(session, project, 2, split="train", accepted_at=moment)
    (bare,) = some_items(session, project, 1, split="", accepted_at=moment, media_state="failed")
    (valid,) = some_items(session, project, 1, split="valid", accepted_at=moment)
    (outside,) = some_items(session, project, 1)
    label(session, cast, one, "car", "car", "person")
    label(session, cast, two, "car")
    label(session, cast, valid, "person")
    label(session, cast, outside, "person", "car")
    assert bare
    assert splits.counts(session, project) == {"train": Share(3, 2, 1), "valid": Share(1, 1, 0), "test": Share()}
    found, whole = splits.balance(session, project)
    assert whole
    assert [(c.name, c.of("train"), c.of("valid"), c.objects, c.images) for c in found] == [
        ("car", (3, 2), (0, 0), 3, 2), ("person", (1, 1), (1, 1), 2, 2),
        ("road", (0, 0), (0, 0), 0, 0), ("lane", (0, 0), (0, 0), 0, 0),
    ]  # fmt: skip


def test_classes_of_whole_pictures_count_up_to_a_limit(
    session: Session, cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["car", "person"]
    ontology.add_attribute(
        session, project, AttributeInput(name="labels", kind="many_of", scope="item", options=names)
    )  # fmt: skip
    ids = some_items(session, project, 3, split="test", accepted_at=project.created_at)
    for item in ids[:2]:
        label(session, cast, item, attributes={"labels": ["car"]})
    found, whole = splits.balance(session, project)
    assert (whole, found[0].of("test"), found[1].objects) == (True, (2, 2), 0)
    monkeypatch.setattr(splits, "MOST_READ", 2)
    found, whole = splits.balance(session, project)
    assert (whole, found[0].objects) == (False, 0)
