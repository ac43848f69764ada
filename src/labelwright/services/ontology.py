"""Ontology: a project's classes and attributes, as rows and as the compiled value that documents are checked against."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, Duplicate, Invalid, NotFound, Problem
from labelwright.geometry.document import SHAPE_KINDS
from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology
from labelwright.models.documents import LabelCount
from labelwright.models.projects import Attribute, LabelClass, Project
from labelwright.services import events, job_options

# Okabe and Ito's eight, safe for colour-blind eyes and reordered for contrast on photographs; then well-spread ones.
PALETTE = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
    "#E6194B", "#3CB44B", "#FFE119", "#4363D8", "#F58231", "#911EB4", "#42D4F4", "#F032E6",
    "#BFEF45", "#FABED4", "#469990", "#DCBEFF", "#9A6324", "#800000", "#AAFFC3", "#808000",
)  # fmt: skip
COLOR = re.compile(r"^#[0-9a-fA-F]{6}$")


class AttributeInput(msgspec.Struct, forbid_unknown_fields=True):
    """An attribute as a user writes it; only `name` must be there."""

    name: str
    kind: Literal["flag", "text", "number", "one_of", "many_of"] = "text"
    display_name: str = ""
    scope: Literal["item", "object", "frame"] = "object"
    classes: list[str] | None = None
    options: list[str] = msgspec.field(default_factory=list)
    required: bool = False
    mutable: bool = True
    default: Any = None


class ClassInput(msgspec.Struct, forbid_unknown_fields=True):
    """A class as a user writes it; only `name` must be there. `attributes` become the class's own."""

    name: str
    shapes: list[str] = msgspec.field(default_factory=list)
    display_name: str = ""
    color: str = ""
    hotkey: str = ""
    skeleton: dict[str, Any] | None = None
    attributes: list[AttributeInput] = msgspec.field(default_factory=list)


def parse_classes(raw: Any) -> list[ClassInput]:
    """Checked classes from JSON values. Raises `Invalid` with the path of each fault."""
    try:
        classes = msgspec.convert(raw, list[ClassInput])
    except msgspec.ValidationError as error:
        raise Invalid(f"The classes are not valid: {error}", field="classes") from None
    problems = [p for number, c in enumerate(classes) for p in _class_problems(c, f"[{number}]")]
    names = [c.name for c in classes]
    problems += [Problem(f"{n!r} stands twice.", "name") for n in {n for n in names if names.count(n) > 1}]
    if problems:
        raise Invalid(problems=problems)
    return classes


def _class_problems(entry: ClassInput, at: str) -> Any:
    if not entry.name.strip() or len(entry.name) > 200:
        yield Problem("A class needs a name of 1 to 200 characters.", f"{at}.name")
    for shape in entry.shapes:
        if shape not in SHAPE_KINDS:
            yield Problem(f"{shape!r} is no shape; choose of {', '.join(SHAPE_KINDS)}.", f"{at}.shapes")
    if entry.color and not COLOR.match(entry.color):
        yield Problem(f"{entry.color!r} is no colour; write it as #RRGGBB.", f"{at}.color")
    if entry.skeleton is not None:
        yield from _skeleton_problems(entry.skeleton, f"{at}.skeleton")
    for number, attribute in enumerate(entry.attributes):
        yield from _attribute_problems(attribute, f"{at}.attributes[{number}]")


def _skeleton_problems(skeleton: dict[str, Any], at: str) -> Any:
    points, edges = skeleton.get("points"), skeleton.get("edges", [])
    if not isinstance(points, list) or not points or not all(isinstance(p, dict) and p.get("name") for p in points):
        yield Problem("A skeleton needs a list `points`, each with a `name`.", f"{at}.points")
        return
    for edge in edges if isinstance(edges, list) else [None]:
        ends = edge if isinstance(edge, list) and len(edge) == 2 else [None]
        if not all(isinstance(end, int) and 0 <= end < len(points) for end in ends):
            yield Problem(f"{edge!r} does not join two of the {len(points)} points.", f"{at}.edges")


def _attribute_problems(attribute: AttributeInput, at: str) -> Any:
    if not attribute.name.strip() or len(attribute.name) > 200:
        yield Problem("An attribute needs a name of 1 to 200 characters.", f"{at}.name")
    if attribute.kind in ("one_of", "many_of"):
        if not attribute.options or len(set(attribute.options)) != len(attribute.options):
            yield Problem("Give the options, each once.", f"{at}.options")
    elif attribute.options:
        yield Problem(f"An attribute of kind {attribute.kind} has no options.", f"{at}.options")


