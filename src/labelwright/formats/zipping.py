"""A zip written front to back, for archives of a million small files.

`zipfile` keeps an object of half a kilobyte for each file and seeks back after each; here a file is one write, and the
directory waits in a temporary file. The same files give the same bytes."""

from __future__ import annotations

import struct
import tempfile
import zlib
from typing import IO

# Labels pack to a fifth at any level; the strongest take five times as long for an eighth less.
LEVEL = 1
STORED, DEFLATED = 0, 8
FIRST_OF_1980 = 33  # the first day that a zip can name
UTF8 = 0x800
UNIX_FILE = 0o100644 << 16
MOST = 0xFFFFFFFF
IN_MEMORY = 1 << 20
LOCAL = struct.Struct("<4s5H3L2H")
LARGE = struct.Struct("<2H2Q")  # sizes of more than 4 GB, after the name
ENTRY = struct.Struct("<4s6H3L5H2L")
END64 = struct.Struct("<4sQ2H2L4Q4sLQL")
END = struct.Struct("<4s4H2LH")


class Zip:
    """Files added to an open, seekable file from where it stands; `close` writes the directory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._start = self._at = file.tell()
        self._directory = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._count = 0

    def add(self, path: str, body: bytes, *, packed: bool = True) -> None:
        """Add a file; `packed`: with deflate, else as it is."""
        size, crc = len(body), zlib.crc32(body)
        if packed:
            body = zlib.compress(body, LEVEL, -zlib.MAX_WBITS)
        method = DEFLATED if packed else STORED
        name, flags = _name(path)
        head = LOCAL.pack(
            b"PK\3\4", 20, flags, method, 0, FIRST_OF_1980, crc, len(body), size, len(name), 0
        )  # fmt: skip
        self.file.write(head + name + body)
        self._note(name, flags, method, crc, len(body), size, len(head) + len(name) + len(body))

    def stream(self, path: str) -> Stream:
        """A packed file to be written piece by piece; close it before the next one is added."""
        return Stream(self, *_name(path))

    def _note(self, name: bytes, flags: int, method: int, crc: int, packed: int, size: int, length: int) -> None:
        """Remember for the directory a file that takes `length` bytes from where the archive's end was."""
        offset = self._at - self._start
        large = [v for v in (size, packed, offset) if v >= MOST]
        more = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        version = 45 if large else 20
        entry = ENTRY.pack(
            b"PK\1\2", 3 << 8 | version, version, flags, method, 0, FIRST_OF_1980, crc, min(packed, MOST), min(size, MOST),
            len(name), len(more), 0, 0, 0, UNIX_FILE, min(offset, MOST),
        )  # fmt: skip
        self._directory.write(entry + name + more)
        self._at += length
        self._count += 1

    def close(self) -> None:
        """Write the directory."""
        size, offset, count = self._directory.tell(), self._at - self._start, self._count
        self._directory.seek(0)
        while chunk := self._directory.read(IN_MEMORY):
            self.file.write(chunk)
        self._directory.close()
        if count >= 0xFFFF or offset >= MOST or size >= MOST:
            self.file.write(END64.pack(
                b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset, b"PK\6\7", 0, offset + size, 1
            ))  # fmt: skip
        count = min(count, 0xFFFF)
        self.file.write(END.pack(b"PK\5\6", 0, 0, count, count, min(size, MOST), min(offset, MOST), 0))


class Stream:
    """One file on its way into a `Zip`. Its size is filled in when it is closed."""

    def __init__(self, zip_: Zip, name: bytes, flags: int) -> None:
        self._zip, self._name, self._flags = zip_, name, flags
        self._crc = self._size = self._packed = 0
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._start = zip_.file.tell()
        zip_.file.write(self._head())

    def _head(self) -> bytes:
        head = LOCAL.pack(
            b"PK\3\4", 45, self._flags, DEFLATED, 0, FIRST_OF_1980, self._crc, MOST, MOST, len(self._name), LARGE.size
        )
        return head + self._name + LARGE.pack(1, 16, self._size, self._packed)

    def write(self, data: bytes) -> int:
        """Append a piece."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._put(self._deflate.compress(data))
        return len(data)

    def _put(self, packed: bytes) -> None:
        self._packed += len(packed)
        self._zip.file.write(packed)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left, and the sizes into the file's head."""
        self._put(self._deflate.flush())
        head, file = self._head(), self._zip.file
        end = file.tell()
        file.seek(self._start)
        file.write(head)
        file.seek(end)
        self._zip._note(self._name, self._flags, DEFLATED, self._crc, self._packed, self._size, end - self._start)


def _name(path: str) -> tuple[bytes, int]:
    """A path's bytes, and the flags of a file of that name."""
    return (path.encode(), 0) if path.isascii() else (path.encode(), UTF8)
