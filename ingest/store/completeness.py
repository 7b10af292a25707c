"""How complete readings are, which devices are silent, and whose clock to trust."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from core.time import micros
from ingest.coverage import Coverage, Heard, coverage

STATEMENT = """
    SELECT n, received, first_at, last_at, froms, tos FROM {heard}(cast(:ns AS int[]), cast(:registers AS int[]),
        cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]), cast(:firsts AS timestamptz[]),
        cast(:lasts AS timestamptz[]), cast(:silences AS interval[]), :known)
"""
HEARD = text(STATEMENT.format(heard="ingest.heard"))
VISIBLE = text(STATEMENT.format(heard="visible.heard"))
REGISTERS = text("""
    SELECT g.id AS register, a.name AS asset, b.position || '/' || g.name AS path, d.name AS device, g.kind, g.unit,
        g.resolution, lower(b.during) AS starts_at, upper(b.during) AS ends_at, b.evidence, c.minimum, c.maximum,
        c.modulus, c.tolerance, c.max_rate, c.max_gap, c.silence_limit, c.glitch_window, c.noise_band,
        c.refill_threshold, c.every, c.cross_checks, coalesce(c.resets_at_boot, false) AS resets_at_boot, v.opening,
        v.closing
    FROM ingest.binding AS b
    JOIN ingest.asset AS a ON a.id = b.asset
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    LEFT JOIN ingest.binding_value AS v ON v.binding = b.id AND v.register = g.id
    LEFT JOIN LATERAL (
        SELECT * FROM ingest.declaration WHERE register = g.id AND known <= :known ORDER BY known DESC LIMIT 1
    ) AS c ON true
    WHERE a.name = :asset AND b.known <= :known AND (b.superseded IS NULL OR b.superseded > :known)
        AND b.during && tstzrange(:start, :end)
    ORDER BY path, lower(b.during)
""")
SILENT = text("""
    SELECT d.name AS device, a.name AS asset, b.position || '/' || g.name AS path, l.at AS last_at,
        coalesce(c.silence_limit, c.max_gap, 3 * c.every) AS silence
    FROM ingest.binding AS b
    JOIN ingest.asset AS a ON a.id = b.asset
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    JOIN LATERAL (
        SELECT * FROM ingest.declaration WHERE register = g.id ORDER BY known DESC LIMIT 1
    ) AS c ON coalesce(c.silence_limit, c.max_gap, c.every) IS NOT NULL
    LEFT JOIN ingest.latest AS l ON l.register = g.id
    WHERE b.superseded IS NULL AND b.during @> cast(:at AS timestamptz)
        AND greatest(l.at, lower(b.during))
            < cast(:at AS timestamptz) - coalesce(c.silence_limit, c.max_gap, 3 * c.every)
    ORDER BY d.name, path
""")
NEW = text("""
    INSERT INTO ingest.alarm (at, kind, client, detail)
    SELECT :at, 'silent', device, jsonb_build_object('device', device, 'asset', asset, 'register', path,
        'last_at', last_at, 'limit', silence)
    FROM unnest(cast(:devices AS text[]), cast(:assets AS text[]), cast(:paths AS text[]), cast(:lasts AS text[]),
        cast(:silences AS text[])) AS s (device, asset, path, last_at, silence)
    WHERE NOT EXISTS (
        SELECT FROM ingest.alarm AS a WHERE a.kind = 'silent' AND a.detail ->> 'device' = s.device
            AND a.detail ->> 'register' = s.path AND a.detail ->> 'last_at' IS NOT DISTINCT FROM s.last_at)
    RETURNING client AS device, detail ->> 'asset' AS asset, detail ->> 'register' AS path
""")
SKEW = text("""
    SELECT device, readings, shortest, middle, longest, status
    FROM ingest.skew(cast(:registers AS int[]), :start, :end, :known)
""")
VISIBLE_SKEW = text("""
    SELECT device, readings, shortest, middle, longest, status FROM visible.skew(:asset, :start, :end, :known)
