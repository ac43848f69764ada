"""Label Studio's JSON: a list of tasks, each with its picture's address and, by annotation, a list of regions in percent.

    [{"data": {"image": "a.jpg"}, "annotations": [{"result": [{"id": "1", "type": "rectanglelabels", "value": {"x": 10, ...}}]}]}]

Boxes (also turned), outlines, brushes and key points are regions; what else shares a region's id are its attributes; what has no region
is the picture's own. A video's boxes are one region with a sequence of keyframes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import archive, brush, plane
from labelwright.formats.sample import (
    Dataset,
    Format,
    Frame,
    LeftOut,
    Report,
    Sample,
    SampleClass,
    Source,
)
from labelwright.geometry import masks, pixels
from labelwright.geometry.document import (
    Attributes,
    Document,
    Keyframe,
    LabelObject,
    Mask,
    OrientedRectangle,
    Point,
    Polygon,
    Rectangle,
    Shape,
)

_encode = msgspec.json.Encoder().encode
_tasks = msgspec.json.Decoder(list[msgspec.Raw]).decode
# Names of a question about the whole picture that mean its classes.
WHOLE = ("labels", "label", "choice", "choices", "class")
OTHER = ("relations", "relation", "timelinelabels", "ranker", "pairwise")


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write the list of tasks. Pictures do not go in: `data.image` is each one's address, or its name."""
    report, known = Report(), {c.name for c in classes}
    for number, sample in enumerate(samples, 1):
        file.write((b"[\n" if number == 1 else b",\n") + _encode(_task(sample, number, report, known)))
        report.images = number
    file.write(b"\n]\n" if report.images else b"[]\n")
    return report


def _task(sample: Sample, number: int, report: Report, known: set[str]) -> dict[str, Any]:
    archive.need_size(sample)
    size = {"original_width": sample.width, "original_height": sample.height}
    result: list[dict[str, Any]] = []
    for item in sample.document.objects:
        found = _value(item.shape, sample.width, sample.height) if item.shape is not None else None
        if found is None or item.class_name not in known:
            plane.leave_out(report, item)
            continue
        report.objects += 1
        kind, value = found
        region = {"id": str(item.id), "from_name": "label", "to_name": "image", "image_rotation": 0, **size}
        score = {} if item.score is None else {"score": item.score}
        result.append({**region, "type": kind, "value": {**value, kind: [item.class_name]}, **score})
        result += [{**region, **_answer(name, v, value)} for name, v in item.attributes.items()]
    result += [{"to_name": "image", **_answer(name, value, {})} for name, value in sample.document.attributes.items()]
    data = {"image": sample.url or sample.name, "split": sample.split, "width": sample.width, "height": sample.height,
            "uid": sample.uid}  # fmt: skip
    return {
        "id": number,
        "data": {k: v for k, v in data.items() if v},
        "annotations": [{"id": number, "result": result}],
    }


def _value(shape: Shape, width: int, height: int) -> tuple[str, dict[str, Any]] | None:
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = (pixels.rounded(v * 100) for v in shape.box)
        return "rectanglelabels", {
            "x": x1, "y": y1, "width": pixels.rounded(x2 - x1), "height": pixels.rounded(y2 - y1), "rotation": 0,
        }  # fmt: skip
    if isinstance(shape, OrientedRectangle):
        return _turned(shape, width, height)
    if isinstance(shape, Polygon) and len(shape.parts) == 1 and len(shape.parts[0]) == 1:
        points = plane.pairs([pixels.rounded(v * 100) for v in shape.parts[0][0]])
        return "polygonlabels", {"points": points, "closed": True}
    if isinstance(shape, Polygon | Mask):
        return "brushlabels", {"format": "rle", "rle": brush.encode(masks.rasterize(shape, width, height))}
    if isinstance(shape, Point):
        x, y = (pixels.rounded(v * 100) for v in shape.points)
        return "keypointlabels", {"x": x, "y": y, "width": 0.5}
    return None


def _turned(shape: OrientedRectangle, width: int, height: int) -> tuple[str, dict[str, Any]]:
    """A turned box by its first corner, sizes and angle (clockwise degrees); an outline unless its corners are square."""
    flat = [v * s for v, s in zip(shape.points, (width, height) * 4, strict=True)]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = plane.pairs(flat)
    even = math.dist((ax + cx, ay + cy), (bx + dx, by + dy)) < 0.01
    across, down = math.dist((ax, ay), (bx, by)), math.dist((bx, by), (cx, cy))
    if (
        not even
        or abs(math.dist((ax, ay), (cx, cy)) - math.dist((bx, by), (dx, dy))) > 0.01
        or min(across, down) < 0.01
    ):
        return "polygonlabels", {"points": plane.pairs([pixels.rounded(v * 100) for v in shape.points]), "closed": True}
    angle = math.degrees(math.atan2(by - ay, bx - ax))
    if (bx - ax) * (cy - by) - (by - ay) * (cx - bx) < 0:  # corners against the clock: begin at the fourth
        ax, ay = dx, dy
    return "rectanglelabels", {
        "x": ax / width * 100, "y": ay / height * 100, "width": across / width * 100, "height": down / height * 100,
        "rotation": angle % 360,
    }  # fmt: skip


