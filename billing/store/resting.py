"""Which billing periods are billed: their readings may go."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# Left out because it was open then, it is not billed yet.
BILLED = text("""
    SELECT DISTINCT d.period FROM billing.draft AS d JOIN billing.run AS r ON r.id = d.run
    WHERE d.period = ANY(:periods) AND r.state IN ('issued', 'exported', 'closed') AND (d.state = 'issued' OR (
        d.state = 'excluded' AND d.reason NOT LIKE 'period % is open; its cut-off is %'
        AND d.revision = (SELECT max(revision) FROM billing.draft WHERE run = d.run AND contract = d.contract)))
""")
PARTIES = text("SELECT party FROM billing.entity")


def billed(connection: Connection, periods: Sequence[int]) -> set[int]:
    """Those of these periods that were issued, or left out by somebody, in a run that is issued."""
    return set(connection.execute(BILLED, {"periods": list(periods)}).scalars())


def billers(connection: Connection) -> set[int]:
    """Parties that bill here; what others provide is billed elsewhere."""
    return set(connection.execute(PARTIES).scalars())
