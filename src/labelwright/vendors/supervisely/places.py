"""Workspaces and projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from labelwright.db import now
from labelwright.errors import Forbidden, Invalid, NotFound
from labelwright.models.identity import Workspace
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import access, cloning, projects, workspaces
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, gone, keep
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

KINDS = {"images": "image", "videos": "video"}
TASK_STATES = {"queued": "queued", "running": "started", "done": "finished", "failed": "error"}
TYPES = {ours: theirs for theirs, ours in KINDS.items()}
SETTINGS: dict[str, Any] = {"groupImages": False, "groupImagesByTagId": None, "groupImagesSync": False}
WORKSPACE_FIELDS = {"id": Field(read=ID), "name": Field()}
PROJECT_FIELDS = {
    "id": Field(Project.id, ID), "name": Field(Project.name), "workspaceId": Field(Project.workspace_id, ID),
    "groupId": Field(Project.team_id, ID), "teamId": Field(Project.team_id, ID),
    "type": Field(Project.kind, lambda v, at: kind_of(v)), "createdBy": Field(Project.created_by, ID),
}  # fmt: skip
PROJECT_SORTS = {
    "name": Project.name,
    "title": Project.name,
    "createdAt": Project.created_at,
    "updatedAt": Project.updated_at,
}


def kind_of(value: Any) -> str:
    """Our kind of project for their type. Raises `Refused` for data that is neither images nor videos."""
    if value not in KINDS:
        raise Refused(400, f"Projects here hold images or videos, not {wire.short(value)}.")
    return KINDS[value]


def workspace_json(row: Workspace) -> dict[str, Any]:
    """A workspace as the package reads it."""
    at = wire.moment(row.created_at)
    return {"id": row.id, "name": row.name, "description": row.description, "teamId": row.team_id,
            "createdAt": at, "updatedAt": extra_of(row).get("updatedAt", at)}  # fmt: skip


def workspace_list(ask: Ask) -> dict[str, Any]:
    """Workspaces of a team."""
    team = ask.team()
    rows = ask.session.scalars(access.visible_workspaces(ask.actor).where(Workspace.team_id == team.id))
    return listing.at_hand(ask, [workspace_json(r) for r in rows if not gone(r.extra)], WORKSPACE_FIELDS)


def _workspace(ask: Ask, right: str = "view") -> Workspace:
    found = ask.workspace("id", right)
    if gone(found.extra):
        raise NotFound("There is no such workspace.")
    return found


def workspace_info(ask: Ask) -> dict[str, Any]:
    """One workspace."""
    return workspace_json(_workspace(ask))


def workspace_add(ask: Ask) -> dict[str, Any]:
    """A new workspace in a team."""
    if ask.actor.workspace_id is not None:
        raise Forbidden("This API key is bound to one workspace.")
    team = ask.team(right="manage")
    return workspace_json(
        workspaces.create(ask.session, ask.actor, team, ask.text("name"), ask.text("description", ""))
    )


def workspace_edit(ask: Ask) -> dict[str, Any]:
    """Change a workspace's name or description."""
    row = _workspace(ask, "manage")
    if ask.has("name"):
        name = ask.text("name", most=200).strip()
        other = ask.session.scalar(select(Workspace.id).where(Workspace.team_id == row.team_id, Workspace.name == name))
        if not name or other not in (None, row.id):
            raise Refused(400, f"A workspace needs a name that no other in its team has, not {name!r}.")
        row.name = name
    if ask.has("description"):
        row.description = ask.text("description")
    keep(row, updatedAt=wire.moment(now()))
    ask.session.flush()
    return workspace_json(row)


def workspace_archive(ask: Ask) -> dict[str, Any]:
    """Hide a workspace from this API and free its name; its projects are archived."""
    row = _workspace(ask, "manage")
    for project in ask.session.scalars(select(Project).where(Project.workspace_id == row.id)):
        projects.archive(ask.session, project)
    keep(row, archived=True)
    row.name = archived_name(row.name, row.id)
    ask.session.flush()
    return {"success": True}


def archived_name(name: str, number: int) -> str:
    """The name that something archived keeps, so that its own can be given again."""
    mark = f" [archived {number}]"
    return name[: 200 - len(mark)] + mark


def workspace_remove(ask: Ask) -> dict[str, Any]:
    """Delete workspaces with their projects, for good."""
    rows = [access.workspace(ask.session, ask.actor, ref, "own") for ref in ask.wholes("workspacesIds", most=50)]
    for row in rows:
        ask.session.delete(row)
    ask.session.flush()
    return {"taskId": 0}