def _answer(name: str, value: Any, geometry: dict[str, Any]) -> dict[str, Any]:
    """An attribute as an answer to a question of that name."""
    place = {k: v for k, v in geometry.items() if k not in ("rle", "format")}
    if isinstance(value, bool):
        return {"from_name": name, "type": "choices", "value": {**place, "choices": ["true" if value else "false"]}}
    if isinstance(value, int | float):
        return {"from_name": name, "type": "number", "value": {**place, "number": value}}
    if isinstance(value, list):
        return {"from_name": name, "type": "choices", "value": {**place, "choices": value}}
    return {"from_name": name, "type": "textarea", "value": {**place, "text": [str(value)]}}


# --- reading -----------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read a list of tasks: a bare file, or in a zip or folder beside the pictures. Raises `Invalid` naming the task."""
    tree = archive.Tree(file, "tasks.json")
    paths = tree.names(".json")
    if not paths:
        raise Invalid("The dataset has no JSON file of tasks.", field="tasks.json")
    left_out, classes = LeftOut(), []
    return Dataset(classes, _samples(tree, paths, classes, left_out), left_out)


def _samples(tree: archive.Tree, paths: list[str], classes: list[SampleClass], left_out: LeftOut) -> Iterator[Sample]:
    known: set[str] = set()
    for path in paths:
        for place, raw in enumerate(tree.json(path, _tasks)):
            at = f"{path}: tasks[{place}]"
            try:
                sample = _sample(msgspec.json.decode(raw), tree, path, left_out)
            except Invalid as error:
                raise Invalid(f"{at}: {error.message}", field=f"tasks[{place}]") from None
            except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                raise Invalid(f"{at} is not valid: {error!r}", field=f"tasks[{place}]") from None
            for item in sample.document.objects:
                if item.class_name not in known:
                    known.add(item.class_name)
                    classes.append(SampleClass(item.class_name))
            yield sample


def _sample(task: dict[str, Any], tree: archive.Tree, path: str, left_out: LeftOut) -> Sample:
    data = task["data"]
    address = _address(data)
    given = [a for a in task.get("annotations") or [] if not a.get("was_cancelled")]
    results, source = (given[0]["result"], "import") if given else ([], "import")
    if not given and task.get("predictions"):
        results, source = task["predictions"][0]["result"], "model"
        if len(task["predictions"]) > 1:
            left_out.add(path, "predictions", len(task["predictions"]) - 1)
    if len(given) > 1:
        left_out.add(path, "annotations", len(given) - 1)
    for extra in set(task) & {"drafts", "comments"}:
        if task[extra]:
            left_out.add(path, extra, len(task[extra]))
    picture = tree.find(address.rpartition("/")[2], path.rpartition("/")[0])
    width, height = next(
        ((r["original_width"], r["original_height"]) for r in results if r.get("original_width")),
        (data.get("width") or 0, data.get("height") or 0),
    )
    if picture is not None and not width and picture.lower().endswith(archive.PICTURES):
        width, height = tree.size_of(picture)
    regions = _Regions(int(width), int(height), path, left_out)
    document = regions.document(results, source)
    url = address if address.startswith(("http://", "https://")) else ""
    frames = [Frame(f"{n:06}", int(width), int(height)) for n in range(regions.frames)]
    split = data["split"] if data.get("split") in ("train", "valid", "test") else ""
    given_name = not url and not address.startswith("/") and "://" not in address and "?" not in address
    name = address if given_name else address.partition("?")[0].rpartition("/")[2]
    return Sample(name or address, int(width), int(height), document, str(data.get("uid") or ""), split,
                  tree.opener(picture) if picture else None, url, frames)  # fmt: skip


def _address(data: dict[str, Any]) -> str:
    for key in ("image", "video", *data):
        value = data.get(key)
        if isinstance(value, str) and value and key not in ("split", "uid"):
            return value
    raise ValueError("data names no picture")


