"""Fetching from servers that are real, and not all of them kind."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from tests.support.pictures import answer, redirect, site, trickle
from tests.support.processes import S3Server

from labelwright.media import addresses
from labelwright.media.fetch import Fetcher, FetchError
from labelwright.settings import Settings
from labelwright.storage.store import open_store

LOOPBACK = (ip_network("127.0.0.0/8"),)


Making = Callable[..., Fetcher]


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Making]:
    made: list[Fetcher] = []

    def make(**settings: Any) -> Fetcher:
        defaults: dict[str, Any] = {"data": tmp_path, "fetch_allow": LOOPBACK, "fetch_max_mb": 1, "fetch_timeout": 5}
        made.append(Fetcher(Settings(**(defaults | settings))))
        return made[-1]

    yield make
    for one in made:
        one.close()


def failure(fetch: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as caught, fetch.get(url):
        pass
    return caught.value


def test_a_file_with_its_hash(fetcher: Making) -> None:
    body = b"picture" * 50_000
    with site(photo__png=body) as web:
        fetch = fetcher()
        for _ in range(2):
            with fetch.get(web.url("/photo.png?token=a%20b")) as got:
                assert got.path.read_bytes() == body
                assert (got.sha256, got.size) == (hashlib.sha256(body).digest(), len(body))
            assert not got.path.exists()
        method, path, headers, _ = web.requests[0]
        assert (method, path) == ("GET", "/photo.png?token=a%20b")
        assert headers["host"] == f"127.0.0.1:{web.port}"
        assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "retry"), [(404, False), (403, False), (410, False), (500, True), (503, True), (429, True), (408, True)]
)
def test_error_statuses(fetcher: Making, status: int, retry: bool) -> None:
    with site(x=status) as web:
        error = failure(fetcher(), web.url("/x"))
    assert str(status) in error.message
    assert error.retry is retry


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/x", "file:///etc/passwd", "/etc/passwd", "", "http://", "http:///x", "https://[bad", "gopher://127.0.0.1/",
     "javascript:alert(1)", "data:image/png;base64,xx", "http://x:99999/", "http://\u2603\0/"],
)  # fmt: skip
def test_other_addresses_are_refused_for_good(fetcher: Making, url: str) -> None:
    assert failure(fetcher(), url).retry is False


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
    ],
)
def test_this_machine_is_not_reached(fetcher: Making, host: str) -> None:
    with site(x=b"secret") as web:
        error = failure(fetcher(fetch_allow=()), web.url("/x", host))
        assert web.requests == []
    assert "LABELWRIGHT_FETCH_ALLOW" in error.message or "not a valid URL" in error.message
    assert error.retry is False


def test_redirects_are_followed_and_counted(fetcher: Making) -> None:
    with site(end=b"here", loop=redirect("/loop"), nowhere=lambda h: answer(h, 302)) as web:
        for n in range(5):
            web.pages[f"/{n}"] = redirect(f"/{n + 1}" if n < 4 else web.url("/end"), 307)
        with fetcher().get(web.url("/0")) as got:
            assert got.path.read_bytes() == b"here"
        assert "redirects" in failure(fetcher(), web.url("/loop")).message
        assert len([r for r in web.requests if r[1] == "/loop"]) == 6
        assert "nowhere" in failure(fetcher(), web.url("/nowhere")).message


@pytest.mark.parametrize("target", ["http://127.0.0.2:{port}/x", "http://[::1]:{port}/x", "http://0x7f000002:{port}/x",
                                    "http://169.254.169.254/latest/meta-data"])  # fmt: skip
def test_a_redirect_to_an_inner_address_is_refused(fetcher: Making, target: str) -> None:
    with site(x=b"secret") as web:
        web.pages["/go"] = redirect(target.format(port=web.port))
        # only the first host is allowed: what it leads to must pass the same check
        fetch = fetcher(fetch_allow=(ip_network("127.0.0.1/32"),))
        error = failure(fetch, web.url("/go"))
        assert "not a public address" in error.message
        assert error.retry is False
        assert [r[1] for r in web.requests] == ["/go"]


@pytest.mark.parametrize("target", ["s3://bucket/key", "file:///etc/passwd", "ftp://x/", "http://[bad"])
def test_a_redirect_to_another_scheme_is_refused(fetcher: Making, target: str) -> None:
    with site(go=redirect(target)) as web:
        assert failure(fetcher(), web.url("/go")).retry is False


def test_a_name_that_changes_its_answer_gains_nothing(fetcher: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the first look-up is public, any later one this machine. Only one is made, and its address is used."""
    asked: list[str] = []
    connected: list[str] = []

    def lookup(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append(host)
        place = "203.0.114.7" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        connected.append(address[0])
        raise OSError("no network here")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert failure(fetcher(fetch_allow=()), "http://rebind.example/x").retry is True
    assert asked == ["rebind.example"]
    assert connected == ["203.0.114.7"]
    assert "not a public" in failure(fetcher(fetch_allow=()), "http://rebind.example/x").message
    assert connected == ["203.0.114.7"]


def test_size_is_capped_by_header_and_by_count(fetcher: Making) -> None:
    def unannounced(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(40):
                handler.wfile.write(b"x" * 100_000)
        except OSError:
            pass

    with site(big=b"x" * 1_000_001, unannounced=unannounced, fits=b"x" * 1_000_000, empty=b"") as web:
        fetch = fetcher()
        for path in ("/big", "/unannounced"):
            error = failure(fetch, web.url(path))
            assert "larger than 1 MB" in error.message
            assert not error.retry
        with fetch.get(web.url("/fits")) as got:
            assert got.size == 1_000_000
        assert "empty" in failure(fetch, web.url("/empty")).message


def test_a_trickle_ends_at_the_deadline(fetcher: Making) -> None:
    with site(slow=trickle) as web:
        started = time.monotonic()
        error = failure(fetcher(fetch_timeout=1), web.url("/slow"))
        assert time.monotonic() - started < 3
    assert error.retry is True


def test_a_cut_answer_is_tried_again_and_a_packed_one_is_not(fetcher: Making) -> None:
    def cut(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    def packed(handler: Any) -> None:
        answer(handler, 200, b"zzz", Content_Encoding="gzip")

    with site(cut=cut, packed=packed) as web:
        assert failure(fetcher(), web.url("/cut")).retry is True
        assert "Content-Encoding" in failure(fetcher(), web.url("/packed")).message


def test_nobody_listening_no_such_name_and_no_tls(fetcher: Making) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert failure(fetcher(), f"http://127.0.0.1:{port}/").retry is True
    assert failure(fetcher(), "http://nothing.invalid/").retry is True
    with site(x=b"plain") as web:
        assert failure(fetcher(), web.url("/x").replace("http:", "https:")).retry is True


def test_a_password_in_the_address_goes_to_its_host_only(fetcher: Making) -> None:
    with site(y=b"ok") as web:
        web.pages["/x"] = redirect(web.url("/y", "localhost"))
        with fetcher().get(f"http://me:p%40ss@127.0.0.1:{web.port}/x"):
            pass
        assert web.requests[0][2]["authorization"] == "Basic bWU6cEBzcw=="
        assert "authorization" not in web.requests[1][2]


def test_post(fetcher: Making) -> None:
    with site(hook=lambda h: answer(h, 202, b"x" * 9000), moved=redirect("/hook")) as web:
        fetch = fetcher()
        got = fetch.post(web.url("/hook"), b'{"a":1}', {"Content-Type": "application/json", "X-Key": "k"})
        assert (got.status, len(got.text)) == (202, 4096)
        method, _, headers, body = web.requests[0]
        assert (method, body, headers["x-key"], headers["content-length"]) == ("POST", b'{"a":1}', "k", "7")
        assert fetch.post(web.url("/moved"), b"{}", {}).status == 302
        assert len(web.requests) == 2
        with pytest.raises(FetchError, match="not a public"):
            fetcher(fetch_allow=()).post(web.url("/hook"), b"{}", {})


def test_s3(tmp_path: Path, fetcher: Making, s3_server: S3Server) -> None:
    own, theirs = s3_server.bucket(), s3_server.bucket()
    settings: dict[str, Any] = s3_server.settings(own)
    outside = open_store(Settings(data=tmp_path, **(settings | {"storage_url": f"s3://{theirs}"})))
    outside.put("a/b.png", b"hello")
    fetch = fetcher(**settings)
    with fetch.get(f"s3://{theirs}/a/b.png") as got:
        assert got.path.read_bytes() == b"hello"
    assert "no such file" in failure(fetch, f"s3://{theirs}/a/c.png").message
    assert "own storage" in failure(fetch, f"s3://{own}/labelwright/system/signing-key").message
    listed = fetcher(**settings, fetch_buckets=("pictures",))
    assert "LABELWRIGHT_FETCH_BUCKETS" in failure(listed, f"s3://{theirs}/a/b.png").message
    assert "access key" in failure(fetcher(), f"s3://{theirs}/a/b.png").message
    outside.put("a/big", b"x" * 1_000_001)
    assert "larger" in failure(fetch, f"s3://{theirs}/a/big").message
    for bad in ("s3://", "s3://b", f"s3://{theirs}", "s3://UPPER/x", "s3://../x"):
        assert failure(fetch, bad).retry is False
