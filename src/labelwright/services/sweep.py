"""Throwing away files that nothing needs any more: media without an item, large labels without a document.

First the rows go, in transactions of their own; then files that no row names. A file is deleted inside a write
transaction that holds its content's lock and has looked once more. Whoever takes in the same content at that moment
either is seen, or finds the file gone: `media.keep` then says so and `bodies.keep` stores it again, so that nobody is left
with a row whose file is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from labelwright.db import lock, now
from labelwright.models.documents import DocumentHead, Revision
from labelwright.models.items import ItemMedia, Media
from labelwright.models.versions import VersionItem
from labelwright.services.background import Shared
from labelwright.storage import content_key

log = structlog.get_logger("labelwright.sweep")
T = TypeVar("T")
# How long a file may lie before something names it: uploads that are filed later, imports that are under way.
KEPT = timedelta(days=7)
CHUNK = 200
# Folders of the storage whose files hang on a medium: `<folder>/<two digits>/<SHA-256>`, some with an ending.
OF_MEDIA = ("media", "thumbs", "views", "frames", "small", "tiles")
DOCUMENTS = "documents"
# What else lies there is somebody's own.
_OURS = re.compile(r"[a-z]+/[0-9a-f]{2}/[0-9a-f]{64}(\.[a-z]+)?")


@dataclass
class Swept:
    """What one run has thrown away. `size`: bytes of the files."""

    media: int = 0
    files: int = 0
    size: int = 0


def run(shared: Shared, *, kept: timedelta = KEPT) -> Swept:
    """Throw away what nothing has named for `kept`; does chunk by chunk, so it may be ended and started at any time."""
    swept, before = Swept(), now() - kept
    swept.media = _media(shared, before)
    for folder in OF_MEDIA:
        _files(shared, folder, before, _media_of, _without_media, swept)
    _files(shared, DOCUMENTS, before, str, _without_document, swept)
    return swept


def daily(shared: Shared) -> None:
    """The background task."""
    swept = run(shared)
    log.info("unused files deleted", media=swept.media, files=swept.files, bytes=swept.size)


def _media(shared: Shared, before: datetime) -> int:
    """Delete rows of media that no item and no dataset version has."""
    idle = (
        Media.created_at < before,
        ~exists().where(ItemMedia.media_id == Media.id),
        ~exists().where(VersionItem.sha256 == Media.sha256),
    )
    with shared.database.read() as session:
        ids = list(session.scalars(select(Media.id).where(*idle)))
    gone = 0
    for chunk in _chunks(ids):
        with shared.database.write() as session:
            gone += session.execute(delete(Media).where(Media.id.in_(chunk), *idle)).rowcount  # type: ignore[attr-defined]
        if shared.stopping.is_set():
            break
    return gone


def _files(
    shared: Shared, folder: str, before: datetime, name: Callable[[str], T],
    unnamed: Callable[[Session, Sequence[T]], set[T]], swept: Swept,
) -> None:  # fmt: skip
    """Delete the files of a folder that have lain there since `before` and are, by their `name`, not named by a row."""
    files = shared.store.files(folder)
    old = ((key, size) for key, size, changed in files if changed < before and _OURS.fullmatch(key))
    for chunk in _chunks(old):
        if shared.stopping.is_set():
            return
        with shared.database.read() as session:
            idle = unnamed(session, [name(key) for key, _ in chunk])
        some = [(key, size) for key, size in chunk if name(key) in idle]
        if not some:
            continue
        with shared.database.write() as session:
            # In one order, so that two who lock several never wait for each other.
            for key in sorted({_locked(folder, key) for key, _ in some}):
                lock(session, key)
            idle = unnamed(session, [name(key) for key, _ in some])
            for key, size in some:
                if name(key) in idle:
                    shared.store.delete(key)
                    swept.files, swept.size = swept.files + 1, swept.size + size


def _locked(folder: str, key: str) -> str:
    """The key whose lock stands for this one: files made of a medium have the medium's own."""
    return key if folder == DOCUMENTS else content_key(_media_of(key))


def _media_of(key: str) -> bytes:
    return bytes.fromhex(key.split("/")[2].partition(".")[0])


def _without_media(session: Session, digests: Sequence[bytes]) -> set[bytes]:
    return set(digests) - {bytes(d) for d in _named(session, Media.sha256, digests)}


def _without_document(session: Session, keys: Sequence[str]) -> set[str]:
    return set(keys) - _named(session, DocumentHead.blob, keys) - _named(session, Revision.blob, keys)


def _named(session: Session, column: Any, values: Sequence[T]) -> set[T]:
    return set(session.scalars(select(column).where(column.in_(set(values)))))


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
