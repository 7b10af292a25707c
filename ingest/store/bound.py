"""Which registers serve the paths of counters: of an asset's own devices, and of what a component is mounted on."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, text

from core.units import Quantity
from ingest.store.literal import numbers, texts

# A component counts what counts on the asset that it is mounted on, as long as it is.
# A device moves if it was elsewhere too, or came in another's place: a spare may have run before.
# LATERAL with OFFSET 0 fixes the order of the look-ups: without statistics, as after a bulk import, the planner would
# compare everything with everything.
BOUND = text("""
    SELECT n.need, d.name AS device, r.id AS register, r.unit, r.resolution,
        (extract(epoch FROM lower(b.during)) * 1000000)::bigint AS start,
        (extract(epoch FROM upper(b.during)) * 1000000)::bigint AS "end",
        CASE WHEN lower(b.during) = lower(b.whole) THEN v.opening END AS opening,
        CASE WHEN upper(b.during) = upper(b.whole) THEN v.closing END AS closing,
        c.modulus, c.max_rate, (extract(epoch FROM c.max_gap) * 1000000)::bigint AS max_gap,
        coalesce(c.tolerance, 0) AS tolerance, coalesce(c.resets_at_boot, false) AS resets,
        CASE WHEN c.max_rate IS NOT NULL THEN (extract(epoch FROM c.glitch_window) * 1000000)::bigint END AS glitch,
        lower(b.during) > lower(b.whole) OR EXISTS (
            SELECT FROM ingest.binding AS o WHERE o.device = b.device AND o.id <> b.id AND o.known <= :known
                AND (o.superseded IS NULL OR o.superseded > :known)
        ) OR EXISTS (
            SELECT FROM ingest.binding AS o WHERE o.asset = b.asset AND o.position = n.position AND o.id <> b.id
                AND o.known <= :known AND (o.superseded IS NULL OR o.superseded > :known)
        ) AS moves
    FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]), cast(:registers AS text[]))
        AS n (need, asset, position, register)
    JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
    JOIN LATERAL (
        SELECT id, asset, device, during, during AS whole FROM ingest.binding
        WHERE asset = a.id AND position = n.position AND known <= :known AND (superseded IS NULL OR superseded > :known)
        UNION ALL
        SELECT o.id, o.asset, o.device, o.during * m.during, o.during FROM ingest.mounting AS m
        JOIN ingest.binding AS o ON o.asset = m.asset AND o.position = n.position AND o.during && m.during
            AND o.known <= :known AND (o.superseded IS NULL OR o.superseded > :known)
        WHERE m.component = a.id AND m.known <= :known AND (m.superseded IS NULL OR m.superseded > :known)
        OFFSET 0
    ) AS b ON true
    JOIN LATERAL (
        SELECT * FROM ingest.register WHERE device = b.device AND name = n.register AND kind = 'counter' OFFSET 0
    ) AS r ON true
    JOIN LATERAL (SELECT name FROM ingest.device WHERE id = b.device OFFSET 0) AS d ON true
    LEFT JOIN LATERAL (
        SELECT opening, closing FROM ingest.binding_value WHERE binding = b.id AND register = r.id OFFSET 0
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT * FROM ingest.declaration WHERE register = r.id AND known <= :known ORDER BY known DESC LIMIT 1
    ) AS c ON true
    ORDER BY n.need, lower(b.during)
""")


class Need(Protocol):
    """A counter wanted at instants, as a contract's measure reads it; `contracts.facts.CounterNeed` is one.

    register: a path, position/register. instants: at least two, sorted, µs since 1970. What the measure leaves open
    (None) is taken from the register's declaration. max_gap: µs. estimates: whether they count.
    """

    @property
    def asset(self) -> str: ...  # noqa: D102
    @property
    def register(self) -> str: ...  # noqa: D102
    @property
    def instants(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def on_reset(self) -> str: ...  # noqa: D102
    @property
    def boundary(self) -> str: ...  # noqa: D102
    @property
    def modulus(self) -> Quantity | None: ...  # noqa: D102
    @property
    def max_rate(self) -> Quantity | None: ...  # noqa: D102
    @property
    def max_gap(self) -> int | None: ...  # noqa: D102
    @property
    def estimates(self) -> bool: ...  # noqa: D102


class Found(NamedTuple):
    """A register on the path of the need with this number. start, end, max_gap, glitch: µs; end None: still there."""

    need: int
    device: str
    register: int
    unit: str
    resolution: Decimal
    start: int
    end: int | None
    opening: int | None
    closing: int | None
    modulus: int | None
    max_rate: Decimal | None
    max_gap: int | None
    tolerance: int
    resets: bool
    glitch: int | None
    moves: bool


def found(connection: Connection, needs: Sequence[Need], *, known: int) -> list[Found]:
    """By need and time, as known at K."""
    paths = [need.register.partition("/") for need in needs]
    asked = {
        "needs": numbers(range(len(needs))),
        "assets": texts(need.asset for need in needs),
        "positions": texts(position for position, _, _ in paths),
        "registers": texts(register for _, _, register in paths),
        "known": known,
    }
    return list(map(Found._make, connection.execute(BOUND, asked).all()))
