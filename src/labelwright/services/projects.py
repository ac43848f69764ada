"""Projects: making one whole, changing its settings, archiving."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Invalid
from labelwright.models.identity import Workspace
from labelwright.models.projects import PROJECT_KINDS, Batch, FolderProject, Project
from labelwright.services import events, names, ontology, workflows
from labelwright.services.access import Actor, require
from labelwright.services.batches import DEFAULT_NAME
from labelwright.services.ontology import ClassInput
from labelwright.services.workspaces import slugify


class Settings(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a project may decide for itself.

    `review_own`: people may review their own work. `reasons`: what a rejection can be explained with.
    `semantic`: every pixel has exactly one class."""

    review_own: bool = False
    reasons: list[str] = msgspec.field(
        default_factory=lambda: ["Wrong class", "Missing object", "Loose outline", "Wrong attribute", "Not an object"]
    )
    semantic: bool = False


def settings_of(project: Project) -> Settings:
    """A project's settings, defaults filled in."""
    return msgspec.convert(project.settings or {}, Settings)


def create(
    session: Session,
    actor: Actor | None,
    workspace: Workspace,
    name: str,
    kind: str = "image",
    classes: list[ClassInput] | None = None,
    *,
    description: str = "",
    instructions: str = "",
    settings: dict[str, Any] | None = None,
) -> Project:
    """A new project with its default batch and a default workflow (label, then review). `actor` None: the command line."""
    if actor is not None:
        require(actor, "manage", workspace.team_id, "workspace")
    name = names.clean(name, "A project")
    if kind not in PROJECT_KINDS:
        raise Invalid(f"{kind!r} is not a kind of project; choose image or video.", field="kind")

    project = place(session, workspace, Project(
        team_id=workspace.team_id,
        workspace_id=workspace.id,
        name=name,
        kind=kind,
        description=description,
        instructions=instructions,
        settings=_checked(settings or {}),
        created_by=actor.user_id if actor else None,
    ))  # fmt: skip
    session.add(Batch(project_id=project.id, name=DEFAULT_NAME, is_default=True, created_by=project.created_by))
    for entry in classes or []:
        ontology.add_class(session, project, entry, tell=False)
    workflows.create(session, project, "Label and review", default=True, tell=False)
    events.emit(session, "project.created", team_id=project.team_id, project_id=project.id, actor=actor)
    return project


def place(session: Session, workspace: Workspace, project: Project) -> Project:
    """Put a project that is new, or comes from elsewhere, into a workspace, under a slug that is free there."""

    def taken(slug: str) -> bool:
        query = select(Project.id).where(Project.workspace_id == workspace.id, Project.slug == slug)
        return session.scalar(query) is not None

    with session.no_autoflush:
        project.slug = slugify(project.name, taken)
    project.workspace_id = workspace.id
    session.add(project)
    session.flush()
    return project


def move(session: Session, actor: Actor, project: Project, workspace: Workspace) -> Project:
    """Move a project into another workspace of its team; its slug may change, and it leaves its folder."""
    require(actor, "manage", project.team_id, "project")
    if workspace.team_id != project.team_id:
        raise Invalid(
            "A project stays in its team: its files and people are the team's. Make a copy in the other team instead."
        )
    if workspace.id != project.workspace_id:
        place(session, workspace, project)
        session.execute(delete_rows(FolderProject).where(FolderProject.project_id == project.id))
        _tell(session, "project.changed", project)
    return project


def change(session: Session, project: Project, **changes: Any) -> Project:
    """Change name, description, instructions or settings (given settings are merged into the present ones)."""
    for field in ("description", "instructions"):
        if changes.get(field) is not None:
            setattr(project, field, changes[field])
    if changes.get("name") is not None:
        project.name = names.clean(str(changes["name"]), "A project")
    if changes.get("settings") is not None:
        project.settings = _checked({**(project.settings or {}), **changes["settings"]})
    session.flush()
    _tell(session, "project.changed", project)
    return project


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        return msgspec.to_builtins(msgspec.convert(settings, Settings))
    except msgspec.ValidationError as error:
        raise Invalid(f"The settings are not valid: {error}", field="settings") from None


def archive(session: Session, project: Project) -> None:
    """Hide a project from lists; nothing is deleted."""
    project.archived_at = project.archived_at or now()
    session.flush()
    _tell(session, "project.archived", project)


def unarchive(session: Session, project: Project) -> None:
    """Bring an archived project back."""
    project.archived_at = None
    session.flush()
    _tell(session, "project.restored", project)


def delete(session: Session, project: Project) -> None:
    """Delete a project with all its items and labels, for good. Files shared by content stay until nobody needs them."""
    # Told first: its own events go with a project, and SQLite would give the highest one's id again, which followers
    # of the feed have passed.
    events.emit(session, "project.deleted", team_id=project.team_id, data={"name": project.name})
    session.delete(project)
    session.flush()


def _tell(session: Session, kind: str, project: Project) -> None:
    events.emit(session, kind, team_id=project.team_id, project_id=project.id)
