"""Filing jobs, several requests in one transaction.

A durable commit costs more than everything else a create does. Requests that arrive while a commit is under way wait for
the next one and share it; each is answered only after its own commit. One request's fault never touches another's.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from labelwright.db import Database
from labelwright.edge.call import TOUCH_EVERY, TRY_AGAIN, errors_named
from labelwright.edge.context import Context
from labelwright.errors import Duplicate, LabelwrightError, NotFound, Problem
from labelwright.geometry.ontology import Ontology
from labelwright.services import filing, identity
from labelwright.services.access import Actor
from labelwright.vendors.playment import payload, wire
from labelwright.vendors.playment.errors import DATA_INVALID, DUPLICATE_REFERENCE, PlaymentError, translate
from labelwright.vendors.playment.places import ORIGIN, VENDOR, Asked, Cache, Place, Places

log = structlog.get_logger("labelwright.playment")
MOST = 64  # requests in one transaction
# Requests with larger bodies are read before the transaction and filed alone: others do not wait for their labels.
LARGE = 64_000
Answer = dict[str, Any] | Exception


@dataclass
class Create:
    """A create request: where its job goes, and what it is. `size`: bytes of its body."""

    asked: Asked
    job: wire.NewJob
    size: int = 0


class Filer:
    """Files jobs for one process. `file` is called on the event loop, the work is done on a thread of its own."""

    def __init__(self, context: Context, actor_of: Callable[[Session, str | None], Actor]) -> None:
        self.context = context
        self.database: Database = context.database
        self.actor_of = actor_of
        self._lock = threading.Lock()
        self._places = Cache()
        self._waiting: list[tuple[Create, asyncio.Future[Answer]]] = []
        self._draining = False
        self._threads = ThreadPoolExecutor(2, "playment-filer")

    async def file(self, create: Create) -> dict[str, Any]:
        """The answer's `data`, once the job is committed. Raises what kept it from being filed."""
        loop = asyncio.get_running_loop()
        if create.size > LARGE:
            return _raised(await loop.run_in_executor(self._threads, self._file_large, create))
        done: asyncio.Future[Answer] = loop.create_future()
        with self._lock:
            self._waiting.append((create, done))
            start, self._draining = not self._draining, True
        if start:
            loop.run_in_executor(self._threads, self._drain)
        return _raised(await done)

    def _drain(self) -> None:
        while True:
            with self._lock:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if not group:
                    self._draining = False
                    return
            answers = self._file([create for create, _ in group])
            for (_, done), answer in zip(group, answers, strict=True):
                done.get_loop().call_soon_threadsafe(_settle, done, answer)

    def _file(self, creates: Sequence[Create]) -> list[Answer]:
        """File these in one transaction; one by one when something unforeseen undoes it."""
        for attempt in range(3):
            try:
                with errors_named(), self.database.write() as session:
                    places = Places(session, self.actor_of, self._places, self._touch)
                    answers = _Group(session, places).file(creates)
                places.committed()
                return answers
            except OperationalError as error:
                if attempt < 2 and getattr(error.orig, "sqlstate", None) in TRY_AGAIN:
                    time.sleep(0.02 * (attempt + 1))
                    continue
                unforeseen: Exception = error
            except Exception as error:
                unforeseen = error
            if len(creates) > 1:
                return [self._file([create])[0] for create in creates]
            if not isinstance(unforeseen, PlaymentError | LabelwrightError):
                log.error("job not filed", exc_info=unforeseen)
            return [unforeseen]
        raise AssertionError("unreachable")

    def _file_large(self, create: Create) -> Answer:
        """Read the labels beforehand: no other writer waits for that. They are read again if the ontology changed."""
        try:
            with self.database.read() as session:
                ready = _Group(session, Places(session, self.actor_of, self._places)).read(create)
        except (PlaymentError, LabelwrightError) as error:
            return error
        return self._file([_Ready(create.asked, create.job, create.size, ready)])[0]

    def _touch(self, session: Session, actor: Actor) -> None:
        """Note that a key was used, at most once in five minutes a process."""
        moment, touched = time.monotonic(), self.context.touched
        if actor.key_id is not None and moment - touched.get(actor.key_id, -TOUCH_EVERY) >= TOUCH_EVERY:
            touched[actor.key_id] = moment
            identity.touch_key(session, actor.key_id)


@dataclass
class _Read:
    """A job's labels and media, read against an ontology and checked."""

    task: filing.NewTask
    warnings: list[str]
    ontology: Ontology


@dataclass
class _Ready(Create):
    """A create whose labels were read before its transaction."""

    read: _Read | None = None


