"""Bulk import: a stream of lines, one task each, filed a thousand at a time while the rest is still arriving."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated, Any, NotRequired, Protocol
from uuid import UUID

import anyio
import anyio.to_thread
import msgspec
from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response
from typing_extensions import TypedDict

from labelwright.api.lines import TaskLine, new_task, uploads
from labelwright.api.openapi import struct_body
from labelwright.api.problems import FaultBody, fault
from labelwright.api.routing import ERRORS, StrictRoute, respond
from labelwright.api.structs import decode
from labelwright.edge.call import begin
from labelwright.edge.context import Context
from labelwright.edge.front import allow_body
from labelwright.errors import Duplicate, Invalid, LabelwrightError, Problem, TooLarge
from labelwright.geometry.ontology import Ontology
from labelwright.models.items import Media
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job
from labelwright.services import access, batches, filing, jobs, ontology, workflows
from labelwright.services.access import Actor

streams = APIRouter(tags=["Items"], route_class=StrictRoute)
LINES = 1000
CHUNK_BYTES = 8_000_000
MOST_FAULTS = 10_000
ORIGIN = "api"
_decoder = msgspec.json.Decoder(TaskLine)


class LineFaultBody(TypedDict):
    """What is wrong with a line (counted from 1); it was not filed, the others were."""

    line: int
    reference_id: NotRequired[str]
    problems: list[FaultBody]


class ImportBody(TypedDict):
    """What came in. `errors` names at most 10,000 lines; `failed` counts all of them."""

    lines: int
    filed: int
    failed: int
    errors: list[LineFaultBody]


class Caller(Protocol):
    """Who imports, and the transaction: a request's `Call`, or the command line."""

    session: Session
    actor: Actor


class Target:
    """Where the tasks of one transaction go."""

    def __init__(self, call: Caller, uid: UUID, batch: str | None, job: UUID | None, workflow: str | None) -> None:
        self.call = call
        session, actor = call.session, call.actor
        self.project: Project = access.project(session, actor, uid, "manage")
        self.ontology: Ontology = ontology.compiled(session, self.project)
        self.job: Job | None = None
        if job is not None:
            self.job = access.job(session, actor, job, "manage")
            if self.job.project_id != self.project.id:
                raise Invalid("This job is of another project.", field="job")
            self.workflow = session.get_one(Workflow, self.job.workflow_id)
        elif workflow is not None:
            self.workflow = workflows.resolve(session, self.project.id, workflow)
        else:
            self.workflow = workflows.default_of(session, self.project.id)
        self.steps = workflows.steps_of(self.workflow)
        self.batch_name = batch

    def batch(self, name: str | None) -> Batch:
        """The batch of that uid or name, made when it is new."""
        wanted = name or self.batch_name
        if not wanted:
            return batches.default_of(self.call.session, self.project)
        uid = access.as_uid(wanted) if len(wanted) >= 32 else None
        if uid is not None:
            found = access.batch(self.call.session, self.call.actor, uid)
            if found.project_id != self.project.id:
                raise Invalid("This batch is of another project.", field="batch")
            return found
        return batches.ensure(self.call.session, self.project, wanted, self.call.actor.user_id)

    def job_of(self, batch: Batch) -> Job:
        """The job that new tasks of a batch belong to."""
        if self.job is not None:
            return self.job
        return jobs.for_origin(
            self.call.session, self.project, batch, self.workflow, ORIGIN, created_by=self.call.actor.user_id
        )

    def media(self, lines: list[TaskLine]) -> dict[UUID, Media]:
        """The uploads that lines name."""
        wanted = {uid for line in lines for uid in uploads(line)}
        if not wanted:
            return {}
        query = select(Media).where(Media.team_id == self.project.team_id, Media.uid.in_(wanted))
        return {media.uid: media for media in self.call.session.scalars(query)}

    def file(self, batch: Batch, job: Job, new: list[filing.NewTask]) -> list[filing.Filed]:
        """File tasks that were checked."""
        return filing.file_tasks(
            self.call.session, self.call.actor, self.project, batch, job, self.ontology, self.steps, new,
            origin="import", checked=True,
        )  # fmt: skip


class Report:
    """What happened to the lines so far."""

    def __init__(self) -> None:
        self.lines = self.filed = self.failed = 0
        self.errors: list[LineFaultBody] = []

    def refuse(self, line: int, problems: list[Problem], reference_id: str | None = None) -> None:
        """Note a line that was not filed."""
        self.failed += 1
        if len(self.errors) < MOST_FAULTS:
            body: LineFaultBody = {"line": line, "problems": [fault(problem) for problem in problems[:20]]}
            if reference_id is not None:
                body["reference_id"] = reference_id
            self.errors.append(body)

    def body(self) -> ImportBody:
        """The answer."""
        errors = sorted(self.errors, key=lambda error: error["line"])
        return {"lines": self.lines, "filed": self.filed, "failed": self.failed, "errors": errors}


