"""Models of the users' own that a project can ask."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from labelwright.errors import Invalid, NotFound
from labelwright.models.assist import ModelService
from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.services import access, model_services
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

ASKS = {"box": "A thing in a box", "point": "The thing at a point", "whole": "The whole picture"}


def index(view: View, uid: str) -> Response:
    """Models that this project can ask: its own and its workspace's."""
    project = project_of(view, uid, "manage")
    rows = model_services.of_project(view.session, project)
    return project_page(view, "models.html", project, "settings", page="models", models=rows, asks=ASKS)


def form(view: View, uid: str, model_uid: str = "") -> Response:
    """The dialog for a new or a present model."""
    project = project_of(view, uid, "manage")
    row = _model(view, project, model_uid) if model_uid else None
    lines = "\n".join(f"{theirs} = {ours}" for theirs, ours in (row.classes if row else {}).items())
    return view.part("_model_form.html", project, row=row, asks=ASKS, lines=lines)


def save(view: View, uid: str, model_uid: str = "") -> Response:
    """Make a model known, or change it. The header's value is kept when it is left empty."""
    project = project_of(view, uid, "manage")
    values = _values(view)
    if model_uid:
        model_services.change(view.session, view.actor, _model(view, project, model_uid), **values)
        return view.done(_url(project), "Saved.")
    workspace = view.session.get_one(Workspace, project.workspace_id)
    own = None if view.text("scope") == "workspace" else project
    row = model_services.create(view.session, view.actor, workspace, own, **values)
    return view.done(_url(project), f"{row.name} can be asked now.")


def switch(view: View, uid: str, model_uid: str) -> Response:
    """Pause or resume."""
    project = project_of(view, uid, "manage")
    row = _model(view, project, model_uid)
    model_services.change(view.session, view.actor, row, active=not row.active)
    return view.done(_url(project), f"{row.name} is asked again." if row.active else f"{row.name} is paused.")


def delete(view: View, uid: str, model_uid: str) -> Response:
    """Forget a model."""
    project = project_of(view, uid, "manage")
    row = _model(view, project, model_uid)
    name = row.name
    model_services.delete(view.session, view.actor, row)
    return view.done(_url(project), f"Deleted {name}.")


def _values(view: View) -> dict[str, Any]:
    values: dict[str, Any] = {name: view.text(name) for name in ("name", "url", "header_name", "header_value")}
    for name in ("seconds", "side"):
        text = view.text(name)
        if not text.isdigit():
            raise Invalid("Write a whole number.", field=name)
        values[name] = int(text[:9])
    return values | {"asks": view.texts("asks"), "classes": _classes(view.text("classes"))}


def _classes(text: str) -> dict[str, str]:
    """Lines `their name = our name` as a mapping."""
    found = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        theirs, separator, ours = (part.strip() for part in line.partition("="))
        if not separator or not theirs or not ours:
            raise Invalid("Write one line for each class: the model's name = the project's name.", field="classes")
        found[theirs] = ours
    return found


def _model(view: View, project: Project, uid: str) -> ModelService:
    row = access.model_service(view.session, view.actor, uid)
    if row.workspace_id != project.workspace_id or row.project_id not in (None, project.id):
        raise NotFound("There is no such model.")
    return row


def _url(project: Project) -> str:
    return url_of(project, "/models")
