"""Items and tasks as lists show them: filters kept in the address, and rows with all that a tile or line needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from labelwright.models.documents import DocumentHead, LabelCount
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, LabelClass, Project
from labelwright.models.work import Comment, Job, Task
from labelwright.services import access, documents, ontology
from labelwright.web import overlay, words
from labelwright.web.pictures import thumbs
from labelwright.web.view import View

# Drawing more than this over a thumbnail shows nothing: such items tell their number only.
MOST_DRAWN = 2000
MEDIA = {"failed": "Media failed", "pending": "Waiting for media", "ready": "Media there"}


@dataclass(frozen=True)
class Filter:
    """One filter in force, as a removable chip. `key`: its name in the address."""

    key: str
    words: str


@dataclass(frozen=True)
class ItemRow:
    """An item in a gallery or table."""

    item: Item
    thumb: str
    labels: Markup
    objects: int
    look: str
    words: str


@dataclass(frozen=True)
class TaskRow:
    """A task in a list."""

    task: Task
    item: Item
    job: Job | None
    thumb: str
    labels: Markup
    look: str
    words: str
    holder: str
    author: str
    reviewer: str


def items_query(view: View, project: Project) -> tuple[Select[tuple[Item]], list[Filter]]:
    """Items that the address's filters let through, and those filters."""
    query, filters, asked = select(Item).where(Item.project_id == project.id), [], view.query
    if ref := asked.get("batch"):
        batch = access.batch(view.session, view.actor, ref)
        query, filters = query.where(Item.batch_id == batch.id), [*filters, Filter("batch", f"Batch: {batch.name}")]
    if name := asked.get("class"):
        row = ontology.class_by_name(view.session, project.id, name)
        labeled = exists().where(
            LabelCount.item_id == Item.id, LabelCount.class_id == row.id, LabelCount.project_id == project.id
        )
        query, filters = query.where(labeled), [*filters, Filter("class", f"Class: {row.display_name or row.name}")]
    if (state := asked.get("state", "")) in words.TASK_LOOKS:
        query = query.where(exists().where(Task.item_id == Item.id, *task_is(state)))
        filters.append(Filter("state", words.TASK_LOOKS[state][1]))
    if (media := asked.get("media", "")) in MEDIA:
        query, filters = query.where(Item.media_state == media), [*filters, Filter("media", MEDIA[media])]
    if asked.get("comments") == "open":
        query = query.where(exists().where(Comment.item_id == Item.id, Comment.resolved.is_(False)))
        filters.append(Filter("comments", "Open comments"))
    if asked.get("labels") == "none":
        query = query.where(~exists().where(DocumentHead.item_id == Item.id, DocumentHead.objects > 0))
        filters.append(Filter("labels", "Nothing labeled"))
    if text := asked.get("q", "").strip()[:200]:
        query, filters = query.where(named(text)), [*filters, Filter("q", f"“{text}”")]
    return query, filters


def tasks_query(view: View, project: Project) -> tuple[Select[tuple[Task]], list[Filter]]:
    """Tasks that the address's filters let through, and those filters."""
    query, filters, asked = select(Task).where(Task.project_id == project.id), [], view.query
    if (state := asked.get("state", "")) in words.TASK_LOOKS:
        query, filters = query.where(*task_is(state)), [*filters, Filter("state", words.TASK_LOOKS[state][1])]
    if ref := asked.get("job"):
        job = access.job(view.session, view.actor, ref)
        query, filters = query.where(Task.job_id == job.id), [*filters, Filter("job", f"Job: {job.name}")]
    if ref := asked.get("batch"):
        batch = access.batch(view.session, view.actor, ref)
        query = query.where(Task.item_id.in_(select(Item.id).where(Item.batch_id == batch.id)))
        filters.append(Filter("batch", f"Batch: {batch.name}"))
    for key, column, what in (
        ("author", Task.author_id, "Labeled by"),
        ("holder", Task.holder_id, "Held by"),
        ("reviewer", Task.reviewer_id, "Reviewed by"),
    ):
        if ref := asked.get(key):
            user = view.session.scalar(select(User).where(User.uid == access.as_uid(ref)))
            query = query.where(column == (user.id if user else -1))
            filters.append(Filter(key, f"{what} {user.name if user else 'nobody known'}"))
    if asked.get("returned") == "1":
        query, filters = query.where(Task.returned > 0), [*filters, Filter("returned", "Was returned")]
    if text := asked.get("q", "").strip()[:200]:
        query = query.where(Task.item_id.in_(select(Item.id).where(Item.project_id == project.id, named(text))))
        filters.append(Filter("q", f"“{text}”"))
    return query, filters


