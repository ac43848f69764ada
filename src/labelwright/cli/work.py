"""Projects and workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labelwright.cli import output
from labelwright.cli.output import Data, Json
from labelwright.errors import Invalid, NotFound


def create_project(
    name: Annotated[str, typer.Argument(help="Its name.")],
    kind: Annotated[str, typer.Option(help="image or video.")] = "image",
    classes: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON list of classes.")] = None,
    workspace: Annotated[str | None, typer.Option(help="Slug of its workspace, when there are several.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a project with its classes, a default batch and a default workflow (label, then review)."""
    from labelwright.services import ontology, projects

    parsed = ontology.parse_classes(read_json(classes)) if classes else []
    with output.writing(data) as session:
        project = projects.create(session, None, output.workspace(session, workspace), name, kind, parsed)
        value = {"id": project.id, "uid": str(project.uid), "slug": project.slug, "name": project.name, "kind": kind}
    output.answer(json, value, f"{value['name']}\nid   {value['id']}\nuid  {value['uid']}\nslug {value['slug']}")


def create_workflow(
    project: Annotated[str, typer.Option(metavar="UID", help="The project's uid.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    tag: Annotated[str, typer.Option(help="Tag by which scripts find it.")] = "",
    steps: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON list of steps.")] = None,
    default: Annotated[bool, typer.Option("--default", help="Make it the project's default.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a workflow; without --steps: label, then review."""
    from sqlalchemy import select

    from labelwright.models.projects import Project
    from labelwright.services import workflows
    from labelwright.services.access import as_uid

    given = read_json(steps) if steps else None
    with output.writing(data) as session:
        row = session.scalar(select(Project).where(Project.uid == as_uid(project))) if as_uid(project) else None
        if row is None:
            raise NotFound(f"There is no project {project}.")
        workflow = workflows.create(session, row, name, tag, given, default=default)
        value = {"uid": str(workflow.uid), "name": workflow.name, "tag": workflow.tag}
    output.answer(json, value, f"{value['name']}\nuid  {value['uid']}\ntag  {value['tag']}")


def read_json(file: Path) -> object:
    """The JSON value in a file. Raises `Invalid` naming the file and the place of the fault."""
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise Invalid(f"{file} is not JSON: {error}") from None
