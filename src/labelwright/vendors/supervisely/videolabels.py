"""Labels of videos: objects, their figures frame by frame, tags with ranges of frames, and whole annotations. All in whole
pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from labelwright.geometry import measures
from labelwright.geometry.document import Document
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import documents
from labelwright.services.documents import Change
from labelwright.vendors.supervisely import annotations, geometry, ids, labels, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.geometry import Grid
from labelwright.vendors.supervisely.known import ANY, Known, known
from labelwright.vendors.supervisely.labels import UNSIGNED, Signed
from labelwright.vendors.supervisely.tracks import Raw, Sheet, Track, figure_id, split_figure, split_tag, tag_id
from labelwright.vendors.supervisely.wire import Refused

MOST = 5000
SAID = ("trackId", "priority", "smartToolInput")


def sheet(ask: Ask, item: Item, knows: Known | None = None) -> tuple[Sheet, int]:
    """The labels of a video and their version. Raises `Refused` while its frames are not counted."""
    if item.kind != "video":
        raise Refused(400, f"{item.id} is an image, not a video.")
    if item.media_state != "ready":
        raise Refused(
            400, f"The file of the video {item.id} is not here yet: {item.media_error or 'it is being fetched'}."
        )
    stored = documents.read(ask.session, item.id)
    there = knows or known(ask.session, ask.project_of(item))
    return Sheet(there, item, stored.document), stored.version


def save(ask: Ask, page: Sheet, base: int, gone: Sequence[int] = ()) -> None:
    """Write what was changed of a video's labels, in one save."""
    attributes, frames = page.values() if page.tags_changed else (None, None)
    change = Change(put=page.objects(), delete=list(gone), attributes=attributes, frames=frames)
    if page.tags_changed or page.next != int(annotations.kept_of(page.item).get("tagCounter") or 1):
        annotations.keep(page.item, tagCounter=page.next, videoTags=list(page.tags) or None)
    if change.put or change.delete or page.tags_changed:
        documents.save(ask.session, ask.actor, page.item, change, base=base)


# --- objects ------------------------------------------------------------------------------------------------------------


def add_objects(ask: Ask) -> list[dict[str, Any]]:
    """New objects without figures; their ids in the order they were sent."""
    batch = ask.batch(right="manage")
    knows = known(ask.session, ask.project_of(batch))
    sent = [
        wire.object_of(v, f"annotationObjects[{n}]") for n, v in enumerate(ask.list("annotationObjects", most=MOST))
    ]
    refs = []
    for number, entry in enumerate(sent):
        if entry.get("entityId") is None:
            raise Refused(
                400,
                f"annotationObjects[{number}].entityId is missing; objects of several views at once are not kept here.",
            )
        refs.append(wire.whole(entry["entityId"], f"annotationObjects[{number}].entityId"))
    found = {item.id: item for item in ask.items(refs, "manage", batch=batch)}
    given: list[int] = [0] * len(sent)
    for item in found.values():
        page, base = sheet(ask, item, knows)
        for place, (ref, entry) in enumerate(zip(refs, sent, strict=True)):
            if ref == item.id:
                at = f"annotationObjects[{place}].classId"
                track = page.new_track(knows.class_of(wire.whole(entry.get("classId"), at), at).name)
                given[place] = ids.join(item.id, track.number)
        save(ask, page, base)
    return [{"id": number} for number in given]


def _track(page: Sheet, number: int, ref: int) -> Track:
    if number not in page.tracks:
        raise Refused(404, f"There is no object {ref}.", "Not found")
    return page.tracks[number]


def remove_objects(ask: Ask) -> dict[str, Any]:
    """Delete objects with their figures."""
    refs = [wire.whole(v, "id") for v in (ask.body if isinstance(ask.body, list) else ask.list("ids"))]
    by_item: dict[int, list[int]] = {}
    for ref in refs:
        item_id, number = ids.split(ref)
        by_item.setdefault(item_id, []).append(number)
    for item in ask.items(list(by_item), "manage"):
        page, base = sheet(ask, item)
        for number in by_item[item.id]:
            _track(page, number, ids.join(item.id, number))
        save(ask, page, base, by_item[item.id])
    return {"success": True}


