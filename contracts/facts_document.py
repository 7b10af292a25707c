"""A facts file: text to facts and examples, or every problem in it. Only what was known as of a time becomes Facts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.facts import (
    Attribution,
    Carried,
    Case,
    Counter,
    Facts,
    Gauge,
    History,
    IndexValue,
    InvoicedLine,
    Level,
    MeterTest,
    Notice,
    Pause,
    Piece,
    ReadyQuantity,
    StateSpan,
    Substitute,
    Ticket,
    Unmet,
)
from contracts.facts_model import (
    Example,
    Fact,
    FactLists,
    FactsFile,
    HistoryFact,
    QuantityFact,
    ReadingFact,
    TicketFact,
)
from contracts.reported import Reported, states, within
from contracts.text import Path, TextDocument
from contracts.words import Context, problems_of
from core.money import Money
from core.problem import Problem, Problems
from core.time import instant, wall_text
from core.units import Quantity, Tick, convertible, default_tick, to_ticks
from ingest.counter import CounterReading, Estimate, Exchange, Rule
from ingest.course import course

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from contracts.document import Measure, Version
    from contracts.facts import CounterNeed, GaugeNeed, Needs, StateNeed

T = TypeVar("T", bound=Fact)
_TIME_STATUS = "UIRS"
"""Unknown, informative, relative, synchronised: each is better than the one before."""
TICKET_TIMES = ("reported", "opened", "arrived", "on_site", "fixed", "closed")
_EXCHANGED = ("end_value", "start_value")
_FILE: TypeAdapter[FactsFile] = TypeAdapter(FactsFile)
_LISTS: TypeAdapter[FactLists] = TypeAdapter(FactLists)


@dataclass(frozen=True, slots=True)
class FactsDocument:
    """A sound facts file and the text it came from."""

    file: FactsFile
    source: TextDocument


def read_facts(source: TextDocument, versions: Sequence[Version]) -> FactsDocument | tuple[Problem, ...]:
    """A facts document of this contract, or every problem in it and in the facts of its examples."""
    context = Context(versions[0].zone, versions[0].currency)
    if source.problems:
        return tuple(source.problems)
    try:
        file = _FILE.validate_python(source.value, context=context)
    except ValidationError as error:
        return tuple(problems_of(error, source))
    problems: list[Problem] = []
    owners = _owners(file, versions)
    if file.contract != versions[0].contract:
        message = f"is {file.contract!r}, and the contract is {versions[0].contract!r}"
        problems.append(Problem(source.place(("contract",)), message, "name the same contract"))
    problems += [Problem(source.place(path), p.message, p.remedy) for path, p in _example_problems(file, versions)]
    for base, raw in (
        (("facts",), file.facts),
        *((("examples", n, "facts"), e.facts) for n, e in enumerate(file.examples)),
    ):
        problems += _list_problems(raw, source, versions, base=base, owners=owners)
    return tuple(problems) or FactsDocument(file, source)


def lists_for(document: FactsDocument, example: Example | None, context: Context) -> FactLists:
    """The file's lists, those of the example in place of lists of the same name. Raises Problems."""
    raw = {**document.file.facts, **(example.facts if example else {})}
    try:
        return _LISTS.validate_python(raw, context=context)
    except ValidationError as error:
        raise Problems(tuple(problems_of(error, TextDocument(raw, {})))) from None


def facts_for(lists: FactLists, needs: Needs, versions: Sequence[Version], *, as_of: int | None) -> Facts:
    """What was known as of a time and concerns what is needed, in the shape of the engine. Raises Problems."""
    zone = versions[0].zone
    found = within(reported(lists, as_of), needs, zone)
    kept = {name: getattr(found, name) for name in Reported.__dataclass_fields__ if name != "states"}
    return Facts(
        knowledge=_knowledge(as_of, zone),
        counters={
            (need.asset, need.register): _counter(lists, need, _measure(versions, need), as_of)
            for need in needs.counters
        },
        states={(need.asset, need.register): states(found, need, _shown(lists, need, as_of)) for need in needs.states},
        gauges={(need.asset, need.register): _gauge(lists, need, as_of) for need in needs.gauges},
        invoiced=tuple(_invoiced(row) for row in lists.invoiced),
        **kept,
    )


