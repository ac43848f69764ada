"""Labels of videos: objects, their figures frame by frame, and whole annotations. All in whole
pixels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from labelwright.geometry import measures
from labelwright.models.items import Item
from labelwright.vendors.supervisely import annotations, geometry, ids, labels, listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.geometry import Grid
from labelwright.vendors.supervisely.known import ANY, Known, known
from labelwright.vendors.supervisely.labels import UNSIGNED, Signed
from labelwright.vendors.supervisely.tracks import Sheet, Track, figure_id, split_figure
from labelwright.vendors.supervisely.videosheets import save, sheet, sheets, signed_of, tag_json, track_of
from labelwright.vendors.supervisely.wire import Refused

MOST = 5000
Place = tuple[Track, int, int]  # of a figure: its track, its frame, its id on the wire
SAID = ("trackId", "priority", "smartToolInput", "customData")


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
    for page, base in sheets(ask, list(found.values()), knows):
        for place, (ref, entry) in enumerate(zip(refs, sent, strict=True)):
            if ref == page.item.id:
                at = f"annotationObjects[{place}].classId"
                track = page.new_track(knows.class_of(wire.whole(entry.get("classId"), at), at).name)
                given[place] = ids.join(ref, track.number)
        save(ask, page, base)
    return [{"id": number} for number in given]


def remove_objects(ask: Ask) -> dict[str, Any]:
    """Delete objects with their figures."""
    refs = [wire.whole(v, "id") for v in (ask.body if isinstance(ask.body, list) else ask.list("ids"))]
    by_item: dict[int, list[int]] = {}
    for ref in refs:
        item_id, number = ids.split(ref)
        by_item.setdefault(item_id, []).append(number)
    for page, base in sheets(ask, ask.items(list(by_item), "manage")):
        gone: list[int] = []
        for number in by_item[page.item.id]:
            track_of(page, number, ids.join(page.item.id, number))
            gone += [number, *(track.number for track in page.beside(number))]
        save(ask, page, base, list(dict.fromkeys(gone)))
    return {"success": True}


def object_info(ask: Ask) -> dict[str, Any]:
    """One object."""
    item_id, number = ids.split(ask.whole("id"))
    item = ask.items([item_id])[0]
    page, _ = sheet(ask, item)
    return _object_json(page, track_of(page, number, ask.whole("id")), signed_of(ask, item))


def objects_listed(ask: Ask) -> dict[str, Any]:
    """Objects of a dataset's videos."""
    batch = ask.batch()
    knows = known(ask.session, ask.project_of(batch))
    rows = []
    query = select(Item).where(Item.batch_id == batch.id, Item.kind == "video", Item.media_state == "ready")
    for item in ask.session.scalars(query.order_by(Item.id)).all():
        page, _ = sheet(ask, item, knows)
        rows += [_object_json(page, track, signed_of(ask, item)) for track in _objects(page)]
    fields = {name: listing.Field(read=listing.ID) for name in ("id", "entityId", "classId")}
    return listing.at_hand(ask, rows, fields)


def _objects(page: Sheet) -> list[Track]:
    """The tracks that are objects to their clients: those that hold further figures of one are not."""
    return [track for track in page.tracks.values() if page.owner(track) == track.number]


def _object_json(page: Sheet, track: Track, signed: Signed) -> dict[str, Any]:
    known_class = page.knows.by_name.get(track.class_name)
    return {
        "id": ids.join(page.item.id, track.number), "classId": known_class.row.id if known_class else None,
        "classTitle": track.class_name, "entityId": page.item.id, "datasetId": page.item.batch_id, "description": "", "meta": {},
        "tags": [tag_json(page, raw, signed) for raw in track.tags], "createdBy": page.item.created_by,
        "labelerLogin": signed.login, "createdAt": signed.created, "updatedAt": signed.updated,
    }  # fmt: skip


# --- figures ------------------------------------------------------------------------------------------------------------


def add_figures(ask: Ask, item: Item, sent: Sequence[Any]) -> list[dict[str, Any]]:
    """New figures of a video's objects, each in its frame; their ids in the order they were sent."""
    page, base = next(sheets(ask, [item]))
    given = []
    for number, entry in enumerate(sent):
        at = f"figures[{number}]"
        body = wire.object_of(entry, at)
        item_id, object_number = ids.split(wire.whole(body.get("objectId"), f"{at}.objectId"))
        if item_id != item.id:
            raise Refused(400, f"{at}.objectId: the object is of another video.")
        track = track_of(page, object_number, body["objectId"])
        frame = wire.whole(wire.object_of(body.get("meta"), f"{at}.meta").get("frame"), f"{at}.meta.frame")
        if not 0 <= frame < item.frames:
            raise Refused(
                400, f"{at}.meta.frame: the video has {item.frames} frames, numbered from 0; there is no frame {frame}."
            )
        if page.owner(track) != track.number:
            raise Refused(404, f"{at}.objectId: there is no object {body['objectId']}.", "Not found")
        track = page.room(track, frame)
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


