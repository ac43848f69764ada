"""What the methods on labels of videos share: the labels of one video read, changed and saved; a tag as it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from labelwright.geometry.document import Document
from labelwright.models.items import Item
from labelwright.services import documents
from labelwright.services.documents import Change
from labelwright.vendors.supervisely import annotations
from labelwright.vendors.supervisely.asking import Ask
from labelwright.vendors.supervisely.known import Known, known
from labelwright.vendors.supervisely.labels import UNSIGNED, Signed
from labelwright.vendors.supervisely.tracks import Raw, Sheet, Track, tag_id
from labelwright.vendors.supervisely.wire import Refused


def sheet(ask: Ask, item: Item, knows: Known | None = None) -> tuple[Sheet, int]:
    """The labels of a video and their version. Raises `Refused` while its frames are not counted."""
    if item.kind != "video":
        raise Refused(400, f"{item.id} is an image, not a video.")
    if item.media_state != "ready":
        raise Refused(
            400, f"The file of the video {item.id} is not here yet: {item.media_error or 'it is being fetched'}."
        )
    stored = documents.read(ask.session, item.id)
    there = knows or known(ask.session, ask.project_of(item))
    return Sheet(there, item, stored.document), stored.version


def sheets(ask: Ask, found: Sequence[Item], knows: Known | None = None) -> Iterator[tuple[Sheet, int]]:
    """`sheet` of each of these videos, to be changed: others who change them wait until this transaction ends."""
    annotations.claim(ask, found)
    return (sheet(ask, item, knows) for item in found)


def save(ask: Ask, page: Sheet, base: int, gone: Sequence[int] = ()) -> None:
    """Write what was changed of a video's labels, in one save."""
    attributes, frames = page.values() if page.tags_changed else (None, None)
    change = Change(put=page.objects(), delete=list(gone), attributes=attributes, frames=frames)
    if page.tags_changed or page.next != int(annotations.kept_of(page.item).get("tagCounter") or 1):
        annotations.keep(page.item, tagCounter=page.next, videoTags=list(page.tags) or None)
    if change.put or change.delete or page.tags_changed:
        documents.save(ask.session, ask.actor, page.item, change, base=base)


def track_of(page: Sheet, number: int, ref: int) -> Track:
    """An object of a video by its number. Raises `Refused`."""
    if number not in page.tracks:
        raise Refused(404, f"There is no object {ref}.", "Not found")
    return page.tracks[number]


def signed_of(ask: Ask, item: Item) -> Signed:
    """Who labeled a video last, and when."""
    return annotations.signatures(ask, annotations.heads(ask, [item])).get(item.id, UNSIGNED)


def tag_json(page: Sheet, raw: Raw, signed: Signed) -> dict[str, Any]:
    """A tag as the package reads it."""
    tag = page.knows.tag_by_name.get(raw["name"])
    body = {
        "id": tag_id(page.item.id, raw["n"]), "tagId": tag.id if tag else None, "name": raw["name"], "value": raw["value"],
        "labelerLogin": signed.login, "createdAt": signed.created, "updatedAt": signed.updated, **raw.get("more", {}),
    }  # fmt: skip
    return body | ({"frameRange": raw["range"]} if raw["range"] else {})


def item_tags(knows: Known, item: Item, document: Document | None, signed: Signed | None) -> list[dict[str, Any]]:
    """The tags of a video, for lists of videos."""
    bare = Document(attributes=document.attributes, frames=document.frames) if document else Document()
    page = Sheet(knows, item, bare)
    return [tag_json(page, raw, signed or UNSIGNED) for raw in page.tags]
