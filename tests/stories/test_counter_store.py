"""What the database says of a counter equals the pure function over all its readings."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from sqlalchemy import Connection, Engine, text

from core.clock import now
from core.database import transaction
from core.time import instant, micros
from core.units import Quantity
from ingest import catalogue, run
from ingest.counter import Doubt, Estimate, Part, Rule
from ingest.path import Bound, Epoch, counted
from ingest.store import counter

pytestmark = pytest.mark.services

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
START = micros(JUNE)
HOUR = 3_600_000_000
ODOMETER = {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m"}
INSERT = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT r, t, v, k, t FROM unnest(cast(:registers AS int[]), cast(:ats AS timestamptz[]), cast(:values AS bigint[]),
        cast(:knowns AS bigint[])) AS u (r, t, v, k)
""")


@dataclass(frozen=True)
class Need:
    asset: str
    register: str
    instants: tuple[int, ...]
    unit: str = "km"
    on_reset: str = "hold"
    boundary: str = "interpolate"
    modulus: Quantity | None = None
    max_rate: Quantity | None = None
    max_gap: int | None = None
    estimates: bool = False


def declare(engine: Engine, found: object) -> None:
    read = catalogue.of(found)
    assert isinstance(read, catalogue.Catalogue), read
    run.declare(engine, read, now(), author="test")


def ids(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        text("SELECT d.name, r.id FROM ingest.register r JOIN ingest.device d ON d.id = r.device")
    )
    return {row.name: row.id for row in rows}


