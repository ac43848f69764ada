"""Is it alive, can it serve, how is it doing: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from labelwright.db import ping
from labelwright.edge.context import Context
from labelwright.edge.front import Metrics
from labelwright.models.background import BackgroundTask
from labelwright.models.events import Delivery
from labelwright.models.items import ItemMedia

log = structlog.get_logger("labelwright.health")


def routes(context: Context, metrics: Metrics) -> list[BaseRoute]:
    """The three addresses. They tell nothing about any team; close `/metrics` at the proxy all the same."""
    waiting = Gauge("labelwright_waiting", "Work waiting to be done.", ["what"], registry=metrics.registry)

    def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(_request: Request) -> Response:
        try:
            with context.database.read() as session:
                ping(session)
        except SQLAlchemyError:
            log.exception("database does not answer")
            return PlainTextResponse("the database does not answer\n", status_code=503)
        return PlainTextResponse("ready\n")

    def numbers(_request: Request) -> Response:
        with context.database.read() as session:
            for what, table in (("media", ItemMedia), ("deliveries", Delivery)):
                # Both have a partial index on pending rows, so this reads only those.
                query = select(func.count()).select_from(table).where(table.state == "pending")
                waiting.labels(what).set(session.scalar(query) or 0)
            queued = select(func.count()).where(BackgroundTask.state.in_(("queued", "running")))
            waiting.labels("background").set(session.scalar(queued) or 0)
        return Response(generate_latest(metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]
