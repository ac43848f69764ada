"""The schema's history. Alembic reads this folder; `labelwright.migrate` runs it."""
