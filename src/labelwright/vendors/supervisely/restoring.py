"""Figures that were removed, brought back as they were: out of the revisions, which keep every state."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from labelwright.geometry import tracks as trackmath
from labelwright.geometry.document import LabelObject
from labelwright.models.documents import MAIN, Revision
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import first_labels, revisions
from labelwright.services.first_labels import Labels
from labelwright.vendors.supervisely import figures, ids
from labelwright.vendors.supervisely.annotations import heads
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.labels import extra_of
from labelwright.vendors.supervisely.tracks import FIGURE, Track
from labelwright.vendors.supervisely.videolabels import by_video
from labelwright.vendors.supervisely.videosheets import save
from labelwright.vendors.supervisely.wire import Refused

MOST = 5000


def restore(ask: Ask) -> dict[str, Any]:
    """Bring back removed figures, all or none; one that is there stays as it is."""
    refs = list(dict.fromkeys(ask.wholes("figureIds", most=MOST)))
    _on_videos(ask, [ref for ref in refs if ref >= FIGURE])
    wanted: dict[int, list[int]] = {}
    for ref in refs:
        if ref < FIGURE:
            item_id, number = ids.split(ref)
            wanted.setdefault(item_id, []).append(number)
    found = ask.items(list(wanted), "manage")
    for project_id in dict.fromkeys(item.project_id for item in found):
        rows = [item for item in found if item.project_id == project_id]
        stored = heads(ask, rows, lock=True)
        entries = []
        for item in rows:
            present = {thing.id for thing in figures.objects_of(stored.get(item.id))}
            put = [_last(ask, item, number) for number in wanted[item.id] if number not in present]
            entries.append(Labels(item, put, [], None, stored.get(item.id)))
        first_labels.save_many(ask.session, ask.actor, ask.session.get_one(Project, project_id), entries)
    return {"success": True}


def _states(ask: Ask, item: Item, number: int) -> Any:
    """What an object was before each of its changes, newest first."""
    query = select(Revision.body, Revision.blob).where(Revision.item_id == item.id, Revision.layer == MAIN)
    for body, blob in ask.session.execute(query.order_by(Revision.version.desc())).yield_per(50):
        for change in revisions.read_delta(ask.session, body, blob).objects:
            if change.id == number and change.before is not None:
                yield change.before


def _last(ask: Ask, item: Item, number: int) -> LabelObject:
    found = next(iter(_states(ask, item, number)), None)
    if found is None:
        raise Refused(404, f"There never was a figure {ids.join(item.id, number)}.", "Not found")
    return found


def _on_videos(ask: Ask, refs: list[int]) -> None:
    for page, base, places in by_video(ask, refs):
        for track, frame, ref in places:
            if frame not in track.shapes:
                _put_back(ask, page.item, track, frame, ref)
        save(ask, page, base)


def _put_back(ask: Ask, item: Item, track: Track, frame: int, ref: int) -> None:
    for before in _states(ask, item, track.number):
        shapes = {number: state.shape for number, state in dict(trackmath.per_frame(before, item.frames)).items()}
        if frame in shapes:
            track.shapes[frame] = shapes[frame]
            track.figures[frame] = extra_of(before).get("figures", {}).get(str(frame), {})
            track.thing = msgspec.structs.replace(track.thing, source=before.source)
            track.changed = True
            return
    raise Refused(404, f"There never was a figure {ref}.", "Not found")


METHODS: Methods = {"figures.bulk.restore": Method(restore, write=True)}
