"""Projects, their ontology, workflows and batches."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import select

from labelwright.api.bodies import projects as bodies
from labelwright.api.forms import Count, Form, Long, Name, Short
from labelwright.api.paging import PageBody, PageQuery, by_id
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.errors import NotFound
from labelwright.models.projects import Attribute, Batch, LabelClass, Project, Workflow
from labelwright.services import access, batches, ontology, projects, workflows

routes = Routes()
ShapeKind = Literal[
    "rectangle", "oriented_rectangle", "polygon", "polyline", "point", "landmarks", "skeleton", "cuboid", "mask"
]
AttributeKind = Literal["flag", "text", "number", "one_of", "many_of"]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Options = Annotated[list[Name], Field(max_length=10_000)]


class ClassAttribute(Form):
    """An attribute of objects."""

    name: Name
    kind: AttributeKind = "text"
    display_name: Short = ""
    options: Options = []
    required: bool = False
    mutable: bool = True
    default: Any = None


class NewAttribute(ClassAttribute):
    """An attribute to be made. `classes` null: of every class."""

    scope: Literal["item", "object", "frame"] = "object"
    classes: list[Name] | None = None


class NewClass(Form):
    """A class to be made; only `name` must be there. `shapes` empty: every kind. `attributes` become the class's own."""

    name: Name
    display_name: Short = ""
    shapes: list[ShapeKind] = []
    color: Color | Literal[""] = ""
    hotkey: Annotated[str, Field(max_length=20)] = ""
    skeleton: dict[str, Any] | None = None
    attributes: list[ClassAttribute] = []


class ClassChange(Form):
    """Changes of a class. `name` can change only while nothing is labeled with it."""

    name: Name = ""
    display_name: Short = ""
    shapes: list[ShapeKind] = []
    color: Color = "#000000"
    hotkey: Annotated[str, Field(max_length=20)] = ""
    skeleton: dict[str, Any] | None = None
    position: Count = 0


class AttributeChange(Form):
    """Changes of an attribute; its name, kind and scope stay, since data holds them."""

    display_name: Short = ""
    options: Options = []
    required: bool = False
    mutable: bool = True
    default: Any = None
    classes: list[Name] | None = None
    position: Count = 0


class NewProject(Form):
    """A project to be made, with a default batch and a workflow (label, then review)."""

    name: Name
    kind: Literal["image", "video"] = "image"
    workspace: Annotated[str, Field(max_length=100, description="Uid or slug; needed when you see several.")] | None = (
        None
    )
    description: Long = ""
    instructions: Long = ""
    settings: dict[str, Any] = {}
    classes: Annotated[list[NewClass], Field(max_length=2000)] = []


class ProjectChange(Form):
    """Changes of a project. `settings` are merged into the present ones."""

    name: Name = ""
    description: Long = ""
    instructions: Long = ""
    settings: dict[str, Any] = {}
    archived: bool = False


class WorkflowStep(Form):
    """A step. Targets are keys of other steps or `end`; `sample`: the share of tasks that enter a review step."""

    key: Annotated[str, Field(min_length=1, max_length=40)]
    kind: Literal["label", "review"]
    name: Short = ""
    on_done: Short = "end"
    on_accept: Short = "end"
    on_reject: Short = ""
    sample: Annotated[float, Field(ge=0, le=1)] = 1.0


Steps = Annotated[list[WorkflowStep], Field(min_length=1, max_length=50)]


class NewWorkflow(Form):
    """A workflow to be made; without steps: label, then review."""

    name: Name
    tag: Annotated[Short, Field(max_length=200)] = ""
    steps: Steps | None = None
    is_default: bool = False


class WorkflowChange(Form):
    """Changes of a workflow. A step with tasks in it cannot be taken away."""

    name: Name = ""
    tag: Annotated[Short, Field(max_length=200)] = ""
    steps: Steps = []
    is_default: bool = False
    archived: Literal[True] = True


class NewBatch(Form):
    """A batch to be made."""

    name: Name
    description: Long = ""
    parent: UUID | None = Field(None, strict=False)


class BatchChange(Form):
    """Changes of a batch."""

    name: Name = ""
    description: Long = ""


class ProjectFilter(PageQuery):
    """Which projects."""

    workspace: str | None = Field(None, max_length=100, description="Uid or slug.")
    kind: Literal["image", "video"] | None = None
    archived: bool = Field(False, description="Those put away instead of those in use.")


class BatchFilter(PageQuery):
    """Which batches."""

    name: str | None = Field(None, max_length=200)


