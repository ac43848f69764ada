"""Items: the things to label."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import Field

from labelwright.api.bodies import items as bodies
from labelwright.api.forms import Form, Short, Text
from labelwright.api.imports import Target
from labelwright.api.lines import TaskLine, new_task
from labelwright.api.openapi import struct_body
from labelwright.api.routing import RawBody, Routes
from labelwright.api.structs import decode
from labelwright.edge.call import Call
from labelwright.errors import Invalid
from labelwright.models.projects import Project
from labelwright.services import access, filing, items

routes = Routes(tags=["Items"])
Tags = Annotated[list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=100)]
_decoder = msgspec.json.Decoder(TaskLine)


class ItemChange(Form):
    """Changes of an item. `tags` are replaced whole; `accepted` takes it into the dataset or out of it."""

    name: Annotated[Short, Field(min_length=1)] = ""
    batch: UUID = Field(UUID(int=0), strict=False)
    tags: Tags = []
    split: Literal["train", "valid", "test"] = "train"
    accepted: bool = True
    meta: Any = None


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
