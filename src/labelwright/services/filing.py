"""Filing work: items with their media, first labels and tasks, one or thousands in a transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labelwright import bulk
from labelwright.db import new_uid, now
from labelwright.errors import Duplicate, Invalid, Problem
from labelwright.geometry.document import Document
from labelwright.geometry.ontology import Ontology
from labelwright.models.documents import DocumentHead, LabelCount
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Job, Task
from labelwright.services import checks, documents, events, jobs, wake, workflows
from labelwright.services.access import Actor


@dataclass(slots=True)
class NewMedia:
    """A file an item needs: by `url` (fetched later), or `media` that is here already."""

    url: str = ""
    role: str = "main"
    position: int = 0
    frame_id: str | None = None
    label: str | None = None
    media: Media | None = None
    extra: dict[str, Any] | None = None


@dataclass(slots=True)
class NewTask:
    """One thing to label, with the labels it starts from. `blocked`: why it cannot be labeled yet, shown to people.

    `frames`: how many frames a video has, 1 for an image; a video file's are known after probing."""

    name: str
    kind: str = "image"
    reference_id: str | None = None
    media: list[NewMedia] = field(default_factory=list)
    document: Document | None = None
    priority: int = 5
    width: int | None = None
    height: int | None = None
    frames: int = 1
    meta: Any = None
    source: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    tags: list[str] | None = None
    blocked: str = ""


@dataclass(slots=True)
class Filed:
    """What was made of a `NewTask`."""

    item_id: int
    item_uid: uuid.UUID
    task_id: int
    task_uid: uuid.UUID
    reference_id: str | None


ITEM_COLUMNS = (
    "id", "uid", "project_id", "batch_id", "kind", "name", "reference_id", "width", "height", "frames", "media_state",
    "media_error", "split", "tags", "meta", "source", "created_by", "created_at", "updated_at",
)  # fmt: skip
MEDIA_COLUMNS = (
    "item_id", "role", "position", "frame_id", "label", "url", "media_id", "state", "attempts", "next_try_at", "error", "extra",
)  # fmt: skip
TASK_COLUMNS = (
    "id", "uid", "project_id", "job_id", "item_id", "step", "stage", "state", "priority", "verdict", "returned",
    "skip_reason", "seconds", "created_at", "updated_at", "extra",
)  # fmt: skip


def check(new: NewTask, project: Project, ontology: Ontology, job: Job | None = None) -> list[Problem]:
    """What is wrong with a task before it is filed; empty when nothing is."""
    problems = []
    if not new.name or len(new.name) > 500:
        problems.append(Problem("A name has 1 to 500 characters.", "name"))
    if new.reference_id is not None and not 0 < len(new.reference_id) <= 500:
        problems.append(Problem("A reference_id has 1 to 500 characters.", "reference_id"))
    if new.kind != project.kind:
        problems.append(Problem(f"This project holds {project.kind}s, not {new.kind}s.", "kind"))
    if not new.media and not new.blocked:
        problems.append(Problem("Say where the picture is: a url, or an upload.", "url"))
    if new.document is not None:
        problems += checks.check_document(
            new.document,
            ontology,
            kind=new.kind,
            frames=None if _frames_unknown(new) else new.frames,
            allowed_classes=frozenset(job.allowed_classes)
            if job is not None and job.allowed_classes is not None
            else None,
        )
    return problems


def _frames_unknown(new: NewTask) -> bool:
    return new.kind == "video" and any(m.role == "main" for m in new.media)


# Built once: a single create spends a good part of its time on building statements.
_TAKEN = select(Item.__table__.c.reference_id).where(
    Item.__table__.c.project_id == bindparam("project"),
    Item.__table__.c.reference_id.in_(bindparam("references", expanding=True)),
)


def existing_references(session: Session, project_id: int, references: Iterable[str]) -> set[str]:
    """Which of these reference ids the project has already."""
    wanted = list(references)
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        part = {"project": project_id, "references": wanted[start : start + 500]}
        found.update(ref for ref in session.scalars(_TAKEN, part) if ref is not None)
    return found


def file_tasks(
    session: Session,
    actor: Actor,
    project: Project,
    batch: Batch,
    job: Job,
    ontology: Ontology,
    steps: workflows.Steps,
    new: Sequence[NewTask],
    *,
    origin: str = "import",
    checked: bool = False,
) -> list[Filed]:
    """File tasks, all or none. `checked`: the caller has run `check` on each.

    Raises `Invalid` with every fault, or `Duplicate` with `details["references"]` when reference ids are taken."""
    if not new:
        return []
    if not checked:
        problems = [p for entry in new for p in check(entry, project, ontology, job)]
        if problems:
            raise Invalid(problems=problems)
    references = [entry.reference_id for entry in new if entry.reference_id is not None]
    taken = existing_references(session, project.id, references)
    if taken or len(set(references)) != len(references):
        twice = taken or {r for r in references if references.count(r) > 1}
        raise Duplicate(f"reference_id {min(twice)!r} is taken in this project.", references=sorted(twice))
    jobs.adding(session, job)
    writer = _Writer(session, actor, project, batch, job, ontology, steps, origin)
    try:
        with session.begin_nested():
            filed = writer.write(new)
    except IntegrityError as error:
        # Another process filed the same reference between our look and our write.
        taken = existing_references(session, project.id, references)
        if not taken:
            raise
        raise Duplicate(f"reference_id {min(taken)!r} is taken in this project.", references=sorted(taken)) from error
    return filed


