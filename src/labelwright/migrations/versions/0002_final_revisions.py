"""The database itself refuses changes to revisions: history is append-only, whatever the program does.

Two changes pass: a revision goes with its item, and its author becomes unknown when the person is removed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = "item_id, layer, version, base_version, kind, task_id, created_at, save_id, changed, body, blob"

SQLITE = (
    f"""CREATE TRIGGER revisions_update BEFORE UPDATE OF {COLUMNS} ON revisions
    BEGIN SELECT RAISE(ABORT, 'revisions are final'); END""",
    """CREATE TRIGGER revisions_update_author BEFORE UPDATE OF actor_id ON revisions WHEN NEW.actor_id IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'revisions are final'); END""",
    """CREATE TRIGGER revisions_delete BEFORE DELETE ON revisions
    WHEN EXISTS (SELECT 1 FROM items WHERE id = OLD.item_id)
    BEGIN SELECT RAISE(ABORT, 'revisions are final'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION revisions_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM items WHERE id = OLD.item_id) THEN
          RAISE EXCEPTION 'revisions are final' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
      END IF;
      IF NEW.actor_id IS NULL THEN OLD.actor_id := NULL; END IF;
      IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'revisions are final' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER revisions_final BEFORE UPDATE OR DELETE ON revisions
    FOR EACH ROW EXECUTE FUNCTION revisions_are_final()""",
)


def upgrade() -> None:
    """Apply."""
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
