"""Whether old chunks of readings go into TimescaleDB's columnstore."""

from datetime import timedelta
from typing import NamedTuple

LEAST = (2, 29, 2)
"""Older versions lost or refused rows that were inserted into chunks of the columnstore."""


class Edition(NamedTuple):
    """What TimescaleDB there is. licence: apache or timescale; version: such as 2.29.2."""

    licence: str
    version: str

    @property
    def lacks(self) -> str:
        """Why it has no columnstore that we use; empty if it has."""
        if self.licence != "timescale":
            return f"TimescaleDB {self.version} of the Apache edition has no columnstore; the community edition has"
        if _numbers(self.version) < LEAST:
            least = ".".join(map(str, LEAST))
            return f"TimescaleDB {self.version} may lose late readings in its columnstore; update to {least} or later"
        return ""


class Wanted(NamedTuple):
    """After how long chunks go into the columnstore (None: never), and what to tell people; empty if nothing."""

    older: timedelta | None
    notice: str


def wanted(edition: Edition, days: int) -> Wanted:
    """What holds for a setting of so many days, 0: never. Where the edition lacks it, nothing is compressed."""
    if not days:
        return Wanted(None, "")
    if lacks := edition.lacks:
        return Wanted(None, f"readings are not compressed: {lacks}")
    return Wanted(timedelta(days=days), "")


def _numbers(version: str) -> tuple[int, ...]:
    """`2.29.2` or `2.30.0-dev` as numbers."""
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdecimal())
