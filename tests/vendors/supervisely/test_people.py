"""People, teams and workspaces through the real package; signing in; who may not."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

import pytest
from sqlalchemy import select

from labelwright.models.identity import Team, User
from labelwright.services import identity
from tests.vendors.supervisely import floor
from tests.vendors.supervisely.conftest import Bench

TUTORIAL = """
def labeler(login, password):
    found = api.user.get_info_by_login(login=login)
    if found is None:
        found = api.user.create(login=login, password=password, is_restricted=True, name="Labeler", email=login + "@example.org")
    if api.user.get_team_role(found.id, TEAM) is None:
        api.user.add_to_team(found.id, TEAM, api.role.DefaultRole.ANNOTATOR)
    return found
one, two = labeler("labeler_1", "11111abc"), labeler("labeler_2", "22222abc")
out = {"ids": [one.id, two.id], "logins": [one.login, two.login]}
out["role"] = api.user.get_team_role(one.id, TEAM).role
out["members"] = [m.login for m in api.user.get_team_members(TEAM)]
api.user.change_team_role(two.id, TEAM, api.role.DefaultRole.VIEWER)
out["changed"] = api.user.get_team_role(two.id, TEAM).role_id
api.user.update(two.id, name="Second")
out["name"] = api.user.get_info_by_id(two.id).name
out["info"] = api.user.get_info_by_id(one.id)._asdict()
answer(out)
"""


def test_labelers_are_made_once(bench: Bench) -> None:
    first, second = bench.script(TUTORIAL), bench.script(TUTORIAL)
    assert first["ids"] == second["ids"]
    assert first["role"] == "annotator"
    assert set(first["members"]) == {bench.server.owner["email"], "labeler_1", "labeler_2"}
    assert (second["changed"], second["name"]) == (4, "Second")
    assert first["info"]["email"] == "labeler_1@example.org"
    assert first["info"]["disabled"] is False


def test_teams_and_workspaces(bench: Bench) -> None:
    found = bench.script("""
team = api.team.create("Second team", description="More people", change_name_if_conflict=True)
api.team.update(team.id, name="Renamed team") if hasattr(api.team, "update") else None
out = {"team": api.team.get_info_by_id(team.id)._asdict(), "listed": [t.id for t in api.team.get_list()]}
user = api.user.create(login="fresh", password="fresh-pass-1")
for role in api.role.get_list():
    if role.role == "owner":
        raise AssertionError
    if api.user.get_team_role(user.id, team.id) is None:
        api.user.add_to_team(user.id, team.id, role.id)
    else:
        api.user.change_team_role(user.id, team.id, role.id)
    assert api.user.get_team_role(user.id, team.id).role == role.role, role
ws = api.workspace.create(team.id, "Inner", "What is in it")
again = api.workspace.create(team.id, "Inner", change_name_if_conflict=True)
api.workspace.update(again.id, name="Other", description="Changed")
out["spaces"] = [(w.name, w.description) for w in api.workspace.get_list(team.id)]
out["id"], out["user"] = ws.id, user.id
out["by_name"] = api.workspace.get_info_by_name(team.id, "Inner").id
api.user.remove_from_team(user.id, team.id)
out["role"] = api.user.get_team_role(user.id, team.id)
api.user.disable(user.id)
out["disabled"] = api.user.get_info_by_id(user.id).disabled
api.user.enable(user.id)
out["missing"] = [api.user.get_info_by_id(10**9), api.team.get_info_by_id(10**9), api.workspace.get_info_by_id(10**9)]
api.workspace.archive(again.id)
out["left"] = [w.name for w in api.workspace.get_list(team.id)]
out["my"] = api.user.get_my_info().login
answer(out)
""")
    assert found["team"]["description"] == "More people"
    assert found["team"]["id"] in found["listed"]
    assert found["spaces"] == [["Inner", "What is in it"], ["Other", "Changed"]]
    assert found["by_name"] == found["id"]
    assert found["left"] == ["Inner"]
    assert found["role"] is None
    assert found["disabled"] is True
    assert found["missing"] == [None, None, None]
    assert found["my"] == bench.server.owner["email"]

    def teams_in_pages() -> set[int]:
        with floor.writing(bench) as session:
            owner = session.scalars(select(User).where(User.email == found["my"])).one()
            return set(identity.actor_of(session, owner).roles)

    assert found["team"]["id"] in teams_in_pages()
    bench.ask("teams.archive", {"id": found["team"]["id"]})
    assert bench.call("teams.info", {"id": found["team"]["id"]})[0] == 404
    assert found["team"]["id"] not in teams_in_pages()
    assert bench.team in teams_in_pages()
    seen = bench.server.request("GET", "/api/v1/teams", None, bench.key)[1]["results"]
    assert {team["name"] for team in seen} == {team["name"] for team in bench.ask("teams.list")["entities"]}
    assert found["team"]["name"] not in {team["name"] for team in seen}
    bench.ask("teams.remove.permanently", {"teamsIds": [found["team"]["id"]]})
    with floor.writing(bench) as session:
        assert session.get(Team, found["team"]["id"]) is None


def test_signing_in_with_a_password(bench: Bench) -> None:
    bench.script(TUTORIAL)
    found = bench.script("""