@streams.post(
    "/projects/{uid}/import",
    operation_id="import_tasks",
    response_model=None,
    responses={**ERRORS, 200: {"model": ImportBody}},
    openapi_extra=struct_body("TaskLine", "application/x-ndjson"),
)
async def import_tasks(
    request: Request,
    uid: UUID,
    batch: Annotated[str | None, Query(max_length=200, description="Uid or name, for lines that name none.")] = None,
    job: Annotated[UUID | None, Query(description="A job; default: one per batch and workflow.")] = None,
    workflow: Annotated[str | None, Query(max_length=200, description="Uid, tag or name.")] = None,
) -> Response:
    """File many tasks: newline-delimited JSON, one task a line, of any length.

    About a thousand lines are one transaction. A line that is wrong is reported and left out; the others are filed.
    A line sent again with its `reference_id` is reported as `duplicate`, so a broken import can simply be repeated."""
    context: Context = request.app.state.context
    target = (uid, batch, job, workflow)
    await anyio.to_thread.run_sync(_check_target, context, request, target)
    allow_body(request, sys.maxsize)
    report, opened = Report(), partial(begin, context, request, write=True)
    send, receive = anyio.create_memory_object_stream[list[tuple[int, bytes]]](1)

    async def file_chunks() -> None:
        async with receive:
            async for chunk in receive:
                await anyio.to_thread.run_sync(file_chunk, opened, target, chunk, report)

    failure: LabelwrightError | None = None
    try:
        async with anyio.create_task_group() as group, send:
            group.start_soon(file_chunks)
            async for chunk in _chunks(request, context.settings.max_body_mb * 1_000_000):
                report.lines += len(chunk)
                await send.send(chunk)
    except* LabelwrightError as group_error:
        failure = next(e for e in _leaves(group_error) if isinstance(e, LabelwrightError))
    if failure is not None:
        failure.details.update(lines=report.lines, filed=report.filed)
        raise failure
    return respond(report.body())


async def _chunks(request: Request, longest: int) -> AsyncIterator[list[tuple[int, bytes]]]:
    """Numbered lines, about `LINES` at a time; empty lines are passed over. Raises `TooLarge` for an endless line."""
    rest, number, size = b"", 0, 0
    chunk: list[tuple[int, bytes]] = []
    async for part in request.stream():
        first, *more = part.split(b"\n")
        if not more:
            rest += first
            if len(rest) > longest:
                raise TooLarge(f"Line {number + 1} is longer than {longest / 1_000_000:g} MB.")
            continue
        for line in (rest + first, *more[:-1]):
            number += 1
            if line.strip():
                chunk.append((number, line))
                size += len(line)
            if len(chunk) >= LINES or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        rest = more[-1]
    if rest.strip():
        chunk.append((number + 1, rest))
    if chunk:
        yield chunk


def _check_target(context: Context, request: Request, target: tuple[Any, ...]) -> None:
    with begin(context, request, write=False) as call:
        Target(call, *target)


def file_chunk(
    opened: Callable[[], AbstractContextManager[Caller]],
    target: tuple[Any, ...],
    chunk: list[tuple[int, bytes]],
    report: Report,
) -> None:
    """File numbered lines in one transaction that `opened` opens; what cannot be filed goes to the report."""
    lines: list[tuple[int, TaskLine]] = []
    faults: list[tuple[int, list[Problem], str | None]] = []
    for number, raw in chunk:
        try:
            lines.append((number, decode(raw, _decoder)))
        except Invalid as error:
            faults.append((number, error.problems, None))
    filed = 0
    with opened() as call:
        where = Target(call, *target)
        media = where.media([line for _, line in lines])
        grouped: dict[str | None, list[tuple[int, filing.NewTask]]] = {}
        for number, line in lines:
            new, problems = new_task(line, where.project.kind, media)
            problems += filing.check(new, where.project, where.ontology, where.job)
            if problems:
                faults.append((number, problems, line.reference_id))
            else:
                grouped.setdefault(line.batch, []).append((number, new))
        _refuse_taken(where, grouped, faults)
        for name, entries in grouped.items():
            filed += _file_group(where, name, entries, faults)
    # Only what is committed counts.
    report.filed += filed
    for fault_ in faults:
        report.refuse(*fault_)


def _refuse_taken(
    where: Target, grouped: dict[str | None, list[tuple[int, filing.NewTask]]], faults: list[Any]
) -> None:
    """Take out lines whose reference id is taken, in the project or by a line before."""
    references = {n.reference_id for entries in grouped.values() for _, n in entries if n.reference_id is not None}
    if not references:
        return
    seen = filing.existing_references(where.call.session, where.project.id, references)
    for name, entries in grouped.items():
        kept = []
        for number, new in sorted(entries, key=lambda entry: entry[0]):
            if new.reference_id in seen:
                faults.append((number, [_taken(new.reference_id)], new.reference_id))
                continue
            if new.reference_id is not None:
                seen.add(new.reference_id)
            kept.append((number, new))
        grouped[name] = kept


def _taken(reference: str | None) -> Problem:
    return Problem(f"reference_id {reference!r} is taken in this project.", "reference_id", code="duplicate")


def _file_group(where: Target, name: str | None, entries: list[tuple[int, filing.NewTask]], faults: list[Any]) -> int:
    """File the lines of one batch; returns how many."""
    try:
        batch = where.batch(name)
    except LabelwrightError as error:
        faults.extend((number, [Problem(error.message, "batch")], new.reference_id) for number, new in entries)
        return 0
    job = where.job_of(batch)
    while entries:
        try:
            return len(where.file(batch, job, [new for _, new in entries]))
        except Duplicate as error:
            # Another process filed the same references between our look and our write.
            taken = set(error.details["references"])
            faults.extend((i, [_taken(n.reference_id)], n.reference_id) for i, n in entries if n.reference_id in taken)
            entries = [(i, n) for i, n in entries if n.reference_id not in taken]
    return 0


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    return [leaf for e in group.exceptions for leaf in (_leaves(e) if isinstance(e, BaseExceptionGroup) else [e])]
