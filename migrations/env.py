"""Alembic's entry: the connection is handed in by `migrations.run`."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="migration", version_table_schema="core")
with context.begin_transaction():
    context.run_migrations()