def reported(lists: FactLists, as_of: int | None) -> Reported:
    """What the lists report as of a time, beside readings and exchanges of devices."""
    return Reported(
        otherwise=lists.otherwise,
        quantities=tuple(_ready(q) for q in _known(lists.quantities, as_of)),
        states=tuple(
            (s.asset, StateSpan(s.start, s.end, s.state, s.subsystem or "", s.cause or "", s.performance))
            for s in _known(lists.states, as_of)
        ),
        attributions=tuple(
            Attribution(a.asset, a.start, a.end, a.category, a.party, a.status, a.cause or "")
            for a in _known(lists.attributions, as_of)
        ),
        notices=tuple(
            Notice(n.kind, n.given, n.asset or "", n.clause or "", n.start, n.end) for n in _known(lists.notices, as_of)
        ),
        unmet=_unmet(lists, as_of),
        tickets=tuple(Ticket(t.ticket, t.asset, _times(t)) for t in _known(lists.tickets, as_of)),
        pauses=tuple(Pause(p.ticket, p.start, p.end, p.reason) for p in _known(lists.pauses, as_of)),
        substitutes=tuple(Substitute(s.asset, s.start, s.end) for s in _known(lists.substitutes, as_of)),
        index_values=tuple(
            IndexValue(i.index, i.month, Fraction(i.value), i.published)
            for i in _known(lists.index_values, as_of)
            if as_of is None or i.published <= as_of
        ),
        meter_tests=tuple(
            MeterTest(m.asset, m.path, m.last_tested, m.tested, m.error) for m in _known(lists.meter_tests, as_of)
        ),
        carried=tuple(
            Carried(c.clause, c.label, c.value, c.asset or c.group or "") for c in _known(lists.carried, as_of)
        ),
        history=tuple(_history(h) for h in _known(lists.history, as_of)),
    )


def _history(h: HistoryFact) -> History:
    counted, down = (None if time is None else time.elapsed for time in (h.counted, h.down))
    return History(h.clause, h.asset or h.group or "", h.period, h.value, counted, down)


def _unmet(lists: FactLists, as_of: int | None) -> tuple[Unmet, ...] | None:
    """Ready duties, if the file speaks of them at all: an empty list says that all were kept."""
    if "unmet" not in lists.model_fields_set:
        return None
    return tuple(Unmet(u.clause, u.asset, u.start, u.end) for u in _known(lists.unmet, as_of))


def _times(ticket: TicketFact) -> dict[str, int]:
    times = {name: getattr(ticket, name) for name in TICKET_TIMES}
    return {name: at for name, at in times.items() if at is not None}


def _gauge(lists: FactLists, need: GaugeNeed, as_of: int | None) -> Gauge:
    """Readings over the stretch and the last one before it; of several at one instant the first stands."""
    mine = [r for r in _known(lists.readings, as_of) if (r.asset, r.path) == (need.asset, need.register)]
    found: dict[int, Fraction] = {}
    for reading in _first_stands(mine):
        if reading.at <= need.end and isinstance(reading.value, Quantity):
            found[reading.at] = reading.value.to(need.unit)
    first = max((at for at in found if at <= need.start), default=need.start)
    return Gauge(need.unit, tuple(Level(at, value) for at, value in found.items() if at >= first))


def _first_stands(readings: Iterable[ReadingFact]) -> list[ReadingFact]:
    """By time. Of several at one instant the first that was recorded stands, then the first in sequence: as stored."""
    first: dict[int, ReadingFact] = {}
    for reading in sorted(readings, key=lambda r: (r.at, r.recorded_at or 0, r.sequence)):
        first.setdefault(reading.at, reading)
    return list(first.values())


def _known(facts: Iterable[T], as_of: int | None) -> Iterator[T]:
    return (fact for fact in facts if as_of is None or fact.recorded_at is None or fact.recorded_at <= as_of)


def _knowledge(as_of: int | None, zone: ZoneInfo) -> str:
    return "all" if as_of is None else wall_text(instant(as_of), zone)


def _ready(q: QuantityFact) -> ReadyQuantity:
    return ReadyQuantity(
        q.asset or q.group or "",
        q.measure,
        q.start,
        q.end,
        Fraction(q.quantity.magnitude),
        q.quantity.unit,
        q.weight_class,
        q.dimensions,
        q.coverage,
        q.estimated,
    )


def _invoiced(row: str) -> InvoicedLine:
    cells = row.split(" | ")
    if len(cells) != 4:  # noqa: PLR2004 - clause, asset, text, amount
        raise Problems((Problem("invoiced", f"{row!r} has not four columns", "clause | asset | text | amount"),))
    return InvoicedLine(cells[0], cells[1], cells[2], Money.parse(cells[3]))


def _shown(lists: FactLists, need: StateNeed, as_of: int | None) -> list[StateSpan]:
    """What readings say of the state: each until the next, at most for max_gap, in the stretch that is needed.

    Spans of one category that touch are one.
    """
    readings = _first_stands(
        r for r in _known(lists.readings, as_of) if (r.asset, r.path) == (need.asset, need.register)
    )
    spans: list[StateSpan] = []
    for n, reading in enumerate(readings):
        following = readings[n + 1].at if n + 1 < len(readings) else need.end
        start, end = max(reading.at, need.start), min(following, reading.at + need.max_gap, need.end)
        if start >= end or not isinstance(reading.value, str):
            continue
        if spans and (spans[-1].end, spans[-1].category) == (start, reading.value):
            spans[-1] = replace(spans[-1], end=end)
        else:
            spans.append(StateSpan(start, end, reading.value))  # type: ignore[arg-type]
    return spans


