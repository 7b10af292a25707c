"""Charges of dunning letters are booked, and paid; a period may hold several breaches of one promise."""

from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL files beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    for name in ("0023_billing.sql", "0023_contracts.sql"):
        connection.execute((Path(__file__).parent / name).read_text())
