"""How much time a chunk of readings spans."""

from datetime import timedelta

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MANY = 50_000_000
"""Readings a day above which a chunk spans one day: the indexes of the chunks that grow fit in memory."""
FEW = 40_000_000
"""Readings a day below which it spans seven again: between the two it stays as it is."""


def span(daily: int, *, current: timedelta) -> timedelta:
    """What fits so many readings a day."""
    if daily > MANY:
        return DAY
    return WEEK if daily < FEW or current not in {DAY, WEEK} else current
