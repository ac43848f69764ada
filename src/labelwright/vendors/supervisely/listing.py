"""Lists: filters, sorting and pages, in SQL or over values at hand.

A list that fits a page is counted by its own rows, so its sum holds whoever writes meanwhile. A longer one in the order of
ids hands out its last id inside the page size, which the package sends back with each further page: what is added later
belongs to no page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from labelwright.vendors.supervisely import wire
from labelwright.vendors.supervisely.asking import Ask
from labelwright.vendors.supervisely.wire import Refused

PER_PAGE = 20_000
MOST = 100_000  # a page size above this carries the last id of the list
MAX_ID = 2**53
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda column, value: column.is_(None) if value is None else column == value,
    "!=": lambda column, value: column.is_not(None) if value is None else column != value,
    "in": lambda column, value: column.in_(value),
    "!in": lambda column, value: column.not_in(value),
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
}
PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda mine, value: mine == value,
    "!=": lambda mine, value: mine != value,
    "in": lambda mine, value: mine in value,
    "!in": lambda mine, value: mine not in value,
    ">": lambda mine, value: mine is not None and mine > value,
    ">=": lambda mine, value: mine is not None and mine >= value,
    "<": lambda mine, value: mine is not None and mine < value,
    "<=": lambda mine, value: mine is not None and mine <= value,
}


@dataclass(frozen=True)
class Field:
    """What a list can be filtered by. `column`: the SQL expression (None for lists at hand); `read`: how a value is read."""

    column: Any = None
    read: Callable[[Any, str], Any] = wire.text


ID = wire.whole
Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Term:
    """One condition: a field's name, the operator, and the value read as the field's type."""

    field: str
    operator: str
    value: Any


def terms(ask: Ask, fields: Fields) -> list[Term]:
    """The conditions of `filter`. Raises `Refused` for a field or an operator that is not known: ignoring one would answer
    with rows that nobody asked for."""
    found = []
    for number, entry in enumerate(ask.list("filter", [])):
        term = wire.object_of(entry, f"filter[{number}]")
        name, operator = str(term.get("field")), str(term.get("operator"))
        if name not in fields:
            raise Refused(400, f"filter[{number}].field {wire.short(name)} is not known here; use {', '.join(fields)}.")
        if operator not in OPERATORS:
            raise Refused(
                400, f"filter[{number}].operator {wire.short(operator)} is not known; use {' '.join(OPERATORS)}."
            )
        found.append(Term(name, operator, _value(term.get("value"), operator, fields[name], f"filter[{number}].value")))
    return found


def _value(value: Any, operator: str, field: Field, at: str) -> Any:
    if operator in ("in", "!in"):
        return [field.read(v, at) for v in wire.list_of(value, at)]
    if value is None:
        if operator not in ("=", "!="):
            raise Refused(400, f"{at} is missing.")
        return None
    return field.read(value, at)


def where(found: Sequence[Term], fields: Fields) -> list[ColumnElement[bool]]:
    """The conditions in SQL."""
    return [OPERATORS[term.operator](fields[term.field].column, term.value) for term in found]


def page(
    ask: Ask, query: Any, fields: Fields, shape: Callable[[Sequence[Any]], list[Any]], *,
    id_column: Any, sorts: Mapping[str, Any] | None = None, size: int = PER_PAGE, ids: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """A page of a query, filtered and sorted as the body says. `shape`: rows as they are sent; `sorts`: by what else than
    the id it can be sorted; `ids`: the same rows without what is only joined to be shown, to count them by.
    `pagination_mode` "token": pages by the last id seen."""
    asked = terms(ask, fields)
    query = query.where(*where(asked, fields))
    ids = query if ids is None or asked else ids
    order, down = _order(ask, {"id": id_column, **(sorts or {})})
    if ask.value("pagination_mode", None) == "token" or ask.has("after"):
        return _by_token(ask, query, shape, id_column, size)
    per_page, cutoff = _per_page(ask, size)
    if cutoff is not None:
        query, ids = query.where(id_column <= cutoff), ids.where(id_column <= cutoff)
    number = page_number(ask)
    rows = _rows(ask, query, ids, order, down, id_column, per_page, (number - 1) * per_page)
    if number == 1 and len(rows) <= per_page:
        return _paged(shape(rows), len(rows), per_page, per_page)
    counted: Any = ask.session.execute(
        ids.with_only_columns(func.count(), func.max(id_column), maintain_column_froms=True)
    ).one()
    total, last = counted
    echoed = per_page if ask.has("per_page") and cutoff is None else (cutoff or last or 0) * MOST + per_page
    return _paged(shape(rows[:per_page]), total, per_page, echoed)


def page_number(ask: Ask) -> int:
    """The page that is asked for, from 1. Raises `Refused`."""
    number: int = ask.whole("page", 1)
    if not 1 <= number <= 1_000_000:
        raise Refused(400, "page counts from 1.")
    return number


def _rows(
    ask: Ask, query: Any, ids: Any, order: Any, down: bool, id_column: Any, per_page: int, before: int
) -> Sequence[Any]:
    """A page's rows and one more, after `before` others."""
    if order is id_column and before:
        # The page's first id is found by walking an index alone; an offset would read and join every row before it.
        ids = ids.with_only_columns(id_column, maintain_column_froms=True)
        first = ask.session.scalar(ids.order_by(id_column.desc() if down else id_column).limit(1).offset(before))
        if first is None:
            return []
        query, before = query.where(id_column <= first if down else id_column >= first), 0
    ordered = query.order_by(order.desc() if down else order.asc(), id_column.desc() if down else id_column.asc())
    return ask.session.execute(ordered.limit(per_page + 1).offset(before)).all()


