"""Figures: labels one by one, in whole pixels, and the tags on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from labelwright.geometry.document import LabelObject
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import first_labels
from labelwright.services.documents import Stored
from labelwright.services.first_labels import Labels
from labelwright.vendors.supervisely import geometry, ids, labels, videolabels, wire
from labelwright.vendors.supervisely.annotations import heads, signatures
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.geometry import Grid
from labelwright.vendors.supervisely.known import Known, Tag, known
from labelwright.vendors.supervisely.labels import MINE, Signed
from labelwright.vendors.supervisely.tracks import FIGURE
from labelwright.vendors.supervisely.wire import Refused

MOST = 5000
Changed = Callable[[LabelObject, Known], LabelObject]


def add(ask: Ask) -> list[dict[str, Any]]:
    """New figures on images; their ids in the order they were sent."""
    sent = ask.list("figures", most=MOST)
    batch = ask.batch(right="manage") if ask.has("datasetId") else None
    refs = [_entity(ask, entry, f"figures[{n}]") for n, entry in enumerate(sent)]
    found = ask.items(list(dict.fromkeys(refs)), "manage")
    # The package's fast upload names the dataset of the call before, so another one of the same project is no fault.
    wrong = next((row for row in found if batch is not None and row.project_id != batch.project_id), None)
    if wrong is not None and batch is not None:
        raise Refused(400, f"{wrong.id} is not in the dataset {batch.id}.")
    if len(found) == 1 and found[0].kind == "video":
        return videolabels.add_figures(ask, found[0], sent)
    given: list[int] = [0] * len(sent)
    for project, rows in _by_project(ask, found):
        knows, stored = known(ask.session, project), heads(ask, rows, lock=True)
        grids = {item.id: Grid(*labels.size_of(item), subpixel=False) for item in rows}
        free = {item.id: max((o.id for o in objects_of(stored.get(item.id))), default=0) + 1 for item in rows}
        put: dict[int, list[LabelObject]] = {item.id: [] for item in rows}
        for place, (ref, entry) in enumerate(zip(refs, sent, strict=True)):
            if ref in put:
                put[ref].append(
                    labels.read_object(knows, entry, grids[ref], free[ref], f"figures[{place}]", nested=True)
                )
                given[place] = ids.join(ref, free[ref])
                free[ref] += 1
        entries = [Labels(item, put[item.id], [], None, stored.get(item.id)) for item in rows]
        first_labels.save_many(ask.session, ask.actor, project, entries)
    return [{"id": number} for number in given]


def _entity(ask: Ask, entry: Any, at: str) -> int:
    figure = wire.object_of(entry, at)
    ref = figure.get("entityId")
    return wire.whole(ref, f"{at}.entityId") if ref is not None else ask.whole("entityId")


def objects_of(stored: Stored | None) -> list[LabelObject]:
    """The objects of an item's labels."""
    return stored.document.objects if stored is not None else []


def _by_project(ask: Ask, found: Sequence[Item]) -> Iterator[tuple[Project, list[Item]]]:
    groups: dict[int, list[Item]] = {}
    for item in found:
        if item.kind != "image":
            raise Refused(400, f"{item.id} is a video; its figures belong to objects over frames.")
        groups.setdefault(item.project_id, []).append(item)
    for project_id, rows in groups.items():
        yield ask.session.get_one(Project, project_id), rows


def change(ask: Ask, wanted: dict[int, Changed | None]) -> None:
    """Change figures by their ids, or remove them (None), each item's in one save. Raises `Refused` for one that is not there."""
    places = {ref: ids.split(ref) for ref in wanted}
    found = ask.items(list(dict.fromkeys(item_id for item_id, _ in places.values())), "manage")
    for project, rows in _by_project(ask, found):
        knows, stored = known(ask.session, project), heads(ask, rows, lock=True)
        entries = []
        for item in rows:
            present = {o.id: o for o in objects_of(stored.get(item.id))}
            put, gone = [], []
            for ref, (item_id, number) in places.items():
                if item_id != item.id:
                    continue
                if number not in present:
                    raise Refused(404, f"There is no figure {ref}.", "Not found")
                changer = wanted[ref]
                if changer is None:
                    gone.append(number)
                else:
                    put.append(changer(present[number], knows))
            entries.append(Labels(item, put, gone, None, stored.get(item.id)))
        first_labels.save_many(ask.session, ask.actor, project, entries)