def by_video(ask: Ask, refs: Sequence[int]) -> Iterator[tuple[Sheet, int, list[Place]]]:
    """The videos of figures that are to be changed: labels, their version, and the place of each figure, which need not
    be drawn there."""
    by_item: dict[int, list[tuple[int, int, int]]] = {}
    for ref in refs:
        item_id, number, frame = split_figure(ref)
        by_item.setdefault(item_id, []).append((number, frame, ref))
    for page, base in sheets(ask, ask.items(list(by_item), "manage")):
        yield page, base, [(track_of(page, number, ref), frame, ref) for number, frame, ref in by_item[page.item.id]]


def _figure(ask: Ask, ref: int) -> tuple[Sheet, int, Track, int]:
    """A figure that is to be changed: the video's labels, their version, its track and its frame. Raises `Refused`."""
    page, base, [(track, frame, _)] = next(by_video(ask, [ref]))
    if frame not in track.shapes:
        raise Refused(404, f"There is no figure {ref}.", "Not found")
    return page, base, track, frame


def edit_figure(ask: Ask, ref: int) -> dict[str, Any]:
    """Draw a figure anew."""
    page, base, track, frame = _figure(ask, ref)
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


def remember(ask: Ask, ref: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Change what is kept of a figure beside its shape; what is kept now."""
    page, base, track, frame = _figure(ask, ref)
    track.figures[frame] = change(track.figures.get(frame, {}))
    track.changed = True
    save(ask, page, base)
    return track.figures[frame]


def remove_figures(ask: Ask, refs: Sequence[int]) -> None:
    """Take figures out of their frames; an object that has none left stays."""
    for page, base, places in by_video(ask, refs):
        emptied: list[int] = []
        for track, frame, ref in places:
            if track.shapes.pop(frame, None) is None:
                raise Refused(404, f"There is no figure {ref}.", "Not found")
            track.figures.pop(frame, None)
            track.changed = True
            track.thing = _imported(track)
            if not track.shapes and page.owner(track) != track.number:
                emptied.append(track.number)
                track.changed = False
        save(ask, page, base, emptied)


def _imported(track: Track) -> Any:
    """An object without figures is one that was announced: only those may be empty."""

    return msgspec.structs.replace(track.thing, source="import") if not track.shapes else track.thing


def figures_of(
    ask: Ask, item: Item, knows: Known, *, full: bool = False, only: Collection[int] | None = None
) -> list[dict[str, Any]]:
    """Figures of a video, frame by frame: all, or those of some objects (their numbers). `full`: with what lists of figures
    have beside."""
    page, _ = sheet(ask, item, knows)
    if only is not None:
        page.tracks = {number: track for number, track in page.tracks.items() if number in only}
    return [row for _, rows in _by_frame(page, signed_of(ask, item), full=full) for row in rows]


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
        "id": figure_id(item.id, track.number, frame), "objectId": ids.join(item.id, page.owner(track)), "geometryType": kind,
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
        "datasetId": item.batch_id, "tags": [], "customData": said.get("customData"), "description": "",
        "geometryMeta": {"bbox": [round(top), round(left), round(bottom), round(right)]},
        "area": str(round(measures.area(shape, grid.width, grid.height), 3)),
    }  # fmt: skip


# --- whole annotations --------------------------------------------------------------------------------------------------


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
        "framesCount": item.frames, "tags": [tag_json(page, raw, signed) for raw in page.tags],
        "objects": [_object_json(page, track, signed) for track in _objects(page)],
        "frames": [{"index": frame, "figures": rows} for frame, rows in _by_frame(page, signed, full=False)],
    }  # fmt: skip


METHODS: Methods = {
    "videos.annotations.bulk.info": Method(annotated),
    "annotation-objects.bulk.add": Method(add_objects, write=True),
    "annotation-objects.bulk.remove": Method(remove_objects, write=True),
    "annotation-objects.info": Method(object_info),
    "annotation-objects.list": Method(objects_listed),
}
