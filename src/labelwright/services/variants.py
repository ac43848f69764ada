"""The pictures that come out of a version's items: as they are, or through its recipe, in copies, tiles and mosaics."""

from __future__ import annotations

import hashlib
import posixpath
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np
from PIL import Image
from sqlalchemy import select

from labelwright.db import Database
from labelwright.formats.sample import Sample
from labelwright.geometry.document import Document
from labelwright.media import moving, places, recipes
from labelwright.media.recipes import Recipe
from labelwright.media.work import Box, Work
from labelwright.models.versions import DatasetVersion, VersionItem
from labelwright.services import bodies
from labelwright.storage import Store, content_key

CHUNK = 500
MOSAICS = 0.5
"""The share of varied pictures that become mosaics."""


@dataclass
class Source:
    """A version's items, by which its pictures are made."""

    database: Database
    store: Store
    version: DatasetVersion
    recipe: Recipe
    _train: list[int] | None = None

    def rows(self) -> Iterator[VersionItem]:
        """All items in order."""
        after = 0
        while True:
            with self.database.read() as session:
                query = select(VersionItem).where(
                    VersionItem.version_id == self.version.id, VersionItem.position > after
                )
                rows = list(session.scalars(query.order_by(VersionItem.position).limit(CHUNK)))
            yield from rows
            if len(rows) < CHUNK:
                return
            after = rows[-1].position

    def partners(self, chance: random.Random, count: int) -> list[VersionItem]:
        """So many items for training, by chance; one may come twice."""
        with self.database.read() as session:
            of = (VersionItem.version_id == self.version.id,)
            if self._train is None:
                query = select(VersionItem.position).where(*of, VersionItem.split == "train")
                self._train = list(session.scalars(query.order_by(VersionItem.position)))
            chosen = chance.choices(self._train, k=count)
            rows = {row.position: row for row in session.scalars(
                select(VersionItem).where(*of, VersionItem.position.in_(chosen)))}  # fmt: skip
        return [rows[position] for position in chosen]

    def pixels(self, row: VersionItem) -> Image.Image:
        """An item's picture as displayed."""
        return recipes.opened(self.store.get(content_key(row.sha256)))


def samples(source: Source) -> Iterator[Sample]:
    """All pictures of a version with their labels, one at a time."""
    for row in source.rows():
        document = bodies.unpack(row.body)
        if source.recipe.plain:
            picture = partial(_original, source.store, row.sha256, source.recipe.orient)
            yield Sample(row.name, row.width, row.height, document, str(row.item_uid), row.split, picture)
        else:
            yield from _varied(source, row, document)


def _original(store: Store, sha256: bytes, orient: bool) -> bytes:
    body = store.get(content_key(sha256))
    return recipes.jpeg(recipes.opened(body)) if orient and recipes.turned(body) else body


def _varied(source: Source, row: VersionItem, document: Document) -> Iterator[Sample]:
    recipe = source.recipe
    for copy in range(recipe.copies if row.split == "train" else 1):
        for tile in range(recipe.tiles[0] * recipe.tiles[1]):
            made = _One(source, row, document, copy, tile)
            canvas = _mosaic(made) or made
            yield Sample(_name(row, copy, tile), canvas.width, canvas.height, canvas.document, f"{row.item_uid}/{copy}/{tile}",
                         row.split, canvas.picture)  # fmt: skip


def _name(row: VersionItem, copy: int, tile: int) -> str:
    """The file name, as Roboflow's clients know them; the same for the same content."""
    stem, suffix = posixpath.splitext(row.name)
    mark = hashlib.sha256(row.sha256 + f"{row.position}:{copy}:{tile}".encode()).hexdigest()[:32]
    return f"{stem}_{suffix[1:] or 'jpg'}.rf.{mark}.jpg"


@dataclass
class _One:
    """One picture that comes out of an item. `fit`: the size it is cut to at its end, for a part of a mosaic."""

    source: Source
    row: VersionItem
    before: Document
    copy: int
    tile: int
    fit: tuple[int, int] | None = None
    document: Document = field(init=False)
    width: int = field(init=False)
    height: int = field(init=False)

    def __post_init__(self) -> None:
        work = self._run(Work(None, self.row.width, self.row.height))
        self.width, self.height = work.width, work.height
        self.document = moving.document(self.before, self.row.width, self.row.height, work)

    @property
    def seed(self) -> int:
        """The chance of this picture."""
        return recipes.seed_of(self.row.sha256, self.row.position, self.copy * 1000 + self.tile)

    def _uncut(self, work: Work) -> Work:
        return recipes.run(self.source.recipe, work, self.seed, self.tile, vary=self.row.split == "train")

    def _run(self, work: Work) -> Work:
        done = self._uncut(work)
        if self.fit is not None:
            places.fill(done, *self.fit)
        return done

    def image(self) -> Image.Image:
        """Its pixels."""
        image = self.source.pixels(self.row)
        done = self._run(Work(image, image.width, image.height, boxes=self._boxes()))
        assert done.image is not None
        return done.image

    def _boxes(self) -> Sequence[Box]:
        if self.fit is None:
            return moving.boxes(self.document, self.width, self.height)
        # Where objects are before the picture is cut to a part of a mosaic.
        work = self._uncut(Work(None, self.row.width, self.row.height))
        return moving.boxes(
            moving.document(self.before, self.row.width, self.row.height, work), work.width, work.height
        )

    def picture(self) -> bytes:
        """Its file."""
        return recipes.jpeg(self.image())


@dataclass
class _Mosaic:
    """Four pictures in one, each in its corner."""

    parts: list[tuple[_One, tuple[int, int]]]
    width: int
    height: int
    document: Document

    def picture(self) -> bytes:
        """Its file."""
        canvas = Image.new("RGB", (self.width, self.height))
        for part, at in self.parts:
            canvas.paste(part.image(), at)
        return recipes.jpeg(canvas)


def _mosaic(first: _One) -> _Mosaic | None:
    """A mosaic of a picture and three others, by the picture's own chance; None: it stays alone."""
    source, width, height = first.source, first.width, first.height
    if not source.recipe.mosaic or first.row.split != "train" or min(width, height) < 4:
        return None
    chance = random.Random(f"mosaic {first.seed}")  # noqa: S311 (not a secret: repeatable on purpose)
    if chance.random() >= MOSAICS:
        return None
    x, y = (round(side * chance.uniform(0.35, 0.65)) for side in (width, height))
    corners = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    chance.shuffle(corners)
    rows = [(first.row, first.before, first.tile)]
    tiles = source.recipe.tiles[0] * source.recipe.tiles[1]
    rows += [(row, bodies.unpack(row.body), chance.randrange(tiles)) for row in source.partners(chance, 3)]
    parts, objects = [], []
    for (row, document, tile), (x1, y1, x2, y2) in zip(rows, corners, strict=True):
        part = _One(source, row, document, first.copy, tile, (x2 - x1, y2 - y1))
        there = Work(None, width, height, np.array([[1.0, 0, x1], [0, 1, y1], [0, 0, 1]]))
        objects += moving.document(part.document, part.width, part.height, there).objects
        parts.append((part, (x1, y1)))
    numbered = [msgspec.structs.replace(o, id=number) for number, o in enumerate(objects, 1)]
    return _Mosaic(parts, width, height, Document(numbered, first.before.attributes))