class _Regions:
    """The regions of one task, put together by their ids."""

    def __init__(self, width: int, height: int, path: str, left_out: LeftOut) -> None:
        self.width, self.height, self.path, self.left_out = width, height, path, left_out
        self.frames = 0

    def document(self, results: list[dict[str, Any]], source: Any) -> Document:
        """Objects and attributes of a list of results."""
        by_id: dict[str, list[dict[str, Any]]] = {}
        document = Document()
        regions = {str(r["id"]) for r in results if self._has_place(r)}
        for result in results:
            kind = result.get("type", "")
            if kind in OTHER:
                self.left_out.add(self.path, kind)
            elif str(result.get("id")) in regions:
                by_id.setdefault(str(result.get("id")), []).append(result)
            else:
                self._whole(document.attributes, result)
        for parts in by_id.values():
            item = self._object(len(document.objects) + 1, parts, source)
            if item is not None:
                document.objects.append(item)
        return document

    def _has_place(self, result: dict[str, Any]) -> bool:
        value = result.get("value", {})
        return "id" in result and any(key in value for key in ("x", "points", "rle", "sequence", "vertices"))

    def _whole(self, attributes: Attributes, result: dict[str, Any]) -> None:
        name, value = _attribute(result)
        if name is None:
            self.left_out.add(self.path, result.get("type", "result"))
        elif name in WHOLE and isinstance(value, str | list) and result["type"] == "choices":
            attributes["labels"] = [value] if isinstance(value, str) else value
        else:
            attributes[name] = value

    def _object(self, number: int, parts: list[dict[str, Any]], source: Any) -> LabelObject | None:
        labels: list[str] = []
        attributes: Attributes = {}
        place: dict[str, Any] = {}
        score = None
        for part in parts:
            value, kind = part["value"], part["type"]
            score = part.get("score", score)
            found = value.get(kind) if kind.endswith("labels") else None
            if kind.endswith("labels") and found is None:
                found = value.get("labels")
            if isinstance(found, list):
                labels += found
                place = place or value
            elif kind in ("rectangle", "polygon", "keypoint", "brush", "ellipse", "vector"):
                place = place or value
            else:
                name, answer = _attribute(part)
                if name is None:
                    self.left_out.add(self.path, kind)
                else:
                    attributes[name] = answer
            if part.get("meta"):
                self.left_out.add(self.path, "meta")
        if len(labels) > 1:
            self.left_out.add(self.path, "labels of one region", len(labels) - 1)
        if not labels:
            self.left_out.add(self.path, "region without a label")
            return None
        if "sequence" in place:
            return LabelObject(number, labels[0], None, self._track(place), attributes, source, score)
        shape = self._shape(place)
        if shape is None:
            self.left_out.add(self.path, parts[0]["type"])
            return None
        return LabelObject(number, labels[0], shape, attributes=attributes, source=source, score=score)

    def _shape(self, value: dict[str, Any]) -> Shape | None:
        if "rle" in value:
            return brush.decode(value["rle"], self.width, self.height)
        if "points" in value:
            return Polygon([[_cut(plane.flat(value["points"]))]])
        if "radiusX" in value or "vertices" in value or "x" not in value:
            return None
        if "height" not in value:
            return Point(_cut([value["x"], value["y"]]))
        if not value.get("rotation"):
            x, y = value["x"], value["y"]
            return plane.rectangle((x, y, x + value["width"], y + value["height"]), 100, 100)
        if not self.width:
            raise ValueError("the size of a picture with turned boxes is not known")
        angle = math.radians(value["rotation"])
        x, y = value["x"] * self.width / 100, value["y"] * self.height / 100
        w, h = value["width"] * self.width / 100, value["height"] * self.height / 100
        right, down = (math.cos(angle) * w, math.sin(angle) * w), (-math.sin(angle) * h, math.cos(angle) * h)
        corners = [(0, 0), right, (right[0] + down[0], right[1] + down[1]), down]
        return OrientedRectangle(
            plane.cut([v for dx, dy in corners for v in (x + dx, y + dy)], self.width, self.height)
        )

    def _track(self, value: dict[str, Any]) -> list[Keyframe]:
        keyframes: list[Keyframe] = []
        self.frames = max(self.frames, int(value.get("framesCount") or 0))
        for step in sorted(value["sequence"], key=lambda s: s["frame"]):
            frame = int(step["frame"]) - 1
            if keyframes and keyframes[-1].frame == frame:
                keyframes.pop()  # where it was gone, and is back at once
            keyframes.append(Keyframe(frame, self._shape(step)))
            if not step.get("enabled", True):
                keyframes.append(Keyframe(frame + 1, outside=True))
            self.frames = max(self.frames, frame + 1)
        return keyframes


def _cut(percents: Sequence[float]) -> list[float]:
    return [min(max(v / 100, 0.0), 1.0) for v in percents]


def _attribute(result: dict[str, Any]) -> tuple[str | None, Any]:
    """Name and value of an answer that is no label; the name is None for kinds that have no place."""
    value, name = result.get("value", {}), str(result.get("from_name", ""))
    if "choices" in value:
        chosen = value["choices"]
        one = chosen[0] if len(chosen) == 1 else chosen
        return name, {"true": True, "false": False}.get(one, one) if isinstance(one, str) else one
    if "text" in value:
        text = value["text"]
        return name, "\n".join(text) if isinstance(text, list) else str(text)
    for key in ("number", "rating", "datetime"):
        if key in value:
            return name, value[key]
    return None, None


FORMAT = Format(
    "Label Studio JSON", ".json", "application/json",
    "Polylines, landmarks, skeletons and cuboids are left out; polygons with holes or several parts become brushes, turned boxes of"
    " angle 0 straight ones, four corners that are no rectangle an outline. Pictures do not go in. Lists of one value come back as that value, texts `true` and `false` as"
    " flags; groups and locks are not kept. Of several annotations of a task the first is read.",
    write, read, ("rectangle", "oriented_rectangle", "polygon", "point", "mask"),
)  # fmt: skip
