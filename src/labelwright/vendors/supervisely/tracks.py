"""A video's labels as they know them, objects with figures frame by frame and tags over ranges of frames, and as ours: tracks
with keyframes and attribute values.

Tags are kept as they were sent beside the values they come to. While those values are still what the document holds, the
tags come back as sent; once somebody has changed the values in the editor, tags are made of the values."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from labelwright.geometry import tracks
from labelwright.geometry.document import Document, LabelObject, Shape
from labelwright.models.items import Item
from labelwright.vendors.supervisely import wire
from labelwright.vendors.supervisely.annotations import kept_of
from labelwright.vendors.supervisely.known import Known, Tag
from labelwright.vendors.supervisely.labels import MINE, extra_of, is_set, value_in, value_out
from labelwright.vendors.supervisely.wire import Refused

Values = dict[str, Any]
Raw = dict[str, Any]  # {"n", "name", "value", "range": [first, last] | None, "more": {...}}
# Wire ids: of tags, and of figures. An image's ids have neither of the two marks.
TAG, FIGURE = 1 << 61, 1 << 62
OBJECT_BITS, FRAME_BITS, NUMBER_BITS = 15, 21, 34
DERIVED = 1 << 33
MORE = ("isFinished", "nonFinalValue")


def tag_id(item_id: int, number: int) -> int:
    """The wire id of a tag on a video or on one of its objects."""
    return TAG | item_id << NUMBER_BITS | number


def split_tag(ref: int) -> tuple[int, int]:
    """The item's id and the tag's number in it. Raises `Refused` for what is no such id."""
    if not TAG <= ref < FIGURE:
        raise Refused(404, f"There is no tag {ref}.", "Not found")
    return (ref - TAG) >> NUMBER_BITS, ref & ((1 << NUMBER_BITS) - 1)


def figure_id(item_id: int, number: int, frame: int) -> int:
    """The wire id of an object's figure in a frame."""
    return FIGURE | item_id << (OBJECT_BITS + FRAME_BITS) | number << FRAME_BITS | frame


def split_figure(ref: int) -> tuple[int, int, int]:
    """(item id, object number, frame) of a figure's id. Raises `Refused` for what is no such id."""
    if not FIGURE <= ref < 2 * FIGURE:
        raise Refused(404, f"There is no figure {ref}.", "Not found")
    rest = ref - FIGURE
    return (
        rest >> (OBJECT_BITS + FRAME_BITS),
        rest >> FRAME_BITS & ((1 << OBJECT_BITS) - 1),
        rest & ((1 << FRAME_BITS) - 1),
    )


@dataclass
class Track:
    """An object: its shape per frame, what else was said of figures, and its tags. `thing`: as it stands in the document."""

    number: int
    class_name: str
    thing: LabelObject
    shapes: dict[int, Shape] = field(default_factory=dict)
    figures: dict[int, dict[str, Any]] = field(default_factory=dict)
    tags: list[Raw] = field(default_factory=list)
    changed: bool = False


