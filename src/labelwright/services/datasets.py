"""Imports: a dataset of any format taken into a project, all of it or nothing.

It is gone through three times, one sample at a time, so that memory does not grow with it: to see what it holds and whether it is sound;
to take its pictures into the store and check the labels against the ontology; and to file items, a few hundred a transaction."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import Database, now
from labelwright.errors import Conflict, Invalid, LabelwrightError, NotFound
from labelwright.formats import FORMATS, archive
from labelwright.formats.sample import Dataset, Frame, Sample, Source
from labelwright.formats.videos import frame_by_frame
from labelwright.geometry import normalise
from labelwright.geometry.document import Document
from labelwright.geometry.ontology import Ontology
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.services import (
    access,
    background,
    batches,
    documents,
    filing,
    identity,
    items,
    jobs,
    media,
    ontology,
    uploads,
    widening,
    workflows,
)
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared
from labelwright.services.documents import Change
from labelwright.services.media import Ingested
from labelwright.settings import Settings
from labelwright.storage import Store

Mark = Callable[[Session, int, Counter[str]], None]
KIND = "dataset-import"
ORIGIN = "dataset"
CHUNK = 200
NAMED = 100
MOST_BYTES = 16 << 30


class Options(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """How a dataset is taken in. `batch`: a name, made when new; `create_classes`: classes and attributes that the project lacks are
    made; `accept`: items join the dataset, with their splits."""

    format: str
    batch: str = ""
    create_classes: bool = False
    accept: bool = False


@dataclass
class Place:
    """Where a dataset goes, and by whom."""

    database: Database
    store: Store
    settings: Settings
    project_id: int
    actor: Actor


@dataclass
class Report:
    """What was read, and what had no place: by file and field. `labeled`: items that were here and got labels; `kept`: items that had
    labels and keep them; `missing`: pictures that are neither in the dataset nor in the project."""

    counts: Counter[str] = field(default_factory=Counter)
    classes: list[str] = field(default_factory=list)
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """As the task's result, and as the command line and the pages show it."""
        total: Counter[str] = sum(self.left_out.values(), Counter())
        names = ("images", "objects", "filed", "labeled", "kept", "missing")
        files = {file: dict(counts) for file, counts in list(self.left_out.items())[:NAMED]}
        return {**{name: self.counts[name] for name in names}, "classes_created": self.classes,
                "left_out": dict(sorted(total.items())), "left_out_by_file": files, "missing_names": self.missing[:NAMED]}  # fmt: skip


def start(session: Session, actor: Actor, project: Project, options: Options) -> BackgroundTask:
    """A background task that takes in the dataset whose file comes next (`uploads.arrived`)."""
    check(options)
    return uploads.expect(session, actor, project, KIND, {"options": msgspec.to_builtins(options)})


def check(options: Options) -> None:
    """Raise `Invalid` for a format that there is not, or a batch that cannot be named so."""
    if options.format not in FORMATS:
        raise Invalid(f"There is no format {options.format!r}; choose of {', '.join(FORMATS)}.", field="format")
    if len(options.batch) > 200:
        raise Invalid("A batch's name has at most 200 characters.", field="batch")


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    row = progress.row
    with shared.database.read() as session:
        project = session.get(Project, row.project_id)
        user = session.get(User, row.created_by) if row.created_by is not None else None
        if project is None or user is None:
            raise NotFound("The project, or who imports into it, is not there any more.")
        actor = identity.actor_of(session, user)
        access.require(actor, "manage", project.team_id, "project")
    place = Place(shared.database, shared.store, shared.settings, row.project_id or 0, actor)
    options = msgspec.convert(row.arguments["options"], Options)

    def mark(session: Session, done: int, counts: Counter[str]) -> None:
        session.get_one(BackgroundTask, row.id).result = {"samples": done, "counts": dict(counts)}

    with shared.store.open(row.arguments["key"]) as file:
        return take_in(place, file, options, progress.update, mark, row.result).result()


run = background.followed(_run)


