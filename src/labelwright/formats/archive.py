"""Datasets of many files: zip archives, written as a stream and read with care."""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

import msgspec
from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid, TooLarge
from labelwright.formats import headers
from labelwright.formats.sample import Report, Sample, Source
from labelwright.formats.zipping import Stream, Zip

T = TypeVar("T")
MAX_FILES = 1_000_000
MAX_BYTES = 64 << 30
MAX_TEXT = 256 << 20
# Text packs 20 to 200 times; a bomb thousands.
MAX_RATIO = 1000
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
VIDEOS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
# What reading a broken file raises.
BROKEN = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, zlib.error)
EMPTY = "EMPTY.txt"
WHEN = (1980, 1, 1, 0, 0, 0)  # the same dataset is the same bytes


class Writer:
    """A zip written front to back: memory does not grow with what goes in, but for 100 bytes a file name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = Zip(file)
        self._stems: set[str] = set()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def add(self, path: str, body: bytes | str) -> None:
        """Add a file; pictures are stored as they are, the rest is packed."""
        body = body.encode() if isinstance(body, str) else body
        self._zip.add(path, body, packed=not path.lower().endswith(PICTURES))

    def stream(self, path: str) -> Stream:
        """A file to be written piece by piece; close it before the next one is added."""
        return self._zip.stream(path)

    def name(self, folder: str, name: str) -> str:
        """A path for a picture in `folder`: its own name made safe, and its stem used by no other picture there."""
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            name = (
                "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
                or "picture"
            )
        stem, suffix = posixpath.splitext(name)
        if not suffix.lower().endswith(PICTURES):
            stem, suffix = stem + suffix, ""
        candidate, number = stem, 1
        while (key := f"{folder}/{candidate}") in self._stems:
            number += 1
            candidate = f"{stem}_{number}"
        self._stems.add(key)
        return candidate + suffix

    def note_empty(self, report: Report) -> None:
        """Say so in a file when nothing was written: an archive of nothing else is an empty dataset, and no mistake."""
        if not report.images:
            self.add(EMPTY, "This dataset holds no pictures.\n")

    def picture(self, path: str, sample: Sample) -> None:
        """Add the sample's picture, when it came with it."""
        if sample.picture is not None:
            self.add(path, sample.picture())


