"""The dataset: its splits and classes, and its frozen versions with their downloads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from labelwright.api.background import BackgroundBody, background
from labelwright.api.bodies.identity import PersonBody, person_or_none
from labelwright.api.forms import Form, Number, Short
from labelwright.api.paging import PageBody, PageQuery, by_id
from labelwright.api.routing import Routes
from labelwright.edge.call import Call
from labelwright.models.background import BackgroundTask
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.services import access, splits, versions
from labelwright.services.items import SPLITS

routes = Routes(tags=["Dataset versions"])
VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
Percent = Annotated[Number, Field(ge=0, le=100)]


class NewVersion(Form):
    """What to freeze the dataset with. The settings are those of Roboflow's versions: see `docs/vendors/roboflow.md`."""

    name: Annotated[Short, Field(max_length=200)] = ""
    preprocessing: dict[str, Any] = {}
    augmentation: dict[str, Any] = {}


class NewVersionExport(Form):
    """In which of the formats (`GET /formats`)."""

    format: Short = "coco"


class NewItems(Form):
    """Which items join: those that are `finished` (went through all steps of their workflow), `labeled`, or `all`."""

    which: Literal["finished", "labeled", "all"]


class Shares(Form):
    """Percent of the dataset's items by split, 100 together."""

    train: Percent
    valid: Percent
    test: Percent


class VersionFilter(PageQuery):
    """Which versions."""

    deleted: bool = False


class SplitBody(TypedDict):
    """Items of one split. `absent`: those whose file is not here, which no version takes."""

    images: int
    labeled: int
    absent: int


class ShareBody(TypedDict):
    """A class in one split."""

    objects: int
    images: int


class DatasetClassBody(TypedDict):
    """A class in the dataset by split."""

    name: str
    splits: dict[str, ShareBody]


class DatasetBody(TypedDict):
    """The dataset in numbers. `outside`: items that are not in it, by what could be added together."""

    splits: dict[str, SplitBody]
    classes: list[DatasetClassBody]
    outside: dict[str, int]
    versions: int


class AddedBody(TypedDict):
    """How many items joined the dataset."""

    added: int


class DividedBody(TypedDict):
    """Items by split, and how many changed theirs."""

    splits: dict[str, int]
    changed: int


class VersionBody(TypedDict):
    """A frozen version. `splits`: pictures that come out, by split. `exports`: newest of each name that it was written under."""

    uid: str
    number: int
    name: str
    images: int
    splits: dict[str, int]
    preprocessing: dict[str, Any]
    augmentation: dict[str, Any]
    classes: list[str]
    exports: list[BackgroundBody]
    created_by: PersonBody | None
    created_at: datetime
    deleted_at: datetime | None


@routes.get("/projects/{uid}/dataset")
def get_dataset(call: Call, uid: UUID) -> DatasetBody:
    """How many items the dataset has in each split, and how its classes balance."""
    project = access.project(call.session, call.actor, uid)
    classes, _ = splits.balance(call.session, project)
    return {
        "splits": {
            split: {"images": share.images, "labeled": share.labeled, "absent": share.absent}
            for split, share in splits.counts(call.session, project).items()
        },
        "classes": [{"name": c.name, "splits": {split: _share(c, split) for split in SPLITS}} for c in classes],
        "outside": splits.outside(call.session, project),
        "versions": len(versions.of_project(call.session, project)),
    }


@routes.post("/projects/{uid}/dataset/items")
def add_to_dataset(call: Call, uid: UUID, body: NewItems) -> AddedBody:
    """Take many items into the dataset at once, each in its own split (`train` when it has none)."""
    project = access.project(call.session, call.actor, uid, "manage")
    return {"added": splits.add(call.session, call.actor, project, body.which)}


@routes.post("/projects/{uid}/dataset/split")
def split_dataset(call: Call, uid: UUID, body: Shares) -> DividedBody:
    """Divide the dataset anew: the same items are divided the same way each time. Versions that were made stay as they are."""
    project = access.project(call.session, call.actor, uid, "manage")
    shares = {split: getattr(body, split) for split in SPLITS}
    found, changed = splits.assign(call.session, call.actor, project, shares)
    return {"splits": found, "changed": changed}


