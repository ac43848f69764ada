"""What the pages inside a project have in common."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from labelwright.models.identity import Team, Workspace
from labelwright.models.projects import Project
from labelwright.services import access
from labelwright.services.access import RIGHTS
from labelwright.web.view import View

# key, words, path under the project, the right it takes
TABS = (
    ("overview", "Overview", "", "view"),
    ("items", "Items", "/items", "view"),
    ("batches", "Batches", "/batches", "view"),
    ("jobs", "Jobs", "/jobs", "view"),
    ("tasks", "Tasks", "/tasks", "view"),
    ("review", "Review", "/review", "review"),
    ("dataset", "Dataset", "/dataset", "view"),
    ("ontology", "Ontology", "/ontology", "view"),
    ("workflow", "Workflow", "/workflow", "view"),
    ("imports", "Import", "/imports", "manage"),
    ("exports", "Exports", "/exports", "view"),
    ("activity", "Activity", "/activity", "view"),
    ("settings", "Settings", "/settings", "manage"),
)
WORDS = {key: words for key, words, _, _ in TABS}


def project_of(view: View, uid: str, right: str = "view") -> Project:
    """The project of an address. Raises `NotFound` or `Forbidden`."""
    return access.project(view.session, view.actor, uid, right)


def rights(view: View, team_id: int) -> dict[str, bool]:
    """What the actor may do in a team."""
    return {right: view.actor.may(right, team_id) for right in RIGHTS}


def project_page(
    view: View, template: str, project: Project, tab: str, crumbs: list[tuple[str, str]] | None = None, **context: Any
) -> Response:
    """A page inside a project, with its tabs; `crumbs`: (words, address) under the project."""
    may = rights(view, project.team_id)
    return view.page(
        template,
        section="projects",
        project=project,
        workspace=view.session.get_one(Workspace, project.workspace_id),
        team=view.session.get_one(Team, project.team_id),
        tabs=[(key, words, path) for key, words, path, right in TABS if may[right]],
        tab=tab,
        tab_words=WORDS[tab],
        may=may,
        crumbs=crumbs or [],
        **context,
    )


def url_of(project: Project, path: str = "") -> str:
    """Address of a page inside a project."""
    return f"/projects/{project.uid}{path}"
