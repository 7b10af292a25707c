"""What a line and a verdict say to a reader, in the contract's language; made of its numbers, never computed again."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from contracts.evaluation import Figure, Step
from contracts.notation import SIGNS, figures, month
from contracts.phrase import say
from core.canonical import fraction_text
from core.money import round_fraction, round_ratio
from core.time import HOUR, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from contracts.chunk import Chunk
    from contracts.pricing import Charge
    from contracts.terms.performance import Result as Attained
    from core.money import Money

ZERO, ONE = Fraction(0), Fraction(1)


def number(exact: Fraction, decimals: int = 4) -> str:
    """Exactly if the digits end, else with so many decimals."""
    whole = fraction_text(exact)
    return whole if "/" not in whole else f"{round_fraction(exact, decimals, 'half_up'):f}"


class Tier(NamedTuple):
    """Charges of one tier (or stair, or package) of a chunk, at one price and factor, as they are told.

    piece: in the line's text, empty if nothing was used.
    """

    piece: str
    step: Step


def tiers(chunk: Chunk) -> list[Tier]:
    """A chunk's charges, those of one tier, price and factor put together, in order."""
    charges = chunk.charges if len(chunk.rows) <= 1 else _together(chunk.charges)
    return [_tier(chunk, charge, factor) for charge, factor in charges]


def _together(charges: Sequence[tuple[Charge, Fraction]]) -> list[tuple[Charge, Fraction]]:
    found: dict[tuple[int, bool, tuple[int, int], tuple[int, int]], tuple[Charge, Fraction]] = {}
    for charge, factor in charges:
        key = charge.band, charge.fee, charge.price.as_integer_ratio(), factor.as_integer_ratio()
        if key in found:
            so_far, _ = found[key]
            charge = charge._replace(units=so_far.units + charge.units, amount=so_far.amount + charge.amount)  # noqa: PLW2901
        found[key] = charge, factor
    return list(found.values())


def _tier(chunk: Chunk, charge: Charge, factor: Fraction) -> Tier:
    """What is told of a tier that is passed as a whole stays the same, and is kept."""
    stretch = chunk.stretch
    if chunk.moves or factor is not ONE or not stretch.bands or stretch.bands[charge.band].whole is not charge:
        return _told(chunk, charge, factor)
    known = stretch.told.get(charge.band)
    if known is None:
        known = stretch.told[charge.band] = _told(chunk, charge, factor)
    return known


def _told(chunk: Chunk, charge: Charge, factor: Fraction) -> Tier:
    price, units = price_text(charge, chunk), number(charge.units)
    values, formula, amount, times = {"units": units, "price": price}, "units × price", charge.amount, ""
    if charge.fee:
        values, formula = {"fee": price}, "fee"
    if factor is not ONE and factor != 1:
        times = number(factor)
        values["factor"], formula, amount = times, formula + " × factor", amount * factor
    label = chunk.stretch.labels[charge.band] if chunk.term.tiers else chunk.term.model
    result = f"{number(amount, 10)} {chunk.segment.version.currency}"
    return Tier(_piece(chunk, charge, units, price, times), Step(label, formula, values, result))


def _piece(chunk: Chunk, charge: Charge, units: str, price: str, times: str) -> str:
    language = chunk.segment.version.language
    factor = say(language, "times", times) if times else ""
    if charge.fee:
        return say(language, "fee", price, factor)
    if not charge.units:
        return ""
    word = "packages" if chunk.term.model == "package" else chunk.unit
    return say(language, "at", units, word, price, factor)


def use(chunks: Sequence[Chunk], counted: Fraction) -> str:
    """`8000 km at 0.0420, 2400 km at 0.0380`. counted: all of it."""
    language, unit = chunks[0].segment.version.language, chunks[0].unit
    pieces = [tier.piece for chunk in chunks for tier in chunk.tiers if tier.piece]
    free = chunks[0].included
    head = say(language, "included", number(counted), unit, number(free), unit) if free is not ZERO and free else ""
    if pieces:
        return head + ", ".join(pieces)
    return head + (say(language, "nothing to price") if counted else say(language, "no units", unit))


def shared(part: Fraction, whole: Fraction, *, chunk: Chunk, amount: Money) -> str:
    """`667 of 1000 kWh, its share of 305.00`."""
    language = chunk.segment.version.language
    return say(language, "shared", number(part), number(whole), chunk.unit, f"{amount.amount:f}")


