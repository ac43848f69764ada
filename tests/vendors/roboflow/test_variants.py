"""Versions whose settings bear on the dataset as a whole: classes renamed, empty pictures left out, four pictures in one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select
from starlette.testclient import TestClient

from labelwright import asgi, settings
from labelwright.formats import FORMATS
from labelwright.models.versions import DatasetVersion
from labelwright.services import versions
from tests.api.conftest import Floor

SPOT = (0.3, 0.4, 0.5, 0.7)


class Place:
    """A project whose pictures have a light spot, labeled by its colour, on a dark ground."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.key = floor.team("olga@example.org", "North").key
        self.ws = self.call("GET", "/")["workspace"]
        made = self.call(
            "POST",
            f"/{self.ws}/projects",
            {"name": "Spots", "type": "object-detection", "license": "", "annotation": "x"},
        )
        self.slug = made["id"].split("/")[1]

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        mark = "&" if "?" in path else "?"
        return self.floor.client.request(method, f"/roboflow{path}{mark}api_key={self.key}", json=body, **more)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.send(method, path, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, number: int, names: list[str], split: str = "train") -> None:
        """A picture with a spot of each of these classes: one at most."""
        pixels = np.full((60, 80, 3), 10 + number, np.uint8)
        x1, y1, x2, y2 = (round(v * n) for v, n in zip(SPOT, (80, 60, 80, 60), strict=True))
        if names:
            pixels[y1:y2, x1:x2] = 250
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        image = self.call(
            "POST", f"/dataset/{self.slug}/upload?split={split}", files={"file": (f"p{number}.png", out.getvalue())}
        )["id"]
        rows = "\n".join(f"{n} {(SPOT[0] + SPOT[2]) / 2} {(SPOT[1] + SPOT[3]) / 2} 0.2 0.3" for n in range(len(names)))
        body = {"annotationFile": rows, "labelmap": {str(n): name for n, name in enumerate(names)}}
        self.call("POST", f"/dataset/{self.slug}/annotate/{image}?name=a.txt", body)

    def version(self, **given: Any) -> list[Any]:
        """The samples of a new version as they are downloaded, checked to be the same bytes twice."""
        made = self.call("POST", f"/{self.ws}/{self.slug}/generate", {"preprocessing": {}, "augmentation": {}} | given)
        database = self.floor.database
        with database.read() as session:
            row = session.scalars(select(DatasetVersion).where(DatasetVersion.number == int(made["version"]))).one()
        bodies = []
        for _ in range(2):
            file = io.BytesIO()
            assert versions.write(database, self.floor.app.state.context.store, row.id, "voc", file) == row.images
            bodies.append(file.getvalue())
        assert bodies[0] == bodies[1]
        self.classes = [c["name"] for c in row.classes]
        return list(FORMATS["voc"].read(io.BytesIO(bodies[0])).samples)


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Any:
    """An application of its own; on SQLite, since the database has no part in it."""
    file = tmp_path / "labelwright.sqlite3"
    file.write_bytes(sqlite_template.read_bytes())
    app = asgi.create_app(settings.load({}, data=tmp_path / "data", database_url=f"sqlite:///{file}", workers=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Place(Floor(app, app.state.context.database, client))


def light(sample: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(sample.picture())).convert("L")).astype(int)


def test_four_pictures_in_one(place: Place) -> None:
    for number in range(6):
        place.add(number, ["spot"], "train" if number < 5 else "valid")
    found = place.version(
        preprocessing={"resize": {"width": 120, "height": 90, "format": "Stretch to"}},
        augmentation={"mosaic": True, "flip": {"horizontal": True}, "image": {"versions": 4}},
    )
    assert len(found) == 5 * 4 + 1
    counts = {len(s.document.objects) for s in found if s.split == "train"}
    assert counts >= {1, 4}
    for sample in found:
        pixels, covered = light(sample), np.zeros((90, 120), bool)
        assert pixels.shape == (90, 120)
        for item in sample.document.objects:
            x1, y1, x2, y2 = (round(v * n) for v, n in zip(item.shape.box, (120, 90, 120, 90), strict=True))
            assert np.median(pixels[y1:y2, x1:x2]) > 200, (sample.name, item)
            covered[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = True
        assert pixels[~covered].max() < 100, "every spot has its label"
    assert len([s for s in found if s.split == "valid"]) == 1


def test_classes_get_new_names_or_are_left_out(place: Place) -> None:
    place.add(0, ["cat", "dog", "& #🚗"])
    found = place.version(preprocessing={"remap": {"cat": "animal", "dog": "animal", "& #🚗": None}})
    assert [o.class_name for o in found[0].document.objects] == ["animal", "animal"]
    assert place.classes == ["animal"]
    for remap, words in (({"cow": "x"}, "no class 'cow'"), ({"cat": 5}, "new name"), ([], "")):
        answer = place.send(
            "POST", f"/{place.ws}/{place.slug}/generate", {"preprocessing": {"remap": remap}, "augmentation": {}}
        )
        assert answer.status_code == (400 if words else 200)
        assert words in answer.text


def test_pictures_without_labels_keep_to_their_share(place: Place) -> None:
    for number in range(9):
        place.add(number, ["cat"] if number < 3 else [])
    shares = {
        percent: place.version(preprocessing={"filter-null": {"percent": percent}}) for percent in (0, 50, 75, 100)
    }
    assert {percent: len(found) for percent, found in shares.items()} == {0: 9, 50: 6, 75: 4, 100: 3}
    again = place.version(preprocessing={"filter-null": {"percent": 50}})
    assert [s.name for s in again] == [s.name for s in shares[50]]
    both = {"filter-null": {"percent": 50}, "tile": {"rows": 2, "columns": 2}}
    answer = place.send("POST", f"/{place.ws}/{place.slug}/generate", {"preprocessing": both, "augmentation": {}})
    assert answer.status_code == 400
    assert "tile" in answer.text
