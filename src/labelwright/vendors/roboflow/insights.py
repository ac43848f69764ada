"""Who labeled how much and how well, from the event log."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from labelwright.db import now
from labelwright.models.events import Event
from labelwright.models.identity import User
from labelwright.models.projects import Project
from labelwright.services import access
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.wire import Refused

KINDS = ("task.submitted", "task.accepted", "task.rejected", "document.saved")
COUNTED = ("imagesLabeled", "boxesDrawn", "markedNull", "modelAssisted", "approved", "rejected")


def stats(ask: Ask) -> dict[str, Any]:
    """Work of the days from `startDate` to `endDate` (both included; today when missing), by project and labeler.

    An image counts once a day it was handed in, as `markedNull` when it was without objects then, as `modelAssisted` when a
    model had drawn some of them; rejections count as often as they happened; `approvalRate` is the share accepted at first
    pass; `boxesDrawn` counts the objects a person drew, whether or not they are there still."""
    home = ask.workspace()
    start, end = _day(ask, "startDate", now().date() - timedelta(days=30)), _day(ask, "endDate", now().date())
    visible = access.visible_projects(ask.actor).where(Project.workspace_id == home.id, Project.archived_at.is_(None))
    if slug := ask.query.get("project"):
        visible = visible.where(Project.slug == slug.rpartition("/")[2])
    projects = {row.id: row for row in ask.session.scalars(visible)}
    rows = _rows(ask, list(projects), start, end)
    people = {u.id: u for u in ask.session.scalars(select(User).where(User.id.in_({who for _, who in rows})))}
    if wanted := ask.query.get("userId"):
        rows = {key: row for key, row in rows.items() if key[1] in people and wire.short(people[key[1]].uid) == wanted}
    data = []
    for (project_id, who), row in sorted(rows.items()):
        if who in people:
            project = projects[project_id]
            data.append({"projectId": wire.short(project.uid), "projectName": project.name,
                         "labelerId": wire.short(people[who].uid), "workspaceId": wire.short(home.uid),
                         **{name: row[name] for name in COUNTED},
                         "approvalRate": round(row["clean"] / row["judged"], 4) if row["judged"] else None})  # fmt: skip
    totals = {f"num{name[0].upper()}{name[1:]}": sum(row[name] for row in rows.values()) for name in COUNTED}
    listed = [{"id": wire.short(u.uid), "email": u.email, "displayName": u.name} for u in people.values()]
    return {"data": data, "labelers": listed, "stats": totals}


def _day(ask: Ask, name: str, default: date) -> date:
    value = ask.query.get(name)
    if not value:
        return default
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise Refused(400, f"{name} must be a day such as 2026-01-31.") from None


def _rows(ask: Ask, projects: list[int], start: date, end: date) -> dict[tuple[int, int], dict[str, int]]:
    """Counts by (project, person)."""
    since = datetime.combine(start, time(), UTC)
    until = datetime.combine(end, time(), UTC) + timedelta(days=1)
    query = select(Event.kind, Event.project_id, Event.actor_id, Event.task_id, Event.at, Event.data).where(
        Event.project_id.in_(projects), Event.kind.in_(KINDS), Event.at >= since, Event.at < until
    )
    rows: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: dict.fromkeys((*COUNTED, "clean", "judged"), 0))
    seen: set[tuple[int, date]] = set()
    for event in ask.session.execute(query.order_by(Event.id).execution_options(yield_per=1000)):
        data = event.data or {}
        # Told by events alone: tasks are handed on, and go with their jobs.
        who = data.get("author") or (event.actor_id if event.kind in ("task.submitted", "document.saved") else None)
        if who is None:
            continue
        row, day = rows[event.project_id, who], (event.task_id, event.at.date())
        if event.kind == "document.saved":
            row["boxesDrawn"] += int(data.get("drawn") or 0) if data.get("kind") == "save" else 0
        elif event.kind != "task.submitted":
            _judged(row, event.kind, int(data.get("returned") or 0))
        elif day not in seen:
            seen.add(day)
            row["imagesLabeled"] += 1
            row["markedNull"] += data.get("objects") == 0
            row["modelAssisted"] += bool(data.get("assisted"))
    return rows


def _judged(row: dict[str, int], kind: str, returned: int) -> None:
    accepted = kind == "task.accepted"
    row["approved" if accepted else "rejected"] += 1
    row["clean"] += accepted and returned == 0
    row["judged"] += returned == (0 if accepted else 1)
