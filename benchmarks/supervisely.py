"""Supervisely's unmodified package against our server: images, annotations, figures, lists, jobs; what share of the time is ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.processes import ROOT, LiveServer

from benchmarks.support import Result, cpu_seconds, start
from labelwright.db import Database
from labelwright.models.items import ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import access, identity, items

TARGET = "our share below a half"
# Steps print a line when they begin and one when they end; the server's CPU time is read in between.
SCRIPT = """
import json, os, resource, sys, time
import numpy as np
import supervisely as sly
api = sly.Api(os.environ["SERVER_ADDRESS"], os.environ["API_TOKEN"])
IMAGES, ANNS, LISTED, JOBS = map(int, sys.argv[1:5])
folder = sys.argv[5]
def say(**line):
    print(json.dumps(line), flush=True)
    sys.stdin.readline()
def step(name, count, work):
    say(begin=name)
    cpu, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = work()
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    say(end=name, count=count, seconds=seconds, cpu=after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime)
    return found
team = api.team.get_list()[0]
space = api.workspace.get_list(team.id)[0]
p = api.project.create(space.id, "bench", change_name_if_conflict=True)
meta = api.project.update_meta(p.id, sly.ProjectMeta([sly.ObjClass("box", sly.Rectangle), sly.ObjClass("area", sly.Polygon)]))
rng = np.random.default_rng(1)
paths = []
for n in range(IMAGES):
    paths.append(f"{folder}/{n}.png")
    sly.image.write(paths[-1], rng.integers(0, 255, (185, 185, 3), dtype=np.uint8))
first = api.dataset.create(p.id, "images")
names = [f"{n}.png" for n in range(IMAGES)]
infos = step("upload of images of 100 KB", IMAGES, lambda: api.image.upload_paths(first.id, names, paths))
def copies(name):
    ds = api.dataset.create(p.id, name)
    return ds, [i.id for i in api.image.upload_hashes(ds.id, [f"{n}.png" for n in range(ANNS)], [infos[n % IMAGES].hash for n in range(ANNS)])]
def annotation(n):
    labels = []
    for k in range(10):
        x, y = (n * 7 + k * 13) % 150, (n * 3 + k * 17) % 150
        if k % 2:
            labels.append(sly.Label(sly.Rectangle(y, x, y + 20, x + 25), meta.get_obj_class("box")))
        else:
            points = [sly.PointLocation(y + a, x + b) for a, b in ((0, 0), (3, 20), (18, 30), (25, 6))]
            labels.append(sly.Label(sly.Polygon(points), meta.get_obj_class("area")))
    return sly.Annotation((185, 185), labels)
ds, ids = copies("annotations")
anns = [annotation(n) for n in range(ANNS)]
step("upload of annotations of 10 objects", ANNS, lambda: api.annotation.upload_anns(ids, anns))
step("download of annotations of 10 objects", ANNS, lambda: [sly.Annotation.from_json(a.annotation, meta) for a in api.annotation.download_batch(ds.id, ids)])
fast, more = copies("figures")
step("figures.bulk.add of figures", ANNS * 10, lambda: api.annotation.upload_anns_fast(more, anns))
big = api.dataset.create(p.id, "listed")
say(seed=big.id)
def listed():
    assert len(api.image.get_list(big.id)) == LISTED
step("list of images by pages", LISTED, listed)
me = api.user.get_my_info()
for n in range(JOBS):
    api.post("jobs.add", {"name": f"job {n}", "datasetId": first.id, "userIds": [me.id], "meta": {"classes": [], "projectTags": [], "imageTags": [], "imageFiguresLimit": 0, "imageTagsLimit": 0, "entityIds": [infos[n % IMAGES].id], "dynamicClasses": False, "dynamicTags": False, "allowRestore": False}})
def jobs():
    assert len(api.labeling_job.get_list(team.id)) >= JOBS
step("list of jobs", JOBS, jobs)
say(done=True)
"""


def supervisely(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """The package's own calls, one after another, in a process of its own."""
    counts = (50, 200, 2_000, 20) if quick else (1_000, 10_000, 100_000, 1_000)
    place = start(folder, database_url)
    server = place.server
    pictures = folder / "pictures"
    pictures.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LABELWRIGHT_", "PYTHON"))} | {
        "SERVER_ADDRESS": f"{server.url}/supervisely", "API_TOKEN": server.api_key, "LOG_LEVEL": "ERROR", "TQDM_DISABLE": "1",
        "SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK": "1", "HOME": str(folder), "NO_PROXY": "*",
    }  # fmt: skip
    python = ROOT / ".venv-supervisely" / "bin" / "python"
    log = (folder / "client.log").open("w")
    client = subprocess.Popen([str(python), "-c", SCRIPT, *map(str, counts), str(pictures)], env=env, cwd=folder, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)  # fmt: skip
    results: list[Result] = []
    try:
        _follow(client, server, place.pid, counts[2], results)
    except (AssertionError, OSError, ValueError) as error:
        log.flush()
        raise AssertionError((folder / "client.log").read_text()[-3000:]) from error
    finally:
        client.kill()
        client.wait()
        log.close()
        place.close()
    return results


def _follow(client: subprocess.Popen[str], server: LiveServer, pid: int, listed: int, results: list[Result]) -> None:
    assert client.stdout is not None
    assert client.stdin is not None
    before = 0.0
    for text in client.stdout:
        line: dict[str, Any] = json.loads(text)
        if "begin" in line:
            before = cpu_seconds(pid)
        elif "end" in line:
            results.append(_result(line, cpu_seconds(pid) - before))
        elif "seed" in line:
            _fill(server, line["seed"], listed)
        client.stdin.write("\n")
        client.stdin.flush()
        if line.get("done"):
            return
    raise AssertionError("the package's script ended early")


def _result(line: dict[str, Any], ours: float) -> Result:
    theirs, seconds, count = line["cpu"], line["seconds"], line["count"]
    share = ours / (ours + theirs) if ours + theirs else 0.0
    text = f"{count / seconds:,.0f}/s; of the CPU time {share:.0%} ours, {1 - share:.0%} the package's"
    cpu = f"ours {ours:.1f} s, the package's {theirs:.1f} s, wall clock {seconds:.1f} s"
    return Result(f"supervisely: {line['end']} ({count:,})", text, TARGET, "-", cpu,
                  {"per_second": count / seconds, "ours_cpu": ours, "package_cpu": theirs, "seconds": seconds, "share": share})  # fmt: skip


def _fill(server: LiveServer, batch_id: int, count: int) -> None:
    """Images of one content in a dataset, past the API: what is measured is listing them."""
    url = str(server.settings.get("database_url") or f"sqlite:///{server.data / 'labelwright.sqlite3'}")
    database = Database(url)
    with database.write() as session:
        batch = session.get_one(Batch, batch_id)
        project = session.get_one(Project, batch.project_id)
        actor: access.Actor = identity.by_key(session, server.api_key)
        media = session.query(Media).join(ItemMedia, ItemMedia.media_id == Media.id).first()
        assert media is not None
        for first in range(0, count, 10_000):
            part = range(first, min(count, first + 10_000))
            items.add_images(session, actor, project, batch, [items.NewImage(f"{n}.png", media) for n in part])
    database.close()
