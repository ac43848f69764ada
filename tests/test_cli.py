"""The command line through real processes: set-up, people, keys, projects, backup and restore."""

from __future__ import annotations

import json
import re
import tarfile
import urllib.request
from pathlib import Path

import pytest

from labelwright.cli import output
from labelwright.db import Database
from labelwright.models.identity import Team
from tests.support import processes
from tests.support.processes import labelwright


def fail(*arguments: str, **settings: object) -> tuple[int, dict]:
    """Run a command that must fail; its exit code and error."""
    done = processes.run(*arguments, **settings)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stderr)["error"]


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> dict[str, object]:
    """Settings of an installation that is set up."""
    settings: dict[str, object] = {"data": tmp_path / "data", "database_url": database_url}
    settings["owner"] = labelwright("init", "--email", "Owner@Example.org", "--workspace", "Road Signs", **settings)
    return settings


@pytest.fixture
def started_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are started as `python -m labelwright.cli`, not as forks of a process that imported all of it."""
    monkeypatch.setattr(processes.starter, "warm", False)


def run(place: dict[str, object], *arguments: str):
    """A command on that installation."""
    return labelwright(*arguments, **{k: v for k, v in place.items() if k != "owner"})


def test_from_nothing_to_a_workflow(started_cold: None, place: dict[str, object], tmp_path: Path) -> None:
    owner = place["owner"]
    assert owner["email"] == "owner@example.org"
    assert owner["workspace"] == "road-signs"
    assert len(owner["password"]) > 12
    user = run(place, "user", "add", "ann@example.org", "--role", "annotator")
    assert {"id", "email", "password"} <= set(user)
    key = run(place, "key", "create", "--user", "ann@example.org", "--name", "script")
    assert re.fullmatch(r"[A-Za-z0-9]{20,}", key["api_key"])
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps([
        {"name": "car", "display_name": "Car", "shapes": ["rectangle", "polygon"], "color": "#ff0000", "hotkey": "c",
         "attributes": [{"name": "occluded", "kind": "flag"},
                        {"name": "make", "kind": "one_of", "options": ["a", "b"], "required": True}]},
        {"name": "person", "shapes": ["skeleton"]},
    ]))  # fmt: skip
    project = run(place, "project", "create", "Street scenes", "--kind", "image", "--classes", str(classes))
    assert project["slug"] == "street-scenes"
    assert isinstance(project["id"], int)
    workflow = run(place, "workflow", "create", "--project", project["uid"], "--name", "Two eyes", "--tag", "two")
    assert len(workflow["uid"]) == 36


def test_import_files_the_good_lines_and_reports_the_others(place: dict[str, object], tmp_path: Path) -> None:
    classes = tmp_path / "classes.json"
    classes.write_text('[{"name": "car", "shapes": ["rectangle"]}]')
    project = run(place, "project", "create", "Bulk", "--classes", str(classes))["uid"]
    box = {"id": 1, "class": "car", "shape": {"type": "rectangle", "box": [0.1, 0.1, 0.5, 0.5]}}
    lines = [{"reference_id": f"r{n}", "url": f"https://example.org/{n}.jpg", "objects": [box]} for n in range(2500)]
    lines[7]["objects"] = [{**box, "class": "cow"}]
    lines[1200] = {"reference_id": "r3", "url": "https://example.org/x.jpg"}
    file = tmp_path / "tasks.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n")
    settings = {k: v for k, v in place.items() if k != "owner"}
    done = processes.run("import", str(file), "--project", project, **settings)
    body = json.loads(done.stdout)
    assert done.returncode == 1
    assert (body["lines"], body["filed"], body["failed"]) == (2501, 2498, 3)
    assert [error["line"] for error in body["errors"]] == [8, 1201, 2501]
    assert "cow" in body["errors"][0]["problems"][0]["message"]
    out = tmp_path / "coco.json"
    made = run(place, "export", "--project", project, "--out", str(out))
    assert made["without_size"] == {"pending": 2498}  # nobody fetched the pictures: COCO needs their size
    assert json.loads(out.read_text())["categories"][0]["name"] == "car"
    code, error = fail("export", "--project", project, "--out", str(out), "--format", "cocoa", **settings)
    assert (code, "no format" in error["message"]) == (2, True)
    code, error = fail("import", str(tmp_path / "none"), "--project", project, **settings)
    assert (code, "cannot be read" in error["message"]) == (2, True)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an installation that no test changes."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    labelwright("init", "--email", "owner@example.org", data=folder)
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("init", "--email", "second@example.org"), 1, "set up already"),
        (("user", "add", "owner@example.org", "--role", "viewer"), 1, "has an account"),
        (("user", "add", "new@example.org", "--role", "boss"), 2, "not a role"),
        (("user", "add", "nobody", "--role", "viewer"), 2, "e-mail"),
        (("key", "create", "--user", "who@example.org", "--name", "x"), 1, "no person"),
        (("project", "create", "P", "--kind", "sound"), 2, "choose image or video"),
        (("project", "create", "P", "--classes", "/nowhere.json"), 2, "cannot be read"),
        (("project", "create", "P", "--workspace", "other"), 1, "no workspace"),
        (("workflow", "create", "--project", "7", "--name", "W"), 1, "no project"),
    ],
)
def test_wrong_input_is_one_sentence(
    place: dict[str, object], arguments: tuple[str, ...], code: int, words: str
) -> None:
    settings = {k: v for k, v in place.items() if k != "owner"}
    exit_code, error = fail(*arguments, **settings)
    assert exit_code == code
    assert words in error["message"]


def test_a_key_needs_no_team_for_a_person_of_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    labelwright("init", "--email", "owner@example.org", data=folder)
    labelwright("user", "add", "ann@example.org", "--role", "annotator", data=folder)
    with output.writing(folder) as session:
        session.add(Team(name="Second"))
    assert labelwright("key", "create", "--user", "ann@example.org", "--name", "script", data=folder)["api_key"]
    code, error = fail("user", "add", "bob@example.org", "--role", "viewer", data=folder)
    assert (code, "2 (Second)" in error["message"]) == (2, True)


def test_an_archived_team_is_brought_back(place: dict[str, object]) -> None:
    url = str(place["database_url"])
    database = Database(url)
    with database.write() as session:
        session.add(Team(name="Night shift", extra={"kept": 1, "archived": True}))
    assert run(place, "user", "add", "ann@example.org", "--role", "viewer")[
        "email"
    ]  # one team in use: none is asked for
    first, second = run(place, "team", "list")["teams"]
    assert (first["people"], first["archived"]) == (2, False)
    assert (second["name"], second["people"], second["archived"]) == ("Night shift", 0, True)
    assert run(place, "team", "restore", str(second["id"]))["name"] == "Night shift"
    assert not any(team["archived"] for team in run(place, "team", "list")["teams"])
    with database.read() as session:
        assert session.get_one(Team, second["id"]).extra == {"kept": 1}
    database.close()
    settings = {k: v for k, v in place.items() if k != "owner"}
    code, error = fail("team", "restore", str(second["id"]), **settings)
    assert (code, error["message"]) == (1, "Night shift is not archived.")


def test_wrong_settings_stop_the_start_with_a_hint(tmp_path: Path) -> None:
    _, error = fail("migrate", data=tmp_path / "d", fetch_allow="ten.0.0.0")
    assert "LABELWRIGHT_FETCH_ALLOW" in error["message"]
    _, error = fail("migrate", data=tmp_path / "d", fetch_alow="10.0.0.0/8")
    assert "LABELWRIGHT_FETCH_ALOW is not a setting" in error["message"]
    assert not (tmp_path / "d").exists()


def test_migrate_says_what_it_did(tmp_path: Path) -> None:
    first = labelwright("migrate", data=tmp_path / "new")
    assert first["changed"] is True
    assert first["from"] is None
    assert labelwright("migrate", data=tmp_path / "new")["changed"] is False


def test_sweep_says_what_it_deleted(place: dict[str, object]) -> None:
    stored = Path(str(place["data"])) / "media" / "media" / "ab" / ("ab" * 32)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"named by nobody")
    assert run(place, "sweep") == {"media": 0, "files": 0, "size": 0}  # it came a moment ago
    assert run(place, "sweep", "--days", "0") == {"media": 0, "files": 1, "size": 15}
    assert not stored.exists()


def test_backup_and_restore(place: dict[str, object], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    project = run(place, "project", "create", "Kept")
    media = tmp_path / "data" / "media" / "media" / "ab"
    media.mkdir(parents=True)
    (media / "abcd").write_bytes(b"\x00picture" * 5000)
    file = tmp_path / "backup.tar"
    made = run(place, "backup", str(file))
    assert (made["files"], made["media"]) == (1, "included")

    url = f"sqlite:///{tmp_path}/new/labelwright.sqlite3"
    if "postgresql" in str(place["database_url"]):
        server = request.getfixturevalue("postgres_server")
        url = server.create("restored")
        request.addfinalizer(lambda: server.drop("restored"))
    new = {"data": tmp_path / "new", "database_url": url}
    labelwright("restore", str(file), **new)
    assert (tmp_path / "new/media/media/ab/abcd").read_bytes() == b"\x00picture" * 5000
    made = labelwright("workflow", "create", "--project", project["uid"], "--name", "After", **new)
    assert made["name"] == "After"

    code, error = fail("restore", str(file), **new)
    assert code == 1
    assert "empty" in error["message"] or "already" in error["message"]
    code, error = fail("backup", str(file), **new)
    assert "already" in error["message"]


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    labelwright("init", "--email", "a@example.org", data=tmp_path / "data")
    file = tmp_path / "backup.tar"
    labelwright("backup", str(file), data=tmp_path / "data")
    with tarfile.open(file) as tar:
        offset = tar.getmember("database.sqlite3").offset_data
    body = bytearray(file.read_bytes())
    body[offset + 5000] ^= 1
    file.write_bytes(body)
    _, error = fail("restore", str(file), data=tmp_path / "new")
    assert "damaged" in error["message"]
    assert not (tmp_path / "new" / "labelwright.sqlite3").exists()
    file.write_bytes(b"no tar at all")
    _, error = fail("restore", str(file), data=tmp_path / "new")
    assert "cannot be read" in error["message"]


def test_nothing_set_up_is_said(started_cold: None, tmp_path: Path) -> None:
    _, error = fail("user", "add", "a@example.org", "--role", "viewer", data=tmp_path / "d")
    assert "labelwright init" in error["message"]


def test_serve_answers_and_stops_at_once_when_asked(started_cold: None, live_server) -> None:
    with urllib.request.urlopen(f"{live_server.url}/healthz") as answer:
        assert answer.status == 200
    assert live_server.stop() == 0
    assert f"Labelwright is at {live_server.url}" in live_server.process.output()