class _Writer:
    """The rows of one call of `file_tasks`."""

    def __init__(
        self, session: Session, actor: Actor, project: Project, batch: Batch, job: Job, ontology: Ontology,
        steps: workflows.Steps, origin: str,
    ) -> None:  # fmt: skip
        self.session, self.actor, self.project, self.batch, self.job = session, actor, project, batch, job
        self.class_ids = {name: info.id for name, info in ontology.classes.items()}
        self.first = steps.first
        self.origin = origin
        self.when: datetime = now()
        self.items: list[tuple[Any, ...]] = []
        self.media: list[tuple[Any, ...]] = []
        self.tasks: list[tuple[Any, ...]] = []
        self.documents: list[tuple[Any, ...]] = []
        self.counts: list[tuple[Any, ...]] = []

    def write(self, new: Sequence[NewTask]) -> list[Filed]:
        session = self.session
        item_ids = bulk.allocate(session, Item.__table__, len(new))  # type: ignore[arg-type]
        task_ids = bulk.allocate(session, Task.__table__, len(new))  # type: ignore[arg-type]
        filed = []
        for entry, item_id, task_id in zip(new, item_ids, task_ids, strict=True):
            record = Filed(item_id, new_uid(), task_id, new_uid(), entry.reference_id)
            ready = not entry.blocked and all(m.media is not None for m in entry.media)
            self._item(entry, record, ready)
            self._task(entry, record, ready)
            if entry.document is not None:
                self._document(entry.document, item_id)
            filed.append(record)
        for table, columns, rows in (
            (Item, ITEM_COLUMNS, self.items),
            (ItemMedia, MEDIA_COLUMNS, self.media),
            (Task, TASK_COLUMNS, self.tasks),
            (DocumentHead, documents.HEAD_COLUMNS, self.documents),
            (LabelCount, documents.COUNT_COLUMNS, self.counts),
        ):
            bulk.insert(session, table.__table__, columns, rows)  # type: ignore[arg-type]
        self._events(filed)
        wake.call(session, "media")
        return filed

    def _item(self, entry: NewTask, record: Filed, ready: bool) -> None:
        state = "failed" if entry.blocked else "ready" if ready else "pending"
        width, height, frames = entry.width, entry.height, entry.frames
        main = next((m.media for m in entry.media if m.role in ("main", "frame") and m.media is not None), None)
        if main is not None:
            width, height = main.width, main.height
            frames = main.frames or frames
        self.items.append((
            record.item_id, record.item_uid, self.project.id, self.batch.id, entry.kind, entry.name, entry.reference_id,
            width, height, frames, state, entry.blocked, "", entry.tags, entry.meta, entry.source, self.actor.user_id,
            self.when, self.when,
        ))  # fmt: skip
        for m in entry.media:
            self.media.append((
                record.item_id, m.role, m.position, m.frame_id, m.label, m.url, m.media.id if m.media else None,
                "ready" if m.media else "pending", 0, None if m.media else self.when, "", m.extra,
            ))  # fmt: skip

    def _task(self, entry: NewTask, record: Filed, ready: bool) -> None:
        self.tasks.append((
            record.task_id, record.task_uid, self.project.id, self.job.id, record.item_id, self.first.key,
            self.first.kind, "open" if ready else "waiting", entry.priority, "", 0, "", 0.0, self.when, self.when,
            entry.extra,
        ))  # fmt: skip

    def _document(self, document: Document, item_id: int) -> None:
        head, counts = documents.initial_rows(
            self.session, item_id, self.project.id, document, self.class_ids, self.actor.user_id, self.when, self.origin
        )
        self.documents.append(head)
        self.counts.extend(counts)

    def _events(self, filed: list[Filed]) -> None:
        one = filed[0] if len(filed) == 1 else None
        events.emit(
            self.session, "items.filed", team_id=self.project.team_id, project_id=self.project.id, actor=self.actor,
            job=self.job.id, task=one.task_id if one else None, item=one.item_id if one else None,
            data={"count": len(filed), "first_task": filed[0].task_id, "last_task": filed[-1].task_id},
        )  # fmt: skip
