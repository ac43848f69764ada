"""What surrounds every edge: sign-in, headers, limits, health."""

from __future__ import annotations

import pytest

from tests.api.conftest import Floor, Person


def test_me_by_either_header(floor: Floor, owner: Person) -> None:
    by_bearer = owner.api.get("/api/v1/me")
    assert by_bearer.status_code == 200, by_bearer.text
    assert by_bearer.json()["email"] == "olga@example.org"
    assert by_bearer.json()["teams"][0]["role"] == "owner"
    assert floor.client.get("/api/v1/me", headers={"x-api-key": owner.key}).json() == by_bearer.json()


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer nonsense"}, {"x-api-key": "lw"}, {"authorization": "Basic x"}]
)
def test_wrong_keys(floor: Floor, headers: dict[str, str]) -> None:
    answer = floor.client.get("/api/v1/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


def test_every_answer_carries_the_security_headers(floor: Floor) -> None:
    for path in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/api/v1/openapi.json"):
        headers = floor.client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert len(headers["x-request-id"]) == 32


def test_health_and_metrics(floor: Floor) -> None:
    assert floor.client.get("/healthz").text == "ok\n"
    assert floor.client.get("/readyz").text == "ready\n"
    floor.client.get("/api/v1/me")
    text = floor.client.get("/metrics").text
    assert 'labelwright_requests_total{edge="api",method="GET",status="401"} 1.0' in text
    assert 'labelwright_waiting{what="media"} 0.0' in text


def test_unknown_query_keys_are_named(owner: Person) -> None:
    answer = owner.api.get("/api/v1/me?colour=red")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "colour"
    assert answer.json()["problems"][0]["code"] == "unknown_field"
