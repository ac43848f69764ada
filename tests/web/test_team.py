"""People, keys and webhooks, through their forms."""

from __future__ import annotations

import re

from sqlalchemy import select

from labelwright.models.events import Delivery
from labelwright.models.items import Item
from labelwright.services import comments, identity, issues
from tests.web.conftest import Site
from tests.web.forms import UID, post, refused


def test_a_new_person_gets_a_password_that_is_shown_once(site: Site) -> None:
    max_, url = site.as_("max"), f"/team/{site.cast.team.uid}"
    shown = post(max_, url + "/members", email="Nina@Example.org", name="Nina", role="annotator").text
    password = re.search(r'id="made-password">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    assert password not in max_.get(url).text
    nina = site.stranger()
    assert nina.post("/login", data={"email": "nina@example.org", "password": password}).headers["location"] == "/"
    assert nina.get("/").headers["location"] == "/work"
    assert "already" in refused(max_, url + "/members", 409, email="nina@example.org", role="viewer")
    assert "owner" in refused(max_, url + "/members", 403, email="boss@example.org", role="owner")
    assert "boss@example.org" not in max_.get(url).text
    # Somebody who has an account elsewhere joins with the password they have.
    assert "hx-redirect" in post(max_, url + "/members", email="charlie@example.org", role="viewer").headers


def test_roles_change_and_the_last_owner_stays(site: Site) -> None:
    alice, url = site.as_("alice"), f"/team/{site.cast.team.uid}/members"
    users = site.cast.users
    post(alice, f"{url}/{users['bob'].uid}", role="reviewer")
    assert site.as_("bob").get(site.url + "/review").status_code == 200
    assert "owner" in refused(alice, f"{url}/{users['alice'].uid}", 409, role="manager")
    refused(site.as_("max"), f"{url}/{users['alice'].uid}", 403, role="viewer")
    post(alice, f"{url}/{users['bob'].uid}/remove")
    assert site.as_("bob").get(site.url).status_code == 404
    refused(alice, f"{url}/{users['charlie'].uid}/remove", 404)


def test_a_lost_password_is_replaced_but_not_across_teams(site: Site) -> None:
    max_, url = site.as_("max"), f"/team/{site.cast.team.uid}/members"
    users = site.cast.users
    shown = post(max_, f"{url}/{users['ben'].uid}/password").text
    password = re.search(r'id="made-password">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    assert site.stranger().post("/login", data={"email": "ben@example.org", "password": password}).status_code == 303
    refused(max_, f"{url}/{users['alice'].uid}/password", 403)
    post(site.as_("alice"), f"/team/{site.cast.team.uid}/members", email="charlie@example.org", role="viewer")
    refused(site.as_("alice"), f"{url}/{users['charlie'].uid}/password", 403)


def test_a_key_is_shown_once_works_and_can_be_revoked(site: Site) -> None:
    bob, url = site.as_("bob"), f"/team/{site.cast.team.uid}/keys"
    shown = post(bob, url, name="nightly", scope="read", expires="30", workspace=str(site.cast.workspace.uid)).text
    key = re.search(r'id="made-key">([^<]+)<', shown).group(1)  # type: ignore[union-attr]
    page = bob.get(url).text
    assert key not in page
    assert "nightly" in page
    me = site.stranger().get("/api/v1/me", headers={"authorization": f"Bearer {key}"})
    assert me.json()["key"] == {
        "uid": me.json()["key"]["uid"],
        "name": "nightly",
        "read_only": True,
        "workspace": str(site.cast.workspace.uid),
    }
    uid = me.json()["key"]["uid"]
    refused(site.as_("ben"), f"{url}/{uid}/revoke", 403)
    assert "nightly" not in site.as_("ben").get(url).text
    post(site.as_("max"), f"{url}/{uid}/revoke")  # a manager may
    assert site.stranger().get("/api/v1/me", headers={"authorization": f"Bearer {key}"}).status_code == 401
    assert 'data-fault="name"' in refused(bob, url, name="", scope="full", expires="")


def test_webhooks_are_added_tested_logged_and_sent_again(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/webhooks"
    made = post(alice, base, url="https://hooks.example.org/in", kinds=["task.accepted"]).text
    secret = re.search(r'id="made-secret">([^<]+)<', made).group(1)  # type: ignore[union-attr]
    uid = re.search(rf"webhooks/({UID})", made).group(1)  # type: ignore[union-attr]
    assert secret not in alice.get(f"{base}/{uid}").text
    assert "No calls yet" in alice.get(f"{base}/{uid}").text
    post(alice, f"{base}/{uid}/test")
    page = alice.get(f"{base}/{uid}").text
    assert "webhook.test" in page
    assert "Waiting" in page
    with site.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state, delivery.status, delivery.error = "failed", 500, "answered 500"
    assert "answered 500" in alice.get(f"{base}/{uid}?state=failed").text
    post(alice, f"{base}/{uid}/deliveries/{delivery.uid}")
    assert "No calls in this state" in alice.get(f"{base}/{uid}?state=failed").text
    post(alice, f"{base}/{uid}/switch")
    assert "Paused" in alice.get(base).text
    assert "paused" in refused(alice, f"{base}/{uid}/deliveries/{delivery.uid}", 409)
    post(alice, f"{base}/{uid}/delete")
    assert "No webhooks yet" in alice.get(base).text
    assert 'data-fault="url"' in refused(alice, base, url="ftp://example.org")


def test_issues_are_listed_with_what_was_said_and_where(site: Site) -> None:
    bob, url = site.as_("bob"), f"/team/{site.cast.team.uid}/issues"
    assert "No issues yet" in bob.get(url).text
    with site.database.write() as session:
        actor = identity.actor_of(session, site.cast.users["max"])
        row = issues.create(session, actor, site.cast.team.id, "Loose <b>boxes</b>", comment="Everywhere")
        item = session.get_one(Item, site.tasks[0].item_id)
        comments.add(session, actor, item, "Here, too").issue_id = row.id
        for number in range(230):
            issues.create(session, actor, site.cast.team.id, f"More {number}")
        issues.change(session, actor, row, pinned=True)
        issues.change(session, actor, issues.create(session, actor, site.cast.team.id, "Settled"), status="closed")
    page = bob.get(url).text
    for part in (
        "Loose &lt;b&gt;boxes",
        "Everywhere",
        f"/items/{item.uid}",
        "Pinned",
        "More 229",
        "The newest 200 of 232",
    ):
        assert part in page, part
    assert "More 12<" not in page
    assert "Settled" not in page  # open ones first
    assert "Settled" in bob.get(url + "?status=closed").text
    assert site.as_("charlie").get(url).status_code == 404
    assert f'issues#issue-{row.id}">Issue: Loose' in bob.get(f"/items/{item.uid}").text
