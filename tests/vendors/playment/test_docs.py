"""The page for Playment's users says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from labelwright.vendors.playment import errors, routes

PAGE = (Path(__file__).parents[3] / "docs/vendors/playment.md").read_text()


def test_every_address_is_on_the_page_and_no_other() -> None:
    listed = set(re.findall(r"\| (GET|POST) \| `([^`]+)` \|", PAGE))
    served = {(method, path) for method, paths in routes.ROWS.values() for path in paths}
    assert listed == served


def test_every_served_path_is_below_a_native_root() -> None:
    for _, paths in routes.ROWS.values():
        assert {path.split("/")[1] for path in paths} <= set(routes.ROOTS)


def test_the_codes_that_users_meet_are_explained() -> None:
    for code in ("FS_0001", "FS_0003", "FS_0005", "FS_0006", "FS_00012", "GE_0001", "resource_error"):
        assert code in errors.CODES
        assert f"`{code}`" in PAGE
