"""What a project holds, counted: images, objects and tags, by class, by tag and by dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.geometry.document import Document, LabelObject, all_attributes, item_attributes
from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import batches, documents
from labelwright.vendors.supervisely import datasets
from labelwright.vendors.supervisely.asking import CHUNK, Ask, Method, Methods
from labelwright.vendors.supervisely.known import Known, known
from labelwright.vendors.supervisely.labels import is_set
from labelwright.vendors.supervisely.meta import class_row, tag_json

By = dict[str, Counter[int]]  # name -> how many in each dataset


def labels_of(session: Session, project: Project) -> Iterator[tuple[int, Document]]:
    """The labels of a project's items, each with the id of its dataset; those of a chunk of items at a time."""
    labeled = select(Item.id, Item.batch_id).join(DocumentHead, DocumentHead.item_id == Item.id)
    labeled = labeled.where(Item.project_id == project.id, DocumentHead.layer == MAIN).order_by(Item.id).limit(CHUNK)
    last = 0
    while rows := session.execute(labeled.where(Item.id > last)).all():
        found = documents.labels_of(session, [row.id for row in rows])
        yield from ((row.batch_id, found[row.id]) for row in rows if row.id in found)
        last = rows[-1].id


def names_of(document: Document) -> set[str]:
    """The attributes that are set on an item as a whole or on one of its frames."""
    return {name for there in item_attributes(document) for name, value in there.items() if is_set(value)}


def names_on(thing: LabelObject) -> set[str]:
    """The attributes that are set on an object, on a track also those of its keyframes."""
    return {name for there in all_attributes(thing) for name, value in there.items() if is_set(value)}


def used(session: Session, project: Project, name: str) -> bool:
    """Whether anything in a project has an attribute of this name."""
    return any(
        name in names_of(document) or any(name in names_on(thing) for thing in document.objects)
        for _, document in labels_of(session, project)
    )


def show(ask: Ask) -> dict[str, Any]:
    """A project's statistics. With tags the labels of all its items are read; without, only counts."""
    project, session = ask.project("id"), ask.session
    knows, shown = known(session, project), set(datasets.of_project(ask, project))
    names = {row.id: row.name for row in batches.of_project(session, project) if row.id in shown}
    here = (Item.project_id == project.id, Item.batch_id.in_(shown))
    total = _by_dataset(session, *here)
    labeled = _by_dataset(session, *here, Item.id.in_(select(LabelCount.item_id).where(LabelCount.project_id == project.id)))  # fmt: skip
    images, objects = _classes(session, project, knows)
    items_with, objects_with = _tags(session, project, knows)
    return {
        "id": project.id, "name": project.name, "datasets": _datasets(total, names),
        "images": {"total": sum(total.values()), "labeled": sum(labeled.values()),
                   "datasets": _datasets(total, names), "objectClasses": _of_classes(knows, images, names)},
        "objects": {"total": sum(_visible(c, names) for c in objects.values()), "items": _of_classes(knows, objects, names)},
        "imageTags": _of_tags(knows, items_with, names), "objectTags": _of_tags(knows, objects_with, names),
    }  # fmt: skip


def _by_dataset(session: Session, *where: Any) -> Counter[int]:
    query = select(Item.batch_id, func.count()).where(*where).group_by(Item.batch_id)
    return Counter(dict(session.execute(query).tuples().all()))


def _classes(session: Session, project: Project, knows: Known) -> tuple[By, By]:
    """By class: items that have an object of it, and objects."""
    query = (
        select(LabelCount.class_id, Item.batch_id, func.count(), func.sum(LabelCount.count))
        .join(Item, Item.id == LabelCount.item_id)
        .where(LabelCount.project_id == project.id)
        .group_by(LabelCount.class_id, Item.batch_id)
    )
    images: By = {name: Counter() for name in knows.by_name}
    objects: By = {name: Counter() for name in knows.by_name}
    for class_id, batch, some, many in session.execute(query):
        if class_id in knows.classes:
            images[knows.classes[class_id].name][batch] += some
            objects[knows.classes[class_id].name][batch] += int(many)
    return images, objects


def _tags(session: Session, project: Project, knows: Known) -> tuple[By, By]:
    """By tag: items that have it, and objects that have it."""
    items: By = {name: Counter() for name in knows.tag_by_name}
    objects: By = {name: Counter() for name in knows.tag_by_name}
    for batch, document in labels_of(session, project) if knows.tags else ():
        for name in names_of(document) & items.keys():
            items[name][batch] += 1
        for thing in document.objects:
            for name in names_on(thing) & objects.keys():
                objects[name][batch] += 1
    return items, objects


def _datasets(counts: Counter[int], names: dict[int, str]) -> list[dict[str, Any]]:
    return [{"id": key, "name": name, "count": counts[key]} for key, name in names.items()]


def _of_classes(knows: Known, found: By, names: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {"objectClass": class_row(knows.by_name[name]), "total": _visible(counts, names), "datasets": _datasets(counts, names)}
        for name, counts in found.items()
    ]  # fmt: skip


def _of_tags(knows: Known, found: By, names: dict[int, str]) -> dict[str, Any]:
    rows = [
        {"tagMeta": tag_json(knows.tag_by_name[name], number), "total": _visible(counts, names),
         "datasets": _datasets(counts, names)}
        for number, (name, counts) in enumerate(found.items())
    ]  # fmt: skip
    return {"total": sum(row["total"] for row in rows), "items": rows}


def _visible(counts: Counter[int], names: dict[int, str]) -> int:
    return sum(count for key, count in counts.items() if key in names)


METHODS: Methods = {"projects.stats": Method(show)}
