"""docs/vendors/roboflow.md says of every address what the URL table does, and leaves out none."""

from __future__ import annotations

import re

from labelwright.vendors.roboflow import refusals
from labelwright.vendors.roboflow.routes import RECEIVE, ROWS
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "vendors" / "roboflow.md").read_text()
REFUSALS = {refusals.no_models, refusals.not_here, refusals.no_videos}
LINE = re.compile(r"^\| (?P<what>.+) \| (?P<state>done|partial|missing) \| (?P<addresses>.*) \| .*\|$", re.MULTILINE)


def documented() -> dict[str, set[str]]:
    """States by address, such as `GET /{ws}`."""
    found: dict[str, set[str]] = {}
    for line in LINE.finditer(PAGE):
        for address in re.findall(r"`([A-Z*]+ /[^`]*)`", line["addresses"]):
            found.setdefault(address, set()).add(line["state"])
    return found


def test_every_address_is_documented_as_it_is() -> None:
    pages, served = documented(), {f"PUT {RECEIVE}"}
    for row in ROWS:
        path = re.sub(r":\w+}", "}", row.path)
        refused = row.handler in REFUSALS
        address = f"* {path}" if refused else f"{row.method} {path}"
        served.add(address)
        states = pages.get(address, set())
        assert states, f"{address} is not documented"
        assert (states == {"missing"}) is refused, address
    assert set(pages) <= served, "documented, but not served"
