"""Names that people give to things."""

from __future__ import annotations

from labelwright.errors import Invalid

MOST = 200


def clean(name: str, what: str) -> str:
    """The name without the space around it. Raises `Invalid` for an empty or overlong one; `what`: "A batch"."""
    name = name.strip()
    if not name or len(name) > MOST:
        raise Invalid(f"{what} needs a name of 1 to {MOST} characters.", field="name")
    return name
