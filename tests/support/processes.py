"""Starting the real programs as processes of their own: `labelwright`, the S3 server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
# What `labelwright` needs before it is told what to do. Nothing of this starts threads or looks at its settings.
MODULES = ("labelwright.cli.app", "labelwright.asgi", "labelwright.worker", "labelwright.migrate", "labelwright.demo",
           "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "uvicorn",
           "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto",
           "uvicorn.protocols.websockets.auto")  # fmt: skip
RUN = "import runpy; runpy.run_module('labelwright.cli', run_name='__main__', alter_sys=True)"


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with our sources first and only the given settings (`database_url=...`)."""
    dropped = ("LABELWRIGHT_", "PYTHONDONTWRITEBYTECODE")  # compiling everything anew each time is most of a start
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), kept.get("PYTHONPATH", "")]))
    ours = {f"LABELWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | ours


class Starter:
    """How `labelwright` is started: as `python -m`, or, once `warm` is set, as a fork of a process that imported it before.
    The tests set it; benchmarks do not, since they measure starts and memory."""

    def __init__(self) -> None:
        self.warm = False
        self.python: warm.Python | None = None

    def start(
        self, arguments: list[str], settings: dict[str, object], log: int
    ) -> subprocess.Popen[bytes] | warm.Script:
        """Start a command with its output in the open file `log`."""
        if self.warm:
            return self._python().start(RUN, *arguments, environment=environment(**settings), folder=ROOT, log=log)
        return subprocess.Popen([sys.executable, "-m", "labelwright.cli", *arguments], env=environment(**settings),
                                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)  # fmt: skip

    def run(
        self, arguments: list[str], settings: dict[str, object], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Past `seconds` it is killed and the test fails."""
        if self.warm:
            running = self._python().start(RUN, *arguments, environment=environment(**settings), folder=ROOT)
            return running.finish(seconds)
        return subprocess.run([sys.executable, "-m", "labelwright.cli", *arguments], env=environment(**settings),
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT, timeout=seconds)  # fmt: skip

    def _python(self) -> warm.Python:
        self.python = self.python or warm.Python(Path(sys.executable), MODULES, environment())
        return self.python

    def close(self) -> None:
        """End the process that forks."""
        if self.python:
            self.python.close()
            self.python = None


starter = Starter()


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a `labelwright` command with `--json` to its end. After two minutes it is killed and the test fails."""
    return starter.run([*arguments, "--json"], settings, 120)


def labelwright(*arguments: str, **settings: object) -> Any:
    """The same; its answer. Raises with its output when it fails."""
    done = run(*arguments, **settings)
    if done.returncode:
        raise RuntimeError(f"labelwright {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def wait_until_answering(
    url: str, process: subprocess.Popen[bytes] | warm.Script, log: Path, seconds: float = 180
) -> None:
    """Return when `url` answers with any status; raise with the log when the process ends or time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}:\n{log.read_text(errors='replace')[-4000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer in {seconds} s:\n{log.read_text(errors='replace')[-4000:]}")


@dataclass
class Process:
    """One of our programs, running. `kill` is SIGKILL, `stop` is SIGTERM and waits for its end."""

    arguments: list[str]
    settings: dict[str, object]
    log: Path
    process: subprocess.Popen[bytes] | warm.Script | None = None

    def start(self) -> None:
        """Start it; output goes to the log file."""
        with self.log.open("ab") as out:
            self.process = starter.start(self.arguments, self.settings, out.fileno())

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds: float = 20) -> int:
        """Ask it to end and wait; its exit code. Past `seconds` it is killed and the test fails."""
        if not self.process:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments} did not stop:\n{self.output()[-4000:]}") from None

    def output(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace")


@dataclass
class LiveServer:
    """A running `labelwright serve` with a first owner. `owner`: the JSON of `labelwright init`."""

    data: Path
    settings: dict[str, object]
    owner: dict[str, Any]
    port: int = field(default_factory=free_port)
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(["serve", "--data", str(self.data), "--port", str(self.port)], self.settings,
                               self.data.parent / f"serve-{self.port}.log")  # fmt: skip

    @property
    def url(self) -> str:
        """Its address without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        """The owner's API key."""
        return self.owner["api_key"]

    def start(self) -> LiveServer:
        """Start it and wait until it answers."""
        self.process.start()
        assert self.process.process is not None
        wait_until_answering(f"{self.url}/healthz", self.process.process, self.process.log)
        return self

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        return self.process.stop()

    def cli(self, *arguments: str) -> Any:
        """A `labelwright ... --json` command on this server's data."""
        return labelwright(*arguments, **({"data": self.data} | self.settings))

    def request(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """One call with the owner's API key: status and decoded JSON (or bytes)."""
        headers = {"Authorization": f"Bearer {key or self.api_key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(call, timeout=60) as answer:
                status, raw, kind = answer.status, answer.read(), answer.headers.get("content-type", "")
        except urllib.error.HTTPError as error:
            with error:
                status, raw, kind = error.code, error.read(), error.headers.get("content-type", "")
        return status, json.loads(raw) if "json" in kind and raw else raw


def start_server(folder: Path, database_url: str = "", **settings: object) -> LiveServer:
    """`labelwright init` and `labelwright serve` with a data folder in `folder`."""
    data = folder / "data"
    values: dict[str, object] = {"fetch_allow": "127.0.0.0/8"} | settings
    if database_url:
        values["database_url"] = database_url
    owner = labelwright("init", "--data", str(data), "--email", "owner@example.org", **values)
    return LiveServer(data, values, owner).start()


@dataclass
class S3Server:
    """moto's S3 in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    buckets: int = 0

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """A new, empty bucket; its name."""
        self.buckets += 1
        name = f"bucket-{os.getpid()}-{self.buckets}"
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT"), timeout=10).close()
        return name

    def settings(self, bucket: str) -> dict[str, object]:
        """The settings that make Labelwright store in `bucket`."""
        return {"storage_url": f"s3://{bucket}/labelwright", "s3_endpoint": self.endpoint,
                "s3_access_key": "test", "s3_secret_key": "test"}  # fmt: skip


def interpreter(name: str) -> Path:
    """The Python of the environment `.venv-<name>`, which stands beside `.venv`. Raises when it is missing."""
    places = [ROOT / f".venv-{name}", Path(sys.prefix).resolve().parent / f".venv-{name}"]
    found = next((p / "bin" / "python" for p in places if (p / "bin" / "python").exists()), None)
    if found is None:
        raise RuntimeError(f".venv-{name} is missing: run `scripts/setup {name}`")
    return found


def start_s3(folder: Path) -> S3Server:
    """Start moto's server from its own environment `.venv-s3`, which stands beside `.venv`."""
    port, log = free_port(), folder / "s3.log"
    code = f"import sys; sys.argv = ['moto_server', '-H', '127.0.0.1', '-p', '{port}']; from moto.server import main; main()"
    with log.open("wb") as out:
        process = subprocess.Popen([str(interpreter("s3")), "-c", code], stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, cwd="/")  # fmt: skip
    wait_until_answering(f"http://127.0.0.1:{port}/moto-api/", process, log)
    return S3Server(port, process)
