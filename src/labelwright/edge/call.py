"""One request's transaction and actor, opened in one place for every edge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request

from labelwright.edge import auth
from labelwright.edge.context import Context
from labelwright.errors import Conflict, Invalid
from labelwright.services import events, identity
from labelwright.services.access import Actor

Result = TypeVar("Result")
FindActor = Callable[[Context, Session, Request], Actor]
TOUCH_EVERY = 300.0
# PostgreSQL: serialization failure and deadlock; the transaction was undone and may simply run again.
TRY_AGAIN = frozenset({"40001", "40P01"})


@dataclass
class Call:
    """A request being answered: its transaction, who asks, and what the edges share."""

    context: Context
    request: Request
    session: Session
    actor: Actor

    @property
    def base_url(self) -> str:
        """Address under which the caller reaches us, without a slash at its end."""
        return self.context.base_url(self.request)


class OfCall:
    """A handler's view of its call: the parts that every handler uses, by short names."""

    call: Call

    @property
    def request(self) -> Request:
        """The request."""
        return self.call.request

    @property
    def context(self) -> Context:
        """What the edges share."""
        return self.call.context

    @property
    def session(self) -> Session:
        """The request's transaction: on safe methods it only reads."""
        return self.call.session

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.call.actor

    @property
    def query(self) -> QueryParams:
        """The address's query."""
        return self.request.query_params


@contextmanager
def begin(
    context: Context, request: Request, *, write: bool | None = None, find_actor: FindActor = auth.actor
) -> Iterator[Call]:
    """Open the request's one transaction and find out who calls; commits when the block ends without an exception.

    `write` None: by the method, a GET only reads. `find_actor`: a vendor's own key header."""
    write = request.method not in auth.SAFE if write is None else write
    with errors_named(), context.database.write() if write else context.database.read() as session:
        call = Call(context, request, session, find_actor(context, session, request))
        events.by(session, call.actor)
        due = _touch_due(context, call.actor)
        if due and write:
            identity.touch_key(session, due)
        yield call
    if due and not write:
        with context.database.write() as session:
            identity.touch_key(session, due)


def run(
    context: Context, request: Request, answer: Callable[[Call], Result], **options: bool | FindActor | None
) -> Result:
    """`answer(call)` inside `begin`; once more when the database undid the transaction to break a deadlock."""
    for attempt in range(3):
        try:
            with begin(context, request, **options) as call:  # type: ignore[arg-type]
                return answer(call)
        except OperationalError as error:
            if attempt == 2 or getattr(error.orig, "sqlstate", None) not in TRY_AGAIN:
                raise
            time.sleep(0.02 * (attempt + 1))
    raise AssertionError("unreachable")


@contextmanager
def errors_named() -> Iterator[None]:
    """What the database refuses, as one of our errors."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("Somebody made or changed the same thing at this moment; look and try again.") from error
    except (DataError, OverflowError) as error:
        raise Invalid("A value cannot be stored: a number is too large, or a text holds a NUL character.") from error


def _touch_due(context: Context, actor: Actor) -> int | None:
    """The key to be noted as used: at most once in five minutes a process, so that reads stay reads."""
    if actor.key_id is None:
        return None
    moment = time.monotonic()
    if moment - context.touched.get(actor.key_id, -TOUCH_EVERY) < TOUCH_EVERY:
        return None
    context.touched[actor.key_id] = moment
    return actor.key_id
