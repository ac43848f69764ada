"""The only way this server reaches out: files by URL, and calls of webhooks.

A name is resolved once, each address checked, and the connection made to the checked address itself, so that a name that
answers differently a moment later gains nothing; host name and TLS still use the name. Every redirect goes through the
same check. Bytes, redirects and total time are capped.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import httpcore2
import httpx2
import obstore
from obstore.exceptions import BaseError as StorageError
from obstore.exceptions import NotFoundError, PermissionDeniedError, UnauthenticatedError

from labelwright.errors import LabelwrightError
from labelwright.media import addresses
from labelwright.settings import Network, Settings
from labelwright.storage.store import s3_backend

MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
SLICE = 0.5
ANSWER_KEPT = 4096
AGENT = "Labelwright"
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.IGNORECASE)


class FetchError(LabelwrightError):
    """The file could not be fetched."""

    code = "fetch_failed"

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class Interrupted(FetchError):
    """The server is stopping; the fetch was given up."""

    def __init__(self) -> None:
        super().__init__((type(self).__doc__ or "").strip(), retry=True)


@dataclass(frozen=True)
class Fetched:
    """A fetched file: where it lies until the `with` block ends, its SHA-256 and length in bytes."""

    path: Path
    sha256: bytes
    size: int


@dataclass(frozen=True)
class Answer:
    """What a webhook's server answered: status and the first bytes of its body as text."""

    status: int
    text: str


class _Refused(httpcore2.ConnectError):
    """The address is not one the server may reach."""


