"""Both kinds of storage answer the same."""

import io
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from tests.support.processes import S3Server

from labelwright import errors
from labelwright.settings import Settings
from labelwright.storage import Links, Store, content_key, open_store
from labelwright.storage.links import byte_range


@pytest.fixture
def s3_settings(s3_server: S3Server, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, **s3_server.settings(s3_server.bucket()))


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return open_store(Settings(data=tmp_path, storage_url=f"file://{tmp_path}/a%20store"))
    return open_store(request.getfixturevalue("s3_settings"))


def test_put_get_stream_open_size_delete(store: Store, tmp_path: Path) -> None:
    key = content_key(b"\x12" * 32)
    assert key.startswith("media/12/1212")
    body = bytes(range(256)) * 20_000
    path = tmp_path / "big"
    path.write_bytes(body)
    assert not store.exists(key)
    assert store.put(key, path, mime="image/png")
    assert store.size(key) == len(body)
    assert store.exists(key)
    assert store.get(key) == body
    assert b"".join(store.stream(key)) == body
    assert b"".join(store.stream(key, 5, 300)) == body[5:300]
    assert b"".join(store.stream(key, len(body) - 3)) == body[-3:]
    assert b"".join(store.stream(key, 7, 7)) == b""
    with store.open(key) as file:
        file.seek(1_000_001)
        assert bytes(file.read(10)) == body[1_000_001:1_000_011]
    with store.as_file(key) as copy:
        assert copy.read_bytes() == body
    assert list(store.keys("media")) == [key]
    [(found, size, written)] = store.files("media")
    assert (found, size) == (key, len(body))
    assert abs(time.time() - written.timestamp()) < 600
    store.delete(key)
    store.delete(key)
    assert not store.exists(key)


def test_create_only_keeps_the_first(store: Store) -> None:
    assert store.put("system/one", b"first", create_only=True)
    assert not store.put("system/one", b"second", create_only=True)
    assert store.get("system/one") == b"first"
    assert store.put("system/one", io.BytesIO(b"third"))
    assert store.get("system/one") == b"third"


def test_missing_files_are_not_found(store: Store) -> None:
    for read in (store.get, store.size, store.stream):
        with pytest.raises(errors.NotFound):
            read("media/aa/none")
    for opened in (store.open, store.as_file):
        with pytest.raises(errors.NotFound), opened("media/aa/none"):
            pass


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a//b", "a/../b", "", "A", "a/.hidden", "a\\b", "a/b\n"])
def test_keys_cannot_leave_the_store(store: Store, key: str) -> None:
    with pytest.raises(errors.Invalid):
        store.get(key)


SIGN_AGAIN = """
import sys
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.auth, datetime
url, date, key, secret, region = sys.argv[1:]
at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
botocore.auth.get_current_datetime = lambda *a, **k: at
request = AWSRequest("GET", url)
S3SigV4QueryAuth(Credentials(key, secret), "s3", region, expires=60).add_auth(request)
print(request.url)
"""


def test_s3_links_are_signed_as_botocore_would(s3_settings: Settings, s3_server: S3Server) -> None:
    """moto does not check signatures, so AWS's own library, which moto's environment has, signs the link again."""
    store = open_store(s3_settings)
    store.put("media/aa/file", b"hello", mime="text/plain")
    url = store.signed_url("media/aa/file", 60)
    assert url is not None
    query = parse_qs(urlsplit(url).query)
    values = (s3_settings.s3_access_key, s3_settings.s3_secret_key, s3_settings.s3_region)
    command = [str(s3_server.process.args[0]), "-c", SIGN_AGAIN, url.split("?")[0], query["X-Amz-Date"][0], *values]
    again = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert parse_qs(urlsplit(again.strip()).query)["X-Amz-Signature"] == query["X-Amz-Signature"]
    with urlopen(Request(url, headers={"Range": "bytes=1-2"})) as answer:
        assert answer.read() == b"el"
        assert answer.headers["Content-Type"] == "text/plain"


def test_our_own_links(store: Store) -> None:
    links = Links(store)
    url = links.sign("media/aa/x", "image/png", 60)
    parts = urlsplit(url)
    query = {k: v[0] for k, v in parse_qs(parts.query).items()}
    key = parts.path.removeprefix("/files/")
    link = Links(store).verify(key, query["type"], query["expires"], query["signature"])
    assert (link.key, link.mime) == ("media/aa/x", "image/png")
    assert link.headers()["X-Content-Type-Options"] == "nosniff"
    for forged in (
        ("media/aa/y", query["type"], query["expires"], query["signature"]),
        (key, "text/html", query["expires"], query["signature"]),
        (key, query["type"], str(int(query["expires"]) + 1), query["signature"]),
        (key, query["type"], "soon", query["signature"]),
        (key, query["type"], query["expires"], "é"),
    ):
        with pytest.raises(errors.Forbidden, match="not valid"):
            links.verify(*forged)
    late = dict(parse_qs(urlsplit(links.sign(key, "image/png", -9000)).query))
    with pytest.raises(errors.Forbidden, match="expired"):
        links.verify(key, "image/png", late["expires"][0], late["signature"][0])


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("bytes=0-", (0, 100)), ("bytes=10-19", (10, 20)), ("bytes=-5", (95, 100)), ("bytes=90-500", (90, 100)),
     ("bytes=-500", (0, 100)), ("bytes=0-1,5-6", None), ("lines=1-2", None), ("bytes=-", None), ("bytes=9-3", None)],
)  # fmt: skip
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=500-600"])
def test_ranges_outside_the_file(header: str) -> None:
    with pytest.raises(errors.Invalid):
        byte_range(header, 100)
