"""The few things an edge shares, built once by `asgi.create_app` and handed to each edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labelwright.db import Database
from labelwright.settings import Settings
from labelwright.storage import Links, Store

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


@dataclass(frozen=True)
class Context:
    """What the edges share. `store`: files; `links`: signs addresses of files; `shapes`: names of what webhooks may speak; `touched` remembers when each API key was last noted as used."""

    settings: Settings
    database: Database
    store: Store
    links: Links
    shapes: tuple[str, ...] = ("labelwright",)
    touched: dict[int, float] = field(default_factory=dict)

    def base_url(self, request: HTTPConnection) -> str:
        """Address under which this caller reaches the server, without a slash at its end."""
        if self.settings.public_url:
            return self.settings.public_url
        return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
