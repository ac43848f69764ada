"""Our own REST API, `/api/v1`."""

from labelwright.api.app import create_app

__all__ = ["create_app"]
