"""Looking after an installation: migrations, backup, restore."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from labelwright.cli import output
from labelwright.cli.output import Data, Json


def migrate(data: Data = None, json: Json = False) -> None:
    """Bring the database to the schema of this version. `serve`, `worker` and all other commands do it by themselves."""
    from labelwright import migrate as schema
    from labelwright.db import Database

    values = output.settings(data)
    if values.database_url.startswith("sqlite"):
        values.data.mkdir(parents=True, exist_ok=True)
    database = Database(values.database_url)
    try:
        before = schema.current(database)
        changed = schema.upgrade(database)
    finally:
        database.close()
    value = {"changed": changed, "from": before, "to": schema.head()}
    output.answer(json, value, f"Now at {value['to']}." if changed else f"Nothing to do: at {value['to']}.")


def backup(
    file: Annotated[Path, typer.Argument(help="The tar file to write; must not be there yet.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Copy the database and local media into one tar file, while the server runs."""
    from labelwright.cli import archive

    value = archive.backup(output.settings(data), file, lambda names, total: output.progress(
        names, "Copying media", total, quiet=json))  # fmt: skip
    note = (
        "" if value["media"] == "included" else "\nMedia is in S3 and was not copied: keep that bucket's own backups."
    )
    output.answer(json, value, f"{file}: {value['files']} media files, {value['bytes']} bytes.{note}")


def restore(
    file: Annotated[Path, typer.Argument(help="A tar file that `labelwright backup` wrote.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Put a backup into an empty data folder (and an empty PostgreSQL database), checking it on the way."""
    from labelwright.cli import archive

    value = archive.restore(output.settings(data), file, lambda names, total: output.progress(
        names, "Restoring media", total, quiet=json))  # fmt: skip
    output.answer(json, value, f"Restored {value['files']} media files and the database at {value['revision']}.")


def sweep(
    days: Annotated[int, typer.Option(min=0, help="Only what has been unused for so many days.")] = 7,
    data: Data = None,
    json: Json = False,
) -> None:
    """Delete stored files that no item, dataset version or document needs any more, now; `serve` and `worker` do it daily.

    With `--days 0` no upload or import may be under way: what is sent before it is filed would be deleted."""
    from labelwright.media.fetch import Fetcher
    from labelwright.services import sweep as sweeping
    from labelwright.services.background import Shared
    from labelwright.storage import open_store

    values = output.settings(data)
    with output.database(values) as database:
        shared = Shared(values, database, open_store(values), Fetcher(values))
        swept = sweeping.run(shared, kept=timedelta(days=days))
    output.answer(json, asdict(swept), f"Deleted {swept.files} files, {swept.size / 1e6:.1f} MB.")
