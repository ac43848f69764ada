"""Puts the application together: the few shared things, the edges, and what surrounds them."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio.to_thread
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from labelwright import api, web, worker
from labelwright.db import Database
from labelwright.edge import files, health, logs
from labelwright.edge.context import Context
from labelwright.edge.front import BodyLimit, Front, Metrics, Named
from labelwright.edge.under import Under
from labelwright.settings import Settings
from labelwright.storage import Links, open_store
from labelwright.vendors.playment import routes as playment
from labelwright.vendors.roboflow import routes as roboflow
from labelwright.vendors.supervisely import routes as supervisely

# Threads that answer requests. Fewer than a database's connections, so that none waits for one.
THREADS = {"sqlite": 48, "postgresql": 32}


@dataclass(frozen=True)
class Vendor:
    """A vendor's API: how to build it, and the first path parts under which its unmodified clients look for it."""

    build: Callable[[Context], ASGIApp]
    roots: tuple[str, ...] = ()


# One line per vendor: served at /<name>, at its native roots, and at / for the hosts that settings name.
VENDORS: dict[str, Vendor] = {
    "playment": Vendor(playment.create_app, playment.ROOTS),
    "roboflow": Vendor(roboflow.create_app),
    "supervisely": Vendor(supervisely.create_app, supervisely.ROOTS),
}


def create_app(settings: Settings) -> Starlette:
    """The whole application for one process. The database must be migrated (`migrate.upgrade`) before."""
    store = open_store(settings)
    database = Database(settings.database_url, store)
    context = Context(
        settings=settings, database=database, store=store, links=Links(store), shapes=tuple(worker.SHAPES)
    )
    metrics = Metrics()
    logs.configure(settings.log_json)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS[
            "sqlite" if database.sqlite else "postgresql"
        ]
        # Documents are many small objects; at its usual threshold the collector takes a fifth of a bulk import.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        background = worker.prepare(settings, database, store) if settings.workers else None
        if background is not None:
            background.start_soon()
        yield
        if background is not None:
            await anyio.to_thread.run_sync(background.stop)
        database.close()

    app = Starlette(routes=_routes(context, metrics), lifespan=lifespan)
    app.state.context = context
    app.add_middleware(BodyLimit, most=settings.max_body_mb * 1_000_000)
    app.add_middleware(Front, metrics=metrics, https=settings.secure_cookies)
    return app


def _routes(context: Context, metrics: Metrics) -> list[BaseRoute]:
    vendors = {name: Named(name, vendor.build(context)) for name, vendor in VENDORS.items()}
    routes: list[BaseRoute] = [
        *health.routes(context, metrics),
        *files.routes(context),
        Under("/api/v1", Named("api", api.create_app(context))),
    ]
    for name, app in vendors.items():
        routes.append(Under(f"/{name}", app))
        routes += [Under(f"/{root}", app, mounted=False) for root in VENDORS[name].roots]
    routes.append(Under("", Named("web", web.create_app(context))))
    hosts = {host: vendors[name] for host, name in context.settings.hosts.items() if name in vendors}
    return [Under("", Hosts(hosts, Starlette(routes=routes)))] if hosts else routes


class Hosts:
    """Serves one vendor's API at the root for the host names that settings give it; files and health stay reachable."""

    def __init__(self, hosts: Mapping[str, ASGIApp], other: ASGIApp) -> None:
        self.hosts = hosts
        self.other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.other
        if scope["type"] == "http" and not scope["path"].startswith(("/files/", "/healthz", "/readyz")):
            host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
            app = self.hosts.get(host) or self.hosts.get(host.partition(":")[0]) or app
        await app(scope, receive, send)
