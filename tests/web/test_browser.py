"""The pages in a real browser, against a real server process."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from PIL import Image

from labelwright.formats import FORMATS
from tests.support.processes import LiveServer

pytestmark = pytest.mark.browser


def sign_in(page: Any, server: LiveServer) -> None:
    """Through the form, as the first owner."""
    page.goto(server.url + "/")
    page.get_by_label("E-mail").fill(server.owner["email"])
    page.get_by_label("Password").fill(server.owner["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects")


def complaints(page: Any) -> list[str]:
    """Errors that the browser notes from now on, content security policy included."""
    noted: list[str] = []
    page.on("console", lambda message: noted.append(message.text) if message.type == "error" else None)
    return noted


def test_an_owner_sets_up_a_project(live_server: LiveServer, page: Any) -> None:
    noted = complaints(page)
    page.goto(live_server.url + "/projects?archived=1")
    page.get_by_label("E-mail").fill(live_server.owner["email"])
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("E-mail or password is wrong.").wait_for()
    assert any("401" in text for text in noted)
    noted.clear()
    page.get_by_label("Password").fill(live_server.owner["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects?archived=1")

    # A project, with a fault first: the dialog stays and says what is wrong.
    page.goto(live_server.url + "/projects")
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("   ")
    dialog.get_by_role("button", name="Make project").click()
    dialog.get_by_role("alert").wait_for()
    assert dialog.get_by_label("Name").get_attribute("aria-invalid") == "true"
    dialog.get_by_label("Name").fill("Harbour")
    dialog.get_by_role("button", name="Make project").click()
    page.wait_for_url("**/ontology")
    page.get_by_text("Made the project Harbour").wait_for()
    noted.clear()  # the refused form was a 422

    # Three classes, then their order changed from the keyboard; then one renamed and one deleted.
    for name, shape in (("ship", "Box"), ("crane", "Polygon"), ("buoy", "Point")):
        page.get_by_role("button", name=re.compile("Add (the first )?class")).first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name in the data").fill(name)
        form.get_by_label(shape, exact=True).check()
        form.get_by_role("button", name="Add class").click()
        page.get_by_text(f"Saved the class {name}.").wait_for()
    names = page.locator(".class-row .strong")
    assert names.all_text_contents() == ["ship", "crane", "buoy"]
    page.get_by_role("button", name="Move buoy: Alt and arrow keys").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.get_by_text("Saved the order.").wait_for()
    assert names.all_text_contents() == ["ship", "buoy", "crane"]
    page.get_by_label("Actions for ship").click()
    page.get_by_role("button", name="Edit").first.click()
    page.get_by_role("dialog").get_by_label("Shown as").fill("Vessel")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_text("Saved the class Vessel.").wait_for()
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_label("Actions for crane").click()
    page.locator(".class-row", has_text="crane").get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted the class crane.").wait_for()
    assert names.all_text_contents() == ["Vessel", "buoy"]
    assert not noted


def test_people_keys_and_webhooks(live_server: LiveServer, page: Any) -> None:
    noted = complaints(page)
    sign_in(page, live_server)
    page.get_by_role("link", name="Team").click()
    page.get_by_role("button", name="Add person").click()
    page.get_by_label("E-mail").fill("nina@example.org")
    page.get_by_role("dialog").get_by_label("Role").select_option("annotator")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    password = page.locator("#made-password").text_content()
    page.get_by_role("link", name="Done").click()
    assert password not in page.content()
    page.get_by_label("Role of nina").select_option("reviewer")
    page.get_by_text("nina is reviewer now.").wait_for()

    page.get_by_role("link", name="API keys").click()
    page.get_by_role("button", name=re.compile("Create (the first )?key")).first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("nightly")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    key = page.locator("#made-key").text_content()
    assert live_server.request("GET", "/api/v1/me", key=key)[1]["key"]["name"] == "nightly"
    page.get_by_role("link", name="Done").click()
    assert key not in page.content()

    made = live_server.cli("project", "create", "Quay", "--kind", "image", "--classes", str(_classes(live_server)))
    page.goto(f"{live_server.url}/projects/{made['uid']}/webhooks")
    page.get_by_role("button", name="Add the first webhook").click()
    page.get_by_label("Address").fill("http://127.0.0.1:9/refused")
    page.get_by_role("dialog").get_by_label("task.accepted", exact=True).check()
    page.get_by_role("dialog").get_by_role("button", name="Add webhook").click()
    assert (page.locator("#made-secret").text_content() or "").startswith("whsec_")
    page.get_by_role("link", name="Open its log").click()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("webhook.test").wait_for()
    # The server refuses to call itself: loopback addresses are not fetched from.
    for _ in range(40):
        if page.get_by_text("127.0.0.1").count() > 1:
            break
        page.wait_for_timeout(250)
        page.reload()
    assert page.locator("tbody tr").count() == 1

    # Nina signs in with what she was handed, and sees no settings.
    page.get_by_label(re.compile("^Account of")).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail").fill("nina@example.org")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/work")
    page.get_by_text("Nothing to do right now").wait_for()
    page.goto(f"{live_server.url}/projects/{made['uid']}")
    assert page.get_by_role("link", name="Settings").count() == 0
    assert not noted


def test_the_palette_themes_and_the_keyboard(live_server: LiveServer, page: Any) -> None:
    noted = complaints(page)
    sign_in(page, live_server)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Control+k")
    page.get_by_role("option", name="Account").wait_for()
    page.keyboard.type("members")
    page.get_by_role("option", name="Account").wait_for(state="detached")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/team/**")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0

    page.goto(live_server.url + "/account")
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.get_by_role("button", name="Dark").click()
    page.goto(live_server.url + "/projects")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert not noted


def test_an_export_is_made_in_the_background_and_fetched(live_server: LiveServer, page: Any) -> None:
    made = live_server.cli("project", "create", "Quay", "--kind", "image", "--classes", str(_classes(live_server)))
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/projects/{made['uid']}/exports")
    page.get_by_role("button", name="Make the first export").click()
    page.get_by_role("dialog").locator('input[value="coco"]').check()
    page.get_by_role("dialog").get_by_role("button", name="Export").click()
    page.get_by_text("Ready").wait_for()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    content = json.loads(started.value.path().read_text())
    assert [c["name"] for c in content["categories"]] == ["box"]
    assert started.value.suggested_filename.startswith("quay-coco-")


def test_a_folder_is_imported_and_comes_out_again(live_server: LiveServer, page: Any) -> None:
    made = live_server.cli("project", "create", "Mole", "--kind", "image")
    folder = live_server.data.parent / "boats"
    for split, color in (("train", "red"), ("valid", "blue")):
        (folder / split / "images").mkdir(parents=True)
        (folder / split / "labels").mkdir()
        Image.new("RGB", (80, 40), color).save(folder / split / "images" / f"{color}.png")
        (folder / split / "labels" / f"{color}.txt").write_text("0 0.25 0.5 0.25 0.5\n")
    (folder / "data.yaml").write_text("names: ['boat & <oar>']\n")
    noted = complaints(page)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/projects/{made['uid']}/imports")
    page.get_by_role("button", name="Import the first dataset").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Import").click()
    dialog.get_by_text("Choose one file, or a folder.").wait_for()
    noted.clear()  # the refused form was a 422
    dialog.get_by_label("Or a folder").set_input_files(folder)
    dialog.get_by_label("Take the items into the dataset at once").check()
    dialog.get_by_role("button", name="Import").click()
    page.get_by_text("classes made: boat & <oar>").wait_for()

    api = page.context.request
    items = api.get(f"{live_server.url}/api/v1/projects/{made['uid']}/items").json()["results"]
    assert sorted((i["name"], i["split"]) for i in items) == [("blue.png", "valid"), ("red.png", "train")]

    page.goto(f"{live_server.url}/projects/{made['uid']}/exports")
    page.get_by_role("button", name="Make the first export").click()
    page.get_by_role("dialog").locator('input[value="voc"]').check()
    page.get_by_role("dialog").get_by_label("Put the original pictures in").check()
    page.get_by_role("dialog").get_by_role("button", name="Export").click()
    page.get_by_text("Ready").wait_for()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    with started.value.path().open("rb") as file:
        found = {s.name: s for s in FORMATS["voc"].read(file).samples}
        assert {n: (s.split, s.width, s.document.objects[0].class_name) for n, s in found.items()} == {
            "red.png": ("train", 80, "boat & <oar>"), "blue.png": ("valid", 80, "boat & <oar>"),
        }  # fmt: skip
        assert all(s.picture is not None for s in found.values())
    assert not noted


def _classes(server: LiveServer) -> Any:
    file = server.data.parent / "classes.json"
    file.write_text('[{"name": "box", "shapes": ["rectangle"]}]')
    return file
