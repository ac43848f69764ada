"""The editor in the real Chromium: how long heavy pictures take to open, and how late frames are while one works.

Frame times stand beside those of the same browser drawing an empty canvas of that size, in the same run."""

from __future__ import annotations

import gzip
import io
import math
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.conftest import CHROMIUM_FLAGS
from tests.editor.conftest import Hand, Studio, Task, sign_in
from tests.support import pictures, processes

from benchmarks import editor_scenes
from benchmarks.support import Result, percentile
from labelwright.geometry import masks

WIDTH, HEIGHT = 3840, 2160
RECORD = """() => { const t = []; window.__frames = t; let last = performance.now();
    const tick = now => { t.push(now - last); last = now; if (window.__frames === t) requestAnimationFrame(tick); };
    requestAnimationFrame(tick); }"""
EMPTY = """() => { const c = document.createElement('canvas'); c.width = innerWidth; c.height = innerHeight;
    document.body.replaceChildren(c); const x = c.getContext('2d');
    document.addEventListener('pointermove', () => requestAnimationFrame(() => x.clearRect(0, 0, c.width, c.height)));
    document.addEventListener('wheel', () => requestAnimationFrame(() => x.clearRect(0, 0, c.width, c.height))); }"""


def editing(folder: Path, database_url: str, quick: bool) -> list[Result]:
    """Open, move, zoom, drag and draw in each of the heavy scenes."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(exist_ok=True)
    server = processes.start_server(folder, database_url)
    results = [_size()]
    try:
        with pictures.site() as site, sync_playwright() as playwright:
            site.pages["/street.png"] = photograph()
            ana = server.cli("user", "add", "ana@example.org", "--role", "annotator")
            studio = Studio(server, site, {"ana": ana})
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_FLAGS))
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            sign_in(context, studio, "ana")
            empty = _empty(context)
            share = 10 if quick else 1
            task = None
            for name, objects, target in _scenes(share):
                task = studio.task(objects)
                results += _scene(studio, context, task, name, target, empty)
            assert task is not None
            results += editor_scenes.strokes(studio, context, task, 300 // share)
            results += editor_scenes.one_class_a_pixel(studio, context, share)
            results += editor_scenes.many_classes(studio, context, share)
            results += editor_scenes.scrubbing(studio, context, share)
            results += editor_scenes.tracks(studio, context, share)
            browser.close()
    finally:
        server.kill()
    return results


def photograph(seed: int = 7) -> bytes:
    """A picture of 3840 x 2160 with as much detail as a photograph; another seed, another picture."""
    noise = np.random.default_rng(seed).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def _scenes(share: int) -> list[tuple[str, list[dict[str, Any]], str]]:
    dice = random.Random(5)
    mixed = [_box(n + 1, dice) if n % 2 else _polygon(n + 1, dice, 12) for n in range(10_000 // share)]
    detailed = [_polygon(n + 1, dice, 60) for n in range(3_000 // share)]
    painted = [_mask(n + 1, dice) for n in range(200 // share)]
    return [
        (f"editor, {len(mixed):,} mixed objects", mixed, "2 s"),
        (f"editor, {len(detailed):,} polygons of 60 points", detailed, "2 s"),
        (f"editor, {len(painted):,} masks", painted, "2 s"),
    ]


def _box(number: int, dice: random.Random) -> dict[str, Any]:
    x, y = dice.random() * 0.97, dice.random() * 0.95
    return {"id": number, "class": "car", "shape": {"type": "rectangle", "box": [x, y, x + 0.02, y + 0.03]}}


def _polygon(number: int, dice: random.Random, points: int) -> dict[str, Any]:
    x, y = 0.03 + dice.random() * 0.94, 0.04 + dice.random() * 0.92
    ring: list[float] = []
    for i in range(points):
        angle, reach = 2 * math.pi * i / points, 0.7 + 0.3 * dice.random()
        ring += [x + 0.018 * reach * math.cos(angle), y + 0.03 * reach * math.sin(angle)]
    return {"id": number, "class": "person", "shape": {"type": "polygon", "parts": [[ring]]}}


def _mask(number: int, dice: random.Random) -> dict[str, Any]:
    width, height = 260, 200
    y, x = np.mgrid[0:height, 0:width]
    bits = ((x - width / 2) / (width / 2)) ** 2 + ((y - height / 2) / (height / 2)) ** 2 < 0.8 + 0.1 * np.sin(x / 9)
    grid = np.zeros((HEIGHT, WIDTH), bool)
    left, top = dice.randrange(WIDTH - width), dice.randrange(HEIGHT - height)
    grid[top : top + height, left : left + width] = bits
    mask = masks.from_array(grid)
    shape = {"type": "mask", "size": list(mask.size), "box": list(mask.box), "counts": mask.counts}
    return {"id": number, "class": "road", "shape": shape}


def _size() -> Result:
    built = Path("src/labelwright/web/static/editor")
    packed = sum(len(gzip.compress((built / name).read_bytes())) for name in ("main.js", "main.css"))
    return Result("editor, script and style, compressed", f"{packed / 1000:.0f} KB", "300 KB", "6.1 MB of script")


def _empty(context: Any) -> list[float]:
    """Frame times of an empty canvas under the same mouse."""
    page = context.new_page()
    page.goto("about:blank")
    page.evaluate(EMPTY)
    frames = frames_while(page, lambda: _wander(page, 60))
    page.close()
    return frames


def frames_while(page: Any, work: Callable[[], None]) -> list[float]:
    """Milliseconds between the frames that the page could draw while somebody worked."""
    page.evaluate(RECORD)
    work()
    return page.evaluate("() => { const t = window.__frames; window.__frames = null; return t.slice(2); }")


def _wander(page: Any, steps: int) -> None:
    for i in range(steps):
        page.mouse.move(500 + 300 * math.cos(i / 7), 450 + 200 * math.sin(i / 5))


def _scene(studio: Studio, context: Any, task: Task, name: str, target: str, empty: list[float]) -> list[Result]:
    ana = Hand(studio, context, "ana")
    ana.size = (WIDTH, HEIGHT)
    page = ana.page
    began = time.monotonic()
    ana.open(task)
    opened = time.monotonic() - began
    measures = {
        "hover": frames_while(page, lambda: _wander(page, 60)),
        "zoom": frames_while(page, lambda: _zoom(page)),
        "pan": frames_while(page, lambda: _pan(page)),
        "draw": frames_while(page, lambda: _draw(ana)),
        "drag": frames_while(page, lambda: _drag(ana)),
    }
    nodes = page.evaluate("() => document.querySelectorAll('*').length")
    heap = page.evaluate("() => performance.memory ? performance.memory.usedJSHeapSize / 1048576 : 0")
    page.close()
    base = percentile(empty, 0.95)
    texts = ", ".join(f"{verb} {statistics.median(t):.0f}/{percentile(t, 0.95):.0f}" for verb, t in measures.items())
    return [
        Result(f"{name}: opens in", f"{opened:.1f} s", target, "26-55 s with 5,000 boxes", details={"seconds": opened}),
        Result(f"{name}: frames", f"{texts} ms (median/p95)", f"two frames: {base + 16.7:.0f} ms", "776 ms a zoom step",
               details={"empty_p95": base, "nodes": nodes, "heap_mib": heap,
                        **{verb: {"median": statistics.median(t), "p95": percentile(t, 0.95)} for verb, t in measures.items()}}),
        Result(f"{name}: page", f"{nodes} nodes, {heap:.0f} MiB heap", "nodes whatever the objects", "439 MiB heap"),
    ]  # fmt: skip


def _zoom(page: Any) -> None:
    for step in [-120] * 12 + [120] * 12:
        page.mouse.wheel(0, step)


def _pan(page: Any) -> None:
    page.mouse.move(700, 450)
    page.mouse.down(button="middle")
    _wander(page, 60)
    page.mouse.up(button="middle")


def _drag(ana: Hand) -> None:
    """Move the box drawn last, and back."""
    ana.press("v")
    for _ in range(3):
        ana.drag((830, 360), (1200, 700)).drag((1200, 700), (830, 360))


def _draw(ana: Hand) -> None:
    ana.press("0", "b")
    for i in range(6):
        ana.drag((300 + 100 * i, 300), (360 + 100 * i, 420))
