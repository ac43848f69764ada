"""Exports: a project's labels as one file, chosen by batch, job and stage; videos frame by frame."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from labelwright.db import Database, now
from labelwright.errors import Conflict, Invalid, NotFound
from labelwright.geometry.document import Keyframe, LabelObject, Polyline, Rectangle
from labelwright.media.fetch import Fetcher
from labelwright.models.background import BackgroundTask
from labelwright.models.events import Event
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Task
from labelwright.services import documents, exports, samples
from labelwright.services.access import Actor
from labelwright.services.background import Shared
from labelwright.services.documents import Change
from labelwright.services.samples import Filters
from labelwright.settings import Settings
from labelwright.storage import open_store
from tests.support.desk import Desk, make_desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """A project with a labeled picture in a job, one in a batch within a batch, and one without a size."""
    desk = make_desk(database)
    desk.save(Change([LabelObject(1, "car", Rectangle((0.1, 0.2, 0.3, 0.4)))], attributes=None), 0)
    with database.write() as session:
        outer = Batch(project_id=desk.project_id, name="day/one")
        session.add(outer)
        session.flush()
        inner = Batch(project_id=desk.project_id, name="rain", parent_id=outer.id)
        session.add(inner)
        session.flush()
        for name, width, state in (("b.png", 200, "ready"), ("c.png", None, "pending")):
            session.add(Item(project_id=desk.project_id, batch_id=inner.id, kind="image", name=name, width=width,
                             height=width, media_state=state))  # fmt: skip
    return desk


@pytest.fixture
def shared(desk: Desk, tmp_path: Path) -> Shared:
    settings = Settings(data=tmp_path, database_url=desk.database.url, storage_url=f"file://{tmp_path}/store")
    return Shared(settings, desk.database, open_store(settings), Fetcher(settings))


@pytest.fixture
def export(desk: Desk, shared: Shared) -> Callable[..., tuple[dict[str, Any], BackgroundTask]]:
    """Start an export, let it run, and read the file."""

    def run(**filters: Any) -> tuple[dict[str, Any], BackgroundTask]:
        with desk.database.write() as session:
            project = session.get_one(Project, desk.project_id)
            row = exports.start(session, desk.manager, project, "coco", Filters(**filters))
        exports.run(shared, row.id)
        exports.run(shared, row.id)  # a task taken up twice
        with desk.database.read() as session:
            file = exports.file_of(session, desk.manager, row.uid)
            return json.loads(shared.store.get(file.key)), session.get_one(BackgroundTask, row.id)

    return run


def names(body: dict[str, Any]) -> list[str]:
    return [image["file_name"] for image in body["images"]]


def by_name(desk: Desk, table: Any, name: str) -> Any:
    with desk.database.read() as session:
        return session.scalars(select(table).where(table.name == name)).one()


def test_the_whole_project(desk: Desk, export: Any) -> None:
    body, row = export()
    assert names(body) == ["a.png", "day_one/rain/b.png"]
    assert [a["bbox"] for a in body["annotations"]] == [[10, 20, 20, 20]]
    assert [c["name"] for c in body["categories"]] == ["car", "person"]
    assert (row.state, row.total) == ("done", 3)
    assert row.result is not None
    assert {k: row.result[k] for k in ("images", "objects", "left_out", "without_size")} == {
        "images": 2, "objects": 1, "left_out": {}, "without_size": {"pending": 1},
    }  # fmt: skip
    with desk.database.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "export.finished"))
        assert event.data is not None
        assert event.data["task"] == str(row.uid)
        file = exports.file_of(session, desk.annotator, row.uid)
    assert file.name.startswith("cars-coco-")
    assert file.name.endswith(".json")


def test_filters(desk: Desk, export: Any) -> None:
    outer = by_name(desk, Batch, "day/one").id
    assert names(export(batch=outer)[0]) == ["day_one/rain/b.png"]
    assert names(export(labeled=True)[0]) == ["a.png"]
    with desk.database.read() as session:
        job = session.get_one(Task, desk.task_id).job_id
    assert names(export(job=job)[0]) == ["a.png"]
    assert names(export(stage="end")[0]) == []
    with desk.database.write() as session:
        session.execute(update(Task).values(stage="end", state="done"))
    assert names(export(stage="end", job=job)[0]) == ["a.png"]


def test_what_cannot_be_asked(desk: Desk) -> None:
    with desk.database.write() as session:
        project = session.get_one(Project, desk.project_id)
        for format_name, filters, error in (
            ("word", {}, Invalid),
            ("coco", {"stage": "over"}, Invalid),
            ("coco", {"batch": 999}, NotFound),
            ("coco", {"job": 999}, NotFound),
        ):
            with pytest.raises(error):
                exports.start(session, desk.manager, project, format_name, Filters(**filters))
        with pytest.raises(NotFound):
            exports.start(session, Actor(9, "", "", {999: "owner"}), project, "coco")


def test_only_finished_exports_have_a_file_and_only_the_team_gets_it(desk: Desk, shared: Shared, export: Any) -> None:
    _, row = export()
    stranger = Actor(9, "", "", {999: "owner"})
    with desk.database.write() as session:
        with pytest.raises(NotFound):
            exports.file_of(session, stranger, row.uid)
        fresh = exports.start(session, desk.manager, session.get_one(Project, desk.project_id), "coco")
        with pytest.raises(Conflict):
            exports.file_of(session, desk.manager, fresh.uid)
    with desk.database.write() as session:
        session.execute(
            update(BackgroundTask).where(BackgroundTask.id == row.id).values(finished_at=now() - timedelta(days=40))
        )
    assert exports.forget(shared) == 1
    assert list(shared.store.keys("exports")) == []
    with desk.database.read() as session, pytest.raises(NotFound):
        exports.file_of(session, desk.manager, row.uid)


def test_videos_frame_by_frame(desk: Desk) -> None:
    track = LabelObject(
        5, "car", attributes={"color": "red"},
        keyframes=[Keyframe(0, Rectangle((0, 0, 0.2, 0.2))), Keyframe(2, Rectangle((0.4, 0.4, 0.6, 0.6))), Keyframe(3, outside=True)],
    )  # fmt: skip
    line = LabelObject(6, "car", keyframes=[Keyframe(1, Polyline([0, 0, 1, 1]))])
    with desk.database.write() as session:
        first = session.scalars(select(Batch).where(Batch.is_default)).one()
        project = session.get_one(Project, desk.project_id)
        sequence = Item(
            project_id=project.id,
            batch_id=first.id,
            kind="video",
            name="seq",
            frames=4,
            width=100,
            height=100,
            media_state="ready",
        )
        film = Item(
            project_id=project.id,
            batch_id=first.id,
            kind="video",
            name="film.mp4",
            frames=2,
            width=50,
            height=50,
            media_state="ready",
        )
        session.add_all([sequence, film])
        session.flush()
        for number in range(4):
            media = Media(
                team_id=project.team_id,
                sha256=bytes([number]) * 32,
                size=1,
                mime="image/png",
                width=100 + number,
                height=100,
            )
            session.add(media)
            session.flush()
            session.add(
                ItemMedia(
                    item_id=sequence.id,
                    role="frame",
                    position=number,
                    frame_id=f"f{number}.png",
                    media_id=media.id,
                    state="ready",
                )
            )
        documents.save(session, desk.manager, sequence, Change([track, line]), base=0)
    file = io.BytesIO()
    report = exports.write(desk.database, desk.project_id, "coco", Filters(), file)
    body = json.loads(file.getvalue())
    assert names(body)[2:] == [
        "seq/f0.png",
        "seq/f1.png",
        "seq/f2.png",
        "seq/f3.png",
        "film.mp4/000000",
        "film.mp4/000001",
    ]
    assert [i["width"] for i in body["images"][2:6]] == [100, 101, 102, 103]
    boxes = [(a["image_id"], a["track_id"], a["bbox"]) for a in body["annotations"][1:]]
    assert boxes == [(3, 5, [0, 0, 20, 20]), (4, 5, [20.2, 20, 20.2, 20]), (5, 5, [40.8, 40, 20.4, 20])]
    assert body["annotations"][1]["attributes"] == {"color": "red"}
    assert report["left_out"] == {"polyline": 3}


def test_many_items_come_once_each_and_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "CHUNK", 2)
    with desk.database.write() as session:
        first = session.scalars(select(Batch).where(Batch.is_default)).one()
        session.add_all(
            Item(
                project_id=desk.project_id,
                batch_id=first.id,
                kind="image",
                name=f"{n}.png",
                width=10,
                height=10,
                media_state="ready",
            )
            for n in range(7)
        )
    found = samples.stream(desk.database, desk.project_id, Filters(), samples.Passed())
    assert [s.name for s in found] == ["a.png", "day_one/rain/b.png", *(f"{n}.png" for n in range(7))]
