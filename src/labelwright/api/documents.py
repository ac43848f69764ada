"""Documents: reading, saving, history. Their bodies are decoded once, by msgspec."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, NotRequired
from uuid import UUID

import msgspec
from fastapi import Header, Query
from pydantic import Field, WithJsonSchema
from sqlalchemy import select
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.bodies.identity import PersonBody, person_or_none
from labelwright.api.forms import Form, Text
from labelwright.api.openapi import struct_body
from labelwright.api.paging import PageBody, PageQuery, cursor, cursor_of
from labelwright.api.problems import Changed, Required
from labelwright.api.routing import RawBody, Routes
from labelwright.api.structs import decode
from labelwright.edge.call import Call
from labelwright.errors import LeaseLost, Stale
from labelwright.geometry.document import Attributes, Document, LabelObject
from labelwright.models.items import Item
from labelwright.models.work import Task
from labelwright.services import access, documents

routes = Routes(tags=["Documents"])
LayerKey = Annotated[str, Query(pattern=r"^[a-z0-9_.:-]{1,40}$", description="A layer; people work on `main`.")]
Objects = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {"x-msgspec": "LabelObject"}})]
ETAG = re.compile(r'^(?:W/)?"v(\d{1,9})"$')


class Save(msgspec.Struct, forbid_unknown_fields=True):
    """A change made on version `base` (0: on nothing). `lease`: of the task through which you work; without one the
    save takes the right to manage. `attributes` and `frames` replace the whole; null leaves them."""

    base: Annotated[int, msgspec.Meta(ge=0)]
    save_id: UUID
    lease: str | None = None
    put: list[LabelObject] = []
    delete: list[int] = []
    attributes: Attributes | None = None
    frames: dict[str, Attributes] | None = None


class SavedBody(TypedDict):
    """What became of a save. `renamed`: ids of new objects that were taken meanwhile; `merged`, `deleted`: what others
    changed since `base`; `attributes`, `frames`: when others changed them."""

    version: int
    renamed: dict[str, int]
    merged: Objects
    deleted: list[int]
    attributes: NotRequired[dict[str, Any]]
    frames: NotRequired[dict[str, dict[str, Any]]]


class DocumentBody(TypedDict):
    """The labels of an item at `version`; `head` is the newest. Version 0: nothing was ever saved."""

    item: str
    version: int
    head: int
    objects: Objects
    attributes: dict[str, Any]
    frames: dict[str, dict[str, Any]]
    created_by: PersonBody | None
    created_at: datetime | None
    updated_by: PersonBody | None
    updated_at: datetime | None


# Made by a call, since `class` cannot be written as a name.
ChangeBody = TypedDict("ChangeBody", {"object_id": int, "class": str, "action": str, "fields": list[str]})


class RevisionBody(TypedDict):
    """One saved change: it made `version` out of an earlier state."""

    version: int
    base_version: int
    kind: str
    at: datetime
    user: PersonBody | None
    changes: list[ChangeBody]
    attributes: list[str]
    frames: list[str]


class DiffBody(TypedDict):
    """What differs between two versions; each object with `before`, `after`, `fields` and `iou`."""

    before: int
    after: int
    added: list[Any]
    removed: list[Any]
    changed: list[Any]
    attributes: Any
    frames: Any


class Restore(Form):
    """Which version to go back to."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    lease: Annotated[Text, Field(max_length=100)] | None = None
    save_id: UUID | None = Field(None, strict=False)


class HistoryFilter(PageQuery):
    """Which part of the history."""

    layer: Annotated[str, Field(pattern=r"^[a-z0-9_.:-]{1,40}$")] = "main"


@routes.get("/items/{uid}/document", responses={304: {"description": "You have this version already."}})
def get_document(
    call: Call,
    uid: UUID,
    version: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="An earlier version.")] = None,
    layer: LayerKey = "main",
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> DocumentBody:
    """An item's labels, with an `ETag` for `If-Match`."""
    session = call.session
    item = access.item(session, call.actor, uid)
    stored = documents.read(session, item.id, layer, version)
    tag = {"etag": f'"v{stored.version}"', "cache-control": "private, no-cache"}
    if if_none_match == tag["etag"]:
        return Response(status_code=304, headers=tag)  # type: ignore[return-value]
    body = {
        "item": str(item.uid),
        "version": stored.version,
        "head": stored.head,
        **_content(stored.document),
        "created_by": person_or_none(session, stored.created_by),
        "created_at": stored.created_at,
        "updated_by": person_or_none(session, stored.updated_by),
        "updated_at": stored.updated_at,
    }
    return Response(msgspec.json.encode(body), headers=tag, media_type="application/json")  # type: ignore[return-value]


@routes.patch("/items/{uid}/document", openapi_extra=struct_body("Save"))
def save_document(call: Call, uid: UUID, raw: RawBody) -> SavedBody:
    """Save changes. Changes to different objects merge; on a clash 409 `stale` with both sides, and nothing is saved."""
    item = access.item(call.session, call.actor, uid)
    asked = decode(raw, _save_decoder)
    change = documents.Change(asked.put, asked.delete, asked.attributes, asked.frames)
    task = held_task(call, item, asked.lease)
    saved = documents.save(
        call.session, call.actor, item, change, base=asked.base, save_id=asked.save_id, task=task, lease=asked.lease
    )
    return saved_body(saved)