def project_rows(ask: Ask, rows: Sequence[Project], *, custom: bool = True) -> list[dict[str, Any]]:
    """Projects as the package reads them, with their counts."""
    ids = [row.id for row in rows]
    session = ask.session
    counts: dict[int, int] = dict(
        session.execute(select(Item.project_id, func.count()).where(Item.project_id.in_(ids)).group_by(Item.project_id))  # type: ignore[arg-type]
        .tuples().all()
    )  # fmt: skip
    sizes: dict[int, int] = dict(
        session.execute(
            select(Item.project_id, func.sum(Media.size)).join(ItemMedia, ItemMedia.item_id == Item.id)
            .join(Media, Media.id == ItemMedia.media_id)
            .where(Item.project_id.in_(ids), ItemMedia.role == "main").group_by(Item.project_id)
        ).tuples().all()
    )  # fmt: skip
    batches: dict[int, int] = {}
    used = set(session.scalars(select(Item.batch_id).where(Item.project_id.in_(ids)).distinct()))
    for batch in session.scalars(select(Batch).where(Batch.project_id.in_(ids))):
        batches[batch.project_id] = batches.get(batch.project_id, 0) + shown(batch, batch.id in used)
    return [
        _project_json(row, counts.get(row.id, 0), int(sizes.get(row.id, 0)), batches.get(row.id, 0), custom)
        for row in rows
    ]


def shown(batch: Batch, used: bool) -> bool:
    """Whether a batch is a dataset to them: the default batch is one once it holds something."""
    return not gone(batch.extra) and (not batch.is_default or used or bool(extra_of(batch).get("shown")))


def _project_json(row: Project, count: int, size: int, datasets: int, custom: bool) -> dict[str, Any]:
    kept = extra_of(row)
    body = {
        "id": row.id, "name": row.name, "title": row.name, "description": row.description, "size": str(size),
        "readme": kept.get("readme", row.instructions), "workspaceId": row.workspace_id, "teamId": row.team_id,
        "groupId": row.team_id, "imagesCount": count, "itemsCount": count, "datasetsCount": datasets,
        "createdAt": wire.moment(row.created_at), "updatedAt": wire.moment(row.updated_at), "type": TYPES[row.kind],
        "referenceImageUrl": None, "backupArchive": {}, "settings": {**SETTINGS, **kept.get("settings", {})},
        "importSettings": {}, "version": {"id": row.ontology_version, "version": row.ontology_version},
        "createdBy": row.created_by, "createdById": row.created_by, "embeddingsEnabled": False,
        "embeddingsInProgress": False, "embeddingsUpdatedAt": None, "localEntitiesCount": count, "remoteEntitiesCount": 0,
    }  # fmt: skip
    return {**body, "customData": kept.get("customData", {})} if custom else body


def project_json(ask: Ask, row: Project) -> dict[str, Any]:
    """One project."""
    return project_rows(ask, [row])[0]


def project_list(ask: Ask) -> dict[str, Any]:
    """Projects of a workspace or of a team."""
    query = access.visible_projects(ask.actor).where(Project.archived_at.is_(None))
    if ask.has("workspaceId"):
        query = query.where(Project.workspace_id == ask.workspace().id)
    for name in ("groupId", "teamId"):
        if ask.has(name):
            query = query.where(Project.team_id == ask.team(name).id)
    return listing.page(
        ask, query, PROJECT_FIELDS, lambda rows: project_rows(ask, [row[0] for row in rows]), id_column=Project.id,
        sorts=PROJECT_SORTS,
    )  # fmt: skip


def project_info(ask: Ask) -> dict[str, Any]:
    """One project."""
    return project_json(ask, ask.project("id"))


def project_add(ask: Ask) -> dict[str, Any]:
    """A new project; its name is not taken in its workspace."""
    home = ask.workspace(right="manage")
    name, kind = ask.text("name").strip(), kind_of(ask.value("type", "images"))
    _free(ask, home.id, name)
    row = projects.create(ask.session, ask.actor, home, name, kind, description=ask.text("description", ""))
    keep(
        row, readme=ask.text("readme", None), settings=_settings(ask.object("settings", None)),
        customData=ask.object("customData", None),
    )  # fmt: skip
    ask.session.flush()
    return project_json(ask, row)


