"""Project meta: classes and tags in and out, their ids stable, what has no column kept beside."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from labelwright.models.projects import Attribute, LabelClass, Project
from labelwright.services import ontology
from labelwright.services.ontology import COLOR, PALETTE, AttributeInput, ClassInput
from labelwright.vendors.supervisely import listing, wire
from labelwright.vendors.supervisely.asking import Ask, Method, Methods, extra_of, keep
from labelwright.vendors.supervisely.known import ANY, KINDS, SHAPES, Class, Known, Tag, known
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.places import TYPES
from labelwright.vendors.supervisely.wire import Refused

APPLICABLE = ("all", "imagesOnly", "objectsOnly")
TARGETS = ("all", "framesOnly", "entitiesOnly")
KEPT = (
    "color",
    "hotkey",
    "target_type",
    "frame_range_min_length",
    "frame_range_max_length",
    "default",
    "default_value",
    "value_type",
)
BOX = 100.0
LIST_FIELDS = {"id": Field(read=ID), "name": Field()}


def meta_json(session: Session, project: Project) -> dict[str, Any]:
    """A project's meta as the package reads it."""
    found = known(session, project)
    return {
        "classes": [class_json(entry) for entry in found.classes.values()],
        "tags": [tag_json(tag, number) for number, tag in enumerate(found.tags.values())],
        "projectType": TYPES[project.kind],
    }


def class_json(entry: Class) -> dict[str, Any]:
    """A class with its template."""
    row, kept = entry.row, extra_of(entry.row)
    config = kept.get("geometry_config") or {}
    if entry.shape == "graph" or (entry.shape == ANY and row.skeleton):
        nodes = config.get("nodes", {})
        # PostgreSQL keeps an object's keys in an order of its own.
        same = set(nodes) == set(entry.nodes)
        config = {**config, "nodes": {key: nodes[key] for key in entry.nodes}} if same else _template(row, entry.nodes)
    return {"id": row.id, "title": row.name, "shape": entry.shape, "color": row.color.upper(),
            "hotkey": row.hotkey, "description": kept.get("description", ""), "geometry_config": config}  # fmt: skip


def _template(row: LabelClass, keys: list[str]) -> dict[str, Any]:
    """A graph's template of one of our skeletons."""
    skeleton = row.skeleton or {}
    nodes = {
        key: {"label": str(point.get("name", key)), "loc": [point.get("x", 0.5) * BOX, point.get("y", 0.5) * BOX], "color": row.color}
        for key, point in zip(keys, skeleton.get("points", []), strict=True)
    }  # fmt: skip
    edges = [{"src": keys[a], "dst": keys[b], "color": row.color} for a, b in skeleton.get("edges", [])]
    return {"nodes": nodes, "edges": edges}


def tag_json(tag: Tag, number: int) -> dict[str, Any]:
    """A tag."""
    kept = extra_of(tag.first)
    objects = [row for row in tag.rows if row.scope == "object"]
    whole = [row for row in tag.rows if row.scope != "object"]
    names = [] if any(row.classes is None for row in objects) else [n for row in objects for n in row.classes or []]
    body = {
        "id": tag.id, "name": tag.name, "value_type": tag.value_type, "color": kept.get("color") or PALETTE[number % len(PALETTE)],
        "hotkey": kept.get("hotkey", ""), "classes": list(dict.fromkeys(names)),
        "applicable_type": "all" if objects and whole else "objectsOnly" if objects else "imagesOnly",
        "target_type": kept.get("target_type") or ("framesOnly" if {r.scope for r in tag.rows} == {"frame"} else "all"),
    }  # fmt: skip
    if tag.value_type == "oneof_string":
        body["values"] = tag.options
    more = {key: kept[key] for key in KEPT[3:-1] if kept.get(key) is not None}
    return {**body, **more}


def show(ask: Ask) -> dict[str, Any]:
    """A project's meta."""
    return meta_json(ask.session, ask.project("id"))


