"""The API's application: its routers, one line each."""

from __future__ import annotations

from fastapi import FastAPI

from labelwright import __version__
from labelwright.api import me, problems, projects, teams
from labelwright.edge.context import Context

ROUTERS = [
    me.routes,
    teams.routes,
    projects.routes,
]

DESCRIPTION = """
Sign in with an API key: `Authorization: Bearer KEY` (or `x-api-key: KEY`). Times are UTC in RFC 3339; coordinates are
fractions of an item's width and height. Lists answer `{"results": [...], "next": CURSOR}`: send `next` as `after`.
Creates take an `Idempotency-Key`. Every error is `application/problem+json` with a stable `code`.
"""


def create_app(context: Context) -> FastAPI:
    """The API as an application to be mounted at `/api/v1`."""
    app = FastAPI(
        title="Labelwright", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None,
        redirect_slashes=False, openapi_url="/openapi.json", root_path_in_servers=True,
    )  # fmt: skip
    app.state.context = context
    problems.install(app)
    for routes in ROUTERS:
        app.include_router(routes)
    return app
