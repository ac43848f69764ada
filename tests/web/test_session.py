"""Signing in and out, and one's account."""

from __future__ import annotations

import pytest

from tests.support.cast import PASSWORD
from tests.web.conftest import HTMX, Site


def test_a_wrong_password_says_so_and_hands_out_nothing(site: Site) -> None:
    answer = site.stranger().post("/login", data={"email": "bob@example.org", "password": "wrong"}, headers=HTMX)
    assert answer.status_code == 401
    assert "E-mail or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("/projects?archived=1", "/projects?archived=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_to_an_address_of_ours(site: Site, target: str, leads: str) -> None:
    answer = site.stranger().post("/login", data={"email": "bob@example.org", "password": PASSWORD, "next": target})
    assert answer.headers["location"] == leads


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    answer = site.stranger().post("/login", data={"email": "bob@example.org", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_forms_of_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    assert site.as_("alice").post("/account/name", data={"name": "Mallory"}, headers=headers).status_code == 403
    assert (
        site.stranger()
        .post("/login", data={"email": "bob@example.org", "password": PASSWORD}, headers=headers)
        .status_code
        == 403
    )
    assert "Mallory" not in site.as_("alice").get("/account").text


@pytest.mark.parametrize(
    ("name", "leads"), [("bob", "/work"), ("rita", "/work"), ("max", "/projects"), ("vera", "{project}/dataset")]
)
def test_each_role_starts_at_its_first_question(site: Site, name: str, leads: str) -> None:
    assert site.as_(name).get("/").headers["location"] == leads.format(project=site.url)


def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    browser = site.as_("bob")
    token = browser.cookies["labelwright"]
    browser.post("/logout")
    again = site.stranger()
    again.cookies.set("labelwright", token)
    assert again.get("/work").status_code == 303


def test_signing_out_everywhere_ends_all_sessions(site: Site) -> None:
    other = site.stranger()
    other.post("/login", data={"email": "bob@example.org", "password": PASSWORD})
    assert other.get("/work").status_code == 200
    site.as_("bob").post("/account/logout-everywhere")
    assert other.get("/work").status_code == 303


def test_a_new_password_needs_the_present_one_and_ends_other_sessions(site: Site) -> None:
    browser, other = site.as_("bob"), site.stranger()
    other.post("/login", data={"email": "bob@example.org", "password": PASSWORD})
    form = {"present": "wrong", "password": "quite-another-one", "again": "quite-another-one"}
    refused = browser.post("/account/password", data=form, headers=HTMX)
    assert refused.status_code == 422
    assert 'data-fault="present"' in refused.text
    assert (
        browser.post("/account/password", data={**form, "present": PASSWORD, "again": "else"}, headers=HTMX).status_code
        == 422
    )
    assert browser.post("/account/password", data={**form, "present": PASSWORD}).status_code == 303
    assert browser.get("/work").status_code == 200
    assert other.get("/work").status_code == 303


def test_names_can_be_changed(site: Site) -> None:
    site.as_("bob").post("/account/name", data={"name": "Robert"})
    assert "Robert" in site.as_("bob").get("/account").text
    assert site.as_("bob").post("/account/name", data={"name": " "}, headers=HTMX).status_code == 422
