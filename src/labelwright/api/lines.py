"""One thing to be labeled, as a request body and as a line of a bulk import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec

from labelwright.errors import Problem
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.items import Media
from labelwright.services.filing import NewMedia, NewTask

SCHEMES = frozenset({"http", "https", "s3"})
Url = Annotated[str, msgspec.Meta(max_length=4000)]
Text = Annotated[str, msgspec.Meta(max_length=500)]


class FrameLine(msgspec.Struct, forbid_unknown_fields=True):
    """A frame of a sequence: by `url`, or `upload` (the uid of a file uploaded before)."""

    url: Url = ""
    upload: UUID | None = None
    frame_id: Annotated[str, msgspec.Meta(max_length=300)] | None = None


class ReferenceLine(msgspec.Struct, forbid_unknown_fields=True):
    """A picture to look at beside the item; `frame`: only at this frame (index from 0)."""

    url: Url = ""
    upload: UUID | None = None
    label: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    frame: Annotated[int, msgspec.Meta(ge=0)] | None = None


class TaskLine(msgspec.Struct, forbid_unknown_fields=True):
    """One thing to be labeled: a picture or video file by `url` or `upload`, or a sequence of `frames`.

    `document` (or just its `objects`) are labels to start from. `batch`: a batch's uid, or its name, made when new.
    `meta`: your own data, returned as it came. `reference_id`: unique in the project; sent again it is refused."""

    name: Text = ""
    url: Url = ""
    upload: UUID | None = None
    frames: Annotated[list[FrameLine], msgspec.Meta(max_length=20_000)] = []
    references: Annotated[list[ReferenceLine], msgspec.Meta(max_length=20_000)] = []
    reference_id: Text | None = None
    batch: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    tags: Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]], msgspec.Meta(max_length=100)] = []
    meta: Any = None
    document: Document | None = None
    objects: list[LabelObject] | None = None


def uploads(line: TaskLine) -> list[UUID]:
    """Files uploaded before that the line names."""
    named = (line.upload, *(f.upload for f in line.frames), *(r.upload for r in line.references))
    return [uid for uid in named if uid is not None]


def new_task(line: TaskLine, kind: str, media: Mapping[UUID, Media]) -> tuple[NewTask, list[Problem]]:
    """What is to be filed, and what is wrong with the line's addresses. `media`: the uploads it names."""
    problems: list[Problem] = []
    files: list[NewMedia] = []
    if line.url or line.upload is not None:
        files.append(_file(line, "main", 0, "", media, problems))
        if line.frames:
            problems.append(Problem("Give either a url or frames, not both.", "frames"))
    for index, frame in enumerate(line.frames):
        file = _file(frame, "frame", index, f"frames[{index}].", media, problems)
        file.frame_id = frame.frame_id
        files.append(file)
    for index, reference in enumerate(line.references):
        file = _file(reference, "reference", index, f"references[{index}].", media, problems)
        file.label, file.extra = reference.label, None if reference.frame is None else {"frame": reference.frame}
        files.append(file)
    if line.document is not None and line.objects is not None:
        problems.append(Problem("Give either a document or its objects, not both.", "objects"))
    document = line.document
    if document is None and line.objects is not None:
        document = Document(objects=line.objects)
    new = NewTask(
        name=line.name or _name(line),
        kind=kind,
        reference_id=line.reference_id,
        media=files,
        document=document,
        priority=line.priority,
        frames=max(1, len(line.frames)),
        meta=line.meta,
        tags=line.tags or None,
    )
    if "\0" in new.name or "\0" in (line.reference_id or ""):
        problems.append(Problem("A text may not hold a NUL character.", "name"))
    return new, problems


def _file(
    line: TaskLine | FrameLine | ReferenceLine, role: str, position: int, at: str, media: Mapping[UUID, Media],
    problems: list[Problem],
) -> NewMedia:  # fmt: skip
    if line.upload is not None:
        found = media.get(line.upload)
        if found is None:
            problems.append(Problem("There is no such upload in your team.", f"{at}upload"))
        return NewMedia(role=role, position=position, media=found)
    if not _is_address(line.url):
        problems.append(Problem("Write a full address: http://, https:// or s3://.", f"{at}url"))
    return NewMedia(url=line.url, role=role, position=position)


def _is_address(url: str) -> bool:
    # The cheap and usual case first: a bulk import looks at millions.
    if url.startswith(("https://", "http://", "s3://")) and url.isprintable() and "[" not in url:
        return len(url.partition("://")[2]) > 2
    try:
        parts = urlsplit(url) if url.isprintable() else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in SCHEMES and bool(parts.hostname)


def _name(line: TaskLine) -> str:
    if line.reference_id:
        return line.reference_id
    address = line.url or (line.frames[0].url if line.frames else "")
    path = address.partition("://")[2].partition("?")[0].partition("#")[0]
    return unquote(path.rsplit("/", 1)[-1]).replace("\0", "")[:500] or "item"