mine = sly.Api.from_credentials(os.environ["SERVER_ADDRESS"], "labeler_1", "11111abc")
answer({"me": mine.user.get_my_info().login,
        "bad": refused(sly.Api.from_credentials, os.environ["SERVER_ADDRESS"], "labeler_1", "wrong"),
        "nobody": refused(sly.Api.from_credentials, os.environ["SERVER_ADDRESS"], "labeler_9", "wrong"),
        "add": refused(mine.user.create, "third", "33333abc"), "team_add": refused(mine.team.create, "Mine")})
""")
    assert found["me"] == "labeler_1"
    assert "401" in found["bad"]
    assert "401" in found["nobody"]
    assert "manager" in found["add"]
    assert "403" in found["team_add"]


def test_a_key_of_one_team_makes_no_team(bench: Bench) -> None:
    status, body = bench.call("teams.add", {"name": "New"}, bench.server.api_key)
    assert status == 403
    assert "every team" in body["details"]["message"]


@pytest.mark.parametrize(
    ("method", "body", "status", "word"),
    [
        ("users.list", {"filter": [{"field": "shoe", "operator": "=", "value": 1}]}, 400, "shoe"),
        ("users.list", {"filter": [{"field": "id", "operator": "~", "value": 1}]}, 400, "operator"),
        ("users.list", {"filter": [{"field": "id", "operator": "in", "value": 1}]}, 400, "list"),
        ("users.list", {"filter": "x"}, 400, "filter"),
        ("users.list", {"sort": "shoe"}, 400, "sort"),
        ("users.list", {"page": 0}, 400, "page"),
        ("users.list", [], 400, ""),
        ("users.info", {}, 400, "id"),
        ("users.info", {"id": "x"}, 400, "whole number"),
        ("users.add", {"login": "a b", "password": "12345678"}, 400, "e-mail"),
        ("users.add", {"login": "short", "password": "123"}, 400, "8 characters"),
        ("members.add", {"teamId": 10**9, "login": "x", "roleId": 3}, 404, "team"),
        ("no.such.method", {}, 404, "docs/vendors/supervisely.md"),
        ("apps.list", {}, 404, "not served"),
    ],
)
def test_refusals_say_what_is_wrong(bench: Bench, method: str, body: object, status: int, word: str) -> None:
    got, answer = bench.call(method, body)
    if body == []:
        assert got in (200, 400)
        return
    assert got == status, answer
    assert set(answer) == {"error", "details"}
    assert word in answer["details"]["message"]


def test_keys_and_bodies(bench: Bench) -> None:
    for key, body in (("wrong", b"{}"), (None, b"{}"), (bench.key, b"{oops")):
        headers = {"Content-Type": "application/json"} | ({"x-api-key": key} if key else {})
        call = urllib.request.Request(f"{bench.server.url}/public/api/v3/users.me", body, headers)
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(call, timeout=20)
        assert error.value.code == (400 if key == bench.key else 401)
        error.value.close()
    with urllib.request.urlopen(f"{bench.server.url}/public/api/v3/instance.version", b"{}", timeout=20) as answer:
        assert b"version" in answer.read()


def test_get_with_a_query(bench: Bench) -> None:
    query = urllib.parse.urlencode({"id": bench.ask("users.me")["id"]})
    status, body = bench.call(f"users.info?{query}", verb="GET")
    assert status == 200
    assert body["login"] == bench.server.owner["email"]
