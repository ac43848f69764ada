"""A dataset folder in an archive: each picture with the annotation text that is meant for it, of whichever kind.

Texts beside the pictures (or in `labels` beside `images`) go by name. One file for many pictures (COCO, CreateML, tables,
lines) is cut into pieces by picture; of several that name one, that of the nearest folder counts."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from labelwright.errors import Invalid
from labelwright.formats import archive, yolo

TEXTS = (".xml", ".txt", ".json", ".jsonl", ".csv")
NAMES = ("classes.txt", "obj.names", "_darknet.labels")
IGNORED = ("readme", "license", "classes.txt", "obj.names", "train.txt", "valid.txt", "test.txt")
SIDES = frozenset({"images", "labels", "annotations"})


@dataclass(frozen=True)
class Entry:
    """A picture of an archive. `text`: its annotation file or its part of one, as of `file`; None: there is none."""

    path: str
    split: str
    text: str | None = None
    file: str = ""
    labelmap: dict[str, str] | None = None


@dataclass(frozen=True)
class _Piece:
    file: str
    text: Callable[[], str]


class _Named(msgspec.Struct):
    file_name: str
    id: int | str | None = None


class _Belongs(msgspec.Struct):
    image_id: int | str | None = None


class _Coco(msgspec.Struct):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw] = []
    categories: msgspec.Raw = msgspec.Raw(b"[]")


class _Of(msgspec.Struct):
    image: str


def entries(tree: archive.Tree, *, whole: bool = False) -> Iterator[Entry]:
    """Every picture in the archive, in order of paths. `whole`: classes of pictures, told by the folder when nothing else
    tells them. Raises `Invalid` for a shared annotation file that cannot be read, naming it."""
    own = {_key(path): path for path in tree.names(TEXTS) if not _ignored(path)}
    pictures = list(archive.pictures(tree))
    beside = {_key(path) for path in pictures}
    shared = _Shared(tree, [path for key, path in own.items() if key not in beside])
    labelmaps = _Labelmaps(tree)
    for path in pictures:
        split, text = archive.split_of(path), own.get(_key(path))
        if text is not None:
            yield Entry(path, split, tree.text(text), text, labelmaps.of(text))
            continue
        piece = shared.of(path)
        if piece is not None:
            yield Entry(path, split, piece.text(), piece.file)
        else:
            folder = path.split("/")[-2] if whole and "/" in path else ""
            named = folder.lower() not in {*archive.SPLIT_FOLDERS, *SIDES, ""}
            yield Entry(path, split, folder if named else None, path)


def _key(path: str) -> str:
    folder, name = posixpath.split(posixpath.splitext(path)[0])
    return "/".join([*(part for part in folder.split("/") if part.lower() not in SIDES), name]).lower().lstrip("/")


def _ignored(path: str) -> bool:
    return posixpath.basename(path).lower().startswith(IGNORED)


def _distance(one: str, other: str) -> int:
    """How many steps it is from one file's folder to another's."""
    a, b = one.split("/")[:-1], other.split("/")[:-1]
    common = len(posixpath.commonprefix([a, b]))
    return len(a) + len(b) - 2 * common


class _Shared:
    """Annotation files for many pictures, cut into pieces by the bare names of the pictures."""

    def __init__(self, tree: archive.Tree, paths: list[str]) -> None:
        self._pieces: dict[str, list[_Piece]] = {}
        for path in paths:
            cut = CUTS.get(posixpath.splitext(path)[1].lower())
            if cut is not None:
                for name, text in cut(tree.text(path), path):
                    self._pieces.setdefault(_bare(name), []).append(_Piece(path, text))

    def of(self, picture: str) -> _Piece | None:
        """The piece for a picture, from the nearest file."""
        return min(self._pieces.get(_bare(picture), ()), key=lambda piece: _distance(piece.file, picture), default=None)


Pieces = Iterator[tuple[str, Callable[[], str]]]


def _bare(name: str) -> str:
    return posixpath.basename(name.replace("\\", "/"))


def _json(text: str, path: str) -> Pieces:
    try:
        if text.lstrip().startswith("["):
            yield from _createml(text)
        else:
            yield from _coco(text)
    except msgspec.DecodeError as error:
        raise Invalid(f"{path}: {error}", field=path) from None


def _createml(text: str) -> Pieces:
    for raw in msgspec.json.decode(text, type=list[msgspec.Raw]):
        yield msgspec.json.decode(raw, type=_Of).image, lambda raw=raw: f"[{bytes(raw).decode()}]"


def _coco(text: str) -> Pieces:
    found = msgspec.json.decode(text, type=_Coco)
    # Kept as text: a hundred thousand pictures' boxes as objects would fill the memory.
    boxes: dict[int | str | None, list[bytes]] = {}
    for raw in found.annotations:
        boxes.setdefault(msgspec.json.decode(raw, type=_Belongs).image_id, []).append(bytes(raw))
    head = b'],"categories":' + bytes(found.categories) + b',"annotations":['
    for raw in found.images:
        image = msgspec.json.decode(raw, type=_Named)

        def piece(raw: msgspec.Raw = raw, number: int | str | None = image.id) -> str:
            return (b'{"images":[' + bytes(raw) + head + b",".join(boxes.get(number, ())) + b"]}").decode()

        yield image.file_name, piece


def _lines(text: str, path: str) -> Pieces:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.setdefault(msgspec.json.decode(line, type=_Of).image, []).append(line)
            except msgspec.DecodeError as error:
                raise Invalid(f"{path} line {number}: {error}", field=path) from None
    for name, lines in found.items():
        yield name, lambda lines=lines: "\n".join(lines)


def _table(text: str, path: str) -> Pieces:
    lines = text.splitlines()
    header = [cell.strip().lower() for cell in next(csv.reader(lines[:1]), [])]
    at = next((header.index(name) for name in ("filename", "file_name", "image") if name in header), None)
    if at is None:
        return
    found: dict[str, list[str]] = {}
    for line, row in zip(lines[1:], csv.reader(lines[1:]), strict=False):
        if len(row) > at:
            found.setdefault(row[at].strip(), []).append(line)
    for name, rows in found.items():
        yield name, lambda rows=rows: "\n".join([lines[0], *rows])


CUTS: dict[str, Callable[[str, str], Pieces]] = {".json": _json, ".jsonl": _lines, ".csv": _table}


class _Labelmaps:
    """Class names by number, from `data.yaml` and the like, of the nearest folder above."""

    def __init__(self, tree: archive.Tree) -> None:
        self._maps: dict[str, dict[str, str]] = {}
        for path in tree.names((".yaml", ".yml")):
            try:
                names = yolo.names_of(tree.text(path), path)
            except Invalid:
                continue  # some other settings
            self._keep(path, names)
        for path in tree.names(NAMES):
            self._keep(path, [line.strip() for line in tree.text(path).splitlines() if line.strip()])

    def _keep(self, path: str, names: list[str]) -> None:
        self._maps.setdefault(posixpath.dirname(path), {str(n): name for n, name in enumerate(names)})

    def of(self, path: str) -> dict[str, str] | None:
        """The names for a file; None when none are given."""
        folder = posixpath.dirname(path)
        while folder and folder not in self._maps:
            folder = posixpath.dirname(folder)
        return self._maps.get(folder)