def _measure(versions: Sequence[Version], need: CounterNeed) -> Measure:
    found = [m for v in versions for m in v.measures if m.register_path == need.register and m.kind == "counter_delta"]
    return found[0]


def _counter(lists: FactLists, need: CounterNeed, measure: Measure, as_of: int | None) -> Counter:
    mine = (need.asset, need.register)
    readings = [r for r in _known(lists.readings, as_of) if (r.asset, r.path) == mine and _counts(r, measure)]
    exchanges = [e for e in _known(lists.exchanges, as_of) if (e.asset, e.path) == mine]
    guesses = [g for g in _known(lists.estimates, as_of) if (g.asset, g.path) == mine and need.estimates]
    values = [r.value for r in readings if isinstance(r.value, Quantity)]
    written = (*values, *(v for e in exchanges for v in (e.end_value, e.start_value)), *(g.quantity for g in guesses))
    tick = _tick(need.unit, written)

    def ticks(value: Quantity) -> int:
        return to_ticks(value.magnitude, value.unit, register_unit=tick.unit, resolution=tick.resolution).ticks

    whole = course(
        [
            CounterReading(r.at, r.device, (r.recorded_at or 0, r.sequence), ticks(r.value))
            for r in readings
            if isinstance(r.value, Quantity)
        ],
        [Exchange(e.at, e.old_device, ticks(e.end_value), e.new_device, ticks(e.start_value)) for e in exchanges],
        _rule(need, tick, ticks),
        estimates=[Estimate(g.start, g.end, ticks(g.quantity)) for g in guesses],
    )
    pieces = tuple(
        Piece(p.start, p.end, p.device, p.opening, p.closing, p.removed, p.opening_quality, p.closing_quality)
        for p in whole.parts(need.instants)
    )
    start, end = need.instants[0], need.instants[-1]
    cases = tuple(
        Case(*mine, d.start, d.end, d.reason) for d in whole.doubts if d.start < end and max(d.end, d.start + 1) > start
    )
    return Counter(tick.unit, tick.resolution, pieces, cases)


def _rule(need: CounterNeed, tick: Tick, ticks: Any) -> Rule:
    rate = need.max_rate.to(f"{tick.unit}/s") / Fraction(tick.resolution) / 1_000_000 if need.max_rate else None
    return Rule(
        need.on_reset,  # type: ignore[arg-type]
        need.boundary,  # type: ignore[arg-type]
        ticks(need.modulus) if need.modulus else None,
        rate,
        need.max_gap,
    )


def _tick(unit: str, values: Sequence[Quantity]) -> Tick:
    """The unit's own tick, or a finer one if some value as written would not be whole."""
    tick = default_tick(unit)
    for places in range(10):
        if all((v.to(tick.unit) / Fraction(tick.resolution)).denominator == 1 for v in values):
            return tick
        tick = Tick(Quantity.parse(f"{'0.' + '0' * places + '1' if places else '1'} {unit}").magnitude, unit)
    return default_tick(unit)


def _counts(reading: ReadingFact, measure: Measure) -> bool:
    """Whether a reading is good enough for the measure."""
    if measure.require_signature and reading.signature in (None, "none", "invalid", "false", "missing"):
        return False
    if measure.min_time_status is None:
        return True
    status = (reading.time_status or "U")[0].upper()
    return _TIME_STATUS.find(status) >= _TIME_STATUS.find(measure.min_time_status[0].upper())


