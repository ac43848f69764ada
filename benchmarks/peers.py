"""Ours and the peer (Label Studio) side by side, alternately, in one run: `python -m benchmarks.peers [--quick] [NAME...]`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support import processes
from tests.support.processes import LiveServer

from benchmarks import filing, install, peer_editor
from benchmarks.label_studio import LabelStudio, call, installed, task
from benchmarks.support import CLASSES, cpu_seconds, memory, percentile, reset_peak, task_lines, together

OUT = Path(".bench")
ROUNDS = 2


@dataclass
class Row:
    """One line of the table: what is measured, in which unit, of ours and of the peer (median of the rounds)."""

    name: str
    unit: str
    ours: float
    peer: float
    note: str = ""

    def text(self) -> str:
        """As it is printed."""
        more = self.ours / self.peer if self.unit.endswith("/s") else self.peer / self.ours if self.ours else 0.0
        return f"{self.name:44} {self.ours:>10,.2f} {self.peer:>10,.2f} {self.unit:9} {more:>7.1f} times  {self.note}"


class Sides:
    """Both servers, each with one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.peer = LabelStudio(folder / "peer")
        settings: dict[str, Any] = {"data": folder / "ours", "workers": 1}
        owner = processes.labelwright("init", "--email", "owner@example.org", **settings)
        (folder / "classes.json").write_text(json.dumps(CLASSES))
        made = processes.labelwright(
            "project", "create", "Bench", "--classes", str(folder / "classes.json"), **settings
        )
        self.project: str = made["uid"]
        self.ours = LiveServer(folder / "ours", settings, owner)
        self.filed = 0

    def start(self) -> None:
        """Start both and make the peer's project."""
        self.ours.start()
        self.peer.start()
        self.peer_project = self.peer.project()

    def close(self) -> None:
        """End both."""
        self.ours.kill()
        self.peer.kill()

    @property
    def pid(self) -> int:
        """Our process id."""
        assert self.ours.process.process is not None
        return self.ours.process.process.pid

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """A call to ours."""
        headers = {"Authorization": f"Bearer {self.ours.api_key}", "x-api-key": self.ours.api_key,
                   "Content-Type": "application/json"}  # fmt: skip
        return call(self.ours.port, headers, method, path, body)


