"""Batches: named, possibly nested groups of items."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, Duplicate, NotFound
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.services import events, names

DEFAULT_NAME = "Default batch"


def create(
    session: Session,
    project: Project,
    name: str,
    description: str = "",
    parent: Batch | None = None,
    created_by: int | None = None,
) -> Batch:
    """A new batch. Raises `Duplicate` when its parent has one of that name; atomic among racing callers."""
    name = names.clean(name, "A batch")
    if parent is not None and parent.project_id != project.id:
        raise NotFound("There is no such batch.")
    row = Batch(project_id=project.id, parent_id=parent.id if parent else None, name=name,
                description=description, created_by=created_by)  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise Duplicate(f"There is a batch {name!r} already.") from None
    _tell(session, "batch.created", project, row)
    return row


def ensure(session: Session, project: Project, name: str, created_by: int | None = None) -> Batch:
    """The top batch of that name, made when it is not there; several callers at once get the same one."""
    found = by_name(session, project, name)
    if found is not None:
        return found
    try:
        return create(session, project, name, created_by=created_by)
    except Duplicate:
        found = by_name(session, project, name)
        if found is None:
            raise
        return found


def by_name(session: Session, project: Project, name: str) -> Batch | None:
    """The top batch of that name, or None."""
    return session.scalar(
        select(Batch).where(Batch.project_id == project.id, Batch.parent_id.is_(None), Batch.name == name.strip())
    )


def default_of(session: Session, project: Project) -> Batch:
    """The project's default batch."""
    return session.scalars(select(Batch).where(Batch.project_id == project.id, Batch.is_default)).one()


def of_project(session: Session, project: Project) -> list[Batch]:
    """All batches, oldest first."""
    return list(session.scalars(select(Batch).where(Batch.project_id == project.id).order_by(Batch.id)))


def change(session: Session, batch: Batch, *, name: str | None = None, description: str | None = None) -> Batch:
    """Rename or describe a batch."""
    if name is not None:
        name = names.clean(name, "A batch")
    try:
        with session.begin_nested():
            batch.name = name if name is not None else batch.name
            batch.description = batch.description if description is None else description
    except IntegrityError:
        raise Duplicate(f"There is a batch {name!r} already.") from None
    _tell(session, "batch.changed", session.get_one(Project, batch.project_id), batch)
    return batch


def remove(session: Session, batch: Batch) -> None:
    """Delete an empty batch."""
    if batch.is_default:
        raise Conflict("The default batch stays.")
    if session.scalar(select(Item.id).where(Item.batch_id == batch.id).limit(1)) is not None:
        raise Conflict("The batch holds items; move them first.", code="batch_in_use")
    if session.scalar(select(Batch.id).where(Batch.parent_id == batch.id).limit(1)) is not None:
        raise Conflict("The batch holds other batches; delete those first.", code="batch_in_use")
    session.delete(batch)
    session.flush()
    _tell(session, "batch.deleted", session.get_one(Project, batch.project_id), batch)


def _tell(session: Session, kind: str, project: Project, batch: Batch) -> None:
    data = {"batch": str(batch.uid), "name": batch.name}
    events.emit(session, kind, team_id=project.team_id, project_id=project.id, data=data)