def object_info(ask: Ask) -> dict[str, Any]:
    """One object."""
    item_id, number = ids.split(ask.whole("id"))
    item = ask.items([item_id])[0]
    page, _ = sheet(ask, item)
    return _object_json(page, _track(page, number, ask.whole("id")), _signed(ask, item))


def objects_listed(ask: Ask) -> dict[str, Any]:
    """Objects of a dataset's videos."""
    batch = ask.batch()
    knows = known(ask.session, ask.project_of(batch))
    rows = []
    query = select(Item).where(Item.batch_id == batch.id, Item.kind == "video", Item.media_state == "ready")
    for item in ask.session.scalars(query.order_by(Item.id)).all():
        page, _ = sheet(ask, item, knows)
        rows += [_object_json(page, track, _signed(ask, item)) for track in page.tracks.values()]
    fields = {name: listing.Field(read=listing.ID) for name in ("id", "entityId", "classId")}
    return listing.at_hand(ask, rows, fields)


def _object_json(page: Sheet, track: Track, signed: Signed) -> dict[str, Any]:
    known_class = page.knows.by_name.get(track.class_name)
    return {
        "id": ids.join(page.item.id, track.number), "classId": known_class.row.id if known_class else None,
        "classTitle": track.class_name, "entityId": page.item.id, "datasetId": page.item.batch_id, "description": "", "meta": {},
        "tags": [_tag_json(page, raw, signed) for raw in track.tags], "createdBy": page.item.created_by,
        "labelerLogin": signed.login, "createdAt": signed.created, "updatedAt": signed.updated,
    }  # fmt: skip


# --- tags ---------------------------------------------------------------------------------------------------------------


def _tag_json(page: Sheet, raw: Raw, signed: Signed) -> dict[str, Any]:
    tag = page.knows.tag_by_name.get(raw["name"])
    body = {
        "id": tag_id(page.item.id, raw["n"]), "tagId": tag.id if tag else None, "name": raw["name"], "value": raw["value"],
        "labelerLogin": signed.login, "createdAt": signed.created, "updatedAt": signed.updated, **raw.get("more", {}),
    }  # fmt: skip
    return body | ({"frameRange": raw["range"]} if raw["range"] else {})


def item_tags(knows: Known, item: Item, document: Document | None, signed: Signed | None) -> list[dict[str, Any]]:
    """The tags of a video, for lists of videos."""
    bare = Document(attributes=document.attributes, frames=document.frames) if document else Document()
    page = Sheet(knows, item, bare)
    return [_tag_json(page, raw, signed or UNSIGNED) for raw in page.tags]


def add_video_tags(ask: Ask) -> list[dict[str, Any]]:
    """Tags on a video; their ids in the order they were sent."""
    item = ask.item("videoId", "manage")
    page, base = sheet(ask, item)
    made = [
        page.read_tag(wire.object_of(v, f"tags[{n}]"), f"tags[{n}]", None)
        for n, v in enumerate(ask.list("tags", most=MOST))
    ]
    page.tags = [*page.tags, *made]
    page.touched(None)
    save(ask, page, base)
    return [{"id": tag_id(item.id, raw["n"])} for raw in made]


def add_video_tag(ask: Ask) -> dict[str, Any]:
    """One tag on a video."""
    item = ask.item("videoId", "manage")
    page, base = sheet(ask, item)
    raw = page.read_tag(ask.body, "tag", None)
    page.tags = [*page.tags, raw]
    page.touched(None)
    save(ask, page, base)
    ask.session.flush()
    return _tag_json(page, raw, _signed(ask, item))


def add_object_tags(ask: Ask) -> list[dict[str, Any]]:
    """Tags on objects of a project; their ids in the order they were sent."""
    sent = [wire.object_of(v, f"tags[{n}]") for n, v in enumerate(ask.list("tags", most=MOST))]
    project = ask.project(right="manage") if ask.has("projectId") else None
    return [{"id": number} for number in _tag_objects(ask, sent, project)]


def add_object_tag(ask: Ask) -> dict[str, Any]:
    """One tag on an object."""
    return {"id": _tag_objects(ask, [wire.object_of(ask.body, "tag")], None)[0]}