def insert(connection: Connection, rows: Sequence[tuple[int, int, int, int]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    names = ("registers", "ats", "values", "knowns")
    columns[1] = [instant(at) for at in columns[1]]
    connection.execute(INSERT, dict(zip(names, columns, strict=True)))


def day(asset: str, *hours: int) -> Need:
    return Need(asset, "vehicle/odometer", tuple(START + hour * HOUR for hour in hours))


def test_use_is_the_difference_of_boundary_values_interpolated_in_whole_ticks(engine: Engine) -> None:
    declare(engine, {"devices": [{"device": "D", "asset": "T1", "position": "vehicle", "registers": [ODOMETER]}]})
    with transaction(engine) as connection:
        odometer = ids(connection)["D"]
        # 1000 m at -1 h, 1100 m at +2 h: at 0 h 1000 + floor(100 * 1/3) = 1033; at 3 h between 1100 and 1207: 1153.
        insert(connection, [(odometer, START + h * HOUR, v, 1) for h, v in ((-1, 1000), (2, 1100), (4, 1207))])
        (found,) = counter.load(connection, [day("T1", 0, 3)], known=1)
    assert found.parts == (Part(START, START + 3 * HOUR, "D", 1033, 1153, 0, "interpolated", "interpolated"),)
    assert (found.unit, str(found.resolution), found.doubts) == ("km", "0.001", ())


def test_an_exchange_cuts_and_uses_the_written_values(engine: Engine) -> None:
    device = {"model": "m", "registers": [ODOMETER]}
    bindings = [
        {"device": "old", "to": "2026-06-01T10:00:00Z", "closing": {"odometer": "2 km"}},
        {"device": "new", "from": "2026-06-01T10:00:00Z", "opening": {"odometer": "0 km"}},
    ]
    declare(
        engine,
        {
            "devices": [{"device": "old", **device}, {"device": "new", **device}],
            "bindings": [{"asset": "T1", "position": "vehicle", **binding} for binding in bindings],
        },
    )
    with transaction(engine) as connection:
        old, new = ids(connection)["old"], ids(connection)["new"]
        insert(connection, [(old, START, 1000, 1), (old, START + 8 * HOUR, 1900, 1), (old, START + 11 * HOUR, 9, 1)])
        insert(connection, [(new, START + 12 * HOUR, 200, 1), (new, START + 24 * HOUR, 500, 1)])
        (found,) = counter.load(connection, [day("T1", 0, 24)], known=1)
    assert [(part.device, part.opening, part.closing) for part in found.parts] == [("old", 1000, 2000), ("new", 0, 500)]
    assert found.doubts == ()


def test_a_fall_is_held_and_opens_a_case(engine: Engine) -> None:
    declare(engine, {"devices": [{"device": "D", "asset": "T1", "position": "vehicle", "registers": [ODOMETER]}]})
    with transaction(engine) as connection:
        odometer = ids(connection)["D"]
        series = [(0, 1000), (1, 1010), (2, 1020), (3, 5), (4, 15), (5, 25)]
        insert(connection, [(odometer, START + h * HOUR, v, 1) for h, v in series])
        (found,) = counter.load(connection, [day("T1", 0, 5)], known=1)
    (part,) = found.parts
    # 25 - 1000 = -975 on the counter; the fall from 1020 to 5 is taken out, 20 + 20 remain.
    assert (part.opening, part.closing, part.removed) == (1000, 25, -1015)
    assert part.closing - part.opening - part.removed == 40
    assert [(one.start, one.end, one.reason) for one in found.doubts] == [
        (START + 2 * HOUR, START + 3 * HOUR, "counter_fell")
    ]


def test_what_was_not_known_is_not_seen(engine: Engine) -> None:
    declare(engine, {"devices": [{"device": "D", "asset": "T1", "position": "vehicle", "registers": [ODOMETER]}]})
    with transaction(engine) as connection:
        odometer = ids(connection)["D"]
        insert(
            connection, [(odometer, START, 0, 1), (odometer, START + 2 * HOUR, 100, 1), (odometer, START + HOUR, 90, 2)]
        )
        needs = [Need("T1", "vehicle/odometer", (START, START + HOUR))]
        then, today = (counter.load(connection, needs, known=known)[0].parts[0].closing for known in (1, 2))
    assert (then, today) == (50, 90)


def test_an_asset_that_nobody_serves_has_no_parts(engine: Engine) -> None:
    with transaction(engine) as connection:
        (found,) = counter.load(connection, [day("nobody", 0, 5)], known=1)
    assert (found.parts, found.doubts, found.unit) == ((), (), "km")


@dataclass(frozen=True)
class Series:
    """One asset's random life: devices with their bindings and readings."""

    asset: str
    bounds: tuple[Bound, ...]
    need: Need
    tolerance: int
    glitch: int | None
    anew: bool = False


def with_more(one: Series) -> Series:
    """With estimates anywhere, and boots; each counts in half of the lives."""
    chance = random.Random(one.asset)  # noqa: S311 - repeatable
    bounds = []
    for bound in one.bounds:
        starts = sorted(chance.sample(range(-30, 180, 30), chance.choice([0, 1, 2])))
        guesses = tuple(
            Estimate(START + at * HOUR, START + (at + chance.randrange(1, 30)) * HOUR, chance.randrange(4000))
            for at in starts
        )
        boots = tuple(START + at * HOUR for at in sorted(chance.sample(range(-40, 200), chance.choice([0, 3, 20]))))
        bounds.append(bound._replace(estimates=guesses, boots=boots))
    need = replace(one.need, estimates=chance.choice([True, False]))
    return replace(one, bounds=tuple(bounds), need=need, anew=chance.choice([True, False]))


def series(number: int, chance: random.Random) -> Series:
    cuts = sorted(chance.sample(range(-40, 140, 4), chance.choice([1, 1, 2, 3])))
    bounds = []
    for n, start in enumerate(cuts):
        end = cuts[n + 1] - chance.choice([0, 0, 3]) if n + 1 < len(cuts) else chance.choice([None, 200])
        ats = sorted(chance.sample(range(start * 60, (200 if end is None else end) * 60), chance.randrange(12)))
        value, readings = chance.randrange(1000), []
        for at in ats:
            value = max(0, value + chance.choice([0, 5, 70, 500, 500, 500, 9000, -3, -400, -100_000]))
            readings.append((START + at * 60_000_000, value))
            readings += glitches(readings[-1], chance)
        readings = sorted(dict(reversed(readings)).items())
        opening, closing = (chance.choice([None, chance.randrange(3000)]) for _ in "ab")
        ticks = (opening, closing if end is not None else None)
        whole = None if end is None else START + end * HOUR
        epochs = tuple(
            Epoch(START + at * HOUR, chance.choice([None, 700]), chance.choice([0, 40]))
            for at in chance.choice([(), (), ((start + 2) if whole is None or start + 2 < (end or 0) else start + 1,)])
        )
        bound = Bound(f"d{number}-{n}", START + start * HOUR, whole, *ticks, tuple(readings), epochs=epochs)
        bounds.append(bound)
    instants = sorted(chance.sample(range(-60 * 60, 210 * 60), chance.randrange(2, 5)))
    need = Need(
        f"A{number}",
        "vehicle/odometer",
        tuple(START + at * 60_000_000 for at in instants),
        on_reset=chance.choice(["hold", "assume_zero", "documented_only"]),
        boundary=chance.choice(["interpolate", "at_reading"]),
        modulus=chance.choice([None, Quantity.parse("10 km")]),
        max_rate=chance.choice([None, Quantity.parse("7 km/h"), Quantity.parse("1 mi/min")]),
        max_gap=chance.choice([None, 3 * HOUR, 20 * HOUR]),
    )
    tolerance, glitch = chance.choice([0, 5]), chance.choice([None, HOUR, 12 * HOUR])
    return Series(need.asset, tuple(bounds), need, tolerance, glitch)


def glitches(before: tuple[int, int], chance: random.Random) -> list[tuple[int, int]]:
    """Sometimes a low value or two, and the true one again."""
    at, value = before
    minutes = sorted(chance.sample(range(1, 200), chance.choice([0, 0, 2, 3])))
    low = [(at + minute * 60_000_000, chance.choice([0, value // 2, value])) for minute in minutes[:-1]]
    return [*low, *((at + minute * 60_000_000, value + minute) for minute in minutes[-1:])]


def expected(one: Series, known: int) -> tuple[tuple[Part, ...], tuple[Doubt, ...]]:
    rate = one.need.max_rate
    rule = Rule(
        one.need.on_reset,  # type: ignore[arg-type]
        one.need.boundary,  # type: ignore[arg-type]
        modulus=10_000 if one.need.modulus else None,
        max_rate=(rate or REGISTER_RATE).to("km/h") * 1000 / Fraction(HOUR),
        max_gap=one.need.max_gap,
        tolerance=one.tolerance,
        glitch=one.glitch,
    )
    seen = [
        bound._replace(
            readings=tuple(r for r in bound.readings if _known(r) <= known),
            estimates=bound.estimates if one.need.estimates else (),
            boots=bound.boots if one.anew else (),
        )
        for bound in one.bounds
    ]
    return counted([_inside(bound) for bound in seen], one.need.instants, rule)


REGISTER_RATE = Quantity.parse("20 km/h")


def _inside(bound: Bound) -> Bound:
    """Glitches may be later than the binding: then they are readings from outside."""
    end = bound.end
    inside = tuple(r for r in bound.readings if end is None or r[0] < end)
    after = None if end is None or bound.closing is not None else next((r for r in bound.readings if r[0] >= end), None)
    return bound._replace(readings=inside, after=after)


def _known(row: tuple[int, int]) -> int:
    return 2 if row[0] // 60_000_000 % 7 == 0 else 1


def physics(one: Series) -> dict[str, object]:
    found: dict[str, object] = {"max_rate": str(REGISTER_RATE), "tolerance": f"0.{one.tolerance:03} km"}
    found |= {"resets_at_boot": one.anew}
    return found if one.glitch is None else {**found, "glitch_window": f"{one.glitch // HOUR} h"}


def as_file(many: Sequence[Series]) -> object:
    devices = [{"device": bound.device, "registers": [ODOMETER | physics(one)]} for one in many for bound in one.bounds]
    bindings = []
    for one in many:
        for bound in one.bounds:
            found = {"device": bound.device, "asset": one.asset, "position": "vehicle"}
            found["from"] = instant(bound.start).isoformat()[:19] + "Z"
            if bound.end is not None:
                found["to"] = instant(bound.end).isoformat()[:19] + "Z"
            ends = {"opening": bound.opening, "closing": bound.closing}
            values = {name: {"odometer": f"{v // 1000}.{v % 1000:03} km"} for name, v in ends.items() if v is not None}
            bindings.append({**found, **values})
    return {"devices": devices, "bindings": bindings}


def test_the_database_agrees_with_the_pure_function_on_random_lives(engine: Engine) -> None:
    chance = random.Random(20_260_601)  # noqa: S311 - repeatable
    many = [with_more(series(n, chance)) for n in range(400)]
    declare(engine, as_file(many))
    with transaction(engine) as connection:
        connection.execute(text("UPDATE core.knowledge SET n = 2"))
        registers = ids(connection)
        rows = [
            (registers[bound.device], at, value, _known((at, value)))
            for one in many
            for bound in one.bounds
            for at, value in bound.readings
        ]
        insert(connection, rows)
        for one in many:
            for bound in one.bounds:
                declare_epochs(connection, registers[bound.device], bound.epochs)
                declare_more(connection, bound, registers[bound.device])
        for known in (1, 2):
            found = counter.load(connection, [one.need for one in many], known=known)
            for one, got in zip(many, found, strict=True):
                assert (got.parts, sorted(got.doubts, key=str)) == _sorted(expected(one, known)), (one, known)
    reasons = {doubt.reason for got in found for doubt in got.doubts}
    assert {"counter_fell", "above_max_rate"} <= reasons
    assert sum("estimated" in {part.closing_quality for part in got.parts} for got in found) > 10
    assert sum(expected(one, 2) != expected(replace(one, anew=False), 2) for one in many) > 10


def declare_epochs(connection: Connection, register: int, epochs: Sequence[Epoch]) -> None:
    for epoch in epochs:
        values = {"r": register, "at": instant(epoch.at), "closing": epoch.closing, "opening": epoch.opening}
        connection.execute(EPOCH, values)


def declare_more(connection: Connection, bound: Bound, register: int) -> None:
    for guess in bound.estimates:
        span = {"start": instant(guess.start), "end": instant(guess.end), "ticks": guess.ticks}
        connection.execute(GUESS, {"r": register, **span})
    for n, at in enumerate(bound.boots):
        connection.execute(BOOT, {"device": bound.device, "boot": f"b{n}", "at": instant(at)})


GUESS = text("""
    INSERT INTO ingest.estimate (register, during, ticks, method, known, author, reason)
    VALUES (:r, tstzrange(:start, :end), :ticks, 'test', 1, 'test', 'silent')
""")
BOOT = text("""
    INSERT INTO ingest.boot (device, boot, seq, at, known)
    SELECT id, :boot, 1, :at, 1 FROM ingest.device WHERE name = :device
""")
EPOCH = text("""
    INSERT INTO ingest.epoch (register, at, closing, opening, known, author, reason)
    VALUES (:r, :at, :closing, :opening, 1, 'test', 'reset')
""")


def _sorted(found: tuple[tuple[Part, ...], tuple[Doubt, ...]]) -> object:
    return found[0], sorted(found[1], key=str)
