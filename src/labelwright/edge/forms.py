"""Forms with files, read whole when they are small: Starlette's parser calls Python several times for each piece of a file.

Only what common clients send is read here. Anything else about a form (another alphabet, escapes in a name, text around
the parts, too much of something) is left to Starlette, whose answer then counts; both give the same for the same form."""

from __future__ import annotations

import io
import re

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import Request

SMALL = 8_000_000  # bytes of a body that is read into memory
_TYPE = re.compile(r'multipart/form-data; ?boundary=("?)([0-9A-Za-z\'()+_,./:=?-]{1,70})\1', re.ASCII)
_PLACE = re.compile(rb'form-data; name="([^"\\\r\n;]*)"(?:; filename="([^"\\\r\n;]*)")?')
_HEADER = re.compile(rb"([A-Za-z0-9-]+): ([^\r\n]*)")


class _Held(io.BytesIO):
    """A file in memory. Starlette asks `_rolled` whether reading it may block."""

    _rolled = False


async def read(
    request: Request, *, max_files: int = 1000, max_fields: int = 1000, max_part_size: int = 1 << 20
) -> FormData:
    """The request's form, to be closed by the caller. Raises Starlette's `HTTPException` (400) when it is none."""
    kind = _TYPE.fullmatch(request.headers.get("content-type", ""))
    announced = request.headers.get("content-length", "")
    if kind and announced.isdigit() and int(announced) <= SMALL:
        found = parts(await request.body(), kind[2].encode(), max_files, max_fields, max_part_size)
        if found is not None:
            return found
    return await request.form(max_files=max_files, max_fields=max_fields, max_part_size=max_part_size)


def parts(raw: bytes, boundary: bytes, max_files: int, max_fields: int, max_part_size: int) -> FormData | None:
    """Fields and files of a body; None when there is anything unusual about it."""
    items: list[tuple[str, str | UploadFile]] = []
    mark, files = b"--" + boundary, 0
    if not raw.startswith(mark):
        return None
    place = len(mark)
    while raw[place : place + 2] == b"\r\n":
        start = raw.find(b"\r\n\r\n", place) + 4
        end = raw.find(b"\r\n" + mark, start)
        if start < 4 or end < 0 or raw.startswith(mark, start):
            return None
        part = _part(raw[place + 2 : start - 4], raw[start:end], max_part_size)
        if part is None:
            return None
        items.append(part)
        files += isinstance(part[1], UploadFile)
        place = end + 2 + len(mark)
    if raw[place:] not in (b"--", b"--\r\n") or files > max_files or len(items) - files > max_fields:
        return None
    return FormData(items)


def _part(head: bytes, content: bytes, max_part_size: int) -> tuple[str, str | UploadFile] | None:
    lines = [_HEADER.fullmatch(line) for line in head.split(b"\r\n")]
    headers = [(line[1].lower(), line[2]) for line in lines if line]
    places = [_PLACE.fullmatch(value) for name, value in headers if name == b"content-disposition"]
    if len(headers) < len(lines) or len(places) != 1 or places[0] is None:
        return None
    name, filename = places[0].groups()
    try:
        if filename is not None:
            file = UploadFile(
                _Held(content), size=len(content), filename=filename.decode(), headers=Headers(raw=headers)
            )
            return name.decode(), file
        return None if len(content) > max_part_size else (name.decode(), content.decode())
    except UnicodeDecodeError:
        return None
