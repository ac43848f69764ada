"""What became of an item's files, and what that makes of the item: waiting, ready, or failed with a reason."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Invalid
from labelwright.geometry.document import Keyframe, LabelObject, Mask
from labelwright.models.items import Item, ItemMedia
from labelwright.models.projects import Project
from labelwright.services import documents, events, media, tasks
from labelwright.services.documents import Change
from labelwright.services.media import Ingested

# Waits after failures that may pass; after the last one the file counts as failed, and a person can retry.
WAITS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600))
# A mask waits for its picture. When that failed it must not be looked at every second; a retry wakes it.
FAR = timedelta(days=36500)


@dataclass(frozen=True)
class Decoded:
    """One class or instance out of a raster: `group` is the instance number, `frame` the frame's index."""

    class_name: str
    group: int | None
    frame: int
    mask: Mask


@dataclass
class Outcome:
    """What came of one row: the file (`ingested`), or an `error` with whether trying again may help.

    `released`: the process is stopping; nothing was tried. `decoded`: labels out of all masks of the item. `attempts_of`: the row whose attempts count, if not its own."""

    row_id: int
    item_id: int
    team_id: int
    ingested: Ingested | None = None
    error: str = ""
    retry: bool = False
    released: bool = False
    decoded: list[Decoded] = field(default_factory=list)
    attempts_of: int | None = None


def apply(session: Session, by_item: Mapping[int, Sequence[Outcome]]) -> None:
    """Record outcomes, and move each item on. Items are locked in order, so that the last file of an item to come in is
    seen as the last by whoever writes it, and two processes never wait for each other in a circle."""
    ids = sorted(by_item)
    locked = select(Item).where(Item.id.in_(ids)).order_by(Item.id).with_for_update()
    items = list(session.scalars(locked.execution_options(populate_existing=True)))
    changed: list[Item] = []
    for item in items:
        # Failed although no file is: it was filed as something that cannot be labeled, and stays so.
        blocked = item.media_state == "failed" and not _first_failed(session, item.id)
        rows = _rows(session, by_item[item.id])
        for outcome in by_item[item.id]:
            _record(session, item, rows, outcome)
        session.flush()
        if not blocked and _move_on(session, item):
            changed.append(item)
    session.flush()
    _tell(session, changed)


def _rows(session: Session, outcomes: Sequence[Outcome]) -> dict[int, ItemMedia]:
    """The rows that the outcomes speak of: an item may have many thousands."""
    ids = {row for outcome in outcomes for row in (outcome.row_id, outcome.attempts_of) if row is not None}
    query = select(ItemMedia).where(ItemMedia.id.in_(ids)).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(query)}


def _first_failed(session: Session, item_id: int) -> ItemMedia | None:
    query = select(ItemMedia).where(ItemMedia.item_id == item_id, ItemMedia.state == "failed")
    return session.scalar(query.order_by(ItemMedia.position, ItemMedia.id).limit(1))


def _record(session: Session, item: Item, rows: Mapping[int, ItemMedia], outcome: Outcome) -> None:
    row = rows.get(outcome.row_id)
    if row is None or row.state != "pending":
        return  # deleted, or another process was faster: the same content either way
    counting = rows.get(outcome.attempts_of or row.id, row)
    if outcome.released:
        counting.next_try_at, counting.attempts = now(), max(0, counting.attempts - 1)
        return
    if outcome.ingested is not None and outcome.decoded:
        try:
            with session.begin_nested():
                _label(session, item, row, outcome.decoded)
        except Invalid as error:
            outcome.ingested, outcome.error = None, f"The labels of the mask do not fit: {error.message}"
    if outcome.ingested is not None and row.role == "main" and item.kind == "video":
        outcome.error = _past_the_end(session, item, outcome.ingested.frames)
        outcome.ingested = None if outcome.error else outcome.ingested
    if outcome.ingested is None:
        _failed(row, counting, outcome)
        return
    row.media_id = media.record(session, outcome.team_id, outcome.ingested).id
    row.state, row.error, row.next_try_at = "ready", "", None
    _measure(item, row, outcome.ingested)


def _failed(row: ItemMedia, counting: ItemMedia, outcome: Outcome) -> None:
    row.error = outcome.error[:1000]
    if outcome.retry and counting.attempts <= len(WAITS):
        counting.next_try_at = now() + WAITS[max(0, counting.attempts - 1)]
    else:
        row.state, row.next_try_at = "failed", None


