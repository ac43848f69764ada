"""What a create looks up is remembered, and never stale: another process may change any of it between two requests."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import Database, now
from labelwright.models.identity import ApiKey, Membership, User
from labelwright.models.projects import Batch, Project, Workflow
from labelwright.models.work import Job
from labelwright.services import ontology, workflows
from tests.vendors.playment.conftest import Desk
from tests.vendors.playment.test_filing import BOX, boxes


def elsewhere(desk: Desk, change: Callable[[Session, Project], Any]) -> None:
    """A change by another process: with connections of its own."""
    other = Database(desk.database.url)
    with other.write() as session:
        change(session, session.scalars(select(Project).where(Project.uid == uuid.UUID(desk.images))).one())
    other.close()


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """One from which the same place was filed into twice: it is remembered."""
    desk.file(boxes(BOX))
    desk.file(boxes(BOX))
    return desk


def refused(desk: Desk, **more: Any) -> str:
    return desk.code("POST", desk.jobs(), desk.body(boxes(BOX), **more))


def test_a_class_taken_away(desk: Desk) -> None:
    def change(session: Session, project: Project) -> None:
        ontology.change_class(
            session, project, ontology.class_by_name(session, project.id, "Vehicle_car"), shapes=["polygon"]
        )

    elsewhere(desk, change)
    assert refused(desk) == "FS_0003"


def test_a_class_added(desk: Desk) -> None:
    elsewhere(desk, lambda s, p: ontology.add_class(s, p, ontology.parse_classes([{"name": "Bus", "shapes": []}])[0]))
    assert desk.file(boxes({**BOX, "label": "Bus", "attributes": []}))


def test_a_key_revoked(desk: Desk) -> None:
    def change(session: Session, _project: Project) -> None:
        for key in session.scalars(select(ApiKey)):
            key.revoked_at = now()

    elsewhere(desk, change)
    assert refused(desk) == "auth-failure"


def test_a_key_made_read_only_and_a_role_taken(desk: Desk) -> None:
    def demote(session: Session, project: Project) -> None:
        alice = session.scalars(select(User).where(User.email == "alice@example.org")).one()
        session.get_one(Membership, (project.team_id, alice.id)).role = "annotator"

    elsewhere(desk, demote)
    assert refused(desk) == "unauthorized"


def test_a_person_disabled(desk: Desk) -> None:
    def change(session: Session, _project: Project) -> None:
        session.scalars(select(User).where(User.email == "alice@example.org")).one().disabled = True

    elsewhere(desk, change)
    assert refused(desk) == "auth-failure"


def test_a_tag_given_to_another_workflow(desk: Desk) -> None:
    def change(session: Session, project: Project) -> None:
        old = workflows.resolve(session, project.id, "Maker-1")
        workflows.change(session, old, tag="gone")
        workflows.create(session, project, "Newer", "Maker-1")

    elsewhere(desk, change)
    told = desk.data("POST", desk.jobs(), desk.body())
    assert told["work_flow_id"] != desk.workflow
    elsewhere(desk, lambda s, p: workflows.archive(s, workflows.resolve(s, p.id, "Newer")))
    assert refused(desk) == "FS_0003"


def test_another_default_batch_and_workflow(desk: Desk) -> None:
    desk.file(tag=None)
    with desk.database.read() as session:
        was = session.scalars(
            select(Workflow.uid).where(Workflow.is_default, Workflow.project_id == _project(session, desk).id)
        ).one()
    elsewhere(desk, lambda s, p: workflows.create(s, p, "Better", default=True))
    assert desk.data("POST", desk.jobs(), desk.body(tag=None))["work_flow_id"] != str(was)

    def change(session: Session, project: Project) -> None:
        old = session.scalars(select(Batch).where(Batch.project_id == project.id, Batch.is_default)).one()
        old.is_default = False
        session.flush()
        session.add(Batch(project_id=project.id, name="New default", is_default=True))

    elsewhere(desk, change)
    job = desk.data("GET", f"{desk.jobs()}/{desk.file()}")
    found = {b["id"]: b for b in desk.data("GET", f"/v1/projects/{desk.images}/details")["batches"]}
    assert found[job["batch_id"]]["name"] == "New default"


def test_a_finished_job_is_active_again_only_when_work_is_filed(desk: Desk) -> None:
    body = desk.body()
    desk.data("POST", desk.jobs(), body)

    def finish(session: Session, _project: Project) -> None:
        for job in session.scalars(select(Job)):
            job.status = "done"

    def status() -> set[str]:
        with desk.database.read() as session:
            return set(session.scalars(select(Job.status)))

    elsewhere(desk, finish)
    assert desk.code("POST", desk.jobs(), body) == "FS_0001"
    assert status() == {"done"}
    desk.file()
    assert status() == {"active"}


def test_a_project_deleted(desk: Desk) -> None:
    elsewhere(desk, lambda session, project: session.delete(project))
    assert refused(desk) == "resource_error"


def _project(session: Session, desk: Desk) -> Project:
    return session.scalars(select(Project).where(Project.uid == uuid.UUID(desk.images))).one()