@routes.get("/projects", tags=["Projects"])
def list_projects(call: Call, page: Annotated[ProjectFilter, Query()]) -> PageBody[bodies.ProjectBody]:
    """Projects you may see."""
    query = access.visible_projects(call.actor)
    query = query.where(Project.archived_at.is_not(None) if page.archived else Project.archived_at.is_(None))
    if page.workspace is not None:
        query = query.where(Project.workspace_id == access.workspace(call.session, call.actor, page.workspace).id)
    if page.kind is not None:
        query = query.where(Project.kind == page.kind)
    return by_id(call.session, query, Project.id, page, lambda p: bodies.project(call.session, p))


@routes.post("/projects", status_code=201, tags=["Projects"])
def create_project(call: Call, body: NewProject) -> bodies.ProjectBody:
    """Make a project."""
    workspace = _workspace(call, body.workspace)
    classes = ontology.parse_classes([c.model_dump() for c in body.classes])
    project = projects.create(
        call.session, call.actor, workspace, body.name, body.kind, classes,
        description=body.description, instructions=body.instructions, settings=body.settings,
    )  # fmt: skip
    return bodies.project(call.session, project)


@routes.get("/projects/{uid}", tags=["Projects"])
def get_project(call: Call, uid: UUID) -> bodies.ProjectBody:
    """A project."""
    return bodies.project(call.session, access.project(call.session, call.actor, uid))


@routes.patch("/projects/{uid}", tags=["Projects"])
def change_project(call: Call, uid: UUID, body: ProjectChange) -> bodies.ProjectBody:
    """Change a project, put it away (`archived`) or take it back into use."""
    project = access.project(call.session, call.actor, uid, "manage")
    changes = body.given()
    archived = changes.pop("archived", None)
    projects.change(call.session, project, **changes)
    if archived is not None:
        (projects.archive if archived else projects.unarchive)(call.session, project)
    return bodies.project(call.session, project)


@routes.delete("/projects/{uid}", tags=["Projects"])
def delete_project(call: Call, uid: UUID) -> None:
    """Delete a project with all its items and labels, for good."""
    projects.delete(call.session, access.project(call.session, call.actor, uid, "own"))


@routes.get("/projects/{uid}/ontology", tags=["Ontology"])
def get_ontology(call: Call, uid: UUID) -> bodies.OntologyBody:
    """A project's classes and attributes."""
    return bodies.ontology(call.session, access.project(call.session, call.actor, uid))


@routes.post("/projects/{uid}/classes", status_code=201, tags=["Ontology"])
def create_class(call: Call, uid: UUID, body: NewClass) -> bodies.ClassBody:
    """Add a class."""
    project = access.project(call.session, call.actor, uid, "manage")
    (entry,) = ontology.parse_classes([body.model_dump()])
    return bodies.label_class(ontology.add_class(call.session, project, entry))


@routes.patch("/projects/{uid}/classes/{class_uid}", tags=["Ontology"])
def change_class(call: Call, uid: UUID, class_uid: UUID, body: ClassChange) -> bodies.ClassBody:
    """Change a class."""
    project = access.project(call.session, call.actor, uid, "manage")
    row = _of_project(call, LabelClass, project, class_uid, "class")
    return bodies.label_class(ontology.change_class(call.session, project, row, **body.given()))


@routes.delete("/projects/{uid}/classes/{class_uid}", tags=["Ontology"])
def remove_class(call: Call, uid: UUID, class_uid: UUID) -> None:
    """Take a class away; refused while objects are labeled with it."""
    project = access.project(call.session, call.actor, uid, "manage")
    ontology.remove_class(call.session, project, _of_project(call, LabelClass, project, class_uid, "class"))


@routes.post("/projects/{uid}/attributes", status_code=201, tags=["Ontology"])
def create_attribute(call: Call, uid: UUID, body: NewAttribute) -> bodies.AttributeBody:
    """Add an attribute."""
    project = access.project(call.session, call.actor, uid, "manage")
    return bodies.attribute(ontology.add_attribute(call.session, project, ontology.AttributeInput(**body.model_dump())))


@routes.patch("/projects/{uid}/attributes/{attribute_uid}", tags=["Ontology"])
def change_attribute(call: Call, uid: UUID, attribute_uid: UUID, body: AttributeChange) -> bodies.AttributeBody:
    """Change an attribute."""
    project = access.project(call.session, call.actor, uid, "manage")
    row = _of_project(call, Attribute, project, attribute_uid, "attribute")
    return bodies.attribute(ontology.change_attribute(call.session, project, row, **body.given()))


@routes.delete("/projects/{uid}/attributes/{attribute_uid}", tags=["Ontology"])
def remove_attribute(call: Call, uid: UUID, attribute_uid: UUID) -> None:
    """Take an attribute away; values in documents stay."""
    project = access.project(call.session, call.actor, uid, "manage")
    ontology.remove_attribute(call.session, project, _of_project(call, Attribute, project, attribute_uid, "attribute"))


