"""Images: upload of files and by address, detail, tags and metadata, deletion with the exact status codes."""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from labelwright.db import now
from labelwright.edge.context import Context
from labelwright.geometry import measures, pixels
from labelwright.media.fetch import Fetcher
from labelwright.models.background import BackgroundTask
from labelwright.models.items import Item, Media
from labelwright.models.projects import Project
from labelwright.services import access, batches, documents, items, media
from labelwright.services.access import Actor
from labelwright.services.media import Ingested
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.asking import Ask, items_of
from labelwright.vendors.roboflow.payloads import labels_of
from labelwright.vendors.roboflow.wire import Refused

BATCH = "Pip Package Upload"
SPLITS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


@dataclass
class Upload:
    """A picture that is in the store already, and what was said of it."""

    ingested: Ingested
    name: str
    split: str
    batch: str
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    sequence: list[int] | None = None


def read_upload(context: Context, request: Request, form: Any, raw: bytes) -> Upload:
    """Take in a picture from a form, from base64 text or from an address. Before the transaction: it may take long."""
    query = request.query_params
    said = {**dict(query), **{k: v for k, v in (form or {}).items() if isinstance(v, str)}}
    file = (form or {}).get("file")
    name = str(said.get("name") or getattr(file, "filename", "") or "image.jpg")
    split = str(said.get("split") or "train").lower()
    if split not in SPLITS:
        raise Refused(400, f"{split!r} is not a split; choose train, valid or test.")
    if not name.strip() or len(name) > 500:
        raise Refused(400, "name must have 1 to 500 characters.")
    upload = Upload(_ingested(context, said, file, raw), name, SPLITS[split], str(said.get("batch") or BATCH))
    upload.tags = [tag for tag in query.getlist("tag") if tag.strip()]
    upload.metadata = _metadata(said.get("metadata"))
    numbers = [said.get("sequence_number"), said.get("sequence_size")]
    if all(n is not None and str(n).isdigit() for n in numbers):
        upload.sequence = [int(str(n)) for n in numbers]
    if upload.ingested.frames is not None:
        raise Refused(400, "This is a video; upload its frames as images.")
    return upload


def _ingested(context: Context, said: dict[str, str], file: Any, raw: bytes) -> Ingested:
    store, settings = context.store, context.settings
    if isinstance(file, UploadFile):
        return media.ingest_upload(store, settings, file.file)
    if said.get("image"):
        fetcher = Fetcher(settings)
        try:
            with fetcher.get(said["image"]) as got:
                return media.ingest(store, settings, got.path, got.sha256, got.size)
        finally:
            fetcher.close()
    if not raw.strip():
        raise Refused(400, "There is no picture: send a file, base64 text, or its address as image=.")
    # Form-encoded clients turn + into a space and others into codes.
    text = unquote(raw.decode("ascii", "replace").replace(" ", "+")).rpartition(",")[2].strip().rstrip("=")
    try:
        body = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Refused(400, "The body is neither a form with a file nor base64 text.") from None
    return media.ingest_upload(store, settings, io.BytesIO(body))


