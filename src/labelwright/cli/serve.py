"""Running: the web server and the background worker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelwright.cli import output
from labelwright.cli.output import Data, Json

if TYPE_CHECKING:
    from labelwright.settings import Settings

STOP_SECONDS = 15


def serve(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: a free one.", min=0, max=65535)] = 8080,
    demo: Annotated[bool, typer.Option("--demo", help="Fill in a demo workspace first, once.")] = False,
    json: Json = False,
) -> None:
    """Serve pages and APIs. With nothing set up: SQLite and local files in the data folder, background work inside."""
    values = output.settings(data)
    _ready(values)
    sign_in = _demo(values) if demo else None

    def announce(address: str) -> None:
        output.answer(json, {"url": address} | (sign_in or {}), _greeting(address, sign_in))

    _run(values, host, port, announce)


def _ready(values: Settings) -> None:
    """Make the data folder and bring the database up to date."""
    values.data.mkdir(parents=True, exist_ok=True)
    with output.database(values):
        pass


def _demo(values: Settings) -> dict[str, Any]:
    from labelwright import demo

    return demo.load(values)


def _greeting(address: str, sign_in: dict[str, Any] | None) -> str:
    lines = [f"Labelwright is at {address}"]
    if sign_in:
        lines += [
            f"Sign in    {sign_in['email']}",
            f"Password   {sign_in['password']}",
            f"API key    {sign_in['api_key']}",
        ]
    return "\n".join(lines)


def _run(values: Settings, host: str, port: int, announce: Any) -> None:
    import uvicorn

    from labelwright.asgi import create_app

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn's, but being asked to stop is a good end: it does not raise the signal again afterwards."""
            names = (signal.SIGINT, signal.SIGTERM)
            before = {name: signal.signal(name, self.handle_exit) for name in names}
            yield
            for name in names:
                signal.signal(name, before[name])

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                bound = self.servers[0].sockets[0].getsockname()[1]
                shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104
                announce(f"http://{shown}:{bound}")

    config = uvicorn.Config(
        create_app(values), host=host, port=port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS, timeout_keep_alive=75, backlog=1024,
    )  # fmt: skip
    server = Server(config)
    server.run()
    if not server.started:
        raise typer.Exit(1)


def worker(data: Data = None, json: Json = False) -> None:
    """Run background tasks of the same database and storage as `serve`; start as many as wanted."""
    from labelwright import worker as background

    values = output.settings(data)
    _ready(values)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    output.answer(json, {"worker": True, "data": str(values.data)}, "Working; stop with Ctrl-C.")
    background.run(values, stop)
