"""Projects: the list, making one, settings, and pointing clients here."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.errors import Invalid
from labelwright.models.identity import Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import access, folders, ontology, projects, workspaces
from labelwright.services.projects import settings_of
from labelwright.web import clients, progress
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.pictures import strips
from labelwright.web.view import View

KINDS = (("image", "Images"), ("video", "Videos and frame sequences"))
# Names of templates a project can start with: a class for each, so that nobody starts at a blank page.
STARTERS = {
    "": ("Nothing; I add classes myself", []),
    "boxes": ("One class with boxes", [{"name": "object", "display_name": "Object", "shapes": ["rectangle"]}]),
    "street": (
        "Street scenes: car, person, road, lane",
        [
            {"name": "car", "display_name": "Car", "shapes": ["rectangle", "cuboid"]},
            {"name": "person", "display_name": "Person", "shapes": ["rectangle", "polygon"]},
            {"name": "road", "display_name": "Road", "shapes": ["polygon", "mask"]},
            {"name": "lane", "display_name": "Lane", "shapes": ["polyline"]},
        ],
    ),
}


def index(view: View) -> Response:
    """All projects the actor may see, by workspace."""
    archived = view.query.get("archived") == "1"
    query = access.visible_projects(view.actor).order_by(Project.id.desc())
    rows = list(
        view.session.scalars(
            query.where(Project.archived_at.isnot(None) if archived else Project.archived_at.is_(None))
        )
    )
    ids = [row.id for row in rows]
    spaces = list(view.session.scalars(access.visible_workspaces(view.actor).order_by(Workspace.name)))
    grouped = [(space, [row for row in rows if row.workspace_id == space.id]) for space in spaces]
    return view.page(
        "projects.html",
        section="projects",
        groups=[(space, found) for space, found in grouped if found],
        progress=progress.of_projects(view.session, ids),
        items=_item_counts(view, ids),
        strips=strips(view, ids),
        folders=folders.names_of(view.session, ids),
        archived=archived,
        can_create=bool(view.actor.teams("manage")) and bool(spaces),
        url_of=url_of,
    )


def project_form(view: View) -> Response:
    """The dialog for a new project."""
    spaces = access.visible_workspaces(view.actor).where(Workspace.team_id.in_(view.actor.teams("manage")))
    starters = [(key, name) for key, (name, _) in STARTERS.items()]
    return view.part("_project_form.html", spaces=list(view.session.scalars(spaces)), kinds=KINDS, starters=starters)


def create(view: View) -> Response:
    """Make a project."""
    space = access.workspace(view.session, view.actor, view.text("workspace"), "manage")
    _, classes = STARTERS.get(view.text("starter"), STARTERS[""])
    project = projects.create(
        view.session,
        view.actor,
        space,
        view.text("name"),
        view.text("kind"),
        ontology.parse_classes(classes),
        description=view.text("description"),
    )
    return view.done(url_of(project, "/ontology"), f"Made the project {project.name}. Next: its classes.")


def workspace_form(view: View) -> Response:
    """The dialog for a new workspace."""
    return view.part(
        "_workspace_form.html", teams=[access.team(view.session, view.actor, t) for t in view.actor.teams("manage")]
    )


def create_workspace(view: View) -> Response:
    """Make a workspace."""
    team = access.team(view.session, view.actor, view.text("team"), "manage")
    space = workspaces.create(view.session, view.actor, team, view.text("name"))
    return view.done("/projects", f"Made the workspace {space.name}.")


def settings(view: View, uid: str) -> Response:
    """Name, instructions, rules."""
    project = project_of(view, uid, "manage")
    return project_page(view, "settings.html", project, "settings", page="general", settings=settings_of(project))


def save_settings(view: View, uid: str) -> Response:
    """Change them."""
    project = project_of(view, uid, "manage")
    reasons = list(dict.fromkeys(line.strip() for line in view.text("reasons").splitlines() if line.strip()))
    projects.change(
        view.session,
        project,
        name=view.text("name"),
        description=view.text("description"),
        instructions=view.text("instructions"),
        settings={"review_own": view.flag("review_own"), "semantic": view.flag("semantic"), "reasons": reasons},
    )
    return view.done(url_of(project, "/settings"), "Saved.")


def archive(view: View, uid: str) -> Response:
    """Put the project away, or take it back into use."""
    project = project_of(view, uid, "manage")
    back = project.archived_at is not None
    (projects.unarchive if back else projects.archive)(view.session, project)
    words = "is in use again." if back else "is archived; nothing was deleted."
    return view.done(url_of(project, "/settings") if back else "/projects", f"{project.name} {words}")


def delete(view: View, uid: str) -> Response:
    """Delete a project with everything in it, after its name was typed."""
    project = project_of(view, uid, "own")
    if view.text("name") != project.name:
        raise Invalid("Type the project's name exactly to delete it.", field="name")
    projects.delete(view.session, project)
    return view.done("/projects", f"Deleted the project {project.name}.")


def connect(view: View, uid: str) -> Response:
    """How each vendor's client is pointed at this server, ready to copy."""
    project = project_of(view, uid, "manage")
    space = view.session.get_one(Workspace, project.workspace_id)
    snippets = clients.snippets(view.call.base_url, project, space)
    return project_page(view, "connect.html", project, "settings", page="connect", snippets=snippets)


def _item_counts(view: View, ids: list[int]) -> dict[int, int]:
    query = select(Item.project_id, func.count()).where(Item.project_id.in_(ids)).group_by(Item.project_id)
    return {project: count for project, count in view.session.execute(query)} if ids else {}
