"""What editors show of large pictures instead of the file itself: kept in the storage beside it.

Smaller copies, for frames that are seen for a moment only, are made with the file where it is known to be a frame of a
sequence, else when the first link to one is followed. Very large pictures are cut into tiles when they come."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from labelwright.errors import Invalid, NotFound
from labelwright.media import thumbs, tiles
from labelwright.models.items import Media
from labelwright.storage import Links, Store, content_key

MIME = "image/jpeg"
# A picture of fewer pixels is decoded quickly enough as it is.
LEAST_PIXELS = 2_000_000
FOLDER = "small"
AT_ONCE = 2
_room = threading.BoundedSemaphore(AT_ONCE)
_each = tuple(threading.Lock() for _ in range(16))


def key(sha256: bytes) -> str:
    """Storage key of a file's smaller copy (JPEG)."""
    return f"{FOLDER}/{sha256.hex()[:2]}/{sha256.hex()}"


def worth(width: int | None, height: int | None) -> bool:
    """Whether a picture of this size (pixels) has a smaller copy."""
    return (width or 0) * (height or 0) >= LEAST_PIXELS


def url_for(links: Links, media: Media) -> str | None:
    """A signed link to a picture's smaller copy, which need not be there yet; None where there is none."""
    if media.frames is not None or not worth(media.width, media.height):
        return None
    return links.sign(key(media.sha256), MIME)


def make(store: Store, wanted: str) -> None:
    """Make the copy that this storage key names, unless another thread or process has. Raises `NotFound`.

    Those who want the same one wait for each other, and few are made at once: others' requests go on."""
    folder, _, name = wanted.partition("/")
    digest = name.rpartition("/")[2]
    if folder != FOLDER or len(digest) != 64:
        raise NotFound(f"file {wanted}")
    sha256 = bytes.fromhex(digest)
    with _each[sha256[0] % len(_each)], _room:
        if store.exists(wanted):
            return
        with store.as_file(content_key(sha256)) as path:
            try:
                body = thumbs.small(path)
            except Invalid as error:
                raise NotFound(f"file {wanted}") from error
        store.put(wanted, body, mime=MIME)


def pack_key(sha256: bytes) -> str:
    """Storage key of a very large picture's tiles, one after another (JPEG each)."""
    return f"tiles/{sha256.hex()[:2]}/{sha256.hex()}"


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
