"""In which language somebody reads the portal."""

from pathlib import Path

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one; percent signs in it are literal."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations need a live connection")
    connection.execute((Path(__file__).parent / "0040_api.sql").read_text())
