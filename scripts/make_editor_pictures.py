"""Take the pictures of docs/editor.md: `make pictures` (a real server, the real editor, the demo's photographs).

Each scene below opens one task, puts the editor into the state worth showing, and is kept as a WebP file of at most 150 KB.
`ARGS="boxes video"` retakes only those; `ARGS="--png FOLDER"` writes lossless ones elsewhere, for looking at them."""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from tests.conftest import CHROMIUM_FLAGS
from tests.editor.conftest import Hand, Studio, Task, sign_in
from tests.support import pictures, processes

from labelwright import demo
from labelwright.geometry import masks
from labelwright.geometry.document import Mask, Polygon

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs/images"
PHOTOS = Path(demo.__file__).parent / "photos"
LABELS: dict[str, list[dict[str, Any]]] = json.loads((PHOTOS.parent / "labels.json").read_text())
LARGEST = 150_000
WIDE = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
POSE = [("head", 0.44, 0.13), ("nose", 0.44, 0.245), ("left eye", 0.487, 0.2), ("right eye", 0.4, 0.197), ("neck", 0.43, 0.4),
        ("left shoulder", 0.62, 0.47), ("right shoulder", 0.22, 0.5), ("left elbow", 0.7, 0.74), ("right elbow", 0.12, 0.78),
        ("left hand", 0.56, 0.9), ("right hand", 0.3, 0.93)]  # fmt: skip
BONES = [[0, 1], [1, 2], [1, 3], [1, 4], [4, 5], [4, 6], [5, 7], [6, 8], [7, 9], [8, 10]]


class Set:
    """The server, the photographs it fetches, and who sits at the editor."""

    def __init__(self, studio: Studio, browser: Any) -> None:
        self.studio = studio
        self.browser = browser
        for file in PHOTOS.glob("*.jpg"):
            studio.site.pages[f"/{file.name}"] = file.read_bytes()

    def task(
        self, photo: str, objects: list[dict[str, Any]], classes: list[dict[str, Any]], name: str, **project: Any
    ) -> Task:
        """One photograph to be labeled, with first labels."""
        uid = self.studio.project(classes=classes, **project)
        return self.named(
            name, self.studio.task(objects, uid, name=f"{photo}.jpg", url=self.studio.site.url(f"/{photo}.jpg"))
        )

    def named(self, name: str, task: Task) -> Task:
        """The task, its job under a name that says what is done there."""
        job = self.studio.call("GET", f"/tasks/{task.uid}/work")["job"]["uid"]
        self.studio.call("PATCH", f"/jobs/{job}", {"name": name})
        return task

    def open(
        self, task: Task, size: tuple[int, int], who: str = "ana", options: dict[str, Any] = WIDE, **settings: Any
    ) -> Hand:
        """The task in a window of its own, without the hints of a first visit."""
        context = self.browser.new_context(**options)
        if who not in self.studio.cookies:
            sign_in(context, self.studio, who)
        context.add_cookies([self.studio.cookies[who]])
        hand = Hand(self.studio, context, who)
        kept = json.dumps({"hintsSeen": ["draw", "class", "save"]} | settings)
        hand.page.add_init_script(f"localStorage['labelwright.editor'] ??= {json.dumps(kept)}")
        hand.size = size
        if options is WIDE:
            return hand.open(task)
        # A telephone has no status line to read the picture's size from.
        hand.page.goto(f"{self.studio.server.url}/work/{task.uid}")
        hand.page.wait_for_function(
            "() => document.querySelector('lw-app').session?.editor?.picture && !document.querySelector('.stage[data-busy]')"
        )
        return hand


def size_of(photo: str) -> tuple[int, int]:
    """Width and height of a photograph in pixels."""
    with Image.open(PHOTOS / f"{photo}.jpg") as picture:
        return picture.size