def _paged(entities: list[Any], total: int, per_page: int, echoed: int) -> dict[str, Any]:
    return {"total": total, "perPage": echoed, "pagesCount": max(1, -(-total // per_page)), "entities": entities}


def _per_page(ask: Ask, size: int) -> tuple[int, int | None]:
    asked = ask.whole("per_page", size)
    if asked < 1 or asked > MOST * MAX_ID:
        raise Refused(400, f"per_page is a number from 1 to {size}.")
    if asked >= MOST:
        cutoff, asked = divmod(asked, MOST)
        return min(max(asked, 1), size), cutoff
    return min(asked, size), None


def _order(ask: Ask, sorts: Mapping[str, Any]) -> tuple[Any, bool]:
    name, order = ask.value("sort", "id"), ask.value("sort_order", "asc")
    if name not in sorts:
        raise Refused(400, f"sort {wire.short(name)} is not known here; use {', '.join(sorts)}.")
    if order not in ("asc", "desc"):
        raise Refused(400, "sort_order is asc or desc.")
    return sorts[name], order == "desc"


def _by_token(
    ask: Ask, query: Select[Any], shape: Callable[[Sequence[Any]], list[Any]], id_column: Any, size: int
) -> dict[str, Any]:
    after, cutoff = 0, None
    if ask.has("after"):
        parts = str(ask.value("after")).split(".")
        if len(parts) != 2 or not all(p.isdigit() for p in parts):
            raise Refused(400, "after is what the page before answered.")
        after, cutoff = int(parts[0]), int(parts[1])
    per_page = min(max(ask.whole("per_page", size), 1), size)
    if cutoff is None:
        cutoff = ask.session.scalar(select(func.max(query.with_only_columns(id_column.label("id")).subquery().c.id)))
    query = query.where(id_column <= (cutoff or 0))
    total = ask.session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    part = query.where(id_column > after).order_by(id_column).limit(per_page + 1)
    rows = ask.session.execute(part).all()
    entities = shape(rows[:per_page])
    token = f"{entities[-1]['id']}.{cutoff}" if len(rows) > per_page else None
    return {**_paged(entities, total, per_page, per_page), "after": token}


def at_hand(ask: Ask, rows: Sequence[dict[str, Any]], fields: Fields) -> dict[str, Any]:
    """A short list of values at hand, filtered and sorted as the body says, in pages."""
    found = terms(ask, fields)
    kept = [row for row in rows if all(PLAIN[t.operator](row.get(t.field), t.value) for t in found)]
    name, order = ask.value("sort", "id"), ask.value("sort_order", "asc")
    if kept and name not in kept[0]:
        raise Refused(400, f"sort {wire.short(name)} is not known here.")
    kept.sort(key=lambda row: (row[name] is None, row[name] if row[name] is not None else 0), reverse=order == "desc")
    per_page, _ = _per_page(ask, PER_PAGE)
    number = max(1, ask.whole("page", 1))
    part = kept[(number - 1) * per_page : number * per_page]
    return _paged(part, len(kept), per_page, per_page)
