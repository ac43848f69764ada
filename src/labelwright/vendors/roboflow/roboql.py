"""The query language of searches: terms such as `tag:night`, joined by AND (or nothing), OR and NOT, with parentheses.

    tag:night -split:test (class:"fire truck" OR class:bus) crossing*

A word without a colon is looked for in file names. Quotation marks keep spaces together."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import ColumnElement, Text, and_, cast, exists, false, func, literal, not_, or_, select, true
from sqlalchemy.orm import Session

from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Batch, LabelClass, Project
from labelwright.models.work import Job, Task
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.wire import Refused

Condition = ColumnElement[bool]
TOKEN = re.compile(r'\(|\)|(?:[^\s()"]|"[^"]*")+')
MOST_DEEP = 30
MOST_TERMS = 100
# What these ask for takes a model.
MODELS = frozenset({"like-image", "prompt", "similarity"})


def parse(session: Session, words: str) -> Condition:
    """The condition on items that a query means. Raises `Refused` naming what cannot be read."""
    if words.count('"') % 2:
        raise Refused(400, "The query has a quotation mark without its partner.")
    tokens = TOKEN.findall(words)
    if len(tokens) > MOST_TERMS:
        raise Refused(400, f"The query has more than {MOST_TERMS} words.")
    reader = _Reader(session, tokens)
    found = reader.either(0) if tokens else true()
    if reader.tokens:
        raise Refused(400, f"The query has a {reader.tokens[0]} without its partner.")
    return found


class _Reader:
    """Reads a query from its tokens, which it takes away from the front."""

    def __init__(self, session: Session, tokens: list[str]) -> None:
        self.session = session
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
            return not_(_term(self.session, word[1:]))
        return _term(self.session, word)


def _term(session: Session, token: str) -> Condition:
    name, colon, value = token.partition(":")
    value = (value if colon else token).replace('"', "")
    if not colon:
        return true() if value == "*" else _named(session, value)
    if name.lower() in MODELS:
        raise Refused(400, f"{name} needs a model that compares pictures; this server has none.", "NotSupportedError")
    if name.lower() not in TERMS:
        raise Refused(400, f"{name!r} is not a term of queries here; known are {', '.join(TERMS)}.")
    return TERMS[name.lower()](session, value)


def tagged(session: Session, tag: str) -> Condition:
    """Items with a tag."""
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(Item.tags).table_valued("value")
        return select(each.c.value).where(each.c.value == tag).exists()
    has = Item.tags.op("@>", is_comparison=True)(func.jsonb_build_array(cast(literal(tag), Text)))
    return func.coalesce(has, false())  # of an item without tags it is null, and so would its opposite be


def has_class(_session: Session, name: str) -> Condition:
    """Items with an object of a class."""
    return exists().where(LabelCount.item_id == Item.id, LabelCount.class_id == LabelClass.id, LabelClass.name == name)


def _named(_session: Session, value: str) -> Condition:
    words = [part for part in value.split("*") if part]
    return and_(true(), *(Item.name.icontains(word, autoescape=True) for word in words))


def _in_dataset(_session: Session, value: str) -> Condition:
    return Item.accepted_at.is_not(None) if wire.flag(value) else Item.accepted_at.is_(None)


def _annotated(_session: Session, value: str) -> Condition:
    head = exists().where(DocumentHead.item_id == Item.id, DocumentHead.layer == MAIN, DocumentHead.objects > 0)
    return head if wire.flag(value) else ~head


def _project(_session: Session, value: str) -> Condition:
    if value.lower() == "false":
        return false()  # every image here is in a project
    return exists().where(Project.id == Item.project_id, Project.slug == value.rpartition("/")[2])


def _batch(_session: Session, value: str) -> Condition:
    return exists().where(Batch.id == Item.batch_id, Batch.name == value)


def _job(_session: Session, value: str) -> Condition:
    inside = (Task.item_id == Item.id, Task.job_id == Job.id, Job.status != "archived")
    return ~exists().where(*inside) if value.lower() == "false" else exists().where(*inside, Job.name == value)


TERMS: dict[str, Callable[[Session, str], Condition]] = {
    "tag": tagged,
    "class": has_class,
    "split": lambda _session, value: Item.split == value,
    "filename": _named,
    "project": _project,
    "job": _job,
    "batch": _batch,
    "in-dataset": _in_dataset,
    "annotated": _annotated,
}
