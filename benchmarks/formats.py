"""Conversion between COCO, YOLO and VOC, 20 boxes an image: ours beside `supervision` and `datumaro`, on the same files, in turns.

The peers run in `.venv-peers` (`scripts/setup peers`); without it only ours is measured."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchmarks.support import Result
from labelwright.formats import FORMATS
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry.document import Document, LabelObject, Rectangle

WIDTH, HEIGHT, BOXES = 640, 480, 20
CLASSES = [SampleClass(name) for name in ("car", "person", "sign", "rare")]
PAIRS = (("coco", "yolo"), ("coco", "voc"), ("yolo", "coco"), ("voc", "coco"))
KEYS = {"coco": "coco-folders", "yolo": "yolo", "voc": "voc"}
# design.md, section 5: 10k images x 20 boxes.
TARGETS = {("coco", "yolo"): "1.0 s", ("coco", "voc"): "1.5 s"}
PEERS = Path(".venv-peers/bin/python")
SCRIPT = Path(__file__).with_name("conversion.py")


def converting(folder: Path, _server: object, quick: bool) -> list[Result]:
    """Every pair of formats at 10,000 images by every tool, then at 100,000 by ours alone: memory must not grow with it."""
    results = []
    folder.mkdir(parents=True, exist_ok=True)
    small, large = (200, 1000) if quick else (10_000, 100_000)
    tools = ["labelwright", *(["supervision", "datumaro"] if PEERS.exists() else [])]
    for source, target in PAIRS:
        made = dataset(folder, source, small)
        found = {
            tool: run(folder, tool, source, target, made)
            for tool in tools
            if (tool, source) != ("datumaro", "voc")  # it reads VOC in its own folders only
        }
        grown = None
        if (source, target) in TARGETS:
            shutil.rmtree(made)
            grown = run(folder, "labelwright", source, target, dataset(folder, source, large, pictures=False))
        results.append(_result(source, target, small, large, found, grown))
        shutil.rmtree(folder / source, ignore_errors=True)
    return results


def _result(
    source: str, target: str, small: int, large: int, found: dict[str, dict[str, float]], grown: dict[str, float] | None
) -> Result:
    ours = found["labelwright"]
    text = f"{ours['seconds']:.2f} s, {ours['memory']:.0f} MiB"
    if grown is not None:
        text += f"; {large:,}: {grown['seconds']:.1f} s, {grown['memory']:.0f} MiB"
    peer = ", ".join(
        f"{t} {f['seconds']:.1f} s, {f['memory']:.0f} MiB" if f else f"{t} failed"
        for t, f in found.items()
        if t != "labelwright"
    )
    details = {"images": small, **found, **({f"labelwright at {large}": grown} if grown else {})}
    return Result(
        f"{source} to {target}, {small:,} images x {BOXES}", text, TARGETS.get((source, target), ""), peer,
        f"{ours['cpu']:.2f} s", details,
    )  # fmt: skip


def dataset(folder: Path, name: str, count: int, *, pictures: bool = True) -> Path:
    """A folder in one of the formats, the same boxes each time; all pictures are links to one file, or left out."""
    root = folder / name
    shutil.rmtree(root, ignore_errors=True)
    packed = folder / f"{name}.zip"
    with packed.open("wb") as file:
        FORMATS[KEYS[name]].write(_samples(count), file, CLASSES)
    with zipfile.ZipFile(packed) as found:
        found.extractall(root)
    packed.unlink()
    if pictures:
        one = folder / "one.jpg"
        Image.new("RGB", (WIDTH, HEIGHT), (60, 90, 120)).save(one)
        place = root / "train" / ("images" if name == "yolo" else "")
        place.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            os.link(one, place / f"{number:06}.jpg")
    return root


def _samples(count: int) -> Iterator[Sample]:
    chance = random.Random(4)
    for number in range(count):
        objects = []
        for place in range(1, BOXES + 1):
            x, y = chance.randrange(WIDTH - 80), chance.randrange(HEIGHT - 80)
            w, h = chance.randrange(8, 80), chance.randrange(8, 80)
            box = (x / WIDTH, y / HEIGHT, (x + w) / WIDTH, (y + h) / HEIGHT)
            objects.append(LabelObject(place, CLASSES[place % len(CLASSES)].name, Rectangle(box)))
        yield Sample(f"{number:06}.jpg", WIDTH, HEIGHT, Document(objects), split="train")


def run(folder: Path, tool: str, source: str, target: str, made: Path) -> dict[str, float]:
    """What a conversion took; empty when the tool failed."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    python = sys.executable if tool == "labelwright" else str(PEERS.absolute())
    done = subprocess.run(
        [python, str(SCRIPT), tool, source, target, str(made), str(out)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": "src" if tool == "labelwright" else ""},
    )  # fmt: skip
    if done.returncode:
        if tool == "labelwright":
            raise RuntimeError(done.stderr[-2000:])
        print(f"{tool}, {source} to {target}: {done.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
        return {}
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
