"""What devices say of their clocks, with readings and over a stretch, as parties see it."""

from pathlib import Path

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    connection.execute((Path(__file__).parent / "0036_ingest.sql").read_text())
