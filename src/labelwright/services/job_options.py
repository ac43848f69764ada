"""What else holds for the people of a job, beside its classes, attributes and limits; and jobs that follow the ontology."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.errors import Conflict, Invalid, Problem
from labelwright.models.projects import Project
from labelwright.models.work import Job

Field = Literal["allowed_classes", "allowed_attributes"]
FOLLOWS: dict[Field, str] = {"allowed_classes": "dynamic_classes", "allowed_attributes": "dynamic_attributes"}


class Options(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A job's options.

    `dynamic_classes`, `dynamic_attributes`: what is added to the ontology later is allowed, too. `read_only_attributes`:
    shown to labelers, not changed by them. `no_submit`: its people cannot hand in; only managers can, by script.
    `hide_author`: reviewers are not told who labeled. `review_own`: people may review what they labeled.
    `halted`: the job was stopped at once, so that who holds one of its tasks can neither save nor hand in until it goes on."""

    dynamic_classes: bool = False
    dynamic_attributes: bool = False
    read_only_attributes: list[str] = []
    no_submit: bool = False
    hide_author: bool = False
    review_own: bool = False
    halted: bool = False


def of(job: Job) -> Options:
    """A job's options."""
    return msgspec.convert(job.options or {}, Options)


def parse(raw: Any) -> dict[str, Any]:
    """Checked options as they are stored. Raises `Invalid` naming what is wrong."""
    try:
        return msgspec.to_builtins(msgspec.convert(raw or {}, Options))
    except msgspec.ValidationError as error:
        raise Invalid(problems=[Problem(f"The options are not valid: {error}", "options")]) from None


def check_running(job: Job) -> None:
    """Raise `Conflict` when the job was stopped at once."""
    if job.status != "active" and (job.options or {}).get("halted"):
        raise Conflict(
            "This job was stopped. What you have not saved is kept in your browser until the job goes on.",
            code="job_stopped",
        )


def hides_author(job: Job, *, manages: bool) -> bool:
    """Whether who labeled is not told, since the job says so; managers see it."""
    return not manages and bool((job.options or {}).get("hide_author"))


def review_own(project: Project, job: Job) -> bool:
    """Whether people may review their own work: the project or the job says so."""
    return bool((project.settings or {}).get("review_own") or (job.options or {}).get("review_own"))


def added(session: Session, project_id: int, field: Field, name: str) -> None:
    """A class or attribute was added to the ontology: jobs that follow it allow it from now on."""

    def add(job: Job, names: list[str]) -> list[str]:
        return [*names, name] if (job.options or {}).get(FOLLOWS[field]) and name not in names else names

    _each(session, project_id, field, add)


def renamed(session: Session, project_id: int, field: Field, old: str, new: str) -> None:
    """A class or attribute has another name: so it has in jobs."""
    _each(session, project_id, field, lambda _, names: [new if name == old else name for name in names])


def _each(session: Session, project_id: int, field: Field, change: Callable[[Job, list[str]], list[str]]) -> None:
    column = getattr(Job, field)
    for job in session.scalars(select(Job).where(Job.project_id == project_id, column.is_not(None))):
        names: list[str] | None = getattr(job, field)
        if names is not None:
            after = change(job, names)
            if after != names:
                setattr(job, field, after)
    session.flush()
