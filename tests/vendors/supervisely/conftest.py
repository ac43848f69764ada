"""A running server, and Supervisely's own package pointed at it, unmodified."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATABASES
from tests.support import pictures, postgres, processes, warm
from tests.support.processes import LiveServer

BEGIN = """
import json, os, sys
from pathlib import Path
import supervisely as sly
api = sly.Api(os.environ["SERVER_ADDRESS"], os.environ["API_TOKEN"])
folder = Path.cwd()
TEAM, WORKSPACE = int(os.environ["TEAM"]), int(os.environ["WORKSPACE"])
def refused(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {error} {getattr(getattr(error, 'response', None), 'text', '')}"
    raise AssertionError("it was not refused")
def answer(value):
    print(json.dumps(value, default=str))
"""


_seeds = itertools.count(1)


def settings(home: Path) -> dict[str, str]:
    """What is the same for all scripts. The look for https costs each script a connection, so most do without."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABELWRIGHT_", "PYTHON", "SUPERVISELY"))}
    return kept | {
        "HOME": str(home), "NO_PROXY": "*", "PYTHONPATH": "", "TQDM_DISABLE": "1", "LOG_LEVEL": "ERROR",
        "SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK": "1",
    }  # fmt: skip


@dataclass
class Bench:
    """The server, a folder to run scripts in, a key for every team of its owner, and the owner's team and workspace."""

    package: warm.Python
    server: LiveServer
    folder: Path
    key: str = ""
    team: int = 0
    workspace: int = 0

    def environment(self, **more: str) -> dict[str, str]:
        """What a user would set."""
        return self.package.environment | {
            "SERVER_ADDRESS": f"{self.server.url}/supervisely", "API_TOKEN": self.key, "TEAM": str(self.team),
            "WORKSPACE": str(self.workspace),
        } | more  # fmt: skip

    def script(self, code: str, *arguments: Any, **environment: str) -> Any:
        """Run a script after `BEGIN` (`sly`, `api`, `folder`, `TEAM`, `WORKSPACE`, `refused`, `answer`); what it answers last."""
        done = self.started(code, *arguments, **environment).finish(240)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    def started(self, code: str, *arguments: Any, **environment: str) -> warm.Script:
        """The same script, running."""
        return self.package.start(
            BEGIN + code, *map(str, arguments), environment=self.environment(**environment), folder=self.folder
        )

    def call(self, method: str, body: Any = None, key: str | None = None, verb: str = "POST") -> tuple[int, Any]:
        """A plain call of a method."""
        return self.server.request(verb, f"/supervisely/public/api/v3/{method}", body, key or self.key)

    def ask(self, method: str, body: Any = None, key: str | None = None) -> Any:
        """A plain call of a method that must succeed; its answer."""
        status, found = self.call(method, body, key)
        assert status == 200, (method, body, found)
        return found

    def stranger(self) -> str:
        """The key of somebody in a team of their own."""
        name = f"strangers {next(_seeds)}"
        team = self.ask("teams.add", {"name": name, "description": ""})["id"]
        login = f"stranger-{next(_seeds)}"
        made = self.ask(
            "users.add", {"login": login, "password": "long enough 1", "isRestricted": False, "name": "", "email": ""}
        )
        self.ask("members.add", {"login": login, "teamId": team, "roleId": 1})
        self.ask("members.remove", {"id": self.ask("users.me")["id"], "teamId": team})
        assert made["userId"]
        return self.server.cli("key", "create", "--user", login, "--name", "Stranger", "--team", str(team))["api_key"]

    def pictures(self, count: int, name: str = "photo", **options: Any) -> list[str]:
        """So many different pictures in the folder; their file names."""
        names = []
        for number in range(count):
            seed = next(_seeds) % 65_536
            file = self.folder / f"{name}{number}.png"
            file.write_bytes(pictures.picture(seed=seed, **{"width": 40 + number, "height": 30, **options}))
            names.append(file.name)
        return names


def python() -> Path:
    """The Python of the package's own environment."""
    return processes.interpreter("supervisely")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warm.Python]:
    """The package, imported once for all scripts of a worker."""
    found = warm.Python(python(), ["supervisely"], settings(tmp_path_factory.mktemp("supervisely-home")))
    yield found
    found.close()


def start(package: warm.Python, folder: Path, url: str) -> Bench:
    """A server on a migrated, empty database, with a folder for scripts and a key for every team of the owner."""
    server = processes.start_server(folder, url)
    work = folder / "work"
    work.mkdir()
    found = Bench(package, server, work)
    found.key = server.cli("key", "create", "--user", server.owner["email"], "--name", "Scripts", "--every-team")[
        "api_key"
    ]
    found.team = found.ask("teams.list", {})["entities"][0]["id"]
    found.workspace = found.ask("workspaces.list", {"teamId": found.team})["entities"][0]["id"]
    return found


@pytest.fixture(scope="module", params=DATABASES)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, package: warm.Python
) -> Iterator[Bench]:
    """One server for the tests of a file; each makes projects of its own. Scripts find an empty home folder."""
    home = Path(package.environment["HOME"])
    shutil.rmtree(home)
    home.mkdir()
    folder = tmp_path_factory.mktemp("supervisely")
    name = f"supervisely_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "labelwright.sqlite3")
        found = start(package, folder, f"sqlite:///{folder / 'labelwright.sqlite3'}")
    else:
        machine: postgres.Server = request.getfixturevalue("postgres_server")
        found = start(package, folder, machine.create(name, request.getfixturevalue("postgres_template")))
    yield found
    found.server.kill()
    if request.param != "sqlite":
        request.getfixturevalue("postgres_server").drop(name)