def update(ask: Ask) -> dict[str, Any]:
    """Replace a project's meta. What is matched by id, else by name, keeps its id; what is left out is taken away."""
    project, new = ask.project("id", "manage"), ask.object("meta")
    # Everybody who changes this project's ontology queues here; on SQLite they do anyway.
    ask.session.refresh(project, with_for_update={"key_share": True})
    classes = [
        class_sent(entry, f"meta.classes[{n}]")
        for n, entry in enumerate(wire.list_of(new.get("classes"), "meta.classes", 10_000))
    ]
    tags = [
        tag_sent(entry, f"meta.tags[{n}]")
        for n, entry in enumerate(wire.list_of(new.get("tags") or [], "meta.tags", 10_000))
    ]
    for kind, names in (("class", [c["title"] for c in classes]), ("tag", [t["name"] for t in tags])):
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise Refused(400, f"The {kind} {twice!r} stands twice in the meta.")
    _replace(ask.session, project, classes, tags)
    return meta_json(ask.session, project)


def _replace(session: Session, project: Project, classes: list[dict[str, Any]], tags: list[dict[str, Any]]) -> None:
    present = known(session, project)
    matched = {
        _match(entry.get("id"), entry["title"], present.classes, present.by_name): n for n, entry in enumerate(classes)
    }
    for class_id, entry in present.classes.items():
        if class_id not in matched:
            ontology.remove_class(session, project, entry.row)
    renamed: dict[str, str] = {}
    for position, sent in enumerate(classes):
        found = _match(sent.get("id"), sent["title"], present.classes, present.by_name)
        if found is not None:
            renamed[present.classes[found].name] = sent["title"]
        put_class(session, project, present.classes[found].row if found is not None else None, sent, position)
    sent_names = {entry["title"] for entry in classes}
    for tag in tags:
        # A class that is renamed by the same update may still stand under its old name in a tag.
        tag["classes"] = [name if name in sent_names else renamed.get(name, name) for name in tag["classes"]]
    _replace_tags(session, project, known(session, project), tags)


def _match(ref: Any, name: str, by_id: dict[int, Any], by_name: dict[str, Any]) -> int | None:
    if isinstance(ref, int) and ref in by_id:
        return ref
    found = by_name.get(name)
    if found is None:
        return None
    return found.row.id if isinstance(found, Class) else found.id


def class_sent(entry: Any, at: str) -> dict[str, Any]:
    """A class as it was sent, checked. Raises `Refused`."""
    sent = wire.object_of(entry, at)
    name = wire.text(sent.get("title"), f"{at}.title", 200).strip()
    if not name:
        raise Refused(400, f"{at}.title: a class needs a name.")
    shape = sent.get("shape")
    if shape not in SHAPES and shape != ANY:
        raise Refused(400, f"{at}.shape: {wire.short(shape)} cannot be drawn here; use {', '.join(SHAPES)} or {ANY}.")
    config = wire.object_of(sent.get("geometry_config") or {}, f"{at}.geometry_config")
    return {"id": sent.get("id"), "title": name, "shape": shape, "color": _color(sent.get("color"), at), "geometry_config": config,
            "hotkey": wire.text(sent.get("hotkey") or "", f"{at}.hotkey", 20), "at": at, "available": _available(sent, shape, at),
            "description": wire.text(sent.get("description") or "", f"{at}.description")}  # fmt: skip


def _available(sent: dict[str, Any], shape: str, at: str) -> list[str] | None:
    """Their shapes that a class of any shape is narrowed to; None: nothing was said of it, [] all."""
    if sent.get("availableShapes") is None:
        return None
    found = wire.list_of(sent["availableShapes"], f"{at}.availableShapes", len(SHAPES))
    wrong = next((v for v in found if v not in SHAPES), None)
    if wrong is not None:
        raise Refused(400, f"{at}.availableShapes: {wire.short(wrong)} cannot be drawn here; use {', '.join(SHAPES)}.")
    if shape != ANY and found:
        raise Refused(400, f"{at}.availableShapes is for classes of the shape {ANY}; this one is drawn as {shape}.")
    return list(dict.fromkeys(found))


def _color(value: Any, at: str) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not COLOR.match(value):
        raise Refused(400, f"{at}.color: {wire.short(value)} is no colour; write it as #RRGGBB.")
    return value.upper()


