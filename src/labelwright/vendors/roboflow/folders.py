"""Folders of a workspace's projects, which this API calls groups."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from labelwright.models.identity import Workspace
from labelwright.models.projects import Folder, Project
from labelwright.services import access, folders
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.asking import Ask, project_of
from labelwright.vendors.roboflow.wire import Refused


def listed(ask: Ask) -> dict[str, Any]:
    """All folders, or the one that `groupId` names."""
    home, wanted = ask.workspace(), ask.query.get("groupId")
    rows = [folders.find(ask.session, home, wanted)] if wanted else folders.of_workspace(ask.session, home)
    return {"data": _described(ask, home, rows)}


def create(ask: Ask) -> Response:
    """A new folder, with projects in it when some are named."""
    home, body = ask.workspace("manage"), ask.body
    parent = wire.text(body, "parent_id", "parentId")
    above = folders.find(ask.session, home, parent) if parent else None
    made = folders.create(ask.session, ask.actor, home, wire.text(body, "name"), above)
    if body.get("projects"):
        folders.add(ask.session, ask.actor, home, made, _projects(ask, home))
    return wire.answer(_described(ask, home, [made])[0], 201)


def change(ask: Ask) -> dict[str, Any]:
    """Rename a folder."""
    home, found = _folder(ask)
    name = wire.text(ask.body, "name")
    if name:
        folders.rename(ask.session, ask.actor, home, found, name)
    return _described(ask, home, [found])[0]


def delete(ask: Ask) -> dict[str, Any]:
    """Take a folder away; its projects stay."""
    home, found = _folder(ask)
    folders.remove(ask.session, ask.actor, home, found)
    return {"deleted": True, "id": wire.short(found.uid)}


def add(ask: Ask) -> dict[str, Any]:
    """Put projects into a folder."""
    home, found = _folder(ask)
    folders.add(ask.session, ask.actor, home, found, _projects(ask, home))
    return _described(ask, home, [found])[0]


def take_out(ask: Ask) -> dict[str, Any]:
    """Take projects out of a folder."""
    home, found = _folder(ask)
    folders.take_out(ask.session, ask.actor, home, _projects(ask, home), found)
    return _described(ask, home, [found])[0]


def _folder(ask: Ask) -> tuple[Workspace, Folder]:
    home = ask.workspace("manage")
    return home, folders.find(ask.session, home, ask.params["group"])


def _projects(ask: Ask, home: Workspace) -> list[Project]:
    """The projects that the body names, each by slug, `<workspace>/<slug>` or id."""
    refs = wire.texts(ask.body, "projects")
    if len(refs) > 1000:
        raise Refused(400, "projects holds at most 1000 ids.")
    found = []
    for ref in refs:
        uid = access.as_uid(ref)
        if uid is not None:
            found.append(access.project(ask.session, ask.actor, uid))
        else:
            found.append(project_of(ask.session, ask.actor, home, ref.rpartition("/")[2]))
    return found


def _described(ask: Ask, home: Workspace, rows: list[Folder]) -> list[dict[str, Any]]:
    inside = folders.projects_in(ask.session, ask.actor, rows)
    above = {row.id: wire.short(row.uid) for row in folders.of_workspace(ask.session, home)}
    return [
        {
            "id": wire.short(row.uid), "name": row.name, "parent_id": above.get(row.parent_id or 0),
            "created": wire.seconds(row.created_at),
            "projects": [{"id": f"{home.slug}/{p.slug}", "name": p.name} for p in inside[row.id]],
        }
        for row in rows
    ]  # fmt: skip
