"""Formats of many files: what is written comes back as its declared loss says; broken and hostile archives are refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelwright.errors import Invalid, LabelwrightError, TooLarge
from labelwright.formats import FORMATS, tfrecord, yolo
from labelwright.formats.sample import Format, Sample
from labelwright.geometry import masks
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Point, Rectangle
from tests.formats.drawn import CLASSES, KEEPS, SPLITS, around, boxes, jpeg, outlines, same, samples, trip
from tests.support import strategies

ZIPS = [name for name, form in FORMATS.items() if form.suffix == ".zip"]


@pytest.mark.parametrize("name", KEEPS)
@settings(max_examples=25, deadline=None)
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
        expected = [
            (o.class_name, KEEPS[name](o.shape, before.width, before.height))
            for o in before.document.objects
            if o.shape is not None
        ]
        assert [o.class_name for o in after.document.objects] == [c for c, _ in expected]
        for item, (_, shape) in zip(after.document.objects, expected, strict=True):
            assert item.shape is not None
            assert same(item.shape, shape)


@settings(max_examples=25, deadline=None)
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


@pytest.mark.parametrize("name", ["folder", "clip"])
@settings(max_examples=20, deadline=None)
@given(written=samples(boxes()))
def test_the_only_class_of_a_picture_is_its_folder(name: str, written: list[Sample]) -> None:
    found = trip(FORMATS[name], written)
    assert set(found) == {(s.split or "train", s.name) for s in written}
    for before in written:
        after = found[before.split or "train", before.name]
        names = {o.class_name for o in before.document.objects}
        assert after.document.attributes.get("labels", []) == (list(names) if len(names) == 1 else [])
        assert (after.width, after.height) == (before.width, before.height)


@pytest.mark.parametrize("name", ["jsonl", "openai"])
@settings(max_examples=20, deadline=None)
@given(pairs=st.lists(st.tuples(SPLITS, strategies.texts, strategies.texts), max_size=4))
def test_pairs_of_texts_come_back(name: str, pairs: list[tuple[str, str, str]]) -> None:
    written = [
        Sample(f"{n}.jpg", 9, 7, Document(attributes={"prefix": a, "suffix": b}), split=s, picture=lambda: jpeg(9, 7))
        for n, (s, a, b) in enumerate(pairs)
    ]
    file = io.BytesIO()
    FORMATS[name].write(written, file, CLASSES)
    found = list(FORMATS[name].read(file).samples)
    assert all((s.width, s.height) == (9, 7) and s.picture is not None and s.picture() == jpeg(9, 7) for s in found)
    expected = [(s or "train", {k: v for k, v in (("prefix", a), ("suffix", b)) if v}) for s, a, b in pairs]
    assert sorted((s.split, repr(s.document.attributes)) for s in found) == sorted((s, repr(v)) for s, v in expected)


@settings(max_examples=30, deadline=None)
@given(samples(boxes()))
def test_classes_of_pictures_come_back_as_labels(written: list[Sample]) -> None:
    found = trip(FORMATS["multiclass-csv"], written)
    for before in written:
        after = found[before.split or "train", before.name]
        assert set(after.document.attributes.get("labels", [])) == {o.class_name for o in before.document.objects}


@pytest.mark.parametrize("name", ZIPS)
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


@pytest.mark.parametrize("name", ZIPS)
def test_what_a_format_lacks_is_counted(name: str) -> None:
    sample = Sample("a.jpg", 8, 8, Document([LabelObject(1, "car", Point([0.5, 0.5]))]), picture=lambda: jpeg(8, 8))
    report = FORMATS[name].write([sample], io.BytesIO(), CLASSES)
    assert report.images == 1
    if name not in ("multiclass-csv", "folder", "clip"):  # these say which classes, not where
        assert report.left_out == ({} if "point" in FORMATS[name].keeps else {"point": 1})


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
        ("label-studio", {"t.json": "{}"}, "t.json"),
        ("label-studio", {"t.json": '[{"data": {"image": "a"}, "annotations": [{"result": [{"type": "rectanglelabels"}]}]}, 5]'}, "tasks.1"),
        ("label-studio", {"t.json": '[{"data": {"image": "a"}}, {"data": {}}]'}, "tasks.1. is not valid: .*no picture"),
        ("label-studio", {"t.txt": "wrong extension"}, "JSON"),
        ("cvat", {"a.xml": "<annotations><image name='a' width='5'/></annotations>"}, "'height' is missing"),
        ("cvat", {"a.xml": "<annotations><image name='a' width='5' height='5'><box label='x' xtl='1'/></image></annotations>"}, "'ytl' is missing"),
        ("cvat", {"a.xml": "<annotations><image name='a' width='5' height='5'><polygon label='x' points='1,1;2'/></image></annotations>"}, "image 'a'"),
        ("cvat", {"a.xml": '<!DOCTYPE x [<!ENTITY y "z">]><annotations>&y;</annotations>'}, "document type"),
        ("cvat", {"a.xml": "<annotations><track id='3' label='x'><box frame='1' xtl='1' ytl='1' xbr='2' ybr='2'/></track></annotations>"}, "original_size"),
        ("labelme", {"a.json": "[]"}, "a.json"),
        ("labelme", {"a.json": '{"imageWidth": 5, "imageHeight": 5, "shapes": [{"points": []}]}'}, "label"),
        ("labelme", {"a.json": '{"imageWidth": 5, "imageHeight": 5, "shapes": [{"label": "x", "points": [[1, 2]]}]}'}, r"shapes.0.: 1 points are no polygon"),
        ("labelme", {"a.json": '{"imageWidth": 5, "imageHeight": 5, "shapes": [{"label": "x", "shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": "eA=="}]}'}, "shapes.0."),
        ("labelme", {"a.txt": "wrong extension"}, "JSON"),
        ("supervisely", {"ds/ann/a.jpg.json": "{}"}, "meta.json"),
        ("supervisely", {"meta.json": '{"classes": [{}]}'}, "title"),
        ("supervisely", {"meta.json": '{"classes": []}', "ds/ann/a.jpg.json": '{"size": {"width": 5}}'}, "'height' is missing"),
        ("supervisely", {"meta.json": '{"classes": []}', "ds/ann/a.jpg.json": '{"size": {"width": 5, "height": 5}, "objects": [{"classTitle": "x"}]}'}, "class 'x'"),
        ("mot", {"s/gt/gt.txt": "1,1,1,1,1,1"}, "size"),
        ("mot", {"s/gt/gt.txt": "1,1,1\n", "s/img1/000001.jpg": jpeg(9, 9)}, "gt.txt:1"),
        ("mot", {"s/gt/gt.txt": "1,1,1,1,1,1\n1,1,1,1,1,1\n", "s/img1/000001.jpg": jpeg(9, 9)}, "twice"),
        ("mot", {"s/gt/gt.txt": "", "s/seqinfo.ini": "[Sequence]\nimWidth=many"}, "seqinfo.ini"),
        ("kitti", {"label_2/a.txt": "Car 0 0"}, "no picture"),
        ("kitti", {"label_2/a.txt": "Car 0 0", "image_2/a.png": jpeg(9, 9)}, "15 words"),
        ("kitti", {"label_2/a.txt": "Car 0 0 0 1 2 3 x 0 0 0 0 0 0 0", "image_2/a.png": jpeg(9, 9)}, "a.txt:1"),
        ("retinanet-csv", {"_annotations.csv": "a.jpg,1,2,3\n"}, "line 1"),
        ("retinanet-csv", {"_annotations.csv": "a.jpg,1,2,3,4,x\n"}, "not there"),
        ("yolov4", {"_annotations.txt": "a.jpg 1,2,3,4,0"}, "_classes.txt"),
        ("yolov4", {"_annotations.txt": "a.jpg 1,2,3,4,0", "_classes.txt": "x"}, "line 1"),
        ("yolov4", {"_annotations.txt": "a.jpg 1,2,3,4,7", "_classes.txt": "x", "a.jpg": jpeg(9, 9)}, "class 7"),
        ("folder", {"cat/a.jpg": b"no picture"}, "cat/a.jpg"),
        ("folder", {"cat/a.jpg": jpeg(9, 9)[:40]}, "cat/a.jpg"),
        ("folder", {"cat/a.txt": b"wrong extension"}, "no pictures"),
        ("jsonl", {"_annotations.train.jsonl": '{"image": "a.jpg"}\n{"prefix": "x"}'}, "line 2"),
        ("paligemma", {"_annotations.train.jsonl": '{"image": "a.jpg", "suffix": "a car"}'}, "suffix"),
        ("florence2-od", {"_annotations.train.jsonl": '{"image": "a.jpg", "suffix": "a car"}'}, "suffix"),
        ("openai", {"_annotations.train.jsonl": '{"messages": 5}'}, "line 1"),
        ("openai", {"a.jsonl": '{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}]}'}, "broken"),
        ("tfrecord", {"a.tfrecord": b"12345678"}, "record 1"),
        ("tfrecord", {"a.tfrecord": tfrecord.record(b"abc")[:-1]}, "record 1"),
        ("tfrecord", {"a.tfrecord": tfrecord.record(tfrecord.example({})) + tfrecord.record(b"abc")}, "labeled picture"),
        ("coco-folders", {"train/_annotations.coco.json": "[]"}, "train/_annotations.coco.json"),
        ("coco-folders", {"a.txt": "wrong extension"}, "_annotations.coco.json"),
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


@pytest.mark.parametrize("name", ZIPS)
def test_hostile_archives_are_refused(name: str) -> None:
    for path in ("../x.txt", "/x.txt", "a/../../x.txt", "..\\x.txt", "c:/x.txt"):
        with pytest.raises(Invalid, match="leads out"):
            all_of(FORMATS[name], packed(**{path: "x"}))
    with pytest.raises(TooLarge):
        all_of(FORMATS[name], packed(**{"bomb.txt": b"0" * (8 << 20)}))
    for body in (b"", b"PK\x03\x04 but no more", jpeg(4, 4)):
        with pytest.raises(LabelwrightError):
            all_of(FORMATS[name], io.BytesIO(body))