@routes.get("/projects/{uid}/versions")
def list_versions(call: Call, uid: UUID, page: Annotated[VersionFilter, Query()]) -> PageBody[VersionBody]:
    """Versions of the dataset, newest first; `deleted`: those in the trash."""
    project = access.project(call.session, call.actor, uid)
    gone = DatasetVersion.deleted_at.is_not(None) if page.deleted else DatasetVersion.deleted_at.is_(None)
    query = select(DatasetVersion).where(DatasetVersion.project_id == project.id, gone)
    files = versions.exports_of(call.session, versions.of_project(call.session, project, deleted=page.deleted))
    return by_id(
        call.session, query, DatasetVersion.id, page, lambda row: _body(call, row, files[row.id]), newest_first=True
    )


@routes.post("/projects/{uid}/versions", status_code=201)
def create_version(call: Call, uid: UUID, body: NewVersion) -> VersionBody:
    """Freeze the dataset, with its labels as they are now; 409 while nothing is in it."""
    project = access.project(call.session, call.actor, uid, "manage")
    settings = {"preprocessing": body.preprocessing, "augmentation": body.augmentation}
    return _body(call, versions.freeze(call.session, call.actor, project, settings, body.name))


@routes.get("/projects/{uid}/versions/{number}")
def get_version(call: Call, uid: UUID, number: VersionNumber) -> VersionBody:
    """A version by its number."""
    return _body(call, _find(call, uid, number)[1])


@routes.delete("/projects/{uid}/versions/{number}")
def delete_version(call: Call, uid: UUID, number: VersionNumber) -> None:
    """Put a version into the trash, from where it can be restored. Its number is not given again."""
    versions.set_deleted(call.session, _find(call, uid, number, "manage")[1], deleted=True)


@routes.post("/projects/{uid}/versions/{number}/restore")
def restore_version(call: Call, uid: UUID, number: VersionNumber) -> VersionBody:
    """Take a version out of the trash."""
    project = access.project(call.session, call.actor, uid, "manage")
    version = versions.numbered(call.session, project, number, deleted=True)
    versions.set_deleted(call.session, version, deleted=False)
    return _body(call, version)


@routes.post("/projects/{uid}/versions/{number}/exports", status_code=202)
def export_version(call: Call, uid: UUID, number: VersionNumber, body: NewVersionExport) -> BackgroundBody:
    """Write a version in a format, in the background; asked again it is the one there is. Follow the answer's uid under
    `/background-tasks`; the file is at its `file`. The same version in the same format is the same bytes."""
    project, version = _find(call, uid, number)
    return background(call.session, versions.own_export(call.session, call.actor, project, version, body.format))


def _find(call: Call, uid: UUID, number: int, right: str = "view") -> tuple[Project, DatasetVersion]:
    project = access.project(call.session, call.actor, uid, right)
    return project, versions.numbered(call.session, project, number)


def _share(entry: splits.ClassShare, split: str) -> ShareBody:
    objects, images = entry.of(split)
    return {"objects": objects, "images": images}


def _body(call: Call, row: DatasetVersion, files: dict[str, BackgroundTask] | None = None) -> VersionBody:
    exports = versions.exports_of(call.session, [row])[row.id] if files is None else files
    return {
        "uid": str(row.uid),
        "number": row.number,
        "name": row.name,
        "images": row.images,
        "splits": row.splits,
        "preprocessing": row.settings.get("preprocessing") or {},
        "augmentation": row.settings.get("augmentation") or {},
        "classes": [entry["name"] for entry in row.classes],
        "exports": [background(call.session, export) for export in exports.values()],
        "created_by": person_or_none(call.session, row.created_by),
        "created_at": row.created_at,
        "deleted_at": row.deleted_at,
    }
