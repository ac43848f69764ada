"""`/files/...`: stored files under signed, expiring links, with byte ranges; nothing in them is ever run as a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from labelwright.edge.context import Context
from labelwright.errors import Forbidden, Invalid, NotFound
from labelwright.services import renditions
from labelwright.storage.links import byte_range


def routes(context: Context) -> list[BaseRoute]:
    """The route of the links that `context.links` signs. A link is its own permission: no key or cookie is looked at."""

    def file(request: Request) -> Response:
        query = request.query_params
        try:
            link = context.links.verify(
                request.path_params["key"], query.get("type", ""), query.get("expires", ""), query.get("signature", "")
            )
            return _send(context, request, link.key, link.headers())
        except Forbidden as error:
            return PlainTextResponse(f"{error.message}\n", 403)
        except NotFound:
            return PlainTextResponse("The file is no longer there.\n", 404)

    return [Route("/files/{key:path}", file)]


def _send(context: Context, request: Request, key: str, headers: dict[str, str]) -> Response:
    size = _size(context, key)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range") if request.headers.get("if-range") in (None, headers["ETag"]) else None
    try:
        part = byte_range(asked, size)
    except Invalid as error:
        return PlainTextResponse(f"{error.message}\n", 416, {"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(context.store.stream(key, start, end), status, headers)


def _size(context: Context, key: str) -> int:
    """The file's length in bytes; a thumbnail or a smaller copy is made when it is first asked for."""
    try:
        return context.store.size(key)
    except NotFound:
        renditions.make(context.store, key, context.settings.max_pixels)
        return context.store.size(key)
