"""How far work is, as the parts of a stacked bar."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from labelwright.models.work import Task

Part = tuple[str, int, str, str]
# look, words, `state` filter of the task list, and which (stage, state) it counts
PARTS: tuple[tuple[str, str, str, frozenset[tuple[str, str]]], ...] = (
    ("accepted", "Done", "done", frozenset({("end", "done"), ("label", "done"), ("review", "done")})),
    ("review", "In review", "review", frozenset({("review", "open"), ("review", "held")})),
    ("label", "Labeling", "labeling", frozenset({("label", "held")})),
    ("todo", "To do", "todo", frozenset({("label", "open")})),
    ("skipped", "Skipped", "skipped", frozenset({("label", "skipped"), ("review", "skipped"), ("end", "skipped")})),
    ("waiting", "Waiting for media", "waiting", frozenset({("label", "waiting"), ("review", "waiting")})),
)


def parts(counts: dict[tuple[str, str], int], url: str = "") -> list[Part]:
    """The bar's parts from tasks per (stage, state); `url`: of the task list that each part leads to."""
    found = []
    for look, words, state, pairs in PARTS:
        count = sum(counts.get(pair, 0) for pair in pairs)
        if count or look in ("accepted", "todo"):
            found.append((look, count, words, f"{url}?state={state}" if url else ""))
    return found


def grouped(session: Session, query: Select[int, str, str, int]) -> dict[int, list[Part]]:
    """Bars from rows of (group, stage, state, count)."""
    counts: dict[int, dict[tuple[str, str], int]] = {}
    for group, stage, state, count in session.execute(query):
        counts.setdefault(group, {})[stage, state] = count
    return {group: parts(found) for group, found in counts.items()}


def of_projects(session: Session, ids: Sequence[int]) -> dict[int, list[Part]]:
    """A bar for each project that has tasks; reads an index only."""
    if not ids:
        return {}
    query = select(Task.project_id, Task.stage, Task.state, func.count()).where(Task.project_id.in_(ids))
    return grouped(session, query.group_by(Task.project_id, Task.stage, Task.state))
