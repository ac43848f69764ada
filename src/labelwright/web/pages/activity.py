"""Activity: what happened in a project, newest first, and live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.work import Job, Task
from labelwright.services import events
from labelwright.web import words
from labelwright.web.pages.common import project_of, project_page
from labelwright.web.render import plural
from labelwright.web.view import View

PAGE = 50
GROUPS = {
    "": ("Everything", ()),
    "work": ("Work", ("task.claimed", "task.submitted", "task.accepted", "task.rejected", "task.skipped", "task.completed", "task.reopened")),
    "labels": ("Labels", ("document.saved", "document.restored", "comment.added", "comment.resolved")),
    "items": ("Items", ("items.filed", "items.deleted", "item.failed", "item.ready", "item.changed")),
    "setup": ("Set-up", tuple(k for k in events.KINDS if k.split(".")[0] in ("project", "ontology", "workflow", "batch", "job", "webhook"))),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One event, worded. `name` and `url`: the item, job or thing it is about."""

    id: int
    glyph: str
    who: str
    words: str
    name: str
    url: str
    detail: str
    at: datetime


def index(view: View, uid: str) -> Response:
    """The latest events; `before` continues, `after` asks for what is newer than a line shown."""
    project = project_of(view, uid)
    group = view.query.get("show", "")
    kinds = GROUPS.get(group, GROUPS[""])[1]
    before, after = _number(view.query.get("before")), _number(view.query.get("after"))
    if after is not None:
        newer = events.feed(view.session, view.actor, project, after, PAGE, kinds=kinds)
        return view.part(
            "_activity_new.html",
            project,
            lines=lines(view, newer[::-1]),
            group=group,
            last=newer[-1].id if newer else after,
        )
    found = events.recent(view.session, view.actor, project, before, PAGE + 1, kinds=kinds)
    shown = lines(view, found[:PAGE])
    more = str(found[PAGE - 1].id) if len(found) > PAGE else ""
    if before is not None:
        return view.part("_activity.html", project, lines=shown, more=more, group=group)
    last = found[0].id if found else 0
    return project_page(
        view, "activity.html", project, "activity", lines=shown, more=more, group=group, groups=GROUPS, last=last
    )


def lines(view: View, found: list[Event]) -> list[Line]:
    """Events in words."""
    users = _by_id(view, User, {e.actor_id for e in found})
    items = _by_id(view, Item, {e.item_id for e in found})
    tasks = _by_id(view, Task, {e.task_id for e in found})
    jobs = _by_id(view, Job, {e.job_id for e in found if not e.item_id})
    items |= _by_id(view, Item, {t.item_id for t in tasks.values()} - set(items))
    return [_line(e, users, items, tasks, jobs) for e in found]


def _line(e: Event, users: dict[int, Any], items: dict[int, Any], tasks: dict[int, Any], jobs: dict[int, Any]) -> Line:
    task = tasks.get(e.task_id or 0)
    item = items.get(e.item_id or (task.item_id if task else 0))
    job = jobs.get(e.job_id or 0)
    data = e.data or {}
    if item is not None:
        name, url = item.name, f"/items/{item.uid}"
    elif job is not None:
        name, url = job.name, f"/jobs/{job.uid}"
    else:
        name, url = str(data.get("name") or data.get("url") or ""), ""
    user = users.get(e.actor_id or 0)
    detail = str(data.get("reason") or data.get("comment") or data.get("error") or "")
    return Line(e.id, words.GLYPHS.get(e.kind.split(".")[0], "activity"), user.name if user else "", _words(e.kind, data, user is not None), name, url, detail, e.at)  # fmt: skip


def _words(kind: str, data: dict[str, Any], somebody: bool) -> str:
    count = data.get("count")
    if kind in VERBS:
        text = VERBS[kind][0 if somebody else 1]
        return text.format(items=plural(count, "item") if isinstance(count, int) else "some items")
    noun, _, verb = kind.partition(".")
    return f"{verb} the {noun}" if somebody else f"{noun} {verb}"


# With somebody before them, and alone.
VERBS = {
    "task.claimed": ("took", "Taken"),
    "task.released": ("gave back", "Given back"),
    "task.expired": ("was away too long from", "Free again, its holder was away"),
    "task.skipped": ("skipped", "Skipped"),
    "task.submitted": ("submitted", "Submitted"),
    "task.accepted": ("accepted", "Accepted"),
    "task.rejected": ("returned", "Returned"),
    "task.completed": ("finished", "Finished"),
    "task.reopened": ("reopened", "Reopened"),
    "task.reassigned": ("reassigned", "Reassigned"),
    "task.changed": ("changed the priority of", "Priority changed"),
    "document.saved": ("saved labels of", "Labels saved of"),
    "document.restored": ("restored earlier labels of", "Earlier labels restored of"),
    "items.filed": ("filed {items}", "{items} filed"),
    "items.deleted": ("deleted {items}", "{items} deleted"),
    "item.changed": ("changed", "Changed"),
    "item.ready": ("fetched", "Media is there for"),
    "item.failed": ("could not fetch", "Media failed for"),
    "comment.added": ("commented on", "Comment on"),
    "comment.resolved": ("settled a comment on", "Comment settled on"),
    "ontology.changed": ("changed the ontology", "Ontology changed"),
    "project.created": ("made the project", "Project made"),
    "project.changed": ("changed the project's settings", "Project settings changed"),
    "job.created": ("made the job", "Job made"),
    "job.changed": ("changed the job", "Job changed"),
    "job.paused": ("paused the job", "Job paused"),
    "job.resumed": ("resumed the job", "Job resumed"),
    "job.completed": ("completed the job", "Job completed:"),
    "workflow.created": ("made the workflow", "Workflow made"),
    "workflow.changed": ("changed the workflow", "Workflow changed"),
    "batch.created": ("made the batch", "Batch made"),
    "export.finished": ("finished an export", "Export ready"),
    "export.failed": ("could not export", "Export failed"),
    "version.created": ("made a version of the dataset", "Version of the dataset made"),
}


def _by_id(view: View, table: Any, ids: set[int | None]) -> dict[int, Any]:
    wanted = ids - {None}
    return {row.id: row for row in view.session.scalars(select(table).where(table.id.in_(wanted)))} if wanted else {}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 19 else None