def _tag_objects(ask: Ask, sent: Sequence[dict[str, Any]], project: Project | None) -> list[int]:
    places = [ids.split(wire.whole(entry.get("objectId"), f"tags[{n}].objectId")) for n, entry in enumerate(sent)]
    given: list[int] = [0] * len(sent)
    for item in ask.items(list(dict.fromkeys(item_id for item_id, _ in places)), "manage"):
        if project is not None and item.project_id != project.id:
            raise Refused(400, f"The video {item.id} is not in the project {project.id}.")
        page, base = sheet(ask, item)
        for place, ((item_id, number), entry) in enumerate(zip(places, sent, strict=True)):
            if item_id == item.id:
                track = _track(page, number, entry["objectId"])
                raw = page.read_tag(entry, f"tags[{place}]", track.class_name)
                track.tags = [*track.tags, raw]
                page.touched(track)
                given[place] = tag_id(item.id, raw["n"])
        save(ask, page, base)
    return given


def _change_tag(ask: Ask, change: Callable[[Sheet, list[Raw], Raw, Track | None], list[Raw]]) -> dict[str, Any]:
    item_id, number = split_tag(ask.whole("id"))
    item = ask.items([item_id], "manage")[0]
    page, base = sheet(ask, item)
    found = page.find(number)
    if found is None:
        raise Refused(404, f"There is no tag {ask.whole('id')}.", "Not found")
    tags, raw, track = found
    after = change(page, tags, raw, track)
    if track is None:
        page.tags = after
    else:
        track.tags = after
    page.touched(track)
    save(ask, page, base)
    return {"success": True}


def remove_tag(ask: Ask) -> dict[str, Any]:
    """Take a tag off a video or an object."""
    return _change_tag(ask, lambda _page, tags, raw, _track: [tag for tag in tags if tag is not raw])


def move_tag(ask: Ask) -> dict[str, Any]:
    """Give a tag another range of frames."""

    def change(page: Sheet, tags: list[Raw], raw: Raw, _track: Track | None) -> list[Raw]:
        ends = page.read_range(ask.list("frameRange"), "frameRange")
        return [{**tag, "range": ends} if tag is raw else tag for tag in tags]

    return _change_tag(ask, change)


def set_tag(ask: Ask) -> dict[str, Any]:
    """Give a tag another value."""

    def change(page: Sheet, tags: list[Raw], raw: Raw, _track: Track | None) -> list[Raw]:
        value = labels.value_in(page.knows.tag_of(raw["name"], "tag"), ask.value("value", None), "value")
        return [{**tag, "value": None if value is True else value} if tag is raw else tag for tag in tags]

    return _change_tag(ask, change)


# --- figures ------------------------------------------------------------------------------------------------------------


def add_figures(ask: Ask, item: Item, sent: Sequence[Any]) -> list[dict[str, Any]]:
    """New figures of a video's objects, each in its frame; their ids in the order they were sent."""
    page, base = sheet(ask, item)
    given = []
    for number, entry in enumerate(sent):
        at = f"figures[{number}]"
        body = wire.object_of(entry, at)
        item_id, object_number = ids.split(wire.whole(body.get("objectId"), f"{at}.objectId"))
        if item_id != item.id:
            raise Refused(400, f"{at}.objectId: the object is of another video.")
        track = _track(page, object_number, body["objectId"])
        frame = wire.whole(wire.object_of(body.get("meta"), f"{at}.meta").get("frame"), f"{at}.meta.frame")
        if not 0 <= frame < item.frames:
            raise Refused(
                400, f"{at}.meta.frame: the video has {item.frames} frames, numbered from 0; there is no frame {frame}."
            )
        if frame in track.shapes:
            raise Refused(400, f"{at}: the object has a figure in frame {frame} already; make one object for each.")
        _draw(page, track, frame, body, at)
        given.append(figure_id(item.id, track.number, frame))
    save(ask, page, base)
    return [{"id": number} for number in given]


