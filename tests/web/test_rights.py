"""Who sees which page."""

from __future__ import annotations

import pytest

from labelwright.web.app import PAGES
from tests.web.conftest import HTMX, Site

# Pages of a project by the weakest role that may open them.
VIEW = (
    "/items",
    "/items?as=table",
    "/batches",
    "/jobs",
    "/jobs?as=table",
    "/tasks",
    "/dataset",
    "/dataset/classes",
    "/dataset/versions",
    "/dataset/use?format=yolo",
    "/ontology",
    "/workflow",
    "/activity",
)
REVIEW = ("/review",)
MANAGE = ("/settings", "/connect", "/webhooks", "/webhooks/new", "/models", "/models/new", "/ontology/classes/new", "/ontology/attributes/new",
          "/workflow/new", "/batches/new", "/jobs/new", "/dataset/versions/new", "/dataset/versions/counts")  # fmt: skip
ROLES = {
    "vera": VIEW,
    "bob": VIEW,
    "rita": VIEW + REVIEW,
    "max": VIEW + REVIEW + MANAGE,
    "alice": VIEW + REVIEW + MANAGE,
}


def test_each_role_sees_its_pages_and_no_others(site: Site) -> None:
    wrong = []
    for name, allowed in ROLES.items():
        for path in VIEW + REVIEW + MANAGE:
            status = site.as_(name).get(site.url + path).status_code
            if status != (200 if path in allowed else 403):
                wrong.append((name, path, status))
    assert not wrong
    refusal = site.as_("bob").get(site.url + "/settings").text
    assert "takes manager" in refusal
    assert 'href="/work"' in refusal  # in their own frame, with the way to everything else


def test_another_teams_project_is_not_there(site: Site) -> None:
    charlie = site.as_("charlie")
    wrong = [path for path in VIEW + REVIEW + MANAGE if charlie.get(site.url + path).status_code != 404]
    task = site.tasks[0]
    wrong += [
        path
        for path in (
            f"/jobs/{site.job.uid}",
            f"/work/{task.uid}",
            f"/team/{site.cast.team.uid}",
            f"/team/{site.cast.team.uid}/keys",
        )
        if charlie.get(path).status_code != 404
    ]
    assert not wrong
    assert site.project.name not in charlie.get("/projects").text
    assert (
        site.job.name
        not in charlie.get("/palette", params={"q": "job", "project": str(site.project.uid)}, headers=HTMX).text
    )
    assert "alice@example.org" not in charlie.get("/palette?q=alice", headers=HTMX).text


def test_nobody_signed_in_is_led_to_the_sign_in_and_back(site: Site) -> None:
    answer = site.stranger().get(site.url + "/items?class=car")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={site.url}/items%3Fclass%3Dcar"
    part = site.stranger().get("/background", headers=HTMX)
    assert part.headers["hx-redirect"] == "/login"


def test_no_page_answers_a_stranger_with_more_than_the_sign_in(site: Site) -> None:
    stranger = site.stranger()
    for method, path, _ in PAGES:
        address = path
        for name in ("uid", "job_uid", "class_uid", "attribute_uid", "workflow_uid", "batch_uid", "webhook_uid", "delivery_uid",
                     "user_uid", "key_uid"):  # fmt: skip
            address = address.replace("{" + name + "}", str(site.project.uid))
        address = address.replace("{verb}", "delete").replace("{version}", "1").replace("{number}", "1")
        answer = stranger.request(method, address)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login"), (method, path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("bob", "/settings"),
        ("rita", "/ontology/classes"),
        ("vera", "/jobs"),
        ("bob", "/items/act"),
        ("bob", "/tasks/act"),
        ("bob", "/review"),
        ("max", "/delete"),
        ("rita", "/webhooks"),
        ("rita", "/archive"),
        ("rita", "/batches"),
        ("rita", "/workflow"),
        ("rita", "/dataset/items"),
        ("bob", "/dataset/split"),
        ("vera", "/dataset/versions"),
    ],
)
def test_a_change_beyond_the_role_is_refused(site: Site, name: str, path: str) -> None:
    answer = site.as_(name).post(site.url + path, data={"name": site.project.name, "item": "x"}, headers=HTMX)
    assert answer.status_code == 403
    assert "role" in answer.text


def test_a_change_in_another_team_finds_nothing(site: Site) -> None:
    charlie = site.as_("charlie")
    for path in (
        "/settings",
        "/ontology/classes",
        "/jobs",
        "/delete",
        "/webhooks",
        "/models",
        "/batches",
        "/dataset/split",
        "/dataset/items",
        "/dataset/versions",
        "/dataset/versions/1/export",
    ):
        assert charlie.post(site.url + path, data={"name": "mine"}, headers=HTMX).status_code == 404
    answer = charlie.post(f"/jobs/{site.job.uid}/delete", headers=HTMX)
    assert answer.status_code == 404


def test_a_batch_of_another_project_cannot_be_reached_through_ones_own(site: Site) -> None:
    """A row is looked up in the project of the address, not only by what the actor may see."""
    alice = site.as_("alice")
    workspace = str(site.cast.workspace.uid)
    made = alice.post("/projects", data={"name": "Second", "kind": "image", "workspace": workspace}, headers=HTMX)
    second = made.headers["hx-redirect"].removesuffix("/ontology")
    alice.post(site.url + "/batches", data={"name": "Here"}, headers=HTMX)
    batch = alice.get(site.url + "/batches").text.split("items?batch=")[-1][:36]
    assert alice.get(f"{second}/batches/{batch}", headers=HTMX).status_code == 404
    assert alice.post(f"{second}/batches/{batch}", data={"name": "Stolen"}, headers=HTMX).status_code == 404
