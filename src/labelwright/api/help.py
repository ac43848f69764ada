"""Help while drawing: pictures are looked at, nothing is changed. What comes back is drawn by the caller and saved like
anything else; these calls take the right to label."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from pydantic import Field, WithJsonSchema
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.forms import Form, Number, Short
from labelwright.api.openapi import struct_body
from labelwright.api.problems import FaultBody, fault
from labelwright.api.routing import ERRORS, RawBody, StrictRoute, respond
from labelwright.api.structs import decode
from labelwright.assist.opencv import opencv
from labelwright.edge.call import Call, begin
from labelwright.errors import Invalid, Problem
from labelwright.geometry import masks, measures
from labelwright.geometry.document import Mask, Rectangle, Shape
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job
from labelwright.services import access, checks, helping, model_services, ontology

routes = APIRouter(tags=["Help while drawing"], route_class=StrictRoute)
Fraction = Annotated[Number, Field(ge=0, le=1)]
Place = Annotated[list[Fraction], Field(min_length=2, max_length=2, description="x, y in fractions.")]
Places = Annotated[list[Place], Field(max_length=100)]
BoxOf = Annotated[list[Fraction], Field(min_length=4, max_length=4, description="x1, y1, x2, y2 in fractions.")]
FrameNumber = Annotated[int, Field(ge=0, le=10_000_000, description="Of a video; an image has only 0.")]
ShapeJson = Annotated[Any, WithJsonSchema({"x-msgspec": "Shape"})]


class OutlineAsk(Form):
    """From where to where. `snap`: the end goes to the strongest edge nearby."""

    frame: FrameNumber = 0
    start: Place
    end: Place
    snap: bool = True


class OutlineBody(TypedDict):
    """The way along edges, flat fractions; it begins at `start`, its last point is the end (moved when it snapped)."""

    points: list[float]


class CutoutAsk(Form):
    """A box around a thing. `keep`, `drop`: places that do and do not belong to it."""

    frame: FrameNumber = 0
    box: BoxOf
    keep: Places = []
    drop: Places = []
    shape: Literal["mask", "polygon", "rectangle"] = "mask"


class ShapeBody(TypedDict):
    """A shape, ready to be put into a document."""

    shape: ShapeJson


class SuperpixelsAsk(Form):
    """A part of the picture, and how wide the areas should be, in the picture's pixels."""

    frame: FrameNumber = 0
    part: BoxOf
    size: Annotated[int, Field(ge=4, le=1000)] = 24


class SuperpixelsBody(TypedDict):
    """Areas of one colour. `labels`: each cell's area number as little-endian uint16, row by row over `width` x `height`
    cells, deflated (zlib), base64. `part`: where the cells lie, in fractions."""

    part: list[float]
    width: int
    height: int
    count: int
    labels: str


class ModelAsk(Form):
    """A question to a model of the users' own: about a box, a point, or the whole picture.

    `class`: what a thing is that the model gives no class; `task`: the one worked on, whose job may allow fewer classes."""

    model: UUID = Field(strict=False)
    ask: Literal["box", "point", "whole"]
    frame: FrameNumber = 0
    box: BoxOf | None = None
    point: Place | None = None
    class_name: Annotated[Short, Field(alias="class")] = ""
    task: UUID | None = Field(None, strict=False)


FoundBody = TypedDict(
    "FoundBody", {"class": str, "shape": ShapeJson, "attributes": dict[str, Any], "score": float | None}
)


class AnswerBody(TypedDict):
    """What the model found and the project can take; `refused`: why not the rest, by places in the model's answer."""

    objects: list[FoundBody]
    refused: list[FaultBody]


class Followed(msgspec.Struct, forbid_unknown_fields=True):
    """An object and where it is in the first frame."""

    id: int
    shape: Shape


class TrackAsk(msgspec.Struct, forbid_unknown_fields=True):
    """Objects to be followed from `frame` on, for `count` frames."""

    frame: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
    count: Annotated[int, msgspec.Meta(ge=1, le=helping.MOST_FRAMES)]
    objects: Annotated[list[Followed], msgspec.Meta(min_length=1, max_length=helping.MOST_OBJECTS)]


