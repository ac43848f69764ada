"""A hint, given at commit, that rows or tasks are waiting: this process looks at once, those of others within a second."""

from __future__ import annotations

import threading
import weakref

from sqlalchemy import event
from sqlalchemy.orm import Session

_waiting: dict[str, weakref.WeakSet[threading.Event]] = {}


def listen(pump: str) -> threading.Event:
    """An event that is set whenever there may be work for the pump of this name. Keep it: it is forgotten with you."""
    waker = threading.Event()
    _waiting.setdefault(pump, weakref.WeakSet()).add(waker)
    return waker


def now(pump: str) -> None:
    """Wake the pump of this process at once."""
    for waker in list(_waiting.get(pump, ())):
        waker.set()


def call(session: Session, pump: str) -> None:
    """Wake the pump of this process when the session's transaction commits; call it once for each transaction."""
    wakers = list(_waiting.get(pump, ()))
    if not wakers:
        return

    def awake(_session: Session) -> None:
        for waker in wakers:
            waker.set()

    event.listen(session, "after_commit", awake, once=True)
