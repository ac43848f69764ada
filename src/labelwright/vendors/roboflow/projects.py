"""Key check, workspaces and projects: lists, detail with the keys the package cannot do without, create, trash."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import NotFound
from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.identity import Membership, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import LabelClass, Project
from labelwright.services import access, documents, ontology, projects
from labelwright.vendors.roboflow import releases, wire
from labelwright.vendors.roboflow.asking import Ask, own_workspace
from labelwright.vendors.roboflow.payloads import labels_of
from labelwright.vendors.roboflow.wire import Refused

# What `create` takes -> what its clients understand afterwards, and whether a picture may have several classes.
TYPES: dict[str, tuple[str, bool]] = {
    "object-detection": ("object-detection", False),
    "instance-segmentation": ("instance-segmentation", False),
    "semantic-segmentation": ("semantic-segmentation", False),
    "keypoint-detection": ("keypoint-detection", False),
    "classification": ("classification", False),
    "single-label-classification": ("classification", False),
    "multi-label-classification": ("classification", True),
    "text-image-pairs": ("text-image-pairs", False),
}
TRASHED = timedelta(days=30)


def check_key(ask: Ask) -> dict[str, Any]:
    """Whose key it is."""
    workspace = own_workspace(ask.session, ask.actor)
    return {
        "welcome": "Welcome to Labelwright.",
        "instructions": "This server speaks Roboflow's API; see docs/vendors/roboflow.md.",
        "docs": f"{ask.call.base_url}/docs",
        "workspace": workspace.slug,
    }


def workspace(ask: Ask) -> dict[str, Any]:
    """A workspace and its projects."""
    found = ask.workspace()
    query = access.visible_projects(ask.actor).where(
        Project.workspace_id == found.id, Project.archived_at.is_(None), Project.kind == "image"
    )
    rows = list(ask.session.scalars(query.order_by(Project.id)))
    members = ask.session.scalar(
        select(func.count()).select_from(Membership).where(Membership.team_id == found.team_id)
    )
    listed = [described(ask.session, found, row) for row in rows]
    return {"workspace": {"name": found.name, "url": found.slug, "members": members or 0, "projects": listed}}


def project(ask: Ask) -> dict[str, Any]:
    """A project; its versions stand beside it, where the package looks for them."""
    found, home = ask.project(), ask.workspace()
    return {
        "workspace": {"name": home.name, "url": home.slug},
        "project": described(ask.session, home, found),
        "versions": releases.listed(ask.session, home, found),
    }


def create(ask: Ask) -> dict[str, Any]:
    """A new project, flat as the package reads it."""
    home = ask.workspace("manage")
    name, asked = wire.text(ask.body, "name", most=200), wire.text(ask.body, "type", most=60)
    if not name:
        raise Refused(400, "name is missing.")
    if asked not in TYPES:
        raise Refused(400, f"{asked!r} is not a type of project; choose of {', '.join(TYPES)}.")
    kind, multilabel = TYPES[asked]
    group = wire.text(ask.body, "annotation", most=200) or "objects"
    # Their labeler and reviewer are often one person.
    made = projects.create(
        ask.session, ask.actor, home, name,
        settings={"review_own": True, "semantic": kind == "semantic-segmentation"},
    )  # fmt: skip
    made.extra = {"roboflow": {"type": kind, "multilabel": multilabel, "annotation": group,
                               "license": wire.text(ask.body, "license", most=200)}}  # fmt: skip
    ask.session.flush()
    return described(ask.session, home, made)


def trash(ask: Ask) -> dict[str, Any]:
    """Put a project away; it can be brought back."""
    found = ask.project("manage")
    projects.archive(ask.session, found)
    return {"deleted": True, "type": "project", "trash": True, "id": found.slug, "url": found.slug,
            "retentionDays": TRASHED.days}  # fmt: skip


def trashed(ask: Ask) -> dict[str, Any]:
    """Projects and versions that were put away."""
    home = ask.workspace()
    query = access.visible_projects(ask.actor).where(Project.workspace_id == home.id)
    rows = ask.session.scalars(query.where(Project.archived_at.is_not(None)).order_by(Project.archived_at.desc()))
    gone = [
        {"type": "project", "id": wire.short(p.uid), "url": p.slug, "name": p.name,
         "deletedAt": wire.milliseconds(p.archived_at)}
        for p in rows
    ]  # fmt: skip
    old = releases.trashed(ask.session, ask.actor, home)
    return {"items": [*gone, *old], "sections": {"projects": gone, "versions": old, "trainings": []}}


def restore(ask: Ask) -> dict[str, Any]:
    """Bring back what was put away."""
    home, kind, ref = ask.workspace("manage"), wire.text(ask.body, "type"), wire.text(ask.body, "id")
    if kind == "version":
        return releases.restore(ask, home, ref, wire.text(ask.body, "parentId"))
    if kind != "project":
        raise Refused(400, f"{kind!r} cannot be restored; choose project or version.")
    uid = access.as_uid(ref)
    which = Project.uid == uid if uid is not None else Project.slug == ref
    query = access.visible_projects(ask.actor, "manage").where(Project.workspace_id == home.id, which)
    found = ask.session.scalar(query.where(Project.archived_at.is_not(None)))
    if found is None:
        raise NotFound(f"There is no project {ref!r} in the trash.")
    projects.unarchive(ask.session, found)
    return {"restored": True, "type": "project", "id": wire.short(found.uid), "url": found.slug}


def health(ask: Ask) -> dict[str, Any]:
    """How many images and objects, by class."""
    found = ask.project()
    counts = _counts(ask.session, found)
    classes = classes_of(ask.session, found)
    total = sum(classes.values())
    listed = [
        {"name": name, "cls": name, "count": count, "percent": round(100 * count / total, 2) if total else 0,
         "description": ""}
        for name, count in sorted(classes.items(), key=lambda pair: -pair[1])
    ]  # fmt: skip
    annotated = counts["images"] - counts["unannotated"]
    stats = {
        "images": counts["images"], "annotated": annotated, "unannotated": counts["unannotated"],
        "empty": counts["empty"], "labels": total, "average": round(total / annotated, 2) if annotated else 0,
        "numClasses": len(classes), "classes": listed,
    }  # fmt: skip
    return {"generated": wire.milliseconds(now()), "version": 1, "stats": stats}


def described(session: Session, home: Workspace, found: Project) -> dict[str, Any]:
    """A project with the twelve keys that the package cannot do without, and some more."""
    counts, mine = _counts(session, found), settings_of(session, found)
    return {
        "id": f"{home.slug}/{found.slug}",
        "type": mine["type"],
        "name": found.name,
        "created": wire.seconds(found.created_at),
        "updated": wire.seconds(found.updated_at),
        "images": counts["images"],
        "unannotated": counts["unannotated"],
        "annotation": mine["annotation"],
        "public": False,
        "splits": {split: counts[split] for split in ("train", "valid", "test")},
        "classes": classes_of(session, found),
        "colors": {c.name: c.color for c in ontology.classes_of(session, found.id)},
        "multilabel": mine["multilabel"],
        "license": mine["license"],
        "versions": releases.count(session, found),
    }


def settings_of(session: Session, found: Project) -> dict[str, Any]:
    """Type, group and the like: as created here, else as the classes' shapes tell."""
    kept = (found.extra or {}).get("roboflow")
    if kept:
        return {"multilabel": False, "annotation": "objects", "license": "", **kept}
    return {"type": _guessed(session, found), "multilabel": False, "annotation": "objects", "license": ""}