def steps(chunk: Chunk) -> tuple[Step, ...]:
    """Where a chunk's units lie, and what each tier costs."""
    unit = chunk.unit
    until = f"{number(chunk.to)} {unit}"
    used = until if chunk.counted is chunk.to else f"{number(chunk.counted)} {unit}"
    position = {"from": f"{number(chunk.at)} {unit}", "to": until}
    first = Step("quantity", "position at the end - position at the start", position, used)
    return (first, *[tier.step for tier in chunk.tiers])


class FlaggedText(NamedTuple):
    """What a line says, and its steps."""

    text: str
    steps: tuple[Step, ...]


def flagged(text: str, steps: tuple[Step, ...], guessed: Fraction, *, unit: str, language: str) -> FlaggedText:
    """A line's words and steps, with how much of its units is estimated, if any is."""
    if not guessed:
        return FlaggedText(text, steps)
    units = f"{number(guessed)} {unit}"
    step = Step("estimated", "use after the last reading", {"estimated": units}, units)
    return FlaggedText(text + say(language, "estimated", number(guessed), unit), (*steps, step))


def price_text(charge: Charge, chunk: Chunk) -> str:
    """The price with the digits of the contract, or those that its index clause rounds it to."""
    term = chunk.term
    if chunk.moves and not charge.fee:
        return _moved_price(charge, chunk)
    if term.tiers:
        tier = term.tiers[charge.band]
        written = tier.fee if charge.fee else tier.price
    else:
        written = term.price or term.package_price
    return f"{written.amount:f}" if written is not None else number(charge.price)


def _moved_price(charge: Charge, chunk: Chunk) -> str:
    decimals = chunk.moves[-1].term.price_decimals
    written = (chunk.term.price, *(tier.price for tier in chunk.term.tiers or ()))
    same = [price for price in written if price is not None and Fraction(price.amount) == charge.price]
    return f"{same[0].amount:f}" if same else f"{round_fraction(charge.price, decimals, 'half_up'):f}"


def money_number(exact: Fraction, currency: str) -> str:
    """`1850.00`: an amount without its currency."""
    return Figure(exact, currency).text().partition(" ")[0]


def sum_of_money(exact: Fraction, currency: str, language: str) -> str:
    """An amount inside a phrase: in English only the digits it needs, elsewhere with the decimals of its currency."""
    return figures(money_number(exact, currency), language) if language in SIGNS else number(exact)


def hours(microseconds: Fraction | int) -> str:
    """`9.25 h`, with two decimals."""
    return _hours(*microseconds.as_integer_ratio())


@lru_cache(maxsize=4096)
def _hours(time: int, parts: int) -> str:
    return f"{round_ratio(time, parts * HOUR, 2, 'half_up'):f} h"


def percent(share: Fraction, decimals: int = 4) -> str:
    """`97.0279 %`; fewer digits where they end."""
    return _percent(*share.as_integer_ratio(), decimals)


@lru_cache(maxsize=4096)
def _percent(part: int, whole: int, decimals: int) -> str:
    exact = fraction_text(Fraction(part * 100, whole))
    if "/" not in exact and len(exact.partition(".")[2]) <= decimals:
        return f"{exact} %"
    return f"{round_ratio(part * 100, whole, decimals, 'half_up'):f} %"


def amount(money: Money, language: str = "en") -> str:
    """`1,850.00`, as the language writes it."""
    return f"{abs(money.amount):,f}" if language == "en" else figures(f"{abs(money.amount):f}", language)


def performance(result: Attained, where: ZoneInfo) -> str:
    """A level that was promised, in a customer's sentences."""
    term, found, language = result.window.term, result.found, result.window.version.language
    began = instant(result.window.start).astimezone(where)
    when = f"{result.owner}, {month(language, began)} {began.year}"
    if found is None or found.value is None or result.attained is None:
        return say(language, "nothing known", when, term.measure)
    actual = Figure(found.value, found.unit).text()
    kept = say(language, "missed" if result.missed else "kept")
    said = say(language, "attained", when, actual, term.target, percent(result.attained), kept)
    share = result.due.share
    if not share:
        return said
    base = sum_of_money(result.base, result.window.version.currency, language)
    return f"{said} {say(language, 'gives', term.clause, say(language, 'of', percent(share), base))}"
