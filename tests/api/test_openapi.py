"""The description of the API, and the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelwright import asgi, settings
from labelwright.api.app import TAGS
from tests.api.conftest import Floor
from tests.support import serving


def test_the_document_is_whole(floor: Floor) -> None:
    answer = floor.client.get("/api/v1/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert "x-msgspec" not in answer.text
    names = set(document["components"]["schemas"])
    for reference in set(_references(document)):
        assert reference.removeprefix("#/components/schemas/") in names, reference
    tags, ids = {tag["name"] for tag in TAGS}, []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert set(operation["tags"]) <= tags, where
            assert operation["description"].strip(), where
            assert operation["responses"]["4XX"], where
            ids.append(operation["operationId"])
            good = [code for code in operation["responses"] if code.startswith("2")]
            assert good, where
            for code in good:
                content = operation["responses"][code].get("content", {}).get("application/json")
                assert content is None or content["schema"], f"{where} does not say what it answers"
            if method in ("post", "put", "patch") and "requestBody" in operation:
                (media,) = operation["requestBody"]["content"].values()
                assert media["schema"], where
    assert len(ids) == len(set(ids))
    save = document["components"]["schemas"]["Save"]["properties"]["put"]["items"]
    assert save == {"$ref": "#/components/schemas/LabelObject"}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


@pytest.fixture
def served(sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """The application on a real socket; its address."""
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    (tmp_path / "x.sqlite3").write_bytes(sqlite_template.read_bytes())
    app = asgi.create_app(settings.load({}, data=tmp_path / "data", database_url=url, workers=0))
    with serving.served(app) as address:
        yield address


@pytest.mark.browser
def test_the_page_works_offline(served: str, page: Any) -> None:
    foreign: list[str] = []
    refused: list[str] = []
    page.on(
        "request",
        lambda request: foreign.append(request.url) if not request.url.startswith((served, "data:", "blob:")) else None,
    )
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.goto(f"{served}/api/v1/docs")
    page.locator("text=Tasks").first.wait_for()
    page.locator("#operations-tag-Projects").click()
    page.locator("#operations-Projects-create_project").wait_for()
    assert foreign == []
    assert refused == [], json.dumps(refused)
