"""CVAT XML 1.1, for images and for video: shapes by picture, or tracks by object, in pixels.

    annotations.xml   images/a.jpg              (pictures: `<image name width height subset>`)
    film/annotations.xml   film/images/...      (a video: `<track>`, a shape for each keyframe)

Classes and the kinds of their attributes stand in `<meta>` at the head, so the rest waits in a temporary file meanwhile."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any
from xml.etree import ElementTree

from labelwright.errors import Invalid
from labelwright.formats import archive, cvat_shapes, plane
from labelwright.formats.cvat_shapes import SHAPES, Label, plain, quoted
from labelwright.formats.sample import (
    Dataset,
    Format,
    Frame,
    LeftOut,
    Report,
    Sample,
    SampleClass,
    Source,
    labels_of,
)
from labelwright.geometry import masks, tracks
from labelwright.geometry.document import (
    Attributes,
    Document,
    Keyframe,
    LabelObject,
    Mask,
    Polygon,
    Shape,
    Skeleton,
)

NAME = "annotations.xml"
SPOOL = 1 << 20
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'


@dataclass
class Kinds:
    """What is met of attributes while the shapes are written: kind by class and name, and which of them change in a track."""

    found: dict[str, dict[str, str]] = field(default_factory=dict)
    mutable: set[tuple[str, str]] = field(default_factory=set)

    def note(self, label: str, name: str, value: Any) -> None:
        """Remember the kind of a value; of two kinds text is what both can be."""
        kind = "checkbox" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
        known = self.found.setdefault(label, {})
        known[name] = kind if known.get(name, kind) == kind else "text"


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip: one XML file for all pictures and one for each video, beside their pictures."""
    report = Report()
    with archive.Writer(file) as out, tempfile.SpooledTemporaryFile(max_size=SPOOL) as body:
        kinds, templates = Kinds(), {c.name: c for c in classes}
        films = 0
        for sample in samples:
            if sample.frames:
                films += 1
                _film(sample, out, classes, report)
                continue
            archive.need_size(sample)
            name = out.name("images", sample.name)
            body.write(_image(sample, name, report.images, templates, report, kinds).encode())
            out.picture(f"images/{name}", sample)
            report.images += 1
        if report.images or not films:
            _annotations(out, NAME, _meta("task", "", classes, kinds), body)
        report.images += films
    return report


def _annotations(out: archive.Writer, path: str, meta: str, body: IO[bytes]) -> None:
    body.seek(0)
    with out.stream(path) as target:
        target.write((HEAD + meta).encode())
        shutil.copyfileobj(body, target)
        target.write(b"</annotations>\n")


def _meta(what: str, more: str, classes: Sequence[SampleClass], kinds: Kinds) -> str:
    labels = "".join(_label(found, kinds) for found in classes)
    return f"<meta>\n<{what}>\n{more}<labels>\n{labels}</labels>\n</{what}>\n</meta>\n"


def _label(found: SampleClass, kinds: Kinds) -> str:
    attributes = "".join(
        f"<attribute><name>{plain(name)}</name><mutable>{(found.name, name) in kinds.mutable}</mutable>"
        f"<input_type>{kind}</input_type><default_value></default_value><values></values></attribute>\n"
        for name, kind in kinds.found.get(found.name, {}).items()
    )
    kind = "skeleton" if found.skeleton else "any"
    lines = [f"<label><name>{plain(found.name)}</name><type>{kind}</type><attributes>\n{attributes}</attributes>"]
    if found.skeleton:
        edges = "".join(
            f'<line data-node-from="{a + 1}" data-node-to="{b + 1}"></line>' for a, b in found.skeleton.get("edges", [])
        )
        lines.append(f"<svg>{plain(edges)}</svg>")
    lines.append("</label>\n")
    for point in found.skeleton["points"] if found.skeleton else []:
        lines.append(f"<label><name>{plain(point['name'])}</name><type>points</type><attributes></attributes>"
                     f"<parent>{plain(found.name)}</parent></label>\n")  # fmt: skip
    return "".join(lines)


