"""Lists of tasks, items and jobs with filters, a page at a time, at the same cost on every page of a million.

A page begins after the last row of the page before it (no offsets). Each query walks one index in the order of the page:
that of the most telling filter; the other filters are looked at row by row.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec
from sqlalchemy import ColumnElement, exists, false, func, literal_column, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from labelwright.errors import Invalid
from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.items import MEDIA_STATES, CollectionItem, Item
from labelwright.models.projects import Project
from labelwright.models.work import JOB_STATES, TASK_STAGES, TASK_STATES, Comment, Job, Task
from labelwright.services import ontology
from labelwright.services.items import SPLITS, of_split

Row = TypeVar("Row")
Terms = list[ColumnElement[bool]]
MOST = 500
# Filters are compared by how many rows they leave, counted no further than this.
ENOUGH = 5000
# Where tasks can stand; `end` and `done` go together.
PLACES = (
    *((stage, state) for stage in ("label", "review") for state in TASK_STATES if state != "done"),
    ("end", "done"),
)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page; `next` is the cursor of the page behind it, None on the last."""

    rows: list[Row]
    next: str | None


@dataclass(frozen=True)
class Filter:
    """What to show; every field that is given narrows. Ids are row ids. `reference`: how the reference id begins.

    `dataset`: in the project's dataset, not in it, or in one of its splits. `since` and `until` (not included): when the task, or the item, came in. `comments`: has open ones, any, or none."""

    stage: str | None = None
    state: str | None = None
    job: int | None = None
    author: int | None = None
    reviewer: int | None = None
    holder: int | None = None
    assignee: int | None = None
    returned: bool = False
    batch: int | None = None
    collection: int | None = None
    class_name: str | None = None
    media: str | None = None
    reference: str | None = None
    comments: Literal["open", "any", "none"] | None = None
    labels: Literal["some", "none"] | None = None
    dataset: Literal["in", "out", "train", "valid", "test"] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        allowed = (
            ("stage", TASK_STAGES),
            ("state", TASK_STATES),
            ("media", MEDIA_STATES),
            ("comments", ("open", "any", "none")),
            ("labels", ("some", "none")),
            ("dataset", ("in", "out", "train", "valid", "test")),
        )
        for field, values in allowed:
            if getattr(self, field) not in (None, *values):
                raise Invalid(f"{field} is one of {', '.join(values)}.", field=field)

    @property
    def people(self) -> dict[str, int]:
        """The asked user id by the task's column."""
        asked = {name: getattr(self, name) for name in ("holder", "assignee", "author", "reviewer")}
        return {f"{name}_id": user for name, user in asked.items() if user is not None}

    @property
    def places(self) -> list[tuple[str, str]]:
        """The (stage, state) pairs that are asked for."""
        return [(a, b) for a, b in PLACES if self.stage in (None, a) and self.state in (None, b)]

    @property
    def of_tasks(self) -> bool:
        """Whether it asks about tasks, and not only about items."""
        return bool(self.people or self.stage or self.state or self.returned or self.job is not None)


def tasks(
    session: Session,
    project: Project,
    only: Filter = Filter(),
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = False,
) -> Page[Task]:
    """Tasks of a project, by age; those chosen by something of their item, by the age of the item (or its reference)."""
    order = _Order(after, limit, newest_first)
    lead = _lead(session, project, only, of_tasks=True)
    terms = [*_task_terms(project, only, Task), *_item_terms(session, project, only, Task.item_id, lead)]
    terms += _dates(session, Task, only)
    found = order.page(
        session, [_tasks_along(lead, only).where(*terms, *walk) for walk in lead.walks], lead.keys(Task.id)
    )
    return Page(_rows(session, Task, [row.id for row in found.rows]), found.next)


