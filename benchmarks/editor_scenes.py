"""More scenes of the editor: thousands of classes, hundreds of strokes on masks, scrubbing through frames of 4K."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from tests.editor.conftest import HEIGHT, WIDTH, Hand, Studio, Task
from tests.support import pictures

from benchmarks.support import Result, memory, percentile
from labelwright.geometry import masks

LONG_TASKS = """() => { window.__long = []; new PerformanceObserver(list => list.getEntries().forEach(e => window.__long.push(e.duration)))
    .observe({type: "longtask", buffered: true}); }"""
SCRUB = """async ([steps, rate]) => {
    const {frames, editor} = document.querySelector("lw-app").session;
    let late = 0;
    for (let i = 1; i <= steps; i++) {
        const url = frames.urlOf(i);
        let there = false;
        const stop = editor.shown.on(shown => { there ||= shown.url === url; });
        frames.go(i);
        await new Promise(done => setTimeout(done, 1000 / rate));
        stop();
        // The first second is for warming up.
        if (!there && i > rate) late++;
    }
    return late / (steps / rate - 1);
}"""


def many_classes(studio: Studio, context: Any, share: int) -> list[Result]:
    """Work in a project of 5,000 classes and 500 text attributes: the longest task of the browser."""
    count, values = 5_000 // share, 500 // share
    names = [{"name": f"class {n}"} for n in range(count)]
    project = studio.project(classes=names[:2000])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda c: studio.call("POST", f"/projects/{project}/classes", c), names[2000:]))
        texts = [{"name": f"text {n}", "kind": "text"} for n in range(values)]
        list(pool.map(lambda a: studio.call("POST", f"/projects/{project}/attributes", a), texts))
    ana = Hand(studio, context, "ana")
    ana.size = (3840, 2160)
    ana.open(studio.task(project=project))
    ana.page.evaluate(LONG_TASKS)
    ana.press("b").drag((300, 300), (900, 900)).press("/")
    ana.page.keyboard.type(f"class {count - 1}")
    ana.press("Enter").press("v").click(600, 600)
    ana.page.locator("lw-attributes input").first.fill("seen")
    ana.page.wait_for_timeout(500)
    longest = max(ana.page.evaluate("() => window.__long"), default=0.0)
    ana.page.close()
    name = f"editor, {count:,} classes and {values} text attributes: longest task"
    return [Result(name, f"{longest:.0f} ms", "100 ms", "freezes of 30 s in CVAT", details={"ms": longest})]


def strokes(studio: Studio, context: Any, task: Task, count: int) -> list[Result]:
    """Paint on a picture full of masks: script a stroke, and the tab's memory."""
    ana = Hand(studio, context, "ana")
    ana.size = (3840, 2160)
    ana.open(task)
    session = context.new_cdp_session(ana.page)
    session.send("Performance.enable")
    script = _metric(session, "ScriptDuration")
    dice = random.Random(3)
    began = script()
    ana.press("m")
    left, top = 300, 300
    for n in range(count):
        if n % 10 == 0:  # ten strokes make one instance, as people paint
            ana.press("Enter")
            left, top = dice.randrange(300, 3000), dice.randrange(300, 1500)
        x, y = left + dice.randrange(300), top + dice.randrange(200)
        ana.drag((x, y), (x + 60, y + 40))
    used = (script() - began) / count * 1000
    ana.press("Enter")
    began = script()
    for _ in range(count):
        ana.drag(*((dice.randrange(50, 3800), dice.randrange(50, 2100)) for _ in range(2)))
    growing = (script() - began) / count * 1000
    tab = max(memory(process["id"], "VmRSS") for process in _renderers(context))
    ana.page.close()
    return [
        Result(f"editor, {count} strokes: script a stroke, memory of the tab", f"{used:.1f} ms, {tab:.0f} MiB",
               "16 ms, 1 GB", "40 GB reported for 200 masks", details={"script_ms": used, "rss_mib": tab}),
        Result(f"editor, {count} strokes across the picture on one mask: script a stroke", f"{growing:.1f} ms",
               "16 ms", "-", details={"script_ms": growing}),
    ]  # fmt: skip


