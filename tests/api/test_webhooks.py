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
    # What the command line did before has no person to its name.
    assert [e["kind"] for e in page["results"]] == [
        "member.added",
        "workspace.created",
        "key.created",
        "project.created",
    ]
    assert page["results"][-1]["project"] == project["uid"]
    assert [e["actor"] and e["actor"]["email"] for e in page["results"]] == [None, None, None, "olga@example.org"]
    owner.api.post("/api/v1/webhooks", json={"url": "https://example.org/", "project": project["uid"]})
    later = owner.api.get(f"/api/v1/events?after={page['cursor']}").json()
    assert [e["kind"] for e in later["results"]] == ["webhook.created"]
    newest = owner.api.get(f"/api/v1/events?order=newest&limit=1&project={project['uid']}").json()
    assert [e["kind"] for e in newest["results"]] == ["webhook.created"]
    before = owner.api.get(f"/api/v1/events?order=newest&limit=1&after={newest['next']}").json()
    assert [e["kind"] for e in before["results"]] == ["project.created"]
    assert owner.api.get("/api/v1/events?kind=task.accepted").json()["results"] == []


def test_what_scripts_change_is_told_as_what_people_change_in_pages(owner: Person) -> None:
    api = owner.api
    project = api.post("/api/v1/projects", json={"name": "P", "classes": [{"name": "car"}]}).json()
    start = api.get("/api/v1/events?order=newest&limit=1").json()["results"][0]
    assert start["kind"] == "project.created"
    cursor = api.get("/api/v1/events").json()["cursor"]
    at = f"/api/v1/projects/{project['uid']}"
    api.patch(at, json={"name": "Q"})
    api.post(f"{at}/classes", json={"name": "bus", "attributes": [{"name": "doors", "kind": "number"}]})
    batch = api.post(f"{at}/batches", json={"name": "Night"}).json()
    api.patch(f"/api/v1/batches/{batch['uid']}", json={"name": "Dusk"})
    api.delete(f"/api/v1/batches/{batch['uid']}")
    flow = api.post(f"{at}/workflows", json={"name": "Once", "tag": "once"}).json()
    api.patch(f"/api/v1/workflows/{flow['uid']}", json={"name": "Twice"})
    api.delete(at)
    found = api.get(f"/api/v1/events?after={cursor}").json()["results"]
    assert [e["kind"] for e in found] == ["project.deleted"]  # a project's own events go with it
    assert found[0]["data"] == {"name": "Q"}
    assert found[0]["actor"]["email"] == "olga@example.org"
