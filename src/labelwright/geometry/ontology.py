"""The ontology as a compiled value: what a document is checked against. Pure; `services/ontology.py` builds it from rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class. `shapes`: the allowed shape kinds, None: all. `skeleton`: `{"points": [...], "edges": [...]}` or None."""

    id: int
    name: str
    shapes: frozenset[str] | None = None
    skeleton: dict[str, Any] | None = None

    @property
    def skeleton_points(self) -> int | None:
        """How many points the skeleton template has; None without one."""
        return len(self.skeleton.get("points", ())) if self.skeleton else None


@dataclass(frozen=True, slots=True)
class AttributeInfo:
    """An attribute. `kind`: flag, text, number, one_of, many_of; `scope`: item, object, frame; `classes` None: of every
    class. `mutable`: on a track its value may change from keyframe to keyframe."""

    name: str
    kind: str
    scope: str = "object"
    classes: frozenset[str] | None = None
    options: tuple[str, ...] = ()
    required: bool = False
    mutable: bool = True


@dataclass(frozen=True)
class Ontology:
    """Classes by name, and attributes. The lookups are built once, so keep the value and use it for many documents."""

    classes: dict[str, ClassInfo]
    attributes: list[AttributeInfo] = field(default_factory=list)
    _by_scope: dict[str, dict[str, AttributeInfo]] = field(init=False, repr=False, compare=False)
    _by_class: dict[str, dict[str, AttributeInfo]] = field(init=False, repr=False, compare=False)
    _drawn_as: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scopes: dict[str, dict[str, AttributeInfo]] = {"item": {}, "frame": {}}
        for attribute in self.attributes:
            if attribute.scope in scopes:
                scopes[attribute.scope][attribute.name] = attribute
        object.__setattr__(self, "_by_scope", scopes)
        object.__setattr__(self, "_by_class", {})
        object.__setattr__(self, "_drawn_as", {})

    @property
    def item_attributes(self) -> dict[str, AttributeInfo]:
        """Attributes of the item, by name."""
        return self._by_scope["item"]

    @property
    def frame_attributes(self) -> dict[str, AttributeInfo]:
        """Attributes of each frame, by name."""
        return self._by_scope["frame"]

    def drawn_as(self, kind: str) -> frozenset[str]:
        """Names of the classes whose objects may have a shape of this kind."""
        found = self._drawn_as.get(kind)
        if found is None:
            found = frozenset(
                name for name, known in self.classes.items() if known.shapes is None or kind in known.shapes
            )
            self._drawn_as[kind] = found
        return found

    def attributes_of(self, class_name: str) -> dict[str, AttributeInfo]:
        """Attributes that an object of this class may have, by name. One that names the class wins over one for all."""
        found = self._by_class.get(class_name)
        if found is None:
            mine = [
                a for a in self.attributes if a.scope == "object" and (a.classes is None or class_name in a.classes)
            ]
            found = {a.name: a for a in sorted(mine, key=lambda a: a.classes is not None)}
            if class_name in self.classes:
                self._by_class[class_name] = found
        return found