def _measure(item: Item, row: ItemMedia, ingested: Ingested) -> None:
    """The item's size is its picture's, a video file's, or its first frame's."""
    if row.role == "main" or (row.role == "frame" and row.position == 0):
        item.width, item.height = ingested.width, ingested.height
    if row.role == "main" and ingested.frames is not None:
        item.frames = ingested.frames


def _past_the_end(session: Session, item: Item, frames: int | None) -> str:
    """A sentence when labels filed beforehand lie on frames that the video file turns out not to have."""
    document = documents.read(session, item.id).document
    named = [k.frame for o in document.objects for k in o.keyframes or ()] + [int(key) for key in document.frames]
    if frames is None or max(named, default=0) < frames:
        return ""
    return f"Its labels reach frame {max(named)}, but the video has {frames} frames, 0 to {frames - 1}."


def _label(session: Session, item: Item, row: ItemMedia, decoded: Sequence[Decoded]) -> None:
    """Put the labels of an item's masks into its document, once: the save's id is made from the row."""
    head = documents.read(session, item.id)
    start = max((o.id for o in head.document.objects), default=0) + 1
    put = _objects(item, decoded, start)
    save_id = uuid.uuid5(item.uid, f"mask {row.id}")
    documents.save(session, None, item, Change(put=put), base=head.version, save_id=save_id, kind="import")


def _objects(item: Item, decoded: Sequence[Decoded], start: int) -> list[LabelObject]:
    """Objects of a picture, one for each class or instance; of a video, one track for each over all frames."""
    if item.kind == "image":
        return [
            LabelObject(start + n, d.class_name, shape=d.mask, group=d.group, source="import")
            for n, d in enumerate(decoded)
        ]
    tracks: dict[tuple[str, int | None], dict[int, Mask]] = {}
    for d in decoded:
        tracks.setdefault((d.class_name, d.group), {})[d.frame] = d.mask
    return [
        LabelObject(start + n, name, keyframes=_keyframes(masks, item.frames), group=group, source="import")
        for n, ((name, group), masks) in enumerate(tracks.items())
    ]


def _keyframes(masks: Mapping[int, Mask], count: int) -> list[Keyframe]:
    """A keyframe for each mask, and one that ends the track where the next frame has none."""
    found: list[Keyframe] = []
    for frame in sorted(masks):
        found.append(Keyframe(frame, masks[frame]))
        if frame + 1 not in masks and frame + 1 < count:
            found.append(Keyframe(frame + 1, None, outside=True))
    return found


def _move_on(session: Session, item: Item) -> bool:
    """Set the item's state from its files'; True when that changed to ready or failed."""
    first = _first_failed(session, item.id)
    if first:
        ours = (ItemMedia.item_id == item.id, ItemMedia.state == "failed")
        count, masks = session.execute(
            select(func.count(), func.count().filter(ItemMedia.role == "mask")).where(*ours)
        ).one()
        state, error = "failed", _sentence(first, count)
        if count > masks:
            waiting = update(ItemMedia).where(ItemMedia.item_id == item.id, ItemMedia.role == "mask")
            session.execute(waiting.where(ItemMedia.state == "pending").values(next_try_at=now() + FAR))
    else:
        waiting = select(ItemMedia.id).where(ItemMedia.item_id == item.id, ItemMedia.state == "pending").limit(1)
        state, error = ("ready" if session.scalar(waiting) is None else "pending"), ""
    before = (item.media_state, item.media_error)
    item.media_state, item.media_error = state, error
    return state != "pending" and (state, error) != before


def _sentence(first: ItemMedia, count: int) -> str:
    what = {"main": "The file", "frame": f"Frame {first.frame_id or first.position}",
            "reference": f"The reference picture {first.label or first.position + 1}", "mask": "The mask"}  # fmt: skip
    more = f" ({count} files failed.)" if count > 1 else ""
    return f"{what.get(first.role, 'A file')} ({first.url[:300]}): {first.error}{more}"


def _tell(session: Session, items: Sequence[Item]) -> None:
    """Open or hold back the tasks of the items, and write the events, project by project."""
    for state, kind, move in (
        ("ready", "item.ready", tasks.media_ready),
        ("failed", "item.failed", tasks.media_failed),
    ):
        chosen = [item for item in items if item.media_state == state]
        if not chosen:
            continue
        move(session, [item.id for item in chosen])
        for project_id in sorted({item.project_id for item in chosen}):
            rows: list[dict[str, Any]] = [
                {"item": item.id, "data": {"error": item.media_error} if state == "failed" else None}
                for item in chosen
                if item.project_id == project_id
            ]
            project = session.get_one(Project, project_id)
            events.emit_many(session, kind, rows, team_id=project.team_id, project_id=project_id)
