"""Stored files: taking them in, once per content and team, and saying where they can be had."""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

from PIL import Image
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from labelwright.db import lock, now
from labelwright.errors import Conflict, Invalid, NotFound, TooLarge
from labelwright.media import frames, probe, structure, thumbs
from labelwright.media.frames import FrameIndex
from labelwright.media.probe import Probed
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Project
from labelwright.services import access, renditions, wake
from labelwright.services.access import Actor
from labelwright.settings import Settings
from labelwright.storage import Links, Store, content_key, hash_key

UPLOAD = "upload:"
Rendition = Literal["original", "view", "thumb"]
_VIEW = "image/webp"
# Up to here a picture's thumbnail may wait for its first viewer; of JPEGs, which are decoded at an eighth, up to `renditions.LARGE`.
LATER = 4_000_000
IN_MEMORY = 2_000_000  # bytes: smaller uploads are looked at without a copy on disk
CHUNK = 500
# Frames of video files cut last, as JPEG. Only a head start: every process can cut every frame. Those who want frames
# of the same file wait for each other, since one run answers them all.
RUN, RUN_PIXELS = 8, 16_000_000
RECENT_BYTES = 32_000_000
_recent: dict[tuple[bytes, int, bool], bytes] = {}
_runs = tuple(threading.Lock() for _ in range(16))
_keeping = threading.Lock()


@dataclass(frozen=True)
class Ingested:
    """A file that lies in the storage, with what was found out about it; the columns of a `Media` row."""

    sha256: bytes
    size: int
    mime: str
    width: int
    height: int
    frames: int | None
    info: dict[str, Any] | None


class Found(Ingested):
    """One that lay in the storage already. Nothing may name it any more, and then it is about to be thrown away."""


@dataclass(frozen=True)
class Kept(Ingested):
    """The same of a file that a team has: what of its row is needed to make an item, without the row's object."""

    id: int
    team_id: int


Row = TypeVar("Row", bound=Media | Kept)


def view_key(sha256: bytes) -> str:
    """Storage key of the copy (WebP) of a picture that browsers do not show."""
    return hash_key("views", sha256)


def frames_key(sha256: bytes) -> str:
    """Storage key of a video's index of frame times (JSON)."""
    return hash_key("frames", sha256)


def ingest(
    store: Store, settings: Settings, path: Path, sha256: bytes, size: int, *, frame: bool = False, decode: bool = False
) -> Ingested:
    """Store a file that was looked at, with what else it needs. No database: call it outside transactions.

    A picture that its structure tells to be whole is not decoded unless `decode`: its thumbnail is made when it is first
    asked for (`services/renditions.py`). `frame`: of a sequence, so people will step through it quickly. Doing it again is
    harmless. Raises `Invalid` with a sentence when the file is nothing we can use."""
    if not decode and size > 0:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as body:
            told = _told(settings, body)
        if told is not None:
            return _stored(store, path, sha256, size, told)
    with renditions.probed(path, settings.max_pixels) as found:
        small = thumbs.thumbnail(path, found)
        copy = thumbs.view(path, found)
        if frame and found.kind == "image" and renditions.worth(found.width, found.height):
            store.put(renditions.key(sha256), thumbs.small(path), mime=renditions.MIME)
        in_tiles = found.kind == "image" and not frame and found.width * found.height > settings.tile_pixels
        if in_tiles:
            renditions.tile(store, path, sha256)
    if copy is not None:
        store.put(view_key(sha256), copy, mime=_VIEW)
    if found.kind == "video":
        store.put(frames_key(sha256), frames.index_of(found).encode(), mime="application/json")
    store.put(renditions.thumb_key(sha256), small, mime=renditions.MIME)
    more = {name: True for name, there in (("tiles", in_tiles), ("view", copy is not None)) if there}
    return _stored(store, path, sha256, size, found, more)


def _told(settings: Settings, body: bytes | mmap) -> Probed | None:
    """A picture told by its structure alone; None: it has to be decoded, or would take long to be when first shown."""
    whole = structure.whole(body)
    if whole is None:
        return None
    probe.check_size(whole.width, whole.height, settings.max_pixels)
    later = renditions.LARGE if whole.mime == "image/jpeg" else LATER
    if whole.width * whole.height > min(settings.tile_pixels, later):
        return None
    if not whole.turns:
        return Probed("image", whole.mime, whole.width, whole.height)
    # A camera's note of how it was held: of a JPEG it is read without decoding.
    if whole.mime != "image/jpeg":
        return None
    return probe.picture(io.BytesIO(body) if isinstance(body, bytes) else body, settings.max_pixels)


