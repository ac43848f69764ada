"""*Point your client here*: what the page offers to copy is run as it stands, with the vendors' real packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import LiveServer
from tests.vendors.roboflow import conftest as roboflow
from tests.vendors.supervisely import conftest as supervisely
from tests.web.test_browser import sign_in

pytestmark = pytest.mark.browser


def test_the_snippets_work_when_copied(live_server: LiveServer, page: Any, tmp_path: Path) -> None:
    body = {"name": "Harbour at night", "classes": [{"name": "car"}]}
    status, project = live_server.request("POST", "/api/v1/projects", body)
    assert status == 201, project
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/projects/{project['uid']}/connect")

    def code(key: str) -> str:
        text = page.locator(f"#code-{key}").inner_text()
        assert "YOUR_KEY" in text
        return text.replace("YOUR_KEY", live_server.api_key)

    def run(*command: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABELWRIGHT_", "PYTHON", "ROBOFLOW"))}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=tmp_path, stdin=subprocess.DEVNULL,
            env=kept | {"HOME": str(tmp_path), "NO_PROXY": "*"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert '"name":"Harbour at night"' in run("sh", "-c", code("api"))
    assert "total_jobs=0" in run(sys.executable, "-c", code("playment"))
    assert "Harbour at night" in run(str(roboflow.python()), "-c", code("roboflow"))
    assert "Harbour at night" in run(str(supervisely.python()), "-c", code("supervisely"))
