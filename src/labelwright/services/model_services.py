"""Models of the users' own: making them known, asking them about a picture, and looking at what they answer.

`docs/models.md` tells the protocol. A question is made of what a person may see, sent through the guarded fetcher outside
of any transaction, and its answer is checked against the ontology like anybody's labels."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import numpy as np
from PIL import Image
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from labelwright.assist.window import Pixels, size_of
from labelwright.errors import Conflict, Invalid, NotFound, Problem
from labelwright.geometry import masks, measures, normalise
from labelwright.geometry.document import Attributes, Document, Keyframe, LabelObject, Mask, Polygon, Rectangle, Shape
from labelwright.geometry.document import shape_kind as kind_of
from labelwright.geometry.ontology import Ontology
from labelwright.media.fetch import Fetcher, FetchError
from labelwright.models.assist import ModelService
from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.services import access, checks, events
from labelwright.services.access import Actor
from labelwright.settings import Settings

PROTOCOL = "labelwright.model/1"
Ask = Literal["box", "point", "whole"]
ASKS: tuple[Ask, ...] = ("box", "point", "whole")
MOST_SECONDS = 60
SIDES = (64, 8192)
MOST_ANSWER = 16_000_000
MOST_OBJECTS = 1000
HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
# Headers that say how the message itself is to be read.
OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


class RunLengths(msgspec.Struct, tag="rle", tag_field="type"):
    """A mask as COCO's run lengths over the whole picture. `size`: [height, width]; `counts`: numbers or text."""

    size: tuple[int, int]
    counts: list[int] | str


class FoundObject(msgspec.Struct, rename={"class_name": "class"}):
    """One thing in an answer. Without a class it has the one that was asked about."""

    shape: Shape | RunLengths
    class_name: str = ""
    score: float | None = None
    attributes: Attributes = {}


class Answer(msgspec.Struct):
    """What a model answers."""

    objects: list[FoundObject]


@dataclass(frozen=True)
class Question:
    """What is asked. `box` `[x1, y1, x2, y2]` and `point` `[x, y]` in fractions; `class_name`: the class in hand."""

    ask: Ask
    frame: int = 0
    box: Sequence[float] | None = None
    point: Sequence[float] | None = None
    class_name: str = ""
    item: str = ""


@dataclass(frozen=True)
class Service:
    """How to ask: a row's values, to be used after its transaction. The secret is kept out of what is printed."""

    name: str
    url: str
    asks: tuple[str, ...]
    classes: Mapping[str, str]
    seconds: int
    side: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Place:
    """Where answers are to go: the ontology they are checked against and the item's kind and size in pixels."""

    ontology: Ontology
    kind: str
    size: tuple[int, int] | None
    frames: int | None = None
    allowed_classes: Collection[str] | None = None
    allowed_attributes: Collection[str] | None = None


@dataclass(frozen=True)
class Found:
    """What can be taken of an answer, and why the rest cannot."""

    objects: list[LabelObject]
    refused: list[Problem]


def create(
    session: Session, actor: Actor, workspace: Workspace, project: Project | None = None, **values: Any
) -> ModelService:
    """Make a model known to a project, or to all of a workspace. Raises `Invalid` naming the field."""
    access.require(actor, "manage", workspace.team_id, "workspace")
    row = ModelService(
        team_id=workspace.team_id, workspace_id=workspace.id, project_id=project.id if project else None,
        created_by=actor.user_id, **({"asks": list(ASKS)} | values),
    )  # fmt: skip
    _check(row)
    session.add(row)
    session.flush()
    _tell(session, actor, row, "model.created")
    return row


def change(session: Session, actor: Actor, row: ModelService, **values: Any) -> ModelService:
    """Change what is given. A header value of "" stays as it is unless the header's name goes, too."""
    access.require(actor, "manage", row.team_id, "model")
    if not values.get("header_value") and values.get("header_name", row.header_name) != "":
        values.pop("header_value", None)
    if values.get("header_name") == "":
        values["header_value"] = row.header_value = ""
    if row.header_value and not values.get("header_value") and _origin(values.get("url", row.url)) != _origin(row.url):
        # Else whoever may change the address could have the secret sent to themselves.
        text = "Write the header's value again: the address is on another server."
        raise Invalid(text, field="header_value")
    for name, value in values.items():
        setattr(row, name, value)
    _check(row)
    session.flush()
    _tell(session, actor, row, "model.changed")
    return row


