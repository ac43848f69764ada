"""Models of the users' own, configured on their page."""

from __future__ import annotations

import re

from sqlalchemy import select

from labelwright.models.assist import ModelService
from tests.web.conftest import HTMX, Site
from tests.web.forms import EVIL, UID, post, refused

FORM = {"name": "Finder", "url": "https://models.example/ask", "asks": ["box", "whole"], "scope": "project",
        "classes": "automobile = car\n\ntruck = lorry", "header_name": "Authorization", "header_value": "Bearer s3cret",
        "seconds": "12", "side": "800"}  # fmt: skip


def only(site: Site) -> ModelService:
    with site.database.read() as session:
        return session.scalars(select(ModelService)).one()


def test_a_model_is_made_known_changed_paused_and_deleted(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/models"
    assert "No models yet" in alice.get(base).text
    post(alice, base, **FORM)
    row = only(site)
    assert (row.asks, row.classes) == (["box", "whole"], {"automobile": "car", "truck": "lorry"})
    assert (row.project_id, row.seconds, row.side, row.header_value) == (site.project.id, 12, 800, "Bearer s3cret")
    page = alice.get(base).text
    assert "Finder" in page
    assert "Finder can be asked now." in page
    uid = re.search(rf"models/({UID})/switch", page).group(1)  # type: ignore[union-attr]
    dialog = alice.get(f"{base}/{uid}", headers=HTMX).text
    assert "automobile = car" in dialog
    assert "s3cret" not in page + dialog
    post(alice, f"{base}/{uid}", **FORM | {"name": "Other", "header_value": ""})
    assert (only(site).name, only(site).header_value) == ("Other", "Bearer s3cret")
    post(alice, f"{base}/{uid}/switch")
    assert "Paused" in alice.get(base).text
    post(alice, f"{base}/{uid}/delete")
    assert "Deleted Other." in alice.get(base).text
    assert "No models yet" in alice.get(base).text


def test_a_workspace_s_model_is_listed_in_its_projects(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/models"
    post(alice, base, **FORM | {"scope": "workspace", "name": EVIL})
    assert only(site).project_id is None
    page = alice.get(base).text
    assert "Whole workspace" in page
    assert "<script>alert(1)" not in page


def test_faults_name_their_field(site: Site) -> None:
    alice, base = site.as_("alice"), site.url + "/models"
    for change, field in (
        ({"url": "nowhere"}, "url"), ({"asks": []}, "asks"), ({"seconds": "x"}, "seconds"), ({"classes": "car"}, "classes"),
        ({"header_name": ""}, "header_value"), ({"name": ""}, "name"), ({"side": "9"}, "side"),
    ):  # fmt: skip
        assert f'data-fault="{field}"' in refused(alice, base, **FORM | change)


def test_only_managers_come_here(site: Site) -> None:
    assert site.as_("bob").get(site.url + "/models").status_code == 403
    refused(site.as_("bob"), site.url + "/models", 403, **FORM)
