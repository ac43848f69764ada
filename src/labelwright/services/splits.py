"""The dataset by split: how many images, which classes, what could join it, and dividing it anew."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, case, exists, func, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Invalid, Problem
from labelwright.formats.sample import labels_of
from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Attribute, Project
from labelwright.models.work import Task
from labelwright.services import access, documents, events, items, kept, ontology
from labelwright.services.access import Actor
from labelwright.services.items import SPLITS

CHUNK = 500
UPDATED = 10_000
# Labels of whole pictures stand in documents alone: of more images than this they are not read for a page.
MOST_READ = 20_000


@dataclass(frozen=True)
class Share:
    """Items of one split. `labeled`: those that hold objects; `absent`: those whose file is not here, which no version takes."""

    images: int = 0
    labeled: int = 0
    absent: int = 0


@dataclass
class ClassShare:
    """One class in the dataset: (objects, items) by split. For a picture as a whole an item is its own object."""

    name: str
    display_name: str
    color: str
    splits: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        """In all splits."""
        return sum(objects for objects, _ in self.splits.values())

    @property
    def images(self) -> int:
        """In all splits."""
        return sum(images for _, images in self.splits.values())

    def of(self, split: str) -> tuple[int, int]:
        """Objects and items of one split."""
        return self.splits.get(split, (0, 0))


def inside(project: Project) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions that an item is in the project's dataset."""
    return Item.project_id == project.id, Item.accepted_at.is_not(None)


def counts(session: Session, project: Project) -> dict[str, Share]:
    """The dataset's items by split; of a large project at most a minute old."""
    labeled = func.sum(case((func.coalesce(DocumentHead.objects, 0) > 0, 1), else_=0))
    absent = func.sum(case((Item.media_state != "ready", 1), else_=0))
    query = (
        select(Item.split, func.count(), labeled, absent)
        .select_from(Item)
        .outerjoin(DocumentHead, (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN))
        .where(*inside(project))
        .group_by(Item.split)
    )

    def make() -> dict[str, Share]:
        found: dict[str, Share] = {split: Share() for split in SPLITS}
        for split, *numbers in session.execute(query):
            before = found[split or "train"]
            images, objects, missing = (int(number) for number in numbers)
            found[split or "train"] = Share(before.images + images, before.labeled + objects, before.absent + missing)
        return found

    return kept.count(session, project.id, "splits", make)


def balance(session: Session, project: Project) -> tuple[list[ClassShare], bool]:
    """The classes in the ontology's order, and whether labels of whole pictures are in it: of more than `MOST_READ` they are not."""

    def make() -> dict[int, dict[str, tuple[int, int]]]:
        # By class alone, in the order of the index: by split as well all rows would be sorted first.
        sums = [column for split in SPLITS for column in _sums(split)]
        query = (
            select(LabelCount.class_id, *sums)
            .join(Item, Item.id == LabelCount.item_id)
            .where(LabelCount.project_id == project.id, *inside(project))
            .group_by(LabelCount.class_id)
        )
        found: dict[int, dict[str, tuple[int, int]]] = {}
        for class_id, *numbers in session.execute(query):
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            found[class_id] = {split: (int(a), int(b)) for split, (a, b) in zip(SPLITS, pairs, strict=True)}
        return found

    rows = ontology.classes_of(session, project.id)
    by_class = kept.count(session, project.id, "balance", make)
    whole, read = _of_whole_pictures(session, project)
    found = []
    for row in rows:
        shares = dict(by_class.get(row.id, {}))
        for split in SPLITS if row.name in whole else ():
            objects, images = shares.get(split, (0, 0))
            shares[split] = (objects + whole[row.name][split], images + whole[row.name][split])
        found.append(ClassShare(row.name, row.display_name, row.color, shares))
    return found, read


