"""The work that the editor opens: a task with all that is needed to do it, in one answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NotRequired

import msgspec
from pydantic import WithJsonSchema
from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from labelwright.api.bodies.identity import PersonBody, person_or_none
from labelwright.api.bodies.projects import OpenAttributeBody, OpenClassBody, open_attribute, open_class
from labelwright.api.bodies.work import CommentBody, comment
from labelwright.edge.call import Call
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Attribute, LabelClass, Project, Workflow
from labelwright.models.work import Comment, Job, Task
from labelwright.services import (
    documents,
    helping,
    items,
    job_options,
    media,
    model_services,
    ontology,
    projects,
    renditions,
    workflows,
)
from labelwright.services.access import Actor

# Above so many tasks in a job nobody reads "item 12 of 300", and counting them would cost. Jobs seldom shrink: those
# once found to have more are not counted again by this process.
COUNTED = 2_000
_large: set[int] = set()
Objects = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {"x-msgspec": "LabelObject"}})]


class OpenTaskBody(TypedDict):
    """The task. `lease` is there only for its holder; `position` of `total` in its job, null for very large jobs."""

    uid: str
    stage: str
    state: str
    step: str
    step_name: str
    lease: str | None
    lease_until: datetime | None
    holder: PersonBody | None
    author: PersonBody | None
    priority: int
    returned: int
    seconds: float
    skip_reason: str
    position: int | None
    total: int | None


class OpenProjectBody(TypedDict):
    """The project in short."""

    uid: str
    name: str
    slug: str
    kind: str
    instructions: str
    reasons: list[str]
    semantic: bool


class OpenJobBody(TypedDict):
    """The job in short."""

    uid: str
    name: str
    instructions: str
    allowed_classes: list[str] | None
    allowed_attributes: list[str] | None
    limits: dict[str, int]
    read_only_attributes: list[str]


class TilesBody(TypedDict):
    """A very large picture in tiles: `index` tells where each JPEG lies in `pack`, to be fetched by byte range."""

    pack: str
    index: str


class FileBody(TypedDict):
    """A file, under a link that expires."""

    url: str
    mime: str
    tiles: TilesBody | None


class FrameBody(TypedDict):
    """A frame of a sequence. `small`: a copy of at most 1280 x 1280 pixels of a large one, for stepping quickly."""

    index: int
    frame_id: str | None
    url: str | None
    small: str | None
    width: int | None
    height: int | None


class ReferenceBody(TypedDict):
    """A picture to look at beside the item, for one frame or for all."""

    label: str | None
    url: str | None
    frame: int | None


class OpenItemBody(TypedDict):
    """The item and its files. `frame_times`: where to learn when each frame of a video file is shown."""

    uid: str
    name: str
    reference_id: str | None
    kind: str
    width: int | None
    height: int | None
    frame_count: int
    media_state: str
    media_error: str
    media: FileBody | None
    frames: list[FrameBody]
    references: list[ReferenceBody]
    frame_times: str | None
    meta: Any


class OpenOntologyBody(TypedDict):
    """Classes and attributes of the project; the job may allow fewer."""

    classes: list[OpenClassBody]
    attributes: list[OpenAttributeBody]


class OpenDocumentBody(TypedDict):
    """The labels. `unchanged`: they are those that the caller said to have, and are left out."""

    version: int
    unchanged: NotRequired[bool]
    objects: Objects
    attributes: dict[str, Any]
    frames: dict[str, dict[str, Any]]


class CanBody(TypedDict):
    """What the caller can do with the task now."""

    edit: bool
    submit: bool
    review: bool
    lock: bool


class AskableBody(TypedDict):
    """A model of the users' own, and what it can be asked about: `box`, `point`, `whole`."""

    uid: str
    name: str
    asks: list[str]


class HelpBody(TypedDict):
    """What helps while drawing here: names of tools (see *Help while drawing*), and models to ask."""

    tools: list[str]
    models: list[AskableBody]


class WorkBody(TypedDict):
    """All that is needed to do a task."""

    task: OpenTaskBody
    project: OpenProjectBody
    job: OpenJobBody
    item: OpenItemBody
    ontology: OpenOntologyBody
    document: OpenDocumentBody
    comments: list[CommentBody]
    can: CanBody
    help: HelpBody


def work(call: Call, task: Task, known: int | None = None) -> WorkBody:
    """A task, opened. `known`: the version of its labels that the caller has; the same ones are not sent again."""
    session = call.session
    project, job = session.get_one(Project, task.project_id), session.get_one(Job, task.job_id)
    item = session.get_one(Item, task.item_id)
    version, content = documents.read_json(session, item.id)
    same: dict[str, Any] = {}
    if version == known:
        content, same = documents.Content(), {"unchanged": True}
    said = session.scalars(_COMMENTS, {"item": item.id})
    return {
        "task": _task(session, call.actor, task, job),
        "project": _project(project),
        "job": _job(job),
        "item": opened_item(call, item),
        "ontology": ontology.derived(session, project, _ontology),  # type: ignore[typeddict-item]
        "document": {
            "version": version,
            "objects": content.objects,
            "attributes": content.attributes,
            "frames": content.frames,
            **same,
        },  # type: ignore[typeddict-item]
        "comments": [comment(session, row) for row in said],
        "can": _can(call.actor, task, project, job),
        "help": _help(session, project),
    }


def _help(session: Session, project: Project) -> HelpBody:
    models = model_services.of_project(session, project, active=True)
    return {
        "tools": helping.tools(),
        "models": [{"uid": str(row.uid), "name": row.name, "asks": row.asks} for row in models],
    }


