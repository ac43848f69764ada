"""Comments: what people say about an item, in threads, pinned to an object, a place or a frame; settled when done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.errors import Forbidden, Invalid, NotFound, Problem
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Comment, Task
from labelwright.services import access, events
from labelwright.services.access import Actor

LONGEST = 5000


def get(session: Session, actor: Actor, ref: access.Ref) -> Comment:
    """A comment by uid (or id) on an item the actor may see. Raises `NotFound`."""
    uid = access.as_uid(ref)
    if uid is not None:
        comment = session.scalar(select(Comment).where(Comment.uid == uid))
    else:
        comment = session.get(Comment, ref) if isinstance(ref, int) else None
    if comment is None:
        raise NotFound("There is no such comment.")
    access.item(session, actor, comment.item_id)
    return comment


def add(
    session: Session,
    actor: Actor,
    item: Item,
    body: str,
    *,
    task: Task | None = None,
    parent: Comment | None = None,
    object_id: int | None = None,
    frame: int | None = None,
    x: float | None = None,
    y: float | None = None,
) -> Comment:
    """Say something about an item; `x`, `y` are fractions of its width and height, given together or not at all.

    An answer to an answer joins the same thread and opens a settled one again."""
    project = session.get_one(Project, item.project_id)
    access.require(actor, "label", project.team_id, "item")
    _check(item, body, task, parent, object_id, frame, x, y)
    if parent is not None and parent.parent_id is not None:
        parent = session.get_one(Comment, parent.parent_id)
    comment = Comment(
        project_id=project.id, item_id=item.id, task_id=task.id if task else None, author_id=actor.user_id,
        parent_id=parent.id if parent else None, body=body.strip(), object_id=object_id, frame=frame, x=x, y=y,
    )  # fmt: skip
    session.add(comment)
    if parent is not None and parent.resolved:
        parent.resolved = False
    session.flush()
    _tell(session, "comment.added", project, comment, actor)
    return comment


def of_item(
    session: Session, actor: Actor, item: Item, *, resolved: bool | None = None
) -> list[tuple[Comment, User | None]]:
    """An item's comments with their authors, oldest first; only settled or open threads when asked."""
    project = session.get_one(Project, item.project_id)
    access.require(actor, "view", project.team_id, "item")
    query = select(Comment, User).outerjoin(User, User.id == Comment.author_id).where(Comment.item_id == item.id)
    rows: list[tuple[Comment, User | None]] = [(c, u) for c, u in session.execute(query.order_by(Comment.id))]
    if resolved is None:
        return rows
    threads = {comment.id for comment, _ in rows if comment.parent_id is None and comment.resolved == resolved}
    return [(comment, user) for comment, user in rows if (comment.parent_id or comment.id) in threads]


def resolve(session: Session, actor: Actor, comment: Comment, resolved: bool = True) -> Comment:
    """Mark a comment's whole thread as settled, or open it again."""
    project = session.get_one(Project, comment.project_id)
    access.require(actor, "label", project.team_id, "comment")
    first = comment if comment.parent_id is None else session.get_one(Comment, comment.parent_id)
    if first.resolved != resolved:
        first.resolved = resolved
        session.flush()
        _tell(session, "comment.resolved" if resolved else "comment.reopened", project, first, actor)
    return first


def change(session: Session, actor: Actor, comment: Comment, body: str) -> Comment:
    """Put one's own comment in other words."""
    project = session.get_one(Project, comment.project_id)
    access.require(actor, "label", project.team_id, "comment")
    if comment.author_id != actor.user_id:
        raise Forbidden("Only its author may change a comment.")
    comment.body = _text(body)
    session.flush()
    return comment


def delete(session: Session, actor: Actor, comment: Comment) -> None:
    """Delete a comment and the answers to it: one's own while nobody else has answered, any as a manager.

    The reason of a rejection stays: it belongs to the record of the work."""
    project = session.get_one(Project, comment.project_id)
    access.require(actor, "label", project.team_id, "comment")
    if comment.reason:
        raise Forbidden("This is the reason of a rejection; it cannot be deleted.")
    answered = select(func.count()).where(Comment.parent_id == comment.id, Comment.author_id != actor.user_id)
    own = comment.author_id == actor.user_id and not session.scalar(answered)
    if not own and not actor.may("manage", project.team_id):
        raise Forbidden("Only its author may delete a comment, and only before others have answered.")
    _tell(session, "comment.deleted", project, comment, actor)
    session.execute(delete_rows(Comment).where(Comment.parent_id == comment.id))
    session.delete(comment)
    session.flush()


def _check(
    item: Item, body: str, task: Task | None, parent: Comment | None, object_id: int | None, frame: int | None,
    x: float | None, y: float | None,
) -> None:  # fmt: skip
    _text(body)
    problems = []
    if task is not None and task.item_id != item.id:
        problems.append(Problem("This task is for another item.", "task"))
    if parent is not None and parent.item_id != item.id:
        problems.append(Problem("This comment is about another item.", "parent"))
    if (x is None) != (y is None) or any(v is not None and not 0 <= v <= 1 for v in (x, y)):
        problems.append(Problem("Give x and y together, each from 0 to 1.", "x"))
    if object_id is not None and not 1 <= object_id < 2**31:
        problems.append(Problem("An object id is a whole number from 1 on.", "object_id"))
    if frame is not None and not 0 <= frame < max(item.frames, 1):
        problems.append(Problem(f"A frame is 0 to {max(item.frames, 1) - 1}.", "frame"))
    if problems:
        raise Invalid(problems=problems)


def _text(body: str) -> str:
    text = body.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(f"A comment has 1 to {LONGEST} characters.", field="body")
    return text


def _tell(session: Session, kind: str, project: Project, comment: Comment, actor: Actor) -> None:
    data: dict[str, Any] = {"comment": str(comment.uid)}
    if kind == "comment.added":
        data["body"] = comment.body[:200]
    events.emit(
        session, kind, team_id=project.team_id, project_id=project.id, actor=actor,
        task=comment.task_id, item=comment.item_id, data=data,
    )  # fmt: skip
