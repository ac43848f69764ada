"""Annotations of images: the labels of a whole picture, in and out, in the continuous coordinates of the labeling tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from labelwright.errors import NotFound
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import documents, first_labels
from labelwright.services.documents import Stored
from labelwright.services.first_labels import Labels
from labelwright.vendors.supervisely import ids, labels, listing, wire
from labelwright.vendors.supervisely.asking import CHUNK, Ask, Method, Methods
from labelwright.vendors.supervisely.geometry import Grid, type_of
from labelwright.vendors.supervisely.known import Known, known
from labelwright.vendors.supervisely.labels import Signed
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

MOST = 2000
PAGE = 1000
FIELDS = {
    "id": Field(Item.id, ID),
    "imageId": Field(Item.id, ID),
    "name": Field(Item.name),
    "imageName": Field(Item.name),
}


def heads(ask: Ask, found: Sequence[Item], *, lock: bool = False) -> dict[int, Stored]:
    """The newest labels of items, by item id. `lock`: to change them, see `claim`."""
    if lock:
        claim(ask, found)
    stored: dict[int, Stored] = {}
    numbers = sorted({item.id for item in found})
    for start in range(0, len(numbers), CHUNK):
        stored |= documents.read_many(ask.session, numbers[start : start + CHUNK])
    return stored


def claim(ask: Ask, found: Sequence[Item]) -> None:
    """Wait for others who change the labels of these items and read again what is remembered of the items (`kept_of`);
    who comes later waits until this transaction ends. The package sends tags of the same images in several calls at once."""
    if ask.session.get_bind().dialect.name != "postgresql":
        return  # SQLite has one writer anyway
    there = {item.id: item for item in found}
    numbers = sorted(there)
    for start in range(0, len(numbers), CHUNK):
        rows = select(Item.id, Item.source).where(Item.id.in_(numbers[start : start + CHUNK])).order_by(Item.id)
        for key, source in ask.session.execute(rows.with_for_update(key_share=True)):
            set_committed_value(there[key], "source", source)


def signatures(ask: Ask, stored: dict[int, Stored]) -> dict[int, Signed]:
    """Who labeled each item last, and when."""
    people = {head.updated_by for head in stored.values()} - {None}
    logins = dict(ask.session.execute(select(User.id, User.email).where(User.id.in_(people))).tuples().all())
    return {
        key: Signed(logins.get(head.updated_by or 0), wire.moment(head.created_at), wire.moment(head.updated_at))
        for key, head in stored.items()
    }


def kept_of(item: Item) -> dict[str, Any]:
    """What only this vendor knows of an image: its description and what of its annotation has no place."""
    return (item.source or {}).get("supervisely") or {}


def keep(item: Item, **values: Any) -> None:
    """Remember something of an image; a value of None is forgotten."""
    kept = {key: value for key, value in {**kept_of(item), **values}.items() if value is not None}
    if kept != kept_of(item):
        item.source = {**(item.source or {}), "supervisely": kept}


def upload(ask: Ask) -> dict[str, Any]:
    """Replace the annotations of images of a dataset."""
    batch = ask.batch(right="manage")
    entries = [wire.object_of(v, f"annotations[{n}]") for n, v in enumerate(ask.list("annotations", most=MOST))]
    refs = [wire.whole(entry.get("imageId"), f"annotations[{n}].imageId") for n, entry in enumerate(entries)]
    if len(set(refs)) < len(refs):
        raise Refused(400, "An image stands twice in annotations.")
    found = ask.items(refs, "manage", batch=batch)
    project = ask.project_of(batch)
    knows, stored = known(ask.session, project), heads(ask, found, lock=True)
    changes = [
        _replaced(knows, item, stored.get(item.id), wire.object_of(entry.get("annotation"), f"annotations[{n}].annotation"),
                  f"annotations[{n}].annotation")
        for n, (item, entry) in enumerate(zip(found, entries, strict=True))
    ]  # fmt: skip
    first_labels.save_many(ask.session, ask.actor, project, changes)
    return {"success": True}


def _replaced(knows: Known, item: Item, stored: Stored | None, sent: dict[str, Any], at: str) -> Labels:
    """An annotation in the place of what there is. What the package cannot speak of here stays: cuboids of eight corners."""
    document = stored.document if stored is not None else Document()
    present = {thing.id: thing for thing in document.objects}
    spoken = {key for key, thing in present.items() if _spoken(knows, thing)}
    grid = Grid(*labels.size_of(item, sent.get("size")), subpixel=True)
    entries = wire.list_of(sent.get("objects"), f"{at}.objects")
    put: list[LabelObject] = []
    taken: set[int] = set()
    free = max(present, default=0) + 1
    for number, entry in enumerate(entries):
        again = _own_id(item, entry, spoken - taken)
        key = again or free
        free += not again
        taken.add(key)
        put.append(labels.read_object(knows, entry, grid, key, f"{at}.objects[{number}]", nested=False))
    attributes, more, data = labels.read_tags(knows, sent.get("tags"), f"{at}.tags", None)
    text, custom = wire.text(sent.get("description") or "", f"{at}.description"), sent.get("customBigData") or None
    keep(item, description=text or None, customBigData=custom, tags=more or None, tagData=data or None)
    changed = [o for o in put if present.get(o.id) != o]
    same = attributes == document.attributes
    return Labels(item, changed, sorted(spoken - taken), None if same else attributes, stored)


def _own_id(item: Item, entry: Any, present: set[int]) -> int:
    """The number of the object that a label says it is, else 0."""
    ref = entry.get("id") if isinstance(entry, dict) else None
    if isinstance(ref, int) and not isinstance(ref, bool) and ref > 0 and ref >> ids.BITS == item.id:
        number = ref & ((1 << ids.BITS) - 1)
        return number if number in present else 0
    return 0


def _spoken(knows: Known, thing: LabelObject) -> bool:
    """Whether an annotation can hold an object: the package fails on reading and on sending a `cuboid` there."""
    entry = knows.by_name.get(thing.class_name)
    shape = thing.shape
    if shape is None:
        return False
    return type_of(shape, entry.shape if entry else "any", labels.extra_of(thing)) != "cuboid"


def annotation_json(
    knows: Known, item: Item, stored: Stored | None, signed: Signed, *, subpixel: bool
) -> dict[str, Any]:
    """An annotation as the package reads it."""
    document = stored.document if stored is not None else Document()
    size = {"height": item.height, "width": item.width}
    objects: list[dict[str, Any]] = []
    if item.width and item.height:
        grid = Grid(item.width, item.height, subpixel=subpixel)
        objects = [
            labels.flat(labels.write_object(knows, item, thing, grid, signed, alpha=False))
            for thing in document.objects if _spoken(knows, thing)
        ]  # fmt: skip
    kept = kept_of(item)
    tags = labels.write_tags(knows, document.attributes, kept.get("tags", {}), signed, item.id, kept.get(labels.DATA))
    return {"description": kept.get("description", ""), "size": size, "tags": tags, "objects": objects,
            "customBigData": kept.get("customBigData", {})}  # fmt: skip


def shown(ask: Ask, found: Sequence[Item], knows: Known) -> list[dict[str, Any]]:
    """Annotations of images of one project, in that order. Without the flag `integerCoords` the package means whole pixels."""
    subpixel = not ask.flag("integerCoords", True)
    stored = heads(ask, found)
    signed = signatures(ask, stored)
    rows = []
    for item in found:
        at = signed.get(item.id, labels.UNSIGNED)
        body = annotation_json(knows, item, stored.get(item.id), at, subpixel=subpixel)
        rows.append({
            "imageId": item.id, "imageName": item.name, "datasetId": item.batch_id, "annotation": body,
            "createdAt": at.created or wire.moment(item.created_at), "updatedAt": at.updated or wire.moment(item.updated_at),
        })  # fmt: skip
    return rows


def info(ask: Ask) -> dict[str, Any]:
    """The annotation of one image."""
    item = ask.item("imageId")
    return shown(ask, [item], known(ask.session, ask.project_of(item)))[0]


def many(ask: Ask) -> list[dict[str, Any]]:
    """Annotations of images of a dataset."""
    batch = ask.batch()
    found = ask.items(ask.wholes("imageIds", most=MOST), batch=batch)
    return shown(ask, found, known(ask.session, ask.project_of(batch)))


def listed(ask: Ask) -> dict[str, Any]:
    """Annotations of a dataset, page by page."""
    batch = ask.batch()
    knows = known(ask.session, ask.project_of(batch))
    query = select(Item).where(Item.project_id == batch.project_id, Item.batch_id == batch.id)

    def shape(rows: Any) -> list[dict[str, Any]]:
        # The id is what pages go on from.
        return [{**row, "id": row["imageId"]} for row in shown(ask, [row[0] for row in rows], knows)]

    return listing.page(ask, query, FIELDS, shape, id_column=Item.id, size=PAGE)


def copy(ask: Ask) -> dict[str, Any]:
    """Put the annotations of images in the place of those of other images; classes and tags are found by name."""
    sources = ask.items(ask.wholes("srcImageIds", most=MOST))
    targets = ask.items(ask.wholes("destImageIds", most=MOST), "manage")
    if len(sources) != len(targets) or len({item.id for item in targets}) < len(targets):
        raise Refused(400, "srcImageIds and destImageIds must be lists of one length, each target once.")
    by_project: dict[int, list[tuple[Item, Item]]] = {}
    for source, target in zip(sources, targets, strict=True):
        by_project.setdefault(target.project_id, []).append((source, target))
    stored = heads(ask, [*sources, *targets], lock=True)
    for project_id, pairs in by_project.items():
        project = ask.session.get_one(Project, project_id)
        knows = known(ask.session, project)
        changes = [_copied(knows, target, stored.get(source.id), stored.get(target.id)) for source, target in pairs]
        for source, target in pairs:
            kept = kept_of(source)
            keep(
                target,
                description=kept.get("description"),
                customBigData=kept.get("customBigData"),
                tags=kept.get("tags"),
                tagData=kept.get(labels.DATA),
            )
        first_labels.save_many(ask.session, ask.actor, project, changes)
    return {"success": True}


def _copied(knows: Known, target: Item, source: Stored | None, present: Stored | None) -> Labels:
    objects = source.document.objects if source is not None else []
    before = present.document.objects if present is not None else []
    missing = next((o.class_name for o in objects if o.class_name not in knows.by_name), None)
    if missing is not None:
        raise NotFound(f"There is no class {missing!r} in the project of the image {target.id}.")
    start = max((o.id for o in before), default=0) + 1
    put = [msgspec.structs.replace(o, id=start + n) for n, o in enumerate(objects)]
    attributes = source.document.attributes if source is not None else {}
    return Labels(target, put, [o.id for o in before], attributes, present)


METHODS: Methods = {
    "annotations.info": Method(info),
    "annotations.bulk.info": Method(many),
    "annotations.list": Method(listed),
    "annotations.bulk.add": Method(upload, write=True),
    "annotations.bulk.copy": Method(copy, write=True),
}