def is_classification(session: Session, found: Project) -> bool:
    """Whether its images have classes as a whole."""
    return bool(settings_of(session, found)["type"] == "classification")


def _guessed(session: Session, found: Project) -> str:
    if (found.settings or {}).get("semantic"):
        return "semantic-segmentation"
    shapes = [frozenset(c.shapes or ()) for c in ontology.classes_of(session, found.id)]
    if shapes and all(s and s <= {"skeleton"} for s in shapes):
        return "keypoint-detection"
    if shapes and all(s and s <= {"polygon", "mask"} for s in shapes):
        return "instance-segmentation"
    return "object-detection"


def _counts(session: Session, found: Project) -> Counter[str]:
    """Images in all, without labels, marked empty, and in the dataset by split."""
    counts: Counter[str] = Counter()
    has_objects = (func.coalesce(DocumentHead.objects, 0) > 0).label("has_objects")
    accepted = Item.accepted_at.is_not(None).label("accepted")
    head = DocumentHead.item_id.is_not(None).label("head")
    query = (
        select(has_objects, head, accepted, Item.split, func.count())
        .select_from(Item)
        .outerjoin(DocumentHead, (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN))
        .where(Item.project_id == found.id)
        .group_by(has_objects, head, accepted, Item.split)
    )
    for objects, saved, inside, split, count in session.execute(query):
        counts["images"] += count
        if not (objects or saved or inside):
            counts["unannotated"] += count
        if inside:
            counts[split or "train"] += count
            if not objects and not saved:
                counts["empty"] += count
    return counts


def classes_of(session: Session, found: Project) -> dict[str, int]:
    """Objects (of a classification: images) of each class."""
    if is_classification(session, found):
        return _tagged(session, found)
    rows = session.execute(
        select(LabelClass.name, func.coalesce(func.sum(LabelCount.count), 0))
        .outerjoin(LabelCount, LabelCount.class_id == LabelClass.id)
        .where(LabelClass.project_id == found.id)
        .group_by(LabelClass.id, LabelClass.name)
        .order_by(LabelClass.position, LabelClass.id)
    )
    return {name: int(count) for name, count in rows}


def _tagged(session: Session, found: Project) -> dict[str, int]:
    counts = {c.name: 0 for c in ontology.classes_of(session, found.id)}
    ids = list(session.scalars(select(Item.id).where(Item.project_id == found.id)))
    for start in range(0, len(ids), 500):
        for document in documents.labels_of(session, ids[start : start + 500]).values():
            for name in labels_of(document):
                counts[name] = counts.get(name, 0) + 1
    return counts