def named(text: str) -> Any:
    """Items whose name or reference id holds the text."""
    return Item.name.icontains(text, autoescape=True) | (Item.reference_id == text)


def task_is(state: str) -> tuple[Any, ...]:
    """Conditions of one of `words.TASK_LOOKS`."""
    match state:
        case "todo":
            return Task.stage == "label", Task.state == "open"
        case "returned":
            return Task.stage == "label", Task.state == "open", Task.returned > 0
        case "labeling":
            return Task.stage == "label", Task.state == "held"
        case "review":
            return Task.stage == "review", Task.state.in_(("open", "held"))
        case "reviewing":
            return Task.stage == "review", Task.state == "held"
        case "done":
            return Task.stage == "end", Task.state == "done"
    return (Task.state == state,)


def item_rows(view: View, project: Project, items: Sequence[Item]) -> list[ItemRow]:
    """Items with picture, drawn labels and the state of their latest task."""
    ids = [item.id for item in items]
    latest = select(func.max(Task.id)).where(Task.item_id.in_(ids)).group_by(Task.item_id)
    tasks = {t.item_id: t for t in view.session.scalars(select(Task).where(Task.id.in_(latest)))} if ids else {}
    pictures = thumbs(view, ids)
    drawn, counts = (
        labels(view, project, [item for item in items if item.id in pictures]),
        object_counts(view.session, ids),
    )
    rows = []
    for item in items:
        look, said = _item_state(item, tasks.get(item.id))
        rows.append(
            ItemRow(item, pictures.get(item.id, ""), drawn.get(item.id, Markup()), counts.get(item.id, 0), look, said)
        )
    return rows


def task_rows(view: View, project: Project, tasks: Sequence[Task], *, draw: bool = False) -> list[TaskRow]:
    """Tasks with their item, job and people."""
    items = by_id(view.session, Item, {t.item_id for t in tasks})
    jobs = by_id(view.session, Job, {t.job_id for t in tasks})
    users = by_id(view.session, User, {u for t in tasks for u in (t.holder_id, t.author_id, t.reviewer_id)})
    pictures = thumbs(view, list(items))
    drawn = labels(view, project, [i for i in items.values() if i.id in pictures]) if draw else {}

    def name(user_id: int | None) -> str:
        user = users.get(user_id or 0)
        return user.name if user else ""

    return [
        TaskRow(
            t, items[t.item_id], jobs.get(t.job_id), pictures.get(t.item_id, ""), drawn.get(t.item_id, Markup()),
            *words.task_look(t), name(t.holder_id), name(t.author_id), name(t.reviewer_id),
        )
        for t in tasks
    ]  # fmt: skip


def labels(view: View, project: Project, items: Sequence[Item], *, titles: bool = False) -> dict[int, Markup]:
    """The labels of these items drawn as SVG, by item id."""
    counts = object_counts(view.session, [item.id for item in items])
    wanted = {
        item.id: item for item in items if 0 < counts.get(item.id, 0) <= MOST_DRAWN and item.width and item.height
    }
    if not wanted:
        return {}
    shades = colors(view.session, project)
    return {
        item_id: overlay.draw(
            stored.document, shades, wanted[item_id].width or 1, wanted[item_id].height or 1, titles=titles
        )
        for item_id, stored in documents.read_many(view.session, list(wanted)).items()
    }


def colors(session: Session, project: Project) -> dict[str, str]:
    """Colour by class name."""
    rows = session.execute(select(LabelClass.name, LabelClass.color).where(LabelClass.project_id == project.id))
    return {name: color for name, color in rows}


def object_counts(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """How many objects each of these items holds."""
    if not ids:
        return {}
    query = select(DocumentHead.item_id, DocumentHead.objects)
    rows = session.execute(query.where(DocumentHead.item_id.in_(ids), DocumentHead.layer == "main"))
    return {item_id: count for item_id, count in rows}


def by_id(session: Session, table: Any, ids: set[int | None]) -> dict[int, Any]:
    """Rows by their id."""
    wanted = [i for i in ids if i is not None]
    return {row.id: row for row in session.scalars(select(table).where(table.id.in_(wanted)))} if wanted else {}


def batch_names(session: Session, project: Project) -> list[tuple[str, str]]:
    """(uid, name) of the project's batches, for a choice."""
    rows = session.execute(select(Batch.uid, Batch.name).where(Batch.project_id == project.id).order_by(Batch.name))
    return [(str(uid), name) for uid, name in rows]


def _item_state(item: Item, task: Task | None) -> tuple[str, str]:
    if item.media_state == "failed":
        return "failed", "Media failed"
    if item.media_state == "pending":
        return "waiting", "Waiting for media"
    return words.task_look(task) if task else ("todo", "No task")
