"""Formats of many files: what is written comes back as its declared loss says; broken and hostile archives are refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labelwright.errors import Invalid, LabelwrightError, TooLarge
from labelwright.formats import FORMATS, yolo
from labelwright.formats.sample import Format, Sample, SampleClass
from labelwright.geometry import masks, measures
from labelwright.geometry.document import (
    Document,
    LabelObject,
    OrientedRectangle,
    Point,
    Polygon,
    Rectangle,
    Shape,
)

CLASSES = [SampleClass("car"), SampleClass("tree, tall"), SampleClass('a "b" & <c> é')]
SPLITS = st.sampled_from(["", "train", "valid", "test"])
whole = st.integers(0, 64)


def jpeg(width: int, height: int) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), (20, 120, 20)).save(body, "JPEG")
    return body.getvalue()


@st.composite
def boxes(draw: st.DrawFn) -> Rectangle:
    x1, x2 = sorted(draw(st.tuples(whole, whole).filter(lambda v: v[0] != v[1])))
    y1, y2 = sorted(draw(st.tuples(whole, whole).filter(lambda v: v[0] != v[1])))
    return Rectangle((x1 / 64, y1 / 64, x2 / 64, y2 / 64))


@st.composite
def outlines(draw: st.DrawFn) -> Polygon:
    points = draw(st.lists(st.tuples(whole, whole), min_size=3, max_size=8, unique=True))
    return Polygon([[[v / 64 for p in points for v in p]]])


@st.composite
def samples(draw: st.DrawFn, shapes: st.SearchStrategy[Shape]) -> list[Sample]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        objects = [
            LabelObject(i, draw(st.sampled_from(CLASSES)).name, draw(shapes), source="import")
            for i in range(1, draw(st.integers(0, 5)) + 1)
        ]
        width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
        found.append(Sample(f"{number}.jpg", width, height, Document(objects), split=draw(SPLITS),
                            picture=lambda w=width, h=height: jpeg(w, h)))  # fmt: skip
    return found


def trip(form: Format, written: list[Sample]) -> dict[tuple[str, str], Sample]:
    file = io.BytesIO()
    form.write(iter(written), file, CLASSES)
    file.seek(0)
    return {(s.split, s.name): s for s in form.read(file).samples}


def around(shape: Shape) -> Rectangle:
    return Rectangle(measures.bounds(shape))


def same(a: Shape, b: Shape) -> bool:
    x, y = measures.points_of(a), measures.points_of(b)
    return type(a) is type(b) and len(x) == len(y) and all(abs(p - q) < 1e-6 for p, q in zip(x, y, strict=True))


KEEPS = {
    "yolo": lambda s: s,
    "darknet": lambda s: s,
    "voc": lambda s: s,
    "createml": around,
    "tensorflow-csv": around,
}


@pytest.mark.parametrize("name", KEEPS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_boxes_and_outlines_come_back(name: str, data: st.DataObject) -> None:
    written = data.draw(samples(st.one_of(boxes(), outlines())))
    found = trip(FORMATS[name], written)
    assert set(found) == {(s.split or "train", s.name) for s in written}
    for before in written:
        after = found[before.split or "train", before.name]
        assert (after.width, after.height) == (before.width, before.height)
        assert after.picture is not None
        assert before.picture is not None
        assert after.picture() == before.picture()
        expected = [(o.class_name, KEEPS[name](o.shape)) for o in before.document.objects]
        assert [o.class_name for o in after.document.objects] == [c for c, _ in expected]
        for item, (_, shape) in zip(after.document.objects, expected, strict=True):
            assert item.shape is not None
            assert same(item.shape, shape)


@settings(max_examples=40, deadline=None)
@given(samples(boxes()))
def test_oriented_boxes_come_back_as_four_corners(written: list[Sample]) -> None:
    found = trip(FORMATS["yolo-obb"], written)
    for before in written:
        after = found[before.split or "train", before.name]
        for a, b in zip(after.document.objects, before.document.objects, strict=True):
            assert isinstance(a.shape, OrientedRectangle)
            assert b.shape is not None
            assert same(around(a.shape), around(b.shape))


@settings(max_examples=30, deadline=None)
@given(samples(st.one_of(boxes(), outlines())))
def test_semantic_masks_come_back_pixel_by_pixel(written: list[Sample]) -> None:
    numbers = {c.name: i for i, c in enumerate(CLASSES, 1)}
    found = trip(FORMATS["semantic-masks"], written)
    for before in written:
        after = found[before.split or "train", before.name]

        def raster(sample: Sample) -> np.ndarray:
            layers = [
                (masks.rasterize(o.shape, sample.width, sample.height), numbers[o.class_name])
                for o in sample.document.objects
                if o.shape is not None
            ]
            return masks.compose(layers, sample.width, sample.height)

        assert np.array_equal(raster(after), raster(before))


@settings(max_examples=30, deadline=None)
@given(samples(boxes()))
def test_classes_of_pictures_come_back_as_labels(written: list[Sample]) -> None:
    found = trip(FORMATS["multiclass-csv"], written)
    for before in written:
        after = found[before.split or "train", before.name]
        assert set(after.document.attributes.get("labels", [])) == {o.class_name for o in before.document.objects}


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "coco"])
def test_the_same_dataset_is_the_same_bytes_and_empty_ones_can_be_read(name: str) -> None:
    one = [
        Sample("a.jpg", 8, 8, Document([LabelObject(1, "car", Rectangle((0, 0, 1, 1)))]), picture=lambda: jpeg(8, 8))
    ]
    bodies = []
    for _ in range(2):
        file = io.BytesIO()
        FORMATS[name].write(iter(one), file, CLASSES)
        bodies.append(file.getvalue())
    assert bodies[0] == bodies[1]
    assert trip(FORMATS[name], []) == {}


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "coco"])
def test_what_a_format_lacks_is_counted(name: str) -> None:
    sample = Sample("a.jpg", 8, 8, Document([LabelObject(1, "car", Point([0.5, 0.5]))]))
    report = FORMATS[name].write([sample], io.BytesIO(), CLASSES)
    assert report.images == 1
    if name != "multiclass-csv":
        assert report.left_out == {"point": 1}


def test_names_that_clash_or_lead_away_are_made_safe() -> None:
    names = ["../../etc/a.jpg", "a.png", "/a.jpg", "sub/a.jpg", "no suffix", "..", "c:\\x\\a.jpg"]
    file = io.BytesIO()
    yolo.write([Sample(n, 4, 4, Document()) for n in names], file, CLASSES)
    paths = [p for p in zipfile.ZipFile(file).namelist() if p != "data.yaml"]
    assert len(set(paths)) == len(names)
    assert all(".." not in p.split("/") and not p.startswith("/") for p in paths)


def packed(**files: str | bytes) -> io.BytesIO:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name, text)
    return body


def all_of(form: Format, file: io.BytesIO) -> list[Sample]:
    return list(form.read(file).samples)


@pytest.mark.parametrize(
    ("name", "files", "word"),
    [
        ("yolo", {}, "data.yaml"),
        ("yolo", {"data.yaml": "names: ["}, "YAML"),
        ("yolo", {"data.yaml": "nc: 2"}, "names"),
        ("yolo", {"data.yaml": "names: [a]", "train/labels/x.txt": "1 .5 .5 1 1"}, "line 1"),
        ("yolo", {"data.yaml": "names: [a]", "train/labels/x.txt": "0 .5 .5 1\n"}, "neither"),
        ("yolo", {"data.yaml": "names: [a]", "train/labels/x.txt": "0 50 50 10 10"}, "fractions"),
        ("yolo", {"data.yaml": "names: [a]", "train/labels/x.txt": "0 .5 .5 1 1\ncar 1 1 1 1"}, "line 2"),
        ("yolo", {"data.yaml": "names: [a]", "train/images/x.jpg": b"no picture"}, "not a picture"),
        ("yolo", {"data.yaml": "names: [a]", "train/labels/x.txt": b"\xff\xfe"}, "UTF-8"),
        ("voc", {"a.xml": "<annotation>"}, "a.xml"),
        ("voc", {"a.xml": "<annotation><size><width>5</width></size></annotation>"}, "height"),
        ("voc", {"a.xml": '<!DOCTYPE x [<!ENTITY y "z">]><annotation>&y;</annotation>'}, "document type"),
        ("createml", {"_annotations.createml.json": "{}"}, "CreateML"),
        ("createml", {"_annotations.createml.json": '[{"image":"a.jpg","annotations":[]}]'}, "a.jpg"),
        ("tensorflow-csv", {"_annotations.csv": "filename,width\n"}, "column"),
        ("tensorflow-csv", {"_annotations.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,5,5,x,1,2,3\n"}, "as many"),
        ("tensorflow-csv", {"_annotations.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,5,0,x,1,2,3,4\n"}, ":2"),
        ("multiclass-csv", {"_classes.csv": "file,a\n"}, "filename"),
        ("multiclass-csv", {"_classes.csv": "filename,a\nx.jpg,2\n"}, "line 2"),
        ("semantic-masks", {"a_mask.png": b""}, "_classes.csv"),
        ("semantic-masks", {"_classes.csv": "Pixel Value,Class\nx,y\n"}, "line 2"),
        ("semantic-masks", {"_classes.csv": "Pixel Value,Class\n1,y\n", "a_mask.png": b"x"}, "picture"),
    ],
)  # fmt: skip
def test_faults_name_the_file_and_line(name: str, files: dict[str, str | bytes], word: str) -> None:
    with pytest.raises(Invalid, match=word):
        all_of(FORMATS[name], packed(**files))


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "coco"])
def test_hostile_archives_are_refused(name: str) -> None:
    for path in ("../x.txt", "/x.txt", "a/../../x.txt", "..\\x.txt", "c:/x.txt"):
        with pytest.raises(Invalid, match="leads out"):
            all_of(FORMATS[name], packed(**{path: "x"}))
    with pytest.raises(TooLarge):
        all_of(FORMATS[name], packed(**{"bomb.txt": b"0" * (8 << 20)}))
    for body in (b"", b"PK\x03\x04 but no more", jpeg(4, 4)):
        with pytest.raises(LabelwrightError):
            all_of(FORMATS[name], io.BytesIO(body))