class KeyBody(TypedDict):
    """A shape in a frame."""

    frame: int
    shape: ShapeJson


class TrackBody(TypedDict):
    """Where an object went. Between keyframes it moves evenly. `lost`: the frame in which it was not found any more."""

    id: int
    keyframes: list[KeyBody]
    lost: int | None


class TracksBody(TypedDict):
    """`reached`: the last frame that was looked at; when time ran out before the end, ask again from there."""

    reached: int
    tracks: list[TrackBody]


def helper_of(request: Request) -> helping.Helper:
    """This process's helper."""
    return request.app.state.helper


@contextmanager
def opened(request: Request, uid: UUID) -> Iterator[tuple[Call, Any]]:
    """The item, read in a transaction of its own: the work that follows takes long and needs none."""
    with begin(request.app.state.context, request, write=False) as call:
        yield call, access.item(call.session, call.actor, uid, "label")


def _place(request: Request, uid: UUID, frame: int) -> tuple[int, helping.Source]:
    """Who asks, and where the frame's pixels lie."""
    opencv()
    with opened(request, uid) as (call, item):
        return call.actor.user_id, helping.source(call.session, item, frame)


def box_of(box: list[float], field: str = "box") -> list[float]:
    """The box itself. Raises `Invalid` when it has no extent."""
    if box[0] >= box[2] or box[1] >= box[3]:
        raise Invalid("The box is [x1, y1, x2, y2] with x1 < x2 and y1 < y2.", field=field)
    return box


def flat(places: list[list[float]]) -> list[float]:
    """Places as one flat list."""
    return [v for place in places for v in place]


@routes.post(
    "/items/{uid}/help/outline", operation_id="find_outline", response_model=None,
    responses={**ERRORS, 200: {"model": OutlineBody}},
)  # fmt: skip
def find_outline(request: Request, uid: UUID, body: OutlineAsk) -> Response:
    """The way from one place to another along the edges in the picture."""
    helper = helper_of(request)
    user, where = _place(request, uid, body.frame)
    with helper.turns.take(user):
        return respond({"points": helper.outline(where, body.start, body.end, snap=body.snap)})


@routes.post(
    "/items/{uid}/help/cutout", operation_id="cut_out", response_model=None,
    responses={**ERRORS, 200: {"model": ShapeBody}},
)  # fmt: skip
def cut_out(request: Request, uid: UUID, body: CutoutAsk) -> Response:
    """The thing in a box as a mask, a polygon or a tight box. 422 when nothing stands out."""
    helper, box = helper_of(request), box_of(body.box)
    user, where = _place(request, uid, body.frame)
    with helper.turns.take(user):
        found = helper.cut_out(where, box, flat(body.keep), flat(body.drop))
    return respond({"shape": as_kind(found, body.shape)})


@routes.post(
    "/items/{uid}/help/superpixels", operation_id="find_superpixels", response_model=None,
    responses={**ERRORS, 200: {"model": SuperpixelsBody}},
)  # fmt: skip
def find_superpixels(request: Request, uid: UUID, body: SuperpixelsAsk) -> Response:
    """A part of the picture divided into small areas of one colour, to be painted area by area."""
    helper, part = helper_of(request), box_of(body.part, "part")
    user, where = _place(request, uid, body.frame)
    with helper.turns.take(user):
        found = helper.superpixels(where, part, body.size)
    height, width = found.labels.shape
    packed = zlib.compress(found.labels.astype("<u2").tobytes(), 1)
    answer = {"part": found.bounds, "width": width, "height": height, "count": found.count,
              "labels": base64.b64encode(packed).decode()}  # fmt: skip
    return respond(answer)


