"""How log lines look: readable in a terminal, JSON for collectors."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure(as_json: bool) -> None:
    """Set up logging for this process, to standard error."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Without local variables: they hold keys and passwords.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    if as_json:
        last: list[Any] = [structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    elif sys.stderr.isatty():
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        last = [structlog.processors.format_exc_info, line]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """One line for a log file: time, level, event, then `key=value`. structlog's own takes a good part of a short request."""
    trace = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level')} {_word(event.pop('event'), spaces=True)}"
    rest = "".join(f" {key}={_word(value)}" for key, value in event.items())
    return f"{head}{rest}\n{trace}" if trace else head + rest


def _word(value: Any, spaces: bool = False) -> str:
    """A value that can neither end the line nor pass for another key: what is outside is quoted."""
    text = str(value)
    return text if text.isprintable() and (spaces or " " not in text) else repr(text)