""")


class Register(NamedTuple):
    """A register of an asset over its device's time there, with what it is declared to be. Values in ticks."""

    register: int
    asset: str
    path: str
    device: str
    kind: str
    unit: str
    resolution: Decimal
    starts_at: datetime
    ends_at: datetime | None
    evidence: str
    minimum: int | None
    maximum: int | None
    modulus: int | None
    tolerance: int | None
    max_rate: Decimal | None
    max_gap: timedelta | None
    silence_limit: timedelta | None
    glitch_window: timedelta | None
    noise_band: int | None
    refill_threshold: int | None
    every: timedelta | None
    cross_checks: list[dict[str, Any]] | None
    resets_at_boot: bool
    opening: int | None
    closing: int | None

    @property
    def silence(self) -> timedelta | None:
        """How long it may say nothing: its limit, else its greatest gap, else three times how often it reports."""
        return self.silence_limit or self.max_gap or (3 * self.every if self.every else None)


class Silent(NamedTuple):
    """A register that should have spoken. last_at None: it never did."""

    device: str
    asset: str
    path: str
    last_at: datetime | None
    limit: timedelta


class Skew(NamedTuple):
    """How long after it was taken a device's reading arrived, by what it says of its clock: '' is nothing.

    The least is near the true delay of the line; below zero the device's clock is ahead.
    """

    device: str
    readings: int
    least: timedelta
    middle: timedelta
    most: timedelta
    status: str


def registers(connection: Connection, asset: str, *, start: datetime, end: datetime, known: int) -> list[Register]:
    """What served an asset in [start, end), as known at K, by path and time."""
    asked = {"asset": asset, "start": start, "end": end, "known": known}
    return [Register(*row) for row in connection.execute(REGISTERS, asked)]


def heard(  # one stretch of some registers as known at K
    connection: Connection,
    of: Sequence[Register],
    *,
    start: datetime,
    end: datetime,
    known: int,
    statement: TextClause = HEARD,
) -> dict[int, Coverage]:
    """Coverage by position in `of`, over the part of [start, end) in which each served; others are missing."""
    rows = []
    for n, one in enumerate(of):
        first, last = max(start, one.starts_at), min(end, one.ends_at or end)
        if first < last:
            rows.append((n, one.register, first, last, one.starts_at, one.ends_at or FOREVER, one.silence))
    if not rows:
        return {}
    names = ("ns", "registers", "starts", "ends", "firsts", "lasts", "silences")
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    found = {row.n: row for row in connection.execute(statement, {**columns, "known": known})}
    return {n: _coverage(found[n], of[n], micros(first), micros(last)) for n, _, first, last, *_ in rows if n in found}


FOREVER = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


def _coverage(row: Any, register: Register, start: int, end: int) -> Coverage:
    limit, every = (
        None if one is None else one // timedelta(microseconds=1) for one in (register.silence, register.every)
    )
    first, last = (None if at is None else micros(at) for at in (row.first_at, row.last_at))
    silences = tuple(zip(map(micros, row.froms or ()), map(micros, row.tos or ()), strict=True))
    return coverage(Heard(row.received, first, last, silences), start, end, limit=limit, every=every)


def silent(connection: Connection, at: datetime) -> list[Silent]:
    """Registers now bound that have said nothing for longer than they may, by device and path."""
    return [Silent(*row) for row in connection.execute(SILENT, {"at": at})]


def raise_alarms(connection: Connection, at: datetime, of: Sequence[Silent]) -> list[Any]:
    """One alarm for each silence that has none yet; returns the new ones (device, asset, path)."""
    columns = {
        "devices": [one.device for one in of],
        "assets": [one.asset for one in of],
        "paths": [one.path for one in of],
        "lasts": [one.last_at.isoformat() if one.last_at else None for one in of],
        "silences": [str(one.limit) for one in of],
    }
    return list(connection.execute(NEW, {**columns, "at": at}))


def skew(connection: Connection, registers: Sequence[int], *, start: datetime, end: datetime, known: int) -> list[Skew]:
    """Of the devices of these registers, over readings taken in [start, end), by device and time status."""
    asked = {"registers": list(registers), "start": start, "end": end, "known": known}
    return [Skew(*row) for row in connection.execute(SKEW, asked)]


def visible_skew(connection: Connection, asset: int, *, start: datetime, end: datetime, known: int) -> list[Skew]:
    """The same of what served an asset, while it did and the viewer's contracts cover it."""
    asked = {"asset": asset, "start": start, "end": end, "known": known}
    return [Skew(*row) for row in connection.execute(VISIBLE_SKEW, asked)]
