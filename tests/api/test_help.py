"""Help while drawing over HTTP, on the demo's photographs: what is found, who may ask, and what is refused."""

from __future__ import annotations

import base64
import io
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from PIL import Image, ImageFilter
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.assist import opencv
from labelwright.errors import TooMany
from labelwright.geometry import masks, measures
from labelwright.geometry.document import LabelObject, Mask, Polygon, Shape
from labelwright.services import checks, helping
from labelwright.storage import content_key
from tests.api.conftest import Floor, Person
from tests.assist.conftest import FOLDER, FRAMES, drawn, labels, photo
from tests.support import pictures


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """The application on a fresh database; pictures of more than a million pixels are cut into tiles."""
    chosen = settings.load({}, data=tmp_path / "data", database_url=database_url, workers=0, tile_pixels=1_000_000)
    app = asgi.create_app(chosen)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Floor(app, app.state.context.database, client)


def shape_of(answer: Any) -> Any:
    """The shape in an answer, which must be fit to be saved."""
    assert answer.status_code == 200, answer.text
    shape = msgspec.convert(answer.json()["shape"], Shape)
    assert checks.shape_faults(shape) == []
    return shape


def uploaded(person: Person, name: str, body: bytes, kind: str = "image") -> str:
    """An item of a new project; its uid."""
    project = person.api.post("/api/v1/projects", json={"name": "P", "kind": kind, "classes": [{"name": "x"}]}).json()
    made = person.api.post(f"/api/v1/projects/{project['uid']}/items/upload", files=[("file", (name, body))])
    assert made.status_code == 201, made.text
    return made.json()["results"][0]["item"]


@pytest.fixture
def coins(owner: Person) -> str:
    """Where the help for the coins is asked."""
    return f"/api/v1/items/{uploaded(owner, 'coins.jpg', (FOLDER / 'photos/coins.jpg').read_bytes())}/help"


def sequence(person: Person) -> str:
    """The launch as a sequence of frames; the item's uid."""
    body = {"name": "V", "kind": "video", "classes": [{"name": "x"}]}
    project = person.api.post("/api/v1/projects", json=body).json()["uid"]
    files = [("file", (f"{n}.jpg", (FOLDER / f"photos/launch-{n:02}.jpg").read_bytes())) for n in range(FRAMES)]
    sent = person.api.post(f"/api/v1/projects/{project}/uploads", files=files).json()["results"]
    frames = [{"upload": one["uid"], "frame_id": f"f{n}"} for n, one in enumerate(sent)]
    filed = person.api.post(f"/api/v1/projects/{project}/items", json={"name": "launch", "frames": frames})
    assert filed.status_code == 201, filed.text
    return filed.json()["item"]


def box_in_frame(number: int) -> dict[str, Any]:
    """Where the coin is in a frame of `coin_video`."""
    x, y = 60 + 3 * number, 50 + 2 * number
    return {"type": "rectangle", "box": [x / 320, y / 240, (x + 62) / 320, (y + 62) / 240]}


def coin_video(frames: int) -> bytes:
    """A coin that moves three pixels a frame over a wall."""
    wall = cv_blur(photo("camera")[270:510, 0:320])
    x1, y1, x2, y2 = (round(v) for v in np.multiply(measures.bounds(drawn("coins", "coin", Polygon)), [384, 303] * 2))
    coin = np.array(Image.fromarray(photo("coins")[y1:y2, x1:x2]).resize((62, 62)))
    round_ = np.hypot(*(np.mgrid[0:62, 0:62] - 30.5)) < 31
    shots = []
    for number in range(frames):
        shot = wall.copy()
        x, y = 60 + 3 * number, 50 + 2 * number
        shot[y : y + 62, x : x + 62][round_] = coin[round_]
        shots.append(shot)
    return pictures.video_of(shots)


