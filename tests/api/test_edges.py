"""Every edge answers every kind of error in its own shape; requests of other sites are refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.models.identity import Team, User
from labelwright.services import identity
from labelwright.vendors.playment import routes as playment
from labelwright.web.app import PAGES
from tests.api.conftest import Floor, Person

UID = "01a20092-5782-7146-9ce4-df6beaf33817"


def is_problem(answer: Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["code"]
    assert body["title"]
    assert len(body["detail"]) > 10
    assert body["type"] == f"urn:labelwright:problem:{body['code']}"


def is_envelope(answer: Response) -> None:
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["code"]
    assert body["error"]["message"]


def is_page(answer: Response) -> None:
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    assert "</" in answer.text


Shape = Callable[[Response], None]


def api_routes(floor: Floor) -> list[tuple[str, str]]:
    paths = floor.client.get("/api/v1/openapi.json").json()["paths"]
    return [(method.upper(), f"/api/v1{path}") for path, operations in paths.items() for method in operations]


def page_routes(_floor: Floor) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in PAGES]


def playment_routes(_floor: Floor) -> list[tuple[str, str]]:
    return [(method, f"/playment{path}") for method, paths in playment.ROWS.values() for path in paths]


EDGES: dict[str, tuple[Callable[[Floor], list[tuple[str, str]]], Shape, str]] = {
    "api": (api_routes, is_problem, "/api/v1/nothing/here"),
    "playment": (playment_routes, is_envelope, "/playment/v1/nothing/here"),
    "web": (page_routes, is_page, "/nothing/here"),
}


def filled(path: str) -> str:
    for name in ("version", "verb", "name"):
        path = path.replace(f"{{{name}}}", "1")
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + UID + rest.partition("}")[2]
    return path


def signed_in(floor: Floor, owner: Person) -> TestClient:
    with floor.database.write() as session:
        user = session.query(User).filter_by(email=owner.email).one()
        token = identity.sign_in(session, user)
    return floor.client_with(cookie=f"labelwright={token}", **{"sec-fetch-site": "same-origin", "x-api-key": owner.key})


@pytest.mark.parametrize("edge", EDGES)
def test_unknown_addresses_and_methods(floor: Floor, owner: Person, edge: str) -> None:
    routes, shape, nothing = EDGES[edge]
    client = signed_in(floor, owner)
    missing = client.get(nothing)
    assert missing.status_code in (400, 404)
    shape(missing)
    for path in sorted({path for _, path in routes(floor)}):
        answer = client.request("TRACE", filled(path))
        assert answer.status_code in (400, 405), path
        shape(answer)


@pytest.mark.parametrize("edge", EDGES)
def test_a_fault_of_ours_keeps_the_shape(
    floor: Floor, owner: Person, edge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes, shape, _ = EDGES[edge]
    client = signed_in(floor, owner)

    def broken(*_arguments: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(identity, "by_key", broken)
    monkeypatch.setattr(identity, "by_token", broken)
    failed = 0
    for method, path in routes(floor):
        answer = client.request(method, filled(path), json={}, follow_redirects=False)
        shape(answer)
        assert "secret" not in answer.text
        failed += answer.status_code == 500
    assert failed >= len(routes(floor)) * (0.9 if edge == "web" else 0.4), "most requests must get as far as the fault"


@pytest.fixture
def narrow(sqlite_template: Path, tmp_path: Path) -> Any:
    """An application that takes bodies of 1 MB."""
    (tmp_path / "x.sqlite3").write_bytes(sqlite_template.read_bytes())
    chosen = settings.load(
        {}, data=tmp_path, database_url=f"sqlite:///{tmp_path / 'x.sqlite3'}", workers=0, max_body_mb=1
    )
    app = asgi.create_app(chosen)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Floor(app, app.state.context.database, client)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/v1/projects", is_problem),
        (f"/api/v1/items/{UID}/document", is_problem),
        ("/playment/v1/projects/x/jobs", is_envelope),
        ("/login", is_page),
    ],
)
def test_bodies_that_are_too_large(narrow: Floor, path: str, shape: Shape, announced: bool) -> None:
    owner = narrow.team("olga@example.org", "North")
    client = signed_in(narrow, owner)
    body = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    kind = "application/x-www-form-urlencoded" if shape is is_page else "application/json"
    method = "PATCH" if path.endswith("document") else "POST"
    content: Any = body if announced else iter([body[:600_000], body[600_000:]])
    answer = client.request(method, path, content=content, headers={"content-type": kind})
    assert answer.status_code in (400, 413) if shape is is_envelope else answer.status_code == 413, answer.text
    shape(answer)


def test_writes_sent_by_other_sites(floor: Floor, owner: Person) -> None:
    with floor.database.write() as session:
        token = identity.sign_in(session, session.query(User).filter_by(email=owner.email).one())
    cookie = f"labelwright={token}"

    def post(path: str, **headers: str) -> Response:
        return floor.client_with(cookie=cookie, **headers).post(path, json={"name": "P"}, follow_redirects=False)

    assert post("/api/v1/projects", **{"sec-fetch-site": "same-origin"}).status_code == 201
    assert post("/api/v1/projects", origin="http://testserver").status_code == 201
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
    ):
        answer = post("/api/v1/projects", **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
    assert floor.client_with(cookie=cookie, **{"sec-fetch-site": "cross-site"}).get("/api/v1/me").status_code == 200
    with_key = floor.client_with(owner.key, **{"sec-fetch-site": "cross-site"})
    assert with_key.post("/api/v1/projects", json={"name": "K"}).status_code == 201
    assert post("/logout", **{"sec-fetch-site": "cross-site"}).status_code == 403


def test_keys_of_an_archived_team_are_refused_by_every_api(floor: Floor, owner: Person, stranger: Person) -> None:
    with floor.database.read() as session:
        team = session.query(Team).filter_by(uid=uuid.UUID(owner.team)).one().id
    projects = {
        one.key: one.api.post("/api/v1/projects", json={"name": "P"}).json()["uid"] for one in (owner, stranger)
    }

    def asked(person: Person, edge: str) -> Response:
        """A call of each API with a person's key. Playment's is asked more than once: it remembers where jobs go."""
        client = floor.client_with(**{"x-api-key": person.key})
        if edge == "playment":
            body = {"reference_id": uuid.uuid4().hex, "data": {"image_url": "https://example.org/a.jpg"}}
            return client.post(f"/playment/v1/projects/{projects[person.key]}/jobs", json=body)
        if edge == "api":
            return client.get("/api/v1/me")
        if edge == "roboflow":
            return client.get(f"/roboflow/?api_key={person.key}")
        return client.post(f"/supervisely/public/api/v3/{edge}", json={"id": team})

    edges = ("api", "playment", "roboflow", "users.me")
    for edge in (*edges, "playment"):
        assert asked(owner, edge).status_code == 200, edge
    assert asked(owner, "teams.archive").json() == {"success": True}
    for edge in (*edges, "teams.info"):
        answer = asked(owner, edge)
        assert answer.status_code == 401, (edge, answer.text)
        assert "The team of this API key is archived" in answer.text
        assert edge == "teams.info" or asked(stranger, edge).status_code == 200, edge


def test_a_host_name_serves_one_vendor(sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(sqlite_template.read_bytes())
    chosen = settings.load({}, data=tmp_path, database_url=f"sqlite:///{tmp_path / 'x.sqlite3'}", workers=0,
                           hosts={"api.playment.io": "playment"})  # fmt: skip
    with TestClient(asgi.create_app(chosen), raise_server_exceptions=False) as client:
        is_envelope(client.get("/v1/projects/x/details"))
        is_envelope(client.get("/playment/v1/projects/x/details"))
        host = {"host": "API.playment.io:8080"}
        is_envelope(client.get("/v1/projects/x/details", headers=host))
        is_envelope(client.get("/login", headers=host))
        assert client.get("/healthz", headers=host).text == "ok\n"
        assert client.get("/files/media/x?type=a&expires=1&signature=b", headers=host).status_code == 403
        is_page(client.get("/login"))
