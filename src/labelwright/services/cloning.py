"""Copies of whole projects, made in the background: ontology, workflows, batches, items with their present labels,
collections. Jobs, comments and earlier versions of labels stay with the original. Files are stored once and shared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from labelwright import bulk
from labelwright.db import new_uid, now
from labelwright.errors import Conflict, NotFound
from labelwright.models.background import BackgroundTask
from labelwright.models.documents import MAIN, DocumentHead, LabelCount
from labelwright.models.identity import Workspace
from labelwright.models.items import Collection, CollectionItem, Item, ItemMedia, Media
from labelwright.models.projects import Attribute, Batch, LabelClass, Project, Workflow
from labelwright.services import access, background, events, media, names, projects
from labelwright.services.access import Actor
from labelwright.services.background import Progress, Shared

KIND = "project-clone"
CHUNK = 500
Ids = dict[int, int]  # what a row of the original has become


def start(session: Session, actor: Actor, project: Project, workspace: Workspace, name: str) -> BackgroundTask:
    """Queue a copy of a project; its task's `result` will be `{"project": id, "uid": ...}`. It takes the right to manage both places."""
    access.require(actor, "manage", project.team_id, "project")
    access.require(actor, "manage", workspace.team_id, "workspace")
    arguments = {"workspace": workspace.id, "name": names.clean(name, "A project")}
    return background.follow(
        session, KIND, arguments, team_id=project.team_id, project_id=project.id, user_id=actor.user_id
    )


def _run(shared: Shared, progress: Progress) -> dict[str, Any]:
    try:
        copy, total = _begin(shared, progress.row)
        done = 0
        while part := _some_items(shared, copy):
            done += part
            progress.update(done, total)
        uid = _end(shared, progress.row, copy)
    except Exception:
        _undo(shared, progress.row)
        raise
    return {"project": copy, "uid": uid}


def _copy_of(session: Session, task: BackgroundTask) -> Project | None:
    """What a task has made so far; it may have been begun by a process that is gone."""
    return session.scalar(select(Project).where(Project.extra[("clone", "task")].as_string() == str(task.uid)))


def _begin(shared: Shared, task: BackgroundTask) -> tuple[int, int]:
    """The new project without its items, hidden until it is whole, and how many items there are to copy."""
    with shared.database.write() as session:
        project, workspace = (
            session.get(Project, task.project_id or 0),
            session.get(Workspace, task.arguments["workspace"]),
        )
        if project is None or workspace is None:
            raise NotFound("The project or the workspace was deleted meanwhile.")
        total = session.query(Item.id).where(Item.project_id == project.id).count()
        found = _copy_of(session, task)
        if found is not None:
            return found.id, total
        copy = projects.place(session, workspace, Project(
            team_id=workspace.team_id, workspace_id=workspace.id, name=task.arguments["name"], kind=project.kind,
            description=project.description, instructions=project.instructions, settings=project.settings,
            created_by=task.created_by, archived_at=now(),
        ))  # fmt: skip
        batches = _ontology_and_batches(session, project, copy)
        clone = {
            "task": str(task.uid),
            "of": project.id,
            "after": 0,
            "batches": [list(pair) for pair in batches.items()],
        }
        copy.extra = {**(project.extra or {}), "clone": clone}
        session.flush()
        return copy.id, total


def _ontology_and_batches(session: Session, project: Project, copy: Project) -> Ids:
    def copied(table: Any, **changes: Any) -> Ids:
        found: Ids = {}
        for row in session.scalars(select(table).where(table.project_id == project.id).order_by(table.id)).all():
            new = table(**_values(row, project_id=copy.id, **changes))
            session.add(new)
            session.flush()
            found[row.id] = new.id
        return found

    copied(LabelClass)
    attributes = copied(Attribute)
    for row in session.scalars(select(Attribute).where(Attribute.project_id == copy.id)):
        row.extra = _renumbered(row.extra, attributes)
    copied(Workflow)
    batches = copied(Batch, parent_id=None)
    for old, new in batches.items():
        parent = session.get_one(Batch, old).parent_id
        session.get_one(Batch, new).parent_id = batches[parent] if parent is not None else None
    return batches


def _values(row: Any, **changes: Any) -> dict[str, Any]:
    """A row's columns for a new one: with an id and a uid of its own."""
    kept = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in ("id", "uid")}
    return kept | changes


def _renumbered(extra: dict[str, Any] | None, attributes: Ids) -> dict[str, Any] | None:
    """A vendor's number for attributes of one name is the id of one of them; in the copy it is the id of its copy."""
    found = dict(extra or {})
    for vendor, kept in found.items():
        if isinstance(kept, dict) and kept.get("tag") in attributes:
            found[vendor] = {**kept, "tag": attributes[kept["tag"]]}
        elif isinstance(kept, dict) and "tag" in kept:
            found[vendor] = {key: value for key, value in kept.items() if key != "tag"}
    return found or None


