"""Somebody else's web server for pictures and callbacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Serves pictures, receives callbacks."""
    origin = Origin()
    yield origin
    origin.close()