def delete(session: Session, actor: Actor, row: ModelService) -> None:
    """Forget a model and its secret."""
    access.require(actor, "manage", row.team_id, "model")
    _tell(session, actor, row, "model.deleted")
    session.delete(row)
    session.flush()


def of_project(session: Session, project: Project, *, active: bool = False) -> list[ModelService]:
    """Models that a project can ask: its own first, then its workspace's. `active`: only those that are not paused."""
    query = select(ModelService).where(
        ModelService.workspace_id == project.workspace_id,
        or_(ModelService.project_id == project.id, ModelService.project_id.is_(None)),
    )
    if active:
        query = query.where(ModelService.active.is_(True))
    return list(session.scalars(query.order_by(ModelService.project_id.is_(None), ModelService.id)))


def of_workspace(session: Session, workspace: Workspace) -> list[ModelService]:
    """All models of a workspace and its projects, oldest first."""
    query = select(ModelService).where(ModelService.workspace_id == workspace.id)
    return list(session.scalars(query.order_by(ModelService.id)))


def of_actor(session: Session, actor: Actor) -> list[ModelService]:
    """All models that the actor may configure, oldest first."""
    query = select(ModelService).where(ModelService.team_id.in_(actor.teams("manage")))
    if actor.workspace_id is not None:
        query = query.where(ModelService.workspace_id == actor.workspace_id)
    return list(session.scalars(query.order_by(ModelService.id)))


def service(row: ModelService) -> Service:
    """How to ask a model, to be kept beyond the transaction."""
    headers = {row.header_name: row.header_value} if row.header_name else {}
    return Service(row.name, row.url, tuple(row.asks), dict(row.classes), row.seconds, row.side, headers)


def usable(session: Session, project: Project, row: ModelService, ask: Ask) -> Service:
    """The model, when this project may ask it that. Raises `NotFound` for other workspaces', `Conflict` else."""
    if row.workspace_id != project.workspace_id or row.project_id not in (None, project.id):
        raise NotFound("There is no such model.")
    if not row.active:
        raise Conflict(f"{row.name} is paused.", code="model_paused")
    if ask not in row.asks:
        raise Conflict(f"{row.name} is not asked about a {ask}.", code="not_asked")
    return service(row)


def ask(
    settings: Settings, asked: Service, question: Question, pixels: Pixels, size: tuple[int, int] | None = None
) -> Answer:
    """Send a question and decode the answer. Outside of transactions. `size`: (width, height) of the picture, where
    `pixels` are a smaller copy of it. Raises `Conflict` when the model does not answer as the protocol says."""
    body = msgspec.json.encode(_body(asked, question, pixels, size or size_of(pixels)))
    headers = {"Content-Type": "application/json", "Accept": "application/json", **asked.headers}
    try:
        with closing(Fetcher(settings)) as fetcher:
            answer = fetcher.ask(asked.url, body, headers, seconds=asked.seconds, most=MOST_ANSWER)
    except FetchError as error:
        raise Conflict(f"{asked.name} did not answer: {error.message}", code="model_failed") from None
    try:
        found = _decoder.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error).replace("`", "")
        raise Conflict(f"{asked.name} answered something else than labels: {text}.", code="model_answer") from None
    if len(found.objects) > MOST_OBJECTS:
        text = f"{asked.name} answered {len(found.objects)} objects; {MOST_OBJECTS} is the most."
        raise Conflict(text, code="model_answer")
    return found


def try_out(settings: Settings, asked: Service) -> tuple[float, int]:
    """Ask a model about a small grey picture: seconds until its answer, and objects in it. Raises as `ask` does."""
    first: Ask = next(one for one in ASKS if one in asked.asks)
    question = Question(first, 0, [0.25, 0.25, 0.75, 0.75], [0.5, 0.5])
    began = time.monotonic()
    answer = ask(settings, asked, question, np.full((48, 64, 3), 128, np.uint8))
    return round(time.monotonic() - began, 3), len(answer.objects)


