"""Tags on videos and on their objects, also for ranges of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.vendors.supervisely import ids, labels, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.tracks import Raw, Sheet, Track, split_tag, tag_id
from labelwright.vendors.supervisely.videosheets import save, sheets, signed_of, tag_json, track_of
from labelwright.vendors.supervisely.wire import Refused

MOST = 5000


def add_video_tags(ask: Ask) -> list[dict[str, Any]]:
    """Tags on a video; their ids in the order they were sent."""
    item = ask.item("videoId", "manage")
    page, base = next(sheets(ask, [item]))
    made = [
        page.read_tag(wire.object_of(v, f"tags[{n}]"), f"tags[{n}]", None)
        for n, v in enumerate(ask.list("tags", most=MOST))
    ]
    page.tags = [*page.tags, *made]
    page.touched(None)
    save(ask, page, base)
    return [{"id": tag_id(item.id, raw["n"])} for raw in made]


def add_video_tag(ask: Ask) -> dict[str, Any]:
    """One tag on a video."""
    item = ask.item("videoId", "manage")
    page, base = next(sheets(ask, [item]))
    raw = page.read_tag(ask.body, "tag", None)
    page.tags = [*page.tags, raw]
    page.touched(None)
    save(ask, page, base)
    ask.session.flush()
    return tag_json(page, raw, signed_of(ask, item))


def add_to_items(
    ask: Ask, found: Sequence[Item], sent: Sequence[dict[str, Any]], places: dict[int, list[int]]
) -> list[dict[str, Any]]:
    """Tags on videos: `places` says which of them are for which video; their ids in the order they were sent."""
    given: dict[int, int] = {}
    for page, base in sheets(ask, found):
        for place in places[page.item.id]:
            raw = page.read_tag(sent[place], f"tags[{place}]", None)
            page.tags = [*page.tags, raw]
            given[place] = tag_id(page.item.id, raw["n"])
        page.touched(None)
        save(ask, page, base)
    return [{**entry, "id": given[place]} for place, entry in enumerate(sent)]


def add_object_tags(ask: Ask) -> list[dict[str, Any]]:
    """Tags on objects of a project; their ids in the order they were sent."""
    sent = [wire.object_of(v, f"tags[{n}]") for n, v in enumerate(ask.list("tags", most=MOST))]
    project = ask.project(right="manage") if ask.has("projectId") else None
    return [{"id": number} for number in _tag_objects(ask, sent, project)]


def add_object_tag(ask: Ask) -> dict[str, Any]:
    """One tag on an object."""
    return {"id": _tag_objects(ask, [wire.object_of(ask.body, "tag")], None)[0]}


def _tag_objects(ask: Ask, sent: Sequence[dict[str, Any]], project: Project | None) -> list[int]:
    places = [ids.split(wire.whole(entry.get("objectId"), f"tags[{n}].objectId")) for n, entry in enumerate(sent)]
    given: list[int] = [0] * len(sent)
    found = ask.items(list(dict.fromkeys(item_id for item_id, _ in places)), "manage")
    wrong = next((item for item in found if project is not None and item.project_id != project.id), None)
    if wrong is not None and project is not None:
        raise Refused(400, f"The video {wrong.id} is not in the project {project.id}.")
    for page, base in sheets(ask, found):
        for place, ((item_id, number), entry) in enumerate(zip(places, sent, strict=True)):
            if item_id == page.item.id:
                track = track_of(page, number, entry["objectId"])
                raw = page.read_tag(entry, f"tags[{place}]", track.class_name)
                track.tags = [*track.tags, raw]
                page.touched(track)
                given[place] = tag_id(item_id, raw["n"])
        save(ask, page, base)
    return given


def _change_tag(ask: Ask, change: Callable[[Sheet, list[Raw], Raw, Track | None], list[Raw]]) -> dict[str, Any]:
    item_id, number = split_tag(ask.whole("id"))
    item = ask.items([item_id], "manage")[0]
    page, base = next(sheets(ask, [item]))
    found = page.find(number)
    if found is None:
        raise Refused(404, f"There is no tag {ask.whole('id')}.", "Not found")
    tags, raw, track = found
    after = change(page, tags, raw, track)
    if track is None:
        page.tags = after
    else:
        track.tags = after
    page.touched(track)
    save(ask, page, base)
    return {"success": True}


def rewrite(ask: Ask, change: Callable[[Raw], Raw]) -> dict[str, Any]:
    """Change what is kept of one tag."""
    return _change_tag(ask, lambda _page, tags, raw, _track: [change(tag) if tag is raw else tag for tag in tags])


def remove_tag(ask: Ask) -> dict[str, Any]:
    """Take a tag off a video or an object."""
    return _change_tag(ask, lambda _page, tags, raw, _track: [tag for tag in tags if tag is not raw])


def move_tag(ask: Ask) -> dict[str, Any]:
    """Give a tag another range of frames."""

    def change(page: Sheet, tags: list[Raw], raw: Raw, _track: Track | None) -> list[Raw]:
        ends = page.read_range(ask.list("frameRange"), "frameRange")
        return [{**tag, "range": ends} if tag is raw else tag for tag in tags]

    return _change_tag(ask, change)


def set_tag(ask: Ask) -> dict[str, Any]:
    """Give a tag another value."""

    def change(page: Sheet, tags: list[Raw], raw: Raw, _track: Track | None) -> list[Raw]:
        value = labels.value_in(page.knows.tag_of(raw["name"], "tag"), ask.value("value", None), "value")
        return [{**tag, "value": None if value is True else value} if tag is raw else tag for tag in tags]

    return _change_tag(ask, change)


METHODS: Methods = {
    "videos.tags.bulk.add": Method(add_video_tags, write=True),
    "videos.tags.add": Method(add_video_tag, write=True),
    "videos.tags.remove": Method(remove_tag, write=True),
    "videos.tags.update": Method(move_tag, write=True),
    "videos.tags.update-value": Method(set_tag, write=True),
    "annotation-objects.tags.bulk.add": Method(add_object_tags, write=True),
    "annotation-objects.tags.add": Method(add_object_tag, write=True),
    "annotation-objects.tags.remove": Method(remove_tag, write=True),
    "annotation-objects.tags.update": Method(move_tag, write=True),
    "annotation-objects.tags.update-value": Method(set_tag, write=True),
}
