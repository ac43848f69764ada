"""Items and tasks as lists show them: filters kept in the address, and rows with all that a tile or line needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.models.documents import DocumentHead
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, LabelClass, Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import access, collections, documents, job_options, lists, ontology, workflows
from labelwright.web import overlay, words
from labelwright.web.pictures import thumbs
from labelwright.web.view import View

# Drawing more than this over a thumbnail shows nothing: such items tell their number only.
MOST_DRAWN = 2000
MEDIA = {"failed": "Media failed", "pending": "Waiting for media", "ready": "Media there"}


# The `state` filter of the address, as the filter of lists.
STATES: dict[str, dict[str, Any]] = {
    "todo": {"stage": "label", "state": "open"},
    "returned": {"stage": "label", "state": "open", "returned": True},
    "labeling": {"stage": "label", "state": "held"},
    "review": {"stage": "review", "state": "open"},
    "reviewing": {"stage": "review", "state": "held"},
    "skipped": {"state": "skipped"},
    "waiting": {"state": "waiting"},
    "done": {"stage": "end", "state": "done"},
}
PEOPLE = {"author": "Labeled by", "holder": "Held by", "reviewer": "Reviewed by"}
CHOICES = {
    "media": MEDIA,
    "comments": {"open": "Open comments", "any": "Has comments", "none": "No comments"},
    "labels": {"some": "Labeled", "none": "Nothing labeled"},
    "dataset": {
        "in": "In the dataset",
        "out": "Not in the dataset",
        "train": "In the dataset: train",
        "valid": "In the dataset: valid",
        "test": "In the dataset: test",
    },
    "returned": {"1": "Was returned"},
}


@dataclass(frozen=True)
class Chip:
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
    step: str = ""
    author_hidden: bool = False


def asked_for(view: View, project: Project) -> tuple[lists.Filter, list[Chip]]:
    """What the address asks for, as the filter of lists and as chips. Raises `NotFound` for unknown batches, jobs, classes."""
    asked, session, chips = view.query, view.session, []
    only: dict[str, Any] = {}
    if (state := asked.get("state", "")) in STATES:
        only |= STATES[state]
        chips.append(Chip("state", words.TASK_LOOKS[state][1]))
    if ref := asked.get("batch"):
        batch = access.batch(session, view.actor, ref)
        only["batch"] = batch.id
        chips.append(Chip("batch", f"Batch: {batch.name}"))
    if ref := asked.get("collection"):
        collection = collections.find(session, project, ref)
        only["collection"] = collection.id
        chips.append(Chip("collection", f"Collection: {collection.name}"))
    if ref := asked.get("job"):
        job = access.job(session, view.actor, ref)
        only["job"] = job.id
        chips.append(Chip("job", f"Job: {job.name}"))
    if name := asked.get("class"):
        row = ontology.class_by_name(session, project.id, name)
        only["class_name"] = row.name
        chips.append(Chip("class", f"Class: {row.display_name or row.name}"))
    for key, what in PEOPLE.items():
        if ref := asked.get(key):
            user = session.scalar(select(User).where(User.uid == access.as_uid(ref)))
            only[key] = user.id if user else -1
            chips.append(Chip(key, f"{what} {user.name if user else 'nobody known'}"))
    for key, choices in CHOICES.items():
        if (value := asked.get(key, "")) in choices:
            only[key] = True if key == "returned" else value
            chips.append(Chip(key, choices[value]))
    if text := search_text(view):
        chips.append(Chip("q", f"“{text}”"))
    return lists.Filter(**only), chips


def search_text(view: View) -> str:
    """What is searched for."""
    return view.query.get("q", "").strip()[:200]


def items_page(view: View, project: Project, only: lists.Filter, limit: int) -> lists.Page[Item]:
    """A page of items, newest first; a search finds those whose reference id begins with the text, else by name."""
    after, text = view.query.get("after") or None, search_text(view)
    if not text:
        return lists.items(view.session, project, only, after=after, limit=limit, newest_first=True)
    by_reference = lists.items(view.session, project, replace(only, reference=text), after=after, limit=limit)
    if by_reference.rows or after:
        return by_reference
    found = view.session.scalars(
        select(Item).where(Item.project_id == project.id, named(text)).order_by(Item.id.desc()).limit(limit)
    )
    return lists.Page(list(found), None)


def tasks_page(view: View, project: Project, only: lists.Filter, limit: int) -> lists.Page[Task]:
    """A page of tasks, newest first; a search as in `items_page`."""
    after, text = view.query.get("after") or None, search_text(view)
    if not text:
        return lists.tasks(view.session, project, only, after=after, limit=limit, newest_first=True)
    by_reference = lists.tasks(view.session, project, replace(only, reference=text), after=after, limit=limit)
    if by_reference.rows or after:
        return by_reference
    items = select(Item.id).where(Item.project_id == project.id, named(text)).order_by(Item.id.desc()).limit(limit)
    found = view.session.scalars(
        select(Task).where(Task.item_id.in_(list(view.session.scalars(items)))).order_by(Task.id.desc()).limit(limit)
    )
    return lists.Page(list(found), None)


def named(text: str) -> Any:
    """Items whose name or reference id holds the text."""
    return Item.name.icontains(text, autoescape=True) | (Item.reference_id == text)


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

    flows = by_id(view.session, Workflow, {job.workflow_id for job in jobs.values()})
    steps = {
        (flow.id, step.key): step.name or step.key.capitalize()
        for flow in flows.values()
        for step in workflows.steps_of(flow).steps
    }
    manages = view.actor.may("manage", project.team_id)
    hidden = {
        t.id: job_options.hides_author(jobs[t.job_id], manages=manages) and t.author_id != view.actor.user_id
        for t in tasks
    }
    return [
        TaskRow(
            t, items[t.item_id], jobs.get(t.job_id), pictures.get(t.item_id, ""), drawn.get(t.item_id, Markup()),
            *words.task_look(t), name(t.holder_id), "" if hidden[t.id] else name(t.author_id), name(t.reviewer_id),
            step=steps.get((jobs[t.job_id].workflow_id, t.step), ""), author_hidden=hidden[t.id],
        )
        for t in tasks
    ]  # fmt: skip


def labels(view: View, project: Project, items: Sequence[Item]) -> dict[int, Markup]:
    """The labels of these items drawn as SVG, by item id."""
    counts = object_counts(view.session, [item.id for item in items])
    wanted = {
        item.id: item for item in items if 0 < counts.get(item.id, 0) <= MOST_DRAWN and item.width and item.height
    }
    if not wanted:
        return {}
    shades = colors(view.session, project)
    return {
        item_id: overlay.draw(document, shades, wanted[item_id].width or 1, wanted[item_id].height or 1)
        for item_id, document in documents.labels_of(view.session, list(wanted)).items()
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
