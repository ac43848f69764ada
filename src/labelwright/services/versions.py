"""Dataset versions: freezing the dataset under a number, and writing a version in a format, the same bytes each time."""

from __future__ import annotations

import itertools
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright import bulk
from labelwright.db import Database, now
from labelwright.errors import Conflict, NotFound
from labelwright.formats import FORMATS, archive
from labelwright.formats.sample import Sample, SampleClass
from labelwright.media import recipes
from labelwright.media.recipes import Recipe
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion, VersionItem
from labelwright.services import access, background, bodies, events, exports, freezing, variants
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared
from labelwright.services.items import SPLITS
from labelwright.storage import Store

KIND = exports.VERSION
# Before the name of an export that a vendor's client did not ask for by a name of its own.
OWN = "labelwright:"
RETRIED = timedelta(minutes=1)
CHUNK = 500
COLUMNS = ("version_id", "position", "item_uid", "name", "split", "width", "height", "sha256", "body")
README = "README.dataset.txt"


def freeze(
    session: Session, actor: Actor, project: Project, settings: dict[str, Any], name: str = ""
) -> DatasetVersion:
    """The dataset as it is now, as the project's next version. Raises `Conflict` while nothing is in the dataset."""
    access.require(actor, "manage", project.team_id, "project")
    recipe = recipes.parse(settings)
    session.refresh(project, with_for_update={"key_share": True})  # one number each
    number = (
        session.scalar(select(func.max(DatasetVersion.number)).where(DatasetVersion.project_id == project.id)) or 0
    ) + 1
    classes = freezing.classes(session, project, recipe)
    version = DatasetVersion(
        project_id=project.id, number=number, name=name.strip()[:200] or f"Version {number}", settings=settings,
        classes=classes, created_by=actor.user_id,
    )  # fmt: skip
    session.add(version)
    session.flush()
    counts = _freeze_items(session, project, version, recipe)
    if not counts:
        raise Conflict("The dataset is empty: accept labeled images into it, then make a version.")
    version.splits = {split: counts[split] for split in SPLITS}
    version.images = sum(counts.values())
    session.flush()
    data = {"number": number, "name": version.name, "images": version.images}
    events.emit(
        session, "version.created", team_id=project.team_id, project_id=project.id, actor=actor, data=data
    )  # fmt: skip
    return version


def _freeze_items(session: Session, project: Project, version: DatasetVersion, recipe: Recipe) -> Counter[str]:
    counts: Counter[str] = Counter()
    positions = itertools.count(1)
    found = freezing.pictures(session, project, recipe)
    while chunk := list(itertools.islice(found, CHUNK)):
        frozen: list[tuple[Any, ...]] = []
        for row, document in chunk:
            split = row.split or "train"
            counts[split] += recipe.outputs(split)
            frozen.append((version.id, next(positions), row.uid, row.name, split, row.width or 1, row.height or 1,
                           row.sha256, bodies.pack(document)))  # fmt: skip
        bulk.insert(session, VersionItem.__table__, COLUMNS, frozen)  # type: ignore[arg-type]
    return counts


def of_project(session: Session, project: Project, *, deleted: bool = False) -> list[DatasetVersion]:
    """The versions, newest first; `deleted`: those in the trash instead."""
    gone = DatasetVersion.deleted_at.is_not(None) if deleted else DatasetVersion.deleted_at.is_(None)
    query = select(DatasetVersion).where(DatasetVersion.project_id == project.id, gone)
    return list(session.scalars(query.order_by(DatasetVersion.number.desc())))


def numbered(session: Session, project: Project, number: int, *, deleted: bool = False) -> DatasetVersion:
    """A version by its number; `deleted`: one in the trash. Raises `NotFound`, also when it is in the other place."""
    query = select(DatasetVersion).where(DatasetVersion.project_id == project.id, DatasetVersion.number == number)
    found = session.scalar(query) if 0 < number < 1 << 31 else None
    if found is None or (found.deleted_at is not None) != deleted:
        raise NotFound(
            f"There is no version {number} in the trash." if deleted else f"The project has no version {number}."
        )
    return found


def set_deleted(session: Session, version: DatasetVersion, deleted: bool) -> None:
    """Put a version into the trash, or take it out."""
    version.deleted_at = now() if deleted else None
    session.flush()


