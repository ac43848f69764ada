"""The demo workspace: whole, once, and open to the sign-in that is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from labelwright import demo, settings
from labelwright.db import Database
from labelwright.models.documents import DocumentHead
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.models.work import Task
from labelwright.services import documents, identity
from labelwright.storage import open_store


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> settings.Settings:
    return settings.load({}, data=tmp_path / "data", database_url=database_url)


def test_the_demo_is_filed_once_and_its_sign_in_works(place: settings.Settings) -> None:
    first = demo.load(place)
    assert demo.load(place) == first
    store = open_store(place)
    database = Database(place.database_url, store)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 4
        tasks = session.scalars(select(Task)).all()
        assert len(tasks) == 10
        assert {task.state for task in tasks} == {"open"}
        shapes = {
            shape
            for item in session.scalars(select(Item))
            for o in documents.read(session, item.id).document.objects
            for shape in [o.shape.__struct_config__.tag if o.shape else "track"]
        }
        assert {
            "rectangle",
            "polygon",
            "polyline",
            "point",
            "landmarks",
            "cuboid",
            "mask",
            "oriented_rectangle",
            "track",
        } == shapes
        assert session.scalar(select(func.sum(DocumentHead.objects))) > 100
        assert identity.authenticate(session, first["email"], first["password"])
        for email in first["people"]:
            assert identity.authenticate(session, email, first["password"])
        assert identity.by_key(session, first["api_key"]).email == first["email"]
        version = session.scalars(select(DatasetVersion)).one()
        assert (version.images, version.splits) == (11, {"train": 9, "valid": 1, "test": 1})
        video = session.scalars(select(Item).where(Item.kind == "video")).one()
        assert (video.frames, video.width, video.height) == (12, 320, 240)
    assert (place.data / "demo.json").stat().st_mode & 0o077 == 0
    database.close()


def test_a_lost_note_gives_a_new_sign_in(place: settings.Settings) -> None:
    first = demo.load(place)
    (place.data / "demo.json").unlink()
    second = demo.load(place)
    assert second["password"] != first["password"]
    database = Database(place.database_url)
    with database.read() as session:
        assert identity.authenticate(session, second["email"], second["password"])
        assert session.scalar(select(func.count()).select_from(Project)) == 4
    database.close()


def test_every_photograph_is_credited() -> None:
    credits = (demo.FOLDER / "CREDITS.md").read_text()
    for file in (demo.FOLDER / "photos").iterdir():
        assert f"`{file.name}`" in credits or file.name.startswith("launch-")
