"""A running server, and Roboflow's own package and command line pointed at it, unmodified."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATABASES
from tests.support import pictures, postgres, processes, warm
from tests.support.processes import LiveServer

BEGIN = """
import json, os, sys
from pathlib import Path
import roboflow
from roboflow.adapters import rfapi
rf = roboflow.Roboflow(api_key=os.environ["ROBOFLOW_API_KEY"])
ws = rf.workspace()
folder = Path.cwd()
def refused(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        return str(error)
    raise AssertionError("it was not refused")
"""


@dataclass
class Bench:
    """The package, the server and a folder to run scripts in."""

    package: warm.Python
    server: LiveServer
    folder: Path
    workspace: str
    # The server keeps one image for one content: no two pictures of a bench are alike.
    seeds: Iterator[int] = field(default_factory=itertools.count)

    def environment(self) -> dict[str, str]:
        """What a user would set."""
        url = f"{self.server.url}/roboflow"
        return self.package.environment | {
            "API_URL": url, "APP_URL": url, "UNIVERSE_URL": url, "SERVERLESS_URL": url,
            "ROBOFLOW_API_KEY": self.server.api_key, "ROBOFLOW_CONFIG_DIR": str(self.folder / "config.json"),
            "HOME": str(self.folder),
        }  # fmt: skip

    def script(self, code: str, *arguments: str) -> Any:
        """Run a script after `BEGIN` (`rf`, `ws`, `folder`, `refused`); what it prints last, as JSON."""
        running = self.package.start(BEGIN + code, *arguments, environment=self.environment(), folder=self.folder)
        done = running.finish(240)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Run the command line; its output. Its exit code must be `code`."""
        done = self.command(*arguments, environment=self.environment())
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def command(
        self, *arguments: str, environment: dict[str, str], typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end in an environment; `typed` is on its standard input."""
        program = python().with_name("roboflow")
        running = self.package.start(
            program.read_text(), *arguments, environment=environment, folder=self.folder, typed=typed, name=str(program)
        )
        return running.finish(240)

    def get(self, path: str) -> tuple[int, Any]:
        """A plain call of this API."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A plain call of this API with a JSON body."""
        mark = "&" if "?" in path else "?"
        return self.server.request(method, f"/roboflow{path}{mark}api_key={self.server.api_key}", body)

    def pictures(self, count: int, name: str = "photo", **options: Any) -> list[str]:
        """So many different pictures in the folder; their file names."""
        names = []
        for number in range(count):
            file = self.folder / f"{name}{number}.png"
            file.write_bytes(pictures.picture(seed=next(self.seeds), **{"width": 40 + number, **options}))
            names.append(file.name)
        return names


def python() -> Path:
    """The Python of the package's own environment."""
    return processes.interpreter("roboflow")


@pytest.fixture(scope="session")
def package() -> Iterator[warm.Python]:
    """What the package imports, imported once for a worker. The package looks at its settings meanwhile: scripts do that anew."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABELWRIGHT_", "PYTHON", "ROBOFLOW"))}
    same = {"TQDM_DISABLE": "1", "NO_PROXY": "*", "NO_COLOR": "1", "PYTHONPATH": "", "COLUMNS": "200"}
    modules = ("roboflow", "roboflow.roboflowpy", "rich.console")
    found = warm.Python(python(), modules, kept | same, anew=["roboflow"])
    yield found
    found.close()


@pytest.fixture(scope="module", params=DATABASES)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, package: warm.Python
) -> Iterator[Bench]:
    """One server for the tests of a file; each makes projects of its own."""
    folder = tmp_path_factory.mktemp("roboflow")
    name = f"roboflow_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "labelwright.sqlite3")
        server = processes.start_server(folder, f"sqlite:///{folder / 'labelwright.sqlite3'}")
    else:
        machine: postgres.Server = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("postgres_template")
        server = processes.start_server(folder, machine.create(name, template))
    work = folder / "work"
    work.mkdir()
    found = Bench(package, server, work, "")
    found.workspace = found.get("/")[1]["workspace"]
    yield found
    server.kill()
    if request.param != "sqlite":
        request.getfixturevalue("postgres_server").drop(name)
