"""Our reading of a form agrees with Starlette's, or leaves the form to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from labelwright.edge import forms

NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=12)
CONTENT = st.binary(max_size=40) | st.sampled_from(
    [b"", b"\r\n", b"--b", b"\r\n--", b"\r\n-b", b"\n--b\n", b"\r\n--c", b"\xff\xfe"]
)
PARTS = st.lists(st.tuples(NAMES, st.none() | NAMES, st.none() | st.just(b"image/png"), CONTENT), max_size=4)


def written(parts: list[tuple[str, str | None, bytes | None, bytes]]) -> bytes:
    out = b""
    for name, filename, mime, content in parts:
        file = b"" if filename is None else b'; filename="' + filename.encode() + b'"'
        kind = b"" if mime is None else b"Content-Type: " + mime + b"\r\n"
        out += b'--b\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + file + b"\r\n" + kind
        out += b"\r\n" + content + b"\r\n"
    return out + b"--b--\r\n"


def told(form: FormData) -> list[Any]:
    found: list[Any] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            with value.file:
                found.append((name, (value.filename, value.size, value.content_type, value.file.read())))
        else:
            found.append((name, value))
    return found


def starlettes(raw: bytes) -> list[Any] | None:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield raw
        yield b""

    headers = Headers({"content-type": "multipart/form-data; boundary=b"})
    try:
        return told(asyncio.run(MultiPartParser(headers, stream(), max_files=3, max_fields=3).parse()))
    except MultiPartException:
        return None


@given(PARTS)
def test_forms_that_clients_send(parts: list[tuple[str, str | None, bytes | None, bytes]]) -> None:
    raw = written(parts)
    ours = forms.parts(raw, b"b", 3, 3, 1 << 20)
    assert ours is None or told(ours) == starlettes(raw)


@given(st.lists(st.sampled_from(
    [b"--b", b"--", b"\r\n", b"\r", b"x", b"b", b": ", b";", b'Content-Disposition: form-data; name="a"', b'; filename="f"', b"--b--"]
), max_size=14))  # fmt: skip
def test_forms_that_nobody_should_send(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    ours = forms.parts(raw, b"b", 3, 3, 1 << 20)
    assert ours is None or told(ours) == starlettes(raw)


def test_common_forms_are_read_here() -> None:
    raw = written(
        [("a", None, None, "grün".encode()), ("f", "ä.png", b"image/png", b"\x89\r\n\r\n--PNG"), ("e", "", None, b"")]
    )
    found = forms.parts(raw, b"b", 3, 3, 1 << 20)
    assert found is not None
    assert told(found) == [
        ("a", "grün"),
        ("f", ("ä.png", 10, "image/png", b"\x89\r\n\r\n--PNG")),
        ("e", ("", 0, None, b"")),
    ]


@pytest.mark.parametrize(
    ("files", "fields", "size"), [(0, 3, 1 << 20), (3, 0, 1 << 20), (3, 3, 2)], ids=["files", "fields", "size"]
)
def test_too_much_is_left_to_starlette(files: int, fields: int, size: int) -> None:
    raw = written([("a", None, None, b"text"), ("f", "x", None, b"text")])
    assert forms.parts(raw, b"b", files, fields, size) is None
