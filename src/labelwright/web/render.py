"""Templates: the Jinja environment, how values are worded, and addresses of static files."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labelwright.db import now

HERE = Path(__file__).parent
STATIC = HERE / "static"
UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("h", 3600), ("min", 60))


@cache
def static(path: str) -> str:
    """Address of a static file, with its content's hash so that browsers may keep it for good."""
    file = STATIC / path
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "0"
    return f"/static/{path}?v={digest}"


def number(value: float | None) -> str:
    """12345.6 as 12,345.6; None as a dash."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")


def percent(share: float | None) -> str:
    """0.914 as 91 %; None as a dash."""
    if share is None:
        return "–"
    rounded = round(share * 100)
    # 99.6 % must not read as all, nor 0.3 % as none.
    if rounded == 100 and share < 1:
        return f"{int(share * 1000) / 10:g} %"
    if rounded == 0 and share > 0:
        return "<1 %"
    return f"{rounded} %"


def duration(seconds: float | None) -> str:
    """95 as 1:35, 4000 as 1 h 07; None as a dash."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 or not seconds else f"{seconds:.1f} s".replace(".0 ", " ")
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d}"


def size(count: float | None) -> str:
    """Bytes as kB, MB or GB."""
    if count is None:
        return "–"
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def ago(moment: datetime) -> str:
    """How long ago, or in how long: 5 min ago, in 2 days."""
    seconds = (now() - moment).total_seconds()
    past, seconds = seconds >= 0, abs(seconds)
    if seconds < 45:
        return "just now" if past else "in a moment"
    for unit, length in UNITS:
        if seconds >= length or unit == "min":
            count = max(1, round(seconds / length))
            words = f"{count} {unit}" + ("s" if count > 1 and unit in {"year", "month", "day"} else "")
            return f"{words} ago" if past else f"in {words}"
    raise AssertionError("unreachable")


def exact(moment: datetime) -> str:
    """2026-03-01 14:05:33 UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """RFC 3339."""
    return moment.isoformat()


def initials(name: str) -> str:
    """Up to two letters that stand for a person."""
    words = [w for w in name.replace("@", " ").replace(".", " ").split() if w[0].isalnum()]
    return "".join(w[0] for w in words[:2]).upper() or "?"


def plural(count: int, one: str, many: str = "") -> str:
    """1 item, 2 items, 1,200 items."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def with_query(path: str, **values: Any) -> str:
    """An address with those query values that are not empty; a list gives its key several times."""
    kept = {key: value for key, value in values.items() if value not in (None, "", [], ())}
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (number, percent, duration, size, ago, exact, iso, initials, plural)
    environment.filters.update({f.__name__: f for f in filters})
    environment.globals.update(static=static, with_query=with_query)
    return environment


environment = _environment()


def render(template: str, **context: Any) -> Markup:
    """A template's HTML."""
    return Markup(environment.get_template(template).render(context))  # noqa: S704  (the environment escapes)