@routes.post(
    "/items/{uid}/help/track", operation_id="track_objects", response_model=None, openapi_extra=struct_body("TrackAsk"),
    responses={**ERRORS, 200: {"model": TracksBody}},
)  # fmt: skip
def track_objects(request: Request, uid: UUID, raw: RawBody) -> Response:
    """Follow objects of a video to the frames after `frame`."""
    asked = decode(raw, _track_decoder)
    _check(asked)
    helper = helper_of(request)
    opencv()
    with opened(request, uid) as (call, item):
        user = call.actor.user_id
        last = min(asked.frame + asked.count, max(item.frames - 1, asked.frame))
        wanted = helping.sources(call.session, item, range(asked.frame, last + 1))
    with helper.turns.take(user):
        reached, found = helper.track(wanted, asked.frame, {o.id: o.shape for o in asked.objects})
    tracks = [
        {"id": n, "keyframes": [{"frame": f, "shape": s} for f, s in track.shapes.items()], "lost": track.lost}
        for n, track in found.items()
    ]
    return respond({"reached": reached, "tracks": tracks})


@routes.post(
    "/items/{uid}/help/model", operation_id="ask_model", response_model=None,
    responses={**ERRORS, 200: {"model": AnswerBody}},
)  # fmt: skip
def ask_model(request: Request, uid: UUID, body: ModelAsk) -> Response:
    """Ask a model of the users' own. Its answer is checked as anybody's labels are; nothing is saved."""
    box = box_of(body.box) if body.box is not None else None
    missing = {"box": box is None, "point": body.point is None}.get(body.ask, False)
    if missing:
        raise Invalid(f"Say which {body.ask}.", field=body.ask)
    with opened(request, uid) as (call, item):
        user = call.actor.user_id
        asked, place = _asked(call, item, body)
        where = helping.source(call.session, item, body.frame)
        question = model_services.Question(body.ask, body.frame, box, body.point, body.class_name, str(item.uid))
    helper = helper_of(request)
    with helper.turns.take(user):
        pixels, whole = helper.copy(where, asked.side)
        size = place.size or whole
        answer = model_services.ask(request.app.state.context.settings, asked, question, pixels, size)
        found = model_services.checked(asked, question, answer, replace(place, size=size))
    objects = [
        {"class": o.class_name, "shape": o.shape or o.keyframes[0].shape, "attributes": o.attributes, "score": o.score}  # type: ignore[index]
        for o in found.objects
    ]
    return respond({"objects": objects, "refused": [fault(p) for p in found.refused]})


def _asked(call: Call, item: Item, body: ModelAsk) -> tuple[model_services.Service, model_services.Place]:
    session = call.session
    project = session.get_one(Project, item.project_id)
    row = access.model_service(session, call.actor, body.model, "label")
    classes = attributes = None
    if body.task is not None:
        task = access.task(session, call.actor, body.task, "label")
        if task.item_id != item.id:
            raise Invalid("This task is about another item.", field="task")
        job = session.get_one(Job, task.job_id)
        classes, attributes = job.allowed_classes, job.allowed_attributes
    size = (item.width, item.height) if item.width and item.height and item.kind == "image" else None
    place = model_services.Place(
        ontology.compiled(session, project), project.kind, size, item.frames if project.kind == "video" else None,
        classes, attributes,
    )  # fmt: skip
    return model_services.usable(session, project, row, body.ask), place


def as_kind(found: Mask, kind: str) -> Shape:
    """The mask, or a polygon or box around it. The polygon is off by no more than a few thousandths of its size."""
    if kind == "mask":
        return found
    if kind == "rectangle":
        return Rectangle(measures.bounds(found))
    return masks.to_polygon(found, max(0.75, 0.004 * max(found.box[2:])))


def _check(asked: TrackAsk) -> None:
    problems = []
    for place, one in enumerate(asked.objects):
        where = f"objects[{place}]"
        faults = [
            Problem(text, f"{where}.{field}", one.id, code) for field, text, code in checks.shape_faults(one.shape)
        ]
        if not faults and isinstance(one.shape, Mask) and one.shape.size[0] * one.shape.size[1] > helping.MOST_PIXELS:
            faults = [Problem("This mask's grid is too large to be followed.", f"{where}.shape.size", one.id)]
        problems += faults
    if len({one.id for one in asked.objects}) < len(asked.objects):
        problems.append(Problem("Give each object an id of its own.", "objects"))
    if problems:
        raise Invalid(problems=problems)


_track_decoder = msgspec.json.Decoder(TrackAsk)