def _stored(
    store: Store, body: bytes | Path, sha256: bytes, size: int, found: Probed, more: dict[str, bool] | None = None
) -> Ingested:
    info = dict(found.info or {}) | {"thumb": True} | (more or {})
    there = store.exists(content_key(sha256))
    if not there:
        store.put(content_key(sha256), body, mime=found.mime)
    made = Found if there else Ingested
    return made(sha256, size, found.mime, found.width, found.height, found.frames, info)


def ingest_upload(store: Store, settings: Settings, file: IO[bytes]) -> Ingested:
    """Take in an uploaded file from a stream. Call it before the transaction that `record`s it.

    Raises `TooLarge` past `settings.fetch_max_mb` and `Invalid` when it is nothing we can use."""
    start = file.read(IN_MEMORY + 1)
    if not start:
        raise Invalid("The file is empty.", field="file")
    if len(start) <= IN_MEMORY:
        told = _told(settings, start)
        if told is not None:
            return _stored(store, start, hashlib.sha256(start).digest(), len(start), told)
    with tempfile.NamedTemporaryFile(prefix="labelwright-upload-") as copy:
        digest, size, chunk = hashlib.sha256(), 0, start
        while chunk:
            size += len(chunk)
            if size > settings.fetch_max_mb * 1_000_000:
                raise TooLarge(f"The file is larger than {settings.fetch_max_mb} MB (LABELWRIGHT_FETCH_MAX_MB).")
            digest.update(chunk)
            copy.write(chunk)
            chunk = file.read(1 << 20)
        copy.flush()
        return ingest(store, settings, Path(copy.name), digest.digest(), size)


def as_ingested(row: Media | Kept) -> Ingested:
    """A stored file as when it was taken in, to be recorded for another team."""
    return Ingested(row.sha256, row.size, row.mime, row.width or 0, row.height or 0, row.frames, row.info)


def record(session: Session, team_id: int, ingested: Ingested) -> Media:
    """The team's row for a stored file: one for each content, however often and from wherever it came."""
    query = select(Media).where(Media.team_id == team_id, Media.sha256 == ingested.sha256)
    row = session.scalar(query)
    if row is None:
        keep(session, team_id, [ingested])
        row = session.scalars(query).one()
    return row


def of_team(session: Session, team_id: int, row: Row) -> Row | Media:
    """A stored file as the team has it: the row itself, or the team's own for the same content."""
    return row if row.team_id == team_id else record(session, team_id, as_ingested(row))


def keep(session: Session, team_id: int, files: Sequence[Ingested]) -> None:
    """Write the team's rows for stored files; those it has are left as they are.

    Raises `Conflict` when a file that was found in the storage was thrown away meanwhile (`services/sweep.py`)."""
    # In one order, so that two who send the same files at once wait for each other and not both ways.
    wanted = sorted({file.sha256: file for file in files}.items())
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"team_id": team_id, **vars(file)} for _, file in wanted]
    session.execute(dialect.insert(Media.__table__).on_conflict_do_nothing(), rows)  # type: ignore[arg-type]
    for digest, file in wanted:
        if isinstance(file, Found):
            _stays(session, content_key(digest))


def _stays(session: Session, key: str) -> None:
    """Make sure that a file is still there when this transaction, which names it, commits."""
    store: Store | None = session.info.get("store")
    lock(session, key)
    if store is not None and not store.exists(key):
        raise Conflict("The same file was deleted at this moment, since nothing had needed it; send it again.")


def kept(session: Session, team_ids: Sequence[int], digests: Sequence[bytes]) -> dict[bytes, Kept]:
    """Which of these contents the teams have; of several with the same one, the first team's."""
    found: dict[bytes, Kept] = {}
    for start in range(0, len(digests), CHUNK):
        part = {"teams": team_ids, "digests": digests[start : start + CHUNK]}
        for row in session.execute(_KEPT, part):
            if row.sha256 not in found or row.team_id == team_ids[0]:
                found[row.sha256] = Kept(*row)
    return found


_MEDIA = Media.__table__.c
# Values beside the statement: as a part of it each would pass through SQLAlchemy's expressions.
_KEPT = select(*(_MEDIA[field.name] for field in fields(Kept))).where(
    _MEDIA.team_id.in_(bindparam("teams", expanding=True)), _MEDIA.sha256.in_(bindparam("digests", expanding=True))
)


def store_upload(
    session: Session, actor: Actor, store: Store, settings: Settings, file: IO[bytes], *, team_id: int
) -> Media:
    """`ingest_upload` and `record` in one, for an actor who may manage. Reads the file before it touches the database.

    Use it first in a transaction: on SQLite nobody else can write once the transaction has begun."""
    access.require(actor, "manage", team_id, "upload")
    return record(session, team_id, ingest_upload(store, settings, file))


