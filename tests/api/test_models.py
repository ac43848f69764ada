"""Models of the users' own: made known by managers, asked by those who label, their answers checked like anybody's."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from labelwright import asgi, settings
from tests.api.conftest import Floor, Person
from tests.api.test_help import uploaded
from tests.assist.conftest import FOLDER
from tests.support import pictures

BOX = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.4]}
Answers = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """The application on a fresh database; it may reach this machine. The coins are a picture in tiles."""
    chosen = settings.load({}, data=tmp_path / "data", database_url=database_url, workers=0, tile_pixels=100_000,
                           fetch_allow=settings._networks("127.0.0.0/8"))  # fmt: skip
    app = asgi.create_app(chosen)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Floor(app, app.state.context.database, client)


@pytest.fixture
def site() -> Iterator[pictures.Site]:
    with pictures.site() as found:
        yield found


def answers(body: Any, status: int = 200) -> Answers:
    """A page that answers JSON."""
    return lambda handler: pictures.answer(handler, status, json.dumps(body).encode(), Content_Type="application/json")


class Desk:
    """A project with the coins and a model that answers what a test sets."""

    def __init__(self, owner: Person, site: pictures.Site) -> None:
        self.owner, self.site = owner, site
        classes = [{"name": "coin", "shapes": ["polygon"]}, {"name": "disc", "shapes": ["mask"]}, {"name": "any"},
                   {"name": "spot", "shapes": ["rectangle"]}]  # fmt: skip
        self.project = owner.api.post("/api/v1/projects", json={"name": "P", "classes": classes}).json()["uid"]
        files = [("file", ("coins.jpg", (FOLDER / "photos/coins.jpg").read_bytes()))]
        made = owner.api.post(f"/api/v1/projects/{self.project}/items/upload", files=files).json()["results"][0]
        self.item, self.task = made["item"], made["task"]

    def model(self, **more: Any) -> dict[str, Any]:
        """A model made known."""
        body = {"name": "Finder", "url": self.site.url("/ask"), "project": self.project} | more
        answer = self.owner.api.post("/api/v1/models", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def ask(self, model: dict[str, Any], objects: Any = None, who: Person | None = None, **more: Any) -> Any:
        """A question, the model answering these objects."""
        if objects is not None:
            self.site.pages["/ask"] = answers({"objects": objects})
        body = {"model": model["uid"], "ask": "whole"} | more
        return (who or self.owner).api.post(f"/api/v1/items/{self.item}/help/model", json=body)


@pytest.fixture
def desk(owner: Person, site: pictures.Site) -> Desk:
    return Desk(owner, site)


def test_a_question_and_its_answer(desk: Desk) -> None:
    model = desk.model(
        header_name="Authorization", header_value="Bearer s3cret", classes={"roundish": "coin"}, side=200
    )
    objects = [{"class": "any", "shape": BOX, "score": 0.75}]
    found = desk.ask(model, objects, ask="box", box=[0.1, 0.2, 0.3, 0.4], **{"class": "coin"})
    assert found.status_code == 200, found.text
    assert found.json()["refused"] == []
    (one,) = found.json()["objects"]
    assert (one["class"], one["shape"]["type"], one["score"], one["attributes"]) == ("any", "rectangle", 0.75, {})
    _, path, headers, body = desk.site.requests[-1]
    asked = json.loads(body)
    assert (path, headers["authorization"], headers["content-type"]) == ("/ask", "Bearer s3cret", "application/json")
    assert (asked["protocol"], asked["ask"], asked["class"]) == ("labelwright.model/1", "box", "roundish")
    assert (asked["box"], asked["point"], asked["size"]) == ([0.1, 0.2, 0.3, 0.4], None, [384, 303])
    picture = Image.open(io.BytesIO(base64.b64decode(asked["image"]["data"])))
    assert picture.size == (asked["image"]["width"], asked["image"]["height"]) == (200, 158)


def test_shapes_are_brought_to_what_the_class_takes(desk: Desk) -> None:
    coarse = {"type": "rle", "size": [30, 40], "counts": [30 * 10, 30 * 5, 30 * 25]}
    area = {"type": "polygon", "parts": [[[0.1, 0.1, 0.5, 0.1, 0.5, 0.6]]]}
    given = [{"class": name, "shape": shape} for shape in (coarse, area) for name in ("coin", "disc", "any", "spot")]
    found = desk.ask(desk.model(), given).json()
    assert found["refused"] == []
    kinds = [(o["class"], o["shape"]["type"]) for o in found["objects"]]
    assert kinds == [("coin", "polygon"), ("disc", "mask"), ("any", "mask"), ("spot", "rectangle"),
                     ("coin", "polygon"), ("disc", "mask"), ("any", "polygon"), ("spot", "rectangle")]  # fmt: skip
    assert {tuple(o["shape"]["size"]) for o in found["objects"] if o["shape"]["type"] == "mask"} == {(384, 303)}
    save = {"base": 0, "save_id": "0190b5a0-0000-7000-8000-000000000001",
            "put": [o | {"id": n + 1, "source": "model"} for n, o in enumerate(found["objects"])]}  # fmt: skip
    saved = desk.owner.api.patch(f"/api/v1/items/{desk.item}/document", json=save)
    assert saved.status_code == 200, saved.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"class": "tree", "shape": BOX}, "no class 'tree'"),
        ({"class": "disc", "shape": BOX}, "is drawn as 'mask'"),
        ({"class": "any", "shape": {"type": "rectangle", "box": [0.1, 0.1, 1.4, 0.4]}}, "0 to 1"),
        ({"class": "any", "shape": BOX, "attributes": {"mood": 1}}, "no attribute 'mood'"),
        ({"class": "any", "shape": BOX, "score": 7}, "A score is 0 to 1"),
        ({"class": "any", "shape": {"type": "rle", "size": [2, 2], "counts": [9]}}, "sum to 9"),
        ({"class": "any", "shape": {"type": "rle", "size": [2, 2], "counts": [4]}}, "is empty"),
        ({"shape": BOX}, "no class ''"),
    ],
)
def test_what_the_ontology_does_not_take_is_refused_and_said(desk: Desk, given: dict[str, Any], words: str) -> None:
    found = desk.ask(desk.model(), [given, {"class": "any", "shape": BOX}]).json()
    assert [o["class"] for o in found["objects"]] == ["any"]
    assert words in found["refused"][0]["message"]
    assert found["refused"][0]["field"].startswith("objects[0]")


def test_the_job_narrows_the_classes(desk: Desk) -> None:
    api = desk.owner.api
    job = api.post(f"/api/v1/projects/{desk.project}/jobs", json={"name": "J", "allowed_classes": ["coin"],
                   "items": [desk.item]})  # fmt: skip
    assert job.status_code == 201, job.text
    tasks = api.get(f"/api/v1/projects/{desk.project}/tasks?job={job.json()['uid']}").json()["results"]
    found = desk.ask(desk.model(), [{"class": "any", "shape": BOX}], task=tasks[0]["uid"]).json()
    assert found["objects"] == []
    assert "does not take the class 'any'" in found["refused"][0]["message"]


@pytest.mark.parametrize(
    ("page", "code", "words"),
    [
        (500, "model_failed", "500"),
        (pictures.redirect("https://example.org/"), "model_failed", "302"),
        (b"<html>", "model_answer", "something else than labels"),
        (b'{"objects": [{"shape": {"type": "star"}}]}', "model_answer", "star"),
        (b'{"objects": [' + b",".join([json.dumps({"shape": BOX}).encode()] * 1001) + b"]}", "model_answer", "1001"),
        (b" " * 16_000_001, "model_failed", "larger than 16 MB"),
        (pictures.trickle, "model_failed", "in time"),
    ],
    ids=["error", "redirect", "html", "unknown shape", "too many", "too large", "too slow"],
)  # fmt: skip
def test_models_that_misbehave(desk: Desk, page: Any, code: str, words: str) -> None:
    model = desk.model(seconds=1)
    desk.site.pages["/ask"] = page
    answer = desk.ask(model)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert words in answer.json()["detail"]
    assert desk.owner.api.post(f"/api/v1/models/{model['uid']}/test").status_code == 409


def test_no_private_network_is_asked_unless_the_settings_admit_it(desk: Desk) -> None:
    answer = desk.ask(desk.model(url="http://10.1.2.3/ask"))
    assert (answer.status_code, answer.json()["code"]) == (409, "model_failed")
    assert "10.1.2.3" in answer.json()["detail"]


def test_a_secret_is_never_shown_and_never_sent_elsewhere(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    model = desk.model(header_name="X-Key", header_value="s3cret-s3cret")
    api, address = desk.owner.api, f"/api/v1/models/{model['uid']}"
    assert (model["header_name"], model["header_set"]) == ("X-Key", True)
    desk.ask(model, [])
    told = [api.get(address).text, api.get(f"/api/v1/models?project={desk.project}").text, api.get("/api/v1/events").text,
            api.get(f"/api/v1/tasks/{desk.task}/work").text, api.patch(address, json={"name": "Other"}).text]  # fmt: skip
    assert not [text for text in told if "s3cret" in text]
    assert "s3cret" not in caplog.text
    moved = api.patch(address, json={"url": "https://example.org/ask"})
    assert (moved.status_code, moved.json()["problems"][0]["field"]) == (422, "header_value")
    assert api.patch(address, json={"url": desk.site.url("/other")}).json()["header_set"] is True
    again = api.patch(address, json={"url": "https://example.org/ask", "header_value": "new"})
    assert again.status_code == 200, again.text
    gone = api.patch(address, json={"header_name": "", "url": desk.site.url("/ask")}).json()
    assert (gone["header_name"], gone["header_set"]) == ("", False)


def test_a_workspace_s_model_serves_all_its_projects(floor: Floor, desk: Desk, stranger: Person) -> None:
    api = desk.owner.api
    model = desk.model(project=None, workspace=desk.owner.workspace, asks=["whole"])
    own = desk.model(name="Own")
    work = api.get(f"/api/v1/tasks/{desk.task}/work").json()["help"]["models"]
    assert [(m["name"], m["asks"]) for m in work] == [("Own", ["box", "point", "whole"]), ("Finder", ["whole"])]
    other = uploaded(desk.owner, "coins.jpg", (FOLDER / "photos/coins.jpg").read_bytes())
    asked = {"model": model["uid"], "ask": "whole"}
    desk.site.pages["/ask"] = answers({"objects": []})
    assert api.post(f"/api/v1/items/{other}/help/model", json=asked).status_code == 200
    assert api.post(f"/api/v1/items/{other}/help/model", json=asked | {"model": own["uid"]}).status_code == 404
    theirs = uploaded(stranger, "coins.jpg", (FOLDER / "photos/coins.jpg").read_bytes())
    assert stranger.api.post(f"/api/v1/items/{theirs}/help/model", json=asked).status_code == 404
    assert len(api.get(f"/api/v1/models?workspace={desk.owner.workspace}").json()["results"]) == 2


def test_who_may_ask_and_who_may_configure(floor: Floor, desk: Desk, stranger: Person) -> None:
    model = desk.model()
    annotator = floor.member(desk.owner, "a@example.org", "annotator")
    viewer = floor.member(desk.owner, "v@example.org", "viewer")
    assert desk.ask(model, [], annotator).status_code == 200
    assert desk.ask(model, [], viewer).status_code == 403
    address = f"/api/v1/models/{model['uid']}"
    assert annotator.api.get(address).status_code == 403
    assert annotator.api.post("/api/v1/models", json={"name": "x", "url": "https://example.org", "project": desk.project}
                              ).status_code == 403  # fmt: skip
    assert stranger.api.get(address).status_code == 404
    assert desk.owner.api.patch(address, json={"active": False}).json()["active"] is False
    paused = desk.ask(model)
    assert (paused.status_code, paused.json()["code"]) == (409, "model_paused")
    assert desk.owner.api.delete(address).status_code == 204
    assert desk.owner.api.get(address).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [({"url": "ftp://example.org/x"}, "url"), ({"asks": ["smell"]}, "asks[0]"), ({"seconds": 600}, "seconds"),
     ({"header_name": "Host", "header_value": "x"}, "header_name"), ({"header_value": "x"}, "header_value"),
     ({"header_name": "X Y"}, "header_name"), ({"header_name": "X", "header_value": "a\r\nb"}, "header_value"),
     ({"project": None}, "project"), ({"side": 10}, "side")],
)  # fmt: skip
def test_what_cannot_be_configured(desk: Desk, change: dict[str, Any], field: str) -> None:
    body = {"name": "Finder", "url": "https://example.org/ask", "project": desk.project} | change
    answer = desk.owner.api.post("/api/v1/models", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["problems"][0]["field"] == field


def test_questions_that_are_none(desk: Desk) -> None:
    model = desk.model(asks=["point"])
    assert desk.ask(model, ask="whole").json()["code"] == "not_asked"
    assert desk.ask(model, ask="point").json()["problems"][0]["field"] == "point"
    assert desk.ask(model, ask="box").json()["problems"][0]["field"] == "box"


def test_trying_a_model_out(desk: Desk) -> None:
    model = desk.model()
    desk.site.pages["/ask"] = answers({"objects": [{"class": "any", "shape": BOX}]})
    tried = desk.owner.api.post(f"/api/v1/models/{model['uid']}/test").json()
    assert tried["objects"] == 1
    assert tried["seconds"] >= 0
