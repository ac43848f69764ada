"""Run benchmarks and print them beside the peers' figures: `python -m benchmarks [--quick] [--postgresql] [NAME...]`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import postgres

from benchmarks import editor, filing, formats, install, roboflow, supervisely, supervisely_jobs, work
from benchmarks.support import Result, end_all

BENCHMARKS: dict[str, Callable[..., list[Result]]] = {
    "starting": work.starting,
    "install": install.installed,
    "import": filing.bulk_import,
    "creates": filing.single_creates,
    "listing": work.listing,
    "handing-out": work.handing_out,
    "saving": work.saving,
    "exporting": work.exporting,
    "roboflow-upload": roboflow.uploading,
    "roboflow-annotate": roboflow.annotating,
    "converting": formats.converting,
    "editor": editor.editing,
    "supervisely-jobs": supervisely_jobs.listing,
    "supervisely": supervisely.supervisely,
}
OUT = Path(".bench")


def main() -> None:
    """Run what is named (all when nothing is); the table goes to the terminal, figures to .bench/results.json."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []])
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    OUT.mkdir(exist_ok=True)
    results: list[Result] = []
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; CPU beside wall-clock time, since machines are shared",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="labelwright-bench-", dir=OUT) as folder:
        server = (
            postgres.Server.start(Path(tempfile.mkdtemp(prefix="labelwright-bench-pg-")), durable=True)
            if asked.postgresql
            else None
        )
        try:
            for name in asked.names or BENCHMARKS:
                results += run(name, Path(folder).absolute() / name, server, asked.quick)
        finally:
            if server:
                postgres.clean_up(server.folder)
    stamp = {
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "load": os.getloadavg()[0],
        "database": "postgresql" if asked.postgresql else "sqlite",
    }
    (OUT / "results.json").write_text(json.dumps(stamp | {"results": [vars(r) for r in results]}, indent=1))


def run(name: str, folder: Path, server: postgres.Server | None, quick: bool) -> list[Result]:
    """One benchmark; prints its lines."""
    folder.mkdir()
    url = (
        server.create(f"bench_{name.replace('-', '_')}")
        if server and name not in ("starting", "install", "listing", "exporting")
        else ""
    )
    began = time.monotonic()
    try:
        found = BENCHMARKS[name](folder, url, quick)
    finally:
        end_all()
    for result in found:
        print(
            f"{result.name:42} {result.ours}\n{'':42} target {result.target} | peer {result.peer} | CPU {result.cpu}",
            flush=True,
        )
    print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    main()
