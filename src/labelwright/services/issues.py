"""Issues: named topics of a team, open or closed, with comments of their own and instances pinned to items.

An instance is a comment on an item (`services.comments`) that names the issue."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Forbidden, Invalid, NotFound
from labelwright.models.identity import Membership
from labelwright.models.work import Comment, Issue, IssueComment
from labelwright.services import access
from labelwright.services.access import Actor

STATUSES = ("open", "closed")
LONGEST = 5000


def get(session: Session, actor: Actor, ref: int, right: str = "view") -> Issue:
    """An issue of a team in which the actor has the right. Raises `NotFound`."""
    row = session.get(Issue, ref)
    if row is None:
        raise NotFound(f"There is no issue {ref}.")
    access.require(actor, right, row.team_id, "issue")
    return row


def of_team(session: Session, actor: Actor, team_id: int) -> list[Issue]:
    """A team's issues, oldest first."""
    access.require(actor, "view", team_id, "team")
    return list(session.scalars(select(Issue).where(Issue.team_id == team_id).order_by(Issue.id)))


def create(
    session: Session, actor: Actor, team_id: int, name: str, *, comment: str = "", assignees: Collection[int] = (),
    extra: dict[str, Any] | None = None,
) -> Issue:  # fmt: skip
    """A new open issue, with a first comment when one is given. `assignees`: members of the team."""
    access.require(actor, "label", team_id, "team")
    row = Issue(team_id=team_id, name=_name(name), created_by=actor.user_id, assignees=list(assignees), extra=extra)
    known = select(Membership.user_id).where(Membership.team_id == team_id, Membership.user_id.in_(row.assignees))
    if missing := set(row.assignees) - set(session.scalars(known)):
        raise Invalid(f"The user {min(missing)} is not in this team.", field="assignees")
    session.add(row)
    session.flush()
    if comment.strip():
        add_comment(session, actor, row, comment)
    return row


def change(
    session: Session, actor: Actor, row: Issue, *, name: str | None = None, status: str | None = None, pinned: bool | None = None
) -> Issue:  # fmt: skip
    """Rename, close, open again or pin an issue."""
    access.require(actor, "label", row.team_id, "issue")
    if status not in (None, *STATUSES):
        raise Invalid(f"status is one of {', '.join(STATUSES)}.", field="status")
    row.name = row.name if name is None else _name(name)
    row.status = row.status if status is None else status
    row.pinned = row.pinned if pinned is None else pinned
    row.updated_at = now()
    session.flush()
    return row


def delete(session: Session, actor: Actor, row: Issue) -> None:
    """Delete an issue: one's own, any as a manager. What was said on items stays there."""
    access.require(actor, "label", row.team_id, "issue")
    if row.created_by != actor.user_id and not actor.may("manage", row.team_id):
        raise Forbidden("Only who made an issue may delete it.")
    session.execute(update(Comment).where(Comment.issue_id == row.id).values(issue_id=None))
    session.execute(delete_rows(IssueComment).where(IssueComment.issue_id == row.id))
    session.delete(row)
    session.flush()


def add_comment(session: Session, actor: Actor, row: Issue, body: str) -> IssueComment:
    """Say something about an issue as a whole."""
    access.require(actor, "label", row.team_id, "issue")
    comment = IssueComment(issue_id=row.id, author_id=actor.user_id, body=_text(body))
    session.add(comment)
    row.updated_at = now()
    session.flush()
    return comment


def change_comment(session: Session, actor: Actor, ref: int, body: str) -> IssueComment:
    """Put one's own comment in other words."""
    comment = session.get(IssueComment, ref)
    if comment is None:
        raise NotFound(f"There is no comment {ref}.")
    row = session.get_one(Issue, comment.issue_id)
    access.require(actor, "label", row.team_id, "comment")
    if comment.author_id != actor.user_id:
        raise Forbidden("Only its author may change a comment.")
    comment.body, comment.updated_at = _text(body), now()
    session.flush()
    return comment


def instances(session: Session, row: Issue) -> list[Comment]:
    """The comments on items that name an issue, oldest first."""
    return list(session.scalars(select(Comment).where(Comment.issue_id == row.id).order_by(Comment.id)))


def _name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > 300:
        raise Invalid("An issue needs a name of 1 to 300 characters.", field="name")
    return text


def _text(body: str) -> str:
    text = body.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(f"A comment has 1 to {LONGEST} characters.", field="body")
    return text