@routes.get("/projects/{uid}/workflows", tags=["Workflows"])
def list_workflows(call: Call, uid: UUID, page: Annotated[PageQuery, Query()]) -> PageBody[bodies.WorkflowBody]:
    """Workflows in use."""
    project = access.project(call.session, call.actor, uid)
    query = select(Workflow).where(Workflow.project_id == project.id, Workflow.archived_at.is_(None))
    return by_id(call.session, query, Workflow.id, page, lambda w: bodies.workflow(w, project))


@routes.post("/projects/{uid}/workflows", status_code=201, tags=["Workflows"])
def create_workflow(call: Call, uid: UUID, body: NewWorkflow) -> bodies.WorkflowBody:
    """Make a workflow."""
    project = access.project(call.session, call.actor, uid, "manage")
    steps = None if body.steps is None else [step.model_dump() for step in body.steps]
    row = workflows.create(call.session, project, body.name, body.tag, steps, default=body.is_default)
    return bodies.workflow(row, project)


@routes.get("/workflows/{uid}", tags=["Workflows"])
def get_workflow(call: Call, uid: UUID) -> bodies.WorkflowBody:
    """A workflow."""
    row = access.workflow(call.session, call.actor, uid)
    return bodies.workflow(row, call.session.get_one(Project, row.project_id))


@routes.patch("/workflows/{uid}", tags=["Workflows"])
def change_workflow(call: Call, uid: UUID, body: WorkflowChange) -> bodies.WorkflowBody:
    """Change a workflow, or take it out of use (`archived`)."""
    row = access.workflow(call.session, call.actor, uid, "manage")
    given = body.given()
    steps = [step.model_dump() for step in body.steps] if "steps" in given else None
    workflows.change(
        call.session, row, name=given.get("name"), tag=given.get("tag"), steps=steps, default=given.get("is_default")
    )
    if "archived" in given:
        workflows.archive(call.session, row)
    return bodies.workflow(row, call.session.get_one(Project, row.project_id))


@routes.get("/projects/{uid}/batches", tags=["Batches"])
def list_batches(call: Call, uid: UUID, page: Annotated[BatchFilter, Query()]) -> PageBody[bodies.BatchBody]:
    """Batches of a project."""
    project = access.project(call.session, call.actor, uid)
    query = select(Batch).where(Batch.project_id == project.id)
    if page.name is not None:
        query = query.where(Batch.name == page.name)
    return by_id(call.session, query, Batch.id, page, lambda b: bodies.batch(call.session, b, project))


@routes.post("/projects/{uid}/batches", status_code=201, tags=["Batches"])
def create_batch(call: Call, uid: UUID, body: NewBatch) -> bodies.BatchBody:
    """Make a batch."""
    project = access.project(call.session, call.actor, uid, "manage")
    parent = access.batch(call.session, call.actor, body.parent) if body.parent is not None else None
    row = batches.create(call.session, project, body.name, body.description, parent, call.actor.user_id)
    return bodies.batch(call.session, row, project)


@routes.get("/batches/{uid}", tags=["Batches"])
def get_batch(call: Call, uid: UUID) -> bodies.BatchBody:
    """A batch."""
    row = access.batch(call.session, call.actor, uid)
    return bodies.batch(call.session, row, call.session.get_one(Project, row.project_id))


@routes.patch("/batches/{uid}", tags=["Batches"])
def change_batch(call: Call, uid: UUID, body: BatchChange) -> bodies.BatchBody:
    """Rename or describe a batch."""
    row = access.batch(call.session, call.actor, uid, "manage")
    batches.change(call.session, row, **body.given())
    return bodies.batch(call.session, row, call.session.get_one(Project, row.project_id))


@routes.delete("/batches/{uid}", tags=["Batches"])
def delete_batch(call: Call, uid: UUID) -> None:
    """Delete an empty batch."""
    batches.remove(call.session, access.batch(call.session, call.actor, uid, "manage"))


def _workspace(call: Call, ref: str | None) -> Any:
    if ref is not None:
        return access.workspace(call.session, call.actor, ref, "manage")
    seen = call.session.scalars(access.visible_workspaces(call.actor).limit(2)).all()
    if len(seen) != 1:
        raise NotFound("Name the workspace (`workspace`: its uid or slug).")
    return seen[0]


def _of_project(call: Call, table: Any, project: Project, uid: UUID, what: str) -> Any:
    row = call.session.scalar(select(table).where(table.project_id == project.id, table.uid == uid))
    if row is None:
        raise NotFound(f"There is no such {what} in this project.")
    return row
