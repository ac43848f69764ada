"""Everything below a path, handed to one application."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send


class Under(BaseRoute):
    """All requests for `path` and below. As Starlette's `Mount`, but for every path: its pattern stops at a line break,
    and a client that asks for one must still be answered in its vendor's own shape.

    `mounted`: the application sees paths relative to `path`; otherwise as they are."""

    def __init__(self, path: str, app: ASGIApp, *, mounted: bool = True) -> None:
        self.path = path
        self.app = app
        self.mounted = mounted

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for this place."""
        if scope["type"] not in ("http", "websocket"):
            return Match.NONE, {}
        path = scope["path"]
        if path != self.path and not path.startswith(self.path + "/"):
            return Match.NONE, {}
        child: dict[str, Any] = {"endpoint": self.app}
        if self.mounted and self.path:
            child["root_path"] = scope.get("root_path", "") + self.path
        return Match.FULL, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer."""
        await self.app(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Nothing here has a name."""
        raise NoMatchFound(name, path_params)
