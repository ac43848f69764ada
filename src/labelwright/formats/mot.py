"""MOT Challenge: a folder for each sequence, boxes of all frames in one table, classes in a list.

train/street/seqinfo.ini   train/street/gt/gt.txt   train/street/gt/labels.txt   train/street/img1/000001.jpg
1,3,10,20,100,200,1,2,1       (frame and object from 1, box in pixels, whether it counts, class from 1, how much is visible)"""

from __future__ import annotations

import configparser
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, Frame, LeftOut, Report, Sample, SampleClass, Source
from labelwright.geometry import measures, tracks
from labelwright.geometry.document import (
    Attributes,
    Document,
    LabelObject,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
)

TABLE, LABELS, INFO = "gt/gt.txt", "gt/labels.txt", "seqinfo.ini"
BOXES = (Rectangle, OrientedRectangle, Polygon)


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip: each video is a sequence, and so is each single picture (of one frame)."""
    report, numbers = Report(), {c.name: i for i, c in enumerate(classes, 1)}
    with archive.Writer(file) as out, ExitStack():
        for sample in samples:
            archive.need_size(sample)
            report.images += 1
            folder = archive.folder_of(sample)
            name = f"{folder}/{archive.stem(out.name(folder, sample.name))}"
            frames = sample.frames or [Frame(sample.name, sample.width, sample.height, sample.picture)]
            rows = [
                row for item in sample.document.objects for row in _rows(item, sample, len(frames), numbers, report)
            ]
            rows.sort(key=lambda row: row[:2])
            out.add(f"{name}/{TABLE}", "".join(",".join(f"{v:.10g}" for v in row) + "\n" for row in rows))
            out.add(f"{name}/{LABELS}", "".join(f"{c.name}\n" for c in classes))
            suffix = next((posixpath.splitext(f.name)[1] for f in frames), "") or ".jpg"
            out.add(f"{name}/{INFO}", _info(sample, len(frames), suffix))
            for number, frame in enumerate(frames, 1):
                if frame.picture is not None:
                    end = posixpath.splitext(frame.name)[1] or suffix
                    out.add(f"{name}/img1/{number:06}{end}", frame.picture())
        out.note_empty(report)
    return report


def _info(sample: Sample, count: int, suffix: str) -> str:
    return (
        f"[Sequence]\nname={sample.name}\nimDir=img1\nframeRate=30\nseqLength={count}\nimWidth={sample.width}\n"
        f"imHeight={sample.height}\nimExt={suffix}\n"
    )


def _rows(
    item: LabelObject, sample: Sample, count: int, numbers: dict[str, int], report: Report
) -> Iterator[tuple[float, ...]]:
    number = numbers.get(item.class_name)
    states = list(tracks.per_frame(item, count))
    if number is None or not states or not all(isinstance(state.shape, BOXES) for _, state in states):
        plane.leave_out(report, item)
        return
    report.objects += 1
    for frame, state in states:
        x, y, w, h = plane.box(measures.bounds(state.shape), sample.width, sample.height)
        seen = state.attributes.get("visibility")
        seen = seen if isinstance(seen, int | float) and not isinstance(seen, bool) else 1
        yield (frame + 1, item.id, x, y, w, h, 1, number, seen)


# --- reading -----------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read all sequences of a zip or folder. Raises `Invalid` naming file and line."""
    tree = archive.Tree(file)
    paths = [path for path in tree.paths if path.endswith(("gt/gt.txt", "det/det.txt"))]
    if not paths and archive.EMPTY not in tree:
        raise Invalid(f"The dataset has no sequence with {TABLE}.", field=TABLE)
    names: dict[str, None] = {}
    for path in tree.names("labels.txt"):
        names.update(dict.fromkeys(line.strip() for line in tree.text(path).splitlines() if line.strip()))
    left_out = LeftOut()
    classes = [SampleClass(n) for n in names]
    return Dataset(classes, _samples(tree, paths, classes, left_out), left_out)


def _samples(tree: archive.Tree, paths: list[str], classes: list[SampleClass], left_out: LeftOut) -> Iterator[Sample]:
    known = {c.name for c in classes}
    for path in paths:
        sample = _sequence(tree, path, left_out)
        for item in sample.document.objects:
            if item.class_name not in known:
                known.add(item.class_name)
                classes.append(SampleClass(item.class_name))
        yield sample


