"""The schema, as numbered SQL run by Alembic."""
