"""Thumbnails of uploads are made when the first viewer asks."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelwright.media import thumbs
from tests.api.conftest import Floor, Person
from tests.support import pictures


@pytest.fixture
def base(owner: Person) -> str:
    body = {"name": "Streets", "classes": [{"name": "car"}]}
    return f"/api/v1/projects/{owner.api.post('/api/v1/projects', json=body).json()['uid']}"


def uploaded(owner: Person, base: str, body: bytes) -> tuple[int, Any]:
    """The status, and the item as lists show it."""
    status = owner.api.post(f"{base}/items/upload", files=[("file", ("a", body))]).status_code
    return status, next(iter(owner.api.get(f"{base}/items").json()["results"]), None)


def key_of(address: str) -> str:
    return address.split("?", maxsplit=1)[0].partition("/files/")[2]


def broken() -> bytes:
    """A PNG whose parts and checksums are right and whose pixels are not."""
    return pictures.png(40, 30, 2, (b"IDAT", b"\xaa" * 200))


def test_the_first_viewers_get_one_thumbnail(floor: Floor, owner: Person, base: str) -> None:
    status, item = uploaded(owner, base, pictures.picture(640, 480, "JPEG"))
    assert status == 201
    store, key = floor.app.state.context.store, key_of(item["thumbnail"])
    assert not store.exists(key)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: floor.client.get(item["thumbnail"]), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.content for answer in answers} == {store.get(key)}
    with Image.open(io.BytesIO(answers[0].content)) as small:
        assert (small.format, small.size) == ("JPEG", (320, 240))
    assert answers[0].headers["content-type"] == "image/jpeg"
    store.delete(key)
    assert floor.client.head(item["thumbnail"]).headers["content-length"] == str(len(answers[0].content)), "made again"


def test_a_picture_held_sideways_has_an_upright_thumbnail(floor: Floor, owner: Person, base: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    status, item = uploaded(owner, base, pictures.picture(640, 480, "JPEG", exif=exif.tobytes()))
    assert (status, item["width"], item["height"]) == (201, 480, 640)
    with Image.open(io.BytesIO(floor.client.get(item["thumbnail"]).content)) as small:
        assert small.size == (240, 320)


def test_a_damaged_picture_is_shown_as_such_and_decoded_once(floor: Floor, owner: Person, base: str) -> None:
    status, item = uploaded(owner, base, broken())
    assert status == 201
    answer = floor.client.get(item["thumbnail"])
    assert (answer.status_code, answer.content) == (200, thumbs.damaged())
    assert floor.app.state.context.store.get(key_of(item["thumbnail"])) == answer.content


def test_a_file_that_is_gone(floor: Floor, owner: Person, base: str) -> None:
    _, item = uploaded(owner, base, pictures.picture(seed=5))
    floor.app.state.context.store.delete(key_of(item["url"]))
    assert floor.client.get(item["thumbnail"]).status_code == 404
    assert floor.client.get(item["thumbnail"].replace("/files/thumbs/", "/files/media/")).status_code == 403
    links = floor.app.state.context.links
    for key in ("thumbs/ab/abcd", "thumbs/zz/" + "a" * 64, "thumbs/x"):
        assert floor.client.get(links.sign(key, "image/jpeg")).status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_cut_short_is_refused(kind: str, floor: Floor, owner: Person, base: str) -> None:
    body = pictures.picture(300, 200, kind)
    for cut in (len(body) // 2, len(body) - 200):
        status, item = uploaded(owner, base, body[:cut])
        assert (status, item) == (422, None)


@pytest.mark.parametrize("size", [2_100, 2_500])
def test_a_large_picture_is_decoded_at_once(size: int, floor: Floor, owner: Person, base: str) -> None:
    """Its viewers should not wait: a PNG above four million pixels, in memory or (noise) too large for that."""
    noise = np.random.default_rng(1).integers(0, 256 if size > 2_200 else 2, (size, 2_000, 1), np.uint8)
    body = io.BytesIO()
    Image.fromarray(np.repeat(noise, 3, 2)).save(body, "PNG", compress_level=1)
    status, item = uploaded(owner, base, body.getvalue())
    assert status == 201
    assert floor.app.state.context.store.exists(key_of(item["thumbnail"]))


def test_several_jpegs_in_one_file_are_the_first(floor: Floor, owner: Person, base: str) -> None:
    body = io.BytesIO()
    first = Image.new("RGB", (64, 48), "red")
    first.save(body, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "blue")])
    status, item = uploaded(owner, base, body.getvalue())
    assert (status, item["width"]) == (201, 64)
    with Image.open(io.BytesIO(floor.client.get(item["thumbnail"]).content)) as small:
        red, _, blue = small.convert("RGB").getpixel((5, 5))
        assert red > 200 > 50 > blue