def _sums(split: str) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Objects, and items, of one split."""
    here = items.of_split(split)
    return func.sum(case((here, LabelCount.count), else_=0)), func.sum(case((here, 1), else_=0))


def _of_whole_pictures(session: Session, project: Project) -> tuple[dict[str, Counter[str]], bool]:
    """How many items carry each class as a whole, by split, where the ontology has such labels."""
    asked = exists().where(
        Attribute.project_id == project.id, Attribute.scope == "item", Attribute.name == "labels"
    )  # fmt: skip
    if not session.scalar(select(asked)):
        return {}, True
    found: dict[str, Counter[str]] = {}
    query = select(Item.id, Item.split).where(*inside(project)).order_by(Item.id).limit(MOST_READ + 1)
    rows = session.execute(query).all()
    if len(rows) > MOST_READ:
        return {}, False
    for start in range(0, len(rows), CHUNK):
        part = {row.id: row.split or "train" for row in rows[start : start + CHUNK]}
        for item, document in documents.labels_of(session, list(part)).items():
            for name in labels_of(document.attributes):
                found.setdefault(name, Counter())[part[item]] += 1
    return found, True


# --- what could join --------------------------------------------------------------------------------------------------


def _which(which: str) -> tuple[ColumnElement[bool], ...]:
    if which == "finished":
        return (exists().where(Task.item_id == Item.id, Task.stage == "end", Task.state == "done"),)
    if which == "labeled":
        return (exists().where(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN, DocumentHead.objects > 0),)
    return ()


WHICH = {
    "finished": "went through all steps of their workflow",
    "labeled": "hold at least one object",
    "all": "are in the project",
}
"""Which items may join the dataset together."""


def outside(session: Session, project: Project) -> dict[str, int]:
    """How many items are not in the dataset, by `WHICH`; of a large project at most a minute old."""

    def make() -> dict[str, int]:
        query = select(func.count()).select_from(Item).where(Item.project_id == project.id, Item.accepted_at.is_(None))
        return {which: session.scalar(query.where(*_which(which))) or 0 for which in WHICH}

    return kept.count(session, project.id, "outside", make)


def add(session: Session, actor: Actor, project: Project, which: str) -> int:
    """Take all items of a kind (a key of `WHICH`) into the dataset, each in its own split (`train` when it has none); how many."""
    access.require(actor, "manage", project.team_id, "project")
    if which not in WHICH:
        raise Invalid(f"{which!r} is not known; choose of {', '.join(WHICH)}.", field="which")
    moment = now()
    query = update(Item).where(Item.project_id == project.id, Item.accepted_at.is_(None), *_which(which))
    split = case((Item.split == "", "train"), else_=Item.split)
    done = session.execute(
        query.values(accepted_at=moment, updated_at=moment, split=split), execution_options=UNSEEN
    )  # fmt: skip
    count: int = done.rowcount  # type: ignore[attr-defined]
    _changed(session, actor, project, count, "accepted")
    return count


# --- dividing ---------------------------------------------------------------------------------------------------------

# The rows are read anew afterwards, whichever of them the session holds.
UNSEEN = {"synchronize_session": False}


def parts(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many of `total` go into each split; one that has a share gets one at least, as long as there are enough."""
    exact = {split: total * shares[split] / 100 for split in SPLITS}
    found = {split: int(share + 1e-9) for split, share in exact.items()}
    left = total - sum(found.values())
    for split in sorted(SPLITS, key=lambda s: found[s] - exact[s])[:left]:
        found[split] += 1
    for split in SPLITS:
        largest = max(SPLITS, key=lambda s: found[s])
        if exact[split] > 0 and not found[split] and found[largest] > 1:
            found[largest] -= 1
            found[split] = 1
    return found


def assign(session: Session, actor: Actor, project: Project, shares: Mapping[str, float]) -> tuple[dict[str, int], int]:
    """Divide the dataset anew by shares in percent; (items by split, how many changed theirs).

    The same items are divided the same way each time, and most stay where they are when few are added: their order is
    that of a hash of their ids. Raises `Invalid` for shares that are not 100 together, `Conflict` for an empty dataset."""
    access.require(actor, "manage", project.team_id, "project")
    _check(shares)
    session.refresh(project, with_for_update={"key_share": True})  # not while a version is frozen
    rows = [
        (hashlib.sha256(b"split %d" % row_id).digest(), row_id, split)
        for row_id, split in session.execute(select(Item.id, Item.split).where(*inside(project)))
    ]
    if not rows:
        raise Conflict("The dataset is empty: add items to it, then divide it.")
    rows.sort()
    wanted, start, changed, moment = parts(len(rows), shares), 0, 0, now()
    for split in SPLITS:
        ids = [row_id for _, row_id, before in rows[start : start + wanted[split]] if before != split]
        start += wanted[split]
        for place in range(0, len(ids), UPDATED):
            query = update(Item).where(items.among(session, ids[place : place + UPDATED]))
            done = session.execute(query.values(split=split, updated_at=moment), execution_options=UNSEEN)
            changed += done.rowcount  # type: ignore[attr-defined]
    _changed(session, actor, project, changed, "split")
    return wanted, changed


def _check(shares: Mapping[str, float]) -> None:
    problems = [
        Problem(f"The share of {split} is a number from 0 to 100.", split)
        for split in SPLITS
        if not 0 <= shares[split] <= 100
    ]
    total = sum(shares[split] for split in SPLITS)
    if not problems and abs(total - 100) > 0.01:
        problems = [Problem(f"The three shares are 100 together; these are {total:g}.", "train")]
    if problems:
        raise Invalid(problems[0].message if len(problems) == 1 else "", problems)


def _changed(session: Session, actor: Actor, project: Project, count: int, what: str) -> None:
    session.expire_all()
    kept.forget(session, project.id)
    if count:
        data = {"count": count, "fields": [what]}
        events.emit(
            session, "item.changed", team_id=project.team_id, project_id=project.id, actor=actor, data=data
        )  # fmt: skip
