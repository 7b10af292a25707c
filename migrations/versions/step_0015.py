"""Retention: readings are sealed, what rests on them is kept, and their chunks go."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    connection.execute((Path(__file__).parent / "0015_ingest.sql").read_text())
