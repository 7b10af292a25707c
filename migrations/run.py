"""Bring a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

HERE = Path(__file__).parent
# Any fixed number: two migrating processes take turns.
LOCK = 7_269_302_411


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing, in one transaction for each step. `engine` acts as an administrator."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS core"))
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
        connection.commit()