def alternate(ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of both, measured in turns."""
    found = [(ours(), peer()) for _ in range(rounds)]
    return statistics.median(o for o, _ in found), statistics.median(p for _, p in found)


def starting(folder: Path, quick: bool) -> list[Row]:
    """First start on nothing, later start, memory at rest."""
    place, studio = folder / "bare", LabelStudio(folder / "bare-peer")
    server = LiveServer(place, {"data": place}, {"api_key": ""})

    def ours() -> float:
        began = time.perf_counter()
        server.start()
        return time.perf_counter() - began

    try:
        first = (ours(), studio.start())
        server.kill()
        studio.kill()
        later = (ours(), studio.start())
        time.sleep(2)
        assert server.process.process is not None
        idle = (memory(server.process.process.pid, "VmRSS"), memory(studio.pid, "VmRSS"))
    finally:
        server.kill()
        studio.kill()
    return [Row("first start", "s", *first), Row("later start", "s", *later), Row("memory at rest", "MiB", *idle)]


def size(folder: Path, quick: bool) -> list[Row]:
    """Installed packages. Ours needs a moment: it is installed into an environment of its own."""
    theirs, packages = installed()
    if quick:
        return [Row("installed", "MiB", 0, theirs, f"{packages} packages of the peer; ours not measured with --quick")]
    (folder / "install").mkdir()
    details = install.installed(folder / "install")[0].details
    return [Row("installed", "MiB", details["mib"], theirs, f"{details['packages']} and {packages} packages")]


def importing(sides: Sides, quick: bool) -> list[Row]:
    """Bulk import of tasks with 10 boxes: ours in one stream, the peer's in calls of 1,000."""
    count = 500 if quick else 5_000
    base = memory(sides.pid, "VmRSS"), memory(sides.peer.pid, "VmRSS")
    reset_peak(sides.pid)
    reset_peak(sides.peer.pid)
    cpu = cpu_seconds(sides.pid), cpu_seconds(sides.peer.pid)

    def lines() -> list[bytes]:
        return task_lines(count, sides.filed)

    def ours() -> float:
        body, began = b"".join(lines()), time.perf_counter()
        status, answer = sides.ask("POST", f"/api/v1/projects/{sides.project}/import", iter([body]))
        assert status == 200, answer[:500]
        assert json.loads(answer)["filed"] == count, answer[:500]
        return count / (time.perf_counter() - began)

    def peer() -> float:
        bodies = [list(map(task, lines()[i : i + 1000])) for i in range(0, count, 1000)]
        began = time.perf_counter()
        for body in bodies:
            status, answer = sides.peer.request("POST", f"/api/projects/{sides.peer_project}/import", body)
            assert status == 201, answer[:500]
        sides.filed += count
        return count / (time.perf_counter() - began)

    rates = alternate(ours, peer)
    done = ROUNDS * count
    used = (cpu_seconds(sides.pid) - cpu[0]) / done, (cpu_seconds(sides.peer.pid) - cpu[1]) / done
    peak = memory(sides.pid) - base[0], memory(sides.peer.pid) - base[1]
    return [
        Row(f"import of {count:,} tasks x 10 boxes", "tasks/s", *rates),
        Row("  CPU a task", "ms", used[0] * 1e3, used[1] * 1e3),
        Row("  more memory at most", "MiB", *peak),
    ]


def creating(sides: Sides, quick: bool) -> list[Row]:
    """One pre-labeled job a request: ours through the Playment facade, the peer's through its import of one task."""
    rows = []
    for clients in (1, 8):
        each = (16 if quick else 80) // clients
        tails: dict[str, list[float]] = {"ours": [], "peer": []}
        failed = [0]

        def run(side: str, send: Callable[[int], int], clients: int = clients, each: int = each,
                tails: dict[str, list[float]] = tails, failed: list[int] = failed) -> float:  # fmt: skip
            def work(number: int) -> list[float]:
                durations = []
                for n in range(each):
                    began = time.perf_counter()
                    status = send(number * each + n)
                    durations.append(time.perf_counter() - began)
                    failed[0] += status >= 300
                return durations

            seconds, durations = together(clients, work)
            tails[side] += durations
            return clients * each / seconds

        def ours(number: int) -> int:
            body = filing.playment_job(f"one-{time.perf_counter_ns()}-{number}")
            return sides.ask("POST", f"/playment/v1/projects/{sides.project}/jobs", body)[0]

        def peer(number: int) -> int:
            body = [task(task_lines(1, number)[0])]
            return sides.peer.request("POST", f"/api/projects/{sides.peer_project}/import", body)[0]

        rates = alternate(lambda run=run, ours=ours: run("ours", ours), lambda run=run, peer=peer: run("peer", peer))
        note = f"{failed[0]} refused" if failed[0] else ""
        rows.append(Row(f"one job a request, {clients} clients", "jobs/s", *rates, note))
        ours_tail, peer_tail = (percentile(tails[side], 0.99) * 1e3 for side in ("ours", "peer"))
        rows.append(Row("  p99", "ms", ours_tail, peer_tail))
    return rows


def listing(sides: Sides, quick: bool) -> list[Row]:
    """A page of 30 of all that was filed before."""

    def ours() -> float:
        return _median(lambda: sides.ask("GET", f"/api/v1/projects/{sides.project}/items?limit=30"))

    def peer() -> float:
        path = f"/api/tasks?project={sides.peer_project}&page=1&page_size=30"
        return _median(lambda: sides.peer.request("GET", path))

    return [Row(f"list 30 of {sides.filed:,} and more", "ms", *alternate(ours, peer))]


def exporting(sides: Sides, quick: bool) -> list[Row]:
    """All labels as COCO, from the request to the last byte."""

    def ours() -> float:
        began = time.perf_counter()
        status, body = sides.ask(
            "POST", f"/api/v1/projects/{sides.project}/exports", json.dumps({"format": "coco"}).encode()
        )
        assert status == 202, body[:500]
        path = f"/api/v1/background-tasks/{json.loads(body)['uid']}"
        while (state := json.loads(sides.ask("GET", path)[1]))["state"] != "done":
            assert state["state"] in ("queued", "running"), state
            time.sleep(0.02)
        assert sides.ask("GET", state["file"])[0] == 200
        return time.perf_counter() - began

    def peer() -> float:
        began = time.perf_counter()
        path = f"/api/projects/{sides.peer_project}/export?exportType=COCO&download_all_tasks=true&download_resources=false"
        status, body = sides.peer.request("GET", path)
        assert status == 200, body[:500]
        return time.perf_counter() - began

    base = memory(sides.pid, "VmRSS"), memory(sides.peer.pid, "VmRSS")
    reset_peak(sides.pid)
    reset_peak(sides.peer.pid)
    seconds = alternate(ours, peer)
    peak = memory(sides.pid) - base[0], memory(sides.peer.pid) - base[1]
    return [Row(f"export of {sides.filed:,} tasks to COCO", "s", *seconds), Row("  more memory at most", "MiB", *peak)]


def _median(ask: Callable[[], tuple[int, bytes]]) -> float:
    durations = []
    for _ in range(10):
        began = time.perf_counter()
        status, body = ask()
        durations.append(time.perf_counter() - began)
        assert status == 200, body[:500]
    return statistics.median(durations) * 1e3


def editors(folder: Path, quick: bool) -> list[Row]:
    """The same scenes in both editors."""
    found = peer_editor.measure(folder / "editors", quick)
    return [Row(f"editor, {name}", unit, ours, peer, note) for name, unit, ours, peer, note in found]


ALONE: dict[str, Callable[[Path, bool], list[Row]]] = {"start": starting, "install": size, "editor": editors}
TOGETHER: dict[str, Callable[[Sides, bool], list[Row]]] = {
    "import": importing, "creates": creating, "list": listing, "export": exporting,
}  # fmt: skip


def main() -> None:
    """Run what is named (all when nothing is); figures also go to .bench/peers.json."""
    parser = argparse.ArgumentParser(prog="make bench-peers")
    parser.add_argument("names", nargs="*", choices=[*ALONE, *TOGETHER, []])
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    names = asked.names or [*ALONE, *TOGETHER]
    OUT.mkdir(exist_ok=True)
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} cores; ours, the peer, unit, how many times better ours is", flush=True)
    rows: list[Row] = []

    def show(found: list[Row]) -> None:
        rows.extend(found)
        print("\n".join(row.text() for row in found), flush=True)

    with tempfile.TemporaryDirectory(prefix="labelwright-peers-", dir=OUT) as name:
        folder = Path(name).absolute()
        for key in (n for n in ALONE if n in names):
            show(ALONE[key](folder, asked.quick))
        if any(n in names for n in TOGETHER):
            sides = Sides(folder)
            try:
                sides.start()
                for key in (n for n in TOGETHER if n in names):
                    show(TOGETHER[key](sides, asked.quick))
            finally:
                sides.close()
    stamp = {"at": time.strftime("%Y-%m-%d %H:%M"), "load": load}
    (OUT / "peers.json").write_text(json.dumps(stamp | {"rows": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
