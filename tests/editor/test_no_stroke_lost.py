"""No stroke lost: random work with a bad network, and each single mishap in the real browser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASES
from tests.editor.conftest import Hand, Studio, boxed, eventually, near, pixels
from tests.support import postgres, processes
from tests.support.processes import ROOT

Hands = Callable[..., Hand]
NIGHTLY = bool(os.environ.get("LABELWRIGHT_NIGHTLY"))
# Seed, kind of item, database, and whether the server is killed on the way. Failures name the seed, which decides all else.
RUNS = [(1, "image", "sqlite", False), (2, "video", "sqlite", True), (3, "video", "postgresql", True)]
RUNS += [(seed, kind, database, killed) for seed in range(4, 14) for kind in ("image", "video") for database in DATABASES
         for killed in (False, True) if NIGHTLY]  # fmt: skip


@pytest.fixture(scope="session")
def soak() -> Path:
    """The bundled script that works at random."""
    subprocess.run(["node", "editor/build.mjs", "--test"], cwd=ROOT, check=True, timeout=120)
    return ROOT / "editor/.test/soak.mjs"


@pytest.fixture(scope="session")
def studio_on_postgres(
    studio: Studio, postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    """The same pictures, labeled on a server that keeps its rows in PostgreSQL."""
    server = processes.start_server(
        tmp_path_factory.mktemp("postgres"), postgres_server.create(f"studio_{os.getpid()}")
    )
    yield Studio(server, studio.site, {})
    server.kill()


@pytest.mark.parametrize(("seed", "kind", "database", "killed"), RUNS)
def test_random_work_with_everything_that_goes_wrong(
    request: pytest.FixtureRequest, soak: Path, seed: int, kind: str, database: str, killed: bool
) -> None:
    studio: Studio = request.getfixturevalue("studio" if database == "sqlite" else "studio_on_postgres")
    classes = [{"name": "car", "attributes": [{"name": n, "kind": "text"} for n in ("who", "name", "stroke")]}]
    frames = {"frames": [{"url": studio.site.url(f"/frame{i}.png")} for i in range(12)]} if kind == "video" else {}
    task = studio.task(project=studio.project(kind, classes=classes), **frames)
    command = ["node", str(soak), studio.server.url, studio.server.api_key, task.uid, task.item, str(seed), "90", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as work:
        assert work.stdout is not None
        said = [work.stdout.readline()]
        if killed and said[0].startswith("half-way"):
            studio.server.kill()
            studio.server.start()
        said.append(work.communicate(timeout=280)[0])
    assert work.returncode == 0, f"seed {seed}, {kind}, {database}: {said}"


@pytest.mark.browser
def test_without_a_network_everything_is_kept_and_sent_later(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200)])
    ana = hand().open(task)
    ana.context.set_offline(True)
    ana.press("b").drag((300, 300), (400, 400)).drag((500, 300), (600, 400)).wait("offline")
    assert "2 changes kept" in ana.page.locator(".save").inner_text()
    assert len(task.objects) == 1
    ana.context.set_offline(False)
    ana.wait("saved")
    assert len(task.objects) == 3


@pytest.mark.browser
def test_where_the_browser_has_no_room_for_changes_the_state_says_so(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    devtools = ana.context.new_cdp_session(ana.page)
    quota = {"origin": studio.server.url}
    devtools.send("Storage.overrideQuotaForOrigin", quota | {"quotaSize": 1})
    ana.context.set_offline(True)
    state = ana.page.locator(".save")
    ana.press("b").drag((300, 300), (400, 400)).wait("offline")
    eventually(lambda: state.inner_text().startswith("Offline, 1 change in this tab only: keep it open"))
    # With room again, what could not be kept is written with the next change.
    devtools.send("Storage.overrideQuotaForOrigin", quota)
    ana.drag((500, 300), (600, 400))
    eventually(lambda: state.inner_text().startswith("Offline, 2 changes kept"))
    ana.page.close(run_before_unload=False)
    ana.context.set_offline(False)
    ana.page = ana.context.new_page()
    ana.open(task).wait("saved")
    assert len(task.saved(lambda o: len(o) == 2)) == 2


@pytest.mark.browser
def test_a_killed_tab_loses_nothing(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    ana.context.set_offline(True)
    ana.press("b").drag((300, 300), (400, 400)).wait("offline")
    assert task.objects == []
    ana.page.close(run_before_unload=False)
    ana.context.set_offline(False)
    ana.page = ana.context.new_page()
    ana.open(task).wait("saved")
    (found,) = task.saved(lambda o: len(o) == 1)
    assert near(pixels(found["shape"]["box"]), [300, 300, 400, 400])
    assert ana.rows() == [f"Car {found['id']}"]


@pytest.mark.browser
def test_an_answer_that_never_came_is_not_applied_twice(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    before = task.document["version"]
    ana = hand().open(task)
    lost = []

    def lose(route) -> None:  # type: ignore[no-untyped-def]
        if route.request.method == "PATCH" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    ana.page.route("**/document", lose)
    ana.press("b").drag((300, 300), (400, 400)).wait("saved")
    assert lost == [200]
    assert len(task.objects) == 1
    assert task.document["version"] == before + 1


@pytest.mark.browser
def test_a_session_that_ended_keeps_the_changes(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    ana.context.clear_cookies()
    ana.press("b").drag((300, 300), (400, 400)).wait("signed_out")
    assert "1 change kept" in ana.page.locator(".save").inner_text()
    ana.context.add_cookies([studio.cookies["ana"]])
    ana.page.get_by_role("button", name="Try now").click()
    ana.wait("saved")
    assert len(task.objects) == 1


@pytest.mark.browser
def test_a_task_that_somebody_else_took(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task)
    release(ana, task.uid)
    ben = hand("ben").open(task)
    ana.press("b").drag((300, 300), (400, 400)).wait("lease_lost")
    assert "1 change kept" in ana.page.locator(".save").inner_text()
    ben.page.locator("a.leave").click()
    ben.page.wait_for_url("**/work")
    ana.page.get_by_role("button", name="Take it back").click()
    ana.wait("saved")
    assert len(task.objects) == 1


@pytest.mark.browser
def test_two_tabs_of_one_person_take_turns_and_lose_nothing(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("b").drag((100, 100), (200, 200)).wait("saved")
    second = Hand(studio, ana.context, "ana").open(task)
    chip = second.page.locator(".chip", has_text="open in another tab")
    assert chip.is_visible()
    second.press("b").drag((300, 300), (400, 400))
    assert second.rows() == ["Car 1"]
    ana.drag((500, 100), (600, 200)).wait("saved")
    eventually(lambda: second.rows() == ["Car 1", "Car 2"])
    # Offline, the first tab cannot save before it steps back: the second finds everything in the journal.
    ana.context.set_offline(True)
    ana.drag((500, 300), (600, 400)).wait("offline")
    second.page.get_by_role("button", name="Work here").click()
    second.page.get_by_role("button", name="Try again").wait_for()
    ana.context.set_offline(False)
    second.page.get_by_role("button", name="Try again").click()
    second.ready().wait("saved")
    assert len(task.saved(lambda o: len(o) == 3)) == 3
    second.press("b").drag((300, 300), (400, 400)).wait("saved")
    ana.press("Escape").drag((700, 300), (750, 400))
    ana.page.get_by_role("button", name="Work here").click()
    ana.page.wait_for_selector(".save[data-state=saved]")
    eventually(lambda: ana.rows() == ["Car 1", "Car 2", "Car 3", "Car 4"])
    assert len(task.objects) == 4
    second.page.locator(".chip", has_text="open in another tab").wait_for()
    ana.page.close()
    second.page.get_by_role("button", name="Work here").click()
    second.wait("saved")
    assert not second.thrown


def release(hand: Hand, task: str) -> None:
    """Give the task back behind the editor's back, as another tab of the same person would."""
    hand.page.evaluate(
        """async task => {
            const {task: {lease}} = await (await fetch(`/api/v1/tasks/${task}/work`)).json();
            const body = JSON.stringify({lease});
            const headers = {"Content-Type": "application/json"};
            await fetch(`/api/v1/tasks/${task}/release`, {method: "POST", headers, body});
        }""",
        task,
    )


