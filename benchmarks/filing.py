"""Bulk import, and one pre-labeled job a request through the Playment facade."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.support import (
    Client,
    Place,
    Result,
    cpu_seconds,
    memory,
    percentile,
    reset_peak,
    start,
    task_lines,
    together,
)

IMPORT_TARGET = "12,000/s, 200 MiB, 1 KiB a task"
CREATE_TARGET = "1,000/s, p99 60 ms"


def bulk_import(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """POST /projects/{uid}/import of 10k, then 50k tasks with 10 boxes each."""
    place = start(folder, database_url)
    results, first = [], 0
    for count in (2_000, 10_000) if quick else (10_000, 50_000):
        lines = task_lines(count, first)
        first += count
        reset_peak(place.pid)
        size, cpu, started = disk(place), cpu_seconds(place.pid), time.perf_counter()
        body = stream(place, lines)
        seconds = time.perf_counter() - started
        assert body["filed"] == count, body["errors"][:3]
        used = cpu_seconds(place.pid) - cpu
        each = (disk(place) - size) / count / 1024
        results.append(Result(
            f"import {count:,} tasks x 10 boxes", f"{count / seconds:,.0f}/s, {memory(place.pid):.0f} MiB, {each:.2f} KiB a task",
            IMPORT_TARGET, "865/s (544 on PostgreSQL), 0.8-1.3 GB, 4.4 KiB", f"{used / count * 1e6:.0f} µs a task",
            {"per_second": count / seconds, "cpu_seconds": used, "peak_mib": memory(place.pid), "kib_each": each},
        ))  # fmt: skip
    place.close()
    return results


def stream(place: Place, lines: list[bytes]) -> Any:
    """Send the lines as one streamed request; the decoded answer."""
    connection = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=600)
    headers = {"Authorization": f"Bearer {place.server.api_key}", "Content-Type": "application/x-ndjson"}
    parts = (b"".join(lines[i : i + 500]) for i in range(0, len(lines), 500))
    connection.request("POST", f"/api/v1/projects/{place.project}/import", parts, headers, encode_chunked=True)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def disk(place: Place) -> int:
    """Bytes of the data folder (SQLite) or the database (PostgreSQL)."""
    url = str(place.server.settings.get("database_url", ""))
    if not url:
        return sum(
            p.stat().st_size for p in place.server.data.rglob("*") if p.is_file() and not p.name.endswith("-wal")
        )
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return row[0]


def single_creates(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """POST /v1/projects/{id}/jobs, each request one durable transaction, at 1, 8 and 32 clients."""
    place, results = start(folder, database_url), []
    path = f"/playment/v1/projects/{place.project}/jobs"
    for clients in (1, 8, 32):
        each = (30 if quick else 600) if clients == 1 else (400 if quick else 6000) // clients

        def work(number: int, clients: int = clients, each: int = each) -> list[float]:
            client, durations = Client(place.server.port, place.server.api_key), []
            bodies = [playment_job(f"{clients}-{number}-{n}") for n in range(each)]
            for body in bodies:
                began = time.perf_counter()
                status, answer = client.call("POST", path, body)
                durations.append(time.perf_counter() - began)
                assert status == 200, answer
            return durations

        cpu = cpu_seconds(place.pid)
        seconds, durations = together(clients, work)
        used = (cpu_seconds(place.pid) - cpu) / len(durations)
        results.append(Result(
            f"Playment job a request, {clients} clients",
            f"{len(durations) / seconds:,.0f}/s, p50 {percentile(durations, 0.5) * 1e3:.1f} ms, p99 {percentile(durations, 0.99) * 1e3:.0f} ms",
            CREATE_TARGET, "3-21/s, p99 9-46 s (PostgreSQL 39-45/s, 0.4-1.4 s)", f"{used * 1e3:.2f} ms a request",
            {"per_second": len(durations) / seconds, "p99": percentile(durations, 0.99), "cpu_each": used},
        ))  # fmt: skip
    place.close()
    return results


def playment_job(reference: str) -> bytes:
    """A create body: an image with ten rectangles of a model."""
    data = []
    for box in range(10):
        x, y = box * 7 % 80 / 100, box * 13 % 80 / 100
        corners = [{"x": x, "y": y}, {"x": x + 0.1, "y": y}, {"x": x + 0.1, "y": y + 0.1}, {"x": x, "y": y + 0.1}]
        data.append({"_id": f"{reference}-{box}", "color": "rgb(1,2,3)", "state": "editable", "attributes": {},
                     "label": ("car", "person", "sign")[box % 3], "coordinates": corners})  # fmt: skip
    labels = {"rectangles": {"type": "rectangles", "data": data}}
    image = {"image_url": f"https://images.example.org/{reference}.jpg", "maker_response": labels}
    return json.dumps({"reference_id": reference, "tag": "Label and review", "data": image}).encode()