def _settings(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    """Their project settings, kept as they are but for nulls that the package cannot read back."""
    if settings is None:
        return None
    return {key: value for key, value in settings.items() if value is not None or key == "groupImagesByTagId"}


def _free(ask: Ask, workspace_id: int, name: str, but: int | None = None) -> None:
    query = select(Project.id).where(
        Project.workspace_id == workspace_id, Project.name == name, Project.archived_at.is_(None), Project.id != (but or 0)
    )  # fmt: skip
    if ask.session.scalar(query.limit(1)) is not None:
        raise Invalid(f"There is a project {name!r} in this workspace already.")


def project_edit(ask: Ask) -> dict[str, Any]:
    """Change a project's name, description, readme or custom data."""
    row = ask.project("id", "manage")
    if ask.has("name"):
        _free(ask, row.workspace_id, ask.text("name").strip(), row.id)
    projects.change(ask.session, row, name=ask.text("name", None), description=ask.text("description", None))
    for key, value in (("readme", ask.text("readme", None)), ("customData", ask.object("customData", None))):
        if value is not None:
            keep(row, **{key: value})
    if ask.flag("embeddingsEnabled", False):
        raise Refused(400, "Embeddings are not served here.")
    row.updated_at = now()
    ask.session.flush()
    return project_json(ask, row)


def project_settings(ask: Ask) -> dict[str, Any]:
    """Replace a project's settings."""
    row = ask.project("id", "manage")
    keep(row, settings=_settings(ask.object("settings")))
    ask.session.flush()
    return {"success": True}


def project_archive(ask: Ask) -> dict[str, Any]:
    """Hide a project; nothing is deleted."""
    projects.archive(ask.session, ask.project("id", "manage"))
    return {"success": True}


def project_move(ask: Ask) -> dict[str, Any]:
    """Move a project into another workspace of its team."""
    row, home = ask.project("id", "manage"), ask.workspace(right="manage")
    _free(ask, home.id, row.name, row.id)
    projects.move(ask.session, ask.actor, row, home)
    return {"success": True}


def project_clone(ask: Ask) -> dict[str, Any]:
    """Begin a copy of a project under another name; `tasks.info` tells when it is done and which project it has become."""
    for name in ("sharedLink", "explorePath"):
        if ask.has(name):
            raise Refused(400, f"{name}: only projects of this server can be cloned; send id.")
    row, home, name = ask.project("id", "manage"), ask.workspace(right="manage"), ask.text("name").strip()
    _free(ask, home.id, name)
    return {"taskId": cloning.start(ask.session, ask.actor, row, home, name).id}


def task_info(ask: Ask) -> dict[str, Any]:
    """How far a copy of a project is."""
    ref = ask.whole("id")
    row = access.background_task(ask.session, ask.actor, ref)
    if row.kind != cloning.KIND:
        raise NotFound(f"There is no task {ref}.")
    output = {"project": {"id": row.result["project"], "name": row.arguments["name"]}} if row.result else {}
    return {
        "id": row.id, "type": "clone", "status": TASK_STATES[row.state], "createdAt": wire.moment(row.created_at),
        "finishedAt": wire.moment(row.finished_at), "createdBy": row.created_by, "userId": row.created_by,
        "workspaceId": row.arguments["workspace"], "size": "0", "settings": {}, "description": "",
        "meta": {"output": output, "progress": {"current": row.done, "total": row.total},
                 **({"error": {"message": row.error}} if row.error else {})},
    }  # fmt: skip


def project_remove(ask: Ask) -> dict[str, Any]:
    """Delete projects with all they hold, for good."""
    rows = []
    for number, entry in enumerate(ask.list("projects", most=50)):
        wanted = wire.object_of(entry, f"projects[{number}]")
        if wanted.get("archiveUrl") is not None:
            raise Refused(400, "Backups outside of this server are not kept here; archive the project instead.")
        ref = wire.whole(wanted.get("id"), f"projects[{number}].id")
        rows.append(access.project(ask.session, ask.actor, ref, "manage"))
    for row in rows:
        projects.delete(ask.session, row)
    return {"success": True}


METHODS: Methods = {
    "workspaces.list": Method(workspace_list),
    "workspaces.info": Method(workspace_info),
    "workspaces.add": Method(workspace_add, write=True),
    "workspaces.editInfo": Method(workspace_edit, write=True),
    "workspaces.archive": Method(workspace_archive, write=True),
    "workspaces.remove.permanently": Method(workspace_remove, write=True),
    "projects.list": Method(project_list),
    "projects.list.all": Method(project_list),
    "projects.info": Method(project_info),
    "projects.add": Method(project_add, write=True),
    "projects.editInfo": Method(project_edit, write=True),
    "projects.settings.update": Method(project_settings, write=True),
    "projects.archive": Method(project_archive, write=True),
    "projects.remove.permanently": Method(project_remove, write=True),
    "projects.workspace.set": Method(project_move, write=True),
    "projects.clone": Method(project_clone, write=True),
    "tasks.info": Method(task_info),
}
