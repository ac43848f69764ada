"""Search: images of a project by what is said of them, and of a workspace by a small query language."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, select, true
from sqlalchemy.orm import Session

from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Job, Task
from labelwright.services import access, documents, items, media
from labelwright.vendors.roboflow import roboql, wire
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.payloads import labels_of
from labelwright.vendors.roboflow.wire import Refused

FIELDS = (
    "id",
    "name",
    "created",
    "annotations",
    "labels",
    "split",
    "tags",
    "owner",
    "embedding",
    "user_metadata",
    "url",
)
USUAL = ("id", "created", "name", "labels")
FOUND = (
    "id",
    "filename",
    "width",
    "height",
    "aspectRatio",
    "mediaType",
    "tags",
    "created",
    "user_metadata",
    "projectData",
    "projects",
)
# Whoever asks for more than fits is refused: a page cut short would look like the last one.
MOST = 1000


def of_project(ask: Ask) -> dict[str, Any]:
    """Images of a project, oldest first."""
    project, body = ask.project(), ask.body
    for name in ("like_image", "prompt"):
        if body.get(name):
            raise Refused(
                400, f"{name} needs a model that compares pictures; this server has none.", "NotSupportedError"
            )
    limit = wire.whole(body, "limit", 50, least=1, most=MOST)
    offset = wire.whole(body, "offset", 0)
    query = _filtered(ask, project, body).where(_pictures(body))
    total = ask.session.scalar(query.with_only_columns(func.count())) or 0
    rows = list(ask.session.scalars(query.order_by(Item.id).offset(offset).limit(limit)))
    return {"results": _hits(ask, rows, _fields(body, FIELDS, USUAL)), "offset": offset, "total": total}


def _fields(body: dict[str, Any], known: tuple[str, ...], usual: tuple[str, ...]) -> list[str]:
    fields = wire.texts(body, "fields", needed=False) or usual
    for name in fields:
        if name not in known:
            raise Refused(400, f"{name!r} is not a field; choose of {', '.join(dict.fromkeys(known))}.")
    return list(dict.fromkeys(fields))


def _pictures(body: dict[str, Any]) -> ColumnElement[bool]:
    """Whether pictures are looked for at all; videos are in projects that this API does not show."""
    kinds = wire.texts(body, "mediaTypes", needed=False) or ["image"]
    for kind in kinds:
        if kind not in ("image", "video"):
            raise Refused(400, f"{kind!r} is not a media type; choose image or video.")
    return true() if "image" in kinds else false()


def _filtered(ask: Ask, project: Project, body: dict[str, Any]) -> Select[Item]:
    query = select(Item).where(Item.project_id == project.id, Item.kind == "image")
    terms: list[ColumnElement[bool]] = []
    scope = roboql.Scope(ask.session, [project.id])
    if tag := wire.text(body, "tag"):
        terms.append(roboql.tagged(scope, tag))
    if name := wire.text(body, "class_name"):
        terms.append(roboql.has_class(scope, name))
    if wire.flag(body.get("in_dataset")):
        terms.append(Item.accepted_at.is_not(None))
    if ref := wire.text(body, "batch_id"):
        terms.append(Item.batch_id == ask.batch(project, ref).id)
    # false is in every search of the package and means that nothing is asked.
    if wire.flag(body.get("batch")) or wire.flag(body.get("annotation_job")):
        terms.append(Item.accepted_at.is_(None))
    in_job = exists().where(Task.item_id == Item.id, Task.job_id == Job.id, Job.status != "archived")
    if ref := wire.text(body, "annotation_job_id"):
        terms.append(exists().where(Task.item_id == Item.id, Task.job_id == ask.job(project, ref).id))
    if wire.flag(body.get("annotation_job")):
        terms.append(in_job)
    elif wire.flag(body.get("batch")):
        terms.append(~in_job)
    return query.where(*terms)


def _hits(ask: Ask, rows: list[Item], fields: list[str]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    wanted = set(fields)
    labels = documents.labels_of(ask.session, ids) if wanted & {"labels", "annotations"} else {}
    pictures = items.main_media(ask.session, ids) if "url" in wanted else {}
    people: dict[int, str] = {}
    if "owner" in wanted:
        owners = {row.created_by for row in rows if row.created_by}
        people = dict(ask.session.execute(select(User.id, User.email).where(User.id.in_(owners))).all())
    hits = []
    for row in rows:
        document = labels.get(row.id)
        classes = [o.class_name for o in document.objects] if document else []
        picture = pictures.get(row.id)
        values = {
            "id": wire.short(row.uid), "name": row.name, "created": wire.milliseconds(row.created_at),
            "labels": (labels_of(document) if document else []) or list(dict.fromkeys(classes)),
            "annotations": {"count": len(classes), "classes": {c: classes.count(c) for c in dict.fromkeys(classes)}},
            "split": row.split or "train", "tags": row.tags or [], "owner": people.get(row.created_by or 0, ""),
            "embedding": [], "user_metadata": row.meta or {},
            "url": ask.call.base_url + media.url_for(ask.context.links, picture, "original") if picture else "",
        }  # fmt: skip
        hits.append({name: values[name] for name in fields})
    return hits


# --- a workspace -----------------------------------------------------------------------------------------------------


def of_workspace(ask: Ask) -> dict[str, Any]:
    """Images of a workspace's projects, by a query (`roboql`)."""
    home, body = ask.workspace(), ask.body
    size = wire.whole(body, "pageSize", 50, least=1, most=MOST)
    token = wire.text(body, "continuationToken") or "0"
    if not token.isdigit():
        raise Refused(400, "continuationToken must be one of an earlier answer.")
    visible = access.visible_projects(ask.actor).where(Project.workspace_id == home.id, Project.archived_at.is_(None))
    slugs = {row.id: f"{home.slug}/{row.slug}" for row in ask.session.scalars(visible)}
    query = found(ask.session, list(slugs), wire.text(body, "query", most=2000)).where(_pictures(body))
    total = ask.session.scalar(query.with_only_columns(func.count())) or 0
    rows = list(ask.session.scalars(query.where(Item.id > int(token)).order_by(Item.id).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    return {"results": _found(ask, rows, _fields(body, (*FOUND, *FIELDS), FOUND), slugs), "total": total,
            "continuationToken": str(rows[-1].id) if more else None}  # fmt: skip


def _found(ask: Ask, rows: list[Item], fields: list[str], slugs: dict[int, str]) -> list[dict[str, Any]]:
    """Hits: what is known of the file always, the rest when it is asked for."""
    more = _hits(ask, rows, [name for name in FIELDS if name in fields])
    return [{**extra, **_file(row, slugs)} for row, extra in zip(rows, more, strict=True)]


def _file(row: Item, slugs: dict[int, str]) -> dict[str, Any]:
    width, height = row.width or 0, row.height or 0
    return {
        "id": wire.short(row.uid), "filename": row.name, "width": width, "height": height,
        "aspectRatio": round(width / height, 6) if height else 0, "mediaType": "image", "tags": row.tags or [],
        "created": wire.milliseconds(row.created_at), "user_metadata": row.meta or {},
        "projects": [slugs[row.project_id]],
        "projectData": {"split": row.split or "train", "inDataset": row.accepted_at is not None},
    }  # fmt: skip


def found(session: Session, project_ids: list[int], words: str) -> Select[Item]:
    """The images of these projects that a query finds, unordered. Raises `Refused` for a query that cannot be read."""
    return select(Item).where(
        Item.project_id.in_(project_ids), Item.kind == "image", roboql.parse(roboql.Scope(session, project_ids), words)
    )
