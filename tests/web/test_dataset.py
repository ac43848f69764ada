"""The Dataset page: who sees what, its forms, and in a real browser what it makes and offers to copy."""

from __future__ import annotations

import re
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from labelwright.formats import FORMATS
from labelwright.media import recipes
from labelwright.models.background import BackgroundTask
from labelwright.models.versions import DatasetVersion
from labelwright.services import queue, review
from labelwright.vendors.roboflow.versions import FORMATS as NAMES
from labelwright.web import recipe_form, snippets
from labelwright.web.pages import dataset
from tests.support import archives, copied
from tests.support.processes import LiveServer
from tests.vendors.roboflow import conftest as roboflow
from tests.web.conftest import HTMX, Site
from tests.web.forms import EVIL, UID, label_something, post, refused
from tests.web.test_browser import complaints, sign_in


def test_from_an_empty_dataset_to_a_version_and_back(site: Site) -> None:
    alice, vera, base = site.as_("alice"), site.as_("vera"), site.url + "/dataset"
    assert "Tick items to add" in alice.get(base).text
    label_something(site, "car")
    assert "Add 1 labeled item" in alice.get(base).text
    with site.database.write() as session:
        task = queue.next_task(session, site.cast.rita, site.project, "review")
        assert task is not None
        review.accept(session, site.cast.rita, task, task.lease)
    assert "Add 1 finished item" in alice.get(base).text
    assert "Managers add them." in vera.get(base).text
    assert "data-dialog" not in vera.get(base).text.split("<main")[1].split("</main>")[0]

    post(alice, base + "/items", which="all")
    page = alice.get(base).text
    assert "6 items joined the dataset." in page
    assert '<span class="value">6</span><span class="also">100 %, 1 with objects' in page
    assert 'data-fault="train"' in refused(alice, base + "/split", train="70", valid="20", test="20")
    assert 'data-fault="test"' in refused(alice, base + "/split", train="70", valid="20", test="some")
    done = post(alice, base + "/split", train="50", valid="33", test="17")
    assert done.headers["hx-refresh"] == "true"
    assert "Divided: 3 train, 2 valid, 1 test." in alice.get(base).text
    assert "no object in" not in alice.get(base + "/classes?q=CA").text
    assert "No class is called like that." in alice.get(base + "/classes?q=unicorn").text
    assert "class=car" in alice.get(base + "/classes?q=CA").text

    shown = alice.get(site.url + "/items?dataset=test").text
    (uid,) = set(re.findall(rf'name="item" value="({UID})"', shown))
    assert "Take out of dataset" in shown
    post(alice, site.url + "/items/act", verb="withdraw", item=uid)
    assert "1 item out of the dataset" in alice.get(base).text
    assert uid in alice.get(site.url + "/items?dataset=out").text
    assert uid not in alice.get(site.url + "/items?dataset=in").text
    post(alice, site.url + "/items/act", verb="accept", item=uid, split="train")

    # Only one of the six has a picture.
    post(alice, base + "/versions", name="First", remap="true", **{"remap-lines": "car = auto"})
    listed = vera.get(base).text
    assert "car → auto" in listed
    assert "by Alice" in listed
    assert "Put First into the trash" not in listed
    assert "car = auto</textarea>" in alice.get(base + "/versions/new?from=1").text
    assert alice.get(base + "/versions/new?from=7").status_code == 404
    post(vera, base + "/versions/1/export", format="coco")
    assert 'hx-trigger="every 2s"' in vera.get(base + "/versions", headers=HTMX).text
    with site.database.write() as session:
        row = session.scalars(select(BackgroundTask)).one()
        row.state, row.result = "done", {"key": "versions/one.json", "mime": "application/json", "size": 12_300}
    part = vera.get(base + "/versions", headers=HTMX).text
    for words in ("versions/one.json?type=application%2Fjson", "12.3 kB", f"/exports/{row.uid}"):
        assert words in part
    assert "every 2s" not in part
    post(alice, base + "/versions/1/delete")
    assert "Put First" not in alice.get(base).text
    assert "Bring back" in alice.get(base).text
    post(alice, base + "/versions/1/restore")
    assert "Put First into the trash" in alice.get(base).text
    assert "made a version of the dataset" in alice.get(site.url + "/activity").text