@dataclass
class _Group:
    """The creates of one transaction. Whatever two of them need is looked up once."""

    session: Session
    places: Places

    def file(self, creates: Sequence[Create]) -> list[Answer]:
        """An answer for each, in order: `data`, or why not."""
        answers: list[Answer] = [NotFound()] * len(creates)
        groups: dict[int, tuple[Place, list[tuple[int, Create, _Read]]]] = {}
        for number, create in enumerate(creates):
            try:
                place = self.places.of(create.asked)
                read = create.read if isinstance(create, _Ready) else None
                if read is None or read.ontology is not place.ontology:
                    read = self.read(create)
                groups.setdefault(id(place), (place, []))[1].append((number, create, read))
            except (PlaymentError, LabelwrightError) as error:
                answers[number] = error
        seen: set[tuple[int, str]] = set()
        for place, entries in groups.values():
            fresh = []
            for number, create, read in entries:
                reference = (place.project.id, create.job.reference_id)
                if reference in seen:
                    answers[number] = _duplicate(create)
                else:
                    seen.add(reference)
                    fresh.append((number, create, read))
            self._file_at(place, fresh, answers)
        return answers

    def _file_at(self, place: Place, entries: list[tuple[int, Create, _Read]], answers: list[Answer]) -> None:
        if place.job is None or place.job.status == "done":
            # Looked at first, so that what is refused wakes or makes no job.
            entries = _without_taken(entries, self._taken(place, entries), answers)
        while entries:
            job = self.places.ready(entries[-1][1].asked, place)
            try:
                filed = filing.file_tasks(
                    self.session, place.actor, place.project, place.batch, job, place.ontology, place.steps,
                    [read.task for _, _, read in entries], origin=ORIGIN, checked=True,
                )  # fmt: skip
            except Duplicate as error:
                left = _without_taken(entries, set(error.details["references"]), answers)
                if len(left) == len(entries):
                    raise
                entries = left
                continue
            for (number, create, read), record in zip(entries, filed, strict=True):
                answers[number] = _told(create, place, read, record)
            return

    def _taken(self, place: Place, entries: list[tuple[int, Create, _Read]]) -> set[str]:
        wanted = [create.job.reference_id for _, create, _ in entries]
        return filing.existing_references(self.session, place.project.id, wanted)

    def read(self, create: Create) -> _Read:
        """The job's media and labels, checked. Raises `PlaymentError` naming the place in `data`."""
        place = self.places.of(create.asked)
        job = create.job
        content = payload.read(job.data, place.ontology)
        task = _new_task(job, content, place.project.kind)
        problems = filing.check(task, place.project, place.ontology, place.job)
        if problems:
            raise PlaymentError(DATA_INVALID, _sentence(problems, content.labels.paths))
        return _Read(task, content.warnings, place.ontology)


def _new_task(job: wire.NewJob, content: payload.Payload, project_kind: str) -> filing.NewTask:
    media = [
        filing.NewMedia(
            url=f.url, role=f.role, position=f.position, frame_id=f.frame_id, label=f.label,
            extra=None if f.legend is None else {"legend": f.legend},
        )
        for f in content.files
    ]  # fmt: skip
    document = content.labels.document
    own: dict[str, Any] = {}
    if "tag" in job.routes:
        own["tag"] = job.routes["tag"]
    if job.type is not None:
        own["type"] = job.type
    return filing.NewTask(
        name=job.reference_id,
        # A point cloud is neither; it is kept in whatever project it was sent to.
        kind=project_kind if content.blocked else content.kind,
        reference_id=job.reference_id,
        media=media,
        document=document if document.objects or document.attributes or document.frames or document.extra else None,
        priority=job.priority,
        frames=content.frames,
        meta=content.metadata,
        source={VENDOR: content.rest} if content.rest else None,
        extra={VENDOR: own} if own else None,
        blocked=content.blocked,
    )


def _sentence(problems: list[Problem], paths: list[str]) -> str:
    """The first few faults, each with its place in the request."""
    sentences = []
    for problem in problems[:3]:
        place = problem.field
        if problem.object_id is not None and 0 < problem.object_id <= len(paths):
            inner = place.partition("].")[2]
            place = paths[problem.object_id - 1] + (f".{inner}" if inner else "")
        sentences.append(f"{place or 'data'}: {problem.message}")
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return " ".join(sentences) + more


def _told(create: Create, place: Place, read: _Read, record: filing.Filed) -> dict[str, Any]:
    workflow_id = str(place.workflow.uid)
    data = {
        "job_id": str(record.task_uid),
        "reference_id": create.job.reference_id,
        "tag": create.job.routes.get("tag", workflow_id),
        "work_flow_id": workflow_id,
    }
    return data | ({"warnings": read.warnings} if read.warnings else {})


def _without_taken(
    entries: list[tuple[int, Create, _Read]], taken: set[str], answers: list[Answer]
) -> list[tuple[int, Create, _Read]]:
    for number, create, _ in entries:
        if create.job.reference_id in taken:
            answers[number] = _duplicate(create)
    return [entry for entry in entries if entry[1].job.reference_id not in taken]


def _duplicate(create: Create) -> PlaymentError:
    return PlaymentError(
        DUPLICATE_REFERENCE, f"A job with reference_id {create.job.reference_id!r:.200} exists in this project already."
    )


def _settle(done: asyncio.Future[Answer], answer: Answer) -> None:
    if not done.done():  # the client may have gone meanwhile
        done.set_result(answer)


def _raised(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, LabelwrightError):
        raise translate(answer)
    if isinstance(answer, Exception):
        raise answer
    return answer
