"""Write a migration from the difference between the models and the migrations: `make migration NAME=what_changes`.

`make migration NAME=first` rewrites the first one from the models as a whole, as long as nothing was released.
It compares on a PostgreSQL server of its own: SQLite cannot tell about indexes on expressions."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from tests.support import postgres

from labelwright.migrate import FOLDER, head

VERSIONS = FOLDER / "versions"


def tidy(file: Path) -> None:
    """Drop Alembic's marks and what is unused; format."""
    file.write_text(re.sub(r"\n *# ### .*", "", file.read_text()))
    ruff = str(Path(sys.prefix) / "bin" / "ruff")
    subprocess.run([ruff, "check", "--fix", "-q", str(file)], check=False)
    subprocess.run([ruff, "format", "-q", str(file)], check=True)
    print(file)


def write(url: str, name: str, number: str) -> None:
    """Bring the database at `url` up to the migrations there are, and write the difference to the models."""
    with create_engine(url).connect() as connection:
        settings = Config()
        settings.set_main_option("script_location", str(FOLDER))
        settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        settings.attributes["connection"] = connection
        if number != "0001":
            command.upgrade(settings, "head")
        command.revision(settings, name, autogenerate=True, rev_id=number)
    tidy(next(VERSIONS.glob(f"{number}_*.py")))


def rewrite_first(url: str) -> None:
    """Make 0001 anew from an empty database, leaving the later ones as they are."""
    files = {f: f.read_text() for f in VERSIONS.glob("[0-9]*.py")}
    for file in files:
        file.unlink()
    try:
        write(url, "first", "0001")
    finally:
        for file, text in files.items():
            if not file.exists():
                file.write_text(text)


def main(name: str) -> None:
    """Start a server, write the migration, stop the server."""
    with tempfile.TemporaryDirectory(prefix="labelwright-migration-") as folder:
        server = postgres.Server.start(Path(folder))
        try:
            url = server.create("models")
            rewrite_first(url) if name == "first" else write(url, name, f"{int(head()) + 1:04}")
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
