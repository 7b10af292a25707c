"""The main path: readings, contracts, evaluations, invoices, and who may see them."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL files beside this one, in order; percent signs in them are literal."""
    folder = Path(__file__).parent
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    for part in ("core", "ingest", "contracts", "billing", "api", "visible"):
        connection.execute((folder / f"0001_{part}.sql").read_text())
