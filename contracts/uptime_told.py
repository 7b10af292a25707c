"""What is told of a promise of availability: its verdict, steps, sentences and credit line, from numbers made once."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from contracts import applied
from contracts.evaluation import Figure, Step, Verdict
from contracts.explain import amount, hours, money_number, number, percent
from contracts.notation import day_of, figures, month
from contracts.phrase import category, one_by_one, say
from contracts.pricing import total
from contracts.scene import Draft
from contracts.segment import Segment
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.uptime import Result
    from core.money import Money

ZERO = Fraction(0)
NO_TIME, WHOLE = Figure(ZERO, "h"), Figure(Fraction(100), "%")


class Told(NamedTuple):
    """The numbers of a settled window as text: steps, sentences and line say the same ones.

    excluded, down: by category. availability, share: empty without one; of_base: the share of the base.
    """

    required: str
    counted: str
    lost: str
    excluded: Mapping[str, str]
    down: Mapping[str, str]
    availability: str
    target: str
    share: str
    of_base: str


def tell(result: Result) -> Told:
    """The numbers of a window whose credit is found."""
    tally, due, version = result.tally, result.due, result.window.version
    required, share = hours(tally.required), "" if due.share is None else percent(due.share)
    return Told(
        required,
        required if tally.counted == tally.required else hours(tally.counted),
        hours(tally.lost),
        {name: hours(time) for name, time in tally.excluded.items()} if tally.excluded else {},
        {name: hours(time) for name, time in tally.down.items()},
        "" if tally.availability is None else percent(tally.availability),
        percent(result.window.term.target),
        share,
        say(version.language, "of", share, money_number(result.base, version.currency)) if share else "",
    )


def verdict(scene: Scene, result: Result, credit: Money) -> Verdict:
    """The verdict. credit: what caps left."""
    window, values = result.window, _values(scene, result, credit)
    return Verdict(
        window.term.clause,
        "availability",
        result.owner,
        result.state,
        result.status,
        result.certain,
        window.start,
        window.end,
        values,
        _bounds(scene, result, values),
        result.steps,
        " ".join(_sentences(result, credit, scene.zone)),
        applied.given(scene, window, credit),
    )


def _values(scene: Scene, result: Result, credit: Money) -> dict[str, Figure]:
    tally, due = result.tally, result.due
    required = Figure.hours(tally.required)
    complete = tally.counted == tally.required
    values = {
        "required": required,
        "excluded": NO_TIME if complete else Figure.hours(tally.required - tally.counted),
        "counted": required if complete else Figure.hours(tally.counted),
        "down": Figure.hours(tally.lost),
        "coverage": Figure.share(tally.coverage) if tally.unknown else WHOLE,
    }
    if tally.availability is not None:
        values["availability"] = Figure.share(tally.availability)
    if due.share is not None:
        values["credit_share"] = Figure.share(due.share)
    if result.window.term.caps and result.money is not None:
        values["credit_before_caps"] = Figure.money(result.money)
    return values | applied.values(scene, result, credit)


def _bounds(scene: Scene, result: Result, values: dict[str, Figure]) -> dict[str, tuple[Figure, Figure]]:
    if result.bounds is None:
        return {}
    if result.low is result.high and result.money is not None:
        share, money = values["availability"], Figure.money(-result.money)
        return {"availability": (share, share), "amount": (money, money)}
    low, high = (Figure.share(tally.availability or ZERO) for tally in result.bounds)
    least, most = sorted([-scene.rounded(one.exact, result.window.version) for one in result.credits])
    return {"availability": (low, high), "amount": (Figure.money(least), Figure.money(most))}


def steps(result: Result) -> tuple[Step, ...]:
    """How the counted time, the availability and the credit come about."""
    told, due = result.told, result.due
    counted = {"required": told.required} | {category("en", name): time for name, time in told.excluded.items()}
    down = {category("en", name): time for name, time in told.down.items()}
    found = [
        Step("counted time", "required - excluded", counted, told.counted),
        Step("down time", "sum of outages and equivalent down time", down, told.lost),
    ]
    if told.availability:
        values = {"counted": told.counted, "down": told.lost}
        found.append(Step("availability", "(counted - down) ÷ counted", values, told.availability))
    if told.share and result.base:
        values = {"share": told.share, "base": number(result.base), "target": told.target}
        found.append(Step("credit", "share × base", values, number(due.exact)))
    return tuple(found)


def line(scene: Scene, owner: str, parts: list[tuple[Result, Money]]) -> Line:
    """The credits of an owner's windows, as one line."""
    first, last = parts[0][0].window, parts[-1][0].window
    given = sum((money for _, money in parts[1:]), parts[0][1])
    segment = Segment(first.term, first.version, first.start, last.end)
    exact = -total([result.due.exact for result, _ in parts])
    text = one_by_one(first.version.language, [_credit(result, money) for result, money in parts])
    told = tuple([one for result, _ in parts for one in result.steps])
    draft = Draft(first.start, last.end, text + applied.words(first), exact, steps=told)
    return scene.line(segment, owner, draft, -given)


