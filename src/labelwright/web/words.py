"""The product's words for what the tables hold: states, roles, shapes, events, as people read them."""

from __future__ import annotations

from typing import Any

ROLES = {
    "owner": ("Owner", "Everything, and who else is owner"),
    "manager": ("Manager", "Projects, people, keys, jobs"),
    "reviewer": ("Reviewer", "Labels, and accepts or returns others' work"),
    "annotator": ("Annotator", "Labels"),
    "viewer": ("Viewer", "Looks, and downloads"),
}
SHAPES = {
    "rectangle": ("Box", "square"),
    "oriented_rectangle": ("Turned box", "rotate-ccw"),
    "polygon": ("Polygon", "pentagon"),
    "polyline": ("Line", "spline"),
    "point": ("Point", "circle-dot"),
    "landmarks": ("Landmarks", "hash"),
    "skeleton": ("Skeleton", "workflow"),
    "cuboid": ("Cuboid", "box"),
    "mask": ("Mask", "brush"),
}
ATTRIBUTE_KINDS = {
    "flag": "Yes or no",
    "text": "Text",
    "number": "Number",
    "one_of": "One of the options",
    "many_of": "Several of the options",
}
SCOPES = {"object": "Objects", "item": "The whole item", "frame": "Each frame"}
JOB_STATES = {
    "active": ("label", "Active"),
    "paused": ("skipped", "Paused"),
    "done": ("accepted", "Done"),
    "archived": ("todo", "Archived"),
}

FILE_ROLES = {"main": "Main file", "frame": "Frame", "reference": "Reference", "mask": "Labels as a mask"}

# Each: the look (a colour of tokens.css) and the words. The keys are also the `state` filter of lists.
TASK_LOOKS = {
    "todo": ("todo", "To do"),
    "labeling": ("label", "Labeling"),
    "returned": ("returned", "Returned"),
    "review": ("review", "To review"),
    "reviewing": ("review", "In review"),
    "skipped": ("skipped", "Skipped"),
    "waiting": ("waiting", "Waiting for media"),
    "done": ("accepted", "Done"),
}
GLYPHS = {
    "task": "list-checks", "item": "image", "items": "images", "document": "pencil", "job": "briefcase", "project": "folder",
    "ontology": "shapes", "workflow": "workflow", "batch": "layers", "comment": "message-square", "webhook": "webhook",
    "export": "download", "import": "upload", "member": "users", "key": "key-round", "workspace": "folder", "version": "package",
}  # fmt: skip


def task_key(task: Any) -> str:
    """Which of `TASK_LOOKS` a task shows."""
    if task.state in ("waiting", "skipped", "done"):
        return str(task.state)
    if task.stage == "review":
        return "reviewing" if task.state == "held" else "review"
    if task.state == "held":
        return "labeling"
    return "returned" if task.returned else "todo"


def task_look(task: Any) -> tuple[str, str]:
    """A task's look and words."""
    return TASK_LOOKS[task_key(task)]
