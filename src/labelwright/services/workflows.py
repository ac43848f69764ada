"""Workflows: the steps a task walks through, and where each verdict leads."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any, Literal

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import Conflict, Duplicate, Invalid, NotFound, Problem
from labelwright.models.projects import Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import events, names
from labelwright.services.access import as_uid

END = "end"
KEY = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")


class Step(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One step. `label` steps lead to `on_done`; `review` steps to `on_accept` or `on_reject`. Targets: a key or "end".

    `sample`: the share (0 to 1) of tasks that enter a review step; the others pass as if accepted."""

    key: str
    kind: Literal["label", "review"]
    name: str = ""
    on_done: str = END
    on_accept: str = END
    on_reject: str = ""
    sample: float = 1.0


class Steps:
    """A workflow's steps, with the questions that are asked of them."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self._by_key = {step.key: step for step in steps}

    @property
    def first(self) -> Step:
        """Where a new task starts."""
        return self.steps[0]

    def get(self, key: str) -> Step:
        """The step of that key."""
        return self._by_key[key]

    def enter(self, key: str, task_uid: uuid.UUID) -> Step | None:
        """The step a task really enters when it is sent to `key`: review steps that do not sample it are passed.

        None: the end. The choice hangs on the task's uid alone, so it is the same whenever it is asked."""
        while key != END:
            step = self._by_key[key]
            if step.kind == "label" or share_of(task_uid, step.key) < step.sample:
                return step
            key = step.on_accept
        return None