def _draw(page: Sheet, track: Track, frame: int, body: dict[str, Any], at: str) -> None:
    entry = page.knows.class_of(track.class_name, at)
    kind = body.get("geometryType")
    if kind is None:
        kind = entry.shape if entry.shape != ANY else page_kind(page, track, frame)
    if entry.shape not in (ANY, kind):
        raise Refused(400, f"{at}: the class {entry.name!r} is drawn as {entry.shape}, not as {wire.short(kind)}.")
    shape, extra = geometry.read(
        kind, wire.object_of(body.get("geometry"), f"{at}.geometry"), _grid(page.item), f"{at}.geometry"
    )
    said = {key: body[key] for key in SAID if body.get(key) is not None}
    said |= {key: True for key in ("nnCreated", "nnUpdated") if body.get(key)}
    if entry.shape == ANY:
        extra = {**extra, "geometryType": kind}
    if extra:
        said["geometry"] = extra
    track.shapes[frame] = shape
    track.figures[frame] = said
    track.changed = True


def page_kind(page: Sheet, track: Track, frame: int) -> str:
    """Their name of the shape that an object has in a frame."""
    entry = page.knows.by_name.get(track.class_name)
    said = track.figures.get(frame, {})
    return geometry.type_of(track.shapes[frame], entry.shape if entry else ANY, said.get("geometry", {}))


def _grid(item: Item) -> Grid:
    return Grid(*labels.size_of(item), subpixel=False)


def edit_figure(ask: Ask, ref: int) -> dict[str, Any]:
    """Draw a figure anew."""
    item_id, number, frame = split_figure(ref)
    item = ask.items([item_id], "manage")[0]
    page, base = sheet(ask, item)
    track = _track(page, number, ref)
    if frame not in track.shapes:
        raise Refused(404, f"There is no figure {ref}.", "Not found")
    said = track.figures.get(frame, {})
    body = {**said, **ask.body, "geometryType": ask.text("geometryType", page_kind(page, track, frame))}
    if ask.has("geometry"):
        _draw(page, track, frame, body, "figure")
    else:
        track.figures[frame] = {
            **said,
            **{key: body[key] for key in (*SAID, "nnCreated", "nnUpdated") if body.get(key) is not None},
        }
        track.changed = True
    save(ask, page, base)
    return {"id": ref}


def remove_figures(ask: Ask, refs: Sequence[int]) -> None:
    """Take figures out of their frames; an object that has none left stays."""
    by_item: dict[int, list[tuple[int, int, int]]] = {}
    for ref in refs:
        item_id, number, frame = split_figure(ref)
        by_item.setdefault(item_id, []).append((number, frame, ref))
    for item in ask.items(list(by_item), "manage"):
        page, base = sheet(ask, item)
        for number, frame, ref in by_item[item.id]:
            track = _track(page, number, ref)
            if track.shapes.pop(frame, None) is None:
                raise Refused(404, f"There is no figure {ref}.", "Not found")
            track.figures.pop(frame, None)
            track.changed = True
            track.thing = _imported(track)
        save(ask, page, base)


def _imported(track: Track) -> Any:
    """An object without figures is one that was announced: only those may be empty."""

    return msgspec.structs.replace(track.thing, source="import") if not track.shapes else track.thing


def figures_of(ask: Ask, item: Item, knows: Known, *, full: bool = False) -> list[dict[str, Any]]:
    """All figures of a video, frame by frame. `full`: with what lists of figures have beside."""
    page, _ = sheet(ask, item, knows)
    return [row for _, rows in _by_frame(page, _signed(ask, item), full=full) for row in rows]


def figure_info(ask: Ask, ref: int) -> dict[str, Any]:
    """One figure of a video."""
    item = ask.items([split_figure(ref)[0]])[0]
    for row in figures_of(ask, item, known(ask.session, ask.project_of(item)), full=True):
        if row["id"] == ref:
            return row
    raise Refused(404, f"There is no figure {ref}.", "Not found")


