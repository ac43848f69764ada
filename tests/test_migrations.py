"""The schema: models and migrations agree, upgrades are safe to repeat, and the database guards history."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from labelwright import migrate
from labelwright.db import Base, Database
from labelwright.errors import Conflict
from labelwright.models.documents import Revision
from labelwright.models.identity import Team, User, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project


def same_type(context, inspected, column, inspected_type, declared_type) -> bool:
    """Compare what the database would say of both types; our own ones answer for their dialect."""
    dialect = context.dialect
    declared = declared_type.dialect_impl(dialect)
    while hasattr(declared, "impl_instance"):
        declared = declared.impl_instance
    synonyms = {"DOUBLE PRECISION": "FLOAT"}
    left, right = inspected_type.compile(dialect=dialect), declared.compile(dialect=dialect)
    return synonyms.get(left, left) != synonyms.get(right, right)


def test_models_and_migrations_agree(database: Database) -> None:
    def include(_item, name, kind, reflected, other) -> bool:
        if kind == "index" and database.sqlite and name == "ix_tasks_queue":
            return False  # SQLAlchemy cannot reflect an index on an expression from SQLite; PostgreSQL compares it
        return not (kind == "table" and reflected and other is None)  # DBOS's own tables

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": same_type, "include_object": include})
        assert compare_metadata(context, Base.metadata) == [], "run `make migration`"


def test_a_migrated_database_is_left_alone(database: Database) -> None:
    assert migrate.current(database) == migrate.head()
    assert migrate.upgrade(database) is False


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="9999"):
        migrate.upgrade(database)


def test_several_processes_may_migrate_at_once(postgres_server) -> None:
    url = postgres_server.create("race", "template0")
    databases = [Database(url) for _ in range(4)]
    results: list[object] = []

    def run(database: Database) -> None:
        try:
            results.append(migrate.upgrade(database))
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(d,)) for d in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r for r in results if not isinstance(r, bool)] == []
    assert migrate.current(databases[0]) == migrate.head()
    for database in databases:
        database.close()
    postgres_server.drop("race")


@pytest.fixture
def item(database: Database) -> int:
    """An item with one revision by a user."""
    with database.write() as session:
        team, user = Team(name="t"), User(email="a@example.org")
        session.add_all([team, user])
        session.flush()
        workspace = Workspace(team_id=team.id, name="w", slug="w")
        session.add(workspace)
        session.flush()
        project = Project(team_id=team.id, workspace_id=workspace.id, name="p", slug="p", kind="image")
        session.add(project)
        session.flush()
        batch = Batch(project_id=project.id, name="Default", is_default=True)
        session.add(batch)
        session.flush()
        row = Item(project_id=project.id, batch_id=batch.id, kind="image", name="i")
        session.add(row)
        session.flush()
        session.add(Revision(item_id=row.id, layer="main", version=2, base_version=1, kind="save", actor_id=user.id))
        return row.id


@pytest.mark.parametrize(
    "statement",
    [
        update(Revision).values(changed=7),
        update(Revision).values(body=b"x"),
        update(Revision).values(version=9),
        delete(Revision),
    ],
    ids=["changed", "body", "version", "delete"],
)
def test_history_cannot_be_rewritten(database: Database, item: int, statement) -> None:
    with pytest.raises(DBAPIError, match="revisions are final"), database.write() as session:
        session.execute(statement)
    with database.read() as session:
        revision = session.scalars(select(Revision)).one()
        assert (revision.version, revision.changed, revision.body) == (2, 0, None)


def test_history_goes_with_its_item_and_outlives_its_author(database: Database, item: int) -> None:
    with database.write() as session:
        session.execute(delete(User))
    with database.read() as session:
        assert session.scalars(select(Revision)).one().actor_id is None
    with database.write() as session:
        session.execute(delete(Item))
    with database.read() as session:
        assert session.scalars(select(Revision)).all() == []
