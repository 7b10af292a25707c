"""Readers of hours: what counters, gauges and states did in local hours, and where holds may be."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    connection.execute((Path(__file__).parent / "0019_ingest.sql").read_text())