def _by_frame(page: Sheet, signed: Signed, *, full: bool) -> list[tuple[int, list[dict[str, Any]]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for track in page.tracks.values():
        for frame in sorted(track.shapes):
            found.setdefault(frame, []).append(_figure_json(page, track, frame, signed, full=full))
    return sorted(found.items())


def _figure_json(page: Sheet, track: Track, frame: int, signed: Signed, *, full: bool) -> dict[str, Any]:
    item, said, shape = page.item, track.figures.get(frame, {}), track.shapes[frame]
    kind, grid = page_kind(page, track, frame), _grid(page.item)
    extra = said.get("geometry", {})
    entry = page.knows.by_name.get(track.class_name)
    if kind == "graph" and entry is not None and entry.nodes:
        extra = {**extra, "nodes": entry.nodes}
    body = {
        "id": figure_id(item.id, track.number, frame), "objectId": ids.join(item.id, track.number), "geometryType": kind,
        "geometry": geometry.WRITE[kind](shape, grid, extra), "trackId": said.get("trackId"),
        "nnCreated": bool(said.get("nnCreated")), "nnUpdated": bool(said.get("nnUpdated")), "priority": said.get("priority"),
        "smartToolInput": said.get("smartToolInput"), "meta": {"frame": frame}, "labelerLogin": signed.login,
        "createdAt": signed.created, "updatedAt": signed.updated,
    }  # fmt: skip
    if not full:
        return body
    x1, y1, x2, y2 = measures.bounds(shape)
    left, top, right, bottom = grid.box_out(x1 * grid.width, y1 * grid.height, x2 * grid.width, y2 * grid.height)
    return body | {
        "classId": entry.row.id if entry else None, "entityId": item.id, "imageId": item.id, "projectId": item.project_id,
        "datasetId": item.batch_id, "tags": [], "customData": None, "description": "",
        "geometryMeta": {"bbox": [round(top), round(left), round(bottom), round(right)]},
        "area": str(round(measures.area(shape, grid.width, grid.height), 3)),
    }  # fmt: skip


# --- whole annotations --------------------------------------------------------------------------------------------------


def _signed(ask: Ask, item: Item) -> Signed:
    return annotations.signatures(ask, annotations.heads(ask, [item])).get(item.id, UNSIGNED)


def annotated(ask: Ask) -> list[dict[str, Any]]:
    """Annotations of videos, in the order they were asked for; of one dataset when it is named."""
    batch = ask.batch() if ask.has("datasetId") else None
    found = ask.items(ask.wholes("videoIds", most=MOST), batch=batch)
    stored = annotations.heads(ask, found)
    signed = annotations.signatures(ask, stored)
    knows: dict[int, Known] = {}
    rows = []
    for item in found:
        if item.project_id not in knows:
            knows[item.project_id] = known(ask.session, ask.project_of(item))
        page, _ = sheet(ask, item, knows[item.project_id])
        rows.append(_annotation(page, signed.get(item.id, UNSIGNED)))
    return rows


def _annotation(page: Sheet, signed: Signed) -> dict[str, Any]:
    item = page.item
    return {
        "videoId": item.id, "videoName": item.name, "datasetId": item.batch_id,
        "description": annotations.kept_of(item).get("description", ""), "size": {"height": item.height, "width": item.width},
        "framesCount": item.frames, "tags": [_tag_json(page, raw, signed) for raw in page.tags],
        "objects": [_object_json(page, track, signed) for track in page.tracks.values()],
        "frames": [{"index": frame, "figures": rows} for frame, rows in _by_frame(page, signed, full=False)],
    }  # fmt: skip


METHODS: Methods = {
    "videos.annotations.bulk.info": Method(annotated),
    "videos.tags.bulk.add": Method(add_video_tags, write=True),
    "videos.tags.add": Method(add_video_tag, write=True),
    "videos.tags.remove": Method(remove_tag, write=True),
    "videos.tags.update": Method(move_tag, write=True),
    "videos.tags.update-value": Method(set_tag, write=True),
    "annotation-objects.bulk.add": Method(add_objects, write=True),
    "annotation-objects.bulk.remove": Method(remove_objects, write=True),
    "annotation-objects.info": Method(object_info),
    "annotation-objects.list": Method(objects_listed),
    "annotation-objects.tags.bulk.add": Method(add_object_tags, write=True),
    "annotation-objects.tags.add": Method(add_object_tag, write=True),
    "annotation-objects.tags.remove": Method(remove_tag, write=True),
    "annotation-objects.tags.update": Method(move_tag, write=True),
    "annotation-objects.tags.update-value": Method(set_tag, write=True),
}
