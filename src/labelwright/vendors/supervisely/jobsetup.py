"""What a labeling job is made with: whom it is for, which of a dataset it holds, and what its people may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Duplicate
from labelwright.geometry.document import Document, item_attributes
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job
from labelwright.services import documents, workflows
from labelwright.vendors.supervisely import wire
from labelwright.vendors.supervisely.asking import Ask, extra_of
from labelwright.vendors.supervisely.known import known
from labelwright.vendors.supervisely.labels import is_set
from labelwright.vendors.supervisely.wire import Refused

CHUNK = 500
# Their option, and ours of the same meaning.
FLAGS = {"dynamicClasses": "dynamic_classes", "dynamicTags": "dynamic_attributes", "disableSubmit": "no_submit",
         "hideFigureAuthor": "hide_author"}  # fmt: skip
NOTES = {
    "enableIntermediateReview": "What passes the review is checked once more.",
    "toolboxSettings": "Settings for the toolbox of another editor, kept for the client.",
}
KEPT_FLAGS = ("allowRestore", "disableConfirm", "disableSubmit", "enableIntermediateReview", "hideFigureAuthor")
WORKFLOW, CHECKED = "Label, then review", "Label, review, quality check"
STEPS: dict[str, list[dict[str, Any]]] = {
    WORKFLOW: workflows.LABEL_REVIEW,
    CHECKED: [
        {"key": "label", "kind": "label", "name": "Label", "on_done": "review"},
        {"key": "review", "kind": "review", "name": "Review", "on_accept": "check", "on_reject": "label"},
        {"key": "check", "kind": "review", "name": "Quality check", "on_reject": "label"},
    ],
}


@dataclass
class Setup:
    """A job's settings in our terms. `kept`: what only their clients know of it."""

    allowed_classes: list[str] | None
    allowed_attributes: list[str] | None
    limits: dict[str, int]
    options: dict[str, Any]
    checked: bool
    entities: list[int] | None
    kept: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def extra(self) -> dict[str, Any]:
        """What `jobs.create` keeps beside the job: for their clients, and in sentences for our pages."""
        return {"supervisely": self.kept, **({"notes": self.notes} if self.notes else {})}

    def of_job(self) -> dict[str, Any]:
        """What `jobs.create` takes."""
        return {"allowed_classes": self.allowed_classes, "allowed_attributes": self.allowed_attributes,
                "limits": self.limits, "options": self.options}  # fmt: skip


def read(ask: Ask, project: Project) -> Setup:
    """The `meta` of a create call. Raises `Refused` for what the project does not have."""
    meta = ask.object("meta", {})
    there = known(ask.session, project)
    tags = set(there.tag_by_name)
    classes = _names(meta, "classes", set(there.by_name), "class")
    attributes = _names(meta, "projectTags", tags, "tag")
    options = {ours: True for theirs, ours in FLAGS.items() if wire.flag(meta.get(theirs) or False, theirs)}
    read_only = _names(meta, "readOnlyTags", tags, "tag")
    if wire.flag(meta.get("disableConfirm") or False, "meta.disableConfirm"):
        options["no_submit"] = True
    kept: dict[str, Any] = {
        "imageTags": _image_tags(meta, tags),
        "range": _range(meta.get("range")),
        **{name: wire.flag(meta[name], f"meta.{name}") for name in KEPT_FLAGS if meta.get(name) is not None},
    }
    if meta.get("guide") is not None:
        kept["guide"] = guide(ask, project, wire.whole(meta["guide"], "meta.guide"))
    if meta.get("toolboxSettings") is not None:
        kept["toolboxSettings"] = wire.object_of(meta["toolboxSettings"], "meta.toolboxSettings")
    notes = notes_of(ask.session, kept)
    limits = {
        ours: _limit(meta, theirs) for theirs, ours in (("imageFiguresLimit", "objects"), ("imageTagsLimit", "tags"))
    }
    return Setup(
        classes or None, attributes or None, {name: value for name, value in limits.items() if value},
        options | ({"read_only_attributes": read_only} if read_only else {}),
        bool(kept.get("enableIntermediateReview")), _entities(meta), {"job": kept}, notes,
    )  # fmt: skip


def notes_of(session: Session, kept: dict[str, Any]) -> list[str]:
    """What a job was asked for beside what has a place of its own, in sentences for people."""
    found = []
    for positive, words in ((True, "Only items with the tag"), (False, "No items with the tag")):
        found += [f"{words} {tag['name']}." for tag in kept["imageTags"] if tag["positive"] is positive]
    start, end = kept["range"]["start"], kept["range"]["end"]
    if start is not None or end is not None:
        found.append(f"Items {start or 1} to {end if end is not None else 'the last'} of the batch.")
    home = session.get(Project, kept["guide"]) if kept.get("guide") is not None else None
    if home is not None:
        found.append(f"Guide: the instructions of the project {home.name}.")
    return [*found, *(words for name, words in NOTES.items() if kept.get(name))]


def guide(ask: Ask, project: Project, ref: int) -> int:
    """The id of a guide: a project with instructions, in the same team."""
    row = ask.session.get(Project, ref)
    if row is None or row.team_id != project.team_id or not row.instructions:
        raise Refused(400, f"There is no guide {ref} in this team; guides are the instructions of projects.")
    return ref


def _names(meta: dict[str, Any], name: str, there: set[str], what: str) -> list[str]:
    found = [wire.text(v, f"meta.{name}") for v in wire.list_of(meta.get(name) or [], f"meta.{name}")]
    for value in found:
        if value not in there:
            raise Refused(400, f"meta.{name}: the project has no {what} {wire.short(value)}.")
    return list(dict.fromkeys(found))


