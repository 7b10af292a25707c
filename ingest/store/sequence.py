"""Which messages of each device and boot are committed, as a set of ranges."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from core.time import instant, micros
from ingest.sequence import Begin, Boot, Receipt, Run

MOST_MISSING = 20
"""Holes that one receipt names; the device asks again when it has filled them."""
# Most sets are one range from 1: that is told apart first, since nothing else here is as cheap.
RECEIPT = f"""
    (SELECT name FROM ingest.device WHERE id = s.device) AS device, s.boot,
    CASE WHEN s.received = int8multirange(int8range(1, upper(s.received))) THEN upper(s.received) - 1
        ELSE coalesce((SELECT upper(r) - 1 FROM unnest(s.received) AS r WHERE lower(r) = 1), 0) END AS seq,
    CASE WHEN s.received = int8multirange(int8range(1, upper(s.received))) THEN '{{}}'
        ELSE ARRAY(SELECT ARRAY[lower(g), upper(g) - 1] FROM unnest(ingest.missing(s.received)) AS g
            LIMIT {MOST_MISSING}) END AS missing
"""  # noqa: S608 - our own text
_SEPARATOR = chr(31)
"""In no name and no boot, both being printable; writing lists as arrays takes the driver half of the time here."""
LONGEST = 20_000
"""Octets of a set that surely has no more than a thousand ranges, the most that are kept."""
# A row is touched even where it learns nothing: a message that comes again asks for its receipt again.
NOTE = text(f"""
    INSERT INTO ingest.sequence AS s (device, boot, received, known, changed_at)
    SELECT d.id, n.boot, range_agg(int8range(n.first, n.last, '[]')), :known, :at
    FROM unnest(string_to_array(:devices, chr(31)), string_to_array(:boots, chr(31)),
        cast(string_to_array(:firsts, chr(31)) AS bigint[]), cast(string_to_array(:lasts, chr(31)) AS bigint[]))
        AS n (device, boot, first, last)
    JOIN ingest.device AS d ON d.name = n.device
    GROUP BY d.id, n.boot ORDER BY d.id, n.boot
    ON CONFLICT (device, boot) DO UPDATE SET known = excluded.known,
        received = CASE WHEN pg_column_size(s.received + excluded.received) > {LONGEST}
            THEN ingest.lowest(s.received + excluded.received) ELSE s.received + excluded.received END,
        changed_at = excluded.changed_at
    RETURNING {RECEIPT}, s.begun
""")  # noqa: S608 - our own text
HOLED = text(f"SELECT {RECEIPT} FROM ingest.sequence AS s WHERE ingest.missing(s.received) <> '{{}}'")  # noqa: S608
SINCE = text(f"SELECT {RECEIPT} FROM ingest.sequence AS s WHERE s.changed_at >= :since")  # noqa: S608
# Boots of which a lower message with readings came than was known, or the first one.
BEGIN = text("""
    WITH moved AS (
        UPDATE ingest.sequence AS s SET begun = n.seq
        FROM unnest(cast(:devices AS text[]), cast(:boots AS text[]), cast(:seqs AS bigint[]),
            cast(:ats AS timestamptz[])) AS n (device, boot, seq, at)
        JOIN ingest.device AS d ON d.name = n.device
        WHERE s.device = d.id AND s.boot = n.boot AND (s.begun IS NULL OR n.seq < s.begun)
        RETURNING s.device, s.boot, s.begun, n.at
    )
    INSERT INTO ingest.boot (device, boot, seq, at, known) SELECT device, boot, begun, at, :known FROM moved
""")
# When boots began, as known at K.
BOOTS = text("""
    SELECT register, at FROM (
        SELECT DISTINCT ON (g.id, b.boot) g.id AS register, b.at
        FROM ingest.register AS g JOIN ingest.boot AS b ON b.device = g.device
        WHERE g.id = ANY(:registers) AND b.known <= :known ORDER BY g.id, b.boot, b.seq
    ) AS e ORDER BY register, at
""")
GAPS = text("""
    SELECT d.name AS device, s.boot, lower(g) AS first, upper(g) - 1 AS last, s.changed_at
    FROM ingest.sequence AS s
    JOIN ingest.device AS d ON d.id = s.device
    CROSS JOIN unnest(ingest.missing(s.received)) AS g
    WHERE cast(:device AS text) IS NULL OR d.name = :device
    ORDER BY d.name, s.boot, g LIMIT :most
""")


class Gap(NamedTuple):
    """Messages `first`..`last` of a device's boot are missing while later ones are there. heard_at: last message."""

    device: str
    boot: str
    first: int
    last: int
    heard_at: datetime


class Noted(NamedTuple):
    """Receipts; and boots of which a lower message came than any that is known to hold readings."""

    receipts: list[Receipt]
    begun: list[Boot]


NOTHING = Noted([], [])


def note(connection: Connection, at: datetime, runs: Iterable[Run], *, known: int) -> Noted:
    """Add what this transaction commits; receipts of all devices that it touches. Unknown devices have none."""
    given = list(runs)
    columns = [_SEPARATOR.join(map(str, column)) for column in zip(*given, strict=True)]
    if not columns:
        return NOTHING
    asked = dict(zip(("devices", "boots", "firsts", "lasts"), columns, strict=True))
    rows = connection.execute(NOTE, {**asked, "known": known, "at": at}).all()
    lowest = {(device, boot): first for device, boot, first, _ in reversed(given)}
    begun = [row[:2] for row in rows if row.begun is None or lowest[row[:2]] < row.begun]
    return Noted(_receipts(row[:4] for row in rows), begun)


def begin(connection: Connection, begins: Mapping[Boot, Begin], *, known: int) -> None:
    """Note how boots began, where that is not known, or only from a later message."""
    given = {"devices": [device for device, _ in begins], "boots": [boot for _, boot in begins]}
    seqs, ats = [one.seq for one in begins.values()], [instant(one.at) for one in begins.values()]
    connection.execute(BEGIN, {**given, "seqs": seqs, "ats": ats, "known": known})


def boots(connection: Connection, registers: Iterable[int], *, known: int) -> dict[int, tuple[int, ...]]:
    """By register, when the boots of its device began, as known at K: us since 1970, rising."""
    found = defaultdict[int, list[int]](list)
    for register, at in connection.execute(BOOTS, {"registers": sorted(registers), "known": known}):
        found[register].append(micros(at))
    return {register: tuple(ats) for register, ats in found.items()}


def holed(connection: Connection) -> list[Receipt]:
    """Receipts of every device and boot with a gap: publishing them asks for what is missing."""
    return _receipts(connection.execute(HOLED))


def since(connection: Connection, at: datetime) -> list[Receipt]:
    """Receipts of what changed since then: an ingester that was killed may not have published them."""
    return _receipts(connection.execute(SINCE, {"since": at}))


def gaps(connection: Connection, *, device: str | None = None, most: int = 1000) -> list[Gap]:
    """Missing messages by device, boot and number."""
    return [Gap(*row) for row in connection.execute(GAPS, {"device": device, "most": most})]


def _receipts(rows: Iterable[Any]) -> list[Receipt]:
    return [
        Receipt(device, boot, seq, tuple((first, last) for first, last in missing) if missing else ())
        for device, boot, seq, missing in rows
    ]
