"""Items as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from typing_extensions import TypedDict

from labelwright.api.bodies.opened import FileBody, FrameBody, ReferenceBody, link, opened_item
from labelwright.edge.call import Call
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Task
from labelwright.services import items as services
from labelwright.services.media import url_for


class ItemBody(TypedDict):
    """An item. `url`, `thumbnail`: links to its picture (a sequence's first frame), null while it is not here."""

    uid: str
    project: str
    batch: str
    kind: str
    name: str
    reference_id: str | None
    width: int | None
    height: int | None
    frame_count: int
    media_state: str
    media_error: str
    url: str | None
    thumbnail: str | None
    objects: int
    version: int
    split: str
    accepted_at: datetime | None
    tags: list[str]
    meta: Any
    created_at: datetime
    updated_at: datetime


class ItemFilesBody(ItemBody):
    """An item with links to all its files, and its tasks."""

    media: FileBody | None
    frames: list[FrameBody]
    references: list[ReferenceBody]
    frame_times: str | None
    tasks: list[str]


class FiledBody(TypedDict):
    """What was made."""

    item: str
    task: str
    reference_id: str | None


def items(call: Call, rows: Sequence[Item]) -> list[ItemBody]:
    """Items, with what they refer to looked up in one query a kind."""
    session, ids = call.session, [row.id for row in rows]
    media = services.main_media(session, ids)
    batches = _uids(call, Batch, {row.batch_id for row in rows})
    projects = _uids(call, Project, {row.project_id for row in rows})
    heads = select(DocumentHead.item_id, DocumentHead.version, DocumentHead.objects)
    heads = heads.where(DocumentHead.item_id.in_(ids), DocumentHead.layer == MAIN)
    documents = {item: (version, objects) for item, version, objects in session.execute(heads)}
    return [
        {
            "uid": str(row.uid),
            "project": projects[row.project_id],
            "batch": batches[row.batch_id],
            "kind": row.kind,
            "name": row.name,
            "reference_id": row.reference_id,
            "width": row.width,
            "height": row.height,
            "frame_count": row.frames,
            "media_state": row.media_state,
            "media_error": row.media_error,
            "url": link(call, media[row.id]) if row.id in media else None,
            "thumbnail": url_for(call.context.links, media[row.id], "thumb") if row.id in media else None,
            "objects": documents.get(row.id, (0, 0))[1],
            "version": documents.get(row.id, (0, 0))[0],
            "split": row.split,
            "accepted_at": row.accepted_at,
            "tags": row.tags or [],
            "meta": row.meta,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
        for row in rows
    ]


def item(call: Call, row: Item) -> ItemFilesBody:
    """An item with its files."""
    files = opened_item(call, row)
    tasks = call.session.scalars(select(Task.uid).where(Task.item_id == row.id).order_by(Task.id))
    return {
        **items(call, [row])[0],
        "media": files["media"],
        "frames": files["frames"],
        "references": files["references"],
        "frame_times": files["frame_times"],
        "tasks": [str(uid) for uid in tasks],
    }


def _uids(call: Call, table: Any, ids: set[int]) -> dict[int, str]:
    rows = call.session.execute(select(table.id, table.uid).where(table.id.in_(ids)))
    return {row_id: str(uid) for row_id, uid in rows}