def _task(session: Session, actor: Actor, task: Task, job: Job) -> OpenTaskBody:
    steps = {step.key: step for step in workflows.steps_of(session.get_one(Workflow, job.workflow_id)).steps}
    position, total = _place(session, task)
    step = steps.get(task.step)
    return {
        "uid": str(task.uid),
        "stage": task.stage,
        "state": task.state,
        "step": task.step,
        "step_name": step.name or step.key if step else "",
        "lease": task.lease if task.holder_id == actor.user_id else None,
        "lease_until": task.lease_until,
        "holder": person_or_none(session, task.holder_id),
        "author": None if job_options.of(job).hide_author else person_or_none(session, task.author_id),
        "priority": task.priority,
        "returned": task.returned,
        "seconds": task.seconds,
        "skip_reason": task.skip_reason,
        "position": position,
        "total": total,
    }


def _place(session: Session, task: Task) -> tuple[int | None, int | None]:
    """The task's number in its job, from 1, and the number of all; None for both in a large job."""
    if task.job_id in _large:
        return None, None
    position, total = session.execute(_PLACE, {"job": task.job_id, "task": task.id}).one()
    if total > COUNTED:
        _large.add(task.job_id)
        return None, None
    return position, total


_COMMENTS = select(Comment).where(Comment.item_id == bindparam("item")).order_by(Comment.id)
_SOME = select(Task.id).where(Task.job_id == bindparam("job")).order_by(Task.id).limit(literal_column(str(COUNTED + 1)))
_SOME_ROWS = _SOME.subquery()
_PLACE = select(func.count().filter(_SOME_ROWS.c.id <= bindparam("task")), func.count()).select_from(_SOME_ROWS)


def _project(row: Project) -> OpenProjectBody:
    settings = projects.settings_of(row)
    return {
        "uid": str(row.uid),
        "name": row.name,
        "slug": row.slug,
        "kind": row.kind,
        "instructions": row.instructions,
        "reasons": settings.reasons,
        "semantic": settings.semantic,
    }


def _job(row: Job) -> OpenJobBody:
    return {
        "uid": str(row.uid),
        "name": row.name,
        "instructions": row.instructions,
        "allowed_classes": row.allowed_classes,
        "allowed_attributes": row.allowed_attributes,
        "limits": row.limits or {},
        "read_only_attributes": job_options.of(row).read_only_attributes,
    }


def opened_item(call: Call, item: Item) -> OpenItemBody:
    """An item with links to its files."""
    files = items.media_of(call.session, item.id)
    main = next((found for row, found in files if row.role == "main" and found is not None), None)
    return {
        "uid": str(item.uid),
        "name": item.name,
        "reference_id": item.reference_id,
        "kind": item.kind,
        "width": item.width,
        "height": item.height,
        "frame_count": item.frames,
        "media_state": item.media_state,
        "media_error": item.media_error,
        "media": _file(call, main) if main is not None else None,
        "frames": [_frame(call, row, found) for row, found in files if row.role == "frame"],
        "references": [_reference(call, row, found) for row, found in files if row.role == "reference"],
        "frame_times": f"/api/v1/items/{item.uid}/frame-times" if main is not None and main.frames else None,
        "meta": item.meta,
    }


def main_file(call: Call, item: Item) -> Media | None:
    """The item's main file, when it is here."""
    files = items.media_of(call.session, item.id)
    return next((found for row, found in files if row.role == "main" and found is not None), None)


def link(call: Call, file: Media) -> str:
    """A link to what a browser can show of a stored file, good for some hours."""
    return media.url_for(call.context.links, file)


def shown_as(file: Media) -> str:
    """The type of what `link` leads to."""
    return "image/webp" if (file.info or {}).get("view") else file.mime


def _file(call: Call, file: Media) -> FileBody:
    tiles: Any = renditions.tiles_for(call.context.links, file)
    return {"url": link(call, file), "mime": shown_as(file), "tiles": tiles}


def _frame(call: Call, row: ItemMedia, file: Media | None) -> FrameBody:
    return {
        "index": row.position,
        "frame_id": row.frame_id,
        "url": link(call, file) if file else None,
        "small": renditions.url_for(call.context.links, file) if file else None,
        "width": file.width if file else None,
        "height": file.height if file else None,
    }


def _reference(call: Call, row: ItemMedia, file: Media | None) -> ReferenceBody:
    return {
        "label": row.label,
        "url": link(call, file) if file else None,
        "frame": (row.extra or {}).get("frame"),
    }


def _ontology(classes: list[LabelClass], attributes: list[Attribute]) -> msgspec.Raw:
    """The JSON of an `OpenOntologyBody`: made once a version, whether it has four classes or thousands."""
    body: OpenOntologyBody = {
        "classes": [{**open_class(row), "display_name": row.display_name or row.name} for row in classes],
        "attributes": [{**open_attribute(row), "display_name": row.display_name or row.name} for row in attributes],
    }
    return msgspec.Raw(msgspec.json.encode(body))


def _can(actor: Actor, task: Task, project: Project, job: Job) -> CanBody:
    holds = task.holder_id == actor.user_id and task.lease is not None and task.state in {"held", "open"}
    label, review = actor.may("label", project.team_id), actor.may("review", project.team_id)
    return {
        "edit": holds and (label if task.stage == "label" else review),
        "submit": holds and label and task.stage == "label" and not job_options.of(job).no_submit,
        "review": holds and review and task.stage == "review",
        "lock": review,
    }
