"""What a line and a verdict say to a reader, in English; made from the same numbers, never computed again."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from contracts.evaluation import Figure, Step
from contracts.pricing import total
from core.canonical import fraction_text
from core.money import round_fraction, round_ratio
from core.time import HOUR, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from contracts.charge import Chunk
    from contracts.pricing import Charge
    from contracts.terms.performance import Result as Attained
    from contracts.uptime import Result
    from core.money import Money

ZERO, ONE = Fraction(0), Fraction(1)
WORDS = {
    "running": "running",
    "idle": "idle",
    "derated": "reduced power",
    "fault": "fault",
    "unplanned_repair": "unplanned repair",
    "planned_maintenance": "planned maintenance",
    "customer_cause": "caused on your side",
    "external": "external cause",
    "force_majeure": "force majeure",
    "unknown": "no data",
    "unannounced": "maintenance without notice or beyond the allowance",
}
"""Categories of time in a customer's words."""


def number(exact: Fraction, decimals: int = 4) -> str:
    """Exactly if the digits end, else with so many decimals."""
    whole = fraction_text(exact)
    return whole if "/" not in whole else f"{round_fraction(exact, decimals, 'half_up'):f}"


class Tier(NamedTuple):
    """Charges of one tier (or stair, or package) of a chunk, at one price and factor. amount: before the factor."""

    band: int
    fee: bool
    units: Fraction
    amount: Fraction
    factor: Fraction
    price: str

    @property
    def times(self) -> str:
        """How the factor is written; nothing for one."""
        return "" if self.factor is ONE or self.factor == 1 else number(self.factor)


def tiers(chunk: Chunk) -> list[Tier]:
    """A chunk's charges, those of one tier, price and factor put together, in order."""
    if len(chunk.rows) <= 1:
        return [_tier(chunk, charge, factor) for charge, factor in chunk.charges]
    found: dict[tuple[int, bool, tuple[int, int], tuple[int, int]], Tier] = {}
    for charge, factor in chunk.charges:
        key = charge.band, charge.fee, charge.price.as_integer_ratio(), factor.as_integer_ratio()
        one = found.get(key)
        if one is None:
            found[key] = _tier(chunk, charge, factor)
        else:
            found[key] = one._replace(units=one.units + charge.units, amount=one.amount + charge.amount)
    return list(found.values())


def _tier(chunk: Chunk, charge: Charge, factor: Fraction) -> Tier:
    return Tier(charge.band, charge.fee, charge.units, charge.amount, factor, price_text(charge, chunk))


def use(chunks: Sequence[Chunk], unit: str) -> str:
    """`8000 km at 0.0420, 2400 km at 0.0380`."""
    pieces = [piece for chunk in chunks for tier in chunk.tiers if (piece := _piece(tier, chunk, unit))]
    counted = total([chunk.counted for chunk in chunks])
    free = chunks[0].included
    head = f"{number(counted)} {unit}, {number(free)} {unit} included: " if free else ""
    return head + (", ".join(pieces) if pieces else "nothing to price" if counted else f"no {unit}")


def _piece(tier: Tier, chunk: Chunk, unit: str) -> str:
    times = f" x {tier.times}" if tier.times else ""
    if tier.fee:
        return f"fee {tier.price}{times}"
    word = "packages" if chunk.term.model == "package" else unit
    return f"{number(tier.units)} {word} at {tier.price}{times}" if tier.units else ""


def shared(part: Fraction, whole: Fraction, *, unit: str, amount: Money) -> str:
    """`667 of 1000 kWh, its share of 305.00`."""
    return f"{number(part)} of {number(whole)} {unit}, its share of {amount.amount:f}"


def steps(chunk: Chunk) -> list[Step]:
    """Where a chunk's units lie, and what each tier costs."""
    unit = chunk.unit
    position = {"from": f"{number(chunk.at)} {unit}", "to": f"{number(chunk.to)} {unit}"}
    formula = "position at the end - position at the start"
    return [
        Step("quantity", formula, position, f"{number(chunk.counted)} {unit}"),
        *(_tier_step(tier, chunk) for tier in chunk.tiers),
    ]


