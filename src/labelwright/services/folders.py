"""Folders: named groups of a workspace's projects, nested as people like. They give no rights; a project is in one at most."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, Invalid, NotFound
from labelwright.models.identity import Workspace
from labelwright.models.projects import Folder, FolderProject, Project
from labelwright.services import access, events, names
from labelwright.services.access import Actor


def of_workspace(session: Session, workspace: Workspace) -> list[Folder]:
    """All folders of a workspace, oldest first."""
    return list(session.scalars(select(Folder).where(Folder.workspace_id == workspace.id).order_by(Folder.id)))


def find(session: Session, workspace: Workspace, ref: object) -> Folder:
    """A folder of the workspace by its uid. Raises `NotFound`."""
    uid = access.as_uid(ref)
    query = select(Folder).where(Folder.uid == uid, Folder.workspace_id == workspace.id)
    found = session.scalar(query) if uid is not None else None
    if found is None:
        raise NotFound(f"There is no folder {ref!r} in the workspace {workspace.slug!r}.")
    return found


def projects_in(session: Session, actor: Actor, folders: Sequence[Folder]) -> dict[int, list[Project]]:
    """For each folder (id) the projects in it that the actor may see; those in the trash are left out."""
    found: dict[int, list[Project]] = {folder.id: [] for folder in folders}
    query = (
        access.visible_projects(actor)
        .add_columns(FolderProject.folder_id)
        .join(FolderProject, FolderProject.project_id == Project.id)
        .where(FolderProject.folder_id.in_(found), Project.archived_at.is_(None))
        .order_by(Project.id)
    )
    for project, folder_id in session.execute(query):
        found[folder_id].append(project)
    return found


def names_of(session: Session, project_ids: Sequence[int]) -> dict[int, str]:
    """The name of the folder each of these projects is in, for those that are in one."""
    query = (
        select(FolderProject.project_id, Folder.name)
        .join(Folder, Folder.id == FolderProject.folder_id)
        .where(FolderProject.project_id.in_(project_ids))
    )
    return {project_id: name for project_id, name in session.execute(query)}


def create(session: Session, actor: Actor, workspace: Workspace, name: str, parent: Folder | None = None) -> Folder:
    """A new folder. Raises `Invalid` for a name that is empty or too long."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    if parent is not None and parent.workspace_id != workspace.id:
        raise NotFound("There is no such folder.")
    row = Folder(workspace_id=workspace.id, name=names.clean(name, "A folder"), parent_id=parent.id if parent else None)
    session.add(row)
    session.flush()
    _tell(session, actor, workspace, row, "made")
    return row


def rename(session: Session, actor: Actor, workspace: Workspace, folder: Folder, name: str) -> Folder:
    """Give a folder another name."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    folder.name = names.clean(name, "A folder")
    session.flush()
    _tell(session, actor, workspace, folder, "renamed")
    return folder


def remove(session: Session, actor: Actor, workspace: Workspace, folder: Folder) -> None:
    """Take a folder away: its projects are in none then, its folders move up to where it was."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    session.execute(update(Folder).where(Folder.parent_id == folder.id).values(parent_id=folder.parent_id))
    _tell(session, actor, workspace, folder, "deleted")
    session.delete(folder)
    session.flush()


def add(session: Session, actor: Actor, workspace: Workspace, folder: Folder, projects: Sequence[Project]) -> None:
    """Put projects of the workspace into a folder, out of whichever they were in."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    if any(project.workspace_id != workspace.id for project in projects):
        raise Invalid("A folder holds projects of its own workspace only.", field="projects")
    take_out(session, actor, workspace, projects)
    session.add_all(FolderProject(project_id=p.id, folder_id=folder.id) for p in {p.id: p for p in projects}.values())
    session.flush()
    _tell(session, actor, workspace, folder, "filled")


def take_out(
    session: Session, actor: Actor, workspace: Workspace, projects: Sequence[Project], folder: Folder | None = None
) -> None:
    """Take projects out of `folder` (None: of whichever they are in). Raises `Conflict` for one that is not in it."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    ids = {project.id: project for project in projects}
    which = FolderProject.project_id.in_(ids)
    if folder is not None:
        inside = set(
            session.scalars(select(FolderProject.project_id).where(which, FolderProject.folder_id == folder.id))
        )
        for project in projects:
            if project.id not in inside:
                raise Conflict(f"The project {project.name!r} is not in the folder {folder.name!r}.")
        _tell(session, actor, workspace, folder, "emptied")
    session.execute(delete(FolderProject).where(which))
    session.expire_all()


def _tell(session: Session, actor: Actor, workspace: Workspace, folder: Folder, what: str) -> None:
    data = {"workspace": str(workspace.uid), "folder": folder.name, "what": what}
    events.emit(session, "workspace.changed", team_id=workspace.team_id, actor=actor, data=data)
