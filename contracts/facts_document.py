"""A facts file: text to facts and examples, or every problem in it. Only what was known as of a time becomes Facts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts import facts_problem, facts_reading
from contracts.facts import (
    Attribution,
    Carried,
    Facts,
    History,
    IndexValue,
    InvoicedLine,
    MeterTest,
    Notice,
    Pause,
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
    TicketFact,
    known,
)
from contracts.reported import Reported, states, within
from contracts.text import Path, TextDocument
from contracts.words import Context, problems_of
from core.money import Money
from core.problem import Problem, Problems
from core.time import instant, wall_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from contracts.document import Measure, Version
    from contracts.facts import CounterNeed, Needs

T = TypeVar("T", bound=Fact)
TICKET_TIMES = ("reported", "opened", "arrived", "on_site", "fixed", "closed")
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
    owners = facts_problem.owners_of(file, versions)
    if file.contract != versions[0].contract:
        message = f"is {file.contract!r}, and the contract is {versions[0].contract!r}"
        problems.append(Problem(source.place(("contract",)), message, "name the same contract"))
    problems += [
        Problem(source.place(path), p.message, p.remedy) for path, p in facts_problem.check_examples(file, versions)
    ]
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
            (need.asset, need.register): facts_reading.counter(lists, need, _measure(versions, need), as_of)
            for need in needs.counters
        },
        states={
            (need.asset, need.register): states(found, need, facts_reading.state(lists, need, as_of))
            for need in needs.states
        },
        gauges={(need.asset, need.register): facts_reading.gauge(lists, need, as_of) for need in needs.gauges},
        invoiced=tuple(_invoiced(row) for row in lists.invoiced),
        **kept,
    )


def reported(lists: FactLists, as_of: int | None) -> Reported:
    """What the lists report as of a time, beside readings and exchanges of devices."""
    return Reported(
        otherwise=lists.otherwise,
        quantities=tuple(_ready(q) for q in known(lists.quantities, as_of)),
        states=tuple(
            (s.asset, StateSpan(s.start, s.end, s.state, s.subsystem or "", s.cause or "", s.performance))
            for s in known(lists.states, as_of)
        ),
        attributions=tuple(
            Attribution(a.asset, a.start, a.end, a.category, a.party, a.status, a.cause or "")
            for a in known(lists.attributions, as_of)
        ),
        notices=tuple(
            Notice(n.kind, n.given, n.asset or "", n.clause or "", n.start, n.end) for n in known(lists.notices, as_of)
        ),
        unmet=_unmet(lists, as_of),
        tickets=tuple(Ticket(t.ticket, t.asset, _times(t)) for t in known(lists.tickets, as_of)),
        pauses=tuple(Pause(p.ticket, p.start, p.end, p.reason) for p in known(lists.pauses, as_of)),
        substitutes=tuple(Substitute(s.asset, s.start, s.end) for s in known(lists.substitutes, as_of)),
        index_values=tuple(
            IndexValue(i.index, i.month, Fraction(i.value), i.published)
            for i in known(lists.index_values, as_of)
            if as_of is None or i.published <= as_of
        ),
        meter_tests=tuple(
            MeterTest(m.asset, m.path, m.last_tested, m.tested, m.error) for m in known(lists.meter_tests, as_of)
        ),
        carried=tuple(
            Carried(c.clause, c.label, c.value, c.asset or c.group or "") for c in known(lists.carried, as_of)
        ),
        history=tuple(_history(h) for h in known(lists.history, as_of)),
    )


def _history(h: HistoryFact) -> History:
    counted, down = (None if time is None else time.elapsed for time in (h.counted, h.down))
    return History(h.clause, h.asset or h.group or "", h.period, h.value, counted, down)


def _unmet(lists: FactLists, as_of: int | None) -> tuple[Unmet, ...] | None:
    """Ready duties, if the file speaks of them at all: an empty list says that all were kept."""
    if "unmet" not in lists.model_fields_set:
        return None
    return tuple(Unmet(u.clause, u.asset, u.start, u.end) for u in known(lists.unmet, as_of))


def _times(ticket: TicketFact) -> dict[str, int]:
    times = {name: getattr(ticket, name) for name in TICKET_TIMES}
    return {name: at for name, at in times.items() if at is not None}


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


def _measure(versions: Sequence[Version], need: CounterNeed) -> Measure:
    found = [m for v in versions for m in v.measures if m.register_path == need.register and m.kind == "counter_delta"]
    return found[0]


def _list_problems(
    raw: dict[str, Any], source: TextDocument, versions: Sequence[Version], *, base: Path, owners: set[str]
) -> Iterator[Problem]:
    try:
        lists = _LISTS.validate_python(raw, context=Context(versions[0].zone, versions[0].currency))
    except ValidationError as error:
        yield from problems_of(error, source, base=base)
        return
    for path, problem in facts_problem.check(lists, versions, owners):
        yield Problem(source.place((*base, *path)), problem.message, problem.remedy)
