"""Attachments: the result a job ended with, its masks, its build, its pictures; each a file at an address of its own.

A result is what the labels were when the job reached its end. Its file is made when it is first asked for (or called back)
from exactly that version of the document, and kept: later changes of the labels never change it.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.geometry.document import Document, LabelObject, Mask
from labelwright.models.documents import MAIN, DocumentHead, Revision
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.work import Task
from labelwright.services import documents
from labelwright.storage import Links, Store, content_key
from labelwright.vendors.playment import raster, result
from labelwright.vendors.playment.errors import ATTACHMENT_INVALID, PlaymentError
from labelwright.vendors.playment.labels import VENDOR

Json = dict[str, Any]
JSON, PNG = "application/json", "image/png"
NAME = re.compile(r"(?P<kind>result|mask|build|file)(-(?P<version>[0-9]{1,9}))?(-(?P<frame>[0-9]{1,9}))?\.?(json|png)?")
# Names the code that made a stored file; raise it when the form of files changes, and they are made anew.
EDITION = "1"


class Address(NamedTuple):
    """The parts of an attachment's address, as text."""

    project: str
    job: str
    name: str


def parse(address: str) -> Address:
    """The parts of an address we gave out, whatever host it was given out under. Raises FS_0007."""
    path = urlsplit(unquote(address)).path
    parts = path.rpartition("/attachments/")[2].split("/")
    if "/attachments/" not in path or len(parts) != 3 or not all(parts):
        raise PlaymentError(ATTACHMENT_INVALID, "url is not the address of an attachment of this server.")
    return Address(*parts)


def result_url(session: Session, task: Task, attachments: str) -> str:
    """The address of a completed job's result; empty while it is not completed."""
    version = final_version(session, task)
    return "" if version is None else f"{attachments}/{task.uid}/result-{version}.json"


def final_version(session: Session, task: Task) -> int | None:
    """The version of the labels with which the job reached its end (0: none were drawn); None before."""
    if task.stage != "end" or task.finished_at is None:
        return None
    latest = session.scalar(
        select(func.max(Revision.version)).where(
            Revision.item_id == task.item_id, Revision.layer == MAIN, Revision.created_at <= task.finished_at
        )
    )
    if latest is not None:
        return latest
    created = session.scalar(
        select(DocumentHead.created_at).where(DocumentHead.item_id == task.item_id, DocumentHead.layer == MAIN)
    )
    return 1 if created is not None and created <= task.finished_at else 0


def signed(session: Session, store: Store, links: Links, task: Task, item: Item, name: str, attachments: str) -> str:
    """Path and query under which anyone may fetch the attachment for a while. Raises FS_0007 when there is none of it."""
    match = NAME.fullmatch(name)
    if match is None:
        raise _missing(name)
    kind, version = match["kind"], match["version"]
    if kind == "file" and version:
        return _picture(session, links, item, int(version))
    made = _Made(session, store, task, item, f"{attachments}/{task.uid}")
    if kind == "build" and not version:
        return links.sign(made.build(), JSON)
    if version and int(version) <= _head(session, item):
        if kind == "mask":
            return links.sign(made.mask(int(version), int(match["frame"] or 0)), PNG)
        if kind == "result" and not match["frame"] and final_version(session, task) is not None:
            return links.sign(made.result(int(version)), JSON)
    raise _missing(name)


def body(session: Session, store: Store, task: Task, item: Item, attachments: str) -> Json | None:
    """The content of a completed job's result file; None before."""
    version = final_version(session, task)
    if version is None:
        return None
    made = _Made(session, store, task, item, f"{attachments}/{task.uid}")
    return msgspec.json.decode(store.get(made.result(version)))


def _head(session: Session, item: Item) -> int:
    query = select(DocumentHead.version).where(DocumentHead.item_id == item.id, DocumentHead.layer == MAIN)
    return session.scalar(query) or 0


def _missing(name: str) -> PlaymentError:
    return PlaymentError(ATTACHMENT_INVALID, f"The job has no attachment {name!r:.100}.")


def _picture(session: Session, links: Links, item: Item, number: int) -> str:
    media = session.scalar(
        select(Media).join(ItemMedia, ItemMedia.media_id == Media.id).where(
            ItemMedia.item_id == item.id, ItemMedia.role.in_(("main", "frame")), ItemMedia.position == number
        ).limit(1)
    )  # fmt: skip
    if media is None:
        raise _missing(f"file-{number}")
    return links.sign(content_key(media.sha256), media.mime)


