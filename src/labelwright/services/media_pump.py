"""The media pump: fetches the files that items need, and says when an item is ready or cannot be.

Each waiting row of `item_media` is claimed for a short time by setting `next_try_at` ahead, and that claim is renewed while
a thread works on it, so several processes share the rows and a killed one's come up again within `LEASE`. Every step may be
done twice. Files are fetched outside transactions; what came of them is written in batches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from labelwright.db import Database, now
from labelwright.errors import Invalid, LabelwrightError
from labelwright.media import raster
from labelwright.media.fetch import FetchError, Interrupted
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Project
from labelwright.services import media, media_state
from labelwright.services.background import Shared
from labelwright.services.media import Ingested
from labelwright.services.media_state import Outcome
from labelwright.storage import content_key

log = logging.getLogger("labelwright.media")

AT_ONCE = 8
CLAIMED = 24  # more than run at once, so that a claim is one transaction for many
LEASE = timedelta(seconds=30)
RENEW = 10.0
# A file that takes its process down each time (memory, a decoder's bug) must not do so forever.
MOST_CLAIMS = 10
PENDING = ItemMedia.state == text("'pending'")  # spelled out, so that the partial index serves it


@dataclass(frozen=True)
class Work:
    """A claimed row, with what fetching it takes. For a mask: `siblings` are all waiting masks of its item."""

    id: int
    item_id: int
    team_id: int
    role: str
    item_kind: str
    url: str
    attempts: int
    extra: dict[str, Any] | None = None
    position: int = 0
    siblings: tuple[Work, ...] = field(default=())


_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="labelwright-media")


def pump(shared: Shared) -> bool:
    """Work on what is due until nothing is; always returns False (there is nothing more at once)."""
    running: dict[Future[list[Outcome]], Work] = {}
    renewed = time.monotonic()
    try:
        while True:
            if len(running) < AT_ONCE and not shared.stopping.is_set():
                for work in claim(shared.database, CLAIMED - len(running)):
                    running[_pool.submit(process, shared, work)] = work
            if not running:
                return False
            done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            if done and len(running) > AT_ONCE:
                done, _ = wait(running, timeout=0.05)  # much to do: write several outcomes in one transaction
            if done:
                settle(shared.database, [outcome for future in done for outcome in future.result()])
                for future in done:
                    del running[future]
            if running and time.monotonic() - renewed > RENEW:
                renewed = time.monotonic()
                _renew(shared.database, [work.id for work in running.values()])
    finally:
        for future in running:
            future.cancel()


def claim(database: Database, limit: int) -> list[Work]:
    """Take up to `limit` due rows for this process; they come up again after `LEASE` unless renewed or settled."""
    moment = now()
    with database.read() as session:
        if not session.scalars(_due(moment, 1)).all():
            return []
    with database.write() as session:
        ids = list(session.scalars(_due(moment, limit).with_for_update(of=ItemMedia, skip_locked=True)))
        if not ids:
            return []
        values: Any = {"next_try_at": moment + LEASE, "attempts": ItemMedia.attempts + 1}
        session.execute(update(ItemMedia).where(ItemMedia.id.in_(ids)).values(values))
        return [_with_siblings(session, work) for work in _load(session, ItemMedia.id.in_(ids))]


def _due(moment: datetime, limit: int) -> Select[Any]:
    """Ids of due rows, oldest first. A mask is due when the pictures of its item are there, and only an item's first
    waiting mask is: it brings the others along, as they make up one document."""
    other = aliased(ItemMedia)
    blocked = exists().where(
        other.item_id == ItemMedia.item_id,
        or_(
            and_(other.role.in_(("main", "frame")), other.state != "ready"),
            and_(other.role == "mask", other.state == "pending", other.id < ItemMedia.id),
        ),
    )
    query = select(ItemMedia.id).where(
        PENDING, ItemMedia.next_try_at <= moment, or_(ItemMedia.role != "mask", ~blocked)
    )
    return query.order_by(ItemMedia.next_try_at, ItemMedia.id).limit(limit)


def _load(session: Session, condition: Any) -> list[Work]:
    rows = session.execute(
        select(
            ItemMedia.id, ItemMedia.item_id, Project.team_id, ItemMedia.role, Item.kind, ItemMedia.url,
            ItemMedia.attempts, ItemMedia.extra, ItemMedia.position,
        )
        .join(Item, Item.id == ItemMedia.item_id)
        .join(Project, Project.id == Item.project_id)
        .where(condition)
        .order_by(ItemMedia.position, ItemMedia.id)
    )  # fmt: skip
    return [Work(*row) for row in rows]


def _with_siblings(session: Session, work: Work) -> Work:
    if work.role != "mask":
        return work
    others = _load(session, and_(ItemMedia.item_id == work.item_id, ItemMedia.role == "mask", PENDING))
    return replace(work, siblings=tuple(others))


def _renew(database: Database, ids: Sequence[int]) -> None:
    with database.write() as session:
        ours = update(ItemMedia).where(ItemMedia.id.in_(ids), PENDING)
        session.execute(ours.values(next_try_at=now() + LEASE))


def process(shared: Shared, work: Work) -> list[Outcome]:
    """Fetch and take in the file of a row (or all masks of an item). Never raises: what goes wrong is an outcome."""
    if work.attempts > MOST_CLAIMS:
        return [Outcome(work.id, work.item_id, work.team_id, error="The server failed each time it read this file.")]
    try:
        if work.role == "mask":
            return _masks(shared, work)
        return [_plain(shared, work)]
    except Exception as error:
        log.exception("file %s (%s) could not be taken in", work.id, work.url)
        retry = not isinstance(error, MemoryError)
        message = "The file could not be read because of an error on this server; its log has the details."
        return [Outcome(work.id, work.item_id, work.team_id, error=message, retry=retry)]


def _plain(shared: Shared, work: Work) -> Outcome:
    try:
        ingested = _take_in(shared, work)
        _check_kind(work, ingested.mime)
        return Outcome(work.id, work.item_id, work.team_id, ingested=ingested)
    except Interrupted:
        return Outcome(work.id, work.item_id, work.team_id, released=True)
    except FetchError as error:
        return Outcome(work.id, work.item_id, work.team_id, error=error.message, retry=error.retry)
    except LabelwrightError as error:
        return Outcome(work.id, work.item_id, work.team_id, error=error.message)


def _take_in(shared: Shared, work: Work) -> Ingested:
    if work.url.startswith(media.UPLOAD):
        with shared.database.read() as session:
            row = media.resolve_upload(session, work.team_id, work.url)
            return media.as_ingested(row)
    with shared.fetcher.get(work.url) as got:
        known = _known(shared.database, work.team_id, got.sha256)
        # Nobody waits here for an answer, so the thumbnail is made at once.
        return known or media.ingest(
            shared.store, shared.settings, got.path, got.sha256, got.size, frame=work.role == "frame", decode=True
        )


def _known(database: Database, team_id: int, sha256: bytes) -> Ingested | None:
    """What is recorded of this content, so that the same file fetched again is neither decoded nor stored again."""
    with database.read() as session:
        row = session.scalar(select(Media).where(Media.team_id == team_id, Media.sha256 == sha256))
        if row is None:
            return None
        return media.as_ingested(row)


def _check_kind(work: Work, mime: str) -> None:
    video = mime.startswith("video/")
    if video and work.role in {"frame", "mask"}:
        raise Invalid(f"This is a video ({mime}); a picture is needed here.")
    if video and work.role == "main" and work.item_kind == "image":
        raise Invalid(f"This is a video ({mime}), but the project labels pictures.")
    if not video and work.role == "main" and work.item_kind == "video":
        raise Invalid(f"This is a picture ({mime}), but the project labels videos. Send single frames as a sequence.")


def _masks(shared: Shared, work: Work) -> list[Outcome]:
    """Take in all masks of an item and decode them; the last outcome carries what they say."""
    outcomes: list[Outcome] = []
    decoded: list[media_state.Decoded] = []
    for one in work.siblings:
        outcome = _plain(shared, one)
        if outcome.ingested is not None:
            outcome = _decode(shared, one, outcome, decoded)
        if outcome.error or outcome.released:
            # The attempt counts on the row that was claimed.
            outcome.attempts_of = work.id
            return [outcome]
        outcomes.append(outcome)
    if outcomes:
        outcomes[-1].decoded = decoded
    return outcomes


def _decode(shared: Shared, work: Work, outcome: Outcome, decoded: list[media_state.Decoded]) -> Outcome:
    legend = (work.extra or {}).get("legend") or {}
    sha256 = outcome.ingested.sha256 if outcome.ingested else b""
    try:
        with shared.store.as_file(content_key(sha256)) as path:
            size, found = raster.decode(path, legend.keys(), shared.settings.max_pixels)
        wanted = _picture_size(shared.database, work)
        if wanted and size != wanted:
            raise Invalid(f"The mask has {size[0]} x {size[1]} pixels, but its picture has {wanted[0]} x {wanted[1]}.")
    except LabelwrightError as error:
        return Outcome(work.id, work.item_id, work.team_id, error=error.message)
    # By name and instance: the legend's own order is lost in a JSONB column.
    named = [(legend[color]["class"], legend[color].get("group"), color) for color in found]
    decoded += [
        media_state.Decoded(name, group, work.position, found[color])
        for name, group, color in sorted(named, key=lambda n: (n[0], n[1] is not None, n[1] or 0, n[2]))
    ]
    return outcome


def _picture_size(database: Database, work: Work) -> tuple[int, int] | None:
    """Width and height of the picture a mask lies on: the item's, or its frame's."""
    with database.read() as session:
        row = session.execute(
            select(Media.width, Media.height)
            .join(ItemMedia, ItemMedia.media_id == Media.id)
            .where(
                ItemMedia.item_id == work.item_id,
                or_(ItemMedia.role == "main", and_(ItemMedia.role == "frame", ItemMedia.position == work.position)),
            )
            .limit(1)
        ).one_or_none()
    if row is None or row.width is None or row.height is None:
        return None
    return row.width, row.height


def settle(database: Database, outcomes: Iterable[Outcome]) -> None:
    """Write what came of some files. One that cannot be written does not hold up the others."""
    by_item: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        by_item.setdefault(outcome.item_id, []).append(outcome)
    try:
        with database.write() as session:
            media_state.apply(session, by_item)
        return
    except Exception:
        log.exception("outcomes of %s items could not be written together; one by one", len(by_item))
    for item_id, some in by_item.items():
        try:
            with database.write() as session:
                media_state.apply(session, {item_id: some})
        except Exception:
            # The claim runs out and the row comes up again, at most `MOST_CLAIMS` times.
            log.exception("the outcome of item %s could not be written", item_id)
