"""Other links for images and videos that are here: their files are fetched anew, their labels stay."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from labelwright.edge.context import Context
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.items import Item, ItemMedia
from labelwright.services import access, events, media_state
from labelwright.services.access import Actor
from labelwright.services.media import Ingested
from labelwright.services.media_state import Outcome
from labelwright.vendors.supervisely import images, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.wire import Refused

MOST = 200
LISTS = ("images", "videos")


def _entries(body: Any) -> list[tuple[int, str]]:
    """Id and new link of each."""
    sent = wire.object_of(body, "body")
    name = next((name for name in LISTS if sent.get(name) is not None), None)
    if name is None:
        raise Refused(400, f"Send {' or '.join(LISTS)}: a list of id and link.")
    found = []
    for number, entry in enumerate(wire.list_of(sent[name], name, MOST)):
        row = wire.object_of(entry, f"{name}[{number}]")
        link = wire.text(row.get("link"), f"{name}[{number}].link", 5000)
        found.append((wire.whole(row.get("id"), f"{name}[{number}].id"), link))
    if len({ref for ref, _ in found}) < len(found):
        raise Refused(400, f"An id stands twice in {name}.")
    return found


def fetched(context: Context, actor: Actor, body: Any) -> dict[str, Ingested]:
    """The files behind the new links, fetched before the transaction."""
    entries = _entries(body)
    with context.database.read() as session:
        for ref, _ in entries:
            access.item(session, actor, ref, "manage")
    return images.fetch(context, [link for _, link in entries])


def update(ask: Ask) -> dict[str, Any]:
    """Give images or videos other links, all or none. Raises `Refused` for a file that the labels would not fit."""
    entries = _entries(ask.body)
    found = ask.items([ref for ref, _ in entries], "manage")
    for item, (_, link) in zip(found, entries, strict=True):
        _relink(ask, item, link, ask.prepared[link])
    return {"success": True}


def _relink(ask: Ask, item: Item, link: str, file: Ingested) -> None:
    project = ask.project_of(item)
    if (file.frames is not None) != (item.kind == "video"):
        raise Refused(400, f"The link {wire.short(link)} is no {item.kind}, as {item.id} is one.")
    labeled = select(DocumentHead.item_id).where(DocumentHead.item_id == item.id, DocumentHead.layer == MAIN)
    now, new = (item.width, item.height, item.frames), (file.width, file.height, file.frames or 1)
    if None not in now and now != new and ask.session.scalar(labeled) is not None:
        raise Refused(
            400, f"The link {wire.short(link)} has {new[0]} x {new[1]} pixels and {new[2]} frames, but {item.id}, which is "
            f"labeled, has {now[0]} x {now[1]} and {now[2]}."
        )  # fmt: skip
    query = select(ItemMedia).where(ItemMedia.item_id == item.id, ItemMedia.role == "main").order_by(ItemMedia.position)
    row = ask.session.scalars(query.limit(1)).first()
    if row is None:
        row = ItemMedia(item_id=item.id, role="main")
        ask.session.add(row)
    row.url, row.state, row.error = link, "pending", ""
    ask.session.flush()
    media_state.apply(ask.session, {item.id: [Outcome(row.id, item.id, project.team_id, file)]})
    events.emit(
        ask.session, "item.changed", team_id=project.team_id, project_id=project.id, actor=ask.actor, item=item.id,
        data={"fields": ["link"]},
    )  # fmt: skip


METHODS: Methods = {
    "images.update.links": Method(update, write=True, prepare=fetched),
    "videos.update.links": Method(update, write=True, prepare=fetched),
}
