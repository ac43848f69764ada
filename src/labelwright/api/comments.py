"""Comments on items."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from labelwright.api.bodies import work as bodies
from labelwright.api.forms import Form, Number, Text
from labelwright.api.paging import PageBody, PageQuery, cursor_of, cut
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.models.work import Comment
from labelwright.services import access, comments, tasks

routes = Routes(tags=["Comments"])
Words = Annotated[Text, Field(min_length=1, max_length=10_000)]
Fraction = Annotated[Number, Field(ge=0, le=1)]


class NewComment(Form):
    """What to say; pinned to an object, a frame, a place (fractions), in answer to a comment, or to nothing."""

    body: Words
    task: UUID | None = Field(None, strict=False)
    parent: UUID | None = Field(None, strict=False)
    object_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    frame: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    x: Fraction | None = None
    y: Fraction | None = None


class CommentChange(Form):
    """Other words, or whether its thread is settled."""

    body: Words = "-"
    resolved: bool = False


class CommentFilter(PageQuery):
    """Which comments."""

    resolved: bool | None = Field(None, description="Only settled threads, or only open ones.")


@routes.get("/items/{uid}/comments")
def list_comments(call: Call, uid: UUID, page: Annotated[CommentFilter, Query()]) -> PageBody[bodies.CommentBody]:
    """An item's comments, oldest first."""
    item = access.item(call.session, call.actor, uid)
    after = cursor_of(page.after, 1)[0] if page.after is not None else 0
    rows = [
        row for row, _ in comments.of_item(call.session, call.actor, item, resolved=page.resolved) if row.id > after
    ]
    return cut(rows[: page.limit + 1], page.limit, lambda row: bodies.comment(call.session, row), lambda row: [row.id])


@routes.post("/items/{uid}/comments", status_code=201)
def add_comment(call: Call, uid: UUID, body: NewComment) -> bodies.CommentBody:
    """Say something about an item."""
    session, actor = call.session, call.actor
    item = access.item(session, actor, uid)
    task = tasks.load(session, actor, body.task) if body.task is not None else None
    parent = comments.get(session, actor, body.parent) if body.parent is not None else None
    row = comments.add(
        session, actor, item, body.body, task=task, parent=parent, object_id=body.object_id, frame=body.frame,
        x=body.x, y=body.y,
    )  # fmt: skip
    return bodies.comment(session, row)


@routes.patch("/comments/{uid}")
def change_comment(call: Call, uid: UUID, body: CommentChange) -> bodies.CommentBody:
    """Put one's own comment in other words, or settle or reopen its thread."""
    given = body.given()
    row: Comment = comments.get(call.session, call.actor, uid)
    if "body" in given:
        comments.change(call.session, call.actor, row, body.body)
    if "resolved" in given:
        comments.resolve(call.session, call.actor, row, body.resolved)
    return bodies.comment(call.session, row)


@routes.delete("/comments/{uid}")
def delete_comment(call: Call, uid: UUID) -> None:
    """Delete a comment and the answers to it."""
    comments.delete(call.session, call.actor, comments.get(call.session, call.actor, uid))