def cv_blur(pixels: Any) -> Any:
    """A picture without its small details."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3)))


def test_a_coin_is_cut_out_in_each_shape(owner: Person, coins: str) -> None:
    truth = drawn("coins", "coin", Polygon)
    h, w = photo("coins").shape[:2]
    x1, y1, x2, y2 = measures.bounds(truth)
    ask = {"box": [x1 - 0.01, y1 - 0.01, x2 + 0.01, y2 + 0.01]}
    mask = shape_of(owner.api.post(f"{coins}/cutout", json=ask))
    assert isinstance(mask, Mask)
    assert masks.iou(mask, masks.rasterize(truth, w, h)) > 0.93
    polygon = shape_of(owner.api.post(f"{coins}/cutout", json=ask | {"shape": "polygon"}))
    assert masks.iou(mask, masks.rasterize(polygon, w, h)) > 0.93
    assert sum(len(ring) for part in polygon.parts for ring in part) < 120
    box = shape_of(owner.api.post(f"{coins}/cutout", json=ask | {"shape": "rectangle"}))
    assert measures.iou(box, mask, w, h) > 0.6
    middle = [(x1 + x2) / 2, (y1 + y2) / 2]
    without = shape_of(owner.api.post(f"{coins}/cutout", json=ask | {"drop": [middle]}))
    assert not masks.covers(without, *middle)


def test_an_outline_and_superpixels(owner: Person, coins: str) -> None:
    found = owner.api.post(f"{coins}/outline", json={"start": [0.3, 0.3], "end": [0.4, 0.4], "snap": False}).json()
    assert found["points"][:2] == [0.3, 0.3]
    assert found["points"][-2:] == [0.4, 0.4]
    assert len(found["points"]) > 4
    areas = owner.api.post(f"{coins}/superpixels", json={"part": [0.1, 0.1, 0.6, 0.6], "size": 10}).json()
    cells = np.frombuffer(zlib.decompress(base64.b64decode(areas["labels"])), "<u2")
    assert cells.size == areas["width"] * areas["height"]
    assert 0 < cells.max() < areas["count"]
    assert areas["part"] == pytest.approx([0.1, 0.1, 0.6, 0.6], abs=0.01)


def test_tracks_through_a_sequence(owner: Person) -> None:
    where = f"/api/v1/items/{sequence(owner)}/help/track"
    tracked = [o for o in labels("launch") if o.keyframes[0].frame == 0]  # type: ignore[index]
    objects = [{"id": o.id, "shape": msgspec.to_builtins(o.keyframes[0].shape)} for o in tracked]  # type: ignore[index]
    answer = owner.api.post(where, json={"frame": 0, "count": 4, "objects": objects})
    assert answer.status_code == 200, answer.text
    assert answer.json()["reached"] == 4
    for found, item in zip(answer.json()["tracks"], tracked, strict=True):
        assert (found["id"], found["lost"]) == (item.id, None)
        assert [k["frame"] for k in found["keyframes"]] == [0, 4]
        track = msgspec.convert({"id": 1, "class": "x", "keyframes": found["keyframes"]}, LabelObject)
        assert track.keyframes is not None
    beyond = owner.api.post(where, json={"frame": FRAMES - 2, "count": 50, "objects": objects[:1]}).json()
    assert beyond["reached"] == FRAMES - 1
    alone = owner.api.post(where, json={"frame": FRAMES - 1, "count": 50, "objects": objects[:1]}).json()
    assert (alone["reached"], len(alone["tracks"][0]["keyframes"])) == (FRAMES - 1, 1)
    assert owner.api.post(where, json={"frame": FRAMES, "count": 1, "objects": objects}).status_code == 404


def test_a_video_file_is_followed_and_cut_out(owner: Person) -> None:
    """A bright box that moves three pixels a frame."""
    item = uploaded(owner, "box.mp4", coin_video(20), "video")
    ask = {"frame": 2, "count": 10, "objects": [{"id": 1, "shape": box_in_frame(2)}]}
    found = owner.api.post(f"/api/v1/items/{item}/help/track", json=ask)
    assert found.status_code == 200, found.text
    keyframes = found.json()["tracks"][0]["keyframes"]
    assert (keyframes[0]["frame"], keyframes[-1]["frame"]) == (2, 12)
    wanted = msgspec.convert(box_in_frame(12), Shape)
    assert measures.iou(msgspec.convert(keyframes[-1]["shape"], Shape), wanted, 320, 240) > 0.85
    x1, y1, x2, y2 = box_in_frame(7)["box"]
    box = {"frame": 7, "box": [x1 - 0.03, y1 - 0.03, x2 + 0.03, y2 + 0.03], "shape": "rectangle"}
    cut = shape_of(owner.api.post(f"/api/v1/items/{item}/help/cutout", json=box))
    assert measures.iou(cut, msgspec.convert(box_in_frame(7), Shape), 320, 240) > 0.8


def test_a_picture_that_is_noted_as_turned_is_looked_at_upright(owner: Person) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    body = io.BytesIO()
    Image.fromarray(np.rot90(photo("coins"))).save(body, "JPEG", quality=95, exif=exif)
    item = uploaded(owner, "turned.jpg", body.getvalue())
    x1, y1, x2, y2 = measures.bounds(drawn("coins", "coin", Polygon))
    ask = {"box": [x1 - 0.01, y1 - 0.01, x2 + 0.01, y2 + 0.01]}
    found = shape_of(owner.api.post(f"/api/v1/items/{item}/help/cutout", json=ask))
    h, w = photo("coins").shape[:2]
    assert found.size == (w, h)
    assert masks.iou(found, masks.rasterize(drawn("coins", "coin", Polygon), w, h)) > 0.9


def test_a_very_large_picture_is_looked_at_by_its_tiles(
    floor: Floor, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found lies where it lies in the same picture decoded whole (which is looked at in a smaller copy), and nothing
    is decoded whole."""
    body = io.BytesIO()
    Image.fromarray(photo("coins")).resize((1537, 1213)).save(body, "PNG")
    coin = drawn("coins", "coin", Polygon)
    x1, y1, x2, y2 = measures.bounds(coin)
    box, part = [x1 - 0.01, y1 - 0.01, x2 + 0.01, y2 + 0.01], [0.1, 0.1, 0.6, 0.6]
    monkeypatch.setattr(helping, "MOST_PIXELS", 1_200_000)
    help_ = f"/api/v1/items/{uploaded(owner, 'large.png', body.getvalue())}/help"
    with monkeypatch.context() as patched:
        patched.setattr(helping.Helper, "pixels", None)
        mask = shape_of(owner.api.post(f"{help_}/cutout", json={"box": box}))
        way = owner.api.post(f"{help_}/outline", json={"start": [x1, y1], "end": [x2, y1], "snap": False}).json()
        areas = owner.api.post(f"{help_}/superpixels", json={"part": part, "size": 40}).json()
    whole = helping.Source(content_key(sha256(body.getvalue()).digest()), "image/png", size=(1537, 1213))
    helper = helping.Helper(floor.app.state.context.store)
    wanted = helper.cut_out(whole, box)
    assert mask.size == wanted.size == whole.size
    assert masks.iou(mask, wanted) > 0.98
    assert masks.iou(mask, masks.rasterize(coin, *mask.size)) > 0.93
    ways = [np.reshape(one, (-1, 2)) * mask.size for one in
            (way["points"], helper.outline(whole, [x1, y1], [x2, y1], snap=False))]  # fmt: skip
    assert shapely.hausdorff_distance(*map(shapely.LineString, ways)) < 12
    there = helper.superpixels(whole, part, 40)
    assert (tuple(areas["part"]), areas["height"], areas["width"]) == (there.bounds, *there.labels.shape)