class Fetcher:
    """Fetches and posts within the limits of the settings; shared by threads, connections are kept for reuse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deadline = _Deadline(threading.Event())
        backend = _GuardedBackend(settings.fetch_allow, self._deadline)
        # The bare transport, not httpx2's Client: no cookies kept, no proxy from the environment, no redirect unasked.
        self._transport = _GuardedTransport(backend)

    def interrupt(self) -> None:
        """Make every fetch that runs, and any later one, end soon with `Interrupted`: the process wants to stop."""
        self._deadline.interrupted.set()

    def close(self) -> None:
        """Close kept connections."""
        self._transport.close()

    @contextmanager
    def get(self, url: str) -> Iterator[Fetched]:
        """Fetch a `http`, `https` or `s3` address into a temporary file that is removed when the block ends.

        Raises `FetchError`; its `retry` says whether trying again later may help."""
        scheme = url.strip().partition(":")[0].lower()
        with tempfile.NamedTemporaryFile(prefix="labelwright-fetch-") as file:
            self._deadline.start(self._settings.fetch_timeout)
            if scheme in {"http", "https"}:
                digest, size = self._get_http(url, file)
            elif scheme == "s3":
                digest, size = self._get_s3(url.strip(), file)
            else:
                raise FetchError("The address must begin with http://, https:// or s3://.")
            if size == 0:
                raise FetchError("The file is empty.")
            file.flush()
            yield Fetched(Path(file.name), digest, size)

    def post(self, url: str, body: bytes, headers: dict[str, str], seconds: float = 20) -> Answer:
        """POST a body; any status is an answer. Redirects are not followed: a signed body goes where it was meant to.

        Raises `FetchError` when there is no answer."""
        self._deadline.start(seconds)
        with self._open("POST", _address(url), body, headers) as response:
            kept = b""
            for chunk in response.iter_raw():
                self._deadline.check()
                kept += chunk[: ANSWER_KEPT - len(kept)]
                if len(kept) >= ANSWER_KEPT:
                    break
            return Answer(response.status_code, kept.decode("utf-8", "replace").replace("\0", ""))

    def ask(self, url: str, body: bytes, headers: dict[str, str], *, seconds: float, most: int) -> bytes:
        """POST a body and give the whole answer, which must be a 200 of at most `most` bytes. Redirects are not followed.

        Raises `FetchError`."""
        self._deadline.start(seconds)
        address = _address(url)
        with self._open("POST", address, body, headers) as response:
            if response.status_code != HTTPStatus.OK:
                raise _bad_status(address, response)
            _check_encoding(response)
            kept = bytearray()
            for chunk in response.iter_raw():
                self._deadline.check()
                kept += chunk
                if len(kept) > most:
                    raise FetchError(f"The answer is larger than {most // 1_000_000} MB.")
            return bytes(kept)

    @contextmanager
    def _open(
        self, method: str, address: httpx2.URL, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        sent = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"} | (headers or {})
        if address.userinfo:
            sent["Authorization"] = f"Basic {b64encode(unquote(address.userinfo.decode()).encode()).decode()}"
        request = httpx2.Request(method, address, headers=sent, content=body)
        request.extensions["timeout"] = {"connect": CONNECT_SECONDS, "read": 30.0, "write": 30.0, "pool": 10.0}
        with _translated(address):
            response = self._transport.handle_request(request)
            response.request = request
            try:
                yield response
            finally:
                response.close()

    def _get_http(self, url: str, file: IO[bytes]) -> tuple[bytes, int]:
        address = _address(url)
        for _hop in range(MAX_REDIRECTS + 1):
            with self._open("GET", address) as response:
                if response.status_code in {301, 302, 303, 307, 308}:
                    address = _next_address(address, response)
                    continue
                if response.status_code != HTTPStatus.OK:
                    raise _bad_status(address, response)
                _check_encoding(response)
                self._check_size(int(response.headers.get("content-length") or 0))
                return self._save(response.iter_raw(1 << 18), file)
        raise FetchError(f"There were more than {MAX_REDIRECTS} redirects.")

    def _get_s3(self, url: str, file: IO[bytes]) -> tuple[bytes, int]:
        bucket, _, key = url[len("s3://") :].partition("/")
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket) or not key:
            raise FetchError("Write an S3 address as s3://BUCKET/KEY.")
        if not self._settings.s3_access_key:
            raise FetchError(
                "This server has no S3 access key (LABELWRIGHT_S3_ACCESS_KEY), so it cannot read s3:// files."
            )
        # Our own files belong to many teams; only the service decides who may read which.
        own = urlsplit(self._settings.storage_url)
        if own.scheme == "s3" and own.netloc == bucket:
            raise FetchError("Files in this server's own storage bucket cannot be fetched by address.")
        if self._settings.fetch_buckets and bucket not in self._settings.fetch_buckets:
            raise FetchError(f"This server does not read from the bucket {bucket} (LABELWRIGHT_FETCH_BUCKETS).")
        try:
            store = s3_backend(self._settings, bucket, retries=1)
            result = obstore.get(store, key)
            self._check_size(int(result.meta["size"]))
            return self._save(result.stream(min_chunk_size=1 << 20), file)
        except (NotFoundError, FileNotFoundError):
            raise FetchError(f"There is no such file in the bucket {bucket}.") from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise FetchError(f"This server's S3 access key may not read from the bucket {bucket}.") from None
        except StorageError:
            raise FetchError("The S3 server could not be reached or answered with an error.", retry=True) from None

    def _save(self, chunks: Iterable[Any], file: IO[bytes]) -> tuple[bytes, int]:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            self._deadline.check()
            size += len(chunk)
            self._check_size(size)
            digest.update(chunk)
            file.write(chunk)
        return digest.digest(), size

    def _check_size(self, size: int) -> None:
        if size > self._settings.fetch_max_mb * 1_000_000:
            raise FetchError(f"The file is larger than {self._settings.fetch_max_mb} MB (LABELWRIGHT_FETCH_MAX_MB).")


class _Deadline(threading.local):
    """The moment by which the fetch of this thread must be done."""

    end = 0.0
    seconds = 0.0

    def __init__(self, interrupted: threading.Event) -> None:
        self.interrupted = interrupted  # one for all threads: `threading.local` calls this once in each

    def start(self, seconds: float) -> None:
        self.seconds = seconds
        self.check_interrupted()
        self.end = time.monotonic() + seconds

    def left(self, timeout: float | None = None) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout(f"took longer than {self.seconds:g} seconds")
        return left if timeout is None else min(left, timeout)

    def check_interrupted(self) -> None:
        if self.interrupted.is_set():
            raise Interrupted

    def check(self) -> None:
        self.check_interrupted()
        if time.monotonic() > self.end:
            raise FetchError(f"The fetch took longer than {self.seconds:g} seconds.", retry=True)


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read and write ends by the deadline, so that a server cannot trickle forever."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read in slices of time, so that a stopping process need not wait for a silent server."""
        until = time.monotonic() + self._deadline.left(timeout)
        while True:
            self._deadline.check_interrupted()
            left = until - time.monotonic()
            try:
                return self._inner.read(max_bytes, max(0.001, min(left, SLICE)))
            except httpcore2.ReadTimeout:
                if left <= SLICE:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections, but only to addresses that are allowed."""

    def __init__(self, allow: Sequence[Network], deadline: _Deadline) -> None:
        self._allow, self._deadline = allow, deadline
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = addresses.resolve(host, port)
        except (OSError, UnicodeError, ValueError):
            raise httpcore2.ConnectError(f"the name {host} cannot be resolved") from None
        usable = [str(address) for address in found if addresses.allowed(address, self._allow)]
        if not usable:
            raise _Refused(host)
        for last, address in enumerate(usable, 1 - len(usable)):
            try:
                wait = min(CONNECT_SECONDS, self._deadline.left(timeout))
                stream = self._inner.connect_tcp(address, port, wait, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if last == 0:
                    raise
        raise httpcore2.ConnectError(host)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise _Refused(path)


class _GuardedTransport(httpx2.HTTPTransport):
    """httpx2's own transport with our way of connecting; it has no parameter for that, its pool has."""

    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        super().__init__(trust_env=True)  # here only: certificates of the site's own authority (SSL_CERT_FILE)
        self._pool.close()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=True), max_connections=64, max_keepalive_connections=16,
            keepalive_expiry=15.0, http1=True, http2=False, network_backend=backend,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )  # fmt: skip