def _image(
    sample: Sample, name: str, number: int, classes: dict[str, SampleClass], report: Report, kinds: Kinds
) -> str:
    subset = f" subset={quoted(sample.split)}" if sample.split else ""
    parts = [f'<image id="{number}" name={quoted(name)}{subset} width="{sample.width}" height="{sample.height}">\n']
    for item in sample.document.objects:
        shape = item.shape and _known(item.shape, sample.width, sample.height)
        if shape is None or item.class_name not in classes:
            plane.leave_out(report, item)
            continue
        report.objects += 1
        group = "" if item.group is None else f' group_id="{item.group}"'
        head = f'label={quoted(item.class_name)} source={quoted(_source(item))}{group} z_order="0"'
        inside = _attributes(item.class_name, item.attributes, kinds)
        parts.append(cvat_shapes.xml(shape, head, inside, (sample.width, sample.height), classes[item.class_name]))
    for label in labels_of(sample.document.attributes):
        parts.append(f'<tag label={quoted(label)} source="manual"></tag>\n')
    return "".join([*parts, "</image>\n"])


def _source(item: LabelObject) -> str:
    return "auto" if item.source == "model" else "manual"


def _known(shape: Shape, width: int, height: int) -> Shape | None:
    """The shape, or the mask that stands for it, when CVAT has one like it."""
    if isinstance(shape, Polygon) and (len(shape.parts) > 1 or len(shape.parts[0]) > 1):
        return masks.rasterize(shape, width, height)
    if isinstance(shape, Mask):
        fitted = masks.rasterize(shape, width, height)
        return fitted if fitted.box[2] else None
    return shape


def _attributes(label: str, attributes: Attributes, kinds: Kinds) -> str:
    parts = []
    for name, value in attributes.items():
        kinds.note(label, name, value)
        text = (
            ("true" if value else "false")
            if isinstance(value, bool)
            else ",".join(value)
            if isinstance(value, list)
            else f"{value}"
        )
        parts.append(f"<attribute name={quoted(name)}>{plain(text)}</attribute>\n")
    return "".join(parts)


def _film(sample: Sample, out: archive.Writer, classes: Sequence[SampleClass], report: Report) -> None:
    """One video: its tracks, and its frames when they came along."""
    archive.need_size(sample)
    folder, kinds, templates = out.name("", sample.name + "/annotations.xml"), Kinds(), {c.name: c for c in classes}
    folder = folder.rpartition("/")[0]
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as body:
        for number, item in enumerate(sample.document.objects):
            text = _track(item, number, sample, templates, kinds) if item.class_name in templates else ""
            if not text:
                plane.leave_out(report, item)
                continue
            report.objects += 1
            body.write(text.encode())
        size = f"<original_size><width>{sample.width}</width><height>{sample.height}</height></original_size>\n"
        about = f"<name>{plain(sample.name)}</name><size>{len(sample.frames)}</size><mode>interpolation</mode>\n{size}"
        subset = f"<subset>{plain(sample.split)}</subset>\n" if sample.split else ""
        _annotations(out, f"{folder}/{NAME}", _meta("task", about + subset, classes, kinds), body)
    for frame in sample.frames:
        if frame.picture is not None:
            out.add(f"{folder}/images/{out.name(f'{folder}/images', frame.name)}", frame.picture())


def _track(item: LabelObject, number: int, sample: Sample, classes: dict[str, SampleClass], kinds: Kinds) -> str:
    keyframes = item.keyframes or ([Keyframe(0, item.shape)] if item.shape is not None else [])
    kinds.mutable |= {(item.class_name, name) for k in keyframes for name in k.attributes}
    size, parts, before = (sample.width, sample.height), [], None
    for keyframe in keyframes:
        state = tracks.state_at(item, keyframe.frame)
        shape = state.shape if state else keyframe.shape or before
        shape = shape and _known(shape, *size)
        if shape is None:
            if not keyframe.outside:
                return ""
            continue
        before = shape
        head = f'frame="{keyframe.frame}" keyframe="1" outside="{int(keyframe.outside)}" z_order="0"'
        inside = _attributes(item.class_name, state.attributes if state else {}, kinds)
        parts.append(cvat_shapes.xml(shape, head, inside, size, classes[item.class_name], outside=keyframe.outside))
    if not parts:
        return ""
    group = "" if item.group is None else f' group_id="{item.group}"'
    head = f'<track id="{number}" label={quoted(item.class_name)} source={quoted(_source(item))}{group}>\n'
    return "".join([head, *parts, "</track>\n"])


