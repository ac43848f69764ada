"""A project's classes and tags as both sides know them: their shapes and value types beside our rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from labelwright.models.projects import Attribute, LabelClass, Project
from labelwright.services import ontology
from labelwright.vendors.supervisely.asking import extra_of
from labelwright.vendors.supervisely.wire import Refused

# Their shapes and ours. Several of theirs are one of ours; the class remembers which.
SHAPES: dict[str, str] = {
    "rectangle": "rectangle",
    "polygon": "polygon",
    "line": "polyline",
    "point": "point",
    "graph": "skeleton",
    "bitmap": "mask",
    "alpha_mask": "mask",
    "multipolygon": "polygon",
    "oriented_bbox": "oriented_rectangle",
    "cuboid": "cuboid",
    "cuboid_2d": "cuboid",
}
ANY = "any"
THEIRS = {"rectangle": "rectangle", "polygon": "polygon", "polyline": "line", "point": "point", "skeleton": "graph",
          "mask": "bitmap", "oriented_rectangle": "oriented_bbox", "cuboid": "cuboid"}  # fmt: skip
KINDS = {"none": "flag", "any_number": "number", "any_string": "text", "oneof_string": "one_of", "date": "text"}
VALUE_TYPES = {
    "flag": "none",
    "number": "any_number",
    "text": "any_string",
    "one_of": "oneof_string",
    "many_of": "oneof_string",
}


def shape_of(row: LabelClass) -> str:
    """Their shape of a class: what was sent while it still holds, else what our allowed shapes come to."""
    extra = extra_of(row)
    kept = extra.get("shape")
    if kept == ANY and set(row.shapes) == {SHAPES[shape] for shape in extra.get("availableShapes", [])}:
        return ANY
    if kept in SHAPES and row.shapes == [SHAPES[kept]]:
        return kept
    return THEIRS.get(row.shapes[0], ANY) if len(row.shapes) == 1 else ANY


@dataclass
class Class:
    """A class. `shape`: theirs; `nodes`: for a graph, the keys of its points in the order of our skeleton."""

    row: LabelClass
    shape: str
    nodes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What stands in the data."""
        return self.row.name


@dataclass
class Tag:
    """A tag: our attributes of one name. `item`, `frame`: those of the whole and of frames; `objects`: those of objects."""

    id: int
    name: str
    rows: list[Attribute]

    @property
    def first(self) -> Attribute:
        """The attribute that stands for all."""
        return self.rows[0]

    @property
    def value_type(self) -> str:
        """Their type of value: what was sent while it still holds."""
        kept, kinds = extra_of(self.first).get("value_type"), {row.kind for row in self.rows}
        if len(kinds) > 1:
            return "any_string"
        kind = self.first.kind
        return kept if kept in KINDS and KINDS[kept] == kind else VALUE_TYPES[kind]

    @property
    def options(self) -> list[str]:
        """What a value may be one of."""
        return list(dict.fromkeys(option for row in self.rows for option in row.options))

    def of(self, scope: str, class_name: str | None = None) -> Attribute | None:
        """The attribute of a scope; for objects the one that applies to a class."""
        for row in self.rows:
            if row.scope == scope and (class_name is None or row.classes is None or class_name in row.classes):
                return row
        return None


@dataclass
class Known:
    """Everything of one project, by id and by name."""

    classes: dict[int, Class]
    tags: dict[int, Tag]
    by_name: dict[str, Class]
    tag_by_name: dict[str, Tag]

    def class_of(self, ref: Any, at: str) -> Class:
        """A class by id or by name. Raises `Refused`."""
        found = (
            self.by_name.get(ref) if isinstance(ref, str) else self.classes.get(ref) if isinstance(ref, int) else None
        )
        if found is None:
            raise Refused(400, f"{at}: there is no class {ref!r} in this project.")
        return found

    def tag_of(self, ref: Any, at: str) -> Tag:
        """A tag by id or by name. Raises `Refused`."""
        found = (
            self.tag_by_name.get(ref) if isinstance(ref, str) else self.tags.get(ref) if isinstance(ref, int) else None
        )
        if found is None:
            raise Refused(400, f"{at}: there is no tag {ref!r} in this project.")
        return found


def known(session: Session, project: Project) -> Known:
    """What a project knows."""
    classes = [Class(row, shape_of(row), node_keys(row)) for row in ontology.classes_of(session, project.id)]
    tags = _tags(ontology.attributes_of(session, project.id))
    return Known({c.row.id: c for c in classes}, {t.id: t for t in tags}, {c.name: c for c in classes},
                 {t.name: t for t in tags})  # fmt: skip


def _tags(rows: list[Attribute]) -> list[Tag]:
    groups: dict[str, list[Attribute]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(row)
    found = []
    for name, same in groups.items():
        kept = next((extra_of(row)["tag"] for row in same if "tag" in extra_of(row)), None)
        found.append(Tag(kept or min(row.id for row in same), name, same))
    return found


def node_keys(row: LabelClass) -> list[str]:
    """The keys of a graph's nodes, in the order of our skeleton's points."""
    points = (row.skeleton or {}).get("points", [])
    names = [str(point.get("key") or point.get("name")) for point in points]
    return names if len(set(names)) == len(names) else [str(n) for n in range(len(points))]
