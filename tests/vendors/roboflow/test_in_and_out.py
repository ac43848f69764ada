"""Datasets in and out: a folder of each format that the package uploads, labeled further in the browser, made a version,
downloaded by the package in each format there is, and read back: equal, or what the format declares to lose."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from labelwright.formats import FORMATS
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry import masks
from labelwright.geometry.document import Document, LabelObject, OrientedRectangle, Polygon, Rectangle
from labelwright.vendors.roboflow.versions import FORMATS as NAMES
from tests.editor.conftest import eventually
from tests.formats.drawn import KEEPS, around, same
from tests.vendors.roboflow.conftest import Bench
from tests.vendors.roboflow.test_whole_loop import person

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 64, 48
CLASSES = [SampleClass(name) for name in ("car", "tree, tall", 'a "b" & <c> é', "x/y\\z #🚗", "50%25 'q'")]
# The package cuts tables at commas and takes a folder's last part for the class.
PLAIN = [SampleClass(name) for name in ("a & b #🚗", "50 'q'", "é")]
ONE_NAME = {key: name for name, key in reversed(NAMES.items())}


@pytest.fixture(scope="module")
def built() -> None:
    """The editor's tests build it; here the built one is used as it is served."""


@dataclass
class Kind:
    """A format as a folder to upload. `kept`: what the way through the package leaves of a sample's document."""

    key: str
    type: str = "object-detection"
    classes: list[SampleClass] = field(default_factory=lambda: CLASSES)
    outlines: bool = False
    attributes: Callable[[int], dict[str, Any]] | None = None
    splits: bool = True

    def samples(self) -> list[Sample]:
        """Four pictures: with objects, with one, with an outline where there is a place for it, with nothing."""
        shapes: list[list[Any]] = [
            [Rectangle((1 / 16, 2 / 16, 5 / 16, 9 / 16)), Rectangle((0, 0, 1, 1)), Rectangle((8 / 16, 1 / 16, 9 / 16, 15 / 16))],
            [Rectangle((3 / 16, 4 / 16, 12 / 16, 8 / 16))],
            [Polygon([[[1 / 16, 1 / 16, 12 / 16, 2 / 16, 8 / 16, 14 / 16]]])] if self.outlines else [],
            [],
        ]  # fmt: skip
        found = []
        for number, (split, drawn) in enumerate(zip(("train", "valid", "test", "train"), shapes, strict=True)):
            objects = [
                LabelObject(n + 1, self.classes[(number + n) % len(self.classes)].name, shape, source="import")
                for n, shape in enumerate(drawn)
            ]
            document = Document([] if self.attributes else objects, self.attributes(number) if self.attributes else {})
            body = noise(f"{self.key}{number}")
            found.append(
                Sample(f"photo{number}.jpg", WIDTH, HEIGHT, document, split=split, picture=lambda body=body: body)
            )
        return found

    def stored(self, sample: Sample) -> Document:
        """What is to be in the project."""
        keeps = KEEPS.get(self.key, lambda shape, *_: shape)
        objects = [(o, keeps(o.shape, WIDTH, HEIGHT)) for o in sample.document.objects if o.shape is not None]
        return Document([msgspec.structs.replace(o, shape=shape) for o, shape in objects], sample.document.attributes)


def noise(seed: str) -> bytes:
    """A picture that no other is like."""
    pixels = np.random.default_rng(list(seed.encode())).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def texts(number: int) -> dict[str, Any]:
    return {"prefix": f"What is {number}?", "suffix": 'a "cat" & 🚗'}


def labels(number: int) -> dict[str, Any]:
    return {"labels": [PLAIN[number % 3].name]}


def many_labels(number: int) -> dict[str, Any]:
    return {"labels": [c.name for c in PLAIN[: number % 3 + 1]]}


