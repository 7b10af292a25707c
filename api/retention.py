"""What contracts and billing know of readings that are to be sealed."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from billing.store import resting as bills
from contracts.resting import run as resting
from contracts.store import resting as periods
from ingest.retention.run import Above, Obstacle


def obstacles(connection: Connection, until: datetime) -> Iterator[Obstacle]:
    """Billing periods that begin before an instant and are still open, or closed and not billed."""
    begun = periods.begun(connection, until)
    billed, billers = bills.billed(connection, [one.id for one in begun if one.closed]), bills.billers(connection)
    for one in begun:
        if not one.closed:
            yield Obstacle(one.contract, one.label, "is not closed yet")
        elif one.provider in billers and one.id not in billed:
            yield Obstacle(one.contract, one.label, "is closed, and neither issued nor left out")


ABOVE = Above(obstacles, resting.asked)
