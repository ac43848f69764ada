"""The live stream of events, signed files, and how guesses are slowed down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.db import now
from labelwright.models.identity import WrongTry
from labelwright.services import tries
from tests.api.conftest import Floor, Person
from tests.support.serving import served


@pytest.fixture
def address(floor: Floor) -> Iterator[str]:
    """The floor's application on a real socket as well."""
    with served(floor.app, lifespan="off") as url:
        yield f"{url}/api/v1"


def messages(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Parsed server-sent events."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield {
                "id": fields["id"],
                "event": fields["event"],
                **json.loads(fields["data"]) | {"cursor": fields["id"]},
            }
            fields = {}


def test_the_stream_goes_on_where_it_ended(address: str, owner: Person, stranger: Person) -> None:
    project = owner.api.post("/api/v1/projects", json={"name": "P"}).json()["uid"]
    headers = {"authorization": f"Bearer {owner.key}"}
    with httpx2.Client(timeout=20) as client:
        with client.stream("GET", f"{address}/events/stream?project={project}", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            found = messages(answer.iter_lines())
            stranger.api.post("/api/v1/projects", json={"name": "Secret"})
            owner.api.post("/api/v1/webhooks", json={"url": "https://example.org/", "project": project})
            first = next(found)
            assert (first["event"], first["project"]) == ("webhook.created", project)
        owner.api.post("/api/v1/webhooks", json={"url": "https://example.org/2", "project": project})
        again = {**headers, "last-event-id": first["cursor"]}
        with client.stream("GET", f"{address}/events/stream?project={project}", headers=again) as answer:
            second = next(messages(answer.iter_lines()))
            assert (second["event"], second["data"]["url"]) == ("webhook.created", "https://example.org/2")
        assert client.get(f"{address}/events/stream?after=nonsense", headers=headers).status_code == 422
        assert client.get(f"{address}/events/stream").status_code == 401


def test_a_revoked_key_ends_its_stream(address: str, floor: Floor, owner: Person) -> None:
    key = owner.api.post("/api/v1/keys", json={"name": "short"}).json()
    headers = {"authorization": f"Bearer {key['api_key']}"}
    with (
        httpx2.Client(timeout=20) as client,
        client.stream("GET", f"{address}/events/stream", headers=headers) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        owner.api.delete(f"/api/v1/keys/{key['uid']}")
        owner.api.post("/api/v1/projects", json={"name": "After"})
        assert [m["event"] for m in messages(lines)] == []


def test_files_need_their_signature(floor: Floor) -> None:
    context = floor.app.state.context
    context.store.put("media/ab/abcd", b"0123456789", mime="image/png")
    link = context.links.sign("media/ab/abcd", "image/png")
    whole = floor.client.get(link)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, b"0123456789", "image/png")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    part = floor.client.get(link, headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert floor.client.get(link, headers={"range": "bytes=-3"}).content == b"789"
    beyond = floor.client.get(link, headers={"range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    assert floor.client.get(link, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    old = floor.client.get(link, headers={"range": "bytes=2-4", "if-range": '"other"'})
    assert (old.status_code, old.content) == (200, b"0123456789")
    head = floor.client.head(link)
    assert (head.headers["content-length"], head.content) == ("10", b"")
    assert floor.client.get(link.replace("abcd", "abce")).status_code == 403
    assert floor.client.get(link.replace("image%2Fpng", "text%2Fhtml")).status_code == 403
    assert floor.client.get("/files/media/ab/abcd").status_code == 403
    assert floor.client.get(context.links.sign("media/ab/gone", "image/png")).status_code == 404
    assert floor.client.get("/files/system/signing-key").status_code == 403


def test_guessing_passwords_is_slowed_down(floor: Floor, owner: Person, tmp_path: Path) -> None:
    def sign_in(password: str, email: str = owner.email) -> int:
        return floor.client.post(
            "/login", data={"email": email, "password": password}, follow_redirects=False
        ).status_code

    assert sign_in(owner.password) in (302, 303)
    codes = [sign_in("wrong") for _ in range(12)]
    assert codes[0] == 401 or codes[0] == 422
    assert codes[-1] == 429
    assert sign_in(owner.password) == 429, "the right password does not help while the account is under attack"
    # Another process on the same database has counted with it.
    other = settings.load({}, data=tmp_path / "other", database_url=floor.database.url, workers=0)
    with TestClient(asgi.create_app(other), raise_server_exceptions=False) as client:
        given = {"email": owner.email, "password": owner.password}
        assert client.post("/login", data=given, follow_redirects=False).status_code == 429
    with floor.database.write() as session:
        session.execute(update(WrongTry).values(at=now() - tries.WINDOW))
    assert sign_in(owner.password) in (302, 303)