# --- exports ---------------------------------------------------------------------------------------------------------


def exports_of(session: Session, versions: list[DatasetVersion]) -> dict[int, dict[str, BackgroundTask]]:
    """For each version (id) its newest export of each name."""
    found: dict[int, dict[str, BackgroundTask]] = {version.id: {} for version in versions}
    projects = {version.project_id for version in versions}
    query = select(BackgroundTask).where(BackgroundTask.project_id.in_(projects), BackgroundTask.kind == KIND)
    for row in session.scalars(query.order_by(BackgroundTask.id)):
        if row.arguments.get("version") in found:
            found[row.arguments["version"]][row.arguments["name"]] = row
    return found


def export(
    session: Session,
    actor: Actor,
    project: Project,
    version: DatasetVersion,
    name: str,
    format_key: str,
    about: dict[str, Any] | None = None,
) -> BackgroundTask:
    """The export of a version under `name` in a format: the one there is, or a new one that is queued. `about`: what a format
    that says where its data is from shall say.

    A failed one is made anew after a minute; until then `Conflict` says why it failed, so that who polls hears of it."""
    exports.format_named(format_key)
    session.refresh(version, with_for_update=True)
    row = exports_of(session, [version])[version.id].get(name)
    if row is not None and row.state != "failed":
        return row
    if row is not None and row.finished_at is not None and row.finished_at > now() - RETRIED:
        raise Conflict(f"This export failed: {row.error}")
    arguments = {"version": version.id, "name": name, "format": format_key, "about": about}
    made = background.follow(
        session, KIND, arguments, team_id=project.team_id, project_id=project.id, user_id=actor.user_id
    )
    made.total = version.images
    return made


def own_export(
    session: Session, actor: Actor, project: Project, version: DatasetVersion, format_key: str
) -> BackgroundTask:
    """`export` under our own name of a format, which is apart from those of vendors' clients."""
    return export(session, actor, project, version, OWN + format_key, format_key)


def format_of(row: BackgroundTask) -> str:
    """What an export of a version is called: the format's key, or what a vendor's client calls it."""
    return str(row.arguments["name"]).removeprefix(OWN)


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    row = progress.row
    wanted = exports.format_named(row.arguments["format"])
    key = f"versions/{row.uid.hex}{wanted.suffix}"
    with tempfile.NamedTemporaryFile(prefix="labelwright-version-") as file:
        images = write(
            shared.database,
            shared.store,
            row.arguments["version"],
            row.arguments["format"],
            file,
            progress.update,
            row.arguments.get("about"),
        )
        file.flush()
        size = Path(file.name).stat().st_size
        shared.store.put(key, Path(file.name), mime=wanted.mime)
    return {"key": key, "mime": wanted.mime, "size": size, "images": images}


run = background.followed(_run)


def write(
    database: Database,
    store: Store,
    version_id: int,
    format_key: str,
    file: IO[bytes],
    progress: Any = None,
    about: dict[str, Any] | None = None,
) -> int:
    """Write a version in a format to an open file; how many pictures. Memory does not grow with the version."""
    with database.read() as session:
        version = session.get(DatasetVersion, version_id)
        if version is None:
            raise NotFound("There is no such version.")
        project = session.get_one(Project, version.project_id)
    source = variants.Source(database, store, version, recipes.parse(version.settings))
    samples = _told(variants.samples(source), progress)
    classes = [SampleClass(c["name"], c["skeleton"]) for c in version.classes]
    wanted = FORMATS[format_key]
    if wanted.write_about is not None:
        report = wanted.write_about(samples, file, classes, about or {})
    else:
        report = wanted.write(samples, file, classes)
    file.flush()
    if wanted.suffix != ".zip":
        return report.images
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as out:
        text = (
            f"{project.name}, version {version.number} ({version.name}), frozen {version.created_at:%Y-%m-%d %H:%M} UTC\n"
            f"{report.images} images, {report.objects} objects, exported by Labelwright as {FORMATS[format_key].title}.\n"
        )
        out.writestr(zipfile.ZipInfo(README, archive.WHEN), text)
    return report.images


def _told(samples: Iterator[Sample], progress: Any) -> Iterator[Sample]:
    for done, sample in enumerate(samples, 1):
        yield sample
        if progress is not None and not done % 50:
            progress(done)
