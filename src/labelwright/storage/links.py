"""Signed, expiring links to stored files, served by our own route whatever the storage is.

The signing key lives in the storage itself (made once, create-only), so that every process that can read the files
signs alike and no database row or setting is needed. Expiry is rounded up to the half hour: the same file keeps the
same address for a while, and browsers may cache it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from labelwright import errors
from labelwright.storage.store import Store

SIGNING_KEY = "system/signing-key"
STEP = 1800
# No storage key has a colon: a link to a file never lets anyone send one.
UPLOAD = "upload:"


@dataclass(frozen=True)
class FileLink:
    """What a verified link allows: the file `key`, to be served as `mime` until `expires` (Unix seconds)."""

    key: str
    mime: str
    expires: int

    def headers(self) -> dict[str, str]:
        """Headers every answer of the file route carries: the type as stored, never guessed, and private caching."""
        left = max(0, self.expires - int(time.time()))
        return {
            "Content-Type": self.mime,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-site",
            "Accept-Ranges": "bytes",
            "Cache-Control": f"private, max-age={left}, immutable",
            "ETag": f'"{self.key.rsplit("/", 1)[-1]}"',
        }


class Links:
    """Makes and checks links below `/files/`."""

    def __init__(self, store: Store) -> None:
        self._secret = _secret(store)

    def sign(self, key: str, mime: str, seconds: int = 6 * 3600) -> str:
        """Path and query (no host) under which the file is served for at least `seconds`."""
        expires = -(-(int(time.time()) + seconds) // STEP) * STEP
        query = urlencode({"type": mime, "expires": expires, "signature": self._signature(key, mime, expires)})
        return f"/files/{quote(key)}?{query}"

    def verify(self, key: str, mime: str, expires: str, signature: str) -> FileLink:
        """The link that these parts of the address make. Raises `Forbidden` when forged or past its time."""
        if not re.fullmatch(r"\d{1,12}", expires, re.ASCII) or not hmac.compare_digest(
            self._signature(key, mime, int(expires)).encode(), signature.encode()
        ):
            raise errors.Forbidden("This link is not valid.", code="bad_link")
        if int(expires) < time.time():
            raise errors.Forbidden("This link has expired; reload the page or ask for it again.", code="link_expired")
        return FileLink(key, mime, int(expires))

    def sign_upload(self, name: str, seconds: int) -> dict[str, str]:
        """The query that lets anyone send the file `name` for `seconds`."""
        expires = int(time.time()) + seconds
        return {"expires": str(expires), "signature": self._signature(f"{UPLOAD}{name}", "", expires)}

    def verify_upload(self, name: str, expires: str, signature: str) -> None:
        """Raise `Forbidden` unless `sign_upload` gave this out for `name` and its time is not over."""
        self.verify(f"{UPLOAD}{name}", "", expires, signature)

    def _signature(self, key: str, mime: str, expires: int) -> str:
        return hmac.new(self._secret, f"{key}\n{mime}\n{expires}".encode(), hashlib.sha256).hexdigest()


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The `(start, end)` (end not included) that a Range header asks of `size` bytes; None: send the whole file.

    One range only; several, or another unit, are answered with the whole file as RFC 9110 allows. Raises `Invalid`
    (answer 416) when the range starts beyond the end."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (header or "").replace(" ", ""), re.ASCII)
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start == end:
        raise errors.Invalid(f"The range is outside the file of {size} bytes.", code="bad_range")
    return start, end


def _secret(store: Store) -> bytes:
    try:
        return store.get(SIGNING_KEY)
    except errors.NotFound:
        store.put(SIGNING_KEY, secrets.token_hex(32).encode(), create_only=True)  # another process may win
        return store.get(SIGNING_KEY)
