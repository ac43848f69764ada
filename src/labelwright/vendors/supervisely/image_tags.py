"""Tags of images as a whole: our item attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from labelwright.models.items import Item
from labelwright.models.projects import Attribute, Project
from labelwright.services import first_labels
from labelwright.services.first_labels import Labels
from labelwright.vendors.supervisely import ids, labels, videotags, wire
from labelwright.vendors.supervisely.annotations import heads, keep, kept_of, signatures
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.known import Known, Tag, known
from labelwright.vendors.supervisely.tracks import TAG
from labelwright.vendors.supervisely.wire import Refused

MOST = 20_000
# An attribute's value and further values of the same tag.
Values = tuple[dict[str, Any], dict[str, list[Any]]]


def of_items(ask: Ask, found: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
    """Tags of items (or of rows of them with id, project_id and source) by their ids. Labels are read only for projects that have tags for whole items."""
    tags: dict[int, list[dict[str, Any]]] = {}
    groups: dict[int, list[Any]] = {}
    for item in found:
        groups.setdefault(item.project_id, []).append(item)
    for project_id, rows in groups.items():
        query = select(Attribute.id).where(Attribute.project_id == project_id, Attribute.scope == "item").limit(1)
        if ask.session.scalar(query) is None:
            continue
        knows = known(ask.session, ask.session.get_one(Project, project_id))
        stored = heads(ask, rows)
        signed = signatures(ask, stored)
        for item in rows:
            if item.id in stored:
                attributes, more = stored[item.id].document.attributes, kept_of(item).get("tags", {})
                tags[item.id] = labels.write_tags(
                    knows, attributes, more, signed[item.id], item.id, kept_of(item).get(labels.DATA)
                )
    return tags


def _change(ask: Ask, found: Sequence[Item], changed: Any) -> None:
    """Change the tags of items: `changed(knows, values)` answers the new values."""
    groups: dict[int, list[Item]] = {}
    for item in found:
        groups.setdefault(item.project_id, []).append(item)
    for project_id, rows in groups.items():
        project = ask.session.get_one(Project, project_id)
        knows, stored = known(ask.session, project), heads(ask, rows, lock=True)
        entries = []
        for item in rows:
            head = stored.get(item.id)
            before = dict(head.document.attributes) if head is not None else {}
            attributes, more = changed(knows, item, (before, dict(kept_of(item).get("tags", {}))))
            keep(item, tags=more or None)
            entries.append(Labels(item, [], [], attributes, head))
        first_labels.save_many(ask.session, ask.actor, project, entries)


def with_value(tag: Tag, value: Any, values: Values) -> Values:
    """One tag more; a further value of the same tag is kept beside. Raises `Refused`."""
    attributes, more = values
    row = tag.of("item")
    if row is None:
        raise Refused(400, f"The tag {tag.name!r} is not for images.")
    read = labels.value_in(tag, value, "value")
    present = attributes.get(tag.name)
    if row.kind == "many_of":
        return {**attributes, tag.name: list(dict.fromkeys([*(present or []), read]))}, more
    if present is None:
        return {**attributes, tag.name: read}, more
    kept = more.get(tag.name)
    return attributes, {**more, tag.name: [*(kept if kept and kept[0] == present else [present]), read]}


def without(name: str, values: Values) -> Values:
    """All values of a tag less."""
    attributes, more = values
    return {k: v for k, v in attributes.items() if k != name}, {k: v for k, v in more.items() if k != name}


def there(knows: Known, ref: int, attributes: Mapping[str, Any]) -> Tag:
    """The tag that an id names on an image with these values. Raises `Refused`."""
    item_id, number = ids.split(ref)
    tag = knows.tags.get(number // ids.PER_TAG) if number < ids.ON_OBJECT else None
    if tag is None or tag.name not in attributes:
        raise Refused(404, f"There is no tag {ref} on the image {item_id}.", "Not found")
    return tag


def add(ask: Ask) -> dict[str, Any]:
    """A tag on images."""
    number, value = ask.whole("tagId"), ask.value("value", None)
    found = ask.items(list(dict.fromkeys(ask.wholes("ids", most=MOST))), "manage")

    def changed(knows: Known, _item: Item, values: Values) -> Values:
        return with_value(knows.tag_of(number, "tagId"), value, values)

    _change(ask, found, changed)
    return {"success": True}


def remove_one(ask: Ask) -> dict[str, Any]:
    """Take a tag off an image: the one of that id, or all of that tag."""
    number = ask.whole("tagId")

    def changed(knows: Known, item: Item, values: Values) -> Values:
        name = knows.tag_of(number, "tagId").name
        if name not in values[0]:
            raise Refused(404, f"The image {item.id} has no tag {name!r}.", "Not found")
        return without(name, values)

    _change(ask, [ask.item("imageId", "manage")], changed)
    return {"success": True}


def remove_many(ask: Ask) -> dict[str, Any]:
    """Take tags off images, where they are."""
    numbers = ask.wholes("tagIds")
    found = ask.items(list(dict.fromkeys(ask.wholes("ids", most=MOST))), "manage")

    def changed(knows: Known, _item: Item, values: Values) -> Values:
        for number in numbers:
            values = without(knows.tag_of(number, "tagIds").name, values)
        return values

    _change(ask, found, changed)
    return {"success": True}


def set_value(ask: Ask) -> dict[str, Any]:
    """Change the value of a tag on an image, by the id of the tag there."""
    ref, value = ask.whole("id"), ask.value("value", None)

    def changed(knows: Known, _item: Item, values: Values) -> Values:
        tag = there(knows, ref, values[0])
        return with_value(tag, value, without(tag.name, values))

    _change(ask, ask.items([ids.split(ref)[0]], "manage"), changed)
    return {"success": True}


def add_to_entities(ask: Ask) -> list[dict[str, Any]]:
    """Tags on images or videos of one project, each its own; their ids in the order they were sent."""
    project = ask.project(right="manage")
    sent = [wire.object_of(v, f"tags[{n}]") for n, v in enumerate(ask.list("tags", most=MOST))]
    refs = [wire.whole(entry.get("entityId"), f"tags[{n}].entityId") for n, entry in enumerate(sent)]
    found = ask.items(list(dict.fromkeys(refs)), "manage")
    wrong = next((item for item in found if item.project_id != project.id), None)
    if wrong is not None:
        raise Refused(400, f"{wrong.id} is not in the project {project.id}.")
    places: dict[int, list[int]] = {}
    for place, ref in enumerate(refs):
        places.setdefault(ref, []).append(place)
    if project.kind == "video":
        return videotags.add_to_items(ask, found, sent, places)
    given: dict[int, int] = {}

    def changed(knows: Known, item: Item, values: Values) -> Values:
        for place in places[item.id]:
            tag = knows.tag_of(wire.whole(sent[place].get("tagId"), f"tags[{place}].tagId"), f"tags[{place}]")
            values = with_value(tag, sent[place].get("value"), values)
            value, kept = values[0][tag.name], values[1].get(tag.name)
            count = len(kept) if kept else len(value) if isinstance(value, list) else 1
            given[place] = ids.of_tag(item.id, tag.id, count - 1)
        return values

    _change(ask, found, changed)
    return [{**entry, "id": given[place]} for place, entry in enumerate(sent)]


def remove_by_id(ask: Ask) -> dict[str, Any]:
    """Take a tag off an image or a video, by the id of the tag there."""
    ref = ask.whole("id")
    if ref >= TAG:
        return videotags.remove_tag(ask)

    def changed(knows: Known, _item: Item, values: Values) -> Values:
        return without(there(knows, ref, values[0]).name, values)

    _change(ask, ask.items([ids.split(ref)[0]], "manage"), changed)
    return {"success": True}


def set_by_id(ask: Ask) -> dict[str, Any]:
    """Change the value of a tag on an image or a video, by the id of the tag there."""
    return videotags.set_tag(ask) if ask.whole("id") >= TAG else set_value(ask)


METHODS: Methods = {
    "tags.entities.bulk.add": Method(add_to_entities, write=True),
    "tags.entities.remove": Method(remove_by_id, write=True),
    "tags.entities.update-value": Method(set_by_id, write=True),
    "image-tags.bulk.add-to-image": Method(add, write=True),
    "image-tags.remove-from-image": Method(remove_one, write=True),
    "image-tags.bulk.remove-from-images": Method(remove_many, write=True),
    "image-tags.update-tag-value": Method(set_value, write=True),
}