def add_class(session: Session, project: Project, entry: ClassInput, *, tell: bool = True) -> LabelClass:
    """A new class with its own attributes. Raises `Duplicate` for a taken name.

    `tell` False: no event, since another one says it already."""
    problems = list(_class_problems(entry, ""))
    if problems:
        raise Invalid(problems=problems)
    name = entry.name.strip()
    if session.scalar(select(LabelClass.id).where(LabelClass.project_id == project.id, LabelClass.name == name)):
        raise Duplicate(f"There is a class {name!r} in this project already.")
    count = session.scalar(select(func.count()).select_from(LabelClass).where(LabelClass.project_id == project.id)) or 0
    row = LabelClass(
        project_id=project.id,
        name=name,
        display_name=entry.display_name.strip(),
        shapes=entry.shapes,
        color=entry.color.upper() or PALETTE[count % len(PALETTE)],
        hotkey=entry.hotkey,
        skeleton=entry.skeleton,
        position=count,
    )
    session.add(row)
    session.flush()
    for attribute in entry.attributes:
        add_attribute(session, project, msgspec.structs.replace(attribute, classes=[name]), tell=tell)
    touch(session, project, tell)
    session.flush()
    job_options.added(session, project.id, "allowed_classes", name)
    return row


def change_class(session: Session, project: Project, row: LabelClass, **changes: Any) -> LabelClass:
    """Change a class. Its `name` is what stands in the data, so it can change only while nothing is labeled with it."""
    entry = ClassInput(name=changes.get("name", row.name), shapes=changes.get("shapes", row.shapes),
                       color=changes.get("color", row.color), skeleton=changes.get("skeleton", row.skeleton))  # fmt: skip
    problems = list(_class_problems(entry, ""))
    if problems:
        raise Invalid(problems=problems)
    if entry.name != row.name:
        _rename(session, project, row, entry.name.strip())
    for field in ("display_name", "shapes", "color", "hotkey", "skeleton", "position"):
        if field in changes:
            setattr(row, field, changes[field])
    touch(session, project)
    session.flush()
    return row


def _rename(session: Session, project: Project, row: LabelClass, name: str) -> None:
    if _labels_of(session, row):
        raise Conflict(
            f"Objects are labeled {row.name!r}; change its display name instead, or move them to another class.",
            code="class_in_use",
        )
    if session.scalar(select(LabelClass.id).where(LabelClass.project_id == project.id, LabelClass.name == name)):
        raise Duplicate(f"There is a class {name!r} in this project already.")
    for attribute in attributes_of(session, project.id):
        if attribute.classes and row.name in attribute.classes:
            attribute.classes = [name if c == row.name else c for c in attribute.classes]
    job_options.renamed(session, project.id, "allowed_classes", row.name, name)
    row.name = name


def remove_class(session: Session, project: Project, row: LabelClass) -> None:
    """Take a class away. Raises `Conflict` while objects are labeled with it."""
    if count := _labels_of(session, row):
        raise Conflict(
            f"{count} items hold objects labeled {row.name!r}; move or delete those first.", code="class_in_use"
        )
    for attribute in attributes_of(session, project.id):
        if attribute.classes == [row.name]:
            session.delete(attribute)
        elif attribute.classes and row.name in attribute.classes:
            attribute.classes = [c for c in attribute.classes if c != row.name]
    session.delete(row)
    touch(session, project)
    session.flush()


def _labels_of(session: Session, row: LabelClass) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(LabelCount)
            .where(LabelCount.project_id == row.project_id, LabelCount.class_id == row.id)
        )
        or 0
    )


def add_attribute(session: Session, project: Project, entry: AttributeInput, *, tell: bool = True) -> Attribute:
    """A new attribute. Raises `Duplicate` when one of that name and scope applies to a common class already."""
    problems = list(_attribute_problems(entry, ""))
    if problems:
        raise Invalid(problems=problems)
    known = {c.name for c in classes_of(session, project.id)}
    if unknown := set(entry.classes or ()) - known:
        raise Invalid(f"There is no class {min(unknown)!r} in this project.", field="classes")
    others = attributes_of(session, project.id)
    for other in others:
        if other.name == entry.name.strip() and other.scope == entry.scope and _overlap(other.classes, entry.classes):
            raise Duplicate(f"There is an attribute {other.name!r} for those classes already.")
    row = Attribute(
        project_id=project.id,
        name=entry.name.strip(),
        display_name=entry.display_name.strip(),
        kind=entry.kind,
        scope=entry.scope,
        classes=entry.classes if entry.scope == "object" else None,
        options=entry.options,
        required=entry.required,
        mutable=entry.mutable,
        default=entry.default,
        position=len(others),
    )
    session.add(row)
    touch(session, project, tell)
    session.flush()
    job_options.added(session, project.id, "allowed_attributes", row.name)
    return row


