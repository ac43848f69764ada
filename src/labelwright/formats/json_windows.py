"""A large JSON object of arrays (COCO and its like), gone through a window at a time, so that memory stays flat.

A window is cut after an element, where a comma and the next element follow. Whether a cut is right the parser says: what
stands before it, closed with a bracket, is sound JSON for a right cut only. So nothing here takes values apart in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

import msgspec

from labelwright.errors import Invalid

T = TypeVar("T")
WINDOW = 256 << 10
# One value in an array, or a value that is read whole.
MOST = 64 << 20
CUTS = 8
raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_SPACE = re.compile(rb"[ \t\n\r]*")
_NEXT = re.compile(rb"[ \t\n\r]*,[ \t\n\r]*\{")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[{}\[\],]', re.DOTALL)
_ENDED = re.compile(r"trailing characters \(byte (\d+)\)")
_FAULT = re.compile(r"\(byte (\d+)\)")


class Reader:
    """A place in a file, and what was read from there on. Several may share a file: each seeks before it reads.

    `lead` begins the messages of errors; `Invalid` names the line of what is no JSON."""

    def __init__(
        self, file: IO[bytes], at: int = 0, lead: str = "This is not a JSON file: ", window: int = WINDOW
    ) -> None:
        self._file, self._lead, self._window = file, lead, window
        self._buffer, self._start, self._index, self._ended = b"", at, 0, False

    @property
    def at(self) -> int:
        """The place in the file of what comes next."""
        return self._start + self._index

    def peek(self) -> bytes:
        """The next byte that is no space; nothing at the end."""
        while True:
            self._index = _SPACE.match(self._buffer, self._index).end()  # type: ignore[union-attr]
            if self._index < len(self._buffer):
                return self._buffer[self._index : self._index + 1]
            if not self._more():
                return b""

    def take(self, expected: bytes) -> None:
        """Step over one byte, which must be this. Raises `Invalid`."""
        if self.peek() != expected:
            raise self.fault(f"expected {expected.decode()!r}")
        self._index += 1

    def __iter__(self) -> Iterator[str]:
        """The keys of the object that comes next; after each, its value is to be read or skipped."""
        self.take(b"{")
        if self.peek() == b"}":
            return self.take(b"}")
        while True:
            if self.peek() != b'"':
                raise self.fault("expected a key")
            key = self._decoded(msgspec.json.decode, self.value())
            self.take(b":")
            yield key
            if self.peek() == b"}":
                return self.take(b"}")
            self.take(b",")

    def end(self) -> None:
        """Raise `Invalid` unless nothing follows."""
        if self.peek():
            raise self.fault("trailing characters")

    def value(self) -> bytes:
        """The JSON of the next value, whole."""
        self.peek()
        length = self._length()
        found = self._buffer[self._index : self._index + length]
        self._index += length
        return found

    def skip(self) -> None:
        """Step over the next value."""
        if self.peek() == b"[":
            for _ in self.arrays(raws):
                pass
        else:
            self._decoded(msgspec.json.decode, self.value())

    def arrays(self, decode: Callable[[bytes], list[T]]) -> Iterator[tuple[int, bytes, list[T] | None]]:
        """The array that comes next as arrays of some of its elements: the place in the file of the first byte, the JSON, and
        what `decode` makes of it; None when it does not take it, though it is sound JSON.

        The bracket before the elements is not in the file, but for the array's own."""
        self.take(b"[")
        if self.peek() == b"]":
            return self.take(b"]")
        while True:
            at, size = self.at - 1, self._window
            while (found := self._window_of(size, decode)) is None:
                size *= 2
                if size > MOST:
                    raise self.fault(f"a value is larger than {MOST >> 20} MB")
            yield at, found[0], found[1]
            if self.peek() == b"]":
                return self.take(b"]")
            self.take(b",")
            self.peek()

    def _window_of(self, size: int, decode: Callable[[bytes], list[T]]) -> tuple[bytes, list[T] | None] | None:
        """As many elements as so many bytes hold; None when they hold none."""
        while len(self._buffer) - self._index < size and self._more():
            pass
        text = self._buffer[self._index : self._index + size]
        for cut in _cuts(text):
            if found := self._sound(b"[" + text[:cut] + b"]", decode):
                return found
        cut = _last_cut(text)
        if not cut and self._ended and self._index + size >= len(self._buffer):
            raise self.fault("it ends too early", self._start + len(self._buffer))
        return self._sound(b"[" + text[:cut] + b"]", decode) if cut else None

    def _sound(self, array: bytes, decode: Callable[[bytes], list[T]]) -> tuple[bytes, list[T] | None] | None:
        """The array and what it holds, when it is cut right, or up to where it ends; None when it is cut amid a value."""
        found = None
        try:
            try:
                found = decode(array)
            except msgspec.ValidationError:
                raws(array)
        except msgspec.DecodeError as error:
            if ended := _ENDED.search(str(error)):
                # The number counts from 1.
                return self._sound(array[: int(ended[1]) - 1].rstrip(b" \t\n\r"), decode)
            if "truncated" in str(error):
                return None
            raise self._at_fault(error, self.at - 1) from None
        except RecursionError:
            raise self.fault("values stand in each other too deep") from None
        self._index += len(array) - 2
        return array, found

    def _length(self) -> int:
        """Bytes of the value that comes next, by its brackets."""
        while True:
            depth = 0
            for token in _TOKEN.finditer(self._buffer, self._index):
                first, end = token[0][:1], token.end() - self._index
                depth += (first in b"{[") - (first in b"}]")
                if first == b'"':
                    if not depth and token[1]:
                        return end
                elif depth < 0 or (first == b"," and not depth):  # behind a number or a word
                    return end - 1
                elif not depth:
                    return end
            if not self._more():
                return len(self._buffer) - self._index
            if len(self._buffer) - self._index > MOST:
                raise self.fault(f"a value is larger than {MOST >> 20} MB")

    def _more(self) -> bool:
        """Read on; False at the file's end."""
        if self._ended:
            return False
        self._file.seek(self._start + len(self._buffer))
        found = self._file.read(max(self._window, len(self._buffer) - self._index))
        self._ended = not found
        self._start += self._index
        self._buffer, self._index = self._buffer[self._index :] + found, 0
        return bool(found)

    def _decoded(self, decode: Callable[[bytes], T], text: bytes) -> T:
        try:
            return decode(text)
        except msgspec.DecodeError as error:
            raise self._at_fault(error, self.at - len(text)) from None
        except RecursionError:
            raise self.fault("values stand in each other too deep") from None

    def _at_fault(self, error: Exception, start: int) -> Invalid:
        """What the parser says of a text that begins at a place of the file."""
        place = _FAULT.search(str(error))
        message = _FAULT.sub("", str(error)).strip().removeprefix("JSON is malformed: ")
        return self.fault(message, start + int(place[1]) if place else None)

    def fault(self, message: str, at: int | None = None) -> Invalid:
        """An error that names the line at this place of the file."""
        self._file.seek(0)
        left, lines = self.at if at is None else at, 1
        while left > 0 and (chunk := self._file.read(min(left, 1 << 20))):
            lines += chunk.count(b"\n")
            left -= len(chunk)
        return Invalid(f"{self._lead}line {lines}: {message}", field=f"line {lines}")


def _cuts(text: bytes) -> Iterator[int]:
    """Places after which an element may begin, the last first; a few."""
    end, found = len(text), 0
    while found < CUTS and (place := text.rfind(b"}", 0, end)) > 0:
        if _NEXT.match(text, place + 1):
            found += 1
            yield place + 1
        end = place


def _last_cut(text: bytes) -> int:
    """The place after the last element that is whole, found by counting brackets; 0 when there is none."""
    depth = cut = 0
    for token in _TOKEN.finditer(text):
        first = token[0][:1]
        depth += (first in b"{[") - (first in b"}]")
        if depth < 0:
            return token.start()
        if first == b"," and not depth:
            cut = token.start()
    return cut


def elements(at: int, text: bytes) -> Iterator[tuple[int, msgspec.Raw]]:
    """The elements of a window, all of them objects, each with its place in the file."""
    place = 1
    for raw in raws(text):
        place = text.index(b"{", place)
        yield at + place, raw
        place += len(raw)
