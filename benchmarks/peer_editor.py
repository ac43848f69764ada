"""The editors side by side: the same picture and objects in ours and in Label Studio's, each inside its own server's pages.

Both are opened in one Chromium, one after the other. What does not open in time is a row that says so."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.conftest import CHROMIUM_FLAGS
from tests.editor.conftest import CLASSES, Hand, Studio, sign_in
from tests.support import pictures, processes

from benchmarks import editor
from benchmarks.label_studio import LabelStudio
from benchmarks.support import percentile
from labelwright.formats import label_studio as theirs
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry.document import Document

PATIENCE = 120.0
ENOUGH = 20.0  # seconds of one kind of work
LABELS = "".join(f'<Label value="{c["name"]}"/>' for c in CLASSES)
KINDS = (("RectangleLabels", "rectanglelabels"), ("PolygonLabels", "polygonlabels"), ("BrushLabels", "brushlabels"))
TAGS = "".join(f'<{tag} name="{kind}" toName="image">{LABELS}</{tag}>' for tag, kind in KINDS)
CONFIG = f'<View><Image name="image" value="$image" zoom="true" zoomControl="true"/>{TAGS}</View>'
# The store that its page keeps for its own tools: all regions are there and the picture is on the stage.
OPENED = """n => {
    const annotation = window.Htx?.annotationStore?.selected;
    const image = annotation?.names?.get("image");
    return annotation?.regionStore?.regions?.length >= n && image?.stageRef?.find("Rect, Line, Image").length > 0
        && (image.imageIsLoaded ?? true);
}"""


def scenes(quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Name and objects of each scene."""
    share = 10 if quick else 1
    mixed, _, painted = (objects for _, objects, _ in editor._scenes(share))
    boxes = [box | {"id": n + 1} for n, box in enumerate(o for o in mixed if o["shape"]["type"] == "rectangle")]
    return {
        f"{len(boxes):,} boxes": boxes,
        f"{len(mixed) // 10:,} mixed objects": mixed[: len(mixed) // 10],
        f"{len(painted):,} masks": painted,
    }


def measure(folder: Path, quick: bool) -> list[tuple[str, str, float, float, str]]:
    """Rows of (name, unit, ours, theirs, note): time to open, and frames while the pointer moves and the wheel zooms."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(exist_ok=True)
    server, peer = processes.start_server(folder), LabelStudio(folder / "peer")
    rows: list[tuple[str, str, float, float, str]] = []
    try:
        peer.start()
        with pictures.site() as site, sync_playwright() as playwright:
            body = editor.photograph()
            site.pages["/street.png"] = lambda handler: pictures.answer(
                handler, 200, body, content_type="image/jpeg", access_control_allow_origin="*"
            )
            people = {"ana": server.cli("user", "add", "ana@example.org", "--role", "annotator")}
            studio = Studio(server, site, people)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_FLAGS))
            ours, other = (browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2))
            sign_in(ours, studio, "ana")
            _sign_in(other, peer)
            for name, objects in scenes(quick).items():
                a = _ours(studio, ours, objects)
                b, fault = _theirs(peer, other, site.url("/street.png"), objects)
                rows += [
                    (f"{name}: {what}", unit, a[what], b.get(what, math.inf), fault)
                    for what, unit in (("opens in", "s"), ("pointer, p95", "ms"), ("zoom, p95", "ms"))
                ]
            browser.close()
    finally:
        server.kill()
        peer.kill()
    return rows


def _ours(studio: Studio, context: Any, objects: list[dict[str, Any]]) -> dict[str, float]:
    hand = Hand(studio, context, "ana")
    hand.size = (editor.WIDTH, editor.HEIGHT)
    task = studio.task(objects)
    began = time.monotonic()
    hand.open(task)
    opened = time.monotonic() - began
    found = {"opens in": opened} | _moved(hand.page)
    hand.page.close()
    return found


def _theirs(peer: LabelStudio, context: Any, url: str, objects: list[dict[str, Any]]) -> tuple[dict[str, float], str]:
    """What was measured, and what went wrong."""
    from playwright.sync_api import Error

    status, made = peer.request("POST", "/api/projects/", {"title": "Scene", "label_config": CONFIG})
    assert status == 201, made[:500]
    project = json.loads(made)["id"]
    status, _ = peer.request("POST", f"/api/projects/{project}/import", [_task(url, objects)])
    if status != 201:
        return {}, f"did not take the task: {status}"
    tasks = json.loads(peer.request("GET", f"/api/tasks?project={project}")[1])["tasks"]
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    found: dict[str, float] = {}
    try:
        began = time.monotonic()
        page.goto(f"http://127.0.0.1:{peer.port}/projects/{project}/data?task={tasks[0]['id']}", wait_until="commit")
        page.wait_for_function(OPENED, arg=len(objects))
        found["opens in"] = time.monotonic() - began
        page.set_default_timeout(30_000)
        found |= _moved(page)
    except Error as error:
        what = "did not open in" if not found else "did not answer within"
        return found, f"{what} {PATIENCE if not found else 30:.0f} s ({str(error).splitlines()[0][:60]})"
    finally:
        page.close()
    return found, ""


def _task(url: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The scene as the other side's task."""
    document = msgspec.convert({"objects": objects}, Document)
    file = io.BytesIO()
    names = [SampleClass(c["name"]) for c in CLASSES]
    theirs.write([Sample("street", editor.WIDTH, editor.HEIGHT, document, url=url)], file, names)
    task = json.loads(file.getvalue())[0]
    for region in task["annotations"][0]["result"]:
        region["from_name"] = region["type"]
    return {"data": {"image": url}, "annotations": [{"result": task["annotations"][0]["result"]}]}


def _moved(page: Any) -> dict[str, float]:
    """Frame times at the 95th percentile while one works, in milliseconds. Whoever is slow is asked to do less, not longer."""
    work: dict[str, Callable[[], None]] = {"pointer, p95": lambda: _wander(page), "zoom, p95": lambda: _zoom(page)}
    return {name: percentile(editor.frames_while(page, one), 0.95) for name, one in work.items()}


def _wander(page: Any) -> None:
    end = time.monotonic() + ENOUGH
    for i in range(30):
        if time.monotonic() < end:
            page.mouse.move(500 + 300 * math.cos(i / 7), 450 + 200 * math.sin(i / 5))


def _zoom(page: Any) -> None:
    """Both take the wheel with Ctrl held as zooming."""
    end = time.monotonic() + ENOUGH
    page.keyboard.down("Control")
    for step in [-120] * 6 + [120] * 6:
        if time.monotonic() < end:
            page.mouse.wheel(0, step)
    page.keyboard.up("Control")


def _sign_in(context: Any, peer: LabelStudio) -> None:
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{peer.port}/user/login/")
    page.fill("input[name=email]", "owner@example.org")
    page.fill("input[name=password]", "Secret-pass-1")
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url, timeout=120_000)
    page.close()
