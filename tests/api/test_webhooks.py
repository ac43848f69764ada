"""Webhooks and the feed of events over HTTP."""

from __future__ import annotations

import pytest

from tests.api.conftest import Floor, Person


def test_a_webhook(owner: Person) -> None:
    project = owner.api.post("/api/v1/projects", json={"name": "P"}).json()
    body = {"url": "https://example.org/hook", "kinds": ["task.accepted"], "project": project["uid"]}
    made = owner.api.post("/api/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    hook = made.json()
    assert hook["secret"].startswith("whsec_")
    base = f"/api/v1/webhooks/{hook['uid']}"
    assert "secret" not in owner.api.get(base).json()
    test = owner.api.post(f"{base}/test")
    assert (test.status_code, test.json()["kind"]) == (202, "webhook.test")
    log = owner.api.get(f"{base}/deliveries").json()["results"]
    assert [(d["kind"], d["state"]) for d in log] == [("webhook.test", "pending")]
    again = owner.api.post(f"{base}/deliveries/{log[0]['uid']}/redeliver")
    assert again.status_code == 202
    renewed = owner.api.patch(base, json={"renew_secret": True}).json()
    assert renewed["secret"] != hook["secret"]
    paused = owner.api.patch(base, json={"active": False}).json()
    assert paused["active"] is False
    assert [w["uid"] for w in owner.api.get(f"/api/v1/webhooks?project={project['uid']}").json()["results"]] == [
        hook["uid"]
    ]
    assert owner.api.delete(base).status_code == 204
    assert owner.api.get(base).status_code == 404


@pytest.mark.parametrize("url", ["ftp://example.org", "http://[", "javascript:alert(1)", "https://", "x" * 3000])
def test_addresses_that_are_none(owner: Person, url: str) -> None:
    answer = owner.api.post("/api/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "url"


def test_the_feed(floor: Floor, owner: Person, stranger: Person) -> None:
    project = owner.api.post("/api/v1/projects", json={"name": "P"}).json()
    stranger.api.post("/api/v1/projects", json={"name": "Secret"})
    page = owner.api.get("/api/v1/events").json()
    assert [e["kind"] for e in page["results"]] == ["project.created"]
    assert page["results"][0]["project"] == project["uid"]
    assert page["results"][0]["actor"]["email"] == "olga@example.org"
    owner.api.post("/api/v1/webhooks", json={"url": "https://example.org/", "project": project["uid"]})
    later = owner.api.get(f"/api/v1/events?after={page['cursor']}").json()
    assert [e["kind"] for e in later["results"]] == ["webhook.created"]
    newest = owner.api.get(f"/api/v1/events?order=newest&limit=1&project={project['uid']}").json()
    assert [e["kind"] for e in newest["results"]] == ["webhook.created"]
    before = owner.api.get(f"/api/v1/events?order=newest&limit=1&after={newest['next']}").json()
    assert [e["kind"] for e in before["results"]] == ["project.created"]
    assert owner.api.get("/api/v1/events?kind=task.accepted").json()["results"] == []
