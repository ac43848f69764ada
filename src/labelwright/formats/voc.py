"""Pascal VOC: one XML file beside each picture. Numbers are pixels from the top-left corner, edges of the box.

train/a.jpg  train/a.xml  valid/...  test/..."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from labelwright.errors import Invalid
from labelwright.formats import archive, plane
from labelwright.formats.sample import Dataset, Format, Report, Sample, SampleClass, Source
from labelwright.geometry import measures, pixels
from labelwright.geometry.document import (
    Document,
    LabelObject,
    OrientedRectangle,
    Polygon,
    Rectangle,
    Shape,
    shape_kind,
)


def write(samples: Iterable[Sample], file: IO[bytes], classes: Sequence[SampleClass]) -> Report:
    """Write a zip of XML files, with the pictures that come along."""
    report, known = Report(), {c.name: escape(c.name) for c in classes}
    with archive.Writer(file) as out:
        for sample in samples:
            folder = archive.folder_of(sample)
            name = out.name(folder, sample.name)
            out.add(f"{folder}/{archive.stem(name)}.xml", xml(sample, name, report, known))
            out.picture(f"{folder}/{name}", sample)
        out.note_empty(report)
    return report


def xml(sample: Sample, name: str, report: Report, known: dict[str, str]) -> str:
    """The XML of one sample; `known`: class names, and as they stand in XML. Raises `Invalid` when its size is not known: VOC counts pixels."""
    archive.need_size(sample)
    parts = [
        f"<annotation>\n\t<folder></folder>\n\t<filename>{escape(name)}</filename>\n\t<path>{escape(name)}</path>\n"
        "\t<source>\n\t\t<database>labelwright</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{sample.width}</width>\n\t\t<height>{sample.height}</height>\n\t\t<depth>3</depth>\n\t</size>\n"
        "\t<segmented>0</segmented>\n"
    ]
    for item in sample.document.objects:
        shape, name_ = item.shape, known.get(item.class_name)
        if shape is not None and name_ is not None:
            if type(shape) is Rectangle:  # most of what there is
                x1, y1, x2, y2 = pixels.box_to_pixels(shape.box, sample.width, sample.height)
                parts.append(OBJECT % (name_, x1, x2, y1, y2, ""))
                continue
            outline = _outline(shape, sample.width, sample.height)
            if outline is not None:
                x1, y1, x2, y2 = pixels.box_to_pixels(measures.bounds(shape), sample.width, sample.height)
                parts.append(OBJECT % (name_, x1, x2, y1, y2, outline))
                continue
        report.left_out[shape_kind(shape) if shape is not None else "track"] += 1
    report.objects += len(parts) - 1
    report.images += 1
    return "".join([*parts, "</annotation>\n"])


OBJECT = (
    "\t<object>\n\t\t<name>%s</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
    "\t\t<difficult>0</difficult>\n\t\t<occluded>0</occluded>\n"
    "\t\t<bndbox>\n\t\t\t<xmin>%.10g</xmin>\n\t\t\t<xmax>%.10g</xmax>\n"
    "\t\t\t<ymin>%.10g</ymin>\n\t\t\t<ymax>%.10g</ymax>\n\t\t</bndbox>\n%s\t</object>\n"
)


def _outline(shape: Shape, width: int, height: int) -> str | None:
    """The corners of a shape of one outline; None for others."""
    if isinstance(shape, OrientedRectangle):
        points = shape.points
    elif isinstance(shape, Polygon) and len(shape.parts) == 1 and len(shape.parts[0]) == 1:
        points = shape.parts[0][0]
    else:
        return None
    flat = pixels.points_to_pixels(points, width, height)
    pairs = enumerate(zip(flat[::2], flat[1::2], strict=True), 1)
    inside = "".join(f"\t\t\t<x{i}>{x:.10g}</x{i}>\n\t\t\t<y{i}>{y:.10g}</y{i}>\n" for i, (x, y) in pairs)
    return f"\t\t<polygon>\n{inside}\t\t</polygon>\n"


def read(file: Source) -> Dataset:
    """Read a zip of XML files, with or without the pictures. Classes are in order of their names."""
    tree = archive.Tree(file)
    paths = tree.need(".xml", "XML files")
    names = sorted({_text(node, "name") for p in paths for node in _root(tree.read(p), p).iter("object")})
    return Dataset([SampleClass(n) for n in names], _samples(tree, paths))


def _samples(tree: archive.Tree, paths: list[str]) -> Iterator[Sample]:
    by_stem = {archive.stem(p): p for p in archive.pictures(tree)}
    for path in paths:
        sample = parse(tree.read(path), path)
        sample.split = archive.split_of(path)
        picture = (
            by_stem.get(path[:-4])
            or by_stem.get(path[:-4].replace("Annotations/", "JPEGImages/"))
            or tree.find(sample.name, path.rpartition("/")[0])
        )
        if picture:
            sample.picture = tree.opener(picture)
        yield sample


def parse(body: bytes, path: str = "file") -> Sample:
    """One XML file as a sample. Raises `Invalid` naming the file and what is wrong."""
    root = _root(body, path)
    try:
        width, height = int(_text(root, "size/width")), int(_text(root, "size/height"))
        if width < 1 or height < 1:
            raise ValueError("width and height must be 1 or more")
        objects = [
            LabelObject(number, _text(node, "name"), _read_shape(node, width, height), None, {}, "import")
            for number, node in enumerate(root.iter("object"), 1)
        ]
    except ValueError as error:
        raise Invalid(f"{path} is not a VOC file: {error}", field=path) from None
    return Sample(_text(root, "filename", path), width, height, Document(objects))


def _root(body: bytes, path: str) -> ElementTree.Element:
    # Entities are how small XML grows to gigabytes or reads other files; VOC has no use for them.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Invalid(f"{path}: a document type is not allowed here.", field=path)
    try:
        return ElementTree.fromstring(body)  # noqa: S314 (no entities: checked above)
    except ElementTree.ParseError as error:
        raise Invalid(f"{path} is not a VOC file: {error}", field=path) from None


def _text(node: ElementTree.Element, path: str, default: str | None = None) -> str:
    found = node.findtext(path)
    if found is None or not found.strip():
        if default is None:
            raise ValueError(f"<{path}> is missing")
        return default
    return found.strip()


def _read_shape(node: ElementTree.Element, width: int, height: int) -> Shape:
    parts = {child.tag: child for child in node}
    if "polygon" in parts:
        points = _corners(parts["polygon"])
        if len(points) >= 6:
            return Polygon([[plane.cut(points, width, height)]])
    try:
        sides = {child.tag: float(child.text or "") for child in parts["bndbox"]}
        x1, y1, x2, y2 = sides["xmin"] / width, sides["ymin"] / height, sides["xmax"] / width, sides["ymax"] / height
    except (KeyError, ValueError):  # the slow way names what is wrong
        x1, y1, x2, y2 = pixels.box_to_fractions(
            [float(_text(node, f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")], width, height
        )
    if not (0.0 <= x1 <= x2 <= 1.0 and 0.0 <= y1 <= y2 <= 1.0):
        x1, x2 = sorted((min(max(x1, 0.0), 1.0), min(max(x2, 0.0), 1.0)))
        y1, y2 = sorted((min(max(y1, 0.0), 1.0), min(max(y2, 0.0), 1.0)))
    return Rectangle((x1, y1, x2, y2))


def _corners(outline: ElementTree.Element) -> list[float]:
    """The corners `x1, y1, x2, ...` of an outline, in pixels, up to the first number that is not there."""
    said = {child.tag: child.text for child in outline}
    points: list[float] = []
    while f"x{len(points) // 2 + 1}" in said:
        for axis in "xy":
            points.append(float(_text(outline, f"{axis}{len(points) // 2 + 1}")))
    return points


FORMAT = Format(
    "Pascal VOC", ".zip", "application/zip",
    "Boxes and single outlines only: polygons with holes or several parts, lines, points, skeletons, cuboids and masks are left"
    " out, turned boxes become outlines; attributes, scores and numbers of objects are not kept.",
    write, read, ("rectangle", "polygon"),
)  # fmt: skip