class _Made:
    """The files made of one job, kept in the storage."""

    def __init__(self, session: Session, store: Store, task: Task, item: Item, at: str) -> None:
        self.session, self.store, self.task, self.item, self.at = session, store, task, item, at
        # The text of a result holds addresses of this server, so one under another name is another file.
        self.folder = f"playment/{task.uid}/{EDITION}.{uuid.uuid5(task.uid, at).hex[:8]}"

    def result(self, version: int) -> str:
        """The storage key of the result file, made on first use."""
        key = f"{self.folder}/result-{version}.json"
        if not self.store.exists(key):
            document = documents.read(self.session, self.item.id, version=version).document
            content = self._content(document, version)
            self.store.put(key, msgspec.json.encode(content), mime=JSON)
        return key

    def mask(self, version: int, frame: int) -> str:
        """The storage key of a mask's PNG."""
        key = f"{self.folder}/mask-{version}-{frame}.png"
        if not self.store.exists(key):
            document = documents.read(self.session, self.item.id, version=version).document
            painted = self._painted(document, frame)
            if painted is None:
                raise _missing(f"mask-{version}-{frame}.png")
            self.store.put(key, painted.png, mime=PNG)
        return key

    def build(self) -> str:
        """The storage key of the job build: `data` as filed, with the labels as they are now in `maker_response`."""
        stored = documents.read(self.session, self.item.id)
        key = f"{self.folder}/build-{stored.version}.json"
        data = self._data()
        if "maker_response" not in data:
            frame_ids = self._frame_ids() if self.item.kind == "video" else None
            mask = self._raster(stored.document, stored.version) or self._sent_raster() if frame_ids is None else None
            labels = result.maker_response(stored.document, self.item.uid, frame_ids, mask)
            if labels:
                data["maker_response"] = labels
        own = (self.task.extra or {}).get(VENDOR, {})
        content = {"reference_id": self.item.reference_id, **own, "priority_weight": self.task.priority, "data": data}
        self.store.put(key, msgspec.json.encode(content), mime=JSON)
        return key

    def _content(self, document: Document, version: int) -> Json:
        more = {} if self.item.meta is None else {"metadata": self.item.meta}
        data = self._data()
        more |= {k: v for k, v in data.items() if k in ("reference_data",)}
        if self.item.kind == "image":
            return result.image(
                document, self.item.uid, data["image_url"], self._raster(document, version), **more
            )  # fmt: skip
        source = {k: data[k] for k in ("video_data", "sensor_data") if k in data}
        frame_ids = self._frame_ids()
        return result.video(document, self.item.uid, frame_ids, source, self._masks(document, version), **more)

    def _data(self) -> Json:
        """`data` as it was filed, without labels."""
        rest: Json = dict((self.item.source or {}).get(VENDOR, {}))
        if self.item.meta is not None:
            rest["metadata"] = self.item.meta
        if self.item.kind == "image":
            return {"image_url": self._files()[0][1], **rest}
        if "video_data" not in rest and "sensor_data" not in rest:
            frames = [{"frame_id": frame_id, "src": url} for frame_id, url in self._files()]
            return {"video_data": {"frames": frames}, **rest}
        return rest

    def _files(self) -> list[tuple[str, str]]:
        """(frame id, address) of the pictures to be labeled; what was uploaded to us has an address here."""
        rows = self.session.execute(
            select(ItemMedia.frame_id, ItemMedia.url, ItemMedia.position)
            .where(ItemMedia.item_id == self.item.id, ItemMedia.role.in_(("main", "frame")))
            .order_by(ItemMedia.position, ItemMedia.id)
        )
        files = [(frame_id or str(n), url or f"{self.at}/file-{n}") for frame_id, url, n in rows]
        return files or [("0", "")]

    def _frame_ids(self) -> list[str]:
        frames = (self.item.source or {}).get(VENDOR, {}).get("sensor_data", {}).get("frames")
        ids = [f["frame_id"] for f in frames] if frames else [frame_id for frame_id, _ in self._files()]
        # A video file has one entry and many frames, which are named by their number.
        return ids if len(ids) >= self.item.frames else [str(n) for n in range(self.item.frames)]

    def _raster(self, document: Document, version: int) -> Json | None:
        painted = self._painted(document, 0)
        if painted is None:
            return None
        return {"url": f"{self.at}/mask-{version}-0.png", "legend": painted.legend}

    def _painted(self, document: Document, frame: int) -> raster.Painted | None:
        size = (self.item.width, self.item.height) if self.item.width and self.item.height else None
        return raster.paint(_masks_at(document, frame), size, self._sent_colors())

    def _sent_mask(self) -> ItemMedia | None:
        return self.session.scalar(
            select(ItemMedia).where(ItemMedia.item_id == self.item.id, ItemMedia.role == "mask").limit(1)
        )

    def _sent_colors(self) -> dict[str, str]:
        mask = self._sent_mask()
        return {} if mask is None else raster.sent_colors((mask.extra or {}).get("legend"))

    def _sent_raster(self) -> Json | None:
        """The mask as it was filed, while it is not yet read into the labels."""
        mask = self._sent_mask()
        if mask is None or mask.state == "ready":
            return None
        legend = (mask.extra or {}).get("legend", {})
        return {"url": mask.url, "legend": {color: entry["name"] for color, entry in legend.items()}}

    def _masks(self, document: Document, version: int) -> list[Json]:
        """A mask for each frame of a video that has any."""
        ids = self._frame_ids()
        frames = [n for n in range(len(ids)) if _masks_at(document, n)]
        return [
            {"frame_id": ids[n], "url": f"{self.at}/mask-{version}-{n}.png", "legend": painted.legend}
            for n in frames
            if (painted := self._painted(document, n)) is not None
        ]


def _masks_at(document: Document, frame: int) -> list[tuple[LabelObject, Mask]]:
    found = []
    for item in document.objects:
        state = result.tracks.state_at(item, frame)
        if state is not None and isinstance(state.shape, Mask):
            found.append((item, state.shape))
    return found