def put_class(
    session: Session, project: Project, row: LabelClass | None, sent: dict[str, Any], position: int
) -> LabelClass:
    """Make or change a class as it was sent (`class_sent`)."""
    available = sent["available"]
    if available is None:
        available = extra_of(row).get("availableShapes", []) if row is not None else []
    narrowed = list(dict.fromkeys(SHAPES[shape] for shape in available))
    shapes = [SHAPES[sent["shape"]]] if sent["shape"] != ANY else narrowed
    skeleton = _skeleton(sent["geometry_config"], sent["at"]) if sent["shape"] == "graph" else None
    if row is None:
        entry = ClassInput(sent["title"], shapes, color=sent["color"], hotkey=sent["hotkey"], skeleton=skeleton)
        row = ontology.add_class(session, project, entry)
    else:
        changes = {"name": sent["title"], "shapes": shapes, "color": sent["color"] or row.color, "hotkey": sent["hotkey"],
                   "skeleton": skeleton, "position": position}  # fmt: skip
        if any(getattr(row, key) != value for key, value in changes.items()):
            ontology.change_class(session, project, row, **changes)
    row.position = position
    keep(
        row,
        shape=sent["shape"],
        availableShapes=(available or None) if sent["shape"] == ANY else None,
        geometry_config=sent["geometry_config"] or None,
        description=sent["description"] or None,
    )
    return row


def _skeleton(config: dict[str, Any], at: str) -> dict[str, Any]:
    """Our skeleton of a graph's template: its points in fractions of the box around them."""
    nodes = wire.object_of(config.get("nodes"), f"{at}.geometry_config.nodes")
    if not nodes:
        raise Refused(400, f"{at}.geometry_config: a graph needs nodes.")
    places = []
    for key, node in nodes.items():
        loc = wire.object_of(node, f"{at}.geometry_config.nodes.{key}").get("loc")
        if not isinstance(loc, list) or len(loc) != 2 or not all(isinstance(v, int | float) for v in loc):
            raise Refused(400, f"{at}.geometry_config.nodes.{key}.loc must be two numbers.")
        places.append((float(loc[0]), float(loc[1])))
    left, top = min(x for x, _ in places), min(y for _, y in places)
    across, down = max(x for x, _ in places) - left or 1.0, max(y for _, y in places) - top or 1.0
    points = [
        {"name": str(node.get("label") or key), "key": key, "x": (x - left) / across, "y": (y - top) / down}
        for (key, node), (x, y) in zip(nodes.items(), places, strict=True)
    ]
    keys = list(nodes)
    edges = []
    for edge in wire.list_of(config.get("edges") or [], f"{at}.geometry_config.edges"):
        ends = [edge.get("src"), edge.get("dst")] if isinstance(edge, dict) else [None]
        if not all(end in nodes for end in ends):
            raise Refused(400, f"{at}.geometry_config.edges: {wire.short(edge)} does not join two nodes.")
        edges.append([keys.index(str(end)) for end in ends])
    return {"points": points, "edges": edges}


def tag_sent(entry: Any, at: str) -> dict[str, Any]:
    """A tag as it was sent, checked. Raises `Refused`."""
    sent = wire.object_of(entry, at)
    name = wire.text(sent.get("name"), f"{at}.name", 200).strip()
    if not name:
        raise Refused(400, f"{at}.name: a tag needs a name.")
    kind = sent.get("value_type")
    if kind not in KINDS:
        raise Refused(400, f"{at}.value_type: {wire.short(kind)} is not known; use {', '.join(KINDS)}.")
    values = wire.list_of(sent.get("values") or [], f"{at}.values", 10_000) if kind == "oneof_string" else []
    if kind == "oneof_string" and (
        not values or not all(isinstance(v, str) for v in values) or len(set(values)) < len(values)
    ):
        raise Refused(400, f"{at}.values must be a list of texts, each once, with at least one.")
    for field, allowed in (("applicable_type", APPLICABLE), ("target_type", TARGETS)):
        if sent.get(field) is not None and sent[field] not in allowed:
            raise Refused(400, f"{at}.{field} must be one of {', '.join(allowed)}.")
    names = [wire.text(v, f"{at}.classes") for v in wire.list_of(sent.get("classes") or [], f"{at}.classes", 10_000)]
    kept = {key: sent[key] for key in KEPT if sent.get(key) is not None}
    if "color" in kept:
        kept["color"] = _color(kept["color"], at)
    return {"id": sent.get("id"), "name": name, "kind": KINDS[kind], "values": values, "classes": names, "kept": kept,
            "applicable": sent.get("applicable_type") or "all", "target": sent.get("target_type") or "all", "at": at}  # fmt: skip