def items(
    session: Session,
    project: Project,
    only: Filter = Filter(),
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = False,
) -> Page[Item]:
    """Items of a project, by age; those whose reference id begins with something, by it.

    Filters of tasks choose items that have such a task."""
    order = _Order(after, limit, newest_first)
    lead = _lead(session, project, only, of_tasks=only.of_tasks)
    terms: Terms = _dates(session, Item, only)
    if only.of_tasks:
        other = aliased(Task)
        # Of several such tasks of an item the first stands for it.
        first = ~exists().where(other.item_id == Task.item_id, other.id < Task.id, *_task_terms(project, only, other))
        terms += [*_task_terms(project, only, Task), *_item_terms(session, project, only, Item.id, lead), first]
        query, keys = _tasks_along(lead, only, join_item=True), lead.keys(Task.id)
    else:
        terms += [Item.project_id == project.id, *_item_terms(session, project, only, Item.id, lead)]
        query, keys = (
            select(Item.id, Item.id.label("item_id"), lead.key.label("key")).select_from(lead.table),
            lead.keys(Item.id),
        )
        if lead.table is not Item:
            query = query.join(Item, Item.id == lead.item)
    found = order.page(session, [query.where(*terms, *walk) for walk in lead.walks], keys)
    return Page(_rows(session, Item, [row.item_id for row in found.rows]), found.next)


