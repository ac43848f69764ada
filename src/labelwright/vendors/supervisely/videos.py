"""Videos: uploading, adding to datasets, listing, and their files and frames."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from starlette.datastructures import UploadFile
from starlette.responses import Response

from labelwright.edge.context import Context
from labelwright.errors import Invalid, LabelwrightError
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import access, items, media, videos
from labelwright.services.access import Actor
from labelwright.services.media import Ingested, Kept
from labelwright.storage import content_key
from labelwright.vendors.supervisely import annotations, image_filters, images, listing, videosheets, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.known import known
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

MOST = 1000
PAGE = 500
MOST_FRAMES = 500
FIELDS = {"id": Field(Item.id, ID), "name": Field(Item.name), "title": Field(Item.name), "datasetId": Field(Item.batch_id, ID),
          "createdBy": Field(Item.created_by, ID)}  # fmt: skip
SORTS = {"name": Item.name, "title": Item.name, "createdAt": Item.created_at, "updatedAt": Item.updated_at}


# --- files --------------------------------------------------------------------------------------------------------------


def take_in(context: Context, actor: Actor, form: Any) -> list[Ingested | str]:
    """Store the files of a form before the transaction; a sentence for each that is no video we can read."""
    if not actor.teams("manage"):
        access.require(actor, "manage", actor.team_id, "upload")
    found: list[Ingested | str] = []
    for _, part in form.multi_items():
        if not isinstance(part, UploadFile):
            continue
        try:
            ingested = media.ingest_upload(context.store, context.settings, part.file)
            found.append(ingested if ingested.frames is not None else "This file is not a video.")
        except LabelwrightError as error:
            found.append(error.message)
    return found


def upload(ask: Ask) -> list[dict[str, Any]]:
    """Files for the videos that are added next, by their content; what is no video has a sentence instead."""
    teams = ask.actor.teams("manage")
    team = ask.actor.team_id if ask.actor.team_id in teams else teams[0]
    answers: list[dict[str, Any]] = []
    for entry in ask.prepared:
        if isinstance(entry, str):
            answers.append({"errors": [{"message": entry}]})
        else:
            answers.append({"hash": wire.content_id(media.record(ask.session, team, entry).sha256)})
    return answers


def meta_of_files(ask: Ask) -> list[dict[str, Any]]:
    """What is known of uploaded files, in the order of `hashes`."""
    digests = [wire.sha256_of(v) for v in ask.list("hashes", most=MOST)]
    stored = images.media_by_hash(ask, digests)
    found = []
    for number, (text, digest) in enumerate(zip(ask.list("hashes"), digests, strict=True)):
        row = stored.get(digest)
        if row is None:
            raise Refused(400, f"hashes[{number}]: there is no uploaded file with this hash.")
        found.append({"hash": text, "meta": file_meta(ask, row)})
    return found


def check_meta(ask: Ask) -> dict[str, Any]:
    """What a client found in files: files are probed here, so it must be the same. Raises `Refused` where it is not."""
    entries = [wire.object_of(v, f"[{n}]") for n, v in enumerate(wire.list_of(ask.body, "body", MOST))]
    digests = [wire.sha256_of(entry.get("hash")) for entry in entries]
    stored = images.media_by_hash(ask, digests)
    for number, (entry, digest) in enumerate(zip(entries, digests, strict=True)):
        if digest not in stored:
            raise Refused(400, f"[{number}].hash: there is no uploaded file with this hash.")
        there, said = file_meta(ask, stored[digest]), wire.object_of(entry.get("meta") or {}, f"[{number}].meta")
        for name in ("framesCount", "width", "height"):
            if said.get(name) is not None and said[name] != there.get(name):
                raise Refused(
                    400, f"[{number}].meta.{name} is {there.get(name)} in this file, not {wire.short(said[name])}."
                )
    return {"success": True}


def file_meta(ask: Ask, row: Media | Kept | None) -> dict[str, Any]:
    """A video file's meta; empty while the file is not here."""
    if row is None or row.frames is None:
        return {"streams": []}
    times = [round(t, 6) for t in media.frame_index(ask.context.store, row).times]
    duration = float((row.info or {}).get("duration") or (times[-1] if times else 0.0))
    stream = {
        "index": 0, "codecType": "video", "codecName": (row.info or {}).get("codec", ""), "width": row.width, "height": row.height,
        "framesCount": row.frames, "framesToTimecodes": times, "duration": duration, "startTime": 0, "rotation": 0,
    }  # fmt: skip
    return {"framesCount": row.frames, "width": row.width, "height": row.height, "framesToTimecodes": times,
            "duration": duration, "size": str(row.size), "mime": row.mime, "streams": [stream]}  # fmt: skip