def test_what_several_ask_for_at_once_is_made_once() -> None:
    kept: helping.Kept[list[int]] = helping.Kept(10, len)
    began, go_on, made = threading.Event(), threading.Event(), []

    def make() -> list[int]:
        began.set()
        go_on.wait(10)
        made.append(1)
        return [1, 2, 3]

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(kept.get, "a", make)
        began.wait(10)
        others = [pool.submit(kept.get, "a", make) for _ in range(2)]
        go_on.set()
        assert [one.result() for one in (first, *others)] == [[1, 2, 3]] * 3
    assert made == [1]
    with pytest.raises(ZeroDivisionError):
        kept.get("b", lambda: [1 // 0])
    assert kept.get("b", lambda: [4]) == [4]
    asked: list[Any] = []

    def all_of(keys: Sequence[Any]) -> list[list[int]]:
        asked.append(list(keys))
        return [[0] * 3 for _ in keys]

    kept.all(["a", "b", "c"], all_of)
    kept.all(["a", "d", "e"], all_of)
    kept.all(["a", "b"], all_of)
    assert asked == [["c"], ["d", "e"], ["b"]], (
        "what was used longest ago is given up first, and only as much as needed"
    )


BOX = {"id": 1, "shape": {"type": "rectangle", "box": [0.1, 0.1, 0.2, 0.2]}}
LARGE = {"type": "mask", "size": [40000, 40000], "box": [0, 0, 1, 1], "counts": "01"}


@pytest.mark.parametrize(
    ("tool", "body", "field"),
    [
        ("cutout", {"box": [0.5, 0.5, 0.4, 0.6]}, "box"),
        ("cutout", {"box": [0.5, 0.5, 1.4, 0.6]}, "box[2]"),
        ("cutout", {"box": [0.1, 0.1, 0.2]}, "box"),
        ("cutout", {"box": [0.1, 0.1, 0.2, 0.2], "shape": "point"}, "shape"),
        ("cutout", {"box": [0.1, 0.1, 0.2, 0.2], "colour": 1}, "colour"),
        ("outline", {"start": [0.1, 0.2], "end": [0.1, True]}, "end[1]"),
        ("superpixels", {"part": [0, 0, 0, 0]}, "part"),
        ("superpixels", {"part": [0, 0, 1, 1], "size": 1}, "size"),
        ("track", {"frame": 0, "count": 1, "objects": []}, "objects"),
        ("track", {"frame": 0, "count": 1000, "objects": [BOX]}, "count"),
        ("track", {"frame": 0, "count": 1, "objects": [BOX, BOX]}, "objects"),
        ("track", {"frame": 0, "count": 1, "objects": [{"id": 1, "shape": {"type": "point", "points": [2, 0]}}]},
         "objects[0].shape.points"),
        ("track", {"frame": 0, "count": 1, "objects": [{"id": 1, "shape": LARGE}]}, "objects[0].shape.size"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered(owner: Person, coins: str, tool: str, body: dict[str, Any], field: str) -> None:
    answer = owner.api.post(f"{coins}/{tool}", json=body)
    assert answer.status_code == 422, answer.text
    assert [p["field"] for p in answer.json()["problems"]] == [field]


def test_an_even_picture_has_nothing_to_cut_out(owner: Person) -> None:
    body = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(body, "PNG")
    item = uploaded(owner, "navy.png", body.getvalue())
    answer = owner.api.post(f"/api/v1/items/{item}/help/cutout", json={"box": [0.2, 0.2, 0.8, 0.8]})
    assert answer.status_code == 422
    assert "Nothing stands out" in answer.json()["detail"]
    assert (
        owner.api.post(f"/api/v1/items/{item}/help/cutout", json={"frame": 1, "box": [0, 0, 1, 1]}).status_code == 404
    )


def test_only_those_who_may_label_the_item_are_helped(
    floor: Floor, owner: Person, stranger: Person, coins: str
) -> None:
    body = {"start": [0.1, 0.1], "end": [0.2, 0.2]}
    viewer, annotator = (
        floor.member(owner, "v@example.org", "viewer"),
        floor.member(owner, "a@example.org", "annotator"),
    )
    assert annotator.api.post(f"{coins}/outline", json=body).status_code == 200
    assert viewer.api.post(f"{coins}/outline", json=body).status_code == 403
    assert stranger.api.post(f"{coins}/outline", json=body).status_code == 404
    assert floor.client.post(f"{coins}/outline", json=body).status_code == 401


def test_a_picture_that_is_not_here_yet(owner: Person) -> None:
    project = owner.api.post("/api/v1/projects", json={"name": "P", "classes": [{"name": "x"}]}).json()["uid"]
    item = owner.api.post(f"/api/v1/projects/{project}/items", json={"url": "https://example.org/a.png", "name": "a"})
    answer = owner.api.post(f"/api/v1/items/{item.json()['item']}/help/cutout", json={"box": [0.1, 0.1, 0.2, 0.2]})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_picture")


def test_one_person_may_ask_only_so_much_at_once() -> None:
    turns = helping.Turns(each=2, all_=3, patience=0.05)
    with turns.take(1), turns.take(1):
        with pytest.raises(TooMany, match="last questions"), turns.take(1):
            pass
        with turns.take(2), pytest.raises(TooMany, match="busy"), turns.take(3):
            pass
        with turns.take(3):
            pass
    with turns.take(1), turns.take(1):
        pass


def test_without_opencv_it_says_so(owner: Person, coins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "available", lambda: False)
    opencv.opencv.cache_clear()
    answer = owner.api.post(f"{coins}/outline", json={"start": [0.1, 0.1], "end": [0.2, 0.2]})
    opencv.opencv.cache_clear()
    assert (answer.status_code, answer.json()["code"]) == (409, "no_assist")
    assert "labelwright[assist]" in answer.json()["detail"]


def test_the_work_says_what_helps(owner: Person, coins: str) -> None:
    task = owner.api.post("/api/v1/tasks/next").json()["task"]
    help_ = owner.api.get(f"/api/v1/tasks/{task}/work").json()["help"]
    assert help_["tools"] == ["outline", "cutout", "superpixels", "track"]
