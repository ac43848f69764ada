"""Fixtures for the whole suite: real databases, real servers, a real browser."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from labelwright import migrate
from labelwright.db import Database
from tests.support import postgres, processes, strategies

DATABASES = ("sqlite", "postgresql")
assert strategies.settings  # importing it sets how Hypothesis chooses its cases
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                  "--no-first-run", "--disable-quic", "--disable-gpu")  # fmt: skip
_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    """The controller names the run before its workers start, so that all share one PostgreSQL."""
    processes.starter.warm = True
    if not hasattr(config, "workerinput"):
        os.environ.pop("LABELWRIGHT_TEST_RUN", None)
        postgres.clean_up_orphans()
        postgres.run_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started, and the controller what the run started."""
    processes.starter.close()
    if not hasattr(config, "workerinput"):
        postgres.clean_up(postgres.run_folder())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy from."""
    file = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    database = Database(f"sqlite:///{file}")
    migrate.upgrade(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT", labelwright_read=True) as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return file


@pytest.fixture(scope="session")
def postgres_server() -> postgres.Server:
    """The run's PostgreSQL server, shared by all workers."""
    return postgres.shared()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Server) -> str:
    """Name of a migrated, empty database to clone, one for each worker."""
    name = f"template_{os.getpid()}"
    database = Database(postgres_server.create(name))
    migrate.upgrade(database)
    database.close()
    return name


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a fresh, migrated database: each test that asks for it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        file = tmp_path / "labelwright.sqlite3"
        shutil.copyfile(template, file)
        yield f"sqlite:///{file}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield server.create(name, request.getfixturevalue("postgres_template"))
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database; on both kinds."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A write transaction that is rolled back when the test ends. On SQLite no other write may be opened meanwhile."""
    with Session(database.engine, expire_on_commit=False) as session:
        yield session
        session.rollback()


@pytest.fixture
def live_server(database_url: str, tmp_path: Path) -> Iterator[processes.LiveServer]:
    """A real `labelwright serve` process, on both kinds of database, with a first owner."""
    server = processes.start_server(tmp_path, database_url)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.S3Server]:
    """An S3 server process; take a `bucket()` from it."""
    server = processes.start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh browser page, 1280 by 800, that fails the test when a script on it throws."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    yield page
    context.close()
    assert not thrown, thrown
