"""How values are written in contract and facts files, as types that pydantic reads.

Zone and currency of the contract come with the validation's context, so that a time is an instant and money has the
right currency as soon as it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo

from core import time
from core.money import Money, Price
from core.problem import Problem
from core.units import Quantity, UnknownUnit, is_unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from contracts.text import Path, TextDocument

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,12})?", re.ASCII)
_SHARE = re.compile(r"(-?\d{1,6}(?:\.\d{1,12})?) %", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_WORD = re.compile(r"\S(?:.*\S)?", re.DOTALL)
MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """Of the contract in which something is written."""

    zone: ZoneInfo
    currency: str


class Part(BaseModel):
    """Any map in a file: unknown fields are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=False)


def written(pattern: str, example: str) -> Any:
    """How a type is written, for the JSON Schema."""
    return Annotated[str, Field(pattern=f"^({pattern})$", examples=[example])]


def _read(parse: Callable[[str, Context], Any], shape: Any = str) -> PlainValidator:
    def validate(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"is a {'list' if isinstance(value, list) else 'map'}, where a single value is wanted")  # noqa: TRY004
        context: Context = info.context or Context(time.zone("UTC"), "EUR")
        return parse(value, context)

    return PlainValidator(validate, json_schema_input_type=shape)


def _money(text: str, context: Context) -> Money:
    money = Money.parse(text)
    if money.currency != context.currency:
        raise ValueError(f"{text!r} is not in the contract's currency {context.currency}")
    return money


def _price(text: str, context: Context) -> Price:
    price = Price.parse(text)
    if price.currency != context.currency:
        raise ValueError(f"{text!r} is not in the contract's currency {context.currency}")
    _unit(price.unit, context)
    return price


def _unit(text: str, _: Context) -> str:
    if not is_unit(text):
        raise UnknownUnit(f"{text!r} is no unit of the contract format")
    return text


def _share(text: str, _: Context) -> Fraction:
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no share; write it as 98 %")
    return Fraction(Decimal(match[1])) / 100


def _number(text: str, _: Context) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number; write it as 2 or 1.15")
    return Decimal(text)


def _count(text: str, _: Context) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number; write it as 2")
    return int(text)


def _word(text: str, _: Context) -> str:
    if len(text) > MAX_TEXT or not _WORD.fullmatch(text):
        raise ValueError("is empty, too long, or has blanks at its ends")
    return text


def _words(text: str, context: Context) -> str:
    """As YAML's folded text gives it, with the end of its last line."""
    return _word(text.rstrip(), context)


def _name(text: str, context: Context) -> str:
    if "|" in text or not text.isprintable():
        raise ValueError(f"{text!r} has a bar or an unprintable character, which a name may not")
    return _word(text, context)


def _flag(text: str, _: Context) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _time(text: str, context: Context) -> int:
    return time.micros(time.read_time(text, context.zone))


