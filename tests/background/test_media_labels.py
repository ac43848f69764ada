"""Files that bear on labels: masks that become them, videos whose length they must keep to."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from labelwright.errors import NotFound
from labelwright.geometry import masks
from labelwright.geometry.document import Document, Keyframe, LabelObject, Mask, Rectangle
from labelwright.models.items import Item, Media
from labelwright.services import (
    documents,
    media,
)
from labelwright.services.documents import Change
from labelwright.services.filing import NewMedia, NewTask
from tests.background.conftest import World
from tests.support.pictures import Site, picture, site, video


def test_labels_past_a_videos_real_end_are_said_when_it_is_known(world: World) -> None:
    def reaching(frame: int) -> Document:
        box = Rectangle((0.1, 0.2, 0.3, 0.4))
        return Document([LabelObject(1, "car", keyframes=[Keyframe(0, box), Keyframe(frame, box)])])

    with site(clip__mp4=video(12)) as web:
        clip = [NewMedia(web.url("/clip.mp4"))]
        inside, past = world.file(*[
            NewTask(f"to {frame}", kind="video", media=clip, document=reaching(frame)) for frame in (11, 12)
        ])  # fmt: skip
        world.pump()
        assert (world.item(inside).media_state, world.item(inside).frames) == ("ready", 12)
        failed = world.item(past)
        assert (failed.media_state, world.task_state(past)) == ("failed", "waiting")
        assert "reach frame 12, but the video has 12 frames, 0 to 11" in failed.media_error
        assert world.document(past) == reaching(12)
        # A manager corrects the labels, and tries again.
        with world.shared.database.write() as session:
            item = session.get_one(Item, past)
            change = Change(put=reaching(11).objects)
            documents.save(session, world.cast.max, item, change, base=documents.read(session, past).version)
            media.retry(session, world.cast.max, item)
        world.pump()
        assert (world.item(past).media_state, world.task_state(past)) == ("ready", "open")


def test_a_video_file_is_measured_and_its_frames_can_be_cut(world: World) -> None:
    with site(clip__mp4=video(7, 64, 48, "libx264")) as web:
        (item_id,) = world.file(NewTask("clip", kind="video", media=[NewMedia(web.url("/clip.mp4"))]))
        world.pump()
    item = world.item(item_id)
    assert (item.media_state, item.width, item.height, item.frames) == ("ready", 64, 48, 7)
    with world.shared.database.read() as session:
        stored = session.scalars(select(Media)).one()
    assert media.frame_index(world.shared.store, stored).times == pytest.approx([n / 25 for n in range(7)], abs=0.002)
    image = media.frame(world.shared.store, stored, 6)
    assert float(np.asarray(image.convert("L")).mean()) == pytest.approx(130, abs=6)
    with pytest.raises(NotFound):
        media.frame(world.shared.store, stored, 7)


LEGEND = {
    "#ff0000": {"class": "road", "group": None, "name": "road"},
    "#00ff00": {"class": "road", "group": 2, "name": "road # 2"},
}


def raster(width: int = 40, height: int = 30, extra: tuple[int, int, int] | None = None) -> tuple[bytes, Any]:
    labels = np.zeros((height, width), np.uint8)
    labels[5:10, 3:20] = 1
    labels[12:20, 8:9] = 2
    pixels = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 255, 0, 255]], np.uint8)[labels]
    if extra:
        pixels[0, :4] = (*extra, 255)
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    return out.getvalue(), labels


def masked(web: Site, mask: str = "/mask.png", legend: Any = None) -> NewTask:
    files = [NewMedia(web.url("/photo.png")), NewMedia(web.url(mask), role="mask", extra={"legend": legend or LEGEND})]
    return NewTask("segmented", media=files)


def test_a_mask_becomes_labels_before_the_task_opens(world: World) -> None:
    body, labels = raster()
    with site(photo__png=picture(), mask__png=body) as web:
        (item_id,) = world.file(masked(web))
        world.pump()
    assert (world.item(item_id).media_state, world.task_state(item_id)) == ("ready", "open")
    first, second = world.document(item_id).objects
    assert (first.id, first.class_name, first.group, first.source) == (1, "road", None, "import")
    assert (second.id, second.class_name, second.group) == (2, "road", 2)
    for found, value in ((first, 1), (second, 2)):
        assert isinstance(found.shape, Mask)
        assert np.array_equal(masks.to_array(found.shape), labels == value)
    with world.shared.database.read() as session:
        assert documents.read(session, item_id).version == 1


@pytest.mark.parametrize(
    ("size", "extra", "legend", "reason"),
    [((41, 30), None, None, "41 x 30"), ((40, 30), (1, 2, 3), None, "#010203 (4 pixels)"),
     ((40, 30), None, {"#ff0000": {"class": "nothing", "group": None}, "#00ff00": {"class": "road", "group": 1}}, "do not fit"),
     ((40, 30), None, {"#ff0000": {"class": "car", "group": None}}, "#00ff00")],
)  # fmt: skip
def test_a_mask_that_does_not_fit_is_refused_and_can_be_mended(
    world: World, size: tuple[int, int], extra: Any, legend: Any, reason: str
) -> None:
    with site(photo__png=picture(), mask__png=raster(*size, extra)[0]) as web:
        (item_id,) = world.file(masked(web, legend=legend))
        world.pump()
        item = world.item(item_id)
        assert (item.media_state, world.task_state(item_id)) == ("failed", "waiting")
        assert "The mask" in item.media_error
        assert reason in item.media_error
        assert world.document(item_id) == Document()
        if legend is None:
            web.pages["/mask.png"] = raster()[0]
            with world.shared.database.write() as session:
                media.retry(session, world.cast.alice, session.get_one(Item, item_id))
            world.pump()
            assert (world.item(item_id).media_state, len(world.document(item_id).objects)) == ("ready", 2)


def test_a_mask_waits_for_a_picture_that_failed(world: World) -> None:
    with site(photo__png=404, mask__png=raster()[0]) as web:
        (item_id,) = world.file(masked(web))
        world.pump()
        assert world.item(item_id).media_state == "failed"
        assert [r.state for r in world.rows(item_id)] == ["failed", "pending"]
        web.pages["/photo.png"] = picture()
        with world.shared.database.write() as session:
            media.retry(session, world.cast.alice, session.get_one(Item, item_id))
        world.pump()
        assert (world.item(item_id).media_state, len(world.document(item_id).objects)) == ("ready", 2)


def test_masks_of_frames_become_tracks(world: World) -> None:
    body, _ = raster()
    with site(mask=body) as web:
        for n in range(4):
            web.pages[f"/{n}"] = picture(seed=n)
        files = [NewMedia(web.url(f"/{n}"), role="frame", position=n, frame_id=str(n)) for n in range(4)]
        files += [NewMedia(web.url("/mask"), role="mask", position=n, extra={"legend": LEGEND}) for n in (0, 1, 3)]
        (item_id,) = world.file(NewTask("clip", kind="video", media=files, frames=4))
        world.pump()
    assert world.item(item_id).media_state == "ready"
    objects = world.document(item_id).objects
    assert [(o.class_name, o.group) for o in objects] == [("road", None), ("road", 2)]
    for found in objects:
        assert [(k.frame, k.outside, k.shape is None) for k in found.keyframes or ()] == [
            (0, False, False), (1, False, False), (2, True, True), (3, False, False)]  # fmt: skip
