"""Listing labeling jobs through Supervisely's unmodified package: what is ours of the time, and what its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from tests.vendors.supervisely.conftest import python

from benchmarks.support import Client, Result, cpu_seconds, start
from labelwright.db import Database
from labelwright.models.items import Item

SCRIPT = """
import json, os, time
import supervisely as sly
api = sly.Api(os.environ["SERVER_ADDRESS"], os.environ["API_TOKEN"])
team = int(os.environ["TEAM"])
api.labeling_job.get_list(team, dataset_id=0)
found = []
for _ in range(3):
    wall, own = time.perf_counter(), time.process_time()
    jobs = api.labeling_job.get_list(team)
    found.append((time.perf_counter() - wall, time.process_time() - own))
print(json.dumps([len(jobs), min(found)]))
"""


def listing(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """`labeling_job.get_list` of a team with 1,000 jobs of ten images each."""
    count = 50 if quick else 1000
    place = start(folder, database_url)
    client = Client(place.server.port, place.server.api_key)

    def ask(method: str, body: Any) -> Any:
        status, raw = client.call("POST", f"/supervisely/public/api/v3/{method}", json.dumps(body).encode())
        assert status == 200, raw
        return json.loads(raw)

    team = ask("teams.list", {})["entities"][0]["id"]
    project = ask("projects.list", {"teamId": team})["entities"][0]["id"]
    dataset = ask("datasets.add", {"projectId": project, "name": "bench"})["id"]
    _fill(
        str(place.server.settings.get("database_url") or f"sqlite:///{folder / 'data' / 'labelwright.sqlite3'}"),
        project,
        dataset,
    )
    me = ask("users.me", {})["id"]
    meta = {"classes": ["car"], "projectTags": [], "imageFiguresLimit": 10}
    for number in range(count):
        ask("jobs.add", {"name": f"job {number}", "datasetId": dataset, "userIds": [me], "meta": meta})
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "SERVER_ADDRESS": f"{place.server.url}/supervisely", "API_TOKEN": place.server.api_key, "TEAM": str(team),
        "SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK": "1", "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    cpu = cpu_seconds(place.pid)
    done = subprocess.run(
        [str(python()), "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True, cwd=folder
    )
    ours = (cpu_seconds(place.pid) - cpu) / 3
    listed, (wall, own) = json.loads(done.stdout.strip().splitlines()[-1])
    assert listed == count
    place.close()
    return [Result(
        f"Supervisely: list {count:,} jobs", f"{wall * 1e3:.0f} ms: ours {(wall - own) * 1e3:.0f}, the package's own {own * 1e3:.0f}",
        "ours is the smaller share", "-", f"{ours * 1e3:.0f} ms", {"wall": wall, "package": own, "server_cpu": ours},
    )]  # fmt: skip


def _fill(url: str, project: int, dataset: int) -> None:
    database = Database(url)
    row = {
        "project_id": project,
        "batch_id": dataset,
        "kind": "image",
        "media_state": "ready",
        "width": 640,
        "height": 480,
    }
    with database.write() as session:
        session.execute(insert(Item), [{**row, "name": f"{n}.jpg"} for n in range(10)])
    database.close()