def _tier_step(tier: Tier, chunk: Chunk) -> Step:
    values = {"fee": tier.price} if tier.fee else {"units": number(tier.units), "price": tier.price}
    formula, amount = "fee" if tier.fee else "units × price", tier.amount
    if times := tier.times:
        values["factor"], formula, amount = times, formula + " × factor", amount * tier.factor
    result = f"{number(amount, 10)} {chunk.segment.version.currency}"
    label = chunk.stretch.labels[tier.band] if chunk.term.tiers else chunk.term.model
    return Step(label, formula, values, result)


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


def day(at: int, where: ZoneInfo) -> str:
    """`11 June`."""
    local = instant(at).astimezone(where)
    return f"{local.day} {local:%B}"


def amount(money: Money) -> str:
    """`1,850.00`."""
    return f"{abs(money.amount):,f}"


def credit(result: Result, money: Money) -> str:
    """`97.0279 % of 98 %: 5 % of 1850.00`, and what caps left of it."""
    term, due = result.window.term, result.due
    reached = result.tally.availability
    head = "at least " if result.open else f"{percent(reached or ZERO)} of {percent(term.target)}: "
    base = money_number(result.base, money.currency)
    whole = f"{money.amount:f}" if due.share is None else f"{percent(due.share)} of {base}"
    cut = result.money is not None and money != result.money
    return f"{head}{whole}" + (
        f" = {result.money.amount:f}, its share of what the cap leaves" if cut and result.money else ""
    )


def availability(result: Result, money: Money, where: ZoneInfo) -> str:
    """The verdict in a customer's sentences."""
    tally, window = result.tally, result.window
    sentences = [f"{result.owner}, {_window(result, where)}: required {hours(tally.required)}."]
    if tally.excluded:
        parts = [f"{WORDS.get(c, c)} {hours(t)}{_cause(result, c, where)}" for c, t in tally.excluded.items()]
        sentences.append(f"Not counted: {', '.join(parts)}.")
    sentences.append(f"Counted {hours(tally.counted)}.")
    if tally.down:
        parts = [_down(c, t, tally.touched[c]) for c, t in tally.down.items()]
        total = f" = {hours(tally.lost)}" if len(parts) > 1 else ""
        sentences.append(f"Down: {', '.join(parts)}{total}.")
    if tally.availability is not None:
        sentences.append(f"Availability {percent(tally.availability)}, promised {percent(window.term.target)}.")
    if money:
        due = result.due
        base = money_number(result.base, money.currency)
        share = "" if due.share is None else f"{percent(due.share)} of {base} = "
        sentences.append(f"§ {window.term.clause} gives {share}{amount(money)}.")
    if result.bounds and result.tally.unknown:
        worst = money_number(result.credits[0].exact, money.currency)
        sentences.append(f"If the hours without data were all down, the credit would be {worst}.")
    return " ".join(sentences)


def _window(result: Result, where: ZoneInfo) -> str:
    return _month(result.window.start, result.window.end - 1, where) or result.window.label


@lru_cache(maxsize=1024)
def _month(start: int, last: int, where: ZoneInfo) -> str:
    """`June 2026`, if both instants lie in it."""
    first, other = (instant(at).astimezone(where) for at in (start, last))
    return f"{first:%B %Y}" if (first.year, first.month) == (other.year, other.month) else ""


def _cause(result: Result, category: str, where: ZoneInfo) -> str:
    causes = result.tally.causes.get(category, ())
    return f" ({'; '.join(f'{cause}, {day(at, where)}' for cause, at in causes)})" if causes else ""


def _down(category: str, lost: Fraction, touched: int) -> str:
    word = WORDS.get(category, category)
    return f"{word} {hours(lost)}" if lost == touched else f"{word} {hours(touched)} counted as {hours(lost)}"


def performance(result: Attained, where: ZoneInfo) -> str:
    """A level that was promised, in a customer's sentences."""
    term, found = result.window.term, result.found
    when = f"{result.owner}, {instant(result.window.start).astimezone(where):%B %Y}"
    if found is None or found.value is None or result.attained is None:
        return f"{when}: nothing is known of {term.measure}."
    actual = Figure(found.value, found.unit).text()
    kept = "missed" if result.missed else "kept"
    share = result.due.share
    gives = f" § {term.clause} gives {percent(share)} of {number(result.base)}." if share else ""
    return f"{when}: {actual}, promised {term.target}: {percent(result.attained)} attained, {kept}.{gives}"
