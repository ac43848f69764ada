"""Exports of what a search finds: the pictures as they are with their labels, in a format, written in the background."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from labelwright.errors import Conflict, NotFound
from labelwright.formats import FORMATS, archive
from labelwright.formats.sample import Sample, SampleClass
from labelwright.geometry.document import Document
from labelwright.models.background import BackgroundTask
from labelwright.models.identity import Workspace
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Project
from labelwright.services import access, background, documents, exports, ontology
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared
from labelwright.services.versions import README
from labelwright.storage import Store, content_key
from labelwright.vendors.roboflow import projects, search, versions, wire
from labelwright.vendors.roboflow.asking import Ask, actor_of_task
from labelwright.vendors.roboflow.wire import Refused

KIND = exports.SEARCH
LASTS = 3600
CHUNK = 500


def start(ask: Ask) -> Response:
    """Begin to write an export; `link` is its id."""
    home, body = ask.workspace(), ask.body
    name = wire.text(body, "format", most=60) or "coco"
    if name not in versions.FORMATS:
        raise Refused(400, f"{name!r} is not written here; choose of {', '.join(versions.FORMATS)}.")
    words = wire.text(body, "query", most=2000)
    chosen = _projects(ask, home, wire.text(body, "dataset"), wire.text(body, "annotationGroup"))
    query = search.found(ask.session, chosen, words)
    total = ask.session.scalar(query.with_only_columns(func.count())) or 0
    if not total:
        raise Conflict("The search finds no image to export.")
    row = background.follow(
        ask.session, KIND, {"workspace": home.id, "projects": chosen, "query": words, "name": name,
                            "title": wire.text(body, "name", most=200)},
        team_id=home.team_id, user_id=ask.actor.user_id,
    )  # fmt: skip
    row.total = total
    return wire.answer({"success": True, "link": wire.short(row.uid)}, 202)


def _projects(ask: Ask, home: Workspace, dataset: str, group: str) -> list[int]:
    """Ids of the projects that are searched: all of the workspace, one, or those of an annotation group."""
    if dataset and group:
        raise Refused(400, "Send dataset or annotationGroup, not both.")
    visible = access.visible_projects(ask.actor).where(Project.workspace_id == home.id, Project.archived_at.is_(None))
    rows = list(ask.session.scalars(visible.order_by(Project.id)))
    if dataset:
        rows = [row for row in rows if row.slug == dataset.rpartition("/")[2]]
    if group:
        rows = [row for row in rows if projects.settings_of(ask.session, row)["annotation"] == group]
    if (dataset or group) and not rows:
        raise NotFound(f"There is no project {dataset or group!r} in the workspace {home.slug!r}.")
    return [row.id for row in rows]


def status(ask: Ask) -> dict[str, Any]:
    """Whether an export is ready, and then where it is. Raises `Conflict` when it failed, so that nobody waits for it."""
    home, uid = ask.workspace(), access.as_uid(ask.params["export"])
    query = select(BackgroundTask).where(
        BackgroundTask.uid == uid, BackgroundTask.kind == KIND, BackgroundTask.team_id == home.team_id
    )
    row = ask.session.scalar(query) if uid is not None else None
    # Whoever may not see all of its projects, may not have it.
    visible = set(ask.session.scalars(access.visible_projects(ask.actor).with_only_columns(Project.id)))
    if row is None or row.arguments["workspace"] != home.id or not visible.issuperset(row.arguments["projects"]):
        raise NotFound("There is no such export.")
    if row.state == "failed":
        raise Conflict(f"This export failed: {row.error}")
    if row.state != "done" or not row.result or "key" not in row.result:
        return {"ready": False, "progress": round(row.done / row.total, 3) if row.total else 0}
    link = ask.call.base_url + ask.context.links.sign(row.result["key"], "application/zip", LASTS)
    return {"ready": True, "link": link, "size": row.result["size"], "images": row.result["images"]}


# --- in the background ------------------------------------------------------------------------------------------------


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    said = progress.arguments
    with shared.database.read() as session:
        actor = actor_of_task(session, progress.row)
        ids = _still_visible(session, actor, said["projects"])
        classes = _classes(session, ids)
    wanted = FORMATS[versions.FORMATS[said["name"]]]
    key = f"exports/{progress.row.uid.hex}.zip"
    with tempfile.NamedTemporaryFile(prefix="labelwright-search-") as file:
        report = wanted.write(_samples(shared, progress, ids, said["query"]), file, classes)
        file.flush()
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as out:
            text = f"{said['title'] or said['query'] or '*'}\n{report.images} images, {report.objects} objects, exported by Labelwright as {wanted.title}.\n"
            out.writestr(zipfile.ZipInfo(README, archive.WHEN), text)
        file.flush()
        size = Path(file.name).stat().st_size
        shared.store.put(key, Path(file.name), mime="application/zip")
    return {"key": key, "size": size, "images": report.images}


run = background.followed(_run)


def _still_visible(session: Session, actor: Actor, ids: list[int]) -> list[int]:
    visible = access.visible_projects(actor).where(Project.id.in_(ids)).order_by(Project.id)
    return list(session.scalars(visible.with_only_columns(Project.id)))


def _classes(session: Session, ids: list[int]) -> list[SampleClass]:
    """Classes of all the projects; of those that share a name the first."""
    found: dict[str, SampleClass] = {}
    for project_id in ids:
        for row in ontology.classes_of(session, project_id):
            found.setdefault(row.name, SampleClass(row.name, row.skeleton))
    return list(found.values())


def _samples(shared: Shared, progress: Progress, ids: list[int], words: str) -> Iterator[Sample]:
    after, done = 0, 0
    while True:
        with shared.database.read() as session:
            query = (
                search.found(session, ids, words)
                .with_only_columns(Item.id, Item.uid, Item.name, Item.split, Media.width, Media.height, Media.sha256)
                .join(ItemMedia, (ItemMedia.item_id == Item.id) & (ItemMedia.role == "main"))
                .join(Media, Media.id == ItemMedia.media_id)
                .where(Item.id > after)
            )
            rows = session.execute(query.order_by(Item.id).limit(CHUNK)).all()
            labels = documents.labels_of(session, [row.id for row in rows])
        for row in rows:
            document = labels.get(row.id, Document())
            picture = partial(_original, shared.store, row.sha256)
            yield Sample(
                row.name, row.width or 0, row.height or 0, document, str(row.uid), row.split or "train", picture
            )
            done += 1
            if not done % 50:
                progress.update(done)
        if len(rows) < CHUNK:
            return
        after = rows[-1].id


def _original(store: Store, sha256: bytes) -> bytes:
    return store.get(content_key(sha256))
