"""Price models over positions: what the units from one quantity to another cost. Exact; nothing is rounded.

Taking both ends lets a period be billed in parts: the parts sum to the whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import pairwise
from math import lcm
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ZERO = Fraction(0)
PAIR = 2


class Charge(NamedTuple):
    """A priced piece: so many units at a price, or a fee (then units is the position at which it is owed)."""

    band: int
    units: Fraction
    price: Fraction
    amount: Fraction
    fee: bool = False


class Band(NamedTuple):
    """A tier: what lies above a quantity, at a price for each unit and a fee once it is reached.

    whole: what all of its units cost, where that is known beforehand (`whole_charges`).
    """

    above: Fraction
    price: Fraction | None = None
    fee: Fraction | None = None
    whole: Charge | None = None


def whole_charges(bands: Sequence[Band]) -> tuple[Band, ...]:
    """The same tiers, each but the last with the charge of use that passes through all of it."""
    found = []
    for n, (band, following) in enumerate(pairwise(bands)):
        units = following.above - band.above
        whole = None if band.price is None else Charge(n, units, band.price, units * band.price)
        found.append(band._replace(whole=whole))
    return (*found, *bands[-1:])


def total(numbers: Sequence[Fraction]) -> Fraction:
    """Their sum; of one number itself."""
    if len(numbers) == 1:
        return numbers[0]
    ratios = [number.as_integer_ratio() for number in numbers]
    if len(numbers) == PAIR:
        (one, of), (other, of_other) = ratios
        return Fraction(one * of_other + other * of, of * of_other)
    if not numbers:
        return ZERO
    whole = lcm(*[parts for _, parts in ratios])
    return Fraction(sum([number * (whole // parts) for number, parts in ratios]), whole)


def _at_price(band: int, units: Fraction, price: Fraction) -> Charge:
    """Units of a tier at its price. Whole numbers are multiplied here, because that takes half the time."""
    (number, parts), (amount, of) = units.as_integer_ratio(), price.as_integer_ratio()
    return Charge(band, units, price, Fraction(number * amount, parts * of))


def _between(start: Fraction, end: Fraction) -> Fraction:
    (since, of), (until, parts) = start.as_integer_ratio(), end.as_integer_ratio()
    return Fraction(until * of - since * parts, of * parts)


def graduated(bands: Sequence[Band], start: Fraction, end: Fraction) -> Iterator[Charge]:
    """The units from start to end, each at the price of the tier in which it lies. start: zero or more.

    Where the count goes back, because use was corrected, units are given back at the prices at which they lay.
    """
    if start and end <= start:
        back = list(graduated(bands, max(end, ZERO), start)) if end < start else []
        yield from [one._replace(units=-one.units, amount=-one.amount) for one in reversed(back)]
        return
    if end.numerator <= 0:
        return
    first, last = bisect_right(bands, start, key=itemgetter(0)) - 1 if start else 0, reached(bands, end)
    for n in range(first, last + 1):
        band = bands[n]
        if n < last and band.whole is not None and (n > first or not start):
            yield band.whole
        elif band.price is not None:
            since, until = start if n == first else band.above, end if n == last else bands[n + 1].above
            yield _at_price(n, _between(since, until) if since else until, band.price)


def reached(bands: Sequence[Band], quantity: Fraction) -> int:
    """Which tier a quantity reaches: the last that it lies above; the first holds zero too."""
    return max(bisect_left(bands, quantity, key=itemgetter(0)) - 1, 0)


def fees(bands: Sequence[Band], start: Fraction, end: Fraction, *, opens: bool) -> Iterator[Charge]:
    """Fees that fall due between two quantities; opens: the count begins here, so that the first tier's is owed."""
    for n, band in enumerate(bands):
        crossed = start <= band.above < end
        if band.fee is not None and (opens if n == 0 else crossed):
            yield Charge(n, band.above, band.fee, band.fee, fee=True)


def packages(size: Fraction, start: Fraction, end: Fraction) -> int:
    """How many packages begin between two quantities; a part counts whole."""
    return _begun(size, end) - _begun(size, start)


def _begun(size: Fraction, quantity: Fraction) -> int:
    return -(-quantity // size)


def whole_units(quantity: Fraction, mode: str) -> Fraction:
    """A count rounded to whole units: none, up, or half_up."""
    if mode == "up":
        return Fraction(-(-quantity // 1))
    if mode == "half_up":
        return Fraction((2 * quantity + 1) // 2)
    return quantity