class Sheet:
    """All labels of one video, to be read and changed."""

    def __init__(self, knows: Known, item: Item, document: Document) -> None:
        self.knows, self.item, self.document = knows, item, document
        self.tracks = {o.id: self._track(o) for o in document.objects}
        kept = kept_of(item)
        raw = kept.get("videoTags") or []
        self.next = int(kept.get("tagCounter") or 1)
        self.tags: list[Raw] = raw if self._projected(raw) == self._present() else self._derived()
        self.tags_changed = False

    # --- reading ---

    def _track(self, thing: LabelObject) -> Track:
        kept = extra_of(thing)
        states = dict(tracks.per_frame(thing, self.item.frames))
        figures = {int(frame): said for frame, said in kept.get("figures", {}).items() if int(frame) in states}
        raw = kept.get("tags") if isinstance(kept.get("tags"), list) else []
        track = Track(thing.id, thing.class_name, thing, {f: s.shape for f, s in states.items()}, figures, raw or [])
        present = {f: _set(s.attributes) for f, s in states.items()}
        if present != {f: self._values_at(track.tags, f) for f in states} or _set(thing.attributes) != _whole(
            track.tags
        ):
            track.tags = self._derived_of(thing, present)
        return track

    def _values_at(self, raw: Sequence[Raw], frame: int) -> Values:
        return _whole(raw) | _ranged(raw, frame)

    def _derived_of(self, thing: LabelObject, present: Mapping[int, Values]) -> list[Raw]:
        whole = _set(thing.attributes)
        found = [self._made(thing.id, name, value, None) for name, value in whole.items()]
        names = sorted({name for values in present.values() for name in values})
        for name in names:
            apart = {
                f: values[name] for f, values in present.items() if name in values and values[name] != whole.get(name)
            }
            found += [self._made(thing.id, name, value, ends) for ends, value in _runs(apart)]
        return [raw for raw in found if raw is not None]

    def _made(self, number: int, name: str, value: Any, ends: list[int] | None) -> Raw | None:
        tag = self.knows.tag_by_name.get(name)
        fits, shown = value_out(tag, value) if tag is not None else (False, None)
        mark = zlib.crc32(f"{number}/{name}/{ends[0] if ends else ''}".encode())
        return {"n": DERIVED | mark, "name": name, "value": shown, "range": ends} if fits else None

    def _present(self) -> tuple[Values, dict[str, Values]]:
        frames = {frame: _set(values) for frame, values in self.document.frames.items()}
        return _set(self.document.attributes), {frame: values for frame, values in frames.items() if values}

    def _projected(self, raw: Sequence[Raw]) -> tuple[Values, dict[str, Values]]:
        frames: dict[str, Values] = {}
        for tag in raw:
            for frame in range(tag["range"][0], tag["range"][1] + 1) if tag["range"] else ():
                frames.setdefault(str(frame), {}).setdefault(tag["name"], _stored(tag["value"]))
        return _whole(raw), frames

    def _derived(self) -> list[Raw]:
        whole, frames = self._present()
        found = [self._made(0, name, value, None) for name, value in whole.items()]
        for name in sorted({name for values in frames.values() for name in values}):
            there = {int(f): values[name] for f, values in frames.items() if name in values}
            found += [self._made(0, name, value, ends) for ends, value in _runs(there)]
        return [raw for raw in found if raw is not None]

    def owner(self, track: Track) -> int:
        """The object that a track's figures are told to be of: an object of ours has one shape a frame, so that further ones
        of the same object are objects of ours beside it. While that one is there they are its; then they stand alone."""
        first = extra_of(track.thing).get("of")
        return first if isinstance(first, int) and first in self.tracks else track.number

    def beside(self, number: int) -> list[Track]:
        """The tracks that hold further figures of an object."""
        return [track for track in self.tracks.values() if track.number != number and self.owner(track) == number]

    # --- changing ---

    def room(self, track: Track, frame: int) -> Track:
        """Where a further figure of an object goes in a frame: its own track, one beside it, or a new one."""
        for found in (track, *self.beside(track.number)):
            if frame not in found.shapes:
                return found
        made = self.new_track(track.class_name)
        made.thing = msgspec.structs.replace(made.thing, extra={MINE: {"of": track.number}})
        return made

    def new_track(self, class_name: str) -> Track:
        """An object without figures yet."""
        number = max(self.tracks, default=0) + 1
        if number >= 1 << OBJECT_BITS:
            raise Refused(400, f"A video holds at most {(1 << OBJECT_BITS) - 1} objects here.")
        thing = LabelObject(number, class_name, keyframes=[], source="import")
        self.tracks[number] = track = Track(number, class_name, thing, changed=True)
        return track

    def read_tag(self, sent: dict[str, Any], at: str, class_name: str | None) -> Raw:
        """A tag as it is kept. `class_name` None: a tag of the video. Raises `Refused` for what the project does not have."""
        tag = self.knows.tag_of(sent.get("tagId") if sent.get("tagId") is not None else sent.get("name"), at)
        ends = self.read_range(sent.get("frameRange"), f"{at}.frameRange")
        self._scope(tag, class_name, ends, at)
        value = value_in(tag, sent.get("value"), f"{at}.value")
        number, self.next = self.next, self.next + 1
        raw = {
            "n": number,
            "name": tag.name,
            "value": None if value is True and tag.value_type == "none" else value,
            "range": ends,
        }
        more = {key: sent[key] for key in MORE if isinstance(sent.get(key), bool)}
        if sent.get("customData"):
            more["customData"] = wire.object_of(sent["customData"], f"{at}.customData")
        return raw | ({"more": more} if more else {})

    def _scope(self, tag: Tag, class_name: str | None, ends: list[int] | None, at: str) -> None:
        scope = "object" if class_name is not None else "frame" if ends else "item"
        if tag.of(scope, class_name) is None:
            what = {
                "object": f"objects of the class {class_name!r}",
                "frame": "ranges of frames",
                "item": "whole videos",
            }[scope]
            raise Refused(400, f"{at}: the tag {tag.name!r} is not for {what}.")

    def read_range(self, value: Any, at: str) -> list[int] | None:
        """A range of frames, both ends included; None for the whole. Raises `Refused`."""
        if value is None:
            return None
        ends = wire.list_of(value, at)
        if not ends:
            return None
        if len(ends) != 2:
            raise Refused(400, f"{at} has two frames, the first and the last.")
        first, last = (wire.whole(v, at) for v in ends)
        if not 0 <= first <= last < max(self.item.frames, 1):
            raise Refused(
                400, f"{at}: the video has {self.item.frames} frames, numbered from 0; {first} to {last} is not in it."
            )
        return [first, last]

    def find(self, number: int) -> tuple[list[Raw], Raw, Track | None] | None:
        """The list that a tag is in, the tag, and its object."""
        for tags, track in [(self.tags, None), *((t.tags, t) for t in self.tracks.values())]:
            for raw in tags:
                if raw["n"] == number:
                    return tags, raw, track
        return None

    def touched(self, track: Track | None) -> None:
        """Note that an object's tags (None: the video's) were changed."""
        if track is None:
            self.tags_changed = True
        else:
            track.changed = True

    def objects(self) -> list[LabelObject]:
        """The changed objects as they go into the document."""
        return [self._object(track) for track in self.tracks.values() if track.changed]

    def _object(self, track: Track) -> LabelObject:
        states = {f: (shape, self._values_at(track.tags, f)) for f, shape in track.shapes.items()}
        whole = _whole(track.tags)
        keyframes = [
            msgspec.structs.replace(k, attributes=_apart(k.attributes, whole, first=n == 0))
            for n, k in enumerate(tracks.from_frames(states, self.item.frames))
        ]
        kept: dict[str, Any] = {k: v for k, v in extra_of(track.thing).items() if k not in ("tags", "figures")}
        if track.figures:
            kept["figures"] = {str(frame): said for frame, said in sorted(track.figures.items()) if said}
        if track.tags:
            kept["tags"] = track.tags
        extra = {**(track.thing.extra or {}), MINE: kept} if kept else None
        return msgspec.structs.replace(track.thing, shape=None, keyframes=keyframes, attributes=whole, extra=extra)

    def values(self) -> tuple[Values, dict[str, Values]]:
        """The document's attributes and frames that the video's tags come to."""
        return self._projected(self.tags)


