"""What happens in the demonstration, as tables: one row, one event.

Months count from 0, three months ago, to 3, the running one. Times are local. What lies after the
scenario's present has not happened yet.
"""

from typing import NamedTuple

HOUR = 60


class Row(NamedTuple):
    """A truck says `category` from `clock` of a day of a month, for so many minutes."""

    asset: str
    month: int
    day: int
    clock: str
    minutes: int
    category: str


class Claim(NamedTuple):
    """Who caused a stop, as the parties agreed (or not yet), and what the truck said meanwhile."""

    row: Row
    category: str
    party: str
    cause: str
    status: str


STOPS = (
    # Month 0: two trucks miss 98 %, one has a long fault and still keeps it.
    Row("NH-03", 0, 9, "22:00", 14 * HOUR + 30, "fault"),
    Row("NH-03", 0, 10, "12:30", 3 * HOUR, "unplanned_repair"),
    Row("BF-05", 0, 17, "06:20", 20 * HOUR, "fault"),
    Row("NH-11", 0, 21, "08:00", 9 * HOUR, "fault"),
    # Month 1: three miss it, one of them twice stopped.
    Row("NH-07", 1, 5, "05:30", 16 * HOUR, "fault"),
    Row("NH-07", 1, 19, "13:00", 12 * HOUR, "unplanned_repair"),
    Row("NH-18", 1, 12, "09:00", 18 * HOUR, "fault"),
    Row("BF-02", 1, 24, "07:00", 19 * HOUR, "fault"),
    Row("BF-13", 1, 8, "10:00", 8 * HOUR, "fault"),
    Row("NH-14", 1, 16, "06:00", 12 * HOUR, "derated"),
    # Month 2: three miss it, one by far.
    Row("NH-01", 2, 3, "04:00", 15 * HOUR + 30, "fault"),
    Row("NH-15", 2, 14, "08:10", 20 * HOUR, "fault"),
    Row("NH-15", 2, 20, "06:00", 20 * HOUR, "fault"),
    Row("BF-09", 2, 11, "06:00", 17 * HOUR, "fault"),
    Row("NH-22", 2, 26, "09:30", 9 * HOUR, "fault"),
    Row("BF-11", 2, 6, "07:00", 8 * HOUR, "derated"),
    # The running month.
    Row("NH-05", 3, 2, "10:00", 9 * HOUR, "fault"),
    Row("NH-04", 3, 3, "06:00", 6 * HOUR, "derated"),
    Row("BF-07", 3, 4, "05:00", 16 * HOUR, "fault"),
    Row("NH-12", 3, 9, "12:00", 6 * HOUR, "unplanned_repair"),
    Row("NH-20", 3, 15, "07:30", 12 * HOUR, "fault"),
    Row("BF-03", 3, 20, "03:00", 18 * HOUR, "fault"),
)

CLAIMS = (
    Claim(
        Row("NH-06", 0, 14, "11:00", 7 * HOUR, "fault"),
        "customer_cause",
        "customer",
        "kerb damage, driver report",
        "accepted",
    ),
    Claim(
        Row("BF-04", 1, 22, "07:10", 8 * HOUR, "fault"),
        "customer_cause",
        "customer",
        "wrong fuel, fuel card record",
        "accepted",
    ),
    Claim(Row("NH-19", 1, 27, "09:00", 4 * HOUR, "idle"), "external", "none", "road closed by police", "accepted"),
    Claim(
        Row("NH-16", 2, 10, "08:00", 20 * HOUR, "fault"),
        "customer_cause",
        "customer",
        "kerb damage, driver report",
        "determined",
    ),
    Claim(
        Row("NH-02", 2, 18, "06:40", 15 * HOUR, "fault"),
        "customer_cause",
        "customer",
        "tyre cut on site, photo",
        "proposed",
    ),
    Claim(
        Row("BF-14", 3, 3, "08:00", 5 * HOUR, "fault"),
        "customer_cause",
        "customer",
        "overload, weighbridge record",
        "accepted",
    ),
)

FORCE_MAJEURE = Claim(
    Row("BF-06", 1, 15, "00:00", 18 * HOUR, "idle"), "force_majeure", "none", "storm flood, harbour closed", "accepted"
)
FORCE_MAJEURE_TOLD = "06:00"

SILENT_TRUCKS = ("BF-10", "BF-11", "BF-12", "BF-16")
SILENT_FROM = Row("", 2, 21, "20:00", 5 * HOUR + 30, "unknown")
"""One gateway of the depot is silent: these trucks send nothing."""

STOPPED_NOW = "NH-09"
STOPPED_NOW_SINCE, STOPPED_NOW_FOR = 3 * HOUR, 8 * HOUR
"""This truck has a fault that began before the present and lasts beyond it."""


def maintenance(number: int, asset: str) -> list[Row]:
    """Return a truck's workshop visits: one in a past month, and every fourth truck one in the running month."""
    rows = [Row(asset, number % 3, 2 + number * 5 % 26, "08:00", (3 + number % 4) * HOUR, "planned_maintenance")]
    if number % 4 == 0:
        rows.append(Row(asset, 3, 5 + number * 7 % 22, "13:00", 4 * HOUR, "planned_maintenance"))
    return rows


ANNOUNCED_AHEAD = 7
"""Days between the notice of a workshop visit and the visit."""
