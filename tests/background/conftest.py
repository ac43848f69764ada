"""What background work is handed, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from labelwright.db import Database
from labelwright.media.fetch import Fetcher
from labelwright.services.background import Shared
from labelwright.settings import Settings
from labelwright.storage import open_store


@pytest.fixture
def shared(database: Database, tmp_path: Path) -> Iterator[Shared]:
    settings = Settings(
        data=tmp_path, database_url=database.url, fetch_allow=(ip_network("127.0.0.0/8"),), max_pixels=1_000_000,
        fetch_max_mb=2, fetch_timeout=5,
    )  # fmt: skip
    shared = Shared(settings, database, open_store(settings), Fetcher(settings))
    yield shared
    shared.fetcher.close()
