"""Labels sent for an image: read, checked, saved as one revision, and where the image goes then."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Duplicate
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.items import Item
from labelwright.models.projects import Attribute, Project
from labelwright.services import documents, ontology
from labelwright.services.access import Actor
from labelwright.services.documents import Change
from labelwright.services.ontology import AttributeInput, ClassInput
from labelwright.vendors.roboflow import payloads, projects, wire
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.payloads import LABELS, Payload, Picture
from labelwright.vendors.roboflow.routing import Wish, route
from labelwright.vendors.roboflow.wire import Refused

USUAL = Wish()
ALREADY = "This image is already annotated; send overwrite=true to replace its labels."


def annotate(ask: Ask) -> dict[str, Any]:
    """Save an image's labels out of an annotation file; by default the image joins the dataset."""
    project = ask.project("manage")
    item = ask.item(project, ask.params["image"])
    query = ask.query
    text, labelmap = _file(ask)
    name = query.get("name", "")
    wish = Wish(
        prediction=bool(wire.flag(query.get("prediction"))), dataset=wire.flag(query.get("addToDataset")),
        job=query.get("jobName", "").strip()[:200], stay=query.get("predictionRouting", "") == "unassigned",
    )  # fmt: skip
    overwrite = bool(wire.flag(query.get("overwrite")))
    put(ask.session, ask.actor, project, item, text, name, labelmap, overwrite=overwrite, wish=wish)
    return {"success": True, "id": wire.short(item.uid)}


def put(
    session: Session, actor: Actor, project: Project, item: Item, text: str, name: str, labelmap: dict[str, str] | None,
    *, overwrite: bool = False, wish: Wish = USUAL,
) -> None:  # fmt: skip
    """Save what an annotation file says of an image, and let the image go where it belongs then. Raises `Invalid` naming line or field, `Duplicate` for an image that has other labels."""
    whole = is_whole(session, project)
    picture = Picture(item.name, item.width or 0, item.height or 0)
    payload = payloads.read(text, name, labelmap, picture, whole=whole)
    _fit(payload, wish.prediction)
    save(session, actor, project, item, payload, overwrite=overwrite, replace_tags=whole)
    route(session, actor, project, item, wish)


def is_whole(session: Session, project: Project) -> bool:
    """Whether the project's images have classes as a whole."""
    return projects.is_classification(session, project)


def _file(ask: Ask) -> tuple[str, dict[str, str] | None]:
    """The annotation file: in the package's JSON, or as the body itself."""
    try:
        body = msgspec.json.decode(ask.raw)
    except msgspec.DecodeError:
        body = None
    if isinstance(body, dict) and "annotationFile" in body:
        text, labelmap = body["annotationFile"], body.get("labelmap")
        if not isinstance(text, str):
            text = msgspec.json.encode(text).decode()
        if labelmap is not None and not isinstance(labelmap, dict):
            raise Refused(400, "labelmap must be an object of class names by number.")
        return text, labelmap
    try:
        text = ask.raw.decode()
    except UnicodeDecodeError:
        raise Refused(400, "The annotation file is not UTF-8 text.") from None
    if "\0" in text:
        raise Refused(400, "The annotation file holds a NUL character.")
    return text, None


def _fit(payload: Payload, prediction: bool) -> None:
    source = "model" if prediction else "import"
    payload.document.objects = [msgspec.structs.replace(o, source=source) for o in payload.document.objects]


