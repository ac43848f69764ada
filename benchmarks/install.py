"""How much an installation takes: the base packages without extras, in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.support import Result


def installed(folder: Path, database_url: str = "", quick: bool = False) -> list[Result]:
    """Install `requirements/base.txt` into an empty environment and measure it."""
    if quick:
        return []
    target = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
    install = [
        str(target / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    subprocess.run([*install, "-r", "requirements/base.txt"], check=True)
    subprocess.run([*install, "--no-deps", "."], check=True)
    subprocess.run(
        [str(target / "bin" / "python"), "-m", "pip", "uninstall", "-q", "-y", "pip", "setuptools"], check=True
    )
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file() and not p.is_symlink()) / 2**20
    packages = len(list(target.glob("lib/python*/site-packages/*.dist-info")))
    return [Result("installed, base", f"{size:.0f} MiB, {packages} packages", "300 MiB", "964 MiB, 159 packages", "",
                   {"mib": size, "packages": packages})]  # fmt: skip
