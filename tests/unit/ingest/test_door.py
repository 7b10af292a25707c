"""The door: exact ticks, times, states, and a reason for everything else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.time import micros
from core.units import to_ticks
from ingest.door import NEWEST, OLDEST, Row, judge
from ingest.reason import SENTENCE, Reason
from ingest.registry import Registry, register

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ODOMETER = register(1, "odometer", kind="counter", unit="km", resolution=Decimal("0.001"), maximum=2_000_000_000)
STATE = register(2, "state", kind="state", unit="state", resolution=Decimal(1))
HEAT = register(3, "heat", kind="gauge", unit="bar", resolution=Decimal("0.001"), minimum=-1_000, maximum=50_000)
COUNT = register(4, "count", kind="counter", unit="page", resolution=Decimal(1))
REGISTERS = {one.name: one for one in (ODOMETER, STATE, HEAT, COUNT)}
METRES = {"km": Fraction(1000), "m": Fraction(1), "mi": Fraction("1609.344"), "mm": Fraction("0.001")}
REGISTRY = Registry({"T1": REGISTERS, "empty": {}}, {"running": 1, "idle": 2}, 0)


def judged(
    value: str, unit: str = "km", *, register: str = "odometer", at: str = "2026-07-01T11:00:00Z", status: str = ""
) -> Row | str:
    """The accepted row, or the reason."""
    candidate = (7, register, at, value, unit, status)
    rows, rejected = judge([candidate], "T1", REGISTRY, received_at=micros(NOW))
    assert len(rows) + len(rejected) == 1
    if rejected:
        assert (rejected[0].item, bool(rejected[0].detail)) == (7, True)
    return rows[0] if rows else rejected[0].reason.value


def ticks(value: str, unit: str = "km", register: str = "odometer") -> tuple[int, str | None]:
    row = judged(value, unit, register=register)
    assert isinstance(row, tuple), row
    return row[3], row[5]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("412350.2", "km", (412_350_200, None)),
        ("412350", "km", (412_350_000, None)),
        ("412350.200000", "km", (412_350_200, None)),
        ("0.0004", "km", (0, "0.0004 km")),  # below half a metre
        ("0.0005", "km", (1, "0.0005 km")),  # half a tick goes up
        ("412350200", "m", (412_350_200, "412350200 m")),  # converted, so the text is kept
        ("1", "mi", (1609, "1 mi")),  # 1609.344 m
        ("0.000310685596118", "mi", (0, "0.000310685596118 mi")),  # 0.4999… m
        ("1e2", "km", (100_000, None)),
        ("4.123502E5", "km", (412_350_200, None)),
        ("1500e-3", "km", (1500, None)),
        ("-0", "km", (0, None)),
    ],
)
def test_a_value_becomes_whole_ticks_half_up(value: str, unit: str, expected: tuple[int, str | None]) -> None:
    assert ticks(value, unit) == expected


def test_a_negative_half_goes_away_from_zero() -> None:
    assert ticks("-0.0005", "bar", "heat") == (-1, "-0.0005 bar")
    assert ticks("-0.9", "bar", "heat") == (-900, None)
    assert ticks("-1.5", "mbar", "heat") == (-2, "-1.5 mbar")


@given(
    st.decimals(min_value=0, max_value=1_000_000, allow_nan=False, places=7),
    st.sampled_from(["km", "m", "mi", "mm"]),
)
def test_every_value_is_what_the_units_say(value: Decimal, unit: str) -> None:
    expected = to_ticks(value, unit, register_unit="km", resolution=Decimal("0.001"))
    found = ticks(f"{value:f}", unit)
    assert found[0] == expected.ticks
    assert (found[1] is None) == (expected.exact and unit == "km")
    metres = {"km": Fraction(1000), "m": Fraction(1), "mi": Fraction("1609.344"), "mm": Fraction(1, 1000)}
    assert abs(Fraction(value) * metres[unit] - found[0]) * 2 <= 1


@pytest.mark.parametrize(
    "value",
    [
        "",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "1_000",
        " 1",
        "1 ",
        "+1",
        "1.",
        ".5",
        "1,5",
        "0x10",
        "٣",
        "²",
        "--1",
        "1e",
        "true",
    ],
)
def test_what_is_no_plain_decimal_is_a_bad_value(value: str) -> None:
    assert judged(value) == "bad_value"


@pytest.mark.parametrize("value", ["1234567890" * 4, "1e400", "1e-400", "1e999999999999", "0." + "0" * 40, "9" * 5000])
def test_too_many_digits(value: str) -> None:
    assert judged(value) == "too_many_digits"


@pytest.mark.parametrize(
    ("value", "unit", "name"),
    [
        ("-0.001", "km", "odometer"),
        ("2000000.001", "km", "odometer"),
        ("51", "bar", "heat"),
        ("9" * 19, "page", "count"),
    ],
)
def test_out_of_range(value: str, unit: str, name: str) -> None:
    assert judged(value, unit, register=name) == "out_of_range"


def test_the_bounds_themselves_are_in_range() -> None:
    assert ticks("2000000", "km") == (2_000_000_000, None)
    assert ticks("-1", "bar", "heat") == (-1000, None)
    assert ticks(str(2**63 - 1), "page", "count") == (2**63 - 1, None)


@pytest.mark.parametrize("unit", ["l", "h", "", "parsec", "KM", "km/h", "\x00"])
def test_a_unit_of_another_dimension_is_wrong(unit: str) -> None:
    assert judged("1", unit) == "wrong_unit"


def test_states_are_names_without_a_unit() -> None:
    assert judged("idle", "", register="state") == (7, 2, micros(NOW - timedelta(hours=1)), 2, "", None)
    assert judged("asleep", "", register="state") == "unknown_state"
    assert judged("1", "", register="state") == "unknown_state"
    assert judged("idle", "km", register="state") == "wrong_unit"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-07-01T11:00:00Z", "2026-07-01T11:00:00+00:00"),
        ("2026-07-01T13:00:00+02:00", "2026-07-01T11:00:00+00:00"),
        ("2026-07-01t11:00:00.5z", "2026-07-01T11:00:00.500000+00:00"),
        ("2026-07-01 11:00:00.1234569Z", "2026-07-01T11:00:00.123456+00:00"),
    ],
)
def test_times_are_instants(at: str, expected: str) -> None:
    row = judged("1", at=at)
    assert isinstance(row, tuple)
    assert row[2] == micros(datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("", "bad_time"),
        ("yesterday", "bad_time"),
        ("2026-07-01", "bad_time"),
        ("2026-07-01T11:00:00", "bad_time"),
        ("2026-02-30T11:00:00Z", "bad_time"),
        ("2026-07-01T25:00:00Z", "bad_time"),
        ("2026-06-30T23:59:60Z", "bad_time"),
        ("2026-07-01T11:00:00+99:00", "bad_time"),
        ("0001-01-01T00:00:00+14:00", "bad_time"),
        ("1782903600000", "bad_time"),
        ("infinity", "bad_time"),
        ("٢٠٢٦-07-01T11:00:00Z", "bad_time"),
        ("1970-01-01T00:00:00Z", "too_old"),
        ("0001-01-01T00:00:00Z", "too_old"),
        ("2100-01-01T00:00:00Z", "too_new"),
        ("9999-12-31T23:59:59Z", "too_new"),
    ],
)
def test_times_that_are_none_or_too_far_away(at: str, reason: str) -> None:
    assert judged("1", at=at) == reason


def test_the_window_of_time_is_closed() -> None:
    step = timedelta(microseconds=1)
    for at, kept in (
        (NOW - OLDEST, True),
        (NOW - OLDEST - step, False),
        (NOW + NEWEST, True),
        (NOW + NEWEST + step, False),
    ):
        assert isinstance(judged("1", at=at.isoformat()), tuple) is kept, at


def test_status_is_one_of_four_or_none() -> None:
    assert [isinstance(judged("1", status=one), tuple) for one in ("", "U", "I", "S", "R")] == [True] * 5
    assert judged("1", status="sync") == "bad_status"


def test_what_nobody_registered() -> None:
    assert judged("1", register="flux") == "unknown_register"
    rows, rejected = judge([(0, "odometer", "t", "1", "km", "")], "T9", REGISTRY, received_at=micros(NOW))
    assert (rows, [(one.reason, one.item) for one in rejected]) == ([], [(Reason.UNKNOWN_DEVICE, -1)])
    assert (
        judge([(0, "x", "t", "1", "km", "")], "empty", REGISTRY, received_at=0).rejected[0].detail.endswith("not 'x'")
    )


def test_every_reason_has_a_sentence_that_says_what_would_be_right() -> None:
    assert set(SENTENCE) == set(Reason)
    assert all("; " in sentence and sentence.endswith(".") for sentence in SENTENCE.values())


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=30), st.text(max_size=4))
def test_any_text_is_accepted_or_refused(value: str, unit: str, at: str, status: str) -> None:
    for name in REGISTERS:
        judged(value, unit, register=name, at=at, status=status)
        judged(value, unit, register=name)
        judged("1", unit, register=name)
