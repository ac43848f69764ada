"""Making an ontology wide enough for labels that come from elsewhere: classes, attributes and options that it lacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from labelwright.errors import Invalid
from labelwright.formats.sample import SampleClass
from labelwright.geometry.document import Attributes, Document
from labelwright.models.projects import Attribute, Project
from labelwright.services import ontology
from labelwright.services.ontology import AttributeInput, ClassInput

MOST_OPTIONS = 1000


@dataclass
class Wanted:
    """What labels use: classes in the order they came, and by (scope, name) of an attribute its kind and options.

    `listed`: classes that a dataset names, used or not."""

    listed: dict[str, SampleClass] = field(default_factory=dict)
    classes: dict[str, SampleClass] = field(default_factory=dict)
    attributes: dict[tuple[str, str], AttributeInput] = field(default_factory=dict)

    def add(self, document: Document) -> None:
        """Look at a document."""
        for item in document.objects:
            self.classes.setdefault(item.class_name, SampleClass(item.class_name))
            self._attributes("object", item.attributes)
            for keyframe in item.keyframes or ():
                self._attributes("object", keyframe.attributes)
        labels = document.attributes.get("labels")
        for name in labels if isinstance(labels, list) else []:
            self.classes.setdefault(str(name), SampleClass(str(name)))
        self._attributes("item", document.attributes)
        for values in document.frames.values():
            self._attributes("frame", values)

    def _attributes(self, scope: Any, values: Attributes) -> None:
        for name, value in values.items():
            if value is None:
                continue
            kind: Any = "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
            kind = "many_of" if isinstance(value, list) else kind
            known = self.attributes.setdefault((scope, name), AttributeInput(name, kind, scope=scope))
            if known.kind != kind:
                raise Invalid(
                    f"Attribute {name!r} is a {known.kind} here and a {kind} there; give it one kind.", field=name
                )
            if isinstance(value, list):
                known.options = list(dict.fromkeys([*known.options, *map(str, value)]))
                if len(known.options) > MOST_OPTIONS:
                    raise Invalid(f"Attribute {name!r} has more than {MOST_OPTIONS} different values.", field=name)


def lacking(session: Session, project: Project, wanted: Wanted) -> list[str]:
    """Names of classes and attributes that the project does not have."""
    known = {c.name for c in ontology.classes_of(session, project.id)}
    attributes = {(a.scope, a.name) for a in ontology.attributes_of(session, project.id)}
    found = [name for name in wanted.classes if name not in known]
    return [*found, *(name for scope, name in wanted.attributes if (scope, name) not in attributes)]


def widen(session: Session, project: Project, wanted: Wanted) -> list[str]:
    """Add what the project lacks; the names of new classes. Callers racing for one get the same."""
    session.refresh(project, with_for_update={"key_share": True})
    known = {c.name for c in ontology.classes_of(session, project.id)}
    fresh = [found for name, found in {**wanted.classes, **wanted.listed}.items() if name not in known]
    order = list(wanted.listed)
    fresh.sort(key=lambda found: order.index(found.name) if found.name in order else len(order))
    for found in fresh:
        ontology.add_class(session, project, ClassInput(found.name, skeleton=found.skeleton))
    rows = {(a.scope, a.name): a for a in ontology.attributes_of(session, project.id)}
    for key, entry in wanted.attributes.items():
        row = rows.get(key)
        if row is None:
            ontology.add_attribute(session, project, entry)
        elif entry.options:
            _options(session, project, row, entry)
    return [found.name for found in fresh]


def _options(session: Session, project: Project, row: Attribute, entry: AttributeInput) -> None:
    options = list(dict.fromkeys([*row.options, *entry.options]))
    if options != row.options and row.kind in ("one_of", "many_of"):
        ontology.change_attribute(session, project, row, options=options)
