"""Scripts in a package's own environment without importing it anew for each: one process imports it, every script is a fork."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PROGRAM = Path(__file__).with_name("warm_python.py")
_INT = struct.calcsize("i")


class Script:
    """A script that runs, in a session of its own; with as much of `subprocess.Popen` as is needed here."""

    def __init__(self, reports: socket.socket, out: int, err: int) -> None:
        self.reports, self.out, self.err = reports, out, err
        self.returncode: int | None = None
        self.pid = self._report(60)

    def _report(self, seconds: float | None) -> int:
        self.reports.settimeout(seconds)
        raw = self.reports.recv(_INT, socket.MSG_WAITALL)
        if len(raw) < _INT:
            raise RuntimeError("the process that scripts are forked from has ended")
        return struct.unpack("i", raw)[0]

    def _end(self, seconds: float | None) -> int:
        if self.returncode is None:
            self.returncode = self._report(seconds)
            self.reports.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with contextlib.suppress(BlockingIOError):
            self._end(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired and leaves it running after so many seconds."""
        try:
            return self._end(timeout)
        except TimeoutError as late:
            raise subprocess.TimeoutExpired("script", timeout or 0) from late

    def send_signal(self, number: int) -> None:
        """Send it a signal if it runs; SIGKILL goes to its children too."""
        if self.poll() is None:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def finish(self, seconds: float) -> subprocess.CompletedProcess[str]:
        """Its exit code and output, once. Past `seconds` it is killed with its children and the test fails."""
        try:
            code = self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self.wait()
            raise subprocess.TimeoutExpired("script", seconds, *self._output()) from None
        return subprocess.CompletedProcess("script", code, *self._output())

    def _output(self) -> tuple[str, str]:
        said = []
        for file in (self.out, self.err):
            os.lseek(file, 0, os.SEEK_SET)
            with os.fdopen(file, "rb") as opened:
                said.append(opened.read().decode(errors="replace"))
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
              log: int | None = None, name: str = "-c") -> Script:  # fmt: skip
        """Start `python -c code arguments...` in `folder`, with `typed` on its standard input. Both its outputs go to the
        open file `log`, or into memory without one. The environment may differ only in what the packages did not read."""
        other = [name for name in self.fixed if environment.get(name) != self.environment.get(name)]
        if other:
            raise ValueError(f"read when the packages were imported, so it is the same for all: {', '.join(other)}")
        request = json.dumps(
            {"code": code, "arguments": [name, *arguments], "environment": dict(environment), "folder": str(folder)}
        )
        ours, theirs = socket.socketpair()
        out, err = (log, log) if log is not None else (_memory(), _memory())
        handed_over = [_memory(typed), theirs.detach(), _memory(request)]
        socket.send_fds(self.requests, [b"?"], [handed_over[0], out, err, *handed_over[1:]])
        for file in handed_over:
            os.close(file)
        return Script(ours, out, err)

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