def _address(url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise FetchError("The address is not a valid URL.") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise FetchError("The address must begin with http:// or https:// and name a host.")
    if not _HOST.fullmatch(address.raw_host.decode()) or not 0 < (address.port or 80) < 65536:
        raise FetchError("The address is not a valid URL: look at its host and port.")
    return address


def _next_address(address: httpx2.URL, response: httpx2.Response) -> httpx2.URL:
    target = response.headers.get("location")
    if not target:
        raise FetchError(f"{address.host} answered with a redirect to nowhere.")
    try:
        return _address(str(address.join(target)))
    except (httpx2.InvalidURL, ValueError):
        raise FetchError(f"{address.host} answered with a redirect to something that is not a URL.") from None


def _check_encoding(response: httpx2.Response) -> None:
    """We ask for plain bytes; unpacking what comes packed all the same would let a small answer grow without bound."""
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise FetchError("The server sent the file compressed (Content-Encoding) although plain bytes were asked for.")


def _bad_status(address: httpx2.URL, response: httpx2.Response) -> FetchError:
    status = response.status_code
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return FetchError(f"{address.host} answered {status}{phrase}.", retry=status >= 500 or status in {408, 425, 429})


@contextmanager
def _translated(address: httpx2.URL) -> Iterator[None]:
    """Turn the client's errors into sentences for the person who sent the address."""
    host = address.host
    try:
        yield
    except FetchError:
        raise
    except (httpx2.TransportError, httpcore2.ConnectError, httpcore2.ReadTimeout) as error:
        if _caused_by(error, _Refused):
            raise FetchError(
                f"{host} is not a public address. The administrator can allow its network with LABELWRIGHT_FETCH_ALLOW."
            ) from None
        if isinstance(error, httpx2.TimeoutException | httpcore2.ReadTimeout):
            raise FetchError(f"{host} did not answer in time.", retry=True) from None
        if _caused_by(error, ssl.SSLCertVerificationError):
            raise FetchError(f"The certificate of {host} is not valid.", retry=True) from None
        raise FetchError(f"{host} could not be reached: {str(error) or type(error).__name__}.", retry=True) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise FetchError(f"{host} could not be reached: {error}.", retry=True) from None


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
