"""Pictures of items for lists: addresses of their thumbnails."""

from __future__ import annotations

from labelwright.web.view import View

STRIP = 4


def thumbs(view: View, ids: list[int]) -> dict[int, str]:
    """Address of a small picture for each of these items that has its media."""
    return {}


def strips(view: View, projects: list[int]) -> dict[int, list[str]]:
    """A few small pictures for each project: its first ready items'."""
    return {}