_DIGITS = r"-?\d+(\.\d+)?"
MONEY = written(rf"{_DIGITS} [A-Z]{{3}}", "1850.00 EUR")
PRICE = written(rf"{_DIGITS} [A-Z]{{3}}/\S+", "0.0420 EUR/km")
QUANTITY = written(rf"{_DIGITS} \S+", "6300.0 km")
SHARE = written(rf"{_DIGITS} %", "98 %")
NUMBER = written(_DIGITS, "1.15")
DURATION = written(r"\d+(\.\d+)? (ms|s|min|h)|P\S+", "48 h")
TIME = written(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", "2026-06-16 08:15")
Micros = Annotated[int, _read(_time, TIME)]
"""An instant, as whole microseconds since 1970 in UTC."""
MoneyWord = Annotated[Money, _read(_money, MONEY)]
PriceWord = Annotated[Price, _read(_price, PRICE)]
QuantityWord = Annotated[Quantity, _read(lambda text, _: Quantity.parse(text), QUANTITY)]
Unit = Annotated[str, _read(_unit)]
Share = Annotated[Fraction, _read(_share, SHARE)]
"""A part of one: 98 % is 49/50."""
Number = Annotated[Decimal, _read(_number, NUMBER)]
Count = Annotated[int, _read(_count, written(r"\d+", "2"))]
Word = Annotated[str, _read(_words)]
Name = Annotated[str, _read(_name)]
Flag = Annotated[bool, _read(_flag, Literal["true", "false"])]
DurationWord = Annotated[time.Duration, _read(lambda text, _: time.Duration.parse(text), DURATION)]
Automatic = Literal["automatic"]


_SHAPES = {"share": SHARE, "money": MONEY, "price": PRICE, "duration": DURATION, "quantity": QUANTITY}


def first_of(*types: str) -> PlainValidator:
    """Takes the first of these types that fits: share, money, price, duration, quantity, or a word itself."""
    shapes = [_SHAPES.get(name) or Literal[name] for name in types]
    return PlainValidator(_read_first(*types), json_schema_input_type=Union[tuple(shapes)])  # noqa: UP007 - made here


def _read_first(*types: str) -> Callable[[Any, ValidationInfo], Any]:
    parsers: dict[str, Callable[[str, Context], Any]] = {
        "share": _share,
        "money": _money,
        "price": _price,
        "duration": lambda text, _: time.Duration.parse(text),
        "quantity": lambda text, _: Quantity.parse(text),
    }

    def validate(value: Any, info: ValidationInfo) -> Any:
        context: Context = info.context or Context(time.zone("UTC"), "EUR")
        for name in types if isinstance(value, str) else ():
            if name not in parsers and value == name:
                return value
            try:
                return parsers[name](value, context)
            except (KeyError, ValueError):
                continue
        raise ValueError(f"{value!r} is none of {', '.join(types)}")

    return validate


def _or_none(parse: Callable[[str, Context], Any], shape: Any) -> PlainValidator:
    return _read(lambda text, context: None if text == "none" else parse(text, context), shape | Literal["none"])


QuantityOrNone = Annotated[Quantity | None, _or_none(lambda text, _: Quantity.parse(text), QUANTITY)]
"""A limit; None: none is agreed, written `none`."""
DurationOrNone = Annotated[time.Duration | None, _or_none(lambda text, _: time.Duration.parse(text), DURATION)]
MoneyOrNone = Annotated[Money | None, _or_none(_money, MONEY)]


def problems_of(error: ValidationError, document: TextDocument, *, base: Path = (), where: str = "") -> list[Problem]:
    """Everything that pydantic found, with places as a person writes them."""
    found = []
    for item in error.errors():
        path = _known_path((*base, *item["loc"]), document)
        found.append(_problem(item, f"{where}{document.place(path)}" if path else where.rstrip(", ")))
    return list(dict.fromkeys(found))


def _known_path(loc: tuple[str | int, ...], document: TextDocument) -> Path:
    """The location without pydantic's own words (names of union members) that are no keys of the file."""
    path: list[str | int] = []
    value: Any = document.value
    for n, part in enumerate(loc):
        last = n == len(loc) - 1
        inside = (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int))
        if inside:
            path.append(part)
            value = value[part] if not isinstance(value, list) or part < len(value) else None  # type: ignore[operator]
        elif last and isinstance(value, dict) and isinstance(part, str):
            path.append(part)
    return tuple(path)


def _problem(item: Any, place: str) -> Problem:
    kind, got = item["type"], item.get("input")
    if kind == "missing":
        return Problem(place, "is missing", "write it; there is no default")
    if kind == "extra_forbidden":
        return Problem(place, "is no field of this place", "remove it, or correct its name")
    if kind == "literal_error":
        return Problem(place, f"is {got!r}", f"write one of {item['ctx']['expected']}")
    if kind == "value_error":
        return Problem(place, str(item["ctx"]["error"]))
    if kind in ("model_type", "model_attributes_type", "dict_type", "list_type"):
        wanted = "list" if kind == "list_type" else "map"
        return Problem(place, f"is no {wanted}", f"write a {wanted}")
    return Problem(place, item["msg"])
