"""The command palette: items, jobs, projects, people and actions in one list."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from starlette.responses import Response

from labelwright.errors import NotFound
from labelwright.models.identity import Membership, Team, User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job
from labelwright.services import access
from labelwright.web import words
from labelwright.web.listing import named
from labelwright.web.pages.common import TABS, url_of
from labelwright.web.view import View

EACH = 6


@dataclass
class Group:
    """Results of one sort: (icon, words, where it leads, a word on the right)."""

    title: str
    found: list[tuple[str, str, str, str]] = field(default_factory=list)


def results(view: View) -> Response:
    """What the words typed so far may mean."""
    text = view.query.get("q", "").strip()[:100]
    project = _project(view)
    groups = [_actions(view, text, project)]
    if text:
        groups += [_items(view, text, project), _jobs(view, text, project), _projects(view, text), _people(view, text)]
    return view.part("_palette.html", groups=[g for g in groups if g.found], text=text)


def _project(view: View) -> Project | None:
    try:
        return access.project(view.session, view.actor, view.query.get("project", ""))
    except NotFound:
        return None


def _actions(view: View, text: str, project: Project | None) -> Group:
    known = []
    if view.actor.teams("label"):
        known.append(("play", "My work", "/work", ""))
    known += [
        ("folder", "Projects", "/projects", ""),
        ("users", "Members and roles", "/team", ""),
        ("user", "Account", "/account", ""),
    ]
    if project is not None:
        known += [
            ("arrow-right", said, url_of(project, path), project.name)
            for _, said, path, right in TABS
            if view.actor.may(right, project.team_id)
        ]
    return Group("Go to", [entry for entry in known if text.lower() in entry[1].lower()])


def _items(view: View, text: str, project: Project | None) -> Group:
    """By reference id everywhere; by a part of the name in the project one is in, which keeps it quick."""
    seen = access.visible_projects(view.actor).with_only_columns(Project.id)
    query = select(Item).where(Item.project_id.in_(seen), Item.reference_id == text)
    found = list(view.session.scalars(query.limit(EACH)))
    if (uid := access.as_uid(text)) is not None:
        found += view.session.scalars(select(Item).where(Item.project_id.in_(seen), Item.uid == uid))
    if project is not None and len(found) < EACH:
        query = select(Item).where(Item.project_id == project.id, named(text)).order_by(Item.id.desc())
        found += [item for item in view.session.scalars(query.limit(EACH)) if item not in found]
    return Group(
        "Items", [("image", item.name, f"/items/{item.uid}", item.reference_id or "") for item in found[:EACH]]
    )


def _jobs(view: View, text: str, project: Project | None) -> Group:
    seen = access.visible_projects(view.actor).with_only_columns(Project.id)
    query = select(Job).where(Job.project_id == project.id if project else Job.project_id.in_(seen))
    found = view.session.scalars(
        query.where(Job.name.icontains(text, autoescape=True)).order_by(Job.id.desc()).limit(EACH)
    )
    return Group(
        "Jobs", [("briefcase", job.name, f"/jobs/{job.uid}", words.JOB_STATES[job.status][1]) for job in found]
    )


def _projects(view: View, text: str) -> Group:
    query = access.visible_projects(view.actor).where(Project.name.icontains(text, autoescape=True))
    found = view.session.scalars(query.order_by(Project.archived_at.isnot(None), Project.name).limit(EACH))
    return Group("Projects", [("folder", p.name, url_of(p), "archived" if p.archived_at else "") for p in found])


def _people(view: View, text: str) -> Group:
    like = User.name.icontains(text, autoescape=True) | User.email.icontains(text, autoescape=True)
    query = (
        select(User, Team)
        .join(Membership, Membership.user_id == User.id)
        .join(Team, Team.id == Membership.team_id)
        .where(Membership.team_id.in_(view.actor.teams()), like)
        .order_by(User.name)
        .limit(EACH)
    )
    return Group(
        "People", [("user", user.name, f"/team/{team.uid}", user.email) for user, team in view.session.execute(query)]
    )