@routes.put("/items/{uid}/document", openapi_extra=struct_body("Document"))
def replace_document(
    call: Call,
    uid: UUID,
    raw: RawBody,
    if_match: Annotated[str | None, Header(max_length=200, description="The `ETag` you read, or `*`.")] = None,
    lease: Annotated[str | None, Query(max_length=100)] = None,
) -> SavedBody:
    """Replace all labels. `If-Match` must name the version you replace; 412 when it is no longer the newest."""
    item = access.item(call.session, call.actor, uid, "label")
    wanted = decode(raw, _document_decoder)
    head = documents.read(call.session, item.id)
    _match(if_match, head.version)
    kept = {o.id for o in wanted.objects}
    gone = [o.id for o in head.document.objects if o.id not in kept]
    change = documents.Change(wanted.objects, gone, wanted.attributes, wanted.frames)
    saved = documents.save(
        call.session, call.actor, item, change, base=head.version, task=held_task(call, item, lease), lease=lease
    )
    if saved.version > head.version + 1:
        raise Stale(version=saved.version, clashes=[])
    return saved_body(saved)


@routes.get("/items/{uid}/history")
def get_history(call: Call, uid: UUID, page: Annotated[HistoryFilter, Query()]) -> PageBody[RevisionBody]:
    """Saved changes, newest first: who, when, and what of each object."""
    item = access.item(call.session, call.actor, uid)
    before = cursor_of(page.after, 1)[0] if page.after is not None else None
    entries = documents.history(call.session, item.id, page.layer, before=before, limit=page.limit + 1)
    shown = entries[: page.limit]
    following = cursor([shown[-1].version]) if len(entries) > page.limit else None
    return {"results": [_revision(entry) for entry in shown], "next": following}


@routes.post("/items/{uid}/restore")
def restore_document(call: Call, uid: UUID, body: Restore) -> SavedBody:
    """Go back to an earlier version, as a new one on top."""
    item = access.item(call.session, call.actor, uid)
    task = held_task(call, item, body.lease)
    return saved_body(
        documents.restore(
            call.session, call.actor, item, body.version, task=task, lease=body.lease, save_id=body.save_id
        )
    )


@routes.get("/items/{uid}/diff")
def get_diff(
    call: Call,
    uid: UUID,
    before: Annotated[int, Query(ge=0, le=2**31 - 1)],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)],
    layer: LayerKey = "main",
) -> DiffBody:
    """What differs between two versions."""
    item = access.item(call.session, call.actor, uid)
    found = documents.diff(call.session, item, before, after, layer)
    return {
        "before": before,
        "after": after,
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "attributes": found.attributes,
        "frames": found.frames,
    }


def held_task(call: Call, item: Item, lease: str | None) -> Task | None:
    """The task of this item that the caller holds by this lease. Raises `LeaseLost`."""
    if lease is None:
        return None
    mine = (Task.item_id == item.id, Task.holder_id == call.actor.user_id, Task.lease == lease)
    task = call.session.scalar(select(Task).where(*mine))
    if task is None:
        raise LeaseLost()
    return task


def saved_body(saved: documents.Saved) -> SavedBody:
    """What a save answers."""
    body: SavedBody = {
        "version": saved.version,
        "renamed": {str(sent): given for sent, given in saved.renamed.items()},
        "merged": saved.merged,
        "deleted": saved.deleted,
    }
    if saved.attributes is not None:
        body["attributes"] = saved.attributes
    if saved.frames is not None:
        body["frames"] = saved.frames
    return body


def _match(header: str | None, version: int) -> None:
    if header is None:
        raise Required("Send If-Match with the ETag of the version that you replace, or *.")
    if header.strip() == "*":
        return
    tags = [ETAG.match(part.strip()) for part in header.split(",")]
    if not any(tag and int(tag[1]) == version for tag in tags):
        raise Changed(f"The document is at version {version} by now.", version=version)


def _content(document: Document) -> dict[str, Any]:
    return {"objects": document.objects, "attributes": document.attributes, "frames": document.frames}


def _revision(entry: Any) -> RevisionBody:
    user: PersonBody | None = None
    if entry.user_uid is not None:
        user = {"uid": str(entry.user_uid), "name": entry.user_name, "email": entry.user_email}
    return {
        "version": entry.version,
        "base_version": entry.base_version,
        "kind": entry.kind,
        "at": entry.at,
        "user": user,
        "changes": [
            {"object_id": c.object_id, "class": c.class_name, "action": c.action, "fields": c.fields}
            for c in entry.changes
        ],
        "attributes": entry.attributes,
        "frames": entry.frames,
    }


_save_decoder = msgspec.json.Decoder(Save)
_document_decoder = msgspec.json.Decoder(Document)
