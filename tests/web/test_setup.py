"""Setting a project up, through its forms."""

from __future__ import annotations

import re

from sqlalchemy import select

from labelwright.models.projects import LabelClass, Workflow
from tests.web.conftest import HTMX, Site
from tests.web.forms import UID, label_something, post, refused


def test_a_project_from_the_form_to_its_classes(site: Site) -> None:
    max_ = site.as_("max")
    workspace = str(site.cast.workspace.uid)
    made = post(max_, "/projects", name="Harbour", kind="image", workspace=workspace, starter="boxes")
    url = made.headers["hx-redirect"].removesuffix("/ontology")
    assert "Made the project Harbour" in max_.get(url + "/ontology").text
    assert "Made the project Harbour" not in max_.get(url + "/ontology").text  # said once
    assert "Object" in max_.get(url + "/ontology").text
    assert "Harbour" in max_.get("/projects").text
    assert 'data-fault="name"' in refused(max_, "/projects", name=" ", kind="image", workspace=workspace)
    refused(max_, "/projects", 404, name="Mine", kind="image", workspace=str(site.cast.other_workspace.uid))
    post(max_, url + "/archive")
    assert "archived" in max_.get("/projects").text
    assert "Harbour" not in max_.get("/projects").text
    assert "Harbour" in max_.get("/projects?archived=1").text


def test_classes_are_added_changed_ordered_and_guarded_when_used(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    post(
        alice,
        base + "/classes",
        name="tram",
        display_name="Tram",
        shapes=["rectangle", "polygon"],
        color="#123456",
        hotkey="7",
    )
    with site.database.read() as session:
        tram = session.scalars(select(LabelClass).where(LabelClass.name == "tram")).one()
        assert (tram.shapes, tram.color, tram.hotkey) == (["rectangle", "polygon"], "#123456", "7")
    assert 'data-fault="color"' in refused(alice, base + "/classes", name="bus", color="red")
    assert "already" in refused(alice, base + "/classes", 409, name="tram", color="#123456")
    post(alice, f"{base}/classes/{tram.uid}", name="tramway", display_name="", color="#abcdef")
    uids = re.findall(rf'data-row="({UID})"', alice.get(base).text)
    post(alice, base + "/order", order=",".join(reversed(uids)))
    assert re.findall(rf'data-row="({UID})"', alice.get(base).text) == uids[::-1]
    post(alice, f"{base}/classes/{tram.uid}/delete")
    assert "Deleted the class tramway." in alice.get(base).text
    assert "tramway" not in alice.get(base).text


def test_a_class_in_use_keeps_its_name_and_stays(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    label_something(site, "car")
    with site.database.read() as session:
        car = session.scalars(select(LabelClass).where(LabelClass.name == "car")).one()
    assert "readonly" in alice.get(f"{base}/classes/{car.uid}", headers=HTMX).text
    assert "labeled" in refused(alice, f"{base}/classes/{car.uid}", 409, name="auto", color="#123456")
    assert "labeled" in refused(alice, f"{base}/classes/{car.uid}/delete", 409)


def test_attributes_are_added_changed_and_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/ontology"
    post(
        alice,
        base + "/attributes",
        name="weather",
        kind="one_of",
        scope="item",
        options="dry\n wet \n\n",
        required="true",
    )
    page = alice.get(base).text
    uid = re.search(rf"attributes/({UID})", page.split("Attributes of all objects")[1]).group(1)  # type: ignore[union-attr]
    assert "wet" in page
    form = alice.get(f"{base}/attributes/{uid}", headers=HTMX).text
    assert "dry\nwet</textarea>" in form
    post(alice, f"{base}/attributes/{uid}", options="dry\nwet\nsnow")
    assert "snow" in alice.get(base).text
    assert 'data-fault="options"' in refused(
        alice, base + "/attributes", name="x", kind="one_of", scope="object", options=""
    )
    post(alice, f"{base}/attributes/{uid}/delete")
    assert "Deleted the attribute weather." in alice.get(base).text
    assert "weather" not in alice.get(base).text


def test_workflows_are_made_of_steps_in_order(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/workflow"
    form = {"name": "Strict", "tag": "strict", "default": "true", "kind": ["label", "review", "review", ""],
            "key": ["", "", "", ""], "step_name": ["Draw", "Check", "Spot check", ""], "sample": ["100", "100", "10", "100"]}  # fmt: skip
    post(alice, base, **form)
    with site.database.read() as session:
        row = session.scalars(select(Workflow).where(Workflow.name == "Strict")).one()
        first, check, spot = row.steps
        assert row.is_default
    assert (first["key"], first["on_done"], check["on_accept"], spot["key"], spot["sample"]) == (
        "label",
        "review",
        "review2",
        "review2",
        0.1,
    )
    assert check["on_reject"] == spot["on_reject"] == "label"
    assert "Spot check" in alice.get(base).text
    assert "label" in refused(alice, base, **{**form, "name": "Other", "tag": "", "kind": ["review", "", "", ""]})
    assert 'data-fault="sample"' in refused(
        alice, base, **{**form, "name": "O", "tag": "", "sample": ["1", "many", "1", "1"]}
    )


def test_batches_are_nested_and_only_empty_ones_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/batches"
    post(alice, base, name="Outer")
    outer = re.findall(rf"items\?batch=({UID})", alice.get(base).text)[-1]
    post(alice, base, name="Inner", parent=outer)
    assert "other batches" in refused(alice, f"{base}/{outer}/delete", 409)
    assert "already" in refused(alice, base, 409, name="Outer")
