"""The command line: `labelwright --help`. Every command takes `--json` and then prints one JSON value."""

from labelwright.cli.app import main

__all__ = ["main"]
