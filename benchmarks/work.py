"""Listing, handing out tasks, saving documents, exporting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from tests.support.processes import environment, labelwright

from benchmarks.seeding import annotators, fill
from benchmarks.support import Client, Result, cpu_seconds, memory, percentile, serve, start, together


def listing(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """GET items, 30 at a time: the first page, a page in the middle, by class, by a rare class, by state, at 50k and 1M."""
    results = []
    for count in (2_000, 5_000) if quick else (50_000, 1_000_000):
        here = folder / str(count)
        here.mkdir()
        place = start(here, database_url, lambda *a, n=count: fill(*a, count=n, boxes=3))  # type: ignore[misc]
        client = Client(place.server.port, place.server.api_key)
        path = f"/api/v1/projects/{place.project}/items?limit=30"
        middle = json.loads(client.call("GET", f"/api/v1/projects/{place.project}/items?limit=200")[1])["next"]
        for name, query in (("first page", ""), ("a later page", f"&after={middle}"), ("by class", "&class=car"),
                            ("by a rare class", "&class=rare"), ("by reference", f"&reference=task-{count - 5}"),
                            ("not ready", "&media=pending")):  # fmt: skip
            durations, size = [], 0
            cpu = cpu_seconds(place.pid)
            for _ in range(20 if quick else 200):
                began = time.perf_counter()
                status, body = client.call("GET", path + query)
                durations.append(time.perf_counter() - began)
                assert status == 200, body
                size = len(body)
            used = (cpu_seconds(place.pid) - cpu) / len(durations)
            results.append(Result(
                f"list 30 of {count:,}: {name}",
                f"p50 {percentile(durations, 0.5) * 1e3:.1f} ms, p99 {percentile(durations, 0.99) * 1e3:.1f} ms, {size / 1024:.0f} KB",
                "p50 4 ms, p99 15 ms, 15 KB", "61-206 ms (by label 271-4,088), 130 KB", f"{used * 1e3:.2f} ms",
                {"p50": percentile(durations, 0.5), "p99": percentile(durations, 0.99), "bytes": size},
            ))  # fmt: skip
        place.close()
    return results


def handing_out(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """16 annotators: next task, open it, submit it. No task may be handed out twice."""
    count = 160 if quick else 3200
    keys: list[str] = []

    def seed(values: dict[str, Any], project: str, owner_key: str) -> None:
        fill(values, project, owner_key, count=count + 200)
        keys.extend(annotators(values, owner_key, 16))

    place = start(folder, database_url, seed)
    taken: list[str] = []
    asked = json.dumps({"project": place.project, "stage": "label"}).encode()

    def work(number: int) -> list[float]:
        client, durations = Client(place.server.port, keys[number]), []
        for _ in range(count // 16):
            began = time.perf_counter()
            status, body = client.call("POST", "/api/v1/tasks/next", asked)
            assert status == 200, body
            task = json.loads(body)["task"]
            opened = json.loads(client.call("GET", f"/api/v1/tasks/{task}/work")[1])
            lease = json.dumps({"lease": opened["task"]["lease"]}).encode()
            status, body = client.call("POST", f"/api/v1/tasks/{task}/submit", lease)
            assert status == 200, body
            durations.append(time.perf_counter() - began)
            taken.append(task)
        return durations

    cpu = cpu_seconds(place.pid)
    seconds, durations = together(16, work)
    used = (cpu_seconds(place.pid) - cpu) / len(durations)
    doubled = len(taken) - len(set(taken))
    place.close()
    return [Result(
        "next task + open + submit, 16 annotators",
        f"{count / seconds:,.0f} cycles/s, p99 {percentile(durations, 0.99) * 1e3:.0f} ms, {doubled} doubled",
        "400 cycles/s, p99 50 ms, none doubled", "2-8 (10) cycles/s; 20-29 of 96 doubled", f"{used * 1e3:.2f} ms a cycle",
        {"per_second": count / seconds, "p99": percentile(durations, 0.99), "doubled": doubled},
    )]  # fmt: skip


def polygons(count: int, points: int = 30) -> list[dict[str, Any]]:
    """Objects with one polygon each."""
    import math

    objects = []
    for number in range(count):
        x, y = 0.05 + number * 37 % 900 / 1000, 0.05 + number * 53 % 900 / 1000
        ring = [round(v, 6) for i in range(points) for a in [2 * math.pi * i / points]
                for v in (x + 0.02 * math.cos(a), y + 0.02 * math.sin(a))]  # fmt: skip
        objects.append({"id": number + 1, "class": "car", "shape": {"type": "polygon", "parts": [[ring]]}})
    return objects


def saving(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """PATCH a document: all of its polygons at once, then one of them."""
    place, results = start(folder, database_url, lambda *a: fill(*a, count=40, boxes=0)), []
    client = Client(place.server.port, place.server.api_key)
    items = json.loads(client.call("GET", f"/api/v1/projects/{place.project}/items?limit=40")[1])["results"]
    for count in (1000, 5000):
        whole, single = [], []
        put = polygons(count)
        cpu = cpu_seconds(place.pid)
        for item in items[: 3 if quick else 15] if count == 1000 else items[15 : 18 if quick else 30]:
            path = f"/api/v1/items/{item['uid']}/document"
            version = json.loads(client.call("GET", path)[1])["version"]
            for objects, into in ((put, whole), (put[7:8], single)):
                if into is single:
                    objects[0]["shape"]["parts"][0][0][0] += 0.001
                body = json.dumps({"base": version, "save_id": str(uuid.uuid4()), "put": objects}).encode()
                began = time.perf_counter()
                status, answer = client.call("PATCH", path, body)
                into.append(time.perf_counter() - began)
                assert status == 200, answer[:500]
                version = json.loads(answer)["version"]
        used = (cpu_seconds(place.pid) - cpu) / len(whole)
        results.append(Result(
            f"save {count:,} polygons of 30 points",
            f"{percentile(whole, 0.5) * 1e3:.0f} ms; then one of them {percentile(single, 0.5) * 1e3:.0f} ms",
            "30 ms" if count == 1000 else "-", "370-490 (660) ms" if count == 1000 else "-", f"{used * 1e3:.0f} ms both",
            {"p50": percentile(whole, 0.5), "one": percentile(single, 0.5)},
        ))  # fmt: skip
    place.close()
    return results


def exporting(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """`labelwright export` to COCO: the work of an export's background task, in a process of its own with its peak memory."""
    results = []
    for count in (2_000,) if quick else (10_000, 100_000):
        here = folder / str(count)
        here.mkdir()
        place = start(here, "", lambda *a, n=count: fill(*a, count=n))  # type: ignore[misc]
        place.close()
        seconds, cpu, peak = child(
            "export", "--project", place.project, "--out", str(here / "coco.json"), data=place.server.data
        )
        _, base_cpu, base = child("migrate", data=place.server.data)
        size = (here / "coco.json").stat().st_size
        results.append(Result(
            f"export {count:,} x 10 to COCO",
            f"{seconds:.1f} s, {peak - base:+.0f} MiB, {size / 1e6:.0f} MB", "2 s for 50k, 64 MiB more", "87 s for 50k, 2 GiB",
            f"{cpu - base_cpu:.1f} s", {"seconds": seconds, "more_mib": peak - base, "cpu": cpu - base_cpu},
        ))  # fmt: skip
    return results


