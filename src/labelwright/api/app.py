"""The API's application: its routers, one line each."""

from __future__ import annotations

from fastapi import FastAPI

from labelwright import __version__
from labelwright.api import (
    background,
    comments,
    datasets,
    docs_page,
    documents,
    events,
    help,
    imports,
    items,
    jobs,
    lists,
    me,
    media,
    models,
    openapi,
    problems,
    projects,
    tasks,
    teams,
    versions,
    webhooks,
)
from labelwright.api.lines import TaskLine
from labelwright.edge.context import Context
from labelwright.geometry.document import Document, LabelObject, Shape
from labelwright.services.helping import Helper

# The most called first: an address is looked for from the top.
ROUTERS = [
    tasks.routes,
    documents.routes,
    help.routes,
    lists.routes,
    items.routes,
    me.routes,
    comments.routes,
    jobs.routes,
    media.streams,
    media.routes,
    imports.streams,
    datasets.streams,
    datasets.routes,
    projects.routes,
    versions.routes,
    events.streams,
    events.routes,
    background.routes,
    background.streams,
    webhooks.routes,
    models.routes,
    models.streams,
    teams.routes,
]
TAGS = [
    {"name": "Account", "description": "Who you are."},
    {"name": "Teams", "description": "Teams, their people, workspaces and API keys."},
    {"name": "Projects", "description": "One ontology and the items labeled with it."},
    {"name": "Ontology", "description": "A project's classes and attributes."},
    {"name": "Workflows", "description": "Steps a task walks through."},
    {"name": "Batches", "description": "Named groups of items."},
    {"name": "Items", "description": "The things to label, one by one or by the million."},
    {"name": "Jobs", "description": "Sets of tasks handed to people."},
    {"name": "Tasks", "description": "One item in one job, walking through its workflow."},
    {"name": "Documents", "description": "The labels of an item, and every earlier state of them."},
    {"name": "Help while drawing", "description": "Outlines, masks and tracks found in the pictures themselves."},
    {"name": "Comments", "description": "What people said about an item."},
    {"name": "Datasets", "description": "Dataset formats, and taking datasets in."},
    {
        "name": "Dataset versions",
        "description": "What of a project is learned from: splits, classes, frozen versions and their downloads.",
    },
    {"name": "Exports", "description": "Datasets in standard formats."},
    {"name": "Background tasks", "description": "Long work, and how far it is."},
    {"name": "Models", "description": "Models of your own that the editor asks."},
    {"name": "Webhooks", "description": "Being told about events."},
    {"name": "Events", "description": "What happened."},
]
STRUCTS = {"Save": documents.Save, "TaskLine": TaskLine, "Document": Document, "LabelObject": LabelObject, "Shape": Shape,
           "TrackAsk": help.TrackAsk}  # fmt: skip
DESCRIPTION = """
Send an API key: `Authorization: Bearer KEY` (or `x-api-key: KEY`). Times are UTC in RFC 3339; coordinates are
fractions of an item's width and height. Lists answer `{"results": [...], "next": CURSOR}`: send `next` as `after`.
Creates take an `Idempotency-Key`. Every error is `application/problem+json` with a stable `code`.
"""


def create_app(context: Context) -> FastAPI:
    """The API as an application to be mounted at `/api/v1`."""
    app = FastAPI(
        title="Labelwright", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None,
        redirect_slashes=False, openapi_url="/openapi.json",
    )  # fmt: skip
    app.state.context = context
    app.state.helper = Helper(context.store)
    app.state.ticker = events.Ticker(context)
    problems.install(app)
    for routes in ROUTERS:
        app.include_router(routes)
    app.add_route("/docs", docs_page.docs, include_in_schema=False)
    app.openapi = lambda: openapi.document(app, TAGS, STRUCTS)  # type: ignore[method-assign]
    return app