def _example_problems(file: FactsFile, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    clauses = {term.clause for version in versions for term in version.terms}
    targets = clauses | {m.measure for v in versions for m in v.measures} | {"billing", "coverage"}
    numbers = {version.version for version in versions}
    for n, example in enumerate(file.examples):
        for unknown in sorted(set(example.clauses) - clauses):
            yield ("examples", n, "clauses"), Problem("", f"clause {unknown!r} does not exist", "name a clause")
        for unknown in sorted(set(example.changes) - targets):
            remedy = "name a clause, a measure, billing or coverage"
            yield ("examples", n, "with", unknown), Problem("", "is nothing that an example can change", remedy)
        if unknown_versions := sorted(set(example.versions or ()) - numbers):
            yield ("examples", n, "versions"), Problem("", f"there is no version {unknown_versions}", "name one")


_OWNED = (
    "quantities", "readings", "exchanges", "estimates", "states", "attributions", "notices", "unmet", "tickets",
    "substitutes", "meter_tests", "carried", "history",
)  # fmt: skip


_CLAUSED = ("notices", "unmet", "carried", "history")
_READ = ("readings", "exchanges", "estimates", "meter_tests")


def _name_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    """Clauses and registers that no version knows: such a fact would be left out without a word."""
    clauses = {term.clause for version in versions for term in version.terms}
    registers = {m.register_path for v in versions for m in v.measures if m.register_path}
    named = [(name, "clause", "clause", clauses) for name in _CLAUSED]
    named += [(name, "register", "path", registers) for name in _READ]
    for name, field, attribute, known in named:
        for n, item in enumerate(getattr(lists, name)):
            written = getattr(item, attribute)
            if written is not None and written not in known:
                yield (name, n, field), Problem("", f"{written!r} is no {field} of this contract", _one_of(known))


def _one_of(known: set[str]) -> str:
    return f"one of {', '.join(sorted(known)[:20])}" if known else "it has none"


def _owner_problems(lists: FactLists, owners: set[str]) -> Iterator[tuple[Path, Problem]]:
    for name in _OWNED:
        for n, item in enumerate(getattr(lists, name)):
            for field in ("asset", "group"):
                owner = getattr(item, field, None)
                if owner is not None and owner not in owners:
                    yield (name, n, field), Problem("", f"{owner!r} is not covered by this contract", _one_of(owners))


def _owners(file: FactsFile, versions: Sequence[Version]) -> set[str]:
    """Assets and groups of the contract, and those that an example covers instead."""
    found = {owner for version in versions for owner in version.owners}
    for example in file.examples:
        coverage = example.changes.get("coverage")
        for item in coverage if isinstance(coverage, list) else ():
            names = [item.get(field) for field in ("asset", "group")] if isinstance(item, dict) else []
            found |= {name for name in names if isinstance(name, str)}
    return found


def _list_problems(
    raw: dict[str, Any], source: TextDocument, versions: Sequence[Version], *, base: Path, owners: set[str]
) -> Iterator[Problem]:
    try:
        lists = _LISTS.validate_python(raw, context=Context(versions[0].zone, versions[0].currency))
    except ValidationError as error:
        yield from problems_of(error, source, base=base)
        return
    found = (
        *_quantity_problems(lists, versions),
        *_reading_problems(lists, versions),
        *_name_problems(lists, versions),
        *_span_problems(lists),
        *_owner_problems(lists, owners),
    )
    for path, problem in found:
        yield Problem(source.place((*base, *path)), problem.message, problem.remedy)


def _quantity_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    units = {m.measure: m.unit for v in versions for m in v.measures}
    for n, q in enumerate(lists.quantities):
        if (q.asset is None) == (q.group is None):
            yield ("quantities", n), Problem("", "needs one of asset and group", "say whose quantity it is")
        if q.measure not in units:
            yield ("quantities", n), Problem("", f"{q.measure!r} is no measure", f"one of {', '.join(sorted(units))}")
        elif q.quantity.unit != units[q.measure]:
            message = f"{q.quantity} is not in {units[q.measure]}"
            yield ("quantities", n), Problem("", message, f"{q.measure} is measured in it")
        for name, level in q.dimensions.items():
            unit = units.get(name)
            if unit is None or not convertible(level.unit, unit):
                message = f"{level} does not convert to {unit}" if unit else f"{name!r} is no measure with a unit"
                remedy = f"{name} is measured in {unit}" if unit else f"one of {', '.join(sorted(units))}"
                yield ("quantities", n, "dimensions", name), Problem("", message, remedy)


def _reading_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    """Readings and exchanges whose values are in no unit of their register."""
    units = {m.register_path: m.unit for v in versions for m in v.measures}
    values: list[tuple[Path, str, Quantity | str]] = [
        (("readings", n, "value"), reading.path, reading.value) for n, reading in enumerate(lists.readings)
    ]
    for n, exchange in enumerate(lists.exchanges):
        values += [(("exchanges", n, name), exchange.path, getattr(exchange, name)) for name in _EXCHANGED]
    values += [(("estimates", n, "quantity"), one.path, one.quantity) for n, one in enumerate(lists.estimates)]
    for place, path, value in values:
        unit = units.get(path)
        if unit and (not isinstance(value, Quantity) or not convertible(value.unit, unit)):
            yield place, Problem("", f"{value} does not convert to {unit}", f"{path} is measured in {unit}")


def _span_problems(lists: FactLists) -> Iterator[tuple[Path, Problem]]:
    for name in ("quantities", "estimates", "states", "attributions", "notices", "unmet", "pauses", "substitutes"):
        for n, item in enumerate(getattr(lists, name)):
            if item.start is not None and item.end is not None and item.end <= item.start:
                yield (name, n), Problem("", "is an empty or inverted span", "to is after from")
