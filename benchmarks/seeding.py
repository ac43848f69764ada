"""Filling a project fast and straight: tasks whose picture is there, ready to be labeled."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from benchmarks.support import task_lines
from labelwright import settings as configuration
from labelwright.db import Database
from labelwright.geometry.document import Document, LabelObject
from labelwright.models.items import Media
from labelwright.models.projects import Project
from labelwright.services import batches, filing, identity, jobs, ontology, workflows
from labelwright.storage import open_store

CHUNK = 5000


def fill(values: dict[str, Any], project_uid: str, key: str, count: int, boxes: int = 10) -> None:
    """File `count` tasks with `boxes` boxes each; their shared picture is 1600 by 1200."""
    settings = configuration.load({}, data=Path(values["data"]), database_url=values.get("database_url"))
    database = Database(settings.database_url, open_store(settings))
    decoder = msgspec.json.Decoder(list[LabelObject])
    done = 0
    while done < count:
        with database.write() as session:
            actor = identity.by_key(session, key)
            project = session.scalars(select(Project).where(Project.uid == uuid.UUID(project_uid))).one()
            media = session.scalars(select(Media)).first()
            if media is None:
                media = Media(
                    team_id=project.team_id, sha256=b"x" * 32, size=1, mime="image/jpeg", width=1600, height=1200
                )
                session.add(media)
                session.flush()
            batch, workflow = batches.default_of(session, project), workflows.default_of(session, project.id)
            job = jobs.for_origin(session, project, batch, workflow, "bench", created_by=actor.user_id)
            new = []
            for line in task_lines(min(CHUNK, count - done), done, boxes):
                value = msgspec.json.decode(line)
                objects = decoder.decode(msgspec.json.encode(value["objects"]))
                new.append(filing.NewTask(name=value["reference_id"], reference_id=value["reference_id"],
                                          media=[filing.NewMedia(media=media)], document=Document(objects=objects)))  # fmt: skip
            filing.file_tasks(session, actor, project, batch, job, ontology.compiled(session, project),
                              workflows.steps_of(workflow), new, checked=True)  # fmt: skip
        done += len(new)
    database.close()


def annotators(values: dict[str, Any], owner_key: str, count: int) -> list[str]:
    """API keys of `count` new annotators in the team of the owner."""
    settings = configuration.load({}, data=Path(values["data"]), database_url=values.get("database_url"))
    database = Database(settings.database_url, open_store(settings))
    keys = []
    with database.write() as session:
        actor = identity.by_key(session, owner_key)
        for number in range(count):
            user, _ = identity.create_user(session, f"a{number}@example.org", "not used here")
            identity.set_role(session, actor.team_id, user, "annotator")
            keys.append(identity.create_key(session, user, actor.team_id, "bench")[1])
    database.close()
    return keys
