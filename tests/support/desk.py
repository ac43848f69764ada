"""A desk: a project with one item and a task on it, a manager and an annotator; for tests of documents and what reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from labelwright.db import Database, now
from labelwright.geometry.document import Document, LabelObject, Rectangle
from labelwright.models.documents import DocumentHead, LabelCount
from labelwright.models.identity import Membership, User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, LabelClass, Project, Workflow
from labelwright.models.work import Job, Task
from labelwright.services import documents, identity, projects, workspaces
from labelwright.services.access import Actor
from labelwright.services.documents import Change
from labelwright.services.ontology import parse_classes

CLASSES = [
    {"name": "car", "attributes": [{"name": "color", "kind": "one_of", "options": ["red", "green", "blue"]}]},
    {"name": "person"},
]


@dataclass
class Desk:
    """A project with one item, a task, and two people."""

    database: Database
    item_id: int
    project_id: int
    task_id: int
    manager: Actor
    annotator: Actor

    def save(self, change: Change, base: int, actor: Actor | None = None, **more: Any) -> documents.Saved:
        """Save in a transaction of its own."""
        with self.database.write() as session:
            return self.save_in(session, change, base, actor, **more)

    def save_in(
        self, session: Session, change: Change, base: int, actor: Actor | None = None, **more: Any
    ) -> documents.Saved:
        """Save in this transaction."""
        item = session.get_one(Item, self.item_id)
        return documents.save(session, actor or self.manager, item, change, base=base, **more)

    def read(self, version: int | None = None) -> documents.Stored:
        """The document."""
        with self.database.read() as session:
            return documents.read(session, self.item_id, version=version)

    def counts(self) -> dict[str, int]:
        """Objects per class, as the lists see them."""
        query = select(LabelClass.name, LabelCount.count).join(LabelClass, LabelClass.id == LabelCount.class_id)
        with self.database.read() as session:
            return {name: count for name, count in session.execute(query.where(LabelCount.item_id == self.item_id))}


def person(session: Session, team_id: int, role: str, email: str) -> Actor:
    """A member of a team."""
    user = User(email=email)
    session.add(user)
    session.flush()
    session.add(Membership(team_id=team_id, user_id=user.id, role=role))
    session.flush()
    return Actor(user.id, email, "", {team_id: role})


def make_desk(database: Database) -> Desk:
    """Everything a document needs."""
    with database.write() as session:
        team = identity.create_team(session, "Team")
        manager = person(session, team.id, "manager", "manager@example.org")
        annotator = person(session, team.id, "annotator", "annotator@example.org")
        workspace = workspaces.create(session, None, team, "Work")
        project = projects.create(session, None, workspace, "Cars", classes=parse_classes(CLASSES))
        item = new_item(session, project)
        workflow = session.scalars(select(Workflow).where(Workflow.project_id == project.id)).first()
        job = Job(project_id=project.id, workflow_id=workflow.id, name="Job")
        session.add(job)
        session.flush()
        task = Task(project_id=project.id, job_id=job.id, item_id=item.id, step="label", stage="label", state="held",
                    holder_id=annotator.user_id, lease="mine")  # fmt: skip
        session.add(task)
        session.flush()
        return Desk(database, item.id, project.id, task.id, manager, annotator)


def new_item(session: Session, project: Project) -> Item:
    """Another picture in the default batch."""
    batch = session.scalars(select(Batch).where(Batch.project_id == project.id)).first()
    item = Item(
        project_id=project.id, batch_id=batch.id, kind="image", name="a.png", width=100, height=100, media_state="ready"
    )
    session.add(item)
    session.flush()
    return item


def box(object_id: int, x: float = 0.1, class_name: str = "car", **more: Any) -> LabelObject:
    """A car somewhere on a line."""
    return LabelObject(id=object_id, class_name=class_name, shape=Rectangle((x, 0.1, x + 0.1, 0.3)), **more)


def put(*objects: LabelObject) -> Change:
    """A change that puts these."""
    return Change(put=list(objects))


def imported(desk: Desk, document: Document) -> None:
    """Give the desk's item a first document, as filing does."""
    with desk.database.write() as session:
        ids = {c.name: c.id for c in session.scalars(select(LabelClass))}
        head, counts = documents.initial_rows(
            session, desk.item_id, desk.project_id, document, ids, desk.manager.user_id, now(), "import"
        )
        session.execute(insert(DocumentHead), dict(zip(documents.HEAD_COLUMNS, head, strict=True)))
        session.execute(insert(LabelCount), [dict(zip(documents.COUNT_COLUMNS, c, strict=True)) for c in counts])