def classes_of(objects: list[dict[str, Any]], **more: dict[str, Any]) -> list[dict[str, Any]]:
    """A class for each name that is used, in order."""
    names = dict.fromkeys(o["class"] for o in objects)
    return [{"name": n.replace(" ", "-"), "display_name": n.capitalize()} | more.get(n, {}) for n in names]


def own(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Labels as people draw them: nobody's score, and class names without spaces."""
    return [
        {k: v for k, v in o.items() if k not in {"source", "score", "attributes"}}
        | {"class": o["class"].replace(" ", "-")}
        for o in objects
    ]


def shown(photo: str, **more: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A photograph's labels and classes for them."""
    return own(LABELS[photo]), classes_of(LABELS[photo], **more)


def hubble(stage: Set) -> Hand:
    """Ninety boxes, one selected, its values beside it."""
    kind = {"attributes": [{"name": "kind", "kind": "one_of", "options": ["spiral", "elliptical", "irregular"]},
                           {"name": "edge-on", "kind": "flag"}, {"name": "redshift", "kind": "number"}]}  # fmt: skip
    objects, classes = shown("hubble_deep_field", galaxy=kind)
    task = stage.task("hubble_deep_field", objects, [*classes, {"name": "star", "display_name": "Star"}], "Deep field")
    ana = stage.open(task, size_of("hubble_deep_field")).press("Tab", "Tab", "Tab", "Tab")
    ana.page.get_by_role("radio", name="spiral").click()
    ana.page.locator(".stage").focus()
    return ana.press("Alt+c").move(300, 240)


def polygons(stage: Set) -> Hand:
    """A cup with its corners, and names at all objects."""
    objects, classes = shown("coffee")
    ana = stage.open(stage.task("coffee", objects, classes, "Breakfast tables"), size_of("coffee"), names="always")
    return ana.press("Tab").move(310, 60)


def lines(stage: Set) -> Hand:
    """Masts and towers as lines and areas, lamps as points."""
    objects, classes = shown("rocket")
    ana = stage.open(stage.task("rocket", objects, classes, "Launch pads"), size_of("rocket"), names="always")
    return ana.press("Tab", "Tab", "Tab", "Tab").move(200, 200)


def skeleton(stage: Set) -> Hand:
    """An upper body from its class's template, one hand hidden."""
    xs, ys = [x for _, x, _ in POSE], [y for _, _, y in POSE]
    spread = [
        {"name": n, "x": (x - min(xs)) / (max(xs) - min(xs)), "y": (y - min(ys)) / (max(ys) - min(ys))}
        for n, x, y in POSE
    ]
    template = {"points": spread, "edges": BONES}
    shape = {"type": "skeleton", "points": [v for _, x, y in POSE for v in (x, y)], "visibility": [2] * 9 + [1, 2]}
    classes = [{"name": "person", "display_name": "Person", "shapes": ["skeleton"], "skeleton": template},
               {"name": "flag", "display_name": "Flag", "shapes": ["polygon"]}]  # fmt: skip
    task = stage.task("astronaut", [{"id": 1, "class": "person", "shape": shape}], classes, "Portraits")
    return stage.open(task, size_of("astronaut")).press("Tab").move(500, 20)


def cuboid(stage: Set) -> Hand:
    """The camera as a cuboid, close up."""
    w, h = size_of("camera")
    box = [267, 181, 325, 181, 325, 141, 267, 141, 258, 174, 310, 172, 310, 135, 258, 136]
    shape = {"type": "cuboid", "points": [v / (w, h)[i % 2] for i, v in enumerate(box)]}
    classes = [{"name": "camera", "display_name": "Camera", "attributes": [{"name": "make", "kind": "text"}]},
               {"name": "tripod", "display_name": "Tripod"}]  # fmt: skip
    ana = stage.open(stage.task("camera", [{"id": 1, "class": "camera", "shape": shape}], classes, "Cameras"), (w, h))
    return ana.press("Tab", "z", "-", "-").move(5, 5)


def mask_of(shape: dict[str, Any], width: int, height: int) -> dict[str, Any]:
    """A polygon's pixels."""
    mask = masks.rasterize(Polygon(parts=shape["parts"]), width, height)
    return {"type": "mask", "size": list(mask.size), "box": list(mask.box), "counts": mask.counts}


def instances(stage: Set) -> Hand:
    """Each coin a mask of its own colour, the brush in hand."""
    size = size_of("coins")
    coins = [o | {"shape": mask_of(o["shape"], *size)} for o in own(LABELS["coins"])]
    classes = [{"name": "coin", "display_name": "Coin", "shapes": ["mask"]}]
    ana = stage.open(
        stage.task("coins", coins, classes, "Coins of Pompeii"), size, colorBy="object", brush=9, opacity=0.45
    )
    return ana.press("Tab", "m").move(70, 62)


def semantic(stage: Set) -> Hand:
    """One class a pixel, what has none hatched and counted."""
    w, h = size_of("coffee")
    segments = own(LABELS["segments"])
    gap = np.ones((h, w), bool)
    gap[300:372, 20:190] = False
    table = masks.from_array(masks.to_array(_mask(segments[0]["shape"])) & gap)
    segments[0]["shape"] |= {"box": list(table.box), "counts": table.counts}
    classes = [c | {"shapes": ["mask"]} for c in classes_of(segments)]
    task = stage.task("coffee", segments, classes, "Table scenes", settings={"semantic": True})
    return stage.open(task, (w, h), opacity=0.5, brush=22).press("Tab", "m").move(215, 345)


def _mask(shape: dict[str, Any]) -> Mask:
    return Mask(size=tuple(shape["size"]), box=tuple(shape["box"]), counts=shape["counts"])


def classification(stage: Set) -> Hand:
    """Questions about the whole picture, answered by number keys."""
    attributes = [
        {"name": "animal", "kind": "one_of", "options": ["cat", "dog", "bird", "other"], "scope": "item", "required": True},
        {"name": "in the picture", "kind": "many_of", "options": ["face", "whiskers", "paws", "tail", "collar"], "scope": "item"},
        {"name": "sharp", "kind": "flag", "scope": "item"}, {"name": "note", "kind": "text", "scope": "item"}]  # fmt: skip
    uid = stage.studio.project(attributes=attributes, classes=[{"name": "cat", "display_name": "Cat"}])
    task = stage.named(
        "Pets", stage.studio.task(project=uid, name="chelsea.jpg", url=stage.studio.site.url("/chelsea.jpg"))
    )
    ana = stage.open(task, size_of("chelsea")).press("Shift+1")
    for name in ("face", "whiskers"):
        ana.page.get_by_role("button", name=name, exact=True).click()
    ana.page.get_by_label("sharp").check()
    return ana.move(5, 5)


def sequence(stage: Set) -> Hand:
    """Tracks over a sequence of frames with their own ids."""
    tracks = own(LABELS["launch"])
    uid = stage.studio.project("video", classes=classes_of(LABELS["launch"]))
    frames = [{"url": stage.studio.site.url(f"/launch-{n:02}.jpg"), "frame_id": f"cam1-{40 + n}"} for n in range(12)]
    ana = stage.open(
        stage.named("Launch, from above", stage.studio.task(tracks, uid, name="launch", frames=frames)),
        (320, 240),
        names="always",
    )
    return ana.press("d", "d", "d", "d", "Tab").move(10, 10)


def film(stage: Set) -> Hand:
    """A video file: a range chosen, a track carried over it."""
    picture = Image.open(PHOTOS / "rocket.jpg").convert("RGB")
    starts = [(10 + i * 3, 60 + i) for i in range(90)]
    shots = [np.asarray(picture.crop((x, y, x + 320, y + 240))) for x, y in starts]
    stage.studio.site.pages["/launch.mp4"] = pictures.video_of(shots, "libx264")
    uid = stage.studio.project(
        "video", classes=[{"name": "rocket", "display_name": "Rocket"}, {"name": "tower", "display_name": "Tower"}]
    )
    w, h = picture.size

    def at(frame: int, x1: float, y1: float, x2: float, y2: float) -> dict[str, Any]:
        sx, sy = starts[frame]
        box = [(x1 * w - sx) / 320, (y1 * h - sy) / 240, (x2 * w - sx) / 320, (y2 * h - sy) / 240]
        return {"frame": frame, "shape": {"type": "rectangle", "box": [min(1.0, max(0.0, v)) for v in box]}}

    rocket = {"id": 1, "class": "rocket", "keyframes": [at(f, 0.482, 0.3, 0.526, 0.7) for f in (0, 24, 60, 89)]}
    mast = {
        "id": 2,
        "class": "tower",
        "keyframes": [*(at(f, 0.296, 0.3, 0.318, 0.7) for f in (0, 57)), {"frame": 58, "outside": True}],
    }
    right = {"id": 3, "class": "tower", "keyframes": [at(f, 0.69, 0.3, 0.715, 0.7) for f in (46, 89)]}
    task = stage.studio.task([rocket, mast, right], uid, name="launch.mp4", url=stage.studio.site.url("/launch.mp4"))
    ana = stage.open(stage.named("Launch, film", task), (320, 240))
    ana.page.wait_for_function("() => document.querySelector('lw-app').session.frames.film")
    field = ana.page.locator("input.frame-number")
    for frame, key in (("25", "Alt+a"), ("61", "Alt+d"), ("40", "Tab")):
        field.fill(frame)
        field.press("Enter")
        ana.page.locator(".stage").focus()
        ana.press(key)
    ana.page.wait_for_function("() => !document.querySelector('lw-app').session.frames.loading")
    return ana.move(10, 10)


def submitted(stage: Set) -> tuple[Task, Hand]:
    """A portrait whose first labels came from a model and which its author has corrected and handed in."""
    objects, classes = LABELS["astronaut"], classes_of(LABELS["astronaut"])
    first = [
        {k: v for k, v in o.items() if k != "attributes"} | {"class": o["class"].replace(" ", "-")} for o in objects
    ]
    task = stage.task("astronaut", first, classes, "Portraits in review")
    ana = stage.open(task, size_of("astronaut"))
    # The spacecraft's box is made shorter, the second patch goes.
    ana.press(*["Tab"] * 6).drag((474, 282), (474, 250)).press("Tab", "Tab")
    ana.press("Delete", "b").drag((12, 20), (60, 200)).wait("saved").press("Control+Enter")
    ana.page.wait_for_selector(".stage-message.over, .message")
    return task, ana


def review(stage: Set) -> Hand:
    """What the author changed against the model, one object marked with a reason."""
    task, ana = submitted(stage)
    ana.context.close()
    rita = stage.open(task, size_of("astronaut"), "rita").click(410, 180)
    rita.page.locator(".marks button", has_text="Loose outline").click()
    rita.page.get_by_role("tab", name="History").click()
    rita.page.get_by_role("radio", name="First labels").click()
    rita.page.wait_for_selector(".changes li")
    return rita.move(500, 20)


def comments(stage: Set) -> Hand:
    """A thread about an object and a pin at a place."""
    objects, classes = shown("coffee")
    task = stage.task("coffee", objects, classes, "Breakfast tables, second look")
    ana = stage.open(task, size_of("coffee")).press("Tab", "t")

    def say(text: str) -> None:
        ana.page.locator("#comment-text").fill(text)
        ana.page.get_by_role("button", name="Comment", exact=True).click()
        ana.page.wait_for_selector(f".comment >> text={text}")
        ana.page.locator(".stage").focus()

    say("Does the handle belong to the cup?")
    ana.page.get_by_role("button", name="Answer").first.click()
    say("Yes, see the instructions, page 2.")
    ana.press("Escape")
    ana.page.get_by_role("button", name="Pin to a place").click()
    ana.click(420, 110)
    say("Is this a second spoon?")
    return ana.move(5, 5)


def outline(stage: Set) -> Hand:
    """The smart outline, half-way around the saucer."""
    classes = [{"name": "saucer", "display_name": "Saucer"}, {"name": "cup", "display_name": "Cup"}]
    ana = stage.open(stage.task("coffee", [], classes, "Breakfast tables, outlined"), size_of("coffee")).press("g")
    for x, y in ((83, 200), (100, 290), (200, 372), (330, 388)):
        ana.click(x, y)
        ana.page.wait_for_function("() => document.querySelector('lw-status .tool-state').dataset.state == 'points'")
    ana.move(430, 345)
    ana.page.wait_for_timeout(700)
    return ana


def areas(stage: Set) -> Hand:
    """The area brush over the coins."""
    classes = [{"name": "coin", "display_name": "Coin", "shapes": ["mask"]}]
    ana = (
        stage.open(stage.task("coins", [], classes, "Coins, area by area"), size_of("coins"), brush=13)
        .press("Shift+b")
        .move(60, 50)
    )
    ana.page.wait_for_timeout(200)
    ana.page.wait_for_function("() => document.querySelector('lw-status .tool-state').dataset.state != 'looking'")
    ana.drag((42, 50), (62, 62)).move(105, 60)
    return ana


def palette(stage: Set) -> Hand:
    """Every command by its name, in the light theme."""
    objects, classes = shown("chelsea")
    ana = stage.open(stage.task("chelsea", objects, classes, "Cats"), size_of("chelsea"), theme="light").press(
        "Tab", "Tab", "Control+k"
    )
    ana.page.keyboard.type("obj")
    return ana


def keys(stage: Set) -> Hand:
    """The sheet of all shortcuts."""
    objects, classes = shown("chelsea")
    return stage.open(stage.task("chelsea", objects, classes, "Cats, by keyboard"), size_of("chelsea")).press("?")


def phone(stage: Set) -> Hand:
    """A telephone: tools below, the panel on demand."""
    objects, classes = shown("chelsea")
    ana = stage.open(
        stage.task("chelsea", objects, classes, "Cats, on the road"), size_of("chelsea"), options=PHONE, panel=False
    )
    return ana.press("Tab", "Tab")


SCENES: dict[str, Callable[[Set], Hand]] = {
    "boxes": hubble, "polygons": polygons, "lines": lines, "skeleton": skeleton, "cuboid": cuboid, "masks": instances,
    "semantic": semantic, "classification": classification, "sequence": sequence, "film": film, "review": review,
    "comments": comments, "outline": outline, "areas": areas, "palette": palette, "keys": keys, "phone": phone,
}  # fmt: skip


def keep(name: str, png: bytes, folder: Path | None) -> None:
    """Write the picture, as good as its size allows."""
    if folder:
        (folder / f"{name}.png").write_bytes(png)
        return
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in range(88, 30, -6):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LARGEST:
            (OUT / f"editor-{name}.webp").write_bytes(out.getvalue())
            print(f"editor-{name}.webp  {out.tell():,} bytes, quality {quality}")
            return
    raise SystemExit(f"{name} does not fit into {LARGEST:,} bytes")


def main() -> None:
    """Start a server in a temporary folder and take the pictures asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", nargs="*", choices=[*SCENES, []], help="only these")
    parser.add_argument("--png", type=Path, help="write PNG files into this folder instead")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, pictures.site() as site, sync_playwright() as playwright:
        server = processes.start_server(Path(folder))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_FLAGS))
        roles = {"ana": "annotator", "rita": "reviewer"}
        people = {n: server.cli("user", "add", f"{n}@example.org", "--role", r) for n, r in roles.items()}
        stage = Set(Studio(server, site, people), browser)
        try:
            for name in asked.scene or SCENES:
                hand = SCENES[name](stage)
                hand.page.wait_for_timeout(300)
                keep(name, hand.page.screenshot(), asked.png)
                hand.context.close()
        finally:
            browser.close()
            server.kill()


if __name__ == "__main__":
    main()