KINDS = {kind.key: kind for kind in (
    Kind("voc", outlines=True), Kind("yolo", outlines=True), Kind("darknet", outlines=True),
    Kind("coco-folders", outlines=True), Kind("createml"), Kind("tensorflow-csv"),
    Kind("jsonl", attributes=texts, splits=False),
    Kind("folder", "single-label-classification", PLAIN, attributes=labels),
    Kind("multiclass-csv", "multi-label-classification", PLAIN, attributes=many_labels),
)}  # fmt: skip
UPLOAD = """
import contextlib, io
made, said = {}, io.StringIO()
for key, kind in json.loads(sys.argv[1]).items():
    with contextlib.redirect_stdout(said):
        ws.upload_dataset(key, key, project_type=kind, batch_name="Folder")
    made[key] = rf.workspace().project(key).id
assert "ERR" not in said.getvalue(), said.getvalue()
print(json.dumps(made))
"""
# Jobs are accepted, versions made and all exports begun before the first is waited for.
DOWNLOAD = """
import requests, time
from concurrent.futures import ThreadPoolExecutor
work = json.loads(sys.argv[1])
session = requests.Session()
def ask(*path):
    answer = session.get("/".join([os.environ["API_URL"], ws.url, *map(str, path)]), params={"api_key": os.environ["ROBOFLOW_API_KEY"]})
    assert answer.status_code in (200, 202), answer.text
    return answer.json()
versions = {}
for slug, (job, names) in work.items():
    p = ws.project(slug)
    p.accept_annotation_job_images(job, "preset", ["annotated"], 0, 0, 0)
    versions[slug] = p.generate_version({"preprocessing": {}, "augmentation": {}})
    for name in names:
        ask(slug, versions[slug], name)
for slug, (_, names) in work.items():
    while not set(ask(slug, versions[slug])["version"]["exports"]) >= set(names):
        time.sleep(0.2)
def load(slug):
    version = rf.workspace().project(slug).version(versions[slug])
    for name in work[slug][1]:
        version.download(name, location=f"out/{slug}/{name}")
with ThreadPoolExecutor(4) as pool:
    list(pool.map(load, work))
print(json.dumps(versions))
"""


@dataclass
class Trip:
    """What became of a dataset. `before`: the samples that went up; `after`: what is stored now, by name; `drawn`: by hand."""

    kind: Kind
    slug: str
    uid: str
    before: list[Sample]
    after: dict[str, Document] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    job: str = ""


@pytest.fixture(scope="module")
def trips(bench: Bench, browser: Any) -> dict[str, Trip]:
    """All datasets, up, labeled further and down again."""
    found = _up(bench)
    hand, labeler = person(bench, browser, "ines", "annotator")
    hand.size = (WIDTH, HEIGHT)
    for trip in found.values():
        _draw(bench, hand, labeler, trip)
    assert not hand.thrown
    hand.context.close()
    names = {
        trip.slug: [trip.job, list(NAMES if trip.kind.key == "yolo" else ONE_NAME.values())] for trip in found.values()
    }
    bench.script(DOWNLOAD, json.dumps(names))
    return found


def _up(bench: Bench) -> dict[str, Trip]:
    """Write each folder, send it with the package, and take what it left unassigned into the dataset."""
    before = {key: kind.samples() for key, kind in KINDS.items()}
    for key, kind in KINDS.items():
        body = io.BytesIO()
        FORMATS[key].write(before[key], body, kind.classes)
        zipfile.ZipFile(body).extractall(bench.folder / key)
    made = bench.script(UPLOAD, json.dumps({key: kind.type for key, kind in KINDS.items()}))
    listed = bench.server.request("GET", "/api/v1/projects?limit=200")[1]["results"]
    uids = {project["slug"]: project["uid"] for project in listed}
    slugs = {key: place.split("/")[1] for key, place in made.items()}
    return {key: Trip(kind, slugs[key], uids[slugs[key]], before[key]) for key, kind in KINDS.items()}


def _items(bench: Bench, trip: Trip) -> list[dict[str, Any]]:
    return bench.server.request("GET", f"/api/v1/projects/{trip.uid}/items")[1]["results"]


def _stored(bench: Bench, item: dict[str, Any]) -> Document:
    _, answer = bench.server.request("GET", f"/api/v1/items/{item['uid']}/document")
    return msgspec.convert({k: answer[k] for k in ("objects", "attributes")}, Document)


def _draw(bench: Bench, hand: Any, labeler: str, trip: Trip) -> None:
    """The first picture goes to a person, who draws one more object and hands it in."""
    rows = _items(bench, trip)
    if trip.kind.key == "jsonl":  # its texts name no classes
        bench.server.request("POST", f"/api/v1/projects/{trip.uid}/classes", {"name": "car"})
    for row in rows:
        bench.server.request("PATCH", f"/api/v1/items/{row['uid']}", {"accepted": True})
        trip.splits[row["name"]] = row["split"]
    first = next(row for row in rows if row["name"] == "photo0.jpg")
    status, job = bench.call("POST", f"/{bench.workspace}/{trip.slug}/annotation-jobs/reassign-images", {
        "imageIds": [uuid.UUID(first["uid"]).hex], "labelerEmail": labeler, "reviewerEmail": "owner@example.org"})  # fmt: skip
    assert status == 200, job
    trip.job = job["id"]
    [task] = bench.server.request("GET", f"/api/v1/projects/{trip.uid}/tasks")[1]["results"]
    before = len(_stored(bench, first).objects)
    hand.page.goto(f"{bench.server.url}/work/{task['uid']}")
    eventually(lambda: len(hand.ready().rows()) == before)
    hand.press("b").drag((20, 10), (44, 30))
    eventually(lambda: len(hand.rows()) == before + 1)
    hand.wait("saved").press("Control+Enter")
    eventually(lambda: bench.get(f"/{bench.workspace}/{trip.slug}/jobs/{trip.job}")[1]["status"] == "review")
    trip.after = {row["name"]: _stored(bench, row) for row in rows}