# --- videos of datasets -------------------------------------------------------------------------------------------------


def add(ask: Ask) -> list[dict[str, Any]]:
    """Add uploaded or linked files to a dataset as videos, all or none; the reply in the order of the request."""
    batch = ask.batch(right="manage")
    project = ask.project_of(batch)
    if project.kind != "video":
        raise Refused(400, f"The dataset {batch.id} is of a project of images.")
    sent = [wire.object_of(v, f"videos[{n}]") for n, v in enumerate(ask.list("videos", most=MOST))]
    names = [
        wire.text(entry.get("title", entry.get("name")), f"videos[{n}].title", 500) for n, entry in enumerate(sent)
    ]
    empty = next((n for n, name in enumerate(names) if not name.strip()), None)
    if empty is not None:
        raise Refused(400, f"videos[{empty}].title: a video needs a name.")
    items.lock_names(ask.session, batch)
    images.free_names(ask, batch, names)
    made = [
        _new(ask, project, batch, name, entry, f"videos[{n}]")
        for n, (name, entry) in enumerate(zip(names, sent, strict=True))
    ]
    return described(ask, made)


def _new(ask: Ask, project: Project, batch: Batch, name: str, sent: dict[str, Any], at: str) -> Item:
    meta = wire.object_of(sent.get("meta") or {}, f"{at}.meta")
    if wire.whole(meta.get("videoStreamIndex", 0), f"{at}.meta.videoStreamIndex") != 0:
        raise Refused(400, f"{at}.meta.videoStreamIndex: only the first video stream of a file is used here.")
    source = {"supervisely": {"meta": meta}} if meta else None
    if sent.get("id") is not None:
        other = ask.items([wire.whole(sent["id"], f"{at}.id")])[0]
        file = images.file_of(ask, [other])[other.id]
    elif sent.get("hash") is not None:
        digest = wire.sha256_of(sent["hash"])
        found = images.media_by_hash(ask, [digest], project.team_id).get(digest)
        if found is None:
            raise Refused(400, f"{at}.hash: this file is not stored here; upload it first.")
        file = ask.session.get_one(Media, found.id)
    else:
        link = wire.text(sent.get("link"), f"{at}.link", 4000)
        if not link.startswith(("http://", "https://")):
            raise Refused(400, f"{at}.link must be an address that begins with http:// or https://.")
        return videos.add(ask.session, ask.actor, project, batch, name, url=link, source=source)
    if file.frames is None:
        raise Refused(400, f"{at}: this file is not a video.")
    file = media.of_team(ask.session, project.team_id, file)
    return videos.add(ask.session, ask.actor, project, batch, name, media=file, source=source)


def listed(ask: Ask) -> dict[str, Any]:
    """Videos of a dataset or of a project."""
    if ask.has("datasetId"):
        batch = ask.batch()
        query = select(Item).where(Item.project_id == batch.project_id, Item.batch_id == batch.id, Item.kind == "video")
    else:
        query = select(Item).where(Item.project_id == ask.project().id, Item.kind == "video")
    query = image_filters.narrowed(ask, query)
    return listing.page(ask, query, FIELDS, lambda rows: described(ask, [row[0] for row in rows]), id_column=Item.id,
                        sorts=SORTS, size=PAGE)  # fmt: skip


def info(ask: Ask) -> dict[str, Any]:
    """One video."""
    return described(ask, [video(ask, "id")])[0]


def video(ask: Ask, name: str = "videoId", right: str = "view") -> Item:
    """The video of a field. Raises `Refused` for an image."""
    item = ask.item(name, right)
    if item.kind != "video":
        raise Refused(400, f"{item.id} is an image, not a video.")
    return item


