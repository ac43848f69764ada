"""The rules of this repository that a machine can hold: sizes, where things may be done, and that the docs are whole."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from labelwright.cli.app import app
from labelwright.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "labelwright"
COMMITTERS = ("db.py", "worker.py", "asgi.py", "cli/", "api/", "web/", "edge/", "vendors/", "demo/")
GENERATED = ("src/labelwright/migrations/versions/", "package-lock.json", "requirements/", "tests/fixtures/")


def tracked() -> list[str]:
    """Paths of all files that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [ROOT / n for n in tracked() if n.endswith(".py") and not n.startswith(GENERATED)]


def test_files_are_short() -> None:
    endings = (".py", ".ts", ".css", ".html", ".js", ".mjs")
    long = {}
    for name in tracked():
        if name.endswith(endings) and not name.startswith(GENERATED) and "/vendor/" not in name:
            lines = len((ROOT / name).read_text().splitlines())
            if lines > 500:
                long[name] = lines
    assert not long, "split these; 500 lines is the limit"


def test_functions_are_short() -> None:
    long = {}
    for file in python_files():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 80:
                    long[f"{file.relative_to(ROOT)}:{node.name}"] = lines
    assert not long, "split these; 80 lines is the limit"


def test_only_edges_commit() -> None:
    found = []
    for file in SOURCES.rglob("*.py"):
        name = str(file.relative_to(SOURCES))
        if not name.startswith(COMMITTERS) and re.search(r"\.commit\(|\.rollback\(", file.read_text()):
            found.append(name)
    assert not found, "nothing below an edge commits; open `Database.write()` at the edge"


def test_only_settings_reads_the_environment() -> None:
    found = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if getattr(node, "attr", getattr(node, "id", "")) in {"environ", "getenv", "environb"}:
                found.add(str(file.relative_to(SOURCES)))
    assert found == {"settings.py"}


def test_public_functions_are_explained() -> None:
    silent = []
    for file in SOURCES.rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not silent, "say in a sentence what these do"


@pytest.mark.parametrize("field", fields(Settings), ids=lambda f: f.name)
def test_every_setting_is_documented(field) -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    line = next((text for text in page.splitlines() if f"`{PREFIX}{field.name.upper()}`" in text), "")
    assert field.metadata["help"] in line, f"docs/settings.md must have {PREFIX}{field.name.upper()} and its help text"


def commands(group: typer.Typer, prefix: str = "") -> list[tuple[str, list[str]]]:
    """Every command with its options, as one types them."""
    from typer.main import get_command

    def walk(command, name):
        if hasattr(command, "commands"):
            for child_name, child in command.commands.items():
                yield from walk(child, f"{name} {child_name}".strip())
        else:
            yield name, [o for p in command.params for o in p.opts if o.startswith("--") and o != "--help"]

    return list(walk(get_command(group), prefix))


@pytest.mark.parametrize(("name", "options"), commands(app), ids=lambda v: v if isinstance(v, str) else "")
def test_every_command_is_documented_and_speaks_json(name: str, options: list[str]) -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    section = next((s for s in sections if s.startswith(f"labelwright {name}\n")), None)
    assert section, f"docs/cli.md needs a section '## labelwright {name}'"
    assert "--json" in options
    missing = [o for o in options if o not in ("--json", "--data") and f"`{o}" not in section]
    assert not missing


def test_every_direct_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    page = (ROOT / "docs" / "dependencies.md").read_text()
    extras = [name for names in project["project"]["optional-dependencies"].values() for name in names]
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"] + extras
    names = {re.match(r"[A-Za-z0-9_.-]+", text).group().lower() for text in wanted}  # type: ignore[union-attr]
    package = ROOT / "package.json"
    if package.exists():
        import json

        listed = json.loads(package.read_text())
        names |= {*listed.get("dependencies", {}), *listed.get("devDependencies", {})}
    missing = sorted(n for n in names if f"| {n} |" not in page)
    assert not missing, "one line of reason each in docs/dependencies.md"


def test_pins_cover_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = {line.split("==")[0].strip().lower() for line in (ROOT / "requirements/base.txt").read_text().splitlines()}
    asked = {re.match(r"[A-Za-z0-9_.-]+", t).group().lower() for t in project["project"]["dependencies"]}  # type: ignore[union-attr]
    assert asked <= pinned, "run `make pins`"


def test_no_machine_paths_or_registry_hosts() -> None:
    pattern = re.compile(rb"/ro" + rb"ot/|/wo" + rb"rk/(?:main|wt|shared)|pypi\.(?:org|python)|files\.python"
                         rb"hosted|registry\.npm|registry\.yarn|proxy\.golang")  # fmt: skip
    found = [name for name in tracked() if (m := pattern.search((ROOT / name).read_bytes())) and m]
    assert not found, "these name a machine's path or a package registry"


def test_no_leftovers() -> None:
    pattern = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    found = [n for n in tracked() if n.endswith((".py", ".ts", ".html")) and pattern.search((ROOT / n).read_text())]
    assert not found