def _replace_tags(session: Session, project: Project, present: Known, tags: list[dict[str, Any]]) -> None:
    matched = {_match(entry.get("id"), entry["name"], present.tags, present.tag_by_name) for entry in tags}
    for tag in present.tags.values():
        if tag.id not in matched:
            for row in tag.rows:
                ontology.remove_attribute(session, project, row)
    for position, sent in enumerate(tags):
        found = _match(sent.get("id"), sent["name"], present.tags, present.tag_by_name)
        put_tag(session, project, present, present.tags[found] if found else None, sent, position)
    session.flush()


def put_tag(
    session: Session, project: Project, present: Known, tag: Tag | None, sent: dict[str, Any], position: int
) -> int:
    """Make or change a tag as it was sent (`tag_sent`): one attribute for each of its scopes. Its id."""
    for name in sent["classes"]:
        present.class_of(name, f"{sent['at']}.classes")
    wanted = _scopes(project, sent)
    rows: dict[str, Attribute] = {}
    for row in tag.rows if tag is not None else []:
        # The name and the kind of an attribute are fixed, since data holds them.
        if row.scope in wanted and row.scope not in rows and (row.name, row.kind) == (sent["name"], sent["kind"]):
            rows[row.scope] = row
        else:
            ontology.remove_attribute(session, project, row)
    number = tag.id if tag is not None else None
    for scope in wanted:
        classes = (sent["classes"] or None) if scope == "object" else None
        row = rows.get(scope)
        if row is None:
            entry = AttributeInput(sent["name"], sent["kind"], scope=scope, classes=classes, options=sent["values"])
            row = ontology.add_attribute(session, project, entry)
        elif (row.options, row.classes) != (sent["values"], classes):
            ontology.change_attribute(session, project, row, options=sent["values"], classes=classes)
        number = number or row.id
        row.position = position
        kept = dict.fromkeys(KEPT) | sent["kept"]
        keep(row, tag=number, **kept)
    assert number is not None
    return number


def _scopes(project: Project, sent: dict[str, Any]) -> tuple[Any, ...]:
    objects = ("object",) if sent["applicable"] != "imagesOnly" else ()
    if sent["applicable"] == "objectsOnly":
        return objects
    if project.kind == "image":
        return ("item", *objects)
    whole = {"all": ("item", "frame"), "framesOnly": ("frame",), "entitiesOnly": ("item",)}[sent["target"]]
    return (*whole, *objects)


def tags_listed(ask: Ask) -> dict[str, Any]:
    """A project's tags, with every key that the package insists on."""
    project = ask.project()
    rows = []
    for number, tag in enumerate(known(ask.session, project).tags.values()):
        body, at = tag_json(tag, number), wire.moment(tag.first.created_at)
        settings = {"type": body["value_type"], "options": {"autoIncrement": False}, "values": body.get("values", [])}
        rows.append({**body, "projectId": project.id, "settings": settings, "createdAt": at, "updatedAt": at})
    return listing.at_hand(ask, rows, LIST_FIELDS)


def classes_listed(ask: Ask) -> dict[str, Any]:
    """A project's classes, with every key that the package insists on."""
    project = ask.project()
    rows = [class_row(entry) for entry in known(ask.session, project).classes.values()]
    return listing.at_hand(ask, rows, LIST_FIELDS)


def class_row(entry: Class) -> dict[str, Any]:
    """A class as it stands in lists of classes."""
    body, at = class_json(entry), wire.moment(entry.row.created_at)
    available = extra_of(entry.row).get("availableShapes")
    settings = {**body["geometry_config"], **({"availableShapes": available} if available else {})}
    return {**body, "name": entry.name, "projectId": entry.row.project_id, "settings": settings,
            "createdAt": at, "updatedAt": at}  # fmt: skip


METHODS: Methods = {
    "projects.meta": Method(show),
    "projects.meta.update": Method(update, write=True),
    "tags.list": Method(tags_listed),
    "advanced.object_classes.list": Method(classes_listed),
}
