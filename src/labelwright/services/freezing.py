"""What of the dataset goes into a version: which pictures, and by which names their classes go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Invalid
from labelwright.geometry.document import Document
from labelwright.media.recipes import Recipe
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Project
from labelwright.services import documents, ontology

CHUNK = 500
LABELS = "labels"


def classes(session: Session, project: Project, recipe: Recipe) -> list[dict[str, Any]]:
    """The version's classes. Raises `Invalid` for a new name of a class that is not there."""
    rows = ontology.classes_of(session, project.id)
    if unknown := set(recipe.classes) - {row.name for row in rows}:
        raise Invalid(f"remap: the project has no class {min(unknown)!r}.", field="remap")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = recipe.classes.get(row.name, row.name)
        if name:
            found.setdefault(name, {"name": name, "skeleton": row.skeleton})
    return list(found.values())


def pictures(session: Session, project: Project, recipe: Recipe) -> Iterator[tuple[Any, Document]]:
    """The dataset's pictures, oldest first, with their labels as the version shall have them."""
    dropped = _unlabeled_too_many(session, project, recipe) if recipe.labeled else frozenset()
    for row, document in _all(session, project, recipe):
        if row.id not in dropped:
            yield row, document


def _all(session: Session, project: Project, recipe: Recipe) -> Iterator[tuple[Any, Document]]:
    after = 0
    while True:
        query = (
            select(Item.id, Item.uid, Item.name, Item.split, Media.width, Media.height, Media.sha256)
            .join(ItemMedia, (ItemMedia.item_id == Item.id) & (ItemMedia.role == "main"))
            .join(Media, Media.id == ItemMedia.media_id)
            .where(Item.project_id == project.id, Item.accepted_at.is_not(None), Item.kind == "image", Item.id > after)
        )
        rows = session.execute(query.order_by(Item.id).limit(CHUNK)).all()
        found = documents.labels_of(session, [row.id for row in rows])
        for row in rows:
            yield row, _renamed(found.get(row.id, Document()), recipe)
        if len(rows) < CHUNK:
            return
        after = rows[-1].id


def _renamed(document: Document, recipe: Recipe) -> Document:
    if not recipe.classes:
        return document
    names = recipe.classes
    objects = [msgspec.structs.replace(o, class_name=new) for o in document.objects
               if (new := names.get(o.class_name, o.class_name))]  # fmt: skip
    attributes = dict(document.attributes)
    labels = attributes.get(LABELS)
    if isinstance(labels, list):
        attributes[LABELS] = list(dict.fromkeys(new for name in labels if (new := names.get(str(name), str(name)))))
    return Document(objects, attributes)


def _unlabeled_too_many(session: Session, project: Project, recipe: Recipe) -> frozenset[int]:
    """Pictures without labels that would leave the labeled ones less than their share; the same ones each time."""
    labeled, empty = 0, []
    for row, document in _all(session, project, recipe):
        if document.objects or document.attributes.get(LABELS):
            labeled += 1
        else:
            empty.append((hashlib.sha256(row.sha256).digest(), row.id))
    kept = int(labeled * (1 - recipe.labeled) / recipe.labeled + 1e-9)
    return frozenset(item for _, item in sorted(empty)[kept:])
