"""Scripts in a package's own environment without importing it anew for each: one process imports it, every script is a fork."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.processes import ROOT

PROGRAM = Path(__file__).with_name("warm_python.py")
_INT = struct.calcsize("i")


def interpreter(name: str) -> Path:
    """The Python of the environment `.venv-<name>`, which stands beside `.venv`. Raises when it is missing."""
    places = [ROOT / f".venv-{name}", Path(sys.prefix).resolve().parent / f".venv-{name}"]
    found = next((p / "bin" / "python" for p in places if (p / "bin" / "python").exists()), None)
    if found is None:
        raise RuntimeError(f"the environment of the package is missing: run `scripts/setup {name}`")
    return found


class Script:
    """A script that runs: a process in a session of its own, with its output in memory files."""

    def __init__(self, reports: socket.socket, out: int, err: int) -> None:
        self.reports, self.out, self.err = reports, out, err
        self.pid = self._report(60)
        self.code: int | None = None

    def _report(self, seconds: float) -> int:
        self.reports.settimeout(seconds)
        raw = self.reports.recv(_INT, socket.MSG_WAITALL)
        if len(raw) < _INT:
            raise RuntimeError("the process that scripts are forked from has ended")
        return struct.unpack("i", raw)[0]

    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self.code is None:
            try:
                self.code = self._report(0)
            except BlockingIOError:
                return True
        return False

    def wait(self, seconds: float) -> subprocess.CompletedProcess[str]:
        """Its exit code and output. Past `seconds` it is killed with its children and the test fails."""
        try:
            if self.code is None:
                self.code = self._report(seconds)
        except TimeoutError as late:
            os.killpg(self.pid, signal.SIGKILL)
            self.code = self._report(60)
            raise subprocess.TimeoutExpired("script", seconds, *self._output()) from late
        return subprocess.CompletedProcess("script", self.code, *self._output())

    def _output(self) -> tuple[str, str]:
        said = []
        for file in (self.out, self.err):
            os.lseek(file, 0, os.SEEK_SET)
            with os.fdopen(file, "rb") as opened:
                said.append(opened.read().decode(errors="replace"))
        self.reports.close()
        return said[0], said[1]


class Python:
    """A Python that imported `modules` once. Packages of `anew` read their settings while they are imported: each script
    imports those itself, of what they import only the rest is there already."""

    def __init__(
        self, python: Path, modules: Sequence[str], environment: Mapping[str, str], anew: Sequence[str] = ()
    ) -> None:
        self.environment = dict(environment)
        self.requests, theirs = socket.socketpair()
        command = [
            str(python),
            "-c",
            PROGRAM.read_text(),
            str(theirs.fileno()),
            json.dumps(list(modules)),
            json.dumps(list(anew)),
        ]
        # One thread in the process that forks: those of OpenBLAS would not be in the fork.
        single = self.environment | {"OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=single, cwd="/", start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        self.requests.settimeout(180)
        with self.requests.makefile("r") as said:
            line = said.readline()
        if not line:
            raise RuntimeError(f"{python} did not start; its error is above")
        self.fixed: list[str] = json.loads(line)

    def start(self, code: str, *arguments: str, environment: Mapping[str, str], folder: Path, typed: str = "",
              name: str = "-c") -> Script:  # fmt: skip
        """Start `python -c code arguments...` in `folder` with the environment; `typed` is on its standard input."""
        other = [name for name in self.fixed if environment.get(name) != self.environment.get(name)]
        if other:
            raise ValueError(
                f"read when the packages were imported, so it is the same for all scripts: {', '.join(other)}"
            )
        request = {
            "code": code,
            "arguments": [name, *arguments],
            "environment": dict(environment),
            "folder": str(folder),
        }
        ours, theirs = socket.socketpair()
        files = [_memory(typed), _memory(), _memory(), theirs.detach(), _memory(json.dumps(request))]
        socket.send_fds(self.requests, [b"?"], files)
        for file in (files[0], *files[3:]):
            os.close(file)
        return Script(ours, files[1], files[2])

    def run(self, code: str, *arguments: str, environment: Mapping[str, str], folder: Path, typed: str = "",
            name: str = "-c", seconds: float = 240) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """The same to its end; its exit code and output. Past `seconds` it is killed and the test fails."""
        return self.start(code, *arguments, environment=environment, folder=folder, typed=typed, name=name).wait(
            seconds
        )

    def close(self) -> None:
        """End the process that forks; it ends by itself when this process is gone."""
        self.requests.close()
        self.process.wait(20)


def _memory(content: str = "") -> int:
    """A file in memory with the content, at its beginning."""
    file = os.memfd_create("script")
    os.write(file, content.encode())
    os.lseek(file, 0, os.SEEK_SET)
    return file
