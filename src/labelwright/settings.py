"""All configuration, read from the environment once. Nothing else reads the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labelwright.errors import Invalid

PREFIX = "LABELWRIGHT_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _flag(value: str) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("write true or false")
    return value == "true"


def _count(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("write a whole number, 0 or more")
    return number


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _pairs(value: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (p.strip() for p in value.split(","))):
        host, _, facade = part.partition("=")
        if facade not in {"playment", "roboflow", "supervisely"}:
            raise ValueError("write host=playment|roboflow|supervisely, separated by commas")
        pairs[host.lower()] = facade
    return pairs


def _url(value: str) -> str:
    if urlsplit(value).scheme not in {"http", "https"}:
        raise ValueError("write a full address, such as https://labels.example.org")
    return value.rstrip("/")


def _database(value: str) -> str:
    if value.startswith("postgres://"):
        value = "postgresql://" + value.removeprefix("postgres://")
    if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    return value.replace("postgresql://", "postgresql+psycopg://", 1)


def _storage(value: str) -> str:
    if not value.startswith(("file://", "s3://")):
        raise ValueError("write file:///FOLDER or s3://BUCKET/PREFIX")
    return value


def _setting(parse: Callable[[str], Any], default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": help_text})


@dataclass(frozen=True)
class Settings:
    """The values in force. Each is `LABELWRIGHT_<NAME>` in the environment; `docs/settings.md` lists them."""

    data: Path = _setting(
        _path, Path("data").resolve(), "Folder for the database, media and exports when the two below are not set."
    )
    database_url: str = _setting(
        _database,
        "",
        "`sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`. Default: SQLite in the data folder.",
    )
    storage_url: str = _setting(
        _storage, "", "`file:///FOLDER` or `s3://BUCKET/PREFIX`. Default: `media` in the data folder."
    )
    s3_endpoint: str = _setting(_text, "", "Address of an S3-compatible server; empty for AWS.")
    s3_region: str = _setting(_text, "us-east-1", "S3 region.")
    s3_access_key: str = _setting(_text, "", "S3 access key id; empty: the machine's own credentials.")
    s3_secret_key: str = _setting(_text, "", "S3 secret key.")
    public_url: str = _setting(
        _url,
        "",
        "Address under which people and clients reach the server, for links in answers and callbacks. Default: taken from each request.",
    )
    fetch_allow: tuple[Network, ...] = _setting(
        _networks,
        (),
        "Networks, separated by commas, that media and callbacks may be fetched from although they are private, such as `10.0.0.0/8`.",
    )
    fetch_max_mb: int = _setting(_count, 512, "Largest media file fetched or uploaded, in MB.")
    archive_max_mb: int = _setting(_count, 4096, "Largest zip of a dataset that may be sent, in MB.")
    fetch_timeout: int = _setting(_count, 60, "Seconds one fetch may take in all.")
    fetch_buckets: tuple[str, ...] = _setting(
        _names,
        (),
        "Buckets, separated by commas, that `s3://` addresses may name. Empty: all that the access key reads, but the server's own.",
    )
    max_pixels: int = _setting(_count, 250_000_000, "Largest image, in pixels, that is decoded.")
    tile_pixels: int = _setting(
        _count,
        50_000_000,
        "Images of more pixels are cut into tiles when they come, and editors fetch only what is in sight.",
    )
    max_body_mb: int = _setting(_count, 64, "Largest request body in MB, uploads of media and bulk imports apart.")
    lease_minutes: int = _setting(_count, 30, "Minutes an untouched task stays with the person who took it.")
    session_days: int = _setting(_count, 14, "Days a sign-in lasts.")
    hosts: dict[str, str] = _setting(
        _pairs,
        None,
        "Host names that serve one vendor's API at the root, such as `api.playment.io=playment`, separated by commas.",
    )
    secure_cookies: bool = _setting(_flag, False, "Send cookies over https only; set it behind https.")
    workers: int = _setting(
        _count, 4, "Background tasks a process runs at once; 0: this `serve` leaves them to `labelwright worker`."
    )
    log_json: bool = _setting(_flag, False, "Log lines as JSON.")

    def __post_init__(self) -> None:
        if self.hosts is None:
            object.__setattr__(self, "hosts", {})
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data / 'labelwright.sqlite3'}")
        if not self.storage_url:
            object.__setattr__(self, "storage_url", f"file://{self.data / 'media'}")


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` (from the command line) win. Raises `Invalid` naming the variable."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in {"LABELWRIGHT_NIGHTLY"} or name.startswith("LABELWRIGHT_TEST_"):
            continue
        if name not in known:
            raise Invalid(f"{name} is not a setting. Known: {', '.join(sorted(known))}")
        try:
            values[known[name].name] = known[name].metadata["parse"](text)
        except ValueError as error:
            raise Invalid(f"{name}={text!r}: {error}") from None
    values.update({k: v for k, v in overrides.items() if v is not None})
    return Settings(**values)
