"""The query language of searches: terms such as `tag:night`, joined by AND (or nothing), OR and NOT, with parentheses.

    tag:night -split:test (class:"fire truck" OR class:bus) crossing*

A word without a colon is looked for in file names. Quotation marks keep spaces together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Attribute, Batch, LabelClass, Project
from labelwright.models.work import Job, Task
from labelwright.services import documents, items
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.payloads import LABELS, labels_of
from labelwright.vendors.roboflow.wire import Refused

Condition = ColumnElement[bool]
TOKEN = re.compile(r'\(|\)|(?:[^\s()"]|"[^"]*")+')
CHUNK = 500
MOST_DEEP = 30
MOST_TERMS = 100
# What these ask for takes a model.
MODELS = frozenset({"like-image", "prompt", "similarity"})


@dataclass(frozen=True)
class Scope:
    """Where is searched: these projects' images."""

    session: Session
    projects: Sequence[int]

    @property
    def sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.session.get_bind().dialect.name == "sqlite"


def parse(scope: Scope, words: str) -> Condition:
    """The condition on items of the scope that a query means. Raises `Refused` naming what cannot be read."""
    if words.count('"') % 2:
        raise Refused(400, "The query has a quotation mark without its partner.")
    tokens = TOKEN.findall(words)
    if len(tokens) > MOST_TERMS:
        raise Refused(400, f"The query has more than {MOST_TERMS} words.")
    reader = _Reader(scope, tokens)
    found = reader.either(0) if tokens else true()
    if reader.tokens:
        raise Refused(400, f"The query has a {reader.tokens[0]} without its partner.")
    return found


class _Reader:
    """Reads a query from its tokens, which it takes away from the front."""

    def __init__(self, scope: Scope, tokens: list[str]) -> None:
        self.scope = scope
        self.tokens = tokens

    def either(self, depth: int) -> Condition:
        found = [self.all_of(depth)]
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            found.append(self.all_of(depth))
        return or_(*found) if len(found) > 1 else found[0]

    def all_of(self, depth: int) -> Condition:
        found = [self.one(depth)]
        while self.tokens and self.tokens[0] not in ("OR", ")"):
            if self.tokens[0] == "AND":
                self.tokens.pop(0)
            found.append(self.one(depth))
        return and_(*found) if len(found) > 1 else found[0]

    def one(self, depth: int) -> Condition:
        if depth > MOST_DEEP:
            raise Refused(400, "The query is nested too deep.")
        word = self.tokens.pop(0) if self.tokens else ""
        if word in ("", "AND", "OR", ")"):
            raise Refused(400, f"The query lacks a term {'at its end' if not word else f'before {word}'}.")
        if word in ("NOT", "-"):
            return not_(self.one(depth + 1))
        if word == "(":
            found = self.either(depth + 1)
            if not self.tokens or self.tokens.pop(0) != ")":
                raise Refused(400, "The query has a ( without its partner.")
            return found
        if word.startswith("-") and len(word) > 1:
            return not_(_term(self.scope, word[1:]))
        return _term(self.scope, word)


def _term(scope: Scope, token: str) -> Condition:
    name, colon, value = token.partition(":")
    value = (value if colon else token).replace('"', "")
    if not colon:
        return true() if value == "*" else _named(scope, value)
    if name.lower() in MODELS:
        raise Refused(400, f"{name} needs a model that compares pictures; this server has none.", "NotSupportedError")
    if name.lower() not in TERMS:
        raise Refused(400, f"{name!r} is not a term of queries here; known are {', '.join(TERMS)}.")
    return TERMS[name.lower()](scope, value)


def tagged(scope: Scope, tag: str) -> Condition:
    """Items with a tag."""
    if scope.sqlite:
        each = func.json_each(Item.tags).table_valued("value")
        return select(each.c.value).where(each.c.value == tag).exists()
    has = Item.tags.op("@>", is_comparison=True)(func.jsonb_build_array(cast(literal(tag), Text)))
    return func.coalesce(has, false())  # of an item without tags it is null, and so would its opposite be


