"""Thumbnails of pictures that were stored without one: made when the first viewer asks, kept for all others.

A file's thumbnail depends on its content only, so two processes that make it at once write the same bytes."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import structlog

from labelwright.errors import Invalid, NotFound
from labelwright.media import probe, thumbs
from labelwright.services import media
from labelwright.storage import Store, content_key

log = structlog.get_logger("labelwright.thumbnails")
FOLDER = "thumbs/"
AT_ONCE = 2  # decoded side by side in one process
_turns = threading.BoundedSemaphore(AT_ONCE)
_keys = tuple(threading.Lock() for _ in range(32))


def make(store: Store, key: str, max_pixels: int) -> None:
    """Make the thumbnail that belongs at `key` unless it is there by now. Raises `NotFound` when there is no such file."""
    sha256 = _content(key)
    with _keys[sha256[0] % len(_keys)]:
        if store.exists(key):
            return  # another request made it meanwhile
        with _turns:
            store.put(key, _made(store, sha256, max_pixels), mime=media.THUMB)


def _content(key: str) -> bytes:
    try:
        sha256 = bytes.fromhex(key.rpartition("/")[2])
    except ValueError:
        sha256 = b""
    if not key.startswith(FOLDER) or len(sha256) != 32 or media.thumb_key(sha256) != key:
        raise NotFound(f"file {key}")
    return sha256


def _made(store: Store, sha256: bytes, max_pixels: int) -> bytes:
    with store.as_file(content_key(sha256)) as path:
        try:
            found = probe.probe(path, max_pixels)
            with media.one_at_a_time_if_large(path) if found.kind == "image" else nullcontext():
                return thumbs.thumbnail(path, found)
        except Invalid as error:
            # Kept as well: the content will not get better, and nobody should decode it again for each viewer.
            log.warning("thumbnail of a damaged picture", sha256=sha256.hex(), reason=error.message)
            return thumbs.damaged()