def take_in(
    place: Place, source: Source, options: Options, progress: Callable[[int, int], None] | None = None,
    mark: Mark | None = None, before: dict[str, Any] | None = None,
) -> Report:  # fmt: skip
    """Take a dataset in, now. `mark(session, n, counts)`: the first n samples are filed with this transaction; `before`: what it
    was told last, when this is taken up again.

    Raises `Invalid` naming what is wrong, and then nothing was filed."""
    check(options)
    report, tell = Report(), progress or (lambda *_: None)
    wanted = _Wanted()
    for sample in _samples(place, source, options, report, wanted):
        wanted.note(sample)
        report.counts["images"] += 1
        report.counts["objects"] += len(sample.document.objects)
    if not report.counts["images"]:
        raise Invalid("The dataset holds no pictures.", field="file")
    tell(0, report.counts["images"])
    compiled = _rehearse(place, wanted, options, report)
    with tempfile.TemporaryFile() as lines:
        _ingest(place, _samples(place, source, options), compiled, lines, report)
        if report.counts["missing"] == report.counts["images"]:
            raise Invalid(
                f"None of the {report.counts['images']} pictures came with the labels, and none is in the project by its name."
                " Put the pictures into the archive.", field="file",
            )  # fmt: skip
        lines.seek(0)
        done = int((before or {}).get("samples", 0))
        for name in ("filed", "labeled", "kept"):
            report.counts[name] += int((before or {}).get("counts", {}).get(name, 0))
        found = zip(_samples(place, source, options), lines, strict=True)
        _file(place, islice(found, done, None), wanted, options, report, tell, mark, done)
    return report


def _samples(
    place: Place, source: Source, options: Options, report: Report | None = None, wanted: _Wanted | None = None
) -> Iterator[Sample]:
    """The dataset from its beginning, videos whole or frame by frame as the project takes them."""
    if not hasattr(source, "is_dir"):
        source.seek(0)  # type: ignore[union-attr]
    with place.database.read() as session:
        kind = session.get_one(Project, place.project_id).kind
    dataset: Dataset = FORMATS[options.format].read(source)
    for sample in dataset.samples:
        if kind == "image":
            yield from frame_by_frame(sample)
        elif sample.frames:
            yield sample
        else:
            raise Invalid(f"{sample.name} is a picture; this project holds videos.", field="kind")
    if report is not None:
        report.left_out = dataset.left_out.counts
    if wanted is not None:
        wanted.listed = {c.name: c for c in dataset.classes}


# --- the ontology --------------------------------------------------------------------------------------------------------


class _Wanted(widening.Wanted):
    """Classes and attributes that the samples use."""

    def note(self, sample: Sample) -> None:
        """Look at a sample's labels."""
        if not sample.name or len(sample.name) > 500:
            raise Invalid(f"A picture's name has 1 to 500 characters, unlike {sample.name[:60]!r}.", field="name")
        self.add(sample.document)


class _Rehearsed(Exception):
    pass


def _rehearse(place: Place, wanted: _Wanted, options: Options, report: Report) -> Ontology:
    """The ontology as it will be. Raises `Invalid` for classes that the project lacks and that nobody asked to make."""
    compiled: Ontology | None = None
    try:
        with place.database.write() as session:
            project = _project(session, place)
            lacking = widening.lacking(session, project, wanted)
            if lacking and not options.create_classes:
                shown = ", ".join(repr(name) for name in lacking[:10])
                raise Invalid(
                    f"The project lacks {len(lacking)} of the dataset's classes and attributes ({shown}); make them, or ask that they"
                    " be created.", field="create_classes",
                )  # fmt: skip
            report.classes = widening.widen(session, project, wanted) if options.create_classes else []
            compiled = ontology.compiled(session, project)
            raise _Rehearsed
    except _Rehearsed:
        assert compiled is not None
        return compiled


def _project(session: Session, place: Place) -> Project:
    project = session.get(Project, place.project_id)
    if project is None or project.archived_at is not None:
        raise NotFound("The project is not there any more.")
    access.require(place.actor, "manage", project.team_id, "project")
    return project


# --- pictures and labels ---------------------------------------------------------------------------------------------------


