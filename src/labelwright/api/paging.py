"""Lists a page at a time: `limit`, `after`, and `next` in the answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session
from typing_extensions import TypedDict

from labelwright.errors import Invalid

Body = TypeVar("Body")
Row = TypeVar("Row")


class PageBody(TypedDict, Generic[Body]):
    """One page of a list. `next`: what to send as `after` for the page behind it, null on the last."""

    results: list[Body]
    next: str | None


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(50, ge=1, le=500, description="How many at most.")
    after: str | None = Field(None, max_length=400, description="The `next` of the page before.")


Paging = Annotated[PageQuery, Query()]


def by_id(
    session: Session,
    query: Select[Any],
    column: ColumnElement[int] | InstrumentedAttribute[int],
    asked: PageQuery,
    body: Callable[[Any], Body],
    *,
    newest_first: bool = False,
) -> PageBody[Body]:
    """A page of `query` in the order of an id column; the same cost on every page."""
    if asked.after is not None:
        after = cursor_of(asked.after, 1)[0]
        query = query.where(column < after if newest_first else column > after)
    query = query.order_by(column.desc() if newest_first else column.asc()).limit(asked.limit + 1)
    rows = list(session.scalars(query))
    return cut(rows, asked.limit, body, lambda row: [row.id])


def cut(
    rows: Sequence[Row], limit: int, body: Callable[[Row], Body], key: Callable[[Row], list[int | str]]
) -> PageBody[Body]:
    """The page in `rows`, which hold one more than `limit` when more follows."""
    shown = rows[:limit]
    after = cursor(key(shown[-1])) if len(rows) > limit else None
    return {"results": [body(row) for row in shown], "next": after}


def cursor(values: list[int | str]) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def cursor_of(text: str, length: int) -> list[int]:
    """The numbers in a cursor. Raises `Invalid` for one that we did not make."""
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[int])
    except (binascii.Error, ValueError):
        values = []
    if len(values) != length or any(abs(v) >= 2**63 for v in values):
        raise Invalid("This is not the `next` of an earlier page of this list.", field="after")
    return values
