"""Files that nothing needs any more go, and nothing else does; not even beside somebody who takes in the same content."""

from __future__ import annotations

import io
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import delete, select, update

from labelwright.db import Database, now
from labelwright.errors import Conflict
from labelwright.geometry.document import LabelObject, Polyline
from labelwright.models.items import Item, Media
from labelwright.models.projects import Project
from labelwright.services import documents, items, media, sweep, versions
from labelwright.services.background import Shared
from labelwright.services.documents import Change
from labelwright.services.filing import NewMedia, NewTask
from labelwright.services.media import Ingested
from labelwright.storage import content_key
from tests.background.conftest import World
from tests.support.pictures import picture


@pytest.fixture
def shared(shared: Shared) -> Iterator[Shared]:
    """With a database that keeps large documents in the store, as servers have it."""
    database = Database(shared.database.url, shared.store)
    yield replace(shared, database=database)
    database.close()


def stored(shared: Shared, team_id: int, seed: int) -> Media:
    ingested = media.ingest_upload(shared.store, shared.settings, io.BytesIO(picture(seed=seed)))
    with shared.database.write() as session:
        return media.record(session, team_id, ingested)


def there(shared: Shared, row: Media) -> bool:
    with shared.database.read() as session:
        kept = session.get(Media, row.id) is not None
    return kept and shared.store.exists(content_key(row.sha256))


def age(shared: Shared, days: int = 30) -> None:
    """As if everything had been stored `days` ago."""
    moment = now() - timedelta(days=days)
    with shared.database.write() as session:
        session.execute(update(Media).values(created_at=moment))
    for file in Path(shared.settings.storage_url.removeprefix("file://")).rglob("*"):
        os.utime(file, (moment.timestamp(), moment.timestamp()))


def test_only_what_nothing_needs_goes(world: World) -> None:
    shared, team, project = world.shared, world.cast.alice.team_id, world.projects["image"]
    filed, shown, frozen, idle = (stored(shared, team, seed) for seed in range(4))
    world.file(NewTask("filed", media=[NewMedia(media=filed), NewMedia(media=shown, role="reference")]))
    ids = world.file(NewTask("frozen", media=[NewMedia(media=frozen)]))
    with shared.database.write() as session:
        project = session.get_one(Project, project.id)
        items.accept(session, project, ids)
        versions.freeze(session, world.cast.alice, project, {})
        items.remove(session, project, ids)
    for made in ("small/{}/{}", "tiles/{}/{}", "tiles/{}/{}.json"):
        shared.store.put(made.format(idle.sha256.hex()[:2], idle.sha256.hex()), b"made of it")
    shared.store.put("media/readme", b"put there by somebody")
    assert sweep.run(shared) == sweep.Swept()  # nothing is old enough
    age(shared)
    fresh = stored(shared, team, 9)
    swept = sweep.run(shared)
    assert [there(shared, row) for row in (filed, shown, frozen, fresh, idle)] == [True, True, True, True, False]
    assert swept.media == 1
    assert swept.size > 0
    assert [key for folder in sweep.OF_MEDIA for key in shared.store.keys(folder) if idle.sha256.hex() in key] == []
    assert shared.store.exists("media/readme")
    assert sweep.run(shared) == sweep.Swept()


def test_content_of_another_team_stays(world: World) -> None:
    shared, (alice, other) = world.shared, (world.cast.alice.team_id, world.cast.other_team.id)
    mine = stored(shared, alice, 1)
    with shared.database.write() as session:
        theirs = Media(team_id=other, sha256=mine.sha256, size=mine.size, mime=mine.mime, info=mine.info)
        session.add(theirs)
    world.file(NewTask("filed", media=[NewMedia(media=mine)]))
    age(shared)
    assert sweep.run(shared).media == 1
    assert there(shared, mine)


def test_large_documents_go_with_their_items(world: World) -> None:
    shared = world.shared
    random = Random(1)
    [item_id] = world.image("https://example.org/a.png")
    for number in range(2):
        line = Polyline([round(random.random(), 6) for _ in range(400_000)])
        with shared.database.write() as session:
            item = session.get_one(Item, item_id)
            change = Change(put=[LabelObject(number + 1, "lane", shape=line)])
            documents.save(session, None, item, change, base=number, save_id=uuid.uuid4())
    age(shared)
    assert sweep.run(shared) == sweep.Swept(files=1, size=pytest.approx(0, abs=1 << 30))  # the first head's body
    assert len(world.document(item_id).objects) == 2
    with shared.database.read() as session:
        assert len(documents.read(session, item_id, version=1).document.objects) == 1
    with shared.database.write() as session:
        items.remove(session, world.projects["image"], [item_id])
    sweep.run(shared)
    assert list(shared.store.keys("documents")) == []


def found_again(world: World, seed: int) -> Ingested:
    """What an upload finds whose file lies in the storage, old and named by nobody."""
    shared = world.shared
    row = stored(shared, world.cast.alice.team_id, seed)
    with shared.database.write() as session:
        session.execute(delete(Media).where(Media.id == row.id))
    age(shared)
    return media.ingest_upload(shared.store, shared.settings, io.BytesIO(picture(seed=seed)))


def test_a_file_found_by_an_upload_and_swept_before_its_row_is_told(world: World) -> None:
    shared, team = world.shared, world.cast.alice.team_id
    found = found_again(world, 1)
    assert sweep.run(shared).files > 0
    with pytest.raises(Conflict, match="send it again"), shared.database.write() as session:
        media.record(session, team, found)
    assert there(shared, stored(shared, team, 1))
    found = found_again(world, 2)
    with shared.database.write() as session:
        row = media.record(session, team, found)
    sweep.run(shared)
    assert there(shared, row)


def test_sweeping_beside_an_upload_leaves_no_row_without_its_file(world: World) -> None:
    shared, team = world.shared, world.cast.alice.team_id
    for seed in range(10):
        found = found_again(world, seed)
        sweeper = threading.Thread(target=sweep.run, args=(shared,))
        sweeper.start()
        with suppress(Conflict), shared.database.write() as session:
            media.record(session, team, found)
        sweeper.join()
        with shared.database.read() as session:
            rows = list(session.scalars(select(Media).where(Media.sha256 == found.sha256)))
        assert all(there(shared, row) for row in rows)
