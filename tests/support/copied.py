"""Runs what a page offers to copy, as a person would in a folder of theirs: without our settings or paths."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(folder: Path, *command: str) -> str:
    """What the command prints; it must succeed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LABELWRIGHT_", "PYTHON", "ROBOFLOW"))}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=folder, stdin=subprocess.DEVNULL,
        env=kept | {"HOME": str(folder), "NO_PROXY": "*"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
