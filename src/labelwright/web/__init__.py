"""Server-rendered pages: addresses, handlers, templates and static files."""

from labelwright.web.app import create_app

__all__ = ["create_app"]
