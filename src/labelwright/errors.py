"""What can go wrong, in the product's words. No HTTP here: each edge turns these into its own shape and status.

LabelwrightError
  NotFound            no such thing, or not for this actor (the two are told apart to nobody)
  Forbidden           the actor sees it but may not do this
  Unauthenticated     no or wrong key, password, session
  Invalid             the input is wrong; `problems` names field and reason
  Conflict            the state of things does not allow it
    Duplicate         a name or reference is taken
    Stale             a document was changed meanwhile; carries both sides
    LeaseLost         somebody else holds the task now
  TooLarge            over a limit
  TooMany             too many tries; `details["retry_after"]` seconds
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One fault in an input: `field` is a dotted path ("objects[3].shape"), `object_id` the document's object."""

    message: str
    field: str = ""
    object_id: int | None = None
    code: str = "invalid"


class LabelwrightError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None, **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.message = str(self)
        self.details = details
        if code:
            self.code = code


class NotFound(LabelwrightError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"


class Forbidden(LabelwrightError):
    """Your role does not allow this."""

    code = "forbidden"


class Unauthenticated(LabelwrightError):
    """Sign in, or send a valid API key."""

    code = "unauthenticated"


class Invalid(LabelwrightError):
    """The input is not valid."""

    code = "invalid"

    def __init__(
        self, message: str = "", problems: list[Problem] | None = None, *, field: str = "", code: str | None = None
    ) -> None:
        self.problems = problems or ([Problem(message, field)] if message else [])
        if not message and problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            first = problems[0]
            message = f"{first.field}: {first.message}{more}" if first.field else first.message + more
        super().__init__(message, code=code)


class Conflict(LabelwrightError):
    """This cannot be done in the present state."""

    code = "conflict"


class Duplicate(Conflict):
    """That name or reference is taken already."""

    code = "duplicate"


class Stale(Conflict):
    """Someone changed the same objects meanwhile; nothing was overwritten."""

    code = "stale"


class LeaseLost(Conflict):
    """You no longer hold this task; your changes are kept in your browser."""

    code = "lease_lost"


class TooLarge(LabelwrightError):
    """The input is larger than allowed."""

    code = "too_large"


class TooMany(LabelwrightError):
    """Too many tries; wait a moment."""

    code = "too_many"