def jobs(
    session: Session,
    project: Project,
    *,
    status: Sequence[str] = ("active", "paused", "done"),
    batch: int | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> Page[Job]:
    """Jobs of a project in these states, newest first."""
    if set(status) - set(JOB_STATES):
        raise Invalid(f"status is one of {', '.join(JOB_STATES)}.", field="status")
    query = select(Job.id).where(Job.project_id == project.id, Job.status.in_(status))
    if batch is not None:
        query = query.where(Job.batch_id == batch)
    found = _Order(after, limit, newest_first).page(session, [query], (Job.id,))
    return Page(_rows(session, Job, [row.id for row in found.rows]), found.next)


class _Order:
    """Which page, in which direction."""

    def __init__(self, after: str | None, limit: int, newest_first: bool) -> None:
        if not 1 <= limit <= MOST:
            raise Invalid(f"limit is 1 to {MOST}.", field="limit")
        self.after = None if after is None else _cursor_of(after)
        self.limit, self.down = limit, newest_first

    def page(self, session: Session, walks: Sequence[Any], keys: Sequence[Any]) -> Page[Any]:
        """One page of the rows of these queries together, each of which selects `id` and `key`."""
        cuts = [self._cut(walk, keys) for walk in walks]
        query = cuts[0]
        if len(cuts) > 1:
            merged = union_all(*(select(cut.subquery()) for cut in cuts)).subquery()
            query = select(merged).order_by(merged.c.id.desc() if self.down else merged.c.id).limit(self.limit + 1)
        rows = session.execute(query).all()
        more = None
        if len(rows) > self.limit:
            last = rows[self.limit - 1]
            more = _cursor([last.id] if len(keys) == 1 else [last.key, last.id])
        return Page(list(rows[: self.limit]), more)

    def _cut(self, query: Any, keys: Sequence[Any]) -> Any:
        order = [key.desc() if self.down else key.asc() for key in keys]
        return query.where(*self._beyond(keys)).order_by(*order).limit(self.limit + 1)

    def _beyond(self, keys: Sequence[Any]) -> Terms:
        if self.after is None:
            return []
        if [type(value) for value in self.after] != [key.type.python_type for key in keys]:
            raise Invalid("This is not the `next` of an earlier page of this list.", field="after")
        first, value = keys[0], self.after[0]
        if len(keys) == 1:
            return [first < value if self.down else first > value]
        second, other = keys[1], self.after[1]
        if self.down:
            return [first <= value, or_(first < value, second < other)]
        return [first >= value, or_(first > value, second > other)]


@dataclass(frozen=True)
class _Lead:
    """A filter whose index a page walks along: `table` in the order of `key`, leading to items by `item`.

    `walks`: conditions of each walk; several are merged."""

    by: str
    table: Any
    key: Any
    item: Any
    walks: list[Terms]

    def keys(self, row_id: Any) -> tuple[Any, ...]:
        """What a list of rows with that id is sorted by."""
        return (row_id,) if self.key is row_id else (self.key, row_id)


def _lead(session: Session, project: Project, only: Filter, *, of_tasks: bool) -> _Lead:
    """The filter that leaves the fewest rows (counted up to `ENOUGH`), the earlier one when equal."""
    found = [*(_task_leads(project, only) if of_tasks else ()), *_item_leads(session, project, only)]
    if not found:
        table = Task if of_tasks else Item
        return _Lead(
            "project", table, table.id, Task.item_id if of_tasks else Item.id, [[table.project_id == project.id]]
        )
    if len(found) == 1:
        return found[0]
    return min(found, key=lambda lead: _count(session, lead))


def _count(session: Session, lead: _Lead) -> int:
    some = [select(lead.item).select_from(lead.table).where(*walk).limit(ENOUGH) for walk in lead.walks]
    return sum(session.scalar(select(func.count()).select_from(query.subquery())) or 0 for query in some)


def _task_leads(project: Project, only: Filter) -> Iterator[_Lead]:
    here = Task.project_id == project.id
    # In the order of what is usually rarer: what people hold, returned work, unfinished places, a person's work, done.
    people = [
        (column, _Lead(column, Task, Task.id, Task.item_id, [[here, getattr(Task, column) == user]]))
        for column, user in only.people.items()
    ]
    yield from (lead for column, lead in people if column in {"holder_id", "assignee_id"})
    if only.returned:
        yield _Lead("returned", Task, Task.id, Task.item_id, [[here, Task.returned > literal_column("0")]])
    ended = ("end", "done") in only.places
    if ended:
        yield from (lead for column, lead in people if column in {"author_id", "reviewer_id"})
    if only.stage or only.state:
        whose = here if only.job is None else Task.job_id == only.job
        walks = [[whose, Task.stage == stage, Task.state == state] for stage, state in only.places]
        yield _Lead("place", Task, Task.id, Task.item_id, walks or [[false()]])
    elif only.job is not None:
        yield _Lead("job", Task, Task.id, Task.item_id, [[Task.job_id == only.job]])
    if not ended:
        yield from (lead for column, lead in people if column in {"author_id", "reviewer_id"})


def _item_leads(session: Session, project: Project, only: Filter) -> Iterator[_Lead]:
    here = Item.project_id == project.id
    if only.media in ("pending", "failed"):
        unready = Item.media_state != literal_column("'ready'")  # spelled out, so that the partial index is seen to fit
        yield _Lead("media", Item, Item.id, Item.id, [[here, Item.media_state == only.media, unready]])
    if only.reference:
        low, high = Item.reference_id >= only.reference, Item.reference_id < only.reference + "\U0010ffff"
        yield _Lead("reference", Item, Item.reference_id, Item.id, [[here, low, high]])
    if only.comments in ("open", "any"):
        open_ones: Terms = [Comment.resolved.is_(False)] if only.comments == "open" else []
        table = select(Comment.item_id).where(Comment.project_id == project.id, *open_ones).distinct().subquery()
        yield _Lead("comments", table, table.c.item_id, table.c.item_id, [[]])
    if only.class_name is not None:
        where = [LabelCount.project_id == project.id, LabelCount.class_id == _class_id(session, project, only)]
        yield _Lead("class", LabelCount, LabelCount.item_id, LabelCount.item_id, [where])
    if only.collection is not None:
        where = [CollectionItem.collection_id == only.collection]
        yield _Lead("collection", CollectionItem, CollectionItem.item_id, CollectionItem.item_id, [where])
    if only.batch is not None:
        yield _Lead("batch", Item, Item.id, Item.id, [[here, Item.batch_id == only.batch]])


def _tasks_along(lead: _Lead, only: Filter, *, join_item: bool = False) -> Any:
    query = select(Task.id, Task.item_id, lead.key.label("key")).select_from(lead.table)
    if lead.table is not Task:
        query = query.join(Task, Task.item_id == lead.item)
    if lead.table is not Item and (
        join_item or only.batch is not None or only.media is not None or only.reference or only.dataset
    ):
        query = query.join(Item, Item.id == Task.item_id)
    return query


def _rows(session: Session, table: Any, ids: Sequence[int]) -> list[Any]:
    """The rows of these ids, in their order."""
    found = {row.id: row for row in session.scalars(select(table).where(table.id.in_(ids)))} if ids else {}
    return [found[row_id] for row_id in ids if row_id in found]


def _item_terms(session: Session, project: Project, only: Filter, item: Any, lead: _Lead) -> Terms:
    """Filters on items, those of the lead apart."""
    terms: Terms = []
    if only.batch is not None and lead.by != "batch":
        terms.append(Item.batch_id == only.batch)
    if only.collection is not None and lead.by != "collection":
        inside = (CollectionItem.item_id == item, CollectionItem.collection_id == only.collection)
        terms.append(exists().where(*inside))
    if only.media is not None and lead.by != "media":
        terms.append(Item.media_state == only.media)
    if only.reference and lead.by != "reference":
        terms += [Item.reference_id >= only.reference, Item.reference_id < only.reference + "\U0010ffff"]
    if only.class_name is not None and lead.by != "class":
        class_id = _class_id(session, project, only)
        terms.append(exists().where(LabelCount.item_id == item, LabelCount.class_id == class_id))
    if only.dataset is not None:
        terms.append(Item.accepted_at.is_(None) if only.dataset == "out" else Item.accepted_at.is_not(None))
    if only.dataset in SPLITS:
        terms.append(of_split(only.dataset))
    if only.comments in ("open", "any") and lead.by != "comments":
        open_ones = [Comment.resolved.is_(False)] if only.comments == "open" else []
        terms.append(exists().where(Comment.item_id == item, *open_ones))
    if only.comments == "none":
        terms.append(~exists().where(Comment.item_id == item))
    if only.labels is not None:
        some = exists().where(DocumentHead.item_id == item, DocumentHead.layer == MAIN, DocumentHead.objects > 0)
        terms.append(some if only.labels == "some" else ~some)
    return terms


def _task_terms(project: Project, only: Filter, task: Any) -> Terms:
    terms: Terms = [task.project_id == project.id]
    terms += [getattr(task, column) == user for column, user in only.people.items()]
    if only.job is not None:
        terms.append(task.job_id == only.job)
    if only.returned:
        terms.append(task.returned > literal_column("0"))
    if only.stage:
        terms.append(task.stage == only.stage)
    if only.state:
        terms.append(task.state == only.state)
    return terms


def _dates(session: Session, table: Any, only: Filter) -> Terms:
    """Rows that came in between two moments, by their ids, which grow with time."""
    terms: Terms = []
    if only.since is not None:
        terms.append(table.id >= _first_since(session, table, only.since))
    if only.until is not None:
        terms.append(table.id < _first_since(session, table, only.until))
    return terms


def _first_since(session: Session, table: Any, moment: datetime) -> int:
    """The lowest id of a row made at or after a moment, by halving; about 20 looks into a primary key."""
    low, high = 0, (session.scalar(select(func.max(table.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = session.execute(
            select(table.id, table.created_at).where(table.id >= middle).order_by(table.id).limit(1)
        )
        row = found.first()
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low


def _class_id(session: Session, project: Project, only: Filter) -> int:
    return ontology.class_by_name(session, project.id, only.class_name or "").id


def _cursor(values: list[int | str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _cursor_of(text: str) -> list[int | str]:
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[int | str])
    except (binascii.Error, ValueError):
        values = []
    if not values or any(isinstance(v, int) and abs(v) >= 2**63 for v in values):
        raise Invalid("This is not the `next` of an earlier page of this list.", field="after")
    return values
