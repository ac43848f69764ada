"""Items: the things to label."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import Field
from sqlalchemy import select

from labelwright.api.bodies import items as bodies
from labelwright.api.forms import Form, Short, Text
from labelwright.api.imports import Target
from labelwright.api.lines import TaskLine, new_task
from labelwright.api.openapi import struct_body
from labelwright.api.paging import PageBody, PageQuery, cursor, cursor_of
from labelwright.api.routing import RawBody, Routes
from labelwright.api.structs import decode
from labelwright.edge.call import Call
from labelwright.errors import Invalid
from labelwright.models.documents import LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import access, filing, items, ontology

routes = Routes(tags=["Items"])
Tags = Annotated[list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=100)]
_decoder = msgspec.json.Decoder(TaskLine)


class ItemFilter(PageQuery):
    """Which items."""

    batch: UUID | None = None
    media_state: Literal["pending", "ready", "failed"] | None = None
    class_name: str | None = Field(None, alias="class", max_length=200, description="With an object of this class.")
    reference_id: str | None = Field(None, max_length=500)
    split: Literal["train", "valid", "test"] | None = None
    accepted: bool | None = Field(None, description="In the dataset, or not.")


class ItemChange(Form):
    """Changes of an item. `tags` are replaced whole; `accepted` takes it into the dataset or out of it."""

    name: Annotated[Short, Field(min_length=1)] = ""
    batch: UUID = Field(UUID(int=0), strict=False)
    tags: Tags = []
    split: Literal["train", "valid", "test"] = "train"
    accepted: bool = True
    meta: Any = None


@routes.get("/projects/{uid}/items")
def list_items(call: Call, uid: UUID, page: Annotated[ItemFilter, Query()]) -> PageBody[bodies.ItemBody]:
    """Items of a project, oldest first."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, uid)
    query = select(Item).where(Item.project_id == project.id)
    if page.batch is not None:
        query = query.where(Item.batch_id == access.batch(session, actor, page.batch).id)
    if page.media_state is not None:
        query = query.where(Item.media_state == page.media_state)
    if page.reference_id is not None:
        query = query.where(Item.reference_id == page.reference_id)
    if page.split is not None:
        query = query.where(Item.split == page.split)
    if page.accepted is not None:
        query = query.where(Item.accepted_at.is_not(None) if page.accepted else Item.accepted_at.is_(None))
    if page.class_name is not None:
        wanted = ontology.class_by_name(session, project.id, page.class_name)
        counted = (LabelCount.project_id == project.id, LabelCount.class_id == wanted.id)
        query = query.join(LabelCount, LabelCount.item_id == Item.id).where(*counted)
    if page.after is not None:
        query = query.where(Item.id > cursor_of(page.after, 1)[0])
    rows = list(session.scalars(query.order_by(Item.id).limit(page.limit + 1)))
    shown = rows[: page.limit]
    following = cursor([shown[-1].id]) if len(rows) > page.limit else None
    return {"results": bodies.items(call, shown), "next": following}


@routes.post("/projects/{uid}/items", status_code=201, openapi_extra=struct_body("TaskLine"))
def create_item(
    call: Call,
    uid: UUID,
    raw: RawBody,
    batch: Annotated[str | None, Query(max_length=200, description="Uid or name.")] = None,
    job: Annotated[UUID | None, Query(description="A job; default: one per batch and workflow.")] = None,
    workflow: Annotated[str | None, Query(max_length=200, description="Uid, tag or name.")] = None,
) -> bodies.FiledBody:
    """File one thing to be labeled, by URL or as an upload, with labels to start from."""
    line: TaskLine = decode(raw, _decoder)
    where = Target(call, uid, batch, job, workflow)
    new, problems = new_task(line, where.project.kind, where.media([line]))
    problems += filing.check(new, where.project, where.ontology, where.job)
    if problems:
        raise Invalid(problems=problems)
    place = where.batch(line.batch)
    (filed,) = where.file(place, where.job_of(place), [new])
    return {"item": str(filed.item_uid), "task": str(filed.task_uid), "reference_id": filed.reference_id}


@routes.get("/items/{uid}")
def get_item(call: Call, uid: UUID) -> bodies.ItemFilesBody:
    """An item, with links to its files."""
    return bodies.item(call, access.item(call.session, call.actor, uid))


@routes.patch("/items/{uid}")
def change_item(call: Call, uid: UUID, body: ItemChange) -> bodies.ItemFilesBody:
    """Rename, move, tag an item, or take it into the dataset."""
    session, actor, given = call.session, call.actor, body.given()
    item = access.item(session, actor, uid, "manage")
    project = session.get_one(Project, item.project_id)
    if "batch" in given:
        items.move(session, project, [item.id], access.batch(session, actor, body.batch))
    if "tags" in given:
        items.set_tags(
            session, project, [item.id], add=body.tags, remove=[t for t in item.tags or [] if t not in body.tags]
        )
    if given.get("accepted") is False:
        items.withdraw(session, project, [item.id])
    elif "accepted" in given or "split" in given:
        items.accept(session, project, [item.id], body.split if "split" in given else None)
    for field in ("name", "meta"):
        if field in given:
            setattr(item, field, given[field])
    session.flush()
    session.refresh(item)
    return bodies.item(call, item)


@routes.delete("/items/{uid}")
def delete_item(call: Call, uid: UUID) -> None:
    """Delete an item with its labels and tasks, for good."""
    item = access.item(call.session, call.actor, uid, "manage")
    items.remove(call.session, call.session.get_one(Project, item.project_id), [item.id])
