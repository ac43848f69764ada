"""Pictures of items: addresses of small ones for lists, of whole ones for an item's page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from labelwright.models.items import Item, ItemMedia, Media
from labelwright.services import items, media
from labelwright.web.view import View

STRIP = 4
File = tuple[ItemMedia, Media | None]


def thumbs(view: View, ids: Sequence[int]) -> dict[int, str]:
    """Address of a small picture for each of these items that has its media."""
    return {i: small(view, file) for i, file in items.main_media(view.session, ids).items()} if ids else {}


def of_media(view: View, files: Sequence[Media | None]) -> list[str]:
    """Addresses of small pictures of these files, empty where there is none."""
    return [small(view, file) if file else "" for file in files]


def small(view: View, file: Media) -> str:
    """Address of a file's thumbnail."""
    return media.url_for(view.context.links, file, "thumb")


def whole(view: View, file: Media) -> str:
    """Address of a file as browsers can show it."""
    return media.url_for(view.context.links, file)


def full(view: View, item: Item, files: Sequence[File], frame: int) -> str:
    """Address of the picture that an item's page shows: a frame of a sequence, or the image."""
    for row, file in files:
        if file and file.mime.startswith("image/") and (row.role, row.position) in (("main", 0), ("frame", frame)):
            return whole(view, file)
    return ""


def frame_size(item: Item, frames: Sequence[File], frame: int) -> tuple[int, int]:
    """Width and height in pixels of an item's picture; 0, 0 while unknown. Frames may differ in size."""
    file = frames[frame][1] if frame < len(frames) else None
    if file and file.width and file.height:
        return file.width, file.height
    return item.width or 0, item.height or 0


def strips(view: View, projects: Sequence[int]) -> dict[int, list[str]]:
    """A few small pictures for each project: its newest items'."""
    found: dict[int, list[str]] = {}
    for project in projects:
        newest = (
            select(Item.id)
            .where(Item.project_id == project, Item.media_state == "ready")
            .order_by(Item.id.desc())
            .limit(STRIP)
        )
        ids = list(view.session.scalars(newest))
        pictures = thumbs(view, ids)
        found[project] = [pictures[i] for i in ids if i in pictures]
    return found