def _apart(values: Values, whole: Values, *, first: bool) -> Values:
    """A keyframe's changes without what the object says itself at its beginning."""
    return {name: value for name, value in values.items() if not (first and whole.get(name) == value)}


def _stored(value: Any) -> Any:
    return True if value is None else value


def _set(values: Values) -> Values:
    return {name: value for name, value in values.items() if is_set(value)}


def _whole(raw: Sequence[Raw]) -> Values:
    found: Values = {}
    for tag in raw:
        if tag["range"] is None:
            found.setdefault(tag["name"], _stored(tag["value"]))
    return found


def _ranged(raw: Sequence[Raw], frame: int) -> Values:
    found: Values = {}
    for tag in raw:
        if tag["range"] is not None and tag["range"][0] <= frame <= tag["range"][1]:
            found.setdefault(tag["name"], _stored(tag["value"]))
    return found


def _runs(values: Mapping[int, Any]) -> Iterator[tuple[list[int], Any]]:
    """Runs of frames with the same value: ([first, last], value)."""
    first = last = -2
    value: Any = None
    for frame in sorted(values):
        if frame == last + 1 and values[frame] == value:
            last = frame
            continue
        if first >= 0:
            yield [first, last], value
        first = last = frame
        value = values[frame]
    if first >= 0:
        yield [first, last], value
