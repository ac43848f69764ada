"""The dataset: its splits and classes, its frozen versions with their downloads, and what to copy to get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.errors import Invalid, NotFound
from labelwright.formats import FORMATS
from labelwright.media import recipes
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import User, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.services import ontology, splits, versions
from labelwright.services.items import SPLITS
from labelwright.services.splits import Share
from labelwright.web import listing, recipe_form, snippets
from labelwright.web.pages.common import project_of, project_page, rights, url_of
from labelwright.web.view import View

MOST_CLASSES = 15
MOST_VERSIONS = 20
# The classes of a larger dataset take seconds to count: they come after the page.
MOST_AT_ONCE = 50_000
LINK_SECONDS = 3600
USUAL = {"train": 70, "valid": 20, "test": 10}
FIRST_FORMAT = "yolo"
FORMATS_SHOWN = {FIRST_FORMAT: FORMATS[FIRST_FORMAT], **FORMATS}


@dataclass(frozen=True)
class File:
    """A download of a version: what it is called, how far it is; `link`: signed, for whoever has it."""

    row: BackgroundTask
    title: str
    link: str


@dataclass(frozen=True)
class Line:
    """A version as the list shows it."""

    version: DatasetVersion
    by: str
    settings: list[str]
    files: list[File]


def index(view: View, uid: str) -> Response:
    """Everything about the dataset on one page."""
    project = project_of(view, uid)
    counts = splits.counts(view.session, project)
    total = sum(share.images for share in counts.values())
    frozen = versions.of_project(view.session, project)
    return project_page(
        view,
        "dataset.html",
        project,
        "dataset",
        counts=counts,
        total=total,
        absent=sum(share.absent for share in counts.values()),
        unlabeled=total - sum(share.labeled for share in counts.values()),
        items=view.session.scalar(select(func.count()).where(Item.project_id == project.id)) or 0,
        outside=splits.outside(view.session, project),
        which=splits.WHICH,
        usual=USUAL,
        class_count=len(ontology.classes_of(view.session, project.id)),
        counted=total <= MOST_AT_ONCE,
        **(_class_rows(view, project, counts) if total <= MOST_AT_ONCE else {"splits": SPLITS}),
        **_version_rows(view, project, frozen),
        trash=versions.of_project(view.session, project, deleted=True),
        choices=[(str(v.number), v.name) for v in frozen],
        formats=FORMATS_SHOWN,
        snippets=_snippets(view, project, frozen[0] if frozen else None, FIRST_FORMAT),
    )


def class_rows(view: View, uid: str) -> Response:
    """The table of classes alone: those whose name holds `q`; `all`: without end."""
    project = project_of(view, uid)
    return view.part(
        "_dataset_classes.html", project, **_class_rows(view, project, splits.counts(view.session, project))
    )


def _class_rows(view: View, project: Project, counts: dict[str, Share]) -> dict[str, Any]:
    found, whole = splits.balance(view.session, project)
    text = view.query.get("q", "").strip()[:200]
    chosen = [c for c in found if text.lower() in c.name.lower() or text.lower() in c.display_name.lower()]
    chosen.sort(key=lambda c: -c.objects)
    shown = chosen if view.query.get("all") else chosen[:MOST_CLASSES]
    lacking = {
        split: [c for c in found if c.objects and not c.of(split)[0]] for split in SPLITS if counts[split].images
    }
    return {
        "classes": shown,
        "most": max([c.objects for c in found], default=0),
        "more_classes": len(chosen) - len(shown),
        "lacking": {split: missing for split, missing in lacking.items() if missing},
        "q": text,
        "splits": SPLITS,
        "whole": whole,
    }


# --- what is in it ----------------------------------------------------------------------------------------------------


def add(view: View, uid: str) -> Response:
    """Take items into the dataset, all of a kind."""
    project = project_of(view, uid, "manage")
    count = splits.add(view.session, view.actor, project, view.text("which"))
    return view.again(url_of(project, "/dataset"), f"{count:,} {'item' if count == 1 else 'items'} joined the dataset.")


def divide(view: View, uid: str) -> Response:
    """Divide it anew."""
    project = project_of(view, uid, "manage")
    shares = {split: _percent(view, split) for split in SPLITS}
    found, changed = splits.assign(view.session, view.actor, project, shares)
    said = ", ".join(f"{count:,} {split}" for split, count in found.items())
    return view.again(url_of(project, "/dataset"), f"Divided: {said}. {changed:,} changed their split.")


def _percent(view: View, split: str) -> float:
    try:
        return float(view.text(split) or "0")
    except ValueError:
        raise Invalid(f"The share of {split} is a number from 0 to 100.", field=split) from None


# --- versions ---------------------------------------------------------------------------------------------------------


def version_rows(view: View, uid: str) -> Response:
    """The list alone, while a file is being written."""
    project = project_of(view, uid)
    frozen = versions.of_project(view.session, project)
    return view.part(
        "_versions.html", project, may=rights(view, project.team_id), splits=SPLITS, **_version_rows(view, project, frozen)
    )  # fmt: skip


def _version_rows(view: View, project: Project, frozen: list[DatasetVersion]) -> dict[str, Any]:
    shown = frozen if view.query.get("versions") == "all" else frozen[:MOST_VERSIONS]
    people = listing.by_id(view.session, User, {v.created_by for v in shown})
    files = versions.exports_of(view.session, shown) if shown else {}
    lines = [
        Line(
            v, people[v.created_by].name if v.created_by in people else "", recipe_form.said(v.settings),
            [_file(view, row) for _, row in sorted(files[v.id].items(), key=lambda named: named[1].id)],
        )
        for v in shown
    ]  # fmt: skip
    active = any(file.row.state in ("queued", "running") for line in lines for file in line.files)
    return {"lines": lines, "more_versions": len(frozen) - len(shown), "active": active}


def _file(view: View, row: BackgroundTask) -> File:
    name, format_key = versions.format_of(row), row.arguments["format"]
    own = row.arguments["name"].startswith(versions.OWN)
    title = FORMATS[format_key].title if own and format_key in FORMATS else f"{name} (Roboflow)"
    result = row.result or {}
    link = ""
    if row.state == "done" and "key" in result:
        path = view.context.links.sign(result["key"], result.get("mime", "application/zip"), LINK_SECONDS)
        link = view.call.base_url + path
    return File(row, title, link)


def version_form(view: View, uid: str) -> Response:
    """The page on which a version is made; `from`: the number of one whose settings it begins with."""
    project = project_of(view, uid, "manage")
    _images_only(project)
    number = view.query.get("from", "")
    like = versions.numbered(view.session, project, _number(number)) if number else None
    values = recipe_form.filled(like.settings if like else None)
    return project_page(
        view,
        "version_form.html",
        project,
        "dataset",
        [("Dataset", url_of(project, "/dataset")), ("New version", "")],
        groups=recipe_form.GROUPS,
        called=recipe_form.name,
        copies=recipe_form.COPIES,
        classes=[c.name for c in ontology.classes_of(view.session, project.id)],
        values=values,
        like=like,
        **_outputs(view, project, values),
    )


def version_counts(view: View, uid: str) -> Response:
    """How many pictures come out, while the form is being filled in."""
    project = project_of(view, uid, "manage")
    return view.part("_version_counts.html", project, **_outputs(view, project, view.query))


def _outputs(view: View, project: Project, values: Mapping[str, str]) -> dict[str, Any]:
    """Pictures by split with these values of the form; `fault`: why that cannot be told."""
    counts = splits.counts(view.session, project)
    ready = {split: counts[split].images - counts[split].absent for split in SPLITS}
    try:
        # Their names need not be right to count pictures, and a thousand of them are too long for an address.
        recipe = recipes.parse(recipe_form.read(lambda name: "" if name == "remap" else values.get(name, "")))
    except Invalid as error:
        return {"images": ready, "ready": ready, "splits": SPLITS, "fault": error.problems[0].message, "at_most": False}
    images = {split: ready[split] * recipe.outputs(split) for split in SPLITS}
    return {"images": images, "ready": ready, "splits": SPLITS, "fault": "", "at_most": recipe.labeled > 0}


def make(view: View, uid: str) -> Response:
    """Freeze the dataset."""
    project = project_of(view, uid, "manage")
    _images_only(project)
    settings = recipe_form.read(view.text)
    try:
        version = versions.freeze(view.session, view.actor, project, settings, view.text("name"))
    except Invalid as error:
        raise recipe_form.named(error) from None
    return view.done(url_of(project, "/dataset#versions"), f"Made {version.name} of {version.images:,} images.")


def _images_only(project: Project) -> None:
    if project.kind != "image":
        raise NotFound("Versions are made of images; the labels of videos are had under Exports.")


def export_form(view: View, uid: str, number: str) -> Response:
    """The dialog that asks for a format."""
    project, version = _find(view, uid, number)
    return view.part("_version_export.html", project, version=version, formats=FORMATS_SHOWN)


def export(view: View, uid: str, number: str) -> Response:
    """Write a version in a format, unless it was."""
    project, version = _find(view, uid, number)
    row = versions.own_export(view.session, view.actor, project, version, view.text("format"))
    said = "That file is there." if row.state == "done" else "The file is under way."
    return view.again(url_of(project, "/dataset#versions"), said)


def delete(view: View, uid: str, number: str) -> Response:
    """Put a version into the trash."""
    project, version = _find(view, uid, number, "manage")
    versions.set_deleted(view.session, version, deleted=True)
    return view.again(url_of(project, "/dataset#versions"), f"{version.name} is in the trash.")


def restore(view: View, uid: str, number: str) -> Response:
    """Take a version out of the trash."""
    project, version = _find(view, uid, number, "manage", deleted=True)
    versions.set_deleted(view.session, version, deleted=False)
    return view.again(url_of(project, "/dataset#versions"), f"{version.name} is back.")


def use(view: View, uid: str) -> Response:
    """What to copy for a version (`version`) and a format (`format`)."""
    project = project_of(view, uid)
    number, wanted = view.query.get("version", ""), view.query.get("format", "")
    version = versions.numbered(view.session, project, _number(number)) if number else None
    if wanted not in FORMATS:
        raise Invalid(f"There is no format {wanted!r}.", field="format")
    return view.part("_snippets.html", project, snippets=_snippets(view, project, version, wanted))


def _snippets(view: View, project: Project, version: DatasetVersion | None, wanted: str) -> list[snippets.Snippet]:
    home = view.session.get_one(Workspace, project.workspace_id)
    return snippets.of(snippets.Place(view.call.base_url, project, home, version, wanted))


def _find(
    view: View, uid: str, number: str, right: str = "view", *, deleted: bool = False
) -> tuple[Project, DatasetVersion]:
    project = project_of(view, uid, right)
    return project, versions.numbered(view.session, project, _number(number), deleted=deleted)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 11 else 0