def save(
    session: Session, actor: Actor, project: Project, item: Item, payload: Payload, *, overwrite: bool,
    replace_tags: bool = False,
) -> None:  # fmt: skip
    """Put the payload's labels in the place of the image's. Raises `Duplicate` when there are some and `overwrite` is not set."""
    head = documents.read(session, item.id)
    attributes = _attributes(payload, head.document)
    if _same(head.document, payload.document.objects) and attributes == head.document.attributes and head.version:
        return
    taken = bool(head.document.objects) or (replace_tags and bool(payloads.labels_of(head.document)))
    if taken and not overwrite:
        raise Duplicate(ALREADY)
    _make_room(session, project, payload)
    start = max((o.id for o in head.document.objects), default=0) + 1
    put = [msgspec.structs.replace(o, id=start + n) for n, o in enumerate(payload.document.objects)]
    change = Change(put=put, delete=[o.id for o in head.document.objects],
                    attributes=attributes if attributes != head.document.attributes else None)  # fmt: skip
    documents.save(session, actor, item, change, base=head.version, kind="import")
    _mark(item, empty=not put and not attributes)


def _attributes(payload: Payload, before: Document) -> dict[str, Any]:
    attributes = {**before.attributes, **{k: v for k, v in payload.texts.items() if v}, **payload.document.attributes}
    if payload.labels is not None:
        attributes.pop(LABELS, None)
        if payload.labels:
            attributes[LABELS] = payload.labels
    return attributes


def _same(before: Document, after: list[LabelObject]) -> bool:
    def bare(objects: list[LabelObject]) -> list[Any]:
        return [(o.class_name, o.shape, o.attributes, o.score) for o in objects]

    return bare(before.objects) == bare(after)


def _mark(item: Item, *, empty: bool) -> None:
    """Remember that a picture without labels was looked at."""
    kept = dict((item.source or {}).get("roboflow", {}))
    if empty or kept.get("empty"):
        kept["empty"] = empty
        item.source = {**(item.source or {}), "roboflow": kept}


def _make_room(session: Session, project: Project, payload: Payload) -> None:
    """Make the classes and attributes that the labels name and the project lacks; callers racing for one get the same."""
    names: list[str] = list(dict.fromkeys([*(o.class_name for o in payload.document.objects), *(payload.labels or [])]))
    attributes = _wanted_attributes(payload)
    if not _lacking(session, project, names) and not attributes:
        return
    # Everybody who adds to this project's ontology queues here; on SQLite they do anyway.
    session.refresh(project, with_for_update={"key_share": True})
    for name in _lacking(session, project, names):
        ontology.add_class(session, project, ClassInput(name, skeleton=payload.skeletons.get(name)))
    rows = {a.name: a for a in ontology.attributes_of(session, project.id) if a.scope == "item"}
    for entry in attributes:
        row = rows.get(entry.name)
        if row is None:
            ontology.add_attribute(session, project, entry)
        elif entry.options:
            _widen(session, project, row, entry)


def _lacking(session: Session, project: Project, names: list[str]) -> list[str]:
    known = {c.name for c in ontology.classes_of(session, project.id)}
    return [name for name in names if name not in known]


def _wanted_attributes(payload: Payload) -> list[AttributeInput]:
    wanted = [AttributeInput(name, "text", scope="item") for name, text in payload.texts.items() if text]
    if payload.labels:
        wanted.append(AttributeInput(LABELS, "many_of", scope="item", options=payload.labels))
    for name, value in payload.document.attributes.items():
        kind = "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
        wanted.append(AttributeInput(name, kind, scope="item"))  # type: ignore[arg-type]
    return wanted


def _widen(session: Session, project: Project, row: Attribute, entry: AttributeInput) -> None:
    options = list(dict.fromkeys([*row.options, *entry.options]))
    if options != row.options:
        ontology.change_attribute(session, project, row, options=options)


def clear(session: Session, actor: Actor, item_ids: list[int]) -> int:
    """Take away all labels of these images; how many had some."""
    cleared = 0
    for item in session.scalars(select(Item).where(Item.id.in_(item_ids)).order_by(Item.id)):
        head = documents.read(session, item.id)
        if not head.document.objects and not head.document.attributes:
            continue
        change = Change(delete=[o.id for o in head.document.objects], attributes={})
        documents.save(session, actor, item, change, base=head.version, kind="import")
        cleared += 1
    return cleared
