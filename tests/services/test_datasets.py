"""Datasets in and out: uploaded as a folder in each format that is read, labeled further, exported in each that is written, read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from sqlalchemy import func, select

from labelwright.db import Database
from labelwright.errors import Invalid, LabelwrightError
from labelwright.formats import FORMATS
from labelwright.formats.detect import detect
from labelwright.formats.sample import Sample, SampleClass
from labelwright.formats.videos import frame_by_frame
from labelwright.geometry.document import Document, LabelObject, Polygon, Rectangle
from labelwright.models.items import Item
from labelwright.models.projects import LabelClass, Project
from labelwright.services import datasets, documents, exports, identity, projects, workspaces
from labelwright.services.access import Actor
from labelwright.services.datasets import Options, Place
from labelwright.services.documents import Change
from labelwright.services.samples import Filters, Passed, Ways, classes_of, stream
from labelwright.settings import Settings
from labelwright.storage import open_store
from tests.formats.drawn import near
from tests.support.desk import person

CLASSES = [SampleClass("car"), SampleClass("tree & 'bush' #1"), SampleClass("🚗/van")]
# What people draw here on top of what came: in whole pixels, and in the middle of steps that language models count in.
ADDED = Rectangle((0.25, 0.125, 0.75, 0.625))


def png(number: int) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (64, 32), (number * 20 % 256, 90, 30)).save(body, "PNG")
    return body.getvalue()


def dataset() -> list[Sample]:
    """Three pictures in three splits, one of them empty."""
    found = []
    for number, split in enumerate(("train", "valid", "test")):
        objects = [LabelObject(1, CLASSES[number].name, Rectangle((0.125, 0.25, 0.5, 0.75)), source="import")]
        document = Document(objects if number else [], {})
        found.append(Sample(f"p{number}.png", 64, 32, document, split=split, picture=lambda n=number: png(n)))
    return found


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """An empty project of pictures."""
    settings = Settings(data=tmp_path, database_url=database.url, storage_url=f"file://{tmp_path}/store")
    store = open_store(settings)
    opened = Database(database.url, store)
    with opened.write() as session:
        team = identity.create_team(session, "Team")
        manager = person(session, team.id, "manager", "manager@example.org")
        project = projects.create(session, None, workspaces.create(session, None, team, "Work"), "Streets", "image", [])
    yield Place(opened, store, settings, project.id, manager)
    opened.close()


def written(name: str, samples: list[Sample], classes: list[SampleClass] | None = None) -> io.BytesIO:
    file = io.BytesIO()
    FORMATS[name].write(samples, file, CLASSES if classes is None else classes)
    file.seek(0)
    return file


def exported(place: Place, name: str, **filters: Any) -> io.BytesIO:
    file = io.BytesIO()
    exports.write(place.database, place.project_id, name, Filters(pictures=True, **filters), file)
    file.seek(0)
    return file


def read(name: str, file: Any) -> dict[str, Sample]:
    """The pictures of a dataset by their names, videos frame by frame."""
    return {s.name: s for found in FORMATS[name].read(file).samples for s in frame_by_frame(found)}


def labels(samples: dict[str, Sample]) -> Any:
    """What is where: split, classes with shapes, attributes."""
    return {
        name: (
            s.split or "train",
            [(o.class_name, msgspec.to_builtins(o.shape)) for o in s.document.objects],
            s.document.attributes,
        )
        for name, s in samples.items()
    }


def label_further(place: Place) -> None:
    """One more object on each picture."""
    with place.database.write() as session:
        for item in session.scalars(select(Item).order_by(Item.id)):
            stored = documents.read(session, item.id)
            number = max([o.id for o in stored.document.objects], default=0) + 1
            kind = session.scalars(select(LabelClass.name).order_by(LabelClass.id)).first() or ""
            change = Change([LabelObject(number, kind, ADDED)])
            documents.save(session, place.actor, item, change, base=stored.version)


PICTURED = [name for name, form in FORMATS.items() if form.suffix == ".zip"]


@pytest.mark.parametrize("name", PICTURED)
def test_a_folder_in_is_labeled_further_and_comes_out_in_every_format(name: str, place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    with zipfile.ZipFile(written(name, dataset())) as packed:
        packed.extractall(folder)
    before = read(name, folder)
    report = datasets.take_in(place, folder, Options(name, create_classes=True, accept=True))
    assert (report.counts["filed"], report.counts["missing"]) == (len(before), 0)
    with place.database.write() as session:
        found = {i.name: i.split for i in session.scalars(select(Item).where(Item.accepted_at.is_not(None)))}
        assert found == {n: s.split or "train" for n, s in before.items()}
        if not session.scalar(select(func.count()).select_from(LabelClass)):  # texts have no classes
            projects.ontology.add_class(
                session, session.get_one(Project, place.project_id), projects.ontology.ClassInput("car")
            )
    label_further(place)
    now = {s.name: s for s in samples_of(place)}
    with place.database.read() as session:
        classes = classes_of(session, session.get_one(Project, place.project_id))
    for picture, sample in now.items():
        kept = before[picture].document.objects
        assert near(
            msgspec.to_builtins([o.shape for o in sample.document.objects[:-1]]),
            msgspec.to_builtins([o.shape for o in kept]),
        )
        assert sample.document.attributes == before[picture].document.attributes
    # The format's own trip of what the project holds now is what the declared loss leaves, and a second one loses nothing more.
    for other in FORMATS if name in ("yolo", "cvat", "voc") else (name, "coco-folders"):
        once = read(other, exported(place, other))
        straight = read(other, written(other, samples_of(place), classes))
        assert near(labels(once), labels(straight)), other
        if FORMATS[other].suffix == ".zip":
            assert sorted(s.picture() for s in once.values() if s.picture) == sorted(png(n) for n in range(3)), other


def samples_of(place: Place) -> list[Sample]:
    return list(stream(place.database, place.project_id, Filters(), Passed(), Ways(store=place.store)))


@pytest.mark.parametrize("name", PICTURED)
def test_the_format_is_found_by_looking(name: str) -> None:
    samples = dataset()
    for sample in samples:
        sample.document.attributes = {"prefix": "what?", "suffix": "a car"}
    alike = {"yolo-obb": "yolo", "darknet": "darknet"}
    assert detect(written(name, samples)) == alike.get(name, name)


def test_single_files_are_found_by_looking() -> None:
    assert detect(written("coco", dataset())) == "coco"
    assert detect(written("label-studio", dataset())) == "label-studio"
    with pytest.raises(Invalid, match="say which"):
        detect(io.BytesIO(b"hello"))


def test_the_same_dataset_again_changes_nothing_and_labels_find_their_pictures(place: Place) -> None:
    empty = dataset()
    for sample in empty:
        sample.document = Document()
    datasets.take_in(place, written("yolo", empty), Options("yolo", create_classes=True))
    # The labels alone, without pictures, as one COCO file: the pictures are here by their names.
    report = datasets.take_in(place, written("coco", dataset()), Options("coco", create_classes=True))
    assert {k: report.counts[k] for k in ("filed", "labeled", "kept", "missing")} == {
        "filed": 0,
        "labeled": 2,
        "kept": 1,
        "missing": 0,
    }
    report = datasets.take_in(place, written("yolo", dataset()), Options("yolo"))
    assert {k: report.counts[k] for k in ("filed", "labeled", "kept")} == {"filed": 0, "labeled": 0, "kept": 3}
    with place.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 3


def spoiled(name: str, **files: bytes | None) -> io.BytesIO:
    """A dataset with some files replaced or taken out."""
    out = io.BytesIO()
    with zipfile.ZipFile(written(name, dataset())) as given, zipfile.ZipFile(out, "w") as packed:
        for path in given.namelist():
            body = files.get(path, given.read(path))
            if body is not None:
                packed.writestr(path, body)
    return out


@pytest.mark.parametrize(
    ("file", "word"),
    [
        (lambda: spoiled("yolo", **{"test/images/p2.png": png(2)[:60]}), "p2.png"),  # truncated
        (lambda: spoiled("yolo", **{"test/images/p2.png": b"GIF89a"}), "p2.png is not a picture"),
        (lambda: spoiled("yolo", **{"valid/labels/p1.txt": b"0 .5 .5 .1"}), "valid/labels/p1.txt line 1"),
        (lambda: spoiled("yolo", **{"data.yaml": b"nc: 9\nnames: [a]"}), "class 2"),  # counts that do not match
        (
            lambda: spoiled("yolo", **{f"{s}/images/p{n}.png": None for n, s in enumerate(("train", "valid", "test"))}),
            "None of the 3",
        ),
        (lambda: written("yolo", []), "no pictures"),
        (lambda: io.BytesIO(b"no zip"), "zip"),
    ],
)
def test_of_a_bad_dataset_nothing_is_taken_in(file: Any, word: str, place: Place) -> None:
    with pytest.raises(LabelwrightError, match=word):
        datasets.take_in(place, file(), Options("yolo", create_classes=True))
    with place.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 0
        assert session.scalar(select(func.count()).select_from(LabelClass)) == 0


def test_classes_are_made_only_when_asked(place: Place) -> None:
    with pytest.raises(Invalid, match="lacks 2"):
        datasets.take_in(place, written("voc", dataset()), Options("voc"))
    report = datasets.take_in(place, written("voc", dataset()), Options("voc", create_classes=True))
    assert sorted(report.classes) == sorted(c.name for c in CLASSES[1:])


def test_what_differs_is_reported(place: Place) -> None:
    samples = dataset()
    samples[1].width, samples[1].height = 128, 64  # the file says so, the picture does not
    result = datasets.take_in(place, written("voc", samples), Options("voc", create_classes=True)).result()
    assert result["left_out"] == {"size differs: 128 x 64 said": 1}
    assert list(result["left_out_by_file"]) == ["p1.png"]


def test_only_who_may_manage_takes_datasets_in(place: Place) -> None:
    place.actor = Actor(9, "", "", {999: "owner"})
    with pytest.raises(LabelwrightError):
        datasets.take_in(place, written("voc", dataset()), Options("voc", create_classes=True))


def test_a_broken_off_import_goes_on_where_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "CHUNK", 1)
    told: list[dict[str, Any]] = []

    def mark(_session: Any, done: int, counts: Any) -> None:
        if len(told) == 2:
            raise RuntimeError("the power went out")
        told.append({"samples": done, "counts": dict(counts)})

    file = written("yolo", dataset())
    with pytest.raises(RuntimeError):
        datasets.take_in(place, file, Options("yolo", create_classes=True), mark=mark)
    report = datasets.take_in(place, file, Options("yolo", create_classes=True), before=told[-1])
    assert report.counts["filed"] == 3
    assert sorted(s.name for s in samples_of(place)) == ["p0.png", "p1.png", "p2.png"]


def test_an_outline_with_attributes_and_a_folder_as_batch(place: Place) -> None:
    outline = Polygon([[[0.1, 0.1, 0.9, 0.1, 0.5, 0.9]]])
    item = LabelObject(1, "car", outline, attributes={"occluded": True, "note": "a & b", "speed": 5})
    sample = Sample(
        "street/p1.png", 64, 32, Document([item], {"labels": ["car", "sun"]}), split="train", picture=lambda: png(1)
    )
    datasets.take_in(place, written("cvat", [sample]), Options("cvat", batch="Monday", create_classes=True))
    (found,) = samples_of(place)
    assert found.name == "Monday/street/p1.png"
    assert found.document.objects[0].attributes == {"occluded": True, "note": "a & b", "speed": 5}
    assert found.document.attributes == {"labels": ["car", "sun"]}
