"""Counts over all of a large project, kept for a minute: counting a million rows anew for every page costs seconds.

Small projects are counted each time, so that whoever looks after a change sees it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from labelwright.models.items import Item

Made = TypeVar("Made")
LARGE = 100_000  # items
SECONDS = 60.0
MOST = 1_000
# Per database: (project id, what is counted) -> (until when, the count).
_kept: weakref.WeakKeyDictionary[Engine, dict[tuple[int, str], tuple[float, Any]]] = weakref.WeakKeyDictionary()


def count(session: Session, project_id: int, what: str, make: Callable[[], Made]) -> Made:
    """What `make()` counts, at most a minute old when the project is large. Hand in plain values, no rows of the session."""
    values = _kept.setdefault(session.get_bind().engine, {})
    found = values.get((project_id, what))
    if found is not None and found[0] > time.monotonic():
        return found[1]
    made = make()
    if _large(session, project_id):
        if len(values) >= MOST:
            values.clear()
        values[project_id, what] = (time.monotonic() + SECONDS, made)
    return made


def forget(session: Session, project_id: int) -> None:
    """Count a project anew from now on, in this process: who has just changed it wants to see that."""
    values = _kept.get(session.get_bind().engine, {})
    for key in [key for key in values if key[0] == project_id]:
        values.pop(key, None)


def _large(session: Session, project_id: int) -> bool:
    some = select(Item.id).where(Item.project_id == project_id).limit(LARGE + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) > LARGE