def has_class(scope: Scope, name: str) -> Condition:
    """Items with an object of a class, or that have it as a whole."""
    drawn = exists().where(LabelCount.item_id == Item.id, LabelCount.class_id == LabelClass.id, LabelClass.name == name)
    whole = _with_label(scope, name)
    return or_(drawn, items.among(scope.session, whole)) if whole else drawn


def _with_label(scope: Scope, name: str | None) -> list[int]:
    """Items that have a class (None: any) as a whole: documents are looked into, of those projects alone where it can be."""
    query = select(Attribute.project_id, Attribute.options).where(
        Attribute.project_id.in_(scope.projects), Attribute.name == LABELS, Attribute.scope == "item")  # fmt: skip
    projects = [project for project, options in scope.session.execute(query) if name is None or name in (options or [])]
    labeled = select(DocumentHead.item_id).join(Item, Item.id == DocumentHead.item_id)
    labeled = labeled.where(Item.project_id.in_(projects), DocumentHead.layer == MAIN)
    ids = list(scope.session.scalars(labeled)) if projects else []
    found = []
    for start in range(0, len(ids), CHUNK):
        read = documents.labels_of(scope.session, ids[start : start + CHUNK])
        said = {item: labels_of(document) for item, document in read.items()}
        found += [item for item, labels in said.items() if (labels if name is None else name in labels)]
    return found


def _named(_scope: Scope, value: str) -> Condition:
    words = [part for part in value.split("*") if part]
    return and_(true(), *(Item.name.icontains(word, autoescape=True) for word in words))


def _in_dataset(_scope: Scope, value: str) -> Condition:
    return Item.accepted_at.is_not(None) if wire.flag(value) else Item.accepted_at.is_(None)


def _annotated(scope: Scope, value: str) -> Condition:
    drawn = exists().where(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN, DocumentHead.objects > 0)
    whole = _with_label(scope, None)
    found = or_(drawn, items.among(scope.session, whole)) if whole else drawn
    return found if wire.flag(value) else not_(found)


def _objects() -> ColumnElement[int]:
    head = select(DocumentHead.objects).where(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN)
    return func.coalesce(head.scalar_subquery(), 0)


def _measured(name: str, measure: Callable[[], ColumnElement[int]]) -> dict[str, Callable[[Scope, str], Condition]]:
    """`min-` and `max-` of a number."""

    def least(_scope: Scope, value: str) -> Condition:
        return measure() >= _number(value)

    def most(_scope: Scope, value: str) -> Condition:
        return measure() <= _number(value)

    return {f"min-{name}": least, f"max-{name}": most}


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refused(400, f"{value!r} is not a whole number.")
    return int(value)


def _project(_scope: Scope, value: str) -> Condition:
    if value.lower() == "false":
        return false()  # every image here is in a project
    return exists().where(Project.id == Item.project_id, Project.slug == value.rpartition("/")[2])


def _batch(_scope: Scope, value: str) -> Condition:
    return exists().where(Batch.id == Item.batch_id, Batch.name == value)


def _job(_scope: Scope, value: str) -> Condition:
    inside = (Task.item_id == Item.id, Task.job_id == Job.id, Job.status != "archived")
    return ~exists().where(*inside) if value.lower() == "false" else exists().where(*inside, Job.name == value)


TERMS: dict[str, Callable[[Scope, str], Condition]] = {
    "tag": tagged,
    "class": has_class,
    "split": lambda _scope, value: Item.split == value,
    "filename": _named,
    "project": _project,
    "job": _job,
    "batch": _batch,
    "in-dataset": _in_dataset,
    "annotated": _annotated,
    **_measured("width", lambda: func.coalesce(Item.width, 0)),
    **_measured("height", lambda: func.coalesce(Item.height, 0)),
    **_measured("annotations", _objects),
}