def _body(asked: Service, question: Question, pixels: Pixels, size: tuple[int, int]) -> dict[str, Any]:
    image = Image.fromarray(pixels)
    image.thumbnail((asked.side, asked.side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    theirs = {ours: name for name, ours in asked.classes.items()}
    return {
        "protocol": PROTOCOL,
        "ask": question.ask,
        "box": question.box,
        "point": question.point,
        "class": theirs.get(question.class_name, question.class_name) or None,
        "image": {"data": base64.b64encode(out.getvalue()).decode(), "mime": "image/jpeg", "width": image.width,
                  "height": image.height},
        "size": list(size),
        "item": question.item,
        "frame": question.frame,
    }  # fmt: skip


def checked(asked: Service, question: Question, answer: Answer, place: Place) -> Found:
    """What of an answer may become objects of this item: named as the project names classes, in shapes that the class
    takes, and without fault. The rest is told as problems, by the object's place in the answer."""
    objects: list[LabelObject] = []
    refused: list[Problem] = []
    for number, one in enumerate(answer.objects):
        name = asked.classes.get(one.class_name, one.class_name) or question.class_name
        try:
            shape = _fitting(_shape(one.shape, place.size), place, name)
        except ValueError as error:
            refused.append(Problem(f"Object {number + 1} of the answer: {error}.", f"objects[{number}].shape"))
            continue
        body: dict[str, Any] = {"keyframes": [Keyframe(question.frame, shape)]}
        if place.kind == "image":
            body = {"shape": shape}
        item = LabelObject(number + 1, name, attributes=one.attributes, source="model", score=one.score, **body)
        faults = checks.check_document(
            Document([item]), place.ontology, kind=place.kind, frames=place.frames,
            allowed_classes=place.allowed_classes, allowed_attributes=place.allowed_attributes,
        )  # fmt: skip
        refused += [Problem(p.message, p.field.replace("[0]", f"[{number}]", 1), None, p.code) for p in faults]
        if not faults:
            objects.append(item)
    return Found(objects, refused)


def _shape(given: Shape | RunLengths, size: tuple[int, int] | None) -> Shape:
    """The shape as documents have it. Raises `ValueError` for a mask that is none."""
    if isinstance(given, RunLengths):
        given = masks.from_rle({"size": list(given.size), "counts": given.counts})
    if not isinstance(given, Mask):
        return normalise.shape(given)
    fault = masks.fault(given)
    if fault:
        raise ValueError(fault)
    if not masks.area(given):
        raise ValueError("the mask is empty")
    # The editor paints on the picture's own pixels, so a model's coarser mask is brought to them.
    return masks.rasterize(given, *size) if size and given.size != size else given


def _fitting(shape: Shape, place: Place, name: str) -> Shape:
    """An area in a kind that the class takes: a mask may become a polygon, either a box."""
    known = place.ontology.classes.get(name)
    if known is None or known.shapes is None or kind_of(shape) in known.shapes:
        return shape
    if isinstance(shape, Mask) and "polygon" in known.shapes:
        return masks.to_polygon(shape, max(0.75, 0.004 * max(shape.box[2:])))
    if isinstance(shape, Polygon) and "mask" in known.shapes and place.size and not checks.shape_faults(shape):
        return masks.rasterize(shape, *place.size)
    if isinstance(shape, Mask | Polygon) and "rectangle" in known.shapes:
        return Rectangle(measures.bounds(shape))
    return shape


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _check(row: ModelService) -> None:
    problems = []
    try:
        parts = urlsplit(row.url) if row.url.isprintable() else None
    except ValueError:  # such as http://[
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or len(row.url) > 2000:
        problems.append(Problem("Write a full address that starts with http:// or https://.", "url"))
    if not row.name.strip():
        problems.append(Problem("Give the model a name.", "name"))
    if not row.asks or not set(row.asks) <= set(ASKS):
        problems.append(Problem(f"Say what it can be asked about: {', '.join(ASKS)}.", "asks"))
    named = row.header_name
    if named and (not HEADER.fullmatch(named) or named.lower() in OWN_HEADERS):
        problems.append(Problem("Write a header's name, such as Authorization.", "header_name"))
    if row.header_value and (not named or not row.header_value.isascii() or not row.header_value.isprintable()):
        problems.append(Problem("Write the header's name, and its value in plain letters.", "header_value"))
    if not 1 <= (row.seconds or 10) <= MOST_SECONDS:
        problems.append(Problem(f"An answer may take 1 to {MOST_SECONDS} seconds.", "seconds"))
    if not SIDES[0] <= (row.side or SIDES[0]) <= SIDES[1]:
        problems.append(Problem(f"The longest side is {SIDES[0]} to {SIDES[1]} pixels.", "side"))
    if problems:
        raise Invalid(problems=problems)


def _tell(session: Session, actor: Actor, row: ModelService, kind: str) -> None:
    data = {"model": str(row.uid), "name": row.name}
    events.emit(session, kind, team_id=row.team_id, project_id=row.project_id, actor=actor, data=data)


_decoder = msgspec.json.Decoder(Answer)
