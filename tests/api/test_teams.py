"""People, roles, workspaces and API keys over HTTP."""

from __future__ import annotations

from tests.api.conftest import Floor, Person


def test_members(floor: Floor, owner: Person) -> None:
    base = f"/api/v1/teams/{owner.team}/members"
    ana = owner.api.post(base, json={"email": "Ana@Example.org", "role": "annotator", "name": "Ana"})
    assert ana.status_code == 201, ana.text
    assert ana.json()["email"] == "ana@example.org"
    assert len(ana.json()["password"]) > 15
    again = owner.api.post(base, json={"email": "ana@example.org", "role": "reviewer"}).json()
    assert (again["uid"], again["role"], again["password"]) == (ana.json()["uid"], "reviewer", None)
    assert [m["role"] for m in owner.api.get(base).json()["results"]] == ["owner", "reviewer"]
    promoted = owner.api.patch(f"{base}/{again['uid']}", json={"role": "manager"}).json()
    assert promoted["role"] == "manager"
    assert owner.api.delete(f"{base}/{again['uid']}").status_code == 204
    assert owner.api.delete(f"{base}/{again['uid']}").status_code == 404
    last = owner.api.patch(f"{base}/{owner.uid}", json={"role": "viewer"})
    assert (last.status_code, last.json()["code"]) == (409, "last_owner")


def test_managers_make_no_owners(floor: Floor, owner: Person) -> None:
    manager = floor.member(owner, "max@example.org", "manager")
    base = f"/api/v1/teams/{owner.team}/members"
    assert manager.api.post(base, json={"email": "x@example.org", "role": "owner"}).status_code == 403
    assert manager.api.patch(f"{base}/{owner.uid}", json={"role": "viewer"}).status_code == 403
    assert manager.api.post("/api/v1/keys", json={"name": "k", "user": owner.uid}).status_code == 403
    assert manager.api.get("/api/v1/teams").json()["results"][0]["role"] == "manager"


def test_a_key_from_birth_to_end(floor: Floor, owner: Person) -> None:
    made = owner.api.post("/api/v1/keys", json={"name": "script", "read_only": True})
    assert made.status_code == 201
    key = made.json()
    reader = floor.client_with(key["api_key"])
    me = reader.get("/api/v1/me").json()
    assert me["key"]["read_only"] is True
    refused = reader.post("/api/v1/projects", json={"name": "X"})
    assert refused.status_code == 403
    assert "read-only" in refused.json()["detail"]
    assert reader.post("/api/v1/keys", json={"name": "more"}).status_code == 403
    listed = owner.api.get("/api/v1/keys").json()["results"]
    assert {k["name"] for k in listed} == {"First key", "script"}
    assert "api_key" not in listed[0]
    assert next(k for k in listed if k["name"] == "script")["last_used_at"] is not None
    assert owner.api.delete(f"/api/v1/keys/{key['uid']}").status_code == 204
    gone = reader.get("/api/v1/me")
    assert (gone.status_code, gone.json()["detail"]) == (401, "The API key has been revoked.")


def test_a_key_bound_to_a_workspace(floor: Floor, owner: Person) -> None:
    other = owner.api.post("/api/v1/workspaces", json={"name": "Other"}).json()
    here = owner.api.post("/api/v1/projects", json={"name": "Here", "workspace": other["slug"]}).json()
    there = owner.api.post("/api/v1/projects", json={"name": "There", "workspace": owner.workspace}).json()
    made = owner.api.post("/api/v1/keys", json={"name": "bound", "workspace": other["uid"]}).json()
    bound = floor.client_with(made["api_key"])
    assert [p["uid"] for p in bound.get("/api/v1/projects").json()["results"]] == [here["uid"]]
    assert bound.get(f"/api/v1/projects/{there['uid']}").status_code == 404
    assert bound.get(f"/api/v1/workspaces/{owner.workspace}").status_code == 404
    assert bound.post("/api/v1/workspaces", json={"name": "New"}).status_code == 403
    wider = bound.post("/api/v1/keys", json={"name": "wider"}).json()
    assert wider["workspace"] == other["uid"], "a key cannot make one that sees more than itself"


def test_an_expired_key(floor: Floor, owner: Person) -> None:
    past = owner.api.post("/api/v1/keys", json={"name": "old", "expires_at": "2020-01-01T00:00:00Z"})
    assert past.status_code == 422
    assert past.json()["problems"][0]["field"] == "expires_at"
    naive = owner.api.post("/api/v1/keys", json={"name": "old", "expires_at": "2099-01-01T00:00:00"})
    assert naive.status_code == 422