def _figure(ask: Ask, ref: int) -> tuple[Item, LabelObject, Known, Signed]:
    item_id, number = ids.split(ref)
    item = ask.items([item_id])[0]
    stored = heads(ask, [item])
    thing = next((o for o in objects_of(stored.get(item_id)) if o.id == number), None)
    if thing is None or thing.shape is None:
        raise Refused(404, f"There is no figure {ref}.", "Not found")
    return item, thing, known(ask.session, ask.project_of(item)), signatures(ask, stored)[item_id]


def figure_json(knows: Known, item: Item, thing: LabelObject, signed: Signed, *, subpixel: bool) -> dict[str, Any]:
    """A figure as the package reads it."""
    grid = Grid(*labels.size_of(item), subpixel=subpixel)
    body = labels.write_object(knows, item, thing, grid, signed, alpha=False)
    box, area = labels.bounds(thing, Grid(grid.width, grid.height, subpixel=False))
    return {**body, "entityId": item.id, "imageId": item.id, "projectId": item.project_id, "datasetId": item.batch_id,
            "geometryMeta": {"bbox": box}, "area": str(area), "meta": {}, "trackId": None, "realGeometry": None,
            "status": None}  # fmt: skip


def info(ask: Ask) -> dict[str, Any]:
    """One figure."""
    if ask.whole("id") >= FIGURE:
        return videolabels.figure_info(ask, ask.whole("id"))
    item, thing, knows, signed = _figure(ask, ask.whole("id"))
    return figure_json(knows, item, thing, signed, subpixel=not ask.flag("integerCoords", True))


def tags(ask: Ask) -> list[dict[str, Any]]:
    """The tags of a figure."""
    item, thing, knows, signed = _figure(ask, ask.whole("id"))
    extra = labels.extra_of(thing)
    return labels.write_tags(
        knows, thing.attributes, extra.get("tags", {}), signed, item.id, extra.get(labels.DATA), thing.id
    )


def edit(ask: Ask) -> dict[str, Any]:
    """Change a figure's geometry or tags."""
    ref = ask.whole("id")
    if ref >= FIGURE:
        return videolabels.edit_figure(ask, ref)
    item = ask.items([ids.split(ref)[0]], "manage")[0]

    def changed(thing: LabelObject, knows: Known) -> LabelObject:
        sent: dict[str, Any] = {
            "classTitle": thing.class_name,
            "geometryType": _kind(knows, thing),
            **labels.extra_of(thing),
        }
        grid = Grid(*labels.size_of(item), subpixel=False)
        if ask.has("geometry"):
            made = labels.read_object(
                knows, {**sent, "tags": [], "geometry": ask.object("geometry")}, grid, thing.id, "figure", nested=True
            )
            thing = msgspec.structs.replace(thing, shape=made.shape, extra=_with(thing, made))
        if ask.has("tags"):
            values, more, data = labels.read_tags(knows, ask.list("tags"), "tags", thing.class_name)
            thing = remembering(_tagged(thing, values, more), **{labels.DATA: data or None})
        if ask.has("nnCreated"):
            thing = msgspec.structs.replace(thing, source="model" if ask.flag("nnCreated") else "human")
        return thing

    change(ask, {ref: changed})
    return {"id": ref}


def _kind(knows: Known, thing: LabelObject) -> str:
    entry = knows.by_name.get(thing.class_name)
    assert thing.shape is not None
    return geometry.type_of(thing.shape, entry.shape if entry else "any", labels.extra_of(thing))


def _with(thing: LabelObject, made: LabelObject) -> dict[str, Any] | None:
    """What is kept of an object whose geometry was replaced: what described the old one goes."""
    old = {
        k: v
        for k, v in labels.extra_of(thing).items()
        if k not in ("alpha", "turned", "faces", "points", "nodes", "vertices", "more", "rest")
    }
    return {**(thing.extra or {}), MINE: {**old, **labels.extra_of(made)}}


def _tagged(thing: LabelObject, values: dict[str, Any], more: dict[str, Any]) -> LabelObject:
    extra = {k: v for k, v in labels.extra_of(thing).items() if k != "tags"} | ({"tags": more} if more else {})
    return msgspec.structs.replace(
        thing, attributes=values, extra={**(thing.extra or {}), MINE: extra} if extra else thing.extra
    )


