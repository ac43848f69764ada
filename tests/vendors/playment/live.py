"""A running server with projects for Playment's clients, and its unmodified package pointed at it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import playment
import playment.client_handler
import pytest
import requests

from tests.support.processes import LiveServer
from tests.vendors.playment.classes import CLASSES

TAG = "Maker-1"


@dataclass
class Site:
    """A live server, an image and a video project with a workflow of the tag `TAG`."""

    server: LiveServer
    images: str
    videos: str

    def renewed(self) -> Site:
        """The same server with fresh projects, for the next test."""
        return open_site(self.server)

    def get(self, path: str) -> Any:
        """`data` of a GET with the key."""
        return self.call("GET", path)["data"]

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The envelope of an answer."""
        headers = {"x-api-key": key or self.server.api_key}
        answer = requests.request(method, self.server.url + path, headers=headers, json=body, timeout=60)
        return answer.json()

    def own(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """A call of our own REST API; its body."""
        status, answer = self.server.request(method, "/api/v1" + path, body, key)
        assert status < 300, (status, path, answer)
        return answer

    def wait_for(self, condition: Any, seconds: float = 60) -> Any:
        """What `condition()` gives once it is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s; the server said:\n{self.server.process.output()[-3000:]}")


def open_site(server: LiveServer) -> Site:
    """A site with projects of its own."""
    uids = []
    for kind in ("image", "video"):
        body = {"name": f"Street {kind}s", "kind": kind, "classes": CLASSES}
        status, project = server.request("POST", "/api/v1/projects", body)
        assert status == 201, project
        status, workflow = server.request(
            "POST", f"/api/v1/projects/{project['uid']}/workflows", {"name": "Maker", "tag": TAG}
        )
        assert status == 201, workflow
        uids.append(project["uid"])
    return Site(server, *uids)


def pointed_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Way A of docs/vendors/playment.md: other addresses in the package's table."""
    table = playment.client_handler.urls
    there = type(table)(*(f"{url}/{address.split('://', 1)[1].split('/', 1)[1]}" for address in table))
    monkeypatch.setattr(playment.client_handler, "urls", there)
