"""Issues of a team with their comments, and their instances: comments pinned to images and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from labelwright.db import now
from labelwright.errors import NotFound
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Comment, Issue
from labelwright.services import comments, issues
from labelwright.vendors.supervisely import ids, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

FIELDS = {"id": Field(read=ID), "name": Field(), "status": Field(), "createdBy": Field(read=ID)}
MOST = 500


def _json(ask: Ask, row: Issue, *, subs: bool = False) -> dict[str, Any]:
    maker = ask.session.get(User, row.created_by) if row.created_by else None
    body = {
        "id": row.id, "name": row.name, "status": row.status, "userLogin": maker.email if maker else None,
        "createdBy": row.created_by, "createdAt": wire.moment(row.created_at), "updatedAt": wire.moment(row.updated_at),
        "teamId": row.team_id, "isPinned": row.pinned, "isLocal": bool((row.extra or {}).get("local")),
        "assignees": [{"id": user} for user in row.assignees], "imageId": None, "imageName": None, "datasetId": None,
        "projectId": None,
    }  # fmt: skip
    if not subs:
        return body
    return body | {"subIssues": _records(ask, issues.instances(ask.session, row))}


def listed(ask: Ask) -> dict[str, Any]:
    """Issues of a team."""
    subs = ask.flag("withSubIssues", False)
    rows = issues.of_team(ask.session, ask.actor, ask.team().id)
    return listing.at_hand(ask, [_json(ask, row, subs=subs) for row in rows], FIELDS)


def info(ask: Ask) -> dict[str, Any]:
    """One issue."""
    return _json(ask, issues.get(ask.session, ask.actor, ask.whole("id")), subs=ask.flag("withSubIssues", False))


def add(ask: Ask) -> dict[str, Any]:
    """A new issue."""
    extra = {"local": True} if ask.flag("isLocal", False) else None
    row = issues.create(
        ask.session, ask.actor, ask.team().id, ask.text("name"), comment=ask.text("comment", ""),
        assignees=ask.wholes("assignees", [], most=MOST), extra=extra,
    )  # fmt: skip
    return {"id": row.id}


def edit(ask: Ask) -> dict[str, Any]:
    """Rename, close, open again or pin an issue."""
    row = issues.get(ask.session, ask.actor, ask.whole("id"), "label")
    issues.change(
        ask.session,
        ask.actor,
        row,
        name=ask.text("name", None),
        status=ask.text("status", None),
        pinned=ask.flag("isPinned", None),
    )
    return _json(ask, row)


def remove(ask: Ask) -> dict[str, Any]:
    """Delete an issue."""
    issues.delete(ask.session, ask.actor, issues.get(ask.session, ask.actor, ask.whole("id"), "label"))
    return {"success": True}


def add_comment(ask: Ask) -> dict[str, Any]:
    """Say something about an issue."""
    row = issues.get(ask.session, ask.actor, ask.whole("issueId"), "label")
    return _comment_json(ask, issues.add_comment(ask.session, ask.actor, row, ask.text("comment")))


def edit_comment(ask: Ask) -> dict[str, Any]:
    """Put one's own comment in other words."""
    return _comment_json(ask, issues.change_comment(ask.session, ask.actor, ask.whole("id"), ask.text("comment")))


def _comment_json(ask: Ask, row: Any) -> dict[str, Any]:
    author = ask.session.get(User, row.author_id) if row.author_id else None
    return {
        "id": row.id, "issueId": row.issue_id, "createdBy": row.author_id, "createdAt": wire.moment(row.created_at),
        "updatedAt": wire.moment(row.updated_at), "comment": row.body, "meta": {}, "links": [],
        "createdByUser": {"id": author.id, "login": author.email, "name": author.name} if author else None,
    }  # fmt: skip


# --- instances ----------------------------------------------------------------------------------------------------------


def add_instance(ask: Ask) -> dict[str, Any]:
    """Pin an issue to figures or images: a comment on each, which the editor shows where it is."""
    row = issues.get(ask.session, ask.actor, ask.whole("issueId"), "label")
    made = []
    for number, entry in enumerate(ask.list("bindings", most=MOST)):
        item, thing = _bound(ask, wire.object_of(entry, f"bindings[{number}]"), f"bindings[{number}]")
        if ask.project_of(item).team_id != row.team_id:
            raise Refused(400, f"bindings[{number}]: the image {item.id} is of another team than the issue.")
        x, y = _place(ask, item)
        comment = comments.add(ask.session, ask.actor, item, row.name, object_id=thing, x=x, y=y)
        comment.issue_id, comment.extra = row.id, {"supervisely": {"meta": ask.object("meta", {})}}
        made.append(comment)
    if not made:
        raise Refused(400, "bindings is empty: name the figures or images that the issue is about.")
    ask.session.flush()
    return {"id": made[0].id, "ids": [comment.id for comment in made]}


def _bound(ask: Ask, binding: dict[str, Any], at: str) -> tuple[Item, int | None]:
    field, value = binding.get("field"), binding.get("value")
    if field == "imageId":
        return ask.items([wire.whole(value, f"{at}.value")])[0], None
    if field != "figureId":
        raise Refused(400, f"{at}.field is figureId or imageId.")
    item_id, number = ids.split(wire.whole(value, f"{at}.value"))
    extra = wire.object_of(binding.get("extra") or {}, f"{at}.extra")
    if extra.get("figureImageId") not in (None, item_id):
        raise Refused(400, f"{at}: the figure {value} is not on the image {wire.short(extra['figureImageId'])}.")
    return ask.items([item_id])[0], number


