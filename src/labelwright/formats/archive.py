"""Datasets of many files: zip archives, written as a stream and read with care."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from PIL import Image, UnidentifiedImageError

from labelwright.errors import Invalid, TooLarge
from labelwright.formats.sample import Sample

MAX_FILES = 1_000_000
MAX_BYTES = 64 << 30
MAX_TEXT = 256 << 20
# Text packs 20 to 200 times; a bomb thousands.
MAX_RATIO = 1000
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
WHEN = (1980, 1, 1, 0, 0, 0)  # the same dataset is the same bytes


class Writer:
    """A zip written front to back: memory does not grow with what goes in, but for 100 bytes a file name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._stems: set[str] = set()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def add(self, path: str, body: bytes | str) -> None:
        """Add a file; pictures are stored as they are, the rest is packed."""
        info = zipfile.ZipInfo(path, WHEN)
        packed = path.lower().endswith(PICTURES)
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        self._zip.writestr(info, body)

    def stream(self, path: str) -> IO[bytes]:
        """A file to be written piece by piece; close it before the next one is added."""
        info = zipfile.ZipInfo(path, WHEN)
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)

    def name(self, folder: str, name: str) -> str:
        """A path for a picture in `folder`: its own name made safe, and its stem used by no other picture there."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        stem, suffix = posixpath.splitext("/".join(parts) or "picture")
        if not suffix.lower().endswith(PICTURES):
            stem, suffix = stem + suffix, ""
        candidate, number = stem, 1
        while f"{folder}/{candidate}" in self._stems:
            number += 1
            candidate = f"{stem}_{number}"
        self._stems.add(f"{folder}/{candidate}")
        return f"{candidate}{suffix}"

    def picture(self, path: str, sample: Sample) -> None:
        """Add the sample's picture, when it came with it."""
        if sample.picture is not None:
            self.add(path, sample.picture())


class Tree:
    """A zip opened for reading. Raises `Invalid` for paths that lead out of it, and `TooLarge` for bombs."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise Invalid("This is not a zip file.", field="file") from None
        entries = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(entries) > MAX_FILES or sum(info.file_size for info in entries) > MAX_BYTES:
            raise TooLarge(f"The archive holds more than {MAX_FILES} files or {MAX_BYTES >> 30} GB.")
        self._infos = {}
        for info in entries:
            path = info.filename.replace("\\", "/")
            if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0]:
                raise Invalid(f"The archive holds a path that leads out of it: {path!r}.", field=path)
            if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise TooLarge(f"{path} unpacks to {info.file_size >> 20} MB out of almost nothing.")
            if not path.startswith("__MACOSX/"):
                self._infos[path] = info

    def names(self, suffix: str | tuple[str, ...] = "") -> list[str]:
        """Paths in order of their names, those that end with `suffix` (in any case)."""
        return sorted(name for name in self._infos if name.lower().endswith(suffix))

    def __contains__(self, path: str) -> bool:
        return path in self._infos

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises `Invalid` when it is broken."""
        info = self._infos[path]
        if info.file_size > MAX_TEXT:
            raise TooLarge(f"{path} is larger than {MAX_TEXT >> 20} MB.")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Invalid(f"{path} cannot be unpacked: {error}", field=path) from None

    def text(self, path: str) -> str:
        """A file's text. Raises `Invalid` unless it is UTF-8."""
        try:
            return self.read(path).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(f"{path} is not UTF-8 text.", field=path) from None

    def size_of(self, path: str) -> tuple[int, int]:
        """Width and height of a picture in pixels; reads no more than its header needs. Raises `Invalid`."""
        try:
            with self._zip.open(self._infos[path]) as file, Image.open(io.BufferedReader(file)) as image:  # type: ignore[arg-type]
                return image.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
            raise Invalid(f"{path} is not a picture.", field=path) from None

    def opener(self, path: str) -> Picture:
        """How to get a picture's bytes later."""
        return Picture(self, path)


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
