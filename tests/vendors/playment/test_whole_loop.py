"""From the API call to the accepted result: a script files, people work in the browser, the script fetches, a call arrives."""

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
from tests.editor.conftest import Hand, near, somebody
from tests.support.origin import Origin
from tests.vendors.playment import live
from tests.vendors.playment.live import TAG, Site
from tests.vendors.playment.test_traps import CORNERS

pytestmark = pytest.mark.browser
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


def person(site: Site, browser: Any, name: str, role: str) -> Hand:
    """A new member, signed in by the form; pictures are 64 x 48."""
    address = f"{name}-{uuid.uuid4().hex[:6]}@example.org"
    password = site.server.cli("user", "add", address, "--role", role)["password"]
    return somebody(site.server, browser, address, password)


def take(site: Site, hand: Hand, job: str) -> Hand:
    """Press Start in one's queue once there is work; that must be this job."""

    def offered() -> bool:
        hand.page.goto(f"{site.server.url}/work")
        return hand.page.get_by_role("button", name="Start").is_visible()

    site.wait_for(offered)
    hand.page.get_by_role("button", name="Start").click()
    hand.page.wait_for_url(f"**/work/{job}")
    return hand.ready()


def test_filed_corrected_rejected_accepted_fetched(
    shared_site: Site, origin: Origin, monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    site = shared_site.renewed()
    live.pointed_at(monkeypatch, site.server.url)
    site.own("POST", "/webhooks", {
        "url": origin.url("/callback"), "kinds": ["task.completed", "item.failed"], "project": site.images,
        "shape": "playment", "secret": SECRET, "header_key": "our-key",
    })  # fmt: skip
    client = playment.Client(site.server.api_key)
    sent = {"_id": str(uuid.uuid4()), "label": "Vehicle_car", "color": "rgb(70, 26, 158)", "coordinates": CORNERS,
            "attributes": {"State": {"state": "editable", "value": "Moving"}}}  # fmt: skip
    job = client.create_job("loop", TAG, Labeled(origin.url("/12.png"), [sent]), site.images)
    path = f"/v1/projects/{site.images}/jobs/{job.id}"
    site.wait_for(lambda: site.own("GET", f"/tasks/{job.id}/work")["item"]["media_state"] == "ready")

    # The box is 0.1..0.5 by 0.2..0.6 of the picture: 6.4..32 by 9.6..28.8 pixels. She moves it and draws a polygon.
    anna = take(site, person(site, browser, "anna", "annotator"), job.id)
    assert anna.rows() == ["Vehicle_car 1"]
    anna.press("v").drag((19, 19), (22, 21)).press("Escape").press("p")
    anna.page.locator("lw-classes").get_by_text("lane_divider").click()
    anna.click(40, 10).click(60, 10).click(50, 40).press("Enter").wait("saved").press("Control+Enter")
    anna.page.get_by_text("All done").wait_for()
    assert client.get_job_result(site.images, job.id).status == "in_progress"

    rita = take(site, person(site, browser, "rita", "reviewer"), job.id).press("r")
    dialog = rita.page.locator("dialog.reject")
    dialog.get_by_role("radio").first.click()
    dialog.get_by_role("textbox").fill("tighter")
    dialog.get_by_role("button", name="Return to author").click()
    rita.page.get_by_text("All done").wait_for()

    take(site, anna, job.id)
    assert anna.page.locator("lw-top .chip.returned").is_visible()
    anna.press("v").drag((22, 21), (24, 23)).wait("saved").press("Control+Enter")
    anna.page.get_by_text("All done").wait_for()
    assert client.get_job_result(site.images, job.id).result == ""
    take(site, rita, job.id).press("y")
    site.wait_for(lambda: site.get(path)["status"] == "completed")
    for hand in (anna, rita):
        hand.context.close()
        assert not hand.thrown

    told = client.get_job_result(site.images, job.id)
    assert told.status == "completed"
    attachment = f"{site.server.url}/v1/attachments?url={told.result}"
    result = requests.get(attachment, headers={"x-api-key": site.server.api_key}, timeout=30).json()["data"]
    (box,), (polygon,) = result["annotations"]["rectangles"], result["annotations"]["polygons"]
    # Moved by 5 and 4 pixels in all: 11.4..37 by 13.6..32.8.
    corners = box["coordinates"]
    found = [v for corner in corners for v in (corner["x"] * 64, corner["y"] * 48)]
    assert near(found, [11.4, 13.6, 37, 13.6, 37, 32.8, 11.4, 32.8], 0.5)
    assert box | {"coordinates": CORNERS} == sent | {"attributes": {"State": {"value": "Moving"}}}
    assert polygon["label"] == "lane_divider"
    corners = [polygon["points"][name] for name in ("p1", "p2", "p3")]
    found = [v for corner in corners for v in (corner["x"] * 64, corner["y"] * 48)]
    assert near(found, [40, 10, 60, 10, 50, 40], 0.5)
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
