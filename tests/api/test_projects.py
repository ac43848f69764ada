"""Projects, ontology, workflows and batches over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Floor, Person

CLASSES = [
    {"name": "car", "shapes": ["rectangle"], "attributes": [{"name": "parked", "kind": "flag"}]},
    {"name": "road", "shapes": ["polygon"], "color": "#00FF00"},
]


def make(person: Person, **more: Any) -> dict[str, Any]:
    answer = person.api.post("/api/v1/projects", json={"name": "Streets", "classes": CLASSES, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_project_whole(owner: Person) -> None:
    project = make(owner, instructions="Draw tight.")
    assert project["kind"] == "image"
    assert project["slug"] == "streets"
    assert project["settings"]["review_own"] is False
    base = f"/api/v1/projects/{project['uid']}"
    ontology = owner.api.get(f"{base}/ontology").json()
    assert [c["name"] for c in ontology["classes"]] == ["car", "road"]
    assert ontology["attributes"][0]["classes"] == ["car"]
    assert [w["name"] for w in owner.api.get(f"{base}/workflows").json()["results"]] == ["Label and review"]
    assert [b["is_default"] for b in owner.api.get(f"{base}/batches").json()["results"]] == [True]
    changed = owner.api.patch(base, json={"name": "Roads", "settings": {"review_own": True}, "archived": True}).json()
    assert (changed["name"], changed["settings"]["review_own"]) == ("Roads", True)
    assert changed["archived_at"] is not None
    assert owner.api.get("/api/v1/projects").json()["results"] == []
    assert len(owner.api.get("/api/v1/projects?archived=true").json()["results"]) == 1
    assert owner.api.delete(base).status_code == 204
    assert owner.api.get(base).status_code == 404


def test_ontology_changes(owner: Person) -> None:
    base = f"/api/v1/projects/{make(owner)['uid']}"
    sign = owner.api.post(f"{base}/classes", json={"name": "sign"}).json()
    assert sign["color"].startswith("#")
    again = owner.api.post(f"{base}/classes", json={"name": "sign"})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate")
    changed = owner.api.patch(f"{base}/classes/{sign['uid']}", json={"display_name": "Traffic sign"}).json()
    assert (changed["name"], changed["display_name"]) == ("sign", "Traffic sign")
    night = owner.api.post(f"{base}/attributes", json={"name": "night", "kind": "flag", "scope": "item"}).json()
    assert night["scope"] == "item"
    assert owner.api.delete(f"{base}/attributes/{night['uid']}").status_code == 204
    assert owner.api.delete(f"{base}/classes/{sign['uid']}").status_code == 204
    assert len(owner.api.get(f"{base}/ontology").json()["classes"]) == 2


def test_workflows_and_batches(owner: Person) -> None:
    base = f"/api/v1/projects/{make(owner)['uid']}"
    steps = [{"key": "draw", "kind": "label"}]
    flow = owner.api.post(f"{base}/workflows", json={"name": "Draw", "tag": "draw", "steps": steps}).json()
    assert flow["steps"][0]["key"] == "draw"
    wrong = owner.api.post(f"{base}/workflows", json={"name": "X", "steps": [{"key": "r", "kind": "review"}]})
    assert wrong.status_code == 422
    assert wrong.json()["problems"][0]["field"] == "steps[0].kind"
    default = owner.api.patch(f"/api/v1/workflows/{flow['uid']}", json={"is_default": True}).json()
    assert default["is_default"] is True
    refused = owner.api.patch(f"/api/v1/workflows/{flow['uid']}", json={"archived": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    june = owner.api.post(f"{base}/batches", json={"name": "June"}).json()
    first = owner.api.post(f"{base}/batches", json={"name": "Week 1", "parent": june["uid"]}).json()
    assert first["parent"] == june["uid"]
    assert owner.api.delete(f"/api/v1/batches/{june['uid']}").json()["code"] == "batch_in_use"
    assert owner.api.delete(f"/api/v1/batches/{first['uid']}").status_code == 204
    assert owner.api.delete(f"/api/v1/batches/{june['uid']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "image"}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x\0y"}, "name"),
        ({"name": "X", "kind": "audio"}, "kind"),
        ({"name": "X", "colour": "red"}, "colour"),
        ({"name": "X", "classes": [{"name": "a", "shapes": ["blob"]}]}, "classes[0].shapes[0]"),
        ({"name": "X", "classes": [{"name": "a", "color": "red"}]}, "classes[0].color"),
    ],
)
def test_bad_projects_name_the_field(owner: Person, body: dict[str, Any], field: str) -> None:
    answer = owner.api.post("/api/v1/projects", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert any(p["field"].startswith(field) for p in answer.json()["problems"]), answer.json()
    assert owner.api.get("/api/v1/projects").json()["results"] == []


@pytest.mark.parametrize("body", [b"{", b'{"name": NaN}', b"[1,2", b"\xff\xfe", b""])
def test_bodies_that_are_no_json(owner: Person, body: bytes) -> None:
    answer = owner.api.post("/api/v1/projects", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["code"] == "not_json"


def test_pages_of_a_list(owner: Person) -> None:
    base = f"/api/v1/projects/{make(owner)['uid']}/batches"
    for number in range(7):
        owner.api.post(base, json={"name": f"b{number}"})
    names: list[str] = []
    after = ""
    while True:
        page = owner.api.get(f"{base}?limit=3{after}").json()
        names += [b["name"] for b in page["results"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert names == ["Default batch", *(f"b{n}" for n in range(7))]
    for wrong in ("limit=0", "limit=501", "limit=x", "after=nonsense", "after=WyJhIl0"):
        assert owner.api.get(f"{base}?{wrong}").status_code == 422, wrong


def test_idempotency_key(owner: Person) -> None:
    send = {"json": {"name": "Once"}, "headers": {"idempotency-key": "k-1"}}
    first, second = owner.api.post("/api/v1/projects", **send), owner.api.post("/api/v1/projects", **send)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert len(owner.api.get("/api/v1/projects").json()["results"]) == 1
    other = owner.api.post("/api/v1/projects", json={"name": "Other"}, headers={"idempotency-key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_a_refused_create_does_not_use_up_its_key(owner: Person) -> None:
    headers = {"idempotency-key": "k-2"}
    assert owner.api.post("/api/v1/projects", json={"name": ""}, headers=headers).status_code == 422
    assert owner.api.post("/api/v1/projects", json={"name": "Fine"}, headers=headers).status_code == 201


@pytest.mark.parametrize("role", ["viewer", "annotator", "reviewer"])
def test_who_may_not_change_projects(floor: Floor, owner: Person, role: str) -> None:
    base = f"/api/v1/projects/{make(owner)['uid']}"
    person = floor.member(owner, f"{role}@example.org", role)
    assert person.api.get(base).status_code == 200
    for method, path, body in (
        ("PATCH", base, {"name": "Mine"}),
        ("DELETE", base, None),
        ("POST", "/api/v1/projects", {"name": "New"}),
        ("POST", f"{base}/classes", {"name": "x"}),
        ("POST", f"{base}/batches", {"name": "x"}),
    ):
        answer = person.api.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
