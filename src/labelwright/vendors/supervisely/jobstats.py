"""How a labeling job came along: time, classes and tags of its images."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from labelwright.models.documents import LabelCount
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.work import Task
from labelwright.services import documents
from labelwright.vendors.supervisely import jobs, jobviews, projectstats
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.known import known

CHUNK = 500


def stats(ask: Ask) -> dict[str, Any]:
    """Numbers of one job. Durations are seconds of active work in the editor."""
    view = jobviews.find(ask, ask.whole("id"))
    project = ask.session.get_one(Project, view.job.project_id)
    body = jobs.described(ask, [view])[0]
    rows = ask.session.execute(
        select(Item.id, Item.name, Task.stage, Task.verdict, Task.seconds)
        .join(Task, Task.item_id == Item.id).where(view.tasks).order_by(Item.id)
    ).all()  # fmt: skip
    ids = [row.id for row in rows]
    seconds = {row.id: float(row.seconds) for row in rows}
    classes, tags = jobs.wire_names(known(ask.session, project))
    chosen_classes = [
        c for name, c in classes.items() if view.job.allowed_classes is None or name in view.job.allowed_classes
    ]
    chosen_tags = [
        t for name, t in tags.items() if view.job.allowed_attributes is None or name in view.job.allowed_attributes
    ]
    head = {
        name: body[name] for name in ("id", "name", "startedAt", "finishedAt", "imagesCount", "finishedImagesCount")
    }
    total = sum(seconds.values())
    return {
        "job": {**head, "editingDuration": total, "annotationDuration": total, "tagsStats": _tags(ask, chosen_tags, ids)},
        "classes": [_class(ask, entry, ids, seconds) for entry in chosen_classes],
        "images": {
            "total": len(rows),
            "images": [
                {"id": row.id, "name": row.name, "reviewStatus": jobviews.task_status(row.stage, row.verdict),
                 "annotationDuration": float(row.seconds), "totalDuration": float(row.seconds)}
                for row in rows
            ],
        },
    }  # fmt: skip


def _class(ask: Ask, entry: dict[str, Any], ids: list[int], seconds: dict[int, float]) -> dict[str, Any]:
    carriers: list[int] = []
    labels = 0
    for start in range(0, len(ids), CHUNK):
        query = select(LabelCount.item_id, func.sum(LabelCount.count)).where(
            LabelCount.class_id == entry["id"], LabelCount.item_id.in_(ids[start : start + CHUNK])
        )
        for item_id, count in ask.session.execute(query.group_by(LabelCount.item_id)):
            carriers.append(item_id)
            labels += int(count)
    spent = sum(seconds[i] for i in carriers)
    return {
        "id": entry["id"], "name": entry["title"], "shape": entry["shape"], "color": entry["color"],
        "imagesCount": len(carriers), "labelsCount": labels, "totalDuration": spent,
        "avgDuration": spent / labels if labels else 0.0,
    }  # fmt: skip


def _tags(ask: Ask, tags: list[dict[str, Any]], ids: list[int]) -> list[dict[str, Any]]:
    images: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    for start in range(0, len(ids), CHUNK):
        for document in documents.labels_of(ask.session, ids[start : start + CHUNK]).values():
            images.update(projectstats.names_of(document))
            for item in document.objects:
                figures.update(projectstats.names_on(item))
    return [
        {"id": tag["id"], "parentId": None, "name": tag["name"], "color": tag["color"], "images": images[tag["name"]],
         "figures": figures[tag["name"]]}
        for tag in tags
    ]  # fmt: skip


METHODS: Methods = {"jobs.stats": Method(stats)}