def _metadata(text: str | None) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Refused(400, f"metadata is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused(400, "metadata must be a JSON object.")
    return value


def upload(ask: Ask) -> dict[str, Any]:
    """Take the picture into its batch; the same content again is the image that is there already."""
    project, new = ask.project("manage"), ask.prepared
    assert isinstance(new, Upload)
    found, made = file(ask.session, ask.actor, project, new)
    if not made:
        return {"duplicate": True, "id": wire.short(found.uid), "message": "This image is in the project already."}
    return {"success": True, "id": wire.short(found.uid)}


def file(session: Session, actor: Actor, project: Project, new: Upload) -> tuple[Item, bool]:
    """The image of this content in the project, and whether it was made now."""
    items.lock_content(session, project, new.ingested.sha256)
    there = items.by_content(session, project, new.ingested.sha256)
    if there is not None:
        return there, False
    batch = batches.ensure(session, project, new.batch[:200] or BATCH, actor.user_id)
    row = media.record(session, project.team_id, new.ingested)
    source = {"roboflow": {"sequence": new.sequence}} if new.sequence else None
    made = items.add_image(
        session, actor, project, batch, row, new.name,
        split=new.split, tags=new.tags, meta=new.metadata, source=source,
    )  # fmt: skip
    return made, True


def detail(ask: Ask) -> dict[str, Any]:
    """One image with its labels and addresses."""
    project = ask.project()
    item = ask.item(project, ask.params["image"])
    return {"image": described(ask, item)}


def described(ask: Ask, item: Item) -> dict[str, Any]:
    """An image as clients read it; boxes by their centres in pixels."""
    document = documents.read(ask.session, item.id).document
    picture = items.main_media(ask.session, [item.id]).get(item.id)
    width, height = item.width or 0, item.height or 0
    boxes = []
    for thing in document.objects:
        if thing.shape is None:
            continue
        x1, y1, x2, y2 = pixels.box_to_pixels(measures.bounds(thing.shape), width, height)
        boxes.append({"label": thing.class_name, "x": round((x1 + x2) / 2, 6), "y": round((y1 + y2) / 2, 6),
                      "width": round(x2 - x1, 6), "height": round(y2 - y1, 6)})  # fmt: skip
    labels = labels_of(document) or list(dict.fromkeys(o.class_name for o in document.objects))
    annotation = {"key": wire.short(item.uid), "width": width, "height": height, "boxes": boxes}
    return {
        "id": wire.short(item.uid), "name": item.name, "annotation": annotation, "labels": labels,
        "split": item.split or "train", "tags": item.tags or [], "created": wire.milliseconds(item.created_at),
        "urls": addresses(ask, picture), "embedding": [], "metadata": item.meta or {},
        "inDataset": item.accepted_at is not None,
    }  # fmt: skip


def addresses(ask: Ask, picture: Media | None) -> dict[str, str]:
    """Where the file and its thumbnail can be had."""
    if picture is None:
        return {"original": "", "thumb": "", "annotation": ""}
    base, links = ask.call.base_url, ask.context.links
    thumb = base + media.url_for(links, picture, "thumb")
    return {"original": base + media.url_for(links, picture, "original"), "thumb": thumb, "annotation": thumb}


def delete_of_project(ask: Ask) -> Response:
    """Delete images of a project; answered with 204 and nothing else."""
    project = ask.project("manage")
    rows = items_of(ask.session, project, wire.texts(ask.body, "images"))
    _remove(ask, project, [row.id for row in rows])
    return Response(status_code=204)


def delete_of_workspace(ask: Ask) -> dict[str, Any]:
    """Images that are in a project are skipped, and every image here is in one."""
    ask.workspace("manage")
    refs = wire.texts(ask.body, "images")
    return {"deleted": 0, "skipped": len(refs), "deletedSources": 0, "skippedSources": len(refs)}


def _remove(ask: Ask, project: Project, ids: list[int]) -> None:
    items.remove(ask.session, project, ids)


def metadata(ask: Ask) -> dict[str, Any]:
    """Change one image's metadata and tags."""
    home = ask.workspace("manage")
    _described_anew(ask, home.id, ask.params["image"], ask.body)
    return {"success": True}


def many_metadata(ask: Ask) -> Response:
    """Change many images' metadata and tags; the answer names a task that is done already."""
    home, updates = ask.workspace("manage"), ask.body.get("updates")
    if not isinstance(updates, list) or not updates or len(updates) > 1000:
        raise Refused(400, "updates must be a list of 1 to 1000 changes.")
    failed = []
    for update in updates:
        ref = update.get("imageId") if isinstance(update, dict) else None
        try:
            with ask.session.begin_nested():
                _described_anew(ask, home.id, str(ref), update if isinstance(update, dict) else {})
        except Exception as error:
            failed.append({"imageId": ref, "error": wire.refused(error).message})
    result = {"succeeded": len(updates) - len(failed), "failed": len(failed), "failedItems": failed}
    done = BackgroundTask(
        kind="image-metadata", team_id=home.team_id, created_by=ask.actor.user_id, state="done", result=result,
        done=len(updates), total=len(updates), finished_at=now(),
    )  # fmt: skip
    ask.session.add(done)
    ask.session.flush()
    task_id = wire.short(done.uid)
    base = ask.call.base_url + str(ask.call.request.scope.get("root_path", ""))
    return wire.answer({"taskId": task_id, "url": f"{base}/{home.slug}/asynctasks/{task_id}"}, 202)


STATES = {"queued": "queued", "running": "running", "done": "completed", "failed": "failed"}


def task(ask: Ask) -> dict[str, Any]:
    """How far long work is."""
    home, uid = ask.workspace(), access.as_uid(ask.params["task"])
    query = select(BackgroundTask).where(BackgroundTask.uid == uid, BackgroundTask.team_id == home.team_id)
    row = ask.session.scalar(query) if uid is not None else None
    if row is None or (row.project_id is not None and not _visible(ask, row.project_id)):
        raise Refused(404, "There is no such task.", "NotFoundError")
    result = row.result if row.state == "done" else None
    body = {"taskId": wire.short(row.uid), "status": STATES[row.state], "result": result, "error": row.error or None}
    return {**body, "progress": {"current": row.done, "total": row.total}}


def _visible(ask: Ask, project_id: int) -> bool:
    return ask.session.scalar(access.visible_projects(ask.actor).where(Project.id == project_id)) is not None


def set_tags(ask: Ask) -> dict[str, Any]:
    """Add, remove or set an image's tags."""
    project = ask.project("manage")
    item = ask.item(project, ask.params["image"])
    tags = ask.body.get("tags")
    tags = [tags] if isinstance(tags, str) else wire.texts(ask.body, "tags", needed=False)
    operation = wire.text(ask.body, "operation")
    if operation not in ("add", "remove", "set"):
        raise Refused(400, "operation must be add, remove or set.")
    old = [t for t in item.tags or [] if t not in tags] if operation == "set" else []
    add, gone = (tags, old) if operation != "remove" else ([], tags)
    items.set_tags(ask.session, project, [item.id], add, gone)
    return {"success": True, "tags": item.tags or []}


def _described_anew(ask: Ask, workspace_id: int, ref: str, body: dict[str, Any]) -> None:
    uid = access.as_uid(ref)
    visible = access.visible_projects(ask.actor, "manage").where(Project.workspace_id == workspace_id)
    found = ask.session.execute(
        select(Item, Project).join(Project, Project.id == Item.project_id)
        .where(Item.uid == uid, Project.id.in_(visible.with_only_columns(Project.id)))
    ).first() if uid is not None else None  # fmt: skip
    if found is None:
        raise Refused(404, f"There is no image {ref!r} in this workspace.", "NotFoundError")
    item, project = found
    change, gone = body.get("metadata"), wire.texts(body, "removeMetadata", needed=False)
    if change is not None and not isinstance(change, dict):
        raise Refused(400, "metadata must be a JSON object.")
    add = wire.texts(body, "addTags", needed=False)
    drop = wire.texts(body, "removeTags", needed=False)
    if change or gone:
        kept = item.meta if isinstance(item.meta, dict) else {}
        item.meta = {k: v for k, v in {**kept, **(change or {})}.items() if k not in gone} or None
    items.set_tags(ask.session, project, [item.id], add, drop)