def _ingest(place: Place, samples: Iterator[Sample], compiled: Ontology, lines: IO[bytes], report: Report) -> None:
    """Take the pictures into the store and note what was found on a line a sample; check the labels."""
    while chunk := list(islice(samples, CHUNK)):
        with place.database.read() as session:
            project = session.get_one(Project, place.project_id)
            here = _here(session, project, chunk)
        for sample in chunk:
            files = [_taken(place, f.picture, f"{sample.name}/{f.name}") for f in sample.frames]
            main = _taken(place, sample.picture, sample.name)
            if main is not None:
                _compare(sample, main, report)
            has = main is not None or sample.url or (files and all(f is not None for f in files))
            if not has and sample.name not in here:
                report.counts["missing"] += 1
                if len(report.missing) < NAMED:
                    report.missing.append(sample.name)
            _check(sample, project, compiled)
            lines.write(msgspec.json.encode([main, files]) + b"\n")


def _taken(place: Place, picture: Callable[[], bytes] | None, name: str) -> Ingested | None:
    if picture is None:
        return None
    try:
        return media.ingest_upload(place.store, place.settings, io.BytesIO(picture()))
    except Invalid as error:
        raise Invalid(f"{name}: {error.message}", field=name) from None


def _compare(sample: Sample, taken: Ingested, report: Report) -> None:
    if sample.width and (taken.width, taken.height) != (sample.width, sample.height):
        what = f"size differs: {sample.width} x {sample.height} said"
        report.left_out.setdefault(sample.name, Counter())[what] += 1


def _check(sample: Sample, project: Project, compiled: Ontology) -> None:
    _normal(sample.document)
    problems = filing.check(_new(sample, project.kind, [filing.NewMedia(url="x:")]), project, compiled)
    if problems:
        raise Invalid(f"{sample.name}: {problems[0].field}: {problems[0].message}", field=sample.name)


def _normal(document: Document) -> None:
    for item in document.objects:
        if item.shape is not None:
            item.shape = normalise.shape(item.shape)
        for keyframe in item.keyframes or ():
            keyframe.shape = keyframe.shape and normalise.shape(keyframe.shape)


def _new(sample: Sample, kind: str, files: list[filing.NewMedia]) -> filing.NewTask:
    return filing.NewTask(
        name=sample.name, kind=kind, media=files, document=sample.document, width=sample.width or None,
        height=sample.height or None, frames=len(sample.frames) or 1,
    )  # fmt: skip


def _here(session: Session, project: Project, chunk: Sequence[Sample]) -> dict[str, Item]:
    """Items of the project that samples mean: of the sample's id, or of its name within its batch's folder."""
    by_uid = {str(access.as_uid(s.uid)): s.name for s in chunk if access.as_uid(s.uid)}
    names = {s.name for s in chunk} | {s.name.rpartition("/")[2] for s in chunk}
    query = select(Item).where(Item.project_id == project.id)
    found: dict[str, Item] = {}
    if by_uid:
        uids = [access.as_uid(uid) for uid in by_uid]
        for item in session.scalars(query.where(Item.uid.in_(uids))):
            found[by_uid[str(item.uid)]] = item
    folders: dict[int, str] = {}
    for item in session.scalars(query.where(Item.name.in_(names)).order_by(Item.id)):
        if item.batch_id not in folders:
            batch = session.get_one(Batch, item.batch_id)
            folders[item.batch_id] = "" if batch.is_default else batch.name.replace("/", "_") + "/"
        found.setdefault(folders[item.batch_id] + item.name, item)
        found.setdefault(item.name, item)
    return {s.name: found[s.name] for s in chunk if s.name in found}


# --- filing ----------------------------------------------------------------------------------------------------------------


_line = msgspec.json.Decoder(tuple[Ingested | None, list[Ingested | None]]).decode


def _file(
    place: Place, found: Iterator[tuple[Sample, bytes]], wanted: _Wanted, options: Options, report: Report,
    tell: Callable[[int, int], None], mark: Mark | None, done: int,
) -> None:  # fmt: skip
    while chunk := [(sample, *_line(line)) for sample, line in islice(found, CHUNK)]:
        with place.database.write() as session:
            project = _project(session, place)
            if options.create_classes:
                widening.widen(session, project, wanted)
            filed = _Chunk(session, place, project, options, report)
            filed.write(chunk)
            done += len(chunk)
            if mark is not None:
                mark(session, done, report.counts)
        tell(done, report.counts["images"])


