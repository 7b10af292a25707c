"""Money and prices: exact, one currency each, rounded once and only where told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from babel.core import get_global

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Mode: TypeAlias = Literal["half_up", "half_even"]

_TRAPS = [InvalidOperation, DivisionByZero, Overflow, FloatOperation, Clamped]
EXACT = Context(prec=60, traps=[*_TRAPS, Inexact])
"""Arithmetic that raises decimal.Inexact rather than lose a digit. Used explicitly: EXACT.add(a, b)."""
_ROUNDING = {
    "half_up": Context(prec=60, rounding=ROUND_HALF_UP, traps=_TRAPS),
    "half_even": Context(prec=60, rounding=ROUND_HALF_EVEN, traps=_TRAPS),
}
# At most 18 digits before and 12 after the point: no product of two such numbers needs more than the context has.
_MONEY = re.compile(r"(-?\d{1,18}(?:\.\d{1,12})?) ([A-Z]{3})", re.ASCII)
_PRICE = re.compile(r"(-?\d{1,18}(?:\.\d{1,12})?) ([A-Z]{3})/(\S+)", re.ASCII)
# ISO 4217 minor units other than 2.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_EXPONENTS = dict.fromkeys(_NO_DECIMALS.split(), 0) | dict.fromkeys(
    ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3
)


class CurrencyMismatch(ValueError):
    """Two currencies met where one was needed."""


class NotMoney(ValueError):
    """A text that is not written as money, or an amount that is no finite Decimal."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency. amount: a finite Decimal, never a float or int; currency: ISO 4217."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not Decimal or not self.amount.is_finite():
            raise NotMoney(f"{self.amount!r} is no exact amount; give a finite Decimal")
        if self.currency not in _currencies():
            raise NotMoney(f"{self.currency!r} is no currency; give an ISO 4217 code such as EUR")

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> Money:
        """Read "1850.00 EUR". Raises NotMoney."""
        match = _MONEY.fullmatch(text)
        if match is None:
            raise NotMoney(f"{text!r} is no money; write it as 1850.00 EUR")
        return cls(Decimal(match[1]), match[2])

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in this currency."""
        return cls(Decimal(0), currency)

    @classmethod
    def total(cls, items: Iterable[Money], currency: str) -> Money:
        """The sum of amounts of this currency."""
        whole = Decimal(0)
        for item in items:
            if item.currency != currency:
                raise CurrencyMismatch(f"{item} is not in {currency}")
            whole = EXACT.add(whole, item.amount)
        return cls(whole, currency)

    @classmethod
    def round_of(cls, exact: Fraction, currency: str, *, decimals: int, mode: Mode) -> Money:
        """An exact fraction rounded to money, once."""
        return cls(round_fraction(exact, decimals, mode), currency)

    @property
    def fraction(self) -> Fraction:
        """The amount, to compute with."""
        return Fraction(*self.amount.as_integer_ratio())

    def rounded(self, decimals: int, mode: Mode) -> Money:
        """To so many decimals; half_up goes away from zero."""
        return Money(self.amount.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDING[mode]), self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> Money:
        return Money(EXACT.minus(self.amount), self.currency)

    def __abs__(self) -> Money:
        return Money(EXACT.abs(self.amount), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self} and {other} are of two currencies")
        return other.amount


@dataclass(frozen=True, slots=True)
class Price:
    """Money for one unit, as many digits as agreed; never rounded before use."""

    amount: Decimal
    currency: str
    unit: str

    def __post_init__(self) -> None:
        Money(self.amount, self.currency)

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read "0.0420 EUR/km". Raises NotMoney; whether the unit is one of ours, core.units says."""
        match = _PRICE.fullmatch(text)
        if match is None:
            raise NotMoney(f"{text!r} is no price; write it as 0.0420 EUR/km")
        return cls(Decimal(match[1]), match[2], match[3])

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}/{self.unit}"


def allocate(total: Money, weights: Mapping[str, Fraction | Decimal | int], decimals: int) -> dict[str, Money]:
    """Share a total by weights to the last decimal; the shares add up to it.

    Largest remainder; ties go to the smaller key. All weights zero: equal shares. Raises ValueError for a negative
    weight, no weights at all, or a total with more decimals than the shares may have.
    """
    scaled = Fraction(total.amount) * 10**decimals
    if scaled.denominator != 1:
        raise ValueError(f"{total} has more than {decimals} decimals")
    exact = {key: Fraction(weight) for key, weight in weights.items()}
    if not exact or min(exact.values()) < 0:
        raise ValueError("a total is shared by weights of zero or more, and by one at least")
    whole = sum(exact.values()) or Fraction(len(exact))
    if not sum(exact.values()):
        exact = dict.fromkeys(exact, Fraction(1))
    sign, units = (-1, -scaled.numerator) if scaled < 0 else (1, scaled.numerator)
    shares = {key: units * weight / whole for key, weight in exact.items()}
    parts = {key: share.numerator // share.denominator for key, share in shares.items()}
    by_remainder = sorted(shares, key=lambda key: (parts[key] - shares[key], key))
    for key in by_remainder[: units - sum(parts.values())]:
        parts[key] += 1
    return {key: Money(Decimal(sign * parts[key]).scaleb(-decimals), total.currency) for key in exact}


def round_fraction(exact: Fraction, decimals: int, mode: Mode) -> Decimal:
    """A fraction as a Decimal of so many decimals, decided on whole numbers."""
    return round_ratio(*exact.as_integer_ratio(), decimals, mode)


def round_ratio(numerator: int, parts: int, decimals: int, mode: Mode) -> Decimal:
    """The same of a numerator and a denominator above zero, in lowest terms or not."""
    whole, rest = divmod(abs(numerator) * 10**decimals, parts)
    twice = 2 * rest
    if twice > parts or (twice == parts and (mode == "half_up" or whole % 2)):
        whole += 1
    return EXACT.scaleb(-whole if numerator < 0 else whole, -decimals)


def exponent(currency: str) -> int:
    """How many decimals the smallest unit of a currency has (ISO 4217)."""
    if not is_currency(currency):
        raise NotMoney(f"{currency!r} is no currency; give an ISO 4217 code such as EUR")
    return _EXPONENTS.get(currency, 2)


@lru_cache(maxsize=1024)
def is_currency(code: str) -> bool:
    """Whether this is an ISO 4217 code that is or was in use."""
    return code in _currencies()


@cache
def _currencies() -> frozenset[str]:
    return frozenset(get_global("all_currencies"))