# --- reading -----------------------------------------------------------------------------------------------------------


def read(file: Source) -> Dataset:
    """Read XML files, alone or in a zip or folder, with or without the pictures. Raises `Invalid`."""
    tree = archive.Tree(file, NAME)
    paths = tree.names(".xml")
    if not paths:
        raise Invalid(f"The dataset has no {NAME}.", field=NAME)
    left_out = LeftOut()
    classes: dict[str, SampleClass] = {}
    for path in paths:
        for label in _labels(_root(tree, path)).values():
            classes.setdefault(label.name, SampleClass(label.name, label.skeleton()))
    return Dataset(list(classes.values()), _samples(tree, paths, left_out), left_out)


def _root(tree: archive.Tree, path: str) -> ElementTree.Element:
    body = tree.read(path)
    if (
        b"<!DOCTYPE" in body or b"<!ENTITY" in body
    ):  # entities are how small XML grows to gigabytes or reads other files
        raise Invalid(f"{path}: a document type is not allowed here.", field=path)
    try:
        root = ElementTree.parse(io.BytesIO(body)).getroot()  # noqa: S314 (no entities: checked above)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise Invalid(f"{path} is not XML: {error}", field=path) from None
    if root.tag != "annotations":
        raise Invalid(f"{path} is not a CVAT file: it begins with <{root.tag}>.", field=path)
    return root


def _labels(root: ElementTree.Element) -> dict[str, Label]:
    """The classes in the file's head with their attributes' kinds; without a head, those that the shapes name."""
    found: dict[str, Label] = {}
    for node in root.findall("meta//label"):
        name, parent = node.findtext("name") or "", node.findtext("parent")
        if parent is not None:
            found.setdefault(parent, Label(parent)).points.append(name)
            continue
        label = found.setdefault(name, Label(name))
        label.svg = node.findtext("svg") or ""
        for attribute in node.iter("attribute"):
            known = attribute.findtext("name") or ""
            label.kinds[known] = attribute.findtext("input_type") or "text"
            if (attribute.findtext("mutable") or "").lower() == "true":
                label.mutable.add(known)
    for node in root.iter():
        if node.tag != "points" and "label" in node.attrib and (node.tag in SHAPES or node.tag in ("tag", "track")):
            found.setdefault(node.attrib["label"], Label(node.attrib["label"]))
    return {name: label for name, label in found.items() if name}