def share_of(task_uid: uuid.UUID, step_key: str) -> float:
    """A number in [0, 1) that belongs to a task and a step, evenly spread."""
    digest = hashlib.sha256(task_uid.bytes + step_key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def parse(raw: Any) -> Steps:
    """Checked steps from their JSON. Raises `Invalid` naming the step and what to change."""
    try:
        steps = msgspec.convert(raw, list[Step])
    except msgspec.ValidationError as error:
        raise Invalid(f"The steps are not valid: {error}", field="steps") from None
    problems = list(_problems(steps))
    if problems:
        raise Invalid(problems=problems)
    return Steps(steps)


def _problems(steps: list[Step]) -> Any:
    if not steps:
        yield Problem("A workflow needs at least one step.", "steps")
        return
    if steps[0].kind != "label":
        yield Problem("The first step must be a label step.", "steps[0].kind")
    keys = [step.key for step in steps]
    labels = {step.key for step in steps if step.kind == "label"}
    for number, step in enumerate(steps):
        at = f"steps[{number}]"
        if not KEY.match(step.key) or step.key == END or keys.count(step.key) > 1:
            yield Problem(f"{step.key!r}: use a key of its own: lower-case letters, digits, - and _.", f"{at}.key")
        if not 0 <= step.sample <= 1:
            yield Problem("sample is a share from 0 to 1.", f"{at}.sample")
        targets = {"on_done": step.on_done} if step.kind == "label" else {"on_accept": step.on_accept}
        for field, target in targets.items():
            if target != END and (target not in keys or keys.index(target) <= number):
                yield Problem(f"{target!r} is neither a later step nor 'end'.", f"{at}.{field}")
        if step.kind == "review" and step.on_reject not in labels:
            yield Problem(f"{step.on_reject!r} must be a label step: rejected work goes back there.", f"{at}.on_reject")


def dump(steps: Steps) -> list[dict[str, Any]]:
    """The JSON that is stored."""
    return [msgspec.to_builtins(step) for step in steps.steps]


LABEL_REVIEW: list[dict[str, Any]] = [
    {"key": "label", "kind": "label", "name": "Label", "on_done": "review"},
    {"key": "review", "kind": "review", "name": "Review", "on_reject": "label"},
]
LABEL_ONLY: list[dict[str, Any]] = [{"key": "label", "kind": "label", "name": "Label"}]


def create(
    session: Session, project: Project, name: str, tag: str = "", steps: Any = None, *, default: bool = False,
    tell: bool = True,
) -> Workflow:  # fmt: skip
    """A new workflow; without steps: label, then review. Raises `Duplicate` for a taken name or tag.

    `tell` False: no event, since another one says it already."""
    name, tag = names.clean(name, "A workflow"), _clean_tag(tag)
    _check_free(session, project.id, name, tag)
    parsed = parse(LABEL_REVIEW if steps is None else steps)
    if default:
        _no_other_default(session, project.id)
    workflow = Workflow(project_id=project.id, name=name, tag=tag, is_default=default, steps=dump(parsed))
    session.add(workflow)
    session.flush()
    if tell:
        _tell(session, "workflow.created", workflow)
    return workflow


def change(
    session: Session,
    workflow: Workflow,
    *,
    name: str | None = None,
    tag: str | None = None,
    steps: Any = None,
    default: bool | None = None,
) -> Workflow:
    """Change a workflow. A step with tasks in it cannot be taken away."""
    new_name = workflow.name if name is None else names.clean(name, "A workflow")
    new_tag = workflow.tag if tag is None else _clean_tag(tag)
    _check_free(session, workflow.project_id, new_name, new_tag, but=workflow.id)
    workflow.name, workflow.tag = new_name, new_tag
    if steps is not None:
        parsed = parse(steps)
        _keep_used_steps(session, workflow, parsed)
        workflow.steps = dump(parsed)
    if default is not None:
        if default:
            _no_other_default(session, workflow.project_id)
        workflow.is_default = default
    session.flush()
    _tell(session, "workflow.changed", workflow)
    return workflow


def _clean_tag(tag: str) -> str:
    if len(tag.strip()) > names.MOST:
        raise Invalid(f"A tag has at most {names.MOST} characters.", field="tag")
    return tag.strip()


def archive(session: Session, workflow: Workflow) -> None:
    """Take a workflow out of use; its tasks walk on."""
    if workflow.is_default:
        raise Conflict("This is the project's default workflow; make another one default first.")
    workflow.archived_at = now()
    session.flush()
    _tell(session, "workflow.archived", workflow)


def _tell(session: Session, kind: str, workflow: Workflow) -> None:
    project = session.get_one(Project, workflow.project_id)
    data = {"workflow": str(workflow.uid), "name": workflow.name}
    events.emit(session, kind, team_id=project.team_id, project_id=project.id, data=data)


def of_project(session: Session, project_id: int) -> list[Workflow]:
    """Workflows in use, oldest first."""
    return list(
        session.scalars(
            select(Workflow)
            .where(Workflow.project_id == project_id, Workflow.archived_at.is_(None))
            .order_by(Workflow.id)
        )
    )


def default_of(session: Session, project_id: int) -> Workflow:
    """The project's default workflow, or its only one. Raises `NotFound` when neither exists."""
    found = of_project(session, project_id)
    for workflow in found:
        if workflow.is_default:
            return workflow
    if len(found) == 1:
        return found[0]
    raise NotFound("The project has no default workflow; name one.")


def resolve(session: Session, project_id: int, reference: str) -> Workflow:
    """The workflow that `reference` names: its uid, else its tag, else its name. Raises `NotFound`."""
    found = of_project(session, project_id)
    uid = as_uid(reference)
    for matches in (
        lambda w: uid is not None and w.uid == uid,
        lambda w: w.tag and w.tag == reference,
        lambda w: w.name == reference,
    ):
        for workflow in found:
            if matches(workflow):
                return workflow
    raise NotFound(f"The project has no workflow with the id, tag or name {reference!r}.")


def steps_of(workflow: Workflow) -> Steps:
    """A stored workflow's steps (checked when they were stored)."""
    return Steps(msgspec.convert(workflow.steps, list[Step]))


def _check_free(session: Session, project_id: int, name: str, tag: str, but: int | None = None) -> None:
    for workflow in session.scalars(select(Workflow).where(Workflow.project_id == project_id)):
        if workflow.id == but:
            continue
        if workflow.name == name:
            raise Duplicate(f"There is a workflow {name!r} in this project already.")
        if tag and workflow.tag == tag:
            raise Duplicate(f"Workflow {workflow.name!r} has the tag {tag!r} already.")


def _no_other_default(session: Session, project_id: int) -> None:
    session.execute(update(Workflow).where(Workflow.project_id == project_id).values(is_default=False))


def _keep_used_steps(session: Session, workflow: Workflow, new: Steps) -> None:
    jobs = select(Job.id).where(Job.workflow_id == workflow.id)
    used = session.execute(
        select(Task.step, func.count()).where(Task.job_id.in_(jobs), Task.state != "done").group_by(Task.step)
    )
    kinds = {step.key: step.kind for step in new.steps}
    old = {step.key: step.kind for step in steps_of(workflow).steps}
    for key, count in used:
        if kinds.get(key) != old.get(key):
            raise Conflict(f"{count} tasks are at step {key!r}; keep it, or finish them first.", code="step_in_use")
