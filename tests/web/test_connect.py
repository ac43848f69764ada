"""*Point your client here*: what the page offers to copy is run as it stands, with the vendors' real packages."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import copied
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

    run = partial(copied.run, tmp_path)
    assert '"name":"Harbour at night"' in run("sh", "-c", code("api"))
    assert "total_jobs=0" in run(sys.executable, "-c", code("playment"))
    assert "Harbour at night" in run(str(roboflow.python()), "-c", code("roboflow"))
    assert "Harbour at night" in run(str(supervisely.python()), "-c", code("supervisely"))
