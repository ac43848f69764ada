"""Clients' own data on figures and on tags: of images, videos, their objects."""

from __future__ import annotations

from typing import Any

from labelwright.geometry.document import LabelObject
from labelwright.vendors.supervisely import figures, ids, image_tags, labels, videolabels, videotags
from labelwright.vendors.supervisely.annotations import heads, keep, kept_of
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.ids import ON_OBJECT, PER_TAG
from labelwright.vendors.supervisely.known import Known, Tag, known
from labelwright.vendors.supervisely.labels import DATA
from labelwright.vendors.supervisely.tracks import FIGURE, TAG
from labelwright.vendors.supervisely.wire import Refused

Data = dict[str, Any]
STRATEGIES = ("merge", "replace")


def _next(ask: Ask, present: Data | None) -> Data:
    """What is kept from now on: the sent object in the place of the present one, or merged into it."""
    sent, strategy = ask.object("customData"), ask.text("updateStrategy", "merge")
    if strategy not in STRATEGIES:
        raise Refused(400, f"updateStrategy is one of {', '.join(STRATEGIES)}.")
    return sent if strategy == "replace" else merged(present or {}, sent)


def merged(present: Data, sent: Data) -> Data:
    """Two objects as one: where both have an object it is merged in turn, else what was sent holds."""
    found = dict(present)
    for key, value in sent.items():
        there = found.get(key)
        found[key] = merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return found


def of_figure(ask: Ask) -> Data:
    """Change a figure's data."""
    ref = ask.whole("id")
    if ref >= FIGURE:
        kept = videolabels.remember(ask, ref, lambda said: {**said, "customData": _next(ask, said.get("customData"))})
        return {"id": ref, "customData": kept["customData"]}
    found: list[Data] = []

    def changed(thing: LabelObject, _knows: Known) -> LabelObject:
        found.append(_next(ask, labels.extra_of(thing).get("customData")))
        return figures.remembering(thing, customData=found[0] or None)

    figures.change(ask, {ref: changed})
    return {"id": ref, "customData": found[0]}


def _with(ask: Ask, kept: Any, tag: Tag, number: int) -> tuple[Data, dict[str, list[Data]]]:
    """The new data of a tag's `number`th value, and what is kept of all values."""
    present = list((kept or {}).get(tag.name, []))
    present += [{} for _ in range(number + 1 - len(present))]
    present[number] = _next(ask, present[number])
    return present[number], {**(kept or {}), tag.name: present}


def of_item_tag(ask: Ask) -> Data:
    """Change the data of a tag on an image or a video."""
    ref = ask.whole("id")
    if ref >= TAG:
        return of_video_tag(ask)
    item_id, mark = ids.split(ref)
    item = ask.items([item_id], "manage")[0]
    stored = heads(ask, [item], lock=True).get(item_id)
    there = stored.document.attributes if stored is not None else {}
    tag = image_tags.there(known(ask.session, ask.project_of(item)), ref, there)
    data, kept = _with(ask, kept_of(item).get(DATA), tag, mark % PER_TAG)
    keep(item, **{DATA: kept})
    ask.session.flush()
    return {"id": ref, "customData": data}


def of_object_tag(ask: Ask) -> Data:
    """Change the data of a tag on a figure of an image."""
    ref = ask.whole("id")
    item_id, mark = ids.split(ref)
    item = ask.items([item_id], "manage")[0]
    knows, stored = known(ask.session, ask.project_of(item)), heads(ask, [item]).get(item_id)
    places = [
        (thing, knows.tag_by_name[name], number)
        for thing in figures.objects_of(stored) for name in thing.attributes if name in knows.tag_by_name
        for number in range(figures.values_of(thing, knows.tag_by_name[name]))
        if mark >= ON_OBJECT and ids.of_tag(item_id, knows.tag_by_name[name].id, number, thing.id) == ref
    ]  # fmt: skip
    if len(places) != 1:
        raise Refused(404, f"There is no tag {ref} on a figure.", "Not found")
    owner, tag, number = places[0]
    found: list[Data] = []

    def changed(thing: LabelObject, _knows: Known) -> LabelObject:
        data, kept = _with(ask, labels.extra_of(thing).get(DATA), tag, number)
        found.append(data)
        return figures.remembering(thing, **{DATA: kept})

    figures.change(ask, {ids.join(item_id, owner.id): changed})
    return {"id": ref, "customData": found[0]}


def of_video_tag(ask: Ask) -> Data:
    """Change the data of a tag on a video or on one of its objects."""
    found: list[Data] = []

    def changed(raw: Any) -> Any:
        more = raw.get("more", {})
        found.append(_next(ask, more.get("customData")))
        return {**raw, "more": {**more, "customData": found[0]}}

    videotags.rewrite(ask, changed)
    return {"id": ask.whole("id"), "customData": found[0]}


METHODS: Methods = {
    "figures.custom-data.update": Method(of_figure, write=True),
    "image-tags.custom-data.update": Method(of_item_tag, write=True),
    "object-tags.custom-data.update": Method(of_object_tag, write=True),
    "annotation-objects.tags.custom-data.update": Method(of_video_tag, write=True),
}
