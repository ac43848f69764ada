"""A demo workspace: real photographs with labels that a model might have drawn, waiting for people to correct them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import Database
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.identity import Membership, User, Workspace
from labelwright.models.items import Media
from labelwright.models.projects import Project
from labelwright.services import (
    access,
    batches,
    filing,
    identity,
    jobs,
    ontology,
    projects,
    splits,
    versions,
    workflows,
    workspaces,
)
from labelwright.services import media as stored
from labelwright.services.filing import NewMedia, NewTask
from labelwright.services.ontology import AttributeInput
from labelwright.settings import Settings
from labelwright.storage import open_store

FOLDER = Path(__file__).parent
OWNER = "owner@demo.example"
OTHERS = {"annotator@demo.example": "annotator", "reviewer@demo.example": "reviewer"}
FRAMES = 12
SETTINGS = {"review_own": True}  # one visitor can walk the whole way
SPACECRAFT = [{"name": "model", "kind": "flag"}]

PHOTOGRAPHS: list[dict[str, Any]] = [
    {"name": "person", "display_name": "Person", "shapes": ["rectangle", "polygon"], "hotkey": "p", "attributes": [
        {"name": "looks", "kind": "one_of", "options": ["at the camera", "away"], "required": True}]},
    {"name": "face", "display_name": "Face", "shapes": ["rectangle"], "hotkey": "f"},
    {"name": "face points", "display_name": "Face points", "shapes": ["landmarks"]},
    {"name": "helmet", "display_name": "Helmet", "shapes": ["polygon"]},
    {"name": "flag", "display_name": "Flag", "shapes": ["polygon"]},
    {"name": "patch", "display_name": "Patch", "shapes": ["polygon", "oriented_rectangle"]},
    {"name": "spacecraft", "display_name": "Spacecraft", "shapes": ["rectangle", "polygon"], "attributes": SPACECRAFT},
    {"name": "tower", "display_name": "Tower", "shapes": ["polygon"]},
    {"name": "mast", "display_name": "Mast", "shapes": ["polyline"]},
    {"name": "lamp", "display_name": "Lamp", "shapes": ["point"]},
    {"name": "cat", "display_name": "Cat", "shapes": ["rectangle", "polygon"], "hotkey": "c"},
    {"name": "eye", "display_name": "Eye", "shapes": ["polygon"]},
    {"name": "nose", "display_name": "Nose", "shapes": ["polygon"]},
    {"name": "ear", "display_name": "Ear", "shapes": ["polygon"]},
    {"name": "cup", "display_name": "Cup", "shapes": ["rectangle", "polygon"]},
    {"name": "saucer", "display_name": "Saucer", "shapes": ["rectangle", "polygon"]},
    {"name": "spoon", "display_name": "Spoon", "shapes": ["polygon", "polyline"]},
    {"name": "camera", "display_name": "Camera", "shapes": ["rectangle"]},
    {"name": "tripod", "display_name": "Tripod", "shapes": ["polyline"]},
    {"name": "building", "display_name": "Building", "shapes": ["rectangle", "cuboid"]},
]  # fmt: skip
SCIENCE: list[dict[str, Any]] = [
    {"name": "coin", "display_name": "Coin", "shapes": ["polygon"], "attributes": [
        {"name": "condition", "kind": "one_of", "options": ["good", "worn", "broken"]}]},
    {"name": "galaxy", "display_name": "Galaxy", "shapes": ["rectangle"]},
    {"name": "optic disc", "display_name": "Optic disc", "shapes": ["polygon"]},
    {"name": "macula", "display_name": "Macula", "shapes": ["polygon"]},
    {"name": "vessel", "display_name": "Vessel", "shapes": ["polyline"]},
]  # fmt: skip
SEGMENTS: list[dict[str, Any]] = [
    {"name": name, "display_name": name.capitalize(), "shapes": ["mask", "polygon"]}
    for name in ("table", "saucer", "cup", "coffee", "spoon")
]
FIRST_VERSION: dict[str, Any] = {
    "preprocessing": {"auto-orient": True, "resize": {"width": 320, "height": 320, "format": "Fit (black edges) in"}},
    "augmentation": {"flip": {"horizontal": True}, "brightness": {"percent": 15}, "image": {"versions": 3}},
}
LAUNCH: list[dict[str, Any]] = [
    {"name": "spacecraft", "display_name": "Spacecraft", "shapes": ["rectangle"]},
    {"name": "mast", "display_name": "Mast", "shapes": ["polyline"]},
    {"name": "lamp", "display_name": "Lamp", "shapes": ["point"]},
    {"name": "service arm", "display_name": "Service arm", "shapes": ["polygon"]},
]


@dataclass(frozen=True)
class DemoProject:
    """A project of the demo: its classes, and its tasks as (name of the labels, photographs)."""

    name: str
    kind: str
    instructions: str
    classes: list[dict[str, Any]]
    tasks: dict[str, list[str]]
    settings: dict[str, Any]
    dataset: dict[str, Any] | None = None
    """Settings of a first version of its dataset."""


PROJECTS = (
    DemoProject(
        "Photographs", "image",
        "Correct the boxes and outlines a model has drawn. Every person needs *looks*; outlines should sit on the edge.",
        PHOTOGRAPHS, {n: [n] for n in ("astronaut", "camera", "chelsea", "coffee", "rocket")}, SETTINGS, FIRST_VERSION,
    ),
    DemoProject(
        "Science", "image", "Coins, galaxies and a retina: check that nothing is missing and nothing stands twice.",
        SCIENCE, {n: [n] for n in ("coins", "hubble_deep_field", "retina")}, SETTINGS,
    ),
    DemoProject(
        "Coffee, pixel by pixel", "image", "Every pixel belongs to exactly one class.",
        SEGMENTS, {"segments": ["coffee"]}, SETTINGS | {"semantic": True},
    ),
    DemoProject(
        "Launch pad", "video", "Follow each object through the frames; it ends where it leaves the picture.",
        LAUNCH, {"launch": [f"launch-{n:02}" for n in range(FRAMES)]}, SETTINGS,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class SignIn:
    """What `load` answers: how to get in. `people`: further sign-ins with the same password, and their roles."""

    email: str
    password: str
    api_key: str
    workspace: str
    people: dict[str, str]


def load(settings: Settings) -> dict[str, Any]:
    """Make the demo workspace in a migrated database, unless it is there; how to sign in.

    The sign-in is kept in `demo.json` in the data folder, readable by its owner only."""
    note = settings.data / "demo.json"
    database = Database(settings.database_url, open_store(settings))
    try:
        with database.read() as session:
            there = session.scalar(select(User.id).where(User.email == OWNER)) is not None
        if there and note.is_file():
            return json.loads(note.read_text())
        with database.write() as session:
            sign_in = _new_sign_in(session) if there else _make(session, settings)
            _keep(note, asdict(sign_in))
    finally:
        database.close()
    return asdict(sign_in)


def _make(session: Session, settings: Settings) -> SignIn:
    """The team, its people, the projects and their tasks."""
    made = workspaces.first_set_up(session, OWNER, "Demo", "Demo")
    for email, role in OTHERS.items():
        user, _ = identity.create_user(session, email, made.password)
        identity.set_role(session, made.team.id, user, role)
    actor = identity.actor_of(session, made.user)
    labels = msgspec.json.decode((FOLDER / "labels.json").read_bytes(), type=dict[str, list[LabelObject]])
    for entry in PROJECTS:
        _make_project(session, settings, actor, made.workspace, entry, labels)
    return SignIn(OWNER, made.password, made.api_key, made.workspace.slug, OTHERS)


def _make_project(
    session: Session, settings: Settings, actor: access.Actor, workspace: Workspace, entry: DemoProject,
    labels: dict[str, list[LabelObject]],
) -> None:  # fmt: skip
    project = projects.create(
        session, actor, workspace, entry.name, entry.kind, ontology.parse_classes(entry.classes),
        description="Demo", instructions=entry.instructions, settings=entry.settings,
    )  # fmt: skip
    if entry.kind == "image":
        light = AttributeInput(name="light", kind="one_of", scope="item", options=["day", "night", "studio"])
        ontology.add_attribute(session, project, light)
    batch = batches.default_of(session, project)
    workflow = workflows.default_of(session, project.id)
    job = jobs.create(session, actor, project, f"Correct: {entry.name}", workflow=workflow, batch=batch,
                      instructions=entry.instructions)  # fmt: skip
    new = [_task(session, settings, project, name, photos, labels[name]) for name, photos in entry.tasks.items()]
    filing.file_tasks(session, actor, project, batch, job, ontology.compiled(session, project),
                      workflows.steps_of(workflow), new, origin="demo")  # fmt: skip
    if entry.dataset is not None:
        splits.add(session, actor, project, "all")
        splits.assign(session, actor, project, {"train": 60, "valid": 20, "test": 20})
        versions.freeze(session, actor, project, entry.dataset, "As the model drew them")


def _task(
    session: Session, settings: Settings, project: Project, name: str, photos: list[str], objects: list[LabelObject]
) -> NewTask:
    """A task on one photograph, or on a sequence of them."""
    video = project.kind == "video"
    media = [
        NewMedia(media=_stored(session, settings, project.team_id, photo), role="frame" if video else "main", position=n,
                 frame_id=photo if video else None)
        for n, photo in enumerate(photos)
    ]  # fmt: skip
    return NewTask(
        name=name.replace("_", " "), kind=project.kind, reference_id=f"demo-{name}", media=media,
        document=Document(objects=objects), frames=len(photos),
    )  # fmt: skip


def _stored(session: Session, settings: Settings, team_id: int, photo: str) -> Media:
    """The photograph in storage, once for each team."""
    with (FOLDER / "photos" / f"{photo}.jpg").open("rb") as file:
        taken = stored.ingest_upload(session.info["store"], settings, file)
    return stored.record(session, team_id, taken)


def _new_sign_in(session: Session) -> SignIn:
    """A new password and key for a demo whose note was lost."""
    user = session.scalars(select(User).where(User.email == OWNER)).one()
    team_id = session.scalars(select(Membership.team_id).where(Membership.user_id == user.id)).one()
    password = identity.generate_password()
    for person in session.scalars(select(User).where(User.email.in_([OWNER, *OTHERS]))):
        identity.set_password(session, person, password)
    _, token = identity.create_key(session, user, team_id, "Demo")
    slug = session.scalars(select(Workspace.slug).where(Workspace.team_id == team_id).order_by(Workspace.id)).first()
    return SignIn(OWNER, password, token, slug or "", OTHERS)


def _keep(note: Path, value: dict[str, Any]) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=1)
