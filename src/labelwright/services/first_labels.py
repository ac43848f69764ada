"""Labels of many items at once: those that have none yet are written in bulk, the others saved one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from labelwright import bulk
from labelwright.db import now
from labelwright.errors import Invalid, Problem
from labelwright.geometry import normalise
from labelwright.geometry.document import Attributes, Document, LabelObject
from labelwright.models.documents import DocumentHead, LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import checks, documents, events, ontology
from labelwright.services.access import Actor, require
from labelwright.services.documents import Change, Stored


@dataclass
class Labels:
    """What an item's labels are to become: objects put and deleted (ids), and all its attributes (None: as they are).

    `stored`: what they were read from; None: there were none."""

    item: Item
    put: list[LabelObject]
    delete: list[int]
    attributes: Attributes | None
    stored: Stored | None


def save_many(session: Session, actor: Actor, project: Project, entries: Sequence[Labels]) -> None:
    """Save the labels of items of one project, all or none; each item stands once. It takes the right to manage.

    An item's first labels are an import and have no revision. Raises `Invalid` with every fault."""
    require(actor, "manage", project.team_id, "item")
    fresh = [entry for entry in entries if entry.stored is None]
    _write_first(session, actor, project, [e for e in fresh if e.put or e.attributes])
    for entry in entries:
        if entry.stored is not None and (entry.put or entry.delete or entry.attributes is not None):
            change = Change(entry.put, entry.delete, entry.attributes)
            documents.save(session, actor, entry.item, change, base=entry.stored.version, kind="import")


def _write_first(session: Session, actor: Actor, project: Project, entries: Sequence[Labels]) -> None:
    if not entries:
        return
    known, when = ontology.compiled(session, project), now()
    class_ids = {name: info.id for name, info in known.classes.items()}
    heads: list[tuple[Any, ...]] = []
    counts: list[tuple[Any, ...]] = []
    problems: list[Problem] = []
    for entry in entries:
        document = Document(objects=[_stored(o) for o in entry.put], attributes=entry.attributes or {})
        item = entry.item
        problems += checks.check_document(document, known, kind=item.kind, frames=item.frames)
        head, rows = documents.initial_rows(
            session, item.id, project.id, document, class_ids, actor.user_id, when, "import"
        )
        heads.append(head)
        counts += rows
    if problems:
        raise Invalid(problems=problems)
    bulk.insert(session, DocumentHead.__table__, documents.HEAD_COLUMNS, heads)  # type: ignore[arg-type]
    bulk.insert(session, LabelCount.__table__, documents.COUNT_COLUMNS, counts)  # type: ignore[arg-type]
    saved = [{"item": e.item.id, "data": {"version": 1, "changed": len(e.put), "kind": "import"}} for e in entries]
    events.emit_many(
        session, "document.saved", saved, team_id=project.team_id, project_id=project.id, actor=actor, at=when
    )


def _stored(thing: LabelObject) -> LabelObject:
    return thing if thing.shape is None else msgspec.structs.replace(thing, shape=normalise.shape(thing.shape))
