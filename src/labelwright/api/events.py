"""The feed of events, page by page and as a stream of server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

import anyio
import anyio.to_thread
import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import func, select
from starlette.responses import StreamingResponse

from labelwright.api.bodies import events as bodies
from labelwright.api.forms import Short
from labelwright.api.paging import PageBody, PageQuery, cursor, cursor_of
from labelwright.api.routing import ERRORS, Routes, StrictRoute
from labelwright.edge.call import Call, begin
from labelwright.edge.context import Context
from labelwright.errors import LabelwrightError
from labelwright.models.events import Event
from labelwright.models.projects import Project
from labelwright.services import access, events

routes = Routes(tags=["Events"])
streams = APIRouter(tags=["Events"], route_class=StrictRoute)
TICK = 1.0  # seconds between two looks at the table, shared by all streams of a process
PING = 15.0
LONGEST = 3600.0  # then the browser connects anew, with fresh rights


class EventFilter(PageQuery):
    """Which events. `order` newest: from the latest back; else from the oldest on, to be followed."""

    project: UUID | None = None
    item: UUID | None = None
    kind: list[Short] = Field([], max_length=60, description="Only these kinds; several may be given.")
    order: Literal["oldest", "newest"] = "oldest"


class EventPage(PageBody[bodies.EventBody]):
    """A page of events. `cursor`: where to go on later, given also on the last page."""

    cursor: str


@routes.get("/events")
def list_events(call: Call, page: Annotated[EventFilter, Query()]) -> EventPage:
    """What happened, in a project or in all you may see."""
    session, actor = call.session, call.actor
    project = access.project(session, actor, page.project) if page.project is not None else None
    place = cursor_of(page.after, 1)[0] if page.after is not None else None
    if page.item is not None or page.order == "newest":
        item = access.item(session, actor, page.item).id if page.item is not None else None
        rows = events.recent(session, actor, project, place, page.limit + 1, kinds=page.kind, item=item)
    else:
        rows = events.feed(session, actor, project, place or 0, page.limit + 1, kinds=page.kind, settled=True)
    shown = rows[: page.limit]
    here = cursor([shown[-1].id]) if shown else page.after or cursor([0])
    following = here if len(rows) > page.limit else None
    return {"results": bodies.events(session, shown), "next": following, "cursor": here}


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@streams.get(
    "/events/stream", operation_id="stream_events", responses=ERRORS, response_model=None, response_class=EventStream
)
async def stream_events(
    request: Request,
    project: UUID | None = None,
    after: Annotated[str | None, Query(max_length=400, description="A `cursor`; default: from now on.")] = None,
) -> StreamingResponse:
    """Events as they happen (server-sent events). `id` of each is a cursor, so a lost connection goes on where it ended."""
    context: Context = request.app.state.context
    place = request.headers.get("last-event-id") or after
    begin_at = await anyio.to_thread.run_sync(_start, context, request, project, place)
    request.scope["labelwright.streams"] = True
    ticker: Ticker = request.app.state.ticker
    content = _follow(context, request, project, begin_at, ticker)
    return EventStream(content, headers={"x-accel-buffering": "no"})


class Ticker:
    """Looks once a second which event is the latest, whatever the number of streams that ask."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = anyio.Lock()
        self._at = 0.0
        self._latest = 0

    async def latest(self) -> int:
        """Id of the latest event on this server, at most `TICK` seconds old."""
        async with self._lock:
            if time.monotonic() - self._at >= TICK:
                self._latest = await anyio.to_thread.run_sync(self._look)
                self._at = time.monotonic()
            return self._latest

    def _look(self) -> int:
        with self._context.database.read() as session:
            return session.scalar(select(func.max(Event.id))) or 0


def _start(context: Context, request: Request, project: UUID | None, place: str | None) -> int:
    with begin(context, request) as call:
        seen = _project(call, project)
        return cursor_of(place, 1)[0] if place else events.last_id(call.session, call.actor, seen)


def _project(call: Call, uid: UUID | None) -> Project | None:
    return access.project(call.session, call.actor, uid) if uid is not None else None


async def _follow(
    context: Context, request: Request, project: UUID | None, place: int, ticker: Ticker
) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    started = quiet_since = time.monotonic()
    checked, looks = 0, 0
    while time.monotonic() - started < LONGEST:
        latest = await ticker.latest()
        if latest > max(place, checked):
            try:
                found, lines = await anyio.to_thread.run_sync(_read, context, request, project, place)
            except LabelwrightError:
                return  # signed out, key revoked, project gone
            if lines:
                place, looks, quiet_since = found, 0, time.monotonic()
                yield lines
                continue
            # On PostgreSQL an event may be visible a moment before it is safe to pass: look a few times.
            looks += 1
            if looks >= 5:
                checked, looks = latest, 0
        if time.monotonic() - quiet_since >= PING:
            quiet_since = time.monotonic()
            yield b": still here\n\n"
        await anyio.sleep(TICK)


def _read(context: Context, request: Request, project: UUID | None, place: int) -> tuple[int, bytes]:
    with begin(context, request) as call:
        rows = events.feed(call.session, call.actor, _project(call, project), place, settled=True)
        lines = b"".join(
            b"id: %s\nevent: %s\ndata: %s\n\n"
            % (cursor([body["id"]]).encode(), body["kind"].encode(), msgspec.json.encode(body))
            for body in bodies.events(call.session, rows)
        )
        return (rows[-1].id if rows else place), lines