@pytest.mark.browser
def test_both_sides_of_a_clash_are_shown_and_one_is_chosen(studio: Studio, hand: Hands) -> None:
    task = studio.task([boxed(1, 100, 100, 200, 200), boxed(2, 500, 100, 600, 200)])
    ana = hand().open(task)
    body = {"save_id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "base": task.document["version"]}
    theirs = [boxed(1, 100, 100, 250, 250), boxed(2, 500, 100, 650, 250), boxed(3, 10, 10, 50, 50)]
    studio.call("PATCH", f"/items/{task.item}/document", body | {"put": theirs})
    ana.click(150, 150).drag((150, 150), (150, 350)).wait("clash")
    dialog = ana.page.locator("dialog.clash")
    assert dialog.locator(".clash").count() == 1
    dialog.get_by_role("radio", name="Yours").click()
    dialog.get_by_role("button", name="Keep these and save").click()
    ana.wait("saved")
    found = {o["id"]: pixels(o["shape"]["box"]) for o in task.objects}
    assert near(found[1], [100, 300, 200, 400])
    assert near(found[2], [500, 100, 650, 250])
    assert ana.rows() == ["Car 1", "Car 2", "Car 3"]


@pytest.mark.browser
def test_a_refused_object_does_not_hold_up_the_others(studio: Studio, hand: Hands) -> None:
    project = studio.project()
    task = studio.task([boxed(1, 100, 100, 200, 200)], project)
    ana = hand().open(task)
    uid = next(c["uid"] for c in studio.call("GET", f"/projects/{project}/ontology")["classes"] if c["name"] == "lane")
    assert studio.server.request("DELETE", f"/api/v1/projects/{project}/classes/{uid}")[0] < 300
    ana.press("4", "l").click(300, 300).click(400, 400).press("Enter").wait("refused")
    ana.press("b").drag((500, 300), (600, 400))
    task.saved(lambda o: len(o) == 2)
    ana.page.get_by_role("button", name="Why").click()
    assert "lane" in ana.page.locator("dialog .todo").inner_text()


@pytest.mark.browser
def test_a_killed_server_loses_nothing(studio: Studio, hand: Hands) -> None:
    task = studio.task()
    ana = hand().open(task).press("b").drag((100, 100), (200, 200)).wait("saved")
    studio.server.kill()
    ana.drag((300, 300), (400, 400)).wait("offline")
    studio.server.start()
    ana.wait("saved")
    eventually(lambda: len(task.objects) == 2)
