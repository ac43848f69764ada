"""Callbacks in Playment's form: a job is completed, or its files cannot be had."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.models.events import Event, Webhook
from labelwright.models.items import Item, ItemMedia
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, Task
from labelwright.services.bodies import store_of
from labelwright.services.webhooks import Call
from labelwright.vendors.playment import reading, submissions
from labelwright.vendors.playment.errors import DATA_INVALID
from labelwright.vendors.playment.labels import VENDOR

KEY_HEADER = "x-playment-key"
# A receiver that takes no larger body gets the address instead.
LARGEST = 2_000_000


def call(session: Session, webhook: Webhook, event: Event) -> Call | None:
    """The callback that an event is, or None: Playment tells about completed and failed jobs only."""
    if event.kind == "task.completed":
        rows = select(Task, Item).join(Item, Item.id == Task.item_id).where(Task.id == event.task_id)
        annotations = [_completed(session, task, item) for task, item in session.execute(rows)]
    elif event.kind == "item.failed":
        rows = select(Task, Item).join(Item, Item.id == Task.item_id).where(Item.id == event.item_id)
        annotations = [_failed(session, task, item) for task, item in session.execute(rows)]
    else:
        return None
    found = [entry for entry in annotations if entry is not None]
    if not found:
        return None
    return Call({"annotations": found}, {KEY_HEADER: webhook.header_key} if webhook.header_key else {})


def _completed(session: Session, task: Task, item: Item) -> dict[str, Any] | None:
    store = store_of(session)
    if task.stage != "end" or store is None:
        return None  # it was sent back to work meanwhile; its next end is told again
    at = attachments(session, task)
    content = submissions.body(session, store, task, item, at)
    address = submissions.result_url(session, task, at)
    if content is None or len(msgspec.json.encode(content)) > LARGEST:
        content = {"data": {"url": address}}
    return _named(session, task, item, "COMPLETED") | {"result": content["data"], "result_url": address}


def _failed(session: Session, task: Task, item: Item) -> dict[str, Any]:
    rows = session.execute(
        select(ItemMedia.role, ItemMedia.position, ItemMedia.error)
        .where(ItemMedia.item_id == item.id, ItemMedia.state == "failed")
        .order_by(ItemMedia.position)
    )
    failures = [{"field": _field(role, n), "type": "INVALID_IMAGE_LINK", "message": error} for role, n, error in rows]
    error = {"code": DATA_INVALID, "message": item.media_error, "meta_data": {"failures": failures}}
    return _named(session, task, item, "FAILED") | {"error": error}


def _field(role: str, position: int) -> str:
    return {
        "main": "data.image_url",
        "frame": f"data.video_data.frames[{position}].src",
        "mask": "data.maker_response.raster.data.url",
    }.get(role, "data.reference_data")


def _named(session: Session, task: Task, item: Item, status: str) -> dict[str, Any]:
    tag, workflow = reading.routed(session, task)
    batch = session.get_one(Batch, item.batch_id)
    return {
        "reference_id": item.reference_id or "",
        "job_id": str(task.uid),
        "flu_id": str(task.uid),
        "batch_id": str(batch.uid),
        "status": status,
        "tag": tag,
        "work_flow_id": str(workflow.uid),
    }


def attachments(session: Session, task: Task) -> str:
    """Where the attachments lie, as the client that filed the job last reached us."""
    job = session.get_one(Job, task.job_id)
    project = session.get_one(Project, task.project_id)
    base_url = ((job.extra or {}).get(VENDOR) or {}).get("base_url", "")
    return attachments_at(base_url, project)


def attachments_at(base_url: str, project: Project) -> str:
    """Where a project's attachments lie. A plain path: clients paste these addresses into `?url=` as they are."""
    return f"{base_url}/v1/attachments/{project.uid}"