def _place(ask: Ask, item: Item) -> tuple[float | None, float | None]:
    """The position in pixels as fractions; none when it lies outside of the picture."""
    position = wire.object_of(ask.object("meta", {}).get("position") or {}, "meta.position")
    left, top = position.get("left"), position.get("top")
    if not (isinstance(left, int | float) and isinstance(top, int | float) and item.width and item.height):
        return None, None
    x, y = left / item.width, top / item.height
    return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else (None, None)


def edit_instance(ask: Ask) -> dict[str, Any]:
    """Close an instance, open it again, or move it to another issue."""
    comment = comments.get(ask.session, ask.actor, ask.whole("id"))
    status = ask.text("status", None)
    if status not in (None, *issues.STATUSES):
        raise Refused(400, f"status is one of {', '.join(issues.STATUSES)}.")
    if ask.has("parentId"):
        row = issues.get(ask.session, ask.actor, ask.whole("parentId"), "label")
        if ask.session.get_one(Project, comment.project_id).team_id != row.team_id:
            raise Refused(400, "The issue is of another team.")
        comment.issue_id = row.id
    if status is not None:
        comments.resolve(ask.session, ask.actor, comment, status == "closed")
    if ask.has("meta"):
        comment.extra = {**(comment.extra or {}), "supervisely": {"meta": ask.object("meta")}}
    comment.updated_at = now()
    ask.session.flush()
    return {"id": comment.id}


def of_dataset(ask: Ask) -> list[dict[str, Any]]:
    """The issues seen on a dataset or a project, and their instances; comments made in our editor are instances too."""
    query = (
        select(Comment).join(Item, Item.id == Comment.item_id).where(Comment.parent_id.is_(None)).order_by(Comment.id)
    )
    if ask.has("datasetId"):
        batch: Batch = ask.batch()
        query = query.where(Comment.project_id == batch.project_id, Item.batch_id == batch.id)
    elif ask.has("projectId"):
        query = query.where(Comment.project_id == ask.project().id)
    else:
        raise Refused(400, "Send datasetId or projectId.")
    rows = list(ask.session.scalars(query))
    parents = {row.issue_id for row in rows} - {None}
    heads = ask.session.scalars(select(Issue).where(Issue.id.in_(parents)).order_by(Issue.id)).all()
    return [*(_json(ask, head) | {"bindings": []} for head in heads), *_records(ask, rows)]


def _records(ask: Ask, rows: Sequence[Comment]) -> list[dict[str, Any]]:
    session = ask.session
    items = {i.id: i for i in session.scalars(select(Item).where(Item.id.in_({r.item_id for r in rows})))}
    users = {u.id: u for u in session.scalars(select(User).where(User.id.in_({r.author_id for r in rows})))}
    found = []
    for row in rows:
        item, author = items[row.item_id], users.get(row.author_id or 0)
        binding: dict[str, Any] = {"field": "imageId", "value": item.id}
        if row.object_id is not None:
            binding = {
                "field": "figureId",
                "value": ids.join(item.id, row.object_id),
                "extra": {"figureImageId": item.id},
            }
        found.append({
            "id": row.id, "parentId": row.issue_id, "issueId": row.issue_id, "status": "closed" if row.resolved else "open",
            "name": row.body, "comment": row.body, "bindings": [binding], "imageId": item.id, "imageName": item.name,
            "datasetId": item.batch_id, "projectId": item.project_id, "createdBy": row.author_id,
            "userLogin": author.email if author else None, "createdAt": wire.moment(row.created_at),
            "updatedAt": wire.moment(row.updated_at), "meta": _meta(row, item),
        })  # fmt: skip
    return found


def _meta(row: Comment, item: Item) -> dict[str, Any]:
    kept = ((row.extra or {}).get("supervisely") or {}).get("meta")
    if kept is not None:
        return kept
    if row.x is None or row.y is None or not item.width or not item.height:
        return {}
    return {"position": {"left": row.x * item.width, "top": row.y * item.height}}


# --- guides -------------------------------------------------------------------------------------------------------------


def _guide(row: Project) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "description": row.instructions, "filePath": None, "createdAt": wire.moment(row.created_at),
        "updatedAt": wire.moment(row.updated_at), "createdBy": row.created_by, "teamId": row.team_id, "videoId": None,
        "disabledBy": None, "disabledAt": None,
    }  # fmt: skip


def guides(ask: Ask) -> dict[str, Any]:
    """Guides of a team: the instructions of its projects."""
    team = ask.team()
    query = select(Project).where(Project.team_id == team.id, Project.archived_at.is_(None), Project.instructions != "")
    if ask.actor.workspace_id is not None:
        query = query.where(Project.workspace_id == ask.actor.workspace_id)
    return listing.at_hand(
        ask, [_guide(row) for row in ask.session.scalars(query)], {"id": Field(read=ID), "name": Field()}
    )


def guide(ask: Ask) -> dict[str, Any]:
    """One guide."""
    row = ask.project("id")
    if not row.instructions:
        raise NotFound(f"There is no guide {row.id}.")
    return _guide(row)


METHODS: Methods = {
    "issues.list": Method(listed),
    "issues.info": Method(info),
    "issues.add": Method(add, write=True),
    "issues.editInfo": Method(edit, write=True),
    "issues.remove": Method(remove, write=True),
    "issues.comments.add": Method(add_comment, write=True),
    "issues.comments.editInfo": Method(edit_comment, write=True),
    "issues.sub-issue.add": Method(add_instance, write=True),
    "issues.sub-issue.editInfo": Method(edit_instance, write=True),
    "issues.dataset-issues.list": Method(of_dataset),
    "guides.list": Method(guides),
    "guides.info": Method(guide),
}
