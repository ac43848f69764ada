"""From the API call to the accepted result: a script files, people work through our API, the script fetches, a call arrives."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import playment
import pytest
import requests
from playment.base.data import Data

from labelwright.services.webhooks import signature
from tests.support.origin import Origin
from tests.vendors.playment import live
from tests.vendors.playment.live import TAG, Site
from tests.vendors.playment.test_traps import CORNERS

SECRET = "whsec_agreed-beforehand"


class Labeled(Data):
    """An image with labels drawn beforehand, as the package lets its users make it."""

    def __init__(self, image_url: str, rectangles: list[Any]) -> None:
        self.image_url = image_url
        self.maker_response = {"rectangles": {"type": "rectangles", "data": rectangles}}

    def valid(self) -> bool:
        return True


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Where the pictures are, and who is called back."""
    origin = Origin()
    yield origin
    origin.close()


def a_key(site: Site, name: str, role: str) -> str:
    """An API key of a new member."""
    address = f"{name}-{uuid.uuid4().hex[:6]}@example.org"
    site.server.cli("user", "add", address, "--role", role)
    return site.server.cli("key", "create", "--user", address, "--name", "test")["api_key"]


def take(site: Site, key: str, stage: str) -> dict[str, Any]:
    """The next task of a stage, opened."""
    told = site.wait_for(
        lambda: site.own("POST", "/tasks/next", {"project": site.images, "stage": stage}, key) or None
    )  # fmt: skip
    return site.own("GET", f"/tasks/{told['task']}/work", None, key)


def save(site: Site, key: str, work: dict[str, Any], *objects: dict[str, Any]) -> None:
    """Put objects into the task's document."""
    body = {"base": work["document"]["version"], "save_id": str(uuid.uuid4()), "lease": work["task"]["lease"],
            "put": list(objects), "delete": []}  # fmt: skip
    site.own("PATCH", f"/items/{work['item']['uid']}/document", body, key)


def verdict(site: Site, key: str, work: dict[str, Any], what: str, **more: str) -> None:
    """Submit, accept or reject."""
    site.own("POST", f"/tasks/{work['task']['uid']}/{what}", {"lease": work["task"]["lease"], **more}, key)


def test_filed_corrected_rejected_accepted_fetched(
    shared_site: Site, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = shared_site.renewed()
    live.pointed_at(monkeypatch, site.server.url)
    annotator, reviewer = a_key(site, "anna", "annotator"), a_key(site, "rita", "reviewer")
    site.own("POST", "/webhooks", {
        "url": origin.url("/callback"), "kinds": ["task.completed", "item.failed"], "project": site.images,
        "shape": "playment", "secret": SECRET, "header_key": "our-key",
    })  # fmt: skip
    client = playment.Client(site.server.api_key)
    sent = {"_id": str(uuid.uuid4()), "label": "Vehicle_car", "color": "rgb(70, 26, 158)", "coordinates": CORNERS,
            "attributes": {"State": {"state": "editable", "value": "Moving"}}}  # fmt: skip
    job = client.create_job("loop", TAG, Labeled(origin.url("/12.png"), [sent]), site.images)

    work = take(site, annotator, "label")
    assert work["task"]["uid"] == job.id
    (drawn,) = work["document"]["objects"]
    drawn["shape"]["box"] = [0.15, 0.2, 0.55, 0.6]
    ring = [0.1, 0.1, 0.3, 0.1, 0.2, 0.4]
    save(
        site,
        annotator,
        work,
        drawn,
        {"id": 2, "class": "lane_divider", "shape": {"type": "polygon", "parts": [[ring]]}},
    )
    verdict(site, annotator, work, "submit")
    assert client.get_job_result(site.images, job.id).status == "in_progress"

    verdict(site, reviewer, take(site, reviewer, "review"), "reject", reason="Loose outline", comment="tighter")
    work = take(site, annotator, "label")
    assert (work["task"]["returned"], work["comments"][0]["body"]) == (1, "tighter")
    drawn["shape"]["box"] = [0.15, 0.2, 0.5, 0.6]
    save(site, annotator, work, drawn)
    verdict(site, annotator, work, "submit")
    assert client.get_job_result(site.images, job.id).result == ""
    verdict(site, reviewer, take(site, reviewer, "review"), "accept")

    told = client.get_job_result(site.images, job.id)
    assert told.status == "completed"
    attachment = f"{site.server.url}/v1/attachments?url={told.result}"
    result = requests.get(attachment, headers={"x-api-key": site.server.api_key}, timeout=30).json()["data"]
    (box,), (polygon,) = result["annotations"]["rectangles"], result["annotations"]["polygons"]
    moved = [{"x": x, "y": y} for x, y in ((0.15, 0.2), (0.5, 0.2), (0.5, 0.6), (0.15, 0.6))]
    assert box == {**sent, "coordinates": moved, "attributes": {"State": {"value": "Moving"}}}
    corners = {"p1": {"x": 0.1, "y": 0.1}, "p2": {"x": 0.3, "y": 0.1}, "p3": {"x": 0.2, "y": 0.4}}
    assert (polygon["label"], polygon["points"]) == ("lane_divider", corners)
    assert not any(result["annotations"][key] for key in ("lines", "cuboids", "landmarks"))

    headers, body = site.wait_for(lambda: origin.received and origin.received[0])
    (told_back,) = body["annotations"]
    assert (told_back["reference_id"], told_back["status"], told_back["tag"]) == ("loop", "COMPLETED", TAG)
    assert told_back["job_id"] == told_back["flu_id"] == job.id
    assert (told_back["result"], told_back["result_url"]) == (result, told.result)
    assert headers["x-playment-key"] == "our-key"
    stamp, given = (part.partition("=")[2] for part in headers["x-labelwright-signature"].split(","))
    raw = compact(body)
    assert given == signature(SECRET, int(stamp), raw)


def compact(body: Any) -> bytes:
    """The bytes that were signed: compact JSON in the order sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_picture_that_cannot_be_had_is_told(shared_site: Site, origin: Origin) -> None:
    site = shared_site.renewed()
    site.own("POST", "/webhooks", {
        "url": origin.url("/callback"), "kinds": ["item.failed"], "project": site.images, "shape": "playment",
    })  # fmt: skip
    body = {"reference_id": "gone", "tag": TAG, "data": {"image_url": origin.url("/no-such-picture.png")}}
    job = site.call("POST", f"/v1/projects/{site.images}/jobs", body)["data"]["job_id"]
    path = f"/v1/projects/{site.images}/jobs/{job}"
    told = site.wait_for(lambda: (found := site.get(path))["status"] == "failed" and found)
    assert "404" in told["message"]
    _, call = site.wait_for(lambda: origin.received and origin.received[0])
    (failed,) = call["annotations"]
    assert (failed["status"], failed["reference_id"], failed["error"]["code"]) == ("FAILED", "gone", "FS_0003")
    (failure,) = failed["error"]["meta_data"]["failures"]
    assert (failure["field"], failure["type"]) == ("data.image_url", "INVALID_IMAGE_LINK")