def _samples(tree: archive.Tree, paths: list[str], left_out: LeftOut) -> Iterator[Sample]:
    for path in paths:
        root = _root(tree, path)
        labels = _labels(root)
        at = path
        try:
            for image in root.findall("image"):
                at = f"{path}: image {image.get('name')!r}"
                yield _read_image(image, tree, path, labels, left_out)
            if root.find("track") is not None or root.findtext("meta/task/mode") == "interpolation":
                at = f"{path}: tracks"
                yield _read_film(root, tree, path, labels, left_out)
        except (KeyError, ValueError, TypeError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise Invalid(f"{at}: {what}", field=path) from None


def _read_image(
    image: ElementTree.Element, tree: archive.Tree, path: str, labels: dict[str, Label], left_out: LeftOut
) -> Sample:
    name, size = image.attrib["name"], (int(image.attrib["width"]), int(image.attrib["height"]))
    if min(size) < 1:
        raise ValueError("width and height must be 1 or more")
    document, tags = Document(), []
    for node in image:
        if node.tag == "tag":
            tags.append(node.attrib["label"])
            if node.find("attribute") is not None:
                left_out.add(path, "tag attributes", len(node.findall("attribute")))
            continue
        shape = cvat_shapes.read(node, labels, size) if node.tag in SHAPES else None
        if shape is None:
            left_out.add(path, node.tag)
            continue
        label = labels[node.attrib["label"]]
        group = int(node.get("group_id") or 0) if "group_id" in node.attrib else None
        document.objects.append(LabelObject(
            len(document.objects) + 1, label.name, shape, attributes=label.attributes(node), group=group,
            source="model" if node.get("source") in ("auto", "semi-auto") else "import",
        ))  # fmt: skip
    if tags:
        document.attributes["labels"] = list(dict.fromkeys(tags))
    folder = path.rpartition("/")[0]
    picture = tree.find(name, folder, f"{folder}/images" if folder else "images", f"images/{image.get('subset', '')}")
    split = archive.SPLIT_FOLDERS.get((image.get("subset") or "").lower(), "")
    return Sample(name, *size, document, split=split, picture=tree.opener(picture) if picture else None)


def _read_film(
    root: ElementTree.Element, tree: archive.Tree, path: str, labels: dict[str, Label], left_out: LeftOut
) -> Sample:
    task = root.find("meta/task")
    width, height = (int(root.findtext(f"meta//original_size/{side}") or 0) for side in ("width", "height"))
    if width < 1 or height < 1:
        raise ValueError("<original_size> with width and height is missing")
    document = Document()
    last = 0
    for node in root.findall("track"):
        item = _read_track(node, len(document.objects) + 1, labels, (width, height), path, left_out)
        if item is not None and item.keyframes:
            document.objects.append(item)
            last = max(last, item.keyframes[-1].frame + 1)
    folder = path.rpartition("/")[0]
    inside = f"{folder}/images/" if folder else "images/"
    pictures = [p for p in archive.pictures(tree) if p.startswith(inside)]
    count = max(int((task.findtext("size") if task is not None else None) or 0), last - bool(last), len(pictures))
    name = (task.findtext("name") if task is not None else None) or folder or "video"
    if pictures and len(pictures) == count:
        frames = [Frame(p.removeprefix(inside), width, height, tree.opener(p)) for p in pictures]
    else:
        frames = [Frame(f"{n:06}", width, height) for n in range(count)]
    film = tree.find(root.findtext("meta//source") or name)
    split = archive.SPLIT_FOLDERS.get((root.findtext("meta/task/subset") or "").lower(), "")
    return Sample(name, width, height, document, split=split, frames=frames,
                  picture=tree.opener(film) if film and film.lower().endswith(archive.VIDEOS) else None)  # fmt: skip


def _read_track(
    node: ElementTree.Element,
    number: int,
    labels: dict[str, Label],
    size: tuple[int, int],
    path: str,
    left_out: LeftOut,
) -> LabelObject | None:
    label = labels[node.attrib["label"]]
    keyframes: list[Keyframe] = []
    fixed: Attributes = {}
    held: Attributes = {}
    for found in node:
        shape = cvat_shapes.read(found, labels, size, label) if found.tag in SHAPES else None
        if shape is None:
            left_out.add(path, found.tag)
            continue
        gone = found.get("outside") == "1"
        if isinstance(shape, Skeleton) and "outside" not in found.attrib:  # CVAT says it of the points only
            gone = not any(shape.visibility)
        if found.get("keyframe", "1") != "1" and keyframes and keyframes[-1].outside == gone:
            continue
        given = label.attributes(found)
        fixed |= {k: v for k, v in given.items() if k not in label.mutable and not gone}
        present = held if gone else {k: v for k, v in given.items() if k in label.mutable}
        changes = {k: v for k, v in present.items() if held.get(k) != v} | {k: None for k in held if k not in present}
        held = present
        frame = int(found.attrib["frame"])
        if frame < 0 or (keyframes and frame <= keyframes[-1].frame):
            raise ValueError(f"track {node.get('id')}: frames must rise from 0 on")
        keyframes.append(Keyframe(frame, shape, changes, gone))
    if not keyframes:
        return None
    group = int(node.get("group_id") or 0) if "group_id" in node.attrib else None
    source: Any = "model" if node.get("source") in ("auto", "semi-auto") else "import"
    return LabelObject(number, label.name, keyframes=keyframes, attributes=fixed, group=group, source=source)


FORMAT = Format(
    "CVAT for images and video 1.1", ".zip", "application/zip",
    "Landmarks are numbered anew; polygons with holes or several parts become masks, turned boxes of angle 0 straight ones, and those with corners"
    " that are not square outlines. Keyframes get the shape that they show; lists become texts; of a picture's attributes only `labels` is kept;"
    " scores and locks are not.",
    write, read,
    ("rectangle", "oriented_rectangle", "polygon", "polyline", "point", "landmarks", "skeleton", "cuboid", "mask"),
    videos=True,
)  # fmt: skip