def things(document: Document) -> list[tuple[str, Any]]:
    """Classes and shapes."""
    return [(o.class_name, o.shape) for o in document.objects]


def alike(found: list[tuple[str, Any]], wanted: list[tuple[str, Any]]) -> bool:
    """The same objects in the same order, places equal within a millionth."""
    return [c for c, _ in found] == [c for c, _ in wanted] and all(
        same(a, b) for (_, a), (_, b) in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("key", KINDS)
def test_a_folder_is_in_the_project_as_it_was(trips: dict[str, Trip], key: str) -> None:
    trip = trips[key]
    assert set(trip.after) == {sample.name for sample in trip.before}
    for sample in trip.before:
        stored, wanted = trip.after[sample.name], trip.kind.stored(sample)
        drawn = stored.objects[len(wanted.objects) :]
        assert alike(things(stored)[: len(wanted.objects)], things(wanted)), sample.name
        assert {k: v for k, v in stored.attributes.items() if v} == wanted.attributes
        assert trip.splits[sample.name] == (sample.split if trip.kind.splits else "train")
        assert [o.source for o in drawn] == (["human"] if sample.name == "photo0.jpg" else [])
        for item in drawn:
            assert isinstance(item.shape, Rectangle)
            assert np.allclose(item.shape.box, (20 / 64, 10 / 48, 44 / 64, 30 / 48), atol=0.03)


@pytest.mark.parametrize("key", KINDS)
def test_a_version_comes_back_in_every_format(bench: Bench, trips: dict[str, Trip], key: str) -> None:
    trip = trips[key]
    bodies = {sample.name: sample.picture() for sample in trip.before if sample.picture}
    for name in NAMES if key == "yolo" else ONE_NAME.values():
        written = NAMES[name]
        found = list(FORMATS[written].read(bench.folder / "out" / trip.slug / name).samples)
        assert len(found) == len(trip.after), name
        for sample in found:
            assert sample.picture is not None
            body = sample.picture()
            photo = next(photo for photo, known in bodies.items() if known == body)
            assert photo == sample.name or written == "openai"
            assert (sample.split or "train") == trip.splits[photo], (name, photo)
            assert comes_back(written, sample, trip.after[photo]), (name, photo, sample.document, trip.after[photo])


def comes_back(key: str, found: Sample, stored: Document) -> bool:
    """Whether a sample is what the format keeps of a document."""
    classes = list(dict.fromkeys(o.class_name for o in stored.objects))
    whole = stored.attributes.get("labels") or []
    if key in KEEPS:
        return alike(things(found.document), [(c, KEEPS[key](s, WIDTH, HEIGHT)) for c, s in things(stored)])
    if key == "yolo-obb":
        boxes = [(c, s) for c, s in things(stored) if isinstance(s, Rectangle)]
        assert all(isinstance(s, OrientedRectangle) for _, s in things(found.document))
        return alike([(c, around(s)) for c, s in things(found.document)], boxes)
    if key == "semantic-masks":
        numbers = {
            name: n
            for n, name in enumerate(dict.fromkeys([*classes, *(o.class_name for o in found.document.objects)]), 1)
        }
        return bool(np.array_equal(raster(found.document, numbers), raster(stored, numbers)))
    if key == "multiclass-csv":
        return set(found.document.attributes.get("labels", [])) == {*whole, *classes}
    if key in ("folder", "clip"):
        one = whole[:1] or (classes if len(classes) == 1 else [])
        return found.document.attributes.get("labels", []) == one
    assert key in ("jsonl", "openai")
    return found.document.attributes == {k: v for k, v in stored.attributes.items() if k in ("prefix", "suffix") and v}


def raster(document: Document, numbers: dict[str, int]) -> Any:
    layers = [(masks.rasterize(o.shape, WIDTH, HEIGHT), numbers[o.class_name]) for o in document.objects if o.shape]
    return masks.compose(layers, WIDTH, HEIGHT)