class _Chunk:
    """Some samples on their way into a project, in one transaction."""

    def __init__(self, session: Session, place: Place, project: Project, options: Options, report: Report) -> None:
        self.session, self.place, self.project, self.options, self.report = session, place, project, options, report

    def write(self, chunk: list[tuple[Sample, Ingested | None, list[Ingested | None]]]) -> None:
        """File new items; label those that are here and have no labels."""
        here = _here(self.session, self.project, [sample for sample, _, _ in chunk])
        fresh: list[tuple[Sample, filing.NewTask]] = []
        for sample, main, files in chunk:
            _normal(sample.document)
            item = here.get(sample.name)
            if item is not None and self._same(item, main):
                self._label(item, sample)
                continue
            media_of = self._media(sample, main, files)
            if media_of:
                fresh.append((sample, _new(sample, self.project.kind, media_of)))
        self._new(fresh)

    def _same(self, item: Item, main: Ingested | None) -> bool:
        """Whether an item of that name is what the sample shows: the same content, or no content to tell."""
        if main is None:
            return True
        known = items.main_media(self.session, [item.id]).get(item.id)
        return known is not None and known.sha256 == main.sha256

    def _label(self, item: Item, sample: Sample) -> None:
        stored = documents.read(self.session, item.id)
        if stored.document.objects or not (sample.document.objects or sample.document.attributes):
            self.report.counts["kept"] += 1
            return
        change = Change(sample.document.objects, attributes=sample.document.attributes, frames=sample.document.frames)
        documents.save(self.session, self.place.actor, item, change, base=stored.version, kind="import")
        self._dataset([(item, sample)])
        self.report.counts["labeled"] += 1

    def _media(self, sample: Sample, main: Ingested | None, files: list[Ingested | None]) -> list[filing.NewMedia]:
        if main is not None:
            return [filing.NewMedia(media=media.record(self.session, self.project.team_id, main))]
        if files and all(file is not None for file in files):
            found = [media.record(self.session, self.project.team_id, file) for file in files if file is not None]
            return [
                _frame(position, frame, row)
                for position, (frame, row) in enumerate(zip(sample.frames, found, strict=True))
            ]
        return [filing.NewMedia(url=sample.url)] if sample.url else []

    def _new(self, fresh: list[tuple[Sample, filing.NewTask]]) -> None:
        if not fresh:
            return
        session, actor = self.session, self.place.actor
        batch = (
            batches.ensure(session, self.project, self.options.batch, actor.user_id)
            if self.options.batch
            else (batches.default_of(session, self.project))
        )
        workflow = workflows.default_of(session, self.project.id)
        job = jobs.for_origin(session, self.project, batch, workflow, ORIGIN, created_by=actor.user_id)
        compiled, steps = ontology.compiled(session, self.project), workflows.steps_of(workflow)
        filed = filing.file_tasks(
            session, actor, self.project, batch, job, compiled, steps, [new for _, new in fresh], origin="import",
            checked=True,
        )  # fmt: skip
        rows = {item.id: item for item in session.scalars(select(Item).where(Item.id.in_([f.item_id for f in filed])))}
        self._dataset([(rows[f.item_id], sample) for f, (sample, _) in zip(filed, fresh, strict=True)])
        self.report.counts["filed"] += len(filed)

    def _dataset(self, pairs: list[tuple[Item, Sample]]) -> None:
        for item, sample in pairs:
            if sample.split in archive.SPLIT_FOLDERS:
                item.split = archive.SPLIT_FOLDERS[sample.split]
            if self.options.accept:
                item.split = item.split or "train"
                item.accepted_at = item.accepted_at or now()
        self.session.flush()


def _frame(position: int, frame: Frame, row: Any) -> filing.NewMedia:
    return filing.NewMedia(role="frame", position=position, frame_id=frame.name, media=row)


def receive(database: Database, store: Store, task_id: int, file: Any) -> None:
    """Store the file of a `start`ed import, and queue it. Raises `Invalid` for an empty file, `Conflict` for a second one."""
    if not file.seek(0, io.SEEK_END):
        raise Invalid("The file is empty.", field="file")
    file.seek(0)
    with database.read() as session:
        row = session.get(BackgroundTask, task_id)
    if row is None or not uploads.awaited(row):
        raise Conflict("This upload has come already.")
    key = uploads.new_key(row)
    store.put(key, file, mime="application/octet-stream")
    try:
        with database.write() as session:
            uploads.arrived(session, session.get_one(BackgroundTask, task_id), key)
    except LabelwrightError:
        store.delete(key)
        raise
