"""Supervisely's project folders: `meta.json` with classes and tags, and for each dataset pictures and their labels.

    meta.json   ds0/img/a.jpg   ds0/ann/a.jpg.json   ds1/...

Places are whole pixels: a box holds its last column and row, a point means the middle of its pixel."""

from __future__ import annotations

import base64
import binascii
import io
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import msgspec
import numpy as np
from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, LeftOut, Report, Sample, SampleClass, Source
from labelwright.geometry import masks, pixels
from labelwright.geometry.document import (
    Attributes,
    Document,
    LabelObject,
    Mask,
    OrientedRectangle,
    Point,
    Polygon,
    Polyline,
    Rectangle,
    Shape,
    Skeleton,
)

META = "meta.json"
MAX_PIXELS = 250_000_000
COLORS = ("#E6194B", "#3CB44B", "#FFE119", "#4363D8", "#F58231", "#911EB4", "#46F0F0", "#F032E6", "#BCF60C", "#008080")
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Any]).decode


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip with a dataset a split, and the pictures that come along."""
    report, tags, known = Report(), {}, {c.name: c for c in classes}
    with archive.Writer(file) as out:
        for sample in samples:
            archive.need_size(sample)
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name.replace("/", "_"))
            out.add(f"{folder}/ann/{name}.json", _encode(_annotation(sample, known, tags, report)))
            out.picture(f"{folder}/img/{name}", sample)
            report.images += 1
        out.add(META, _encode(_meta(classes, tags)))
    return report


def _meta(classes: Sequence[SampleClass], tags: dict[str, str]) -> dict[str, Any]:
    return {
        "classes": [_class(number, found) for number, found in enumerate(classes)],
        "tags": [_tag_meta(number, name, kind) for number, (name, kind) in enumerate(tags.items())],
        "projectType": "images",
    }


def _class(number: int, found: SampleClass) -> dict[str, Any]:
    body = {
        "title": found.name,
        "shape": "any",
        "color": COLORS[number % len(COLORS)],
        "geometry_config": {},
        "hotkey": "",
    }
    if found.skeleton:
        points = found.skeleton["points"]
        nodes = {p["name"]: {"label": p["name"], "loc": [p.get("x", 0), p.get("y", 0)]} for p in points}
        edges = [{"src": points[a]["name"], "dst": points[b]["name"]} for a, b in found.skeleton.get("edges", [])]
        body |= {"shape": "graph", "geometry_config": {"nodes": nodes, "edges": edges}}
    return body


def _tag_meta(number: int, name: str, kind: str) -> dict[str, Any]:
    body = {"name": name, "value_type": kind, "color": COLORS[number % len(COLORS)], "hotkey": "",
            "applicable_type": "all", "classes": []}  # fmt: skip
    if kind == "oneof_string":
        body["values"] = ["true", "false"]
    return body


def _tags(attributes: Attributes, tags: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for name, value in attributes.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bool):
                kind, one = "oneof_string", "true" if one else "false"  # noqa: PLW2901
            else:
                kind = "any_number" if isinstance(one, int | float) else "any_string"
            tags[name] = kind if tags.get(name, kind) == kind else "any_string"
            found.append({"name": name, "value": one})
    return found


def _annotation(sample: Sample, known: dict[str, SampleClass], tags: dict[str, str], report: Report) -> dict[str, Any]:
    objects = []
    for item in sample.document.objects:
        shape = item.shape
        geometry = _geometry(shape, sample, known.get(item.class_name)) if shape is not None else None
        if geometry is None or item.class_name not in known:
            plane.leave_out(report, item)
            continue
        report.objects += 1
        objects.append({"id": item.id, "classTitle": item.class_name, "tags": _tags(item.attributes, tags), **geometry})
    return {
        "description": "", "tags": _tags(sample.document.attributes, tags),
        "size": {"width": sample.width, "height": sample.height}, "objects": objects,
    }  # fmt: skip


def _cells(points: Sequence[float], width: int, height: int) -> list[list[int]]:
    """The pixels that points lie in."""
    flat = pixels.points_to_pixels(points, width, height)
    return [[min(math.floor(x), width - 1), min(math.floor(y), height - 1)] for x, y in plane.pairs(flat)]


def _geometry(shape: Shape, sample: Sample, found: SampleClass | None) -> dict[str, Any] | None:
    width, height = sample.width, sample.height
    if isinstance(shape, Rectangle):
        x1, y1, x2, y2 = pixels.box_to_pixels(shape.box, width, height)
        left, top = min(round(x1), width - 1), min(round(y1), height - 1)
        corner = [max(round(x2) - 1, left), max(round(y2) - 1, top)]
        return {"geometryType": "rectangle", "points": {"exterior": [[left, top], corner], "interior": []}}
    if isinstance(shape, Polygon) and len(shape.parts) == 1:
        outline, *holes = (_cells(ring, width, height) for ring in shape.parts[0])
        return {"geometryType": "polygon", "points": {"exterior": outline, "interior": holes}}
    if isinstance(shape, OrientedRectangle):
        return {"geometryType": "polygon", "points": {"exterior": _cells(shape.points, width, height), "interior": []}}
    if isinstance(shape, Polyline | Point):
        kind = "line" if isinstance(shape, Polyline) else "point"
        return {"geometryType": kind, "points": {"exterior": _cells(shape.points, width, height), "interior": []}}
    if isinstance(shape, Mask | Polygon):
        return _bitmap(masks.rasterize(shape, width, height))
    if isinstance(shape, Skeleton) and found is not None and found.skeleton:
        cells = _cells(shape.points, width, height)
        names = [p["name"] for p in found.skeleton["points"]]
        nodes = {
            name: {"loc": cell, **({"disabled": True} if seen == 1 else {})}
            for name, cell, seen in zip(names, cells, shape.visibility, strict=False)
            if seen
        }
        return {"geometryType": "graph", "nodes": nodes} if nodes else None
    return None


def _bitmap(mask: Mask) -> dict[str, Any] | None:
    x, y, w, _ = mask.box
    if not w:
        return None
    body = io.BytesIO()
    Image.fromarray(masks.crop_array(mask).astype(np.uint8) * 255).save(body, "PNG")
    data = base64.b64encode(zlib.compress(body.getvalue())).decode()
    return {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [x, y]}}


# --- reading -----------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read a project folder or a zip of one, with or without the pictures. Raises `Invalid` naming file and object."""
    tree = archive.Tree(file)
    metas = tree.names(META)
    if not metas:
        raise Invalid(f"The dataset has no {META}.", field=META)
    meta = tree.json(metas[0], _object)
    try:
        classes = [SampleClass(c["title"], _skeleton(c)) for c in meta["classes"]]
        flags = {t["name"] for t in meta.get("tags") or [] if sorted(t.get("values") or []) == ["false", "true"]}
        nodes = {c["title"]: _nodes(c) for c in meta["classes"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"{metas[0]}: classes need a title, tags a name ({error!r}).", field=metas[0]) from None
    left_out = LeftOut()
    return Dataset(classes, _samples(tree, nodes, flags, left_out), left_out)


def _nodes(found: dict[str, Any]) -> dict[str, str]:
    """Key of each node of a graph, and its name."""
    nodes = (found.get("geometry_config") or {}).get("nodes") or {}
    return {key: str(node.get("label") or key) for key, node in nodes.items()}


def _skeleton(found: dict[str, Any]) -> dict[str, Any] | None:
    config = found.get("geometry_config") or {}
    nodes = config.get("nodes") or {}
    if not nodes:
        return None
    keys = list(nodes)
    points = [{"name": str(n.get("label") or k), "x": n["loc"][0], "y": n["loc"][1]} for k, n in nodes.items()]
    most = max(max(abs(p["x"]), abs(p["y"])) for p in points)
    if most > 1:  # a template may be drawn in pixels
        points = [{**p, "x": p["x"] / most, "y": p["y"] / most} for p in points]
    edges = [
        [keys.index(e["src"]), keys.index(e["dst"])]
        for e in config.get("edges") or []
        if {e["src"], e["dst"]} <= set(keys)
    ]
    return {"points": points, "edges": edges}


def _samples(
    tree: archive.Tree, nodes: dict[str, dict[str, str]], flags: set[str], left_out: LeftOut
) -> Iterator[Sample]:
    for path in tree.names(".json"):
        folder, _, file = path.rpartition("/")
        if folder.rpartition("/")[2] != "ann":
            continue
        body, name = tree.json(path, _object), file[:-5]
        dataset = folder.rpartition("/")[0]
        picture = tree.find(name, f"{dataset}/img" if dataset else "img")
        try:
            width, height = int(body["size"]["width"]), int(body["size"]["height"])
            if width < 1 or height < 1:
                raise ValueError("width and height must be 1 or more")
            document = Document(attributes=_read_tags(body.get("tags") or [], flags))
            for found in body["objects"]:
                _add(document, found, (width, height), nodes, flags, path, left_out)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise Invalid(f"{path}: {what}", field=path) from None
        yield Sample(name, width, height, document, split=archive.split_of(path),
                     picture=tree.opener(picture) if picture else None)  # fmt: skip


def _add(
    document: Document, found: dict[str, Any], size: tuple[int, int], nodes: dict[str, dict[str, str]], flags: set[str],
    path: str, left_out: LeftOut,
) -> None:  # fmt: skip
    name = found["classTitle"]
    if name not in nodes:
        raise ValueError(f"class {name!r} is not in {META}")
    shape = _shape(found, size, nodes[name])
    if shape is None:
        left_out.add(path, f"geometryType {found.get('geometryType')}")
        return
    attributes = _read_tags(found.get("tags") or [], flags)
    document.objects.append(LabelObject(len(document.objects) + 1, name, shape, attributes=attributes, source="import"))


def _read_tags(tags: list[dict[str, Any]], flags: set[str]) -> Attributes:
    found: Attributes = {}
    for tag in tags:
        name, value = tag["name"], tag.get("value")
        if value is None:
            value = True
        elif name in flags and value in ("true", "false"):
            value = value == "true"
        if name in found:
            before = found[name] if isinstance(found[name], list) else [str(found[name])]
            value = [*before, str(value)]
        found[name] = value
    return found


def _middle(points: Sequence[Sequence[float]], width: int, height: int) -> list[float]:
    """Fractions of the middle of pixels; of places that are no whole pixels, of the places themselves."""
    return plane.cut([v + 0.5 if float(v).is_integer() else v for v in plane.flat(points)], width, height)


def _shape(found: dict[str, Any], size: tuple[int, int], nodes: dict[str, str]) -> Shape | None:
    kind = found["geometryType"]
    if kind == "bitmap":
        return _mask(found["bitmap"], *size)
    if kind == "graph":
        return _graph(found["nodes"], nodes, size)
    if kind not in ("rectangle", "polygon", "line", "point"):
        return None
    outline = found["points"]["exterior"]
    if kind == "rectangle":
        (x1, y1), (x2, y2) = outline
        return plane.rectangle((min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1), *size)
    points = _middle(outline, *size)
    least = {"polygon": 3, "line": 2, "point": 1}[kind]
    if len(points) < 2 * least:
        raise ValueError(f"{len(points) // 2} points are no {kind}")
    if kind == "polygon":
        return Polygon([[points, *(_middle(hole, *size) for hole in found["points"].get("interior") or [])]])
    return Polyline(points) if kind == "line" else Point(points[:2])


def _graph(given: dict[str, Any], nodes: dict[str, str], size: tuple[int, int]) -> Skeleton:
    if unknown := set(given) - set(nodes):
        raise ValueError(f"node {min(unknown)!r} is not in {META}")
    flat: list[float] = []
    visibility = []
    for key in nodes:
        node = given.get(key)
        flat += _middle([node["loc"]], *size) if node else [0.0, 0.0]
        visibility.append(0 if node is None else 1 if node.get("disabled") else 2)
    return Skeleton(flat, visibility)


def _mask(bitmap: dict[str, Any], width: int, height: int) -> Mask:
    try:
        body = base64.b64decode(bitmap["data"], validate=True)
        unpack = zlib.decompressobj()
        body = body if body.startswith(b"\x89PNG") else unpack.decompress(body, MAX_PIXELS)
        with Image.open(io.BytesIO(body)) as image:
            if image.width * image.height > MAX_PIXELS or width * height > MAX_PIXELS:
                raise ValueError("the bitmap is too large")
            if image.mode in ("RGBA", "LA") or "transparency" in image.info:
                crop = np.asarray(image.convert("RGBA"))[:, :, 3] > 0
            else:
                crop = np.asarray(image.convert("L")) > 0
    except (binascii.Error, zlib.error, UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise ValueError("a bitmap is broken") from None
    x, y = bitmap["origin"]
    if x < 0 or y < 0 or x + crop.shape[1] > width or y + crop.shape[0] > height:
        raise ValueError("a bitmap does not lie within the picture")
    return masks.placed(crop, x, y, width, height)


FORMAT = Format(
    "Supervisely project folder", ".zip", "application/zip",
    "Whole pixels only: edges of boxes are rounded, points become the middle of their pixel. Landmarks and cuboids are left out,"
    " turned boxes become outlines, polygons of several parts masks. Folders of pictures become part of their names; a list of one"
    " comes back as its value; scores, groups and locks are not kept.",
    write, read, ("rectangle", "polygon", "polyline", "point", "skeleton", "mask"),
)  # fmt: skip
