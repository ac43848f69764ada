"""The peer: Label Studio as its package starts it, in `.venv-peers` (`scripts/setup peers`), with its data in one folder."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from tests.support import processes

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
    '<Label value="car"/><Label value="person"/><Label value="sign"/><Label value="rare"/></RectangleLabels></View>'
)


def environment() -> Path:
    """Where the peers are installed; beside `.venv`, also when that is shared by several work trees."""
    places = [ROOT / ".venv-peers", Path(sys.prefix).resolve().parent / ".venv-peers"]
    found = next((p for p in places if (p / "bin" / "label-studio").exists()), None)
    if found is None:
        raise SystemExit("The peers are not installed: run `scripts/setup peers`.")
    return found


@dataclass
class LabelStudio:
    """One server process. Telemetry is off: nothing leaves the machine."""

    folder: Path
    port: int = field(default_factory=processes.free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 300.0) -> float:
        """Start it and wait until it answers; the seconds that took."""
        self.folder.mkdir(parents=True, exist_ok=True)
        off = {
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
        }
        command = [
            str(environment() / "bin" / "label-studio"), "start", "--no-browser", "--data-dir", str(self.folder / "data"),
            "--internal-host", "127.0.0.1", "-p", str(self.port), "--username", "owner@example.org",
            "--password", "Secret-pass-1", "--user-token", TOKEN, "--enable-legacy-api-token",
        ]  # fmt: skip
        began = time.perf_counter()
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **off}, cwd=self.folder,
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        while time.perf_counter() - began < seconds:
            if self.process.poll() is not None:
                break
            try:
                if call(self.port, {}, "GET", "/health")[0] == 200:
                    return time.perf_counter() - began
            except OSError:
                time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"Label Studio did not start:\n{(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """One call: status and body."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        return call(self.port, headers, method, path, None if body is None else json.dumps(body).encode())

    def project(self) -> int:
        """A project for boxes of four classes; its id."""
        status, body = self.request("POST", "/api/projects/", {"title": "Bench", "label_config": CONFIG})
        assert status == 201, body[:500]
        return json.loads(body)["id"]


def call(port: int, headers: dict[str, str], method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """One request on a connection of its own, for both sides alike (the peer's server closes it after each answer)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)
    try:
        connection.request(method, path, body, headers, encode_chunked=body is not None and not isinstance(body, bytes))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def task(line: bytes) -> dict[str, Any]:
    """The peer's task for one of our import lines: the same picture and boxes (in percent), as an annotation."""
    given = json.loads(line)
    boxes = []
    for item in given["objects"]:
        x1, y1, x2, y2 = (round(100 * v, 4) for v in item["shape"]["box"])
        value = {
            "x": x1,
            "y": y1,
            "width": x2 - x1,
            "height": y2 - y1,
            "rotation": 0,
            "rectanglelabels": [item["class"]],
        }
        boxes.append({"from_name": "label", "to_name": "image", "type": "rectanglelabels", "original_width": 1600,
                      "original_height": 1200, "value": value})  # fmt: skip
    return {"data": {"image": given["url"]}, "annotations": [{"result": boxes}]}


def installed() -> tuple[float, int]:
    """MiB and number of the packages that Label Studio brings, itself included."""
    site = next((environment() / "lib").glob("python*/site-packages"))
    known = {_plain(d.metadata["Name"]): d for d in distributions(path=[str(site)])}
    wanted, found = ["label-studio"], {}
    while wanted:
        name = _plain(wanted.pop())
        if name in found or name not in known:
            continue
        found[name] = known[name]
        wanted += [r.name for r in map(Requirement, known[name].requires or ()) if not r.marker or r.marker.evaluate()]
    return _size(found.values()) / 2**20, len(found)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _size(packages: Iterable[Distribution]) -> int:
    paths = (Path(str(file.locate())) for package in packages for file in package.files or () if file.suffix != ".pyc")
    return sum(path.stat().st_size for path in paths if path.is_file())
