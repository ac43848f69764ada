"""A server with people and pictures, and a hand that works in the editor as a person does: by mouse and keyboard."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import pictures, processes

CLASSES: list[dict[str, Any]] = [
    {"name": "car", "display_name": "Car", "attributes": [
        {"name": "state", "kind": "one_of", "options": ["moving", "parked"]},
        {"name": "occluded", "kind": "flag"},
        {"name": "plate", "kind": "text"},
        {"name": "lights", "kind": "many_of", "options": ["front", "rear", "brake"]},
        {"name": "doors", "kind": "number"}]},
    {"name": "person", "shapes": ["rectangle", "polygon", "skeleton"], "skeleton": {
        "points": [{"name": "head", "x": 0.5, "y": 0}, {"name": "left", "x": 0, "y": 1}, {"name": "right", "x": 1, "y": 1}],
        "edges": [[0, 1], [0, 2]]}},
    {"name": "road", "shapes": ["polygon", "mask"]},
    {"name": "lane", "shapes": ["polyline"]},
    {"name": "sign", "attributes": [{"name": "text", "kind": "text", "required": True}]},
]  # fmt: skip
SKELETON = {"points": [{"name": "top", "x": 0.5, "y": 0}, {"name": "left", "x": 0, "y": 1}, {"name": "right", "x": 1, "y": 1}],
            "edges": [[0, 1], [0, 2]]}  # fmt: skip
WIDTH, HEIGHT = 800, 500
_numbers = itertools.count(1)


def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What `check` gives once it is true; fails with its last answer when that does not come."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not in {seconds} s; last: {found!r}"
        time.sleep(0.05)
    return found


@dataclass
class Studio:
    """A server, the pictures it fetches, and projects to work in."""

    server: processes.LiveServer
    site: pictures.Site
    people: dict[str, dict[str, Any]]
    cookies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """One API call that must succeed."""
        status, answer = self.server.request(method, f"/api/v1{path}", body, key)
        assert status < 300, (status, answer)
        return answer

    def project(self, kind: str = "image", attributes: list[dict[str, Any]] | None = None, **more: Any) -> str:
        """A new project, with attributes beside those of its classes; its uid."""
        body = {"name": f"Streets {next(_numbers)}", "kind": kind, "classes": CLASSES} | more
        uid = self.call("POST", "/projects", body)["uid"]
        for attribute in attributes or []:
            self.call("POST", f"/projects/{uid}/attributes", attribute)
        return uid

    def task(
        self, objects: list[dict[str, Any]] | None = None, project: str = "", seconds: float = 120, **more: Any
    ) -> Task:
        """A picture to be labeled, fetched and ready, within so many seconds."""
        project = project or self.project()
        line: dict[str, Any] = {"name": f"street {next(_numbers)}", "objects": objects or []}
        if not {"frames", "url", "upload"} & set(more):
            line["url"] = self.site.url("/street.png")
        filed = self.call("POST", f"/projects/{project}/items", line | more)
        task = Task(self, project, filed["task"], filed["item"])
        eventually(lambda: self.call("GET", f"/items/{task.item}")["media_state"] == "ready", seconds)
        return task

    def video(self, objects: list[dict[str, Any]] | None = None, frames: int = 12) -> Task:
        """A sequence of frames, fetched and ready."""
        lines = [{"url": self.site.url(f"/frame{i}.png"), "frame_id": f"f-{i:03}"} for i in range(frames)]
        return self.task(objects, self.project("video"), frames=lines)


@dataclass
class Task:
    """One task, and what the server has of it."""

    studio: Studio
    project: str
    uid: str
    item: str

    @property
    def document(self) -> dict[str, Any]:
        """The labels as the server has them."""
        return self.studio.call("GET", f"/items/{self.item}/document")

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects as the server has them."""
        return self.document["objects"]

    @property
    def state(self) -> tuple[str, str]:
        """Stage and state."""
        task = self.studio.call("GET", f"/tasks/{self.uid}/work")["task"]
        return task["stage"], task["state"]

    def saved(self, check: Callable[[list[dict[str, Any]]], Any], seconds: float = 10) -> list[dict[str, Any]]:
        """The server's objects once `check` holds for them."""
        found: list[dict[str, Any]] = []

        def holds() -> bool:
            found[:] = self.objects
            return bool(check(found))

        eventually(holds, seconds)
        return found