def one_class_a_pixel(studio: Studio, context: Any, share: int) -> list[Result]:
    """Paint over 20 masks that fill a 4K picture: each stroke takes its pixels from others, gaps are counted after it."""
    classes = [{"name": name, "shapes": ["mask"]} for name in ("road", "grass")]
    project = studio.project(classes=classes, settings={"semantic": True})
    ana = Hand(studio, context, "ana")
    ana.size = (3840, 2160)
    ana.open(studio.task(_mosaic(), project))
    session = context.new_cdp_session(ana.page)
    session.send("Performance.enable")
    script = _metric(session, "ScriptDuration")
    dice = random.Random(3)
    count = max(10, 60 // share)
    ana.press("m", "]", "]")
    ana.page.evaluate(LONG_TASKS)
    began = script()
    for _ in range(count):
        x, y = dice.randrange(100, 3600), dice.randrange(100, 2000)
        ana.drag((x, y), (x + 150, y + 60))
        ana.page.wait_for_timeout(400)
    used = (script() - began) / count * 1000
    longest = max(ana.page.evaluate("() => window.__long"), default=0.0)
    ana.page.close()
    return [
        Result(f"editor, {count} strokes into 20 masks that fill a 4K picture: script a stroke with all that follows, longest task",
               f"{used:.1f} ms, {longest:.0f} ms", "-", "-", details={"script_ms": used, "longest_ms": longest}),
    ]  # fmt: skip


def _mosaic() -> list[dict[str, Any]]:
    y, x = np.mgrid[0:2160, 0:3840]
    column = ((x + 30 * np.sin(y / 90)) // 768).clip(0, 4)
    row = ((y + 30 * np.sin(x / 70)) // 540).clip(0, 3)
    cells = (row * 5 + column).astype(int)
    found: list[dict[str, Any]] = []
    for n in range(20):
        mask = masks.from_array(cells == n)
        shape = {"type": "mask", "size": list(mask.size), "box": list(mask.box), "counts": mask.counts}
        found.append({"id": n + 1, "class": "road" if n % 2 else "grass", "shape": shape})
    return found


def scrubbing(studio: Studio, context: Any, share: int) -> list[Result]:
    """Step through 2,000 frames of 4K at 30 a second: frames not on screen before the next step."""
    count = 2_000 // share
    distinct = min(count, 180)  # more than are stepped through: no frame is seen twice
    from benchmarks.editor import photograph

    bodies = [photograph(n) for n in range(12)]
    for n in range(distinct):
        studio.site.pages[f"/scrub{n}.jpg"] = _frame(bodies[n % 12], n)
    lines = [{"url": studio.site.url(f"/scrub{n % distinct}.jpg"), "frame_id": str(n)} for n in range(count)]
    ana = Hand(studio, context, "ana")
    ana.size = (3840, 2160)
    ana.open(studio.task(project=studio.project("video"), frames=lines))
    late = ana.page.evaluate(SCRUB, [min(count - 1, 150), 30])
    ana.page.close()
    name = f"editor, {count:,} frames of 4K at 30 steps a second: late frames"
    return [Result(name, f"{late:.1f} a second", "1 a second", "-", details={"late": late})]


def tracks(studio: Studio, context: Any, share: int) -> list[Result]:
    """Step, play through and scrub 10,000 frames with 55,000 boxes of tracks, and move one: how late frames of the screen are."""
    from benchmarks.editor import frames_while

    count, every = 10_000 // share, 10
    studio.site.pages |= {f"/frame{n}.png": pictures.picture(WIDTH, HEIGHT, seed=n) for n in range(12)}
    lines = [{"url": studio.site.url(f"/frame{n % 12}.png"), "frame_id": str(n)} for n in range(count)]
    objects = [_track(n + 1, n * count // 550, 100 // share, every, count) for n in range(550)]
    ana = Hand(studio, context, "ana")
    page = ana.page
    page.set_default_timeout(120_000)
    began = time.monotonic()
    task = studio.task(objects, studio.project("video"), 600, frames=lines)
    filed = time.monotonic() - began
    began = time.monotonic()
    ana.open(task)
    opened = time.monotonic() - began
    ruler = page.locator("lw-timeline canvas").bounding_box()

    def step() -> None:
        for _ in range(60):
            ana.press("d")

    def scrub() -> None:
        page.mouse.move(ruler["x"] + 200, ruler["y"] + 8)
        page.mouse.down()
        for n in range(60):
            page.mouse.move(ruler["x"] + 200 + 10 * n, ruler["y"] + 8)
        page.mouse.up()

    def change() -> None:
        ana.press("v", "Tab")
        for _ in range(20):
            ana.press("ArrowRight")

    works: dict[str, Callable[[], None]] = {"step": step, "scrub": scrub, "move a box": change}
    measures = {verb: frames_while(page, work) for verb, work in works.items()}
    ana.wait("saved")
    page.close()
    texts = ", ".join(f"{verb} {statistics.median(t):.0f}/{percentile(t, 0.95):.0f}" for verb, t in measures.items())
    boxes = sum(len(o["keyframes"]) for o in objects)
    name = f"editor, {count:,} frames with {boxes:,} boxes of tracks"
    return [
        Result(f"{name}: opens in", f"{opened:.1f} s", "2 s", "-", details={"seconds": opened, "filed": filed}),
        Result(f"{name}: frames", f"{texts} ms (median/p95)", "two frames", "-",
               details={verb: {"median": statistics.median(t), "p95": percentile(t, 0.95)} for verb, t in measures.items()}),
    ]  # fmt: skip


def _track(number: int, first: int, keys: int, every: int, count: int) -> dict[str, Any]:
    """A box that wanders through the picture, with a keyframe every so many frames."""
    dice = random.Random(number)
    x, y = 0.1 + 0.7 * dice.random(), 0.1 + 0.7 * dice.random()
    keyframes = []
    for frame in range(first, min(count, first + keys * every), every):
        x, y = (min(0.9, max(0.02, v + 0.02 * (dice.random() - 0.5))) for v in (x, y))
        keyframes.append({"frame": frame, "shape": {"type": "rectangle", "box": [x, y, x + 0.05, y + 0.08]}})
    return {"id": number, "class": "car", "keyframes": keyframes}


def _frame(body: bytes, number: int) -> Callable[[Any], None]:
    """A page that sends this JPEG as a file of its own: what follows its end is read by nobody."""

    def send(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "image/jpeg")
        handler.send_header("content-length", str(len(body) + 4))
        handler.end_headers()
        handler.wfile.write(body + number.to_bytes(4, "big"))

    return send


def _metric(session: Any, name: str) -> Callable[[], float]:
    def read() -> float:
        return next(m["value"] for m in session.send("Performance.getMetrics")["metrics"] if m["name"] == name)

    return read


def _renderers(context: Any) -> list[dict[str, Any]]:
    found = context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [process for process in found if process["type"] == "renderer"]