def test_a_large_datasets_classes_come_after_the_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, base = site.as_("alice"), site.url + "/dataset"
    label_something(site, "car")
    post(alice, base + "/items", which="all")
    assert "class=car" in alice.get(base).text
    monkeypatch.setattr(dataset, "MOST_AT_ONCE", 5)
    page = alice.get(base).text
    assert "class=car" not in page
    assert f'hx-get="{base}/classes" hx-trigger="load"' in page


def test_a_version_with_faults_is_not_made(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/dataset/versions"
    assert "dataset is empty" in refused(alice, base, 409)
    post(alice, site.url + "/dataset/items", which="all")
    for form, field in (
        ({"resize": "true", "resize-width": "wide", "resize-height": "10"}, "resize-width"),
        ({"static-crop": "true", "static-crop-x_min": "9", "static-crop-x_max": "5", "static-crop-y_min": "0",
          "static-crop-y_max": "9"}, "static-crop"),
        ({"image-versions": "4"}, "image-versions"),
        ({"flip": "true"}, "flip-horizontal"),
        ({"remap": "true", "remap-lines": "car"}, "remap-lines"),
        ({"remap": "true", "remap-lines": "unicorn = horse"}, "remap-lines"),
    ):  # fmt: skip
        assert f'data-fault="{field}"' in refused(alice, base, **form)
    both = refused(alice, base, **{"blur": "true", "blur-pixels": "", "noise": "true", "noise-percent": "900"})
    assert both.count("data-fault") == 2
    with site.database.read() as session:
        assert session.scalars(select(DatasetVersion)).all() == []
    told = alice.get(base + "/counts", params={"tile": "true", "tile-rows": "2", "tile-columns": "3"}).text
    assert "<b>36</b> images" in told
    assert "must be a number" in alice.get(base + "/counts", params={"image-versions": "0"}).text


def test_names_of_classes_and_versions_stay_text(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/dataset"
    post(alice, site.url + "/ontology/classes", name=EVIL, color="#112233")
    label_something(site, EVIL)
    post(alice, base + "/items", which="all")
    post(alice, base + "/versions", name=EVIL, remap="true", **{"remap-lines": f"{EVIL} = {EVIL}2"})
    for path in ("", "/classes", "/versions", "/versions/new", "/versions/1/export", "/use?version=1&format=voc"):
        answer = alice.get(base + path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text, path


def test_the_form_has_every_step_there_is_and_says_it() -> None:
    steps = {step.key: step for _, group in recipe_form.GROUPS for step in group}
    assert set(steps) == {*recipes.OF_DATASET, *recipes.PREPARE, *recipes.VARY, "mosaic"}
    form = {"image-versions": "3", "remap-lines": "car = auto\nbus = -\nx=y"}
    for step in steps.values():
        form[step.key] = "true"
        for field in step.fields:
            if field.kind != "lines":
                flag = "true" if field.start else ""
                form[recipe_form.name(step, field)] = flag if field.kind == "flag" else str(field.start)
    form["tile"] = ""  # not together with filter-null
    settings = recipe_form.read(lambda name: form.get(name, ""))
    assert settings["preprocessing"]["remap"] == {"car": "auto", "bus": None, "x": "y"}
    assert recipes.parse(settings).copies == 3
    again = recipe_form.filled(settings)
    assert recipe_form.read(lambda name: again[name]) == settings
    offered = recipe_form.filled(None)
    assert recipe_form.read(lambda name: offered[name]) == {"preprocessing": {"auto-orient": True}, "augmentation": {}}
    said = recipe_form.said(settings)
    assert "Stretch to 640 × 640" in said
    assert "Classes: car → auto, bus left out, x → y" in said
    assert said[-1] == "3 from each training image"
    # Made by a client that leaves out what it does not change.
    assert recipe_form.said({"augmentation": {"crop": {"percent": 30}, "brightness": {"percent": 5.5}}}) == [
        "Zoom in by 0 to 30 %", "Brightness by up to 5.5 % (brighter, darker)",
    ]  # fmt: skip
    assert recipe_form.said({}) == []


def test_what_roboflow_calls_our_formats_is_what_it_gets() -> None:
    assert {NAMES[name]: name for name in snippets.ROBOFLOW_NAMES.values()} == snippets.ROBOFLOW_NAMES
    assert set(snippets.ROBOFLOW_NAMES) <= set(FORMATS)


@pytest.mark.browser
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_version_is_made_downloaded_and_fetched_with_what_is_copied(
    live_server: LiveServer, page: Any, tmp_path: Path
) -> None:
    status, project = live_server.request("POST", "/api/v1/projects", {"name": "Road", "classes": []})
    assert status == 201, project
    (tmp_path / "road.zip").write_bytes(archives.labelme(8, ["car", "tree", "sign"]))
    live_server.cli(
        "import", str(tmp_path / "road.zip"), "--project", project["uid"], "--create-classes", "--accept"
    )  # fmt: skip
    noted = complaints(page)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/projects/{project['uid']}/dataset")
    page.get_by_role("link", name="Make the first version").click()
    counts = page.locator("#counts")
    counts.get_by_text("4", exact=True).wait_for()
    page.get_by_label("Flip", exact=True).check()
    page.get_by_label("Images from each training image").fill("3")
    counts.get_by_text("12", exact=True).wait_for()
    page.get_by_label("Resize", exact=True).check()
    page.get_by_label("Width, px").fill("0")
    page.get_by_role("button", name="Make the version").click()
    page.locator(".field-fault", has_text="Resize: width must be a number from 1 to 10000.").wait_for()
    assert page.get_by_label("Width, px").evaluate("e => e === document.activeElement")
    assert len(noted) == 1
    assert "422" in noted[0]
    noted.clear()
    page.get_by_label("Width, px").fill("32")
    page.get_by_role("button", name="Make the version").click()
    page.get_by_text("Made Version 1 of 16 images.").wait_for()

    page.get_by_role("button", name="Download", exact=True).click()
    page.get_by_role("dialog").get_by_label("Pascal VOC").check()
    page.get_by_role("button", name="Write the file").click()
    with page.expect_download() as caught:
        page.locator(".version-files a").click()
    archive = zipfile.ZipFile(caught.value.path())
    assert sum(name.endswith(".jpg") for name in archive.namelist()) == 16
    assert not noted

    def snippet(key: str) -> str:
        text = page.locator(f"#use-{key}").text_content()
        assert "YOUR_KEY" in text
        return text.replace("YOUR_KEY", live_server.api_key)

    run = partial(copied.run, tmp_path)
    page.get_by_label("Format").select_option("createml")
    page.locator("#use-shell", has_text="createml").wait_for()
    run("sh", "-c", snippet("shell"))
    first = (tmp_path / "road-v1-createml.zip").read_bytes()
    run(sys.executable, "-c", snippet("python"))
    assert (tmp_path / "road-v1-createml.zip").read_bytes() == first
    assert sum(name.endswith(".jpg") for name in zipfile.ZipFile(tmp_path / "road-v1-createml.zip").namelist()) == 16
    run("sh", "-c", snippet("export"))
    assert zipfile.ZipFile(tmp_path / "road-createml.zip").testzip() is None
    run(str(roboflow.python()), "-c", snippet("roboflow"))
    assert len(list((tmp_path / "road-1" / "train").glob("*.jpg"))) == 12
    run(sys.executable, "-c", snippet("playment"))  # no job is finished: nothing to fetch, and no complaint
