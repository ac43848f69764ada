"""Classes and tags one by one: read, made, changed and removed without sending a project's whole meta."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from labelwright.errors import Conflict, NotFound
from labelwright.models.projects import Attribute, LabelClass, Project
from labelwright.services import access, ontology
from labelwright.vendors.supervisely import meta, projectstats, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.known import Class, Tag, known
from labelwright.vendors.supervisely.wire import Refused

MOST = 10_000
TAG_ID = Attribute.extra[("supervisely", "tag")].as_integer()
# Their settings of a tag and what they are called in a project's meta.
SETTINGS = {
    "type": "value_type", "applicableType": "applicable_type", "targetType": "target_type", "values": "values",
    "frameRangeMinLength": "frame_range_min_length", "frameRangeMaxLength": "frame_range_max_length",
    "isDefault": "default", "defaultValue": "default_value",
}  # fmt: skip


def _locked(ask: Ask, project: Project) -> Project:
    # Everybody who changes this project's ontology queues here; on SQLite they do anyway.
    ask.session.refresh(project, with_for_update={"key_share": True})
    return project


# --- classes ----------------------------------------------------------------------------------------------------------


def _class(ask: Ask, right: str = "view") -> tuple[Project, Class]:
    """The class of the field `id`, with its project. Raises `NotFound`."""
    ref = ask.whole("id")
    row = ask.session.get(LabelClass, ref)
    home = access.visible_projects(ask.actor).where(Project.id == (row.project_id if row else 0))
    project = ask.session.scalar(home.where(Project.archived_at.is_(None)))
    if row is None or project is None:
        raise NotFound(f"There is no class {ref}.")
    access.project(ask.session, ask.actor, project.id, right)
    return project, known(ask.session, project).classes[row.id]


def class_info(ask: Ask) -> dict[str, Any]:
    """One class."""
    return meta.class_row(_class(ask)[1])


def class_edit(ask: Ask) -> dict[str, Any]:
    """Change a class's name, description, hotkey, shape, colour or settings; what is not sent stays."""
    project, entry = _class(ask, "manage")
    _locked(ask, project)
    sent = meta.class_json(entry)
    for theirs, ours in (("name", "title"), ("description", "description"), ("hotkey", "hotkey"), ("shape", "shape"),
                         ("color", "color")):  # fmt: skip
        if ask.has(theirs):
            sent[ours] = ask.text(theirs)
    settings = ask.object("settings", {})
    if "availableShapes" in settings:
        sent["availableShapes"] = settings["availableShapes"]
    if "nodes" in settings:
        sent["geometry_config"] = settings
    meta.put_class(ask.session, project, entry.row, meta.class_sent(sent, "class"), entry.row.position)
    ask.session.flush()
    return class_info(ask)


def class_remove(ask: Ask) -> dict[str, Any]:
    """Take a class out of a project. Raises `Conflict` while anything is labeled with it."""
    project = _locked(ask, ask.project(right="manage"))
    ref = ask.whole("id")
    entry = known(ask.session, project).classes.get(ref)
    if entry is None:
        raise NotFound(f"There is no class {ref} in this project.")
    ontology.remove_class(ask.session, project, entry.row)
    return {"success": True}


# --- tags -------------------------------------------------------------------------------------------------------------


def _tag(ask: Ask, right: str = "view") -> tuple[Project, Tag]:
    """The tag of the field `id`, with its project. Raises `NotFound`."""
    ref = ask.whole("id")
    homes = access.visible_projects(ask.actor).where(Project.archived_at.is_(None))
    rows = select(Attribute.project_id).where((Attribute.id == ref) | (ref == TAG_ID))
    for project in ask.session.scalars(homes.where(Project.id.in_(rows))).all():
        found = known(ask.session, project).tags.get(ref)
        if found is not None:
            access.project(ask.session, ask.actor, project.id, right)
            return project, found
    raise NotFound(f"There is no tag {ref}.")


