"""Pictures of items: addresses of small ones for lists, of whole ones for an item's page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from labelwright.models.items import Item, ItemMedia, Media
from labelwright.services import items
from labelwright.storage.store import content_key
from labelwright.web.view import View

STRIP = 4
File = tuple[ItemMedia, Media | None]


def thumbs(view: View, ids: Sequence[int]) -> dict[int, str]:
    """Address of a small picture for each of these items that has its media."""
    found = (
        {item_id: small(view, media) for item_id, media in items.main_media(view.session, ids).items()} if ids else {}
    )
    return {item_id: url for item_id, url in found.items() if url}


def of_media(view: View, files: Sequence[Media | None]) -> list[str]:
    """Addresses of small pictures of these files, empty where there is none."""
    return [small(view, media) if media else "" for media in files]


def small(view: View, media: Media) -> str:
    """Address of a file's thumbnail; the file itself while there is none."""
    key = (media.info or {}).get("thumbnail")
    if key:
        return view.context.links.sign(key, "image/webp")
    return whole(view, media) if media.mime.startswith("image/") else ""


def whole(view: View, media: Media) -> str:
    """Address of a stored file."""
    return view.context.links.sign(content_key(media.sha256), media.mime)


def full(view: View, item: Item, files: Sequence[File], frame: int) -> str:
    """Address of the picture that an item's page shows: a frame of a sequence, or the image."""
    for row, media in files:
        if media and media.mime.startswith("image/") and (row.role, row.position) in (("main", 0), ("frame", frame)):
            return whole(view, media)
    return ""


def frame_size(item: Item, frames: Sequence[File], frame: int) -> tuple[int, int]:
    """Width and height in pixels of an item's picture; 0, 0 while unknown. Frames may differ in size."""
    media = frames[frame][1] if frame < len(frames) else None
    if media and media.width and media.height:
        return media.width, media.height
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
