"""Projects, ontology, workflows and batches as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from labelwright.models.identity import Workspace
from labelwright.models.projects import Attribute, Batch, LabelClass, Project, Workflow
from labelwright.services import ontology as ontologies
from labelwright.services import projects as services


class ProjectBody(TypedDict):
    """A project."""

    uid: str
    workspace: str
    name: str
    slug: str
    kind: str
    description: str
    instructions: str
    settings: dict[str, Any]
    ontology_version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class OpenClassBody(TypedDict):
    """A class as it is drawn with. `shapes` empty: every kind of shape."""

    name: str
    display_name: str
    shapes: list[str]
    color: str
    hotkey: str
    skeleton: dict[str, Any] | None


class ClassBody(OpenClassBody):
    """A class. `shapes` empty: every kind of shape."""

    uid: str
    position: int


class OpenAttributeBody(TypedDict):
    """An attribute as it is filled in. `classes` null: of every class."""

    name: str
    display_name: str
    kind: str
    scope: str
    classes: list[str] | None
    options: list[str]
    required: bool
    mutable: bool
    default: Any


class AttributeBody(OpenAttributeBody):
    """An attribute. `classes` null: of every class."""

    uid: str
    position: int


class OntologyBody(TypedDict):
    """A project's classes and attributes."""

    version: int
    classes: list[ClassBody]
    attributes: list[AttributeBody]


class WorkflowBody(TypedDict):
    """A workflow."""

    uid: str
    project: str
    name: str
    tag: str
    is_default: bool
    steps: list[dict[str, Any]]
    created_at: datetime
    archived_at: datetime | None


class BatchBody(TypedDict):
    """A batch."""

    uid: str
    project: str
    parent: str | None
    name: str
    description: str
    is_default: bool
    created_at: datetime
    updated_at: datetime


def project(session: Session, row: Project) -> ProjectBody:
    """A project."""
    return {
        "uid": str(row.uid),
        "workspace": str(session.get_one(Workspace, row.workspace_id).uid),
        "name": row.name,
        "slug": row.slug,
        "kind": row.kind,
        "description": row.description,
        "instructions": row.instructions,
        "settings": {
            f.name: getattr(services.settings_of(row), f.name) for f in msgspec.structs.fields(services.Settings)
        },
        "ontology_version": row.ontology_version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "archived_at": row.archived_at,
    }


def open_class(row: LabelClass) -> OpenClassBody:
    """A class, for whoever draws with it."""
    return {
        "name": row.name,
        "display_name": row.display_name,
        "shapes": row.shapes,
        "color": row.color,
        "hotkey": row.hotkey,
        "skeleton": row.skeleton,
    }


def label_class(row: LabelClass) -> ClassBody:
    """A class."""
    return {**open_class(row), "uid": str(row.uid), "position": row.position}


def open_attribute(row: Attribute) -> OpenAttributeBody:
    """An attribute, for whoever fills it in."""
    return {
        "name": row.name,
        "display_name": row.display_name,
        "kind": row.kind,
        "scope": row.scope,
        "classes": row.classes,
        "options": row.options,
        "required": row.required,
        "mutable": row.mutable,
        "default": row.default,
    }


def attribute(row: Attribute) -> AttributeBody:
    """An attribute."""
    return {**open_attribute(row), "uid": str(row.uid), "position": row.position}


def ontology(session: Session, row: Project) -> OntologyBody:
    """A project's ontology."""
    return {
        "version": row.ontology_version,
        "classes": [label_class(c) for c in ontologies.classes_of(session, row.id)],
        "attributes": [attribute(a) for a in ontologies.attributes_of(session, row.id)],
    }


def workflow(row: Workflow, of: Project) -> WorkflowBody:
    """A workflow."""
    return {
        "uid": str(row.uid),
        "project": str(of.uid),
        "name": row.name,
        "tag": row.tag,
        "is_default": row.is_default,
        "steps": row.steps,
        "created_at": row.created_at,
        "archived_at": row.archived_at,
    }


def batch(session: Session, row: Batch, of: Project) -> BatchBody:
    """A batch."""
    parent = session.get(Batch, row.parent_id) if row.parent_id is not None else None
    return {
        "uid": str(row.uid),
        "project": str(of.uid),
        "parent": str(parent.uid) if parent else None,
        "name": row.name,
        "description": row.description,
        "is_default": row.is_default,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