def _limit(meta: dict[str, Any], name: str) -> int:
    value = wire.whole(meta.get(name) or 0, f"meta.{name}")
    if not 0 <= value <= 1_000_000:
        raise Refused(400, f"meta.{name} is 0 (no limit) or more.")
    return value


def _entities(meta: dict[str, Any]) -> list[int] | None:
    ids = wire.list_of(meta.get("entityIds") or [], "meta.entityIds", 1_000_000)
    return [wire.whole(v, "meta.entityIds") for v in ids] or None


def _image_tags(meta: dict[str, Any], there: set[str]) -> list[dict[str, Any]]:
    found = []
    for number, entry in enumerate(wire.list_of(meta.get("imageTags") or [], "meta.imageTags")):
        at = f"meta.imageTags[{number}]"
        tag = wire.object_of(entry, at)
        name = wire.text(tag.get("name", tag.get("title")), f"{at}.name")
        if name not in there:
            raise Refused(400, f"{at}: the project has no tag {wire.short(name)}.")
        found.append({"name": name, "positive": wire.flag(tag.get("positive", True), f"{at}.positive")})
    return found


def _range(value: Any) -> dict[str, int | None]:
    if value is None:
        return {"start": None, "end": None}
    body = wire.object_of(value, "meta.range")
    ends = {
        end: None if body.get(end) is None else wire.whole(body[end], f"meta.range.{end}") for end in ("start", "end")
    }
    start, end = ends["start"], ends["end"]
    if (start is not None and start < 1) or (end is not None and end < (start or 1)):
        raise Refused(400, "meta.range counts images from 1; its end is not before its start.")
    return ends


def chosen(session: Session, batch: Batch, setup: Setup) -> list[int]:
    """Ids of the dataset's items that a job is for. See `among`."""
    ids = list(session.scalars(select(Item.id).where(Item.batch_id == batch.id).order_by(Item.id)))
    return among(session, ids, setup, f"the dataset {batch.id}")


def among(session: Session, ids: list[int], setup: Setup, where: str) -> list[int]:
    """Those of these items that a job is for: those named (none: all), within the range, with and without tags.

    Raises `Refused` for an id that is not there, and when nothing is left."""
    kept = setup.kept["job"]
    start, end = kept["range"]["start"], kept["range"]["end"]
    found = set(ids[(start or 1) - 1 : end])
    if setup.entities is not None:
        there = set(ids)
        for ref in setup.entities:
            if ref not in there:
                raise Refused(400, f"meta.entityIds: {ref} is not in {where}.")
        found &= set(setup.entities)
    found &= _tagged(session, sorted(found), kept["imageTags"])
    if not found:
        raise Refused(400, "No images found for this labeling job: there are none, or its filters leave none.")
    return sorted(found)


def _tagged(session: Session, ids: list[int], tags: list[dict[str, Any]]) -> set[int]:
    if not tags:
        return set(ids)
    found = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        stored = documents.labels_of(session, part)
        for item_id in part:
            document = stored.get(item_id, Document())
            if all(_has(document, tag["name"]) == tag["positive"] for tag in tags):
                found.add(item_id)
    return found


def _has(document: Document, name: str) -> bool:
    return any(is_set(values.get(name)) for values in item_attributes(document))


def workflow(session: Session, project: Project, *, checked: bool) -> Workflow:
    """The project's workflow with one review, or with a quality check behind it; made when there is none."""
    kinds = ["label", "review", "review"] if checked else ["label", "review"]
    for row in workflows.of_project(session, project.id):
        steps = workflows.steps_of(row).steps
        if [step.kind for step in steps] == kinds and all(step.sample == 1 for step in steps):
            return row
    name = CHECKED if checked else WORKFLOW
    for number in range(2, 100):
        try:
            return workflows.create(session, project, name, steps=STEPS[CHECKED if checked else WORKFLOW])
        except Duplicate:  # one of that name has other steps
            name = f"{CHECKED if checked else WORKFLOW} {number}"
    raise Refused(400, "This project has no workflow with a label and a review step.")


def meta_json(job: Job, classes: dict[str, dict[str, Any]], tags: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A job's `meta` as it is read: objects where names were sent. `classes`, `tags`: the project's, by name."""
    kept, limits, options = extra_of(job).get("job") or {}, job.limits or {}, job.options or {}
    marks = [
        {"name": t["name"], "positive": t["positive"], "id": tags.get(t["name"], {}).get("id")}
        for t in kept.get("imageTags", [])
    ]
    found = {
        "classes": [{**classes.get(name, {}), "name": name, "title": name} for name in job.allowed_classes or []],
        "projectTags": [{**tags.get(name, {}), "name": name, "title": name} for name in job.allowed_attributes or []],
        "imageTags": marks,
        "range": kept.get("range") or {"start": None, "end": None},
        "imageFiguresLimit": limits.get("objects", 0),
        "imageTagsLimit": limits.get("tags", 0),
        "dynamicClasses": bool(options.get("dynamic_classes")),
        "dynamicTags": bool(options.get("dynamic_attributes")),
        "readOnlyTags": list(options.get("read_only_attributes", [])),
        "allowRestore": bool(kept.get("allowRestore")),
    }  # fmt: skip
    for name in (
        "guide",
        "toolboxSettings",
        "disableConfirm",
        "disableSubmit",
        "enableIntermediateReview",
        "hideFigureAuthor",
    ):
        if kept.get(name) is not None:
            found[name] = kept[name]
    return found
