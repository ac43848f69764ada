"""The commands, put together, and how their errors are told."""

from __future__ import annotations

import json
import sys

import click
import typer

from labelwright.cli import operate, people, serve, work
from labelwright.errors import Invalid, LabelwrightError

app = typer.Typer(
    name="labelwright",
    help="Self-hosted labeling of images and videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
team, user, key, project, workflow = (typer.Typer(no_args_is_help=True) for _ in range(5))
app.add_typer(team, name="team", help="Teams.")
app.add_typer(user, name="user", help="People.")
app.add_typer(key, name="key", help="API keys.")
app.add_typer(project, name="project", help="Projects.")
app.add_typer(workflow, name="workflow", help="Workflows.")

app.command()(serve.serve)
app.command()(serve.worker)
app.command()(people.init)
team.command("list")(people.list_teams)
team.command("restore")(people.restore_team)
user.command("add")(people.add_user)
key.command("create")(people.create_key)
project.command("create")(work.create_project)
workflow.command("create")(work.create_workflow)
app.command("import")(work.import_tasks)
app.command()(work.export)
app.command()(operate.migrate)
app.command()(operate.backup)
app.command()(operate.restore)
app.command()(operate.sweep)


@app.callback()
def _about() -> None:
    """Self-hosted labeling of images and videos."""


def main() -> None:
    """Run the command line. An error of ours is one sentence on standard error and exit code 1 (2: wrong input)."""
    as_json = "--json" in sys.argv
    try:
        app(standalone_mode=True)
    except LabelwrightError as error:
        tell(error, as_json)
        sys.exit(2 if isinstance(error, Invalid) else 1)


def tell(error: LabelwrightError, as_json: bool) -> None:
    """Print an error on standard error."""
    problems = getattr(error, "problems", [])
    if as_json:
        faults = [{"field": p.field, "message": p.message} for p in problems]
        click.echo(json.dumps({"error": {"code": error.code, "message": error.message, "problems": faults}}), err=True)
        return
    click.echo(f"labelwright: {error.message}", err=True)
    for problem in problems if len(problems) > 1 else ():
        click.echo(f"  {problem.field}: {problem.message}", err=True)
