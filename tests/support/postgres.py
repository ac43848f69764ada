"""A real PostgreSQL server for one test run: started by whoever needs it first, stopped by the run's controller."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

ROOTS = (Path("/usr/lib/postgresql"), Path("/usr/local/lib/postgresql"))
PREFIX = "labelwright-test-"
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB", "max_connections=300",
        "max_wal_size=512MB", "autovacuum=off", "unix_socket_directories=", "listen_addresses=127.0.0.1",
        "jit=off", "log_min_messages=fatal")  # fmt: skip


def program(name: str) -> str:
    """Path of one of PostgreSQL's programs, the newest installed version. Raises when there is none."""
    found = [p for root in ROOTS for p in root.glob(f"*/bin/{name}")]
    if found:
        return str(max(found, key=lambda p: int(p.parts[-3].split(".")[0])))
    on_path = shutil.which(name)
    if not on_path:
        raise RuntimeError("PostgreSQL is not installed: `make test` installs it (Debian package `postgresql`)")
    return on_path


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _account() -> str | None:
    """The account to run as: PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, user=_account(), cwd="/", stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")


class Server:
    """One server with its data in `folder`. `durable`: with fsync, for tests that kill processes."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    @classmethod
    def start(cls, folder: Path, *, durable: bool = False) -> Server:
        """Initialise `folder` and start a server on a free port. Returns when it answers."""
        folder.mkdir(parents=True, exist_ok=True)
        data = folder / "pg"
        data.mkdir(mode=0o700)
        user = _account()
        if user:
            entry = pwd.getpwnam(user)
            os.chown(data, entry.pw_uid, entry.pw_gid)
            for parent in (folder, *folder.parents):
                if parent == Path(tempfile.gettempdir()):
                    break
                parent.chmod(parent.stat().st_mode | 0o011)
        _run(program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        server = cls(folder, free_port())
        server.launch(FAST[3:] if durable else FAST)
        return server

    def launch(self, options: tuple[str, ...] = FAST) -> None:
        """Start the server process on the data folder that is there."""
        flags = " ".join(f"-c {option}" if option[-1] != "=" else f"-c {option}''" for option in options)
        _run(program("pg_ctl"), "-D", str(self.folder / "pg"), "-l", str(self.folder / "pg" / "log"), "-w", "-t", "60",
             "-o", f"-p {self.port} {flags}", "start")  # fmt: skip

    def stop(self) -> None:
        """Stop at once and wait until it is gone."""
        _run(program("pg_ctl"), "-D", str(self.folder / "pg"), "-m", "immediate", "-w", "stop")

    def url(self, name: str = "postgres") -> str:
        """SQLAlchemy address of a database on this server."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: sql.Composed | sql.SQL) -> None:
        """Run one statement outside a transaction on the maintenance database."""
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres",
                             autocommit=True) as connection:  # fmt: skip
            connection.execute(statement)

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database as a copy of another; returns its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def run_folder() -> Path:
    """The folder of this test run, the same in every xdist worker (the controller puts its name into the environment)."""
    name = os.environ.setdefault("LABELWRIGHT_TEST_RUN", f"{PREFIX}{os.getpid()}-{time.time_ns()}")
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def shared() -> Server:
    """The run's server, started on first use by whichever process comes first."""
    folder = run_folder()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        port = folder / "port"
        if not port.exists():
            server = Server.start(folder)
            port.write_text(str(server.port))
        return Server(folder, int(port.read_text()))


def _runs(data: Path) -> bool:
    """Whether a server runs on this data folder. Its file of the process alone does not say so: it outlives a server
    that was killed or a machine that was stopped, and its number may by now be another's process."""
    try:
        process = (data / "postmaster.pid").read_text().split("\n", 1)[0]
        return Path(f"/proc/{int(process)}/cwd").resolve(strict=True) == data.resolve()
    except (OSError, ValueError):
        return False


def clean_up(folder: Path) -> None:
    """Stop the server of a run, if there is one, and remove the run's folder."""
    if _runs(folder / "pg"):
        try:
            Server(folder, 0).stop()
        except RuntimeError:
            if _runs(folder / "pg"):  # Otherwise another run beside this one was faster.
                raise
    shutil.rmtree(folder, ignore_errors=True)


def clean_up_orphans() -> None:
    """Do the same for runs whose controller was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            clean_up(folder)
