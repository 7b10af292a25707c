"""What the API and the portal read of ingest. The database shows a party the devices of its covered assets only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, text

from ingest.store import counter, search, state
from ingest.store.bound import Need
from ingest.store.need import StateNeed


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset; `last_reading_at` is the newest instant of what serves it now, or of what served it last."""

    id: int
    public_id: str
    name: str
    kind: str
    site: str
    created_at: datetime
    last_reading_at: datetime | None


@dataclass(frozen=True, slots=True)
class RegisterView:
    """A register that served an asset over `[starts_at, ends_at)`; values are whole ticks of `resolution` units.

    silence: how long it may say nothing, as `completeness.Register` says. last_at, last_value: its newest reading, if
    the device served this asset then.
    """

    asset: int
    binding: int
    register: int
    device: str
    path: str
    kind: str
    unit: str
    resolution: Decimal
    starts_at: datetime
    ends_at: datetime | None
    opening: int | None
    closing: int | None
    silence: timedelta | None
    modulus: int | None
    last_at: datetime | None
    last_value: int | None


@dataclass(frozen=True, slots=True)
class ReadingView:
    """A reading in ticks of its register; `raw` is what the device wrote where that was rounded or converted.

    time_status: what it said of its clock: U, I, S, R (unknown, informative, synchronised, relative), if anything.
    """

    at: datetime
    value: int
    received_at: datetime
    raw: str | None
    device: str
    time_status: str | None


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """An item that was not stored, and why; `payload` shows at most its first 2,000 characters."""

    topic: str
    payload_hash: str
    item: int
    reason: str
    detail: str
    payload: str
    size: int
    device: str | None
    received_at: datetime
    known: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often a reason quarantined something since a time."""

    reason: str
    items: int
    devices: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class IngestCount:
    """What was received in a stretch that starts at `at`; received = stored + duplicate + quarantined."""

    at: datetime
    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class IngestTotal:
    """Counts over all batches since a time, and how fresh the devices are."""

    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int
    last_batch_at: datetime | None
    devices: int
    last_reading_at: datetime | None


ASSET = """
    SELECT a.id, a.public_id, a.name, a.kind, a.site, a.created_at, (
        SELECT max(l.at) FROM ingest.binding AS b
        JOIN ingest.register AS g ON g.device = b.device JOIN ingest.latest AS l ON l.register = g.id
        WHERE b.asset = a.id AND l.at <@ b.during AND b.superseded IS NULL) AS last_reading_at
    FROM ingest.asset AS a WHERE {condition} ORDER BY a.name LIMIT :most
"""
ASSETS = text(ASSET.format(condition="a.name > :after"))
ASSETS_BY_KEY = text(ASSET.format(condition="a.id = ANY (:keys)"))
ONE_ASSET = text(ASSET.format(condition="a.public_id = :public_id"))
ASSET_NAMED = text(ASSET.format(condition="a.name = :name"))
ASSET_IDS = text("SELECT name, public_id FROM ingest.asset WHERE name = ANY (:names)")
REGISTERS = text("""
    SELECT b.asset, b.id AS binding, g.id AS register, d.name AS device, b.position || '/' || g.name AS path, g.kind,
        g.unit, g.resolution, lower(b.during) AS starts_at, upper(b.during) AS ends_at, v.opening, v.closing,
        coalesce(c.silence_limit, c.max_gap, 3 * c.every) AS silence, c.modulus, l.at AS last_at, l.value AS last_value
    FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    LEFT JOIN ingest.binding_value AS v ON v.binding = b.id AND v.register = g.id
    LEFT JOIN ingest.latest AS l ON l.register = g.id AND l.at <@ b.during
    LEFT JOIN LATERAL (
        SELECT * FROM ingest.declaration AS c WHERE c.register = g.id ORDER BY c.known DESC LIMIT 1
    ) AS c ON true
    WHERE b.asset = ANY (:assets) AND b.superseded IS NULL
        AND (CAST(:path AS text) IS NULL OR b.position || '/' || g.name = :path)
    ORDER BY b.asset, path, lower(b.during)
""")
READINGS = text("""
    SELECT at, value, received_at, raw, device, time_status
    FROM visible.readings(:asset, :path, :since, :before, :most)
""")
COUNTERS = search.Source(
    near=text(search.NEAR.format(near="visible.near")),
    turning=text(search.TURNING.format(turning="visible.turning")),
    outside=text("""
        SELECT bound, at, value FROM visible.counter_outside(CAST(:bounds AS int[]), CAST(:registers AS int[]),
            CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]), :known)
    """),
)
STATES = text(state.STATEMENT.format(said="visible.said"))
CATEGORIES = text("SELECT id, category FROM ingest.state_code")
LAST_READING = text("SELECT max(at) FROM ingest.latest")
QUARANTINE = text("""
    SELECT topic, encode(payload_hash, 'hex') AS payload_hash, item, reason, detail,
        left(encode(payload, 'escape'), 2000) AS payload, size, device, received_at, known
    FROM ingest.quarantine
    WHERE (received_at, topic, payload_hash, item)
            < (:before_at, :before_topic, decode(:before_hash, 'hex'), :before_item)
        AND (CAST(:reason AS text) IS NULL OR reason = :reason)
    ORDER BY received_at DESC, topic DESC, payload_hash DESC, item DESC LIMIT :most
