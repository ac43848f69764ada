"""How dataset versions are shown inside projects and the trash."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.services.access import Actor
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.wire import Refused


def listed(_session: Session, _home: Workspace, _found: Project) -> list[dict[str, Any]]:
    """The project's versions, newest first."""
    return []


def count(_session: Session, _found: Project) -> int:
    """How many versions the project has."""
    return 0


def trashed(_session: Session, _actor: Actor, _home: Workspace) -> list[dict[str, Any]]:
    """Versions in the trash."""
    return []


def restore(_ask: Ask, _home: Workspace, ref: str, _parent: str) -> dict[str, Any]:
    """Bring a version back."""
    raise Refused(404, f"There is no version {ref!r} in the trash.", "NotFoundError")
