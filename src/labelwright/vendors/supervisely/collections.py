"""Entity collections: named choices of a project's images or videos."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from labelwright.models.items import Collection
from labelwright.models.projects import Project
from labelwright.services import collections
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

TYPES = ("default", "aiSearch")
FIELDS = {"id": Field(read=ID), "name": Field(), "projectId": Field(read=ID)}


def _json(ask: Ask, row: Collection) -> dict[str, Any]:
    kept = extra_of(row)
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "teamId": ask.session.get_one(Project, row.project_id).team_id, "projectId": row.project_id,
        "createdAt": wire.moment(row.created_at), "updatedAt": wire.moment(row.updated_at), "createdBy": row.created_by,
        "options": {}, "type": kept.get("type", TYPES[0]), "meta": kept.get("meta", {}),
    }  # fmt: skip


def _found(ask: Ask, name: str = "id", right: str = "view") -> Collection:
    return collections.get(ask.session, ask.actor, ask.whole(name), right)


def add(ask: Ask) -> dict[str, Any]:
    """A new, empty collection."""
    kind = ask.text("type", TYPES[0])
    if kind not in TYPES:
        raise Refused(400, f"type is one of {', '.join(TYPES)}.")
    extra = {"supervisely": {"type": kind, "meta": ask.object("meta", {})}}
    row = collections.create(
        ask.session, ask.actor, ask.project(right="manage"), ask.text("name"), ask.text("description", ""), extra
    )
    return _json(ask, row)


def info(ask: Ask) -> dict[str, Any]:
    """One collection."""
    return _json(ask, _found(ask))


def listed(ask: Ask) -> dict[str, Any]:
    """Collections of a project, of one type or of all."""
    kind = ask.text("type", TYPES[0])
    if kind not in (*TYPES, "all"):
        raise Refused(400, f"type is one of {', '.join(TYPES)}, all.")
    rows = [_json(ask, row) for row in collections.of_project(ask.session, ask.project())]
    return listing.at_hand(ask, [row for row in rows if kind in (row["type"], "all")], FIELDS)


def edit(ask: Ask) -> dict[str, Any]:
    """Rename or describe a collection."""
    row = _found(ask, right="manage")
    collections.change(ask.session, row, name=ask.text("name", None), description=ask.text("description", None))
    return _json(ask, row)


def remove(ask: Ask) -> dict[str, Any]:
    """Delete a collection; what is in it stays."""
    collections.delete(ask.session, _found(ask, right="manage"))
    return {"success": True}


def add_items(ask: Ask) -> dict[str, Any]:
    """Put images or videos into a collection; `missing` names those that its project does not have."""
    row = _found(ask, "collectionId", "manage")
    items: dict[int, dict[str, Any] | None] = {}
    if ask.has("entityItems"):
        for number, entry in enumerate(ask.list("entityItems")):
            body = wire.object_of(entry, f"entityItems[{number}]")
            items[wire.whole(body.get("entityId"), f"entityItems[{number}].entityId")] = body.get("meta")
    else:
        items = dict.fromkeys(ask.wholes("entityIds"))
    done, missing = collections.add(ask.session, row, items)
    return _moved(done, missing)


def remove_items(ask: Ask) -> dict[str, Any]:
    """Take images or videos out of a collection; `missing` names those that were not in it."""
    row = _found(ask, "collectionId", "manage")
    done, missing = collections.take_out(ask.session, row, list(dict.fromkeys(ask.wholes("entityIds"))))
    return _moved(done, missing)


def _moved(done: list[int], missing: list[int]) -> dict[str, Any]:
    return {"items": [{"imageId": i, "entityId": i} for i in done], "missing": [{"id": i} for i in missing]}


def chosen(ask: Ask, ref: int) -> Any:
    """A query of the ids of a collection's items, for filters of lists."""
    row = collections.get(ask.session, ask.actor, ref)
    members = collections.CollectionItem
    return select(members.item_id).where(members.collection_id == row.id)


METHODS: Methods = {
    "entities-collections.add": Method(add, write=True),
    "entities-collections.info": Method(info),
    "entities-collections.list": Method(listed),
    "entities-collections.editInfo": Method(edit, write=True),
    "entities-collections.remove": Method(remove, write=True),
    "entities-collections.items.bulk.add": Method(add_items, write=True),
    "entities-collections.items.bulk.remove": Method(remove_items, write=True),
}
