"""Models of the users' own, which the editor asks over HTTP; `docs/models.md` tells the protocol."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.forms import Form, Name, Short, Text
from labelwright.api.paging import PageBody, PageQuery, cursor_of, cut
from labelwright.api.routing import ERRORS, Routes, StrictRoute, respond
from labelwright.edge.call import Call, begin
from labelwright.errors import Conflict, Invalid
from labelwright.models.assist import ModelService
from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.services import access, model_services

routes = Routes(tags=["Models"])
streams = APIRouter(tags=["Models"], route_class=StrictRoute)
Asks = Annotated[list[Literal["box", "point", "whole"]], Field(min_length=1, max_length=3)]
Classes = Annotated[
    dict[Short, Short], Field(max_length=1000, description="The model's name of a class: the project's.")
]
Url = Annotated[Text, Field(min_length=8, max_length=2000)]
HeaderName = Annotated[Text, Field(max_length=100, description="Sent with each question, such as `Authorization`.")]
HeaderValue = Annotated[Text, Field(max_length=4000, description="Its value: kept secret, never shown again.")]
Seconds = Annotated[int, Field(ge=1, le=model_services.MOST_SECONDS)]
Side = Annotated[int, Field(ge=64, le=8192, description="The longest side, in pixels, of the picture it is sent.")]


class NewModel(Form):
    """Where a model is asked, for a `project` or for all of a `workspace`."""

    name: Name
    url: Url
    project: UUID | None = Field(None, strict=False)
    workspace: Short = ""
    asks: Asks = ["box", "point", "whole"]
    classes: Classes = {}
    header_name: HeaderName = ""
    header_value: HeaderValue = ""
    seconds: Seconds = 10
    side: Side = 1600


class ModelChange(Form):
    """Changes. The header's value stays as it is while it is left out; it must be sent again when the address moves to
    another server."""

    name: Name = ""
    url: Url = ""
    asks: Asks = ["box"]
    classes: Classes = {}
    header_name: HeaderName = ""
    header_value: HeaderValue = ""
    seconds: Seconds = 10
    side: Side = 1600
    active: bool = True


class ModelFilter(PageQuery):
    """Which models: those that a project can ask, those of a workspace and its projects, or all of yours."""

    project: UUID | None = None
    workspace: Annotated[str | None, Field(max_length=200, description="Uid or slug.")] = None


class ModelBody(TypedDict):
    """A model. `project` null: all of its workspace may ask it. `header_set`: whether a secret goes with each question."""

    uid: str
    workspace: str
    project: str | None
    name: str
    url: str
    asks: list[str]
    classes: dict[str, str]
    header_name: str
    header_set: bool
    seconds: int
    side: int
    active: bool
    created_at: datetime


class TriedBody(TypedDict):
    """How a try went: seconds until the answer, and how many objects it held."""

    seconds: float
    objects: int


@routes.get("/models")
def list_models(call: Call, page: Annotated[ModelFilter, Query()]) -> PageBody[ModelBody]:
    """Models of a project, of a workspace, or all that you may configure."""
    session, actor = call.session, call.actor
    if page.project is not None:
        rows = model_services.of_project(session, access.project(session, actor, page.project, "manage"))
    elif page.workspace is not None:
        rows = model_services.of_workspace(session, access.workspace(session, actor, page.workspace, "manage"))
    else:
        rows = model_services.of_actor(session, actor)
    after = cursor_of(page.after, 1)[0] if page.after is not None else 0
    rows = sorted((row for row in rows if row.id > after), key=lambda row: row.id)[: page.limit + 1]
    return cut(rows, page.limit, lambda row: body_of(session, row), lambda row: [row.id])


@routes.post("/models", status_code=201)
def create_model(call: Call, body: NewModel) -> ModelBody:
    """Make a model known. It is asked from then on wherever its project or workspace labels."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, body.project, "manage") if body.project is not None else None
    if project is None and not body.workspace:
        raise Invalid("Say whose: `project` or `workspace`.", field="project")
    place = project.workspace_id if project is not None else body.workspace
    workspace = access.workspace(session, actor, place, "manage")
    values = body.model_dump(exclude={"project", "workspace"})
    return body_of(session, model_services.create(session, actor, workspace, project, **values))


@routes.get("/models/{uid}")
def get_model(call: Call, uid: UUID) -> ModelBody:
    """A model."""
    return body_of(call.session, access.model_service(call.session, call.actor, uid))


@routes.patch("/models/{uid}")
def change_model(call: Call, uid: UUID, body: ModelChange) -> ModelBody:
    """Change, pause or resume a model."""
    row = access.model_service(call.session, call.actor, uid)
    return body_of(call.session, model_services.change(call.session, call.actor, row, **body.given()))


@routes.delete("/models/{uid}")
def delete_model(call: Call, uid: UUID) -> None:
    """Forget a model and its secret. What it found stays."""
    model_services.delete(call.session, call.actor, access.model_service(call.session, call.actor, uid))


@streams.post(
    "/models/{uid}/test", operation_id="test_model", response_model=None,
    responses={**ERRORS, 200: {"model": TriedBody}},
)  # fmt: skip
def test_model(request: Request, uid: UUID) -> Response:
    """Ask a model about a grey picture, to see whether it answers."""
    with begin(request.app.state.context, request, write=False) as call:
        row = access.model_service(call.session, call.actor, uid)
        if not row.active:
            raise Conflict(f"{row.name} is paused.", code="model_paused")
        asked, user = model_services.service(row), call.actor.user_id
    with request.app.state.helper.turns.take(user):
        seconds, objects = model_services.try_out(request.app.state.context.settings, asked)
    return respond({"seconds": seconds, "objects": objects})


def body_of(session: Session, row: ModelService) -> ModelBody:
    """A model as JSON: everything but its secret."""
    project = session.get_one(Project, row.project_id) if row.project_id else None
    return {
        "uid": str(row.uid),
        "workspace": str(session.get_one(Workspace, row.workspace_id).uid),
        "project": str(project.uid) if project else None,
        "name": row.name,
        "url": row.url,
        "asks": row.asks,
        "classes": row.classes,
        "header_name": row.header_name,
        "header_set": bool(row.header_value),
        "seconds": row.seconds,
        "side": row.side,
        "active": row.active,
        "created_at": row.created_at,
    }
