"""Laws of the values that everything rests on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from contracts.span import Spans, intersect, length, normal, subtract
from core import canonical
from core.money import Money, allocate, round_fraction
from core.time import Duration, Period, PeriodKind, Span, instant, micros, read_time, wall_text, zone
from core.units import factor, from_ticks, to_ticks

ZONES = (
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)
KINDS: tuple[PeriodKind, ...] = ("month", "quarter", "year")
cents = st.integers(-(10**9), 10**9)
instants = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=8).map(normal)


@given(cents, st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 1000), min_size=1, max_size=9))
def test_shares_of_an_allocation_sum_to_the_whole(total: int, weights: dict[str, int]) -> None:
    money = Money(Decimal(total).scaleb(-2), "EUR")
    shares = allocate(money, weights, 2)
    assert sum((share.amount for share in shares.values()), Decimal(0)) == money.amount
    whole = sum(weights.values())
    for key, share in shares.items():
        exact = Fraction(total * weights[key], whole) if whole else Fraction(total, len(weights))
        assert abs(Fraction(share.amount) * 100 - exact) < 1


@given(st.fractions(max_denominator=10**6), st.integers(0, 6))
def test_rounding_moves_by_half_a_step_at_most_and_mirrors(exact: Fraction, decimals: int) -> None:
    rounded = Fraction(round_fraction(exact, decimals, "half_up"))
    assert abs(rounded - exact) * 2 * 10**decimals <= 1
    assert Fraction(round_fraction(-exact, decimals, "half_up")) == -rounded


@given(instants)
def test_microseconds_and_instants_are_one(at: datetime) -> None:
    assert instant(micros(at)) == at


@given(instants, st.sampled_from(ZONES))
def test_a_written_time_reads_back(at: datetime, name: str) -> None:
    whole = at.replace(microsecond=0)
    assert read_time(wall_text(whole, zone(name)), zone(name)) == whole


@given(instants, st.sampled_from(ZONES), st.sampled_from(KINDS), st.integers(1, 31))
def test_periods_tile_time(at: datetime, name: str, kind: PeriodKind, anchor_day: int) -> None:
    period = Period.containing(at, kind, zone(name), anchor_day=anchor_day)
    assert at in period.span
    assert period.next().span.start == period.span.end
    assert period.next().previous() == period
    assert Period.parse(period.label, zone(name), anchor_day=anchor_day) == period


@given(instants, st.integers(1, 10**6), st.lists(st.integers(-(10**6), 2 * 10**6), max_size=5))
def test_splitting_partitions_a_span(at: datetime, seconds: int, cuts: list[int]) -> None:
    span = Span(at, at + timedelta(seconds=seconds))
    parts = span.split(at + timedelta(seconds=cut) for cut in cuts)
    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    assert sum(part.length for part in parts) == span.length


@given(spans, spans)
def test_spans_are_split_by_intersection_and_difference(left: Spans, right: Spans) -> None:
    both, rest = intersect(left, right), subtract(left, right)
    assert normal([*both, *rest]) == left
    assert length(both) + length(rest) == length(left)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["km", "mi", "m"]))
def test_ticks_read_back(ticks: int, unit: str) -> None:
    quantity = from_ticks(ticks, resolution=Decimal("0.001"), register_unit="km")
    back = to_ticks(quantity.magnitude, "km", register_unit="km", resolution=Decimal("0.001"))
    assert (back.ticks, back.exact) == (ticks, True)
    assert factor("km", unit) * factor(unit, "km") == 1


@given(st.integers(0, 120), st.integers(0, 800), st.integers(0, 10**12))
def test_durations_read_back(months: int, days: int, seconds: int) -> None:
    for duration in (Duration(months, days), Duration(microseconds=min(seconds, 10**9) * 1_000_000)):
        assert Duration.parse(str(duration)) == duration


@given(
    st.dictionaries(st.text(max_size=3), st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False))
)
def test_canonical_text_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical.text(value) == canonical.text(dict(reversed(list(value.items()))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON))
def test_json_types_are_written_the_same_the_short_way(value: dict[str, object]) -> None:
    assert canonical.written_of_json(value) == canonical.written(canonical.plain(value))