class Hand:
    """A person at the editor. Places are pixels of the picture."""

    def __init__(self, studio: Studio, context: Any, who: str) -> None:
        self.studio = studio
        self.context = context
        self.page = context.new_page()
        self.thrown: list[str] = []
        self.page.on("pageerror", lambda error: self.thrown.append(str(error)))
        self.who = who
        self.size: tuple[int, int] = (WIDTH, HEIGHT)

    def open(self, task: Task) -> Hand:
        """Go to the task's page and wait until its picture is drawn."""
        self.page.goto(f"{self.studio.server.url}/work/{task.uid}")
        return self.ready()

    def ready(self) -> Hand:
        """Wait until the picture is there and everything is drawn."""
        w, h = self.size
        self.page.wait_for_selector(f"lw-status >> text={w} × {h}")
        self.page.wait_for_function("() => !document.querySelector('.stage[data-busy]')")
        return self

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the picture is on the screen, while the whole picture is fitted into the view."""
        box = self.page.locator(".stage").bounding_box()
        w, h = self.size
        room = min(24, box["width"] / 6, box["height"] / 6)
        zoom = min((box["width"] - 2 * room) / w, (box["height"] - 2 * room) / h)
        left, top = box["x"] + box["width"] / 2 - w * zoom / 2, box["y"] + box["height"] / 2 - h * zoom / 2
        return left + x * zoom, top + y * zoom

    def move(self, x: float, y: float) -> Hand:
        """Move the mouse."""
        self.page.mouse.move(*self.at(x, y))
        return self

    def click(self, x: float, y: float, *held: str) -> Hand:
        """Click, with keys held down."""
        for key in held:
            self.page.keyboard.down(key)
        self.move(x, y)
        self.page.mouse.down()
        self.page.mouse.up()
        for key in held:
            self.page.keyboard.up(key)
        return self

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> Hand:
        """Press, move, let go."""
        self.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*((a + b) / 2 for a, b in zip(start, end, strict=True))))
        self.move(*end)
        self.page.mouse.up()
        return self

    def press(self, *keys: str) -> Hand:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def wait(self, state: str) -> Hand:
        """Until the state of saving is this."""
        try:
            self.page.wait_for_selector(f".save[data-state={state}]", timeout=15_000)
        except Exception as error:
            said = self.page.locator("body").inner_text()[:300]
            raise AssertionError(f"not {state}; the page says: {said!r}") from error
        return self

    def grey(self) -> int:
        """How light the middle of the picture is on the screen, 0 to 255."""
        return self.page.evaluate(
            """() => {
                const c = document.querySelector(".layer.base");
                return c.getContext("2d").getImageData(c.width / 2, c.height / 2, 1, 1).data[1];
            }"""
        )

    def rows(self) -> list[str]:
        """Names in the list of objects."""
        return [text.strip() for text in self.page.locator("lw-objects .row .name").all_inner_texts()]

    def selected(self) -> list[int]:
        """Numbers of the selected objects in sight of the list."""
        rows = self.page.locator("lw-objects .row[aria-selected=true]")
        return [int(row.get_attribute("data-object")) for row in rows.all()]


def boxed(number: int, x1: float, y1: float, x2: float, y2: float, **more: Any) -> dict[str, Any]:
    """A box in pixels of the picture."""
    box = [x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT]
    return {"id": number, "class": "car", "shape": {"type": "rectangle", "box": box}} | more


def pixels(flat: list[float], size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[float]:
    """Fractions as pixels."""
    return [v * size[i % 2] for i, v in enumerate(flat)]


def near(found: list[float], wanted: list[float], reach: float = 1.5) -> bool:
    """Equal within what the mouse can point at."""
    return len(found) == len(wanted) and all(abs(a - b) <= reach for a, b in zip(found, wanted, strict=True))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One server for all editor tests; each makes projects of its own."""
    server = processes.start_server(tmp_path_factory.mktemp("studio"), tile_pixels=3_000_000)
    with pictures.site() as site:
        site.pages["/street.png"] = pictures.picture(WIDTH, HEIGHT, seed=77)
        site.pages |= {f"/frame{i}.png": pictures.picture(WIDTH, HEIGHT, seed=i) for i in range(12)}
        roles = {"ana": "annotator", "ben": "annotator", "rita": "reviewer"}
        people = {n: server.cli("user", "add", f"{n}@example.org", "--role", r) for n, r in roles.items()}
        yield Studio(server, site, people)
    server.kill()


@pytest.fixture
def hand(studio: Studio, browser: Any) -> Iterator[Callable[..., Hand]]:
    """Gives hands: `hand("ana")` is a browser in which Ana is signed in."""
    hands: list[Hand] = []

    def make(who: str = "ana", **options: Any) -> Hand:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        if who not in studio.cookies:
            sign_in(context, studio, who)
        context.add_cookies([studio.cookies[who]])
        hands.append(Hand(studio, context, who))
        hands[-1].page.add_init_script(
            "localStorage['labelwright.editor'] ??= JSON.stringify({hintsSeen: ['draw', 'class', 'save']})"
        )
        return hands[-1]

    yield make
    for one in hands:
        one.context.close()
    assert not [error for one in hands for error in one.thrown]


def sign_in(context: Any, studio: Studio, who: str) -> None:
    """Sign in through the form, once a run: Argon2 is slow on purpose."""
    page = context.new_page()
    enter(page, studio.server.url, studio.people[who]["email"], studio.people[who]["password"])
    studio.cookies[who] = next(c for c in context.cookies() if "labelwright" in c["name"])
    page.close()


def enter(page: Any, url: str, login: str, password: str) -> None:
    """Fill in the form of a server at `url` and wait until it let them in."""
    page.goto(f"{url}/login")
    page.fill("input[name=email]", login)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)


def somebody(
    server: processes.LiveServer, browser: Any, login: str, password: str, size: tuple[int, int] = (64, 48)
) -> Hand:
    """A person of another server, signed in through the form; pictures there have that size."""
    hand = Hand(
        Studio(server, pictures.Site(0), {}), browser.new_context(viewport={"width": 1280, "height": 800}), login
    )
    hand.size = size
    enter(hand.page, server.url, login, password)
    return hand


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The editor must have been built; `make setup` does it."""
    bundle = Path(__file__).parents[2] / "src/labelwright/web/static/editor/main.js"
    assert bundle.exists(), "build the editor first: npm run build"
