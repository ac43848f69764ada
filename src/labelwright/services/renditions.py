"""What people are shown of large files instead of the file itself: kept in the storage beside it.

Thumbnails, and smaller copies for frames that are seen for a moment only, are made with the file where that is known to
pay, else when the first link to one is followed: they depend on the content only, so it does not matter who makes them.
Very large pictures are cut into tiles when they come."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import structlog

from labelwright.errors import Invalid, NotFound
from labelwright.media import probe, thumbs, tiles
from labelwright.media.probe import Probed
from labelwright.models.items import Media
from labelwright.storage import Links, Store, content_key, hash_key

log = structlog.get_logger("labelwright.renditions")
MIME = "image/jpeg"
THUMBS, SMALL = "thumbs", "small"
# A picture of fewer pixels is decoded quickly enough as it is: it has no smaller copy.
LEAST_PIXELS = 2_000_000
# Pictures of more pixels are decoded one at a time: eight threads with a gigabyte each would end the process.
LARGE = 25_000_000
AT_ONCE = 2  # made side by side in one process: others' requests go on
_one_large = threading.Lock()
_room = threading.BoundedSemaphore(AT_ONCE)
_each = tuple(threading.Lock() for _ in range(32))


def thumb_key(sha256: bytes) -> str:
    """Storage key of a file's thumbnail (JPEG)."""
    return hash_key(THUMBS, sha256)


def key(sha256: bytes) -> str:
    """Storage key of a file's smaller copy (JPEG)."""
    return hash_key(SMALL, sha256)


def worth(width: int | None, height: int | None) -> bool:
    """Whether a picture of this size (pixels) has a smaller copy."""
    return (width or 0) * (height or 0) >= LEAST_PIXELS


def url_for(links: Links, media: Media) -> str | None:
    """A signed link to a picture's smaller copy, which need not be there yet; None where there is none."""
    if media.frames is not None or not worth(media.width, media.height):
        return None
    return links.sign(key(media.sha256), MIME)


def one_at_a_time_if_large(pixels: int) -> AbstractContextManager[Any]:
    """To be held while a picture of so many pixels is decoded: large ones wait for each other."""
    return _one_large if pixels > LARGE else nullcontext()


@contextmanager
def probed(path: Path, max_pixels: int) -> Iterator[Probed]:
    """What a file is, to decode it while the block lasts. Raises `Invalid` when it is nothing we can use."""
    found = probe.probe(path, max_pixels)
    with one_at_a_time_if_large(found.width * found.height):
        yield found


def make(store: Store, wanted: str, max_pixels: int) -> None:
    """Make what this storage key names, unless another thread or process has. Raises `NotFound` when nothing belongs there.

    Those who want the same one wait for each other."""
    folder, _, name = wanted.partition("/")
    digest = name.rpartition("/")[2]
    if folder not in _MADE or len(digest) != 64:
        raise NotFound(f"file {wanted}")
    sha256 = bytes.fromhex(digest)
    with _each[sha256[0] % len(_each)]:
        if store.exists(wanted):
            return
        with _room, store.as_file(content_key(sha256)) as path:
            store.put(wanted, _MADE[folder](path, max_pixels), mime=MIME)


def _thumbnail(path: Path, max_pixels: int) -> bytes:
    try:
        with probed(path, max_pixels) as found:
            return thumbs.thumbnail(path, found)
    except Invalid as error:
        # Kept as well: the content will not get better, and nobody should decode it again for each viewer.
        log.warning("thumbnail of a damaged picture", file=path.name, reason=error.message)
        return thumbs.damaged()


def _small(path: Path, max_pixels: int) -> bytes:
    try:
        with probed(path, max_pixels):
            return thumbs.small(path)
    except Invalid as error:
        raise NotFound(f"smaller copy of {path.name}") from error


# What each folder's files are made by: (the file itself, most pixels) -> JPEG.
_MADE: dict[str, Callable[[Path, int], bytes]] = {THUMBS: _thumbnail, SMALL: _small}


def pack_key(sha256: bytes) -> str:
    """Storage key of a very large picture's tiles, one after another (JPEG each)."""
    return hash_key("tiles", sha256)


def index_key(sha256: bytes) -> str:
    """Storage key of what says where each tile lies in the pack (JSON, see `media.tiles`)."""
    return f"{pack_key(sha256)}.json"


def tile(store: Store, path: Path, sha256: bytes) -> None:
    """Cut a picture into tiles. The index is stored last: where it is, all is there. Raises `Invalid`."""
    with tempfile.NamedTemporaryFile(prefix="labelwright-tiles-") as pack:
        index = tiles.cut(path, pack)
        pack.flush()
        store.put(pack_key(sha256), Path(pack.name), mime="application/octet-stream")
    store.put(index_key(sha256), index, mime="application/json")


def tiles_for(links: Links, media: Media) -> dict[str, str] | None:
    """Signed links to a picture's tiles, `{"pack", "index"}`; None when it is shown as it is."""
    if not (media.info or {}).get("tiles"):
        return None
    return {
        "pack": links.sign(pack_key(media.sha256), "application/octet-stream"),
        "index": links.sign(index_key(media.sha256), "application/json"),
    }
