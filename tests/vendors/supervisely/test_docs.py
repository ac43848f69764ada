"""docs/vendors/supervisely.md says of every method that the package calls what the table of methods does."""

from __future__ import annotations

import re

from labelwright.vendors.supervisely.routes import METHODS
from tests.support.processes import ROOT
from tests.vendors.supervisely.conftest import python

PAGE = (ROOT / "docs" / "vendors" / "supervisely.md").read_text()
LINE = re.compile(
    r"^\| `(?P<method>[a-z-]+(?:\.[A-Za-z_-]+)+)` \| (?P<state>done|partial|missing) \| .*\|$", re.MULTILINE
)
NAME = re.compile(r'"([a-z][a-z-]*(?:\.[a-zA-Z_-]+)+)"')
# Words in quotes of the package's sources that look like a method and are files, modules or fields.
OTHER = re.compile(
    r"\.(?:image_api|upload_hashes|stl|obj|pt|pth|jpg|yaml|wav|json|tar|env|png|name|txt|nrrd|pcd|mp4|zip|html|py|log|gz|bin|md|csv)$"
)


def documented() -> dict[str, str]:
    """State by method."""
    return {line["method"]: line["state"] for line in LINE.finditer(PAGE)}


def called() -> set[str]:
    """Methods that the package's API classes name in their sources."""
    folder = next(python().parent.parent.glob("lib/python3*/site-packages/supervisely/api"))
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for line in file.read_text().splitlines():
            if not line.strip().startswith(("#", ":", ">>>")):
                found |= {name for name in NAME.findall(line) if not OTHER.search(name)}
    return found


def test_the_page_says_what_is_served() -> None:
    states = documented()
    assert set(METHODS) <= set(states), f"not documented: {sorted(set(METHODS) - set(states))}"
    wrong = [method for method, state in states.items() if (state != "missing") != (method in METHODS)]
    assert not wrong, f"documented otherwise than served: {wrong}"


def test_every_call_of_the_package_is_on_the_page() -> None:
    missing = called() - set(documented())
    assert not missing, f"not documented: {sorted(missing)}"
    assert len(LINE.findall(PAGE)) == len(documented()), "a method stands twice"
