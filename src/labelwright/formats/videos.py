"""Videos for formats of pictures: each frame as a picture of its own, its objects in the shapes they have there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelwright.formats.sample import Sample
from labelwright.geometry import tracks
from labelwright.geometry.document import Document, LabelObject


def frame_by_frame(sample: Sample) -> Iterator[Sample]:
    """The frames of a video as pictures in a folder of its name; a picture as it is."""
    if not sample.frames:
        yield sample
    for number, frame in enumerate(sample.frames):
        yield Sample(
            f"{sample.name}/{frame.name}", frame.width or sample.width, frame.height or sample.height,
            in_frame(sample.document, number), f"{sample.uid}/{number}" if sample.uid else "", sample.split, frame.picture,
        )  # fmt: skip


def in_frame(document: Document, frame: int) -> Document:
    """The labels of one frame as a picture's: each object in its interpolated shape, its number as the group."""
    objects = []
    for item in document.objects:
        state = tracks.state_at(item, frame)
        if state is not None:
            values: dict[str, Any] = {"attributes": state.attributes, "source": item.source, "score": item.score}
            objects.append(LabelObject(item.id, item.class_name, state.shape, group=item.id, **values))
    return Document(objects, {**document.attributes, **document.frames.get(str(frame), {})})