def _sequence(tree: archive.Tree, path: str, left_out: LeftOut) -> Sample:
    folder = posixpath.dirname(posixpath.dirname(path))
    info = _read_info(tree, f"{folder}/{INFO}" if folder else INFO)
    inside = posixpath.join(folder, info.get("imdir", "img1")) + "/"
    pictures = [p for p in archive.pictures(tree) if p.startswith(inside)]
    width, height = int(info.get("imwidth", 0)), int(info.get("imheight", 0))
    if pictures and not width:
        width, height = tree.size_of(pictures[0])
    if width < 1 or height < 1:
        raise Invalid(f"{path}: neither {INFO} nor a picture in {inside} tells the size.", field=INFO)
    labels = posixpath.join(posixpath.dirname(path), "labels.txt")
    names = [line.strip() for line in tree.text(labels).splitlines() if line.strip()] if labels in tree else []
    states: dict[tuple[int, str], dict[int, tuple[Shape, Attributes]]] = defaultdict(dict)
    scores: dict[tuple[int, str], float] = {}
    for at, row in _table(tree, path):
        name = names[int(row[7]) - 1] if 0 < row[7] <= len(names) else str(int(row[7]))
        key = (int(row[1]), name) if row[1] >= 0 else (-len(states) - 1, name)  # -1: nobody followed it
        if int(row[0]) - 1 in states[key]:
            raise Invalid(f"{at}: object {row[1]:g} is twice in frame {row[0]:g}.", field=at)
        x, y, w, h = row[2:6]
        attributes: Attributes = {"visibility": row[8]} if 0 <= row[8] < 1 else {}
        states[key][int(row[0]) - 1] = (plane.rectangle((x, y, x + w, y + h), width, height), attributes)
        if row[6] == 0:
            left_out.add(path, "rows that do not count")
        elif 0 < row[6] < 1:
            scores[key] = row[6]
    count = max([int(info.get("seqlength", 0)), len(pictures), *(max(f) + 1 for f in states.values())])
    objects = [
        LabelObject(
            i, name, keyframes=tracks.from_frames(found, count), source="import", score=scores.get((number, name))
        )
        for i, ((number, name), found) in enumerate(sorted(states.items(), key=lambda s: (min(s[1]), s[0])), 1)
    ]
    by_number = {posixpath.splitext(posixpath.basename(p))[0].lstrip("0"): p for p in pictures}
    frames = []
    for number in range(1, count + 1):
        picture = by_number.get(str(number))
        name = posixpath.basename(picture) if picture else f"{number:06}"
        frames.append(Frame(name, width, height, tree.opener(picture) if picture else None))
    return Sample(info.get("name") or posixpath.basename(folder) or "sequence", width, height, Document(objects),
                  split=archive.split_of(path), frames=frames)  # fmt: skip


def _read_info(tree: archive.Tree, path: str) -> dict[str, Any]:
    if path not in tree:
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(tree.text(path))
        found = dict(parser["Sequence"])
        for key in ("imwidth", "imheight", "seqlength"):
            int(found.get(key, 0))
    except (configparser.Error, KeyError, ValueError) as error:
        raise Invalid(f"{path}: {error}", field=path) from None
    return found


def _table(tree: archive.Tree, path: str) -> Iterator[tuple[str, list[float]]]:
    """Rows of nine numbers with their places; what is left out at the end is filled in."""
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        if not line.strip():
            continue
        at = f"{path}:{number}"
        try:
            row = [float(v) for v in line.split(",") if v.strip()]
        except ValueError as error:
            raise Invalid(f"{at}: {error}", field=at) from None
        if len(row) < 6 or row[0] < 1:
            raise Invalid(f"{at}: write frame (from 1 on), object, x, y, width and height at least.", field=at)
        if "det/" in path or len(row) == 10:  # detections: a score, and places in space
            yield at, [*row[:6], row[6] if len(row) > 6 else 1, 1, 1]
        else:
            yield at, [*row[:9], *([1.0] * (9 - len(row)))]


FORMAT = Format(
    "MOT Challenge", ".zip", "application/zip",
    "Boxes by frame only: outlines and turned boxes become the boxes around them, other shapes are left out, keyframes are those"
    " that the boxes of all frames need. Of attributes, the number `visibility` is kept; objects are numbered anew. A single picture is"
    " a sequence of one frame, frames are named by their numbers.",
    write, read, videos=True,
)  # fmt: skip
