"""Workflow set-up: the steps work walks through."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from labelwright.errors import Invalid, NotFound
from labelwright.models.projects import Project, Workflow
from labelwright.services import access, workflows
from labelwright.web.pages.common import project_of, project_page, url_of
from labelwright.web.view import View

MOST_STEPS = 8


def index(view: View, uid: str) -> Response:
    """The project's workflows, drawn."""
    project = project_of(view, uid)
    rows = workflows.of_project(view.session, project.id)
    return project_page(view, "workflows.html", project, "workflow", workflows=[(w, _drawn(w)) for w in rows])


def form(view: View, uid: str, workflow_uid: str = "") -> Response:
    """The dialog for a new or a present workflow."""
    project = project_of(view, uid, "manage")
    row = _workflow(view, project, workflow_uid) if workflow_uid else None
    steps: list[Any] = list(workflows.steps_of(row).steps) if row else workflows.parse(workflows.LABEL_REVIEW).steps
    return view.part(
        "_workflow_form.html", project, row=row, steps=steps + [None] * (min(MOST_STEPS, len(steps) + 2) - len(steps))
    )


def save(view: View, uid: str, workflow_uid: str = "") -> Response:
    """Make or change a workflow."""
    project = project_of(view, uid, "manage")
    values = {"name": view.text("name"), "tag": view.text("tag"), "steps": _steps(view)}
    if workflow_uid:
        row = _workflow(view, project, workflow_uid)
        workflows.change(view.session, row, default=True if view.flag("default") else None, **values)
    else:
        row = workflows.create(view.session, project, default=view.flag("default"), **values)
    return view.done(url_of(project, "/workflow"), f"Saved the workflow {row.name}.")


def archive(view: View, uid: str, workflow_uid: str) -> Response:
    """Take a workflow out of use."""
    project = project_of(view, uid, "manage")
    row = _workflow(view, project, workflow_uid)
    workflows.archive(view.session, row)
    return view.done(url_of(project, "/workflow"), f"{row.name} is out of use; its tasks walk on.")


def _steps(view: View) -> list[dict[str, Any]]:
    """The steps of the form, in order: each leads to the next, a rejection back to the label step before it."""
    rows = zip(view.texts("kind"), view.texts("key"), view.texts("step_name"), view.texts("sample"), strict=False)
    chosen = [row for row in rows if row[0] in ("label", "review")]
    keys = _keys(chosen)
    steps: list[dict[str, Any]] = []
    for number, (kind, _key, name, sample) in enumerate(chosen):
        then = keys[number + 1] if number + 1 < len(chosen) else workflows.END
        step: dict[str, Any] = {"key": keys[number], "kind": kind, "name": name.strip() or kind.title()}
        if kind == "label":
            step["on_done"] = then
        else:
            back = [keys[i] for i, row in enumerate(chosen[:number]) if row[0] == "label"]
            step |= {"on_accept": then, "on_reject": back[-1] if back else "", "sample": _share(sample)}
        steps.append(step)
    return steps


def _keys(rows: list[tuple[str, str, str, str]]) -> list[str]:
    """Present steps keep their key; new ones get their kind's name with the next free number."""
    keys: list[str] = []
    taken = {key for _, key, _, _ in rows if key}
    for kind, key, _name, _sample in rows:
        number, made = 1, key or kind
        while not key and made in taken:
            number += 1
            made = f"{kind}{number}"
        taken.add(made)
        keys.append(made)
    return keys


def _share(text: str) -> float:
    try:
        return float(text or 100) / 100
    except ValueError:
        raise Invalid("The sample is a number from 0 to 100.", field="sample") from None


def _drawn(workflow: Workflow) -> list[dict[str, Any]]:
    steps = workflows.steps_of(workflow)
    names = {step.key: step.name or step.key for step in steps.steps} | {workflows.END: "Done"}
    return [
        {
            "step": step,
            "back": names.get(step.on_reject, ""),
            "then": names[step.on_done if step.kind == "label" else step.on_accept],
        }
        for step in steps.steps
    ]


def _workflow(view: View, project: Project, uid: str) -> Workflow:
    row = access.workflow(view.session, view.actor, uid)
    if row.project_id != project.id:
        raise NotFound("There is no such workflow.")
    return row
