"""How dataset versions are shown: in lists, inside projects and in the trash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.errors import NotFound
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.services import access, versions
from labelwright.services.access import Actor
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.asking import Ask


def listed(session: Session, home: Workspace, found: Project) -> list[dict[str, Any]]:
    """The project's versions, newest first."""
    rows = versions.of_project(session, found)
    exports = versions.exports_of(session, rows)
    return [described(home, found, row, exports[row.id]) for row in rows]


def described(
    home: Workspace, found: Project, version: DatasetVersion, exports: dict[str, BackgroundTask]
) -> dict[str, Any]:
    """A version. `exports`: formats that can be downloaded at once; it is frozen when it is made, so never `generating`."""
    return {
        "id": f"{home.slug}/{found.slug}/{version.number}",
        "name": version.name,
        "created": wire.seconds(version.created_at),
        "images": version.images,
        "splits": version.splits,
        "preprocessing": version.settings.get("preprocessing") or {},
        "augmentation": version.settings.get("augmentation") or {},
        "classes": {c["name"]: number for number, c in enumerate(version.classes)},
        "exports": [name for name, row in exports.items() if row.state == "done" and not name.startswith(versions.OWN)],
        "generating": False,
        "progress": 1,
    }


def count(session: Session, found: Project) -> int:
    """How many versions the project has."""
    query = select(func.count()).select_from(DatasetVersion).where(DatasetVersion.project_id == found.id)
    return session.scalar(query.where(DatasetVersion.deleted_at.is_(None))) or 0


def trashed(session: Session, actor: Actor, home: Workspace) -> list[dict[str, Any]]:
    """Versions in the trash."""
    visible = access.visible_projects(actor).where(Project.workspace_id == home.id, Project.archived_at.is_(None))
    query = select(DatasetVersion, Project).join(Project, Project.id == DatasetVersion.project_id)
    rows = session.execute(
        query.where(
            DatasetVersion.deleted_at.is_not(None), Project.id.in_(visible.with_only_columns(Project.id))
        ).order_by(DatasetVersion.deleted_at.desc())
    )
    return [
        {"type": "version", "id": str(version.number), "name": version.name, "parentId": wire.short(project.uid),
         "parentUrl": project.slug, "url": f"{project.slug}/{version.number}",
         "deletedAt": wire.milliseconds(version.deleted_at)}
        for version, project in rows
    ]  # fmt: skip


def restore(ask: Ask, home: Workspace, ref: str, parent: str) -> dict[str, Any]:
    """Bring a version back. `parent`: its project's id or slug."""
    uid = access.as_uid(parent)
    which = Project.uid == uid if uid is not None else Project.slug == parent.rpartition("/")[2]
    query = access.visible_projects(ask.actor, "manage").where(Project.workspace_id == home.id, which)
    project = ask.session.scalar(query)
    if project is None or not ref.isdecimal() or len(ref) > 10:
        raise NotFound(f"There is no version {ref!r} in the trash.")
    found = versions.numbered(ask.session, project, int(ref), deleted=True)
    versions.set_deleted(ask.session, found, deleted=False)
    return {"restored": True, "type": "version", "id": ref}
