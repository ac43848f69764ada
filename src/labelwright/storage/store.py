"""Object storage over obstore: the same few calls for a local folder and for S3."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, S3Store

from labelwright import errors
from labelwright.settings import Settings

CHUNK = 1 << 20
_KEY = re.compile(r"[a-z0-9][a-z0-9._=-]*(/[a-z0-9][a-z0-9._=-]*)*")


def hash_key(folder: str, sha256: bytes) -> str:
    """The storage key in a folder of what hangs on this SHA-256 (32 bytes): `thumbs/ab/abcdef...`."""
    digest = sha256.hex()
    return f"{folder}/{digest[:2]}/{digest}"


def content_key(sha256: bytes) -> str:
    """The storage key of a file with this SHA-256 (32 bytes): `media/ab/abcdef...`."""
    return hash_key("media", sha256)


class Store:
    """Files by key. Keys are lower-case paths such as `media/ab/ab12...`; writing is atomic on both kinds.

    Every call raises `errors.NotFound` for a key that is not there."""

    def __init__(self, backend: LocalStore | S3Store, folder: Path | None = None) -> None:
        self._backend = backend
        self._folder = folder

    def put(self, key: str, data: bytes | Path | BinaryIO, *, mime: str = "", create_only: bool = False) -> bool:
        """Store `data`; False (and nothing changed) when `create_only` and the key is taken.

        A path or file is streamed; with `create_only` it is read whole, so keep those small."""
        _check(key)
        if self._folder is not None and isinstance(data, bytes) and not create_only:
            _write(f"{self._folder}/{key}", data)
            return True
        attributes: Any = {"Content-Type": mime} if mime and self._folder is None else None
        try:
            obstore.put(
                self._backend, key, data, attributes=attributes, mode="create" if create_only else "overwrite",
                max_concurrency=4,
            )  # fmt: skip
        except AlreadyExistsError:
            return False
        return True

    def get(self, key: str) -> bytes:
        """The whole file in memory: for small ones."""
        with _named(key):
            return bytes(obstore.get(self._backend, _check(key)).bytes())

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end` (None: the end of the file), in chunks of about 1 MB."""
        with _named(key):
            if end is not None and end <= start:
                self.size(key)
                return iter(())
            wanted: Any = {"offset": start} if end is None else (start, end)
            result = obstore.get(self._backend, _check(key), options={"range": wanted})
            return (bytes(chunk) for chunk in result.stream(min_chunk_size=CHUNK))

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """The file for reading, seekable: opened in place when local, read in ranges from S3."""
        with _named(key):
            if self._folder is not None:
                reader: Any = (self._folder / _check(key)).open("rb")
            else:
                reader = obstore.open_reader(self._backend, _check(key), buffer_size=CHUNK)
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        """A path of the file on this machine, for libraries that need one; from S3 a copy that is removed afterwards."""
        if self._folder is not None:
            path = self._folder / _check(key)
            if not path.is_file():
                raise errors.NotFound(f"file {key}")
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="labelwright-") as copy:
            for chunk in self.stream(key):
                copy.write(chunk)
            copy.flush()
            yield Path(copy.name)

    def size(self, key: str) -> int:
        """Length of the file in bytes."""
        with _named(key):
            return int(obstore.head(self._backend, _check(key))["size"])

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        if self._folder is not None:
            return os.path.isfile(f"{self._folder}/{_check(key)}")
        try:
            self.size(key)
        except errors.NotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove the file; a key that is not there is fine."""
        try:
            obstore.delete(self._backend, _check(key))
        except (NotFoundError, FileNotFoundError):
            return

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below a folder such as `media`."""
        return (key for key, _, _ in self.files(prefix))

    def files(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """(key, bytes, when it was written) of every file below a folder such as `media`."""
        for page in obstore.list(self._backend, prefix=_check(prefix)):
            for entry in page:
                yield entry["path"], int(entry["size"]), entry["last_modified"]

    def signed_url(self, key: str, seconds: int = 3600) -> str | None:
        """Address that gives the file to anyone for `seconds`, straight from S3; None for a local folder."""
        if self._folder is not None:
            return None
        return obstore.sign(self._backend, "GET", _check(key), timedelta(seconds=seconds))  # type: ignore[arg-type]


def _write(path: str, data: bytes) -> None:
    """Write a file under another name and rename it, as obstore does, without waking its threads for a short one."""
    part = f"{path}#{secrets.randbelow(10**15)}"  # listings leave out names that end so
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(file, "wb", buffering=0) as out:
            left = memoryview(data)
            while left:
                left = left[out.write(left) or 0 :]
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def _check(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise errors.Invalid(f"{key!r} is not a storage key.")
    return key


@contextmanager
def _named(key: str) -> Iterator[None]:
    """Turn the backend's "not found" into ours."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise errors.NotFound(f"file {key}") from None


def _local(settings: Settings) -> Store:
    folder = Path(unquote(urlsplit(settings.storage_url).path))
    folder.mkdir(parents=True, exist_ok=True)
    return Store(LocalStore(folder, mkdir=True), folder)


def _s3(settings: Settings) -> Store:
    address = urlsplit(settings.storage_url)
    return Store(s3_backend(settings, address.netloc, address.path.strip("/")))


def s3_backend(settings: Settings, bucket: str, prefix: str = "", retries: int = 5) -> S3Store:
    """obstore's store of a bucket with the configured endpoint, region and credentials."""
    config: dict[str, Any] = {"bucket": bucket, "region": settings.s3_region, "virtual_hosted_style_request": False}
    if settings.s3_endpoint:
        config["endpoint"] = settings.s3_endpoint
    if settings.s3_access_key:
        config |= {"access_key_id": settings.s3_access_key, "secret_access_key": settings.s3_secret_key}
    client: Any = {
        "allow_http": settings.s3_endpoint.startswith("http://"),
        "timeout": "300s",
        "connect_timeout": "10s",
    }
    retry: Any = {"max_retries": retries, "retry_timeout": timedelta(seconds=20 * retries)}
    return S3Store(prefix=prefix or None, client_options=client, retry_config=retry, **config)


FACTORIES: dict[str, Callable[[Settings], Store]] = {"file": _local, "s3": _s3}


def open_store(settings: Settings) -> Store:
    """The store that `settings.storage_url` names."""
    scheme = urlsplit(settings.storage_url).scheme
    if scheme not in FACTORIES:
        raise errors.Invalid(f"LABELWRIGHT_STORAGE_URL: use one of {', '.join(f'{s}://' for s in FACTORIES)}")
    return FACTORIES[scheme](settings)