def remembering(thing: LabelObject, **values: Any) -> LabelObject:
    """An object of which something is remembered that only their clients know; None is forgotten."""
    kept = {key: value for key, value in {**labels.extra_of(thing), **values}.items() if value is not None}
    others = {key: value for key, value in (thing.extra or {}).items() if key != MINE}
    return msgspec.structs.replace(thing, extra=(others | ({MINE: kept} if kept else {})) or None)


def with_tag(thing: LabelObject, tag: Tag, value: Any, at: str) -> LabelObject:
    """An object with one tag more; a further value of the same tag is kept beside. Raises `Refused`."""
    row = tag.of("object", thing.class_name)
    if row is None:
        raise Refused(400, f"{at}: the tag {tag.name!r} is not for objects of the class {thing.class_name!r}.")
    read = labels.value_in(tag, value, at)
    more = dict(labels.extra_of(thing).get("tags", {}))
    present = thing.attributes.get(tag.name)
    if row.kind == "many_of":
        return _tagged(thing, {**thing.attributes, tag.name: list(dict.fromkeys([*(present or []), read]))}, more)
    if present is None:
        return _tagged(thing, {**thing.attributes, tag.name: read}, more)
    kept = more.get(tag.name)
    more[tag.name] = [*(kept if kept and kept[0] == present else [present]), read]
    return _tagged(thing, thing.attributes, more)


def values_of(thing: LabelObject, tag: Tag) -> int:
    """How many values of a tag an object has."""
    value, kept = thing.attributes.get(tag.name), labels.extra_of(thing).get("tags", {}).get(tag.name)
    if value is None:
        return 0
    return len(kept) if kept and kept[0] == value else len(value) if isinstance(value, list) else 1


def add_tags(ask: Ask) -> list[dict[str, Any]]:
    """Tags on figures of a project; their ids in the order they were sent."""
    project = ask.project(right="manage")
    sent = [wire.object_of(v, f"tags[{n}]") for n, v in enumerate(ask.list("tags", most=20_000))]
    knows = known(ask.session, project)
    wanted: dict[int, list[tuple[Tag, Any, str]]] = {}
    given: dict[str, int] = {}
    for number, entry in enumerate(sent):
        at = f"tags[{number}]"
        tag = knows.tag_of(wire.whole(entry.get("tagId"), f"{at}.tagId"), at)
        wanted.setdefault(wire.whole(entry.get("figureId"), f"{at}.figureId"), []).append((tag, entry.get("value"), at))
    for ref in wanted:
        if ask.items([ids.split(ref)[0]])[0].project_id != project.id:
            raise Refused(400, f"The figure {ref} is not in this project.")

    def adding(ref: int) -> Changed:
        def changed(thing: LabelObject, _knows: Known) -> LabelObject:
            for tag, value, at in wanted[ref]:
                thing = with_tag(thing, tag, value, at)
                given[at] = ids.of_tag(ids.split(ref)[0], tag.id, values_of(thing, tag) - 1, thing.id)
            return thing

        return changed

    change(ask, {ref: adding(ref) for ref in wanted})
    return [{**entry, "id": given[f"tags[{number}]"]} for number, entry in enumerate(sent)]


def add_tag(ask: Ask) -> dict[str, Any]:
    """A tag on one figure."""
    ref, number = ask.whole("figureId"), ask.whole("tagId")
    given: list[int] = []

    def changed(thing: LabelObject, knows: Known) -> LabelObject:
        tag = knows.tag_of(number, "tagId")
        thing = with_tag(thing, tag, ask.value("value", None), "value")
        given.append(ids.of_tag(ids.split(ref)[0], tag.id, values_of(thing, tag) - 1, thing.id))
        return thing

    change(ask, {ref: changed})
    return {
        "id": given[0],
        "tagId": number,
        "figureId": ref,
        "value": ask.value("value", None),
    }


def remove_tag(ask: Ask) -> dict[str, Any]:
    """Take a tag off a figure."""
    ref, number = ask.whole("figureId"), ask.whole("tagId")

    def changed(thing: LabelObject, knows: Known) -> LabelObject:
        name = knows.tag_of(number, "tagId").name
        if name not in thing.attributes:
            raise Refused(404, f"The figure {ref} has no tag {name!r}.", "Not found")
        more = {k: v for k, v in labels.extra_of(thing).get("tags", {}).items() if k != name}
        return _tagged(thing, {k: v for k, v in thing.attributes.items() if k != name}, more)

    change(ask, {ref: changed})
    return {"success": True}


