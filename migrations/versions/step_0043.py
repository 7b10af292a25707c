"""Evaluations of one period as of the same knowledge may differ by what the period before leaves."""

from pathlib import Path

from alembic import op

revision = "0043"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    connection.execute((Path(__file__).parent / "0043_contracts.sql").read_text())