def upload_url(media: Media) -> str:
    """The address by which an item names an uploaded file: `upload:<uid>`."""
    return f"{UPLOAD}{media.uid}"


def resolve_upload(session: Session, team_id: int, url: str) -> Media:
    """The team's file that an `upload:` address names. Raises `NotFound`, also for other teams' files."""
    try:
        uid = uuid.UUID(url.removeprefix(UPLOAD))
    except ValueError:
        raise Invalid(f"{url!r} is not an upload; write {UPLOAD}<uid>.", field="url") from None
    media = session.scalar(select(Media).where(Media.team_id == team_id, Media.uid == uid))
    if media is None:
        raise NotFound(f"There is no uploaded file {uid}.")
    return media


def url_for(links: Links, media: Media, kind: Rendition = "view") -> str:
    """Path and query of a signed link that anyone may follow for some hours (put the server's address before it).

    `view`: what a browser can show (the file itself unless its type is one browsers do not show); `thumb`: 320 pixels."""
    if kind == "thumb" and (media.info or {}).get("thumb"):
        return links.sign(renditions.thumb_key(media.sha256), renditions.MIME)
    if kind == "view" and (media.info or {}).get("view"):
        return links.sign(view_key(media.sha256), _VIEW)
    return links.sign(content_key(media.sha256), media.mime)


def frame_index(store: Store, media: Media | Ingested) -> FrameIndex:
    """When each frame of a video file is shown."""
    if media.frames is None:
        raise Invalid("This file is not a video.")
    return frames.decode_index(store.get(frames_key(media.sha256)))


def frame(store: Store, media: Media, number: int) -> Image.Image:
    """Frame `number` (from 0) of a video file as displayed, for clients that cannot decode it themselves."""
    index = frame_index(store, media)
    with store.open(content_key(media.sha256)) as file:
        return frames.frame(file, media.mime, index, number)


def frame_jpeg(store: Store, media: Media, number: int, small: bool = False) -> bytes:
    """Frame `number` (from 0) as a JPEG, `small`: of at most 1280 x 1280 pixels. Those that follow are decoded with it and kept for a while: people step on."""
    with _runs[media.sha256[0] % len(_runs)]:
        body = _recent.get((media.sha256, number, small))
        if body is not None:
            return body
        count = max(2, min(RUN, RUN_PIXELS // max(1, (media.width or 1) * (media.height or 1))))
        index = frame_index(store, media)
        bodies: list[bytes] = []
        with store.open(content_key(media.sha256)) as file:
            try:
                for image in frames.span(file, media.mime, index, number, max(1, min(count, len(index.pts) - number))):
                    bodies.append(thumbs.small_frame(image) if small else _jpeg(image))
            except Invalid:
                if not bodies:
                    raise  # a later frame's fault is told to whoever asks for that one
        with _keeping:
            for place, kept in enumerate(bodies):
                _recent[media.sha256, number + place, small] = kept
            while len(_recent) > RUN and sum(map(len, _recent.values())) > RECENT_BYTES:
                _recent.pop(next(iter(_recent)))
        return bodies[0]


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


@contextmanager
def original(store: Store, media: Media) -> Iterator[Path]:
    """The file itself as a path on this machine, while the block lasts."""
    with store.as_file(content_key(media.sha256)) as path:
        yield path


def retry(session: Session, actor: Actor, item: Item) -> int:
    """Fetch again what failed of an item; returns how many files. Raises `Conflict` when nothing failed."""
    project = session.get_one(Project, item.project_id)
    access.require(actor, "manage", project.team_id, "item")
    rows = retry_items(session, [item.id])
    if not rows:
        raise Conflict("No file of this item failed to be fetched, so there is nothing to try again.")
    return rows


def retry_items(session: Session, item_ids: list[int]) -> int:
    """Fetch again what failed of these items, which the actor was found to manage; returns how many files."""
    failed = update(ItemMedia).where(ItemMedia.item_id.in_(item_ids), ItemMedia.state == "failed")
    again = {"state": "pending", "attempts": 0, "next_try_at": now(), "error": ""}
    rows: int = session.execute(failed.values(again)).rowcount  # type: ignore[attr-defined]
    if rows:
        waiting = select(ItemMedia.item_id).where(ItemMedia.item_id.in_(item_ids), ItemMedia.state == "pending")
        session.execute(
            update(ItemMedia)
            .where(ItemMedia.item_id.in_(item_ids), ItemMedia.state == "pending")
            .values(next_try_at=now())
        )
        session.execute(
            update(Item)
            .where(Item.id.in_(waiting.scalar_subquery()), Item.media_state == "failed")
            .values(media_state="pending", media_error="", updated_at=now())
        )
        session.expire_all()
        wake.call(session, "media")
    return rows