""")
REASONS = text("""
    SELECT reason, count(*) AS items, count(DISTINCT device) AS devices, min(received_at) AS first_at,
        max(received_at) AS last_at
    FROM ingest.quarantine WHERE received_at >= :since GROUP BY reason ORDER BY items DESC, reason
""")
TOTAL = text("""
    SELECT coalesce(sum(messages), 0) AS messages, coalesce(sum(received), 0) AS received,
        coalesce(sum(stored), 0) AS stored, coalesce(sum(duplicate), 0) AS duplicate,
        coalesce(sum(quarantined), 0) AS quarantined, max(at) AS last_batch_at,
        (SELECT count(*) FROM ingest.device) AS devices, (SELECT max(at) FROM ingest.latest) AS last_reading_at
    FROM ingest.batch WHERE at >= :since
""")
SERIES = text("""
    SELECT date_bin(:grain, at, :since) AS at, sum(messages) AS messages, sum(received) AS received,
        sum(stored) AS stored, sum(duplicate) AS duplicate, sum(quarantined) AS quarantined
    FROM ingest.batch WHERE at >= :since GROUP BY 1 ORDER BY 1
""")


def assets(connection: Connection, *, after: str = "", most: int = 50) -> list[AssetView]:
    """Visible assets with a name above `after`, by name."""
    rows = connection.execute(ASSETS, {"after": after, "most": most}).mappings()
    return [AssetView(**row) for row in rows]


def assets_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, AssetView]:
    """The visible ones of these inside keys."""
    wanted = sorted(set(keys))
    rows = connection.execute(ASSETS_BY_KEY, {"keys": wanted, "most": len(wanted)}).mappings()
    return {row["id"]: AssetView(**row) for row in rows}


def asset(connection: Connection, public_id: str) -> AssetView | None:
    """One asset, or None if it is absent or not visible."""
    row = connection.execute(ONE_ASSET, {"public_id": public_id, "most": 1}).mappings().first()
    return AssetView(**row) if row else None


def asset_named(connection: Connection, name: str) -> AssetView | None:
    """One asset by its name, or None if it is absent or not visible."""
    row = connection.execute(ASSET_NAMED, {"name": name, "most": 1}).mappings().first()
    return AssetView(**row) if row else None


def asset_ids(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """The outside ids of the visible ones of these assets, by name."""
    rows = connection.execute(ASSET_IDS, {"names": sorted(set(names))})
    return {row.name: row.public_id for row in rows}


def registers(connection: Connection, asset_ids: Iterable[int], *, path: str | None = None) -> list[RegisterView]:
    """What serves or served these assets, by asset, path (position/register) and time."""
    rows = connection.execute(REGISTERS, {"assets": sorted(set(asset_ids)), "path": path}).mappings()
    return [RegisterView(**row) for row in rows]


def readings(  # the question has five parts
    connection: Connection, asset_id: int, *, path: str, since: datetime, before: datetime, most: int
) -> list[ReadingView]:
    """Readings in `[since, before)`, oldest first, where the viewer's contracts cover the asset."""
    bound = {"asset": asset_id, "path": path, "since": since, "before": before, "most": most}
    return [ReadingView(**row) for row in connection.execute(READINGS, bound).mappings()]


def counters(connection: Connection, needs: Sequence[Need], *, known: int) -> tuple[counter.Counted, ...]:
    """As ingest.store.counter.load, of what is visible: the same boundary values that are billed."""
    return counter.load(connection, needs, known=known, source=COUNTERS)


def states(connection: Connection, needs: Sequence[StateNeed], *, known: int) -> tuple[tuple[state.Said, ...], ...]:
    """As ingest.store.state.load, of what is visible."""
    return state.load(connection, needs, known=known, statement=STATES)


def state_categories(connection: Connection) -> dict[int, str]:
    """State code to category of time."""
    return {int(row.id): str(row.category) for row in connection.execute(CATEGORIES)}


def last_reading_at(connection: Connection) -> datetime | None:
    """The newest instant among all visible registers."""
    found: datetime | None = connection.execute(LAST_READING).scalar()
    return found


def quarantine(
    connection: Connection, *, before: tuple[datetime, str, str, int], reason: str | None, most: int = 50
) -> list[QuarantineView]:
    """Newest first, below the key (received_at, topic, hash in hex, item)."""
    bound = {
        "before_at": before[0],
        "before_topic": before[1],
        "before_hash": before[2],
        "before_item": before[3],
        "reason": reason,
        "most": most,
    }
    return [QuarantineView(**row) for row in connection.execute(QUARANTINE, bound).mappings()]


def quarantine_reasons(connection: Connection, *, since: datetime) -> list[ReasonCount]:
    """Counts by reason since a time, most frequent first."""
    return [ReasonCount(**row) for row in connection.execute(REASONS, {"since": since}).mappings()]


def ingest_total(connection: Connection, *, since: datetime) -> IngestTotal:
    """What was received since a time."""
    return IngestTotal(**connection.execute(TOTAL, {"since": since}).mappings().one())


def ingest_series(connection: Connection, *, since: datetime, grain: timedelta) -> list[IngestCount]:
    """Counts by stretches of `grain` from `since`; stretches without a batch are left out."""
    rows = connection.execute(SERIES, {"since": since, "grain": grain}).mappings()
    return [IngestCount(**row) for row in rows]
