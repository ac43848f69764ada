"""Videos: adding them to batches."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from labelwright.errors import Invalid
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import events, wake
from labelwright.services.access import Actor


def add(
    session: Session, actor: Actor, project: Project, batch: Batch, name: str, *,
    media: Media | None = None, url: str = "", source: dict[str, Any] | None = None,
) -> Item:  # fmt: skip
    """A new video in a batch, in no job yet: of a file that is here already, or of one to be fetched from `url`."""
    if project.kind != "video":
        raise Invalid(f"This project holds {project.kind}s, not videos.")
    item = Item(
        project_id=project.id, batch_id=batch.id, kind="video", name=name, media_state="ready" if media else "pending",
        source=source, created_by=actor.user_id,
    )  # fmt: skip
    if media is not None:
        item.width, item.height, item.frames = media.width, media.height, media.frames or 1
    session.add(item)
    session.flush()
    file = ItemMedia(item_id=item.id, role="main", url=url)
    if media is not None:
        file = ItemMedia(item_id=item.id, role="main", url=url, media_id=media.id, state="ready", next_try_at=None)
    session.add(file)
    session.flush()
    events.emit(
        session, "items.filed", team_id=project.team_id, project_id=project.id, actor=actor, item=item.id,
        data={"count": 1},
    )  # fmt: skip
    if media is None:
        wake.call(session, "media")
    return item