def tags_add(ask: Ask) -> list[dict[str, Any]]:
    """New tags in a project, all or none; in the order they were sent."""
    project = _locked(ask, ask.project(right="manage"))
    there = known(ask.session, project)
    sent = [_new_tag(ask, entry, f"tags[{n}]", project) for n, entry in enumerate(ask.list("tags", most=MOST))]
    names = [entry["name"] for entry in sent]
    for number, name in enumerate(names):
        if name in there.tag_by_name or name in names[:number]:
            raise Refused(400, f"tags[{number}]: there is a tag {name!r} in this project already.")
    made = []
    for number, entry in enumerate(sent):
        ref = meta.put_tag(ask.session, project, there, None, entry, len(there.tags) + number)
        made.append({"id": ref, "title": entry["name"], "name": entry["name"], "projectId": project.id})
    ask.session.flush()
    return made


def _new_tag(ask: Ask, value: Any, at: str, project: Project) -> dict[str, Any]:
    entry = wire.object_of(value, at)
    body = {"name": entry.get("title", entry.get("name")), "color": entry.get("color"), "hotkey": entry.get("hotkey")}
    settings = wire.object_of(entry.get("settings") or {}, f"{at}.settings")
    return meta.tag_sent(body | _settings(ask, settings, f"{at}.settings", project), at)


def _settings(ask: Ask, settings: dict[str, Any], at: str, project: Project) -> dict[str, Any]:
    found = {ours: settings[theirs] for theirs, ours in SETTINGS.items() if settings.get(theirs) is not None}
    if settings.get("classes") is not None:
        there = known(ask.session, project)
        refs = wire.list_of(settings["classes"], f"{at}.classes", MOST)
        found["classes"] = [there.class_of(ref, f"{at}.classes").name for ref in refs]
    return found


def tag_edit(ask: Ask) -> dict[str, Any]:
    """Change a tag; what is not sent stays. Its name and its type of value stay while anything has it."""
    project, tag = _tag(ask, "manage")
    _locked(ask, project)
    there = known(ask.session, project)
    changes = _settings(ask, ask.object("settings", {}), "settings", project)
    changes |= {ours: ask.text(theirs) for theirs, ours in (("title", "name"), ("color", "color"), ("hotkey", "hotkey"))
                if ask.has(theirs)}  # fmt: skip
    sent = meta.tag_sent(meta.tag_json(tag, tag.first.position) | changes, "tag")
    other = there.tag_by_name.get(sent["name"])
    if other is not None and other.id != tag.id:
        raise Refused(400, f"There is a tag {sent['name']!r} in this project already.")
    if (sent["name"], sent["kind"]) != (tag.name, tag.first.kind) and projectstats.used(ask.session, project, tag.name):
        raise Conflict(f"Images or objects have the tag {tag.name!r}, so its name and its type of value stay.")
    meta.put_tag(ask.session, project, there, tag, sent, tag.first.position)
    ask.session.flush()
    return {"id": tag.id, "title": sent["name"], "name": sent["name"], "projectId": project.id}


def tag_remove(ask: Ask) -> dict[str, Any]:
    """Take a tag out of a project, and off all that has it."""
    project = _locked(ask, ask.project(right="manage"))
    ref = ask.whole("id")
    tag = known(ask.session, project).tags.get(ref)
    if tag is None:
        raise NotFound(f"There is no tag {ref} in this project.")
    for row in tag.rows:
        ontology.remove_attribute(ask.session, project, row)
    return {"success": True}


METHODS: Methods = {
    "advanced.object_classes.info": Method(class_info),
    "advanced.object_classes.editInfo": Method(class_edit, write=True),
    "projects.classes.remove": Method(class_remove, write=True),
    "tags.bulk.add": Method(tags_add, write=True),
    "advanced.tags.editInfo": Method(tag_edit, write=True),
    "projects.tags.remove": Method(tag_remove, write=True),
}
