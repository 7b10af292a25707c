"""`yardstick migrate`: bring the database to this program's schema."""

import typer

from api.commands.connection import address
from core.database import connect
from migrations.run import upgrade


def migrate() -> None:
    """Create or update the schema. The user in YARDSTICK_DATABASE_URL must administer the database."""
    engine = connect(address(), role=None)
    upgrade(engine)
    engine.dispose()
    typer.echo("the database has the newest schema")
