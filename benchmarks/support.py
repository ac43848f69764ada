"""What the benchmarks share: a server process, its CPU time and memory, a lean HTTP client, percentiles."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import processes
from tests.support.processes import LiveServer

TICK = os.sysconf("SC_CLK_TCK")
CLASSES = [{"name": name, "shapes": ["rectangle", "polygon"]} for name in ("car", "person", "sign", "rare")]


@dataclass
class Result:
    """One line of the table. `ours` and `target` are texts; `details` goes to the JSON file."""

    name: str
    ours: str
    target: str
    peer: str
    cpu: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int, name: str = "VmHWM") -> float:
    """Memory of a process in MiB: `VmHWM` the most so far, `VmRSS` now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def reset_peak(pid: int) -> None:
    """Let the most-so-far begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass
class Place:
    """A server with one image project. Background work is off: the peers do none in these runs either."""

    server: LiveServer
    project: str

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self.server.process.process is not None
        return self.server.process.process.pid

    def close(self) -> None:
        """Stop the server."""
        self.server.kill()


def start(
    folder: Path, database_url: str = "", seed: Callable[[dict[str, Any], str, str], None] | None = None
) -> Place:
    """Set up in `folder`, let `seed(settings, project uid, owner's key)` fill it, and start the server."""
    settings: dict[str, Any] = {"data": folder / "data", "workers": 0}
    if database_url:
        settings["database_url"] = database_url
    owner = processes.labelwright("init", "--email", "owner@example.org", **settings)
    classes = folder / "classes.json"
    classes.write_text(json.dumps(CLASSES))
    project = processes.labelwright("project", "create", "Bench", "--classes", str(classes), **settings)["uid"]
    if seed is not None:
        seed(settings, project, owner["api_key"])
    return Place(serve(LiveServer(folder / "data", settings, owner)), project)


def serve(server: LiveServer) -> LiveServer:
    """Start a server that `end_all` ends, whatever happens to its benchmark."""
    _started.append(server)
    return server.start()


def end_all() -> None:
    """End every server that is left."""
    while _started:
        _started.pop().kill()


_started: list[LiveServer] = []


class Client:
    """One keep-alive connection. Thin on purpose: its own work must not be what is measured."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\nx-api-key: {key}\r\n".encode()
        self.connect()

    def connect(self) -> None:
        """Open the connection."""
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of one request."""
        head = f"{method} {path} HTTP/1.1\r\n".encode() + self.head
        if body is not None:
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self.socket.sendall(head + b"\r\n" + (body or b""))
        while b"\r\n\r\n" not in self.rest:
            self._more()
        top, self.rest = self.rest.split(b"\r\n\r\n", 1)
        status, lower = int(top[9:12]), top.lower()
        if b"chunked" in lower:
            return status, self._chunked()
        mark = lower.find(b"content-length:")
        length = int(lower[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        while len(self.rest) < length:
            self._more()
        found, self.rest = self.rest[:length], self.rest[length:]
        return status, found

    def _more(self) -> None:
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.rest += part

    def _chunked(self) -> bytes:
        parts = []
        while True:
            while b"\r\n" not in self.rest:
                self._more()
            line, self.rest = self.rest.split(b"\r\n", 1)
            size = int(line, 16)
            while len(self.rest) < size + 2:
                self._more()
            parts.append(self.rest[:size])
            self.rest = self.rest[size + 2 :]
            if size == 0:
                return b"".join(parts)


def together(count: int, work: Callable[[int], list[float]]) -> tuple[float, list[float]]:
    """Run `work(number)` in `count` threads that begin at once; wall-clock seconds, and all their durations."""
    gate = threading.Barrier(count + 1)
    durations: list[float] = []
    failures: list[BaseException] = []

    def run(number: int) -> None:
        gate.wait()
        try:
            durations.extend(work(number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - started, durations


def task_lines(count: int, first: int = 0, boxes: int = 10) -> list[bytes]:
    """NDJSON lines of pre-labeled tasks: `boxes` boxes each; every 500th task also has the class `rare`."""
    lines = []
    for number in range(first, first + count):
        objects = []
        for box in range(boxes):
            x, y = (number * 7 + box * 13) % 80 / 100, (number * 11 + box * 17) % 80 / 100
            name = "rare" if box == 0 and number % 500 == 0 else ("car", "person", "sign")[(number + box) % 3]
            shape = {"type": "rectangle", "box": [x, y, round(x + 0.15, 4), round(y + 0.12, 4)]}
            objects.append({"id": box + 1, "class": name, "shape": shape, "source": "model", "score": 0.9})
        line = {"reference_id": f"task-{number}", "url": f"https://images.example.org/{number}.jpg", "objects": objects}
        lines.append(json.dumps(line).encode() + b"\n")
    return lines