def priority(ask: Ask) -> dict[str, Any]:
    """What lies on top of what, kept as sent."""
    value = ask.whole("priority")

    def changed(thing: LabelObject, _knows: Known) -> LabelObject:
        return msgspec.structs.replace(
            thing, extra={**(thing.extra or {}), MINE: {**labels.extra_of(thing), "priority": value}}
        )

    change(ask, {ask.whole("id"): changed})
    return {"success": True}


def remove(ask: Ask) -> dict[str, Any]:
    """Take figures away."""
    refs = ask.wholes("figureIds", most=MOST)
    videolabels.remove_figures(ask, [ref for ref in refs if ref >= FIGURE])
    change(ask, dict.fromkeys(ref for ref in refs if ref < FIGURE))
    return {"success": True}


def read_geometries(_context: Any, _actor: Any, form: Any) -> list[tuple[int, dict[str, Any]]]:
    """The pairs of a form: a figure's id and its geometry as JSON."""
    refs, found = form.getlist("figureId"), []
    parts = form.getlist("geometry")
    if len(refs) != len(parts) or not refs:
        raise Refused(400, "The form needs pairs of figureId and geometry.")
    for ref, part in zip(refs, parts, strict=True):
        raw = part.file.read() if hasattr(part, "file") else str(part).encode()
        try:
            value = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            raise Refused(400, f"The geometry of the figure {wire.short(ref)} is not JSON.") from None
        found.append((wire.whole(ref, "figureId"), wire.object_of(value, "geometry")))
    return found


def upload_geometries(ask: Ask) -> dict[str, Any]:
    """The bitmaps of alpha masks, which the package sends apart from their figures."""
    sent = dict(ask.prepared)
    sizes = {item.id: labels.size_of(item) for item in ask.items([ids.split(ref)[0] for ref in sent], "manage")}

    def setting(ref: int) -> Changed:
        def changed(thing: LabelObject, knows: Known) -> LabelObject:
            grid = Grid(*sizes[ids.split(ref)[0]], subpixel=False)
            body = sent[ref] if "bitmap" in sent[ref] else {"bitmap": sent[ref]}
            shape, extra = geometry.read(_kind(knows, thing), body, grid, f"geometry of {ref}")
            kept = {k: v for k, v in labels.extra_of(thing).items() if k != "alpha"} | extra
            return msgspec.structs.replace(thing, shape=shape, extra={**(thing.extra or {}), MINE: kept})

        return changed

    change(ask, {ref: setting(ref) for ref in sent})
    return {"success": True}


def download_geometries(ask: Ask) -> Response:
    """Geometries of figures as the parts of a form, named by their ids."""
    refs = ask.wholes("ids", most=MOST)
    found = {item.id: item for item in ask.items([ids.split(ref)[0] for ref in refs])}
    stored = heads(ask, list(found.values()))
    knows = {p.id: known(ask.session, p) for p, _ in _by_project(ask, list(found.values()))}
    parts: list[tuple[str, str, Iterator[bytes]]] = []
    for ref in refs:
        item_id, number = ids.split(ref)
        thing = next((o for o in objects_of(stored.get(item_id)) if o.id == number), None)
        if thing is None or thing.shape is None:
            raise Refused(404, f"There is no figure {ref}.", "Not found")
        item = found[item_id]
        entry = knows[item.project_id]
        body = labels.write_object(entry, item, thing, Grid(*labels.size_of(item), subpixel=False), labels.UNSIGNED)[
            "geometry"
        ]
        content = body.get("bitmap", body)
        parts.append((str(ref), "application/json", iter([msgspec.json.encode(content)])))
    return wire.multipart(iter(parts))


METHODS: Methods = {
    "figures.bulk.add": Method(add, write=True),
    "figures.info": Method(info),
    "figures.editInfo": Method(edit, write=True),
    "figures.priority.update": Method(priority, write=True),
    "figures.bulk.remove": Method(remove, write=True),
    "figures.tags.list": Method(tags),
    "figures.tags.bulk.add": Method(add_tags, write=True),
    "figures.bulk.upload.geometry": Method(upload_geometries, write=True, prepare=read_geometries, form=True),
    "figures.bulk.download.geometry": Method(download_geometries),
    "object-tags.add-to-object": Method(add_tag, write=True),
    "object-tags.remove-from-figure": Method(remove_tag, write=True),
}
