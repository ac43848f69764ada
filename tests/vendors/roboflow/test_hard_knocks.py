"""A server that is killed while it writes a version; many threads with the same bytes; files that are not what they say."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support import pictures, processes, warm
from tests.support.processes import LiveServer
from tests.vendors.roboflow.conftest import Bench

LINE = b"----line"


def send(server: LiveServer, slug: str, name: str, body: bytes) -> tuple[int, Any]:
    """Upload a file as the package does."""

    parts = [b"--" + LINE + b'\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode()
             + b'"\r\nContent-Type: image/png\r\n\r\n' + body + b"\r\n--" + LINE + b"--\r\n"]  # fmt: skip
    url = f"{server.url}/roboflow/dataset/{slug}/upload?api_key={server.api_key}&name=x.png&batch=One"
    head = {"Content-Type": f"multipart/form-data; boundary={LINE.decode()}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"".join(parts), head), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def project(bench: Bench, name: str) -> str:
    """A new project's slug."""
    body = {"name": name, "type": "object-detection", "license": "", "annotation": "x"}
    return bench.call("POST", f"/{bench.workspace}/projects", body)[1]["id"].split("/")[1]


def test_the_same_bytes_in_ten_threads_are_one_image(bench: Bench) -> None:
    slug = project(bench, "Same")
    body = pictures.picture(seed=next(bench.seeds), width=70)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(bench.server, slug, "x.png", body), range(10)))
    assert {status for status, _ in answers} == {200}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert sorted(answer.get("success", False) for _, answer in answers) == [False] * 9 + [True]
    assert bench.get(f"/{bench.workspace}/{slug}")[1]["project"]["images"] == 1


def test_files_that_are_no_pictures_are_refused_and_leave_nothing(bench: Bench) -> None:
    slug, good = project(bench, "Broken"), pictures.picture(seed=next(bench.seeds), width=300, height=200)
    for name, body in (("a.png", good[: len(good) // 2]), ("b.png", b"%PDF-1.7 no picture"), ("c.png", b""),
                       ("d.png", b"GIF89a" + b"\0" * 40), ("e.png", b"PK\3\4" + b"\0" * 60)):  # fmt: skip
        status, answer = send(bench.server, slug, name, body)
        assert status == 400, (name, answer)
        assert answer["error"]["message"]
    status, answer = send(bench.server, slug, "../../etc/passwd.txt", good)  # the content counts, not the name
    assert status == 200
    _, image = bench.get(f"/{bench.workspace}/{slug}/images/{answer['id']}")
    assert image["image"]["name"] == "x.png"
    assert bench.get(f"/{bench.workspace}/{slug}")[1]["project"]["images"] == 1


def test_a_version_is_written_to_its_end_by_the_server_after_a_killed_one(
    tmp_path: Path, sqlite_template: Path, package: warm.Python
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "labelwright.sqlite3")
    server = processes.start_server(tmp_path, f"sqlite:///{tmp_path / 'labelwright.sqlite3'}")
    bench = Bench(package, server, tmp_path, "")
    bench.workspace = bench.get("/")[1]["workspace"]
    slug = project(bench, "Killed")
    for _ in range(8):
        image = send(server, slug, "x.png", pictures.picture(seed=next(bench.seeds), width=320, height=240))[1]["id"]
        body = {"annotationFile": "0 0.5 0.5 0.2 0.2", "labelmap": {"0": "cat"}}
        bench.call("POST", f"/dataset/{slug}/annotate/{image}?name=a.txt", body)
    settings = {
        "preprocessing": {},
        "augmentation": {"noise": {"percent": 5}, "rotate": {"degrees": 9}, "image": {"versions": 30}},
    }
    status, made = bench.call("POST", f"/{bench.workspace}/{slug}/generate", settings)
    assert (status, made["version"]) == (200, "1")
    place = f"/{bench.workspace}/{slug}/1"
    assert bench.get(f"{place}/coco")[0] == 202
    while not 0.1 < bench.get(f"{place}/coco")[1]["progress"] < 0.9:
        time.sleep(0.02)
    server.kill()
    server.start()
    bodies = []
    for name in ("coco", "coco-segmentation"):  # the same format: what was begun twice, and what was not
        while (found := bench.get(f"{place}/{name}"))[0] == 202:
            time.sleep(0.1)
        assert found[0] == 200, found
        with urllib.request.urlopen(found[1]["export"]["link"], timeout=60) as answer:
            bodies.append(answer.read())
    assert bodies[0] == bodies[1]
    server.kill()
