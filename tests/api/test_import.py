"""Bulk import: many lines, some of them wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Floor, Person

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}


@pytest.fixture
def base(owner: Person) -> str:
    body = {"name": "Streets", "classes": [{"name": "car"}]}
    return f"/api/v1/projects/{owner.api.post('/api/v1/projects', json=body).json()['uid']}"


def line(number: int, **more: Any) -> dict[str, Any]:
    objects = [{"id": 1, "class": "car", "shape": BOX}]
    return {"url": f"https://example.org/{number}.jpg", "reference_id": f"r{number}", "objects": objects, **more}


def body(lines: list[Any]) -> bytes:
    return b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines)


def test_2500_lines_over_chunks_of_the_stream(owner: Person, base: str) -> None:
    whole = body([line(n, batch=f"b{n % 3}") for n in range(2500)])

    def stream() -> Iterator[bytes]:
        for start in range(0, len(whole), 70_001):  # cuts lines anywhere
            yield whole[start : start + 70_001]

    answer = owner.api.post(f"{base}/import", content=stream())
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"lines": 2500, "filed": 2500, "failed": 0, "errors": []}
    page = owner.api.get(f"{base}/items?limit=500&class=car").json()
    assert len(page["results"]) == 500
    assert {b["name"] for b in owner.api.get(f"{base}/batches").json()["results"]} == {
        "Default batch",
        "b0",
        "b1",
        "b2",
    }
    counts = [j["counts"]["total"] for j in owner.api.get("/api/v1/jobs").json()["results"]]
    assert sorted(counts) == [833, 833, 834]


def test_wrong_lines_are_named_and_left_out(owner: Person, base: str) -> None:
    lines: list[Any] = [
        line(1),
        b"{not json",
        b"",
        line(2, objects=[{"id": 1, "class": "cat", "shape": BOX}]),
        line(1),
        line(3, url="file:///etc/passwd"),
        line(4, colour="red"),
        line(5),
    ]
    report = owner.api.post(f"{base}/import", content=body(lines)).json()
    assert (report["lines"], report["filed"], report["failed"]) == (7, 2, 5)
    found = {error["line"]: error["problems"][0] for error in report["errors"]}
    assert sorted(found) == [2, 4, 5, 6, 7]
    assert found[2]["code"] == "not_json"
    assert found[4]["field"].startswith("objects[0]")
    assert found[5]["code"] == "duplicate"
    assert found[6]["field"] == "url"
    again = owner.api.post(f"{base}/import", content=body(lines)).json()
    assert (again["filed"], again["failed"]) == (0, 7)
    assert len(owner.api.get(f"{base}/items").json()["results"]) == 2


def test_nothing_is_read_from_those_who_may_not(floor: Floor, owner: Person, stranger: Person, base: str) -> None:
    bob = floor.member(owner, "bob@example.org", "annotator")
    for person, status in ((bob, 403), (stranger, 404)):
        answer = person.api.post(f"{base}/import", content=body([line(1)]))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert floor.client.post(f"{base}/import", content=body([line(1)])).status_code == 401
    unknown = owner.api.post(f"{base}/import?workflow=none", content=body([line(1)]))
    assert unknown.status_code == 404
    assert owner.api.get(f"{base}/items").json()["results"] == []


def test_an_empty_import(owner: Person, base: str) -> None:
    assert owner.api.post(f"{base}/import", content=b"\n\n").json()["lines"] == 0