def _credit(result: Result, money: Money) -> str:
    """`97.0279 % of 98 %: 5 % of 1850.00`, and what caps left of it."""
    told, language = result.told, result.window.version.language
    found = told.of_base or figures(f"{money.amount:f}", language)
    if result.money is not None and money != result.money:
        found = say(language, "cap", found, f"{result.money.amount:f}")
    if result.open:
        return say(language, "at least", found)
    return say(language, "reached", told.availability or percent(ZERO), told.target, found)


def _sentences(result: Result, money: Money, where: ZoneInfo) -> Iterator[str]:
    """The verdict in a customer's words."""
    told, tally, window, language = result.told, result.tally, result.window, result.window.version.language
    when = _month(window.start, window.end - 1, where, language) or window.label
    yield say(language, "required", result.owner, when, told.required)
    if told.excluded:
        parts = [
            f"{category(language, name)} {figures(time, language)}{_cause(result, name, where, language)}"
            for name, time in told.excluded.items()
        ]
        yield say(language, "not counted", ", ".join(parts))
    yield say(language, "counted", told.counted)
    if told.down:
        parts = [_down(result, name, language) for name in told.down]
        whole = f" = {figures(told.lost, language)}" if len(parts) > 1 else ""
        yield say(language, "down", ", ".join(parts) + whole)
    if told.availability:
        yield say(language, "availability", told.availability, told.target)
    if money:
        share = f"{told.of_base} = " if told.of_base else ""
        yield say(language, "gives", window.term.clause, share + amount(money, language))
    if tally.unknown and result.bounds:
        yield say(language, "if all down", money_number(result.credits[0].exact, money.currency))


@lru_cache(maxsize=1024)
def _month(start: int, last: int, where: ZoneInfo, language: str) -> str:
    """`June 2026`, if both instants lie in it."""
    first, other = (instant(at).astimezone(where) for at in (start, last))
    same = (first.year, first.month) == (other.year, other.month)
    return f"{month(language, first)} {first.year}" if same else ""


def _cause(result: Result, name: str, where: ZoneInfo, language: str) -> str:
    causes = result.tally.causes.get(name, ())
    said = (f"{cause}, {day_of(language, instant(at).astimezone(where))}" for cause, at in causes)
    return f" ({one_by_one(language, said)})" if causes else ""


def _down(result: Result, name: str, language: str) -> str:
    """`fault 9.25 h`. What only history states down is down as a whole."""
    tally, word, time = result.tally, category(language, name), result.told.down[name]
    touched = tally.touched.get(name)
    if touched is None or tally.down[name] == touched:
        return f"{word} {figures(time, language)}"
    return say(language, "counted as", word, hours(touched), time)
