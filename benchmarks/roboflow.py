"""Upload through Roboflow's own package, and annotating ten thousand images, beside the package's own share of the time."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.support import processes
from tests.support.processes import ROOT, free_port
from tests.vendors.roboflow.conftest import python

from benchmarks.support import Client, Place, Result, cpu_seconds, memory, percentile, start, together

PACKAGE = """
import json, os, sys, time
import roboflow
ws = roboflow.Roboflow(api_key=os.environ["ROBOFLOW_API_KEY"]).workspace()
started = time.perf_counter()
ws.upload_dataset(dataset_path=sys.argv[1], project_name="pictures", num_workers=10, project_type="object-detection")
print(json.dumps({"seconds": time.perf_counter() - started, "cpu": time.process_time()}))
"""
# Answers every call of the package at once, whatever it is: what is left is the package's own time.
NOTHING = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
PROJECT = {"id": "w/pictures", "type": "object-detection", "name": "p", "created": 1, "updated": 1, "images": 0, "unannotated": 0,
           "annotation": "x", "public": False, "splits": {"train": 0, "valid": 0, "test": 0}, "classes": {}, "colors": {}}
BODY = json.dumps({"workspace": {"name": "w", "url": "w", "projects": [], "members": 1}, "project": PROJECT, "versions": [],
                   "success": True, "id": "x"}).encode()
ROOT = json.dumps({"workspace": "w"}).encode()
class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = ROOT if self.path.startswith("/?") else BODY
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def uploading(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """`upload_dataset` of 1,000 pictures of 640 x 480 with a VOC file each, ten threads."""
    count = 50 if quick else 1000
    pictures = dataset(folder / "pictures", count)
    place = start(folder, database_url)
    cpu = cpu_seconds(place.pid)
    whole = package(place.server.url + "/roboflow", place.server.api_key, pictures)
    used = (cpu_seconds(place.pid) - cpu) / count
    peak = memory(place.pid)
    place.close()
    alone = package_alone(pictures)
    return [Result(
        f"Roboflow upload, {count:,} images with boxes", f"{count / whole['seconds']:,.0f} images/s, {peak:.0f} MiB",
        f"the package alone {count / alone['seconds']:,.0f} images/s", "none (the real service is far away)",
        f"ours {used * 1e3:.1f} ms an image, the package's {whole['cpu'] / count * 1e3:.1f} ms",
        {"per_second": count / whole["seconds"], "alone": count / alone["seconds"], "cpu_each": used, "peak_mib": peak},
    )]  # fmt: skip


def dataset(folder: Path, count: int) -> Path:
    """Different pictures, each with an annotation file of ten boxes."""
    (folder / "train").mkdir(parents=True)
    random = np.random.default_rng(7)
    base = np.kron(random.integers(0, 255, (30, 40, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
    boxes = "".join(
        f"<object><name>{('car', 'person', 'sign')[n % 3]}</name><bndbox><xmin>{n * 50}</xmin><ymin>{n * 40}</ymin>"
        f"<xmax>{n * 50 + 90}</xmax><ymax>{n * 40 + 70}</ymax></bndbox></object>" for n in range(10)
    )  # fmt: skip
    for number in range(count):
        picture = base.copy()
        picture[:4, :8] = [[number >> 8, number & 255, 99]] * 8
        body = io.BytesIO()
        Image.fromarray(np.roll(picture, number * 3, 1)).save(body, "JPEG", quality=85)
        (folder / "train" / f"{number:05}.jpg").write_bytes(body.getvalue())
        (folder / "train" / f"{number:05}.xml").write_text(
            f"<annotation><filename>{number:05}.jpg</filename><size><width>640</width><height>480</height></size>{boxes}</annotation>"
        )
    return folder


def package(url: str, key: str, pictures: Path) -> dict[str, float]:
    """Let the package upload a folder; seconds, and CPU seconds of its own."""
    environment = os.environ | {"API_URL": url, "APP_URL": url, "ROBOFLOW_API_KEY": key, "TQDM_DISABLE": "1", "NO_PROXY": "*",
                                "PYTHONPATH": "", "ROBOFLOW_CONFIG_DIR": str(pictures.parent / "config.json")}  # fmt: skip
    done = subprocess.run(
        [str(python()), "-c", PACKAGE, str(pictures)], env=environment, capture_output=True, text=True, check=True
    )
    assert "error" not in done.stdout.lower(), done.stdout[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def package_alone(pictures: Path) -> dict[str, float]:
    """The same against a server that only answers."""
    port = free_port()
    nothing = subprocess.Popen([sys.executable, "-c", NOTHING, str(port)])
    try:
        processes.wait_until_answering(f"http://127.0.0.1:{port}/", nothing, ROOT / "README.md")
        return package(f"http://127.0.0.1:{port}", "nokey1", pictures)
    finally:
        nothing.kill()
        nothing.wait()


def annotating(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """Labels of 20 boxes for each of 10,000 images that are there already, ten connections."""
    count = 300 if quick else 10_000
    place = start(folder, database_url)
    slug, ids = filed(place, count)
    rows = "".join(f"{n % 3} 0.{n % 80 + 10} 0.{n * 7 % 80 + 10} 0.08 0.05\n" for n in range(20))
    body = json.dumps({"annotationFile": rows, "labelmap": {"0": "car", "1": "person", "2": "sign"}}).encode()
    key = place.server.api_key
    threads = 10

    def work(number: int) -> list[float]:
        client, durations = Client(place.server.port, key), []
        for item in ids[number::threads]:
            began = time.perf_counter()
            path = f"/roboflow/dataset/{slug}/annotate/{item}?api_key={key}&name=a.txt"
            status, answer = client.call("POST", path, body)
            durations.append(time.perf_counter() - began)
            assert status == 200, answer
        return durations

    cpu = cpu_seconds(place.pid)
    seconds, durations = together(threads, work)
    used, peak = (cpu_seconds(place.pid) - cpu) / count, memory(place.pid)
    place.close()
    return [Result(
        f"Roboflow annotate, {count:,} images x 20 boxes",
        f"{count / seconds:,.0f} images/s, p50 {percentile(durations, 0.5) * 1e3:.0f} ms, p99 {percentile(durations, 0.99) * 1e3:.0f} ms",
        "none set", "none", f"{used * 1e3:.2f} ms an image, {peak:.0f} MiB",
        {"per_second": count / seconds, "p99": percentile(durations, 0.99), "cpu_each": used},
    )]  # fmt: skip


def filed(place: Place, count: int) -> tuple[str, list[str]]:
    """Images of the project without labels, filed in bulk; the project's slug and the images' ids."""
    client = Client(place.server.port, place.server.api_key)
    lines = b"".join(
        json.dumps({"reference_id": f"i-{n}", "url": f"https://images.example.org/{n}.jpg"}).encode() + b"\n"
        for n in range(count)
    )
    call(client, "POST", f"/api/v1/projects/{place.project}/import", lines)
    slug = call(client, "GET", f"/api/v1/projects/{place.project}")["slug"]
    # In the queue of a job an image would not join the dataset; here they are in none, as after an upload.
    for job in call(client, "GET", f"/api/v1/jobs?project={place.project}")["results"]:
        call(client, "DELETE", f"/api/v1/jobs/{job['uid']}")
    ids: list[str] = []
    after = ""
    while True:
        page = call(client, "GET", f"/api/v1/projects/{place.project}/items?limit=200{after}")
        ids += [item["uid"].replace("-", "") for item in page["results"]]
        if not page.get("next"):
            return slug, ids
        after = f"&after={page['next']}"


def call(client: Client, method: str, path: str, body: bytes | None = None) -> Any:
    """One call that must succeed."""
    status, answer = client.call(method, path, body)
    assert status < 300, (status, answer)
    return json.loads(answer) if answer else None
