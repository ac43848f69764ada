"""Issues of a team: topics that come up on many items, and where they were seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Comment, IssueComment
from labelwright.services import access, issues
from labelwright.web import listing
from labelwright.web.pages.team import team_page
from labelwright.web.view import View

STATUSES = {"": "All", "open": "Open", "closed": "Closed"}
MOST = 200  # issues on the page
PLACES = 12  # items told of each


def index(view: View, uid: str) -> Response:
    """A team's issues, pinned ones first, then open ones, the newest first; what was said of each and on which items it was seen."""
    team = access.team(view.session, view.actor, uid)
    status = view.query.get("status", "")
    rows = [
        row
        for row in issues.of_team(view.session, view.actor, team.id)
        if status not in STATUSES or status in ("", row.status)
    ]
    shown = sorted(rows, key=lambda row: (not row.pinned, row.status == "closed", -row.id))[:MOST]
    ids = [row.id for row in shown]
    said: dict[int, list[IssueComment]] = {}
    for comment in view.session.scalars(
        select(IssueComment).where(IssueComment.issue_id.in_(ids)).order_by(IssueComment.id)
    ):
        said.setdefault(comment.issue_id, []).append(comment)
    seen = _seen(view, ids)
    people = {row.created_by for row in shown} | {c.author_id for many in said.values() for c in many}
    people |= {user for row in shown for user in row.assignees}
    return team_page(
        view, "issues.html", team, "issues", rows=shown, total=len(rows), said=said, seen=seen, most=PLACES,
        chosen=status, statuses=STATUSES, people=listing.by_id(view.session, User, people - {None}),
    )  # fmt: skip


def _seen(view: View, ids: list[int]) -> dict[int, list[Any]]:
    """The items (uid, name) on which issues were seen, by the issue's id; only of projects that the person sees."""
    visible = access.visible_projects(view.actor).with_only_columns(Project.id)
    query = (
        select(Comment.issue_id, Item.id, Item.uid, Item.name)
        .select_from(Comment)
        .join(Item, Item.id == Comment.item_id)
        .where(Comment.issue_id.in_(ids), Comment.project_id.in_(visible))
        .order_by(Comment.id)
    )
    found: dict[int, dict[int, Any]] = {}
    for row in view.session.execute(query):
        found.setdefault(row.issue_id, {}).setdefault(row.id, row)
    return {issue: list(rows.values()) for issue, rows in found.items()}