def _overlap(first: list[str] | None, second: list[str] | None) -> bool:
    return first is None or second is None or bool(set(first) & set(second))


def change_attribute(session: Session, project: Project, row: Attribute, **changes: Any) -> Attribute:
    """Change an attribute's wording, options or rules; its name, kind and scope stay, since data holds them."""
    entry = AttributeInput(name=row.name, kind=row.kind, options=changes.get("options", row.options))  # type: ignore[arg-type]
    problems = list(_attribute_problems(entry, ""))
    if problems:
        raise Invalid(problems=problems)
    for field in ("display_name", "options", "required", "mutable", "default", "classes", "position"):
        if field in changes:
            setattr(row, field, changes[field])
    touch(session, project)
    session.flush()
    return row


def remove_attribute(session: Session, project: Project, row: Attribute) -> None:
    """Take an attribute away; values that documents hold stay in them and are no longer asked for."""
    session.delete(row)
    touch(session, project)
    session.flush()


def touch(session: Session, project: Project, tell: bool = True) -> None:
    """Say that the ontology changed, so that compiled values elsewhere are read anew; one event a transaction."""
    project.ontology_version += 1
    session.info["ontology_changed"] = True
    told = (session.get_transaction(), project.id)
    if tell and session.info.get("ontology_told") != told:
        session.info["ontology_told"] = told
        events.emit(session, "ontology.changed", team_id=project.team_id, project_id=project.id)


def classes_of(session: Session, project_id: int) -> list[LabelClass]:
    """Classes in their order."""
    return list(session.scalars(_CLASSES, {"project": project_id}))


def attributes_of(session: Session, project_id: int) -> list[Attribute]:
    """Attributes in their order."""
    return list(session.scalars(_ATTRIBUTES, {"project": project_id}))


# Made once: SQLAlchemy takes longer to put such a statement together than SQLite to answer it.
_CLASSES = (
    select(LabelClass).where(LabelClass.project_id == bindparam("project")).order_by(LabelClass.position, LabelClass.id)
)
_ATTRIBUTES = (
    select(Attribute).where(Attribute.project_id == bindparam("project")).order_by(Attribute.position, Attribute.id)
)


def class_by_name(session: Session, project_id: int, name: str) -> LabelClass:
    """A class by the name that stands in the data. Raises `NotFound`."""
    row = session.scalar(select(LabelClass).where(LabelClass.project_id == project_id, LabelClass.name == name))
    if row is None:
        raise NotFound(f"There is no class {name!r} in this project.")
    return row


Made = TypeVar("Made")
Make = Callable[[list[LabelClass], list[Attribute]], Made]
_derived: dict[tuple[uuid.UUID, int, Any], Any] = {}
_derived_lock = threading.Lock()
MAX_DERIVED = 1000


def compiled(session: Session, project: Project) -> Ontology:
    """The compiled ontology; see `derived`."""
    return derived(session, project, _compile)


def derived(session: Session, project: Project, make: Make[Made]) -> Made:
    """What `make(classes, attributes)` makes of a project's ontology; nobody may change it. Kept per (project, version):
    `project` must have been read in this transaction."""
    key = (project.uid, project.ontology_version, make)
    found = _derived.get(key)
    if found is None:
        found = make(classes_of(session, project.id), attributes_of(session, project.id))
        # What this transaction itself changed is not kept for others: a rollback would leave a version nobody has.
        if not session.info.get("ontology_changed"):
            with _derived_lock:
                if len(_derived) >= MAX_DERIVED:
                    _derived.clear()
                _derived[key] = found
    return found


def _compile(classes: list[LabelClass], attributes: list[Attribute]) -> Ontology:
    return Ontology({c.name: _class_info(c) for c in classes}, [_attribute_info(a) for a in attributes])


def _class_info(row: LabelClass) -> ClassInfo:
    return ClassInfo(row.id, row.name, frozenset(row.shapes) if row.shapes else None, row.skeleton)


def _attribute_info(row: Attribute) -> AttributeInfo:
    classes = frozenset(row.classes) if row.classes is not None else None
    return AttributeInfo(row.name, row.kind, row.scope, classes, tuple(row.options), row.required, row.mutable)
