"""Backup files: a tar with `manifest.json`, the database, and the media folder when media is kept locally.

The database is copied first: media files are named by their content and never change, so every file that the copy names
is there when its turn comes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from labelwright import __version__
from labelwright import migrate as schema
from labelwright.db import READ, Database, now
from labelwright.errors import Conflict, Invalid, LabelwrightError
from labelwright.settings import Settings

FORMAT = 1
SQLITE, POSTGRES = "database.sqlite3", "database.dump"
Progress = Callable[[Iterable[Any], int | None], Iterator[Any]]


def backup(settings: Settings, file: Path, progress: Progress) -> dict[str, Any]:
    """Write everything into the tar `file`; nothing is left there when it fails."""
    if file.exists():
        raise Conflict(f"{file} is there already; choose another name.")
    database = Database(settings.database_url)
    try:
        revision = schema.current(database)
    finally:
        database.close()
    if revision is None:
        raise Conflict("There is nothing to back up here yet.")
    part = file.with_name(file.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".labelwright-") as folder:
            copy = _copy_database(settings, Path(folder))
            media = _media_folder(settings)
            files = sorted(p for p in media.rglob("*") if p.is_file()) if media and media.is_dir() else []
            manifest = {
                "format": FORMAT, "version": __version__, "revision": revision, "made_at": now().isoformat(),
                "database": copy.name, "database_sha256": _sha256(copy), "files": len(files),
                "media": "included" if media else "not included",
            }  # fmt: skip
            with tarfile.open(part, "w") as tar:
                _add_bytes(tar, "manifest.json", json.dumps(manifest, indent=1).encode())
                tar.add(copy, copy.name)
                for path in progress(files, len(files)):
                    assert media is not None
                    tar.add(path, f"media/{path.relative_to(media)}", recursive=False)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    return manifest | {"file": str(file), "bytes": file.stat().st_size}


def restore(settings: Settings, file: Path, progress: Progress) -> dict[str, Any]:
    """Unpack `file` into an empty place. Raises `Invalid` for a damaged file and `Conflict` for a place in use."""
    media = _media_folder(settings)
    _check_empty(settings, media)
    try:
        with tarfile.open(file, "r:") as tar, tempfile.TemporaryDirectory(prefix="labelwright-") as folder:
            manifest = _manifest(tar, file)
            tar.extract(manifest["database"], folder, filter="data")
            copy = Path(folder) / manifest["database"]
            if _sha256(copy) != manifest["database_sha256"]:
                raise Invalid(f"{file} is damaged: the database in it is not what was written.")
            files = _restore_media(tar, media, progress)
            if files != manifest["files"]:
                raise Invalid(f"{file} is damaged: it holds {files} of {manifest['files']} media files.")
            _restore_database(settings, copy)
    except (tarfile.TarError, OSError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from None
    database = Database(settings.database_url)
    try:
        schema.upgrade(database)
    finally:
        database.close()
    return manifest


def _manifest(tar: tarfile.TarFile, file: Path) -> dict[str, Any]:
    member = tar.next()
    stream = tar.extractfile(member) if member is not None and member.name == "manifest.json" else None
    try:
        manifest = json.load(stream) if stream else {}
    except ValueError:
        manifest = {}
    if manifest.get("format") != FORMAT or manifest.get("database") not in (SQLITE, POSTGRES):
        raise Invalid(f"{file} is not a backup that this version can read.")
    if manifest["revision"] > schema.head():
        raise Invalid(f"{file} was made by version {manifest['version']}; install that or a newer one.")
    return manifest


def _restore_media(tar: tarfile.TarFile, media: Path | None, progress: Progress) -> int:
    members = [m for m in tar.getmembers() if m.name.startswith("media/") and m.isfile()]
    if members and media is None:
        raise Invalid("This backup holds media, but storage is set to S3; restore with local storage, then move it.")
    for member in progress(members, len(members)):
        assert media is not None
        member.name = member.name.removeprefix("media/")
        tar.extract(member, media, filter="data")
    return len(members)


def _check_empty(settings: Settings, media: Path | None) -> None:
    if settings.database_url.startswith("sqlite"):
        place = Path(settings.database_url.removeprefix("sqlite:///"))
        if place.exists():
            raise Conflict(f"{place} is there already; restore into an empty data folder.")
    else:
        database = Database(settings.database_url)
        try:
            with database.engine.connect().execution_options(**READ) as connection:
                if inspect(connection).get_table_names():
                    raise Conflict("The PostgreSQL database is not empty; restore into a new one.")
        finally:
            database.close()
    if media is not None and media.is_dir() and any(media.iterdir()):
        raise Conflict(f"{media} is not empty; restore into an empty data folder.")


def _media_folder(settings: Settings) -> Path | None:
    """The local media folder; None when media is in S3."""
    url = settings.storage_url
    return Path(url.removeprefix("file://")) if url.startswith("file://") else None


def _copy_database(settings: Settings, folder: Path) -> Path:
    """A consistent copy of the database, made while others write."""
    if not settings.database_url.startswith("sqlite"):
        target = folder / POSTGRES
        _postgres(settings, "pg_dump", "--format=custom", "--no-owner", f"--file={target}")
        return target
    target = folder / SQLITE
    source = settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise LabelwrightError(f"{source} is damaged: `PRAGMA quick_check` fails.")
    return target


def _restore_database(settings: Settings, copy: Path) -> None:
    sqlite = settings.database_url.startswith("sqlite")
    if sqlite != (copy.name == SQLITE):
        raise Invalid("The backup is of the other kind of database; set LABELWRIGHT_DATABASE_URL to the same kind.")
    if sqlite:
        place = Path(settings.database_url.removeprefix("sqlite:///"))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, place.with_name(place.name + ".part"))
        place.with_name(place.name + ".part").rename(place)
        return
    _postgres(settings, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(copy))


def _postgres(settings: Settings, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database; the password goes by a file that only we can read."""
    url = make_url(settings.database_url)
    with tempfile.NamedTemporaryFile("w", prefix="labelwright-", suffix=".pgpass") as secret:
        secret.write("*:*:*:*:" + (url.password or "").replace("\\", "\\\\").replace(":", "\\:") + "\n")
        secret.flush()
        parts = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database} | dict(url.query)
        if url.password:
            parts["passfile"] = secret.name
        target = " ".join(f"{k}='{_quoted(str(v))}'" for k, v in parts.items() if v)
        command = [_postgres_program(program), *arguments[:-1]]
        command += [f"--dbname={target}", arguments[-1]]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        raise LabelwrightError(f"{program} failed: {done.stderr.strip()}")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _postgres_program(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if not found:
        raise LabelwrightError(f"{name} is not installed: it comes with PostgreSQL's client programs.")
    return found


def _add_bytes(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    member.mtime = int(now().timestamp())
    tar.addfile(member, io.BytesIO(body))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