def child(*arguments: str, **settings: object) -> tuple[float, float, float]:
    """Run a `labelwright` command: wall-clock seconds, CPU seconds, peak memory in MiB."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "labelwright.cli", *arguments, "--json"]
    process = subprocess.Popen(
        command, env=environment(**settings), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def starting(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """First start (empty folder), later starts, memory at rest, and the size of what is installed."""
    times = []
    for number in range(1 if quick else 4):
        here = folder / str(number)
        here.mkdir()
        began = time.perf_counter()
        place = start_bare(here)
        first = time.perf_counter() - began
        place.kill()
        began = time.perf_counter()
        place.start()
        later = time.perf_counter() - began
        time.sleep(2)
        assert place.process.process is not None
        times.append((first, later, memory(place.process.process.pid, "VmRSS")))
        place.kill()
    labelwright("migrate", data=folder / "0" / "data")
    first, later, idle = (min(t[i] for t in times) for i in range(3))
    return [
        Result("first start, later start", f"{first:.1f} s, {later:.1f} s", "2 s, 1 s", "24 s, 2.2 s", "", {"first": first, "later": later}),
        Result("idle memory", f"{idle:.0f} MiB", "150 MiB", "258 MiB", "", {"mib": idle}),
    ]  # fmt: skip


def start_bare(folder: Path) -> Any:
    """`labelwright serve` on an empty folder."""
    from tests.support.processes import LiveServer

    return serve(LiveServer(folder / "data", {"data": folder / "data"}, {"api_key": ""}))
