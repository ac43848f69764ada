"""A running server with projects for Playment's clients, and its unmodified package pointed at it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playment
import playment.client_handler
import pytest
import requests

from tests.support.processes import LiveServer
from tests.vendors.playment.conftest import CLASSES

TAG = "Maker-1"


@dataclass
class Site:
    """A live server, an image and a video project with a workflow of the tag `TAG`."""

    server: LiveServer
    images: str
    videos: str

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


def open_site(server: LiveServer, folder: Path) -> Site:
    """Make the projects by command line, as an administrator would."""
    file = folder / "classes.json"
    file.write_text(json.dumps(CLASSES))
    uids = []
    for kind in ("image", "video"):
        project = server.cli("project", "create", f"Street {kind}s", "--kind", kind, "--classes", str(file))["uid"]
        server.cli("workflow", "create", "--project", project, "--name", "Maker", "--tag", TAG)
        uids.append(project)
    return Site(server, *uids)


def pointed_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Way A of docs/vendors/playment.md: other addresses in the package's table."""
    table = playment.client_handler.urls
    there = type(table)(*(f"{url}/{address.split('://', 1)[1].split('/', 1)[1]}" for address in table))
    monkeypatch.setattr(playment.client_handler, "urls", there)