class Tree:
    """A zip or a folder opened for reading. Raises `Invalid` for paths that lead out of it, and `TooLarge` for bombs.

    `alone`: the name by which a file that is no zip is the only one there."""

    def __init__(self, source: Source, alone: str = "") -> None:
        self._zip: zipfile.ZipFile | None = None
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._root = ""
        self._files: dict[str, int] = {}  # sizes in bytes of a folder's files
        self._body: bytes | None = None
        if isinstance(source, Path):
            self._folder(source)
        elif alone and not _is_zip(source):
            self._body = source.read(MAX_TEXT + 1)
            self._files[alone] = len(self._body)
        else:
            self._archive(source)
        self.paths = sorted(self._infos or self._files)

    def _archive(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise Invalid("This is not a zip file.", field="file") from None
        entries = [info for info in self._zip.infolist() if not info.is_dir()]
        _limit(len(entries), sum(info.file_size for info in entries))
        for info in entries:
            path = info.filename.replace("\\", "/")
            if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0]:
                raise Invalid(f"The archive holds a path that leads out of it: {path!r}.", field=path)
            if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise TooLarge(f"{path} unpacks to {info.file_size >> 20} MB out of almost nothing.")
            if path in self._infos:
                raise Invalid(f"The archive holds {path!r} twice.", field=path)
            if not path.startswith("__MACOSX/"):
                self._infos[path] = info

    def _folder(self, root: Path) -> None:
        self._root, inside, waiting = str(root), root.resolve(), [str(root)]
        start = len(self._root) + 1
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file():
                        path = entry.path[start:]
                        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(inside):
                            raise Invalid(f"The folder holds a link that leads out of it: {path!r}.", field=path)
                        self._files[path] = entry.stat().st_size
        _limit(len(self._files), sum(self._files.values()))

    def json(self, path: str, decoder: Callable[[bytes], T]) -> T:
        """A JSON file. Raises `Invalid` naming the file and the place of the fault."""
        try:
            return decoder(self.read(path).removeprefix(b"\xef\xbb\xbf"))
        except msgspec.DecodeError as error:
            raise Invalid(f"{path}: {error}", field=path) from None

    def names(self, suffix: str | tuple[str, ...] = "") -> list[str]:
        """Paths in order of their names, those that end with `suffix` (in any case)."""
        return [name for name in self.paths if name.lower().endswith(suffix)] if suffix else list(self.paths)

    def need(self, suffix: str | tuple[str, ...], what: str) -> list[str]:
        """`names`, of which there must be one. Raises `Invalid`."""
        found = self.names(suffix)
        if not found and EMPTY not in self:
            raise Invalid(f"The dataset has no {what}.", field="file")
        return found

    def __contains__(self, path: str) -> bool:
        return path in self._infos or path in self._files

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return self._infos[path].file_size if self._zip else self._files[path]

    def read(self, path: str, most: int = MAX_TEXT) -> bytes:
        """A file's bytes, at most so many. Raises `Invalid` when it is broken, `TooLarge`."""
        if self.size(path) > most:
            raise TooLarge(f"{path} is larger than {most >> 20} MB.")
        if self._body is not None:
            return self._body
        try:
            with self.open(path) as file:
                return file.read()
        except BROKEN as error:
            raise Invalid(f"{path} cannot be unpacked: {error}", field=path) from None

    def open(self, path: str) -> IO[bytes]:
        """A file to be read piece by piece. Raises `Invalid` when it is broken."""
        if self._body is not None:
            return io.BytesIO(self._body)
        try:
            return self._zip.open(self._infos[path]) if self._zip else open(f"{self._root}/{path}", "rb")
        except BROKEN as error:
            raise Invalid(f"{path} cannot be unpacked: {error}", field=path) from None

    def seekable(self, path: str, most: int = MAX_TEXT) -> IO[bytes]:
        """A file of at most so many bytes to go back and forth in; an archive's is unpacked to the disk. Raises `Invalid`, `TooLarge`."""
        if self.size(path) > most:
            raise TooLarge(f"{path} is larger than {most >> 20} MB.")
        if self._zip is None:
            return self.open(path)
        found = tempfile.TemporaryFile()  # noqa: SIM115 (the caller's to close)
        try:
            with self.open(path) as packed:
                shutil.copyfileobj(packed, found, 1 << 20)
        except BROKEN as error:
            found.close()
            raise Invalid(f"{path} cannot be unpacked: {error}", field=path) from None
        found.seek(0)
        return found

    def text(self, path: str) -> str:
        """A file's text. Raises `Invalid` unless it is UTF-8."""
        try:
            return self.read(path).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(f"{path} is not UTF-8 text.", field=path) from None

    def size_of(self, path: str) -> tuple[int, int]:
        """Width and height of a picture in pixels; reads no more than its header needs. Raises `Invalid`."""
        try:
            with self.open(path) as file:
                found = headers.size(file.read(headers.ENOUGH))
                if found is not None:
                    return found
            with io.BufferedReader(self.open(path)) as file, Image.open(file) as image:  # type: ignore[arg-type]
                return image.size
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, *BROKEN):
            raise Invalid(f"{path} is not a picture.", field=path) from None

    def opener(self, path: str) -> Picture:
        """How to get a picture's bytes later."""
        return Picture(self, path)

    @cached_property
    def by_name(self) -> dict[str, str]:
        """Pictures and videos by their bare names, those whose name is there once."""
        found: dict[str, str] = {}
        twice = set()
        for path in self.names((*PICTURES, *VIDEOS)):
            name = posixpath.basename(path)
            if name in found:
                twice.add(name)
            found[name] = path
        return {name: path for name, path in found.items() if name not in twice}

    def find(self, name: str, *folders: str) -> str | None:
        """Where a picture of this name is: in one of the folders, or the only one of its bare name anywhere."""
        name = name.replace("\\", "/")
        for folder in folders:
            path = posixpath.normpath(f"{folder}/{name}" if folder else name)
            if path in self:
                return path
        return self.by_name.get(posixpath.basename(name))


def _is_zip(file: IO[bytes]) -> bool:
    file.seek(0)
    found = file.read(2) == b"PK"
    file.seek(0)
    return found


def _limit(files: int, size: int) -> None:
    if files > MAX_FILES or size > MAX_BYTES:
        raise TooLarge(f"The dataset holds more than {MAX_FILES} files or {MAX_BYTES >> 30} GB.")


class Picture:
    """A picture in an archive, read when it is called for."""

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree, self._path = tree, path

    def __call__(self) -> bytes:
        return self._tree.read(self._path)


SPLIT_FOLDERS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


def split_of(path: str) -> str:
    """The split that a path's folders tell: `train`, `valid`, `test` or nothing."""
    for part in path.split("/")[:-1]:
        if part.lower() in SPLIT_FOLDERS:
            return SPLIT_FOLDERS[part.lower()]
    return ""


def folder_of(sample: Sample) -> str:
    """The folder of a sample's split; `train` for one without."""
    return sample.split or "train"


def need_size(sample: Sample) -> None:
    """Raise `Invalid` when the size of a sample is not known: formats that count pixels cannot write it."""
    if sample.width < 1 or sample.height < 1:
        raise Invalid(f"The size of {sample.name!r} is not known.", field="width")


def stem(path: str) -> str:
    """A path without the suffix of a picture."""
    base, suffix = posixpath.splitext(path)
    return base if suffix.lower() in PICTURES else path


def pictures(tree: Tree) -> Iterator[str]:
    """Paths of the pictures in an archive."""
    yield from tree.names(PICTURES)
