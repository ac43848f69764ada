"""Bodies of documents and revisions: zstd(JSON), in the row, or in the store by content hash when large.

The store comes with the session (`session.info["store"]`, given to `Database`); without one every body stays in its row.
A body is in the store before the row that names it commits, so a row never names a missing file; a file whose
transaction was rolled back is named by nobody and harmless."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import msgspec
import zstandard
from sqlalchemy.orm import Session

from labelwright.db import lock
from labelwright.errors import NotFound
from labelwright.geometry.document import Document, encode
from labelwright.storage.store import Store, hash_key

LARGE = 1 << 20
_MIME = "application/zstd"
_threads = threading.local()  # a zstd context serves one thread at a time
_document_decoder = msgspec.json.Decoder(Document)


def compress(value: Any) -> bytes:
    """zstd(JSON) of a document or delta."""
    compressor = getattr(_threads, "compressor", None)
    if compressor is None:
        compressor = _threads.compressor = zstandard.ZstdCompressor(level=3)
    return compressor.compress(encode(value))


def decompress(body: bytes) -> bytes:
    """The JSON of a compressed body."""
    decompressor = getattr(_threads, "decompressor", None)
    if decompressor is None:
        decompressor = _threads.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(body)


def pack(document: Document) -> bytes:
    """A document as it is stored."""
    return compress(document)


def unpack(body: bytes) -> Document:
    """The document of a stored body."""
    return _document_decoder.decode(decompress(body))


def store_of(session: Session) -> Store | None:
    """The store that came with this session's database."""
    return session.info.get("store")


def keep(session: Session, body: bytes) -> tuple[bytes | None, str | None]:
    """(body, blob) for a row: a large body goes to the store under its content hash."""
    store = store_of(session)
    if store is None or len(body) <= LARGE:
        return body, None
    key = hash_key("documents", hashlib.sha256(body).digest())
    if not store.put(key, body, mime=_MIME, create_only=True):
        lock(session, key)  # one that was there already may be about to be thrown away
        store.put(key, body, mime=_MIME, create_only=True)
    return None, key


def fetch(session: Session, body: bytes | None, blob: str | None) -> bytes:
    """The compressed body behind a row's (body, blob). Raises `NotFound` when the store does not have it."""
    if body is not None:
        return bytes(body)
    store = store_of(session)
    if store is None or blob is None:
        raise NotFound(f"The document's file {blob} is in object storage, which is not configured here.")
    return store.get(blob)