def described(ask: Ask, found: Sequence[Item]) -> list[dict[str, Any]]:
    """Videos as the package reads them."""
    session, ids = ask.session, [item.id for item in found]
    files = items.main_media(session, ids)
    urls = dict(session.execute(
        select(ItemMedia.item_id, ItemMedia.url).where(ItemMedia.item_id.in_(ids), ItemMedia.role == "main")
    ).tuples().all())  # fmt: skip
    homes = {p.id: p for p in session.scalars(select(Project).where(Project.id.in_({i.project_id for i in found})))}
    knows = {key: known(session, home) for key, home in homes.items()}
    stored = annotations.heads(ask, found)
    signed = annotations.signatures(ask, stored)
    rows = []
    for item in found:
        home, file = homes[item.project_id], files.get(item.id)
        kept = annotations.kept_of(item)
        head = stored.get(item.id)
        tags = videosheets.item_tags(knows[home.id], item, head.document if head else None, signed.get(item.id))
        rows.append({
            "id": item.id, "name": item.name, "title": item.name, "description": kept.get("description", ""),
            "hash": wire.content_id(file.sha256) if file else None, "link": urls.get(item.id) or None, "teamId": home.team_id,
            "workspaceId": home.workspace_id, "projectId": home.id, "datasetId": item.batch_id,
            "pathOriginal": f"/files/{content_key(file.sha256)}" if file else None, "fileMeta": file_meta(ask, file),
            "createdAt": wire.moment(item.created_at), "updatedAt": wire.moment(item.updated_at), "createdBy": item.created_by,
            "tags": tags, "objectsCount": len(head.document.objects) if head else 0, "meta": kept.get("meta", {}),
            "customData": kept.get("customData", {}), "processingPath": None,
        })  # fmt: skip
    return rows


def custom_data(ask: Ask) -> dict[str, Any]:
    """Keep the client's own data with a video."""
    item = video(ask, "id", "manage")
    annotations.claim(ask, [item])
    annotations.keep(item, customData=ask.object("customData"))
    ask.session.flush()
    return {"success": True}


def progress(ask: Ask) -> dict[str, Any]:
    """What a tracking client tells the labeling tool of its progress; nobody stops it from here."""
    video(ask)
    return {"stopped": False}


# --- contents -----------------------------------------------------------------------------------------------------------


def frame(ask: Ask) -> Response:
    """One frame of a video, by its number from 0, as PNG."""
    item = video(ask)
    file = images.file_of(ask, [item])[item.id]
    return Response(_picture(ask.context, file, _number(ask.value("frame"), file, "frame")), media_type="image/png")


def frames(ask: Ask) -> Response:
    """Many frames of a video as one form, named by their numbers."""
    item = video(ask)
    file = images.file_of(ask, [item])[item.id]
    numbers = ask.list("frames", most=MOST_FRAMES) if isinstance(ask.value("frames"), list) else [ask.value("frames")]
    wanted = [_number(v, file, f"frames[{n}]") for n, v in enumerate(numbers)]
    context = ask.context

    def parts() -> Iterator[tuple[str, str, Iterator[bytes]]]:
        for number in wanted:
            yield str(number), "image/png", iter([_picture(context, file, number)])

    ask.session.expunge(file)  # read after the transaction has ended
    return wire.multipart(parts())


def _number(value: Any, file: Media, at: str) -> int:
    number = wire.whole(value, at)
    if not 0 <= number < (file.frames or 0):
        raise Refused(400, f"{at}: the video has {file.frames} frames, numbered from 0; there is no frame {number}.")
    return number


def _picture(context: Context, file: Media, number: int) -> bytes:
    out = io.BytesIO()
    try:
        media.frame(context.store, file, number).save(out, "PNG", compress_level=1)
    except Invalid as error:
        raise Refused(400, error.message) from None
    return out.getvalue()


METHODS: Methods = {
    "videos.bulk.upload": Method(upload, write=True, prepare=take_in, form=True),
    "import-storage.internal.meta.list": Method(meta_of_files),
    "videos.bulk.add": Method(add, write=True),
    "videos.bulk.upsert_file_meta": Method(check_meta),
    "videos.list": Method(listed),
    "videos.info": Method(info),
    "videos.custom-data.set": Method(custom_data, write=True),
    "videos.notify-annotation-tool": Method(progress),
    "videos.download": Method(images.download),
    "videos.download-frame": Method(frame),
    "videos.bulk.download-frame": Method(frames),
}
