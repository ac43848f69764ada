"""The program of `warm.Python`: imports packages once, then runs every script in a fork of itself. Standard library only.

It is started as `python -c`, in the environment of the packages, with a socket to take requests from and the modules to import.
A request is one byte with the files: the script's standard input, output and error, a socket for its process id and its
end, and the request as JSON. Nothing may run beside the main thread when it forks, so nothing but imports happens before.
"""

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import types
from collections.abc import ItemsView

FILES = 5


class Watched(os._Environ):
    """The environment while importing: remembers which variables were asked for by name, and not by a package of `anew`."""

    anew: tuple[str, ...] = ()
    asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        frame = sys._getframe(1)
        while frame.f_back and frame.f_globals.get("__name__") in ("os", "_collections_abc", "collections.abc"):
            frame = frame.f_back
        if frame.f_globals.get("__name__", "").split(".")[0] not in self.anew:
            self.asked.add(name)
        return super().__getitem__(name)

    def items(self) -> ItemsView[str, str]:
        """All of them: who looks through the whole environment asks for none."""
        return {name: super(Watched, self).__getitem__(name) for name in self}.items()


def warm_up(modules: list[str], anew: list[str]) -> set[str]:
    """Import; the variables that were read, which scripts cannot set otherwise any more."""
    Watched.anew = tuple(anew)
    os.environ.__class__ = Watched
    for name in modules:
        __import__(name)
    os.environ.__class__ = os._Environ
    for name in [n for n in sys.modules if n.split(".")[0] in anew]:
        del sys.modules[name]
    if threading.active_count() > 1:
        raise SystemExit(f"threads were started while importing: {threading.enumerate()}")
    gc.collect()
    gc.freeze()  # what is shared stays shared: the collector would write into every object
    return Watched.asked


def serve(requests: socket.socket) -> dict[str, object]:
    """Fork for every request. Returns in a fork only, as the process that is to run the script."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, 1, FILES)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            return watched_over(files)
        for file in files:
            os.close(file)


def watched_over(files: list[int]) -> dict[str, object]:
    """Fork once more: the script in a session of its own, its parent to report its end and to end what it left running."""
    with os.fdopen(files[4], "rb") as file:
        request = json.load(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    script = os.fork()
    if script == 0:
        os.close(files[3])
        become(request, files[:3])
        return request
    for file in files[:3]:
        os.close(file)
    with socket.socket(fileno=files[3]) as reports, contextlib.suppress(OSError):
        reports.sendall(struct.pack("i", script))
        # Until it ends, or who started it has: then nobody else would end it.
        select.select([os.pidfd_open(script), reports], [], [])
        os.kill(script, signal.SIGKILL)  # it may not have a session of its own yet
        with contextlib.suppress(ProcessLookupError):
            os.killpg(script, signal.SIGKILL)
        reports.sendall(struct.pack("i", os.waitstatus_to_exitcode(os.waitpid(script, 0)[1])))
    os._exit(0)


def become(request: dict, files: list[int]) -> None:
    """Take on what a new process would have been started with."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that report
number, modules, anew = int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
with socket.socket(fileno=number) as requests:
    requests.sendall(json.dumps(sorted(warm_up(modules, anew))).encode() + b"\n")
    job = serve(requests)
# Here, at the outermost level, so that errors, `sys.exit`, exit handlers and threads that are left end it as Python does.
exec(compile(job["code"], "<string>", "exec"), vars(sys.modules["__main__"]))  # type: ignore[arg-type]
