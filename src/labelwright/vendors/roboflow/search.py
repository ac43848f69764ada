"""Search: images of a project by what is said of them, and of a workspace by a small query language."""

from __future__ import annotations

import shlex
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select, text
from sqlalchemy.orm import Session

from labelwright.models.documents import LabelCount
from labelwright.models.identity import User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, LabelClass, Project
from labelwright.models.work import Job, Task
from labelwright.services import access, documents, items, media
from labelwright.vendors.roboflow import wire
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
USUAL = ["id", "created", "name", "labels"]
# Whoever asks for more than fits is refused: a page cut short would look like the last one.
MOST = 1000
TERMS = ("tag", "class", "split", "filename", "project", "job", "batch", "in-dataset")


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
    query = _filtered(ask, project, body)
    total = ask.session.scalar(query.with_only_columns(func.count())) or 0
    rows = list(ask.session.scalars(query.order_by(Item.id).offset(offset).limit(limit)))
    return {"results": _hits(ask, rows, _fields(body)), "offset": offset, "total": total}


def _fields(body: dict[str, Any]) -> list[str]:
    fields = wire.texts(body, "fields", needed=False) or USUAL
    for name in fields:
        if name not in FIELDS:
            raise Refused(400, f"{name!r} is not a field; choose of {', '.join(FIELDS)}.")
    return fields


def _filtered(ask: Ask, project: Project, body: dict[str, Any]) -> Select[Item]:
    query = select(Item).where(Item.project_id == project.id, Item.kind == "image")
    terms: list[ColumnElement[bool]] = []
    if tag := wire.text(body, "tag"):
        terms.append(_tagged(ask.session, tag))
    if name := wire.text(body, "class_name"):
        terms.append(_has_class(name))
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


def _tagged(session: Session, tag: str) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":
        each = "EXISTS (SELECT 1 FROM json_each(items.tags) AS tag WHERE tag.value = :roboflow_tag)"
    else:
        each = "items.tags @> jsonb_build_array(CAST(:roboflow_tag AS TEXT))"
    return text(each).bindparams(roboflow_tag=tag)  # type: ignore[return-value]


def _has_class(name: str) -> ColumnElement[bool]:
    return exists().where(LabelCount.item_id == Item.id, LabelCount.class_id == LabelClass.id, LabelClass.name == name)


def _hits(ask: Ask, rows: list[Item], fields: list[str]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    wanted = set(fields)
    found = documents.read_many(ask.session, ids) if wanted & {"labels", "annotations"} else {}
    pictures = items.main_media(ask.session, ids) if "url" in wanted else {}
    people: dict[int, str] = {}
    if "owner" in wanted:
        owners = {row.created_by for row in rows if row.created_by}
        people = dict(ask.session.execute(select(User.id, User.email).where(User.id.in_(owners))).all())
    hits = []
    for row in rows:
        document = found[row.id].document if row.id in found else None
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
    """Images of a workspace's projects. A query is `*` or terms such as `tag:night split:train class:"fire truck"`, all of
    which must hold; a word without a colon is looked for in file names."""
    home, body = ask.workspace(), ask.body
    size = wire.whole(body, "pageSize", 50, least=1, most=MOST)
    token = wire.text(body, "continuationToken") or "0"
    if not token.isdigit():
        raise Refused(400, "continuationToken must be one of an earlier answer.")
    query = _searched(ask, home.id, wire.text(body, "query", most=2000))
    total = ask.session.scalar(query.with_only_columns(func.count())) or 0
    rows = list(ask.session.scalars(query.where(Item.id > int(token)).order_by(Item.id).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    return {"results": [_found(row) for row in rows], "total": total,
            "continuationToken": str(rows[-1].id) if more else None}  # fmt: skip


def _found(row: Item) -> dict[str, Any]:
    width, height = row.width or 0, row.height or 0
    return {
        "id": wire.short(row.uid), "filename": row.name, "width": width, "height": height,
        "aspectRatio": round(width / height, 6) if height else 0, "mediaType": "image", "tags": row.tags or [],
        "created": wire.milliseconds(row.created_at), "user_metadata": row.meta or {},
        "projectData": {"split": row.split or "train", "inDataset": row.accepted_at is not None},
    }  # fmt: skip


def _searched(ask: Ask, workspace_id: int, words: str) -> Select[Item]:
    visible = access.visible_projects(ask.actor).where(
        Project.workspace_id == workspace_id, Project.archived_at.is_(None)
    )
    ids = list(ask.session.scalars(visible.with_only_columns(Project.id)))
    query = select(Item).where(Item.project_id.in_(ids), Item.kind == "image")
    try:
        parts = shlex.split(words)
    except ValueError:
        raise Refused(400, "The query has a quotation mark without its partner.") from None
    for part in parts:
        if part == "*":
            continue
        name, colon, value = part.partition(":")
        if colon and name not in TERMS:
            raise Refused(400, f"{name!r} is not a term of queries here; known are {', '.join(TERMS)}.")
        query = query.where(_term(ask.session, name if colon else "filename", value if colon else part))
    return query


def _term(session: Session, name: str, value: str) -> ColumnElement[bool]:
    if name == "tag":
        return _tagged(session, value)
    if name == "class":
        return _has_class(value)
    if name == "split":
        return Item.split == value
    if name == "in-dataset":
        return Item.accepted_at.is_not(None) if wire.flag(value) else Item.accepted_at.is_(None)
    if name == "project":
        return exists().where(Project.id == Item.project_id, Project.slug == value)
    if name == "batch":
        return exists().where(Batch.id == Item.batch_id, Batch.name == value)
    if name == "job":
        return exists().where(Task.item_id == Item.id, Task.job_id == Job.id, Job.name == value)
    return Item.name.icontains(value, autoescape=True)
