"""The pages as an application, mounted at `/`: every address in one table."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from labelwright.edge.context import Context
from labelwright.errors import LabelwrightError
from labelwright.web import failures
from labelwright.web.pages import (
    activity,
    batches,
    dataset,
    exports,
    imports,
    issues,
    items,
    jobs,
    login_token,
    models,
    ontology,
    overview,
    projects,
    search,
    session,
    tasks,
    team,
    webhooks,
    work,
    workflows,
)
from labelwright.web.render import STATIC
from labelwright.web.view import Handler, handle

P = "/projects/{uid}"
PAGES: list[tuple[str, str, Handler]] = [
    ("GET", "/", session.start),
    ("POST", "/logout", session.logout),
    ("GET", "/work", work.index),
    ("POST", "/work/next", work.next_task),
    ("GET", "/work/{uid}", work.editor),
    ("GET", "/palette", search.results),
    ("GET", "/background", exports.background),
    ("GET", "/account", session.account),
    ("POST", "/account/name", session.rename),
    ("POST", "/account/password", session.change_password),
    ("POST", "/account/logout-everywhere", session.logout_everywhere),
    ("GET", "/auth-cli", login_token.show),
    ("POST", "/auth-cli", login_token.make),
    ("GET", "/team", team.index),
    ("GET", "/team/{uid}", team.members),
    ("POST", "/team/{uid}/members", team.add_member),
    ("POST", "/team/{uid}/members/{user_uid}", team.change_member),
    ("POST", "/team/{uid}/members/{user_uid}/remove", team.remove_member),
    ("POST", "/team/{uid}/members/{user_uid}/password", team.reset_password),
    ("GET", "/team/{uid}/issues", issues.index),
    ("GET", "/team/{uid}/keys", team.keys),
    ("GET", "/team/{uid}/keys/new", team.key_form),
    ("POST", "/team/{uid}/keys", team.create_key),
    ("POST", "/team/{uid}/keys/{key_uid}/revoke", team.revoke_key),
    ("GET", "/workspaces/new", projects.workspace_form),
    ("POST", "/workspaces", projects.create_workspace),
    ("GET", "/projects", projects.index),
    ("GET", "/projects/new", projects.project_form),
    ("POST", "/projects", projects.create),
    ("GET", P, overview.index),
    ("GET", P + "/settings", projects.settings),
    ("POST", P + "/settings", projects.save_settings),
    ("POST", P + "/archive", projects.archive),
    ("POST", P + "/delete", projects.delete),
    ("GET", P + "/connect", projects.connect),
    ("GET", P + "/ontology", ontology.show),
    ("GET", P + "/ontology/classes/new", ontology.class_form),
    ("POST", P + "/ontology/classes", ontology.save_class),
    ("GET", P + "/ontology/classes/{class_uid}", ontology.class_form),
    ("POST", P + "/ontology/classes/{class_uid}", ontology.save_class),
    ("POST", P + "/ontology/classes/{class_uid}/delete", ontology.delete_class),
    ("POST", P + "/ontology/order", ontology.order),
    ("GET", P + "/ontology/attributes/new", ontology.attribute_form),
    ("POST", P + "/ontology/attributes", ontology.save_attribute),
    ("GET", P + "/ontology/attributes/{attribute_uid}", ontology.attribute_form),
    ("POST", P + "/ontology/attributes/{attribute_uid}", ontology.save_attribute),
    ("POST", P + "/ontology/attributes/{attribute_uid}/delete", ontology.delete_attribute),
    ("GET", P + "/workflow", workflows.index),
    ("POST", P + "/workflow", workflows.save),
    ("GET", P + "/workflow/new", workflows.form),
    ("GET", P + "/workflow/{workflow_uid}", workflows.form),
    ("POST", P + "/workflow/{workflow_uid}", workflows.save),
    ("POST", P + "/workflow/{workflow_uid}/archive", workflows.archive),
    ("GET", P + "/batches", batches.index),
    ("POST", P + "/batches", batches.save),
    ("GET", P + "/batches/new", batches.form),
    ("GET", P + "/batches/{batch_uid}", batches.form),
    ("POST", P + "/batches/{batch_uid}", batches.save),
    ("POST", P + "/batches/{batch_uid}/delete", batches.delete),
    ("GET", P + "/models", models.index),
    ("POST", P + "/models", models.save),
    ("GET", P + "/models/new", models.form),
    ("GET", P + "/models/{model_uid}", models.form),
    ("POST", P + "/models/{model_uid}", models.save),
    ("POST", P + "/models/{model_uid}/switch", models.switch),
    ("POST", P + "/models/{model_uid}/delete", models.delete),
    ("GET", P + "/webhooks", webhooks.index),
    ("POST", P + "/webhooks", webhooks.save),
    ("GET", P + "/webhooks/new", webhooks.form),
    ("GET", P + "/webhooks/{webhook_uid}", webhooks.log),
    ("POST", P + "/webhooks/{webhook_uid}", webhooks.save),
    ("GET", P + "/webhooks/{webhook_uid}/edit", webhooks.form),
    ("POST", P + "/webhooks/{webhook_uid}/test", webhooks.test),
    ("POST", P + "/webhooks/{webhook_uid}/switch", webhooks.switch),
    ("POST", P + "/webhooks/{webhook_uid}/delete", webhooks.delete),
    ("POST", P + "/webhooks/{webhook_uid}/deliveries/{delivery_uid}", webhooks.redeliver),
    ("GET", P + "/items", items.index),
    ("POST", P + "/items/act", items.act),
    ("GET", "/items/{uid}", items.show),
    ("POST", "/items/{uid}/restore/{version}", items.restore),
    ("POST", "/items/{uid}/retry", items.retry),
    ("GET", P + "/tasks", tasks.index),
    ("POST", P + "/tasks/act", tasks.act),
    ("GET", P + "/review", tasks.grid),
    ("POST", P + "/review", tasks.judge),
    ("GET", P + "/jobs", jobs.index),
    ("POST", P + "/jobs", jobs.create),
    ("GET", P + "/jobs/new", jobs.form),
    ("GET", P + "/jobs/{job_uid}/edit", jobs.form),
    ("POST", P + "/jobs/{job_uid}", jobs.save),
    ("GET", "/jobs/{uid}", jobs.show),
    ("POST", "/jobs/{uid}/{verb}", jobs.act),
    ("GET", P + "/imports", imports.index),
    ("GET", P + "/imports/rows", imports.rows),
    ("GET", P + "/dataset", dataset.index),
    ("GET", P + "/dataset/classes", dataset.class_rows),
    ("GET", P + "/dataset/use", dataset.use),
    ("POST", P + "/dataset/items", dataset.add),
    ("POST", P + "/dataset/split", dataset.divide),
    ("GET", P + "/dataset/versions", dataset.version_rows),
    ("POST", P + "/dataset/versions", dataset.make),
    ("GET", P + "/dataset/versions/new", dataset.version_form),
    ("GET", P + "/dataset/versions/counts", dataset.version_counts),
    ("GET", P + "/dataset/versions/{number}/export", dataset.export_form),
    ("POST", P + "/dataset/versions/{number}/export", dataset.export),
    ("POST", P + "/dataset/versions/{number}/delete", dataset.delete),
    ("POST", P + "/dataset/versions/{number}/restore", dataset.restore),
    ("GET", P + "/exports", exports.index),
    ("POST", P + "/exports", exports.start),
    ("GET", P + "/exports/rows", exports.rows),
    ("GET", "/exports/{uid}", exports.download),
    ("GET", P + "/activity", activity.index),
]


class StaticAssets(StaticFiles):
    """Our own files; asked for with their content's hash (`?v=`) a browser keeps them for good."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        hashed = b"v=" in scope.get("query_string", b"")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


async def _login(request: Request) -> Response:
    """Nobody is signed in here yet, so this address opens its own transaction."""
    if request.method != "POST":
        return session.login_page(request)
    form = await request.form()
    email, password, target = (str(form.get(name) or "") for name in ("email", "password", "next"))
    return await run_in_threadpool(session.login, request, email, password, target)


def _routes() -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Mount("/static", StaticAssets(directory=STATIC)),
        Route("/login", _login, methods=["GET", "POST"]),
        Route(P + "/imports", imports.receive, methods=["POST"]),
    ]
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in PAGES:
        by_path.setdefault(path, {})[method] = handler
    # Fixed addresses before those with a parameter in the same place, whatever the order of the table.
    for path in sorted(by_path, key=lambda p: [(part.startswith("{"), part) for part in p.split("/")]):
        routes += [Route(path, handle(handler), methods=[method]) for method, handler in by_path[path].items()]
    return routes


def create_app(context: Context) -> Starlette:
    """The pages as an application to be mounted at `/`."""
    app = Starlette(
        routes=_routes(),
        exception_handlers={LabelwrightError: failures.known, HTTPException: failures.http, Exception: failures.bug},
    )
    app.state.context = context
    return app
