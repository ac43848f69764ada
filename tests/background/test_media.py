"""Items whose files are fetched by the pump: from a URL to a task that opens, or to a reason why not."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select, update

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from labelwright.geometry.document import Document, LabelObject, Rectangle
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.services import (
    media,
    media_pump,
    media_state,
    renditions,
    wake,
)
from labelwright.services.filing import NewMedia, NewTask
from labelwright.storage import Links, content_key
from tests.background.conftest import World
from tests.support.pictures import picture, redirect, site, trickle, video


def test_a_picture_arrives_and_its_task_opens(world: World) -> None:
    body = picture(400, 300, "JPEG")
    with site(photo__jpg=body, moved=redirect("/photo.jpg")) as web:
        boxes = Document([LabelObject(1, "car", shape=Rectangle((0.1, 0.2, 0.3, 0.4)))])
        one, two = world.image(web.url("/photo.jpg"), web.url("/moved"), document=boxes)
        assert (world.item(one).media_state, world.task_state(one)) == ("pending", "waiting")
        world.pump()
    for item_id in (one, two):
        item = world.item(item_id)
        assert (item.media_state, item.width, item.height, item.frames) == ("ready", 400, 300, 1)
        assert world.task_state(item_id) == "open"
        assert world.document(item_id) == boxes
    with world.shared.database.read() as session:
        stored = session.scalars(select(Media)).one()  # the same content twice is one file
    assert (stored.mime, stored.size, stored.sha256) == ("image/jpeg", len(body), hashlib.sha256(body).digest())
    assert world.shared.store.get(content_key(stored.sha256)) == body
    with Image.open(io.BytesIO(world.shared.store.get(renditions.thumb_key(stored.sha256)))) as small:
        assert small.size == (320, 240)
    assert sorted(e.item_id or 0 for e in world.events("item.ready")) == [one, two]


def test_links_to_the_file_its_thumbnail_and_what_a_browser_shows(world: World) -> None:
    links = Links(world.shared.store)
    with site(scan__tif=picture(100, 80, "TIFF"), photo__png=picture()) as web:
        for item_id, shown in zip(
            world.image(web.url("/scan.tif"), web.url("/photo.png")), ("image%2Fwebp", "image%2Fpng"), strict=True
        ):
            world.pump()
            with world.shared.database.read() as session:
                stored = session.get_one(Media, world.rows(item_id)[0].media_id)
            assert f"type={shown}" in media.url_for(links, stored)
            assert "type=image%2Fjpeg" in media.url_for(links, stored, "thumb")
            assert f"/files/media/{stored.sha256.hex()[:2]}/" in media.url_for(links, stored, "original")
            for kind in ("original", "view", "thumb"):
                key = media.url_for(links, stored, kind).split("?")[0].removeprefix("/files/")
                assert world.shared.store.exists(key)


def test_what_cannot_be_had_is_said_and_can_be_tried_again(world: World) -> None:
    with site(gone=404, page=b"<html>sign in</html>", clip__mp4=video(3)) as web:
        ids = world.image(
            web.url("/gone"), web.url("/page"), web.url("/clip.mp4"), "http://10.1.2.3/x.png", "upload:nonsense"
        )
        world.pump()
        reasons = ["answered 404", "web page", "labels pictures", "not a public address", "not an upload"]
        for item_id, reason in zip(ids, reasons, strict=True):
            item = world.item(item_id)
            assert (item.media_state, world.task_state(item_id)) == ("failed", "waiting")
            assert reason in item.media_error
        told = {e.item_id: (e.data or {})["error"] for e in world.events("item.failed")}
        assert sorted(told) == ids
        assert "404" in told[ids[0]]
        web.pages["/gone"] = picture(50, 40)
        with pytest.raises(Forbidden), world.shared.database.write() as session:
            media.retry(session, world.cast.bob, session.get_one(Item, ids[0]))
        with world.shared.database.write() as session:
            assert media.retry(session, world.cast.max, session.get_one(Item, ids[0])) == 1
        assert (world.item(ids[0]).media_state, world.item(ids[0]).media_error) == ("pending", "")
        world.pump()
        assert (world.item(ids[0]).media_state, world.item(ids[0]).width, world.task_state(ids[0])) == (
            "ready",
            50,
            "open",
        )
        with pytest.raises(Conflict), world.shared.database.write() as session:
            media.retry(session, world.cast.max, session.get_one(Item, ids[0]))


def test_passing_failures_are_tried_again_with_growing_waits_and_then_given_up(world: World) -> None:
    with site(flaky=503) as web:
        (item_id,) = world.image(web.url("/flaky"))
        for attempt in range(1, 6):
            started = now()
            world.pump()
            row = world.rows(item_id)[0]
            assert row.attempts == attempt
            assert "503" in row.error
            if attempt < 5:
                assert (row.state, world.item(item_id).media_state) == ("pending", "pending")
                assert row.next_try_at is not None
                wait = row.next_try_at - started
                assert abs(wait - media_state.WAITS[attempt - 1]) < timedelta(seconds=3)
                world.pump()  # not due yet
                assert world.rows(item_id)[0].attempts == attempt
                world.hurry()
        assert (row.state, world.item(item_id).media_state) == ("failed", "failed")
        assert len(web.requests) == 5


def test_a_sequence_is_ready_when_its_last_frame_is(world: World) -> None:
    with site() as web:
        for n in range(5):
            web.pages[f"/{n}"] = picture(60 + n, 40, seed=n)
        web.pages["/3"] = 500
        frames = [NewMedia(web.url(f"/{n}"), role="frame", position=n, frame_id=f"f{n}") for n in range(5)]
        (item_id,) = world.file(NewTask("clip", kind="video", media=frames, frames=5))
        world.pump()
        assert (world.item(item_id).media_state, world.task_state(item_id)) == ("pending", "waiting")
        web.pages["/3"] = picture(63, 40, seed=3)
        world.hurry()
        world.pump()
    item = world.item(item_id)
    assert (item.media_state, item.width, item.height, item.frames) == ("ready", 60, 40, 5)
    assert world.task_state(item_id) == "open"
    with world.shared.database.read() as session:
        widths = session.scalars(select(Media.width).join(ItemMedia).order_by(ItemMedia.position)).all()
    assert widths == [60, 61, 62, 63, 64]


def test_large_frames_have_a_smaller_copy_from_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renditions, "LEAST_PIXELS", 500_000)
    with site(large=picture(1600, 400, "JPEG"), little=picture(60, 40)) as web:
        frames = [NewMedia(web.url(path), role="frame", position=n) for n, path in enumerate(("/large", "/little"))]
        (item_id,) = world.file(NewTask("clip", kind="video", media=frames, frames=2))
        world.pump()
    assert world.item(item_id).media_state == "ready", world.item(item_id).media_error
    links = Links(world.shared.store)
    with world.shared.database.read() as session:
        large, little = session.scalars(select(Media).join(ItemMedia).order_by(ItemMedia.position)).all()
        assert renditions.url_for(links, little) is None
        assert (renditions.url_for(links, large) or "").startswith(f"/files/{renditions.key(large.sha256)}?")
    with Image.open(io.BytesIO(world.shared.store.get(renditions.key(large.sha256)))) as small:
        assert small.size == (1280, 320)


def test_a_failed_frame_is_named(world: World) -> None:
    with site(a=picture(), b=404) as web:
        frames = [NewMedia(web.url(f"/{p}"), role="frame", position=n, frame_id=f"cam-{p}") for n, p in enumerate("ab")]
        (item_id,) = world.file(NewTask("clip", kind="video", media=frames, frames=2))
        world.pump()
    assert world.item(item_id).media_state == "failed"
    assert "Frame cam-b" in world.item(item_id).media_error


def upload(world: World, body: bytes, actor: str = "alice") -> Media:
    with world.shared.database.write() as session:
        return media.store_upload(
            session, getattr(world.cast, actor), world.shared.store, world.shared.settings, io.BytesIO(body),
            team_id=world.cast.team.id,
        )  # fmt: skip


def test_uploads_are_kept_once_and_need_no_fetch(world: World) -> None:
    body = picture(30, 20)
    stored, again = upload(world, body), upload(world, body, "max")
    assert stored.id == again.id
    assert (stored.width, stored.height, stored.mime) == (30, 20, "image/png")
    (item_id,) = world.image(media.upload_url(stored))
    world.pump()
    assert (world.item(item_id).media_state, world.item(item_id).width) == ("ready", 30)
    with pytest.raises(Forbidden):
        upload(world, body, "vera")
    with pytest.raises(NotFound):
        upload(world, body, "charlie")
    for bad, error in ((b"", Invalid), (b"text", Invalid), (b"x" * 2_000_001, TooLarge)):
        with pytest.raises(error):
            upload(world, bad)
    with world.shared.database.read() as session:
        assert media.resolve_upload(session, world.cast.team.id, media.upload_url(stored)).id == stored.id
        with pytest.raises(NotFound):
            media.resolve_upload(session, world.cast.other_team.id, media.upload_url(stored))
        assert session.scalar(select(func.count()).select_from(Media)) == 1


def test_two_pumps_share_the_rows(world: World) -> None:
    """Each URL is asked for once, although two pumps run at the same time."""
    with site() as web:
        for n in range(40):
            web.pages[f"/{n}"] = picture(20, 20, seed=n)
        ids = world.image(*[web.url(f"/{n}") for n in range(40)])
        threads = [threading.Thread(target=world.pump) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [world.item(i).media_state for i in ids] == ["ready"] * 40
        assert len(web.requests) == 40
        assert len(world.events("item.ready")) == 40


def test_the_last_two_frames_of_an_item_written_at_the_same_time(world: World) -> None:
    """Both writers must not each take the other for the last: somebody has to see that the item is complete."""
    with site() as web:
        for n in range(2):
            web.pages[f"/{n}"] = picture(seed=n)
        for _ in range(8):
            files = [NewMedia(web.url(f"/{n}"), role="frame", position=n, frame_id=str(n)) for n in range(2)]
            (item_id,) = world.file(NewTask("clip", kind="video", media=files, frames=2))
            works = media_pump.claim(world.shared.database, 10)
            assert len(works) == 2
            outcomes = [media_pump.process(world.shared, work) for work in works]
            barrier = threading.Barrier(2)

            def write(outcome: Any, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                media_pump.settle(world.shared.database, outcome)

            threads = [threading.Thread(target=write, args=(o,)) for o in outcomes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert world.item(item_id).media_state == "ready"


def test_a_claim_that_runs_out_is_taken_by_another(world: World) -> None:
    with site(photo__png=picture()) as web:
        (item_id,) = world.image(web.url("/photo.png"))
        assert len(media_pump.claim(world.shared.database, 5)) == 1  # and the process that claimed it dies here
        assert media_pump.claim(world.shared.database, 5) == []
        world.pump()
        assert world.item(item_id).media_state == "pending"
        with world.shared.database.write() as session:
            session.execute(update(ItemMedia).values(next_try_at=now()))
        world.pump()
        assert world.item(item_id).media_state == "ready"
        assert world.rows(item_id)[0].attempts == 2


def test_a_file_that_kills_its_process_each_time_is_given_up(world: World) -> None:
    with site(photo__png=picture()) as web:
        (item_id,) = world.image(web.url("/photo.png"))
        with world.shared.database.write() as session:
            session.execute(update(ItemMedia).values(attempts=media_pump.MOST_CLAIMS))
        world.pump()
        assert web.requests == []
    assert (world.item(item_id).media_state, world.rows(item_id)[0].state) == ("failed", "failed")


def test_stopping_gives_a_fetch_back(world: World) -> None:
    with site(slow=trickle, silent=lambda _h: threading.Event().wait(3)) as web:
        ids = world.image(web.url("/slow"), web.url("/silent"))
        thread = threading.Thread(target=world.pump)
        thread.start()
        while len(web.requests) < 2:
            threading.Event().wait(0.02)
        world.shared.stopping.set()
        world.shared.fetcher.interrupt()
        thread.join(3)
        assert not thread.is_alive()
    for item_id in ids:
        row = world.rows(item_id)[0]
        assert (row.state, row.attempts, row.error) == ("pending", 0, "")
        assert row.next_try_at is not None
        assert row.next_try_at <= now()


def test_a_blocked_item_stays_blocked(world: World) -> None:
    with site(photo__png=picture()) as web:
        new = NewTask("lidar", media=[NewMedia(web.url("/photo.png"))], blocked="LiDAR cannot be labeled yet.")
        (item_id,) = world.file(new)
        world.pump()
    assert (world.item(item_id).media_state, world.item(item_id).media_error) == (
        "failed",
        "LiDAR cannot be labeled yet.",
    )
    assert world.task_state(item_id) == "waiting"


def test_a_deleted_item_is_no_trouble(world: World) -> None:
    with site(photo__png=picture()) as web:
        keep, gone = world.image(web.url("/photo.png"), web.url("/photo.png"))
        works = media_pump.claim(world.shared.database, 5)
        outcomes = [o for work in works for o in media_pump.process(world.shared, work)]
        with world.shared.database.write() as session:
            session.delete(session.get_one(Item, gone))
        media_pump.settle(world.shared.database, outcomes)
    assert world.item(keep).media_state == "ready"


def test_filing_wakes_the_pump_of_this_process(world: World) -> None:
    waker = wake.listen("media")
    world.image("http://127.0.0.1:1/x")
    assert waker.is_set()
    waker.clear()
    with pytest.raises(RuntimeError), world.shared.database.write() as session:
        wake.call(session, "media")
        session.execute(select(1))
        raise RuntimeError
    assert not waker.is_set()
