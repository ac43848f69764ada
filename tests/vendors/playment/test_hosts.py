"""Clients that cannot be changed at all: their host names, served by this server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from labelwright import asgi, settings
from tests.vendors.playment.conftest import Desk, a_desk


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """An application that answers as api.playment.io and api.playment.in."""
    environ = {"LABELWRIGHT_HOSTS": "api.playment.io=playment,api.playment.in=playment"}
    app = asgi.create_app(settings.load(environ, data=tmp_path / "data", database_url=database_url, workers=0))
    with TestClient(app, "https://api.playment.in", raise_server_exceptions=False) as client:
        yield a_desk(app, client)


def test_their_host_names_serve_their_api_at_the_root(desk: Desk) -> None:
    job = desk.data("POST", f"/projectsvc/projects/{desk.images}/jobs", desk.body())["job_id"]
    desk.client.base_url = "https://api.playment.io"
    told = desk.data("GET", f"/v0/projects/{desk.images}/jobs/{job}")
    assert told["build"].startswith("https://api.playment.io/v1/attachments/")
    assert desk.fetch(told["build"]).json()["data"]["image_url"]
    assert desk.code("GET", "/login") == "GE_0001"
    assert desk.code("GET", "/a%0Ab") == "GE_0001"
    assert desk.client.get("/healthz").status_code == 200
    assert desk.client.get("https://here.example.org/healthz").status_code == 200
