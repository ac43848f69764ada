"""Projects, workflows, filing tasks in bulk, exporting."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from labelwright.cli import output
from labelwright.cli.output import Data, Json
from labelwright.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from labelwright.models.projects import Project
    from labelwright.services.access import Actor


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
    from labelwright.services import workflows

    given = read_json(steps) if steps else None
    with output.writing(data) as session:
        workflow = workflows.create(session, find_project(session, project), name, tag, given, default=default)
        value = {"uid": str(workflow.uid), "name": workflow.name, "tag": workflow.tag}
    output.answer(json, value, f"{value['name']}\nuid  {value['uid']}\ntag  {value['tag']}")


def import_tasks(
    file: Annotated[
        Path,
        typer.Argument(
            help="A dataset (zip, folder or file), or NDJSON with one task a line (`--format tasks`; -: standard input)."
        ),
    ],
    project: Annotated[str, typer.Option(metavar="UID", help="The project's uid.")],
    format: Annotated[
        str | None,
        typer.Option(help="Dataset format, such as yolo; `tasks`: NDJSON (default: what the file looks like)."),
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Uid or name; of a dataset: name, made when new.")] = None,
    workflow: Annotated[
        str | None, typer.Option(help="Uid, tag or name, for NDJSON (default: the project's own).")
    ] = None,
    create_classes: Annotated[
        bool, typer.Option("--create-classes", help="Make classes and attributes that the project lacks (datasets).")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take the items into the dataset at once (datasets).")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Take in a dataset of any format, or many tasks.

    Of a dataset everything is taken in or nothing; an import of either kind that was broken off can simply be repeated."""
    if format is None and (str(file) == "-" or file.suffix.lower() in (".ndjson", ".jsonl")):
        format = "tasks"
    if format == "tasks":
        _import_lines(file, project, batch, workflow, data, json)
    else:
        _import_dataset(file, project, format, (batch or "", create_classes, accept), data, json)


def _import_dataset(
    path: Path, project: str, format: str | None, said: tuple[str, bool, bool], data: Path | None, json: bool
) -> None:
    from labelwright.formats.detect import detect
    from labelwright.services import access, datasets

    settings = output.settings(data)
    with output.database(settings) as database:
        with database.read() as session:
            row = find_project(session, project)
            actor = _owner_of(session, row)
            access.require(actor, "manage", row.team_id, "project")
            store: Any = session.info["store"]
        try:
            file: Any = path if path.is_dir() else path.open("rb")
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}.") from None
        try:
            options = datasets.Options(format or detect(file), *said)
            found = datasets.take_in(datasets.Place(database, store, settings, row.id, actor), file, options)
        finally:
            if file is not path:
                file.close()
    value = {"format": options.format, **found.result()}
    output.answer(json, value, "\n".join(_told(value)))


def _told(value: dict[str, Any]) -> Iterator[str]:
    """A dataset's report for people."""
    yield (
        f"{value['format']}: {value['images']} images, {value['objects']} objects; {value['filed']} filed, {value['labeled']} here got"
        f" labels, {value['kept']} kept theirs."
    )
    if value["classes_created"]:
        yield f"Classes made: {', '.join(value['classes_created'])}"
    if value["missing"]:
        yield f"{value['missing']} pictures are missing: {', '.join(value['missing_names'][:5])} ..."
    for name, count in value["left_out"].items():
        yield f"No place for {name}: {count}"


def _import_lines(
    file: Path, project: str, batch: str | None, workflow: str | None, data: Path | None, json: bool
) -> None:
    from labelwright.api.imports import Report, file_chunk

    report = Report()
    with output.database(output.settings(data)) as database:
        with database.read() as session:
            uid = find_project(session, project).uid

        @contextmanager
        def opened() -> Iterator[_Importer]:
            with database.write() as session:
                yield _Importer(session, _owner_of(session, find_project(session, project)))

        for chunk in output.progress(_numbered(file), "Filing tasks", quiet=json):
            report.lines += len(chunk)
            file_chunk(opened, (uid, batch, None, workflow), chunk, report)
    body = report.body()
    faults = [f"line {e['line']}: {p.get('field', '')} {p['message']}" for e in body["errors"] for p in e["problems"]]
    more = [f"... and {len(faults) - 20} more"] if len(faults) > 20 else []
    output.answer(
        json, dict(body), "\n".join([f"{body['filed']} of {body['lines']} tasks filed.", *faults[:20], *more])
    )
    if body["failed"]:
        raise typer.Exit(1)


def export(
    project: Annotated[str, typer.Option(metavar="UID", help="The project's uid.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write; -: standard output.")],
    format: Annotated[str, typer.Option(help="Dataset format, such as coco (docs/formats.md).")] = "coco",
    batch: Annotated[str | None, typer.Option(metavar="UID", help="Only this batch.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only items whose tasks are there: label, review or end.")] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Put the original pictures in.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write a project's labels as a dataset, now. The server's own exports run in the background instead."""
    from labelwright.services import access, exports
    from labelwright.services.samples import Filters

    to_terminal = str(out) == "-"
    with output.database(output.settings(data)) as database:
        with database.read() as session:
            row = find_project(session, project)
            project_id, actor = row.id, _owner_of(session, row)
            filters = Filters(
                batch=access.batch(session, actor, batch).id if batch else None, stage=stage, pictures=pictures
            )
            exports.check(session, actor, row, format, filters)
        if to_terminal:
            value = exports.write(database, project_id, format, filters, sys.stdout.buffer)
        else:
            value = _write_whole(out, lambda file: exports.write(database, project_id, format, filters, file))
    if not to_terminal:
        output.answer(json, value | {"file": str(out)}, f"{out}: {value['images']} images, {value['objects']} objects.")


def _write_whole(out: Path, write: Callable[[IO[bytes]], dict[str, Any]]) -> dict[str, Any]:
    """Write a file that is either whole or not there."""
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            value = write(file)
        part.rename(out)
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return value


@dataclass
class _Importer:
    session: Session
    actor: Actor


def _numbered(file: Path, most: int = 1000) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines, a thousand at a time; empty ones are left out."""
    try:
        stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    with stream:
        chunk: list[tuple[int, bytes]] = []
        for number, line in enumerate(stream, 1):
            if line.strip():
                chunk.append((number, line))
            if len(chunk) >= most:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def find_project(session: Session, uid: str) -> Project:
    """The project of that uid. Raises `NotFound`."""
    from sqlalchemy import select

    from labelwright.models.projects import Project
    from labelwright.services.access import as_uid

    row = session.scalar(select(Project).where(Project.uid == as_uid(uid))) if as_uid(uid) else None
    if row is None:
        raise NotFound(f"There is no project {uid}.")
    return row


def _owner_of(session: Session, project: Project) -> Actor:
    """Whoever runs the command line acts as the first owner of the project's team."""
    from sqlalchemy import select

    from labelwright.models.identity import Membership, User
    from labelwright.services import identity

    owner = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == project.team_id, Membership.role == "owner")
        .order_by(User.id)
    ).first()
    if owner is None:
        raise NotFound("The project's team has no owner.")
    return identity.actor_of(session, owner)


def read_json(file: Path) -> object:
    """The JSON value in a file. Raises `Invalid` naming the file and the place of the fault."""
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise Invalid(f"{file} is not JSON: {error}") from None