def _some_items(shared: Shared, copy_id: int) -> int:
    """Copy the next items, in one transaction with how far it is; how many they were."""
    with shared.database.write() as session:
        copy = session.get(Project, copy_id)
        if copy is None:
            raise Conflict("The copy was deleted while it was made.")
        clone = dict((copy.extra or {})["clone"])
        query = select(Item.__table__).where(Item.project_id == clone["of"], Item.id > clone["after"])
        rows = session.execute(query.order_by(Item.id).limit(CHUNK)).mappings().all()
        if not rows:
            return 0
        batches = {old: new for old, new in clone["batches"]}
        wanted = [row for row in rows if row["batch_id"] in batches]  # batches made since are not in the copy
        ids = dict(zip([row["id"] for row in wanted], bulk.allocate(session, _table(Item), len(wanted)), strict=True))
        _insert(session, Item, [
            {**row, "id": ids[row["id"]], "uid": new_uid(), "project_id": copy.id, "batch_id": batches[row["batch_id"]]}
            for row in wanted
        ])  # fmt: skip
        _files(session, copy, ids)
        _labels(session, copy, ids, _same_names(session, LabelClass, clone["of"], copy.id))
        _collections(session, clone["of"], copy, ids)
        copy.extra = {**(copy.extra or {}), "clone": {**clone, "after": rows[-1]["id"]}}
        return len(rows)


def _table(model: Any) -> Table:
    return model.__table__


def _insert(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(_table(model)), rows)


def _files(session: Session, copy: Project, ids: Ids) -> None:
    rows = session.execute(select(ItemMedia.__table__).where(ItemMedia.item_id.in_(ids)).order_by(ItemMedia.id))
    found = [dict(row) for row in rows.mappings()]
    stored = {row["media_id"] for row in found if row["media_id"] is not None}
    rows_of = session.scalars(select(Media).where(Media.id.in_(stored))).all()
    here = {row.id: media.of_team(session, copy.team_id, row).id for row in rows_of}
    new = [{**row, "item_id": ids[row["item_id"]], "media_id": here.get(row["media_id"])} for row in found]
    _insert(session, ItemMedia, [{key: value for key, value in row.items() if key != "id"} for row in new])


def _labels(session: Session, copy: Project, ids: Ids, classes: Ids) -> None:
    heads = select(DocumentHead.__table__).where(DocumentHead.item_id.in_(ids), DocumentHead.layer == MAIN)
    _insert(session, DocumentHead, [
        {**row, "item_id": ids[row["item_id"]], "version": 1, "origin": "import"}
        for row in session.execute(heads).mappings()
    ])  # fmt: skip
    counts = session.execute(select(LabelCount.__table__).where(LabelCount.item_id.in_(ids))).mappings()
    _insert(session, LabelCount, [
        {**row, "item_id": ids[row["item_id"]], "class_id": classes[row["class_id"]], "project_id": copy.id}
        for row in counts if row["class_id"] in classes
    ])  # fmt: skip


def _same_names(session: Session, table: Any, project_id: int, copy_id: int) -> Ids:
    new = dict(session.execute(select(table.name, table.id).where(table.project_id == copy_id)).tuples().all())
    old = session.execute(select(table.id, table.name).where(table.project_id == project_id)).tuples()
    return {key: new[name] for key, name in old if name in new}


def _collections(session: Session, project_id: int, copy: Project, ids: Ids) -> None:
    members = select(CollectionItem.__table__).where(CollectionItem.item_id.in_(ids))
    rows = session.execute(members).mappings().all()
    if not rows:
        return
    for row in session.scalars(
        select(Collection).where(Collection.id.in_({row["collection_id"] for row in rows}))
    ).all():
        there = select(Collection.id).where(Collection.project_id == copy.id, Collection.name == row.name)
        if session.scalar(there) is None:
            session.add(Collection(**_values(row, project_id=copy.id)))
    session.flush()
    same = _same_names(session, Collection, project_id, copy.id)
    _insert(session, CollectionItem, [
        {**row, "collection_id": same[row["collection_id"]], "item_id": ids[row["item_id"]]} for row in rows
    ])  # fmt: skip


def _end(shared: Shared, task: BackgroundTask, copy_id: int) -> str:
    with shared.database.write() as session:
        copy = session.get(Project, copy_id)
        if copy is None:
            raise Conflict("The copy was deleted while it was made.")
        copy.extra = {key: value for key, value in (copy.extra or {}).items() if key != "clone"} or None
        copy.archived_at = None
        session.flush()
        events.emit(session, "project.created", team_id=copy.team_id, project_id=copy.id, actor=task.created_by)
        return str(copy.uid)


def _undo(shared: Shared, task: BackgroundTask) -> None:
    """Nothing half made stays."""
    with shared.database.write() as session:
        copy = _copy_of(session, task)
        if copy is not None:
            session.delete(copy)


run = background.followed(_run)
